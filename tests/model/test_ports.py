"""The three sockets: what may be plugged in, and what does nothing by default."""

from __future__ import annotations

import pytest

from kraken_trio._internal.model.errors import ProtocolError, SubscriptionError
from kraken_trio._internal.model.gap import Gap, GapReason, Resync
from kraken_trio._internal.model.lifecycle import (
    ConnectionState,
    Restored,
    SessionTrigger,
    StateChange,
)
from kraken_trio._internal.model.ports import Observer, RestResponse
from kraken_trio._internal.model.timestamp import Timestamp


def test_response_keeps_its_body_to_itself() -> None:
    """A token in the body, or a cookie in a header, does not show."""
    response = RestResponse(200, (("set-cookie", "hunter2"),), b'{"token":"hunter2"}')
    assert (repr(response), str(response)) == ("RestResponse(200, 19 bytes)",) * 2
    assert response.body == b'{"token":"hunter2"}'
    with pytest.raises(AttributeError):
        response.status = 500  # type: ignore[misc]


def test_an_observer_hears_nothing_unless_it_listens() -> None:
    """Every hook may be called on the plain class, and those not overridden on any other."""

    class Counter(Observer):
        """Remembers gaps."""

        def __init__(self) -> None:
            """There were none yet."""
            self.gaps: list[tuple[str, Gap]] = []

        def gap(self, session: str, gap: Gap) -> None:
            """One more."""
            self.gaps.append((session, gap))

    gap = Gap("book", "BTC/USD", GapReason.CHECKSUM)
    connected = ConnectionState.SUBSCRIBED
    listening = Counter()
    for observer in (Observer(), listening):
        observer.frame_received("public", b"{}", Timestamp(1))
        observer.frame_received("public", memoryview(b"{}"), Timestamp(1))
        observer.frame_sent("public", b"{}", Timestamp(1))
        observer.fault("public", ProtocolError("no JSON"))
        observer.gap("public", gap)
        observer.resync("public", Resync("book", "BTC/USD", GapReason.CHECKSUM, 0.5, Timestamp(1)))
        observer.restored(Restored("public", 1.5, Timestamp(1)))
        observer.state_changed(
            StateChange(*("public", connected, connected, SessionTrigger.GAP, "", Timestamp(1)))
        )
        observer.subscription_failed("public", SubscriptionError("no"))
    assert listening.gaps == [("public", gap)]

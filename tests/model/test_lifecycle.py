"""States and triggers have the names that are promised, each once."""

from __future__ import annotations

import enum

import pytest

from kraken_trio._internal.model.lifecycle import (
    BookState,
    BookTrigger,
    ConnectionState,
    Restored,
    SessionTrigger,
    StateChange,
    SubscriptionState,
    SubscriptionTrigger,
)
from kraken_trio._internal.model.timestamp import Timestamp


@pytest.mark.parametrize(
    "kind",
    [
        ConnectionState,
        SessionTrigger,
        SubscriptionState,
        SubscriptionTrigger,
        BookState,
        BookTrigger,
    ],
)
def test_words_are_unique(kind: type[enum.Enum]) -> None:
    """No two members share a word, which would make one the other's alias; each is lower case."""
    assert len(kind) == len(kind.__members__)
    for member in kind:
        assert member.value == member.value.lower()


def test_states_of_a_connection() -> None:
    """The eight states are those of the promised machine, by their names."""
    assert [state.value.upper() for state in ConnectionState] == list(ConnectionState.__members__)
    assert list(ConnectionState.__members__) == [
        "DISCONNECTED",
        "CONNECTING",
        "AUTHENTICATING",
        "SUBSCRIBING",
        "SUBSCRIBED",
        "RESYNCING",
        "DEGRADED",
        "CLOSED",
    ]


def test_reasons_of_the_promised_machine() -> None:
    """Each reason that the promised machine names is the word of a trigger."""
    promised = {
        "connection_failed",
        "timeout",
        "authentication_error",
        "server_disconnect",
        "heartbeat_timeout",
        "subscription_failed",
        "resync_failed",
        "max_retries",
        "user_requested",
    }
    assert promised <= {trigger.value for trigger in SessionTrigger}


def test_what_was_restored_is_frozen() -> None:
    """Which session, how long it took, and when."""
    restored = Restored("public", 1.5, Timestamp(1))
    with pytest.raises(AttributeError):
        restored.duration_s = 0.0  # type: ignore[misc]


def test_state_change_is_frozen() -> None:
    """A published transition cannot be changed."""
    change = StateChange(
        session="public",
        from_state=ConnectionState.SUBSCRIBED,
        to_state=ConnectionState.DEGRADED,
        trigger=SessionTrigger.LOST,
        reason="connection lost (no close code)",
        at=Timestamp(1),
    )
    with pytest.raises(AttributeError):
        change.reason = ""  # type: ignore[misc]

"""The route of a book: what it delivers, what it signals, what it forgets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kraken_trio._internal.engine.making import make_route
from kraken_trio._internal.engine.probe import Probe
from kraken_trio._internal.engine.signals import DataLost, Missed, SnapshotSeen
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import Gap, GapHandling, GapPolicy, GapReason
from kraken_trio._internal.model.level3 import Level3Order, Level3Snapshot, Level3Update
from kraken_trio._internal.model.lifecycle import BookState
from kraken_trio._internal.model.messages import BookMessage, Level3Message
from kraken_trio._internal.model.records import (
    BookSnapshot,
    BookUpdate,
    Level,
)
from kraken_trio._internal.model.timestamp import Timestamp

NOW = Timestamp(1_000)
LATER = Timestamp(2_000)
BID = Level(Decimal("1.5"), Decimal("2.00"))


def opened(part: Channel) -> tuple[Any, list[Any]]:
    """Give a route, and the list that is its one sink."""
    route, got = make_route(part, GapHandling()), list[Any]()
    route.join(got.append)
    return route, got


def book(*, snapshot: bool, checksum: int | None = None, qty: str = "2.00") -> BookMessage:
    """Give a book of one bid, with its right checksum unless another is given."""
    # CRC32 of the digits, computed with Python's zlib: "15200" and "15300".
    right = {"2.00": 1_139_169_561, "3.00": 1_109_668_654}[qty]
    bids = (Level(Decimal("1.5"), Decimal(qty)),)
    return BookMessage(
        "BTC/USD", snapshot, bids, (), right if checksum is None else checksum, NOW, LATER
    )


def level3(*, snapshot: bool) -> Level3Message:
    """Give an order-by-order book of one bid, or the event that changes its quantity."""
    qty, event = ("2.00", None) if snapshot else ("3.00", "modify")
    order = Level3Order("O1", Decimal("1.5"), Decimal(qty), NOW, event)  # type: ignore[arg-type]
    checksum = 1_139_169_561 if snapshot else 1_109_668_654
    return Level3Message("BTC/USD", snapshot, (order,), (), checksum, NOW, LATER)


def probed(route: Any, left_at: int = 10_000, confirmed_at: int | None = None) -> int:
    """Let a route be probed; give what it had heard before."""
    since = None if confirmed_at is None else Timestamp(confirmed_at)
    route.probe = Probe(since, Timestamp(left_at))
    return int(route.heard)


def test_a_book_delivers_what_was_verified() -> None:
    """A snapshot is a record and a signal; an update that is right is a record and no more."""
    route, got = opened(Channel.book("BTC/USD"))
    assert list(route.verify(book(snapshot=True))) == [SnapshotSeen(route.part)]
    assert list(route.verify(book(snapshot=False, qty="3.00"))) == []
    assert [type(item) for item in got] == [BookSnapshot, BookUpdate]
    assert got[1].best_bid == Level(Decimal("1.5"), Decimal("3.00"))


def test_a_book_that_does_not_verify_is_a_gap_and_a_signal() -> None:
    """The wrong checksum is told; what follows means nothing until the next snapshot."""
    route, got = opened(Channel.book("BTC/USD"))
    route.verify(book(snapshot=True))
    signals = route.verify(book(snapshot=False, checksum=7))
    assert list(signals) == [DataLost(route.part, got[1])]
    assert got[1].reason is GapReason.CHECKSUM
    assert list(route.verify(book(snapshot=False))) == []
    assert list(route.verify(book(snapshot=True))) == [SnapshotSeen(route.part)]
    assert [type(item) for item in got] == [BookSnapshot, Gap, BookSnapshot]


def test_one_who_joins_late_gets_the_book_first() -> None:
    """A live book is handed over as a verified snapshot of its own; one that is not, is not."""
    route, _ = opened(Channel.book("BTC/USD"))
    early, late = list[Any](), list[Any]()
    route.join(early.append)
    assert list(route.recall()) == []
    route.verify(book(snapshot=True))
    late += route.recall()
    route.join(late.append)
    assert [item.local for item in early] == [False]
    assert [item.local for item in late] == [True]
    route.verify(book(snapshot=False, qty="3.00"))
    assert early[-1] == late[-1]


def test_one_who_leaves_costs_nobody_else_anything() -> None:
    """A sink may leave while it is given something: the next one is given it all the same."""
    route, got = opened(Channel.book("BTC/USD"))
    first = list[Any]()

    def once(item: Any) -> None:
        first.append(item)
        route.leave(once)

    route.leave(got.append)
    route.join(once)
    route.join(got.append)
    route.verify(book(snapshot=True))
    route.verify(book(snapshot=False, qty="3.00"))
    assert [type(item) for item in first] == [BookSnapshot]
    assert [type(item) for item in got] == [BookSnapshot, BookUpdate]
    with pytest.raises(ValueError, match="not in tuple"):
        route.leave(once)


def test_a_disconnect_empties_the_book_and_says_so() -> None:
    """A live book is told to be lost; one that is not live has been told already."""
    route, got = opened(Channel.book("BTC/USD"))
    route.verify(book(snapshot=True))
    assert route.disconnect() == Gap("book", "BTC/USD", GapReason.DISCONNECT, from_time=NOW)
    assert route.book.state is BookState.AWAITING_SNAPSHOT
    assert route.disconnect() is None
    assert len(got) == 2


def test_the_order_by_order_book_goes_the_same_way() -> None:
    """A level3 snapshot is signalled, its update is not, and its disconnect is told."""
    route, got = opened(Channel.level3("BTC/USD"))
    assert list(route.verify(level3(snapshot=True))) == [SnapshotSeen(route.part)]
    assert list(route.verify(level3(snapshot=False))) == []
    assert [type(item) for item in got] == [Level3Snapshot, Level3Update]
    route.discard()
    assert route.disconnect() is None


def test_a_book_that_comes_right_by_itself_is_no_answer() -> None:
    """Where gaps are ignored nobody asked for it."""
    handling = GapHandling(policy=GapPolicy.IGNORE)
    route: Any = make_route(Channel.book("BTC/USD"), handling)
    got = list[Any]()
    route.join(got.append)
    route.verify(book(snapshot=True))
    route.verify(book(snapshot=False, checksum=7))
    assert list(route.verify(book(snapshot=False, qty="3.00"))) == []
    assert [type(item) for item in got] == [BookSnapshot, Gap, BookSnapshot]
    assert got[2].local


def test_a_closed_book_is_over() -> None:
    """Nothing that comes for it means anything."""
    route, got = opened(Channel.book("BTC/USD"))
    route.close()
    assert list(route.verify(book(snapshot=True))) == []
    probed(route)
    assert list(route.verify(book(snapshot=True))) == []
    assert (got, route.book.state) == ([], BookState.CLOSED)
    make_route(Channel.ticker("BTC/USD"), GapHandling()).close()  # of others nothing is kept


def test_a_probe_of_a_quiet_book_delivers_nothing() -> None:
    """The same levels again are no news; the snapshot is signalled, for somebody waits for it."""
    route, got = opened(Channel.book("BTC/USD"))
    route.verify(book(snapshot=True))
    heard = probed(route)
    assert list(route.verify(book(snapshot=True))) == [SnapshotSeen(route.part)]
    assert ([type(item) for item in got], route.heard) == ([BookSnapshot], heard)
    route.verify(book(snapshot=False, qty="3.00"))
    assert route.heard == heard + 1


@pytest.mark.parametrize(
    "left_at, reason", [(1_000, GapReason.STALLED), (999, GapReason.DISCONNECT)]
)
def test_a_probe_of_a_book_shows_what_was_kept_from_us(left_at: int, reason: GapReason) -> None:
    """The gap comes first, then the book as it is; when it changed decides whose fault it is."""
    route, got = opened(Channel.book("BTC/USD"))
    route.verify(book(snapshot=True))
    probed(route, left_at)
    missed, seen = route.verify(book(snapshot=True, qty="3.00"))
    gap = Gap("book", "BTC/USD", reason, from_time=NOW, to_time=NOW)
    assert (missed, seen) == (Missed(route.part, gap), SnapshotSeen(route.part))
    assert [type(item) for item in got] == [BookSnapshot, Gap, BookSnapshot]
    assert got[1] == gap
    assert route.book.snapshot().bids == got[2].bids


def test_the_second_accident_in_a_row_is_none() -> None:
    """A market that moves just while we are gone, and only then, is one that is kept from us."""
    route, got = opened(Channel.book("BTC/USD"))
    route.verify(book(snapshot=True))
    for qty in ("3.00", "2.00", "3.00"):
        probed(route, 999)
        route.verify(book(snapshot=True, qty=qty))
    route.verify(book(snapshot=False))
    probed(route, 999)
    route.verify(book(snapshot=True, qty="3.00"))
    d, s = GapReason.DISCONNECT, GapReason.STALLED
    assert [item.reason for item in got if isinstance(item, Gap)] == [d, s, s, d]


def test_a_probe_that_does_not_verify_is_a_loss() -> None:
    """As any snapshot that does not."""
    route, got = opened(Channel.book("BTC/USD"))
    route.verify(book(snapshot=True))
    probed(route)
    (lost,) = route.verify(book(snapshot=True, checksum=7))
    assert (lost, got[1].reason) == (DataLost(route.part, got[1]), GapReason.CHECKSUM)


def test_a_probe_of_a_book_that_is_not_live_is_its_snapshot() -> None:
    """One that ignores its gaps may be broken while it is probed."""
    route, got = opened(Channel.book("BTC/USD"))
    probed(route)
    assert list(route.verify(book(snapshot=True))) == [SnapshotSeen(route.part)]
    assert [type(item) for item in got] == [BookSnapshot]


def test_what_does_not_come_is_told() -> None:
    """With the moment up to which all was well, if there was one."""
    route, got = opened(Channel.book("BTC/USD"))
    assert route.stall() == got[0] == Gap("book", "BTC/USD", GapReason.STALLED)
    route.verify(book(snapshot=True))
    assert route.stall().from_time == NOW

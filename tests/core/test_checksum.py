"""The life of a book, of either kind: what is believed, what is dropped, what is counted."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from kraken_trio._internal.core.book import OrderBook
from kraken_trio._internal.core.checksum import CheckedBook
from kraken_trio._internal.core.level3 import Level3Book
from kraken_trio._internal.core.states import BOOK, Row
from kraken_trio._internal.model.gap import Gap, GapReason
from kraken_trio._internal.model.level3 import Level3Order, Level3Snapshot, Level3Update
from kraken_trio._internal.model.lifecycle import BookState, BookTrigger
from kraken_trio._internal.model.messages import BookMessage, Level3Message
from kraken_trio._internal.model.records import BookSnapshot, BookUpdate, Level
from kraken_trio._internal.model.timestamp import Timestamp

Rows = tuple[tuple[str, str], ...]
"""Prices and quantities, as they are written."""

SYMBOL = "BTC/USD"
BIDS: Rows = (("45283.5", "0.10000000"), ("45283.4", "1.54582015"))
ASKS: Rows = (("45285.2", "0.00100000"), ("45286.4", "1.54571953"))


def crc(bids: Rows, asks: Rows, price_precision: int = 1, qty_precision: int = 8) -> int:
    """Give the checksum of a book, best first, by the rule: digits of the padded numbers."""

    def digits(number: str, precision: int) -> str:
        whole, _, fraction = number.partition(".")
        return (whole + fraction.ljust(precision, "0")).lstrip("0")

    text = "".join(
        digits(price, price_precision) + digits(qty, qty_precision) for price, qty in (*asks, *bids)
    )
    return zlib.crc32(text.encode())


class Kind:
    """One kind of book, and its messages; a level of ``level3`` is one order here."""

    name: str
    snapshot_record: Any
    update_record: Any

    def book(self, depth: int = 10, *precision: int) -> CheckedBook[Any, Any, Any, Any]:
        """Give an empty book."""
        raise NotImplementedError

    def rows(self, rows: Rows) -> tuple[Any, ...]:
        """Give what a message has for some levels."""
        raise NotImplementedError

    def message(
        self, checksum: int, bids: Rows = (), asks: Rows = (), *, snapshot: bool, at: int | None = 1
    ) -> Any:
        """Give a message."""
        raise NotImplementedError

    def snapshot(
        self, checksum: int | None = None, bids: Rows = BIDS, asks: Rows = ASKS, at: int | None = 1
    ) -> Any:
        """Give a snapshot, right if nothing else is said."""
        checksum = crc(bids, asks) if checksum is None else checksum
        return self.message(checksum, bids, asks, snapshot=True, at=at)

    def update(self, checksum: int, bids: Rows = (), asks: Rows = (), at: int | None = 2) -> Any:
        """Give an update."""
        return self.message(checksum, bids, asks, snapshot=False, at=at)


def moment(at: int | None) -> Timestamp | None:
    """Give a time, or none."""
    return None if at is None else Timestamp(at)


class Levels(Kind):
    """``book``."""

    name = "book"
    snapshot_record = BookSnapshot
    update_record = BookUpdate

    def book(self, depth: int = 10, *precision: int) -> OrderBook:
        """Give an empty book."""
        price, qty = precision or (0, 0)
        return OrderBook(SYMBOL, depth, price_precision=price, qty_precision=qty)

    def rows(self, rows: Rows) -> tuple[Level, ...]:
        """Give the levels."""
        return tuple(Level(Decimal(price), Decimal(qty)) for price, qty in rows)

    def message(
        self, checksum: int, bids: Rows = (), asks: Rows = (), *, snapshot: bool, at: int | None = 1
    ) -> BookMessage:
        """Give a message."""
        return BookMessage(
            SYMBOL, snapshot, self.rows(bids), self.rows(asks), checksum, moment(at), Timestamp(9)
        )


class Orders(Kind):
    """``level3``."""

    name = "level3"
    snapshot_record = Level3Snapshot
    update_record = Level3Update

    def book(self, depth: int = 10, *precision: int) -> Level3Book:
        """Give an empty book."""
        price, qty = precision or (0, 0)
        return Level3Book(SYMBOL, depth, price_precision=price, qty_precision=qty)

    def rows(self, rows: Rows) -> tuple[Level3Order, ...]:
        """Give one order for each level, as it rests."""
        return tuple(
            Level3Order(price, Decimal(price), Decimal(qty), Timestamp(5)) for price, qty in rows
        )

    def message(
        self, checksum: int, bids: Rows = (), asks: Rows = (), *, snapshot: bool, at: int | None = 1
    ) -> Level3Message:
        """Give a message; in an update, orders are added."""

        def events(rows: Rows) -> Iterable[Level3Order]:
            for order in self.rows(rows):
                yield Level3Order(
                    order.order_id,
                    order.limit_price,
                    order.order_qty,
                    order.timestamp,
                    None if snapshot else "add" if order.order_qty else "delete",
                )

        return Level3Message(
            SYMBOL,
            snapshot,
            tuple(events(bids)),
            tuple(events(asks)),
            checksum,
            moment(at),
            Timestamp(9),
        )


def state(book: CheckedBook[Any, Any, Any, Any]) -> BookState:
    """Give the state; a call, because a type checker takes an attribute to stay as it was."""
    return book.state


@pytest.fixture(params=[Levels(), Orders()], ids=lambda kind: str(kind.name))
def kind(request: pytest.FixtureRequest) -> Kind:
    """Give each kind of book."""
    assert isinstance(request.param, Kind)
    return request.param


def test_a_live_book_stays_live() -> None:
    """The row that a book does not fire for every update says that there is nothing to do."""
    assert BOOK[BookState.LIVE, BookTrigger.UPDATE] == Row(BookState.LIVE)


def test_a_new_book(kind: Kind) -> None:
    """A book starts empty, and awaits its snapshot."""
    book = kind.book(25)
    assert state(book) is BookState.AWAITING_SNAPSHOT
    assert (book.symbol, book.depth, book.channel) == (SYMBOL, 25, kind.name)
    assert book.snapshot() is None
    assert not book.precision_raised
    counted = (book.snapshots, book.updates, book.stale, book.checksums_ok, book.checksums_failed)
    assert counted == (0, 0, 0, 0, 0)


def test_snapshot_and_updates(kind: Kind) -> None:
    """What verifies becomes a record, with the times and the checksum of its message."""
    book = kind.book()
    record = book.apply(kind.snapshot())
    assert isinstance(record, kind.snapshot_record)
    assert state(book) is BookState.LIVE
    assert (record.symbol, record.depth, record.checksum) == (SYMBOL, 10, crc(BIDS, ASKS))
    assert (record.timestamp, record.received_at) == (Timestamp(1), Timestamp(9))
    assert (record.bids, record.asks) == (kind.rows(BIDS), kind.rows(ASKS))
    asks = (*ASKS[:1], ("45285.9", "2.00000000"), *ASKS[1:])
    message = kind.update(crc(BIDS, asks), asks=asks[1:2])
    record = book.apply(message)
    assert isinstance(record, kind.update_record)
    assert (record.symbol, record.checksum) == (SYMBOL, crc(BIDS, asks))
    assert (record.timestamp, record.received_at) == (Timestamp(2), Timestamp(9))
    # The levels of the message as they are.
    assert record.asks is message.asks
    assert record.bids is message.bids
    assert (book.snapshots, book.updates, book.checksums_ok, book.checksums_failed) == (1, 1, 2, 0)


def test_local_snapshot(kind: Kind) -> None:
    """A local snapshot is the book after the last message, with its times and its checksum."""
    book = kind.book()
    book.apply(kind.snapshot())
    bids = (("45283.5", "7.00000000"), *BIDS[1:])
    book.apply(kind.update(crc(bids, ASKS), bids=bids[:1], at=7))
    local = book.snapshot()
    assert isinstance(local, kind.snapshot_record)
    assert local.checksum == crc(bids, ASKS)
    assert (local.timestamp, local.received_at) == (Timestamp(7), Timestamp(9))
    assert (local.symbol, local.depth) == (SYMBOL, 10)
    assert [row.price if isinstance(row, Level) else row.limit_price for row in local.bids] == [
        Decimal(price) for price, _ in bids
    ]


def test_a_second_snapshot_replaces(kind: Kind) -> None:
    """Nothing of before is left after a snapshot that nobody asked for."""
    book = kind.book()
    book.apply(kind.snapshot())
    bids = (("100.0", "1.00000000"),)
    record = book.apply(kind.snapshot(bids=bids, asks=()))
    assert isinstance(record, kind.snapshot_record)
    assert (record.bids, record.asks) == (kind.rows(bids), ())
    assert state(book) is BookState.LIVE


def test_an_empty_book(kind: Kind) -> None:
    """A book may be empty on both sides; its checksum is that of nothing."""
    book = kind.book()
    assert isinstance(book.apply(kind.snapshot(0, (), ())), kind.snapshot_record)
    assert isinstance(book.apply(kind.update(0)), kind.update_record)
    bids = (("1.5", "0.00000001"),)
    assert isinstance(book.apply(kind.update(crc(bids, ()), bids=bids)), kind.update_record)
    gone = (("1.5", "0.00000000"),)
    assert isinstance(book.apply(kind.update(0, bids=gone)), kind.update_record)


def test_mismatch_then_snapshot(kind: Kind) -> None:
    """A wrong checksum leaves nothing, and says so; the next snapshot makes the book live."""
    book = kind.book()
    book.apply(kind.snapshot(at=3))
    asks = (("45285.2", "5.00000000"), *ASKS[1:])
    gap = book.apply(kind.update(77, asks=asks[:1], at=4))
    assert gap == Gap(
        channel=kind.name,
        symbol=SYMBOL,
        reason=GapReason.CHECKSUM,
        expected=77,
        received=crc(BIDS, asks),
        from_time=Timestamp(3),
        to_time=Timestamp(4),
    )
    assert state(book) is BookState.RESYNCING
    assert book.snapshot() is None
    assert book.apply(kind.update(crc(BIDS, asks), asks=asks[:1])) is None
    assert (book.stale, book.updates, book.checksums_failed) == (1, 1, 1)
    # Its snapshot may fail as well.
    gap = book.apply(kind.snapshot(78, at=None))
    assert isinstance(gap, Gap)
    assert (gap.expected, gap.received) == (78, crc(BIDS, ASKS))
    assert (gap.from_time, gap.to_time) == (Timestamp(3), None)
    assert state(book) is BookState.RESYNCING
    assert isinstance(book.apply(kind.snapshot(bids=BIDS[:1])), kind.snapshot_record)
    assert state(book) is BookState.LIVE
    bids = (*BIDS[:1], ("1.0", "1.00000000"))
    assert isinstance(book.apply(kind.update(crc(bids, ASKS), bids=bids[1:])), kind.update_record)
    assert (book.snapshots, book.updates, book.checksums_failed, book.checksums_ok) == (3, 2, 2, 3)


def test_a_lenient_book_is_right_again_when_a_checksum_says_so(kind: Kind) -> None:
    """Nobody sends it a snapshot, so it goes on unseen, and comes back with one of its own."""
    book = kind.book()
    book.lenient = True
    book.apply(kind.snapshot(bids=(), asks=()))
    # A bid is lost on the way.
    lost, first, second = ("9.0", "1.00000000"), ("8.0", "2.00000000"), ("7.0", "3.00000000")
    assert isinstance(book.apply(kind.update(crc((lost, first), ()), bids=(first,))), Gap)
    assert book.apply(kind.update(crc((lost, first, second), ()), bids=(second,))) is None
    assert (state(book), book.snapshot()) == (BookState.RESYNCING, None)
    # It is taken back: then nothing is missing any more.
    book.set_precision(1, 8)
    back = book.apply(kind.update(crc((first, second), ()), bids=(("9.0", "0.00000000"),), at=7))
    assert isinstance(back, kind.snapshot_record)
    assert (back.local, back.timestamp, back.bids) == (
        True,
        Timestamp(7),
        kind.rows((first, second)),
    )
    assert state(book) is BookState.LIVE
    assert (book.updates, book.checksums_failed) == (3, 2)
    # A snapshot mends it as ever.
    assert isinstance(book.apply(kind.update(1)), Gap)
    assert isinstance(book.apply(kind.snapshot()), kind.snapshot_record)


def test_first_snapshot_fails(kind: Kind) -> None:
    """Where nothing was ever good, a gap has no time from which on it is."""
    book = kind.book()
    gap = book.apply(kind.snapshot(5))
    assert isinstance(gap, Gap)
    assert (gap.from_time, gap.to_time) == (None, Timestamp(1))
    assert state(book) is BookState.RESYNCING


def test_live_snapshot_fails(kind: Kind) -> None:
    """A snapshot that does not verify takes a live book down as well."""
    book = kind.book()
    book.apply(kind.snapshot())
    assert isinstance(book.apply(kind.snapshot(5)), Gap)
    assert state(book) is BookState.RESYNCING
    assert book.snapshot() is None


def test_stale_updates(kind: Kind) -> None:
    """An update of a book that awaits its snapshot is counted, and leaves nothing behind."""
    book = kind.book()
    assert book.apply(kind.update(1, bids=BIDS, asks=ASKS)) is None
    assert state(book) is BookState.AWAITING_SNAPSHOT
    assert (book.stale, book.updates) == (1, 0)
    assert [*book._bids.numbers(), *book._asks.numbers()] == []
    record = book.apply(kind.snapshot(bids=BIDS[:1], asks=()))
    assert isinstance(record, kind.snapshot_record)
    assert (record.bids, record.asks) == (kind.rows(BIDS[:1]), ())


def test_invalidate(kind: Kind) -> None:
    """An invalid book is empty and awaits its snapshot, from wherever it was."""
    book = kind.book()
    book.invalidate()
    assert state(book) is BookState.AWAITING_SNAPSHOT
    book.apply(kind.snapshot(at=6))
    book.invalidate()
    assert state(book) is BookState.AWAITING_SNAPSHOT
    assert book.snapshot() is None
    assert book.apply(kind.update(1, bids=BIDS)) is None
    gap = book.apply(kind.snapshot(5))
    assert isinstance(gap, Gap)
    assert gap.from_time == Timestamp(6)
    book.invalidate()
    assert state(book) is BookState.AWAITING_SNAPSHOT
    assert isinstance(book.apply(kind.snapshot()), kind.snapshot_record)


def test_close(kind: Kind) -> None:
    """After its end a book is empty, and ignores whatever comes."""
    book = kind.book()
    book.apply(kind.snapshot())
    book.close()
    assert state(book) is BookState.CLOSED
    assert book.apply(kind.snapshot()) is None
    assert book.apply(kind.update(1, bids=BIDS)) is None
    book.invalidate()
    book.close()
    assert state(book) is BookState.CLOSED
    assert book.snapshot() is None
    assert (book.snapshots, book.updates, book.stale) == (1, 0, 2)


def test_precision_is_learned(kind: Kind) -> None:
    """Where nobody tells the precision, it is the most digits of the snapshot."""
    book = kind.book()
    bids = (("45283.5", "0.1"), ("45283.4", "1.54582015"))
    asks = (("45285", "0.001"), ("45286", "2"))
    assert isinstance(book.apply(kind.snapshot(None, bids, asks)), kind.snapshot_record)
    assert (book.price_precision, book.qty_precision) == (1, 8)
    assert not book.precision_raised


@pytest.mark.parametrize(
    "bid, precision",
    [
        pytest.param(("45283.55", "0.10000000"), (2, 8), id="price"),
        pytest.param(("45283.5", "0.1000000001"), (1, 10), id="qty"),
        pytest.param(("45283.55", "0.1000000001"), (2, 10), id="both"),
    ],
)
@pytest.mark.parametrize("told", [(), (1, 8)], ids=["learned", "told"])
def test_precision_grows(
    kind: Kind, told: tuple[int, ...], bid: tuple[str, str], precision: tuple[int, int]
) -> None:
    """A number with more digits raises the precision, even one that was told; all is reprinted."""
    book = kind.book(10, *told)
    book.apply(kind.snapshot())
    bids = (bid, *BIDS[1:])
    gone = () if bid[0] == BIDS[0][0] else ((BIDS[0][0], "0"),)
    checksum = crc(bids, ASKS, *precision)
    assert isinstance(book.apply(kind.update(checksum, (*gone, bid))), kind.update_record)
    assert (book.price_precision, book.qty_precision) == precision
    assert book.precision_raised
    # The other side, too.
    checksum = crc(bids, ASKS[1:], *precision)
    gone = ((ASKS[0][0], "0"),)
    assert isinstance(book.apply(kind.update(checksum, asks=gone)), kind.update_record)


def test_precision_of_stale_updates(kind: Kind) -> None:
    """A snapshot may fail for want of digits; what follows shows them, and says so."""
    book = kind.book()
    bids, asks = (("45283", "0.1"),), (("45285", "0.001"),)
    snapshot = kind.snapshot(crc(bids, asks), bids, asks)
    assert isinstance(book.apply(snapshot), Gap)
    assert (book.price_precision, book.qty_precision) == (0, 3)
    assert book.apply(kind.update(0, BIDS)) is None
    assert (book.price_precision, book.qty_precision) == (1, 8)
    assert book.precision_raised
    assert isinstance(book.apply(snapshot), kind.snapshot_record)
    assert (book.price_precision, book.qty_precision) == (1, 8)
    assert book.precision_raised
    # An empty book shows no digits; they are known all the same.
    assert isinstance(book.apply(kind.snapshot(0, (), ())), kind.snapshot_record)
    assert (book.price_precision, book.qty_precision) == (1, 8)


@pytest.mark.parametrize("told", [(), (3, 8)], ids=["learned", "told"])
def test_precision_falls(kind: Kind, told: tuple[int, ...]) -> None:
    """A pair may lose decimals: a snapshot is read with its own digits first."""
    book = kind.book(10, *told)
    bids = (("45283.555", "0.10000000"),)
    assert isinstance(book.apply(kind.snapshot(crc(bids, (), 3), bids, ())), kind.snapshot_record)
    if told:
        book.set_precision(1, 8)
        # What its checksums prove stays, as long as they do.
        assert book.price_precision == 3
    assert isinstance(book.apply(kind.snapshot()), kind.snapshot_record)
    assert (book.price_precision, book.qty_precision) == (1, 8)


def test_a_wrong_snapshot_without_its_zeros(kind: Kind) -> None:
    """Knowing more digits than a snapshot shows gives it a second chance, and no more than that."""
    book = kind.book()
    assert isinstance(book.apply(kind.snapshot()), kind.snapshot_record)
    bids, asks = (("45283", "0.1"),), (("45285", "0.001"),)
    gap = book.apply(kind.snapshot(crc(bids, asks) ^ 1, bids, asks))
    assert isinstance(gap, Gap)
    # It was computed with all digits that are known.
    assert (gap.expected, gap.received) == (crc(bids, asks) ^ 1, crc(bids, asks))
    assert state(book) is BookState.RESYNCING
    assert isinstance(book.apply(kind.snapshot(None, bids, asks)), kind.snapshot_record)


def test_set_precision_before_the_snapshot(kind: Kind) -> None:
    """The precision that is told is the one that numbers are padded to."""
    book = kind.book()
    book.set_precision(1, 8)
    assert (book.price_precision, book.qty_precision) == (1, 8)
    bids, asks = (("45283", "0.1"),), (("45285", "0.001"),)
    snapshot = kind.snapshot(crc(bids, asks), bids, asks)
    assert isinstance(book.apply(snapshot), kind.snapshot_record)
    assert not book.precision_raised


def test_set_precision_of_a_live_book(kind: Kind) -> None:
    """What is told to a live book counts from the first checksum that needs it."""
    book = kind.book()
    book.apply(kind.snapshot(0, (), ()))
    book.set_precision(1, 8)
    assert (book.price_precision, book.qty_precision) == (0, 0)
    bids = (("45283", "0.1"),)
    assert isinstance(book.apply(kind.update(crc(bids, ()), bids)), kind.update_record)
    assert (book.price_precision, book.qty_precision) == (1, 8)


def test_impossible_precision(kind: Kind) -> None:
    """A precision that no number can have is refused, and changes nothing."""
    book = kind.book(10, 1, 8)
    with pytest.raises(ValueError, match="0 to 40 decimals"):
        book.set_precision(1, 10**9)
    with pytest.raises(ValueError, match="0 to 40 decimals"):
        kind.book(10, -1, 8)
    assert isinstance(book.apply(kind.snapshot()), kind.snapshot_record)


def test_a_snapshot_that_cannot_be_verified() -> None:
    """A snapshot without a checksum is believed and counted apart; the next update proves it."""
    levels = [
        tuple(Level(Decimal(price), Decimal(qty)) for price, qty in rows) for rows in (BIDS, ASKS)
    ]
    book = OrderBook(SYMBOL, 10)
    snapshot = BookMessage(SYMBOL, True, levels[0], levels[1], None, None, None)  # noqa: FBT003
    assert isinstance(book.apply(snapshot), BookSnapshot)
    assert (book.state, book.unchecked, book.checksums_ok) == (BookState.LIVE, 1, 0)
    update = BookMessage(SYMBOL, False, levels[0][:1], (), crc(BIDS, ASKS), None, None)  # noqa: FBT003
    assert isinstance(book.apply(update), BookUpdate)
    assert (book.unchecked, book.checksums_ok, book.checksums_failed) == (1, 1, 0)


def test_what_it_holds_and_what_that_is_summed_of(kind: Kind) -> None:
    """Also where it failed, and goes on unseen."""
    book = kind.book()
    book.apply(kind.snapshot())

    def plain(rows: Rows) -> list[tuple[Decimal, Decimal]]:
        return [(Decimal(price), Decimal(qty)) for price, qty in rows]

    assert book.held() == (plain(BIDS), plain(ASKS))
    assert zlib.crc32(book.text) == crc(BIDS, ASKS)
    book.lenient = True
    gap = book.apply(kind.update(7, bids=(("45283.9", "1.00000000"),)))
    assert isinstance(gap, Gap)
    assert zlib.crc32(book.text) == gap.received
    assert book.held()[0][0] == (Decimal("45283.9"), Decimal("1.00000000"))

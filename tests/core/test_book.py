"""The order book: published checksums, the rules of its levels, and any traffic at all."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from decimal import Context, Decimal, Inexact, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kraken_trio._internal.core.book import OrderBook
from kraken_trio._internal.model.gap import Gap
from kraken_trio._internal.model.lifecycle import BookState
from kraken_trio._internal.model.messages import BookMessage
from kraken_trio._internal.model.records import BookSnapshot, BookUpdate, Level
from kraken_trio._internal.model.timestamp import Timestamp

SYMBOL = "BTC/USD"
AT = Timestamp(1_700_000_000_000_000_000)
Units = dict[int, int]
"""A side of a book: quantities by price, both in their smallest units."""
Changes = list[tuple[int, int]]
"""Prices and quantities, both in their smallest units."""
Form = Callable[[str], str]
"""How numbers are written."""


def as_it_is(number: str) -> str:
    """Write a number as the wire does."""
    return number


def shortened(number: str) -> str:
    """Write a number as a float printer does: 4.50 as 4.5."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def scientific(number: str) -> str:
    """Write a number with an exponent where that is shorter: 0.0005 as 5E-4, 40.0 as 4E+1."""
    return str(Decimal(number).normalize(Context(prec=90)))


FORMS = [as_it_is, shortened, scientific]


def levels(text: str, form: Form = as_it_is) -> tuple[Level, ...]:
    """Give levels, written as prices and quantities."""
    numbers = [Decimal(form(number)) for number in text.split()]
    return tuple(Level(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True))


def crc(bids: Changes, asks: Changes) -> int:
    """Give the checksum of the ten best of each side, which stand first, from nothing but units."""
    rows = [*asks[:10], *bids[:10]]
    return zlib.crc32("".join(f"{price}{qty}" for price, qty in rows).encode())


def message(
    bids: tuple[Level, ...] = (),
    asks: tuple[Level, ...] = (),
    checksum: int = 0,
    *,
    snapshot: bool = False,
) -> BookMessage:
    """Give a message."""
    return BookMessage(SYMBOL, snapshot, bids, asks, checksum, AT, None)


# The worked example of the checksum guide.
GUIDE_ASKS = """
    45285.2 0.00100000  45286.4 1.54571953  45286.6 1.54571109  45289.6 1.54560911
    45290.2 0.15890660  45291.8 1.54553491  45294.7 0.04454749  45296.1 0.35380000
    45297.5 0.09945542  45299.5 0.18772827
"""
GUIDE_BIDS = """
    45283.5 0.10000000  45283.4 1.54582015  45282.1 0.10000000  45281.0 0.10000000
    45280.3 1.54592586  45279.0 0.07990000  45277.6 0.03310103  45277.5 0.30000000
    45277.3 1.54602737  45276.6 0.15445238
"""
GUIDE_CHECKSUM = 3310070434
# The examples of the channel page, padded to the precision of their pair.
PAGE_BIDS = """
    0.5666 4831.75496356   0.5665 6658.22734739   0.5664 18724.91513344  0.5663 11563.92544914
    0.5662 14006.65365711  0.5661 17454.85679807  0.5660 18097.15470000  0.5659 33644.89175666
    0.5658 148.34640000    0.5657 606.70854372
"""
PAGE_ASKS = """
    0.5668 4410.79769741   0.5669 4655.40412487   0.5670 49844.89424998  0.5671 24306.41678000
    0.5672 29783.25223475  0.5673 57234.71239278  0.5674 45065.04744000  0.5675 5912.76380354
    0.5676 42514.92434778  0.5677 36304.08470220
"""
PAGE_CHECKSUM = 2439117997
PAGE_UPDATE = "0.5657 1098.39475580"
PAGE_UPDATE_CHECKSUM = 2114181697


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("told", [True, False], ids=["told", "learned"])
@pytest.mark.parametrize("depth", [10, 1000])
def test_guide(form: Form, told: bool, depth: int) -> None:
    """The worked example of the documentation verifies, however its numbers are written."""
    precision = {"price_precision": 1, "qty_precision": 8} if told else {}
    book = OrderBook(SYMBOL, depth, **precision)
    bids, asks = levels(GUIDE_BIDS, form), levels(GUIDE_ASKS, form)
    record = book.apply(message(bids, asks, GUIDE_CHECKSUM, snapshot=True))
    assert record == BookSnapshot(SYMBOL, depth, bids, asks, GUIDE_CHECKSUM, AT)
    assert (book.price_precision, book.qty_precision) == (1, 8)
    assert (book.best_bid, book.best_ask) == (bids[0], asks[0])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("told", [True, False], ids=["told", "learned"])
def test_page(form: Form, told: bool) -> None:
    """The snapshot and the update of the channel page verify when they are padded."""
    book = OrderBook(SYMBOL, 10)
    if told:
        book.set_precision(4, 8)
    bids, asks = levels(PAGE_BIDS, form), levels(PAGE_ASKS, form)
    record = book.apply(message(bids, asks, PAGE_CHECKSUM, snapshot=True))
    assert isinstance(record, BookSnapshot)
    change = levels(PAGE_UPDATE, form)
    record = book.apply(message(change, (), PAGE_UPDATE_CHECKSUM))
    best = (bids[0], asks[0])
    assert record == BookUpdate(SYMBOL, change, (), *best, PAGE_UPDATE_CHECKSUM, AT)


def test_snapshot_reuses_the_levels() -> None:
    """The levels of a message are those of the book and of its records, not copies."""
    book = OrderBook(SYMBOL, 10)
    bids, asks = levels(GUIDE_BIDS), levels(GUIDE_ASKS)
    book.apply(message(bids, asks, GUIDE_CHECKSUM, snapshot=True))
    assert all(mine is theirs for mine, theirs in zip(book.bids, bids, strict=True))
    assert all(mine is theirs for mine, theirs in zip(book.asks, asks, strict=True))


def test_local_snapshot() -> None:
    """A snapshot of the live book says that it is local, and is else the one that was sent."""
    book = OrderBook(SYMBOL, 10)
    bids, asks = levels(GUIDE_BIDS), levels(GUIDE_ASKS)
    assert book.snapshot() is None
    book.apply(message(bids, asks, GUIDE_CHECKSUM, snapshot=True))
    local = BookSnapshot(SYMBOL, 10, bids, asks, GUIDE_CHECKSUM, AT, local=True)
    assert book.snapshot() == local


def live(bids: Changes, asks: Changes, depth: int = 10) -> OrderBook:
    """Give a live book of whole prices and quantities."""
    book = OrderBook(SYMBOL, depth)
    snapshot = message(whole(bids), whole(asks), crc(bids, asks), snapshot=True)
    assert isinstance(book.apply(snapshot), BookSnapshot)
    return book


def whole(changes: Changes) -> tuple[Level, ...]:
    """Give levels of whole prices and quantities."""
    return tuple(Level(Decimal(price), Decimal(qty)) for price, qty in changes)


TWELVE: Changes = [(100 + n, 5 + n) for n in range(12)]


@pytest.mark.parametrize(
    "before, changes, after",
    [
        pytest.param(TWELVE[:2], [(100, 9)], [(100, 9), TWELVE[1]], id="change"),
        pytest.param(TWELVE[:2], [(100, 0)], TWELVE[1:2], id="remove"),
        pytest.param(TWELVE[:1], [(100, 0)], [], id="remove-the-last"),
        pytest.param(TWELVE[:1], TWELVE[1:2], TWELVE[:2], id="add"),
        pytest.param([], TWELVE[:1], TWELVE[:1], id="add-the-first"),
        pytest.param(TWELVE[:2], [(99, 0), (105, 0)], TWELVE[:2], id="remove-unknown"),
        pytest.param(TWELVE[:1], [(100, 9), (100, 0), (100, 3)], [(100, 3)], id="thrice"),
        pytest.param(TWELVE[:1], [(101, 9), (101, 0)], TWELVE[:1], id="come-and-go"),
        pytest.param(TWELVE[:10], [(99, 1)], [(99, 1), *TWELVE[:9]], id="push-out"),
        pytest.param(TWELVE[:10], [(200, 1)], TWELVE[:10], id="beyond-the-depth"),
        pytest.param(
            TWELVE[:10],
            [(101, 0), TWELVE[11], (100, 0), TWELVE[10]],
            TWELVE[2:],
            id="refill-unordered",
        ),
        pytest.param(
            TWELVE[:10], [(99, 1), (99, 0), (100, 0)], TWELVE[1:10], id="cut-at-the-end-only"
        ),
    ],
)
def test_rules(before: Changes, changes: Changes, after: Changes) -> None:
    """Changes are made in their order, and what is beyond the depth is dropped at the end."""
    book = live([], before)
    record = book.apply(message((), whole(changes), crc([], after)))
    assert isinstance(record, BookUpdate)
    assert book.asks == whole(after)
    assert record.best_ask == (whole(after)[0] if after else None)
    assert record.best_bid is None
    # The same on the other side, where the best is the highest.
    before, changes, after = (
        [(1000 - price, qty) for price, qty in rows] for rows in (before, changes, after)
    )
    book = live(before, [])
    record = book.apply(message(whole(changes), (), crc(after, [])))
    assert isinstance(record, BookUpdate)
    assert book.bids == whole(after)
    assert record.best_bid == (whole(after)[0] if after else None)
    assert record.best_ask is None


def test_what_fell_off_stays_away() -> None:
    """A level that was pushed out of the depth does not come back when there is room again."""
    book = live([], TWELVE[:10])
    asks = [(99, 1), *TWELVE[:9]]
    assert isinstance(book.apply(message((), whole(asks[:1]), crc([], asks))), BookUpdate)
    asks = TWELVE[:9]
    assert isinstance(book.apply(message((), whole([(99, 0)]), crc([], asks))), BookUpdate)
    assert book.asks == whole(asks)


def test_deep_levels_move_up() -> None:
    """Levels beyond the ten best take part as soon as they are among them."""
    book = live([], TWELVE, depth=25)
    asks = [*TWELVE[:11], (111, 77)]
    assert isinstance(book.apply(message((), whole(asks[11:]), crc([], asks))), BookUpdate)
    asks = asks[2:]
    gone = whole([(101, 0), (100, 0)])
    assert isinstance(book.apply(message((), gone, crc([], asks))), BookUpdate)
    gone = whole([(111, 0)])
    assert isinstance(book.apply(message((), gone, crc([], asks[:-1]))), BookUpdate)


@pytest.mark.parametrize("at", range(13))
@pytest.mark.parametrize(
    "change, after",
    [
        pytest.param([(0, 7)], lambda side, at: [*side[:at], (side[at][0], 7), *side[at + 1 :]]),
        pytest.param([(0, 0)], lambda side, at: [*side[:at], *side[at + 1 :]]),
        pytest.param([(-1, 7)], lambda side, at: [*side[:at], (side[at][0] - 1, 7), *side[at:]]),
        pytest.param(
            [(-1, 7), (0, 0)], lambda side, at: [*side[:at], (side[at][0] - 1, 7), *side[at + 1 :]]
        ),
        pytest.param(
            [(0, 0), (0, 7)], lambda side, at: [*side[:at], (side[at][0], 7), *side[at + 1 :]]
        ),
    ],
    ids=["change", "remove", "add", "move", "remove-and-add"],
)
def test_either_side_of_the_tenth(
    at: int, change: Changes, after: Callable[[Changes, int], Changes]
) -> None:
    """Each place near the tenth is verified and stays verified: what comes next fits, too."""
    asks = [(1000 + 10 * n, 50 + n) for n in range(14)]
    book = live([], asks, depth=25)
    changes = [(asks[at][0] + shift, qty) for shift, qty in change]
    asks = after(asks, at)
    assert isinstance(book.apply(message((), whole(changes), crc([], asks))), BookUpdate)
    assert book.asks == whole(asks)
    assert book._asks.text.decode() == "".join(f"{price}{qty}" for price, qty in asks[:10])
    assert isinstance(
        book.apply(message((), whole([(1, 1)]), crc([], [(1, 1), *asks]))), BookUpdate
    )


def test_deep_levels_come_and_go() -> None:
    """What happens beyond the ten best is kept, though the checksum does not see it."""
    book = live([], TWELVE, depth=25)
    changes = whole([(200, 1), (111, 0), (200, 0), (300, 3)])
    assert isinstance(book.apply(message((), changes, crc([], TWELVE))), BookUpdate)
    assert book.asks == whole([*TWELVE[:11], (300, 3)])


def test_wrong_checksum_of_a_deep_change() -> None:
    """A change beyond the ten best does not touch the checksum, which is compared all the same."""
    asks = [*TWELVE, (300, 5)]
    book = live([], asks, depth=25)
    change = whole([(300, 6)])
    assert isinstance(book.apply(message((), change, crc([], asks))), BookUpdate)
    gap = book.apply(message((), change, 1))
    assert isinstance(gap, Gap)
    assert (gap.expected, gap.received) == (1, crc([], asks))
    assert (book.state, book.bids, book.asks) == (BookState.RESYNCING, (), ())
    assert (book.best_bid, book.best_ask) == (None, None)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "price, qty, text",
    [
        pytest.param("45285.2", "90071992.54740993", "4528529007199254740993", id="above-2**53"),
        pytest.param("45285", "100", "45285100", id="whole"),
        pytest.param("45300", "0.0000000001", "453001", id="ten-decimals"),
        pytest.param("0.00000001", "0.00000010", "110", id="small"),
        pytest.param("9" * 40, f"1.{'0' * 39}1", f"{'9' * 40}1{'0' * 39}1", id="forty-digits"),
    ],
)
def test_numbers(form: Form, price: str, qty: str, text: str) -> None:
    """Large, small and long numbers keep every digit, in whatever context of the user."""
    book = OrderBook(
        SYMBOL,
        10,
        price_precision=len(price.partition(".")[2]),
        qty_precision=len(qty.partition(".")[2]),
    )
    with localcontext(Context(prec=3, traps=[Inexact])):
        side = levels(f"{price} {qty}", form)
        checksum = zlib.crc32(text.encode() * 2)
        assert isinstance(book.apply(message(side, side, checksum, snapshot=True)), BookSnapshot)
        gone = (Level(side[0].price, Decimal("0E-8")),)
        assert isinstance(book.apply(message(gone, gone)), BookUpdate)
        assert isinstance(book.apply(message(side, side, checksum)), BookUpdate)


units = st.integers(1, 40)
quantities = st.one_of(st.integers(1, 200), st.integers(2**53, 2**70))
full = st.lists(st.tuples(units, quantities), max_size=60)
partial = st.lists(st.tuples(units, st.one_of(st.just(0), quantities)), max_size=6)


class Traffic(RuleBasedStateMachine):
    """One book, whatever happens to it, beside dictionaries that are sorted every time."""

    @initialize(
        depth=st.sampled_from([1, 3, 10, 12, 25]),
        precision=st.tuples(st.integers(0, 10), st.integers(0, 10)),
        form=st.sampled_from(FORMS),
        told=st.booleans(),
    )
    def start(self, depth: int, precision: tuple[int, int], form: Form, *, told: bool) -> None:
        """Make the book. Without its zeros, traffic does not teach the precision for sure."""
        self.book = OrderBook(SYMBOL, depth)
        self.precision = precision
        self.form = form
        if told or form is not as_it_is:
            self.book.set_precision(*precision)
        self.bids: Units = {}
        self.asks: Units = {}
        self.state = BookState.AWAITING_SNAPSHOT
        self.counts = {"snapshots": 0, "updates": 0, "stale": 0, "checksums_failed": 0}

    def best(self) -> tuple[Changes, Changes]:
        """Give both sides, best first."""
        depth = self.book.depth
        return sorted(self.bids.items(), reverse=True)[:depth], sorted(self.asks.items())[:depth]

    def written(self, changes: Changes, form: Form | None = None) -> tuple[Level, ...]:
        """Give levels as they are written on this wire, or in another form."""
        form = form or self.form
        return tuple(
            Level(
                *(
                    Decimal(form(f"{Decimal(number).scaleb(-precision, Context(prec=90)):f}"))
                    for number, precision in zip(change, self.precision, strict=True)
                )
            )
            for change in changes
        )

    def take(
        self,
        bids: Changes,
        asks: Changes,
        *,
        snapshot: bool,
        wrong: bool,
        form: Form | None = None,
    ) -> None:
        """Give the same message to the book and to the model."""
        believed = self.state is BookState.LIVE or (snapshot and self.state is not BookState.CLOSED)
        kept = (self.bids, self.asks)
        if believed:
            self.bids, self.asks = ({}, {}) if snapshot else (dict(self.bids), dict(self.asks))
            for side, changes in ((self.bids, bids), (self.asks, asks)):
                side.update(changes)
                for price in [price for price, qty in side.items() if not qty]:
                    del side[price]
            self.bids, self.asks = map(dict, self.best())
        checksum = crc(*self.best()) ^ wrong
        written = (self.written(bids, form), self.written(asks, form))
        record = self.book.apply(message(*written, checksum, snapshot=snapshot))
        if not believed:
            assert record is None
            self.counts["stale"] += 1
            self.bids, self.asks = kept
            return
        self.counts["snapshots" if snapshot else "updates"] += 1
        if wrong:
            assert isinstance(record, Gap)
            self.counts["checksums_failed"] += 1
            self.bids, self.asks = {}, {}
            self.state = BookState.RESYNCING
            return
        self.state = BookState.LIVE
        if snapshot:
            assert isinstance(record, BookSnapshot)
            assert (record.bids, record.asks) == (self.book.bids, self.book.asks)
        else:
            assert isinstance(record, BookUpdate)
            assert (record.bids, record.asks) == written
        assert (record.best_bid, record.best_ask) == (self.book.best_bid, self.book.best_ask)

    @rule(bids=full, asks=full)
    def snapshot(self, bids: Changes, asks: Changes) -> None:
        """A snapshot, in any order, with prices that stand there twice."""
        self.take(bids, asks, snapshot=True, wrong=False)

    @rule(bids=partial, asks=partial)
    def update(self, bids: Changes, asks: Changes) -> None:
        """An update."""
        self.take(bids, asks, snapshot=False, wrong=False)

    @rule(asks=partial)
    def update_of_asks(self, asks: Changes) -> None:
        """An update of one side, as nearly all are."""
        self.take([], asks, snapshot=False, wrong=False)

    @rule(bids=partial)
    def update_of_bids(self, bids: Changes) -> None:
        """An update of the other side."""
        self.take(bids, [], snapshot=False, wrong=False)

    @rule(bids=partial, asks=partial, snapshot=st.booleans(), form=st.sampled_from(FORMS))
    def wrong(self, bids: Changes, asks: Changes, *, snapshot: bool, form: Form) -> None:
        """A message whose checksum is wrong, with or without its zeros."""
        self.take(bids, asks, snapshot=snapshot, wrong=True, form=form)

    @precondition(lambda self: self.state is BookState.LIVE)
    @rule(price=units, qty=units)
    def wrong_and_round(self, price: int, qty: int) -> None:
        """A snapshot whose checksum is wrong, and whose numbers need fewer digits than others."""
        round_level = [(10 * price, 10 * qty)]
        self.take(round_level, [], snapshot=True, wrong=True, form=shortened)

    @rule()
    def invalidate(self) -> None:
        """The connection is lost."""
        self.book.invalidate()
        if self.state is not BookState.CLOSED:
            self.state = BookState.AWAITING_SNAPSHOT
        self.bids, self.asks = {}, {}

    @rule()
    def tell_the_precision(self) -> None:
        """The instrument channel says what the precision is."""
        self.book.set_precision(*self.precision)

    @precondition(lambda self: self.counts["stale"] > 3)
    @rule()
    def close(self) -> None:
        """The end, late enough for something to come before it."""
        self.book.close()
        self.state = BookState.CLOSED
        self.bids, self.asks = {}, {}

    @invariant()
    def agrees(self) -> None:
        """The book is what the model is."""
        if not hasattr(self, "book"):
            return
        book = self.book
        bids, asks = self.best()
        assert book.state is self.state
        assert book.bids == self.written(bids)
        assert book.asks == self.written(asks)
        assert book.best_bid == (book.bids[0] if bids else None)
        assert book.best_ask == (book.asks[0] if asks else None)
        assert {name: getattr(book, name) for name in self.counts} == self.counts
        local = book.snapshot()
        assert (local is None) is (self.state is not BookState.LIVE)
        if local is not None:
            assert (local.bids, local.asks, local.local) == (book.bids, book.asks, True)
            assert local.checksum == crc(bids, asks)
        # What is kept of the text is never older than the levels.
        for side, rows in ((book._bids, bids), (book._asks, asks)):
            assert side.text.decode() == "".join(f"{price}{qty}" for price, qty in rows[:10])


TestTraffic: Any = Traffic.TestCase


@given(full, full, st.permutations(range(60)))
def test_a_snapshot_has_no_order(bids: Changes, asks: Changes, order: list[int]) -> None:
    """Levels of a snapshot may stand in any order."""
    bids, asks = (sorted(dict(side).items()) for side in (bids, asks))
    shuffled = [[side[n] for n in order if n < len(side)] for side in (bids, asks)]
    book = OrderBook(SYMBOL, 1000)
    checksum = crc(bids[::-1], asks)
    written = (whole(shuffled[0]), whole(shuffled[1]))
    assert isinstance(book.apply(message(*written, checksum, snapshot=True)), BookSnapshot)
    assert (book.bids, book.asks) == (whole(bids[::-1]), whole(asks))


# The worked example of the checksum guide of protocol v1.
OLD_ASKS = """
    0.05005 0.00000500  0.05010 0.00000500  0.05015 0.00000500  0.05020 0.00000500
    0.05025 0.00000500  0.05030 0.00000500  0.05035 0.00000500  0.05040 0.00000500
    0.05045 0.00000500  0.05050 0.00000500
"""
OLD_BIDS = """
    0.05000 0.00000500  0.04995 0.00000500  0.04990 0.00000500  0.04980 0.00000500
    0.04975 0.00000500  0.04970 0.00000500  0.04965 0.00000500  0.04960 0.00000500
    0.04955 0.00000500  0.04950 0.00000500
"""


def test_guide_of_protocol_v1() -> None:
    """The digits of the old protocol's strings make the checksum that its guide prints."""
    book = OrderBook(SYMBOL, 10)
    assert isinstance(
        book.apply(message(levels(OLD_BIDS), levels(OLD_ASKS), 974947235, snapshot=True)),
        BookSnapshot,
    )


def unchecked(bids: str, asks: str) -> BookMessage:
    """Give a snapshot that has no checksum."""
    return BookMessage(SYMBOL, True, levels(bids), levels(asks), None, AT, None)  # noqa: FBT003


def test_a_snapshot_without_a_checksum() -> None:
    """A snapshot without a checksum is believed, and the next update proves it."""
    book = OrderBook(SYMBOL, 10)
    taken = book.apply(unchecked(OLD_BIDS, OLD_ASKS))
    assert isinstance(taken, BookSnapshot)
    assert taken.checksum is None
    assert (book.state, book.snapshots, book.unchecked) == (BookState.LIVE, 1, 1)
    assert (book.checksums_ok, book.checksums_failed) == (0, 0)
    assert (book.price_precision, book.qty_precision) == (5, 8)
    shown = book.snapshot()
    assert shown is not None
    assert shown.checksum == 974947235  # Its own: it is made here.
    # What stands there already, said again.
    update = book.apply(message(levels("0.05000 0.00000500"), (), 974947235))
    assert isinstance(update, BookUpdate)
    assert (book.checksums_ok, book.checksums_failed) == (1, 0)
    shown = book.snapshot()
    assert shown is not None
    assert shown.checksum == 974947235


def test_a_snapshot_without_a_checksum_that_is_wrong() -> None:
    """What was wrong in a snapshot without a checksum shows in the next update."""
    book = OrderBook(SYMBOL, 10)
    book.apply(unchecked(OLD_BIDS.replace("0.04995", "0.04996"), OLD_ASKS))
    gap = book.apply(message(levels("0.05000 0.00000500"), (), 974947235))
    assert isinstance(gap, Gap)
    assert (gap.expected, book.state) == (974947235, BookState.RESYNCING)
    assert (book.checksums_ok, book.checksums_failed, book.unchecked) == (0, 1, 1)
    assert isinstance(book.apply(unchecked(OLD_BIDS, OLD_ASKS)), BookSnapshot)


def test_an_empty_snapshot_without_a_checksum() -> None:
    """Of a book that begins empty, the first update shows how many digits there are."""
    book = OrderBook(SYMBOL, 10)
    book.apply(unchecked("", ""))
    right = crc([(5005, 500)], [])
    assert isinstance(book.apply(message(levels("0.05005 0.00000500"), (), right)), BookUpdate)

"""A full buffer loses nothing silently, keeps the order, and never breaks a book."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.core.buffer import Buffer, Item
from kraken_trio._internal.model.account import Execution
from kraken_trio._internal.model.config import DropPolicy
from kraken_trio._internal.model.gap import Gap, GapReason
from kraken_trio._internal.model.level3 import Level3Snapshot, Level3Update
from kraken_trio._internal.model.messages import Heartbeat
from kraken_trio._internal.model.records import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level,
    Spread,
    Ticker,
    Trade,
)
from kraken_trio._internal.model.timestamp import Timestamp

OLDEST, LATEST = DropPolicy.OLDEST, DropPolicy.LATEST
COALESCE, BLOCK = DropPolicy.COALESCE, DropPolicy.BLOCK
ONE = Decimal(1)
DEPTH = 3


def trade(symbol: str, number: int) -> Trade:
    """Make a trade."""
    return Trade(symbol, "buy", ONE, ONE, "limit", number, Timestamp(number))


def spread(symbol: str, number: int) -> Spread:
    """Make a spread."""
    return Spread(symbol, Decimal(number), ONE, ONE, ONE)


def ticker(symbol: str, number: int) -> Ticker:
    """Make a ticker."""
    return Ticker(symbol, Decimal(number), ONE, ONE, ONE, ONE, ONE, ONE, ONE, ONE, ONE, ONE)


def candle(symbol: str, minute: int, trades: int) -> Candle:
    """Make a candle of one minute."""
    begin = Timestamp(minute * 60_000_000_000)
    return Candle(symbol, 1, begin, ONE, ONE, ONE, ONE, ONE, trades=trades, volume=ONE)


def snapshot(
    number: int,
    symbol: str = "A",
    bids: Mapping[Decimal, Decimal] | None = None,
    *,
    local: bool = False,
) -> BookSnapshot:
    """Make a snapshot of a book after its message ``number``."""
    levels = tuple(Level(*level) for level in sorted((bids or {}).items(), reverse=True))
    return BookSnapshot(symbol, DEPTH, levels, (), number, local=local)


def update(number: int, symbol: str = "A", bids: tuple[Level, ...] = ()) -> BookUpdate:
    """Make an update of a book, its message ``number``."""
    return BookUpdate(symbol, bids, (), None, None, number)


def overflow(size: int | None, symbol: str | None = "A", channel: str = "book") -> Gap:
    """Make the gap that dropping ``size`` records leaves."""
    return Gap(channel, symbol, GapReason.OVERFLOW, size=size)


def lost(size: int | None, symbol: str | None = "A", channel: str = "book") -> Gap:
    """Make a gap of another kind."""
    return Gap(channel, symbol, GapReason.DISCONNECT, 1, 2, size, Timestamp(1), Timestamp(2))


def drain(buffer: Buffer) -> list[Item]:
    """Take everything."""
    items: list[Item] = []
    while buffer:
        items.append(buffer.get())
    return items


def filled(
    capacity: int,
    policy: DropPolicy,
    items: Iterable[Item],
    snapshot_of: Callable[[str, str], BookSnapshot | None] | None = None,
) -> Buffer:
    """Make a buffer and put all ``items``."""
    buffer = Buffer(capacity, policy, snapshot_of)
    for item in items:
        buffer.put(item)
    return buffer


class Missing(list[Item]):
    """What a naive buffer knows of a hole: everything that should stand there."""

    def __init__(self, symbol: str, channel: str) -> None:
        """Start empty."""
        super().__init__()
        self.symbol = symbol
        self.channel = channel

    def gap(self) -> Gap:
        """As one gap."""
        gaps = [item for item in self if isinstance(item, Gap)]
        sizes = [gap.size for gap in gaps] + [1] * (len(self) - len(gaps))
        size = None if None in sizes else sum(filter(None, sizes))
        if len(gaps) < len(self):
            return overflow(size, self.symbol, self.channel)
        return msgspec.structs.replace(
            gaps[0], size=size, received=gaps[-1].received, to_time=gaps[-1].to_time
        )


class Naive:
    """What a buffer of one channel without snapshots does, said with one list and no care."""

    def __init__(self, capacity: int, policy: DropPolicy, channel: str) -> None:
        """Start empty, for ``spread`` or ``trade``."""
        self.capacity = capacity
        self.policy = policy
        self.channel = channel
        self.merging = policy is COALESCE and channel == "spread"
        self.waiting: list[Spread | Trade | Gap | Missing] = []
        self.received = self.dropped = self.coalesced = 0

    def full(self) -> bool:
        """Whether there is no room."""
        taken = 0
        for index, item in enumerate(self.waiting):
            # A hole takes no room, unless something of its symbol is behind it.
            behind = [other.symbol for other in self.waiting[index + 1 :]]
            taken += not isinstance(item, Missing) or (
                self.policy is LATEST and item.symbol in behind
            )
        return taken >= self.capacity

    def hole(self, symbol: str, *, front: bool) -> Missing:
        """The hole of ``symbol`` at one end, made where there is none."""
        for item in self.waiting if front else reversed(self.waiting):
            if isinstance(item, Missing) and item.symbol == symbol:
                return item
            if item.symbol == symbol and not front:
                break
        hole = Missing(symbol, self.channel)
        holes = sum(isinstance(item, Missing) for item in self.waiting)
        self.waiting.insert(holes if front else len(self.waiting), hole)
        return hole

    def put(self, item: Spread | Trade | Gap) -> None:
        """Take it in, or see what gives way."""
        symbol = item.symbol
        assert symbol is not None
        mine = [other for other in self.waiting if other.symbol == symbol]
        record = not isinstance(item, Gap)
        self.received += record
        if record and self.merging and mine and isinstance(mine[-1], Spread):
            self.waiting[self.waiting.index(mine[-1])] = item
            self.coalesced += 1
        elif self.policy is LATEST:
            beside_a_hole = bool(mine) and isinstance(mine[-1], Missing)
            if not self.full() and (record or not beside_a_hole):
                self.waiting.append(item)
            else:
                self.hole(symbol, front=False).append(item)
                self.dropped += record
        else:
            if self.policy is not BLOCK and self.full():
                oldest = next(it for it in self.waiting if not isinstance(it, Missing))
                self.waiting.remove(oldest)
                assert oldest.symbol is not None
                self.hole(oldest.symbol, front=True).append(oldest)
                self.dropped += not isinstance(oldest, Gap)
            self.waiting.append(item)

    def get(self) -> Item:
        """Give what stands first."""
        item = self.waiting.pop(0)
        return item.gap() if isinstance(item, Missing) else item


symbols = st.sampled_from("ABC")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), symbols),
        st.tuples(st.just("gap"), symbols, st.sampled_from([None, 2, 5])),
        st.tuples(st.just("get"), st.integers(1, 4)),
    ),
    max_size=60,
)


@pytest.mark.parametrize("policy", DropPolicy)
@pytest.mark.parametrize("make, channel", [(spread, "spread"), (trade, "trade")])
@given(capacity=st.integers(1, 5), plan=steps)
def test_plain_channels_do_what_a_naive_list_does(
    policy: DropPolicy,
    make: Callable[[str, int], Spread | Trade],
    channel: str,
    capacity: int,
    plan: list[tuple[Any, ...]],
) -> None:
    """Any schedule of puts and gets gives the very items, counts and sizes of the naive list."""
    buffer = Buffer(capacity, policy)
    naive = Naive(capacity, policy, channel)
    for number, step in enumerate(plan):
        match step:
            case "put", str(symbol):
                buffer.put(make(symbol, number))
                naive.put(make(symbol, number))
            case "gap", str(symbol), size:
                buffer.put(lost(size, symbol, channel))
                naive.put(lost(size, symbol, channel))
            case _, int(limit):
                count = min(limit, len(naive.waiting))
                assert buffer.get_batch(limit) == [naive.get() for _ in range(count)]
        assert len(buffer) == len(naive.waiting)
        assert buffer.full == naive.full()
        assert (buffer.received, buffer.dropped, buffer.coalesced) == (
            naive.received,
            naive.dropped,
            naive.coalesced,
        )
        if policy is not BLOCK:
            assert max(len(buffer), buffer.high_water) <= capacity + len("ABC") + 1
    assert drain(buffer) == [naive.get() for _ in range(len(naive.waiting))]


class Book:
    """One book as it is live, and its only consumer with a book of its own."""

    def __init__(self) -> None:
        """Start before the first snapshot."""
        self.live = False
        self.number = 0
        """Of the last message."""
        self.bids: dict[Decimal, Decimal] = {}
        self.history: dict[int, dict[Decimal, Decimal]] = {}
        """The book after each message."""
        self.reader: dict[Decimal, Decimal] | None = None
        """The consumer's book; None while the consumer knows that it has none."""
        self.read = 0
        """The last message that the consumer's book contains."""
        self.missed = 0
        """Messages after that one that gaps told the consumer of."""
        self.merged = 0
        """Messages that are in the consumer's book without being seen or told of."""

    def update(self, symbol: str, levels: tuple[Level, ...]) -> BookUpdate:
        """The exchange changes some levels."""
        apply(self.bids, levels)
        self._message()
        return update(self.number, symbol, levels)

    def snapshot(self, symbol: str) -> BookSnapshot:
        """The exchange sends a snapshot, of something else altogether."""
        self.live = True
        self.bids = {Decimal(price): ONE for price in (2, 4, self.number % 2 + 5)}
        self._message()
        return snapshot(self.number, symbol, self.bids)

    def _message(self) -> None:
        self.number += 1
        self.history[self.number] = dict(self.bids)

    def deliver(self, item: Item) -> None:
        """The consumer takes one item, and checks everything about it."""
        if isinstance(item, Gap):
            assert item.size is not None
            self.reader = None
            self.missed += item.size
            return
        assert isinstance(item, BookSnapshot | BookUpdate)
        if isinstance(item, BookSnapshot):
            assert self.reader is None or not item.local
            self.reader = {level.price: level.qty for level in item.bids}
        else:
            assert self.reader is not None
            apply(self.reader, item.bids)
        assert self.reader == self.history[item.checksum]
        # A local snapshot takes the place of what was missed; a message is there itself.
        local = isinstance(item, BookSnapshot) and item.local
        merged = item.checksum - self.read - self.missed - (not local)
        assert merged >= 0
        self.merged += merged
        self.read, self.missed = item.checksum, 0


def apply(book: dict[Decimal, Decimal], levels: tuple[Level, ...]) -> None:
    """All levels in order; drop zeros; cut to the depth."""
    book.update({level.price: level.qty for level in levels})
    for price in [price for price, qty in book.items() if not qty]:
        del book[price]
    for price in sorted(book, reverse=True)[DEPTH:]:
        del book[price]


levels = st.lists(
    st.builds(Level, st.integers(1, 7).map(Decimal), st.integers(0, 2).map(Decimal)), max_size=4
).map(tuple)
book_steps = st.lists(
    st.one_of(
        st.tuples(st.just("update"), symbols, levels),
        st.tuples(st.just("update"), symbols, levels),
        st.tuples(st.just("break"), symbols),
        st.tuples(st.just("snapshot"), symbols),
        st.tuples(st.just("get"), st.integers(1, 4)),
    ),
    max_size=80,
)


class Market:
    """Three books, one buffer for them, and one who reads it."""

    def __init__(self, capacity: int, policy: DropPolicy, *, with_snapshots: bool) -> None:
        """Start before the first snapshots."""
        self.books = {symbol: Book() for symbol in "ABC"}
        self.buffer = Buffer(capacity, policy, self.snapshot_of if with_snapshots else None)
        self.bound = math.inf if policy is BLOCK else capacity + len(self.books) + 2
        self.polite = policy is BLOCK

    def snapshot_of(self, channel: str, symbol: str) -> BookSnapshot | None:
        """The live book of a symbol, if it is live."""
        assert channel == "book"
        book = self.books[symbol]
        return snapshot(book.number, symbol, book.bids, local=True) if book.live else None

    def act(self, step: str, symbol: str, levels: tuple[Level, ...] = ()) -> None:
        """The exchange does something to one book, if it is in a state for that."""
        book = self.books[symbol]
        while self.polite and self.buffer.full:
            self.take(1)
        if step == "snapshot":
            self.buffer.put(book.snapshot(symbol))
        elif book.live and step == "update":
            self.buffer.put(book.update(symbol, levels))
        elif book.live:
            book.live = False
            self.buffer.put(Gap("book", symbol, GapReason.CHECKSUM, size=0))
        assert max(len(self.buffer), self.buffer.high_water) <= self.bound

    def take(self, limit: int) -> None:
        """The consumer reads something."""
        for item in self.buffer.get_batch(limit):
            assert isinstance(item, BookSnapshot | BookUpdate | Gap)
            assert item.symbol is not None
            self.books[item.symbol].deliver(item)

    def finish(self) -> None:
        """The consumer reads all there is, and what is stale gets its snapshot."""
        while self.buffer:
            self.take(100)
        for _, symbol in self.buffer.stale:
            assert symbol is not None
            self.act("snapshot", symbol)
            while self.buffer:
                self.take(1)


@pytest.mark.parametrize("with_snapshots", [True, False])
@pytest.mark.parametrize("policy", DropPolicy)
@given(capacity=st.integers(1, 6), plan=book_steps)
def test_no_chain_is_ever_broken(
    policy: DropPolicy,
    with_snapshots: bool,
    capacity: int,
    plan: list[tuple[Any, ...]],
) -> None:
    """At every item taken, the consumer's own book is the one after the last message in it.

    And what is missing in between was told in gaps, exactly, or was merged, and counted so.
    """
    market = Market(capacity, policy, with_snapshots=with_snapshots)
    for step, *details in plan:
        if step == "get":
            market.take(*details)
        else:
            market.act(step, *details)
    market.finish()
    assert market.buffer.stale == ()
    for book in market.books.values():
        assert (book.read, book.missed) == (book.number, 0)
        assert book.reader == (book.bids if book.live else None)
    assert market.buffer.coalesced == sum(book.merged for book in market.books.values())
    assert market.buffer.dropped == 0 or policy is not BLOCK


def live(number: int) -> Callable[[str, str], BookSnapshot]:
    """Give the snapshot function of a live book after its message ``number``."""
    return lambda _, symbol: snapshot(number, symbol, local=True)


def test_oldest_drops_a_whole_chain() -> None:
    """With the oldest record of a book all that builds on it goes; a snapshot starts anew."""
    buffer = filled(3, OLDEST, [snapshot(1), update(2), update(3), update(4), update(5)], live(5))
    assert len(buffer) == 1
    assert buffer.get() == overflow(5)
    buffer.put(update(6))
    assert drain(buffer) == [snapshot(5, local=True), update(6)]


def test_oldest_drops_a_chain_up_to_the_next_snapshot() -> None:
    """A snapshot in the buffer, and what builds on it, is good: the live book is not asked."""
    items: list[Item] = [snapshot(1), update(2), spread("A", 1), update(3), snapshot(4)]
    items += [update(5), update(6)]
    buffer = filled(6, OLDEST, items)
    assert drain(buffer) == [overflow(3), spread("A", 1), snapshot(4), update(5), update(6)]
    assert buffer.stale == ()


def test_oldest_takes_an_update_of_another_book() -> None:
    """What is dropped of one book breaks no other."""
    buffer = filled(2, OLDEST, [snapshot(1), snapshot(1, "B"), update(2, "B")], live(1))
    expected = [overflow(1), snapshot(1, local=True), snapshot(1, "B"), update(2, "B")]
    assert drain(buffer) == expected


def test_latest_keeps_the_chain_before_the_hole() -> None:
    """What was accepted is delivered, then the gap, then a snapshot of that very moment."""
    items: list[Item] = [snapshot(1), update(2), update(3), update(4)]
    buffer = filled(2, LATEST, items, live(4))
    assert buffer.get_batch(2) == [snapshot(1), update(2)]
    assert drain(buffer) == [overflow(2), snapshot(4, local=True)]
    buffer.put(update(5))
    assert drain(buffer) == [update(5)]


def test_latest_has_a_hole_wherever_it_refused() -> None:
    """Each refusal in another place is another gap."""
    buffer = filled(2, LATEST, [trade("A", number) for number in (1, 2, 3, 4)])
    assert buffer.get() == trade("A", 1)
    buffer.put(trade("A", 5))
    assert buffer.full
    buffer.put(trade("A", 6))
    expected = [
        trade("A", 2),
        overflow(2, channel="trade"),
        trade("A", 5),
        overflow(1, channel="trade"),
    ]
    assert drain(buffer) == expected


def test_latest_tells_each_hole_for_itself() -> None:
    """A hole that the consumer comes to is over; the one behind it goes on growing."""
    buffer = filled(1, LATEST, [trade("A", 1), trade("A", 2)])
    assert buffer.get() == trade("A", 1)
    buffer.put(trade("A", 3))
    buffer.put(trade("A", 4))
    assert buffer.get() == overflow(1, channel="trade")
    buffer.put(trade("A", 5))
    assert drain(buffer) == [trade("A", 3), overflow(2, channel="trade")]


@pytest.mark.parametrize("policy", [OLDEST, LATEST, COALESCE])
def test_stale_book_waits_for_a_snapshot(policy: DropPolicy) -> None:
    """Without a live book the gap comes at once, and what is missed later before the snapshot."""
    items: list[Item] = [snapshot(0), spread("X", 1), spread("Y", 1), update(1), update(2)]
    buffer = filled(3, policy, items, lambda _, __: None)
    assert overflow(2 if policy is LATEST else 3) in drain(buffer)
    assert list(buffer.stale) == [("book", "A")]
    buffer.put(update(3))
    buffer.put(lost(5))
    assert len(buffer) == 0
    buffer.put(snapshot(4))
    buffer.put(update(5))
    assert list(buffer.stale) == []
    assert drain(buffer) == [overflow(6), snapshot(4), update(5)]


def test_level3_is_a_chain_too() -> None:
    """Orders mean nothing without what came before: they wait for a snapshot, whoever gives it."""
    start = Level3Snapshot("A", 10, (), (), 0)
    changes = [Level3Update("A", (), (), number) for number in (1, 2, 3)]
    buffer = filled(2, OLDEST, [start, changes[0], changes[1]])
    assert drain(buffer) == [overflow(3, channel="level3")]
    buffer.put(changes[2])
    buffer.put(start)
    assert drain(buffer) == [overflow(1, channel="level3"), start]


def test_merging_goes_on_from_a_local_snapshot() -> None:
    """After an overflow, what falls off the consumer's new book is known again."""
    now = snapshot(2, bids={Decimal(price): ONE for price in (3, 4, 5)}, local=True)
    items: list[Item] = [snapshot(1), spread("X", 1), spread("Y", 1)]
    buffer = filled(2, COALESCE, items, lambda _, __: now)
    assert drain(buffer)[:2] == [overflow(1), now]
    buffer.put(update(3, bids=(Level(Decimal(6), ONE),)))
    buffer.put(update(4, bids=(Level(Decimal(6), Decimal(0)),)))
    assert drain(buffer) == [update(4, bids=(Level(Decimal(3), Decimal(0)),))]
    assert buffer.coalesced == 1


def test_coalesce_keeps_every_final_candle() -> None:
    """States of one interval are merged; a new interval leaves the final state of the old one."""
    items = [candle("A", minute, trades) for minute in (1, 2) for trades in (1, 2, 3)]
    buffer = filled(10, COALESCE, items)
    assert drain(buffer) == [candle("A", 1, 3), candle("A", 2, 3)]
    assert (buffer.coalesced, buffer.dropped) == (4, 0)


def test_coalesce_never_merges_trades() -> None:
    """Trades are dropped where there is no room, and that is a gap."""
    buffer = filled(2, COALESCE, [trade("A", 1), trade("A", 2), trade("A", 3)])
    assert drain(buffer) == [overflow(1, channel="trade"), trade("A", 2), trade("A", 3)]
    assert (buffer.coalesced, buffer.dropped) == (0, 1)


def test_coalesce_merges_nothing_with_what_was_dropped() -> None:
    """A record that made room is gone: the next one of its symbol starts anew, behind a gap."""
    items = [ticker("A", 1), ticker("B", 1), ticker("A", 2), ticker("C", 1), ticker("A", 3)]
    buffer = filled(2, COALESCE, items)
    assert drain(buffer) == [
        overflow(1, "A", "ticker"),
        overflow(1, "B", "ticker"),
        ticker("C", 1),
        ticker("A", 3),
    ]


def test_block_drops_nothing() -> None:
    """The caller is told to stop; what the frame at hand still holds is taken."""
    buffer = Buffer(2, BLOCK)
    told = []
    for number in range(4):
        buffer.put(trade("A", number))
        told.append(buffer.full)
    buffer.put(lost(1, channel="trade"))
    assert told == [False, True, True, True]
    assert [buffer.get() for _ in range(4)] == [trade("A", number) for number in range(4)]
    assert not buffer.full
    assert drain(buffer) == [lost(1, channel="trade")]
    assert (buffer.received, buffer.dropped, buffer.high_water) == (4, 0, 5)


def test_gap_in_the_place_of_a_hole_is_told_with_it() -> None:
    """A gap that makes room goes into the hole; its size is added, or makes the sum unknown."""
    for size, told in ((5, 6), (None, None)):
        items: list[Item] = [trade("A", 1), lost(size, channel="trade")]
        items += [spread("X", 1), spread("Y", 1)]
        buffer = filled(2, OLDEST, items)
        assert buffer.get() == overflow(told, channel="trade")


def test_gap_that_displaces_its_own_book_is_told_with_it() -> None:
    """A gap of a book that was just dropped stands in the same place."""
    buffer = filled(1, OLDEST, [snapshot(1), lost(5)])
    assert drain(buffer) == [overflow(6)]


def test_gap_without_a_place_stays_what_it_is() -> None:
    """Where nothing but gaps gave way they are told as they are, in one."""
    gaps = [lost(5, channel="trade"), lost(2, channel="trade")]
    buffer = filled(1, LATEST, [spread("X", 1), gaps[0], gaps[1]])
    assert drain(buffer) == [spread("X", 1), lost(7, channel="trade")]
    assert buffer.dropped == 0


def test_everything_can_be_in_one_stream() -> None:
    """Holes are told apart by channel and symbol; what belongs to no channel is an event."""
    items: list[Item] = [
        Execution(
            order_id="1", exec_type="new", order_status="new", timestamp=Timestamp(0), symbol="A"
        ),
        trade("A", 1),
        spread("A", 1),
        trade("B", 1),
        Heartbeat(),
    ]
    buffer = filled(5, OLDEST, [*items, *items])
    assert buffer.get_batch(5) == [
        overflow(1, None, "executions"),
        overflow(1, "A", "trade"),
        overflow(1, "A", "spread"),
        overflow(1, "B", "trade"),
        overflow(1, None, "events"),
    ]
    assert drain(buffer) == items


def test_batch_is_limited_by_what_there_is() -> None:
    """A batch holds at most what was asked for, and nothing where nothing waits."""
    buffer = filled(9, OLDEST, [trade("A", number) for number in range(5)])
    assert [len(buffer.get_batch(3)) for _ in range(3)] == [3, 2, 0]


def test_taking_from_an_empty_buffer() -> None:
    """There is nothing to give: that is an ``IndexError``."""
    with pytest.raises(IndexError):
        Buffer(1, OLDEST).get()


def test_a_buffer_can_be_widened() -> None:
    """There is room for more from then on, whatever was there."""
    buffer = Buffer(1, DropPolicy.OLDEST)
    gaps = [Gap("book", symbol, GapReason.STALLED) for symbol in ("A/B", "C/D", "E/F")]
    buffer.put(gaps[0])
    buffer.widen(2)
    for gap in gaps[1:]:
        buffer.put(gap)
    assert (buffer.capacity, buffer.full, buffer.get_batch(9)) == (3, True, gaps)


@pytest.mark.parametrize("policy", [OLDEST, LATEST, COALESCE])
def test_holes_are_counted(policy: DropPolicy) -> None:
    """One for each place of each symbol, whatever is lost in it; a gap that was put is none."""
    buffer = filled(2, policy, [trade("A", number) for number in range(5)])
    buffer.put(trade("B", 1))
    buffer.put(lost(1, channel="trade"))
    assert buffer.overflows == (2 if policy is LATEST else 1)
    assert sum(isinstance(item, Gap) for item in drain(buffer)) == 2


def test_it_says_whose_gap_is_next() -> None:
    """One that was put, one in front, one behind what was kept; never the snapshot behind one."""
    empty = Buffer(1, OLDEST)
    put = filled(2, OLDEST, [lost(1)])
    front = filled(1, OLDEST, [trade("B", 1), trade("A", 2)])
    behind = filled(1, LATEST, [trade("A", 1), trade("B", 2)])
    book = filled(1, OLDEST, [snapshot(1), update(2)], live(2))
    assert [each.gap_next for each in (empty, put, front, behind, book)] == [
        None,
        ("book", "A"),
        ("trade", "B"),
        None,
        ("book", "A"),
    ]
    for each in (front, behind, book):
        each.get()
    assert [each.gap_next for each in (front, behind, book)] == [None, ("trade", "B"), None]


def test_it_says_whether_every_book_is_whole() -> None:
    """Not from the loss on until there is a snapshot, of whatever origin."""
    assert filled(9, OLDEST, [snapshot(1), update(2)]).whole
    buffer = filled(1, OLDEST, [snapshot(1), update(2)])
    seen = [buffer.whole]
    drain(buffer)
    seen.append(buffer.whole)
    buffer.put(snapshot(3))
    seen.append(buffer.whole)
    recovered = filled(1, OLDEST, [snapshot(1), update(2)], live(2))
    drain(recovered)
    assert [*seen, recovered.whole] == [False, False, True, True]


@pytest.mark.parametrize("live", [True, False])
def test_what_a_consumer_lost_is_told_when_it_comes_to_it(live: bool) -> None:
    """The gap as it is given, and the snapshot behind it, if there is one; no other gap."""
    told: list[tuple[Gap, object]] = []
    whole = snapshot(1, local=True) if live else None
    buffer = Buffer(2, OLDEST, lambda *_: whole, lambda gap, behind: told.append((gap, behind)))
    buffer.put(Gap("book", "BTC/USD", GapReason.CHECKSUM))
    assert isinstance(buffer.get(), Gap)
    for number in (1, 2, 3):
        buffer.put(snapshot(number) if number == 1 else update(number))
    assert told == []
    gap = buffer.get()
    assert told == [(gap, whole)]


def test_what_waits_is_counted_without_gaps() -> None:
    """All that was put was taken, dropped or merged, or waits; a hole is no record."""
    buffer = Buffer(3, LATEST)
    for number in range(5):
        buffer.put(trade("BTC/USD", number))
    buffer.put(Gap("trade", "ETH/USD", GapReason.TRADE_ID))
    assert (buffer.received, buffer.dropped, buffer.waiting) == (5, 2, 3)
    buffer.get()
    assert buffer.waiting == 2

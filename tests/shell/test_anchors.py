"""How things stood, taken between the lines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kraken_trio import BookSnapshot, BookUpdate, Channel, Gap, Level3Snapshot, Trade
from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.engine.book_route import BookRoute
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.steps import perform
from kraken_trio._internal.model.gap import GapHandling
from kraken_trio._internal.model.steps import (
    Broke,
    Closed,
    Confirmed,
    Discarded,
    Disconnected,
    Opened,
    Probed,
)
from kraken_trio._internal.model.traits import V2
from kraken_trio._internal.shell import anchors as module
from kraken_trio._internal.shell.anchors import Segment, size_of
from kraken_trio._internal.wire.anchors import snapshot_frame, trade_frame
from kraken_trio._internal.wire.decode import V2Decoder
from kraken_trio.testing import Market, market_pairs

SYMBOLS = "BTC/USD", "ETH/USD", "SOL/USD"
BEAT = b'{"channel":"heartbeat"}'


class Live:
    """An engine with three books and the trades of one pair, and a market that feeds it."""

    def __init__(self) -> None:
        """Begin with the snapshots."""
        self.market = Market(market_pairs(3), seed=1, start=10**18)
        self.engine = Engine(V2Decoder())
        self.items: list[Item] = []
        self.engine.attach(self.items.append)
        self.books = Channel.book(*SYMBOLS).parts()
        for part in (*self.books, Channel.trades("BTC/USD"), Channel.balances()):
            perform(self.engine, Opened(part, GapHandling()))
        for symbol in SYMBOLS:
            self.engine.feed(self.market.book_snapshot(symbol, 10), None)
            self.market.watch(symbol, 10)

    def frames(self, count: int) -> Iterator[bytes]:
        """Give what comes next."""
        for _ in range(count):
            while not (events := self.market.step()):
                pass
            yield from (event.frame for event in events)

    def run(self, segment: Segment, count: int) -> None:
        """Let things come, and go their way."""
        for frame in self.frames(count):
            segment.add("public", frame, 1)
            self.engine.feed(frame, None)

    def segment(self, most: int) -> Segment:
        """Begin one."""
        return Segment([("public", self.engine)], 1, most=most)


@pytest.fixture
def live() -> Live:
    """Give one."""
    return Live()


def held(engine: Engine) -> list[object]:
    """Give what its books hold."""
    return [route.book.held() for route in engine.routes() if isinstance(route, BookRoute)]


def kinds(segment: Segment) -> list[str]:
    """Give what there is, as kinds."""
    return [type(what).__name__ for _, what, _ in segment.whole()]


def test_books_are_taken_one_by_one_and_the_rest_at_once(live: Live) -> None:
    """Each before the line that comes with it; the cheap ones come before all lines."""
    perform(live.engine, Confirmed(live.books[0]))
    segment = live.segment(100)
    assert [type(what) for _, what, _ in segment.whole()][:3] == [Opened, Confirmed, Opened]
    assert kinds(segment).count("Opened") == 5
    head = segment.stood
    for number in range(1, 6):
        segment.add("public", BEAT, 1)
        assert segment.stood == head + min(number, 3)
    book, line = "BookSnapshot", "bytes"
    assert kinds(segment)[head:] == [book, line, book, line, book, line, line, line]
    assert segment.begun == 2  # When two lines were there all books had been taken.


def test_who_goes_on_from_there_comes_to_the_same(live: Live) -> None:
    """Though books are taken at other moments, each stands where it belongs."""
    live.run(live.segment(100), 200)
    segment = live.segment(10)
    live.run(segment, 300)
    ours = held(live.engine)
    again = Engine(V2Decoder())
    items: list[Item] = []
    again.attach(items.append)
    for _, what, _ in segment.whole():
        match what:
            case BookSnapshot() | Level3Snapshot():
                again.feed(snapshot_frame(what, V2), None)
            case bytes():
                again.feed(what, None)
            case step:
                perform(again, step)
    assert not [item for item in items if isinstance(item, Gap | Exception)]
    assert len([item for item in items if isinstance(item, BookUpdate)]) > 200
    assert held(again) == ours


def test_very_many_books_are_taken_several_at_a_time(live: Live) -> None:
    """So that they are there when half of the lines have come."""
    segment = live.segment(2)
    segment.add("public", BEAT, 1)
    assert segment.begun == 0
    assert kinds(segment).count("BookSnapshot") == 3


def test_what_is_gone_or_not_live_is_not_taken(live: Live) -> None:
    """Its next snapshot comes as a line."""
    segment = live.segment(100)
    perform(live.engine, Closed(live.books[0]))
    perform(live.engine, Disconnected())
    segment.take_books(None, 1)
    assert "BookSnapshot" not in kinds(segment)
    assert segment.left_out == 0


def test_a_book_that_is_probed_is_probed_again(live: Live) -> None:
    """What its next snapshot is compared with would be lost else."""
    perform(live.engine, Probed(live.books[1], 5, None))
    segment = live.segment(100)
    segment.take_books(None, 1)
    steps = [what for _, what, _ in segment.whole()]
    at = steps.index(Probed(live.books[1], 5, None))
    assert isinstance(steps[at - 1], BookSnapshot)
    assert getattr(steps[at - 1], "symbol", None) == "ETH/USD"


def test_books_are_bounded(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """All together; what is left out is counted."""
    monkeypatch.setattr(module, "ROOM_BYTES", 30 * module.LEVEL_BYTES)
    segment = live.segment(100)
    segment.take_books(None, 1)
    assert kinds(segment).count("BookSnapshot") == 2
    assert segment.left_out == 1


def test_the_last_trade_is_what_the_next_follows(live: Live) -> None:
    """As the exchange would send it."""
    (trade,) = live.market.trades("BTC/USD", latest=1)
    assert isinstance(trade, Trade)
    live.engine.feed(trade_frame(trade), None)
    segment = live.segment(100)
    assert trade_frame(trade) in [what for _, what, _ in segment.whole()]


def test_failures_are_noted_with_their_line(live: Live) -> None:
    """The last one that there is."""
    segment = live.segment(100)
    segment.add("public", BEAT, 1)
    segment.fail("checksum", "public", "book", "BTC/USD")
    (failed,) = segment.failures
    assert failed == (1, "checksum", "public", "book", "BTC/USD")


def test_what_is_worth_counting() -> None:
    """Frames, and what broke the framing."""
    segment = Segment(most=10)
    segment.add("public", b"12345", 1)
    segment.add("public", Broke("x", b"123"), 1)
    segment.add("public", Disconnected(), 1)
    assert segment.size == 8
    assert size_of(Discarded(Channel.executions())) == 0

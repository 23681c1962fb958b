"""The one path: from a frame's bytes to the sinks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from kraken_trio._internal.engine.book_route import BookRoute
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.hooks import Hooks
from kraken_trio._internal.engine.probe import Probe
from kraken_trio._internal.engine.signals import (
    DataLost,
    Faulted,
    Missed,
    Replied,
    SnapshotSeen,
    StatusSeen,
    Unfamiliar,
    Unrouted,
)
from kraken_trio._internal.model.account import Execution
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import ProtocolError
from kraken_trio._internal.model.gap import Gap, GapHandling, GapPolicy, GapReason
from kraken_trio._internal.model.messages import Heartbeat, RecordsMessage
from kraken_trio._internal.model.ports import Observer
from kraken_trio._internal.model.records import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level,
    Spread,
    Ticker,
    Trade,
)
from kraken_trio._internal.model.reference import InstrumentPair, SystemStatus
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.decode import V2Decoder
from kraken_trio._internal.wire.v1_decode import V1Decoder

NOW = Timestamp(1_700_000_000_000_000_000)
BOOK = Channel.book("BTC/USD")
# One bid at 1.5; CRC32 of "15200", "15300" and "150200", computed with Python's zlib.
SNAPSHOT = (
    b'{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":'
    b'[{"price":1.5,"qty":2.00}],"asks":[],"checksum":1139169561}]}'
)
UPDATE = (
    b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":'
    b'[{"price":1.5,"qty":3.00}],"asks":[],"checksum":1109668654,'
    b'"timestamp":"2026-07-07T23:00:04.005636Z"}]}'
)
WRONG = UPDATE.replace(b"1109668654", b"1")
TICKER = (
    b'{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":1.5,"bid_qty":1.0,'
    b'"ask":1.6,"ask_qty":1.0,"last":1.5,"volume":9.0,"vwap":1.5,"low":1.4,"high":1.7,'
    b'"change":-0.1,"change_pct":-0.02}]}'
)
STATUS = (
    b'{"channel":"status","type":"update","data":[{"system":"maintenance","api_version":"v2"}]}'
)
HEARTBEAT = b'{"channel":"heartbeat"}'
ACK = (
    b'{"method":"subscribe","result":{"channel":"book","depth":10,"symbol":"BTC/USD"},'
    b'"success":true,"time_in":"2026-07-07T23:00:03Z","time_out":"2026-07-07T23:00:03Z"}'
)
EXECUTION = (
    b'{"channel":"executions","type":"update","data":[{"order_id":"O1","exec_type":"new",'
    b'"order_status":"new"}],"sequence":%d}'
)


def trades(*numbers: int, symbol: bytes = b"BTC/USD") -> bytes:
    """Give a frame of trades with these numbers."""
    rows = b",".join(
        b'{"symbol":"%s","side":"buy","price":1.5,"qty":1.0,"ord_type":"limit","trade_id":%d,'
        b'"timestamp":"2026-07-07T23:00:04.005636Z"}' % (symbol, number)
        for number in numbers
    )
    return b'{"channel":"trade","type":"update","data":[%s]}' % rows


def instruments(price: int, qty: int) -> bytes:
    """Give an instrument frame with one pair of these precisions."""
    return (
        b'{"channel":"instrument","type":"snapshot","data":{"assets":[],"pairs":['
        b'{"symbol":"BTC/USD","price_precision":%d,"qty_precision":%d},{"symbol":"ETH/USD"}]}}'
        % (price, qty)
    )


class Watcher(Observer):
    """Remembers what it was told."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.told: list[Any] = []

    def frame_received(self, session: str, payload: bytes | memoryview, at: Timestamp) -> None:
        """Remember a frame."""
        self.told.append((session, bytes(payload), at))

    def fault(self, session: str, error: ProtocolError) -> None:
        """Remember a fault."""
        self.told.append((session, error))

    def gap(self, session: str, gap: Gap) -> None:
        """Remember a gap."""
        self.told.append((session, gap))


def engine(*parts: Channel, observers: tuple[Observer, ...] = ()) -> tuple[Engine, list[Any]]:
    """Give an engine with routes for these, and the list that gets everything."""
    made = Engine(V2Decoder(), hooks=Hooks(own=observers) if observers else None)
    got: list[Any] = []
    made.attach(got.append)
    for part in parts:
        made.open(part)
    return made, got


def test_a_book_from_bytes_to_records() -> None:
    """Snapshot and update arrive as verified records; only the snapshot is signalled."""
    made, got = engine(BOOK)
    assert list(made.feed(SNAPSHOT, NOW)) == [SnapshotSeen(BOOK)]
    assert list(made.feed(UPDATE, NOW)) == []
    assert [type(item) for item in got] == [BookSnapshot, BookUpdate]
    assert got[1].best_bid == Level(Decimal("1.5"), Decimal("3.00"))
    assert (got[1].received_at, made.frames) == (NOW, 2)


def test_a_wrong_checksum_is_signalled_and_observed() -> None:
    """The gap is in band, in the signal and with the observer: the same one."""
    watcher = Watcher()
    made, got = engine(BOOK, observers=(watcher, Observer()))
    made.feed(SNAPSHOT, NOW)
    (signal,) = made.feed(WRONG, NOW)
    assert isinstance(signal, DataLost)
    assert (signal.gap.reason, signal.gap) == (GapReason.CHECKSUM, got[-1])
    assert watcher.told == [
        ("public", SNAPSHOT, NOW),
        ("public", WRONG, NOW),
        ("public", signal.gap),
    ]


def test_a_frame_that_cannot_be_decoded_costs_nothing_else() -> None:
    """It is counted, told and signalled, and the next frame goes on."""
    watcher = Watcher()
    made, got = engine(BOOK, observers=(watcher,))
    made.feed(SNAPSHOT, NOW)
    for rubbish in (b"CloudFlare WebSocket proxy restarting", b'{"channel":"book"', b"\xff", b""):
        (signal,) = made.feed(rubbish, NOW)
        assert isinstance(signal, Faulted)
        assert got[-1] is signal.error
        assert watcher.told[-1] == ("public", signal.error)
    assert list(made.feed(UPDATE, NOW)) == []
    assert (made.faults, made.frames) == (4, 6)


def test_data_of_what_is_not_open_are_signalled_and_can_be_taken_later() -> None:
    """Nothing is lost: the message is handed back, and can be taken once there is a route."""
    made, got = engine()
    (signal,) = made.feed(SNAPSHOT, NOW)
    assert isinstance(signal, Unrouted)
    assert (made.unrouted, got) == (1, [])
    made.open(BOOK)
    assert list(made.take(signal.message)) == [SnapshotSeen(BOOK)]
    for frame in (trades(1), TICKER, instruments(1, 8), EXECUTION % 1):
        assert [type(each) for each in made.feed(frame, NOW)] == [Unrouted]


def test_a_closed_route_gets_nothing_more() -> None:
    """What is in flight when a route is closed is unrouted; closing twice is an error."""
    made, got = engine(BOOK)
    made.feed(SNAPSHOT, NOW)
    made.close(BOOK)
    assert [type(each) for each in made.feed(UPDATE, NOW)] == [Unrouted]
    assert len(got) == 1
    with pytest.raises(KeyError):
        made.close(BOOK)


def test_what_the_exchange_could_not_tell_apart_has_one_route() -> None:
    """Two depths of one book, or two triggers of one ticker, cannot both be open."""
    made, _ = engine(BOOK, Channel.ticker("BTC/USD"), Channel.ohlc("BTC/USD"))
    for part in (
        Channel.book("BTC/USD", depth=25),
        Channel.ticker("BTC/USD", event_trigger="bbo"),
    ):
        with pytest.raises(ValueError, match="has a route already"):
            made.open(part)
    made.open(Channel.ohlc("BTC/USD", interval=5))
    assert len(list(made.routes())) == 4
    assert made.route(BOOK) is next(made.routes())
    assert made.route(Channel.book("ETH/USD")) is None


def test_a_ticker_serves_the_spread_too() -> None:
    """One subscription on the wire gives both records; either works without the other."""
    both = [Channel.ticker("BTC/USD"), Channel.spread("BTC/USD")]
    for parts, kinds in (
        (both, [Ticker, Spread]),
        (both[:1], [Ticker]),
        (both[1:], [Spread]),
    ):
        made, got = engine(*parts)
        assert list(made.feed(TICKER, NOW)) == []
        assert [type(item) for item in got] == kinds


def test_each_ticker_of_a_message_goes_its_own_way() -> None:
    """Should a message ever hold several, none is delivered twice, or to another symbol."""
    made, got = engine(Channel.ticker("BTC/USD"), Channel.ticker("ETH/USD"))
    made.feed(TICKER, NOW)
    one = got.pop()
    other = replace(one, symbol="ETH/USD")
    made.take(RecordsMessage("ticker", False, (one, other), None, NOW))  # noqa: FBT003
    assert got == [one, other]


def test_each_symbol_of_a_message_goes_its_own_way() -> None:
    """Should a message ever hold several symbols, none of them gets the others' records."""
    made, _ = engine()
    both = Channel.trades("BTC/USD", "ETH/USD").parts()
    got: dict[str, list[Any]] = {part.symbols[0]: [] for part in both}
    for part in both:
        made.open(part).join(got[part.symbols[0]].append)
    mixed = trades(1, 2)[:-2] + b"," + trades(7, symbol=b"ETH/USD").partition(b"[")[2]
    assert list(made.feed(mixed, NOW)) == []
    assert {symbol: [item.trade_id for item in items] for symbol, items in got.items()} == {
        "BTC/USD": [1, 2],
        "ETH/USD": [7],
    }
    assert list(made.feed(trades(), NOW)) == []


def test_candles_find_their_interval() -> None:
    """Two intervals of one pair are told apart by their rows."""
    made, _ = engine()
    got: dict[int, list[Any]] = {1: [], 5: []}
    for interval, sink in got.items():
        made.open(Channel.ohlc("BTC/USD", interval=interval)).join(sink.append)
    made.feed(
        b'{"channel":"ohlc","type":"update","timestamp":"2026-07-07T23:00:04.005636Z","data":['
        b'{"symbol":"BTC/USD","open":1.5,"high":1.5,"low":1.5,"close":1.5,"trades":1,'
        b'"volume":1.0,"vwap":1.5,"interval_begin":"2026-07-07T23:00:00.000000000Z",'
        b'"interval":5,"timestamp":"2026-07-07T23:05:00.000000Z"}]}',
        NOW,
    )
    assert (got[1], [type(item) for item in got[5]]) == ([], [Candle])


def test_missing_trades_are_a_gap() -> None:
    """A jump of the numbers is in band, in the signal, and observed."""
    watcher = Watcher()
    made, got = engine(Channel.trades("BTC/USD"), observers=(watcher,))
    made.feed(trades(1), NOW)
    (signal,) = made.feed(trades(5), NOW)
    assert isinstance(signal, DataLost)
    assert [type(item) for item in got] == [Trade, Gap, Trade]
    assert watcher.told[-1] == ("public", signal.gap)


def test_private_channels_are_one_route_each() -> None:
    """Executions have no symbol to be told apart by."""
    made, got = engine(Channel.executions())
    assert list(made.feed(EXECUTION % 1, NOW)) == []
    assert [type(item) for item in got] == [Execution]


def test_heartbeats_answers_and_strangers() -> None:
    """A heartbeat is an event, an answer and a stranger are signals; each is counted."""
    made, got = engine()
    assert list(made.feed(HEARTBEAT, NOW)) == []
    assert got == [Heartbeat(NOW)]
    (replied,) = made.feed(ACK, NOW)
    assert isinstance(replied, Replied)
    assert (replied.reply.symbol, replied.reply.depth) == ("BTC/USD", 10)
    (stranger,) = made.feed(b'{"channel":"weather","type":"update","data":[]}', NOW)
    assert isinstance(stranger, Unfamiliar)
    assert (made.heartbeats, made.replies, made.unknown) == (1, 1, 1)


def test_the_status_is_an_event_and_a_signal() -> None:
    """What the exchange says of itself goes to everybody, subscribed or not."""
    made, got = engine()
    (signal,) = made.feed(STATUS, NOW)
    assert isinstance(signal, StatusSeen)
    assert (got, signal.status.system) == ([signal.status], "maintenance")


def test_strange_records_in_a_known_channel_are_passed_over() -> None:
    """A codec that puts a record where it does not belong does no harm."""
    made, got = engine(Channel.trades("BTC/USD"), Channel.ticker("BTC/USD"))
    stray = (SystemStatus(system="online"),)
    for channel in ("trade", "status"):
        records = stray if channel == "trade" else (InstrumentPair(symbol="BTC/USD"),)
        message = RecordsMessage(channel, False, records, None, NOW)  # noqa: FBT003
        assert list(made.take(message)) == []
    (signal,) = made.take(RecordsMessage("ticker", False, stray, None, NOW))  # noqa: FBT003
    assert isinstance(signal, Unrouted)
    assert got == []


def test_instruments_teach_the_books_their_precision() -> None:
    """A book learns its pair's precision, whether it is opened before or after."""
    early, late = Channel.book("BTC/USD"), Channel.level3("BTC/USD")
    made, _ = engine(Channel.instrument(), early)
    made.feed(instruments(1, 8), NOW)
    made.open(late)
    for part in (early, late):
        route = made.route(part)
        assert isinstance(route, BookRoute)
        assert (route.book.price_precision, route.book.qty_precision) == (1, 8)


def test_no_more_precisions_are_kept_than_there_can_be_pairs() -> None:
    """A stranger may name as many as he likes; those that are known can still change."""
    engine = Engine(V2Decoder())
    pairs = [
        InstrumentPair(symbol=f"A{number}/USD", price_precision=1, qty_precision=8)
        for number in range(10_001)
    ]
    for pair in [*pairs, replace(pairs[0], price_precision=2)]:
        engine.take(RecordsMessage("instrument", False, (pair,), None, None))  # noqa: FBT003 - a struct
    for number, precision in ((0, 2), (9999, 1), (10_000, 0)):
        route = engine.open(Channel.book(f"A{number}/USD"))
        assert isinstance(route, BookRoute)
        assert route.book.price_precision == precision


@pytest.mark.parametrize("price, qty", [(-1, 8), (1, 41)])
def test_an_absurd_precision_is_not_taught(price: int, qty: int) -> None:
    """What no number can have says nothing, and ends nothing, whatever a codec lets pass."""
    made, got = engine(Channel.instrument(), BOOK)
    pair = InstrumentPair(symbol="BTC/USD", price_precision=price, qty_precision=qty)
    made.take(RecordsMessage("instrument", False, (pair,), None, NOW))  # noqa: FBT003
    assert got == [pair]
    route = made.route(BOOK)
    assert isinstance(route, BookRoute)
    assert (route.book.price_precision, route.book.qty_precision) == (0, 0)


def test_a_disconnect_is_told_by_every_route_that_lost_something() -> None:
    """Books and tickers say so at once, in band and to the observer; trades wait and see."""
    watcher = Watcher()
    quiet = Channel.book("ETH/USD")
    made, got = engine(
        BOOK, quiet, Channel.ticker("BTC/USD"), Channel.trades("BTC/USD"), observers=(watcher,)
    )
    for frame in (SNAPSHOT, TICKER, trades(1)):
        made.feed(frame, NOW)
    made.disconnect()
    assert [(item.channel, item.symbol) for item in got[3:]] == [
        ("book", "BTC/USD"),
        ("ticker", "BTC/USD"),
    ]
    assert [gap for _, gap in watcher.told[3:]] == got[3:]
    assert list(made.feed(UPDATE, NOW)) == []
    assert len(got) == 5


@pytest.mark.parametrize("frame", [SNAPSHOT, STATUS, HEARTBEAT, b"rubbish"])
def test_a_sink_may_detach_itself_and_open_routes(frame: bytes) -> None:
    """Whatever a sink does while it is given something, the others are given it as well."""
    made, _ = engine(BOOK)
    first: list[Any] = []
    second: list[Any] = []

    def once(item: Any) -> None:
        first.append(item)
        made.detach(once)
        made.open(Channel.trades("BTC/USD"))

    made.attach(once)
    made.attach(second.append)
    for _ in range(2):
        made.feed(frame, NOW)
    assert (len(first), len(second)) == (1, 2)
    assert first[0] is second[0]


def test_the_checksums_of_closed_books_still_count() -> None:
    """What was verified stays verified."""
    made, _ = engine(BOOK, Channel.ticker("BTC/USD"))
    made.feed(SNAPSHOT, NOW)
    made.feed(UPDATE.replace(b"1109668654", b"7"), NOW)
    assert (made.checksums_ok, made.checksums_failed) == (1, 1)
    for part in (BOOK, Channel.ticker("BTC/USD")):
        made.close(part)
    made.open(BOOK)
    made.feed(SNAPSHOT, NOW)
    assert (made.checksums_ok, made.checksums_failed) == (2, 1)


def test_a_disconnect_may_open_and_close_routes() -> None:
    """Who hears of a loss may ask for something else at once."""
    made, _ = engine(BOOK, Channel.ticker("BTC/USD"))
    gaps: list[Any] = []

    def other(item: Any) -> None:
        gaps.append(item)
        made.open(Channel.trades(f"ETH{len(gaps)}/USD"))

    for frame in (SNAPSHOT, TICKER):
        made.feed(frame, NOW)
    for part in (BOOK, Channel.ticker("BTC/USD")):
        route = made.route(part)
        assert route is not None
        route.sinks = (other,)
    made.disconnect()
    assert [gap.channel for gap in gaps] == ["book", "ticker"]


def test_a_route_has_one_symbol() -> None:
    """A channel of several is refused, not routed in part."""
    made, _ = engine()
    several = Channel.book("BTC/USD", "ETH/USD")
    with pytest.raises(ValueError, match="several symbols"):
        made.open(several)
    for part in several.parts():
        made.open(part)


def test_everything_ends_with_detaching() -> None:
    """A sink that is detached gets nothing more, from no route."""
    made, got = engine(BOOK)
    second: list[Any] = []
    made.attach(second.append)
    made.detach(got.append)
    for frame in (SNAPSHOT, STATUS, HEARTBEAT):
        made.feed(frame, NOW)
    assert (got, len(second)) == ([], 3)
    with pytest.raises(ValueError, match="not in tuple"):
        made.detach(got.append)


@pytest.mark.parametrize("first, second", [("ticker", "spread"), ("spread", "ticker")])
def test_a_spread_and_a_ticker_know_what_the_other_was_told(first: str, second: str) -> None:
    """They are one subscription on the wire, so no snapshot comes for the second one."""
    quote = Channel.ticker("BTC/USD", event_trigger="bbo")
    parts = {"ticker": quote, "spread": Channel.spread("BTC/USD")}
    made, _ = engine(parts[first])
    made.feed(TICKER, NOW)
    (known,) = made.open(parts[second]).recall()
    assert isinstance(known, Spread if second == "spread" else Ticker)
    assert (known.symbol, known.received_at) == ("BTC/USD", NOW)


def test_a_ticker_without_a_snapshot_has_nothing_for_its_spread() -> None:
    """Nothing was asked for that one could begin with."""
    made, _ = engine(Channel.ticker("BTC/USD", snapshot=False))
    made.feed(TICKER, NOW)
    assert list(made.open(Channel.spread("BTC/USD")).recall()) == []


def test_a_broken_frame_is_a_gap_of_those_it_was_for() -> None:
    """A live book is empty then, and a fresh one is wanted; others are told, and go on."""
    watcher = Watcher()
    quote, spread = Channel.ticker("BTC/USD", event_trigger="bbo"), Channel.spread("BTC/USD")
    candles, trades = Channel.ohlc("BTC/USD"), Channel.trades("BTC/USD")
    made, got = engine(BOOK, quote, spread, candles, trades, observers=(watcher,))
    made.feed(SNAPSHOT, NOW)

    def lost(frame: bytes) -> list[Channel]:
        signals = made.feed(frame, NOW)
        assert isinstance(signals[0], Faulted)
        gaps = [signal.gap for signal in signals if isinstance(signal, DataLost)]
        assert all(gap.reason is GapReason.UNDECODABLE and gap.to_time == NOW for gap in gaps)
        observed = [told[-1] for told in watcher.told if isinstance(told[-1], Gap)]
        assert observed[len(observed) - len(gaps) :] == gaps
        assert got[len(got) - len(gaps) :] == gaps
        return [signal.part for signal in signals if isinstance(signal, DataLost)]

    assert lost(UPDATE[:-9]) == [BOOK]
    assert lost(UPDATE[:-9]) == []  # nothing is live that could be lost
    assert lost(TICKER[:-9]) == [quote, spread]
    assert lost(b'{"channel":"ohlc","data":[{"symbol":"BTC/USD","interval":1,') == [candles]
    assert lost(b'{"channel":"ohlc","data":[{"symbol":"BTC/USD","interval":5,') == []
    assert lost(b'{"channel":"trade","data":[{"symbol":"BTC/USD",') == []
    assert lost(b"rubbish") == []
    assert list(made.feed(UPDATE, NOW)) == []
    assert list(made.feed(SNAPSHOT, NOW)) == [SnapshotSeen(BOOK)]


def test_a_lenient_book_finds_a_broken_frame_out_by_itself() -> None:
    """Nobody would send it a snapshot; its checksum will tell."""
    made, got = engine()
    made.open(BOOK, GapHandling(policy=GapPolicy.IGNORE))
    made.feed(SNAPSHOT, NOW)
    assert [type(signal) for signal in made.feed(UPDATE[:-9], NOW)] == [Faulted]
    assert [type(item) for item in got] == [BookSnapshot, ProtocolError]


class Gaps(Observer):
    """Remembers what was lost."""

    def __init__(self) -> None:
        """Nothing was lost yet."""
        self.seen: list[Gap] = []

    def gap(self, session: str, gap: Gap) -> None:  # noqa: ARG002 - the hook's
        """Remember it."""
        self.seen.append(gap)


def test_what_a_probe_shows_is_observed_for_each_and_signalled_once() -> None:
    """A ticker and a spread live on one subscription, so one signal speaks for both."""
    gaps = Gaps()
    engine = Engine(V2Decoder(), hooks=Hooks(own=[gaps]))
    parts = [Channel.ticker("BTC/USD", event_trigger="bbo"), Channel.spread("BTC/USD")]
    routes = [engine.open(part) for part in parts]
    engine.feed(TICKER, NOW)
    for route in routes:
        route.probe = Probe()
    signals = engine.feed(TICKER.replace(b"update", b"snapshot").replace(b"1.6", b"1.7"), NOW)
    assert signals == (Missed(parts[0], gaps.seen[0]), SnapshotSeen(parts[0]))
    assert [gap.channel for gap in gaps.seen] == ["ticker", "spread"]


def test_what_does_not_come_is_told_in_band_and_to_observers() -> None:
    """And of what is not open, nothing."""
    gaps, got = Gaps(), list[Any]()
    engine = Engine(V2Decoder(), hooks=Hooks(own=[gaps]))
    engine.attach(got.append)
    engine.open(BOOK)
    engine.stall(BOOK)
    engine.stall(Channel.book("ETH/USD"))
    assert got == gaps.seen == [Gap("book", "BTC/USD", GapReason.STALLED)]


def old(text: str) -> bytes:
    """Give a frame of protocol v1 about one pair."""
    return f'[5,{text},"XBT/USD"]'.encode()


OLD_TICKER = old(
    '{"a":["1.6",1,"1.0"],"b":["1.5",1,"1.0"],"c":["1","1"],"h":["1","1"],"l":["1","1"],'
    '"o":["1","1"],"p":["1","1"],"t":[1,1],"v":["1","1"]},"ticker"'
)
OLD_SPREAD = old('["1.5","1.6","7.5","1.0","1.0"],"spread"')
OLD_TRADE = old('[["1.5","1.0","7.5","b","l",""]],"trade"')


def test_spreads_that_come_as_such() -> None:
    """Where the exchange has spreads, they are not made of tickers, nor joined with any."""
    engine = Engine(V1Decoder())
    got: list[Any] = []
    engine.open(Channel.ticker("BTC/USD"))
    engine.feed(OLD_TICKER, NOW)
    route = engine.open(Channel.spread("BTC/USD"))
    engine.attach(got.append)
    assert list(route.recall()) == []
    engine.feed(OLD_TICKER, NOW)
    engine.feed(OLD_SPREAD, NOW)
    engine.feed(OLD_SPREAD, NOW)
    assert [type(item) for item in got] == [Ticker, Spread, Spread]
    assert list(route.recall()) == [got[-1]]
    assert engine.unrouted == 0


def test_a_faulty_ticker_is_no_faulty_spread() -> None:
    """Where spreads come as such, a ticker that cannot be read costs none of them."""
    engine = Engine(V1Decoder())
    got: list[Any] = []
    for channel in (Channel.ticker("BTC/USD"), Channel.spread("BTC/USD")):
        engine.open(channel)
    engine.attach(got.append)
    signals = engine.feed(OLD_TICKER.replace(b'"1.6"', b'"x"'), NOW)
    assert [type(signal) for signal in signals] == [Faulted, DataLost]
    assert [item.channel for item in got if isinstance(item, Gap)] == ["ticker"]


def test_trades_without_numbers() -> None:
    """Of trades without numbers a lost connection is all that can be seen, or a faulty frame."""
    engine = Engine(V1Decoder())
    got: list[Any] = []
    engine.open(Channel.trades("BTC/USD"), GapHandling(policy=GapPolicy.BUFFER))
    engine.attach(got.append)
    engine.feed(OLD_TRADE, NOW)
    engine.feed(OLD_TRADE, NOW)
    engine.feed(OLD_TRADE.replace(b'"1.5"', b'"x"'), NOW)
    engine.disconnect()
    assert [type(item) for item in got] == [Trade, Trade, ProtocolError, Gap, Gap]
    assert [item.reason for item in got[3:]] == [GapReason.UNDECODABLE, GapReason.DISCONNECT]


def test_observers_are_shown_no_secret_that_a_frame_says_back() -> None:
    """They are told by whoever has them."""
    shown: list[bytes] = []

    class Watcher(Observer):
        """Keeps frames."""

        def frame_received(self, *told: Any) -> None:
            """Keep it."""
            shown.append(bytes(told[1]))

    engine = Engine(V2Decoder(), hooks=Hooks(own=[Watcher()]))
    engine.feed(b"token-0", None)
    engine.concealed.add(Secret("token-0"))
    engine.feed(b"token-0", None)
    assert shown == [b"token-0", b"****"]


def test_what_was_received_is_counted_for_each_part() -> None:
    """And goes on being, when its route is closed."""
    made, _ = engine(BOOK)
    for frame in (SNAPSHOT, UPDATE, WRONG):
        made.feed(frame, NOW)
    for _ in range(2):
        counts = made.counts()["book", "BTC/USD"]
        assert (counts["messages"], counts["checksums_ok"], counts["checksums_failed"]) == (3, 2, 1)
        if made.route(BOOK):
            made.close(BOOK)


def test_records_are_told_before_those_who_consume_them() -> None:
    """Each once, whoever else listens."""
    order: list[Any] = []

    class Receiving(Observer):
        def record_received(self, session: str, record: object) -> None:
            order.append((session, type(record)))

    made = Engine(V2Decoder(), hooks=Hooks(own=[Receiving()]))
    made.open(BOOK)
    made.attach(lambda item: order.append(type(item)))
    made.feed(SNAPSHOT, NOW)
    assert order == [("public", BookSnapshot), BookSnapshot]

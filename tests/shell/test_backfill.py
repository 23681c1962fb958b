"""Missed trades are fetched, in the live path: each comes once, in order, or is in one gap."""

from __future__ import annotations

import random
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trio
import trio.testing

from kraken_trio import (
    Channel,
    ConfigurationError,
    DropPolicy,
    Feed,
    Gap,
    GapPolicy,
    GapReason,
    KrakenConfig,
    Subscription,
    SubscriptionError,
    Trade,
    open_kraken,
)
from kraken_trio._internal.shell.backfill import PAUSE_S
from kraken_trio.extended import HttpRest, RestResponse
from kraken_trio.testing import USUAL_PAIRS, Exchange, ExchangeRest, Market, open_exchange

CONFIG = KrakenConfig(endpoint="wss://exchange.test/v2", jitter=0.0, pending_timeout=20.0)
PAIR = "BTC/USD"

Trades = Subscription[Trade | Gap]


@pytest.fixture
async def exchange(autojump_clock: trio.abc.Clock) -> AsyncIterator[Exchange]:
    """Give a simulated exchange whose market stands still unless it is told to go on."""
    async with open_exchange(market()) as exchange:
        yield exchange


@pytest.fixture
async def feed(exchange: Exchange) -> AsyncIterator[Feed]:
    """Give a feed of it that can ask for history."""
    async with open_kraken(CONFIG, dial=exchange.dial, rest=exchange.rest) as feed:
        yield feed


def market(*symbols: str, seed: int = 1) -> Market:
    """Make a market of some pairs; the fewer, the sooner one of them goes on."""
    pairs = [pair for pair in USUAL_PAIRS if pair.symbol in (symbols or (PAIR,))]
    return Market(pairs, seed=seed, start=1_767_225_600_123_456_789)


def latest(exchange: Exchange, symbol: str = PAIR) -> int:
    """Give the number of the last trade."""
    (trade,) = exchange.market.trades(symbol, latest=1)
    return trade.trade_id


def go_on(exchange: Exchange, count: int, symbol: str = PAIR) -> int:
    """Let the market do so many trades of a pair, or a few more; give the last number."""
    end = latest(exchange, symbol) + count
    while latest(exchange, symbol) < end:
        exchange.step()
    return latest(exchange, symbol)


async def miss(exchange: Exchange, count: int = 200, symbol: str = PAIR) -> int:
    """Cut the connection, and let the market do so many trades before there is another."""
    for connection in exchange.connections:
        connection.drop()
    await trio.testing.wait_all_tasks_blocked()
    assert not exchange.connections
    return go_on(exchange, count, symbol)


async def receive(trades: Trades, last: int) -> list[Trade | Gap]:
    """Receive up to the trade with this number."""
    got: list[Trade | Gap] = []
    while not (got and isinstance(got[-1], Trade) and got[-1].trade_id >= last):
        got.append(await trades.receive())
    return got


def covered(items: list[Trade | Gap]) -> list[int]:
    """Give the numbers, each once; those of gaps negative. They are in order, or this fails."""
    found: list[int] = []
    for item in items:
        if isinstance(item, Gap):
            assert item.reason is GapReason.TRADE_ID
            assert item.expected is not None
            assert item.received is not None
            assert item.size == item.received - item.expected
            found += [-number for number in range(item.expected, item.received)]
        else:
            found.append(item.trade_id)
    plain = [abs(number) for number in found]
    assert plain == list(range(plain[0], plain[0] + len(plain)))
    return found


def fetched(items: list[Trade | Gap]) -> list[int]:
    """Give the numbers of those that came from history."""
    return [item.trade_id for item in items if isinstance(item, Trade) and item.backfilled]


def gaps(items: list[Trade | Gap]) -> list[tuple[int | None, int | None]]:
    """Give what is missing."""
    return [(item.expected, item.received) for item in items if isinstance(item, Gap)]


async def test_nothing_is_asked_where_nothing_is_missing(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """What the snapshot after a reconnect reaches back to, it brings; repeats are dropped."""
    async with feed.trades(PAIR, backfill=True) as trades:
        first = go_on(exchange, 10)
        await receive(trades, first)
        last = await miss(exchange, 30)
        got = await receive(trades, last)
        assert covered(got) == list(range(first + 1, last + 1))
        assert not fetched(got)
        await trio.sleep(10)
        assert not exchange.rest.requests
        statistics = feed.statistics()
        assert statistics.trades_backfilled == 0
        assert statistics.trades_repeated == 50 - (last - first)
    assert feed.statistics().trades_repeated == statistics.trades_repeated


async def test_what_was_missed_is_fetched(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """Two hundred trades without a connection: each comes once, in order, exactly as it was."""
    async with feed.trades(PAIR, backfill=True) as trades:
        first = go_on(exchange, 10)
        await receive(trades, first)
        last = await miss(exchange, 200)
        got = await receive(trades, last)
        later = go_on(exchange, 5)
        got += await receive(trades, later)
        assert covered(got) == list(range(first + 1, later + 1))
        assert fetched(got) == list(range(first + 1, last - 49))
        made = {trade.trade_id: trade for trade in exchange.market.trades(PAIR)}
        for trade in got:
            assert isinstance(trade, Trade)
            same = made[trade.trade_id]
            assert (trade.symbol, trade.side, trade.price, trade.qty, trade.ord_type) == (
                *(same.symbol, same.side, same.price, same.qty),
                same.ord_type,
            )
            assert abs(trade.timestamp - same.timestamp) < 1000
            assert trade.received_at is not None
        assert len(exchange.rest.requests) == 1
        statistics = feed.statistics()
        assert (statistics.trades_backfilled, statistics.gaps) == (len(fetched(got)), {})
    assert feed.statistics().trades_backfilled == statistics.trades_backfilled


async def test_a_jump_on_a_living_connection_is_filled(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """What was lost on the way is fetched too."""
    async with feed.trades(PAIR, backfill=True) as trades:
        first = go_on(exchange, 10)
        await receive(trades, first)
        exchange.connections[0].alter_next("trade", PAIR, lambda _: ())
        last = go_on(exchange, 20)
        got = await receive(trades, last)
        assert covered(got) == list(range(first + 1, last + 1))
        assert fetched(got)
        assert len(exchange.connections) == 1


async def test_history_comes_page_by_page_and_not_too_fast(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """Pages overlap, and each question begins where the last answer ended, or a little before."""
    exchange.rest.max_rows = 40
    exchange.rest.inclusive = False
    exchange.rest.modern_key = True
    async with feed.trades(PAIR, backfill=True) as trades:
        first = go_on(exchange, 10)
        await receive(trades, first)
        last = await miss(exchange, 300)
        began = trio.current_time()
        got = await receive(trades, last)
        assert covered(got) == list(range(first + 1, last + 1))
        asked = [parse_qs(urlsplit(path).query) for path in exchange.rest.requests]
        assert len(asked) >= 7
        assert trio.current_time() - began >= (len(asked) - 1) * PAUSE_S
        moments = [int(query["since"][0]) for query in asked]
        assert moments == sorted(set(moments))


@pytest.mark.parametrize("trouble", ["throttled", "busy", "broken", "page"])
async def test_trouble_that_passes_is_waited_for(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange, trouble: str
) -> None:
    """It is asked again, with pauses that grow, and nothing is lost."""
    rest = exchange.rest
    match trouble:
        case "throttled":
            rest.refuse_next(count=3)
            rest.refuse_next(f"EService: Throttled: {exchange.now() // 10**9 + 5}")
        case "busy":
            rest.status = 503
        case "broken":
            rest.broken = True
        case _:
            rest.refuse_next("EService:Unavailable", count=2)
    async with feed.trades(PAIR, backfill=True) as trades:
        first = go_on(exchange, 10)
        await receive(trades, first)
        last = await miss(exchange, 200)
        await trio.sleep(4)
        rest.status, rest.broken = 200, False
        got = await receive(trades, last)
        assert covered(got) == list(range(first + 1, last + 1))
        assert len(rest.requests) >= 3


@pytest.mark.parametrize(
    "trouble", ["hanging", "broken", "throttled", "page", "nonsense", "behind"]
)
async def test_trouble_that_lasts_is_a_gap_in_time(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange, trouble: str
) -> None:
    """After ``pending_timeout`` the gap holds exactly what is missing, and the stream goes on."""
    rest = exchange.rest
    match trouble:
        case "hanging":
            rest.hanging = True
        case "broken":
            rest.broken = True
        case "throttled":
            rest.throttle(0)
        case "page":
            rest.status = 502
        case "nonsense":
            rest.refuse_next("EService:Busy", count=1000)
        case _:
            rest.oldest[PAIR] = 2**60  # History lags behind, for ever.
    async with feed.trades(PAIR, backfill=True) as trades:
        first = go_on(exchange, 10)
        await receive(trades, first)
        last = await miss(exchange, 200)
        began = trio.current_time()
        got = await receive(trades, last)
        assert 0 <= trio.current_time() - began - CONFIG.pending_timeout < 1
        assert gaps(got) == [(first + 1, last - 49)]
        assert covered(got)[-50:] == list(range(last - 49, last + 1))
        assert len(rest.requests) <= CONFIG.pending_timeout / PAUSE_S
        later = go_on(exchange, 5)
        assert covered(await receive(trades, later)) == list(range(last + 1, later + 1))
        statistics = feed.statistics()
        assert (statistics.gaps, statistics.trades_backfilled) == ({GapReason.TRADE_ID: 1}, 0)


@pytest.mark.parametrize("trouble", ["EQuery:Unknown asset pair", "403"])
async def test_a_refusal_for_good_is_a_gap_at_once(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange, trouble: str
) -> None:
    """Nobody waits for what will not come."""
    if trouble == "403":
        exchange.rest.status = 403
    else:
        exchange.rest.refuse_next(trouble)
    async with feed.trades(PAIR, backfill=True) as trades:
        first = go_on(exchange, 10)
        await receive(trades, first)
        last = await miss(exchange, 200)
        began = trio.current_time()
        got = await receive(trades, last)
        assert trio.current_time() - began < 2
        assert gaps(got) == [(first + 1, last - 49)]
        assert len(exchange.rest.requests) == 1


async def test_what_is_not_served_any_more_stays_a_gap(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """Each hole in its place, with what there is between them."""
    async with feed.trades(PAIR, backfill=True) as trades:
        first = go_on(exchange, 10)
        await receive(trades, first)
        last = await miss(exchange, 200)
        exchange.rest.oldest[PAIR] = first + 21
        exchange.rest.withhold(PAIR, range(first + 50, first + 60))
        exchange.rest.withhold(PAIR, [last - 50])
        got = await receive(trades, last)
        covered(got)
        assert gaps(got) == [
            (first + 1, first + 21),
            (first + 50, first + 60),
            (last - 50, last - 49),
        ]
        assert fetched(got) == [*range(first + 21, first + 50), *range(first + 60, last - 50)]


async def test_a_second_cut_while_the_first_is_filled(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """What is missing then is fetched too, and everything is still in order."""
    exchange.rest.delay_s = 3.0
    async with feed.trades(PAIR, backfill=True) as trades:
        first = go_on(exchange, 10)
        await receive(trades, first)
        await miss(exchange, 200)
        await trio.sleep(1)
        go_on(exchange, 10)
        last = await miss(exchange, 150)
        got = await receive(trades, last)
        assert covered(got) == list(range(first + 1, last + 1))
        assert len(exchange.rest.requests) == 2


async def test_more_than_there_is_room_for(
    autojump_clock: trio.abc.Clock, exchange: Exchange
) -> None:
    """What comes meanwhile is bounded; then the hole is told, and what comes of it is too late."""
    exchange.rest.delay_s = 5.0
    config = CONFIG.replace(max_pending=100)
    async with (
        open_kraken(config, dial=exchange.dial, rest=exchange.rest) as feed,
        feed.trades(PAIR, backfill=True) as trades,
    ):
        first = go_on(exchange, 10)
        await receive(trades, first)
        last = await miss(exchange, 200)
        await trio.sleep(1)
        later = go_on(exchange, 80)
        got = await receive(trades, later)
        assert gaps(got) == [(first + 1, last - 49)]
        covered(got)
        await trio.sleep(20)
        assert not trades.statistics().records.buffered  # type: ignore[union-attr]


@pytest.mark.parametrize("how", ["leave", "cancel", "close feed"])
@pytest.mark.parametrize("trouble", ["hanging", "delayed", "throttled"])
async def test_leaving_while_it_is_filled(
    autojump_clock: trio.abc.Clock, exchange: Exchange, how: str, trouble: str
) -> None:
    """Nothing is left of the question, no time passes, and another begins anew."""
    rest = exchange.rest
    under_way = 0

    async def counted(*args: Any, **more: Any) -> RestResponse:
        nonlocal under_way
        under_way += 1
        try:
            return await rest(*args, **more)
        finally:
            under_way -= 1

    async with open_kraken(CONFIG, dial=exchange.dial, rest=counted) as feed:
        with trio.CancelScope() as scope:
            async with feed.trades(PAIR, backfill=True) as trades:
                await receive(trades, go_on(exchange, 10))
                rest.hanging = trouble == "hanging"
                rest.delay_s = 2.0 * (trouble == "delayed")
                rest.refuse_next(count=2 * (trouble == "throttled"))
                await miss(exchange, 200)
                await trio.sleep(0.9)
                assert under_way == (trouble != "throttled")
                began = trio.current_time()
                if how == "cancel":
                    scope.cancel()
                    await trio.sleep_forever()
                if how == "close feed":
                    feed.disconnect()
        assert trio.current_time() - began < 1
        await trio.testing.wait_all_tasks_blocked()
        assert under_way == 0
        rest.hanging, rest.delay_s = False, 0.0
        feed.connect()
        async with feed.trades(PAIR, backfill=True) as trades:
            first = go_on(exchange, 10)
            await receive(trades, first)
            last = await miss(exchange, 100)
            assert covered(await receive(trades, last)) == list(range(first + 1, last + 1))


async def test_leaving_a_feed_while_it_hangs(
    autojump_clock: trio.abc.Clock, exchange: Exchange
) -> None:
    """The block is left at once, and the question is cancelled."""
    exchange.rest.hanging = True
    async with (
        open_kraken(CONFIG, dial=exchange.dial, rest=exchange.rest) as feed,
        feed.trades(PAIR, backfill=True) as trades,
    ):
        await receive(trades, go_on(exchange, 10))
        await miss(exchange, 200)
        await trio.sleep(1)
        began = trio.current_time()
    assert trio.current_time() - began <= 2


@pytest.mark.parametrize("policy", [DropPolicy.OLDEST, DropPolicy.LATEST])
async def test_a_consumer_that_keeps_up_loses_nothing(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange, policy: DropPolicy
) -> None:
    """A thousand trades that are in line at once do not flood the one who takes them."""
    subscription = feed.subscribe(
        Channel.trades(PAIR), backfill=True, drop_policy=policy, max_queue_depth=120
    )
    async with subscription as trades:
        first = go_on(exchange, 10)
        await receive(trades, first)
        last = await miss(exchange, 900)
        got: list[Trade | Gap] = []
        while not (got and isinstance(got[-1], Trade) and got[-1].trade_id == last):
            got.append(await trades.receive())
            await trio.lowlevel.checkpoint()
        assert covered(got) == list(range(first + 1, last + 1))


async def test_a_consumer_that_does_not_has_its_own_gap(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """What it was too slow for is an overflow, and counts up with what it received."""
    channel = Channel.trades(PAIR)
    async with (
        feed.subscribe(channel, backfill=True, max_queue_depth=60) as slow,
        feed.subscribe(channel, backfill=True, max_queue_depth=1000) as fast,
    ):
        first = go_on(exchange, 10)
        await receive(fast, first)
        last = await miss(exchange, 400)
        await trio.sleep(5)
        assert covered(await receive(fast, last))[-1] == last
        got = await slow.receive_batch()
        (overflow,) = [item for item in got if isinstance(item, Gap)]
        assert overflow.reason is GapReason.OVERFLOW
        assert overflow.size is not None
        assert overflow.size + len(got) - 1 >= last - first
        assert feed.statistics().gaps == {GapReason.OVERFLOW: 1}


async def test_two_who_share_one(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """Both get the same, and history is asked once; who wants it otherwise is refused."""
    async with (
        feed.trades(PAIR, backfill=True) as one,
        feed.trades(PAIR, backfill=True) as other,
    ):
        with pytest.raises(SubscriptionError, match="those who share it handle gaps alike"):
            await feed.trades(PAIR).__aenter__()
        first = go_on(exchange, 10)
        assert await receive(one, first) == await receive(other, first)
        last = await miss(exchange, 200)
        assert await receive(one, last) == await receive(other, last)
        assert len(exchange.rest.requests) == 1


async def test_one_who_joins_while_it_is_filled(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """It finds what was delivered, then what was missed, in its place, each once."""
    exchange.rest.delay_s = 3.0
    async with feed.trades(PAIR, snapshot=True, backfill=True) as early:
        first = go_on(exchange, 10)
        await receive(early, first)
        last = await miss(exchange, 200)
        await trio.sleep(1)
        async with (
            feed.trades(PAIR, snapshot=True, backfill=True) as late,
            feed.trades(PAIR, backfill=True) as later,
        ):
            got = await receive(late, last)
            assert covered(got) == list(range(first - 49, last + 1))
            assert covered(await receive(later, last)) == list(range(first + 1, last + 1))
        async with feed.trades(PAIR, snapshot=True, backfill=True) as after:
            assert covered(await after.receive_batch()) == list(range(last - 49, last + 1))


async def test_several_pairs_one_question_at_a_time(autojump_clock: trio.abc.Clock) -> None:
    """The one of which least is missing comes first; a refusal lets the others go before."""
    symbols = ("BTC/USD", "ETH/USD", "SOL/USD")
    busy: list[str] = []
    most = 0

    class Counted(ExchangeRest):
        """Counts how many questions are under way."""

        async def __call__(self, method: str, path: str, **more: Any) -> RestResponse:
            """Count one more, as long as it takes."""
            nonlocal most
            busy.append(path)
            most = max(most, len(busy))
            try:
                return await super().__call__(method, path, **more)
            finally:
                busy.remove(path)

    places = market(*symbols)
    rest = Counted(places)
    async with (
        open_exchange(places) as exchange,
        open_kraken(CONFIG, dial=exchange.dial, rest=rest) as feed,
        feed.trades(*symbols, backfill=True) as trades,
    ):
        rest.delay_s = 0.5
        firsts = {symbol: go_on(exchange, 3, symbol) for symbol in symbols}
        firsts = {symbol: latest(exchange, symbol) for symbol in symbols}
        await trio.sleep(1)
        await trades.receive_batch()
        rest.refuse_next(count=1)
        await miss(exchange, 120)
        lasts = {symbol: latest(exchange, symbol) for symbol in symbols}
        got: list[Trade | Gap] = []
        while any(
            lasts[symbol] not in {t.trade_id for t in got if isinstance(t, Trade)}
            for symbol in symbols
        ):
            got += await trades.receive_batch()
        for symbol in symbols:
            mine = [item for item in got if item.symbol == symbol]
            assert covered(mine) == list(range(firsts[symbol] + 1, lasts[symbol] + 1))
        assert most == 1
        assert feed.statistics().gaps == {}
        asked = [parse_qs(urlsplit(path).query)["pair"][0] for path in rest.requests]
        assert asked[1] != asked[0]


async def test_buffer_waits_for_what_comes_in_another_order(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """Without history: a frame that is late comes in its place; one that is lost is a gap."""
    async with feed.subscribe(Channel.trades(PAIR), gap_policy=GapPolicy.BUFFER) as trades:
        first = go_on(exchange, 10)
        await receive(trades, first)
        late: list[bytes] = []

        def keep(frame: bytes) -> Iterable[bytes]:
            late.append(frame)
            return ()

        connection = exchange.connections[0]
        connection.alter_next("trade", PAIR, keep)
        last = go_on(exchange, 10)
        await trio.sleep(5)
        assert trades.statistics().records.buffered == 0  # type: ignore[union-attr]
        connection.send_raw(late[0])
        assert covered(await receive(trades, last)) == list(range(first + 1, last + 1))
        connection.alter_next("trade", PAIR, keep)
        began = trio.current_time()
        later = go_on(exchange, 10)
        got = await receive(trades, later)
        assert trio.current_time() - began == pytest.approx(CONFIG.pending_timeout)
        assert [item for item in covered(got) if item > 0][-1] == later
        assert len(gaps(got)) == 1
        connection.send_raw(late[1])
        await trio.sleep(1)
        assert feed.statistics().trades_repeated > 0
        assert not exchange.rest.requests


async def test_a_wide_gap_is_not_buffered(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """Beyond ``max_gap`` it is told at once."""
    async with feed.subscribe(Channel.trades(PAIR), gap_policy=GapPolicy.BUFFER) as trades:
        first = go_on(exchange, 10)
        await receive(trades, first)
        last = await miss(exchange, 300)
        began = trio.current_time()
        assert gaps(await receive(trades, last)) == [(first + 1, last - 49)]
        assert trio.current_time() - began < 1


async def test_one_who_wants_nothing_dropped_gets_it_all_and_takes_his_time(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """What is fetched waits for room as what is read does, in the session of its own."""
    channel = Channel.trades(PAIR)
    async with (
        feed.subscribe(
            channel, drop_policy=DropPolicy.BLOCK, max_queue_depth=10, backfill=True
        ) as trades,
        feed.trades(PAIR, backfill=True) as others,
    ):
        first = go_on(exchange, 3)
        await receive(trades, first)
        await receive(others, first)
        last = await miss(exchange, 400)
        assert covered(await receive(others, last)) == list(range(first + 1, last + 1))
        await trio.sleep(100)
        got = await receive(trades, last)
        assert covered(got) == list(range(first + 1, last + 1))
        assert len(fetched(got)) == last - first - 50
        # A frame is taken in whole, and holds 50 trades at most here.
        assert trades.statistics().records.high_water <= 10 + 50  # type: ignore[union-attr]
    assert feed.statistics().trades_backfilled == 2 * (last - first - 50)


async def test_trades_made_before_a_subscription_never_come_as_news(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """Nor are they fetched: what was missed before the first is told as a disconnect."""
    async with feed.trades(PAIR, backfill=True) as trades:
        exchange.connections[0].drop()
        gap = await trades.receive()
        assert isinstance(gap, Gap)
        assert gap.reason is GapReason.DISCONNECT
        await trio.sleep(30)
        before = latest(exchange)
        last = go_on(exchange, 5)
        assert covered(await receive(trades, last)) == list(range(before + 1, last + 1))
        assert not exchange.rest.requests


async def test_what_stood_in_a_frame_that_cannot_be_decoded_is_fetched(
    autojump_clock: trio.abc.Clock, feed: Feed, exchange: Exchange
) -> None:
    """The fault is told to those who listen; whose trades it held loses none."""
    async with feed.trades(PAIR, backfill=True) as trades:
        first = go_on(exchange, 5)
        await receive(trades, first)
        exchange.connections[0].alter_next("trade", PAIR, lambda frame: [frame[:-1]])
        last = go_on(exchange, 10)
        got = await receive(trades, last)
        assert covered(got) == list(range(first + 1, last + 1))
        assert fetched(got)
        assert feed.statistics().faults == 1
        assert feed.statistics().gaps == {}


async def test_it_may_be_configured_for_all(
    autojump_clock: trio.abc.Clock, exchange: Exchange
) -> None:
    """Trades are fetched then unless said otherwise; other channels have nothing to fetch."""
    config = CONFIG.replace(backfill=True)
    async with open_kraken(config, dial=exchange.dial, rest=exchange.rest) as feed:
        assert feed.trades(PAIR).handling.backfill
        assert not feed.trades(PAIR, backfill=False).handling.backfill
        assert not feed.book(PAIR).handling.backfill
        with pytest.raises(ConfigurationError, match="Only trades can be fetched"):
            feed.subscribe(Channel.book(PAIR), backfill=True)


async def test_what_cannot_be_fetched_is_said_at_once(
    autojump_clock: trio.abc.Clock, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the history of another market would be asked for, or nothing is there to ask with."""
    async with open_kraken(CONFIG, dial=exchange.dial) as feed:
        with pytest.raises(ConfigurationError, match=r"exchange\.test is not the exchange"):
            feed.trades(PAIR, backfill=True)
        assert feed.trades(PAIR).handling.backfill is False
    monkeypatch.setitem(sys.modules, "httpx2", None)
    async with open_kraken(KrakenConfig(), dial=exchange.dial) as feed:
        with pytest.raises(ConfigurationError, match=r'pip install "kraken-trio\[rest\]"'):
            feed.trades(PAIR, backfill=True)


@pytest.mark.extra("rest")  # noqa: S610 - a mark of pytest, no query of Django
async def test_the_usual_one_asks_the_exchange(
    autojump_clock: trio.abc.Clock, exchange: Exchange
) -> None:
    """Where the stream is the exchange's own, so is the history."""
    async with open_kraken(KrakenConfig(), dial=exchange.dial) as feed:
        assert feed.trades(PAIR, backfill=True).handling.backfill
        assert isinstance(feed._backfill._rest, HttpRest)


async def test_what_the_rest_itself_gets_wrong_comes_out(
    autojump_clock: trio.abc.Clock, exchange: Exchange
) -> None:
    """A fault of the program is none of the network, and ends the block as itself."""
    error = ZeroDivisionError("mine")

    async def faulty(*args: Any, **more: Any) -> RestResponse:
        raise error

    with pytest.raises(ZeroDivisionError) as caught:
        async with (
            open_kraken(CONFIG, dial=exchange.dial, rest=faulty) as feed,
            feed.trades(PAIR, backfill=True) as trades,
        ):
            await receive(trades, go_on(exchange, 10))
            await miss(exchange, 200)
            await trio.sleep_forever()
    assert caught.value is error


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_happens_each_comes_once_or_is_in_one_gap(
    autojump_clock: trio.abc.Clock, seed: int
) -> None:
    """Cuts, lost frames, pages, refusals and silence, by chance: the sum is always right."""
    dice = random.Random(seed)
    config = CONFIG.replace(pending_timeout=4.0, max_pending=150, max_queue_depth=5000)
    async with (
        open_exchange(market(seed=seed)) as exchange,
        open_kraken(config, dial=exchange.dial, rest=exchange.rest) as feed,
        feed.trades(PAIR, backfill=True) as trades,
    ):
        rest = exchange.rest
        rest.max_rows = 60
        go_on(exchange, 5)
        acts: list[Callable[[], object]] = [
            lambda: go_on(exchange, dice.randrange(1, 120)),
            lambda: rest.refuse_next(count=dice.randrange(3)),
            lambda: setattr(rest, "hanging", dice.random() < 0.2),
            lambda: setattr(rest, "broken", dice.random() < 0.3),
            lambda: setattr(rest, "delay_s", dice.choice((0.0, 0.5, 3.0))),
            lambda: rest.withhold(PAIR, [latest(exchange) + dice.randrange(90)]),
        ]
        for _ in range(40):
            dice.choice(acts)()
            if exchange.connections and dice.random() < 0.4:
                exchange.connections[0].alter_next("trade", PAIR, lambda _: ())
            if dice.random() < 0.3:
                await miss(exchange, dice.randrange(1, 250))
            await trio.sleep(dice.choice((0.0, 0.1, 1.0, 3.0)))
        rest.hanging = rest.broken = False
        last = 0
        for _ in range(3):
            last = go_on(exchange, 5)
            await trio.sleep(10)
        got = await receive(trades, last)
        # Cut before the first trade came: how many were before it, no number tells.
        if isinstance(got[0], Gap) and got[0].reason is GapReason.DISCONNECT:
            del got[0]
        found = covered(got)
        assert found[-1] == last
        served = {abs(number) for number in found}
        assert served == set(range(abs(found[0]), last + 1))
        assert feed.statistics().trades_backfilled == len(fetched(got))

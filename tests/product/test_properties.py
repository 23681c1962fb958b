"""Twenty-eight properties of a feed, each for whatever Hypothesis thinks of.

Where a property is about behaviour it is proved by a program that uses ``open_kraken`` against the
simulated exchange, in memory, under a clock of its own. The first half stands here, those of what
listens stand in ``test_properties_events.py``:

==  ===============================  ==========================================================
 1  backoff timing                   test_backoff_timing
 2  auth message form                test_auth_message_form
 3  connection error completeness    test_connection_error_completeness
 4  state notifications              test_state_notifications
 5  subscribe form                   test_subscribe_form
 6  confirmation notice              test_confirmation_notice
 7  concurrent subscribes            test_concurrent_subscribes
 8  invalid channel refused          test_invalid_channel_refused
 9  unsubscribe                      test_unsubscribe
10  JSON round trip                  test_json_round_trip
11  malformed JSON                   test_malformed_json
12  ticker fields                    test_ticker_fields
13  book consistent                  test_book_consistent_for_any_update_sequence
14  trade fields                     test_trade_fields
15  callback invoked                 test_callback_invoked
16  order kept                       test_order_kept
17  callback exceptions isolated     test_callback_exceptions_isolated
18  unregister                       test_unregister
19  error info                       test_error_info
20  severity of logging              test_severity_of_logging
21  error classification             test_error_classification
22  rate limits respected            test_rate_limits_respected
23  malformed continuity             test_malformed_continuity
24  context in critical errors       test_context_in_critical_errors
25  callbacks equal stream           test_callbacks_equal_stream
26  clean-up                         test_clean_up
27  config override                  test_config_override
28  memory back to baseline          test_memory_back_to_baseline
==  ===============================  ==========================================================
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_trio import (
    Channel,
    ConfigurationError,
    ConnectionFailed,
    ConnectionState,
    Feed,
    KrakenConfig,
    ProtocolError,
    RetriesExhausted,
    StateChange,
    SubscriptionError,
    Ticker,
    Timestamp,
    Trade,
    open_kraken,
)
from kraken_trio._internal.core.states import SESSION
from kraken_trio.testing import USUAL_PAIRS, Exchange, ExchangeRules, open_exchange

pytestmark = pytest.mark.long


SYMBOLS: Final = tuple(pair.symbol for pair in USUAL_PAIRS)
PATIENCE_S: Final = 600.0
"""Of the clock that costs nothing."""
some = settings(max_examples=max(10, settings().max_examples // 10))
"""So many examples of what takes a whole program."""
symbols = st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=4, unique=True)
channels = st.one_of(
    st.builds(
        lambda names, trigger, snapshot: Channel.ticker(
            *names, event_trigger=trigger, snapshot=snapshot
        ),
        symbols,
        st.sampled_from(["trades", "bbo"]),
        st.booleans(),
    ),
    st.builds(
        lambda names, depth: Channel.book(*names, depth=depth),
        symbols,
        st.sampled_from([10, 25, 100, 500, 1000]),
    ),
    st.builds(
        lambda names, snapshot: Channel.trades(*names, snapshot=snapshot), symbols, st.booleans()
    ),
    st.builds(
        lambda names, interval: Channel.ohlc(*names, interval=interval),
        symbols,
        st.sampled_from([1, 5, 15, 30, 60, 240, 1440, 10080, 21600]),
    ),
    st.builds(Channel.instrument, include_tokenized_assets=st.sampled_from([None, True, False])),
)
seeds = st.integers(0, 1000)
protocols = st.sampled_from(["v2", "v1"])

Body = Callable[[Exchange, Feed], Awaitable[None]]


def live(
    body: Body,
    *,
    seed: int = 1,
    rate: float = 0,
    rules: ExchangeRules | None = None,
    config: KrakenConfig | None = None,
    **changes: Any,
) -> None:
    """Run a program with a feed of the simulated exchange, in memory, to its end."""

    async def main() -> None:
        async with open_exchange(seed=seed, rate=rate, rules=rules, ledger=100_000) as exchange:
            path = "" if changes.get("protocol") == "v1" else "v2"
            settled = (config or KrakenConfig()).replace(
                endpoint=f"wss://exchange.test/{path}",
                api_key=exchange.api_key,
                api_secret=exchange.api_secret,
                **changes,
            )
            with trio.fail_after(PATIENCE_S):
                async with open_kraken(
                    settled, dial=exchange.dial, rest=exchange.rest, callback_errors="isolate"
                ) as feed:
                    await body(exchange, feed)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def asked(exchange: Exchange, door: str = "public") -> list[dict[str, Any]]:
    """What the client that is connected there asked for, but for pings."""
    (connection,) = (each for each in exchange.connections if each.door == door)
    requests = [json.loads(request, parse_float=Decimal) for request in connection.requests]
    return [request for request in requests if request["method"] != "ping"]


async def settle() -> None:
    """Let everything under way arrive."""
    await trio.sleep(0.5)


def rows(exchange: Exchange, channel: str) -> list[dict[str, Any]]:
    """The records of a channel as they were sent, with every number as its text."""
    return [
        row for entry in exchange.ledger.entries(channel=channel) for row in entry.message["data"]
    ]


def test_every_property_has_its_test() -> None:
    """All that the list names are there, and nothing else calls itself one of them."""
    here = Path(__file__)
    found = [
        node.name
        for path in (here, here.with_name("test_properties_events.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    named = re.findall(r"^[ \d]\d  .* (test_\w+)$", str(__doc__), re.MULTILINE)
    assert len(named) == 28
    assert sorted(found) == sorted([*named, "test_every_property_has_its_test"])


class Refusing:
    """A dial that fails, and notes when it was asked to."""

    def __init__(self, *errors: Exception) -> None:
        """Raise these, one after the other, then the last for ever."""
        self.at: list[float] = []
        self._errors = errors

    async def __call__(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        """Fail."""
        del host, port, tls
        await trio.lowlevel.checkpoint()
        self.at.append(trio.current_time())
        raise self._errors[min(len(self.at), len(self._errors)) - 1]


async def give_up(config: KrakenConfig, dial: Any) -> tuple[RetriesExhausted, list[StateChange]]:
    """Connect until no attempt is left; give the error, and the transitions up to it."""
    changes: list[StateChange] = []
    caught: RetriesExhausted | None = None
    try:
        async with open_kraken(config, dial=dial) as feed, feed.events() as events:
            feed.on(StateChange, changes.append)
            feed.connect()
            async for _ in events:
                pass
    except RetriesExhausted as error:
        caught = error
    assert caught is not None
    return caught, changes


@some
@given(
    initial=st.floats(0.01, 5),
    longest=st.floats(5, 100),
    multiplier=st.floats(1.1, 10),
    jitter=st.floats(0, 1),
    attempts=st.integers(1, 12),
)
def test_backoff_timing(
    initial: float, longest: float, multiplier: float, jitter: float, attempts: int
) -> None:
    """Attempts are as far apart as the configuration says, within its jitter, and no more."""
    dial = Refusing(OSError("nobody there"))
    config = KrakenConfig(
        initial_delay=initial,
        max_delay=longest,
        multiplier=multiplier,
        jitter=jitter,
        max_attempts=attempts,
    )

    async def main() -> None:
        error, _ = await give_up(config, dial)
        assert error.attempts == attempts

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert len(dial.at) == attempts
    chances = [
        (after - before, initial * multiplier**number)
        for number, (before, after) in enumerate(pairwise(dial.at))
        if initial * multiplier**number * (1 + jitter) < longest
    ]
    if jitter > 0.01 and chances:
        # Chance gives none of them exactly what no jitter gives.
        assert all(abs(delay - centre) > 1e-9 for delay, centre in chances)
    for number, (before, after) in enumerate(pairwise(dial.at)):
        centre = min(initial * multiplier**number, longest)
        highest = min(centre * (1 + jitter), longest)
        assert centre * (1 - jitter) - 1e-6 <= after - before <= highest + 1e-6


@some
@given(
    orders=st.booleans(),
    trades=st.booleans(),
    depth=st.sampled_from([10, 100, 1000]),
    names=symbols,
)
def test_auth_message_form(orders: bool, trades: bool, depth: int, names: list[str]) -> None:
    """Private requests carry the token as a parameter, at their own hosts; public ones none."""

    async def body(exchange: Exchange, feed: Feed) -> None:
        async with (
            feed.ticker(*names),
            feed.executions(snap_orders=orders, snap_trades=trades),
            feed.balances(),
            feed.level3(*names[:1], depth=depth),
        ):
            assert exchange.rest.requests
            assert set(exchange.rest.requests) == {"/0/private/GetWebSocketsToken"}
            (public,) = asked(exchange)
            assert "token" not in json.dumps(public, default=str)
            private, level3 = asked(exchange, "private"), asked(exchange, "level3")
            for request in (*private, *level3):
                assert set(request) == {"method", "params", "req_id"}
                assert request["method"] == "subscribe"
                assert isinstance(request["params"].pop("token"), str)
            wanted = {
                "executions": {"snap_orders": orders, "snap_trades": trades},
                "balances": {"snapshot": True},
            }
            for request in private:
                channel = request["params"].pop("channel")
                assert request["params"] == wanted.pop(channel)
            assert not wanted
            (request,) = level3
            assert request["params"] == {
                "channel": "level3",
                "symbol": names[:1],
                "depth": depth,
                "snapshot": True,
            }

    live(body)


failures = st.one_of(
    st.builds(OSError, st.integers(1, 120), st.text(min_size=1, max_size=20)),
    st.builds(trio.BrokenResourceError, st.text(max_size=20)),
    st.builds(OSError, st.text(max_size=20)),
)


@some
@given(errors=st.lists(failures, min_size=1, max_size=4))
def test_connection_error_completeness(errors: list[Exception]) -> None:
    """Whatever fails, the error says where to, what happened and how often, and has the cause."""
    config = KrakenConfig(max_attempts=len(errors))

    async def main() -> None:
        error, changes = await give_up(config, Refusing(*errors))
        assert (error.attempts, error.retryable) == (len(errors), False)
        last = error.__cause__
        assert isinstance(last, ConnectionFailed)
        assert last.__cause__ is errors[-1]
        assert "ws.kraken.com:443" in str(last)
        told = [change for change in changes if change.to_state is ConnectionState.DEGRADED]
        assert len(told) == len(errors)
        for change, cause in zip(told, errors, strict=True):
            assert "ws.kraken.com:443" in change.reason
            assert repr(cause) in change.reason
            assert isinstance(change.at, Timestamp)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


troubles = st.lists(
    st.one_of(
        st.just(("drop",)),
        st.tuples(st.just("close"), st.sampled_from([1000, 1001, 1011, 1012, 1013])),
        st.just(("cut_in_frame",)),
        st.tuples(st.just("corrupt_next_book"), st.sampled_from(SYMBOLS[:2])),
        st.tuples(st.just("drop_next"), st.just("trade"), st.sampled_from(SYMBOLS[:2])),
        st.just(("send_proxy_notice",)),
        st.just(("disconnect",)),
        st.tuples(st.just("step"), st.integers(1, 40)),
        st.tuples(st.just("sleep"), st.sampled_from([0.01, 1.0, 40.0])),
    ),
    max_size=12,
)


async def suffer(exchange: Exchange, feed: Feed, plan: list[tuple[Any, ...]]) -> None:
    """Let happen what is planned."""
    for action, *about in plan:
        match action:
            case "sleep":
                await trio.sleep(about[0])
            case "step":
                exchange.step(about[0])
            case "disconnect":
                feed.disconnect()
                await trio.lowlevel.checkpoint()
                feed.connect()
            case _:
                for connection in exchange.connections:
                    getattr(connection, action)(*about)
        await trio.sleep(0.05)


@some
@given(plan=troubles, seed=seeds, protocol=protocols)
def test_state_notifications(plan: list[tuple[Any, ...]], seed: int, protocol: str) -> None:
    """Every transition is told, once, in order, with its cause, and is one of the table's."""

    async def body(exchange: Exchange, feed: Feed) -> None:
        called: list[StateChange] = []
        feed.on(StateChange, called.append)
        async with feed.events() as events, feed.book(*SYMBOLS[:2]), feed.trades(*SYMBOLS[:2]):
            await suffer(exchange, feed, plan)
            await feed.wait_state(ConnectionState.SUBSCRIBED)
            await settle()
            seen = [
                event for event in await events.receive_batch() if isinstance(event, StateChange)
            ]
            assert seen[-1].to_state is feed.state
        assert seen == called[: len(seen)]
        assert seen[0].from_state is ConnectionState.DISCONNECTED
        assert all(a.to_state is b.from_state for a, b in pairwise(seen))
        assert all(a.at <= b.at for a, b in pairwise(seen))
        for change in seen:
            row = SESSION[change.from_state, change.trigger]
            assert (row.to_state, row.late) == (change.to_state, False)

    live(body, seed=seed, rate=20, buffer_size=100_000, protocol=protocol)


@some
@given(channel=channels)
def test_subscribe_form(channel: Channel) -> None:
    """A request says the channel, the symbols and what was chosen, and nothing else."""

    async def body(exchange: Exchange, feed: Feed) -> None:
        async with feed.subscribe(channel):
            (request,) = asked(exchange)
        chosen = {
            name: getattr(channel, name)
            for name in ("depth", "interval", "event_trigger", "include_tokenized_assets")
            if getattr(channel, name) is not None
        }
        pairs = {"symbol": list(channel.symbols)} if channel.symbols else {}
        assert isinstance(request.pop("req_id"), int)
        assert request == {
            "method": "subscribe",
            "params": {"channel": channel.name, **pairs, **chosen, "snapshot": channel.snapshot},
        }

    live(body)


unknown = st.lists(
    st.from_regex(r"[A-Z]{3,6}X/USD", fullmatch=True).filter(lambda name: name not in SYMBOLS),
    max_size=3,
    unique=True,
)


@some
@given(known=symbols, others=unknown, depth=st.sampled_from([10, 100]), protocol=protocols)
def test_confirmation_notice(
    known: list[str], others: list[str], depth: int, protocol: str
) -> None:
    """Whoever has entered knows: each symbol is confirmed there, or refused with its error."""

    async def body(exchange: Exchange, feed: Feed) -> None:
        channel = Channel.book(*known, *others, depth=depth)
        async with feed.events() as events, feed.subscribe(channel) as books:
            (connection,) = exchange.connections
            wanted = set(Channel.book(*known, depth=depth).parts())
            assert set(feed.active_subscriptions) == wanted
            assert {part.symbols for part in connection.subscriptions} == {
                part.symbols for part in wanted
            }
            assert books.statistics().live == tuple(known)
            assert set(books.refused) == set(others)
            assert feed.is_subscribed(Channel.book(*known, depth=depth))
            assert feed.is_subscribed(channel) == (not others)
            assert feed.state is ConnectionState.SUBSCRIBED
            told = await events.receive_batch()
            refusals = [event for event in told if isinstance(event, SubscriptionError)]
            assert sorted(str(error.symbol) for error in refusals) == sorted(others)

    live(body, protocol=protocol)


@some
@given(wishes=st.lists(channels, min_size=1, max_size=8))
def test_concurrent_subscribes(wishes: list[Channel]) -> None:
    """Made at once, each is confirmed or says what it contradicts; none is asked for twice."""

    async def body(exchange: Exchange, feed: Feed) -> None:
        confirmed: list[Channel] = []
        leave = trio.Event()

        async def one(channel: Channel) -> None:
            try:
                async with feed.subscribe(channel):
                    confirmed.append(channel)
                    await leave.wait()
            except SubscriptionError:
                # Two depths, or two triggers, of one pair cannot be had on one connection.
                others = [each for each in wishes if each is not channel]
                assert any(each.name == channel.name for each in others)

        async with trio.open_nursery() as nursery:
            for wish in wishes:
                nursery.start_soon(one, wish)
            await trio.sleep(5)
            assert confirmed
            assert all(feed.is_subscribed(channel) for channel in confirmed)
            parts = Counter(
                (params["channel"], symbol, params.get("interval"))
                for request in asked(exchange)
                for params in [request["params"]]
                for symbol in params.get("symbol", [None])
            )
            assert not [part for part, times in parts.items() if times > 1]
            leave.set()
        await settle()
        assert exchange.connections[0].subscriptions == ()
        assert feed.active_subscriptions == ()

    live(body)


@some
@given(
    kind=st.sampled_from(["depth", "interval", "trigger", "symbols", "none", "name"]),
    number=st.integers(-5, 5000).filter(
        lambda number: number not in (1, 5, 10, 15, 25, 30, 60, 100, 240, 500, 1000, 1440)
    ),
    text=st.text(max_size=12).filter(lambda text: not re.fullmatch(r"[^/\s]+/[^/\s]+", text)),
)
def test_invalid_channel_refused(kind: str, number: int, text: str) -> None:
    """What no exchange has is refused at once, with field, rule and mend; nothing is sent."""

    async def body(exchange: Exchange, feed: Feed) -> None:
        with pytest.raises(ConfigurationError) as caught:
            match kind:
                case "depth":
                    feed.book("BTC/USD", depth=number)
                case "interval":
                    feed.ohlc("BTC/USD", interval=number)
                case "trigger":
                    feed.ticker("BTC/USD", event_trigger=text)  # type: ignore[arg-type]
                case "symbols":
                    feed.trades("BTC/USD", text)
                case "none":
                    feed.spread()
                case _:
                    feed.subscribe(Channel(name=text))
        assert caught.value.field in (
            *("depth", "interval", "event_trigger", "symbol", "symbols", "name"),
        )
        assert caught.value.rule
        assert caught.value.mend
        await settle()
        assert exchange.connections == ()

    live(body)


@some
@given(
    names=st.lists(st.sampled_from(["ticker", "book", "trades", "ohlc"]), min_size=1, max_size=6),
    order=st.randoms(use_true_random=False),
    keep=st.integers(0, 6),
    protocol=protocols,
)
def test_unsubscribe(names: list[str], order: Any, keep: int, protocol: str) -> None:
    """What is left is told to the exchange, what stays goes on, what is gone is silent."""

    async def body(exchange: Exchange, feed: Feed) -> None:
        wanted = [(getattr(feed, name), SYMBOLS[at % 3]) for at, name in enumerate(names)]
        async with AsyncExitStack() as stack:
            entered = [await stack.enter_async_context(make(symbol)) for make, symbol in wanted]
            order.shuffle(entered)
            left, kept = entered[keep:], entered[:keep]
            for subscription in left:
                subscription.close()
            await settle()
            there = {
                (part.name, part.symbols)
                for connection in exchange.connections
                for part in connection.subscriptions
            }
            assert there == {(each.channel.name, each.channel.symbols) for each in kept}
            # What was on its way while it was left has come by now; from here on nothing does.
            strays = feed.statistics().unrouted
            exchange.step(30)
            await settle()
            for subscription in left:
                with pytest.raises(trio.ClosedResourceError):
                    subscription.receive_nowait()
            assert all(feed.is_subscribed(each.channel) for each in kept)
            assert feed.statistics().unrouted == strays

    live(body, protocol=protocol)


numerals = st.from_regex(r"(0|[1-9][0-9]{0,15})\.[0-9]{1,18}", fullmatch=True)


@some
@given(
    price=numerals,
    qty=numerals,
    number=st.integers(1, 2**53),
    side=st.sampled_from(["buy", "sell"]),
)
def test_json_round_trip(price: str, qty: str, number: int, side: str) -> None:
    """What a frame says comes out with the very digits, and can be written as it was."""
    row = (
        f'{{"symbol":"BTC/USD","side":"{side}","price":{price},"qty":{qty},"ord_type":"limit",'
        f'"trade_id":{number},"timestamp":"2026-01-02T03:04:05.678901Z"}}'
    )

    async def body(exchange: Exchange, feed: Feed) -> None:
        async with feed.trades("BTC/USD") as trades:
            exchange.connections[0].send_raw(
                f'{{"channel":"trade","type":"update","data":[{row}]}}'
            )
            trade = await trades.receive()
            assert isinstance(trade, Trade)
            again = (
                f'{{"symbol":"{trade.symbol}","side":"{trade.side}","price":{trade.price:f},'
                f'"qty":{trade.qty:f},"ord_type":"{trade.ord_type}","trade_id":{trade.trade_id},'
                f'"timestamp":"{trade.timestamp.datetime:%Y-%m-%dT%H:%M:%S.%fZ}"}}'
            )
            assert again == row

    live(body)


garbage = st.one_of(
    st.text(max_size=200),
    st.text(alphabet='{}[]":,0123456789.eE-+truefalsn channeldatatype', max_size=200),
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=12,
    ).map(json.dumps),
    st.integers(1, 5000).map(lambda depth: "[" * depth),
)
"""All of it text in UTF-8: anything else breaks the framing, and ends the connection."""


@some
@given(frames=st.lists(garbage, min_size=1, max_size=10))
def test_malformed_json(frames: list[str]) -> None:
    """Each is counted, and told as an error that shows at most its beginning; nothing ends."""

    async def body(exchange: Exchange, feed: Feed) -> None:
        async with feed.book("BTC/USD") as book, feed.events() as events:
            await events.receive_batch()
            before = feed.statistics()
            for frame in frames:
                exchange.connections[0].send_raw(frame)
            await settle()
            told = await events.receive_batch()
            errors = [each for each in told if isinstance(each, ProtocolError)]
            after = feed.statistics()
            assert len(errors) == after.faults
            assert all(error.reason and len(error.excerpt) <= 120 for error in errors)
            counted = after.faults + after.unknown
            assert counted + sum('"method"' in frame for frame in frames) >= len(frames)
            assert after.frames - after.heartbeats - (before.frames - before.heartbeats) == len(
                frames
            )
            assert (after.connections, feed.state) == (1, ConnectionState.SUBSCRIBED)
            exchange.step(20)
            await settle()
            assert not [each for each in await book.receive_batch() if not hasattr(each, "bids")]

    live(body)


def moment(text: str) -> Timestamp:
    """Read a time of the wire."""
    return Timestamp.of(datetime.fromisoformat(text))


@some
@given(seed=seeds, name=st.sampled_from(SYMBOLS), trigger=st.sampled_from(["trades", "bbo"]))
def test_ticker_fields(seed: int, name: str, trigger: Any) -> None:
    """Each ticker has every field of its frame, to the digit."""

    async def body(exchange: Exchange, feed: Feed) -> None:
        async with feed.ticker(name, event_trigger=trigger) as tickers:
            exchange.step(100)
            await settle()
            records = await tickers.receive_batch()
            sent = rows(exchange, "ticker")
            assert len(records) == len(sent) > 0
            for at, (record, row) in enumerate(zip(records, sent, strict=True)):
                assert isinstance(record, Ticker)
                assert record.snapshot == (at == 0)
                assert record.received_at is not None
                assert record.timestamp == moment(row.pop("timestamp"))
                assert record.symbol == row.pop("symbol") == name
                assert str(record.trades) == row.pop("trades", "None")
                for field, text in row.items():
                    assert f"{getattr(record, field):f}" == f"{Decimal(text):f}"
                assert record.bid <= record.ask
                assert record.low <= record.last <= record.high

    live(body, seed=seed)


@some
@given(
    seed=seeds,
    depth=st.sampled_from([10, 25, 100]),
    plan=st.lists(
        st.one_of(
            st.tuples(st.just("step"), st.integers(1, 60)),
            st.sampled_from(
                [
                    ("corrupt_next_book", "BTC/USD"),
                    ("unsort_next_book", "BTC/USD"),
                    ("repeat_price_in_next_book", "BTC/USD"),
                    ("drop_next", "book", "BTC/USD"),
                    ("repeat_next", "book", "BTC/USD"),
                    ("add_unknown_member", "book", "BTC/USD"),
                    ("drop",),
                ]
            ),
        ),
        max_size=15,
    ),
)
def test_book_consistent_for_any_update_sequence(
    seed: int, depth: int, plan: list[tuple[Any, ...]]
) -> None:
    """Whatever is sent, a book that is shown is the exchange's, sorted, or it is not shown."""

    async def body(exchange: Exchange, feed: Feed) -> None:
        # A message that is kept from us shows in the next one: until then nobody can know.
        keeps = right = False
        async with feed.book("BTC/USD", depth=depth):
            for action in [*plan, ("step", 30), ("sleep", 5.0), ("step", 30)]:
                await suffer(exchange, feed, [action])
                await settle()
                keeps |= action[0] in ("drop_next", "corrupt_next_book")
                if (book := feed.order_book("BTC/USD")) is None:
                    continue
                theirs = exchange.market.book("BTC/USD", depth)
                right = (book.bids, book.asks) == (theirs.bids, theirs.asks)
                assert keeps or right
                assert all(a.price > b.price for a, b in pairwise(book.bids))
                assert all(a.price < b.price for a, b in pairwise(book.asks))
                assert all(level.qty > 0 for level in (*book.bids, *book.asks))
                assert book.bids[0].price < book.asks[0].price
            assert feed.order_book("BTC/USD") is not None
            assert right

    live(body, seed=seed)


@some
@given(seed=seeds, name=st.sampled_from(SYMBOLS), snapshot=st.booleans())
def test_trade_fields(seed: int, name: str, snapshot: bool) -> None:
    """Each trade has every field of its frame, to the digit, and its number."""

    async def body(exchange: Exchange, feed: Feed) -> None:
        async with feed.trades(name, snapshot=snapshot) as trades:
            while len(exchange.ledger.entries(channel="trade")) < 20:
                exchange.step(20)
                await settle()
            records = await trades.receive_batch()
            sent = rows(exchange, "trade")
            assert len(records) == len(sent) > 0
            for record, row in zip(records, sent, strict=True):
                assert isinstance(record, Trade)
                assert (record.symbol, record.side) == (row["symbol"], row["side"])
                assert (record.ord_type, str(record.trade_id)) == (row["ord_type"], row["trade_id"])
                assert (f"{record.price:f}", f"{record.qty:f}") == (row["price"], row["qty"])
                assert record.timestamp == moment(row["timestamp"])
                assert record.received_at is not None
                assert not record.backfilled
            numbers = [record.trade_id for record in records if isinstance(record, Trade)]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))

    live(body, seed=seed, max_queue_depth=10_000)

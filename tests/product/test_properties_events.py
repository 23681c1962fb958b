"""The second half of the twenty-eight properties, which ``test_properties.py`` lists: who is told
what, how it is called, and what is left when all is over.
"""

from __future__ import annotations

import gc
import logging
import tracemalloc
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Final, Literal

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_trio import (
    AuthenticationError,
    BookSnapshot,
    BookUpdate,
    CallbackError,
    Candle,
    Channel,
    ConfigurationError,
    ConnectionState,
    DropPolicy,
    Feed,
    Gap,
    KrakenConfig,
    KrakenError,
    ProtocolError,
    Resync,
    RetriesExhausted,
    Spread,
    StateChange,
    SubscriptionError,
    Ticker,
    Timestamp,
    Trade,
    UpgradeRefused,
    open_kraken,
)
from kraken_trio.extended import Observer
from kraken_trio.testing import USUAL_PAIRS, Exchange, ExchangeRules, open_exchange

pytestmark = pytest.mark.long


SYMBOLS: Final = tuple(pair.symbol for pair in USUAL_PAIRS)
PATIENCE_S: Final = 6000.0
"""Of the clock that costs nothing."""
some = settings(max_examples=max(10, settings().max_examples // 10))
"""So many examples of what takes a whole program."""
symbols = st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=3, unique=True)
seeds = st.integers(0, 1000)
protocols = st.sampled_from(["v2", "v1"])
MOST_REQUESTS_A_SECOND: Final = 50
KINDS: Final = (Trade, Ticker, Spread, Candle, BookSnapshot, BookUpdate)

Body = Callable[[Exchange, Feed], Awaitable[None]]


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run it under a clock that jumps."""
    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def configured(exchange: Exchange, **changes: Any) -> KrakenConfig:
    """Give the settings of a client of that exchange."""
    path = "" if changes.get("protocol") == "v1" else "v2"
    fields = {
        "endpoint": f"wss://exchange.test/{path}",
        "api_key": exchange.api_key,
        "api_secret": exchange.api_secret,
        "jitter": 0.0,
        "buffer_size": 100_000,
        "max_queue_depth": 100_000,
    }
    return KrakenConfig(**{**fields, **changes})


def live(
    body: Body,
    *,
    seed: int = 1,
    rate: float = 0,
    rules: ExchangeRules | None = None,
    **changes: Any,
) -> None:
    """Run a program with a feed of the simulated exchange, in memory, to its end."""

    async def main() -> None:
        async with open_exchange(seed=seed, rate=rate, rules=rules, ledger=100_000) as exchange:
            with trio.fail_after(PATIENCE_S):
                async with open_kraken(
                    configured(exchange, **changes),
                    dial=exchange.dial,
                    rest=exchange.rest,
                    callback_errors="isolate",
                ) as feed:
                    await body(exchange, feed)

    run(main)


async def settle() -> None:
    """Let everything under way arrive."""
    await trio.sleep(0.5)


plans = st.lists(
    st.one_of(
        st.tuples(st.just("step"), st.integers(1, 40)),
        st.sampled_from(
            [
                ("drop",),
                ("close", 1012),
                ("corrupt_next_book", SYMBOLS[0]),
                ("drop_next", "trade", SYMBOLS[0]),
                ("send_proxy_notice",),
                ("send_rate_refusal",),
                ("use_unknown_value", "book", SYMBOLS[0]),
            ]
        ),
    ),
    max_size=12,
)


async def suffer(exchange: Exchange, plan: list[tuple[Any, ...]]) -> None:
    """Let happen what is planned."""
    for action, *about in plan:
        if action == "step":
            exchange.step(about[0])
        else:
            for connection in exchange.connections:
                getattr(connection, action)(*about)
        await trio.sleep(0.3)


async def follow(
    feed: Feed, plan: list[tuple[Any, ...]], exchange: Exchange, protocol: str = "v2"
) -> None:
    """Subscribe to a little of everything, and suffer."""
    name, new = SYMBOLS[0], protocol == "v2"
    async with (
        feed.book(*SYMBOLS[:2]),
        feed.trades(name, snapshot=new),
        feed.ticker(*SYMBOLS[:2], event_trigger="bbo" if new else "trades"),
        feed.spread(name),
        feed.ohlc(name),
    ):
        await suffer(exchange, [*plan, ("step", 20)])
        await feed.wait_state(ConnectionState.SUBSCRIBED)
        await settle()


@some
@given(
    wanted=st.lists(st.tuples(st.sampled_from(KINDS), st.booleans()), min_size=1, max_size=8),
    together=st.booleans(),
    seed=seeds,
    protocol=protocols,
)
def test_callback_invoked(
    wanted: list[tuple[type[Any], bool]], together: bool, seed: int, protocol: str
) -> None:
    """Each callback is called once for each record of its kind, async ones are awaited."""

    async def body(exchange: Exchange, feed: Feed) -> None:
        calls: list[list[object]] = [[] for _ in wanted]

        def register(kind: type[Any], asynchronous: bool, mine: list[object]) -> None:
            async def later(item: object) -> None:
                await trio.sleep(0.001)
                mine.append(item)

            feed.on(kind, later if asynchronous else mine.append)

        for (kind, asynchronous), mine in zip(wanted, calls, strict=True):
            register(kind, asynchronous, mine)
        async with feed.events() as events:
            await follow(feed, [("step", 20)], exchange, protocol)
            await trio.sleep(20)
            seen = await events.receive_batch()
        for (kind, _), mine in zip(wanted, calls, strict=True):
            assert mine == [item for item in seen if type(item) is kind]
            # Without a snapshot, as of trades by v1, there may be none.
            assert mine or kind is Spread or (kind is Trade and protocol == "v1")

    live(body, seed=seed, concurrent_callbacks=together, protocol=protocol)


@some
@given(names=symbols, seed=seeds, steps=st.integers(1, 200))
def test_order_kept(names: list[str], seed: int, steps: int) -> None:
    """Of each symbol and channel everything comes in the order in which it was sent."""

    async def body(exchange: Exchange, feed: Feed) -> None:
        async with feed.book(*names) as books, feed.trades(*names) as trades:
            exchange.step(steps)
            await settle()
            got: dict[tuple[str, str], list[Any]] = {}
            for channel, records in (("book", books), ("trade", trades)):
                try:
                    while True:
                        item: Any = records.receive_nowait()
                        mark = item.checksum if channel == "book" else item.trade_id
                        got.setdefault((channel, item.symbol), []).append(str(mark))
                except trio.WouldBlock:
                    pass
        sent: dict[tuple[str, str], list[Any]] = {}
        for channel, field in (("book", "checksum"), ("trade", "trade_id")):
            for entry in exchange.ledger.entries(channel=channel):
                for row in entry.message["data"]:
                    sent.setdefault((channel, row["symbol"]), []).append(row[field])
        assert got == sent

    live(body, seed=seed)


@some
@given(
    faulty=st.lists(st.booleans(), min_size=1, max_size=5),
    asynchronous=st.booleans(),
    together=st.booleans(),
    protocol=protocols,
)
def test_callback_exceptions_isolated(
    faulty: list[bool], asynchronous: bool, together: bool, protocol: str
) -> None:
    """One that raises takes no call from the others; each of its failures is an event."""

    async def body(exchange: Exchange, feed: Feed) -> None:
        calls: Counter[int] = Counter()

        def make(number: int, fails: bool) -> Callable[[Trade], object]:
            def call(trade: Trade) -> None:
                calls[number] += 1
                if fails:
                    raise ZeroDivisionError(trade.trade_id)

            async def later(trade: Trade) -> None:
                await trio.lowlevel.checkpoint()
                call(trade)

            return later if asynchronous else call

        for number, fails in enumerate(faulty):
            feed.on(Trade, make(number, fails))
        async with feed.events() as events:
            await follow(feed, [("step", 20)], exchange, protocol)
            seen = await events.receive_batch()
        trades = [item for item in seen if isinstance(item, Trade)]
        errors = [item for item in seen if isinstance(item, CallbackError)]
        assert calls == dict.fromkeys(range(len(faulty)), len(trades))
        assert len(errors) == sum(faulty) * len(trades)
        for error in errors:
            assert isinstance(error.item, Trade)
            assert repr(error.exception) == repr(ZeroDivisionError(error.item.trade_id))
        assert feed.state is ConnectionState.SUBSCRIBED

    live(body, concurrent_callbacks=together, protocol=protocol)


@some
@given(ends=st.lists(st.integers(0, 12), min_size=2, max_size=6), at_once=st.booleans())
def test_unregister(ends: list[int], at_once: bool) -> None:
    """What is removed is called no more, from inside a callback too; the others go on."""

    async def body(exchange: Exchange, feed: Feed) -> None:
        calls: Counter[int] = Counter()
        total = 0

        def register(number: int, end: int) -> None:
            def call(_: Ticker) -> None:
                calls[number] += 1
                if calls[number] == end:
                    registration.remove()

            registration = feed.on(Ticker, call)
            if not end:
                registration.remove()

        def count(_: Ticker) -> None:
            nonlocal total
            total += 1

        for number, end in enumerate(ends):
            register(number, end)
        # The one after it is removed while the same item is on its way to it.
        feed.on(Ticker, lambda _: never.remove())
        never = feed.on(Ticker, lambda _: calls.update([-1]))
        feed.on(Ticker, count)
        async with feed.ticker("BTC/USD", event_trigger="bbo"):
            for _ in range(30):
                exchange.step()
                if not at_once:
                    await settle()
            await settle()
        assert total > 0
        assert calls == {number: min(end, total) for number, end in enumerate(ends) if end}

    live(body)


words = st.text(
    alphabet=st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=24
)


@some
@given(
    reason=st.sampled_from(["EService", "EGeneral", "ESymbol"]).flatmap(
        lambda kind: words.map(lambda text: f"{kind}:{text}")
    ),
    channel=st.sampled_from(["ticker", "book", "trades", "ohlc"]),
    frame=st.text(min_size=1, max_size=300).filter(lambda text: text[0] not in "[{0123456789tfn"),
)
def test_error_info(reason: str, channel: str, frame: str) -> None:
    """An error says about what it is, in the exchange's words, as attributes and as text."""

    async def body(exchange: Exchange, feed: Feed) -> None:
        exchange.refusals["BTC/USD"] = reason
        with pytest.raises(SubscriptionError) as caught:
            async with getattr(feed, channel)("BTC/USD"):
                pass
        error = caught.value
        assert error.channel == {"trades": "trade"}.get(channel, channel)
        assert (error.symbol, error.reason) == ("BTC/USD", reason)
        assert str(error) == f"{error.channel} BTC/USD: {reason}"
        async with feed.events() as events:
            exchange.connections[0].send_raw(frame)
            await settle()
            told = await events.receive_batch()
        (fault,) = (each for each in told if isinstance(each, ProtocolError))
        assert fault.reason
        assert fault.reason in str(fault)
        assert len(fault.excerpt) <= 120
        assert fault.excerpt.isprintable()

    live(body)


@contextmanager
def logged() -> Iterator[list[logging.LogRecord]]:
    """Collect what is logged by this library, at any level."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    vars(handler)["emit"] = records.append
    log = logging.getLogger("kraken_trio")
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        yield records
    finally:
        log.removeHandler(handler)
        log.setLevel(before)


SEVERITY: Final = {
    "gap": logging.WARNING,
    "faulty_frame": logging.WARNING,
    "refused": logging.WARNING,
    "retry_in": logging.WARNING,
    "silent": logging.WARNING,
    "resync": logging.INFO,
    "restored": logging.INFO,
}


@some
@given(plan=plans, seed=seeds, protocol=protocols)
def test_severity_of_logging(plan: list[tuple[Any, ...]], seed: int, protocol: str) -> None:
    """A loss is a warning, its mending is information, and a quiet run says nothing at all."""

    async def body(exchange: Exchange, feed: Feed) -> None:
        async with feed.events() as events:
            await follow(feed, plan, exchange, protocol)
            seen = await events.receive_batch()
        told = {
            kind: sum(line.getMessage().startswith(kind) for line in lines) for kind in SEVERITY
        }
        assert told["gap"] == sum(isinstance(item, Gap) for item in seen)
        assert told["resync"] == sum(isinstance(item, Resync) for item in seen)
        assert told["faulty_frame"] == sum(isinstance(item, ProtocolError) for item in seen)

    with logged() as lines:
        live(body, seed=seed, protocol=protocol)
    for line in lines:
        kind = next(kind for kind in SEVERITY if line.getMessage().startswith(kind))
        assert line.levelno == SEVERITY[kind]
    if all(action == "step" for action, *_ in plan):
        assert not lines


@some
@given(
    trouble=st.one_of(
        st.tuples(st.just("status"), st.integers(400, 599)),
        st.tuples(st.just("close"), st.sampled_from([1000, 1001, 1006, 1011, 1012, 1013, 4000])),
        st.tuples(
            st.just("key"),
            st.sampled_from(
                ["EAPI:Invalid key", "EAPI:Invalid signature", "EGeneral:Permission denied"]
            ),
        ),
        st.tuples(st.just("token"), st.sampled_from(["EService:Unavailable", "EService:Busy"])),
        st.tuples(st.just("symbol"), st.just("EQuery:Unknown asset pair")),
    )
)
def test_error_classification(trouble: tuple[str, Any]) -> None:  # noqa: PLR0915 - five kinds
    """What may pass is tried again; a wrong key never; a refused symbol ends itself alone."""
    kind, detail = trouble

    async def main() -> None:  # noqa: PLR0915 - as above
        async with open_exchange(seed=1) as exchange:
            error: KrakenError | None = None
            if kind == "status":
                exchange.upgrade_status = detail
            if kind == "key":
                exchange.rest.refuse_next(detail)
            if kind == "token":
                exchange.rest.refuse_next(detail)
            changes: list[StateChange] = []
            try:
                with trio.fail_after(PATIENCE_S):
                    async with open_kraken(
                        configured(exchange, max_attempts=2), dial=exchange.dial, rest=exchange.rest
                    ) as feed:
                        feed.on(StateChange, changes.append)
                        if kind == "status":
                            feed.connect()
                            await trio.sleep(100)
                            exchange.upgrade_status = None
                            await feed.wait_state(ConnectionState.SUBSCRIBED)
                        elif kind == "close":
                            async with feed.ticker("BTC/USD"):
                                exchange.connections[0].close(detail)
                                await trio.sleep(5)
                                assert feed.state is ConnectionState.SUBSCRIBED
                                assert feed.statistics().connections == 2
                        elif kind == "symbol":
                            async with feed.ticker("BTC/USD"):
                                with pytest.raises(SubscriptionError) as caught:
                                    async with feed.ticker("NONE/USD"):
                                        pass
                                assert not caught.value.retryable
                                assert feed.is_subscribed(Channel.ticker("BTC/USD"))
                        else:
                            async with feed.balances():
                                assert kind == "token"
            except* (RetriesExhausted, AuthenticationError) as group:
                (error,) = group.exceptions  # type: ignore[assignment]
            calls = len(exchange.rest.requests)
        match kind:
            case "key":
                assert isinstance(error, AuthenticationError)
                assert (error.retryable, error.reason, calls) == (False, detail, 1)
            case "status" if detail == 503:
                assert error is None
            case "status":
                assert isinstance(error, RetriesExhausted)
                assert isinstance(error.__cause__, UpgradeRefused)
                assert (error.__cause__.status, error.__cause__.retryable) == (detail, True)
            case "token":
                assert (error, calls) == (None, 2)
            case _:
                assert error is None

    run(main)


@some
@given(
    budget=st.integers(3, 20),
    window=st.floats(10, 60),
    rate=st.integers(1, 200),
    wishes=st.integers(1, 20),
)
def test_rate_limits_respected(budget: int, window: float, rate: int, wishes: int) -> None:
    """Never more attempts, requests or records in a while than there may be."""

    async def main() -> None:
        dialled: list[float] = []
        taken: list[float] = []
        asked: list[float] = []

        class Requests(Observer):
            def frame_sent(self, session: str, payload: bytes, at: Timestamp) -> None:
                del session, payload, at
                asked.append(trio.current_time())

        async with open_exchange(seed=1) as exchange:

            async def dial(host: str, port: int, *, tls: bool) -> trio.abc.Stream:
                dialled.append(trio.current_time())
                if len(dialled) % 2:
                    raise OSError("not now")
                return await exchange.dial(host, port, tls=tls)

            config = configured(
                exchange, budget=budget, budget_window=window, initial_delay=0.01, max_attempts=None
            )
            with trio.fail_after(PATIENCE_S):
                async with open_kraken(config, dial=dial, observers=[Requests()]) as feed:
                    async with trio.open_nursery() as nursery:

                        async def wish(number: int) -> None:
                            await trio.sleep(0.001 * number)
                            async with feed.ohlc(
                                SYMBOLS[number % 5], interval=(1, 5, 15)[number % 3]
                            ):
                                pass

                        for number in range(wishes):
                            nursery.start_soon(wish, number)
                    # All of them on one connection, where no two are sent at once.
                    assert all(
                        after - before > 1 / MOST_REQUESTS_A_SECOND - 1e-6
                        for before, after in pairwise(asked)
                    )
                    paced = feed.subscribe(
                        Channel.ticker("BTC/USD", event_trigger="bbo"), max_messages_per_second=rate
                    )
                    async with paced as records:
                        exchange.step(300)
                        with trio.move_on_after(1):
                            while True:
                                await records.receive()
                                taken.append(trio.current_time())
                    for _ in range(6):
                        feed.disconnect()
                        feed.connect()
                        await feed.wait_state(ConnectionState.SUBSCRIBED)
                    assert all(
                        len(connection.requests)
                        <= 1 + MOST_REQUESTS_A_SECOND * (trio.current_time() + 1)
                        for connection in exchange.connections
                    )
        for start in dialled:
            assert sum(start <= at < start + window * (1 - 1e-9) for at in dialled) <= budget
        for start in taken:
            within = [at - start for at in taken if at >= start]
            assert all(
                count <= rate * (after + 0.05) + 1 + 1e-6
                for count, after in enumerate(within, start=1)
            )

    run(main)


broken = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            '{"channel":"trade","type":"update","data":[{"symbol":"ETH/USD"}]}',
            '{"channel":"ticker","type":"update","data":[]}',
            '{"channel":"nobody","data":[]}',
            '{"channel":"book","type":"update","data":[{"symbol":"SOL/USD","bids":"x"}]}',
            '{"method":"subscribe"}',
            "[]",
            "",
        ]
    ),
)


@some
@given(plan=st.lists(st.one_of(broken, st.integers(1, 20)), max_size=20), seed=seeds)
def test_malformed_continuity(plan: list[str | int], seed: int) -> None:
    """Between all that is malformed, every good message comes, in order and without a gap."""

    async def body(exchange: Exchange, feed: Feed) -> None:
        async with feed.book("BTC/USD") as book, feed.trades("BTC/USD") as trades:
            for each in [*plan, 40]:
                if isinstance(each, int):
                    exchange.step(each)
                else:
                    exchange.connections[0].send_raw(each)
            await settle()
            items: list[Any] = await book.receive_batch()
            assert not [item for item in items if isinstance(item, Gap)]
            checksums = [
                row["checksum"]
                for entry in exchange.ledger.entries(channel="book", symbol="BTC/USD")
                for row in entry.message["data"]
            ]
            assert [str(item.checksum) for item in items] == checksums
            numbers = []
            try:
                while True:
                    numbers.append(trades.receive_nowait())
            except trio.WouldBlock:
                pass
            sent = [
                row["trade_id"]
                for entry in exchange.ledger.entries(channel="trade", symbol="BTC/USD")
                for row in entry.message["data"]
            ]
            assert [str(getattr(item, "trade_id", item)) for item in numbers] == sent
            assert feed.statistics().connections == 1

    live(body, seed=seed)


@some
@given(
    attempts=st.integers(1, 5),
    status=st.sampled_from([403, 404, 429, 500, 502]),
    wait=st.integers(0, 60),
    refusal=st.sampled_from(["EAPI:Invalid key", "EAPI:Invalid signature"]),
)
def test_context_in_critical_errors(attempts: int, status: int, wait: int, refusal: str) -> None:
    """What ends a feed says how often it was tried, why it failed, and what to do about it."""

    async def main() -> None:
        async with open_exchange(seed=1) as exchange:
            changes: list[StateChange] = []
            config = configured(exchange, max_attempts=attempts)
            exchange.upgrade_status, exchange.retry_after_s = status, wait
            with pytest.raises(RetriesExhausted) as spent:
                async with open_kraken(config, dial=exchange.dial) as feed:
                    feed.on(StateChange, changes.append)
                    async with feed.ticker("BTC/USD"):
                        pass
            cause = spent.value.__cause__
            assert isinstance(cause, UpgradeRefused)
            assert (cause.status, cause.retry_after_s) == (status, wait)
            assert (spent.value.attempts, str(attempts) in str(spent.value)) == (attempts, True)
            assert str(status) in str(cause)
            assert all(
                str(status) in change.reason
                for change in changes
                if change.to_state is ConnectionState.DEGRADED
            )
            exchange.upgrade_status = None
            exchange.rest.refuse_next(refusal)
            with pytest.raises(AuthenticationError) as refused:
                async with (
                    open_kraken(config, dial=exchange.dial, rest=exchange.rest) as feed,
                    feed.executions(),
                ):
                    pass
            assert refused.value.reason == refusal
            assert refused.value.mend
            assert exchange.api_key not in repr(vars(refused.value))

    run(main)


@some
@given(plan=plans, seed=seeds, protocol=protocols)
def test_callbacks_equal_stream(plan: list[tuple[Any, ...]], seed: int, protocol: str) -> None:
    """Whoever is called is told exactly what whoever reads is, in the same order."""

    async def body(exchange: Exchange, feed: Feed) -> None:
        called: list[object] = []
        feed.on(object, called.append)
        async with feed.events() as events:
            await follow(feed, plan, exchange, protocol)
            seen = await events.receive_batch()
        assert called[: len(seen)] == seen
        begun = {Trade} if protocol == "v2" else set()  # v1 has no snapshot of trades.
        assert {type(item) for item in seen} >= {Ticker, BookSnapshot, StateChange} | begun

    live(body, seed=seed, protocol=protocol)


@some
@given(
    plan=plans,
    how=st.sampled_from(["end", "error", "cancel", "group"]),
    private=st.booleans(),
    protocol=protocols,
)
def test_clean_up(plan: list[tuple[Any, ...]], how: str, private: bool, protocol: str) -> None:
    """However the block is left, no task, no connection and no waiting consumer stays."""

    async def main() -> None:
        async with open_exchange(seed=1) as exchange:
            before = trio.lowlevel.current_statistics().tasks_living
            streams: list[Any] = []
            with trio.CancelScope() as scope:
                try:
                    async with open_kraken(
                        configured(exchange, protocol=protocol),
                        dial=exchange.dial,
                        rest=exchange.rest,
                    ) as feed:
                        streams.append(feed.events())
                        if private:
                            streams.append(await feed.open_orders().__aenter__())
                        await follow(feed, plan, exchange, protocol)
                        match how:
                            case "error":
                                raise ZeroDivisionError  # noqa: TRY301 - as a user's block does
                            case "group":
                                raise ExceptionGroup("mine", [ZeroDivisionError()])
                            case "cancel":
                                scope.cancel()
                                await trio.lowlevel.checkpoint()
                except* ZeroDivisionError:
                    assert how in ("error", "group")
            assert scope.cancelled_caught == (how == "cancel")
            await trio.sleep(3)
            assert exchange.connections == ()
            assert trio.lowlevel.current_statistics().tasks_living == before
            for stream in streams:
                with pytest.raises((trio.EndOfChannel, trio.ClosedResourceError)):
                    while True:
                        stream.receive_nowait()

    run(main)


@some
@given(
    depth=st.integers(1, 5000),
    own=st.one_of(st.none(), st.integers(1, 5000)),
    timeout=st.floats(0.001, 1000),
    given_=st.one_of(st.none(), st.floats(0.001, 1000)),
    policy=st.sampled_from(DropPolicy),
    preset=st.sampled_from(["low_latency", "multi_pair", "aggregator"]),
)
def test_config_override(  # noqa: PLR0917 - drawn by name
    depth: int,
    own: int | None,
    timeout: float,
    given_: float | None,
    policy: DropPolicy,
    preset: str,
) -> None:
    """A subscription overrides the configuration, which overrides the environment and presets."""
    environ = {
        "KRAKEN_TIMEOUT": repr(timeout),
        "KRAKEN_MAX_QUEUE_DEPTH": str(depth),
        "KRAKEN_DROP_POLICY": policy.value,
    }
    overrides = {} if given_ is None else {"timeout": given_}
    config = KrakenConfig.from_env(None, environ, **overrides)
    assert config.timeout == (timeout if given_ is None else given_)
    assert (config.max_queue_depth, config.drop_policy) == (depth, policy)
    assert getattr(KrakenConfig, preset)(timeout=timeout).timeout == timeout
    assert config.replace(timeout=7).timeout == 7
    assert config.replace(timeout=7).replace(timeout=config.timeout) == config
    with pytest.raises(ConfigurationError, match="timeout"):
        KrakenConfig.from_env(None, {**environ, "KRAKEN_TIMEOUT": "soon"})

    async def body(_: Exchange, feed: Feed) -> None:
        options: dict[str, Any] = {} if own is None else {"max_queue_depth": own}
        async with feed.subscribe(Channel.trades("BTC/USD"), **options) as trades:
            statistics = trades.statistics().records
            assert statistics is not None
            assert statistics.capacity == (depth if own is None else own)

    live(body, max_queue_depth=depth, drop_policy=policy)


@pytest.mark.parametrize("protocol", ["v2", "v1"])
@settings(max_examples=2)
@given(seed=seeds, names=symbols)
def test_memory_back_to_baseline(protocol: str, seed: int, names: list[str]) -> None:
    """Subscribing, being flooded and leaving, again and again, leaves nothing behind."""
    sizes: list[int] = []
    trigger: Literal["trades", "bbo"] = "bbo" if protocol == "v2" else "trades"

    async def body(exchange: Exchange, feed: Feed) -> None:
        for cycle in range(6):
            async with (
                feed.book(*names) as books,
                feed.trades(*names),
                feed.ticker(*names, event_trigger=trigger),
                feed.ohlc(*names),
                feed.events() as events,
            ):
                for connection in exchange.connections:
                    for _ in range(50):
                        connection.send_raw('{"channel":"book","data":[{"symbol":"X')
                exchange.step(1000)
                await settle()
                assert await books.receive_batch()
                assert await events.receive_batch()
                exchange.connections[0].drop()
                await feed.wait_state(ConnectionState.DEGRADED)
                await feed.wait_state(ConnectionState.SUBSCRIBED)
            await settle()
            if cycle >= 2:
                gc.collect()
                sizes.append(measured())
        assert not list(feed._hub.public.engine.routes())
        assert not feed._hub.streams

    def measured() -> int:
        """Bytes held by code of this library but the simulated exchange."""
        snapshot = tracemalloc.take_snapshot().filter_traces(
            [
                tracemalloc.Filter(inclusive=True, filename_pattern="*/kraken_trio/_internal/*"),
                tracemalloc.Filter(inclusive=False, filename_pattern="*/_internal/testing/*"),
            ]
        )
        return sum(each.size for each in snapshot.statistics("filename"))

    logging.disable()  # What whoever reads the log keeps of it, such as pytest, is not ours.
    tracemalloc.start()
    try:
        live(body, seed=seed, protocol=protocol)
    finally:
        tracemalloc.stop()
        logging.disable(logging.NOTSET)
    # Meanwhile thousands of messages came, of which even the smallest would be 500 bytes.
    assert sizes[-1] - sizes[0] < 30_000

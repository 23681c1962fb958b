"""Opening a feed, and what is left when it is over."""

from __future__ import annotations

import logging
import time
from decimal import Decimal
from typing import Any

import pytest
import trio

from kraken_trio import (
    BookSnapshot,
    Channel,
    ConfigurationError,
    ConnectionState,
    Feed,
    KrakenConfig,
    ObserverFailed,
    ObserverSlow,
    OutcomeUnknown,
    ProtocolError,
    RetriesExhausted,
    StateChange,
    SubscriptionError,
    open_kraken,
)
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.wire import encode
from kraken_trio.extended import AddOrder, Observer
from kraken_trio.testing import Exchange, open_exchange

CONFIG = KrakenConfig(endpoint="wss://exchange.test/v2", jitter=0.0)


class Boom(Exception):
    """What a user's own code raises."""


async def nobody(host: str, port: int, *, tls: bool) -> trio.abc.Stream:
    """Refuse every connection."""
    raise OSError("nobody listens")


async def silence(host: str, port: int, *, tls: bool) -> trio.abc.Stream:
    """Take for ever to connect."""
    await trio.sleep_forever()
    raise AssertionError


async def test_nothing_connects_until_it_is_used(autojump_clock: trio.abc.Clock) -> None:
    """Opening returns at once, and a feed that is never used never dials."""
    async with open_exchange(seed=1) as exchange, open_kraken(CONFIG, dial=exchange.dial) as feed:
        await trio.sleep(100)
        assert feed.state is ConnectionState.DISCONNECTED
        assert not exchange.connections


async def test_connect_dials_without_a_subscription(autojump_clock: trio.abc.Clock) -> None:
    """A feed can be connected before its first use, and stays so."""
    async with open_exchange(seed=1) as exchange, open_kraken(CONFIG, dial=exchange.dial) as feed:
        feed.connect()
        feed.connect()
        await feed.wait_state(ConnectionState.SUBSCRIBED)
        await trio.sleep(300)
        assert feed.states == {"public": ConnectionState.SUBSCRIBED}
        assert len(exchange.connections) == 1


async def test_leaving_hangs_up(autojump_clock: trio.abc.Clock) -> None:
    """After the block the exchange has lost its client, and no time has passed."""
    async with open_exchange(seed=1) as exchange:
        async with open_kraken(CONFIG, dial=exchange.dial) as feed:
            feed.connect()
            await feed.wait_state(ConnectionState.SUBSCRIBED)
            began = trio.current_time()
        assert trio.current_time() - began <= 2.0
        await trio.testing.wait_all_tasks_blocked()
        assert not exchange.connections


@pytest.mark.parametrize("trouble", ["mute", "flood", "drop", "nothing"])
async def test_leaving_is_bounded_whatever_the_peer_does(
    autojump_clock: trio.abc.Clock, trouble: str
) -> None:
    """Half-open, flooding, gone: the block is left in two seconds at most."""
    async with open_exchange(seed=1, rate=100) as exchange:
        async with open_kraken(CONFIG, dial=exchange.dial) as feed, feed.book("BTC/USD") as book:
            await book.receive()
            match trouble:
                case "mute":
                    exchange.connections[0].mute()
                case "flood":
                    exchange.step(5000)
                case "drop":
                    exchange.connections[0].drop()
            began = trio.current_time()
        assert trio.current_time() - began <= 2.0


@pytest.mark.parametrize(
    "error", [ValueError("mine"), ExceptionGroup("mine", [ValueError("inner")]), Boom()]
)
async def test_what_the_block_raises_comes_out_as_it_was_raised(
    autojump_clock: trio.abc.Clock, error: Exception
) -> None:
    """The very object, with no group around it that the user did not make."""
    async with open_exchange(seed=1) as exchange:
        with pytest.raises(type(error)) as caught:
            async with open_kraken(CONFIG, dial=exchange.dial) as feed:
                feed.connect()
                await feed.wait_state(ConnectionState.SUBSCRIBED)
                raise error
        assert caught.value is error
        assert error.__context__ is None


async def test_who_waits_to_be_answered_does_not_hide_why_it_is_over(
    autojump_clock: trio.abc.Clock,
) -> None:
    """What ends the feed comes out as itself, though a subscription was being entered."""
    config = CONFIG.replace(max_attempts=2)
    with pytest.raises(RetriesExhausted):
        async with open_kraken(config, dial=nobody) as feed, feed.book("BTC/USD"):
            raise AssertionError


async def test_when_no_attempt_is_left_the_block_is_told(autojump_clock: trio.abc.Clock) -> None:
    """The block is cancelled, and RetriesExhausted comes out of it with its cause."""
    config = CONFIG.replace(max_attempts=3)
    with pytest.raises(RetriesExhausted) as caught:
        async with open_kraken(config, dial=nobody) as feed:
            feed.connect()
            await trio.sleep_forever()
    assert caught.value.attempts == 3
    last = caught.value.__cause__
    assert last is not None
    assert "nobody listens" in repr(last.__cause__)


async def test_a_host_that_never_answers_is_given_up_in_time(
    autojump_clock: trio.abc.Clock,
) -> None:
    """Each attempt has its time-out, and the pauses between them grow."""
    began = trio.current_time()
    with pytest.raises(RetriesExhausted):
        async with open_kraken(CONFIG.replace(max_attempts=2, timeout=5.0), dial=silence) as feed:
            feed.connect()
            await trio.sleep_forever()
    assert trio.current_time() - began == pytest.approx(10.1)


async def test_leaving_while_connecting_is_immediate(autojump_clock: trio.abc.Clock) -> None:
    """Whatever the dialling is at, it ends with the block."""
    began = trio.current_time()
    async with open_kraken(CONFIG, dial=silence) as feed:
        feed.connect()
        await trio.sleep(1)
    assert trio.current_time() - began == pytest.approx(1)


async def test_a_feed_that_was_left_is_over(autojump_clock: trio.abc.Clock) -> None:
    """Nothing of it works after its block, and everything says so."""
    async with open_exchange(seed=1) as exchange:
        async with open_kraken(CONFIG, dial=exchange.dial) as feed:
            late = feed.book("BTC/USD")
        for call in (feed.connect, feed.events, lambda: feed.on(StateChange, print)):
            with pytest.raises(trio.ClosedResourceError):
                call()
        with pytest.raises(trio.ClosedResourceError):
            await late.__aenter__()


async def test_two_feeds_live_side_by_side_and_one_after_the_other(
    autojump_clock: trio.abc.Clock,
) -> None:
    """Each has its own connection; what one does is nothing to the other."""
    async with open_exchange(seed=1) as exchange:
        for _ in range(2):
            async with (
                open_kraken(CONFIG, dial=exchange.dial) as first,
                open_kraken(CONFIG, dial=exchange.dial) as second,
            ):
                async with first.book("BTC/USD") as one, second.book("BTC/USD") as two:
                    assert len(exchange.connections) == 2
                    snapshots = [await one.receive(), await two.receive()]
                    assert all(isinstance(each, BookSnapshot) for each in snapshots)
                assert not first.is_subscribed(one.channel)


async def test_the_budget_of_attempts_is_shared_by_all_feeds_of_a_host(
    autojump_clock: trio.abc.Clock,
) -> None:
    """Two feeds together make no more attempts than the host allows one address."""
    dialled: list[float] = []

    async def dial(host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        dialled.append(trio.current_time())
        raise OSError("nobody listens")

    config = CONFIG.replace(budget=5, budget_window=600.0, max_attempts=None, max_delay=1.0)
    with trio.move_on_after(500):
        async with open_kraken(config, dial=dial) as one, open_kraken(config, dial=dial) as two:
            one.connect()
            two.connect()
            await trio.sleep_forever()
    assert len(dialled) == 5


async def test_a_feed_inside_a_larger_nursery_takes_nothing_with_it(
    autojump_clock: trio.abc.Clock,
) -> None:
    """Cancelled from outside it ends; what runs beside it goes on."""
    beside: list[str] = []

    async def other() -> None:
        await trio.sleep(10)
        beside.append("done")

    async with open_exchange(seed=1) as exchange, trio.open_nursery() as nursery:
        nursery.start_soon(other)
        with trio.move_on_after(5) as scope:
            async with (
                open_kraken(CONFIG, dial=exchange.dial) as feed,
                feed.book("BTC/USD") as book,
            ):
                async for _ in book:
                    pass
        assert scope.cancelled_caught
        assert beside == []
    assert beside == ["done"]


async def test_transitions_are_stamped_with_the_wall_clock(autojump_clock: trio.abc.Clock) -> None:
    """A transition tells when it was, and it was now."""
    seen: list[Any] = []
    async with open_exchange(seed=1) as exchange, open_kraken(CONFIG, dial=exchange.dial) as feed:
        feed.on(StateChange, seen.append)
        feed.connect()
        await feed.wait_state(ConnectionState.SUBSCRIBED)
        await trio.testing.wait_all_tasks_blocked()
    assert [change.to_state.value for change in seen[:3]] == [
        "connecting",
        "subscribing",
        "subscribed",
    ]
    assert abs(seen[0].at - time.time_ns()) < 60 * 10**9


async def test_what_cannot_be_is_refused_when_it_is_opened() -> None:
    """Nothing is silently taken for something else."""
    options: dict[str, Any] = {"callback_errors": "islate"}
    with pytest.raises(ConfigurationError) as caught:
        async with open_kraken(**options):
            raise AssertionError
    assert caught.value.field == "callback_errors"


def raising(name: str, error: Exception) -> Observer:
    """Give an observer whose hook of this name raises ``error``, again and again."""

    def hook(*_: object) -> None:
        raise error

    made: Observer = type("Raising", (Observer,), {name: hook})()
    return made


async def ask_in_vain(exchange: Exchange, feed: Feed) -> None:
    """Send an order that is not answered."""
    exchange.refusals["add_order"] = None
    order = AddOrder(
        symbol="BTC/USD",
        side="buy",
        order_type="limit",
        order_qty=Decimal("0.01"),
        limit_price=Decimal(1000),
    )
    async with feed.trading() as trading:
        with pytest.raises(OutcomeUnknown):
            await trading.add_order(order, answer_within_s=1)


@pytest.mark.parametrize("error", [ZeroDivisionError("mine"), ProtocolError("mine too")])
@pytest.mark.parametrize("hook", [name for name in vars(Observer) if not name.startswith("_")])
async def test_an_observer_that_raises_is_told_nothing_more_and_the_feed_goes_on(
    autojump_clock: trio.abc.Clock,
    exchange: Exchange,
    caplog: pytest.LogCaptureFixture,
    hook: str,
    error: Exception,
) -> None:
    """It is reported once: an event, an error in the log, and in the statistics."""
    exchange.refusals["SOL/USD"] = "Currency pair not supported SOL/USD"
    observers = [raising(hook, error)]
    config = CONFIG.replace(api_key=exchange.api_key, api_secret=exchange.api_secret)
    with trio.fail_after(60):
        async with (
            open_kraken(
                config, dial=exchange.dial, rest=exchange.rest, observers=observers
            ) as feed,
            feed.events() as events,
            feed.book("BTC/USD", "SOL/USD") as book,
        ):
            assert isinstance(await book.receive(), BookSnapshot)
            exchange.connections[0].send_raw("no JSON")
            exchange.connections[0].corrupt_next_book("BTC/USD")
            await trio.sleep(10)
            exchange.connections[0].drop()
            await trio.sleep(10)
            assert feed.order_book("BTC/USD") is not None
            await book.receive_batch()
            if hook == "unanswered":
                await ask_in_vain(exchange, feed)
            seen = await events.receive_batch()
            (statistics,) = feed.statistics().observers
    told = [item for item in seen if isinstance(item, ObserverFailed)]
    if hook not in ("opened", "record_taken"):  # told of before there is a stream, or after
        (failed,) = told
        assert (failed.observer, failed.hook, failed.exception) == ("Raising", hook, error)
    assert (statistics.name, statistics.disabled, statistics.calls) == ("Raising", True, 1)
    # On a machine that is busy with others it may have been slow, too.
    (line,) = [each for each in caplog.records if vars(each)["event"] == "observer_failed"]
    assert line.name == "kraken_trio.observe"
    assert (line.levelno, line.message.partition(":")[0]) == (logging.ERROR, "observer_failed")
    assert vars(line)["event"] == "observer_failed"
    assert vars(line)["hook"] == hook
    assert feed.observers == tuple(observers)


async def test_an_observer_that_raises_when_all_is_over_is_heard(
    autojump_clock: trio.abc.Clock, exchange: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    """The last transition is that to CLOSED, when the block has ended: the log has it."""

    class AtTheEnd(Observer):
        def state_changed(self, change: StateChange) -> None:
            if change.to_state is ConnectionState.CLOSED:
                raise ZeroDivisionError("mine")

    async with open_kraken(CONFIG, dial=exchange.dial, observers=[AtTheEnd()]) as feed:
        feed.connect()
        await feed.wait_state(ConnectionState.SUBSCRIBED)
        assert not caplog.messages
    assert "raised ZeroDivisionError('mine')" in caplog.text


async def test_an_observer_that_is_slow_is_noticed(
    autojump_clock: trio.abc.Clock,
    exchange: Exchange,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once, as an event and in the log; it is told on, and what it took is counted."""
    now = [0]
    monkeypatch.setattr(time, "perf_counter_ns", lambda: now[0])

    def slow_down(*_: object) -> None:
        now[0] += 20_000_000

    made = type("Slow", (Observer,), {"frame_received": slow_down})()

    async with open_kraken(CONFIG, dial=exchange.dial, observers=[made]) as feed:
        async with feed.events() as events, feed.book("BTC/USD"):
            await trio.sleep(1)
            seen = await events.receive_batch()
        (slow,) = [item for item in seen if isinstance(item, ObserverSlow)]
        (figures,) = feed.statistics().observers
        assert figures.calls == feed.statistics().frames > 1
    assert (slow.hook, slow.took_s) == ("frame_received", 0.02)
    assert (figures.disabled, figures.slowest_s) == (False, 0.02)
    assert figures.spent_s == pytest.approx(0.02 * figures.calls)
    assert caplog.text.count("observer_slow") == 1


@pytest.mark.parametrize(
    "where", [f"{Engine.__module__}.Engine.take", f"{encode.__name__}._channel_params"]
)
async def test_a_fault_of_our_own_comes_out_as_itself(
    autojump_clock: trio.abc.Clock, exchange: Exchange, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Reading or sending, a bug ends the block: it is not healed, hidden, or put into a group."""
    error = ZeroDivisionError("ours")

    def broken(*_: object, **__: object) -> None:
        raise error

    with pytest.raises(ZeroDivisionError) as caught, trio.fail_after(60):
        async with open_kraken(CONFIG, dial=exchange.dial) as feed, feed.book("BTC/USD"):
            monkeypatch.setattr(where, broken)
            feed.connect()
            await feed.subscribe(Channel.ticker("BTC/USD")).__aenter__()
            await trio.sleep_forever()
    assert caught.value is error


async def test_an_observer_may_use_the_feed(
    autojump_clock: trio.abc.Clock, exchange: Exchange
) -> None:
    """What it asks for in a hook is done after all that led to the hook."""
    seen: list[tuple[str, int, tuple[Channel, ...]]] = []
    feeds: list[Feed] = []

    class Meddling(Observer):
        def state_changed(self, change: StateChange) -> None:
            (feed,) = feeds
            state = change.to_state
            seen.append((state.value, len(feed.active_subscriptions), feed.active_subscriptions))
            if state is ConnectionState.CONNECTING and len(seen) == 1:
                feed.disconnect()
            elif state is ConnectionState.CLOSED and len(seen) == 2:
                feed.connect()
            elif state is ConnectionState.DEGRADED:
                assert feed.order_book("BTC/USD") is None

    async with open_kraken(CONFIG, dial=exchange.dial, observers=[Meddling()]) as feed:
        feeds.append(feed)
        feed.connect()
        with trio.fail_after(1):
            await feed.wait_state(ConnectionState.SUBSCRIBED)
        assert exchange.connected == 1
        async with feed.book("BTC/USD") as book:
            await book.receive()
            exchange.connections[0].drop()
            await feed.wait_state(ConnectionState.DEGRADED)
            await feed.wait_state(ConnectionState.SUBSCRIBED)
    states = [state for state, *_ in seen]
    assert states[:4] == ["connecting", "closed", "connecting", "subscribing"]
    assert [active for state, active, _ in seen if state == "degraded"] == [0]
    assert exchange.connected == 2


async def test_an_observer_is_told_of_a_refusal_when_it_stands_on_the_subscription(
    autojump_clock: trio.abc.Clock, exchange: Exchange
) -> None:
    """What it looks up then is as it was told."""
    exchange.refusals["ETH/USD"] = "Currency pair not supported ETH/USD"
    refused: list[tuple[str | None, ...]] = []

    class Watching(Observer):
        def subscription_failed(self, session: str, error: SubscriptionError) -> None:
            assert (session, error.symbol) == ("public", "ETH/USD")
            refused.append(tuple(book.refused))

    async with open_kraken(CONFIG, dial=exchange.dial, observers=[Watching()]) as feed:
        book = feed.book("BTC/USD", "ETH/USD")
        async with book:
            pass
    assert refused == [("ETH/USD",)]

"""Private sessions in the live path: hosts and tokens, and what becomes of their losses."""

from __future__ import annotations

import itertools
import json
import logging
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

import kraken_trio
from kraken_trio import (
    AuthenticationError,
    BalanceSnapshot,
    BalanceUpdate,
    Channel,
    ConfigurationError,
    ConnectionFailed,
    ConnectionState,
    Execution,
    Feed,
    Gap,
    GapReason,
    Level3Snapshot,
    Level3Update,
    Resync,
    RetriesExhausted,
    StateChange,
    SubscriptionError,
    Timestamp,
    open_kraken,
)
from kraken_trio.extended import HttpRest, Observer

if TYPE_CHECKING:
    from tests.conftest import Desk

NEW = {"order_id": "O2", "exec_type": "new", "order_status": "new"}


@pytest.fixture
async def feed(desk: Desk) -> Any:
    """Give a feed of the desk."""
    async with open_kraken(desk.config(), dial=desk.dial, rest=desk.rest) as feed:
        yield feed


def states(changes: list[StateChange], session: str = "private") -> list[str]:
    """Give the states that a session entered."""
    return [change.to_state.value for change in changes if change.session == session]


# Where things come from.


async def test_account_data_come_over_a_session_of_their_own(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed
) -> None:
    """With a token that was fetched between the connection and the first request."""
    changes: list[StateChange] = []
    feed.on(StateChange, changes.append)
    async with feed.executions() as executions, feed.balances() as balances:
        first, held = await executions.receive(), await balances.receive()
        assert isinstance(first, Execution)
        assert isinstance(held, BalanceSnapshot)
        await desk.client().tell("executions", "update", [NEW])
        await desk.client().tell(
            "balances", "update", [{"ledger_id": "L", "asset": "BTC", "amount": 1, "balance": 2}]
        )
        assert getattr(await executions.receive(), "order_id", None) == "O2"
        assert isinstance(await balances.receive(), BalanceUpdate)
        assert feed.states == {
            "public": ConnectionState.DISCONNECTED,
            "private": ConnectionState.SUBSCRIBED,
        }
        assert feed.active_subscriptions == (Channel.executions(), Channel.balances())
        assert feed.is_subscribed(Channel.executions())
        assert feed.statistics().states == feed.states
    await trio.sleep(1)
    assert states(changes)[:4] == ["connecting", "authenticating", "subscribing", "subscribed"]
    token = f"{desk.TOKENS}1"
    assert desk.client().asked() == [("executions", token), ("balances", token)]
    assert desk.client().asked("unsubscribe") == [("balances", token), ("executions", token)]
    assert desk.hosts == ["private"]


async def test_books_order_by_order_come_from_a_third_host(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed
) -> None:
    """Verified, with a token, and found as the others are; books of levels are not touched."""
    async with feed.level3("BTC/USD", "ETH/USD") as books:
        assert [type(await books.receive()) for _ in range(2)] == [Level3Snapshot] * 2
        await desk.client("level3").say(desk.update_of("BTC/USD", "3.00"))
        assert isinstance(await books.receive(), Level3Update)
        assert feed.order_book("BTC/USD") is None
        assert feed.best_bid_ask("BTC/USD") is None
        assert feed.statistics().checksums_ok == 3
    assert desk.hosts == ["level3"]


async def test_only_what_is_used_is_dialled(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed
) -> None:
    """``connect`` is for the public session, and for those that were used."""
    feed.connect()
    await trio.sleep(10)
    assert desk.hosts == ["public"]
    assert not desk.nonces
    with pytest.raises(KeyError):
        await feed.wait_state(ConnectionState.SUBSCRIBED, session="privat")
    await feed.wait_state(ConnectionState.DISCONNECTED, session="private")
    async with feed.executions() as executions:
        await executions.receive()
        feed.disconnect()
        assert set(feed.states.values()) == {ConnectionState.CLOSED}
        with pytest.raises(SubscriptionError, match=r"feed.connect\(\) starts a new one"):
            await feed.level3("BTC/USD").__aenter__()
        await trio.sleep(10)
        assert desk.hosts == ["public", "private"]
        feed.connect()
        assert isinstance(await executions.receive(), Gap)
        assert isinstance(await executions.receive(), Execution)
        await feed.wait_state(ConnectionState.SUBSCRIBED, session="level3")
    assert sorted(desk.hosts[2:]) == ["level3", "private", "public"]


async def test_a_session_that_will_be_there_can_be_waited_for(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed
) -> None:
    """It is DISCONNECTED until its first use."""
    async with trio.open_nursery() as nursery:
        wait = feed.wait_state
        nursery.start_soon(lambda: wait(ConnectionState.AUTHENTICATING, session="private"))
        await trio.sleep(1)
        async with feed.balances():
            pass


async def test_events_and_callbacks_hear_of_sessions_that_begin_later(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed
) -> None:
    """A stream that was opened before, and callbacks; and a later stream begins with live books."""
    called: list[Execution] = []
    feed.on(Execution, called.append)
    left = feed.events()
    async with feed.events() as events:
        left.close()
        async with feed.executions(), feed.level3("BTC/USD"):
            await trio.sleep(1)
            heard = {type(item) for item in await events.receive_batch()}
            assert {Execution, Level3Snapshot, StateChange} <= heard
            assert [each.order_id for each in called] == ["O1"]
            async with feed.events() as later:
                book = later.receive_nowait()
                assert isinstance(book, Level3Snapshot)
                assert book.local
            await desk.client().tell("executions", "update", [NEW])
            await trio.sleep(1)
            assert isinstance(await events.receive(), Execution)
    assert len(called) == 2


async def test_records_for_callbacks_alone(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed
) -> None:
    """A subscription without a stream works here too."""
    called: list[BalanceSnapshot] = []
    feed.on(BalanceSnapshot, called.append)
    async with feed.subscribe(Channel.balances(), stream=False):
        await trio.sleep(1)
    assert [held.asset for held in called] == ["BTC"]


async def test_one_who_wants_nothing_dropped_has_a_session_there(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed
) -> None:
    """On a connection of its own to the right host, with a token of its own."""
    executions = feed.subscribe(Channel.executions(), drop_policy="block")  # type: ignore[arg-type]
    books = feed.subscribe(Channel.level3("BTC/USD"), drop_policy="block")  # type: ignore[arg-type]
    async with executions, books:
        assert isinstance(await executions.receive(), Execution)
        assert isinstance(await books.receive(), Level3Snapshot)
        assert list(feed.states) == ["public", "block 1", "block 2"]
        assert desk.hosts == ["private", "level3"]
        tokens = [desk.client(host).asked()[0][1] for host in desk.hosts]
        assert tokens == [f"{desk.TOKENS}1", f"{desk.TOKENS}2"]
        async with feed.executions() as shared:
            assert isinstance(await shared.receive(), Execution)


async def test_a_second_consumer_begins_with_what_is_so(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed
) -> None:
    """One subscription on the wire serves all; each is given what it would begin with now."""
    async with feed.executions() as executions, feed.balances() as balances:
        await executions.receive()
        await desk.client().tell("executions", "update", [NEW])
        entry = {"ledger_id": "L", "asset": "BTC", "amount": 1, "balance": 2.5}
        await desk.client().tell("balances", "update", [entry])
        assert isinstance(await executions.receive(), Execution)
        assert len(await balances.receive_batch()) == 1
        assert isinstance(await balances.receive(), BalanceUpdate)
        async with feed.executions() as second, feed.balances() as held:
            orders = await second.receive_batch()
            assert [each.order_id for each in orders if isinstance(each, Execution)] == ["O1", "O2"]
            (now,) = await held.receive_batch()
            assert isinstance(now, BalanceSnapshot)
            assert now.balance == Decimal("2.5")
            await desk.client().tell("executions", "update", [NEW])
            assert await executions.receive() == await second.receive()
        assert len(desk.client().asked()) == 2
        assert not desk.client().asked("unsubscribe")


async def test_a_second_consumer_is_not_given_half_an_account(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed
) -> None:
    """Of options by which something is left out nobody can tell what it would begin with now."""
    channel = Channel.executions(order_status=False)
    async with feed.subscribe(channel) as executions:
        await executions.receive()
        with pytest.raises(SubscriptionError, match="events"):
            await feed.subscribe(channel).__aenter__()
        async with feed.subscribe(channel, stream=False):
            assert desk.client().asked() == [("executions", f"{desk.TOKENS}1")]
        await desk.client().tell("executions", "update", [NEW])
        assert isinstance(await executions.receive(), Execution)
        with pytest.raises(SubscriptionError, match="one of them on a connection"):
            await feed.open_orders().__aenter__()
    async with feed.subscribe(channel) as again:
        assert isinstance(await again.receive(), Execution)


@pytest.mark.parametrize("name", ["open_orders", "own_trades"])
async def test_what_shares_a_subscription_handles_gaps_alike(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed, name: str
) -> None:
    """It is one loss, and either mended for all or for none."""
    async with feed.executions():
        other = feed.subscribe(Channel(name=name), gap_policy="ignore")  # type: ignore[arg-type]
        with pytest.raises(SubscriptionError, match="handle gaps alike"):
            await other.__aenter__()


# Tokens.


async def test_sessions_that_begin_together_share_a_token(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed
) -> None:
    """One call for all who want one at that moment; none of them gets in the way of another."""
    desk.rest_delay = 1.0
    async with trio.open_nursery() as nursery:

        async def hold(channel: Channel) -> None:
            async with feed.subscribe(channel):
                await trio.sleep(5)

        for channel in (Channel.executions(), Channel.level3("BTC/USD")):
            nursery.start_soon(hold, channel)
        await trio.sleep(4)
        asked = [desk.client(host).asked()[0][1] for host in ("private", "level3")]
        assert asked == [f"{desk.TOKENS}1"] * 2
    assert len(desk.nonces) == 1


async def test_each_connection_has_a_fresh_token(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed
) -> None:
    """After a cut all is restored with it, and what was missed is told."""
    resyncs: list[Resync] = []
    feed.on(Resync, resyncs.append)
    async with feed.executions() as executions, feed.balances() as balances:
        for number in (2, 3):
            assert isinstance(await executions.receive(), Execution)
            assert isinstance(await balances.receive(), BalanceSnapshot)
            await desk.client().cut()
            for lost in (await executions.receive(), await balances.receive()):
                assert isinstance(lost, Gap)
                assert lost.reason is GapReason.DISCONNECT
            await feed.wait_state(ConnectionState.SUBSCRIBED, session="private")
            tokens = {token for _, token in desk.client().asked()}
            assert tokens == {f"{desk.TOKENS}{number}"}
            await trio.sleep(1)
    assert desk.nonces == sorted(set(desk.nonces))
    assert [resync.channel for resync in resyncs] == ["executions", "balances"] * 2


@pytest.mark.parametrize("words", ["EAPI:Invalid key", "EGeneral:Permission denied"])
@pytest.mark.parametrize("enter", [True, False])
async def test_a_refused_key_ends_the_feed_at_once(
    autojump_clock: trio.abc.Clock, desk: Desk, words: str, enter: bool
) -> None:
    """AuthenticationError leaves the block as itself, whatever the block waits for."""
    desk.rest_errors = [words] * 9
    with pytest.raises(AuthenticationError) as caught:
        async with (
            open_kraken(desk.config(), dial=desk.dial, rest=desk.rest) as feed,
            trio.open_nursery() as nursery,
        ):
            if enter:
                await feed.executions().__aenter__()
                raise AssertionError
            nursery.start_soon(feed.executions().__aenter__)
    error = caught.value
    assert (error.reason, error.__cause__, error.__context__) == (words, None, None)
    assert "API key" in str(error) or "api_key" in str(error)
    assert len(desk.nonces) == 1
    assert desk.hosts == ["private"]


async def test_two_sessions_that_are_refused_are_one_error(
    autojump_clock: trio.abc.Clock, desk: Desk
) -> None:
    """They asked together, so it is the same."""
    desk.rest_errors = ["EAPI:Invalid signature"] * 9
    desk.rest_delay = 1.0
    with pytest.raises(AuthenticationError):
        async with (
            open_kraken(desk.config(), dial=desk.dial, rest=desk.rest) as feed,
            trio.open_nursery() as nursery,
        ):
            for wanted in (feed.executions(), feed.level3("BTC/USD")):
                nursery.start_soon(wanted.__aenter__)
    assert len(desk.nonces) == 1


@pytest.mark.parametrize(
    "words", ["EService:Busy", "EAPI:Invalid nonce", "EAPI:Rate limit exceeded"]
)
async def test_no_token_for_now_is_tried_again(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed, words: str
) -> None:
    """On a new connection, after the pauses of reconnects."""
    desk.rest_errors = [words] * 2
    changes: list[StateChange] = []
    feed.on(StateChange, changes.append)
    async with feed.executions() as executions:
        assert isinstance(await executions.receive(), Execution)
        await trio.sleep(1)
    assert states(changes)[:4] == ["connecting", "authenticating", "degraded", "connecting"]
    assert changes[2].trigger.value == "auth_unavailable"
    assert changes[2].reason == f"GetWebSocketsToken: {words}"
    assert desk.nonces == sorted(set(desk.nonces))
    assert len(desk.nonces) == 3


async def test_a_pause_that_was_asked_for_is_kept(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed
) -> None:
    """``Retry-After``, and the moment that a throttled call is told."""
    desk.rest_statuses = [(429, (("retry-after", "77"),))]
    began = trio.current_time()
    async with feed.executions():
        assert trio.current_time() - began >= 77


@pytest.mark.parametrize("status, counted", [(503, False), (502, True)])
async def test_attempts_without_a_token_are_bounded(
    autojump_clock: trio.abc.Clock, desk: Desk, status: int, counted: bool
) -> None:
    """As those without a connection are; a service that says it is closed costs none."""
    desk.rest_statuses = [(status, ())] * 6
    outcome = "subscribed"
    config = desk.config(max_attempts=3)
    try:
        async with open_kraken(config, dial=desk.dial, rest=desk.rest) as feed, feed.balances():
            pass
    except RetriesExhausted as error:
        outcome = str(error.__cause__)
    assert outcome == ("GetWebSocketsToken: HTTP status 502" if counted else "subscribed")


async def test_a_token_that_does_not_come_is_not_waited_for_for_ever(
    autojump_clock: trio.abc.Clock, desk: Desk
) -> None:
    """AUTHENTICATING has the time of ``timeout``, and nothing of the call remains."""
    desk.rest_delay = 1000.0
    changes: list[StateChange] = []
    config = desk.config(timeout=3.0, max_attempts=2)
    with pytest.raises(RetriesExhausted) as caught:
        async with open_kraken(config, dial=desk.dial, rest=desk.rest) as feed:
            feed.on(StateChange, changes.append)
            async with feed.executions():
                raise AssertionError
    assert isinstance(caught.value.__cause__, ConnectionFailed)
    assert "within 3 s" in str(caught.value.__cause__)
    assert states(changes)[1:3] == ["authenticating", "degraded"]
    assert desk.calls == 0


async def test_a_token_that_expired_is_replaced(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed
) -> None:
    """What lives goes on, on the same connection; what was refused is asked for again."""
    changes: list[StateChange] = []
    async with feed.executions() as executions:
        await executions.receive()
        feed.on(StateChange, changes.append)
        desk.accepted.clear()
        desk.rest_delay = 0.5
        async with feed.balances() as balances:
            assert isinstance(await balances.receive(), BalanceSnapshot)
        await desk.client().tell("executions", "update", [NEW])
        assert isinstance(await executions.receive(), Execution)
        await trio.sleep(1)
    assert desk.client().asked() == [
        ("executions", f"{desk.TOKENS}1"),
        ("balances", f"{desk.TOKENS}1"),
        ("balances", f"{desk.TOKENS}2"),
    ]
    assert [(change.trigger.value, change.reason) for change in changes] == [
        ("token_refused", "ESession:Invalid session"),
        ("auth_accepted", ""),
    ]
    assert desk.hosts == ["private"]


async def test_tokens_that_are_never_accepted_are_not_fetched_for_ever(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed
) -> None:
    """The subscription ends with the exchange's words; the others and the session go on."""
    async with feed.executions() as executions:
        await executions.receive()
        desk.accepted.clear()
        desk.useless = True
        with pytest.raises(SubscriptionError, match="ESession:Invalid session"):
            async with feed.balances():
                raise AssertionError
        assert feed.is_subscribed(executions.channel)
        await trio.sleep(1)
        fetched = len(desk.nonces)
        await trio.sleep(1000)
    # One for each attempt, and one when what was refused was left, for order's sake.
    assert len(desk.nonces) == fetched == 7


@pytest.mark.parametrize("words", ["EAPI:Invalid key", "EService:Unavailable"])
async def test_no_fresh_token_ends_the_connection(
    autojump_clock: trio.abc.Clock, desk: Desk, words: str
) -> None:
    """For good, and the feed with it; or for now, and it is tried again on the next."""
    outcome = ""
    try:
        async with (
            open_kraken(desk.config(), dial=desk.dial, rest=desk.rest) as feed,
            feed.executions() as executions,
        ):
            await executions.receive()
            desk.accepted.clear()
            desk.rest_errors = [words]
            async with feed.balances() as balances:
                assert isinstance(await executions.receive(), Gap)
                assert isinstance(await executions.receive(), Execution)
                assert isinstance(await balances.receive(), BalanceSnapshot)
    except AuthenticationError as error:
        outcome = error.reason
    assert (outcome or "EService:Unavailable") == words


# Losses.


async def test_a_message_that_is_missing_is_told_and_mended(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed
) -> None:
    """By leaving the channel and asking for it anew, while its neighbour goes on."""
    changes: list[StateChange] = []
    resyncs: list[Resync] = []
    async with feed.executions() as executions, feed.balances() as balances:
        await executions.receive()
        feed.on(StateChange, changes.append)
        feed.on(Resync, resyncs.append)
        client = desk.client()
        client.sequences["executions"] += 3
        await client.tell("executions", "update", [NEW])
        await client.tell("executions", "update", [NEW])  # on its way when we leave
        gap = await executions.receive()
        assert isinstance(gap, Gap)
        assert (gap.reason, gap.expected, gap.received) == (GapReason.SEQUENCE, 2, 5)
        assert gap.size == 3
        await feed.wait_state(ConnectionState.SUBSCRIBED, session="private")
        await trio.sleep(1)
        got = await executions.receive_batch()
        assert [(type(item), item.snapshot) for item in got if isinstance(item, Execution)] == [
            (Execution, False),
            (Execution, False),
            (Execution, True),
        ]
        assert len(got) == 3
        assert len(await balances.receive_batch()) == 1
        await client.tell("executions", "update", [NEW])
        assert isinstance(await executions.receive(), Execution)
    assert states(changes) == ["resyncing", "subscribed"]
    assert [(each.channel, each.reason) for each in resyncs] == [("executions", GapReason.SEQUENCE)]
    assert feed.statistics().gaps == {GapReason.SEQUENCE: 1}


async def test_a_book_order_by_order_is_mended(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed
) -> None:
    """A wrong checksum is a gap; a fresh snapshot follows, for that pair alone."""
    async with feed.level3("BTC/USD", "ETH/USD") as books:
        await trio.sleep(1)
        await books.receive_batch()
        client = desk.client("level3")
        await client.say(desk.update_of("BTC/USD", "3.00", wrong=True))
        gap, snapshot = await books.receive(), await books.receive()
        assert isinstance(gap, Gap)
        assert (gap.reason, gap.symbol) == (GapReason.CHECKSUM, "BTC/USD")
        assert isinstance(snapshot, Level3Snapshot)
        assert (snapshot.symbol, snapshot.local) == ("BTC/USD", False)
        assert client.asked("unsubscribe") == [("level3", f"{desk.TOKENS}1")]


async def test_one_who_joins_late_is_given_the_live_book(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed
) -> None:
    """Verified, of what it is now."""
    async with feed.level3("BTC/USD") as early:
        await early.receive()
        await desk.client("level3").say(desk.update_of("BTC/USD", "3.00"))
        await early.receive()
        async with feed.level3("BTC/USD") as late:
            book = await late.receive()
            assert isinstance(book, Level3Snapshot)
            assert book.local
            assert [str(each.order_qty) for each in book.bids] == ["3.00"]
            await desk.client("level3").say(desk.update_of("BTC/USD", "4.00"))
            assert await late.receive() == await early.receive()
    assert len(desk.client("level3").asked()) == 1


@pytest.mark.parametrize("policy", ["oldest", "latest", "coalesce"])
async def test_a_slow_reader_of_orders_is_never_wrong_without_being_told(
    autojump_clock: trio.abc.Clock, desk: Desk, feed: Feed, policy: Any
) -> None:
    """What it lost is a gap, and then a verified snapshot: no update is merged, no chain broken."""
    books = feed.subscribe(
        Channel.level3("BTC/USD"), drop_policy=policy, max_queue_depth=5, max_messages_per_second=0
    )
    async with books:
        first = await books.receive()
        assert isinstance(first, Level3Snapshot)
        known = first.bids[0].order_qty
        for number in range(1, 40):
            await desk.client("level3").say(desk.update_of("BTC/USD", f"{number}.00"))
            await trio.sleep(0.1)
        chained, gaps = True, 0
        while known != 39:
            item = await books.receive()
            match item:
                case Gap():
                    gaps, chained = gaps + 1, False
                case Level3Snapshot():
                    known, chained = item.bids[0].order_qty, True
                case Level3Update():
                    assert chained
                    assert item.bids[0].order_qty == known + 1 or known == 2
                    known = item.bids[0].order_qty
    assert gaps == 1


# What must not happen.


async def test_no_token_of_the_exchange_goes_to_strangers(
    autojump_clock: trio.abc.Clock, desk: Desk
) -> None:
    """A host that is not the exchange's needs a ``rest`` that belongs to it."""
    async with open_kraken(desk.config(), dial=desk.dial) as feed:
        for channel, host in (
            (Channel.executions(), "private.test"),
            (Channel.level3("BTC/USD"), "level3.test"),
        ):
            with pytest.raises(ConfigurationError) as caught:
                feed.subscribe(channel)
            assert caught.value.field == "rest"
            assert host in caught.value.rule


async def test_no_token_goes_in_the_clear(autojump_clock: trio.abc.Clock, desk: Desk) -> None:
    """But on this machine, or where the program insists."""
    for field in ("private_endpoint", "level3_endpoint"):
        for url in ("ws://private.test/v2", "ws://127.1/v2"):
            with pytest.raises(ConfigurationError, match="allow_insecure"):
                desk.config(**{field: url})
            desk.config(**{field: url}, allow_insecure=True)
        desk.config(**{field: "ws://127.0.0.1:1/v2"})


class Sent(Observer):
    """Remembers what was sent, as it is told."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.frames: list[tuple[str, bytes]] = []

    def frame_sent(self, session: str, payload: bytes, at: Timestamp) -> None:
        """Remember it."""
        assert isinstance(at, Timestamp)
        self.frames.append((session, payload))


async def test_observers_are_not_shown_the_token(
    autojump_clock: trio.abc.Clock, desk: Desk
) -> None:
    """Everything else of a request is as it was sent."""
    sent = Sent()
    async with open_kraken(desk.config(), dial=desk.dial, rest=desk.rest, observers=[sent]) as feed:
        async with feed.balances():
            pass
        await trio.sleep(1)
    assert sent.frames == [
        (
            "private",
            b'{"method":"%b","params":{"channel":"balances",%b"token":"****"},"req_id":%d}' % each,
        )
        for each in ((b"subscribe", b'"snapshot":true,', 1), (b"unsubscribe", b"", 2))
    ]


async def answer_over_http(
    stream: trio.SocketStream, heads: list[bytes], answers: list[str]
) -> None:
    """Answer one call over HTTP with the next of these."""
    async with stream:
        head = b""
        while b"nonce=" not in head:
            head += await stream.receive_some()
        heads.append(head)
        body = answers.pop(0).encode()
        length = b"content-length: %d\r\n" % len(body)
        await stream.send_all(b"HTTP/1.1 200 OK\r\n" + length + b"connection: close\r\n\r\n" + body)


@pytest.mark.extra("private")  # noqa: S610 - a mark of pytest, no query of Django
async def test_nothing_secret_is_shown_anywhere(
    desk: Desk, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Logs at DEBUG of everything, what is printed, events, errors with their tracebacks, reprs:
    over a whole run with real HTTP, a fresh token, losses, refusals, and a key that is refused.
    """
    caplog.set_level(logging.DEBUG)
    tokens = [f"{desk.TOKENS}{number}" for number in range(3)]
    desk.accepted = {tokens[0]}
    answers = [json.dumps({"error": [], "result": {"token": token}}) for token in tokens]
    answers = [*answers[:2], f'{{"error":["EGeneral:Bad {desk.TOKENS}9"]}}']
    heads: list[bytes] = []
    shown: list[object] = []
    sent = Sent()

    async with trio.open_nursery() as nursery:
        handle = partial(answer_over_http, heads=heads, answers=answers)
        (listener,) = await nursery.start(partial(trio.serve_tcp, handle, 0, host="127.0.0.1"))
        rest = HttpRest(f"http://127.0.0.1:{listener.socket.getsockname()[1]}")
        config = desk.config(initial_delay=0.001)
        error: BaseException | None = None
        try:
            async with open_kraken(config, dial=desk.dial, rest=rest, observers=[sent]) as feed:
                feed.on(StateChange, shown.append)
                async with feed.events() as events, feed.executions() as executions:
                    shown += [await executions.receive(), feed, vars(feed), config, executions]
                    client = desk.client()
                    await client.say(f'{{"token":"{tokens[0]}", broken')
                    await client.say(
                        {"channel": "executions", "type": "update", "token": tokens[0]}
                    )
                    desk.accepted = {tokens[1]}
                    async with feed.balances() as balances:
                        shown.append(await balances.receive())
                    shown += await events.receive_batch()
                    shown += [feed._tokens, vars(feed._tokens), feed._hub.sessions["private"]]
                    shown += [vars(feed._hub.sessions["private"].supervisor._writer)]
                    await client.cut()
                    await trio.sleep_forever()
        except AuthenticationError as refused:
            error = refused
        nursery.cancel_scope.cancel()
    assert error is not None
    assert len(heads) == 3
    assert all(desk.KEY.encode() in head for head in heads)
    text = caplog.text + "".join(capfd.readouterr()) + repr(shown) + repr(sent.frames)
    text += "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    assert "kraken_trio.tokens" in caplog.text
    assert "ESession:Invalid session" in text
    assert "broken" in text
    assert "****" in text
    signature = heads[0].lower().split(b"api-sign: ")[1].split(b"\r")[0].decode()
    for secret in (desk.KEY, desk.SECRET, desk.TOKENS[:12], signature):
        assert secret.lower() not in text.lower()


# At any moment.


async def private_life(
    desk: Desk, started: Callable[[trio.CancelScope], None] = lambda _: None
) -> bool:
    """Two sessions, a token that expires, a message that is missing, a cut; say if it was ended."""
    desk.rest_delay = 0.1
    with trio.CancelScope() as scope:
        started(scope)
        async with (
            open_kraken(desk.config(), dial=desk.dial, rest=desk.rest) as feed,
            feed.executions() as executions,
            feed.level3("BTC/USD") as books,
        ):
            await books.receive()
            desk.accepted.clear()
            async with feed.balances() as balances:
                await balances.receive()
            desk.client().sequences["executions"] += 1
            await desk.client().tell("executions", "update", [NEW])
            while not isinstance(await executions.receive(), Gap):
                pass
            await feed.wait_state(ConnectionState.SUBSCRIBED, session="private")
            await desk.client().cut()
            await feed.wait_state(ConnectionState.AUTHENTICATING, session="private")
            await feed.wait_state(ConnectionState.SUBSCRIBED, session="private")
    return scope.cancelled_caught


async def nothing_remains(desk: Desk) -> None:
    """No connection, no call, as soon as the desk has noticed."""
    await trio.sleep(2)
    assert not desk.clients
    assert desk.calls == 0


class CancelAtStep(trio.abc.Instrument):
    """Cancels a scope right before the n-th step of any task."""

    def __init__(self, steps: int) -> None:
        """Cancel before that many steps more."""
        self.steps = steps
        self.scope: trio.CancelScope | None = None

    def begin(self, scope: trio.CancelScope) -> None:
        """Count from here."""
        self.scope = scope

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002 - any task's
        """Count, and cancel."""
        if self.scope is not None:
            self.steps -= 1
            if self.steps == 0:
                self.scope.cancel()


def test_a_cancellation_at_any_step_leaves_nothing(
    open_desk: Callable[[], AbstractAsyncContextManager[Desk]],
) -> None:
    """Wherever it strikes: no connection and no call remain, and the next feed works."""

    async def program(instrument: CancelAtStep) -> bool:
        async with open_desk() as desk:
            ended = await private_life(desk, instrument.begin)
            instrument.scope = None
            await nothing_remains(desk)
            if ended:
                with trio.fail_after(60):
                    assert not await private_life(desk)
            return ended

    for step in itertools.count(1, 3):
        instrument = CancelAtStep(step)
        clock = trio.testing.MockClock(autojump_threshold=0)
        if not trio.run(program, instrument, clock=clock, instruments=[instrument]):
            break
    assert step > 100


OURS = str(Path(kraken_trio.__file__).parent / "_internal")
LINES_APART = 97
"""So many lines from one Ctrl-C to the next: a prime, so that loops are met everywhere."""


class Interrupter:
    """Sends this process a SIGINT when the n-th line of our code is about to run."""

    def __init__(self, lines: int) -> None:
        """Interrupt before that many lines more."""
        self.lines = lines

    def __call__(self, frame: FrameType, event: str, _: object) -> Any:
        """Trace our code; no other is slowed down."""
        if not frame.f_code.co_filename.startswith((f"{OURS}/core", f"{OURS}/shell")):
            return None
        if event == "line":
            self.lines -= 1
            if self.lines == 0:
                signal.raise_signal(signal.SIGINT)
        return self


@pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) is not signal.default_int_handler,
    reason="whoever runs these tests has taken Ctrl-C for something else",
)
def test_ctrl_c_at_any_line_ends_the_program(
    open_desk: Callable[[], AbstractAsyncContextManager[Desk]],
) -> None:
    """Wherever it strikes: no hang, and nothing is left of the feed."""

    async def program(interrupter: Interrupter) -> None:
        async with open_desk() as desk:
            before = sys.gettrace()
            try:
                sys.settrace(interrupter)
                with trio.fail_after(60):
                    await private_life(desk)
            finally:
                sys.settrace(before)
                with trio.CancelScope(shield=True):
                    await nothing_remains(desk)

    for line in itertools.count(1, LINES_APART):
        interrupter, interrupted = Interrupter(line), False
        clock = trio.testing.MockClock(autojump_threshold=0)
        try:
            trio.run(program, interrupter, clock=clock)
        except* KeyboardInterrupt:
            interrupted = True
        assert interrupted == (interrupter.lines <= 0)
        if not interrupted:
            break
    assert line > 20 * LINES_APART

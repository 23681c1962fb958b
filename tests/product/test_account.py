"""The live feed at the private doors of the simulated exchange: what is shown is what is so."""

from __future__ import annotations

import logging
import traceback
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing
from msgspec.structs import replace

from kraken_trio import (
    AuthenticationError,
    Channel,
    ConnectionState,
    Gap,
    GapReason,
    Level3Snapshot,
    Resync,
    StateChange,
)
from kraken_trio.extended import Observer
from kraken_trio.testing import Exchange

if TYPE_CHECKING:
    from tests.product.conftest import Meet

LIMIT = Decimal(50_000)
TOKENS = "/0/private/GetWebSocketsToken"


def plain(record: Any) -> Any:
    """Give a record without what only this side knows."""
    return replace(record, received_at=None)


def live(exchange: Exchange) -> None:
    """Let all kinds of things become of the account."""
    account = exchange.account
    account.deposit("USD", Decimal(100_000))
    first, _ = account.place("BTC/USD", "buy", Decimal("0.1"), LIMIT, cl_ord_id="mine")
    account.fill(first.order_id, Decimal("0.04"))
    account.amend(first.order_id, limit_price=LIMIT + 1)
    account.fill(first.order_id, maker=False)
    second, _ = account.place("ETH/USD", "sell", Decimal(2), Decimal(4000), order_userref=7)
    account.amend(second.order_id, display_qty=Decimal("0.5"), by_engine=True)
    account.expire(second.order_id)
    third, _ = account.place("ETH/USD", "buy", Decimal(1), Decimal(1000), post_only=True)
    account.cancel(third.order_id)
    account.place("BTC/USD", "sell", Decimal("0.01"), LIMIT * 2)
    account.transfer("USD", Decimal(500), target="bonded")
    account.withdraw("USD", Decimal("1.5"), fee=Decimal("0.25"))


@pytest.mark.parametrize("end", ["filled", "partly", "canceled"])
async def test_the_wait_for_an_order_that_lived_without_a_connection(
    autojump_clock: trio.abc.Clock, in_memory: Meet, end: str
) -> None:
    """It ends where a fill shows the order; of one cancelled unseen nothing is ever heard."""
    async with in_memory() as program, program.feed() as feed:
        account = program.exchange.account
        account.deposit("USD", Decimal(10**6))
        async with feed.open_orders() as orders:
            await feed.wait_state(ConnectionState.SUBSCRIBED, session="private")
            program.door("private").drop()
            await feed.wait_state(ConnectionState.DEGRADED, session="private")
            placed, _ = account.place("BTC/USD", "buy", Decimal(1), LIMIT)
            if end != "canceled":
                qty = Decimal("0.25") if end == "partly" else None
                account.fill(placed.order_id, qty)
            account.cancel_all()
            with trio.move_on_after(3600) as patience:
                order = await feed.wait_order(placed.order_id)
            assert patience.cancelled_caught == (end == "canceled")
            assert (placed.order_id in feed.orders) == (end != "canceled")
            if end != "canceled":
                assert (order.order_status, order.missed, order.symbol) == ("gone", True, "BTC/USD")
                assert order.cum_qty == (Decimal("0.25") if end == "partly" else 1)
                gap, told = await program.take(orders, 2)
                assert (gap.reason, told) == (GapReason.DISCONNECT, order)


async def test_an_order_filled_before_the_first_snapshot_is_known_by_its_fill(
    autojump_clock: trio.abc.Clock, in_memory: Meet
) -> None:
    """To who waits for it, before the snapshot or after; the stream begins with what is open."""
    async with in_memory() as program, program.feed() as feed:
        account = program.exchange.account
        account.deposit("USD", Decimal(10**6))
        placed, _ = account.place("BTC/USD", "buy", Decimal(1), LIMIT)
        account.fill(placed.order_id)
        async with feed.open_orders() as orders:
            with trio.fail_after(60):
                early = await feed.wait_order(placed.order_id)
                assert await feed.wait_order(placed.order_id) == early
            assert (early.order_status, early.cum_qty, early.missed) == ("gone", Decimal(1), True)
            other, _ = account.place("BTC/USD", "buy", Decimal(1), LIMIT)
            (told,) = await program.take(orders, 1)
            assert told.order_id == other.order_id


async def test_all_that_becomes_of_an_account_is_seen_as_it_is(meet: Meet) -> None:
    """From nothing at all, through the lives of orders; then, after a cut, from what there is."""
    async with meet() as program, program.feed() as feed:
        exchange, account = program.exchange, program.exchange.account
        async with feed.executions() as executions, feed.balances() as balances:
            live(exchange)
            seen = await program.take(executions, len(account.executions))
            assert tuple(map(plain, seen)) == account.executions
            entries = await program.take(balances, len(account.ledger))
            assert tuple(map(plain, entries)) == account.ledger
            program.door("private").drop()
            shown = [*account.orders.values(), *account.fills]
            gap, *again = await program.take(executions, 1 + len(shown))
            assert (gap.reason, [plain(each) for each in again]) == (GapReason.DISCONNECT, shown)
            held = account.balances
            gap, *again = await program.take(balances, 1 + len(held))
            assert (gap.reason, [plain(each) for each in again]) == (
                GapReason.DISCONNECT,
                list(held.values()),
            )
            account.cancel_all()
            assert plain(await executions.receive()) == account.executions[-1]
            assert account.orders == {}


async def test_a_number_that_is_missing_is_mended(meet: Meet) -> None:
    """Told, asked for anew, and whole again; what is next to it goes on."""
    changes: list[StateChange] = []
    resyncs: list[Resync] = []
    async with meet() as program, program.feed() as feed:
        account = program.exchange.account
        async with feed.executions() as executions, feed.balances() as balances:
            feed.on(StateChange, changes.append)
            feed.on(Resync, resyncs.append)
            account.deposit("USD", Decimal(10**6))
            program.door("private").drop_next("executions", None)
            account.place("BTC/USD", "buy", Decimal(1), LIMIT)
            await program.until(lambda: resyncs)
            account.cancel_all()
            gap, new, shown, over = await program.take(executions, 4)
            assert (gap.reason, gap.expected, gap.received) == (GapReason.SEQUENCE, 2, 3)
            assert [each.exec_type for each in (new, shown, over)] == ["new", "new", "canceled"]
            assert shown.limit_price == LIMIT
            assert (await program.take(balances, 1))[0].amount == 10**6
            states = [change.to_state for change in changes]
            assert states == [ConnectionState.RESYNCING, ConnectionState.SUBSCRIBED]
    assert [(each.channel, each.reason) for each in resyncs] == [("executions", gap.reason)]


async def test_tokens_that_are_no_good_any_more_are_replaced(
    autojump_clock: trio.abc.Clock,
    in_memory: Meet,
) -> None:
    """Expired or revoked, in the middle of a connection and across reconnects; nothing is lost."""
    async with in_memory(token_life_s=30.0) as program, program.feed() as feed:
        account, rest = program.exchange.account, program.exchange.rest
        async with feed.executions() as executions:
            await trio.sleep(100)
            async with feed.balances(), feed.level3("BTC/USD"):
                # What lives keeps its token good at that door, and so it is at the other.
                calls = len(rest.requests)
                program.exchange.revoke_tokens()
                async with feed.level3("ETH/USD") as book:
                    assert isinstance(await book.receive(), Level3Snapshot)
                assert len(rest.requests) == calls + 1
            await trio.sleep(1)
            account.deposit("USD", Decimal(1))
            placed = account.place("BTC/USD", "buy", Decimal(1), LIMIT)
            assert tuple(map(plain, await program.take(executions, 2))) == placed
            program.exchange.revoke_tokens()
            program.door("private").drop()
            gap, shown = await program.take(executions, 2)
            assert (gap.reason, shown.order_id) == (GapReason.DISCONNECT, placed[0].order_id)
        assert feed.statistics().gaps == {GapReason.DISCONNECT: 1}


@pytest.mark.parametrize("words", ["EAPI:Invalid key", "EGeneral:Permission denied"])
async def test_a_refused_key_is_tried_once(meet: Meet, words: str) -> None:
    """The block ends at once, with as many sessions as there may be."""
    async with meet() as program:
        program.exchange.rest.refuse_next(words, count=99)
        with pytest.raises(AuthenticationError) as caught:
            async with program.feed() as feed, trio.open_nursery() as nursery:
                for wanted in (feed.executions(), feed.balances(), feed.level3("BTC/USD")):
                    nursery.start_soon(wanted.__aenter__)
        assert caught.value.reason == words
        assert len(program.exchange.rest.requests) == 1
        await program.until(lambda: not program.exchange.connections)


async def test_a_refused_key_is_one_error_of_all_sessions(
    autojump_clock: trio.abc.Clock, in_memory: Meet
) -> None:
    """Also of one that asks while the block cleans up after the first: no group of the two."""
    async with in_memory() as program:
        program.exchange.rest.refuse_next("EAPI:Invalid key", count=99)
        with pytest.raises(AuthenticationError) as caught:
            async with program.feed() as feed, trio.open_nursery() as nursery:
                nursery.start_soon(feed.executions().__aenter__)
                try:
                    await trio.sleep_forever()
                finally:
                    with trio.move_on_after(1, shield=True):
                        await feed.level3("BTC/USD").__aenter__()
        assert caught.value.reason == "EAPI:Invalid key"
        assert len(program.exchange.rest.requests) == 1


@pytest.mark.parametrize("trouble", ["throttled", "status", "hanging", "broken", "refused"])
async def test_a_token_service_in_trouble_is_asked_again(
    autojump_clock: trio.abc.Clock, in_memory: Meet, trouble: str
) -> None:
    """After pauses that grow, so seldom; when it is well again, so is the session."""
    async with in_memory() as program, program.feed(timeout=5.0, max_attempts=None) as feed:
        rest = program.exchange.rest
        async with feed.executions() as executions, trio.open_nursery() as nursery:
            if trouble == "throttled":
                rest.throttle_private(1, per_s=0.01)
                nursery.start_soon(partial(rest, "POST", TOKENS, headers={}, body=b""))
            elif trouble == "refused":
                rest.refuse_next("EService:Unavailable", count=12)
            else:
                setattr(rest, trouble, 500 if trouble == "status" else True)
            calls = len(rest.requests)
            program.door("private").drop()
            await trio.sleep(50)
            assert not feed.is_subscribed(executions.channel)
            assert 3 < len(rest.requests) - calls < 15
            rest.status, rest.hanging, rest.broken = 200, False, False
            await feed.wait_state(ConnectionState.SUBSCRIBED, session="private")
            placed = program.exchange.account.place("BTC/USD", "buy", Decimal(1), LIMIT)
            gap, *seen = await program.take(executions, 1 + len(placed))
            assert (gap.reason, tuple(map(plain, seen))) == (GapReason.DISCONNECT, placed)


@pytest.mark.parametrize("door", ["public", "private", "level3"])
@pytest.mark.parametrize("fault", ["drop", "close", "cut_in_frame", "mute"])
async def test_what_happens_at_one_door_is_not_felt_at_the_others(
    autojump_clock: trio.abc.Clock, in_memory: Meet, door: str, fault: str
) -> None:
    """One session comes back, the others go on; and leaving takes two seconds at most."""
    changes: list[StateChange] = []
    async with in_memory() as program:
        async with (
            program.feed() as feed,
            feed.book("BTC/USD"),
            feed.balances(),
            feed.level3("BTC/USD"),
        ):
            feed.on(StateChange, changes.append)
            getattr(program.door(door), fault)()
            await feed.wait_state(ConnectionState.DEGRADED, session=door)
            await feed.wait_state(ConnectionState.SUBSCRIBED, session=door)
            await trio.sleep(1)
            assert {change.session for change in changes} == {door}
            getattr(program.door(door), fault)()
            began = trio.current_time()
        assert trio.current_time() - began <= 2.1
        await program.until(lambda: len(program.exchange.connections) <= (fault == "mute"))


@pytest.mark.parametrize(
    "channel", [Channel.executions(users="all"), Channel.balances(users="all")]
)
async def test_with_sub_accounts_there_is_no_snapshot_to_wait_for(
    autojump_clock: trio.abc.Clock, in_memory: Meet, channel: Channel
) -> None:
    """What happens is told from then on, and after a gap."""
    async with (
        in_memory() as program,
        program.feed() as feed,
        feed.subscribe(channel) as records,
    ):
        for _ in range(2):
            live(program.exchange)
            first, *_ = await records.receive_batch()
            assert not first.snapshot
            program.door("private").drop_next(channel.name, None)
            live(program.exchange)
            await trio.sleep(1)
            gaps = [each for each in await records.receive_batch() if isinstance(each, Gap)]
            assert [gap.reason for gap in gaps] == [GapReason.SEQUENCE]
            await feed.wait_state(ConnectionState.SUBSCRIBED, session="private")


async def test_two_feeds_share_a_key(meet: Meet) -> None:
    """No nonce is used twice, both are told all, and one goes on without the other."""
    async with meet() as program, program.feed() as one:
        account = program.exchange.account
        async with one.executions() as first:
            async with program.feed() as two, two.executions() as second:
                account.place("BTC/USD", "buy", Decimal(1), LIMIT)
                pairs = zip(
                    await program.take(first, 2), await program.take(second, 2), strict=True
                )
                assert all(plain(left) == plain(right) for left, right in pairs)
            account.cancel_all()
            assert (await program.take(first, 1))[0].exec_type == "canceled"
        assert len(program.exchange.rest.requests) == 2


class Seen(Observer):
    """Remembers all that observers are shown."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.shown: list[object] = []

    def frame_sent(self, *shown: object) -> None:
        """Remember what was sent."""
        self.shown.append(shown)

    def state_changed(self, *shown: object) -> None:
        """Remember a transition."""
        self.shown.append(shown)


async def test_nothing_secret_is_shown(meet: Meet, caplog: pytest.LogCaptureFixture) -> None:
    """Not the key, its secret or a token: in logs, events, reprs, errors, at observers."""
    caplog.set_level(logging.DEBUG)
    seen, tokens, text = Seen(), set[str](), ""
    async with meet() as program:
        exchange = program.exchange
        issue = exchange._venue.tokens.issue

        def issued(now: float) -> Any:
            tokens.add((token := issue(now)).reveal())
            return token

        exchange._venue.tokens.issue = issued  # type: ignore[method-assign]
        with pytest.raises(AuthenticationError) as caught:
            async with program.feed(observers=[seen]) as feed, feed.events() as events:  # noqa: SIM117
                async with feed.executions() as executions, feed.level3("BTC/USD"):
                    exchange.revoke_tokens()
                    async with feed.balances() as balances:
                        live(exchange)
                        await program.take(executions, 5)
                        text += repr([feed, vars(feed), executions, balances, program.config])
                    program.door("private").send_proxy_notice()
                    exchange.rest.status = 500
                    program.door("private").drop()
                    await feed.wait_state(ConnectionState.DEGRADED, session="private")
                    await feed.wait_state(ConnectionState.AUTHENTICATING, session="private")
                    exchange.rest.status = 200
                    await feed.wait_state(ConnectionState.SUBSCRIBED, session="private")
                    text += repr(await events.receive_batch())
                    exchange.rest.refuse_next("EAPI:Invalid key")
                    program.door("level3").drop()
                    await trio.sleep_forever()
        error = caught.value
        secrets = {exchange.api_key, exchange.api_secret, *tokens}
    text += caplog.text + repr(seen.shown) + repr(error) + repr(vars(error))
    text += "".join(traceback.format_exception(error))
    assert len(tokens) >= 3
    assert "****" in text
    assert not [secret for secret in secrets if secret in text]

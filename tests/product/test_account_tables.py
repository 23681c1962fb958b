"""Live tables of an account while everything goes wrong, held against the exchange's own ledger.

Each seed makes an account that lives, a plan of faults, and tokens that are revoked at times. What
must hold whatever happens:

* *orders*: whenever ``feed.orders`` says that it is live, its open orders are those that the
  reports of the exchange up to some moment make, and that moment is none before the last one seen;
* *balances*: likewise, by the entries of the ledger;
* *fills*: each comes exactly once and in order, as it was traded, or is inside of a ``Gap``;
* *streams*: whoever keeps what ``open_orders`` gives has what the table has;
* *waits*: what ``wait_order`` says became of an order is what did, or that nobody can tell; and it
  says so of each order that was ever shown;
* *the end*: when nothing goes wrong any more, all of it is live and exactly what the exchange has.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any, Final

import hypothesis
import pytest
import trio
import trio.testing
from hypothesis import strategies as st
from msgspec.structs import replace

from kraken_trio import (
    BalanceUpdate,
    Execution,
    Feed,
    Gap,
    KrakenConfig,
    Order,
    OrderEnded,
    OwnTrade,
    SubscriptionError,
    open_kraken,
)
from kraken_trio._internal.core.orders import described
from kraken_trio.testing import ChaosFault, Exchange, ExchangeRules, Market, chaos, open_exchange

pytestmark = pytest.mark.long

SEEDS: Final = 60
CHUNKS: Final = 6
STEPS: Final = 150
PAUSE_S: Final = 0.5
RECOVERY_S: Final = 180.0
START: Final = 1_790_000_000 * 10**9
SETTINGS: Final[dict[str, Any]] = {
    "timeout": 5.0,
    "stale_after": 3.0,
    "heartbeat_interval": 5.0,
    "heartbeat_timeout": 3.0,
    "silent_after": 4.0,
    "max_attempts": None,
    "jitter": 0.0,
    "max_delay": 2.0,
    "budget": 1_000_000,
}
PAIRS: Final = ("BTC/USD", "ETH/USD")
PRICE: Final = Decimal(2000)

OrderState = dict[str, tuple[Any, ...]]


class Truth:
    """Each state that the account's own reports make, oldest first: plain dictionaries."""

    def __init__(self, exchange: Exchange) -> None:
        """Begin with an account of which nothing was reported."""
        self.account = exchange.account
        self.orders: list[OrderState] = [{}]
        self.balances: list[dict[str, Decimal]] = [{}]
        self.account.listen(self._hear)

    def _hear(self, record: Execution | BalanceUpdate) -> None:
        if isinstance(record, BalanceUpdate):
            now = {**self.balances[-1], record.asset: record.balance}
            self.balances.append({asset: held for asset, held in now.items() if held})
            return
        orders = dict(self.orders[-1])
        symbol, side, qty, limit, filled, _ = orders.get(record.order_id, (None,) * 6)
        orders[record.order_id] = (
            record.symbol or symbol,
            record.side or side,
            record.order_qty or qty,
            record.limit_price or limit,
            filled if record.cum_qty is None else record.cum_qty,
            record.order_status,
        )
        if record.order_status in ("filled", "canceled", "expired"):
            del orders[record.order_id]
        self.orders.append(orders)


def state_of(orders: tuple[Order, ...]) -> OrderState:
    """Give what a table has, in the form of the truth."""
    return {
        order.order_id: (
            order.symbol,
            order.side,
            order.order_qty,
            order.limit_price,
            order.cum_qty or None,
            order.order_status,
        )
        for order in orders
    }


def at_or_after(states: list[Any], now: Any, first: int) -> int:
    """Give the number of the first state from ``first`` on that is this one."""
    for number in range(first, len(states)):
        if states[number] == now:
            return number
    raise AssertionError(f"the exchange never had {now}; since then it had {states[first:]}")


class Tables:
    """Looks at the tables, again and again."""

    def __init__(self, feed: Feed, truth: Truth) -> None:
        """Nothing was seen yet."""
        self._feed = feed
        self._truth = truth
        self._order = self._balance = 0
        self.live = Counter[bool]()

    def look(self) -> None:
        """See that what is live is so, and no older than what was seen before."""
        feed, truth = self._feed, self._truth
        orders = [
            {name: (*state[:4], state[4] or None, state[5]) for name, state in each.items()}
            for each in truth.orders[self._order :]
        ]
        if feed.orders.live:
            self._order += at_or_after(orders, state_of(feed.orders.open), 0)
        if feed.balances.live:
            held = {asset: held.balance for asset, held in feed.balances.items()}
            self._balance = at_or_after(truth.balances, held, self._balance)
            for each in feed.balances.values():
                assert sum(wallet.balance for wallet in each.wallets) in (0, each.balance)
        self.live[feed.orders.live] += 1

    def is_right(self) -> bool:
        """Whether both are exactly what the exchange has."""
        feed, account = self._feed, self._truth.account
        mine = [replace(described(order), received_at=None) for order in feed.orders.open]
        theirs = list(account.orders.values())
        held = {name: replace(each, received_at=None) for name, each in feed.balances.items()}
        return (
            feed.orders.live
            and feed.balances.live
            and [_essence(each) for each in mine] == [_essence(each) for each in theirs]
            and {name: (each.balance, set(each.wallets)) for name, each in held.items()}
            == {name: (each.balance, set(each.wallets)) for name, each in account.balances.items()}
        )


def _essence(report: Execution) -> tuple[Any, ...]:
    """What of an open order is so whoever says it: not which report said it last."""
    kept = {"exec_type", "timestamp", "received_at", "snapshot", "reason"}
    return tuple(
        getattr(report, name) or None for name in report.__struct_fields__ if name not in kept
    )


class Trades:
    """Keeps fills, and holds them against those that there were."""

    def __init__(self, truth: Truth) -> None:
        """Begin anywhere."""
        self._truth = truth
        self._next: int | None = None
        self._gap = False
        self.seen = 0
        self.gaps = 0
        self.orders: set[str] = set()

    def begin_anew(self) -> None:
        """Another subscription."""
        self._next, self._gap = None, False

    def take(self, item: OwnTrade | Gap) -> None:
        """Each is the next one; only behind a gap it may be a later one."""
        if isinstance(item, Gap):
            self._gap = True
            self.gaps += 1
            return
        self.orders.add(item.order_id)
        fills = self._truth.account.fills[::-1]
        number = next(n for n, fill in enumerate(fills) if fill.exec_id == item.exec_id)
        fill = fills[number]
        assert (item.qty, item.price, item.order_id, item.symbol, item.side, item.fees) == (
            fill.last_qty,
            fill.last_price,
            fill.order_id,
            fill.symbol,
            fill.side,
            fill.fees,
        )
        if self._next is not None:
            assert number >= self._next if self._gap else number == self._next, (number, self._next)
        self._next, self._gap = number + 1, False
        self.seen += 1

    @property
    def whole(self) -> bool:
        """Whether nothing is missing at the end."""
        return self._next == len(self._truth.account.fills)


class Stream:
    """Keeps what ``open_orders`` gives."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.open: dict[str, Order] = {}
        self.seen: set[str] = set()

    def begin_anew(self) -> None:
        """Another subscription."""
        self.open.clear()

    def take(self, item: Order | Gap) -> None:
        """An order is there as long as it is open."""
        if isinstance(item, Order):
            self.open[item.order_id] = item
            self.seen.add(item.order_id)
            if not item.open:
                del self.open[item.order_id]


async def consume(enter: Callable[[], Any], keeper: Any) -> None:
    """Take what comes; where it ends because it could not be made whole, begin once more."""
    while True:
        try:
            async with enter() as channel:
                while True:
                    for item in await channel.receive_batch():
                        keeper.take(item)
        except SubscriptionError:
            keeper.begin_anew()


async def wait(
    feed: Feed, truth: Truth, name: str, outcomes: Counter[str], waiting: set[str]
) -> None:
    """Wait for the end of an order, and hold what is said against what became of it."""
    said, qty = "nobody subscribed", None
    order = None
    waiting.add(name)
    try:
        order = await feed.wait_order(name, "filled")
    except OrderEnded as ended:
        said = ended.order_status
    except SubscriptionError:
        waiting.remove(name)
        outcomes[said] += 1
        return
    else:
        said, qty = order.order_status, order.cum_qty
    waiting.remove(name)
    outcomes[said] += 1
    became = truth.account.order(name)
    assert became.status in ("filled", "canceled")
    assert said in (became.status, "gone")
    assert qty in (became.cum_qty, None), (qty, became.cum_qty, order)


def live(exchange: Exchange, dice: random.Random) -> str | None:
    """Let something become of the account; give the name of an order that was placed."""
    account = exchange.account
    there = list(account.orders)
    match dice.randrange(8):
        case 0:
            account.deposit(dice.choice(["USD", "BTC"]), Decimal(dice.randrange(1, 100)))
        case 1 if (free := account.balances.get("USD")) is not None:
            target = dice.choice(["bonded", "flex"])
            account.transfer("USD", Decimal(1), target=target) if free.balance > 1 else None
        case 2 if there:
            account.cancel(dice.choice(there))
        case 3 if there:
            account.amend(dice.choice(there), limit_price=PRICE + dice.randrange(100))
        case 4 | 5 if there:
            account.fill(dice.choice(there), Decimal("0.1"))
        case 6 if there:
            for name in there:
                account.fill(name)
        case _ if len(there) < 5:
            report, _ = account.place(
                dice.choice(PAIRS), "buy", Decimal(dice.choice(["0.3", "1.5"])), PRICE
            )
            return report.order_id
    return None


async def run(seed: int) -> tuple[Counter[ChaosFault], Counter[str], Trades]:
    """One life; give what went wrong, what was waited for, and the fills."""
    dice = random.Random(seed)
    outcomes = Counter[str]()
    rules = ExchangeRules(max_attempts=None, snapshot_delay_s=0.05 * (seed % 3))
    async with (
        open_exchange(Market(seed=seed, start=START), seed=seed, rules=rules) as exchange,
        chaos(exchange.dial, seed=seed, every_s=1.0) as trouble,
    ):
        truth = Truth(exchange)
        exchange.account.deposit("USD", Decimal(10**6))
        keys = {"api_key": exchange.api_key, "api_secret": exchange.api_secret}
        config = KrakenConfig(**{**SETTINGS, **keys})
        trades, stream, waiting = Trades(truth), Stream(), set[str]()
        async with open_kraken(config, dial=trouble.dial, rest=exchange.rest) as feed:
            tables = Tables(feed, truth)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(consume, feed.open_orders, stream)
                nursery.start_soon(consume, feed.own_trades, trades)
                nursery.start_soon(consume, feed.balances, Stream())
                for step in range(STEPS):
                    for _ in range(dice.randrange(4)):
                        name = live(exchange, dice)
                        if name is not None and dice.random() < 0.5:
                            nursery.start_soon(wait, feed, truth, name, outcomes, waiting)
                    if step % 40 == 39:
                        exchange.revoke_tokens()
                    await trio.sleep(PAUSE_S * dice.random())
                    tables.look()
                trouble.calm()
                with trio.move_on_after(RECOVERY_S) as patience:
                    while not (tables.is_right() and trades.whole):
                        # What was lost last shows when the next one comes.
                        live(exchange, dice)
                        await trio.sleep(2)
                        tables.look()
                assert not patience.cancelled_caught, (
                    f"not right again: {feed.orders}, {feed.balances}, {truth.account.balances}, "
                    f"{feed.orders.open}, {truth.account.orders}, {vars(trades)}"
                )
                for _ in range(20):
                    live(exchange, dice)
                    await trio.sleep(2)
                    tables.look()
                    assert tables.is_right()
                    assert trades.whole
                    assert state_of(tuple(stream.open.values())) == state_of(feed.orders.open)
                exchange.account.cancel_all()
                await trio.sleep(2)
                assert feed.orders.open == ()
                # Of what still waits nothing was ever shown: it came and was cancelled unseen.
                assert not waiting & (stream.seen | trades.orders | set(feed.orders))
                outcomes["unseen"] += len(waiting)
                nursery.cancel_scope.cancel()
            assert tables.live[True] > tables.live[False] / 10
            assert len(feed.orders) == 0
        return Counter(mishap.fault for mishap in trouble.log), outcomes, trades


def lived(seed: int) -> tuple[Counter[ChaosFault], Counter[str], Trades]:
    """Live one seed with a clock that jumps; twice the same."""
    results: list[Any] = []

    @hypothesis.settings(
        max_examples=1,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(st.just(None))
    def once(_: None) -> None:
        clock = trio.testing.MockClock(autojump_threshold=0)
        try:
            results.append(trio.run(partial(run, seed), clock=clock))
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise

    once()
    found: tuple[Counter[ChaosFault], Counter[str], Trades] = results[0]
    return found


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Every loss is logged; here there are thousands."""
    caplog.set_level(logging.CRITICAL, logger="kraken_trio")


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_whatever_goes_wrong_tables_are_the_exchanges_or_say_that_they_are_not(chunk: int) -> None:
    """Each seed of the chunk holds to all that stands above; and none was in vain."""
    faults, outcomes, fills = Counter[ChaosFault](), Counter[str](), 0
    for seed in range(chunk, SEEDS, CHUNKS):
        wrong, waits, trades = lived(seed)
        faults += wrong
        outcomes += waits
        fills += trades.seen
    assert len(faults) > 15
    assert {"filled", "canceled", "gone"} <= set(outcomes)
    assert fills > 100

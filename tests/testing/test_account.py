"""An account does what it is told, and its reports, its balances and its ledger agree."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kraken_trio._internal.model.account import BalanceUpdate, Execution, Fee, Triggers, Wallet
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.requests import AddOrder, TriggerParams
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.account import Account, AccountRecord
from kraken_trio._internal.testing.account_frames import executions_frame, ledger_frame
from kraken_trio._internal.testing.listing import market_pairs
from kraken_trio._internal.wire.decode import V2Decoder

NOW = 1_767_225_600 * 10**9
PAIRS = market_pairs(["BTC/USD", "ETH/BTC", "EUR/USD", "VET/USDT", "BTC/JPY"])
QTY = Decimal("0.3")
PRICE = Decimal(60000)


class Clock:
    """Goes on by a little with every look."""

    def __init__(self) -> None:
        """Start now."""
        self.at = NOW

    def __call__(self) -> int:
        """Give nanoseconds since the epoch."""
        self.at += 1234
        return self.at


def opened(seed: int = 1) -> Account:
    """Open one with some money."""
    account = Account(PAIRS, seed=seed, clock=Clock())
    account.deposit("USD", Decimal(100_000))
    return account


def placed(account: Account, **others: Any) -> str:
    """Place an order for 0.3 bitcoins at 60,000 dollars; give its name."""
    order: dict[str, Any] = {
        "symbol": "BTC/USD",
        "side": "buy",
        "order_qty": QTY,
        "limit_price": PRICE,
    } | others
    account.place(**order)
    return [*account.orders][-1]


def happened(records: tuple[AccountRecord, ...]) -> list[str]:
    """Give what was told, in short."""
    return [
        f"{record.exec_type}/{record.order_status}"
        if isinstance(record, Execution)
        else f"{record.asset} {record.amount:+f} {record.fee:f} {record.balance:f}"
        for record in records
    ]


def test_a_whole_life() -> None:
    """An order is accepted, live, partly filled, amended, filled; each fill moves two balances."""
    account = opened()
    assert happened(account.place("BTC/USD", "buy", QTY, PRICE)) == [
        "pending_new/pending_new",
        "new/new",
    ]
    (name,) = account.orders
    assert happened(account.fill(name, Decimal("0.1"))) == [
        "trade/partially_filled",
        "BTC +0.1000000000 0.0000000000 0.1000000000",
        "USD -6000.0000 15.0000 93985.0000",
    ]
    assert happened(account.amend(name, Decimal("0.2"), Decimal(59000))) == [
        "amended/partially_filled"
    ]
    assert happened(account.fill(name, maker=False, trade_id=77)) == [
        "trade/partially_filled",
        "filled/filled",
        "BTC +0.1000000000 0.0000000000 0.2000000000",
        "USD -5900.0000 23.6000 88061.4000",
    ]
    assert account.orders == {}
    last, summary = account.executions[-2:]
    assert (last.trade_id, last.liquidity_ind, last.fees) == (77, "t", (Fee("USD", D("23.60000")),))
    assert (summary.cum_qty, summary.cum_cost, summary.avg_price, summary.fee_usd_equiv) == (
        D("0.20000000"),
        D("11900.00000"),
        D("59500.0"),
        D("38.6000"),
    )
    assert [fill.exec_id for fill in account.fills] == [last.exec_id, account.executions[2].exec_id]
    assert {fill.order_status for fill in account.fills} == {"filled"}
    ids = [entry.ref_id for entry in account.ledger[-2:]]
    assert ids == [last.exec_id, last.exec_id]


D = Decimal


@pytest.mark.parametrize(
    "command, told",
    [
        (lambda account, name: account.cancel(name), "canceled/canceled"),
        (lambda account, _: account.cancel_all(), "canceled/canceled"),
        (lambda account, name: account.expire(name), "expired/expired"),
        (lambda account, name: account.amend(name, D("0.1")), "canceled/canceled"),
    ],
)
def test_ends(command: Callable[[Account, str], tuple[AccountRecord, ...]], told: str) -> None:
    """An order may end in other ways; one that is amended to what is filled is cancelled."""
    account = opened()
    name = placed(account)
    account.fill(name, D("0.1"))
    records = command(account, name)
    assert happened(records) == [told]
    (record,) = records
    assert isinstance(record, Execution)
    assert record.cum_qty == D("0.1")
    assert record.symbol is record.side is None
    assert record.reason == (None if told.startswith("expired") else "User requested")
    assert account.orders == {}
    with pytest.raises(ConfigurationError, match="must be of an open order"):
        account.cancel(name)


def test_open_orders_are_described() -> None:
    """What is open stands there as a snapshot shows it, with what became of it since."""
    account = opened()
    name = placed(account, cl_ord_id="mine", post_only=True)
    account.fill(name, D("0.1"))
    account.amend(name, limit_price=D(59000), reason="Engine", by_engine=True)
    assert account.executions[-1].exec_type == "restated"
    order = account.orders[name]
    assert replace(order, timestamp=None) == Execution(
        order_id=name,
        exec_type="new",
        order_status="partially_filled",
        cl_ord_id="mine",
        symbol="BTC/USD",
        side="buy",
        order_type="limit",
        order_qty=D("0.30000000"),
        cum_qty=D("0.10000000"),
        cum_cost=D("6000.00000"),
        avg_price=D("60000.0"),
        limit_price=D("59000.0"),
        limit_price_type="static",
        time_in_force="GTC",
        post_only=True,
        amended=True,
        fee_usd_equiv=D("15.0000"),
        fee_ccy_pref="fciq",
        snapshot=True,
    )


def test_accepted_orders_wait() -> None:
    """An order that is accepted is not live, and not filled, until it is started, once."""
    account = opened()
    order = account.accept(
        AddOrder(symbol="BTC/USD", side="sell", order_type="market", order_qty=QTY)
    )
    assert account.open_orders() == (order,)
    assert account.orders[order.order_id].exec_type == "pending_new"
    with pytest.raises(ConfigurationError, match="live"):
        account.fill(order.order_id, price=PRICE)
    assert happened(account.start(order.order_id)) == ["new/new"]
    with pytest.raises(ConfigurationError, match="not live"):
        account.start(order.order_id)
    with pytest.raises(ConfigurationError, match="price"):
        account.fill(order.order_id)
    assert account.fill(order.order_id, price=PRICE)
    assert account.order(order.order_id).status == "filled"


def test_icebergs_refill() -> None:
    """An iceberg shows its next slice when one is gone, and a last one of what is left."""
    account = opened()
    name = placed(account, order_type="iceberg", display_qty=D("0.1"))
    assert happened(account.fill(name, D("0.05")))[:2] == [
        "trade/partially_filled",
        "BTC +0.0500000000 0.0000000000 0.0500000000",
    ]
    assert account.orders[name].display_qty_remain == D("0.05")
    account.fill(name, D("0.05"))
    assert account.executions[-1].exec_type == "iceberg_refill"
    account.fill(name, D("0.15"))
    assert account.executions[-1].display_qty_remain == D("0.05")
    account.amend(name, display_qty=D("0.02"))
    assert account.orders[name].display_qty_remain == D("0.02")
    assert happened(account.fill(name))[:2] == ["trade/partially_filled", "filled/filled"]


def test_triggers() -> None:
    """What sets an order off may move and do so, both reported; only then may it be filled."""
    account = opened()
    name = placed(
        account,
        side="sell",
        order_type="stop-loss",
        limit_price=None,
        triggers=TriggerParams(price=D(58000), reference="index"),
    )
    with pytest.raises(ConfigurationError, match="trigger it"):
        account.fill(name, price=D(57000))
    (moved,) = account.move_trigger(name, D(58100))
    assert isinstance(moved, Execution)
    assert moved.triggers == Triggers(
        reference="index",
        price=D("58000.0"),
        price_type="static",
        actual_price=D("58100.0"),
        status="untriggered",
    )
    (amended,) = account.amend(name, trigger_price=D(58200))
    assert isinstance(amended, Execution)
    assert amended.triggers == replace(moved.triggers, price=D("58200.0"), actual_price=None)
    (set_off,) = account.trigger(name, D(58150))
    assert isinstance(set_off, Execution)
    assert (set_off.exec_type, set_off.order_status) == ("status", "new")
    assert set_off.triggers is not None
    assert (set_off.triggers.status, set_off.triggers.timestamp) == (
        "triggered",
        set_off.timestamp,
    )
    assert happened(account.fill(name, price=D(58100)))[1] == "filled/filled"


def test_money_to_spend() -> None:
    """An order that says how much to spend is filled when that buys nothing more."""
    account = opened()
    name = placed(
        account, order_type="market", order_qty=None, limit_price=None, cash_order_qty=D(100)
    )
    assert account.available("USD") == D("99899.60000")
    records = account.fill(name, price=D(60000), maker=False)
    assert happened(records)[:2] == ["trade/partially_filled", "filled/filled"]
    assert isinstance(records[0], Execution)
    assert (records[0].last_qty, records[0].cost) == (D("0.00166666"), D("99.99960"))


def test_wallets() -> None:
    """Funds come, move between wallets and go; what is in other wallets cannot be traded with."""
    account = opened()
    account.deposit("BTC", D(2), fee=D("0.1"))
    moved = account.transfer("BTC", D("0.5"))
    assert happened(moved) == [
        "BTC -0.5000000000 0.0000000000 1.4000000000",
        "BTC +0.5000000000 0.0000000000 1.9000000000",
    ]
    assert account.balances["BTC"].wallets == (
        Wallet(type="spot", id="main", balance=D("1.4000000000")),
        Wallet(type="earn", id="flex", balance=D("0.5000000000")),
    )
    assert account.available("BTC") == D("1.4")
    account.transfer("BTC", D("0.5"), source="flex", target="main")
    account.withdraw("BTC", D("1.8"), fee=D("0.1"))
    assert set(account.balances) == {"USD"}
    kinds = [(entry.type, entry.subtype, entry.wallet_id) for entry in account.ledger[1:]]
    assert kinds == [
        ("deposit", None, "main"),
        ("transfer", "spottostaking", "main"),
        ("transfer", "stakingfromspot", "flex"),
        ("transfer", "stakingtospot", "flex"),
        ("transfer", "spotfromstaking", "main"),
        ("withdrawal", None, "main"),
    ]


@pytest.mark.parametrize(
    "others, asset, needed",
    [
        ({}, "USD", "18072.00000"),
        ({"fee_preference": "base"}, "USD", "18000.00000"),
        ({"side": "sell"}, "BTC", "0.3"),
        ({"side": "sell", "fee_preference": "base"}, "BTC", "0.3012"),
        ({"order_type": "market", "limit_price": None}, "USD", "0"),
        (
            {
                "order_type": "stop-loss",
                "limit_price": None,
                "triggers": TriggerParams(price=D(50000)),
            },
            "USD",
            "15060.0",
        ),
        (
            {
                "order_type": "trailing-stop-limit",
                "limit_price": D(1),
                "limit_price_type": "pct",
                "triggers": TriggerParams(price=D(1), price_type="pct"),
            },
            "USD",
            "0",
        ),
    ],
)
def test_open_orders_need_funds(others: dict[str, Any], asset: str, needed: str) -> None:
    """What an open order may cost, fees included, is not there for another; balances have it."""
    account = opened()
    account.deposit("BTC", D(1))
    before = account.available(asset)
    placed(account, **others)
    assert before - account.available(asset) == D(needed)
    assert account.balances[asset].balance == before


@pytest.mark.parametrize(
    "command, match",
    [
        (lambda a, _: a.place("XBT/USD", "buy", QTY, PRICE), "symbol"),
        (lambda a, _: a.place("BTC/USD", "buy", None), "order_qty"),
        (lambda a, _: a.place("BTC/USD", "buy", 0.3, PRICE), "order_qty"),
        (lambda a, _: a.fill("O"), "order_id"),
        (lambda a, n: a.fill(n, D("0.31")), "qty.*must be 0.30000000 at most"),
        (lambda a, n: a.fill(n, D("1e-9")), "qty"),
        (lambda a, n: a.fill(n, price=D("60000.1")), "price.*must be 60000.0 or better"),
        (lambda a, n: a.fill(n, price=D(-1)), "price"),
        (lambda a, n: a.amend(n, D(0)), "order_qty"),
        (lambda a, n: a.amend(n, trigger_price=D(1)), "trigger_price"),
        (lambda a, n: a.trigger(n, D(1)), "order_id"),
        (lambda a, _: a.deposit("XBT", D(1)), "asset"),
        (lambda a, _: a.deposit("USD", D("0.00001")), "amount"),
        (lambda a, _: a.withdraw("USD", D(1), fee=D(-1)), "fee"),
        (lambda a, _: a.transfer("USD", D(1), target="main"), "target"),
        (lambda a, _: a.transfer("USD", D(1), source="nowhere"), "target"),
        (lambda a, _: a.available("XBT"), "asset"),
    ],
)
def test_what_makes_no_sense(command: Callable[[Account, str], object], match: str) -> None:
    """Such a command raises, and changes nothing."""
    account = opened()
    name = placed(account)
    told: list[AccountRecord] = []
    account.listen(told.append)
    before = account.executions, account.ledger, account.balances, [*account.orders]
    with pytest.raises(ConfigurationError, match=match):
        command(account, name)
    assert (account.executions, account.ledger, account.balances, [*account.orders]) == before
    assert told == []


def test_a_sell_keeps_to_its_limit() -> None:
    """A sell may be filled above its limit, and not below; one at a distance has no such bound."""
    account = opened()
    name = placed(account, side="sell")
    with pytest.raises(ConfigurationError, match="or better"):
        account.fill(name, price=D(59999))
    account.fill(name, D("0.1"), D(60001))
    away = placed(account, limit_price=D("-1"), limit_price_type="pct")
    account.fill(away, price=D(70000))


def test_the_seed_makes_the_names() -> None:
    """The same seed and the same commands give the same reports."""

    def reports(seed: int) -> tuple[Execution, ...]:
        account = opened(seed)
        account.fill(placed(account))
        return account.executions

    assert reports(3) == reports(3) != reports(4)
    assert opened(3).amendment() == opened(3).amendment()


def test_listeners_may_give_commands() -> None:
    """What a listener has happen is told to all after what it heard, in the order of happening."""
    account = opened()
    told: list[str] = []

    def fills(record: AccountRecord) -> None:
        if isinstance(record, Execution) and record.exec_type in {"new", "trade"}:
            left = account.order(record.order_id).left()
            if left:
                account.fill(record.order_id, Decimal("0.1"))

    account.listen(fills)
    account.listen(lambda record: told.append(happened((record,))[0].partition("/")[0]))
    account.place("BTC/USD", "buy", D("0.2"), PRICE)
    trade = ["trade", "BTC", "USD"]
    names = [words.partition(" ")[0] for words in told]
    assert names == ["pending_new", "new", *trade, "trade", "filled", *trade[1:]]
    assert account.orders == {}


def test_a_listener_that_raises() -> None:
    """What could not be told is told with what happens next."""
    account = opened()
    told: list[AccountRecord] = []

    def fail_once(record: AccountRecord) -> None:
        told.append(record)
        if len(told) == 1:
            raise ValueError("once")

    account.listen(fail_once)
    with pytest.raises(ValueError, match="once"):
        account.place("BTC/USD", "buy", QTY, PRICE)
    (order,) = account.open_orders()
    account.start(order.order_id)
    assert [*account.executions] == told


# What may happen, as numbers that the walk below reads as it needs them.
steps = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 10**6), st.integers(1, 10**6)), max_size=40
)


def walk(account: Account, kind: int, which: int, number: int) -> None:
    """Do something with the account, sensible or not."""
    pair = PAIRS[which % len(PAIRS)]
    lot = D((0, (1,), -pair.qty_precision))
    tick = D((0, (1,), -pair.price_precision))
    names = [*account.orders]
    name = names[which % len(names)] if names else "none"
    match kind:
        case 0 | 1 | 2 | 3:
            account.place(
                pair.symbol,
                "buy" if which % 2 else "sell",
                lot * number,
                pair.price + tick * (number % 7),
                fee_preference="base" if which % 3 else None,
                cl_ord_id=str(which) if which % 5 else None,
                display_qty=lot * (1 + number // 3) if which % 7 else None,
            )
        case 4 | 5 | 6:
            account.fill(name, maker=bool(which % 2))
        case 7 | 8:
            precision = account.order(name).terms.qty_precision
            account.fill(name, D((0, (1,), -precision)) * number)
        case 9:
            precision = account.order(name).terms.qty_precision
            account.amend(name, D((0, (1,), -precision)) * number)
        case 10:
            account.cancel(name)
        case 11:
            account.deposit(pair.symbol[:3], D(number), fee=D(1) if which % 2 else None)
        case _:
            account.transfer(pair.symbol[-3:], D(number), target="bonded")


@settings(max_examples=150, deadline=None)
@given(steps)
def test_everything_adds_up(does: list[tuple[int, int, int]]) -> None:
    """After any commands, balances are the sums of the ledger, and orders those of their fills."""
    account = opened()
    told: list[AccountRecord] = []
    account.listen(told.append)
    for kind, which, number in does:
        try:
            walk(account, kind, which, number)
        except ConfigurationError:
            continue
    check_ledger(account)
    check_orders(account)
    check_wire(told)
    assert [r for r in told if isinstance(r, Execution)] == [*account.executions]
    assert [r for r in told if isinstance(r, BalanceUpdate)] == [*account.ledger[1:]]


def check_ledger(account: Account) -> None:
    """Each entry says what is held after it; what is held is the sum of all, also by wallet."""
    held: dict[str, Fraction] = {}
    wallets: dict[tuple[str, str | None], Fraction] = {}
    for entry in account.ledger:
        assert entry.fee is not None
        change = Fraction(entry.amount) - Fraction(entry.fee)
        held[entry.asset] = held.get(entry.asset, Fraction(0)) + change
        wallet = (entry.asset, entry.wallet_id)
        wallets[wallet] = wallets.get(wallet, Fraction(0)) + change
        assert Fraction(entry.balance) == held[entry.asset]
    shown = {asset: Fraction(balance.balance) for asset, balance in account.balances.items()}
    in_wallets = {
        (asset, wallet.id): Fraction(wallet.balance)
        for asset, balance in account.balances.items()
        for wallet in balance.wallets
    }
    assert in_wallets == {wallet: sum_ for wallet, sum_ in wallets.items() if sum_}
    assert {asset: sum_ for asset, sum_ in shown.items() if sum_} == {
        asset: sum_ for asset, sum_ in held.items() if sum_
    }


def check_orders(account: Account) -> None:
    """Each report agrees with the fills before it, and what is open is what did not end."""
    filled: dict[str, Fraction] = {}
    cost: dict[str, Fraction] = {}
    status: dict[str, str] = {}
    for report in account.executions:
        name = report.order_id
        assert status.get(name) not in {"filled", "canceled", "expired"}
        status[name] = report.order_status
        if report.exec_type == "trade":
            assert report.last_qty is not None
            assert report.cost is not None
            filled[name] = filled.get(name, Fraction(0)) + Fraction(report.last_qty)
            cost[name] = cost.get(name, Fraction(0)) + Fraction(report.cost)
        if report.cum_qty is not None:
            assert Fraction(report.cum_qty) == filled.get(name, 0)
        if report.cum_cost is not None:
            assert Fraction(report.cum_cost) == cost.get(name, 0)
        if report.avg_price is not None and report.cum_qty:
            assert report.cum_cost is not None
            exact = Fraction(report.cum_cost) / Fraction(report.cum_qty)
            exponent = report.avg_price.as_tuple().exponent
            assert isinstance(exponent, int)
            assert abs(Fraction(report.avg_price) - exact) <= Fraction(10) ** exponent / 2
    ended = {"filled", "canceled", "expired"}
    assert {name for name, state in status.items() if state not in ended} == set(account.orders)
    for name, order in account.orders.items():
        assert Fraction(order.cum_qty or 0) == filled.get(name, 0)
        assert order.order_status == status[name]


def check_wire(told: list[AccountRecord]) -> None:
    """The library reads each report as what it is."""
    decoder = V2Decoder()
    for record in told:
        frame = (
            executions_frame("update", [(record, None)], 1)
            if isinstance(record, Execution)
            else ledger_frame(record, 1)
        )
        message = decoder.decode(frame, None)
        assert isinstance(message, RecordsMessage)
        assert message.records == (record,)


def test_times_have_microseconds() -> None:
    """The account's clock shows what the wire can show."""
    account = Account(PAIRS, clock=lambda: NOW + 1_999)
    assert account.now == Timestamp(NOW + 1_000)

"""The records of one's own account: what became of orders, and what is held.

Rules for numbers, times and open text are those of ``records``. A report on an order shows
only what its kind of event concerns, so nearly everything may be None: remember an order by
its ``order_id``. The deprecated members ``cancel_reason``, ``stop_price``, ``trigger`` and
``triggered_price`` have no field here: where an old report has them alone, they stand in
``reason`` and ``triggers``.

Sources: the ``executions`` and ``balances`` pages of the WebSocket v2 documentation, and
captured traffic.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from kraken_trio._internal.model.absent import Absent
from kraken_trio._internal.model.timestamp import Timestamp


class Fee(Struct, frozen=True, gc=False):
    """What one fill cost in one asset."""

    asset: str | Absent
    """Code of the asset it was paid in; None in protocol v1."""
    qty: Decimal
    """How much of it."""

    def __repr__(self) -> str:
        """As ``Fee(qty asset)``."""
        return f"Fee({self.qty:f} {self.asset or '?'})"


class Triggers(Struct, frozen=True, gc=False, kw_only=True):
    """What sets off a stop, take-profit or trailing order, and how far that is."""

    reference: str | None = None
    """Which price is watched: ``index`` or ``last``."""
    price: Decimal | None = None
    """The price that sets it off, or the distance to it; may be negative as a distance."""
    price_type: str | None = None
    """How to read ``price``: ``static``, ``pct`` or ``quote``."""
    actual_price: Decimal | None = None
    """The price that sets it off now, where ``price`` is a distance."""
    peak_price: Decimal | None = None
    """The best price so far, which a trailing order follows."""
    last_price: Decimal | None = None
    """The price that did set it off."""
    status: str | None = None
    """``triggered`` or ``untriggered``."""
    timestamp: Timestamp | None = None
    """When ``status`` last changed, by the exchange's clock."""


class Contingent(Struct, frozen=True, gc=False, kw_only=True):
    """The order that each fill of an order places, to close what was opened."""

    order_type: str | None = None
    """Such as ``stop-loss-limit``."""
    trigger_price: Decimal | None = None
    """The price that sets it off, or the distance to it."""
    trigger_price_type: str | None = None
    """How to read ``trigger_price``: ``static``, ``pct`` or ``quote``."""
    limit_price: Decimal | None = None
    """Its limit, or the distance to it."""
    limit_price_type: str | None = None
    """How to read ``limit_price``: ``static``, ``pct`` or ``quote``."""


class Execution(Struct, frozen=True, gc=False, kw_only=True):
    """One event in the life of an own order: it was accepted, traded, amended, ended.

    Only ``pending_new`` carries the full description; ``new``, ``filled``, ``canceled`` and
    ``amended`` have neither ``symbol`` nor ``side``. Only a ``trade`` has ``last_qty``: the
    ``filled`` after it is a summary, not a second fill.
    """

    order_id: str
    """The exchange's name of the order."""
    exec_type: str
    """What happened: ``pending_new``, ``new``, ``trade``, ``filled``, ``iceberg_refill``,
    ``canceled``, ``expired``, ``amended``, ``restated`` or ``status``."""
    order_status: str | Absent
    """Where the order stands: ``pending_new``, ``new``, ``partially_filled``, ``filled``,
    ``canceled`` or ``expired``. The last ``trade`` may still say ``partially_filled``. None where
    protocol v1 does not say, as in each own trade."""
    timestamp: Timestamp | None = None
    """When it happened, by the exchange's clock."""
    cl_ord_id: str | None = None
    """The client's name of the order, if it has one."""
    order_userref: int | None = None
    """The client's number of the order; 0 or None where it has none."""
    symbol: str | None = None
    """Such as ``BTC/USD``."""
    side: Literal["buy", "sell"] | None = None
    """Of the order."""
    order_type: str | None = None
    """Such as ``limit`` or ``stop-loss``."""
    order_qty: Decimal | None = None
    """Ordered, base currency."""
    cash_order_qty: Decimal | None = None
    """Ordered, quote currency."""
    cum_qty: Decimal | None = None
    """Filled so far, base currency."""
    cum_cost: Decimal | None = None
    """Filled so far, quote currency."""
    avg_price: Decimal | None = None
    """Average price of what is filled."""
    limit_price: Decimal | None = None
    """The limit, or the distance to it."""
    limit_price_type: str | None = None
    """How to read ``limit_price``: ``static``, ``pct`` or ``quote``."""
    display_qty: Decimal | None = None
    """Shown of an iceberg order at a time, base currency."""
    display_qty_remain: Decimal | None = None
    """Left of what is shown, base currency."""
    time_in_force: str | None = None
    """``GTC``, ``GTD`` or ``IOC``: upper case, unlike in requests."""
    effective_time: Timestamp | None = None
    """When it becomes live."""
    expire_time: Timestamp | None = None
    """When it expires."""
    post_only: bool | None = None
    """Whether it must not take liquidity."""
    reduce_only: bool | None = None
    """Whether it may only reduce a position."""
    margin: bool | None = None
    """Whether it is on margin."""
    margin_borrow: bool | None = None
    """Whether this fill borrowed."""
    liquidated: bool | None = None
    """Whether the exchange placed it to liquidate a position."""
    no_mpp: bool | None = None
    """Whether market price protection was off."""
    amended: bool | None = None
    """Whether it has been amended."""
    fee_ccy_pref: str | None = None
    """Fees in the base (``fcib``) or the quote currency (``fciq``)."""
    fee_usd_equiv: Decimal | None = None
    """Fees, in dollars."""
    position_status: str | None = None
    """``opened``, ``closing`` or ``closed``."""
    ord_ref_id: str | None = None
    """The order that placed this one."""
    contingent: Contingent | None = None
    """The order that each fill places."""
    triggers: Triggers | None = None
    """What sets it off."""
    reason: str | None = None
    """Why it was cancelled, amended or restated; such as ``User requested``."""
    sender_sub_id: str | None = None
    """For institutions: which of their clients."""
    ext_ord_id: str | None = None
    """A partner's name of the order."""
    ext_exec_id: str | None = None
    """A partner's name of the fill."""
    user: str | None = None
    """Whose order, where sub-accounts are included."""
    exec_id: str | None = None
    """Of a fill: its name. The same one twice is one fill."""
    trade_id: int | None = None
    """Of a fill: the number of the public ``Trade``."""
    last_qty: Decimal | None = None
    """Of a fill: its quantity, base currency."""
    last_price: Decimal | None = None
    """Of a fill: its price."""
    cost: Decimal | None = None
    """Of a fill: its value, quote currency."""
    liquidity_ind: str | None = None
    """Of a fill: took (``t``) or made (``m``) liquidity."""
    fees: tuple[Fee, ...] = ()
    """Of a fill: what it cost."""
    ratecount: Decimal | None = None
    """The trading rate counter, where the subscription asked for it."""
    cum_fee: Decimal | None = None
    """Fees so far, in the currency that they are paid in; protocol v1 alone."""
    position_id: str | None = None
    """The position that it is about; protocol v1 alone."""
    leverage: str | None = None
    """Such as ``5:1``; protocol v1 alone."""
    margin_cost: Decimal | None = None
    """Of a fill: what of it is on margin, quote currency; protocol v1 alone."""
    description: str | None = None
    """The order in words; protocol v1 alone."""
    received_at: Timestamp | None = None
    """When it was read from the connection."""
    snapshot: bool = False
    """True for an order or a fill that a subscription starts with."""

    def __repr__(self) -> str:
        """What happened to which order; of a fill, how much at what price."""
        about = " ".join(part for part in (self.side, self.symbol) if part)
        fill = (
            ""
            if self.last_qty is None or self.last_price is None
            else f" {self.last_qty:f} @ {self.last_price:f}"
        )
        return (
            f"Execution({self.exec_type} {self.order_id}{about and ' ' + about}{fill}, "
            f"now {self.order_status}; {self.timestamp})"
        )


class Wallet(Struct, frozen=True, gc=False, kw_only=True):
    """What is held of one asset in one place."""

    type: str | None = None
    """``spot`` or ``earn``."""
    id: str | None = None
    """Such as ``main``, ``flex``, ``bonded`` or ``locked``."""
    balance: Decimal
    """How much."""

    def __repr__(self) -> str:
        """As ``Wallet(type id balance)``."""
        return f"Wallet({self.type} {self.id} {self.balance:f})"


class BalanceSnapshot(Struct, frozen=True, gc=False, kw_only=True):
    """All that is held of one asset. Funds held by open orders are part of it."""

    asset: str
    """Its code, such as ``BTC``."""
    balance: Decimal
    """The total over all wallets."""
    asset_class: str | None = None
    """``currency``."""
    wallets: tuple[Wallet, ...] = ()
    """Where it is; may be empty."""
    received_at: Timestamp | None = None
    """When it was read from the connection."""
    snapshot: bool = True
    """Always true: a change is a ``BalanceUpdate``."""

    def __repr__(self) -> str:
        """The asset and the total."""
        return f"BalanceSnapshot({self.asset} {self.balance:f})"


class BalanceUpdate(Struct, frozen=True, gc=False, kw_only=True):
    """One entry of the ledger. A trade makes two, one for each asset."""

    ledger_id: str
    """Its name. The same one twice is one entry."""
    asset: str
    """Code of the asset, such as ``BTC``."""
    amount: Decimal
    """The change; negative where something left."""
    balance: Decimal
    """Held after it."""
    fee: Decimal | None = None
    """Fee of this entry."""
    asset_class: str | None = None
    """``currency``."""
    ref_id: str | None = None
    """What caused it, such as a fill; the entries of one trade share it."""
    timestamp: Timestamp | None = None
    """When, by the exchange's clock."""
    type: str | None = None
    """Such as ``deposit``, ``withdrawal`` or ``trade``."""
    subtype: str | None = None
    """Such as ``spottostaking``."""
    category: str | None = None
    """Such as ``trade`` or ``staking-rewards``."""
    wallet_type: str | None = None
    """``spot`` or ``earn``."""
    wallet_id: str | None = None
    """Such as ``main`` or ``bonded``."""
    user: str | None = None
    """Whose, where sub-accounts are included."""
    received_at: Timestamp | None = None
    """When it was read from the connection."""
    snapshot: bool = False
    """Always false: what was held before is a ``BalanceSnapshot``."""

    def __repr__(self) -> str:
        """The change, its cause and the balance after it."""
        return (
            f"BalanceUpdate({self.asset} {self.amount:+f} by {self.type}, now "
            f"{self.balance:f}; {self.timestamp})"
        )

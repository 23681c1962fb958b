"""What is folded from the reports on one's own account: orders as they stand, and fills.

The exchange reports what has changed of an order and leaves out the rest; most reports have not
even a symbol. An ``Order`` has all that was ever said of it. Rules for numbers, times and open
text are those of ``records``.

Source: section "executions" of the WebSocket v2 documentation, and captured traffic.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal

from msgspec import Struct

from kraken_trio._internal.model.account import Contingent, Fee, Triggers
from kraken_trio._internal.model.timestamp import Timestamp

GONE: Final = "gone"
"""The status of an order that ended while nobody listened, in a way that nobody can tell."""
ENDED: Final = frozenset({"filled", "canceled", "expired", GONE})
"""The statuses of orders that are not open any more."""


class Order(Struct, frozen=True, gc=False, kw_only=True):
    """One own order as it stands, folded from every report on it.

    What no report ever said is None: of an order of which only the later ones were seen, nearly
    everything.
    """

    order_id: str
    """The exchange's name of it."""
    order_status: str
    """``pending_new``, ``new``, ``partially_filled``, ``filled``, ``canceled`` or ``expired``; and
    ``gone`` where it ended while there was no connection, and what was filled of it does not say
    how."""
    exec_type: str
    """What happened last, as of ``Execution``."""
    timestamp: Timestamp | None = None
    """When that happened, by the exchange's clock."""
    cl_ord_id: str | None = None
    """The client's name of it, if it has one."""
    order_userref: int | None = None
    """The client's number of it; 0 or None where it has none."""
    symbol: str | None = None
    """Such as ``BTC/USD``."""
    side: Literal["buy", "sell"] | None = None
    """What it does."""
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
    """``GTC``, ``GTD`` or ``IOC``."""
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
    liquidated: bool | None = None
    """Whether the exchange placed it to liquidate a position."""
    no_mpp: bool | None = None
    """Whether market price protection was off."""
    amended: bool | None = None
    """Whether it has been amended."""
    fee_ccy_pref: str | None = None
    """Fees in the base (``fcib``) or the quote currency (``fciq``)."""
    fee_usd_equiv: Decimal | None = None
    """Fees so far, in dollars."""
    position_status: str | None = None
    """``opened``, ``closing`` or ``closed``."""
    ord_ref_id: str | None = None
    """The order that placed this one."""
    contingent: Contingent | None = None
    """The order that each fill places."""
    triggers: Triggers | None = None
    """What sets it off."""
    reason: str | None = None
    """Why what happened last did, where that has a reason: of a cancellation, an amendment."""
    sender_sub_id: str | None = None
    """For institutions: which of their clients."""
    ext_ord_id: str | None = None
    """A partner's name of it."""
    cum_fee: Decimal | None = None
    """Fees so far, in the currency that they are paid in; protocol v1 alone."""
    leverage: str | None = None
    """Such as ``5:1``; protocol v1 alone."""
    position_id: str | None = None
    """The position that it is about; protocol v1 alone."""
    description: str | None = None
    """The order in words; protocol v1 alone."""
    received_at: Timestamp | None = None
    """When the last report on it was read from the connection."""
    snapshot: bool = False
    """True where a snapshot said how it stands, rather than that something happened."""
    missed: bool = False
    """True where its end was missed and found in a snapshot, which no longer has it: then it is
    ``filled`` if the fills that are known make up all of it, and ``gone`` otherwise. Where nothing
    was heard of it before, those fills are all that is known, so ``cum_qty`` may be more."""

    @property
    def open(self) -> bool:
        """Whether something may still become of it."""
        return self.order_status not in ENDED

    def __repr__(self) -> str:
        """Which it is, what it wants, and how far it is."""
        about = " ".join(part for part in (self.side, self.symbol) if part)
        price = "" if self.limit_price is None else f" @ {self.limit_price:f}"
        wanted = "" if self.order_qty is None else f" {self.order_qty:f}{price}"
        filled = "" if not self.cum_qty else f", filled {self.cum_qty:f}"
        return f"Order({self.order_id} {self.order_status}{about and ' ' + about}{wanted}{filled})"


class OwnTrade(Struct, frozen=True, gc=False, kw_only=True):
    """One fill of an own order. Each comes once, also over reconnects."""

    exec_id: str
    """Its name."""
    order_id: str
    """The order that was filled."""
    qty: Decimal
    """How much, base currency."""
    price: Decimal
    """At which price."""
    symbol: str | None = None
    """Such as ``BTC/USD``."""
    side: Literal["buy", "sell"] | None = None
    """Of the order."""
    cost: Decimal | None = None
    """Its value, quote currency."""
    fees: tuple[Fee, ...] = ()
    """What it cost."""
    fee_usd_equiv: Decimal | None = None
    """That in dollars, as the exchange says it: of this fill in a snapshot, and of the whole order
    so far where it is news."""
    liquidity_ind: str | None = None
    """Took (``t``) or made (``m``) liquidity."""
    trade_id: int | None = None
    """The number of the public ``Trade``."""
    order_type: str | None = None
    """Such as ``limit``."""
    cl_ord_id: str | None = None
    """The client's name of the order, if it has one."""
    order_userref: int | None = None
    """The client's number of the order; 0 or None where it has none."""
    margin: bool | None = None
    """Whether it was on margin."""
    margin_borrow: bool | None = None
    """Whether it borrowed."""
    margin_cost: Decimal | None = None
    """What of it is on margin, quote currency; protocol v1 alone."""
    position_id: str | None = None
    """The position that it is about; protocol v1 alone."""
    ext_exec_id: str | None = None
    """A partner's name of it."""
    timestamp: Timestamp | None = None
    """When, by the exchange's clock."""
    received_at: Timestamp | None = None
    """When it was read from the connection."""
    snapshot: bool = False
    """True where it stood in a snapshot: what a stream begins with, and what was missed."""

    def __repr__(self) -> str:
        """What was bought or sold, and by which order."""
        about = " ".join(part for part in (self.side, self.symbol) if part)
        return (
            f"OwnTrade({self.exec_id} {about and about + ' '}{self.qty:f} @ {self.price:f} "
            f"of {self.order_id}; {self.timestamp})"
        )

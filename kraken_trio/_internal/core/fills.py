"""Own fills: each once, in order, and whether any may be missing.

Knows the names of the fills that were seen, and what the fills of a snapshot say about a time in
which nobody listened: they are the latest fifty. As long as one of them was seen before, or they
are fewer than fifty where none ever was, they reach back to what was seen, and nothing is missing.

Reads no clock, never raises, and imports nothing but the vocabulary.

Source: sections "executions" and "Reconnecting" of the WebSocket v2 documentation.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from kraken_trio._internal.model.account import Execution
from kraken_trio._internal.model.orders import Order, OwnTrade

SNAPSHOT_FILLS: Final = 50
"""Fills of a snapshot, at most."""
NAMES_KEPT: Final = 1000
"""Names of fills that are remembered: far more than a snapshot can show again."""


class Fills:
    """The fills of one account."""

    __slots__ = ("_begun", "_count", "_latest", "_mark", "_names")

    def __init__(self) -> None:
        """Have seen none."""
        # Each with its number among all that were seen.
        self._names: OrderedDict[str, int] = OrderedDict()
        self._count = 0
        self._latest: deque[Execution] = deque(maxlen=SNAPSHOT_FILLS)
        self._begun = False
        # How many had been seen when something was missed; None while nothing is missing.
        self._mark: int | None = None

    @property
    def latest(self) -> Sequence[Execution]:
        """The latest fifty, oldest first."""
        return tuple(self._latest)

    @property
    def begun(self) -> bool:
        """Whether a snapshot has been seen."""
        return self._begun

    @property
    def losing(self) -> bool:
        """Whether something may be missing, until the next snapshot."""
        return self._mark is not None

    def add(self, fill: Execution) -> bool:
        """Note a fill; give whether it is news."""
        name = fill.exec_id or ""
        if name in self._names:
            return False
        self._names[name] = self._count
        self._count += 1
        if len(self._names) > NAMES_KEPT:
            self._names.popitem(last=False)
        self._latest.append(fill)
        return True

    def lose(self) -> None:
        """From here on something may be missing, until the next snapshot."""
        if self._mark is None:
            self._mark = self._count

    def begin(self, fills: Iterable[Execution]) -> tuple[list[Execution], bool]:
        """Take the fills of a snapshot. Give those that are news, oldest first, and whether they
        reach back to what was seen before something was missed.
        """
        # Latest first, as they come; so those of one moment are turned around, too.
        ordered = list(fills)
        ordered.reverse()
        ordered.sort(key=lambda fill: fill.timestamp or 0)
        mark, self._mark = self._mark, None
        if not self._begun or mark is None:
            whole = True
        elif mark == 0:
            whole = len(ordered) < SNAPSHOT_FILLS
        else:
            numbers = (self._names.get(fill.exec_id or "", mark) for fill in ordered)
            whole = any(number < mark for number in numbers)
        self._begun = True
        news = [fill for fill in ordered if self.add(fill)]
        # What came meanwhile may have come before what was missed: this is the order.
        shown = {fill.exec_id for fill in ordered}
        older = [fill for fill in self._latest if fill.exec_id not in shown]
        self._latest = deque([*older, *ordered], maxlen=SNAPSHOT_FILLS)
        return news, whole


def own_trade(fill: Execution, order: Order | None = None) -> OwnTrade | None:
    """A fill as a record of its own; what it does not say is taken from its order. None for what
    says neither how much nor at which price.
    """
    if fill.exec_id is None or fill.last_qty is None or fill.last_price is None:
        return None
    trade = OwnTrade(
        exec_id=fill.exec_id,
        order_id=fill.order_id,
        qty=fill.last_qty,
        price=fill.last_price,
        symbol=fill.symbol,
        side=fill.side,
        cost=fill.cost,
        fees=fill.fees,
        fee_usd_equiv=fill.fee_usd_equiv,
        liquidity_ind=fill.liquidity_ind,
        trade_id=fill.trade_id,
        order_type=fill.order_type,
        cl_ord_id=fill.cl_ord_id,
        order_userref=fill.order_userref,
        margin=fill.margin,
        margin_borrow=fill.margin_borrow,
        margin_cost=fill.margin_cost,
        position_id=fill.position_id,
        ext_exec_id=fill.ext_exec_id,
        timestamp=fill.timestamp,
        received_at=fill.received_at,
        snapshot=fill.snapshot,
    )
    if order is None:
        return trade
    unsaid = {
        name: getattr(order, name)
        for name in ("symbol", "side", "order_type", "cl_ord_id", "order_userref")
        if getattr(trade, name) is None
    }
    return replace(trade, **unsaid) if unsaid else trade

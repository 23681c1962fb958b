"""What the exchange demands of an order, and in which words it refuses one that is not so.

Knows the rules for orders, one by one; nothing of how requests come or are answered.

Source: sections "Trading methods", "Errors" and "Trading-engine modes" of the WebSocket v2
documentation, and captured refusals. Not settled there, and decided here: the order of the checks;
that ``EGeneral:Invalid arguments`` names the parameter; that decimals of a quantity beyond those of
its pair are cut off, as in the documentation's examples; and that there is no margin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Literal, Protocol

from msgspec.structs import replace

from kraken_trio._internal.model.requests import AddOrder
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.testing.account import Account
from kraken_trio._internal.testing.amounts import fits, product, quotient_down, total
from kraken_trio._internal.testing.floor import Made, Taken
from kraken_trio._internal.testing.order import Order
from kraken_trio._internal.testing.part import Refused
from kraken_trio._internal.testing.terms import PairTerms

UNKNOWN_PAIR = "EQuery:Unknown asset pair"
UNAVAILABLE = "EService:Unavailable"
MODE = "EService:Market in {} mode"
ARGUMENT = "EGeneral:Invalid arguments:{}"
VOLUME = ARGUMENT.format("volume minimum not met")
COST = "EOrder:Cost minimum not met"
TICK = "EOrder:Tick size check failed"
FUNDS = "EOrder:Insufficient funds"
TOO_MANY = "EOrder:Orders limit exceeded"
TOO_LATE = "EService:Deadline elapsed"
NO_MARGIN = "EOrder:Margin allowance exceeded"
NO_POSITION = "EOrder:Unknown position"
NOTHING_TO_REDUCE = "EOrder:Reduce only:No position exists"

SIMPLE_LIMITS = frozenset({"limit", "iceberg"})
"""The types that are nothing but a limit."""
LIMITS = SIMPLE_LIMITS | {"stop-loss-limit", "take-profit-limit", "trailing-stop-limit"}
"""The types with a limit."""
TRIGGERED = (LIMITS - SIMPLE_LIMITS) | {"stop-loss", "take-profit", "trailing-stop"}
"""The types that something sets off."""
TRAILING = frozenset({"trailing-stop", "trailing-stop-limit"})
"""The types whose trigger follows the market, at a distance."""
TYPES = LIMITS | TRIGGERED | {"market"}
"""All types but that which closes positions."""

_CLOSED_PAIRS = frozenset({"maintenance", "delisted", "work_in_progress"})
_CLIENT_NAME = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|[\x20-\x7e]{1,18}", re.IGNORECASE
)
_SLICES = 15  # An iceberg is shown in, at most.
_LONGEST_LIFE = 31 * 24 * 60 * 60 * NANOSECONDS
_SHORTEST_DEADLINE, _LONGEST_DEADLINE = NANOSECONDS // 2, 60 * NANOSECONDS


class Quotes(Protocol):
    """The market that an account's orders are judged by, and dealt with in: see ``Floor``."""

    @property
    def system(self) -> str:
        """The mode of the trading engine."""
        ...

    def status(self, symbol: str) -> str:
        """The status of a pair."""
        ...

    def best(self, symbol: str, side: Literal["buy", "sell"]) -> Decimal:
        """What a taker pays who buys, or gets who sells."""
        ...

    def worst(self, symbol: str, side: Literal["buy", "sell"], qty: Decimal) -> Decimal:
        """The last price that an order of that quantity would come to."""
        ...

    def last(self, symbol: str) -> Decimal:
        """The price of the latest trade."""
        ...

    def index(self, symbol: str) -> Decimal:
        """The index price."""
        ...

    def there(
        self, symbol: str, side: Literal["buy", "sell"], limit: Decimal | None, most: Decimal
    ) -> Decimal:
        """How much an order could take at its limit or better; ``most`` is enough."""
        ...

    def in_the_way(self, symbol: str, side: Literal["buy", "sell"]) -> str | None:
        """The own order that would be taken next, if one would."""
        ...

    def take(
        self, symbol: str, side: Literal["buy", "sell"], qty: Decimal, order_type: str
    ) -> Taken | None:
        """Take from the best level, up to the first own order in it, and at most ``qty``."""
        ...

    def rest(
        self,
        symbol: str,
        side: Literal["buy", "sell"],
        price: Decimal,
        order_id: str,
        qty: Decimal,
    ) -> None:
        """Let an order join the queue at its price."""
        ...

    def resize(
        self,
        symbol: str,
        side: Literal["buy", "sell"],
        price: Decimal,
        order_id: str,
        qty: Decimal,
    ) -> None:
        """Give an order that waits another quantity, in its place; zero takes it away."""
        ...

    def news(self) -> list[str]:
        """The pairs in which something was traded since somebody asked."""
        ...

    def made(self, symbol: str) -> list[Made]:
        """What was traded of orders that wait, since this was asked."""
        ...

    def range(self, symbol: str) -> tuple[Decimal, Decimal] | None:
        """Between which prices was traded since this was asked; None where nothing was."""
        ...


def checked(
    request: AddOrder, account: Account, quotes: Quotes, now: Timestamp, *, besides: str = ""
) -> AddOrder:
    """Give an order as it is to be accepted; ``Refused`` where it is not.

    ``besides`` names an open order that it replaces. Funds are not looked at.
    """
    terms = account.terms.get(request.symbol)
    if terms is None:
        raise Refused(UNKNOWN_PAIR)
    _check_mode(request, quotes)
    request = trimmed(request, terms)
    _check_shape(request)
    if request.order_type == "trailing-stop-limit" and request.limit_price_type is None:
        request = replace(request, limit_price_type="quote")
    _check_prices(request, terms)
    _check_size(request, terms, quotes)
    _check_times(request, now)
    _check_names(request, account, besides)
    return request


def check_system(quotes: Quotes) -> None:
    """Refuse everything during a maintenance."""
    if quotes.system == "maintenance":
        raise Refused(UNAVAILABLE)


def check_count(account: Account, symbol: str, most: int, *, more: int = 1) -> None:
    """Refuse orders beyond the ``most`` that may be open in a pair."""
    there = sum(order.terms.symbol == symbol for order in account.open_orders())
    if there + more > most:
        raise Refused(TOO_MANY)


def check_funds(
    request: AddOrder, account: Account, quotes: Quotes, *, instead_of: Order | None = None
) -> None:
    """Refuse an order that could not be paid for, with what is free without the one it replaces.

    ``request`` asks for what is still to be filled.
    """
    order = Order("", request, account.terms[request.symbol])
    rate = account.taker_rate
    price = quotes.best(request.symbol, request.side)
    if request.order_qty is not None and request.order_type == "market":
        price = quotes.worst(request.symbol, request.side, request.order_qty)
    asset, needed = order.needs(rate, price)
    freed = Decimal(0) if instead_of is None else instead_of.needs(rate)[1]
    if needed > total((account.available(asset), freed)):
        raise Refused(FUNDS)


def check_deadline(deadline: Timestamp | None, now: Timestamp) -> None:
    """Refuse what is too late, or has a deadline that is too near or too far."""
    if deadline is None:
        return
    if deadline <= now:
        raise Refused(TOO_LATE)
    if not _SHORTEST_DEADLINE <= deadline - now <= _LONGEST_DEADLINE:
        raise Refused(ARGUMENT.format("deadline"))


def _check_mode(request: AddOrder, quotes: Quotes) -> None:
    check_system(quotes)
    simple = request.order_type in SIMPLE_LIMITS
    status = quotes.status(request.symbol)
    if status in _CLOSED_PAIRS:
        raise Refused(UNAVAILABLE)
    for mode in (quotes.system, status):
        match mode:
            case "cancel_only" | "reduce_only":
                raise Refused(MODE.format(mode))
            case "post_only" if not (simple and request.post_only):
                raise Refused(MODE.format(mode))
            case "limit_only" if not simple:
                raise Refused(MODE.format(mode))
            case _:
                pass


def trimmed(request: AddOrder, terms: PairTerms) -> AddOrder:
    """Cut off the decimals of quantities that the pair has not."""
    qty, display = (
        value
        if value is None or value <= 0
        else quotient_down(value, Decimal(1), terms.qty_precision)
        for value in (request.order_qty, request.display_qty)
    )
    return replace(request, order_qty=qty, display_qty=display)


def _check_shape(request: AddOrder) -> None:
    """Refuse parameters that do not go together."""
    kind = request.order_type
    if kind == "settle-position":
        raise Refused(NO_POSITION)
    if request.margin:
        raise Refused(NO_MARGIN)
    if request.reduce_only:
        raise Refused(NOTHING_TO_REDUCE)
    spends = request.cash_order_qty is not None
    for wrong, name in (
        (kind not in TYPES, "order_type"),
        ((request.order_qty is None) != spends, "order_qty"),
        (spends and (kind, request.side) != ("market", "buy"), "cash_order_qty"),
        ((request.limit_price is None) == (kind in LIMITS), "limit_price"),
        ((request.triggers is None) == (kind in TRIGGERED), "triggers"),
        ((request.display_qty is None) == (kind == "iceberg"), "display_qty"),
        (
            request.limit_price_type is not None and kind != "trailing-stop-limit",
            "limit_price_type",
        ),
        (request.post_only and kind not in LIMITS, "post_only"),
        (request.time_in_force == "fok" and kind != "limit", "time_in_force"),
        ((request.expire_time is None) == (request.time_in_force == "gtd"), "expire_time"),
        (request.cl_ord_id is not None and request.order_userref is not None, "cl_ord_id"),
    ):
        if wrong:
            raise Refused(ARGUMENT.format(name))


def _check_prices(request: AddOrder, terms: PairTerms) -> None:
    """Refuse prices that are none, or between two steps. Distances may be anything."""
    triggers = request.triggers
    prices: list[Decimal | None] = []
    if request.limit_price_type in (None, "static"):
        prices.append(request.limit_price)
    if triggers is not None and triggers.price_type in (None, "static"):
        if request.order_type in TRAILING:
            raise Refused(ARGUMENT.format("triggers"))
        prices.append(triggers.price)
    elif triggers is not None and request.order_type in TRAILING and triggers.price <= 0:
        raise Refused(ARGUMENT.format("triggers"))
    for price in prices:
        if price is not None and price <= 0:
            raise Refused(ARGUMENT.format("price"))
        if price is not None and not fits(price, terms.price_precision):
            raise Refused(TICK)


def _check_size(request: AddOrder, terms: PairTerms, quotes: Quotes) -> None:
    """Refuse orders that are too small, and icebergs that show too little."""
    if request.cash_order_qty is not None:
        if request.cash_order_qty <= 0 or not fits(request.cash_order_qty, terms.cost_precision):
            raise Refused(ARGUMENT.format("cash_order_qty"))
        if request.cash_order_qty < terms.cost_min:
            raise Refused(COST)
        price = quotes.best(request.symbol, request.side)
        if quotient_down(request.cash_order_qty, price, terms.qty_precision) < terms.qty_min:
            raise Refused(VOLUME)
        return
    qty = request.order_qty or Decimal(0)
    if qty < terms.qty_min:
        raise Refused(VOLUME)
    simple = request.order_type in SIMPLE_LIMITS
    best = quotes.best(request.symbol, request.side)
    price = (request.limit_price if simple else None) or best
    if product(qty, price) < terms.cost_min:
        raise Refused(COST)
    shown = request.display_qty
    if shown is not None and not (shown <= qty <= product(shown, Decimal(_SLICES))):
        raise Refused(ARGUMENT.format("display_qty"))


def _check_times(request: AddOrder, now: Timestamp) -> None:
    """Refuse what is over before it begins, or after more than a month."""
    check_deadline(request.deadline, now)
    expires_at = request.expire_time
    if expires_at is not None and not now < expires_at <= now + _LONGEST_LIFE:
        raise Refused(ARGUMENT.format("expire_time"))


def _check_names(request: AddOrder, account: Account, besides: str) -> None:
    """Refuse a client's name that is none, or that an open order has."""
    name = request.cl_ord_id
    if name is None:
        return
    taken: Iterable[str | None] = (
        order.request.cl_ord_id for order in account.open_orders() if order.order_id != besides
    )
    if not _CLIENT_NAME.fullmatch(name) or name in taken:
        raise Refused(ARGUMENT.format("cl_ord_id"))

"""The records of public market data: what a consumer holds in their hand.

All are frozen. Prices and quantities are ``Decimal``, with the very digits of the wire; no
float is ever involved. Levels and their sides stand best first. ``timestamp`` is the
exchange's time, ``received_at`` the moment when this program read the bytes (None where a
recording does not say). Text that names a status or a kind is ``str``, because the exchange
adds values without notice. New fields may be added at the end.

Sources: the channel pages of the WebSocket v2 documentation, and captured traffic.
"""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Literal

from msgspec import Struct

from kraken_trio._internal.model.absent import Absent
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp

# Numbers on the wire have at most 40 digits (the decoders refuse more), so sums, differences
# and halves of two of them fit in 100 digits and nothing is ever rounded.
_EXACT = Context(prec=100)
_HALF = Decimal("0.5")


def _text(value: Decimal) -> str:
    """Fixed-point text: ``str()`` would print small quantities as ``1.0E-7``."""
    return format(value, "f")


class Level(Struct, frozen=True, gc=False):
    """One price level of a book. In an update, ``qty`` zero means that the level is gone."""

    price: Decimal
    """Price, in the quote currency."""
    qty: Decimal
    """Total quantity resting at this price, in the base currency."""

    def __repr__(self) -> str:
        """As ``Level(qty @ price)``."""
        return f"Level({_text(self.qty)} @ {_text(self.price)})"


class TimedLevel(Level, frozen=True, gc=False):
    """A level by protocol v1, which says more of it.

    It equals any level of the same price and quantity, so that books can be compared.
    """

    timestamp: Timestamp
    """When the level changed."""
    republished: bool = False
    """Whether it did not change, and is said once more because a better one went."""

    def __eq__(self, other: object) -> bool:
        """Whether it says the same of the book."""
        if not isinstance(other, Level):
            return NotImplemented
        return self.price == other.price and self.qty == other.qty

    def __ne__(self, other: object) -> bool:
        """Whether not; what is inherited would compare the times, too."""
        return not self == other

    def __hash__(self) -> int:
        """As that of an equal ``Level``."""
        return hash(Level(self.price, self.qty))


class BookSnapshot(Struct, frozen=True, gc=False):
    """A whole book of one symbol. It replaces all that was known of it."""

    symbol: str
    """Such as ``BTC/USD``."""
    depth: int
    """Levels a side that the subscription asked for; a thin book has fewer."""
    bids: tuple[Level, ...]
    """Best (highest) price first."""
    asks: tuple[Level, ...]
    """Best (lowest) price first."""
    checksum: int | Absent
    """CRC32 of the ten best levels a side, verified before the record was made; None where the
    snapshot came without one, as in protocol v1: there the first update proves it."""
    timestamp: Timestamp | None = None
    """When the book last changed, by the exchange's clock; older recordings lack it."""
    received_at: Timestamp | None = None
    """When it was read from the connection."""
    local: bool = False
    """True when it was taken from the live verified book, rather than sent by the exchange:
    for one who joins later, or after an overflow."""

    @property
    def best_bid(self) -> Level | None:
        """The highest bid, or None for an empty side."""
        return self.bids[0] if self.bids else None

    @property
    def best_ask(self) -> Level | None:
        """The lowest ask, or None for an empty side."""
        return self.asks[0] if self.asks else None

    def __repr__(self) -> str:
        """The symbol, the two best levels and how many there are."""
        return (
            f"BookSnapshot({self.symbol} depth {self.depth}: {len(self.bids)} bids, best "
            f"{self.best_bid}; {len(self.asks)} asks, best {self.best_ask}; {self.timestamp})"
        )


class BookUpdate(Struct, frozen=True, gc=False):
    """What one message changed in a book, and the best levels as they stood right after it.

    ``bids`` and ``asks`` hold the changed levels in the order of the wire, which is not
    sorted; one price may stand there twice, and the later one counts.
    """

    symbol: str
    """Such as ``BTC/USD``."""
    bids: tuple[Level, ...]
    """Changed bids; ``qty`` is the new total, zero for a level that is gone."""
    asks: tuple[Level, ...]
    """Changed asks, likewise."""
    best_bid: Level | None
    """The highest bid after this update, or None for an empty side."""
    best_ask: Level | None
    """The lowest ask after this update, or None for an empty side."""
    checksum: int
    """CRC32 of the ten best levels a side after this update, verified."""
    timestamp: Timestamp | None = None
    """When the change happened, by the exchange's clock."""
    received_at: Timestamp | None = None
    """When it was read from the connection."""

    def __repr__(self) -> str:
        """The symbol, the changes and the two best levels."""
        return (
            f"BookUpdate({self.symbol}: bids {list(self.bids)}, asks {list(self.asks)}; best "
            f"{self.best_bid} / {self.best_ask}; {self.timestamp})"
        )


class Today(Struct, frozen=True, gc=False):
    """What a ticker of protocol v1 says of the time since 00:00 UTC."""

    volume: Decimal
    """Traded, base currency."""
    vwap: Decimal
    """Volume-weighted average price."""
    trades: int
    """How many."""
    low: Decimal
    """Lowest price."""
    high: Decimal
    """Highest price."""
    open: Decimal
    """First price."""


class Ticker(Struct, frozen=True, gc=False):
    """Best bid and offer, last price and the figures of the last 24 hours (rolling)."""

    symbol: str
    """Such as ``BTC/USD``."""
    bid: Decimal
    """Best bid price."""
    bid_qty: Decimal
    """Quantity at it, base currency."""
    ask: Decimal
    """Best ask price."""
    ask_qty: Decimal
    """Quantity at it, base currency."""
    last: Decimal
    """Price of the last trade; sure only if the pair traded within 24 hours."""
    volume: Decimal
    """Traded in 24 hours, base currency."""
    vwap: Decimal
    """Volume-weighted average price of 24 hours."""
    low: Decimal
    """Lowest price of 24 hours."""
    high: Decimal
    """Highest price of 24 hours."""
    change: Decimal | Absent
    """Of the price in 24 hours, quote currency; None in protocol v1, which has ``open``."""
    change_pct: Decimal | Absent
    """Of the price in 24 hours, in percent; None in protocol v1."""
    trades: int | None = None
    """Trades in 24 hours; older traffic lacks it."""
    timestamp: Timestamp | None = None
    """Time of the data, by the exchange's clock; older traffic lacks it."""
    received_at: Timestamp | None = None
    """When it was read from the connection."""
    snapshot: bool = False
    """True for the first one of a subscription."""
    last_qty: Decimal | None = None
    """Quantity of the last trade, base currency; protocol v1 alone."""
    open: Decimal | None = None
    """Price 24 hours ago; protocol v1 alone."""
    today: Today | None = None
    """The figures since midnight; protocol v1 alone."""

    def __repr__(self) -> str:
        """The symbol, bid, ask and last."""
        return (
            f"Ticker({self.symbol} bid {_text(self.bid_qty)} @ {_text(self.bid)}, ask "
            f"{_text(self.ask_qty)} @ {_text(self.ask)}, last {_text(self.last)}; "
            f"{self.timestamp})"
        )


class Spread(Struct, frozen=True, gc=False):
    """Best bid and offer alone; one for each change of either."""

    symbol: str
    """Such as ``BTC/USD``."""
    bid: Decimal
    """Best bid price."""
    bid_qty: Decimal
    """Quantity at it, base currency."""
    ask: Decimal
    """Best ask price."""
    ask_qty: Decimal
    """Quantity at it, base currency."""
    timestamp: Timestamp | None = None
    """Time of the data, by the exchange's clock."""
    received_at: Timestamp | None = None
    """When it was read from the connection."""

    @property
    def spread(self) -> Decimal:
        """``ask - bid``, exact."""
        return _EXACT.subtract(self.ask, self.bid)

    @property
    def mid(self) -> Decimal:
        """``(ask + bid) / 2``, exact."""
        return _EXACT.multiply(_EXACT.add(self.ask, self.bid), _HALF)

    def __repr__(self) -> str:
        """The symbol, bid and ask."""
        return (
            f"Spread({self.symbol} bid {_text(self.bid_qty)} @ {_text(self.bid)}, ask "
            f"{_text(self.ask_qty)} @ {_text(self.ask)}; {self.timestamp})"
        )


class Trade(Struct, frozen=True, gc=False):
    """One public trade."""

    symbol: str
    """Such as ``BTC/USD``."""
    side: Literal["buy", "sell"]
    """Of the taker."""
    price: Decimal
    """Price, quote currency."""
    qty: Decimal
    """Quantity, base currency."""
    ord_type: str
    """Type of the taker's order: ``limit`` or ``market``."""
    trade_id: int | Absent
    """Consecutive within the pair: a jump means missed trades. None in protocol v1, where nothing
    tells that one was missed."""
    timestamp: Timestamp
    """When it was matched, by the exchange's clock. Several trades may share one."""
    received_at: Timestamp | None = None
    """When it was read from the connection."""
    snapshot: bool = False
    """True for one of the latest trades that a subscription starts with."""
    backfilled: bool = False
    """True for one that was missed on the stream and fetched afterwards."""
    misc: str | None = None
    """What else the exchange says, mostly nothing; protocol v1 alone."""

    def __repr__(self) -> str:
        """The symbol, what was traded, and its number."""
        return (
            f"Trade({self.symbol} {self.side} {_text(self.qty)} @ {_text(self.price)}, "
            f"id {self.trade_id}; {self.timestamp})"
        )


class Candle(Struct, frozen=True, gc=False):
    """One OHLC interval as it stands now; final once a later one of its symbol arrives.

    Intervals without trades have none.
    """

    symbol: str
    """Such as ``BTC/USD``."""
    interval: int
    """Length in minutes."""
    interval_begin: Timestamp
    """Start of the interval."""
    open: Decimal
    """First price."""
    high: Decimal
    """Highest price."""
    low: Decimal
    """Lowest price."""
    close: Decimal
    """Latest price."""
    vwap: Decimal
    """Volume-weighted average price."""
    trades: int
    """How many trades."""
    volume: Decimal
    """Traded, base currency."""
    timestamp: Timestamp | None = None
    """When the message was sent, by the exchange's clock."""
    received_at: Timestamp | None = None
    """When it was read from the connection."""
    snapshot: bool = False
    """True for one of the past candles that a subscription starts with."""

    @property
    def interval_end(self) -> Timestamp:
        """The end of the interval, exclusive."""
        return Timestamp(self.interval_begin + self.interval * 60 * NANOSECONDS)

    def __repr__(self) -> str:
        """The symbol, the interval and its four prices."""
        return (
            f"Candle({self.symbol} {self.interval} min from {self.interval_begin}: open "
            f"{_text(self.open)}, high {_text(self.high)}, low {_text(self.low)}, close "
            f"{_text(self.close)}, volume {_text(self.volume)})"
        )

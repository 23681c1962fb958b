"""Frames of which nobody says what was subscribed to: all is opened that their data need.

A file says most of what is needed itself: the depth of a book in the acknowledgement of its
subscription, that a connection is another one in its status. Where it does not, the depth is the
smallest legal one that holds the larger side of every snapshot of a connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from kraken_trio._internal.engine.book_route import BookRoute
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.signals import Replied, Signal, StatusSeen
from kraken_trio._internal.model.channel import BOOK_DEPTHS, LEVEL3_DEPTHS, Channel, modern_symbol
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.level3 import Level3Order
from kraken_trio._internal.model.messages import (
    BookMessage,
    Level3Message,
    Message,
    RecordsMessage,
    Reply,
)
from kraken_trio._internal.model.records import Candle, Level, Spread, Ticker, Trade

Name = tuple[str, str]
"""Channel and symbol."""
Precisions = dict[Name, tuple[int, int]]
"""Decimals of prices and of quantities."""

_DEPTHS = {"book": BOOK_DEPTHS, "level3": LEVEL3_DEPTHS}


class Opening:
    """What one session's frames need, opened as they come."""

    def __init__(self, engine: Engine, precisions: Precisions) -> None:
        """Open it in ``engine``, with what is known of precisions."""
        self._engine = engine
        self._precisions = precisions
        # What this connection is, and the depths that it has shown so far: of an acknowledgement,
        # or the least that a snapshot needs.
        self._connection: int | None = None
        self._depths: dict[tuple[str, str | None], int] = {}
        self.books: dict[Name, list[BookRoute]] = {}
        """All that there were, in the order of their first messages: a subscription made anew with
        another depth is another book."""
        # What else is open: channel, symbol, interval.
        self._others: set[tuple[str, str | None, int | None]] = set()

    def take(self, message: Message) -> Sequence[Signal]:
        """Take a message to the engine, with all open that it needs.

        Raises ``ConfigurationError`` where it is of nothing that can be subscribed to.
        """
        self._open(message)
        signals = self._engine.take(message)
        for signal in signals:
            match signal:
                case Replied(reply):
                    self._subscribed(reply)
                case StatusSeen(status) if status.connection_id not in (None, self._connection):
                    self._connected(status.connection_id)
        return signals

    def _connected(self, number: int | None) -> None:
        """A new connection has nothing of the one before."""
        self._connection = number
        self._depths.clear()
        for route in self._engine.routes():
            route.discard()

    def _subscribed(self, reply: Reply) -> None:
        """A subscription begins, perhaps once more: note its depth, discard what was before."""
        channel, symbol = reply.channel, reply.symbol
        if not (reply.success and reply.method == "subscribe" and channel):
            return
        self._depths.pop((channel, symbol), None)
        if reply.depth in _DEPTHS.get(channel, ()):
            self._depths[channel, symbol] = reply.depth
        self._discard(channel, symbol)

    def _discard(self, channel: str, symbol: str | None) -> None:
        """Begin anew what a subscription begins anew."""
        symbols = () if symbol is None else (symbol,)
        for route in self._engine.routes():
            if route.part.name == channel and route.part.symbols == symbols:
                route.discard()

    def _open(self, message: Message) -> None:
        """Make the routes that data need; ``ConfigurationError`` where there can be none."""
        match message:
            case BookMessage():
                self._open_book(("book", message.symbol), message)
            case Level3Message():
                self._open_book(("level3", message.symbol), message)
            case RecordsMessage() if message.channel != "status":
                for key in _keys(message):
                    if key not in self._others:
                        self._engine.open(_part(*key))
                        self._others.add(key)
                if message.snapshot and message.sequence == 1:
                    # Subscribed anew, though the file may not show how.
                    self._discard(message.channel, None)

    def _open_book(self, name: Name, message: BookMessage | Level3Message) -> None:
        """Make the book of a message, or another one where a snapshot shows another depth."""
        books = self.books.get(name)
        if books and not message.snapshot:
            return
        depth = self._depth(name, message)
        if books and books[-1].book.depth == depth:
            return
        part = _part(*name, depth=depth)
        if books:
            self._engine.close(books[-1].part)
        route = cast("BookRoute", self._engine.open(part))
        self.books.setdefault(name, []).append(route)
        if name in self._precisions:
            route.book.set_precision(*self._precisions[name])

    def _depth(self, name: Name, message: BookMessage | Level3Message) -> int:
        """The smallest depth that holds what this connection has shown; an update shows nothing."""
        legal = _DEPTHS[name[0]]
        larger = self._depths.get(name, 0)
        if message.snapshot:
            larger = max(larger, _levels(message.bids), _levels(message.asks))
        depth = next((depth for depth in legal if depth >= larger), legal[-1])
        if message.snapshot:
            self._depths[name] = depth
        return depth


def _keys(message: RecordsMessage) -> Iterator[tuple[str, str | None, int | None]]:
    """Channel, symbol and interval of what must have been subscribed to for this to come."""
    if message.channel not in ("ticker", "spread", "trade", "ohlc"):
        yield message.channel, None, None
    for record in message.records:
        match record:
            case Ticker() | Spread() | Trade():
                yield message.channel, record.symbol, None
            case Candle():
                yield message.channel, record.symbol, record.interval


def _part(
    channel: str, symbol: str | None, interval: int | None = None, *, depth: int | None = None
) -> Channel:
    """The subscription that data are of; ``ConfigurationError`` where there can be none."""
    if symbol is None:
        return Channel(name=channel)
    if modern_symbol(symbol) != symbol:
        raise ConfigurationError(
            field="symbol",
            rule=f"{symbol} is an old name, which no data have",
            mend=f"Today it is {modern_symbol(symbol)}",
        )
    if channel == "ticker":  # has an option that nothing here depends on
        return Channel.ticker(symbol)
    return Channel(name=channel, symbols=(symbol,), interval=interval, depth=depth)


def _levels(side: Sequence[Level | Level3Order]) -> int:
    """How many price levels a side has."""
    return len(
        {order.limit_price if isinstance(order, Level3Order) else order.price for order in side}
    )

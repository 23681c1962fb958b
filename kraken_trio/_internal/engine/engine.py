"""One path for every frame: bytes, message, meaning, sinks; without a wait anywhere.

The live feed, a replay and ``verify`` all run it. It joins a codec of ``wire`` with the books and
trackers of ``core``, and knows neither how the exchange spells things nor when they are asked
for. Nothing here is ever interrupted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, assert_never, cast

from msgspec.structs import replace

from kraken_trio._internal.engine.account_routes import OF_EXECUTIONS
from kraken_trio._internal.engine.book_route import BookRoute
from kraken_trio._internal.engine.hooks import Hook, Hooks
from kraken_trio._internal.engine.making import make_route
from kraken_trio._internal.engine.precisions import PairPrecisions
from kraken_trio._internal.engine.routes import NOTHING, Route, Sink, without
from kraken_trio._internal.engine.signals import (
    DataLost,
    Faulted,
    Missed,
    Replied,
    Signal,
    StatusSeen,
    Unfamiliar,
    Unrouted,
)
from kraken_trio._internal.engine.tally import Counts, Part, Tally
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import ProtocolError
from kraken_trio._internal.model.gap import Gap, GapHandling
from kraken_trio._internal.model.messages import (
    BookMessage,
    Heartbeat,
    Level3Message,
    Message,
    RecordsMessage,
    Reply,
    Unknown,
)
from kraken_trio._internal.model.records import Candle, Spread, Ticker, Trade
from kraken_trio._internal.model.reference import SystemStatus
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.model.traits import Traits
from kraken_trio._internal.wire.masking import Concealed

_USUAL = GapHandling()
_TWINS = {"ticker": "spread", "spread": "ticker"}

Key = tuple[str, str | None, int | None]
"""Channel, symbol and candle interval: what the data themselves say of where they belong."""


class Codec(Protocol):
    """How one protocol of the exchange is read."""

    @property
    def traits(self) -> Traits:
        """What that protocol has, and tells."""
        ...

    def decode(self, payload: bytes | memoryview, received_at: Timestamp | None) -> Message:
        """Give what one frame says. Raises ``ProtocolError``, and nothing else."""
        ...

    def owner(self, payload: bytes | memoryview) -> Key | None:
        """Whose data a frame that ``decode`` refused seems to have held; None if nobody knows."""
        ...


class Engine:
    """What one session delivers, and to whom.

    It outlives connections: ``disconnect`` ends one, and the next may begin.
    """

    def __init__(
        self,
        codec: Codec,
        *,
        session: str = "public",
        hooks: Hooks | None = None,
        concealed: Concealed | None = None,
    ) -> None:
        """Start with nothing open. ``session`` is what ``hooks`` are told, if there are any; what
        is ``concealed`` they are not.
        """
        self.frames: int = 0
        """Frames fed, whatever became of them."""
        self.faults: int = 0
        """Frames that could not be decoded."""
        self.unknown: int = 0
        """Frames of a channel or method that is not known."""
        self.unrouted: int = 0
        """Messages with data of which nothing is open."""
        self.heartbeats: int = 0
        """Heartbeats."""
        self.replies: int = 0
        """Answers to requests."""
        self._tally = Tally()
        self._codec = codec
        self._decode = codec.decode
        self.session: str = session
        """What observers call it."""
        self.on_step: tuple[Hook, ...] = hooks.stepped if hooks else ()
        """Whom ``perform`` tells."""
        self.concealed: Concealed = Concealed() if concealed is None else concealed
        """What observers are not shown where a frame says it back."""
        self._routes: dict[Key, Route] = {}
        # Those of books, by symbol: nearly every frame asks for one.
        self._books: dict[str, BookRoute] = {}
        told = hooks.sink(session) if hooks else None
        self._sinks: tuple[Sink, ...] = () if told is None else (told,)
        self._precisions = PairPrecisions()
        self._on_frame = hooks.frame_received if hooks else ()
        self._on_fault = hooks.fault if hooks else ()
        self._on_gap = hooks.gap if hooks else ()

    @property
    def traits(self) -> Traits:
        """What the protocol has, and tells."""
        return self._codec.traits

    def attach(self, sink: Sink) -> None:
        """Give ``sink`` everything from now on: records, gaps, status, heartbeats, faults."""
        self._sinks = (*self._sinks, sink)
        for route in self._routes.values():
            route.sinks = (*route.sinks, sink)

    def detach(self, sink: Sink) -> None:
        """Give ``sink`` nothing more; ``ValueError`` if it is not attached.

        Whoever detaches it while something is being delivered does not keep that from it.
        """
        self._sinks = without(self._sinks, sink)
        for route in self._routes.values():
            route.leave(sink)

    def open(self, part: Channel, handling: GapHandling = _USUAL) -> Route:
        """Make the route of a channel with one symbol, or with none where it takes none.

        ``handling`` is what is to be done about its losses.

        ``ValueError`` for more symbols, of which ``parts()`` makes channels with one; and where
        its data have a route already: nothing could tell them apart.
        """
        if len(part.symbols) > 1:
            msg = f"{part} has several symbols, and a route has one"
            raise ValueError(msg)
        key = part.key
        if key in self._routes:
            msg = f"{part} has a route already, that of {self._routes[key].part}"
            raise ValueError(msg)
        route = make_route(part, handling, self._routes.values(), self.traits)
        twin = self._routes.get((_TWINS.get(part.name, ""), *key[1:]))
        twin = twin if self.traits.spread_of_tickers else None
        if twin is not None and twin.kept is not None:
            # One subscription on the wire serves both: what it told is known here already.
            for ticker in cast("Iterable[Ticker]", twin.kept):
                route.take(RecordsMessage("ticker", True, (ticker,), None, ticker.received_at))  # noqa: FBT003 - a struct
        self._routes[key] = route
        route.sinks = self._sinks
        if isinstance(route, BookRoute):
            symbol = route.book.symbol
            if part.name == "book":
                self._books[symbol] = route
            precision = self._precisions.get(symbol)
            if precision is not None:
                route.book.set_precision(*precision)
        return route

    def close(self, part: Channel) -> None:
        """Forget the route of ``part``, and what comes for it; ``KeyError`` if there is none."""
        route = self._routes.pop(part.key)
        if part.name == "book":
            del self._books[part.symbols[0]]
        route.close()
        self._tally.add(route)

    def route(self, part: Channel) -> Route | None:
        """The route of ``part``, if it is open."""
        return self._routes.get(part.key)

    def routes(self) -> Iterator[Route]:
        """All that is open."""
        return iter(self._routes.values())

    @property
    def checksums_ok(self) -> int:
        """Book messages that verified."""
        return self._count("checksums_ok")

    @property
    def checksums_failed(self) -> int:
        """Book messages that did not verify."""
        return self._count("checksums_failed")

    @property
    def trades_repeated(self) -> int:
        """Trades that were taken out because they were there before."""
        return self._count("trades_repeated")

    @property
    def trades_backfilled(self) -> int:
        """Trades that were missed, and fetched afterwards."""
        return self._count("trades_backfilled")

    def counts(self) -> dict[Part, Counts]:
        """What routes counted, those that are closed too; see ``Tally.parts``."""
        return self._tally.parts(self.routes())

    def _count(self, name: str) -> int:
        return self._tally.total(self.routes(), name)

    def disconnect(self) -> None:
        """The connection is gone: nothing of it is believed, and every loss is told in band."""
        for route in tuple(self._routes.values()):
            gap = route.disconnect()
            if gap is not None:
                self._tell(gap)

    def stall(self, part: Channel) -> None:
        """What was promised of ``part`` does not come: tell it in band, if it is open."""
        route = self.route(part)
        if route is not None:
            self._tell(route.stall())

    def feed(self, payload: bytes | memoryview, received_at: Timestamp | None) -> Sequence[Signal]:
        """Take one frame's payload all the way to the sinks; give what else it means.

        A frame that cannot be decoded is counted, told and signalled, and nothing else is lost
        with it. Of ``payload`` nothing is kept.
        """
        self.frames += 1
        if self._on_frame:
            shown = self.concealed.shown(payload)
            for hook in self._on_frame:
                hook(self.session, shown, received_at)
        try:
            message = self._decode(payload, received_at)
        except ProtocolError as raised:
            error = self.concealed.fault(raised, payload, self._decode)
            self.faults += 1
            for sink in self._sinks:
                sink(error)
            for hook in self._on_fault:
                hook(self.session, error)
            return (Faulted(error), *self._lose_frame(payload, received_at))
        if type(message) is BookMessage:  # as in ``take``: nine of ten are
            route = self._books.get(message.symbol)
            if route is not None:
                signals = route.verify(message)
                return self.note(signals) if signals else NOTHING
        return self.take(message)

    def take(self, message: Message) -> Sequence[Signal]:
        """Take a decoded message to the sinks, as ``feed`` does."""
        match message:
            case BookMessage():
                return self._take_book(self._books.get(message.symbol), message)
            case RecordsMessage():
                return self._take_records(message)
            case Heartbeat():
                self.heartbeats += 1
                for sink in self._sinks:
                    sink(message)
                return NOTHING
            case Reply():
                self.replies += 1
                return (Replied(message),)
            case Level3Message():
                route = self._routes.get(("level3", message.symbol, None))
                return self._take_book(cast("BookRoute | None", route), message)
            case Unknown():
                self.unknown += 1
                return (Unfamiliar(message),)
            case _ as unreachable:
                assert_never(unreachable)

    def _lose_frame(
        self, payload: bytes | memoryview, received_at: Timestamp | None
    ) -> Sequence[Signal]:
        """Tell those whose data a frame held that could not be decoded."""
        owner = self._codec.owner(payload)
        if owner is None:
            return NOTHING
        channel, symbol, interval = owner
        key = (channel, symbol, interval if channel == "ohlc" else None)
        lost: list[Signal] = []
        for name in self._on_tickers if channel == "ticker" else (channel,):
            route = self._routes.get((name, *key[1:]))
            gap = None if route is None else route.lose_frame(received_at)
            if route is not None and gap is not None:
                lost.append(DataLost(route.part, gap))
        return self.note(lost)

    def _take_book(
        self, route: BookRoute | None, message: BookMessage | Level3Message
    ) -> Sequence[Signal]:
        if route is None:
            return self._unrouted(message)
        signals = route.verify(message)
        return self.note(signals) if signals else NOTHING

    def _take_records(self, message: RecordsMessage) -> Sequence[Signal]:
        """Take records to the routes of what they are about."""
        match message.channel:
            case "ticker":
                return self._take_ticker(message)
            case "trade" | "ohlc" | "spread":
                return self._take_by_symbol(message)
            case "status":
                return self._take_status(message)
            case "executions":
                # Whichever is there hands it on to all that live on it.
                there = (name for name in OF_EXECUTIONS if (name, None, None) in self._routes)
                return self._hand_on((next(there, "executions"), None, None), message)
            case channel:
                self._learn(message)
                return self._hand_on((channel, None, None), message)

    def _take_ticker(self, message: RecordsMessage) -> Sequence[Signal]:
        """One subscription on the wire serves two of ours. A message is of one symbol; should one
        ever not be, each record goes its own way.
        """
        signals = NOTHING
        for record in message.records:
            symbol = record.symbol if isinstance(record, Ticker) else None
            part = message if len(message.records) == 1 else replace(message, records=(record,))
            routes = [self._routes.get((name, symbol, None)) for name in self._on_tickers]
            if not any(routes):
                signals = (*signals, *self._unrouted(part))
            told = [each for route in routes if route for each in self.note(route.take(part))]
            # Of two that live on one subscription, one speaks for both.
            first = {type(each): each for each in reversed(told)}
            signals = (*signals, *(each for each in told if first[type(each)] is each))
        return signals

    @property
    def _on_tickers(self) -> tuple[str, ...]:
        return ("ticker", "spread") if self.traits.spread_of_tickers else ("ticker",)

    def _take_by_symbol(self, message: RecordsMessage) -> Sequence[Signal]:
        """A message is of one symbol; should one ever not be, each part goes its own way."""
        groups: dict[Key, list[Any]] = {}
        for record in message.records:
            if isinstance(record, Trade | Spread):
                groups.setdefault((message.channel, record.symbol, None), []).append(record)
            elif isinstance(record, Candle):
                groups.setdefault(("ohlc", record.symbol, record.interval), []).append(record)
        signals = NOTHING
        for key, records in groups.items():
            part = message if len(groups) == 1 else replace(message, records=tuple(records))
            signals = (*signals, *self._hand_on(key, part))
        return signals

    def _take_status(self, message: RecordsMessage) -> Sequence[Signal]:
        signals = NOTHING
        for record in message.records:
            if isinstance(record, SystemStatus):
                for sink in self._sinks:
                    sink(record)
                signals = (*signals, StatusSeen(record))
        return signals

    def _hand_on(self, key: Key, message: RecordsMessage) -> Sequence[Signal]:
        route = self._routes.get(key)
        if route is None:
            return self._unrouted(message)
        return self.note(route.take(message))

    def _learn(self, message: RecordsMessage) -> None:
        """Tell the books the precisions of their pairs."""
        for symbol, precision in self._precisions.learn(message.records):
            for channel in ("book", "level3"):
                route = self._routes.get((channel, symbol, None))
                if isinstance(route, BookRoute):
                    route.book.set_precision(*precision)

    def _unrouted(
        self, message: BookMessage | Level3Message | RecordsMessage
    ) -> tuple[Signal, ...]:
        self.unrouted += 1
        return (Unrouted(message),)

    def note(self, signals: Sequence[Signal]) -> Sequence[Signal]:
        """Tell the observers of what is lost; for what a route gives by itself."""
        for signal in signals:
            if isinstance(signal, DataLost | Missed):
                self._tell(signal.gap)
        return signals

    def _tell(self, gap: Gap) -> None:
        for hook in self._on_gap:
            hook(self.session, gap)

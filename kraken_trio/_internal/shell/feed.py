"""The feed: who asked for what, and who gets what.

Joins a session, which delivers, with the subscriptions, event streams and callbacks, which
receive. Everything here is synchronous, but for the waits that a program asks for by name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import trio
from trio.lowlevel import enable_ki_protection

from kraken_trio._internal.core import roster as roster_effects
from kraken_trio._internal.core import session_events as said
from kraken_trio._internal.core.book import OrderBook
from kraken_trio._internal.core.buffer import Buffer, Item
from kraken_trio._internal.core.conversation import Effect
from kraken_trio._internal.engine.hooks import Hooks
from kraken_trio._internal.engine.routes import BookRoute
from kraken_trio._internal.model.channel import Channel, modern_symbol
from kraken_trio._internal.model.config import DropPolicy, KrakenConfig
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.gap import Gap, GapPolicy, Resync
from kraken_trio._internal.model.level3 import Level3Snapshot
from kraken_trio._internal.model.lifecycle import BookState, ConnectionState
from kraken_trio._internal.model.records import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level,
    Spread,
    Ticker,
    Trade,
)
from kraken_trio._internal.model.reference import InstrumentAsset, InstrumentPair
from kraken_trio._internal.shell.channel import Pressure, RecordChannel
from kraken_trio._internal.shell.dispatcher import Dispatcher, Registration
from kraken_trio._internal.shell.losses import Losses
from kraken_trio._internal.shell.sharing import Sharing
from kraken_trio._internal.shell.statistics import FeedStatistics
from kraken_trio._internal.shell.subscribe import Subscription
from kraken_trio._internal.shell.supervisor import Supervisor

log = logging.getLogger("kraken_trio.feed")

INSTRUMENT_DEPTH = 10_000
"""Room for the instruments: their snapshot is one frame with some 2,000 records, all at once."""

T = TypeVar("T")


class Feed:
    """Market data from the exchange: ``open_kraken`` opens it.

    Nothing is connected until it is first used. All methods must be called from tasks of the
    Trio run that opened it, and none of them works after its block was left.
    """

    def __init__(
        self,
        config: KrakenConfig,
        supervisor: Supervisor,
        sharing: Sharing,
        dispatcher: Dispatcher,
        pressure: Pressure,
        *,
        hooks: Hooks,
        losses: Losses,
    ) -> None:
        """Join what ``open_kraken`` made."""
        self._config = config
        self._supervisor = supervisor
        self._engine = supervisor.engine
        self._sharing = sharing
        self._dispatcher = dispatcher
        self._pressure = pressure
        self._hooks = hooks
        self._losses = losses
        self._dispatching = False
        self._streams: list[RecordChannel[Any]] = []
        self._waiting: dict[trio.Event, tuple[str, ConnectionState]] = {}
        self._closed = False

    # Subscribing.

    def subscribe(
        self,
        channel: Channel,
        *,
        stream: bool = True,
        drop_policy: DropPolicy | None = None,
        max_queue_depth: int | None = None,
        gap_policy: GapPolicy | None = None,
    ) -> Subscription[Any]:
        """A subscription, to be entered with ``async with``; see ``Subscription``.

        With ``stream=False`` it has no channel of its own: its records go to ``events`` and to
        callbacks alone. The policies and ``max_queue_depth`` are those of the configuration
        unless given. Raises ``ConfigurationError`` for what this feed cannot do.
        """
        if channel.private:
            raise ConfigurationError(
                "channel",
                f"must be public, is {channel.name}",
                "Private channels need a private session, which this version does not make",
            )
        if max_queue_depth is None and channel.name == "instrument":
            max_queue_depth = max(self._config.max_queue_depth, INSTRUMENT_DEPTH)
        records = self._channel(drop_policy, max_queue_depth) if stream else None
        config = self._config if gap_policy is None else self._config.replace(gap_policy=gap_policy)
        if config.gap_policy is GapPolicy.BUFFER:
            raise ConfigurationError(
                "gap_policy",
                "must be resync or ignore",
                "A live feed of this version does not wait for what comes in the wrong order",
            )
        return Subscription(self._sharing, channel, records, config.gap_handling)

    def ticker(
        self, *symbols: str, event_trigger: Literal["trades", "bbo"] = "trades"
    ) -> Subscription[Ticker | Gap]:
        """Tickers of these pairs: one for each trade, or each change of the best levels."""
        return self.subscribe(Channel.ticker(*symbols, event_trigger=event_trigger))

    def spread(self, *symbols: str) -> Subscription[Spread | Gap]:
        """Best bid and offer of these pairs, one for each change."""
        return self.subscribe(Channel.spread(*symbols))

    def book(self, *symbols: str, depth: int = 10) -> Subscription[BookSnapshot | BookUpdate | Gap]:
        """Verified order books of these pairs: a snapshot, then its updates.

        After a ``Gap`` comes a snapshot before anything else of that symbol.
        """
        return self.subscribe(Channel.book(*symbols, depth=depth))

    def trades(self, *symbols: str, snapshot: bool = False) -> Subscription[Trade | Gap]:
        """Trades of these pairs; with ``snapshot`` the latest 50 of each come first."""
        return self.subscribe(Channel.trades(*symbols, snapshot=snapshot))

    def ohlc(self, *symbols: str, interval: int = 1) -> Subscription[Candle | Gap]:
        """Candles of ``interval`` minutes, the running one at each trade."""
        return self.subscribe(Channel.ohlc(*symbols, interval=interval))

    def instrument(self) -> Subscription[InstrumentAsset | InstrumentPair | Gap]:
        """All assets and pairs, then their changes."""
        return self.subscribe(Channel.instrument())

    @enable_ki_protection
    def events(self) -> RecordChannel[Item]:
        """Everything in one stream: records, gaps, transitions, the status, faults, refusals.

        It begins now, with a verified snapshot of each live book; ``async with`` ends it. At most
        ``buffer_size`` entries wait, and besides them the gap of each channel and symbol that the
        consumer was too slow for: the oldest are dropped first.
        """
        self._check_open()
        channel: RecordChannel[Item]
        channel = RecordChannel(
            Buffer(self._config.buffer_size, DropPolicy.OLDEST, self.live_book),
            self._pressure,
            on_close=lambda: self._end_stream(channel),
        )
        self._streams.append(channel)
        self._engine.attach(channel.put)
        return channel

    @enable_ki_protection
    def on(self, kind: type[T], callback: Callable[[T], object]) -> Registration:
        """Call ``callback`` for everything of this kind: records, ``Gap``, ``StateChange``, errors.

        It may be async; it never runs in the reader, and one is called after the other, in the
        order of registration. What it raises leaves the feed's block as it is, unless the feed
        was opened with ``callback_errors="isolate"``. When the block ends none is called any
        more, so the last transition, to CLOSED, is seen by observers alone.
        """
        self._check_open()
        registration = self._dispatcher.on(kind, callback)
        if not self._dispatching:
            self._dispatching = True
            self._engine.attach(self._dispatcher.put)
        return registration

    # The session.

    @property
    def state(self) -> ConnectionState:
        """Of the public session."""
        return self._supervisor.state

    @property
    def states(self) -> dict[str, ConnectionState]:
        """Of each session that there is, by its name."""
        return {self._supervisor.conversation.session.name: self.state}

    @enable_ki_protection
    def connect(self) -> None:
        """Connect without waiting for a first use, or start anew after CLOSED. Else nothing."""
        self._check_open()
        self._supervisor.connect()

    @enable_ki_protection
    def disconnect(self) -> None:
        """End the session: hang up, and connect no more until ``connect``.

        Subscriptions stay, and are asked for again in the next session. Books, tickers and
        instruments tell at once that they know nothing any more; trades and candles tell what is
        missing, to the number, when the next ones come.
        """
        self._check_open()
        self._supervisor.close()

    @enable_ki_protection
    async def wait_state(self, state: ConnectionState, *, session: str = "public") -> None:
        """Wait until a session is in ``state``. One that it only passes through is not missed.

        ``KeyError`` for a session that there is not, ``trio.ClosedResourceError`` when the feed's
        block is left. Always a checkpoint.
        """
        self._check_open()
        event = trio.Event()
        if self.states[session] is state:
            event.set()
        self._waiting[event] = (session, state)
        try:
            await event.wait()
        finally:
            reached = event in self._waiting
            self._waiting.pop(event, None)
        if not reached:
            self._check_open()

    # What there is.

    def order_book(self, symbol: str) -> BookSnapshot | None:
        """The live, verified book of a pair as it stands now; None while it is not live."""
        snapshot = self.live_book("book", symbol)
        return snapshot if isinstance(snapshot, BookSnapshot) else None

    def best_bid_ask(self, symbol: str) -> tuple[Level | None, Level | None] | None:
        """The best levels of a live book, None for an empty side; None while it is not live."""
        route = self._book(symbol)
        if route is None or route.book.state is not BookState.LIVE:
            return None
        book = route.book
        return (book.best_bid, book.best_ask) if isinstance(book, OrderBook) else None

    @property
    def active_subscriptions(self) -> tuple[Channel, ...]:
        """What is confirmed and complete, one channel with one symbol each."""
        return self._sharing.active

    def is_subscribed(self, channel: Channel) -> bool:
        """Whether every symbol of ``channel`` is confirmed and complete."""
        return self._sharing.is_active(channel)

    def statistics(self) -> FeedStatistics:
        """Everything that is counted, at this moment."""
        engine = self._engine
        books = [route.book for route in engine.routes() if isinstance(route, BookRoute)]
        return FeedStatistics(
            states=self.states,
            frames=engine.frames,
            faults=engine.faults,
            unknown=engine.unknown,
            unrouted=engine.unrouted,
            heartbeats=engine.heartbeats,
            checksums_ok=sum(book.checksums_ok for book in books),
            checksums_failed=sum(book.checksums_failed for book in books),
            gaps=dict(self._losses.gaps),
            resyncs=self._losses.resyncs,
            connections=self._supervisor.connections,
            subscriptions=tuple(each.statistics() for each in self._sharing),
        )

    # For ``open_kraken``.

    def told(self, effect: Effect) -> None:
        """Pass on what the supervisor tells."""
        session = self._supervisor.conversation.session.name
        match effect:
            case said.Changed(change):
                self.publish(change)
                for hook in self._hooks.state_changed:
                    hook(change)
                for event, wanted in self._waiting.items():
                    if wanted == (change.session, change.to_state):
                        event.set()
            case roster_effects.Ended(_, error):
                log.warning("subscription_ended: %s", error)
                self.publish(error)
                for hook in self._hooks.subscription_failed:
                    hook(session, error)
                self._sharing.told(effect)
            case roster_effects.Mended(part, reason, duration_s):
                at = self._supervisor.wall()
                for own in self._sharing.parts_on(part):
                    symbol = own.symbols[0] if own.symbols else None
                    resync = Resync(own.name, symbol, reason, duration_s, at)
                    self.publish(resync)
                    for hook in self._hooks.resync:
                        hook(session, resync)
            case said.RetryIn(delay_s, cause):
                log.warning("retry_in %.3g s: %s", delay_s, cause)
            case said.WarnStale(silent_s):
                log.warning("silent for %.3g s", silent_s)
            case _:
                self._sharing.told(effect)

    @enable_ki_protection
    def close(self) -> None:
        """End everything that receives, and the session."""
        self._closed = True
        self._sharing.close()
        for stream in tuple(self._streams):
            stream.close()
        for event in tuple(self._waiting):
            del self._waiting[event]
            event.set()
        self._supervisor.close()

    def _check_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError("the feed's block was left")

    def _channel(self, policy: DropPolicy | None, depth: int | None) -> RecordChannel[Any]:
        """A channel of its own for one subscription."""
        # The configuration's own rules check what was given here.
        config = self._config
        if policy is not None:
            config = config.replace(drop_policy=policy)
        if depth is not None:
            config = config.replace(max_queue_depth=depth)
        if config.drop_policy is DropPolicy.BLOCK:
            raise ConfigurationError(
                "drop_policy",
                "must be oldest, latest or coalesce",
                "Block needs a connection of its own, which this version does not make",
            )
        buffer = Buffer(config.max_queue_depth, config.drop_policy, self.live_book)
        return RecordChannel(buffer, self._pressure)

    def _end_stream(self, channel: RecordChannel[Any]) -> None:
        self._streams.remove(channel)
        self._engine.detach(channel.put)

    def publish(self, event: Item) -> None:
        """Give what no route delivers to all that listen to everything."""
        for channel in self._streams:
            channel.put(event)
        self._dispatcher.put(event)

    def _book(self, symbol: str, channel: str = "book") -> BookRoute | None:
        route = self._sharing.route(channel, modern_symbol(symbol))
        return route if isinstance(route, BookRoute) else None

    def live_book(self, channel: str, symbol: str) -> BookSnapshot | Level3Snapshot | None:
        """A verified snapshot of a live book, for a buffer that lost part of its chain."""
        route = self._book(symbol, channel)
        return None if route is None else route.book.snapshot()

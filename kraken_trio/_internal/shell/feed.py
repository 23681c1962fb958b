"""The feed: who asked for what, and who gets what.

Joins a session, which delivers, with the subscriptions, event streams and callbacks, which
receive. Everything here is synchronous, but for the waits that a program asks for by name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import trio

from kraken_trio._internal.core import roster as roster_effects
from kraken_trio._internal.core import session_events as said
from kraken_trio._internal.core.book import OrderBook
from kraken_trio._internal.core.buffer import Buffer, Item
from kraken_trio._internal.core.conversation import Effect
from kraken_trio._internal.engine.routes import BookRoute
from kraken_trio._internal.model.channel import Channel, modern_symbol
from kraken_trio._internal.model.config import DropPolicy, KrakenConfig
from kraken_trio._internal.model.errors import ConfigurationError, SubscriptionError
from kraken_trio._internal.model.gap import Gap
from kraken_trio._internal.model.level3 import Level3Snapshot
from kraken_trio._internal.model.lifecycle import BookState, ConnectionState, SubscriptionState
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
from kraken_trio._internal.shell.scopes import Services
from kraken_trio._internal.shell.statistics import FeedStatistics
from kraken_trio._internal.shell.subscribe import Subscription
from kraken_trio._internal.shell.supervisor import Supervisor, wire_part

log = logging.getLogger("kraken_trio.feed")

INSTRUMENT_DEPTH = 10_000
"""Room for the instruments: their snapshot is one frame with some 2,000 records, all at once."""

T = TypeVar("T")
Key = tuple[str, str | None, int | None]


class Feed:
    """Market data from the exchange: ``open_kraken`` opens it.

    Nothing is connected until it is first used. All methods must be called from tasks of the
    Trio run that opened it, and none of them works after its block was left.
    """

    def __init__(
        self,
        config: KrakenConfig,
        supervisor: Supervisor,
        services: Services,
        dispatcher: Dispatcher,
        pressure: Pressure,
    ) -> None:
        """Join what ``open_kraken`` made."""
        self._config = config
        self._supervisor = supervisor
        self._engine = supervisor.engine
        self._services = services
        self._dispatcher = dispatcher
        self._pressure = pressure
        self._dispatching = False
        self._streams: list[RecordChannel[Any]] = []
        self._subscriptions: dict[Subscription[Any], None] = {}
        self._users: dict[Key, dict[Subscription[Any], Channel]] = {}
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
    ) -> Subscription[Any]:
        """A subscription, to be entered with ``async with``; see ``Subscription``.

        With ``stream=False`` it has no channel of its own: its records go to ``events`` and to
        callbacks alone. ``drop_policy`` and ``max_queue_depth`` are those of the configuration
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
        return Subscription(self, channel, records)

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

    def events(self) -> RecordChannel[Item]:
        """Everything in one stream: records, gaps, transitions, the status, faults, refusals.

        It begins now; ``async with`` ends it. At most ``buffer_size`` entries wait; more are a
        ``Gap``, the oldest first.
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

    def on(self, kind: type[T], callback: Callable[[T], object]) -> Registration:
        """Call ``callback`` for everything of this kind: records, ``Gap``, ``StateChange``, errors.

        It may be async; it never runs in the reader, and one is called after the other, in the
        order of registration. What it raises leaves the feed's block as it is, unless the feed
        was opened with ``callback_errors="isolate"``.
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

    def connect(self) -> None:
        """Connect without waiting for a first use, or start anew after CLOSED. Else nothing."""
        self._check_open()
        self._supervisor.connect()

    def disconnect(self) -> None:
        """End the session: hang up, and connect no more until ``connect``.

        Subscriptions stay, each with its gap, and are asked for again in the next session.
        """
        self._check_open()
        self._supervisor.close()

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
        return tuple(
            next(iter(users.values()))
            for key, users in self._users.items()
            if any(subscription.parts.get(part) for subscription, part in users.items())
        )

    def is_subscribed(self, channel: Channel) -> bool:
        """Whether every symbol of ``channel`` is confirmed and complete."""
        active = set(map(_key, self.active_subscriptions))
        return all(_key(part) in active for part in channel.parts())

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
            subscriptions=tuple(each.statistics() for each in self._subscriptions),
        )

    # For the subscriptions: what ``Keeper`` asks for.

    def enter(self, subscription: Subscription[Any]) -> None:
        """Ask for the parts of a subscription, and start its task."""
        self._check_open()
        if self.state is ConnectionState.CLOSED:
            name = subscription.channel.name
            raise SubscriptionError("the session was ended; feed.connect() starts a new one", name)
        parts = tuple(subscription.parts)
        self._supervisor.want([wire_part(part) for part in parts])
        self._subscriptions[subscription] = None
        sink = subscription.records_channel
        for part in parts:
            self._users.setdefault(_key(part), {})[subscription] = part
            route = self._engine.route(part) or self._engine.open(part)
            if sink is not None:
                route.join(sink.put)
            entry = self._supervisor.conversation.roster.entry(wire_part(part))
            if entry is not None and entry.machine.state is SubscriptionState.LIVE:
                subscription.part_live(part)
        name = f"subscription {subscription.channel}"
        self._services.start_soon(subscription.watch, name=name)

    def leave(self, subscription: Subscription[Any]) -> None:
        """Ask for what is left of it no more."""
        if subscription not in self._subscriptions:
            return
        del self._subscriptions[subscription]
        parts = tuple(subscription.parts)
        for part in parts:
            self._forget(subscription, part)
        self._supervisor.unwant([wire_part(part) for part in parts])

    def deadline(self, subscription: Subscription[Any]) -> float:
        """When ``tick`` is next needed because of a subscription."""
        return self._supervisor.deadline([wire_part(part) for part in subscription.parts])

    def tick(self) -> None:
        """Let the conversation see what time it is."""
        self._supervisor.tick()

    # For ``open_kraken``.

    def told(self, effect: Effect) -> None:
        """Pass on what the supervisor tells."""
        match effect:
            case said.Changed(change):
                self.publish(change)
                for event, wanted in self._waiting.items():
                    if wanted == (change.session, change.to_state):
                        event.set()
            case roster_effects.Watch(part):
                for subscription, _ in self._of(part):
                    subscription.stir()
            case roster_effects.Discard(part):
                for subscription, own in self._of(part):
                    subscription.part_lost(own)
            case roster_effects.Completed(part):
                for subscription, own in self._of(part):
                    subscription.part_live(own)
            case roster_effects.Ended(part, error):
                log.warning("subscription_ended: %s", error)
                self.publish(error)
                for subscription, own in self._of(part):
                    self._forget(subscription, own)
                    subscription.part_ended(own, error)
            case said.RetryIn(delay_s, cause):
                log.warning("retry_in %.3g s: %s", delay_s, cause)
            case said.WarnStale(silent_s):
                log.warning("silent for %.3g s", silent_s)

    def close(self) -> None:
        """End everything that receives, and the session."""
        self._closed = True
        for subscription in tuple(self._subscriptions):
            subscription.close()
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

    def _of(self, part: Channel) -> list[tuple[Subscription[Any], Channel]]:
        """The subscriptions that live on one of the exchange's, each with its own part."""
        served = [part, Channel.spread(*part.symbols)] if part.name == "ticker" else [part]
        return [user for each in served for user in self._users.get(_key(each), {}).items()]

    def _forget(self, subscription: Subscription[Any], part: Channel) -> None:
        """Deliver nothing more of ``part`` to a subscription; the last one closes its route."""
        users = self._users[_key(part)]
        del users[subscription]
        route = self._engine.route(part)
        if route is not None and subscription.records_channel is not None:
            route.leave(subscription.records_channel.put)
        if not users:
            del self._users[_key(part)]
            self._engine.close(part)

    def _book(self, symbol: str, channel: str = "book") -> BookRoute | None:
        users = self._users.get((channel, modern_symbol(symbol), None))
        route = self._engine.route(next(iter(users.values()))) if users else None
        return route if isinstance(route, BookRoute) else None

    def live_book(self, channel: str, symbol: str) -> BookSnapshot | Level3Snapshot | None:
        """A verified snapshot of a live book, for a buffer that lost part of its chain."""
        route = self._book(symbol, channel)
        return None if route is None else route.book.snapshot()


def _key(part: Channel) -> Key:
    return part.name, part.symbols[0] if part.symbols else None, part.interval

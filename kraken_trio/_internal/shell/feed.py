"""The feed: all that a program can ask of it.

Each method finds who does it, among the sessions, the subscriptions and the callbacks; nothing is
done here. All of it is synchronous, but for the waits that a program asks for by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from trio.lowlevel import enable_ki_protection

from kraken_trio._internal.core.book import OrderBook
from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.core.level3 import Level3Book
from kraken_trio._internal.engine.hooks import Watcher
from kraken_trio._internal.model.account import Execution
from kraken_trio._internal.model.channel import PRIVATE_CHANNELS, Channel
from kraken_trio._internal.model.config import DropPolicy, KrakenConfig
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.gap import Gap, GapPolicy
from kraken_trio._internal.model.level3 import Level3Snapshot, Level3Update, QueuePosition
from kraken_trio._internal.model.lifecycle import BookState, ConnectionState
from kraken_trio._internal.model.orders import Order, OwnTrade
from kraken_trio._internal.model.ports import Observer
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
from kraken_trio._internal.model.statistics import FeedStatistics
from kraken_trio._internal.shell.backfill import Backfill
from kraken_trio._internal.shell.channel import RecordChannel
from kraken_trio._internal.shell.counting import take_stock
from kraken_trio._internal.shell.dispatcher import Dispatcher, Registration
from kraken_trio._internal.shell.hub import PUBLIC, Hub, endpoint_of, home
from kraken_trio._internal.shell.losses import Losses
from kraken_trio._internal.shell.session import LateSession
from kraken_trio._internal.shell.subscribe import Subscription
from kraken_trio._internal.shell.tables import BalanceTable, OrderTable, wait_order
from kraken_trio._internal.shell.tokens import Tokens

if TYPE_CHECKING:
    from kraken_trio._internal.shell.trading import Trading

AT_ONCE = ("instrument", *PRIVATE_CHANNELS)
"""Channels that begin with one frame of everything there is: some 2,000 instruments, all open
orders, all that is held."""
SNAPSHOT_DEPTH = 10_000
"""Room for that."""

T = TypeVar("T")


class Feed:
    """Market data from the exchange: ``open_kraken`` opens it.

    Nothing is connected until it is first used. All methods must be called from tasks of the
    Trio run that opened it, and none of them works after its block was left.
    """

    def __init__(
        self,
        config: KrakenConfig,
        *,
        hub: Hub,
        dispatcher: Dispatcher,
        losses: Losses,
        backfill: Backfill,
        tokens: Tokens,
        watched: Sequence[Watcher] = (),
        make_trading: Callable[[], Trading],
    ) -> None:
        """Join what ``open_kraken`` made."""
        self._config = config
        self._hub = hub
        self._dispatcher = dispatcher
        self._dispatching = False
        self._losses = losses
        self._watched = tuple(watched)
        self._backfill = backfill
        self._tokens = tokens
        self._orders = OrderTable(hub)
        self._balances = BalanceTable(hub, lambda: self.subscribe(Channel.balances()))
        self._make_trading = make_trading

    # Subscribing.

    def subscribe(
        self,
        channel: Channel,
        *,
        stream: bool = True,
        drop_policy: DropPolicy | None = None,
        max_queue_depth: int | None = None,
        coalesce_window: float | None = None,
        max_messages_per_second: int | None = None,
        gap_policy: GapPolicy | None = None,
        backfill: bool | None = None,
    ) -> Subscription[Any]:
        """A subscription, to be entered with ``async with``; see ``Subscription``.

        With ``stream=False`` it has no channel of its own: its records go to ``events`` and to
        callbacks alone. What is not given is as in the configuration, whose rules check all of
        it; ``backfill`` is for trades alone. Raises ``ConfigurationError`` for what this feed
        cannot do: private channels without an API key, or without httpx2, which fetches the token;
        what its protocol does not have.
        """
        self._config.traits.check(channel)
        if channel.name == "trade" and (self._config.backfill if backfill is None else backfill):
            self._config.traits.check_backfill()
        hub, host = self._hub, home(channel)
        if channel.private:
            self._tokens.prepare(channel, endpoint_of(self._config, host))
        if max_queue_depth is None and channel.name in AT_ONCE:
            max_queue_depth = max(self._config.max_queue_depth, SNAPSHOT_DEPTH)
        given = {
            "drop_policy": drop_policy,
            "max_queue_depth": max_queue_depth,
            "coalesce_window": coalesce_window,
            "max_messages_per_second": max_messages_per_second,
            "gap_policy": gap_policy,
        }
        config = self._config.replace(
            **{field: value for field, value in given.items() if value is not None}
        )
        if coalesce_window and config.drop_policy is not DropPolicy.COALESCE:
            raise ConfigurationError(
                "coalesce_window",
                f"must be left out with drop_policy {config.drop_policy.value}",
                "Nothing is gathered without the drop policy coalesce",
            )
        handling = self._backfill.handling(channel, config.gap_handling, backfill)
        shared = LateSession(partial(hub.shared, host))
        if not stream:
            return Subscription(shared, channel, None, handling)
        if config.drop_policy is DropPolicy.BLOCK:
            blocking = hub.backlog.blocking(channel, config)
            own = LateSession(partial(hub.begin, host, blocking.pause), hub.end)
            blocked: Subscription[Any] = Subscription(own, channel, blocking, handling)
            blocking.when_full = blocked.let_in
            return blocked
        return Subscription(shared, channel, hub.backlog.subscription(channel, config), handling)

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

    def trades(
        self, *symbols: str, snapshot: bool = False, backfill: bool | None = None
    ) -> Subscription[Trade | Gap]:
        """Trades of these pairs; with ``snapshot`` the latest 50 of each come first.

        With ``backfill``, those that are missed are fetched over REST, and come in their place
        with ``backfilled`` set; the later ones wait for them, ``pending_timeout`` at most. What
        cannot be had by then is a ``Gap``. Without, each hole is a ``Gap`` at once.
        """
        return self.subscribe(Channel.trades(*symbols, snapshot=snapshot), backfill=backfill)

    def ohlc(self, *symbols: str, interval: int = 1) -> Subscription[Candle | Gap]:
        """Candles of ``interval`` minutes, the running one at each trade."""
        return self.subscribe(Channel.ohlc(*symbols, interval=interval))

    def executions(
        self, *, snap_orders: bool = True, snap_trades: bool = True
    ) -> Subscription[Execution | Gap]:
        """What becomes of one's own orders; first all that are open, and the latest 50 fills.

        After a ``Gap`` both come again: an order that is not among them is not open any more, and
        a fill that was seen before has the same ``exec_id``.
        """
        return self.subscribe(Channel.executions(snap_orders=snap_orders, snap_trades=snap_trades))

    def open_orders(self) -> Subscription[Order | Gap]:
        """One's own orders as they stand: first all that are open, then each after each report.

        Made of ``executions``, and shared with it; protocol v1 has such a channel. After a ``Gap``
        come those that ended meanwhile, and all that are open.
        """
        return self.subscribe(Channel.open_orders())

    def own_trades(self) -> Subscription[OwnTrade | Gap]:
        """One's own fills, each once and in order: first the latest 50, oldest first.

        Made of ``executions``, and shared with it; protocol v1 has such a channel. Those that were
        missed come from the snapshot; there is a ``Gap`` only where that does not reach back to
        what was seen.
        """
        return self.subscribe(Channel.own_trades())

    @property
    def balances(self) -> BalanceTable:
        """What is held now, a live table by asset: ``feed.balances["BTC"].balance``.

        Called, it is the subscription that keeps it live: ``async with feed.balances() as held``
        gives all that is held, then each entry of the ledger, and after a ``Gap`` all of it again.
        """
        return self._balances

    def level3(
        self, *symbols: str, depth: int = 10
    ) -> Subscription[Level3Snapshot | Level3Update | Gap]:
        """Verified books of these pairs, order by order; needs an API key, as the two above.

        After a ``Gap`` comes a snapshot before anything else of that symbol.
        """
        return self.subscribe(Channel.level3(*symbols, depth=depth))

    def instrument(self) -> Subscription[InstrumentAsset | InstrumentPair | Gap]:
        """All assets and pairs, then their changes."""
        return self.subscribe(Channel.instrument())

    def trading(self) -> Trading:
        """Orders, to be entered with ``async with``; see ``kraken_trio.extended.Trading``.

        They have a connection of their own, so no consumer and no subscription is ever in their
        way. One at a time. Raises ``ConfigurationError`` as ``subscribe`` does for private
        channels, and where the feed's protocol has no orders.
        """
        self._config.traits.check_orders()
        return self._make_trading()

    @enable_ki_protection
    def events(self) -> RecordChannel[Item]:
        """Everything in one stream: records, gaps, transitions, the status, faults, refusals.

        It begins now, with a verified snapshot of each live book; ``async with`` ends it. At most
        ``buffer_size`` entries wait, and besides them the gap of each channel and symbol that the
        consumer was too slow for: the oldest are dropped first.
        """
        self._hub.check_open()
        return self._hub.stream(self._config)

    @enable_ki_protection
    def on(self, kind: type[T], callback: Callable[[T], object]) -> Registration:
        """Call ``callback`` for everything of this kind: records, ``Gap``, ``StateChange``, errors.

        It is given what comes from now on. It may be async; it never runs in the reader, and one
        is called after the other, in the order of registration. What it raises leaves the feed's
        block as it is, unless the feed was opened with ``callback_errors="isolate"``. When the
        block ends none is called any more, so the last transition, to CLOSED, is seen by
        observers alone.
        """
        self._hub.check_open()
        registration = self._dispatcher.on(kind, callback)
        if not self._dispatching:
            self._dispatching = True
            self._hub.listen(self._dispatcher.put)
        return registration

    # The sessions.

    @property
    def state(self) -> ConnectionState:
        """Of the public session, which serves all market data but ``level3``."""
        return self._hub.public.supervisor.state

    @property
    def states(self) -> dict[str, ConnectionState]:
        """Of each session that there is, by its name: ``public``; ``private`` and ``level3`` from
        their first use on; ``block 1`` and so on, each as long as its subscription.
        """
        return {name: session.supervisor.state for name, session in self._hub.sessions.items()}

    @enable_ki_protection
    def connect(self) -> None:
        """Connect without waiting for a first use, or start anew after CLOSED. Else nothing.

        That is for the public session, and for those that were used already: a private one that
        nobody has subscribed on would be closed by the exchange, and its token expire unused.
        """
        self._hub.check_open()
        for session in self._hub.sessions.values():
            session.supervisor.connect()

    @enable_ki_protection
    def disconnect(self) -> None:
        """End the sessions: hang up, and connect no more until ``connect``.

        Subscriptions stay, and are asked for again in the next session; one that still waits to
        be entered raises ``SubscriptionError``. Books, tickers and instruments tell at once that
        they know nothing any more; trades and candles tell what is missing, to the number, when
        the next ones come.
        """
        self._hub.check_open()
        for session in self._hub.sessions.values():
            session.supervisor.close()

    @enable_ki_protection
    async def wait_state(self, state: ConnectionState, *, session: str = PUBLIC) -> None:
        """Wait until a session is in ``state``. One that it only passes through is not missed.

        ``private`` and ``level3`` are DISCONNECTED before their first use. ``KeyError`` for any
        other session that there is not, ``trio.ClosedResourceError`` when the feed's
        block is left. Always a checkpoint.
        """
        await self._hub.wait_state(state, session)

    # What there is.

    @property
    def orders(self) -> OrderTable:
        """One's own orders as they stand, a live table by ``order_id``; kept live by whatever is
        subscribed to of ``executions``, ``open_orders`` and ``own_trades``.
        """
        return self._orders

    async def wait_order(self, order_id: str, status: str | None = None) -> Order:
        """Wait until an order has come as far as ``status``; without one, until it has ended.

        ``new`` is reached by one that is partly filled, too; ``filled``, ``canceled`` and
        ``expired`` are ends. One that is not known yet is waited for, also over reconnects; set a
        limit with ``trio.fail_after``, for one that came and was cancelled while there was no
        connection is never heard of. One filled then is known by its fills. Raises ``OrderEnded``
        where it ended otherwise; ``SubscriptionError`` where nothing is subscribed to that tells of
        orders, or not any more, or where ``feed.disconnect()`` ended the session;
        ``trio.ClosedResourceError`` when the feed's block is left. Cancelled, it leaves nothing
        behind. Always a checkpoint.
        """
        return await wait_order(self._hub, order_id, status)

    def queue_position(self, symbol: str, order_id: str) -> QueuePosition | None:
        """Where an order stands in the queue of its price, by the live, verified ``level3`` book of
        its pair; None while that is not live, and for an order that is not in it.
        """
        route = self._hub.book(symbol, "level3")
        book = None if route is None else route.book
        return book.position(order_id) if isinstance(book, Level3Book) else None

    def order_book(self, symbol: str) -> BookSnapshot | None:
        """The live, verified book of a pair as it stands now; None while it is not live."""
        snapshot = self._hub.live_book("book", symbol)
        return snapshot if isinstance(snapshot, BookSnapshot) else None

    def best_bid_ask(self, symbol: str) -> tuple[Level | None, Level | None] | None:
        """The best levels of a live book, None for an empty side; None while it is not live."""
        route = self._hub.book(symbol)
        if route is None or route.book.state is not BookState.LIVE:
            return None
        book = route.book
        return (book.best_bid, book.best_ask) if isinstance(book, OrderBook) else None

    @property
    def active_subscriptions(self) -> tuple[Channel, ...]:
        """What is confirmed and complete, one channel with one symbol each."""
        return tuple(
            part for session in self._hub.sessions.values() for part in session.sharing.active
        )

    def is_subscribed(self, channel: Channel) -> bool:
        """Whether every symbol of ``channel`` is confirmed and complete, with its options."""
        return any(session.sharing.is_active(channel) for session in self._hub.sessions.values())

    @property
    def observers(self) -> tuple[Observer, ...]:
        """Those that it was opened with."""
        return tuple(each.observer for each in self._watched)

    def statistics(self) -> FeedStatistics:
        """Everything that is counted, at this moment; at the end, when the block was left."""
        hub = self._hub
        return take_stock(
            sessions=hub.sessions,
            past=hub.past,
            left=hub.backlog.left,
            streams=(stream.statistics() for stream in hub.streams),
            callbacks=self._dispatcher.statistics(),
            losses=self._losses,
            requests=hub.requests,
            watched=self._watched,
        )

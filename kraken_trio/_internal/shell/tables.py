"""The live tables of one's own account: orders and balances as they stand, to be looked up.

Knows where in a feed they are kept, and how to wait for what becomes of an order. What they say is
added up in the engine, in the very moment in which it is read, for as long as anybody subscribes;
whether a consumer is slow does not matter to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

import trio

from kraken_trio._internal.engine.account_routes import AccountRoute
from kraken_trio._internal.engine.accounts import BalancesSource, ExecutionsSource, Source
from kraken_trio._internal.model.account import BalanceSnapshot, BalanceUpdate
from kraken_trio._internal.model.errors import ConfigurationError, OrderEnded, SubscriptionError
from kraken_trio._internal.model.gap import Gap
from kraken_trio._internal.model.lifecycle import ConnectionState
from kraken_trio._internal.model.orders import ENDED, Order
from kraken_trio._internal.shell.hub import LEVEL3, PRIVATE, PUBLIC, Hub
from kraken_trio._internal.shell.session import Session
from kraken_trio._internal.shell.sharing import ended
from kraken_trio._internal.shell.subscribe import Subscription

_WAY: Final = ("pending_new", "new", "partially_filled", "filled")
"""What an order comes by, in this order; it may leave steps out."""

S = TypeVar("S", bound=Source)


class OrderTable(Mapping[str, Order]):
    """Own orders as they stand, by ``order_id``: a live view, never a copy.

    It knows all that are open, and the latest 1,000 that ended while it watched, or before, where
    their fills are among those of a snapshot. It is there as
    long as something is subscribed to that orders are folded from (``executions``, ``open_orders``
    or ``own_trades``), and empty otherwise.
    """

    def __init__(self, hub: Hub) -> None:
        """Look in the sessions of ``hub``."""
        self._hub = hub

    @property
    def live(self) -> bool:
        """Whether it is what is so now. False before the first snapshot, without a connection, and
        from a loss until the snapshot that mends it: what it says then is how things stood.
        """
        _, source = _found(self._hub, ExecutionsSource)
        return source is not None and source.live

    @property
    def open(self) -> tuple[Order, ...]:
        """The orders that are open, oldest first."""
        _, source = _found(self._hub, ExecutionsSource)
        return () if source is None else source.orders.open

    def __getitem__(self, order_id: str) -> Order:
        """An order; ``KeyError`` for one that is not known."""
        _, source = _found(self._hub, ExecutionsSource)
        order = None if source is None else source.orders.get(order_id)
        if order is None:
            raise KeyError(order_id)
        return order

    def __iter__(self) -> Iterator[str]:
        """The names of all that are known: the open ones first."""
        _, source = _found(self._hub, ExecutionsSource)
        return iter(() if source is None else tuple(source.orders))

    def __len__(self) -> int:
        """How many are known."""
        _, source = _found(self._hub, ExecutionsSource)
        return 0 if source is None else len(source.orders)

    def __repr__(self) -> str:
        """How many there are, and whether that is so now."""
        state = "live" if self.live else "not live"
        return f"<OrderTable {state}: {len(self.open)} open, {len(self)} known>"


class BalanceTable(Mapping[str, BalanceSnapshot]):
    """What is held now, by asset: a live view, never a copy. Called, it subscribes.

    It is there as long as ``balances`` is subscribed to, and empty otherwise. An asset of which
    nothing is held is not in it.
    """

    def __init__(
        self,
        hub: Hub,
        subscribe: Callable[[], Subscription[BalanceSnapshot | BalanceUpdate | Gap]],
    ) -> None:
        """Look in the sessions of ``hub``; ``subscribe`` makes a subscription."""
        self._hub = hub
        self._subscribe = subscribe

    def __call__(self) -> Subscription[BalanceSnapshot | BalanceUpdate | Gap]:
        """All that is held, then each entry of the ledger. After a ``Gap`` all of it again."""
        return self._subscribe()

    @property
    def live(self) -> bool:
        """Whether it is what is so now; see ``OrderTable.live``."""
        _, source = _found(self._hub, BalancesSource)
        return source is not None and source.live

    def __getitem__(self, asset: str) -> BalanceSnapshot:
        """What is held of an asset; ``KeyError`` where nothing is."""
        _, source = _found(self._hub, BalancesSource)
        held = None if source is None else source.balances.get(asset)
        if held is None:
            raise KeyError(asset)
        return held

    def __iter__(self) -> Iterator[str]:
        """The assets of which something is held."""
        _, source = _found(self._hub, BalancesSource)
        return iter(() if source is None else tuple(source.balances))

    def __len__(self) -> int:
        """How many they are."""
        _, source = _found(self._hub, BalancesSource)
        return 0 if source is None else len(source.balances)

    def __repr__(self) -> str:
        """How many there are, and whether that is so now."""
        return f"<BalanceTable {'live' if self.live else 'not live'}: {len(self)} assets>"


async def wait_order(hub: Hub, order_id: str, status: str | None) -> Order:
    """Wait until an order has come as far as ``status``, without one to its end; see ``Feed``."""
    if status is not None and status not in {*_WAY, *ENDED}:
        raise ConfigurationError(
            "status",
            f"must be one of {', '.join((*_WAY, *sorted(ENDED - {*_WAY})))}",
            "Choose one of these, or leave it out to wait for the end",
        )
    hub.check_open()
    session, source = _found(hub, ExecutionsSource)
    if session is None or source is None:
        raise SubscriptionError(
            "is not subscribed to; enter feed.open_orders() or feed.executions() for as long "
            "as orders are waited for",
            "executions",
        )
    if session.supervisor.state is ConnectionState.CLOSED:
        raise ended("executions")
    told: list[Order | SubscriptionError] = []
    heard = trio.Event()

    def hear(news: Order | SubscriptionError) -> None:
        if isinstance(news, Order) and not (news.order_id == order_id and _settled(news, status)):
            return
        told.append(news)
        heard.set()

    source.watchers = [*source.watchers, hear]
    try:
        known = source.orders.get(order_id)
        if known is not None:
            hear(known)
        await heard.wait()
    finally:
        source.watchers = [watcher for watcher in source.watchers if watcher is not hear]
    news = told[0]
    if isinstance(news, SubscriptionError):
        hub.check_open()
        raise news
    if status is not None and not _reached(news, status):
        raise OrderEnded(order_id, news.order_status, status)
    return news


def _found(hub: Hub, kind: type[S]) -> tuple[Session | None, S | None]:
    """Where a table is kept: in a session that has it live, or else in the first that has it; and
    before all others in the one that waits for no consumer.
    """
    first: tuple[Session | None, S | None] = None, None
    others = [name for name in hub.sessions if name not in (PUBLIC, PRIVATE, LEVEL3)]
    for name in (PRIVATE, *others):
        session = hub.sessions.get(name)
        if session is None:
            continue
        for route in session.engine.routes():
            source: Any = route.source if isinstance(route, AccountRoute) else None
            if isinstance(source, kind):
                if source.live:
                    return session, source
                first = first if first[0] else (session, source)
    return first


def _settled(order: Order, status: str | None) -> bool:
    """Whether a wait is over: by success, or by an end that makes it impossible."""
    return not order.open or (status is not None and _reached(order, status))


def _reached(order: Order, status: str) -> bool:
    """Whether an order has come as far: one that is partly filled has been ``new``."""
    if order.order_status == status:
        return True
    if status not in _WAY:
        return False
    at = _WAY.index(order.order_status) if order.order_status in _WAY else 0
    if order.cum_qty:
        at = max(at, _WAY.index("partially_filled"))
    return at >= _WAY.index(status)

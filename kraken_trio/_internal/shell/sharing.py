"""Who subscribed to what, and on which of the exchange's own subscriptions each lives.

Several consumers may share one, and one consumer may have many: here they find each other. All of
it is synchronous; what is asked of the exchange is the supervisor's matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import trio
from msgspec.structs import replace
from trio.lowlevel import enable_ki_protection

from kraken_trio._internal.core import roster_effects
from kraken_trio._internal.core.conversation import Effect
from kraken_trio._internal.core.entry import Entry
from kraken_trio._internal.engine.account_routes import AccountRoute
from kraken_trio._internal.engine.routes import Route
from kraken_trio._internal.engine.steps import perform
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import SubscriptionError
from kraken_trio._internal.model.lifecycle import ConnectionState, SubscriptionState
from kraken_trio._internal.model.steps import Closed, Confirmed, Opened
from kraken_trio._internal.shell.scopes import Services
from kraken_trio._internal.shell.serving import served_by, wire_part
from kraken_trio._internal.shell.subscribe import Subscription
from kraken_trio._internal.shell.supervisor import Supervisor

Key = tuple[str, str | None, int | None]


class Sharing:
    """What keeps the subscriptions of a feed: their ``Keeper``."""

    def __init__(self, supervisor: Supervisor, services: Services) -> None:
        """Start without any. Their tasks are started in ``services``."""
        self._supervisor = supervisor
        self._engine = supervisor.engine
        self._services = services
        self._subscriptions: dict[Subscription[Any], None] = {}
        # By what the data say of where they belong: each that wants them, with its own part.
        self._users: dict[Key, dict[Subscription[Any], Channel]] = {}
        self._closed = False

    def __iter__(self) -> Iterator[Subscription[Any]]:
        """All that were entered and not left, in the order of entering."""
        return iter(tuple(self._subscriptions))

    @property
    def active(self) -> tuple[Channel, ...]:
        """What is confirmed and complete, one channel with one symbol each."""
        return tuple(
            next(iter(users.values()))
            for users in self._users.values()
            if any(subscription.parts.get(part) for subscription, part in users.items())
        )

    def is_active(self, channel: Channel) -> bool:
        """Whether every symbol of ``channel`` is confirmed and complete."""
        # Whether one of them came with a snapshot is all that those who share it may differ in.
        active = {replace(part, snapshot=True) for part in self.active}
        return all(replace(part, snapshot=True) in active for part in channel.parts())

    def route(self, channel: str, symbol: str) -> Route | None:
        """The route of a channel without intervals, if anybody is subscribed to it."""
        users = self._users.get((channel, symbol, None))
        return self._engine.route(next(iter(users.values()))) if users else None

    @enable_ki_protection
    def enter(self, subscription: Subscription[Any]) -> None:
        """Ask for the parts of a subscription, and start its task."""
        if self._closed:
            raise trio.ClosedResourceError("the feed's block was left")
        if self._supervisor.state is ConnectionState.CLOSED:
            raise ended(subscription.channel.name)
        parts = tuple(subscription.parts)
        for part in parts:
            self._check_handling(subscription, part)
            self._check_beginning(subscription, part)
        self._supervisor.want([wire_part(part, self._engine.traits) for part in parts])
        self._subscriptions[subscription] = None
        for part in parts:
            self._users.setdefault(part.key, {})[subscription] = part
            entry = self._entry(part)
            # While what somebody left is on its way out, its last data are still on their way in.
            if self._engine.route(part) or entry.machine.state is not SubscriptionState.RESYNCING:
                self._join(subscription, part)
            if entry.machine.state is SubscriptionState.LIVE:
                subscription.part_live(part)
        name = f"subscription {subscription.channel}"
        self._services.start_soon(subscription.watch, name=name)

    @enable_ki_protection
    def leave(self, subscription: Subscription[Any]) -> None:
        """Ask for what is left of it no more."""
        if subscription not in self._subscriptions:
            return
        del self._subscriptions[subscription]
        parts = tuple(subscription.parts)
        for part in parts:
            self._forget(subscription, part)
        self._supervisor.unwant([wire_part(part, self._engine.traits) for part in parts])

    def deadline(self, subscription: Subscription[Any]) -> float:
        """When ``tick`` is next needed because of a subscription."""
        return self._supervisor.deadline(
            [wire_part(part, self._engine.traits) for part in subscription.parts]
        )

    def tick(self) -> None:
        """Let the conversation see what time it is."""
        self._supervisor.tick()

    def told(self, effect: Effect) -> None:
        """Pass on to those concerned what became of one of the exchange's subscriptions."""
        match effect:
            case roster_effects.Watch(part):
                for subscription, _ in self._of(part):
                    subscription.stir()
            case roster_effects.Discard(part):
                self._discarded(part)
            case roster_effects.Completed(part):
                self._completed(part)
            case roster_effects.Ended(part, error):
                for subscription, own in self._of(part):
                    self._forget(subscription, own)
                    subscription.part_ended(own, error)

    def session_ended(self) -> None:
        """Tell those who wait to be answered, or for an order, that they wait in vain."""
        for subscription in self:
            subscription.session_ended(ended(subscription.channel.name))
        for route in self._engine.routes():
            if isinstance(route, AccountRoute):
                route.source.dismiss(ended(route.source.wire.name))

    def parts_on(self, part: Channel) -> tuple[Channel, ...]:
        """What lives on one of the exchange's subscriptions, each channel once."""
        return tuple(
            next(iter(users.values()))
            for each in served_by(part, self._engine.traits)
            if (users := self._users.get(each.key))
        )

    @enable_ki_protection
    def close(self) -> None:
        """End them all; none can be entered any more."""
        self._closed = True
        for subscription in self:
            subscription.close()

    def _check_handling(self, subscription: Subscription[Any], part: Channel) -> None:
        """Raise where those who share a subscription would have its losses handled otherwise."""
        traits = self._engine.traits
        for each in served_by(wire_part(part, traits), traits) if part.private else (part,):
            route = self._engine.route(each)
            if route is None or route.handling == subscription.handling:
                continue
            raise SubscriptionError(
                f"is subscribed to with {route.handling}; those who share it handle gaps alike",
                part.name,
                part.symbols[0] if part.symbols else None,
            )

    def _check_beginning(self, subscription: Subscription[Any], part: Channel) -> None:
        """Raise where one who joins would miss what the account began with: of options by which the
        exchange leaves something out, nobody can tell what it would begin with now.
        """
        route = self._engine.route(part)
        if not isinstance(route, AccountRoute) or route.source.shareable:
            return
        if subscription.records_channel is not None:
            raise SubscriptionError(
                "is subscribed to with options by which not all is known, so what it began with is "
                "told once; share its records, or use feed.events(), feed.on() or the drop policy "
                "block",
                part.name,
            )

    def _discarded(self, part: Channel) -> None:
        entry = self._supervisor.conversation.roster.entry(part)
        leaving = entry is None or entry.machine.state is SubscriptionState.RESYNCING
        for subscription, own in self._of(part):
            subscription.part_lost(own)
            if not leaving and self._engine.route(own) is None:
                self._join(subscription, own)

    def _completed(self, part: Channel) -> None:
        for subscription, own in self._of(part):
            route = self._engine.route(own)
            if route is not None:
                perform(self._engine, Confirmed(route.part))
            subscription.part_live(own)

    def _join(self, subscription: Subscription[Any], part: Channel) -> None:
        """Deliver ``part`` to a subscription from now on, after what it would begin with."""
        route = self._engine.route(part)
        if route is None:
            # What is kept for late joiners depends on what the exchange was asked for.
            wire = self._entry(part).part
            opened = replace(part, snapshot=wire.snapshot)
            perform(self._engine, Opened(opened, subscription.handling, self._engine.traits.name))
            route = self._engine.route(opened)
        assert route is not None  # noqa: S101 - for the type checker: it was opened, if it was not
        if subscription.records_channel is not None:
            if part.snapshot:
                subscription.records_channel.greet(tuple(route.recall()))
            route.join(subscription.records_channel.put)

    def _entry(self, part: Channel) -> Entry:
        """The exchange's own subscription that ``part``, which is wanted, lives on."""
        return cast(
            "Entry",
            self._supervisor.conversation.roster.entry(wire_part(part, self._engine.traits)),
        )

    def _of(self, part: Channel) -> list[tuple[Subscription[Any], Channel]]:
        """The subscriptions that live on one of the exchange's, each with its own part."""
        return [
            user
            for each in served_by(part, self._engine.traits)
            for user in self._users.get(each.key, {}).items()
        ]

    def _forget(self, subscription: Subscription[Any], part: Channel) -> None:
        """Deliver nothing more of ``part`` to a subscription; the last one closes its route."""
        users = self._users[part.key]
        del users[subscription]
        route = self._engine.route(part)
        if route is not None and subscription.records_channel is not None:
            route.leave(subscription.records_channel.put)
        if not users:
            del self._users[part.key]
            if route is not None:
                perform(self._engine, Closed(route.part))


def ended(channel: str) -> SubscriptionError:
    """What is said of a channel whose session the program has ended."""
    return SubscriptionError("the session was ended; feed.connect() starts a new one", channel)

"""Opening a feed: everything that runs is started here, and has ended when the block is left.

The one place where the clocks and the dice are read, and the one that knows the state which is
shared by all feeds of a program: the budget of connection attempts of each host.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import trio
from trio.lowlevel import enable_ki_protection

from kraken_trio._internal.core.backoff import Backoff, Budget
from kraken_trio._internal.core.conversation import Conversation
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.hooks import Hooks, watchers
from kraken_trio._internal.model.config import KrakenConfig
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.ports import Dial, Observer, Rest
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.shell.answers import Answers, Skew
from kraken_trio._internal.shell.backfill import Backfill
from kraken_trio._internal.shell.dial import TcpDial
from kraken_trio._internal.shell.dispatcher import Dispatcher
from kraken_trio._internal.shell.feed import Feed
from kraken_trio._internal.shell.holds import Holds
from kraken_trio._internal.shell.hub import PUBLIC, Hub, endpoint_of
from kraken_trio._internal.shell.losses import Losses, Relay
from kraken_trio._internal.shell.overseer import Overseer
from kraken_trio._internal.shell.scopes import open_services
from kraken_trio._internal.shell.session import Session
from kraken_trio._internal.shell.supervisor import Room, Supervisor
from kraken_trio._internal.shell.tokens import Tokens
from kraken_trio._internal.shell.wall import make_wall
from kraken_trio._internal.wire.codec import decoder_of, encoder_of
from kraken_trio._internal.wire.masking import Concealed

if TYPE_CHECKING:
    from kraken_trio._internal.shell.incidents import Incidents
    from kraken_trio._internal.shell.trading import Trading

_budgets: trio.lowlevel.RunVar[dict[str, Budget]] = trio.lowlevel.RunVar("kraken_trio_budgets")
"""By host, for all feeds of one Trio run: the exchange bans an address, not a feed."""
_MOST_NUMBER = 2**31 - 1
"""Of an order, as the exchange's signed 32 bits hold it."""


@asynccontextmanager
@enable_ki_protection
async def open_kraken(
    config: KrakenConfig | None = None,
    *,
    dial: Dial | None = None,
    rest: Rest | None = None,
    observers: Iterable[Observer] = (),
    callback_errors: Literal["raise", "isolate"] = "raise",
) -> AsyncIterator[Feed]:
    """Open a feed for the length of an ``async with`` block.

    Returns before it connects: the first subscription, or ``feed.connect()``, does that. ``dial``
    makes the byte streams (TCP and TLS unless given); ``rest`` makes the calls that fetch missed
    trades and the tokens of private sessions (to the exchange itself unless given); ``observers``
    watch: one that raises is an event, and is told nothing more. A callback that raises ends the
    block with its exception, or with ``callback_errors="isolate"`` is an event.

    Raises, out of the block: ``RetriesExhausted`` when no attempt to connect is left,
    ``AuthenticationError`` at once when the API key is refused, and whatever the block or a
    callback raised, as it was raised; several at once as one ``ExceptionGroup`` of them.
    Leaving takes two seconds at most, whatever the peer does; nothing is left running, and no
    socket is left open.
    """
    config = config or KrakenConfig()
    _check_possible(callback_errors)
    async with open_services() as services:
        losses, overseer, wall = Losses(), Overseer(), make_wall()
        own: list[Observer] = [losses]
        incidents: Incidents | None = None
        if config.incidents is not None:
            from kraken_trio._internal.shell.incidents import (  # noqa: PLC0415 - few want it
                Incidents,
            )

            incidents = Incidents(
                Path(config.incidents),
                config,
                engines=lambda: {name: each.engine for name, each in hub.sessions.items()},
                statistics=lambda: feed.statistics(),  # noqa: PLW0108 - there is none yet
                wall=wall,
            )
            own.append(incidents)
            services.start_soon(incidents.run, name="incidents")
        watched = watchers(observers, overseer.report, time.perf_counter_ns)
        hooks, skew = Hooks(watched, own=own), Skew(overseer.tell)
        concealed = Concealed()
        for secret in (config.api_key, config.api_secret):
            if secret is not None:
                concealed.add(secret, for_good=True)
        holds = Holds()
        endpoint, backoff = endpoint_of(config, PUBLIC), _backoff(config)
        backfill = Backfill(holds, endpoint=endpoint, rest=rest, backoff=backoff, wall=wall)
        tokens = Tokens(config, rest=rest, services=services, wall=_wall)

        def make_trading() -> Trading:
            from kraken_trio._internal.shell.trading import Trading  # noqa: PLC0415 - few want it

            return Trading(
                config,
                hub=hub,
                tokens=tokens,
                name_order=lambda: str(uuid.uuid4()),
                number_order=lambda: uuid.uuid4().int % _MOST_NUMBER + 1,
            )

        def make_session(hub: Hub, name: str, host: str, room: Room | None) -> Session:
            private = host != PUBLIC
            watching = hooks
            if room is not None:  # It delivers to one alone; its gaps are everybody's.
                watching = Hooks(watched, own=[losses, Relay(hub.publish), *own[1:]])
            supervisor = Supervisor(
                _conversation(name, config, host),
                Engine(
                    decoder_of(config.traits), session=name, hooks=watching, concealed=concealed
                ),
                config,
                url=str(endpoint_of(config, host)),
                dial=_gathering(dial or TcpDial(), config),
                wall=wall,
                tell=lambda effect: hub.told(session, effect),
                settled=hub.settled,
                pressure=hub.pressure,
                hooks=hooks,
                on_held=holds.hold,
                answers=Answers(name, hooks=hooks, skew=skew),
                fetch_token=tokens.fetch if private else None,
                room=room,
                encode=encoder_of(config.traits),
            )
            session = Session(supervisor, services)
            return session

        hub = Hub(make_session, hooks)
        overseer.publish = hub.publish
        for hook in hooks.opened:
            hook(overseer.tell)
        hub.public.start()
        dispatcher = Dispatcher(
            hub.backlog.buffer("callbacks", config.buffer_size),
            hub.pressure,
            watch=hub.backlog.watch("callbacks"),
            concurrent=config.concurrent_callbacks,
            report=hub.publish if callback_errors == "isolate" else None,
        )
        services.start_soon(dispatcher.run, name="dispatcher")
        services.start_soon(holds.watch, name="holds")
        services.start_soon(backfill.run, name="backfill")
        feed = Feed(
            config,
            hub=hub,
            dispatcher=dispatcher,
            losses=losses,
            backfill=backfill,
            tokens=tokens,
            watched=watched,
            make_trading=make_trading,
        )
        try:
            yield feed
        finally:
            hub.close()
            dispatcher.close()
            losses.close()
            if incidents is not None:
                incidents.finish()


def _gathering(dial: Dial, config: KrakenConfig) -> Dial:
    """The same dial, with the read window where it is one that knows of it. What a program made of
    ours is its own, and stays that.
    """
    return dial.gathering(config.read_window) if type(dial) is TcpDial else dial


def _check_possible(callback_errors: str) -> None:
    """Refuse what would be silently something else."""
    if callback_errors not in ("raise", "isolate"):
        raise ConfigurationError(
            "callback_errors", "must be raise or isolate", "Choose one of these"
        )


def _wall() -> Timestamp:
    """The wall clock."""
    return Timestamp(time.time_ns())


def _conversation(name: str, config: KrakenConfig, host: str) -> Conversation:
    """That of a session, with the clock and the dice of this program."""
    return Conversation(
        name,
        config,
        backoff=_backoff(config),
        budget=_budget(config, host),
        private=host != PUBLIC,
        epoch_ns=time.time_ns() - int(trio.current_time() * NANOSECONDS),
    )


def _backoff(config: KrakenConfig) -> Backoff:
    return Backoff(
        initial=config.initial_delay,
        maximum=config.max_delay,
        multiplier=config.multiplier,
        jitter=config.jitter,
        random=random.Random(),  # noqa: S311 - it spreads attempts, and keeps no secret
    )


def _budget(config: KrakenConfig, host: str) -> Budget:
    """What ``config`` allows at a host, where every feed of this Trio run counts."""
    try:
        budgets = _budgets.get()
    except LookupError:
        budgets = {}
        _budgets.set(budgets)
    mine = config.budget, config.budget_window
    name = endpoint_of(config, host).host
    return budgets.setdefault(name, Budget(*mine)).beside(*mine)

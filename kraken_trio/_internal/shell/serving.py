"""What of the exchange's own subscriptions serves what of ours, and what becomes of that.

Where the exchange knows no spread, it is made of its tickers. Where it knows no own trades, or open
orders as they stand, they are folded from its executions. So one subscription on the wire may have
several routes.
"""

from __future__ import annotations

from typing import Final

from kraken_trio._internal.core import roster_effects
from kraken_trio._internal.core.conversation import Effect
from kraken_trio._internal.engine.account_routes import OF_EXECUTIONS
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.routes import Route
from kraken_trio._internal.engine.steps import perform
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.steps import Discarded, Probed, Stalled
from kraken_trio._internal.model.traits import V2, Traits

_FOLDED: Final = OF_EXECUTIONS[1:]


def wire_part(part: Channel, traits: Traits = V2) -> Channel:
    """What of the exchange's own channels serves ``part``: perhaps tickers, or executions."""
    if part.name == "spread" and traits.spread_of_tickers:
        return Channel.ticker(*part.symbols, event_trigger="bbo")
    if part.name in _FOLDED and traits.orders_of_executions:
        return Channel.executions()
    return part


def served_by(part: Channel, traits: Traits = V2) -> tuple[Channel, ...]:
    """What lives on one of the exchange's own channels: itself, of tickers the spread, and what is
    folded from executions.
    """
    match part.name:
        case "ticker" if traits.spread_of_tickers:
            return (part, Channel.spread(*part.symbols))
        case "executions":
            return (part, *(Channel(name=name) for name in _FOLDED))
        case _:
            return (part,)


def heard(engine: Engine, part: Channel) -> int:
    """How many messages one of the exchange's subscriptions had since its routes were made."""
    return sum(route.heard for route in _routes(engine, part))


def carry_out(effect: Effect, engine: Engine) -> None:
    """Let the routes know what became of the exchange's subscription that they live on."""
    match effect:
        case roster_effects.Discard(part):
            for route in _routes(engine, part):
                perform(engine, Discarded(route.part))
        case roster_effects.Stalled(part):
            for each in served_by(part, engine.traits):
                perform(engine, Stalled(each))
        case roster_effects.Probed(part, confirmed_at, left_at):
            for route in _routes(engine, part):
                perform(engine, Probed(route.part, confirmed_at, left_at))


def _routes(engine: Engine, part: Channel) -> list[Route]:
    found = (engine.route(each) for each in served_by(part, engine.traits))
    return [route for route in found if route is not None]

"""What of the exchange's own subscriptions serves what of ours, and what becomes of that.

Where the exchange knows no spread, it is made of its tickers, so one subscription on the wire may
have two routes.
"""

from __future__ import annotations

from kraken_trio._internal.core import roster_effects
from kraken_trio._internal.core.conversation import Effect
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.probe import Probe
from kraken_trio._internal.engine.routes import Route
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.traits import V2, Traits


def wire_part(part: Channel, traits: Traits = V2) -> Channel:
    """What of the exchange's own channels serves ``part``: a spread may be made of tickers."""
    if part.name == "spread" and traits.spread_of_tickers:
        return Channel.ticker(*part.symbols, event_trigger="bbo")
    return part


def served_by(part: Channel, traits: Traits = V2) -> tuple[Channel, ...]:
    """What lives on one of the exchange's own channels: itself, and of tickers the spread."""
    if part.name == "ticker" and traits.spread_of_tickers:
        return (part, Channel.spread(*part.symbols))
    return (part,)


def heard(engine: Engine, part: Channel) -> int:
    """How many messages one of the exchange's subscriptions had since its routes were made."""
    return sum(route.heard for route in _routes(engine, part))


def carry_out(effect: Effect, engine: Engine) -> None:
    """Let the routes know what became of the exchange's subscription that they live on."""
    match effect:
        case roster_effects.Discard(part):
            for route in _routes(engine, part):
                route.discard()
        case roster_effects.Stalled(part):
            for each in served_by(part, engine.traits):
                engine.stall(each)
        case roster_effects.Probed(part, confirmed_at, left_at):
            for route in _routes(engine, part):
                route.probe = Probe(confirmed_at, left_at)


def _routes(engine: Engine, part: Channel) -> list[Route]:
    found = (engine.route(each) for each in served_by(part, engine.traits))
    return [route for route in found if route is not None]

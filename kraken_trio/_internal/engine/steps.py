"""The one way to do something to an engine beside feeding it: told to its observers, then done.

The live feed and a replay both go it, so what one writes down the other can do again.
"""

from __future__ import annotations

from typing import assert_never

from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.holding import HoldingRoute
from kraken_trio._internal.engine.probe import Probe
from kraken_trio._internal.engine.routes import Route
from kraken_trio._internal.model.steps import (
    Broke,
    Closed,
    Confirmed,
    Discarded,
    Disconnected,
    Filled,
    GaveUp,
    HandedOn,
    Opened,
    Probed,
    Stalled,
    Step,
    Ticked,
)
from kraken_trio._internal.model.timestamp import Timestamp


def perform(engine: Engine, step: Step) -> None:
    """Do ``step`` to ``engine``. Of what is not open only ``Opened`` means anything.

    Raises as ``Engine.open`` where what is to be opened is open.
    """
    for hook in engine.on_step:
        hook(engine.session, step)
    match step:
        case Opened(part, handling, _):
            engine.open(part, handling)
        case Disconnected():
            engine.disconnect()
        case Stalled(part):
            engine.stall(part)
        case Broke():
            pass  # What it costs, the end of the connection tells.
        case _:
            route = engine.route(step.part)
            if route is not None:
                _perform_on(engine, route, step)


def _perform_on(
    engine: Engine,
    route: Route,
    step: Closed | Confirmed | Discarded | Probed | Ticked | Filled | GaveUp | HandedOn,
) -> None:
    match step:
        case Closed():
            engine.close(step.part)
        case Confirmed():
            route.confirmed = True
        case Discarded():
            route.discard()
        case Probed():
            route.begin_probe(Probe(_time(step.confirmed_at), _time(step.left_at)))
        case Ticked() | Filled() | GaveUp() | HandedOn():
            if isinstance(route, HoldingRoute):
                _perform_on_held(engine, route, step)
        case _ as unreachable:
            assert_never(unreachable)


def _perform_on_held(
    engine: Engine, route: HoldingRoute, step: Ticked | Filled | GaveUp | HandedOn
) -> None:
    match step:
        case Ticked(_, now):
            route.tick(now)
        case Filled(part, rows):
            (symbol,) = part.symbols
            route.fill([row.trade(symbol) for row in rows])
        case GaveUp():
            route.give_up()
        case HandedOn(_, count):
            engine.note(route.hand_on(count))
        case _ as unreachable:
            assert_never(unreachable)


def _time(at: int | None) -> Timestamp | None:
    return None if at is None else Timestamp(at)

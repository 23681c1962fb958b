"""Who looks after the observers: what is wrong with one is logged, and told to everybody.

Knows what is said of them, and to whom; what they are called with, and what that takes, the engine
measures.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from logging import WARNING

from kraken_trio._internal.model.alert import Alert, ObserverFailed, ObserverSlow
from kraken_trio._internal.shell.ration import say

log = logging.getLogger("kraken_trio.observe")


class Overseer:
    """Is told of observers that raise, or are slow, and of what observers have to tell."""

    __slots__ = ("publish",)

    def __init__(self) -> None:
        """Tell nobody, until there is somebody."""
        self.publish: Callable[[Alert], None] = _nobody
        """Gives an event to all who listen."""

    def report(self, said: ObserverFailed | ObserverSlow) -> None:
        """Something is wrong with an observer; each is told of once for either."""
        match said:
            case ObserverFailed(observer, hook, error):
                what = {"observer": observer, "hook": hook, "error": type(error).__name__}
                log.error(
                    "observer_failed: %s is told nothing more: its %s raised %r",
                    *(observer, hook, error),
                    exc_info=error,
                    extra={"event": "observer_failed", **what},
                )
            case ObserverSlow(observer, hook, took_s, spent_s):
                about = (observer, hook, took_s, spent_s)
                fields = dict(zip(("observer", "hook", "took_s", "spent_s"), about, strict=True))
                text = "%s holds up the data: its %s took %.3g s, all it did of late %.3g s"
                say(log, WARNING, "observer_slow", text, *about, **fields)
        self.publish(said)

    def tell(self, event: Alert) -> None:
        """What an observer tells: an event like any other."""
        self.publish(event)


def _nobody(event: Alert) -> None:
    """Nobody listens yet."""

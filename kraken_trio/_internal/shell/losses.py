"""What was lost, counted by reason and logged, each loss once.

An observer like any other, but always there. What a consumer loses by its own slowness is logged
where its backlog is watched: it may be much.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable

from kraken_trio._internal.model.gap import Gap, GapReason, Resync
from kraken_trio._internal.model.ports import Observer

log = logging.getLogger("kraken_trio.feed")


class Relay(Observer):
    """Publishes gaps that no route delivers to those who listen to everything."""

    def __init__(self, publish: Callable[[Gap], None]) -> None:
        """Give them to ``publish``."""
        self._publish = publish

    def gap(self, session: str, gap: Gap) -> None:  # noqa: ARG002 - the hook's
        """Publish it."""
        self._publish(gap)


class Losses(Observer):
    """Counts gaps, and what became of them."""

    def __init__(self) -> None:
        """Nothing is lost yet."""
        self.gaps: Counter[GapReason] = Counter()
        """Holes, by their evidence."""
        self.resyncs: int = 0
        """How often a subscription was whole again after one."""

    def gap(self, session: str, gap: Gap) -> None:
        """Count and log it."""
        self.gaps[gap.reason] += 1
        if gap.local:
            return
        log.warning("gap: %s: %r", session, gap)

    def resync(self, session: str, resync: Resync) -> None:
        """Count and log it."""
        self.resyncs += 1
        where = resync.channel if resync.symbol is None else f"{resync.channel} {resync.symbol}"
        log.info("resync: %s: %s whole after %.3g s", session, where, resync.duration_s)

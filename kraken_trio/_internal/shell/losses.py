"""What was lost, counted by reason and logged, each loss once, and what was no message.

An observer like any other, but always there. What a consumer loses by its own slowness is logged
where its backlog is watched: it may be much.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable

import trio

from kraken_trio._internal.model.errors import ProtocolError
from kraken_trio._internal.model.gap import Gap, GapReason, Resync
from kraken_trio._internal.model.ports import Observer
from kraken_trio._internal.shell.ration import Ration

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

    def __init__(self, now: Callable[[], float] = trio.current_time) -> None:
        """Nothing is lost yet. ``now`` is a clock of seconds."""
        self.gaps: Counter[GapReason] = Counter()
        """Holes, by their evidence."""
        self.resyncs: int = 0
        """How often a subscription was whole again after one."""
        self._log = Ration(log, now)

    def fault(self, session: str, error: ProtocolError) -> None:
        """Log it, without the excerpt: on a private session that may show the account."""
        self._log.write(logging.WARNING, "faulty_frame", "%s: %s", session, error.reason)

    def gap(self, session: str, gap: Gap) -> None:
        """Count and log it."""
        self.gaps[gap.reason] += 1
        if gap.local:
            return
        self._log.write(logging.WARNING, "gap", "%s: %r", session, gap)

    def resync(self, session: str, resync: Resync) -> None:
        """Count and log it."""
        self.resyncs += 1
        where = resync.channel if resync.symbol is None else f"{resync.channel} {resync.symbol}"
        text = "%s: %s whole after %.3g s"
        self._log.write(logging.INFO, "resync", text, session, where, resync.duration_s)

    def close(self) -> None:
        """Tell the log how much of what it was not told."""
        self._log.close()

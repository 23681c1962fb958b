"""What was lost, counted by reason and logged, each loss once, and what was no message.

An observer like any other, but always there. What a consumer loses by its own slowness is logged
where its backlog is watched: it may be much.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from logging import INFO, WARNING

import trio

from kraken_trio._internal.engine.tally import Part
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
    """Counts gaps, and what became of them, for each symbol of each channel."""

    def __init__(self, now: Callable[[], float] = trio.current_time) -> None:
        """Nothing is lost yet. ``now`` is a clock of seconds."""
        self.gaps_of: dict[Part, Counter[GapReason]] = {}
        """Holes, by their evidence, of each channel and symbol."""
        self.resyncs_of: Counter[Part] = Counter()
        """How often each was whole again after one."""
        self._log = Ration(log, now)

    @property
    def gaps(self) -> Counter[GapReason]:
        """Holes, by their evidence."""
        total = Counter[GapReason]()
        for counts in self.gaps_of.values():
            total.update(counts)
        return total

    @property
    def resyncs(self) -> int:
        """How often a subscription was whole again after one."""
        return self.resyncs_of.total()

    def fault(self, session: str, error: ProtocolError) -> None:
        """Log it, without the excerpt: on a private session that may show the account."""
        fields = {"session": session, "reason": error.reason}
        self._log.write(WARNING, "faulty_frame", "%s: %s", session, error.reason, **fields)

    def gap(self, session: str, gap: Gap) -> None:
        """Count and log it."""
        self.gaps_of.setdefault((gap.channel, gap.symbol), Counter())[gap.reason] += 1
        if gap.local:
            return
        fields: dict[str, object] = {
            "session": session,
            "channel": gap.channel,
            "symbol": gap.symbol,
        }
        fields |= {"reason": gap.reason.value, "missing": gap.size}
        self._log.write(WARNING, "gap", "%s: %r", session, gap, **fields)

    def resync(self, session: str, resync: Resync) -> None:
        """Count and log it."""
        self.resyncs_of[resync.channel, resync.symbol] += 1
        where = resync.channel if resync.symbol is None else f"{resync.channel} {resync.symbol}"
        fields: dict[str, object] = {
            "session": session,
            "channel": resync.channel,
            "symbol": resync.symbol,
        }
        fields |= {"reason": resync.reason.value, "duration_s": resync.duration_s}
        text = "%s: %s whole after %.3g s"
        self._log.write(INFO, "resync", text, session, where, resync.duration_s, **fields)

    def close(self) -> None:
        """Tell the log how much of what it was not told."""
        self._log.close()

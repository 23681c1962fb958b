"""Which subscriptions have been silent for longer than their channel should be.

A subscription that is confirmed and never delivers looks like one of a quiet market: the
connection lives, heartbeats come, other symbols flow. Nothing on the wire tells one from the
other, so the silent one is *probed*: asked for anew, alone, to see in its snapshot whether
anything was missed. This knows when that is due; the probe itself is the roster's.

It compares, now and then, how many messages each subscription has had: so that the way of the
data pays nothing for it but a counter, and reads no clock. A silence is noticed up to a quarter of
the limit late, that of a new subscription up to a half. Each probe that shows a quiet market
doubles the wait for the next, up to ``LONGEST`` limits; the first message ends that, and so does a
probe that shows something else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from kraken_trio._internal.model.channel import Channel

LONGEST: Final = 16
"""Limits between two probes of what stays silent, at most: a quarter of an hour, usually."""
AT_ONCE: Final = 40
"""Probes that are begun together, at most: forty subscriptions are what the exchange's rate for
order-by-order books allows in a second, section "level3" of its documentation."""
LOOKS: Final = 4
"""Looks in the time of the limit."""

_OF_TRADES: Final = 5
_LIMITS: Final = {
    "book": 1,
    "level3": 1,
    "ticker": 1,
    "trade": _OF_TRADES,
    "ohlc": _OF_TRADES,
    # Its news are few, and its snapshot is the whole exchange.
    "instrument": 60,
}
"""How long each channel may be silent, in times of the limit. Those of one's own account are
silent most of the time, and their numbers tell what was missed."""


class _Heard:
    """What is known of one subscription."""

    __slots__ = ("checked", "count", "since", "stalls", "wait")

    def __init__(self, count: int, now: float) -> None:
        self.count = count
        self.since = now
        # When it was last heard, or probed.
        self.checked = now
        # In limits.
        self.wait = 1
        self.stalls = 0


class Silence:
    """The silences on one connection."""

    __slots__ = ("_heard", "_limit", "due")

    def __init__(self, limit_s: float) -> None:
        """Know of none. A book or a ticker may be silent for ``limit_s``; 0 for ever."""
        self.due: float = math.inf
        """When ``look`` wants to be called; infinity for never."""
        self._limit = limit_s
        self._heard: dict[Channel, _Heard] = {}

    def begin(self, now: float) -> None:
        """There is a connection."""
        if self._limit:
            self.due = now + self._limit / LOOKS

    def end(self) -> None:
        """It is gone."""
        self.due = math.inf
        self._heard.clear()

    def excuse(self, now: float) -> None:
        """Nobody could be heard until now: all silences begin anew, where there is a connection."""
        if self.due < math.inf:
            self.end()
            self.begin(now)

    def look(self, counts: Mapping[Channel, int], now: float) -> list[Channel]:
        """Take how many messages each live subscription ever had; give those to be probed now,
        the longest silent first.
        """
        self.due = now + self._limit / LOOKS
        before, self._heard = self._heard, {}
        silent: list[_Heard] = []
        parts: dict[_Heard, Channel] = {}
        for part, count in counts.items():
            heard = before.get(part)
            if heard is None or heard.count != count:
                heard = _Heard(count, now)
            elif now - heard.checked >= heard.wait * self._limit_of(part):
                silent.append(heard)
            self._heard[part] = heard
            parts[heard] = part
        silent.sort(key=lambda heard: heard.checked)
        del silent[AT_ONCE:]
        for heard in silent:
            heard.checked = now
            heard.wait = min(2 * heard.wait, LONGEST)
        return [parts[heard] for heard in silent]

    def stalled(self, part: Channel, now: float) -> tuple[int, float]:
        """A probe of ``part`` showed that something was missed. Give how often in a row that was
        so, and how long it has been silent.
        """
        heard = self._heard.setdefault(part, _Heard(0, now))
        heard.stalls += 1
        heard.wait = 1
        return heard.stalls, now - heard.since

    def _limit_of(self, part: Channel) -> float:
        if part.event_trigger == "trades":
            return _OF_TRADES * self._limit
        return _LIMITS.get(part.name, math.inf) * self._limit

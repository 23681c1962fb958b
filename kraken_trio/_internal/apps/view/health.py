"""How a feed is: healthy, degraded or unhealthy, and why, in words.

Knows what counts as trouble, and for how long what is over still does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

import msgspec

from kraken_trio import BookState, ConnectionState, FeedStatistics
from kraken_trio._internal.apps.text import shown
from kraken_trio.extended import LatencyStatistics

Verdict = Literal["healthy", "degraded", "unhealthy"]

RECENT_MS: Final = 30_000
"""So long a loss, or an alarm, is told of."""
PATIENCE_MS: Final = 10_000
"""So long a session may be away before that is more than a hiccup."""
LATE_MS: Final = 10_000
"""Over so long it is judged whether records are late."""
FEWEST: Final = 20
"""Records that are judged."""
MOST_REASONS: Final = 8

_AWAY: Final = (
    ConnectionState.CONNECTING,
    ConnectionState.AUTHENTICATING,
    ConnectionState.DEGRADED,
)


class Health(msgspec.Struct, frozen=True):
    """A verdict, and what it rests on."""

    verdict: Verdict
    """In a word."""
    reasons: tuple[str, ...]
    """The worst first; at least one."""

    def shown(self) -> dict[str, Any]:
        """As a page has it."""
        return {"verdict": self.verdict, "reasons": list(self.reasons)}


class Lateness:
    """Whether records come late, not one now and then, but half of them."""

    def __init__(self) -> None:
        """None came yet."""
        self._seen: deque[tuple[int, dict[str, tuple[int, int]]]] = deque()

    def look(self, latency: LatencyStatistics, now: int) -> list[str]:
        """What is to be said of it now."""
        counts = {
            stage.value: (latency.exceeded[stage], summary.total)
            for stage, summary in latency.stages.items()
        }
        self._seen.append((now, counts))
        while len(self._seen) > 1 and self._seen[1][0] <= now - LATE_MS:
            self._seen.popleft()
        _, before = self._seen[0]
        late: list[str] = []
        for stage, (exceeded, total) in counts.items():
            old_exceeded, old_total = before.get(stage, (0, 0))
            came = total - old_total
            if came >= FEWEST and 2 * (exceeded - old_exceeded) > came:
                late.append(stage)
        if not late:
            return []
        return [f"Half of what came in the last {LATE_MS // 1000} s was late: {', '.join(late)}."]


class Recent:
    """What went wrong of late."""

    def __init__(self) -> None:
        """Nothing did."""
        self.system: str | None = None
        """What the exchange says that it is."""
        self._gaps: dict[tuple[str, str | None], int] = {}
        self._alarms: dict[str, int] = {}
        self._dropped = 0
        self._dropped_at: int | None = None

    def gap(self, channel: str, symbol: str | None, now: int) -> None:
        """Something was lost."""
        self._gaps[channel, symbol] = now

    def alarm(self, words: str, now: int) -> None:
        """Something takes too long, or is wrong; the same words are one alarm."""
        self._alarms[words] = now

    def reasons(self, statistics: FeedStatistics, now: int) -> Iterator[str]:
        """What is to be said of it now; what is long over is forgotten."""
        self._gaps = {key: at for key, at in self._gaps.items() if now - at < RECENT_MS}
        self._alarms = {key: at for key, at in self._alarms.items() if now - at < RECENT_MS}
        if statistics.dropped > self._dropped:
            self._dropped, self._dropped_at = statistics.dropped, now
        if self._gaps:
            names = {shown(symbol or channel) for channel, symbol in self._gaps}
            about = ", ".join(sorted(names))
            yield f"Data was missed in the last {RECENT_MS // 1000} s: {about}."
        if self._dropped_at is not None and now - self._dropped_at < RECENT_MS:
            yield "This program was too slow for its own buffers, and records were dropped."
        if self.system not in (None, "online"):
            yield f"The exchange says that it is {shown(self.system or '')}."
        yield from self._alarms


def judge(
    statistics: FeedStatistics,
    away: dict[str, int],
    recent: Recent,
    pairs: int,
    now: int,
    *,
    late: Iterable[str] = (),
) -> Health:
    """How it is ``now``; ``away`` says since when sessions are on their way back: milliseconds."""
    bad: list[str] = []
    poor: list[str] = []
    for name, state in statistics.states.items():
        away_ms = now - away.get(name, now)
        if state is ConnectionState.CLOSED:
            bad.append(f"Session {name} is closed.")
        elif state in _AWAY:
            words = f"Session {name} is {state.value}, away for {away_ms // 1000} s."
            (bad if away_ms >= PATIENCE_MS else poor).append(words)
        elif state in (ConnectionState.SUBSCRIBING, ConnectionState.RESYNCING):
            poor.append(f"Session {name} is {state.value}.")
    waiting = sorted(book.symbol for book in statistics.books if book.state is not BookState.LIVE)
    if waiting:
        poor.append(f"No verified book of {', '.join(map(shown, waiting))} just now.")
    without = pairs - len(statistics.books)
    if without > 0:
        poor.append(f"Pairs without a book: {without} of {pairs}.")
    poor += [
        f"Observer {observer.name} failed, and is told nothing more."
        for observer in statistics.observers
        if observer.disabled
    ]
    poor += recent.reasons(statistics, now)
    poor += late
    if bad or poor:
        verdict: Verdict = "unhealthy" if bad else "degraded"
        return Health(verdict, tuple((*bad, *poor)[:MOST_REASONS]))
    if pairs:
        words = f"All is live, and all {len(statistics.books)} books are verified."
        return Health("healthy", (words,))
    return Health("healthy", ("Connected; nobody watches a pair.",))

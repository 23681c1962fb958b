"""What is to go wrong next, whatever connection it will meet, and what went wrong already.

Knows the faults that wait, whom the server will let in, and the log; nothing of bytes. It reads no
clock: ``now`` is in seconds from the beginning.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from kraken_trio._internal.testing.gate import Refusal
from kraken_trio._internal.testing.mishap import ChaosFault, Mishap, Planned

KEPT_MISHAPS = 10_000
"""How many of the latest are kept in a log."""


class Trouble:
    """The faults of some connections that belong together."""

    def __init__(self, tell: Callable[[Mishap], object], plan: Iterable[Planned] = ()) -> None:
        """Begin with what is planned; ``tell`` is told of each fault that happens, as it does."""
        self.log: deque[Mishap] = deque(maxlen=KEPT_MISHAPS)
        """What went wrong, oldest first."""
        self.waiting: list[Planned] = []
        """What will, as soon as something comes that it fits; the oldest comes first."""
        self.calm: bool = False
        """Whether nothing may go wrong any more, and what does has to end."""
        self._tell = tell
        self._plan: Iterator[Planned] = iter(plan)
        self._next = next(self._plan, None)
        self._next_at = math.inf if self._next is None else self._next.at_s
        self._refused_until = -math.inf
        self._refused_times = 0
        self._refusal = Refusal(0, None)
        self._slow_s: deque[float] = deque()
        self._tls_failures = 0

    def add(self, planned: Planned) -> None:
        """Let this go wrong next."""
        if not self.calm:
            self.waiting.append(planned)

    def quiet(self) -> None:
        """From now on, nothing goes wrong. What was promised to go wrong does not."""
        self.calm = True
        self.waiting.clear()
        self._slow_s.clear()
        self._refused_until, self._refused_times, self._tls_failures = -math.inf, 0, 0

    def take(self, fits: Callable[[ChaosFault], bool], now: float) -> Planned | None:
        """Take the first fault in waiting that fits, if there is one."""
        if now >= self._next_at:
            self._come(now)
        for place, planned in enumerate(self.waiting):
            if fits(planned.fault):
                return self.waiting.pop(place)
        return None

    def _come(self, now: float) -> None:
        """Let wait what the plan has for now; one of each kind is enough.

        Where nobody came to take it in time, what follows comes later, too, and not all at once.
        """
        planned = self._next
        self._next = next(self._plan, None)
        if planned is None or self._next is None:
            self._next_at = math.inf
        else:
            self._next_at = now + self._next.at_s - planned.at_s
        if planned is not None and all(each.fault is not planned.fault for each in self.waiting):
            self.add(planned)

    def happened(self, planned: Planned, now: float, connection: int, what: str) -> None:
        """Write down what was done."""
        mishap = Mishap(now, planned.fault, connection, what, planned.number)
        self.log.append(mishap)
        self._tell(mishap)

    def refuse(self, refusal: Refusal, *, until: float = -math.inf, times: int = 0) -> None:
        """Let nobody in until then, and the next so many not either."""
        self._refusal, self._refused_until, self._refused_times = refusal, until, times

    def refusal(self, now: float) -> Refusal | None:
        """Say how one who wants to come in now is refused, if it is."""
        if now < self._refused_until:
            return self._refusal
        if self._refused_times:
            self._refused_times -= 1
            return self._refusal
        return None

    def slow_down(self, seconds: float) -> None:
        """Let the next one wait so long for its WebSocket."""
        self._slow_s.append(seconds)

    def slowness(self) -> float:
        """Give how long one waits who is let in now, in seconds."""
        return self._slow_s.popleft() if self._slow_s else 0.0

    def fail_tls(self) -> None:
        """Let the next one get no TLS."""
        self._tls_failures += 1

    def fails_tls(self) -> bool:
        """Say whether one who comes now gets no TLS."""
        if not self._tls_failures:
            return False
        self._tls_failures -= 1
        return True


def in_lines(log: Iterable[Mishap]) -> str:
    """Give a log as text, a mishap a line."""
    return "\n".join(map(str, log))

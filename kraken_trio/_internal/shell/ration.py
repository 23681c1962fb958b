"""How much a log is told: so many lines of a kind in a while, and how many were left out.

Knows lines and time; nothing of what they are about. What happens because of us is bounded by
itself; what a stranger makes happen, such as a faulty frame, happens as often as he likes, and a
log that is flooded hides what else is in it, fills a disk and takes the time of the reader.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import trio

LINES: Final = 100
"""Of one kind in a while: a line for each of some dozens of pairs that lose something together."""
WHILE_S: Final = 10.0
"""How long that is: so at most ten lines a second, whatever happens."""


class _Kind:
    """Lines of one kind."""

    __slots__ = ("left_out", "level", "since", "told")

    def __init__(self, level: int, since: float) -> None:
        self.level = level
        self.since = since
        self.told = 0
        self.left_out = 0


class Ration:
    """Writes lines to a log, and leaves out what is too much."""

    def __init__(self, log: logging.Logger, now: Callable[[], float] = trio.current_time) -> None:
        """Write to ``log``; ``now`` is a clock of seconds."""
        self._log = log
        self._now = now
        self._kinds: dict[str, _Kind] = {}

    def write(self, level: int, kind: str, text: str, *about: object) -> None:
        """Write ``kind``, and behind it ``text`` with what it is ``about``; or count it.

        What was left out is told before the next line of its kind, and at the end.
        """
        now = self._now()
        lines = self._kinds.get(kind)
        if lines is None:
            lines = self._kinds[kind] = _Kind(level, now)
        if now - lines.since >= WHILE_S:
            self._tell(kind, lines)
            lines.since, lines.told = now, 0
        if lines.told == LINES:
            lines.left_out += 1
            return
        lines.told += 1
        self._log.log(level, f"{kind}: {text}", *about)

    def close(self) -> None:
        """Tell what was left out of each kind."""
        for kind, lines in self._kinds.items():
            self._tell(kind, lines)

    def _tell(self, kind: str, lines: _Kind) -> None:
        if lines.left_out:
            self._log.log(lines.level, "left_out: %d more of %s", lines.left_out, kind)
            lines.left_out = 0

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

# What is logged goes nowhere until a program says where: without this, to its standard error.
logging.getLogger("kraken_trio").addHandler(logging.NullHandler())


def say(
    to: logging.Logger, level: int, kind: str, text: str, *about: object, **fields: object
) -> None:
    """Write a line of one ``kind``: that, and behind it ``text`` with what it is ``about``.

    The kind stands in the record as ``event``, and so does each of ``fields``, by its name: for
    who writes JSON, or uses structlog. They are plain numbers and texts.
    """
    to.log(level, f"{kind}: {text}", *about, extra={"event": kind, **fields})


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

    def write(self, level: int, kind: str, text: str, *about: object, **fields: object) -> None:
        """As ``say``; or count it.

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
        say(self._log, level, kind, text, *about, **fields)

    def close(self) -> None:
        """Tell what was left out of each kind."""
        for kind, lines in self._kinds.items():
            self._tell(kind, lines)

    def _tell(self, kind: str, lines: _Kind) -> None:
        if lines.left_out:
            more = lines.left_out
            text = "%d more of %s"
            say(self._log, lines.level, "left_out", text, more, kind, left_out=more, of=kind)
            lines.left_out = 0

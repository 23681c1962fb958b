"""Waiting for what is missing: a short wait for numbers that come in the wrong order.

Knows numbers and how long to wait for one, not what is numbered. It takes a tracker's place
where what is missing is waited for. Reads no clock, and is not told the time with each item: who
sees that something is held says what time it is by ``tick``. So items in order cost no look at a
clock. Imports nothing but the vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Generic, TypeVar

from kraken_trio._internal.model.gap import Gap, GapReason
from kraken_trio._internal.model.timestamp import Timestamp

T = TypeVar("T")


class Window(Generic[T]):
    """Puts consecutively numbered items of one subscription in order.

    An item that comes too early is held until the numbers before it have come. A hole is given
    up, and told as a ``Gap``, when it is wider than ``max_gap``, when more than ``max_pending``
    items are held because of it, or ``timeout_s`` after the first of these came: that is, after
    the ``tick`` that followed. Each number is given out once at most; those in no gap, exactly
    once.
    """

    __slots__ = (
        "_anywhere",
        "_channel",
        "_expected",
        "_fresh",
        "_held",
        "_max_gap",
        "_max_pending",
        "_newest",
        "_numbers",
        "_reason",
        "_symbol",
        "_time_of",
        "_timeout",
        "last",
        "repeats",
    )

    def __init__(
        self,
        channel: str,
        symbol: str | None,
        reason: GapReason,
        *,
        time_of: Callable[[T], Timestamp | None],
        max_gap: int,
        max_pending: int,
        timeout_s: float,
        expected: int | None = None,
    ) -> None:
        """Start with the number ``expected``, or with whatever comes first.

        ``channel``, ``symbol`` and ``reason`` are what gaps say; ``time_of`` gives the time of an
        item for them.
        """
        self.repeats = 0
        """Items whose number was there before, or was given up."""
        self.last: T | None = None
        """What was given out last."""
        self._channel = channel
        self._symbol = symbol
        self._reason = reason
        self._time_of = time_of
        self._max_gap = max_gap
        self._max_pending = max_pending
        self._timeout = timeout_s
        # Whether any number may come first.
        self._anywhere = expected is None
        self._expected = expected or 0
        # What is held, by number: the item and when it came, in the order in which they came.
        self._held: dict[int, tuple[T, float]] = {}
        # Those that came since the time was told last, and which may be given out already.
        self._fresh: list[int] = []
        # The numbers that are held, as a heap, and the highest of them.
        self._numbers: list[int] = []
        self._newest = 0

    def __len__(self) -> int:
        """How many items are held."""
        return len(self._held)

    @property
    def deadline(self) -> float:
        """When ``tick`` wants to be called: at once (minus infinity) after items were held, then
        when the wait for the first hole is over; infinity for never.
        """
        for _, came in self._held.values():
            return came + self._timeout
        return math.inf

    @property
    def hole(self) -> range:
        """The first numbers that are waited for; empty where none is."""
        return range(self._expected, self._numbers[0]) if self._numbers else range(0)

    @property
    def newest(self) -> int:
        """The highest number that is held. Means nothing where none is."""
        return self._newest

    def awaits(self, number: int) -> bool:
        """Whether a number is waited for."""
        return bool(self._held) and (
            self._expected <= number < self._newest and number not in self._held
        )

    def put(self, number: int, item: T) -> list[T | Gap]:
        """Take an item; give what can be handed on, in order."""
        if self._anywhere:
            self._anywhere = False
            self._expected = number
        if number < self._expected or number in self._held:
            self.repeats += 1
            return []
        if number == self._expected and not self._held:
            self._expected = number + 1
            self.last = item
            return [item]
        self._newest = max(self._newest, number) if self._held else number
        self._held[number] = (item, -math.inf)
        self._fresh.append(number)
        heappush(self._numbers, number)
        ready = self._release()
        while self._held and (
            len(self._held) > self._max_pending or number - self._expected > self._max_gap
        ):
            ready += self.give_up()
        return ready

    def tick(self, now: float) -> list[T | Gap]:
        """Say what time it is; give up what was waited for long enough."""
        for number in self._fresh:
            if number in self._held:
                self._held[number] = (self._held[number][0], now)
        self._fresh.clear()
        ready: list[T | Gap] = []
        while now >= self.deadline:
            ready += self.give_up()
        return ready

    def give_up(self) -> list[T | Gap]:
        """Wait no longer for the first hole. Gives nothing where there is none."""
        hole = self.hole
        if not hole:
            return []
        item, _ = self._held[hole.stop]
        gap = Gap(
            self._channel,
            self._symbol,
            self._reason,
            hole.start,
            hole.stop,
            hole.stop - hole.start,
            None if self.last is None else self._time_of(self.last),
            self._time_of(item),
        )
        self._expected = hole.stop
        return [gap, *self._release()]

    def restart(self, expected: int | None = None) -> list[T | Gap]:
        """Give up all that is missing, and begin anew as after construction."""
        ready: list[T | Gap] = []
        while self._held:
            ready += self.give_up()
        self._anywhere = expected is None
        self._expected = expected or 0
        self.last = None
        return ready

    def _release(self) -> list[T | Gap]:
        """Give out what is next, and next to that."""
        ready: list[T | Gap] = []
        while self._numbers and self._numbers[0] == self._expected:
            number = heappop(self._numbers)
            self.last, _ = self._held.pop(number)
            self._expected = number + 1
            ready.append(self.last)
        if not self._held:
            self._fresh.clear()
        return ready

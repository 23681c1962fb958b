"""Waiting for what is missing: a short wait for numbers that come in the wrong order.

Knows numbers and how long to wait for one, not what is numbered. It takes a tracker's place
where the gap policy is to buffer. Reads no clock; imports nothing but the vocabulary.
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
    items are held because of it, or ``timeout_s`` after the first of these came. Each number is
    given out once at most; those in no gap, exactly once.
    """

    __slots__ = (
        "_anywhere",
        "_channel",
        "_expected",
        "_held",
        "_last",
        "_max_gap",
        "_max_pending",
        "_numbers",
        "_reason",
        "_symbol",
        "_time_of",
        "_timeout",
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
        # What was given out last.
        self._last: T | None = None
        # What is held, by number: the item and when it came, in the order in which they came.
        self._held: dict[int, tuple[T, float]] = {}
        # The numbers that are held, as a heap.
        self._numbers: list[int] = []

    def __len__(self) -> int:
        """How many items are held."""
        return len(self._held)

    @property
    def deadline(self) -> float:
        """When ``tick`` wants to be called; infinity for never."""
        for _, came in self._held.values():
            return came + self._timeout
        return math.inf

    def put(self, number: int, item: T, now: float) -> list[T | Gap]:
        """Take an item; give what can be handed on, in order."""
        if self._anywhere:
            self._anywhere = False
            self._expected = number
        if number < self._expected or number in self._held:
            self.repeats += 1
            return []
        if number == self._expected and not self._held:
            self._expected = number + 1
            self._last = item
            return [item]
        self._held[number] = (item, now)
        heappush(self._numbers, number)
        ready = self._release()
        while self._held and (
            len(self._held) > self._max_pending or number - self._expected > self._max_gap
        ):
            ready += self._give_up()
        return ready

    def tick(self, now: float) -> list[T | Gap]:
        """Give up what was waited for long enough. Early calls give nothing."""
        ready: list[T | Gap] = []
        while now >= self.deadline:
            ready += self._give_up()
        return ready

    def restart(self, expected: int | None = None) -> list[T | Gap]:
        """Give up all that is missing, and begin anew as after construction."""
        ready: list[T | Gap] = []
        while self._held:
            ready += self._give_up()
        self._anywhere = expected is None
        self._expected = expected or 0
        self._last = None
        return ready

    def _release(self) -> list[T | Gap]:
        """Give out what is next, and next to that."""
        ready: list[T | Gap] = []
        while self._numbers and self._numbers[0] == self._expected:
            number = heappop(self._numbers)
            self._last, _ = self._held.pop(number)
            self._expected = number + 1
            ready.append(self._last)
        return ready

    def _give_up(self) -> list[T | Gap]:
        """Wait no longer for the first hole; something must be held."""
        number, expected = self._numbers[0], self._expected
        item, _ = self._held[number]
        gap = Gap(
            self._channel,
            self._symbol,
            self._reason,
            expected,
            number,
            number - expected,
            None if self._last is None else self._time_of(self._last),
            self._time_of(item),
        )
        self._expected = number
        return [gap, *self._release()]

"""One side of a book that never was: its levels, and at some of them orders with names.

Knows how levels come and go, which orders of an account stand where in the queue of a level, and
what a client of some depth must be told; nothing of why anything happens.

All that has no name at a level is one quantity, up to an order that has one. So the queue of a
level with named orders is a row of pieces, the first to be filled first. What has no name leaves
from the back of the queue, unless it is traded; what comes joins at the back.

Source: section "book" of the WebSocket v2 documentation, and captured traffic.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from typing import NamedTuple

from kraken_trio._internal.model.channel import BOOK_DEPTHS

Piece = tuple[str | None, int]
"""A part of a level's queue: the name of an order or None, and its quantity."""


class Change(NamedTuple):
    """One level that was set or removed, and what it meant to those who see a part of the side."""

    place: int
    """Where it stood, 0 for the best: only deeper windows show it."""
    key: int
    """The level."""
    lots: int
    """Its quantity from then on; zero for one that was removed."""
    slid_in: dict[int, tuple[int, int]]
    """The price and the quantity that a removal moved into each window it shows in, by depth."""
    queue: tuple[Piece, ...] | None = None
    """Its queue from then on, where there are, or were, orders with names; else None."""


class Side:
    """One side of a book. A key is a price, negative for bids: the lowest key is the best."""

    def __init__(self, sign: int, depths: Collection[int] = BOOK_DEPTHS) -> None:
        """Start empty; ``sign`` is -1 for bids, 1 for asks, ``depths`` are of the windows on it."""
        self.sign = sign
        self.keys: list[int] = []
        self.lots: dict[int, int] = {}
        self.changes: list[Change] = []
        """What the step under way did, in order."""
        self.queues: dict[int, list[Piece]] = {}
        """The queue of each level that has an order with a name."""
        self._depths = depths

    def put(self, key: int, lots: int) -> None:
        """Set the quantity at a price, but for orders with names; zero removes it."""
        queue = self.queues.get(key)
        if queue is None:
            self._set(key, lots)
            return
        lots -= sum(size for name, size in queue if name is None)
        if lots > 0:
            queue.append((None, lots))
        for place in reversed(range(len(queue))):
            name, size = queue[place]
            if name is None and lots < 0:
                gone = min(size, -lots)
                lots += gone
                queue[place] = None, size - gone
        self._arrange(key, queue)

    def take(self, key: int, lots: int) -> list[Piece]:
        """Take so much from the front of a level's queue; give whose it was."""
        queue = self.queues.get(key)
        if queue is None:
            self._set(key, self.lots[key] - lots)
            return [(None, lots)]
        taken: list[Piece] = []
        for place, (name, size) in enumerate(queue):
            part = min(size, lots)
            if part:
                taken.append((name, part))
                queue[place] = name, size - part
                lots -= part
        self._arrange(key, queue)
        return taken

    def free(self, key: int) -> int:
        """How much may be taken from a level before it comes to an order with a name."""
        queue = self.queues.get(key)
        if queue is None:
            return self.lots[key]
        return 0 if queue[0][0] is not None else queue[0][1]

    def join(self, key: int, name: str, lots: int) -> None:
        """Let an order join the back of a level's queue."""
        there = self.lots.get(key, 0)
        queue = self.queues.setdefault(key, [(None, there)] if there else [])
        queue.append((name, lots))
        self._arrange(key, queue)

    def resize(self, key: int, name: str, lots: int) -> None:
        """Give an order another quantity, in its place; zero takes it away."""
        queue = self.queues.get(key)
        if queue is not None:
            self._arrange(key, [(name, lots) if piece[0] == name else piece for piece in queue])

    def _arrange(self, key: int, queue: list[Piece]) -> None:
        """Let a level have this queue, whatever of it is left."""
        left: list[Piece] = []
        for name, size in queue:
            if name is None and left and left[-1][0] is None:
                left[-1] = None, left[-1][1] + size
            elif size:
                left.append((name, size))
        self.queues[key] = left
        if all(name is None for name, _ in left):
            del self.queues[key]
        self._set(key, sum(size for _, size in left), tuple(left))

    def _set(self, key: int, lots: int, queue: tuple[Piece, ...] | None = None) -> None:
        """Set the quantity at a price; zero removes it."""
        keys = self.keys
        place = bisect_left(keys, key)
        slid_in: dict[int, tuple[int, int]] = {}
        if lots:
            if key not in self.lots:
                keys.insert(place, key)
            self.lots[key] = lots
        else:
            del self.lots[key]
            del keys[place]
            for depth in self._depths:
                if place < depth <= len(keys):
                    last = keys[depth - 1]
                    slid_in[depth] = (self.sign * last, self.lots[last])
        self.changes.append(Change(place, key, lots, slid_in, queue))

    def rows(self, depth: int) -> list[tuple[int, int]]:
        """The best levels, best first, as prices and quantities."""
        return [(self.sign * key, self.lots[key]) for key in self.keys[:depth]]

    def update(self, depth: int) -> list[tuple[int, int]]:
        """What a client must be told that is shown the best ``depth`` levels.

        The changes in its window, in order, so one price may come twice. A removal is followed
        at once by the level that slides into the window for it, even where a later change pushes
        that out again; what is pushed out is not mentioned.
        """
        rows: list[tuple[int, int]] = []
        for change in self.changes:
            if change.place < depth:
                rows.append((self.sign * change.key, change.lots))
                if depth in change.slid_in:
                    rows.append(change.slid_in[depth])
        return rows

"""How full a buffer gets: told in time, once, and not again at every ripple.

Knows the two marks. What is told to whom, and what is dropped, is not its matter. Imports nothing
but the buffer.

A buffer is *calm* until four fifths of it are taken, which is told. From then on everything is put
through here: the first record that is dropped is told too. It is calm again when less than half
of it is taken and every book in it is whole, for what is dropped of a book that is not belongs to
the same overflow. A buffer that is calm pays nothing for this.
"""

from __future__ import annotations

from typing import Protocol

from kraken_trio._internal.core.buffer import Buffer, Item


class Watch(Protocol):
    """Is told how full one buffer gets. Must not raise; may put something into that buffer."""

    def high_water(self, buffered: int, capacity: int) -> None:
        """Four fifths of it are taken."""
        ...

    def overflow(self, dropped: int) -> None:
        """A record was dropped, the first since then; with it that many, ever."""
        ...

    def relieved(self, dropped: int) -> None:
        """It is calm again, having dropped that many, one at least."""
        ...


class Gauge:
    """Follows one buffer between its marks."""

    __slots__ = ("_buffer", "_dropped", "_watch", "calm")

    def __init__(self, buffer: Buffer, watch: Watch) -> None:
        """Follow ``buffer``, which is empty, and tell ``watch``."""
        self.calm: bool = True
        """Whether the buffer may be filled directly; else everything is put here."""
        self._buffer = buffer
        self._watch = watch
        # What had been dropped before this overflow, if there is one.
        self._dropped: int | None = None

    @property
    def high(self) -> int:
        """Entries at which ``rise`` is to be called, while it is calm: of what there is room for
        now.
        """
        return -(-self._buffer.capacity * 4 // 5)

    def rise(self) -> None:
        """The high mark is passed."""
        self.calm = False
        self._watch.high_water(len(self._buffer), self._buffer.capacity)

    def put(self, item: Item) -> None:
        """Put an item where the buffer is not calm, unless it is so again."""
        buffer = self._buffer
        before = buffer.dropped
        if 2 * len(buffer) < buffer.capacity and buffer.whole:
            self.calm = True
            if self._dropped is not None:
                self._watch.relieved(before - self._dropped)
                self._dropped = None
        buffer.put(item)
        if self._dropped is None and buffer.dropped > before:
            self._dropped = before
            self._watch.overflow(buffer.dropped)

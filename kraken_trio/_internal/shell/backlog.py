"""What waits for the consumers of a feed: who is warned of it, and what was lost for it.

Knows every buffer that consumers read from, and how each is filled and emptied by the settings of
its consumer. What is dropped, and when something may be taken, the buffer and its channel decide.

Warnings are told to whoever listens to events, which are consumers like others: a warning may be
what fills one of their buffers, and that is told too. So they are told one after the other, never
one within another; a buffer that was told of is not told of again for them, which ends it.

The log is for people. A consumer that is ten times too slow fills a buffer of a book a hundred
times a second, each time to have a fresh snapshot behind a gap; so of each buffer it is said no
more often than once in ``LOG_PAUSE_S``, with what was dropped up to then.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Iterable
from logging import INFO, WARNING
from typing import Any, Final

import trio
from msgspec import Struct

from kraken_trio._internal.core.buffer import Buffer, Item, OnOverflow, SnapshotOf
from kraken_trio._internal.core.gauge import Watch
from kraken_trio._internal.core.told import ToldBuffer
from kraken_trio._internal.engine.hooks import Hooks
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.config import DropPolicy, KrakenConfig
from kraken_trio._internal.model.pressure import HighWater
from kraken_trio._internal.model.statistics import ChannelStatistics
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.shell.block import BlockingChannel, PacedBlockingChannel
from kraken_trio._internal.shell.channel import Pressure, RecordChannel
from kraken_trio._internal.shell.paced import PacedChannel
from kraken_trio._internal.shell.ration import say

log = logging.getLogger("kraken_trio.feed")

LEAST_WARNED_OF: Final = 5
"""Of fewer entries four fifths are all: a warning would come too late, and where the buffer is
that of who is warned, would be what makes it overflow."""


LOG_PAUSE_S: Final = 10.0
"""Between two words in the log about one buffer."""


class Totals(Struct, frozen=True):
    """What became of the records of several channels, all together."""

    received: int = 0
    """Put, whatever became of them."""
    taken: int = 0
    """Taken by their consumers."""
    dropped: int = 0
    """Lost for want of room."""
    coalesced: int = 0
    """Merged into others."""
    overflows: int = 0
    """Gaps for the dropped ones."""

    def plus(self, channels: Iterable[ChannelStatistics | Totals]) -> Totals:
        """With what became of those of more channels."""
        counted = [
            (each.received, each.taken, each.dropped, each.coalesced, each.overflows)
            for each in (self, *channels)
        ]
        return Totals(*map(sum, zip(*counted, strict=True)))


class Backlog:
    """Makes the channels of a feed's consumers, and watches them."""

    def __init__(
        self,
        publish: Callable[[HighWater], object],
        wall: Callable[[], Timestamp],
        live_book: SnapshotOf,
        pressure: Pressure,
        on_overflow: OnOverflow | None = None,
        *,
        hooks: Hooks | None = None,
    ) -> None:
        """Start without any. ``publish`` tells events, ``wall`` is the wall clock; ``on_overflow``
        is told what the consumer of a subscription was given for what it lost. ``hooks`` are told
        what is taken, if they want to know.
        """
        self.left: dict[str, Totals] = {}
        """What became of the records of consumers that have left, by their kind."""
        self._on_taken = hooks.record_taken if hooks else ()
        self._wall = wall
        self._publish = publish
        self._live_book = live_book
        self._on_overflow = on_overflow
        self._pressure = pressure
        self._untold: deque[HighWater] = deque()
        self._telling = False

    def subscription(self, channel: Channel, config: KrakenConfig) -> RecordChannel[Any]:
        """The channel of a subscription, with the settings of ``config``."""
        policy, rate = config.drop_policy, config.max_messages_per_second
        window_s = config.coalesce_window if policy is DropPolicy.COALESCE else 0.0
        depth = config.max_queue_depth
        if channel.needs_snapshot:
            # All snapshots come before it is entered, when nobody can receive yet.
            depth = max(depth, len(channel.symbols))
        buffer = self.buffer(channel.name, depth, policy, self._on_overflow)
        watch = self.watch(channel, policy)
        made: RecordChannel[Any]

        def leave() -> None:
            self.leave(channel.name, made)

        if rate or window_s:
            made = PacedChannel(
                buffer, self._pressure, window_s=window_s, rate=rate, watch=watch, on_close=leave
            )
        else:
            made = RecordChannel(buffer, self._pressure, watch=watch, on_close=leave)
        return made

    def blocking(self, channel: Channel, config: KrakenConfig) -> BlockingChannel[Any]:
        """The channel of one that makes its reader wait: with BLOCK, and ``config`` besides."""
        rate = config.max_messages_per_second
        buffer = self.buffer(channel.name, config.max_queue_depth, DropPolicy.BLOCK)
        watch = self.watch(channel, DropPolicy.BLOCK)
        made: BlockingChannel[Any]

        def leave() -> None:
            self.leave(channel.name, made)

        if rate:
            made = PacedBlockingChannel(
                buffer, self._pressure, rate=rate, watch=watch, on_close=leave
            )
        else:
            made = BlockingChannel(buffer, self._pressure, watch=watch, on_close=leave)
        return made

    def stream(
        self, config: KrakenConfig, on_close: Callable[[RecordChannel[Any]], object]
    ) -> RecordChannel[Any]:
        """The channel of a stream of events; ``on_close`` is called when its consumer leaves."""
        made: RecordChannel[Any]

        def leave() -> None:
            self.leave("events", made)
            on_close(made)

        made = RecordChannel(
            self.buffer("events", config.buffer_size),
            self._pressure,
            watch=self.watch("events"),
            on_close=leave,
        )
        return made

    def buffer(
        self,
        kind: str,
        capacity: int,
        policy: DropPolicy = DropPolicy.OLDEST,
        on_overflow: OnOverflow | None = None,
    ) -> Buffer:
        """What a consumer of this kind reads from; one that tells what is taken only where somebody
        wants to know.
        """
        live_book = None if policy is DropPolicy.BLOCK else self._live_book
        hooks, wall = self._on_taken, self._wall
        if not hooks:
            return Buffer(capacity, policy, live_book, on_overflow)

        def taken(item: Item, at: Timestamp) -> None:
            for hook in hooks:
                hook(kind, item, at)

        return ToldBuffer(capacity, policy, live_book, on_overflow, taken=taken, now=wall)

    def leave(self, kind: str, channel: RecordChannel[Any]) -> None:
        """Keep what became of the records of a channel whose consumer leaves."""
        self.left[kind] = self.left.get(kind, Totals()).plus([channel.statistics()])

    def watch(self, of: Channel | str, policy: DropPolicy = DropPolicy.OLDEST) -> Watch:
        """What is to be told how full a buffer gets, that ``of`` a channel, or what else it is."""
        return _Watch(self, of, policy)

    def warn(self, of: Channel | str, buffered: int, capacity: int) -> None:
        """Tell of a buffer that is nearly full."""
        name, symbols = (of, ()) if isinstance(of, str) else (of.name, of.symbols)
        self._untold.append(HighWater(name, symbols, buffered, capacity, self._wall()))
        if self._telling:
            return
        self._telling = True
        try:
            while self._untold:
                self._publish(self._untold.popleft())
        finally:
            self._telling = False


class _Watch:
    """Tells of one buffer."""

    def __init__(self, backlog: Backlog, of: Channel | str, policy: DropPolicy) -> None:
        self._backlog = backlog
        self._of = of
        self._policy = policy
        # When high water and an overflow may be logged again; whether this overflow was.
        self._pauses = [-math.inf, -math.inf]
        self._logged = False

    @property
    def _name(self) -> str:
        return self._of if isinstance(self._of, str) else self._of.name

    def high_water(self, buffered: int, capacity: int) -> None:
        """Warn, in time."""
        if capacity < LEAST_WARNED_OF:
            return
        if self._may_log(0):
            text = "%s: %d of %d entries wait"
            fields = {"consumer": self._name, "buffered": buffered, "capacity": capacity}
            say(log, WARNING, "high_water", text, self._of, buffered, capacity, **fields)
        self._backlog.warn(self._of, buffered, capacity)

    def overflow(self, dropped: int) -> None:
        """Say so."""
        self._logged = self._may_log(1)
        if self._logged:
            policy = self._policy.value
            text = "%s: by policy %s, %d dropped so far"
            fields = {"consumer": self._name, "policy": policy, "dropped": dropped}
            say(log, WARNING, "overflow", text, self._of, policy, dropped, **fields)

    def relieved(self, dropped: int) -> None:
        """Say what it cost, of one that was spoken of."""
        if self._logged:
            fields = {"consumer": self._name, "dropped": dropped}
            say(log, INFO, "overflow_over", "%s: it cost %d", self._of, dropped, **fields)

    def _may_log(self, what: int) -> bool:
        now = trio.current_time()
        if now < self._pauses[what]:
            return False
        self._pauses[what] = now + LOG_PAUSE_S
        return True

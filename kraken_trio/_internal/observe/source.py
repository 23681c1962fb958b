"""Reading a feed from wherever it is asked for: from its own run of trio, or from another thread.

A page may be served by trio, and then nothing is to be minded. But a registry that was there before
is often served by a thread of its own, and OpenTelemetry's readers are threads; the feed is changed
by its run of trio alone, and must be read there. So a thread asks, and waits for the answer. Not
for ever, for if trio waits for that thread in turn, both would: then it has what was read last.
"""

from __future__ import annotations

import math
import threading
import time
from typing import Final

import trio

from kraken_trio._internal.observe.metrics import MOST_SYMBOLS, Samples, Symbols, Watched, measure

PATIENCE_S: Final = 2.0
"""How long a thread waits for the run of trio."""


class Source:
    """One feed, to be read as metrics."""

    def __init__(
        self, feed: Watched, *, most_symbols: int = MOST_SYMBOLS, patience_s: float = PATIENCE_S
    ) -> None:
        """To be made in the run of trio that the feed belongs to."""
        self.feed: Watched = feed
        """Which."""
        self._symbols = Symbols(most_symbols)
        self._token = trio.lowlevel.current_trio_token()
        self._patience = patience_s
        self._last: Samples = {}
        self._read_at = -math.inf

    def read(self, fresh_s: float = 0.0) -> Samples:
        """Every value, now, or those read last if that was no longer than ``fresh_s`` ago.

        May be called by any thread, also when the run of trio is over. From another thread, where
        trio is busy for long, it gives the values read last. What goes wrong is raised here,
        and never where the feed runs.
        """
        if fresh_s and time.monotonic() - self._read_at < fresh_s:
            return self._last
        try:
            here = trio.lowlevel.current_trio_token() is self._token
        except RuntimeError:  # No run of trio in this thread.
            here = False
        if here:
            return self._measure()
        done = threading.Event()
        raised: list[Exception] = []

        def ask() -> None:
            try:
                self._measure()
            except Exception as error:  # noqa: BLE001 - of whoever asked; here it would end trio
                raised.append(error)
            done.set()

        try:
            self._token.run_sync_soon(ask)
        except trio.RunFinishedError:
            return self._measure()  # Nothing changes it any more.
        done.wait(self._patience)
        if raised:
            raise raised[0]
        return self._last

    def _measure(self) -> Samples:
        self._last = measure(self.feed, self._symbols)
        self._read_at = time.monotonic()
        return self._last

"""A thread that does one thing after another for a Trio program, and never keeps it from running.

Always the same thread, for those who must not be called from several. Waiting for it is waiting for
an event: a clock that jumps over idle time finds nothing to jump over, and a disk that hangs keeps
nobody but this thread.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

import trio

T = TypeVar("T")


class Scribe:
    """The thread. It begins with the first thing to do."""

    def __init__(self, name: str) -> None:
        """Begin with nothing to do."""
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._begun = False

    async def do(self, job: Callable[[], T]) -> T:
        """Have something done, and give, or raise, what comes of it.

        Cancelled, it is done all the same, and nobody is told.
        """
        done = trio.Event()
        outcome: list[tuple[Any, Exception | None]] = []
        token = trio.lowlevel.current_trio_token()

        def work() -> None:
            try:
                outcome.append((job(), None))
            except Exception as error:  # noqa: BLE001 - raised where it is waited for
                outcome.append((None, error))
            with contextlib.suppress(trio.RunFinishedError):  # Nobody is left to be told.
                token.run_sync_soon(done.set)

        if not self._begun:
            self._begun = True
            self._thread.start()
        self._jobs.put(work)
        await done.wait()
        ((result, error),) = outcome
        if error is not None:
            raise error
        return cast("T", result)

    async def finish(self, timeout_s: float) -> bool:
        """Let it end when all is done; say whether it did, in ``timeout_s`` of real time."""
        if not self._begun:
            return True
        self._jobs.put(None)
        await trio.to_thread.run_sync(self._thread.join, timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                return
            job()

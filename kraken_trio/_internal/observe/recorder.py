"""What comes in and what is done, written to a file as it happens: the recorder.

An ``Observer``, so it stands in the way of the data: a hook takes down what it is told in a bounded
buffer, and nothing more. A task of its own has a thread write that out. Where the disk is slower
than the exchange, the buffer fills, and what comes then is counted, and told in the file itself,
instead of kept; the feed never waits.

What is written, and how it is read back, stands in ``wire.recording``.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import trio

from kraken_trio._internal.model.config import KrakenConfig
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.ports import Observer
from kraken_trio._internal.model.steps import Broke, Closed, Opened, Step
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.observe.parts import FLUSH_S, Parts
from kraken_trio._internal.observe.scribe import Scribe
from kraken_trio._internal.observe.telling import (
    RecorderStatistics,
    RecordingResumed,
    RecordingStopped,
)
from kraken_trio._internal.wire.capture import format_line
from kraken_trio._internal.wire.masking import unspoken
from kraken_trio._internal.wire.recording import header_line, lost_line, step_line

log = logging.getLogger("kraken_trio.recorder")

ROOM_BYTES: Final = 64 * 2**20
"""Of frames that wait to be written: several seconds of a flood."""
ENTRY_BYTES: Final = 256
"""What a frame that waits takes beside itself, about: without it, empty ones would cost nothing."""
SAY_AGAIN_S: Final = 60.0
"""The log is told once in so long that there is no room."""
MOST_STEPS: Final = 100_000
"""Steps that wait to be written; there is one for each thousand frames, if anything goes wrong."""
GATHER_S: Final = 0.05
"""How long lines gather before they are written together."""
RETRY_S: Final = 5.0
"""After this, a disk that was full is tried again."""
CLOSE_TIMEOUT_S: Final = 10.0
"""For a disk to take what is left at the end."""


class Lost:
    """Lines that are missing in one place."""

    __slots__ = ("lines",)

    def __init__(self, lines: int) -> None:
        self.lines = lines


Entry = tuple[str, bytes | Step, int | None, bool] | Lost
"""Session, a frame or a step, when, and whether it went out; or how much is missing there."""
Trouble = RecordingStopped | RecordingResumed


class Recorder(Observer):
    """Writes down all that a feed is told: ``open_recorder`` opens one."""

    def __init__(
        self,
        path: Path,
        *,
        config: KrakenConfig | None,
        sent: bool,
        rotate_bytes: int | None,
        rotate_s: float | None,
        room_bytes: int,
        on_trouble: Callable[[Trouble], object] | None,
    ) -> None:
        """Prepare; ``run`` writes."""
        self._config = config
        self._sent = sent
        self._room = room_bytes
        self._on_trouble = on_trouble
        self._entries: deque[Entry] = deque()
        self._waiting_bytes = 0
        self._waiting_steps = 0
        # What is open, by session and what its data say of where they belong.
        self._open: dict[tuple[str, object], tuple[str, Step]] = {}
        self._open_before = self._open.copy()
        self._stirred = trio.Event()
        self.written: threading.Event = threading.Event()
        """Set when all is written that there will be."""
        self._gathering = trio.CancelScope()
        self._closing = False
        self._frames = self._steps = self._lost = 0
        # Lines that are missing since the last one that is in a file.
        self._missing = 0
        self._stopped: str | None = None
        self._say_again_at = 0.0
        self._parts = Parts(path, self._head, most_bytes=rotate_bytes, most_s=rotate_s)

    # Hooks: on the path of the data.

    def frame_received(self, session: str, payload: bytes | memoryview, at: Timestamp) -> None:
        """Take down a frame that came in."""
        self._keep(session, bytes(payload), at, sent=False)

    def frame_sent(self, session: str, payload: bytes, at: Timestamp) -> None:
        """Take down a frame that goes out, where that is wanted. Its token is asterisks already."""
        if self._sent:
            self._keep(session, payload, at, sent=True)

    def stepped(self, session: str, step: Step) -> None:
        """Take down a step."""
        if self._closing:
            return
        size = _size(step)
        if self._waiting_steps >= MOST_STEPS or self._waiting_bytes + size > self._room:
            self._lose()
            return
        self._waiting_bytes += size
        self._waiting_steps += 1
        self._entries.append((session, step, time.time_ns(), False))
        self._stir()

    def statistics(self) -> RecorderStatistics:
        """How it stands."""
        return RecorderStatistics(
            frames=self._frames,
            steps=self._steps,
            lost=self._lost,
            waiting_bytes=self._waiting_bytes,
            parts=tuple(map(str, self._parts.paths)),
            stopped=self._stopped,
        )

    def _keep(self, session: str, payload: bytes, at: int | None, *, sent: bool) -> None:
        if self._closing:
            return
        size = _size(payload)
        if self._waiting_bytes + size > self._room:
            self._lose()
            return
        self._waiting_bytes += size
        self._entries.append((session, payload, at, sent))
        self._stir()

    def _lose(self) -> None:
        """There is no room for a line."""
        self._lost += 1
        last = self._entries[-1] if self._entries else None
        if isinstance(last, Lost):
            last.lines += 1
            return
        self._entries.append(Lost(1))
        self._stir()
        now = time.monotonic()
        if now >= self._say_again_at:
            self._say_again_at = now + SAY_AGAIN_S
            fields = {"event": "recording_behind", "lost": self._lost}
            log.warning(
                "recording_behind: frames are left out, and counted in the file", extra=fields
            )

    def _stir(self) -> None:
        if not self._stirred.is_set():
            self._stirred.set()

    async def aclose(self) -> None:
        """Record no more, and wait until all is written; ten seconds at most."""
        self._closing = True
        self._stir()
        self._gathering.cancel()
        with trio.CancelScope(shield=True):
            # In a thread, so as to wait by the clock on the wall.
            await trio.to_thread.run_sync(self.written.wait, CLOSE_TIMEOUT_S)

    def _head(self, number: int) -> list[bytes]:
        """In the thread: the first lines of a part."""
        at = time.time_ns()
        opened = [step_line(session, step, at) for session, step in self._open_before.values()]
        return [header_line(self._config, at, part=number), *opened]


class RecorderTask(Recorder):
    """The same with what writes: its task, and the thread that this has."""

    async def run(self, scribe: Scribe) -> None:
        """Write until ``aclose``, and all that there is then. Never raises for a disk."""
        while not (self._closing and not self._entries):
            if not self._closing:
                with trio.move_on_after(FLUSH_S if self._parts.unsafe else math.inf):
                    await self._stirred.wait()
                await self._gather()
            self._stirred = trio.Event()
            entries, self._entries = self._entries, deque()
            await self._write(scribe, entries)
            if self._stopped is not None and self._closing:
                break
        unsafe = self._parts.unsafe
        try:
            await scribe.do(self._parts.close)
        except OSError as error:
            self._stop(error, unsafe)

    async def begin(self, scribe: Scribe) -> None:
        """Begin the first part, which says what it is. Raises ``OSError``."""
        await scribe.do(partial(self._put, ()))

    def leave(self) -> None:
        """The disk took too long: say what is left behind."""
        fields = {"path": self._path, "waiting_bytes": self._waiting_bytes}
        text = "recording_late: %s: the disk took too long, and %d bytes that waited were left"
        log.error(text, *fields.values(), extra={"event": "recording_late", **fields})

    @property
    def _path(self) -> str:
        """The part that is written, or was to be."""
        return str(self._parts.paths[-1] if self._parts.paths else self._parts.path)

    async def _gather(self) -> None:
        """Let a few lines come; after a failure let the disk have its time."""
        with trio.CancelScope() as self._gathering:
            if not self._closing:
                await trio.sleep(GATHER_S if self._stopped is None else RETRY_S)

    async def _write(self, scribe: Scribe, entries: Sequence[Entry] | deque[Entry]) -> None:
        """Have some entries written, or count them as lost."""
        unsafe = self._parts.unsafe
        frames = [each for each in entries if not isinstance(each, Lost)]
        steps = sum(not isinstance(each[1], bytes) for each in frames)
        before = len(self._parts.paths)
        try:
            await scribe.do(partial(self._put, tuple(entries)))
        except OSError as error:
            self._missing += sum(each.lines for each in entries if isinstance(each, Lost))
            self._stop(error, unsafe + len(frames))
        else:
            self._frames += len(frames) - steps
            self._steps += steps
            if self._stopped is not None and len(self._parts.paths) > before:
                self._resume()
        finally:
            self._waiting_steps -= steps
            self._waiting_bytes -= sum(_size(each[1]) for each in frames)

    def _put(self, entries: Sequence[Entry]) -> None:
        """In the thread: make lines of some entries, and write them. Raises ``OSError``."""
        missing = [lost_line(self._missing, time.time_ns())] if self._missing else []
        lines = [*missing, *map(self._line, entries)]
        try:
            self._parts.write(lines, time.monotonic())
        finally:
            # What is open before some lines is what a part that begins with them says first.
            self._open_before = dict(self._open)
        self._missing = 0

    def _line(self, entry: Entry) -> bytes:
        if isinstance(entry, Lost):
            return lost_line(entry.lines, time.time_ns())
        session, what, at, sent = entry
        if isinstance(what, bytes):
            return format_line(unspoken(what), at, session=session, sent=sent)
        if isinstance(what, Opened):
            self._open[session, what.part.key] = session, what
        elif isinstance(what, Closed):
            self._open.pop((session, what.part.key), None)
        return step_line(session, what, at)

    def _stop(self, error: OSError, lost: int) -> None:
        """What was to be written is lost."""
        self._lost += lost
        self._missing += lost
        again = self._stopped is not None
        self._stopped = error.strerror or str(error)
        if not again:
            path = self._path
            fields = {"event": "recording_stopped", "path": path, "reason": self._stopped}
            log.error("recording_stopped: %s: %s", path, self._stopped, extra=fields)
            self._tell(RecordingStopped(path, self._stopped, lost))

    def _resume(self) -> None:
        self._stopped = None
        path = str(self._parts.paths[-1])
        fields = {"event": "recording_resumed", "path": path, "lost": self._lost}
        log.warning("recording_resumed: %s", path, extra=fields)
        self._tell(RecordingResumed(path, self._lost))

    def _tell(self, trouble: Trouble) -> None:
        if self._on_trouble is None:
            return
        try:
            self._on_trouble(trouble)
        except Exception as error:
            fields = {"event": "on_trouble_failed", "reason": repr(error)}
            log.exception("on_trouble_failed: the recording goes on", extra=fields)


def _size(what: bytes | Step) -> int:
    """What it takes while it waits, where it is not one of a counted few."""
    match what:
        case bytes():
            return ENTRY_BYTES + len(what)
        case Broke(piece=piece):
            return ENTRY_BYTES + len(piece)
        case _:
            return 0


@asynccontextmanager
async def open_recorder(
    path: str | os.PathLike[str],
    *,
    config: KrakenConfig | None = None,
    sent: bool = False,
    rotate_bytes: int | None = None,
    rotate_s: float | None = None,
    room_bytes: int = ROOM_BYTES,
    on_trouble: Callable[[Trouble], object] | None = None,
) -> AsyncIterator[Recorder]:
    """Record into ``path`` what a feed is told that has the recorder among its ``observers``.

    One recorder is for one feed. A name that ends in ``.gz`` is compressed. Where a file is there
    already, it stays, and ``rec.0002.jsonl`` and so on are taken. The first line says what made it,
    and with ``config`` how the feed was set, without secrets. With ``sent`` the requests are
    recorded, too; asterisks stand for tokens.

    With ``rotate_bytes`` or ``rotate_s`` another part begins when one is as large, or as old: of
    ``rec.jsonl``, they are ``rec.0001.jsonl`` and so on. All parts together hold every line.

    Frames wait in ``room_bytes`` of memory; what does not fit is left out, counted, and noted in
    the file. Where a disk is full, ``on_trouble`` and the log are told once; the feed goes on, and
    a new part begins as soon as there is room.

    Leaving the block writes what waits, which takes ten seconds at most. Raises
    ``ConfigurationError`` for bounds that make no sense, and ``OSError`` where the first line
    cannot be written: the folder is not there, or the disk is full already.
    """
    for field, value in (
        ("rotate_bytes", rotate_bytes),
        ("rotate_s", rotate_s),
        ("room_bytes", room_bytes),
    ):
        if value is not None and not value > 0:
            raise ConfigurationError(field, f"must be above 0, is {value}", "Leave it out")
    recorder = RecorderTask(
        Path(path),
        config=config,
        sent=sent,
        rotate_bytes=rotate_bytes,
        rotate_s=rotate_s,
        room_bytes=room_bytes,
        on_trouble=on_trouble,
    )
    scribe = Scribe(f"recorder {Path(path).name}")
    await recorder.begin(scribe)
    failure: BaseException | None = None
    async with trio.open_nursery() as nursery:
        # It is to write what is left when the block was cancelled, too.
        scope = trio.CancelScope(shield=True)

        async def run() -> None:
            with scope:
                await recorder.run(scribe)
            recorder.written.set()

        nursery.start_soon(run, name="recorder")
        try:
            yield recorder
        except BaseException as error:
            if holds_cancelled(error):
                raise
            failure = error  # Raised below as it is, and not in the nursery's group.
        finally:
            await recorder.aclose()
            with trio.CancelScope(shield=True):
                if recorder.written.is_set():
                    await scribe.finish(CLOSE_TIMEOUT_S)
                else:
                    recorder.leave()
                    scope.cancel()
    if failure is not None:
        raise failure


def holds_cancelled(error: BaseException) -> bool:
    """Whether it must be let through, to the scope that was cancelled."""
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(trio.Cancelled) is not None
    return isinstance(error, trio.Cancelled)

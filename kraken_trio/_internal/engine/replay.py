"""A recording through the engine once more: all that its feed delivered, in the same order.

A recording of our own says every step beside its frames (``model.steps``), so what comes out is
what came out when it was made: records and gaps, to the digit. Of a capture that others made, what
was subscribed to is found out as it is read (``opening``). Either way there is no clock and no
chance: the same file gives the same again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import NoReturn

from msgspec import Struct

from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.opening import Opening, Precisions
from kraken_trio._internal.engine.steps import perform
from kraken_trio._internal.engine.verify import learnt_precisions
from kraken_trio._internal.model.errors import ConfigurationError, ProtocolError
from kraken_trio._internal.model.steps import Opened
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.capture import (
    CapturedFrame,
    CapturedNote,
    CaptureError,
    read_lines,
)
from kraken_trio._internal.wire.codec import recorded_decoder
from kraken_trio._internal.wire.recording import read_about, read_step


class ReplayedItem(Struct, frozen=True):
    """One thing that a recording's feed delivered."""

    path: str
    """The file, as it was named."""
    line: int
    """The number of the line that it came with, from 1."""
    session: str | None
    """In which session; None where the file does not say."""
    item: Item
    """A record, a gap, a heartbeat, a status, or the ``ProtocolError`` of a faulty frame."""


def _refuse(error: CaptureError) -> NoReturn:
    raise error


def replay_capture(
    *paths: str | os.PathLike[str],
    on_damage: Callable[[CaptureError], None] = _refuse,
    progress: Callable[[int], object] | None = None,
) -> Iterator[ReplayedItem]:
    """Give all that the feed of a recording delivered, reading it as it is asked for.

    Several ``paths`` are the parts of one recording, in their order. Any capture file will do.

    A line that is cut off or damaged, or says what is not known here, is told to ``on_damage`` in
    its place, and the next line goes on; without one the error is raised. Raises ``OSError`` where
    a file cannot be read. ``progress`` is told now and then how many bytes of a file were read.
    """
    replaying = Replaying(on_damage)
    for path in paths:
        yield from replaying.play(path, progress)


class _Session:
    """What one session of a recording goes through."""

    def __init__(self, name: str | None, precisions: Precisions, protocol: str | None) -> None:
        self.decoder = recorded_decoder(protocol)
        self.engine = Engine(self.decoder, session=name or "public")
        self.opening = Opening(self.engine, precisions)
        self.items: list[Item] = []
        self.engine.attach(self.items.append)


class Replaying:
    """The sessions of a recording, over all its parts."""

    def __init__(self, on_damage: Callable[[CaptureError], None]) -> None:
        self._on_damage = on_damage
        self._sessions: dict[str | None, _Session] = {}
        self._precisions: Precisions = {}
        # Whether all steps are told: so it is in recordings of our own.
        self._told = False
        # The number of the latest part; None before the first.
        self._part: int | None = None

    def play(
        self, path: str | os.PathLike[str], progress: Callable[[int], object] | None
    ) -> Iterator[ReplayedItem]:
        """Give what one part delivers."""
        name = os.fspath(path)
        self._told = begun = False
        for line in read_lines(path, on_damage=self._on_damage, progress=progress):
            if not (begun or self._told or isinstance(line, CapturedNote)):
                self._precisions = learnt_precisions(path)
                begun = True
            for session, item in self.take(line, name):
                yield ReplayedItem(name, line.line, session, item)

    def take(
        self, line: CapturedFrame | CapturedNote, path: str
    ) -> Iterator[tuple[str | None, Item]]:
        """Give what one line delivers, and in which session."""
        try:
            if isinstance(line, CapturedNote):
                self._note(line, path)
            elif not line.sent:
                self._feed(line)
        except (ValueError, ConfigurationError) as error:
            self._on_damage(CaptureError(str(error), path=path, line=line.line))
        for name, session in self._sessions.items():
            if session.items:
                yield from ((name, item) for item in session.items)
                session.items.clear()

    def engine(self, name: str | None) -> Engine:
        """The engine of a session, as it stands."""
        return self._session(name).engine

    def _note(self, note: CapturedNote, path: str) -> None:
        """Heed what is no frame. ``ValueError`` where it is not understood."""
        if note.about is not None:
            about = read_about(note.about)
            self._told |= about.format is not None
            if about.format is not None:
                self._begin_part(about.part, note, path)
            if about.lost:
                for session in self._sessions.values():
                    session.engine.disconnect()
        if note.step is not None:
            step = read_step(note.step)
            protocol = step.protocol if isinstance(step, Opened) else None
            engine = self._session(note.session, protocol).engine
            # The next part of a recording begins with what is open already.
            if not (isinstance(step, Opened) and engine.route(step.part) is not None):
                perform(engine, step)

    def _begin_part(self, part: int, note: CapturedNote, path: str) -> None:
        """Go on with a part; after another than the one before it, nothing is believed. One that is
        handed over first, and is not the first, is told of, too: it may be all that there is.
        """
        before, self._part = self._part, part
        if part == 1:
            self._sessions.clear()  # Another run of the recorder, which begins with nothing.
            return
        if before is None:
            msg = f"it begins with part {part}: what came before it is missing"
        elif part != before + 1:
            for session in self._sessions.values():
                session.engine.disconnect()
            msg = f"part {part} does not follow part {before}: one is missing, or not in order"
        else:
            return
        self._on_damage(CaptureError(msg, path=path, line=note.line))

    def _feed(self, frame: CapturedFrame) -> None:
        """Feed a frame. ``ConfigurationError`` where it is of nothing that can be subscribed to."""
        session = self._session(frame.session)
        at = None if frame.received_ns is None else Timestamp(frame.received_ns)
        if self._told:
            session.engine.feed(frame.payload, at)
            return
        try:
            session.opening.take(session.decoder.decode(frame.payload, at))
        except ProtocolError as error:
            session.items.append(error)

    def _session(self, name: str | None, protocol: str | None = None) -> _Session:
        session = self._sessions.get(name)
        if session is None:
            session = self._sessions[name] = _Session(name, self._precisions, protocol)
        return session

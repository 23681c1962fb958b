"""Keeps the latest of what came, and makes a bundle of it when something fails.

An observer like any other. Two segments of lines are kept, so that there is always one whole: each
begins with what was open then, and how the books stood (``anchors``). To keep that costs a feed a
tuple a frame and the copy of a book now and then; to write a bundle, a thread's time.

Bounded: in lines and bytes that are kept, of books too, in bundles that wait to be written, in how
often the same may fail and be told, and in files, of which the oldest go.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import trio
from msgspec import Struct

from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.incident import (
    CHECKSUM,
    GAPS,
    PRIVATE,
    PROTOCOL,
    IncidentReport,
)
from kraken_trio._internal.model.config import KrakenConfig
from kraken_trio._internal.model.errors import ProtocolError
from kraken_trio._internal.model.gap import Gap, GapReason
from kraken_trio._internal.model.level3 import Level3Snapshot
from kraken_trio._internal.model.lifecycle import StateChange
from kraken_trio._internal.model.ports import Observer
from kraken_trio._internal.model.records import BookSnapshot
from kraken_trio._internal.model.statistics import FeedStatistics
from kraken_trio._internal.model.steps import Broke, Step
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.model.traits import Traits
from kraken_trio._internal.shell.anchors import Entry, Segment
from kraken_trio._internal.shell.bundle import write_bundle
from kraken_trio._internal.shell.ration import say
from kraken_trio._internal.wire.anchors import snapshot_frame
from kraken_trio._internal.wire.capture import format_line
from kraken_trio._internal.wire.masking import unspoken
from kraken_trio._internal.wire.recording import header_line, redacted, step_line, versions

log = logging.getLogger("kraken_trio.incidents")

FRAMES: Final = 1000
"""Lines of a segment: a bundle has so many before the failure, or twice that."""
SEGMENT_BYTES: Final = 4 * 2**20
"""Of frames in one, at most; one frame may be larger."""
MOST_BUNDLES: Final = 50
"""In a folder; the oldest go."""
WAITING: Final = 4
"""Bundles that wait to be written; while there are so many, no other is made."""
AGAIN_S: Final = 60.0
"""The same failure makes a bundle once in so long."""
BURST, BURST_S = 5, 10.0
"""So many losses in so long, in seconds, are a burst."""
MOST_STATES: Final = 100
"""Transitions that are kept."""


class _Made(Struct):
    """A bundle that waits to be written."""

    incident: IncidentReport
    entries: list[Entry]


class Incidents(Observer):
    """What ``KrakenConfig.incidents`` asks for."""

    def __init__(
        self,
        folder: Path,
        config: KrakenConfig,
        *,
        engines: Callable[[], dict[str, Engine]],
        statistics: Callable[[], FeedStatistics],
        wall: Callable[[], Timestamp],
    ) -> None:
        """Write bundles to ``folder``, which is made if it is not there."""
        self.written: list[Path] = []
        """The bundles of this feed, the oldest first."""
        self.left_out: int = 0
        """Failures of which none was made: the same was told lately, or others wait."""
        self._folder = folder
        self._config = config
        self._engines = engines
        self._statistics = statistics
        self._wall = wall
        self._before = Segment(most=FRAMES)
        self._now = Segment(most=FRAMES)
        self._states: deque[StateChange] = deque(maxlen=MOST_STATES)
        self._gaps: deque[str] = deque(maxlen=MOST_STATES)
        # When something was lost: several gaps that come with one line are one loss.
        self._losses: deque[float] = deque(maxlen=BURST)
        self._counted: object = None
        self._told: dict[tuple[str, str | None, str | None], float] = {}
        self._waiting: deque[_Made] = deque()
        self._stirred = trio.Event()
        self._complained = False

    # Hooks.

    def frame_received(self, session: str, payload: bytes | memoryview, at: Timestamp) -> None:
        """Keep it. On the way of every frame, so nothing is called that need not be."""
        now = self._now
        if len(now.lines) >= FRAMES or now.size >= SEGMENT_BYTES:
            now = self._turn()
        if now.pending:
            now.take_some(at)
        now.lines.append((session, bytes(payload), at))
        now.size += len(payload)

    def stepped(self, session: str, step: Step) -> None:
        """Keep it; a step that says that the framing was broken is a failure itself."""
        now = self._now
        if len(now.lines) >= 2 * FRAMES or now.size >= SEGMENT_BYTES:
            now = self._turn()
        now.add(session, step, int(self._wall()))
        if isinstance(step, Broke):
            self._make(PROTOCOL, session, step.reason, framing=True)

    def state_changed(self, change: StateChange) -> None:
        """Keep it."""
        self._states.append(change)

    def fault(self, session: str, error: ProtocolError) -> None:
        """A frame could not be understood."""
        self._now.fail(PROTOCOL, session, None, None)
        self._make(PROTOCOL, session, str(error))

    def gap(self, session: str, gap: Gap) -> None:
        """Something was lost; what one slow consumer lost is nobody's fault but its own."""
        if gap.local or gap.reason is GapReason.OVERFLOW:
            return
        self._gaps.append(repr(gap))
        kind = CHECKSUM if gap.reason is GapReason.CHECKSUM else GAPS
        self._now.fail(kind, session, gap.channel, gap.symbol)
        if gap.reason is GapReason.CHECKSUM:
            self._make(CHECKSUM, session, repr(gap), gap)
        entry = self._latest()
        if entry is self._counted:
            return
        self._counted = entry
        losses, now = self._losses, trio.current_time()
        losses.append(now)
        if len(losses) == BURST and now - losses[0] <= BURST_S:
            losses.clear()
            self._make(GAPS, session, repr(gap), gap)

    # The task.

    async def run(self) -> None:
        """Write bundles as they are made, for ever."""
        while True:
            await self._stirred.wait()
            self._stirred = trio.Event()
            while self._waiting:
                await trio.to_thread.run_sync(self._write, self._waiting.popleft())

    def finish(self) -> None:
        """Write those that wait, at once: the program may be about to end because of them."""
        while self._waiting:
            self._write(self._waiting.popleft())

    def _latest(self) -> Entry | None:
        return self._now.lines[-1] if self._now.lines else None

    def _turn(self) -> Segment:
        """Begin another segment, before a line is kept: what that does comes after the look at how
        things stand.
        """
        at = int(self._wall())
        self._now.take_books(None, at)  # Of a few large frames there was no time for them.
        self._before = self._now
        self._now = Segment(self._engines().items(), at, most=FRAMES)
        return self._now

    def _make(
        self,
        kind: str,
        session: str,
        reason: str,
        gap: Gap | None = None,
        *,
        framing: bool = False,
    ) -> None:
        """Take down what there is, for a bundle, unless there are enough of them."""
        now = trio.current_time()
        channel, symbol = (None, None) if gap is None else (gap.channel, gap.symbol)
        wrong = gap if kind == CHECKSUM else None
        same = "framing" if framing else kind, channel, symbol
        if now < self._told.get(same, now) or len(self._waiting) >= WAITING:
            self.left_out += 1
            return
        if len(self._told) > FRAMES:
            self._told.clear()
        self._told[same] = now + AGAIN_S
        old = self._before
        entries = [*old.whole(), *self._now.lines]
        line = 1 + len(entries)
        incident = IncidentReport(
            kind=kind,
            at=int(self._wall()),
            session=session,
            channel=channel,
            symbol=symbol,
            reason=self._concealed(reason),
            expected=None if wrong is None else wrong.expected,
            computed=None if wrong is None else wrong.received,
            framing=framing,
            line=line,
            judged_from=2 + old.stood + old.begun,
            earlier=None if framing else self._earlier(kind, session, channel, symbol, line),
            frames=sum(isinstance(what, bytes) for _, what, _ in entries),
            books_left_out=old.left_out + self._now.left_out,
            gaps=self._concealed(list(self._gaps)),
            states=self._concealed([_told(change) for change in self._states]),
            statistics=_plain(self._statistics()),
            versions=versions(),
            config=redacted(self._config),
        )
        self._waiting.append(_Made(incident, entries))
        self._stirred.set()

    def _earlier(
        self, kind: str, session: str, channel: str | None, symbol: str | None, line: int
    ) -> list[int] | None:
        """With which lines the same failed before; None where that cannot be had once more."""
        if channel in PRIVATE:
            return None
        kinds = {CHECKSUM, GAPS} if kind == GAPS else {kind}
        old, about = self._before, (session, channel, symbol)
        begun = [each for each in old.failures if each.lines > old.begun]
        now = [each._replace(lines=len(old.lines) + each.lines) for each in self._now.failures]
        same = {
            1 + old.stood + each.lines
            for each in (*begun, *now)
            if each.kind in kinds and each[2:] == about
        }
        return sorted(same - {line})

    def _concealed(self, value: Any) -> Any:
        """With asterisks for secrets, in whatever a text may be in."""
        match value:
            case str():
                for engine in self._engines().values():
                    value = engine.concealed.text(value)
                return value
            case list():
                return [self._concealed(each) for each in value]
            case dict():
                return {name: self._concealed(each) for name, each in value.items()}
            case _:
                return value

    def _write(self, made: _Made) -> None:
        """In a thread: write a bundle, and remove what is too old."""
        incident = made.incident
        moment = datetime.fromtimestamp(incident.at // 10**9, UTC).strftime("%Y%m%dT%H%M%S")
        about = "-".join(part for part in (incident.channel, incident.symbol) if part)
        name = f"incident-{moment}.{incident.at % 10**9:09}Z-{incident.kind}"
        name += f"-{''.join(c if c.isalnum() or c in '-_' else '-' for c in about)}"[:60]
        path = self._folder / f"{name.rstrip('-')}.zip"
        traits = self._config.traits
        frames = (_line(entry, traits) for entry in made.entries)
        lines = [header_line(self._config, incident.at), *frames]
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_bundle(path, incident, lines)
            for old in sorted(self._folder.glob("incident-*Z-*.zip"))[:-MOST_BUNDLES]:
                old.unlink(missing_ok=True)
        except OSError as error:
            if not self._complained:
                self._complained = True
                fields = {"path": str(path), "reason": str(error)}
                say(
                    log,
                    logging.ERROR,
                    "incident_lost",
                    "%s cannot be written: %s",
                    path,
                    error,
                    **fields,
                )
            return
        self.written.append(path)
        fields = {"failure": incident.kind, "path": str(path)}
        say(log, logging.WARNING, "incident", "%s: %s", incident.kind, path, **fields)


def _line(entry: Entry, traits: Traits) -> bytes:
    session, what, at = entry
    if isinstance(what, BookSnapshot | Level3Snapshot):
        what = snapshot_frame(what, traits)
    if isinstance(what, bytes):
        return format_line(unspoken(what), at, session=session)
    return step_line(session, what, at)


def _told(change: StateChange) -> dict[str, Any]:
    return {
        "session": change.session,
        "from_state": change.from_state.value,
        "to_state": change.to_state.value,
        "trigger": change.trigger.value,
        "reason": change.reason,
        "at": int(change.at),
    }


def _plain(statistics: FeedStatistics) -> dict[str, Any]:
    """As plain values, fit for JSON."""
    plain: dict[str, Any] = msgspec.to_builtins(statistics, str_keys=True, enc_hook=str)
    return plain

"""What there is to know of one failure, and how it is had once more.

The lines that led to it are a recording of their own, which begins with what was open and how the
books stood; so an engine that takes them comes to the same failure at the same line, and shows what
nobody could see when it happened: the book before, the book after, and the text of its checksum.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.engine.book_route import BookRoute
from kraken_trio._internal.engine.replay import Replaying
from kraken_trio._internal.model.errors import ProtocolError
from kraken_trio._internal.model.gap import Gap, GapReason
from kraken_trio._internal.model.steps import Broke
from kraken_trio._internal.wire.capture import CapturedFrame, CapturedNote, CaptureError
from kraken_trio._internal.wire.ends import fault_of
from kraken_trio._internal.wire.recording import read_step

FORMAT = 1
"""Of bundles: what another one means is not known here."""
CHECKSUM, PROTOCOL, GAPS = "checksum", "protocol_error", "gaps"
"""Kinds of incidents."""
PRIVATE = frozenset({"executions", "balances", "open_orders", "own_trades"})
"""Channels of which the numbers before the first line are not known."""


class BookFound(Struct, frozen=True):
    """A book as it stood; prices and quantities as text, with all their digits."""

    bids: list[tuple[str, str]]
    """Price and quantity, best first."""
    asks: list[tuple[str, str]]
    """Likewise."""


class IncidentReport(Struct, frozen=True, kw_only=True):
    """One failure."""

    format: int = FORMAT
    """Of the bundle."""
    kind: str
    """``checksum``, ``protocol_error`` or ``gaps``."""
    at: int
    """When, in nanoseconds since the epoch."""
    session: str
    """In which session."""
    channel: str | None = None
    """Such as ``book``; None where it is unknown."""
    symbol: str | None = None
    """Such as ``BTC/USD``."""
    reason: str
    """What is wrong, in words."""
    expected: int | None = None
    """The checksum that the exchange gave."""
    computed: int | None = None
    """The checksum that the book has."""
    text: str | None = None
    """What that was computed of."""
    framing: bool = False
    """Of a ``protocol_error``: whether it broke the framing, so that the connection ended."""
    line: int
    """The number of the line in ``frames.jsonl`` with which it failed: the last one."""
    judged_from: int = 1
    """The first line of which it is known what it came to: all books are there before it."""
    earlier: list[int] | None = None
    """With which lines from there on the same failed, too; None where that cannot be had again."""
    frames: int
    """How many frames there are."""
    books_left_out: int = 0
    """Books that are not in it until their next snapshot: all of them together were too large."""
    gaps: list[str] = []
    """The latest gaps, the last one last."""
    states: list[dict[str, Any]] = []
    """The latest transitions of all sessions, the last one last."""
    statistics: dict[str, Any] = {}
    """Of the feed, right after it."""
    versions: dict[str, str] = {}
    """What it happened to."""
    config: dict[str, Any] = {}
    """How that was set, without secrets."""


class Reproduction(Struct, frozen=True, kw_only=True):
    """What came of a failure's lines, taken once more."""

    line: int | None
    """With which line the same failed; None where it did not."""
    reason: str | None
    """What failed then, in words."""
    same: bool = False
    """Whether it failed as it did: with the same line and the same text, and before that with those
    lines alone with which it had."""
    earlier: list[int] = []
    """With which lines the same failed before."""
    expected: int | None = None
    """The checksum that the exchange gave."""
    computed: int | None = None
    """The checksum that the book has."""
    text: str | None = None
    """What that was computed of."""
    before: BookFound | None = None
    """The book before that line, where it is about one."""
    after: BookFound | None = None
    """The book with that line."""


def reproduce(
    incident: IncidentReport, lines: Iterable[CapturedFrame | CapturedNote]
) -> Reproduction:
    """Take the lines of a failure once more, and say what comes of the last one."""
    damage: list[CaptureError] = []
    replaying = Replaying(damage.append)
    earlier: list[int] = []
    for line in lines:
        if line.line < incident.line:
            found = [matches(incident, *each) for each in replaying.take(line, "")]
            if any(found) and line.line >= incident.judged_from:
                earlier.append(line.line)
            continue
        route = _book_of(replaying, incident)
        before = None if route is None else _found(route)
        if route is not None and incident.kind == CHECKSUM:
            route.book.lenient = True  # So that what failed stays to be seen.
        if incident.framing:
            return _judge_framing(incident, line)
        found_last = [
            item for session, item in replaying.take(line, "") if matches(incident, session, item)
        ]
        again = _judge(line.line, found_last, before, route)
        return replace(again, earlier=earlier, same=_same(incident, again, earlier))
    return Reproduction(line=None, reason=None, earlier=earlier)


def _same(incident: IncidentReport, again: Reproduction, earlier: list[int]) -> bool:
    """Whether it failed as it did, no sooner and no later."""
    return (
        again.line == incident.line
        and incident.text in (None, again.text)
        and incident.earlier in (None, earlier)
    )


def matches(incident: IncidentReport, session: str | None, item: Item) -> bool:
    """Whether this is what failed."""
    if session != incident.session:
        return False
    match item:
        case ProtocolError():
            return incident.kind == PROTOCOL
        case Gap(reason=GapReason.CHECKSUM) if incident.kind == CHECKSUM:
            return (item.channel, item.symbol) == (incident.channel, incident.symbol)
        case Gap():
            return incident.kind == GAPS and (item.channel, item.symbol) == (
                incident.channel,
                incident.symbol,
            )
        case _:
            return False


def _judge(
    line: int, found: list[Item], before: BookFound | None, route: BookRoute | None
) -> Reproduction:
    if not found:
        return Reproduction(line=None, reason=None, before=before)
    failed = found[0]
    if not isinstance(failed, Gap):
        return Reproduction(line=line, reason=str(failed), before=before)
    if route is None or failed.reason is not GapReason.CHECKSUM:
        return Reproduction(line=line, reason=repr(failed), before=before)
    return Reproduction(
        line=line,
        reason=repr(failed),
        expected=failed.expected,
        computed=failed.received,
        text=route.book.text.decode(),
        before=before,
        after=_found(route),
    )


def _judge_framing(incident: IncidentReport, line: CapturedFrame | CapturedNote) -> Reproduction:
    """The bytes that broke the framing are split once more."""
    step = None
    if isinstance(line, CapturedNote) and line.step is not None:
        step = read_step(line.step)
    fault = fault_of(step.piece) if isinstance(step, Broke) else None
    if fault is None or fault.reason != incident.reason:
        return Reproduction(line=None, reason=None)
    return Reproduction(line=line.line, reason=str(fault), same=line.line == incident.line)


def _book_of(replaying: Replaying, incident: IncidentReport) -> BookRoute | None:
    """The book that it is about, if it is about one."""
    for route in replaying.engine(incident.session).routes():
        if (
            isinstance(route, BookRoute)
            and (route.part.name, route.book.symbol) == (incident.channel, incident.symbol)
        ):  # fmt: skip
            return route
    return None


def _found(route: BookRoute) -> BookFound:
    bids, asks = (
        [(format(price, "f"), format(qty, "f")) for price, qty in side]
        for side in route.book.held()
    )
    return BookFound(bids, asks)


def explained(incident: IncidentReport) -> Iterator[str]:
    """Say in words what happened, line by line."""
    about = " ".join(part for part in (incident.channel, incident.symbol) if part)
    match incident.kind:
        case "checksum":
            yield f"The {about} did not have the checksum that the exchange said it has."
            yield f"The exchange said {incident.expected}; the book had {incident.computed}."
            yield f"That is the CRC32 of: {incident.text}"
        case "protocol_error" if incident.framing:
            yield "The framing was broken, which ended the connection."
        case "protocol_error":
            yield "A frame could not be understood."
        case _:
            yield f"Gap followed gap: {len(incident.gaps)} in a short while, the last in {about}."
    yield f"What was found: {incident.reason}"
    yield f"It came with line {incident.line} of frames.jsonl, in session {incident.session}."
    yield f"It holds {incident.frames} frames, that one too, and how things stood before them."
    if incident.books_left_out:
        yield f"{incident.books_left_out} books did not fit, and begin with their next snapshot."
    for gap in incident.gaps[-5:]:
        yield f"  gap: {gap}"
    for change in incident.states[-5:]:
        yield (
            f"  {change['session']}: {change['from_state']} -> {change['to_state']} "
            f"({change['trigger']})"
        )

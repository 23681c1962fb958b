"""IncidentReport bundles as files: one ZIP each, with all that there is to know of a failure.

========================  ================================================================
``README.txt``            what happened, in words
``incident.json``         the same for programs: ``engine.incident.IncidentReport``
``frames.jsonl``          a recording of what led to it; the last line is what failed
``book-before.json``      the book before that line, where it is about one
``book-after.json``       the book with it, which does not have the checksum it should have
========================  ================================================================

What is read was perhaps written by somebody else, so nothing is unpacked beyond bounds.
"""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from kraken_trio._internal.engine.incident import (
    FORMAT,
    BookFound,
    IncidentReport,
    Reproduction,
    explained,
    reproduce,
)
from kraken_trio._internal.model.errors import ProtocolError
from kraken_trio._internal.wire.capture import CapturedFrame, CapturedNote, read_lines

MOST_MEMBER_BYTES = 64 * 2**20
"""That are unpacked of one file in a bundle."""

_INCIDENT, _FRAMES, _WORDS = "incident.json", "frames.jsonl", "README.txt"
_BEFORE, _AFTER = "book-before.json", "book-after.json"
_encode, _decode = msgspec.json.encode, msgspec.json.Decoder(IncidentReport).decode


def write_bundle(path: Path, incident: IncidentReport, lines: Sequence[bytes]) -> None:
    """Write a bundle; what its checksum was computed of is found out here. Raises ``OSError``.

    It is there whole or not at all.
    """
    frames = b"".join(lines)
    with _recording(frames) as recorded:
        again = reproduce(incident, recorded)
    if again.text is not None:
        incident = msgspec.structs.replace(incident, text=again.text)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        archive.writestr(_WORDS, "\n".join(explained(incident)) + "\n")
        archive.writestr(_INCIDENT, msgspec.json.format(_encode(incident)))
        archive.writestr(_FRAMES, frames)
        for name, book in ((_BEFORE, again.before), (_AFTER, again.after)):
            if book is not None:
                archive.writestr(name, _encode(book))
    whole = path.with_suffix(".part")
    try:
        whole.unlink(missing_ok=True)
        with open(whole, "xb", opener=_for_the_owner) as file:
            file.write(packed.getvalue())
        whole.replace(path)
    except OSError:
        whole.unlink(missing_ok=True)
        raise


def _for_the_owner(path: str, flags: int) -> int:
    """Open it so that nobody else may read it, whatever the umask."""
    return os.open(path, flags, 0o600)


def read_incident(path: str | os.PathLike[str]) -> IncidentReport:
    """Read what a bundle is about.

    Raises ``OSError`` where it cannot be read, ``ProtocolError`` where it is no bundle.
    """
    with _opened(path) as archive:
        try:
            incident: IncidentReport = _decode(_member(archive, _INCIDENT))
        except msgspec.MsgspecError as error:
            raise ProtocolError(f"no incident bundle: {error}") from error
    if incident.format != FORMAT:
        raise ProtocolError(f"the bundle has format {incident.format}, and only {FORMAT} is known")
    return incident


def read_books(path: str | os.PathLike[str]) -> tuple[BookFound | None, BookFound | None]:
    """Read the book before and after it, where it is about one. Raises as ``read_incident``."""
    with _opened(path) as archive:
        names = archive.namelist()
        found = [
            msgspec.json.decode(_member(archive, name), type=BookFound) if name in names else None
            for name in (_BEFORE, _AFTER)
        ]
    return found[0], found[1]


def replay_incident(path: str | os.PathLike[str]) -> Reproduction:
    """Take the lines of a bundle once more, and say with which the same failed. As
    ``read_incident``.
    """
    incident = read_incident(path)
    with _opened(path) as archive:
        frames = _member(archive, _FRAMES)
    with _recording(frames) as lines:
        return reproduce(incident, lines)


def explain_incident(path: str | os.PathLike[str]) -> list[str]:
    """Say in words what a bundle is about. As ``read_incident``."""
    return list(explained(read_incident(path)))


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, EOFError) as error:
        raise ProtocolError(f"no incident bundle: {error}") from error


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Unpack one file, if it is not absurdly large."""
    with archive.open(name) as file:
        data = file.read(MOST_MEMBER_BYTES + 1)
    if len(data) > MOST_MEMBER_BYTES:
        raise ProtocolError(f"{name} in the bundle has more than {MOST_MEMBER_BYTES} bytes")
    return data


@contextmanager
def _recording(frames: bytes) -> Iterator[Iterator[CapturedFrame | CapturedNote]]:
    """Have the lines of a recording read that is in memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _FRAMES
        path.write_bytes(frames)
        yield read_lines(path, on_damage=lambda _: None)

"""The command ``verify``: captured traffic, frame by frame, and every book by its checksum."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from kraken_trio._internal.apps.ending import IMPOSSIBLE, WELL, WRONG, interrupts_raise
from kraken_trio._internal.apps.options import AsJson
from kraken_trio._internal.apps.progress import progress_of
from kraken_trio._internal.apps.text import shown
from kraken_trio.extended import Verification, verify_capture


def verify(
    file: Path,
    /,
    *files: Path,
    as_json: AsJson = False,
) -> int:
    """Decode every frame of captured traffic, and check every order book by its checksum.

    What is wrong is told on standard error, with its line. So is the progress of what takes
    long, where that is a terminal.

    Exit code 0: all frames decoded and all checksums right; 1: some were not; 2: a file could
    not be read.

    For example::

        kraken-trio verify capture.jsonl
        kraken-trio verify --json *.jsonl.gz | jq .books

    Parameters
    ----------
    file
        A file of captured frames, one a line: {"ts": seconds or null, "raw": "..."}, or the
        frames themselves. gzip is understood.
    files
        More of them.
    as_json
        Print one object for each file, on one line.
    """
    with interrupts_raise():
        return max(_verify(path, as_json=as_json) for path in (file, *files))


def _verify(path: Path, *, as_json: bool) -> int:
    """Verify one file; give the exit code."""
    name = shown(str(path))
    try:
        with progress_of(path) as progress:
            result = verify_capture(path, progress=progress)
    except OSError as error:
        print(f"{name}: cannot be read: {shown(str(error.strerror or error))}", file=sys.stderr)
        return IMPOSSIBLE
    for fault in result.faults:
        print(f"{name}, line {fault.line}: {shown(fault.reason)}", file=sys.stderr)
    if not result.frames:
        print(f"{name}: there is no frame in it", file=sys.stderr)
    if result.faults_untold:
        print(f"{name}: and {result.faults_untold} more", file=sys.stderr)
    print(json.dumps(result.summary()) if as_json else _in_words(result))
    return WELL if result.ok else WRONG


def _in_words(result: Verification) -> str:
    """Several lines about one file."""
    frames = f"{result.frames}: {result.decoded} decoded, {result.undecoded} not"
    lines = [
        f"{shown(result.file)}: {'ok' if result.ok else 'FAILED'}",
        f"  frames    {frames}, {result.unknown} of an unknown kind",
    ]
    for name, book in result.books.items():
        lines.append(
            f"  book      {shown(name)}, depth {book.depth}: snapshots {book.snapshots}, updates "
            f"{book.updates}, checksums right {book.checksums_ok}, wrong {book.checksums_failed}"
        )
    if result.trades:
        lines.append(f"  trades    {result.trades}, gaps {result.trade_gaps}")
    if result.records:
        counts = ", ".join(f"{count} {name}" for name, count in result.records.items())
        lines.append(f"  records   {counts}")
    return "\n".join(lines)

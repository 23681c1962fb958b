"""The command line: which commands there are, what they print, and how they exit.

Results go to standard output, everything that is wrong to standard error. Exit codes: 0 when
all is well, 1 when what was looked at is not, 2 when it could not be looked at.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from kraken_trio.extended import Verification, verify_capture

app = App(
    name="kraken-trio",
    help="Market data from Kraken's WebSocket API, verified.",
    help_format="plaintext",
)


@app.command
def verify(
    file: Path,
    /,
    *files: Path,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Decode every frame of captured traffic, and check every order book by its checksum.

    Exit code 0: all frames decoded and all checksums right; 1: some were not; 2: a file could
    not be read.

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
    worst = 0
    for path in (file, *files):
        try:
            result = verify_capture(path)
        except OSError as error:
            print(f"{path}: cannot be read: {error.strerror or error}", file=sys.stderr)
            worst = 2
            continue
        for fault in result.faults:
            print(f"{path}, line {fault.line}: {fault.reason}", file=sys.stderr)
        if result.faults_untold:
            print(f"{path}: and {result.faults_untold} more", file=sys.stderr)
        print(json.dumps(result.summary()) if as_json else _in_words(result))
        worst = max(worst, 0 if result.ok else 1)
    return worst


def _in_words(result: Verification) -> str:
    """Several lines about one file."""
    frames = f"{result.frames}: {result.decoded} decoded, {result.undecoded} not"
    lines = [
        f"{result.file}: {'ok' if result.ok else 'FAILED'}",
        f"  frames    {frames}, {result.unknown} of an unknown kind",
    ]
    for name, book in result.books.items():
        lines.append(
            f"  book      {name}, depth {book.depth}: snapshots {book.snapshots}, updates "
            f"{book.updates}, checksums right {book.checksums_ok}, wrong {book.checksums_failed}"
        )
    if result.trades:
        lines.append(f"  trades    {result.trades}, gaps {result.trade_gaps}")
    if result.records:
        counts = ", ".join(f"{count} {name}" for name, count in result.records.items())
        lines.append(f"  records   {counts}")
    return "\n".join(lines)

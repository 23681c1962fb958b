"""The command line: which commands there are, what they print, and how they exit.

Results go to standard output, everything that is wrong to standard error. Exit codes: 0 when
all is well, 1 when what was looked at is not, 2 when it could not be looked at, 141 when nobody
reads the output any more (what a shell tells of a program that a broken pipe ended).

What a file holds was written by others: none of it reaches a terminal before it is printable and
short. In JSON it stands whole, escaped.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import trio
from cyclopts import App, Parameter

from kraken_trio import KrakenError
from kraken_trio._internal.apps.demo import run_demo
from kraken_trio.extended import Verification, verify_capture

BROKEN_PIPE = 141
"""128 and the number of SIGPIPE."""

_MOST_CHARACTERS = 200
_HEAD, _TAIL = 120, 77

INTERRUPTED = 130
"""What a shell expects of a program that was ended with Ctrl-C: 128 and the signal's number."""

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
    return _told(partial(_verify, (file, *files), as_json=as_json))


@app.command
def demo(
    *,
    seconds: float = 5.0,
    symbols: tuple[str, ...] = ("BTC/USD", "ETH/USD", "SOL/USD"),
    seed: int = 1,
) -> int:
    """Start a simulated exchange on this machine, and show a feed of it over TLS.

    The market is made up; sockets, certificates, frames and checksums are real. Exit code 0:
    every checksum was right and nothing was missed; 1: something was not; 2: it could not run.

    Parameters
    ----------
    seconds
        How long.
    symbols
        Which pairs.
    seed
        Another one, another market.
    """
    return _told(partial(_demo, seconds=seconds, symbols=symbols, seed=seed))


def _demo(*, seconds: float, symbols: tuple[str, ...], seed: int) -> int:
    """Run it; give the exit code."""
    try:
        good = trio.run(partial(run_demo, seconds=seconds, symbols=symbols, seed=seed))
    except BrokenPipeError:
        raise
    except (KrakenError, OSError) as error:
        print(f"the demonstration could not run: {error}", file=sys.stderr)
        return 2
    except BaseExceptionGroup as group:
        if group.split(KeyboardInterrupt)[1] is not None:
            raise
        return INTERRUPTED
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0 if good else 1


def _verify(paths: tuple[Path, ...], *, as_json: bool) -> int:
    """Verify all files; give the exit code."""
    worst = 0
    for path in paths:
        name = _shown(str(path))
        try:
            result = verify_capture(path)
        except OSError as error:
            reason = _shown(str(error.strerror or error))
            print(f"{name}: cannot be read: {reason}", file=sys.stderr)
            worst = 2
            continue
        for fault in result.faults:
            print(f"{name}, line {fault.line}: {_shown(fault.reason)}", file=sys.stderr)
        if result.faults_untold:
            print(f"{name}: and {result.faults_untold} more", file=sys.stderr)
        print(json.dumps(result.summary()) if as_json else _in_words(result))
        worst = max(worst, 0 if result.ok else 1)
    return worst


def _told(command: Callable[[], int]) -> int:
    """Run what prints, on whatever it is that it prints to; give the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = command()
        sys.stdout.flush()
    except BrokenPipeError:
        # What is buffered still would fail again at the interpreter's end, with a traceback.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        return BROKEN_PIPE
    return code


def _shown(text: str) -> str:
    """A text that others wrote: without what moves a cursor, and its middle left out if long."""
    if len(text) > _MOST_CHARACTERS:
        text = f"{text[:_HEAD]}...{text[-_TAIL:]}"
    return "".join(c if c.isprintable() else "?" for c in text)


def _in_words(result: Verification) -> str:
    """Several lines about one file."""
    frames = f"{result.frames}: {result.decoded} decoded, {result.undecoded} not"
    lines = [
        f"{_shown(result.file)}: {'ok' if result.ok else 'FAILED'}",
        f"  frames    {frames}, {result.unknown} of an unknown kind",
    ]
    for name, book in result.books.items():
        lines.append(
            f"  book      {_shown(name)}, depth {book.depth}: snapshots {book.snapshots}, updates "
            f"{book.updates}, checksums right {book.checksums_ok}, wrong {book.checksums_failed}"
        )
    if result.trades:
        lines.append(f"  trades    {result.trades}, gaps {result.trade_gaps}")
    if result.records:
        counts = ", ".join(f"{count} {name}" for name, count in result.records.items())
        lines.append(f"  records   {counts}")
    return "\n".join(lines)

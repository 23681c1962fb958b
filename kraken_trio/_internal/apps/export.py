"""The command ``export``: a recording as tables for other programs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from kraken_trio._internal.apps.ending import WELL, WRONG, interrupts_raise
from kraken_trio._internal.apps.progress import progress_of
from kraken_trio._internal.apps.text import shown
from kraken_trio.extended import CaptureError, export_capture


def export(
    file: Path,
    /,
    *files: Path,
    to: Path,
    form: Annotated[Literal["parquet", "csv", "jsonl"], Parameter(name="--format")] = "parquet",
    replace: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> int:
    """Export a recording as tables: trades, tickers, candles, tops and levels of books, and gaps.

    Each table is a file in the folder. In parquet, prices and quantities are decimals and times are
    UTC to the nanosecond; in csv and jsonl, they are text with all their digits.

    What cannot be read is told on standard error, with its line. Exit code 0: all was exported; 1:
    not all could be read; 2: a file could not be read or written at all.

    For example::

        kraken-trio export today.jsonl.gz --to tables
        kraken-trio export today.0001.jsonl today.0002.jsonl --to tables --format csv --replace

    Parameters
    ----------
    file
        A recording, or any capture file that verify reads.
    files
        Its other parts, in their order.
    to
        The folder; it is made if it is not there. One that has tables of that format is refused.
    form
        What kind of files; parquet needs the extra export.
    replace
        Replace the tables of that format that are there, all of them.
    """

    def damaged(error: CaptureError) -> None:
        print(f"{shown(error.path)}, line {error.line}: {shown(error.reason)}", file=sys.stderr)

    with interrupts_raise(), progress_of(file) as progress:
        done = export_capture(
            file,
            *files,
            to=to,
            format=form,
            replace=replace,
            on_damage=damaged,
            progress=progress,
        )
    for table, path in done.files.items():
        print(f"{done.rows[table]} rows: {shown(path)}")
    if not done.files:
        print("there is nothing in it that has a table", file=sys.stderr)
    return WRONG if done.damaged else WELL

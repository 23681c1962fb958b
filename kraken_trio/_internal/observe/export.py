"""A recording as tables: trades, tickers, candles, tops and levels of books, and the gaps.

It goes through the engine, so every book in it is verified; holds a row group of each table and no
more.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from msgspec import Struct

from kraken_trio._internal.engine.replay import replay_capture
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.observe.columns import TABLES, Row, Rows
from kraken_trio._internal.observe.sheets import Format, Sheet, open_sheet
from kraken_trio._internal.wire.capture import CaptureError

ROWS: Final = 20_000
"""That are written together."""


class Exported(Struct, frozen=True):
    """What was exported."""

    files: dict[str, str]
    """By table: only those with rows have one."""
    rows: dict[str, int]
    """Of each of these."""
    damaged: int
    """Lines that could not be read."""


def export_capture(
    *paths: str | os.PathLike[str],
    to: str | os.PathLike[str],
    format: Format = "parquet",  # noqa: A002 - as the option is called
    on_damage: Callable[[CaptureError], object] | None = None,
    progress: Callable[[int], object] | None = None,
) -> Exported:
    """Export a recording, or its parts, to a folder: a file for each table that has rows.

    The folder is made if it is not there; files of the same names are replaced. ``progress`` and
    ``on_damage`` are as in ``replay_capture``, but that damage ends nothing. Raises ``OSError``
    where something cannot be read or written, ``ConfigurationError`` where parquet is wanted
    without pyarrow, or where a value does not fit into its column.
    """
    if format not in {"parquet", "csv", "jsonl"}:
        raise ConfigurationError("format", "must be parquet, csv or jsonl", "Choose one of these")
    folder = Path(to)
    folder.mkdir(parents=True, exist_ok=True)
    damaged = 0

    def note(error: CaptureError) -> None:
        nonlocal damaged
        damaged += 1
        if on_damage is not None:
            on_damage(error)

    with ExitStack() as stack:
        tables = _Tables(folder, format, stack)
        rows = Rows()
        for each in replay_capture(*paths, on_damage=note, progress=progress):
            for table, row in rows.of(each.item):
                tables.add(table, row)
        tables.finish()
    return Exported(
        {name: str(path) for name, path in tables.paths.items()}, tables.counts, damaged
    )


class _Tables:
    """The tables that have rows."""

    def __init__(self, folder: Path, format_: Format, stack: ExitStack) -> None:
        self.paths: dict[str, Path] = {}
        self.counts: dict[str, int] = {}
        self._folder = folder
        self._format = format_
        self._stack = stack
        self._sheets: dict[str, Sheet] = {}
        self._waiting: dict[str, list[Row]] = {}

    def add(self, table: str, row: Row) -> None:
        waiting = self._waiting.setdefault(table, [])
        waiting.append(row)
        if len(waiting) >= ROWS:
            self._write(table)

    def finish(self) -> None:
        for table in self._waiting:
            self._write(table)

    def _write(self, table: str) -> None:
        rows = self._waiting[table]
        if not rows:
            return
        if table not in self._sheets:
            path = self.paths[table] = self._folder / f"{table}.{self._format}"
            self._sheets[table] = open_sheet(self._format, path, TABLES[table], self._stack)
        self._sheets[table].write(rows)
        self.counts[table] = self.counts.get(table, 0) + len(rows)
        rows.clear()

"""A recording as tables: trades, tickers, candles, tops and levels of books, and the gaps.

It goes through the engine, so every book in it is verified; holds a row group of each table and no
more. A table has its name when all of them are whole, and not before.
"""

from __future__ import annotations

import errno
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
PART: Final = ".part"
"""What the name of a file ends in as long as not all of them are whole."""


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
    replace: bool = False,
    on_damage: Callable[[CaptureError], object] | None = None,
    progress: Callable[[int], object] | None = None,
) -> Exported:
    """Export a recording, or its parts, to a folder: a file for each table that has rows.

    The folder is made if it is not there. Where it has tables of that format already it is refused
    with ``FileExistsError``, unless they are to be ``replace``d: then all of them go, those too of
    which this recording has none. Tables are written as ``trades.csv.part`` and so on, and have
    their names when all are whole; one that fails leaves what was there before, and one that is
    killed leaves such parts, which the next replaces.

    ``progress`` and ``on_damage`` are as in ``replay_capture``, but that damage ends nothing.
    Raises ``OSError`` where something cannot be read or written, ``ConfigurationError`` where
    parquet is wanted without pyarrow, or where a value does not fit into its column.
    """
    if format not in {"parquet", "csv", "jsonl"}:
        raise ConfigurationError("format", "must be parquet, csv or jsonl", "Choose one of these")
    folder = Path(to)
    folder.mkdir(parents=True, exist_ok=True)
    finals = {table: folder / f"{table}.{format}" for table in TABLES}
    if not replace:
        _refuse_others(finals)
    damaged = 0

    def note(error: CaptureError) -> None:
        nonlocal damaged
        damaged += 1
        if on_damage is not None:
            on_damage(error)

    tables = _Tables(finals, format)
    try:
        with ExitStack() as tables.stack:
            rows = Rows()
            for each in replay_capture(*paths, on_damage=note, progress=progress):
                for table, row in rows.of(each.item):
                    tables.add(table, row)
            tables.finish()
        if not replace:
            _refuse_others(finals)  # Another export may have been quicker.
        tables.name()
    finally:
        tables.drop()
    return Exported({table: str(finals[table]) for table in tables.parts}, tables.counts, damaged)


def _refuse_others(finals: dict[str, Path]) -> None:
    """Raise ``FileExistsError`` where there is a table already: two recordings are not one."""
    for path in finals.values():
        if path.exists():
            raise FileExistsError(
                errno.EEXIST,
                "there is a table already: choose another folder, or have its tables replaced",
                str(path),
            )


class _Tables:
    """The tables that have rows."""

    def __init__(self, finals: dict[str, Path], format_: Format) -> None:
        self.parts: dict[str, Path] = {}
        self.counts: dict[str, int] = {}
        self.stack = ExitStack()
        self._finals = finals
        self._format = format_
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

    def name(self) -> None:
        """Give all their names, now that they are whole; what others had these is gone."""
        for table in self._finals.keys() - self.parts.keys():
            self._finals[table].unlink(missing_ok=True)
        for table, part in self.parts.items():
            part.replace(self._finals[table])

    def drop(self) -> None:
        """Leave nothing that has no name."""
        for part in self.parts.values():
            part.unlink(missing_ok=True)

    def _write(self, table: str) -> None:
        rows = self._waiting[table]
        if not rows:
            return
        if table not in self._sheets:
            final = self._finals[table]
            part = self.parts[table] = final.with_name(f"{final.name}{PART}")
            self._sheets[table] = open_sheet(self._format, part, TABLES[table], self.stack)
        self._sheets[table].write(rows)
        self.counts[table] = self.counts.get(table, 0) + len(rows)
        rows.clear()

"""Tables as files: parquet, CSV or lines of JSON, written row group by row group.

Parquet needs pyarrow, which the extra ``export`` installs, and which is imported when it is asked
for. There, a decimal is ``decimal128(38, 18)`` and a time ``timestamp[ns, tz=UTC]``; what does not
fit is an error and never rounded. In the other two, a decimal is text with all its digits, and a
time RFC 3339 in UTC.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.observe.columns import Kind, Row

Format = Literal["parquet", "csv", "jsonl"]
"""Of a file."""
PRECISION, SCALE = 38, 18
"""Digits of a decimal column, and how many of them behind the point: the exchange's most is ten."""


class Sheet(Protocol):
    """A table that is being written."""

    def write(self, rows: Sequence[Row]) -> None:
        """Write some rows. ``ConfigurationError`` where a value does not fit into its column."""
        ...


def open_sheet(format_: Format, path: Path, columns: dict[str, Kind], stack: ExitStack) -> Sheet:
    """Begin a file; it is finished when ``stack`` ends. Raises ``OSError``."""
    return _SHEETS[format_](path, columns, stack)


class ParquetSheet:
    """A table as parquet."""

    def __init__(self, path: Path, columns: dict[str, Kind], stack: ExitStack) -> None:
        """Begin it. ``ConfigurationError`` where pyarrow is not installed."""
        pa = _pyarrow()
        import pyarrow.parquet as pq  # noqa: PLC0415 - an extra

        kinds = {
            "text": pa.string(),
            "number": pa.int64(),
            "decimal": pa.decimal128(PRECISION, SCALE),
            "time": pa.timestamp("ns", tz="UTC"),
            "flag": pa.bool_(),
        }
        self._path = path
        self._schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
        self._arrow = pa
        self._writer: Any = stack.enter_context(
            pq.ParquetWriter(path, self._schema, compression="zstd")
        )

    def write(self, rows: Sequence[Row]) -> None:
        """As in ``Sheet``."""
        pa = self._arrow
        arrays = []
        for field, values in zip(self._schema, zip(*rows, strict=True), strict=True):
            try:
                arrays.append(pa.array(values, field.type))
            except (pa.ArrowInvalid, OverflowError) as error:
                raise ConfigurationError(
                    "format",
                    f"has no room for a value of {field.name} in {self._path.name}: {error}",
                    "Export it as csv or jsonl, which have room for any",
                ) from error
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))


class CsvSheet:
    """A table as CSV, with a first line of names (RFC 4180)."""

    def __init__(self, path: Path, columns: dict[str, Kind], stack: ExitStack) -> None:
        """Begin it."""
        file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
        self._writer = csv.writer(file)
        self._texts = [_TEXTS[kind] for kind in columns.values()]
        self._writer.writerow(columns)

    def write(self, rows: Sequence[Row]) -> None:
        """As in ``Sheet``."""
        texts = self._texts
        self._writer.writerows(
            ["" if value is None else text(value) for text, value in zip(texts, row, strict=True)]
            for row in rows
        )


class JsonSheet:
    """A table as lines of JSON, an object each."""

    def __init__(self, path: Path, columns: dict[str, Kind], stack: ExitStack) -> None:
        """Begin it."""
        self._file = stack.enter_context(path.open("w", encoding="utf-8"))
        self._columns = {
            name: _as_it_is if kind in {"number", "flag"} else _TEXTS[kind]
            for name, kind in columns.items()
        }

    def write(self, rows: Sequence[Row]) -> None:
        """As in ``Sheet``."""
        for row in rows:
            told = {
                name: None if value is None else plain(value)
                for (name, plain), value in zip(self._columns.items(), row, strict=True)
            }
            self._file.write(json.dumps(told, separators=(",", ":")) + "\n")


def _pyarrow() -> Any:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            "format",
            "parquet needs pyarrow, which is not installed",
            'Run: pip install "kraken-trio[export]", or choose csv or jsonl',
        ) from error
    return pa


def _as_it_is(value: Any) -> Any:
    return value


_SHEETS: Final[dict[str, Callable[[Path, dict[str, Kind], ExitStack], Sheet]]] = {
    "parquet": ParquetSheet,
    "csv": CsvSheet,
    "jsonl": JsonSheet,
}
_TEXTS: Final[dict[Kind, Callable[[Any], str]]] = {
    "text": str,
    "number": str,
    "decimal": lambda value: format(value, "f"),
    "time": lambda value: str(Timestamp(value)),
    "flag": lambda value: "true" if value else "false",
}

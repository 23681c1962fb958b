"""Tables as files."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import pytest

from kraken_trio import ConfigurationError
from kraken_trio._internal.observe.columns import Kind
from kraken_trio._internal.observe.sheets import Format, open_sheet

D = Decimal
COLUMNS: dict[str, Kind] = {"a": "text", "b": "number", "c": "decimal", "d": "time", "e": "flag"}
AT = 1_783_465_204_005_636_789
ROWS = [('x,"y"', 7, D("0.00000010"), AT, True), (None, None, None, None, None)]


def written(path: Path, format_: Format, *rows: tuple[object, ...]) -> Path:
    """Write some rows, twice."""
    with ExitStack() as stack:
        sheet = open_sheet(format_, path, COLUMNS, stack)
        sheet.write(rows)
        sheet.write(rows)
    return path


def test_csv_has_every_digit(tmp_path: Path) -> None:
    """With a line of names first, and nothing for nothing."""
    text = written(tmp_path / "t.csv", "csv", *ROWS).read_text()
    row = '"x,""y""",7,0.00000010,2026-07-07T23:00:04.005636789Z,true'
    assert text.splitlines() == ["a,b,c,d,e", row, ",,,,", row, ",,,,"]


def test_json_has_every_digit(tmp_path: Path) -> None:
    """Prices are strings, as in all of this command line."""
    text = written(tmp_path / "t.jsonl", "jsonl", *ROWS).read_text()
    row = '{"a":"x,\\"y\\"","b":7,"c":"0.00000010","d":"2026-07-07T23:00:04.005636789Z","e":true}'
    nothing = '{"a":null,"b":null,"c":null,"d":null,"e":null}'
    assert text.splitlines() == [row, nothing, row, nothing]


@pytest.mark.extra("export")  # noqa: S610 - a mark of pytest, no query of Django
def test_parquet_is_typed(tmp_path: Path) -> None:
    """Decimals of 128 bits, times in UTC to the nanosecond; a row group for each write."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - an extra

    path = written(tmp_path / "t.parquet", "parquet", *ROWS)
    table = pq.read_table(path)
    kinds = [str(field.type) for field in table.schema]
    assert kinds == ["string", "int64", "decimal128(38, 18)", "timestamp[ns, tz=UTC]", "bool"]
    values = [column.to_pylist() for column in (table["a"], table["b"], table["c"], table["e"])]
    assert values == [
        ['x,"y"', None] * 2,
        [7, None] * 2,
        [D("0.00000010"), None] * 2,
        [True, None] * 2,
    ]
    assert table["d"].cast("int64").to_pylist() == [AT, None] * 2
    assert pq.ParquetFile(path).num_row_groups == 2


@pytest.mark.extra("export")  # noqa: S610 - a mark of pytest, no query of Django
@pytest.mark.parametrize(
    "row",
    [
        ("x", 7, D("1e-19"), AT, True),
        ("x", 7, D("1e20"), AT, True),
        ("x", 2**63, D(1), AT, True),
        ("x", 7, D(1), 2**63, True),
    ],
)
def test_what_does_not_fit_is_never_rounded(tmp_path: Path, row: tuple[object, ...]) -> None:
    """It is an error, which says where there is room."""
    with pytest.raises(ConfigurationError, match=r"t\.parquet.*csv or jsonl"):
        written(tmp_path / "t.parquet", "parquet", row)


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Says what to install."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match=r"kraken-trio\[export\]"):
        written(tmp_path / "t.parquet", "parquet")

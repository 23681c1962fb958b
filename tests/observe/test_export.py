"""Recordings as tables."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kraken_trio import ConfigurationError
from kraken_trio._internal.observe import export as module
from kraken_trio._internal.observe.columns import Rows
from kraken_trio.extended import CaptureError, export_capture, replay_capture

TRADE = (
    '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":1.50,'
    '"qty":0.00000010,"ord_type":"limit","trade_id":%d,"timestamp":"2026-07-07T23:00:04Z"}]}'
)


def capture(tmp_path: Path, count: int, *more: str) -> Path:
    """Write a capture of so many trades."""
    path = tmp_path / "capture.jsonl"
    lines = [json.dumps({"ts": None, "raw": TRADE % number}) for number in range(count)]
    path.write_text("\n".join([*lines, *more]) + "\n", encoding="utf-8")
    return path


def test_tables_are_written_group_by_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each once, in order, and only those with rows."""
    monkeypatch.setattr(module, "ROWS", 3)
    done = export_capture(capture(tmp_path, 7), to=tmp_path / "new" / "out", format="jsonl")
    assert done.rows == {"trades": 7}
    (file,) = (tmp_path / "new" / "out").iterdir()
    assert done.files == {"trades": str(file)}
    numbers = [json.loads(line)["trade_id"] for line in file.read_text().splitlines()]
    assert numbers == list(range(7))


def test_damage_is_counted_and_told(tmp_path: Path) -> None:
    """And ends nothing; a full group leaves nothing to write."""
    path = capture(tmp_path, 2, '{"ts": 1, "ra')
    told: list[CaptureError] = []
    done = export_capture(path, to=tmp_path / "out", format="csv", on_damage=told.append)
    assert (done.damaged, len(told), done.rows) == (1, 1, {"trades": 2})
    assert export_capture(path, to=tmp_path / "out", format="csv").damaged == 1


def test_a_group_that_is_full_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is written once."""
    monkeypatch.setattr(module, "ROWS", 2)
    assert export_capture(capture(tmp_path, 4), to=tmp_path / "out", format="csv").rows == {
        "trades": 4
    }


def test_a_format_that_is_none(tmp_path: Path) -> None:
    """Is refused before anything is written."""
    with pytest.raises(ConfigurationError, match="format"):
        export_capture(capture(tmp_path, 1), to=tmp_path / "out", format="xls")  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


@pytest.mark.extra("export")  # noqa: S610 - a mark of pytest, no query of Django
def test_captures_are_read_back_equal(captures: Path, tmp_path: Path) -> None:
    """Every record of all captured traffic: each value, and in jsonl each digit."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - an extra

    total = 0
    for path in sorted(captures.glob("v2-*.jsonl")):
        rows, expected = Rows(), dict[str, list[Any]]()
        for each in replay_capture(path):
            for table, row in rows.of(each.item):
                expected.setdefault(table, []).append(row)
        done = export_capture(path, to=tmp_path / path.stem)
        texts = export_capture(path, to=tmp_path / path.stem, format="jsonl")
        assert done.rows == texts.rows == {table: len(found) for table, found in expected.items()}
        for table, found in expected.items():
            read = pq.read_table(done.files[table])
            columns = [
                (column.cast("int64") if "timestamp" in str(column.type) else column).to_pylist()
                for column in read.columns
            ]
            assert list(zip(*columns, strict=True)) == found
            lines = Path(texts.files[table]).read_text(encoding="utf-8").splitlines()
            for line, row in zip(lines, found, strict=True):
                for value, told in zip(row, json.loads(line).values(), strict=True):
                    assert told == (format(value, "f") if isinstance(value, Decimal) else told)
            total += len(found)
    assert total > 10_000

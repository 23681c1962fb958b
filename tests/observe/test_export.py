"""Recordings as tables."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from kraken_trio import ConfigurationError, Timestamp
from kraken_trio._internal.observe import export as module
from kraken_trio._internal.observe.columns import TABLES, Rows
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
    assert export_capture(path, to=tmp_path / "out", format="csv", replace=True).damaged == 1


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


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a group of rows, whatever the size of the file."""
    monkeypatch.setattr(module, "ROWS", 100)
    peaks = []
    for count in (100, 500, 2000):
        path = capture(tmp_path, count)
        tracemalloc.start()
        try:
            export_capture(path, to=tmp_path / str(count), format="jsonl")
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[2] < peaks[1] * 1.2 + 20_000


TICKER = (
    '{"channel":"ticker","type":"snapshot","data":[{"symbol":"BTC/USD","bid":1.0,"bid_qty":1.0,'
    '"ask":2.0,"ask_qty":1.0,"last":1.5,"volume":1.0,"vwap":1.5,"low":1.0,"high":2.0,'
    '"change":0.0,"change_pct":0.0}]}'
)


def names(folder: Path) -> list[str]:
    """Give what is there."""
    return sorted(path.name for path in folder.iterdir())


def test_two_recordings_are_not_mixed(tmp_path: Path) -> None:
    """A folder with tables of that format is refused, and they stay; replaced, none does."""
    out = tmp_path / "out"
    trades = capture(tmp_path, 2)
    export_capture(trades, to=out, format="csv")
    before = (out / "trades.csv").read_bytes()
    tickers = tmp_path / "tickers.jsonl"
    tickers.write_text(json.dumps({"ts": None, "raw": TICKER}) + "\n", encoding="utf-8")
    with pytest.raises(FileExistsError, match="there is a table already") as caught:
        export_capture(tickers, to=out, format="csv")
    assert caught.value.filename == str(out / "trades.csv")
    assert (names(out), (out / "trades.csv").read_bytes()) == (["trades.csv"], before)
    assert export_capture(tickers, to=out, format="jsonl").rows == {"tickers": 1}
    export_capture(tickers, to=out, format="csv", replace=True)
    assert names(out) == ["tickers.csv", "tickers.jsonl"]


def test_one_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing of its own, however far it came."""
    monkeypatch.setattr(module, "ROWS", 2)
    out = tmp_path / "out"
    export_capture(capture(tmp_path, 3), to=out, format="csv")
    before = (out / "trades.csv").read_bytes()

    def fail(error: CaptureError) -> None:
        assert "trades.csv.part" in names(out)
        raise error

    damaged = capture(tmp_path, 9, '{"ts": 1, "ra')
    with pytest.raises(CaptureError):
        export_capture(damaged, to=out, format="csv", replace=True, on_damage=fail)
    assert (names(out), (out / "trades.csv").read_bytes()) == (["trades.csv"], before)


def test_another_that_was_quicker_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its table stays."""
    monkeypatch.setattr(module, "ROWS", 2)
    out = tmp_path / "out"

    def other(_: CaptureError) -> None:
        (out / "tickers.csv").write_bytes(b"theirs")

    with pytest.raises(FileExistsError):
        export_capture(capture(tmp_path, 3, '{"ts": 1, "ra'), to=out, format="csv", on_damage=other)
    assert names(out) == ["tickers.csv"]


KILLED = """
import os, signal, sys
from kraken_trio._internal.observe import export
export.ROWS = 100
looks = 0
def progress(done):
    global looks
    looks += 1
    if looks == 4:
        os.kill(os.getpid(), signal.SIGKILL)
export.export_capture(sys.argv[1], to=sys.argv[2], format=sys.argv[3], progress=progress)
"""


@pytest.mark.extra("export")  # noqa: S610 - a mark of pytest, no query of Django
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_one_that_is_killed_leaves_no_half_table(tmp_path: Path, form: str) -> None:
    """Only what says by its name that it is none; the next one has all."""
    path, out = capture(tmp_path, 5000), tmp_path / "out"
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", KILLED, str(path), str(out), form], check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert names(out) == [f"trades.{form}.part"]
    again = export_capture(path, to=out, format=form)  # type: ignore[arg-type]
    assert again.rows == {"trades": 5000}
    assert names(out) == [f"trades.{form}"]


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
        sheets = export_capture(path, to=tmp_path / path.stem, format="csv")
        assert done.rows == texts.rows == {table: len(found) for table, found in expected.items()}
        for table, found in expected.items():
            kinds = TABLES[table].values()
            read = pq.read_table(done.files[table])
            columns = [
                (column.cast("int64") if "timestamp" in str(column.type) else column).to_pylist()
                for column in read.columns
            ]
            assert list(zip(*columns, strict=True)) == found
            lines = Path(texts.files[table]).read_text(encoding="utf-8").splitlines()
            told = [tuple(json.loads(line).values()) for line in lines]
            assert told == [tuple(map(in_json, row, kinds)) for row in found]
            with Path(sheets.files[table]).open(encoding="utf-8", newline="") as file:
                _, *cells = csv.reader(file)
            assert cells == [list(map(in_csv, row, kinds)) for row in found]
            total += len(found)
    assert total > 10_000


def in_json(value: Any, kind: str) -> Any:
    """Give a value as JSON has it: what is a number there is exact, the rest is text."""
    if value is None or kind in {"number", "flag", "text"}:
        return value
    return f"{value:f}" if kind == "decimal" else str(Timestamp(value))


def in_csv(value: Any, kind: str) -> str:
    """Give a value as CSV has it."""
    told = in_json(value, kind)
    return "" if told is None else str(told).lower() if kind == "flag" else str(told)

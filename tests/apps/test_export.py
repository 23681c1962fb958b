"""The command ``export``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.apps.conftest import Run

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

TRADE = (
    '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":1.50,'
    '"qty":0.00000010,"ord_type":"limit","trade_id":%d,"timestamp":"2026-07-07T23:00:04Z"}]}'
)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Give a capture of two trades."""
    path = tmp_path / "capture.jsonl"
    lines = (json.dumps({"ts": None, "raw": TRADE % number}) for number in (1, 2))
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.extra("export")  # noqa: S610 - as above
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_tables_are_files(run: Run, tmp_path: Path, capture: Path, form: str) -> None:
    """In the folder, each told."""
    done = run("export", capture, "--to", tmp_path / "out", "--format", form)
    file = tmp_path / "out" / f"trades.{form}"
    assert (done.code, done.out, done.err) == (0, f"2 rows: {file}\n", "")
    assert file.stat().st_size > 100


def test_damage_is_told(run: Run, tmp_path: Path, capture: Path) -> None:
    """Exit code 1; 2 for a file that is not there."""
    capture.write_text(f'{capture.read_text()}{{"ts": 1, "ra', encoding="utf-8")
    done = run("export", capture, "--to", tmp_path / "out", "--format", "csv")
    assert done.code == 1
    assert done.err.startswith(f"{capture}, line 3: ")
    assert run("export", tmp_path / "x", "--to", tmp_path / "out", "--format", "csv").code == 2


def test_nothing_is_no_table(run: Run, tmp_path: Path) -> None:
    """With a word."""
    path = tmp_path / "empty.jsonl"
    path.write_bytes(b"")
    done = run("export", path, "--to", tmp_path / "out", "--format", "csv")
    assert (done.code, done.out) == (0, "")
    assert "nothing in it" in done.err


def test_tables_that_are_there_are_refused(run: Run, tmp_path: Path, capture: Path) -> None:
    """Exit code 2, with the way out; with --replace they are replaced."""
    words = "export", capture, "--to", tmp_path / "out", "--format", "csv"
    assert run(*words).code == 0
    done = run(*words)
    assert (done.code, done.out) == (2, "")
    assert "there is a table already" in done.err
    assert str(tmp_path / "out" / "trades.csv") in done.err
    assert run(*words, "--replace").code == 0

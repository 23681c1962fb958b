"""The command ``replay``: the lines that it writes, offline and live."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kraken_trio._internal.model.steps import Disconnected
from kraken_trio._internal.wire.capture import format_line
from kraken_trio._internal.wire.recording import header_line, step_line

if TYPE_CHECKING:
    from tests.apps.conftest import Run

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

TRADE = (
    '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":1.5,'
    '"qty":1.0,"ord_type":"limit","trade_id":%d,"timestamp":"2026-07-07T23:00:04.005636Z"}]}'
)


def capture(tmp_path: Path, *frames: str, name: str = "capture.jsonl") -> Path:
    """Write frames of others."""
    path = tmp_path / name
    lines = (json.dumps({"ts": n / 100, "raw": frame}) for n, frame in enumerate(frames))
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_records_and_gaps_are_lines(run: Run, tmp_path: Path) -> None:
    """For people, and for programs."""
    path = capture(tmp_path, TRADE % 1, TRADE % 4)
    words = run("replay", path)
    assert (words.code, words.err) == (0, "")
    assert ["GAP" in line for line in words.out.splitlines()] == [False, True, False]
    told = [json.loads(line) for line in run("replay", path, "--json").out.splitlines()]
    assert [line["type"] for line in told] == ["trade", "gap", "trade"]
    assert told[1]["size"] == 2


def test_what_cannot_be_read_is_told_with_its_line(run: Run, tmp_path: Path) -> None:
    """And the rest is replayed: exit code 1 for damage, none for what the exchange did."""
    path = capture(tmp_path, TRADE % 1, "[")
    assert run("replay", path).code == 0
    path.write_text(f'{path.read_text()}{{"ts": 1, "ra', encoding="utf-8")
    done = run("replay", path)
    assert (done.code, len(done.out.splitlines())) == (1, 1)
    assert [line.split(":")[0] for line in done.err.splitlines()] == [
        f"{path}, line 2",
        f"{path}, line 3",
    ]


def test_parts_follow_each_other(run: Run, tmp_path: Path) -> None:
    """As one recording."""
    one = capture(tmp_path, TRADE % 1, name="one.jsonl")
    two = capture(tmp_path, TRADE % 2, TRADE % 4, name="two.jsonl")
    done = run("replay", one, two, "--json")
    types = [json.loads(line)["type"] for line in done.out.splitlines()]
    assert types == ["trade", "trade", "gap", "trade"]


def test_a_file_that_is_not_there(run: Run, tmp_path: Path) -> None:
    """Exit code 2."""
    assert run("replay", tmp_path / "nothing").code == 2
    assert run("replay", tmp_path / "nothing", "--speed", 2).code == 2


def test_live_a_capture_is_played_at_its_speed(run: Run, tmp_path: Path) -> None:
    """Records come as they were, through a simulated exchange; then it ends."""
    path = capture(tmp_path, *[TRADE % n for n in range(1, 30)])
    done = run("replay", path, "--json", "--speed", 3)
    ids = [json.loads(line)["trade_id"] for line in done.out.splitlines()]
    assert (done.code, ids) == (0, list(range(1, 30)))


def test_live_several_files_are_played_as_one(run: Run, tmp_path: Path) -> None:
    """One after the other."""
    one = capture(tmp_path, TRADE % 1, name="one.jsonl")
    two = capture(tmp_path, TRADE % 2, TRADE % 3, name="two.jsonl")
    done = run("replay", one, two, "--json", "--speed", 3)
    assert [json.loads(line)["trade_id"] for line in done.out.splitlines()] == [1, 2, 3]
    assert done.code == 0


def recorded(path: Path, *lines: bytes) -> Path:
    """Write a recording."""
    path.write_bytes(b"".join([header_line(None, 1), *lines]))
    return path


def test_live_a_lost_connection_is_not_the_end(run: Run, tmp_path: Path) -> None:
    """What came on the next one comes, too; then it ends, though the public host has nothing."""
    balances = (
        b'{"channel":"balances","type":"snapshot","sequence":1,"data":'
        b'[{"asset":"BTC","asset_class":"currency","balance":%d,"wallets":[]}]}'
    )
    status = b'{"channel":"status","type":"update","data":[{"system":"online"}]}'

    def lines(number: int) -> bytes:
        frames = (status, balances % number)
        return b"".join(format_line(frame, number, session="private") for frame in frames)

    lost = step_line("private", Disconnected(), 1)
    path = recorded(tmp_path / "rec.jsonl", lines(1), lost, lines(2), lost)
    done = run("replay", path, "--json", "--speed", 1)
    told = [json.loads(line) for line in done.out.splitlines()]
    assert [each["type"] for each in told] == ["balance", "gap", "balance", "gap"]
    assert [each.get("balance") for each in told] == ["1", None, "2", None]
    assert done.code == 0


def test_live_what_holds_no_channel_ends_at_once(run: Run, tmp_path: Path) -> None:
    """There is nothing to subscribe to."""
    path = recorded(tmp_path / "rec.jsonl", format_line(b"{}", 5, session="public"))
    done = run("replay", path, "--speed", 1)
    assert (done.code, done.out) == (0, "")

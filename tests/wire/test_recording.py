"""What a recording says beside its frames."""

from __future__ import annotations

import json
from decimal import Decimal
from importlib import metadata
from pathlib import Path

import pytest

from kraken_trio import Channel, KrakenConfig
from kraken_trio._internal.model.gap import GapHandling
from kraken_trio._internal.model.steps import (
    Broke,
    Closed,
    Disconnected,
    Filled,
    HistoryRow,
    Opened,
    Probed,
    Step,
    Ticked,
)
from kraken_trio._internal.wire.capture import CapturedNote, read_lines
from kraken_trio._internal.wire.recording import (
    FORMAT,
    header_line,
    lost_line,
    read_about,
    read_step,
    redacted,
    step_line,
    versions,
)

KEY, SECRET = "AKeyThatNobodyMustEverSee", "QVNlY3JldFRoYXROb2JvZHlTZWVz"
CONFIG = KrakenConfig(api_key=KEY, api_secret=SECRET, drop_policy="latest")
BOOK = Channel.book("BTC/USD", depth=25)
ROW = HistoryRow(
    "buy", Decimal("0.00000010"), Decimal("1.50"), "limit", 4, 5, None, backfilled=True
)


def note(tmp_path: Path, line: bytes) -> CapturedNote:
    """Write a line, and read it."""
    path = tmp_path / "one.jsonl"
    path.write_bytes(line)
    (read,) = read_lines(path)
    assert isinstance(read, CapturedNote)
    return read


def test_the_first_line_says_what_made_it_and_no_secret(tmp_path: Path) -> None:
    """Versions, every setting, which part it is."""
    line = header_line(CONFIG, 1_500_000_000, part=3)
    assert KEY.encode() not in line
    assert SECRET.encode() not in line
    read = note(tmp_path, line)
    assert (read.noted_ns, read.session, read.step) == (1_500_000_000, None, None)
    about = read_about(read.about or b"")
    assert (about.format, about.part, about.lost) == (FORMAT, 3, 0)
    assert about.versions == versions()
    assert about.config == redacted(CONFIG)
    assert about.config is not None
    assert about.config["api_key"] == about.config["api_secret"] == "****"
    assert about.config["drop_policy"] == "latest"


def test_a_recorder_need_not_know_the_settings(tmp_path: Path) -> None:
    """Then they are null."""
    assert read_about(note(tmp_path, header_line(None, None)).about or b"").config is None


def test_what_is_no_plain_value_is_told_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should a setting ever be a path."""
    config = KrakenConfig()
    object.__setattr__(config, "endpoint", Path("here"))
    assert redacted(config)["endpoint"] == "here"


def test_a_package_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that was frozen into one file knows no versions."""

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert versions()["trio"] == "not installed as a package"


def test_lines_that_are_missing_are_counted(tmp_path: Path) -> None:
    """In their place."""
    about = read_about(note(tmp_path, lost_line(3, None)).about or b"")
    assert (about.format, about.lost) == (None, 3)


@pytest.mark.parametrize(
    "step",
    [
        Opened(BOOK, GapHandling(backfill=True)),
        Closed(BOOK),
        Probed(BOOK, 5, None),
        Disconnected(),
        Broke("reserved bit", b"\xc1\x00\xff"),
        Ticked(BOOK, 1.25),
        Filled(BOOK, (ROW,)),
    ],
)
def test_steps_are_read_back(tmp_path: Path, step: Step) -> None:
    """With every digit."""
    read = note(tmp_path, step_line("block 1", step, 7))
    assert (read.noted_ns, read.session, read.about) == (7, "block 1", None)
    assert read_step(read.step or b"") == step


@pytest.mark.parametrize(
    "data",
    [
        b'{"step":"danced"}',
        b"[]",
        b'{"step":"closed","part":{"name":"nothing"}}',
        json.dumps({"step": "filled", "part": {"name": "balances"}, "rows": [{}]}).encode(),
    ],
)
def test_what_is_no_step(data: bytes) -> None:
    """Is told as a ValueError, whatever is wrong with it."""
    with pytest.raises(ValueError, match="no step that is known"):
        read_step(data)


def test_a_session_in_a_protocol_that_is_not_known() -> None:
    """Is told as such: nobody could read its frames."""
    line = {"step": "opened", "part": {"name": "balances"}, "handling": {}, "protocol": "v3"}
    with pytest.raises(ValueError, match="no protocol that is known here: v3"):
        read_step(json.dumps(line).encode())


@pytest.mark.parametrize(
    "data, words",
    [(b"[]", "not known what it says"), (b'{"format":99}', "has format 99, and only 1 is known")],
)
def test_what_says_nothing_that_is_known(data: bytes, words: str) -> None:
    """Another format, or none."""
    with pytest.raises(ValueError, match=words):
        read_about(data)

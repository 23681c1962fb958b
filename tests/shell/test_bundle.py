"""IncidentReport bundles as files."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from kraken_trio import ProtocolError
from kraken_trio._internal.engine.incident import PROTOCOL, IncidentReport
from kraken_trio._internal.shell import bundle
from kraken_trio._internal.shell.bundle import (
    explain_incident,
    read_books,
    read_incident,
    replay_incident,
    write_bundle,
)
from kraken_trio._internal.wire.capture import format_line
from kraken_trio._internal.wire.recording import header_line

LINES = [header_line(None, 1), format_line(b"[", 1, session="public")]
TOLD = IncidentReport(kind=PROTOCOL, at=5, session="public", reason="no JSON", line=2, frames=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a bundle."""
    file = tmp_path / "one.zip"
    write_bundle(file, TOLD, LINES)
    return file


def test_a_bundle_is_read_back_and_fails_again(path: Path) -> None:
    """At the same line; it says so in words, too."""
    assert read_incident(path) == TOLD
    assert read_books(path) == (None, None)
    again = replay_incident(path)
    assert again.line == 2
    assert "A frame could not be understood." in explain_incident(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.read("frames.jsonl") == b"".join(LINES)
        assert archive.read("README.txt").decode().splitlines() == explain_incident(path)


def test_a_bundle_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    """A folder that stands in its way is left as it is."""
    (tmp_path / "one.zip").mkdir()
    with pytest.raises(OSError, match=r"one\.zip"):
        write_bundle(tmp_path / "one.zip", TOLD, LINES)
    assert [each.name for each in tmp_path.iterdir()] == ["one.zip"]


def test_what_is_no_bundle(tmp_path: Path, path: Path) -> None:
    """No ZIP, one of something else, one of another format, one that is damaged."""
    file = tmp_path / "other.zip"
    file.write_bytes(b"PK nothing")
    makers: tuple[Callable[[], None], ...] = (
        lambda: None,
        lambda: _write(file, "other.txt", b""),
        lambda: write_bundle(file, replace(TOLD, format=99), LINES),
        lambda: _write(file, "incident.json", b"[]"),
    )
    for make in makers:
        make()
        with pytest.raises(ProtocolError, match="bundle"):
            read_incident(file)
    data = bytearray(path.read_bytes())
    middle = data.index(b"incident.json") + 40
    data[middle : middle + 30] = bytes(30)
    path.write_bytes(data)
    with pytest.raises(ProtocolError):
        read_incident(path)
    with pytest.raises(FileNotFoundError):
        read_incident(tmp_path / "nothing.zip")


def test_nothing_is_unpacked_beyond_bounds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte of nothing is a kilobyte in a ZIP."""
    monkeypatch.setattr(bundle, "MOST_MEMBER_BYTES", 50)
    with pytest.raises(ProtocolError, match="more than 50 bytes"):
        read_incident(path)


def _write(path: Path, name: str, data: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, data)

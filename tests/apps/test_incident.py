"""The command ``incident``: bundles, said in words and had once more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio
from msgspec.structs import replace

from kraken_trio import KrakenConfig, open_kraken
from kraken_trio._internal.shell.bundle import write_bundle
from kraken_trio.extended import read_incident
from kraken_trio.testing import open_exchange

if TYPE_CHECKING:
    from tests.apps.conftest import Run

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Give one of a wrong checksum."""

    async def main() -> None:
        config = KrakenConfig(incidents=str(tmp_path))
        async with (
            open_exchange(seed=5, rate=100) as exchange,
            open_kraken(config, dial=exchange.dial) as feed,
            feed.book("BTC/USD"),
        ):
            exchange.connections[0].corrupt_next_book("BTC/USD")
            with trio.fail_after(30):
                while not feed.statistics().checksums_failed:  # noqa: ASYNC110 - nobody tells
                    await trio.sleep(0.01)

    trio.run(main)
    (path,) = tmp_path.glob("*.zip")
    return path


def test_it_is_said_in_words(run: Run, bundle: Path) -> None:
    """What failed, with the book before and after."""
    done = run("incident", "show", bundle)
    assert (done.code, done.err) == (0, "")
    assert "The book BTC/USD did not have the checksum" in done.out
    assert "The book before: 10 bids, best " in done.out
    assert "The book after: 10 bids, best " in done.out


def test_it_fails_again(run: Run, bundle: Path) -> None:
    """At the same frame, for people and for programs."""
    told = read_incident(bundle)
    done = run("incident", "replay", bundle)
    assert done.code == 0
    assert done.out.startswith(f"line {told.line} fails, as it did: Gap(book BTC/USD checksum")
    again = json.loads(run("incident", "replay", bundle, "--json").out)
    assert (again["same"], again["line"], again["text"]) == (True, told.line, told.text)


def test_one_that_does_not_fail_is_told(run: Run, tmp_path: Path, bundle: Path) -> None:
    """Exit code 1."""
    told = replace(read_incident(bundle), line=2, text=None)
    path = tmp_path / "other.zip"
    write_bundle(path, told, [b'{"channel":"heartbeat"}\n'] * 2)
    done = run("incident", "replay", path)
    assert (done.code, done.out) == (1, "it does not fail: line 2 passes\n")


def test_what_is_no_bundle(run: Run, tmp_path: Path) -> None:
    """Exit code 2."""
    path = tmp_path / "x.zip"
    for word in ("show", "replay"):
        assert run("incident", word, path).code == 2
    path.write_bytes(b"nothing")
    for word in ("show", "replay"):
        done = run("incident", word, path)
        assert done.code == 2
        assert "no incident bundle" in done.err

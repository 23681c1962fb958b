"""Incidents of a live feed."""

from __future__ import annotations

import base64
import json
import logging
import sys
import time
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import trio

from kraken_trio import Feed, KrakenConfig, Secret, Timestamp, open_kraken
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.hooks import Hooks
from kraken_trio._internal.model.lifecycle import ConnectionState, SessionTrigger, StateChange
from kraken_trio._internal.shell import incidents as module
from kraken_trio._internal.wire.decode import V2Decoder
from kraken_trio._internal.wire.masking import Concealed
from kraken_trio.extended import read_books, read_incident, replay_incident
from kraken_trio.testing import Exchange, open_exchange


@asynccontextmanager
async def opened(folder: Path, **options: Any) -> AsyncIterator[tuple[Exchange, Feed]]:
    """Open a feed that makes bundles, of two books and their trades."""
    config = KrakenConfig(incidents=str(folder), jitter=0.0, **options)
    async with (
        open_exchange(seed=5, rate=100) as exchange,
        open_kraken(config, dial=exchange.dial) as feed,
        feed.subscribe(_channel("book"), stream=False),
        feed.subscribe(_channel("trade"), stream=False),
    ):
        await trio.sleep(2)
        yield exchange, feed


def _channel(name: str) -> Any:
    from kraken_trio import Channel  # noqa: PLC0415 - beside its use

    return Channel(name=name, symbols=("BTC/USD", "ETH/USD"), depth=10 if name == "book" else None)


def bundles(folder: Path) -> list[Path]:
    """Give those that there are."""
    return sorted(folder.glob("*.zip"))


async def test_a_wrong_checksum_makes_a_bundle(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    """With all that there is to know, and no more than one a minute."""
    async with opened(tmp_path / "new" / "folder") as (exchange, _):
        exchange.connections[0].corrupt_next_book("BTC/USD")
        await trio.sleep(3)
        exchange.connections[0].corrupt_next_book("BTC/USD")
        await trio.sleep(3)
    (path,) = bundles(tmp_path / "new" / "folder")
    told = read_incident(path)
    assert (told.kind, told.channel, told.symbol) == ("checksum", "book", "BTC/USD")
    assert told.expected is not None
    assert told.computed == told.expected ^ 1
    assert told.text
    assert told.statistics["checksums_failed"] == 1
    assert [change["to_state"] for change in told.states][:3] == [
        "connecting",
        "subscribing",
        "subscribed",
    ]
    assert told.versions["trio"]
    assert told.config["incidents"] == str(tmp_path / "new" / "folder")
    before, after = read_books(path)
    assert before is not None
    assert after is not None
    again = replay_incident(path)
    assert (again.line, again.text, again.computed) == (told.line, told.text, told.computed)


async def test_long_after_the_beginning_it_begins_with_how_things_stood(
    tmp_path: Path, autojump_clock: trio.abc.Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a bounded number of frames; the same fails all the same."""
    monkeypatch.setattr(module, "FRAMES", 40)
    async with opened(tmp_path) as (exchange, _):
        await trio.sleep(20)
        exchange.connections[0].corrupt_next_book("ETH/USD")
        await trio.sleep(20)
        for _ in range(5):
            exchange.connections[0].drop_next("trade", "BTC/USD")
            await trio.sleep(1.5)
        await trio.sleep(10)
    found = {read_incident(path).kind: path for path in bundles(tmp_path)}
    assert found.keys() == {"checksum", "gaps"}
    for path in found.values():
        told = read_incident(path)
        assert told.frames <= 80
        again = replay_incident(path)
        assert (again.line, again.same) == (told.line, True)


async def test_bytes_are_bounded(
    tmp_path: Path, autojump_clock: trio.abc.Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever frames hold."""
    monkeypatch.setattr(module, "SEGMENT_BYTES", 5000)
    async with opened(tmp_path) as (exchange, _):
        await trio.sleep(5)
        exchange.connections[0].send_raw("[")
        await trio.sleep(1)
    (path,) = bundles(tmp_path)
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("frames.jsonl").file_size < 30_000
    assert replay_incident(path).line == read_incident(path).line


async def test_bundles_are_bounded_in_number(
    tmp_path: Path, autojump_clock: trio.abc.Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest go; and what is no bundle stays."""
    monkeypatch.setattr(module, "MOST_BUNDLES", 2)
    monkeypatch.setattr(module, "AGAIN_S", 0.0)
    (tmp_path / "incidental.zip").write_bytes(b"mine")
    async with opened(tmp_path) as (exchange, _):
        for _ in range(4):
            exchange.connections[0].send_raw("[")
            await trio.sleep(1)
    assert len(bundles(tmp_path)) == 3
    assert (tmp_path / "incidental.zip").exists()


async def test_a_flood_of_failures_costs_few_bundles(
    tmp_path: Path, autojump_clock: trio.abc.Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While some wait to be written, no other is made."""
    monkeypatch.setattr(module, "AGAIN_S", 0.0)
    async with opened(tmp_path) as (exchange, _):
        for _ in range(300):
            exchange.connections[0].send_raw("[")
        await trio.sleep(1)
    assert 1 <= len(bundles(tmp_path)) < 60


async def test_one_that_ends_the_program_is_written(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    """Before the block is left."""
    with pytest.raises(RuntimeError, match="enough"):
        async with opened(tmp_path) as (exchange, feed), feed.events() as events:
            exchange.connections[0].send_raw("[")
            async for item in events:
                if isinstance(item, Exception):
                    raise RuntimeError("enough")  # noqa: TRY004 - it ends the program
    assert len(bundles(tmp_path)) == 1


async def test_a_folder_that_cannot_be_written_is_told_once(
    tmp_path: Path,
    autojump_clock: trio.abc.Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And the feed goes on."""
    monkeypatch.setattr(module, "AGAIN_S", 0.0)
    (tmp_path / "file").write_bytes(b"")
    async with opened(tmp_path / "file") as (exchange, feed):
        for _ in range(3):
            exchange.connections[0].send_raw("[")
            await trio.sleep(1)
        assert feed.order_book("BTC/USD") is not None
    told = [each for each in caplog.records if each.name == "kraken_trio.incidents"]
    assert [each.levelno for each in told] == [logging.ERROR]
    assert vars(told[0])["event"] == "incident_lost"


async def test_what_a_slow_consumer_lost_makes_none(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    """Nor does a lost connection, however many gaps it leaves."""
    async with opened(tmp_path, max_queue_depth=1) as (exchange, feed), feed.trades("BTC/USD"):
        await trio.sleep(20)
        exchange.connections[0].drop()
        await trio.sleep(20)
        assert feed.statistics().overflows
    assert bundles(tmp_path) == []


async def test_it_is_off_by_default(
    tmp_path: Path, autojump_clock: trio.abc.Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written anywhere."""
    monkeypatch.chdir(tmp_path)
    async with (
        open_exchange(seed=5, rate=100) as exchange,
        open_kraken(KrakenConfig(), dial=exchange.dial) as feed,
        feed.book("BTC/USD"),
    ):
        exchange.connections[0].corrupt_next_book("BTC/USD")
        await trio.sleep(3)
        assert feed.statistics().checksums_failed
    assert bundles(tmp_path) == []


SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu+3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huA=="


@pytest.mark.parametrize("before", [0, 60])
@pytest.mark.parametrize(
    "spelt",
    [
        SECRET,
        json.dumps(SECRET).replace("/", "\\/"),
        SECRET.replace("/", "\\u002f"),
        quote(SECRET, safe=""),
        quote(SECRET),
        quote(SECRET, safe="").replace("%2F", "%2f"),
        base64.b64encode(SECRET.encode()).decode(),
        SECRET.replace("/", "_").replace("+", "-").rstrip("="),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        base64.b64decode(SECRET).hex(),
    ],
)
async def test_no_member_of_a_bundle_holds_a_secret(
    tmp_path: Path, spelt: str, before: int
) -> None:
    """Neither what was received, nor what an error quotes of it, nor a state's reason."""
    concealed = Concealed()
    concealed.add(Secret(SECRET), for_good=True)
    incidents = module.Incidents(
        tmp_path,
        KrakenConfig(),
        engines=lambda: {"private": engine},
        statistics=dict,  # type: ignore[arg-type]
        wall=lambda: Timestamp(time.time_ns()),
    )
    engine = Engine(
        V2Decoder(), session="private", hooks=Hooks(own=[incidents]), concealed=concealed
    )
    told: list[Any] = []
    engine.attach(told.append)
    incidents.state_changed(
        StateChange(
            session="private",
            from_state=ConnectionState.CONNECTING,
            to_state=ConnectionState.DISCONNECTED,
            trigger=next(iter(SessionTrigger)),
            reason=f"refused {spelt}",
            at=Timestamp(1),
        )
    )
    engine.feed(f"no JSON {'.' * before}{spelt}".encode(), Timestamp(1))
    incidents.finish()
    pieces = [spelt[at : at + 8] for at in range(0, len(spelt) - 12, 4)]
    if sys.platform != "win32":  # Nobody else may read it.
        assert incidents.written[0].stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(incidents.written[0]) as archive:
        members = {name: archive.read(name).decode() for name in archive.namelist()}
    assert "****" in members["frames.jsonl"]
    for name, text in (*members.items(), ("error", str(told))):
        assert not [piece for piece in pieces if piece in text], name

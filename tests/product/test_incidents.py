"""Every fault that breaks something makes a bundle, and each bundle fails again as it did."""

from __future__ import annotations

import base64
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import trio

from kraken_trio import Channel, KrakenConfig, open_kraken
from kraken_trio.extended import (
    explain_incident,
    open_recorder,
    read_incident,
    replay_capture,
    replay_incident,
)
from kraken_trio.testing import ChaosFault, chaos, open_exchange

MAKES = {
    ChaosFault.CORRUPT_CHECKSUM: {"checksum", "gaps"},
    ChaosFault.CORRUPT_QUANTITY: {"checksum", "gaps"},
    ChaosFault.TRUNCATE: {"protocol_error", "gaps"},
    ChaosFault.DROP: {"checksum", "gaps"},
    ChaosFault.DUPLICATE: {"checksum", "gaps", "protocol_error"},
    ChaosFault.REORDER: {"checksum", "gaps"},
    ChaosFault.CLOSE_1012: {"gaps"},
    ChaosFault.CLOSE_1006: {"gaps"},
    ChaosFault.CUT_IN_FRAME: {"gaps"},
}
"""What each may make; a duplicate is often harmless."""


def bundles(folder: Path) -> list[Path]:
    """Give those that there are."""
    return sorted(folder.glob("*.zip"))


@pytest.mark.parametrize("fault", MAKES, ids=lambda fault: fault.value)
async def test_a_bundle_is_made_and_fails_again(
    tmp_path: Path, autojump_clock: trio.abc.Clock, fault: ChaosFault
) -> None:
    """At the same frame, for the same reason; it can be said in words."""
    config = KrakenConfig(incidents=str(tmp_path), jitter=0.0, max_delay=0.1, max_attempts=None)
    async with (
        open_exchange(seed=3, rate=100) as exchange,
        chaos(exchange.dial, seed=3, every_s=None) as trouble,
        open_kraken(config, dial=trouble.dial) as feed,
        feed.subscribe(Channel.book("BTC/USD", "ETH/USD"), stream=False),
        feed.subscribe(Channel.trades("BTC/USD", "ETH/USD", snapshot=True), stream=False),
    ):
        await trio.sleep(3)
        for _ in range(12):
            trouble.inflict(fault)
            await trio.sleep(1.5)
        assert len(trouble.log) > 5
    found = {path: read_incident(path) for path in bundles(tmp_path)}
    assert found or fault is ChaosFault.DUPLICATE
    assert {told.kind for told in found.values()} <= MAKES[fault]
    for path, told in found.items():
        again = replay_incident(path)
        assert again.line == told.line, told.reason
        if told.kind == "checksum":
            assert (again.text, again.computed) == (told.text, told.computed)
        assert len(explain_incident(path)) > 3


class Spoilt:
    """A dial between whose frames anything may be put."""

    def __init__(self, dial: Any) -> None:
        """Connect by ``dial``."""
        self._dial = dial
        self.waiting = b""
        """What is put between the next two."""

    async def __call__(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        """Connect."""
        stream = await self._dial(host, port, tls=tls)
        receive = stream.receive_some

        async def receive_some(most: int | None = None) -> bytes:
            data: bytes = await receive(most)
            put, self.waiting = self.waiting, b""
            return data + put if data else data

        stream.receive_some = receive_some
        return stream


@pytest.mark.parametrize(
    "faulty, reason",
    [
        (b"\x81\x7f" + (2**24 + 1).to_bytes(8, "big") + b"x" * 50_000, "message above"),
        (b"\x81\x05ok \xff\xfe", "not UTF-8"),
        (b"\x01\x03ok \x80\x01\xff", "not UTF-8"),
        (b"\xc1\x02{}", "reserved bit set"),
        (b"\x83\x00", "reserved opcode 0x3"),
        (b"\x81\x82mask{}", "masked frame"),
        (b"\x80\x00", "continuation of no message"),
        (b"\x88\x01\x03", "close frame without a valid code"),
    ],
)
async def test_a_broken_framing_makes_one_that_breaks_again(
    tmp_path: Path, autojump_clock: trio.abc.Clock, faulty: bytes, reason: str
) -> None:
    """By the very bytes; the connection ends, another comes, and they are in a recording, too."""
    config = KrakenConfig(incidents=str(tmp_path / "of"), jitter=0.0, max_delay=0.1)
    async with (
        open_exchange(seed=3, rate=100) as exchange,
        open_recorder(tmp_path / "rec.jsonl") as recorder,
    ):
        dial = Spoilt(exchange.dial)
        async with (
            open_kraken(config, dial=dial, observers=[recorder]) as feed,
            feed.subscribe(Channel.book("BTC/USD", "ETH/USD"), stream=False),
        ):
            await trio.sleep(20)
            dial.waiting = faulty
            await trio.sleep(3)
            assert feed.statistics().connections == 2
    (path,) = bundles(tmp_path / "of")
    told = read_incident(path)
    assert (told.kind, told.framing) == ("protocol_error", True)
    assert reason in told.reason
    again = replay_incident(path)
    assert again.line == told.line
    assert reason in (again.reason or "")
    assert "The framing was broken, which ended the connection." in explain_incident(path)
    for recorded in (_last_line(path), (tmp_path / "rec.jsonl").read_text().splitlines()):
        steps = [json.loads(line).get("step") for line in recorded]
        (broke,) = (step for step in steps if step and step["step"] == "broke")
        kept = base64.b64decode(broke["piece"])
        assert kept == (faulty[:2] if "masked" in reason else faulty)
    assert sum(1 for _ in replay_capture(tmp_path / "rec.jsonl")) > 100


def _last_line(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.read("frames.jsonl").decode().splitlines()[-1:]


@pytest.mark.extra("private")  # noqa: S610 - a mark of pytest, no query of Django
async def test_no_secret_is_in_a_bundle(tmp_path: Path, desk: object) -> None:
    """Whatever the private hosts say back."""
    config = desk.config(incidents=str(tmp_path))  # type: ignore[attr-defined]
    async with (
        open_kraken(config, dial=desk.dial, rest=desk.rest) as feed,  # type: ignore[attr-defined]
        feed.executions(),
    ):
        client = desk.client()  # type: ignore[attr-defined]
        ((_, token),) = client.asked()
        await client.say(f"no JSON, but {token} and {desk.KEY} and {desk.SECRET}")  # type: ignore[attr-defined]
        await trio.sleep(1)
    (path,) = bundles(tmp_path)
    with zipfile.ZipFile(path) as archive:
        held = b"".join(map(archive.read, archive.namelist()))
    for secret in (token, desk.KEY, desk.SECRET):  # type: ignore[attr-defined]
        assert secret.encode() not in held

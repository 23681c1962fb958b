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
    read_books,
    read_incident,
    replay_capture,
    replay_incident,
)
from kraken_trio.testing import ChaosFault, chaos, open_exchange

CHECKSUM, PROTOCOL, GAPS = "checksum", "protocol_error", "gaps"
MAKES = {
    ChaosFault.CORRUPT_CHECKSUM: {CHECKSUM, GAPS},
    ChaosFault.CORRUPT_QUANTITY: {CHECKSUM, GAPS},
    ChaosFault.DROP: {CHECKSUM, GAPS},
    ChaosFault.REORDER: {CHECKSUM, GAPS},
    ChaosFault.TRUNCATE: {PROTOCOL, GAPS},
    ChaosFault.OVERSIZE: {PROTOCOL, GAPS},
    ChaosFault.INVALID_UTF8: {PROTOCOL, GAPS},
    ChaosFault.CUT_IN_FRAME: {GAPS},
    ChaosFault.CLOSE_1000: {GAPS},
    ChaosFault.CLOSE_1001: {GAPS},
    ChaosFault.CLOSE_1006: {GAPS},
    ChaosFault.CLOSE_1011: {GAPS},
    ChaosFault.CLOSE_1012: {GAPS},
    ChaosFault.CLOSE_1013: {GAPS},
    ChaosFault.TLS_FAILURE: {GAPS},
}
"""What each makes if it comes every second and a half, all of it; the others make none: they come
too slowly to be a burst, or nothing is lost by them, or nothing wrong is said."""


def bundles(folder: Path) -> list[Path]:
    """Give those that there are."""
    return sorted(folder.glob("*.zip"))


@pytest.mark.parametrize("fault", ChaosFault, ids=lambda fault: fault.value)
async def test_a_fault_makes_its_bundles_and_each_fails_again(
    tmp_path: Path, autojump_clock: trio.abc.Clock, fault: ChaosFault
) -> None:
    """Those and no others; at the same frame, for the same reason; it can be said in words."""
    async with open_exchange(seed=3, rate=100) as exchange:
        config = KrakenConfig(
            incidents=str(tmp_path),
            api_key=exchange.api_key,
            api_secret=exchange.api_secret,
            jitter=0.0,
            max_delay=0.1,
            max_attempts=None,
            budget=10**6,
            silent_after=5.0,
            timeout=5.0,
        )
        async with (
            chaos(exchange.dial, seed=3, every_s=None) as trouble,
            open_kraken(config, dial=trouble.dial, rest=exchange.rest) as feed,
            feed.subscribe(Channel.book("BTC/USD", "ETH/USD"), stream=False),
            feed.subscribe(Channel.trades("BTC/USD", "ETH/USD", snapshot=True), stream=False),
        ):
            await trio.sleep(3)
            private = fault is ChaosFault.AUTH_REFUSAL
            for _ in range(12):
                trouble.inflict(fault)
                # What is about subscriptions needs some that come and go.
                passing = Channel.balances() if private else Channel.book("SOL/USD")
                with trio.move_on_after(3):
                    async with feed.subscribe(passing, stream=False):
                        await trio.sleep(1.5)
            await trio.sleep(5)
            assert fault in {mishap.fault for mishap in trouble.log}
    found = {path: read_incident(path) for path in bundles(tmp_path)}
    assert {told.kind for told in found.values()} == MAKES.get(fault, set())
    for path, told in found.items():
        again = replay_incident(path)
        assert again.line == told.line, told.reason
        assert again.same, (told.earlier, again.earlier)
        if told.kind == CHECKSUM:
            assert (again.text, again.computed) == (told.text, told.computed)
        assert len(explain_incident(path)) > 3


async def test_a_book_of_orders_makes_one_too(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    """Long after its beginning, so that it begins with how the orders stood; in its own session."""
    async with open_exchange(seed=3, rate=300) as exchange:
        config = KrakenConfig(
            incidents=str(tmp_path), api_key=exchange.api_key, api_secret=exchange.api_secret
        )
        async with (
            open_kraken(config, dial=exchange.dial, rest=exchange.rest) as feed,
            feed.subscribe(Channel.level3("BTC/USD"), stream=False),
            feed.subscribe(Channel.book("BTC/USD", "ETH/USD", depth=1000), stream=False),
        ):
            await trio.sleep(20)
            assert feed.statistics().frames > 3000  # More than two segments.
            (level3,) = (each for each in exchange.connections if each.door == "level3")
            level3.corrupt_next_level3("BTC/USD")
            await trio.sleep(3)
    (path,) = bundles(tmp_path)
    told = read_incident(path)
    assert (told.kind, told.session, told.channel) == (CHECKSUM, "level3", "level3")
    assert told.books_left_out == 0
    again = replay_incident(path)
    assert again.same
    assert (again.text, again.computed) == (told.text, told.computed)
    before, after = read_books(path)
    assert before is not None
    assert after is not None
    assert before != after


class Spoilt:
    """A dial between whose frames anything may be put."""

    def __init__(self, dial: Any) -> None:
        """Connect by ``dial``."""
        self._dial = dial
        self.waiting = b""
        """What is put between the next two."""

    async def __call__(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        """Connect."""
        stream: trio.abc.Stream = await self._dial(host, port, tls=tls)
        receive = stream.receive_some

        async def receive_some(max_bytes: int | None = None) -> bytes | bytearray:
            data = await receive(max_bytes)
            put, self.waiting = self.waiting, b""
            return data + put if data else data

        stream.receive_some = receive_some  # type: ignore[method-assign]
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
    assert again.same
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

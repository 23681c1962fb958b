"""Every fault that breaks something makes a bundle, and each bundle fails again as it did."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from kraken_trio import Channel, KrakenConfig, open_kraken
from kraken_trio.extended import explain_incident, read_incident, replay_incident
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


@pytest.mark.extra("private")  # noqa: S610 - a mark of pytest, no query of Django
async def test_no_secret_is_in_a_bundle(tmp_path: Path, desk: object) -> None:
    """Whatever the private hosts say back."""
    import zipfile  # noqa: PLC0415 - for this one

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

"""What breaks and what is mended is told in words."""

from __future__ import annotations

from functools import partial

import pytest
import trio
import trio.testing

from kraken_trio import BookSnapshot, BookUpdate, Gap, KrakenConfig, Trade, open_kraken
from kraken_trio.testing import ChaosFault, open_exchange

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

BTC = "BTC/USD"


async def test_it_tells_what_breaks_and_waits_until_it_is_mended(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Each fault, each gap, each mending; then nothing breaks any more."""
    from kraken_trio._internal.apps.ordeal import SETTINGS, open_ordeal  # noqa: PLC0415 - an extra

    said: list[str] = []
    async with (
        open_exchange(seed=1, rate=50) as exchange,
        open_ordeal(exchange, 1) as ordeal,
        open_kraken(KrakenConfig(**SETTINGS), dial=exchange.dial) as feed,
    ):
        ordeal.tell(feed, said.append)
        items: list[object] = []
        async with trio.open_nursery() as nursery:
            for kind in (feed.book, feed.trades):
                nursery.start_soon(ordeal.follow, partial(kind, BTC), items.append)
            await trio.sleep(60)
            assert await ordeal.end(feed, (BTC,))
            faults = ordeal.faults
            await trio.sleep(10)
            assert ordeal.faults == faults > 10
            nursery.cancel_scope.cancel()
        assert {Gap, BookSnapshot, BookUpdate, Trade} == {type(item) for item in items}
        first = {line[:10] for line in said}
        assert {"  broke   ", "  missed  ", "  mended  "} <= first
        assert sum(line.startswith("  broke ") for line in said) == faults
        assert ordeal.mended == sum(line.startswith("  mended ") for line in said)


async def test_it_waits_no_longer_than_anybody_would(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Where it is not mended, it says so."""
    from kraken_trio._internal.apps.ordeal import FAULTS, SETTINGS, open_ordeal  # noqa: PLC0415

    assert ChaosFault.BAN not in FAULTS
    async with (
        open_exchange(seed=1, rate=50) as exchange,
        open_ordeal(exchange, 1) as ordeal,
        open_kraken(KrakenConfig(**SETTINGS), dial=exchange.dial) as feed,
        feed.trades(BTC),
    ):
        exchange.upgrade_status = 503
        exchange.connections[0].drop()
        await trio.sleep(1)
        assert not await ordeal.end(feed, (BTC,))

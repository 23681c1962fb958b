"""The read window, in the live feed over sockets: what comes quickly is read together, all of it,
and where TLS has it already nothing waits again.
"""

from __future__ import annotations

import pytest
import trio

from kraken_trio import BookUpdate, KrakenConfig, open_kraken
from kraken_trio.extended import TcpDial
from kraken_trio.testing import open_exchange

BTC = "BTC/USD"
STEPS = 400


@pytest.mark.extra("testing")  # noqa: S610 - a mark of pytest, no query of Django
@pytest.mark.parametrize("tls", [False, True])
async def test_what_comes_quickly_is_read_together(*, tls: bool) -> None:
    """A consumer is woken for many at once, and nothing is missing nor left behind."""
    received: list[int] = []
    done = trio.Event()
    sent = STEPS * STEPS
    async with open_exchange(seed=3, ledger=STEPS * 50) as exchange:
        address = await exchange.listen(tls=tls)
        config = KrakenConfig(endpoint=address.url, read_window=0.05)
        dial = TcpDial(address.client_ssl_context)
        async with open_kraken(config, dial=dial) as feed, feed.book(BTC) as book:
            await book.receive()

            async def consume() -> None:
                while sum(received) < sent:
                    batch = await book.receive_batch()
                    assert all(isinstance(item, BookUpdate) for item in batch)
                    received.append(len(batch))
                done.set()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(consume)
                for _ in range(STEPS):
                    exchange.step()
                    await trio.sleep(0.001)
                # Its snapshot was received before.
                sent = len(exchange.ledger.entries(connection=1, channel="book")) - 1
                exchange.step(50)
                with trio.fail_after(10):
                    await done.wait()
            assert feed.statistics().checksums_failed == 0
    assert sum(received) >= sent > STEPS // 8
    # TLS gives what it has record by record, so there the consumer is woken in between.
    assert tls or max(received) > 4


async def test_a_dial_made_of_ours_is_not_replaced() -> None:
    """Whatever a program does in a dial of its own is done, with a read window too."""
    dialled: list[str] = []

    class Telling(TcpDial):
        """It tells whom it dials."""

        async def __call__(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
            """Tell, then dial."""
            dialled.append(host)
            return await super().__call__(host, port, tls=tls)

    async with open_exchange(seed=3) as exchange:
        address = await exchange.listen(tls=False)
        config = KrakenConfig(endpoint=address.url, read_window=0.05)
        async with open_kraken(config, dial=Telling()) as feed, feed.book(BTC):
            pass
    assert dialled == ["localhost"]

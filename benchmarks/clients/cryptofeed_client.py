"""cryptofeed 3: books in exact decimals, on uvloop, as by default. See ``stopwatch``.

``cryptofeed`` verifies every checksum, as by default; ``cryptofeed, unchecked`` none. It is run by
the Python of its own environment, which has nothing of ours.

It takes no address but those of the exchange: its list of addresses is replaced, and its check that
an address is one of TLS is passed by for the plain loopback. All else is its own.
"""

from __future__ import annotations

import asyncio
from typing import Any

import cryptofeed.feed
import uvloop
from cryptofeed import FeedHandler
from cryptofeed.connection import WebsocketEndpoint, WSAsyncConn
from cryptofeed.defines import L2_BOOK
from cryptofeed.exchanges import Kraken
from cryptofeed.symbols import Symbols

from stopwatch import Result, Told, Watch, passes, told


class Connection(WSAsyncConn):
    """Its connection, to whatever address it is told."""

    def __init__(self, address: str, *arguments: Any, **options: Any) -> None:
        """Show it an address that it accepts, and change that back."""
        super().__init__(address.replace("ws://", "wss://", 1), *arguments, **options)
        self.address = address


async def feed(given: Told, url: str, count: int) -> Result:
    """Be called back for each update, until there were so many."""
    checked = not given.name.endswith("unchecked")
    result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
    snapshots = updates = 0
    watch = Watch()

    async def on_book(book: Any, receipt_timestamp: float) -> None:  # noqa: ARG001 - its own
        nonlocal snapshots, updates, watch
        if book.delta is None:
            snapshots += 1
            watch = Watch()
            return
        updates += 1
        if updates == count and not result.done():
            # A checksum that is wrong makes it connect anew: then there are more snapshots.
            lost = snapshots - len(given.pairs)
            verified = updates if checked else None
            result.set_result(watch.stop(updates, verified=verified, lost=lost))

    # It learns the pairs from what it would ask REST for.
    pairs = {symbol: {"wsname": symbol} for symbol in given.symbols}
    Symbols.set(Kraken.id, *Kraken._parse_symbol_data({"result": pairs}))  # noqa: SLF001 - see above
    options = {"ssl": given.context} if given.context else {}
    Kraken.websocket_endpoints = [WebsocketEndpoint(url, limit=20, options=options)]
    cryptofeed.feed.WSAsyncConn = Connection
    handler = FeedHandler(config={"uvloop": True, "log": {"disabled": True}})
    handler.add_feed(
        Kraken(
            channels=[L2_BOOK],
            symbols=[symbol.replace("/", "-") for symbol in given.symbols],
            callbacks={L2_BOOK: on_book},
            max_depth=given.depth,
            checksum_validation=checked,
        )
    )
    running = asyncio.create_task(handler.run_async(install_signal_handlers=False))
    await asyncio.wait([result, running], return_when=asyncio.FIRST_COMPLETED)
    handler.request_stop()
    await running
    return result.result()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # As its own run() does.
        runner.run(passes(told(), feed))

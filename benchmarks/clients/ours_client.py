"""The library, by its front door alone: see ``stopwatch`` for what is done and printed.

* ``kraken_trio``: ``receive()``, as ``async for`` does;
* ``kraken_trio, batches``: ``receive_batch()``;
* ``kraken_trio, all read``: ``receive()``, and every number and time of each record is looked at;
* ``trio-websocket``: no client, but what one would write by hand with it: ``get_message()``, and
  msgspec without types. Nothing is kept or verified. It is here because it is ours to depend on.
"""

from __future__ import annotations

from typing import Any

import msgspec
import trio
from trio_websocket import open_websocket_url

from kraken_trio import BookUpdate, Feed, Gap, KrakenConfig, Subscription, open_kraken
from kraken_trio.extended import TcpDial
from stopwatch import Result, Told, Watch, passes, told


def read(update: BookUpdate) -> None:
    """Look at all that a record says, as who writes it to a file would."""
    update.symbol, update.timestamp, update.received_at, update.checksum  # noqa: B018
    for level in (*update.bids, *update.asks, update.best_bid, update.best_ask):
        if level is not None:
            level.price, level.qty  # noqa: B018


def waiting(book: Subscription[Any]) -> list[Any]:
    """Take what is there already: it was decoded and verified before, and would be a gift."""
    items: list[Any] = []
    while True:
        try:
            items.append(book.receive_nowait())
        except trio.WouldBlock:
            return items


async def consume(
    book: Subscription[Any], count: int, *, batches: bool, look: bool
) -> tuple[int, int]:
    """Take so many updates; give how many came, and how many were lost."""
    updates = lost = 0
    while updates + lost < count:
        for item in await book.receive_batch() if batches else (await book.receive(),):
            if type(item) is BookUpdate:
                updates += 1
                if look:
                    read(item)
            elif type(item) is Gap:
                lost += item.size or 1
    return updates, lost


def faults(feed: Feed) -> int:
    """Give how much went wrong that no record tells of."""
    statistics = feed.statistics()
    return statistics.checksums_failed + statistics.dropped + statistics.faults


async def kraken_trio(given: Told, url: str, count: int) -> Result:
    """Records with exact decimals, every checksum verified."""
    batches, look = given.name.endswith("batches"), given.name.endswith("all read")
    async with (
        open_kraken(KrakenConfig(endpoint=url), dial=TcpDial(given.context)) as feed,
        feed.book(*given.symbols, depth=given.depth) as book,
    ):
        first = [await book.receive(), *waiting(book)]
        ahead = sum(type(item) is BookUpdate for item in first)
        watch = Watch()
        updates, lost = await consume(book, count - ahead, batches=batches, look=look)
        result = watch.stop(updates + ahead, verified=0, ahead=ahead)
        # The reader may be ahead of us by what waits, and snapshots are verified too.
        verified = min(feed.statistics().checksums_ok - len(given.pairs), result["updates"])
        return {**result, "verified": verified, "lost": lost + faults(feed)}


async def trio_websocket(given: Told, url: str, count: int) -> Result:
    """Messages, decoded."""
    decode = msgspec.json.Decoder().decode
    async with open_websocket_url(url, ssl_context=given.context) as websocket:
        await websocket.send_message(given.request)
        watch, updates = Watch(), 0
        while updates < count:
            message = decode(await websocket.get_message())
            if message.get("channel") == "book" and message["type"] == "update":
                watch = watch if updates else Watch()
                updates += 1
        return watch.stop(updates, verified=None)


async def main(given: Told) -> None:
    """Run one of them."""
    await passes(given, trio_websocket if given.name == "trio-websocket" else kraken_trio)


if __name__ == "__main__":
    trio.run(main, told())

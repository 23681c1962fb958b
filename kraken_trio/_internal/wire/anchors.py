"""What stands in a program, as the exchange would have said it, for an engine to begin with.

Knows how each protocol spells a book and a trade, with every digit; nothing of what they are for.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kraken_trio._internal.model.level3 import Level3Order, Level3Snapshot
from kraken_trio._internal.model.records import BookSnapshot, Level, Trade
from kraken_trio._internal.model.timestamp import NANOSECONDS
from kraken_trio._internal.model.traits import V1, Traits
from kraken_trio._internal.wire.v1_text import pair_of


def snapshot_frame(book: BookSnapshot | Level3Snapshot, traits: Traits) -> bytes:
    """Write a book as the exchange would send it."""
    if isinstance(book, BookSnapshot) and traits is V1:
        return _snapshot_v1(book)
    if isinstance(book, BookSnapshot):
        channel, sides = "book", [_rows(side) for side in (book.bids, book.asks)]
    else:
        channel, sides = "level3", [_orders(side) for side in (book.bids, book.asks)]
    at = "" if book.timestamp is None else f',"timestamp":"{book.timestamp}"'
    bids, asks = sides
    return (
        f'{{"channel":"{channel}","type":"snapshot","data":[{{"symbol":{_text(book.symbol)},'
        f'"bids":[{bids}],"asks":[{asks}],"checksum":{book.checksum}{at}}}]}}'
    ).encode()


def trade_frame(trade: Trade) -> bytes:
    """Write a trade as the exchange would send it by protocol v2; v1 has no numbers of trades."""
    return (
        '{"channel":"trade","type":"update","data":['
        f'{{"symbol":{_text(trade.symbol)},"side":"{trade.side}","price":{trade.price:f},'
        f'"qty":{trade.qty:f},"ord_type":{_text(trade.ord_type)},"trade_id":{trade.trade_id},'
        f'"timestamp":"{trade.timestamp}"}}]}}'
    ).encode()


def _snapshot_v1(book: BookSnapshot) -> bytes:
    at = book.timestamp or 0
    moment = f"{at // NANOSECONDS}.{at % NANOSECONDS:09}"
    asks, bids = (
        [(f"{each.price:f}", f"{each.qty:f}", moment) for each in side]
        for side in (book.asks, book.bids)
    )
    sides = {"as": asks, "bs": bids}
    return msgspec.json.encode([0, sides, f"book-{book.depth}", pair_of(book.symbol)])


def _rows(side: Iterable[Level]) -> str:
    return ",".join(f'{{"price":{each.price:f},"qty":{each.qty:f}}}' for each in side)


def _orders(side: Iterable[Level3Order]) -> str:
    return ",".join(
        f'{{"order_id":{_text(each.order_id)},"limit_price":{each.limit_price:f},'
        f'"order_qty":{each.order_qty:f},"timestamp":"{each.timestamp}"}}'
        for each in side
    )


def _text(value: str) -> str:
    return msgspec.json.encode(value).decode()

"""Frames of which nobody says what was subscribed to; ``test_verify`` has more of them."""

from __future__ import annotations

import json
from zlib import crc32

import pytest

from kraken_trio import BookSnapshot, ConfigurationError
from kraken_trio._internal.core.buffer import Item
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.opening import Opening
from kraken_trio._internal.wire.decode import V2Decoder


def snapshot(symbol: str, levels: int) -> bytes:
    """Give a book of so many bids."""
    rows = [{"price": 20 - n, "qty": 1} for n in range(levels)]
    text = "".join(f"{20 - n}1" for n in range(min(levels, 10)))
    data = {"symbol": symbol, "bids": rows, "asks": [], "checksum": crc32(text.encode())}
    return json.dumps({"channel": "book", "type": "snapshot", "data": [data]}).encode()


@pytest.mark.parametrize("levels, depth", [(1, 10), (10, 10), (11, 25)])
def test_a_book_is_as_deep_as_its_snapshot_needs(levels: int, depth: int) -> None:
    """The smallest legal depth."""
    decoder = V2Decoder()
    engine = Engine(decoder)
    items: list[Item] = []
    engine.attach(items.append)
    opening = Opening(engine, {("book", "BTC/USD"): (0, 0)})
    opening.take(decoder.decode(snapshot("BTC/USD", levels), None))
    (item,) = items
    assert isinstance(item, BookSnapshot)
    assert item.depth == depth
    assert [route.book.depth for route in opening.books["book", "BTC/USD"]] == [depth]


def test_what_nobody_can_have_subscribed_to() -> None:
    """An old name of a pair."""
    decoder = V2Decoder()
    opening = Opening(Engine(decoder), {})
    with pytest.raises(ConfigurationError):
        opening.take(decoder.decode(snapshot("XBT/USD", 1), None))

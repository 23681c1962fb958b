"""What an engine begins with, read back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from kraken_trio import BookSnapshot, Level, Level3Order, Level3Snapshot, Timestamp, Trade
from kraken_trio._internal.model.messages import BookMessage, Level3Message, RecordsMessage
from kraken_trio._internal.model.traits import V1, V2, Traits
from kraken_trio._internal.wire.anchors import snapshot_frame, trade_frame
from kraken_trio._internal.wire.codec import decoder_of

AT = Timestamp(1_500_000_000_000_001_000)
ASK, BID = Level(Decimal("2.0"), Decimal("1.50")), Level(Decimal("1.0"), Decimal("0.0000001"))
BOOK = BookSnapshot("BTC/USD", 10, (BID,), (ASK,), 7, AT)


@pytest.mark.parametrize("traits", [V1, V2], ids=["v1", "v2"])
def test_a_book(traits: Traits) -> None:
    """To the digit, by either protocol; v1 has no checksum of snapshots."""
    book = decoder_of(traits).decode(snapshot_frame(BOOK, traits), None)
    assert isinstance(book, BookMessage)
    assert (book.symbol, book.snapshot) == ("BTC/USD", True)
    sides = [[(each.price, each.qty) for each in side] for side in (book.bids, book.asks)]
    assert sides == [[(BID.price, BID.qty)], [(ASK.price, ASK.qty)]]
    assert book.checksum == (7 if traits is V2 else None)
    assert book.timestamp == AT
    assert [str(level.qty) for level in (*book.bids, *book.asks)] == ["1E-7", "1.50"]


@pytest.mark.parametrize("traits", [V1, V2], ids=["v1", "v2"])
def test_a_book_without_a_time(traits: Traits) -> None:
    """It may have none; v1 has to say one."""
    book = decoder_of(traits).decode(snapshot_frame(replace(BOOK, timestamp=None), traits), None)
    assert isinstance(book, BookMessage)
    assert not book.timestamp


def test_a_book_of_orders() -> None:
    """Only v2 has them."""
    order = Level3Order('O"1', Decimal("1.50"), Decimal("0.0000001"), AT)
    frame = snapshot_frame(Level3Snapshot("BTC/USD", 10, (order,), (), 7, AT), V2)
    message = decoder_of(V2).decode(frame, None)
    assert isinstance(message, Level3Message)
    assert message.bids == (order,)


def test_a_trade() -> None:
    """To the digit."""
    trade = Trade("BTC/USD", "buy", Decimal("1.50"), Decimal("0.10"), "limit", 5, AT)
    message = decoder_of(V2).decode(trade_frame(trade), None)
    assert isinstance(message, RecordsMessage)
    assert message.records == (trade,)

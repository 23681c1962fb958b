"""What the tests of the view share: records and statistics in few words."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from kraken_trio import (
    BookSnapshot,
    BookState,
    BookStatistics,
    Candle,
    ChannelStatistics,
    ConnectionState,
    ConsumerStatistics,
    FeedStatistics,
    GapReason,
    Level,
    PartStatistics,
    SessionStatistics,
    Ticker,
    Timestamp,
    Trade,
)

MS = 1_000_000
BTC = "BTC/USD"


def trade(number: int, price: str = "10.0", at_ms: int = 0, **others: Any) -> Trade:
    """Give a trade of one BTC."""
    return Trade(
        others.pop("symbol", BTC),
        "buy",
        Decimal(price),
        Decimal("1.00000000"),
        "limit",
        number,
        Timestamp(at_ms * MS),
        **others,
    )


def ticker(last: str = "10.0", **others: Any) -> Ticker:
    """Give a ticker."""
    bid, one = Decimal("9.9"), Decimal(1)
    return Ticker(
        others.pop("symbol", BTC),
        bid,
        one,
        Decimal("10.1"),
        one,
        Decimal(last),
        Decimal("0.00000100"),
        bid,
        bid,
        Decimal(11),
        Decimal("0.1"),
        Decimal("1.00"),
        **others,
    )


def candle(begin_ms: int, close: str = "10.0", interval: int = 1) -> Candle:
    """Give a candle."""
    low, high, price = Decimal(9), Decimal(11), Decimal(close)
    begin = Timestamp(begin_ms * MS)
    return Candle(BTC, interval, begin, price, high, low, price, price, 3, Decimal("0.5"))


def book(*bids: str, asks: tuple[str, ...] = ()) -> BookSnapshot:
    """Give a book with one on each price."""
    one = Decimal("1.0")
    return BookSnapshot(
        BTC,
        10,
        tuple(Level(Decimal(price), one) for price in bids),
        tuple(Level(Decimal(price), one) for price in asks),
        0,
        Timestamp(5_000 * MS),
    )


def statistics(
    state: ConnectionState = ConnectionState.SUBSCRIBED,
    books: dict[str, BookState] | None = None,
    **changes: Any,
) -> FeedStatistics:
    """Give those of a feed with one session."""
    nothing = ChannelStatistics(0, 0, 0, 0, 0, 0, 0, 0)
    session = SessionStatistics(
        name="public",
        state=state,
        attempts=2,
        failures=0,
        connections=2,
        reconnections=1,
        transitions={},
        frames=7,
        faults=0,
        unknown=0,
        unrouted=0,
        heartbeats=0,
        subscription_failures=0,
        round_trip_s=0.0125,
        clock_offset_s=None,
    )
    values: dict[str, Any] = {
        "states": {"public": state},
        "frames": 7,
        "faults": 0,
        "unknown": 0,
        "unrouted": 0,
        "heartbeats": 0,
        "checksums_ok": 5,
        "checksums_failed": 1,
        "gaps": {GapReason.CHECKSUM: 1, GapReason.DISCONNECT: 2},
        "resyncs": 3,
        "connections": 2,
        "trades_repeated": 0,
        "trades_backfilled": 0,
        "dropped": 0,
        "coalesced": 0,
        "overflows": 0,
        "subscriptions": (),
        "streams": (),
        "callbacks": nothing,
        "sessions": (session,),
        "parts": tuple(
            PartStatistics(
                channel="book",
                symbol=symbol,
                messages=6,
                checksums_ok=5,
                checksums_failed=1,
                gaps={},
                resyncs=1,
            )
            for symbol in books or {}
        ),
        "books": tuple(
            BookStatistics(
                session="public",
                channel="book",
                symbol=symbol,
                state=each,
                depth=25,
                snapshots=1,
                updates=1,
                ignored=0,
                checksums_failed=0,
            )
            for symbol, each in (books or {}).items()
        ),
        "consumers": (
            ConsumerStatistics(
                kind="book",
                consumers=1,
                buffered=3,
                capacity=500,
                received=9,
                processed=6,
                dropped=2,
                coalesced=0,
                overflows=1,
            ),
            ConsumerStatistics(
                kind="ticker",
                consumers=0,
                buffered=0,
                capacity=0,
                received=9,
                processed=9,
                dropped=0,
                coalesced=0,
                overflows=0,
            ),
        ),
        "observers": (),
        "requests": (),
    }
    return FeedStatistics(**{**values, **changes})


class Made:
    """What makes them."""

    trade = staticmethod(trade)
    ticker = staticmethod(ticker)
    candle = staticmethod(candle)
    book = staticmethod(book)
    statistics = staticmethod(statistics)


@pytest.fixture
def made() -> type[Made]:
    """Give what makes records and statistics."""
    return Made


class Clock:
    """A clock of milliseconds that stands still."""

    def __init__(self) -> None:
        """Begin at a million."""
        self.now = 1_000_000

    def __call__(self) -> int:
        """Give the time."""
        return self.now


@pytest.fixture
def clock() -> Callable[[], int]:
    """Give a clock that is set by hand."""
    return Clock()

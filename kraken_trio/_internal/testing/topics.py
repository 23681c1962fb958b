"""What a subscription is to a market: which frames it begins with, and which are to be made.

Knows channels and the market's methods for them; nothing of who subscribed.
"""

from __future__ import annotations

from kraken_trio._internal.testing.market import Market
from kraken_trio._internal.testing.part import TOKENIZED, Part


def snapshot(market: Market, part: Part, *, exponents: bool) -> bytes:
    """Give the frame that a subscription begins with."""
    match part.topic:
        case ("book", str(symbol), int(depth)):
            return market.book_snapshot(symbol, depth)
        case ("level3", str(symbol), int(depth)):
            return market.level3_snapshot(symbol, depth)
        case ("ohlc", str(symbol), int(interval)):
            return market.candle_snapshot(symbol, interval)
        case ("ticker", str(symbol), _):
            return market.ticker_snapshot(symbol)
        case ("trade", str(symbol), _):
            return market.trade_snapshot(symbol)
        case (_, _, option):
            return market.instrument_snapshot(tokenized=option == TOKENIZED, exponents=exponents)


def watch(market: Market, part: Part, *, wanted: bool) -> None:
    """Have the market make the frames, or make them no more. Trades it makes always."""
    match part.topic:
        case ("book", str(symbol), int(depth)):
            (market.watch if wanted else market.unwatch)(symbol, depth)
        case ("level3", str(symbol), int(depth)):
            (market.watch_level3 if wanted else market.unwatch_level3)(symbol, depth)
        case ("ohlc", str(symbol), int(interval)):
            (market.watch_candles if wanted else market.unwatch_candles)(symbol, interval)
        case ("spread", str(symbol), _):
            (market.watch_ticker if wanted else market.unwatch_ticker)(symbol, "bbo")
        case ("ticker", str(symbol), "trades" | "bbo" as trigger):
            (market.watch_ticker if wanted else market.unwatch_ticker)(symbol, trigger)
        case _:
            pass

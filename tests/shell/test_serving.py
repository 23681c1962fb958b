"""Which of the exchange's subscriptions serves what, and what its routes are told."""

from __future__ import annotations

from typing import Any

from kraken_trio._internal.core.roster_effects import Completed, Discard, Probed, Stalled
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.probe import Probe
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import Gap, GapReason
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.model.traits import V1
from kraken_trio._internal.shell.serving import carry_out, heard, served_by, wire_part
from kraken_trio._internal.wire.decode import V2Decoder

QUOTES = Channel.ticker("BTC/USD", event_trigger="bbo")
SPREAD = Channel.spread("BTC/USD")
FRAME = (
    b'{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":1.0,"bid_qty":1.0,'
    b'"ask":2.0,"ask_qty":1.0,"last":1.5,"volume":1.0,"vwap":1.5,"low":1.0,"high":2.0,'
    b'"change":0.1,"change_pct":0.1}]}'
)


def test_a_spread_is_made_of_tickers() -> None:
    """There and back; all else is served by itself."""
    assert wire_part(SPREAD) == QUOTES
    assert served_by(QUOTES) == (QUOTES, SPREAD)
    book = Channel.book("BTC/USD")
    assert (wire_part(book), served_by(book)) == (book, (book,))


def test_a_spread_that_comes_as_such() -> None:
    """Where the exchange has spreads, each is served by itself, and its tickers by theirs."""
    ticker = Channel.ticker("BTC/USD")
    assert wire_part(SPREAD, V1) == SPREAD
    assert served_by(SPREAD, V1) == (SPREAD,)
    assert served_by(ticker, V1) == (ticker,)


def test_both_routes_of_a_ticker_are_told() -> None:
    """What becomes of their one subscription concerns both; what is not theirs, neither."""
    engine, got = Engine(V2Decoder()), list[Any]()
    routes = [engine.open(QUOTES), engine.open(SPREAD)]
    engine.attach(got.append)
    assert heard(engine, QUOTES) == 0
    engine.feed(FRAME, None)
    assert heard(engine, QUOTES) == 2
    got.clear()
    carry_out(Probed(QUOTES, Timestamp(1), Timestamp(2)), engine)
    assert [route.probe for route in routes] == [Probe(Timestamp(1), Timestamp(2))] * 2
    carry_out(Completed(QUOTES), engine)
    assert [bool(list(route.recall())) for route in routes] == [True, True]
    carry_out(Stalled(QUOTES), engine)
    assert got == [Gap(name, "BTC/USD", GapReason.STALLED) for name in ("ticker", "spread")]
    carry_out(Discard(QUOTES), engine)
    assert [list(route.recall()) for route in routes] == [[], []]

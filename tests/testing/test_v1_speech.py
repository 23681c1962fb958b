"""Protocol v1 at an exchange that thinks in v2."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kraken_trio._internal.testing.frames import (
    CandleRow,
    TickerRow,
    book_frame,
    candle_frame,
    failure_frame,
    heartbeat_frame,
    pong_frame,
    proxy_frame,
    rate_frame,
    status_frame,
    success_frame,
    ticker_frame,
    trade_frame,
    unknown_frame,
)
from kraken_trio._internal.testing.v1_speech import OldSpeech

NOW = 1786923425 * 10**9
TICKER = TickerRow(10, 1, 12, 2, 11, 5, 11, 9, 13, 2, 5, 7)


def said(frames: Any) -> Any:
    """Give the one frame that was told, read."""
    (frame,) = frames
    return json.loads(frame)


def asked(speech: OldSpeech, **members: object) -> Any:
    """Let the client ask; give the request of v2."""
    request, refusal = speech.hear(json.dumps(members).encode())
    assert refusal is None
    assert request is not None
    return json.loads(request)


def refused(speech: OldSpeech, payload: bytes) -> Any:
    """Let the client ask; give how it is refused."""
    request, refusal = speech.hear(payload)
    assert request is None
    assert refusal is not None
    return json.loads(refusal)


def confirmed(speech: OldSpeech, channel: str, **options: object) -> Any:
    """Let a subscription to one pair be confirmed."""
    result = {"channel": channel, "symbol": "BTC/USD", **options}
    return said(speech.tell(success_frame("subscribe", result, NOW, req_id=7)))


def test_pings() -> None:
    """A ping is one, with its number."""
    speech = OldSpeech()
    assert asked(speech, event="ping", reqid=42) == {"method": "ping", "req_id": 42}
    assert said(speech.tell(pong_frame(NOW, req_id=42))) == {"event": "pong", "reqid": 42}
    assert asked(speech, event="ping") == {"method": "ping"}
    assert said(speech.tell(pong_frame(NOW))) == {"event": "pong"}


@pytest.mark.parametrize("event", ["subscribe", "unsubscribe"])
def test_requests(event: str) -> None:
    """A request names its pairs by their old names."""
    request = asked(
        OldSpeech(),
        event=event,
        reqid=7,
        pair=["XBT/USD", "foobar"],
        subscription={"name": "book", "depth": 25},
    )
    assert request == {
        "method": event,
        "params": {"channel": "book", "depth": 25, "symbol": ["BTC/USD", "foobar"]},
        "req_id": 7,
    }


def test_private_requests() -> None:
    """A private request has no pair, and its token."""
    about = {"name": "ownTrades", "token": "good", "consolidate_taker": True}
    request = asked(OldSpeech(), event="subscribe", subscription=about)
    assert request == {
        "method": "subscribe",
        "params": {"channel": "own_trades", "token": "good"},
    }


@pytest.mark.parametrize(
    "request_, error, status",
    [
        (b"x", "Malformed request", None),
        (b"[]", "Malformed request", None),
        (b"[" * 100_000, "Malformed request", None),
        (b'{"event":"addOrder","reqid":7}', "Unsupported event", None),
        (b'{"event":"subscribe","reqid":7}', "Subscription field must be an object", "error"),
        (
            b'{"event":"subscribe","reqid":7,"subscription":{"name":"balances"}}',
            "Subscription name invalid",
            "error",
        ),
        (
            b'{"event":"subscribe","reqid":7,"subscription":{"name":"ticker"}}',
            "Pair field must be an array",
            "error",
        ),
    ],
)
def test_requests_that_are_none(request_: bytes, error: str, status: str | None) -> None:
    """What cannot be asked is refused here, with its number where it has one."""
    frame = refused(OldSpeech(), request_)
    assert (frame["errorMessage"], frame.get("status")) == (error, status)
    assert frame["event"] == ("subscriptionStatus" if status else "error")
    assert frame.get("reqid") == (7 if b"7" in request_ else None)


def test_confirmations() -> None:
    """A confirmation names the data's channel, and a number that stays the same."""
    speech = OldSpeech()
    first = confirmed(speech, "book", depth=10, snapshot=True)
    assert first == {
        "channelID": 336,
        "channelName": "book-10",
        "event": "subscriptionStatus",
        "pair": "XBT/USD",
        "reqid": 7,
        "status": "subscribed",
        "subscription": {"depth": 10, "name": "book"},
    }
    assert list(first) == sorted(first)
    assert confirmed(speech, "ohlc", interval=5)["channelName"] == "ohlc-5"
    assert confirmed(speech, "ohlc", interval=5)["channelID"] == 337
    left = success_frame("unsubscribe", {"channel": "ticker", "symbol": "BTC/USD"}, NOW)
    assert said(speech.tell(left))["status"] == "unsubscribed"
    private = success_frame("subscribe", {"channel": "open_orders", "maxratecount": 125}, NOW)
    assert said(speech.tell(private)) == {
        "channelName": "openOrders",
        "event": "subscriptionStatus",
        "status": "subscribed",
        "subscription": {"maxratecount": 125, "name": "openOrders"},
    }


def test_refusals() -> None:
    """A refusal says the subscription back, as it was sent."""
    speech = OldSpeech()
    about = {"name": "book", "depth": 42}
    asked(speech, event="subscribe", reqid=7, pair=["XBT/USD"], subscription=about)
    frame = failure_frame("subscribe", "no", NOW, req_id=7, symbol="BTC/USD")
    assert said(speech.tell(frame)) == {
        "errorMessage": "no",
        "event": "subscriptionStatus",
        "pair": "XBT/USD",
        "reqid": 7,
        "status": "error",
        "subscription": about,
    }
    frame = failure_frame("ping", "no", NOW, req_id=7)
    assert said(speech.tell(frame)) == {"errorMessage": "no", "event": "error", "reqid": 7}


@pytest.mark.parametrize(
    "frame", [rate_frame(), unknown_frame(), proxy_frame(), b'{"channel":"book"}']
)
def test_what_goes_out_as_it_is(frame: bytes) -> None:
    """What is no frame of v2 that has a counterpart is told as it is."""
    assert list(OldSpeech().tell(frame)) == [frame]


def test_status_and_heartbeats() -> None:
    """The status has the number of the connection where it is new, and what is announced."""
    speech = OldSpeech()
    assert said(speech.tell(heartbeat_frame())) == {"event": "heartbeat"}
    assert said(speech.tell(status_frame("maintenance"))) == {
        "event": "systemStatus",
        "status": "maintenance",
        "version": "1.9.6",
    }
    told = said(speech.tell(status_frame(connection_id=2**63, maintenance=[])))
    assert (told["connectionID"], told["upcoming_maintenance"], told["emergency"]) == (
        2**63,
        [],
        [],
    )


def test_books() -> None:
    """A book's frames have four elements, or five, and name their depth."""
    speech = OldSpeech()
    confirmed(speech, "book", depth=10)
    about: dict[str, Any] = {"precisions": (1, 1), "checksum": 0, "at": NOW}
    frame = book_frame("snapshot", "BTC/USD", bids=[(10, 1)], asks=[(11, 1)], **about)
    assert said(speech.tell(frame)) == [
        336,
        {
            "as": [["1.10000", "0.10000000", "1786923425.000000"]],
            "bs": [["1.00000", "0.10000000", "1786923425.000000"]],
        },
        "book-10",
        "XBT/USD",
    ]
    frame = book_frame("update", "BTC/USD", bids=[(10, 2)], asks=[(11, 2)], **about)
    assert len(said(speech.tell(frame))) == 5


def test_trades() -> None:
    """Trades have letters for sides and types, and no numbers."""
    rows = [("buy", 10, 1, "limit", 5, NOW), ("sell", 11, 2, "market", 6, NOW)]
    frame = trade_frame("update", "BTC/USD", rows, precisions=(1, 1))
    assert said(OldSpeech().tell(frame)) == [
        336,
        [
            ["1.00000", "0.10000000", "1786923425.000000", "b", "l", ""],
            ["1.10000", "0.20000000", "1786923425.000000", "s", "m", ""],
        ],
        "trade",
        "XBT/USD",
    ]


def test_tickers_and_spreads() -> None:
    """A ticker has its figures in pairs; a spread is a ticker of the best levels."""
    speech = OldSpeech()
    frame = ticker_frame("update", "BTC/USD", TICKER, precisions=(0, 0), at=NOW)
    assert said(speech.tell(frame)) == [
        336,
        {
            "a": ["12.00000", 2, "2.00000000"],
            "b": ["10.00000", 1, "1.00000000"],
            "c": ["11.00000", "0.00000000"],
            "t": [7, 7],
            "v": ["5.00000000", "5.00000000"],
            "p": ["11.00000", "11.00000"],
            "l": ["9.00000", "9.00000"],
            "h": ["13.00000", "13.00000"],
            "o": ["9.00000", "9.00000"],
        },
        "ticker",
        "XBT/USD",
    ]
    spread = frame.replace(b'"ticker"', b'"spread"')
    assert said(speech.tell(spread)) == [
        337,
        ["10.00000", "12.00000", "1786923425.000000", "1.00000000", "2.00000000"],
        "spread",
        "XBT/USD",
    ]


def test_candles() -> None:
    """Of candles only the last one is told, by its end."""
    row = CandleRow(NOW - NOW % (300 * 10**9), 1, 4, 0, 2, 9, 5, 3)
    frame = candle_frame("snapshot", "BTC/USD", [row, row], interval=5, precisions=(0, 0), at=NOW)
    assert said(OldSpeech().tell(frame)) == [
        336,
        [
            "1786923425.000000",
            "1786923600.000000",
            "1.00000",
            "4.00000",
            "0.00000",
            "2.00000",
            "3.00000",
            "5.00000000",
            9,
        ],
        "ohlc-5",
        "XBT/USD",
    ]


def test_private_data() -> None:
    """Private data have their number behind them."""
    speech = OldSpeech()
    for channel, name in (("own_trades", "ownTrades"), ("open_orders", "openOrders")):
        frame = b'{"channel":"%s","type":"snapshot","data":[],"sequence":1}' % channel.encode()
        assert said(speech.tell(frame)) == [[], name, {"sequence": 1}]

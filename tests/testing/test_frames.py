"""Frames are printed as the exchange prints them, to the byte."""

from __future__ import annotations

import json

import pytest

from kraken_trio._internal.testing.frames import (
    CandleRow,
    TickerRow,
    batch_cancelled_frame,
    book_frame,
    candle_frame,
    failure_frame,
    fine_moment,
    fixed,
    heartbeat_frame,
    level3_frame,
    moment,
    pong_frame,
    proxy_frame,
    rate_frame,
    status_frame,
    success_frame,
    ticker_frame,
    trade_frame,
    unknown_frame,
    whole_moment,
)

AT = 1_695_746_960_962_586_789
FINE = "2023-09-26T16:49:20.962586789Z"
TIMES = '"time_in":"2023-09-26T16:49:20.962586Z","time_out":"2023-09-26T16:49:20.962626Z"}'

CANDLE = (
    '{"symbol":"BTC/USD","open":83729.5,"high":83745.2,"low":83729.4,"close":83744.3,"trades":33,'
    '"volume":0.21155628,"vwap":83736.4,"interval_begin":"2026-09-25T17:48:00.000000000Z",'
    '"interval":1,"timestamp":"2026-09-25T17:49:00.000000Z"}'
)


@pytest.mark.parametrize(
    "value, precision, text",
    [
        (0, 0, "0"),
        (7, 0, "7"),
        (0, 8, "0.00000000"),
        (5100, 8, "0.00005100"),
        (627970, 1, "62797.0"),
        (1, 10, "0.0000000001"),
        (10**10, 10, "1.0000000000"),
        (-4293, 1, "-429.3"),
        (-51, 2, "-0.51"),
        (12345678901234567890, 8, "123456789012.34567890"),
    ],
)
def test_numbers_are_padded(value: int, precision: int, text: str) -> None:
    """A number has all the decimals of its precision, and at least one digit before them."""
    assert fixed(value, precision) == text


def test_times_have_six_digits() -> None:
    """A time is cut off at the microsecond."""
    assert moment(AT) == "2023-09-26T16:49:20.962586Z"
    assert moment(0) == "1970-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    "ns, text",
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:01Z"),
        (1_695_746_960 * 10**9, "2023-09-26T16:49:20Z"),
        (AT, "2023-09-26T16:49:21Z"),
    ],
)
def test_times_of_the_switch_are_whole_seconds(ns: int, text: str) -> None:
    """The dead man's switch shows the next full second."""
    assert whole_moment(ns) == text


def test_times_of_candles_have_nine_digits() -> None:
    """A time of the candles' channel has all its nanoseconds, zeros too."""
    assert fine_moment(AT) == "2023-09-26T16:49:20.962586789Z"
    assert fine_moment(10**9) == "1970-01-01T00:00:01.000000000Z"


@pytest.mark.parametrize(
    "frame, text",
    [
        (heartbeat_frame(), '{"channel":"heartbeat"}'),
        (
            status_frame(connection_id=18125794168470749634),
            (
                '{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online",'
                '"api_version":"v2","connection_id":18125794168470749634}]}'
            ),
        ),
        (
            status_frame("maintenance"),
            (
                '{"channel":"status","type":"update","data":[{"version":"2.0.10",'
                '"system":"maintenance","api_version":"v2"}]}'
            ),
        ),
        (
            status_frame(connection_id=1, emergency=[]),
            (
                '{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online",'
                '"api_version":"v2","connection_id":1,"upcoming_maintenance":[],"emergency":[]}]}'
            ),
        ),
        (
            status_frame(maintenance=[{"event_id": 33}]),
            (
                '{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online",'
                '"api_version":"v2","upcoming_maintenance":[{"event_id":33}],"emergency":[]}]}'
            ),
        ),
        (pong_frame(AT, req_id=101), '{"method":"pong","req_id":101,' + TIMES),
        (pong_frame(AT), '{"method":"pong",' + TIMES),
        (
            success_frame(
                "subscribe",
                {"symbol": "BTC/USD", "snapshot": True, "channel": "book", "depth": 10},
                AT,
                req_id=0,
            ),
            '{"method":"subscribe","req_id":0,"result":{"channel":"book","depth":10,'
            '"snapshot":true,"symbol":"BTC/USD"},"success":true,' + TIMES,
        ),
        (
            success_frame("batch_add", [{"order_id": "A"}, {"order_id": "B"}], AT),
            '{"method":"batch_add","result":[{"order_id":"A"},{"order_id":"B"}],"success":true,'
            + TIMES,
        ),
        (
            failure_frame("subscribe", "Currency pair not supported XBT/USD", AT, symbol="XBT/USD"),
            '{"error":"Currency pair not supported XBT/USD","method":"subscribe",'
            '"success":false,"symbol":"XBT/USD",' + TIMES,
        ),
        (
            failure_frame("add_order", "EOrder:Insufficient funds", AT, req_id=7),
            '{"error":"EOrder:Insufficient funds","method":"add_order","req_id":7,'
            '"success":false,' + TIMES,
        ),
        (
            failure_frame("subscribe", "E:x", AT, channel="executions", status=True),
            '{"channel":"executions","error":"E:x","method":"subscribe","status":"error",'
            '"success":false,' + TIMES,
        ),
        (
            failure_frame(None, "Malformed request", AT),
            '{"error":"Malformed request","success":false,' + TIMES,
        ),
        (
            level3_frame(
                "snapshot",
                "A/B",
                bids=[(None, "OBBBBB", 1055, 7, AT)],
                asks=[],
                precisions=(1, 2),
                checksum=5,
                at=AT,
            ),
            (
                '{"channel":"level3","type":"snapshot","data":[{"symbol":"A/B","checksum":5,'
                f'"timestamp":"{FINE}","bids":[{{"order_id":"OBBBBB","limit_price":105.5,'
                f'"order_qty":0.07,"timestamp":"{FINE}"}}],"asks":[]}}]}}'
            ),
        ),
        (
            level3_frame(
                "update",
                "A/B",
                bids=[],
                asks=[("delete", "OAAAAA", 1055, 7, AT), ("add", "OBBBBB", 1056, 800, AT)],
                precisions=(1, 2),
                checksum=5,
                at=AT,
            ),
            (
                '{"channel":"level3","type":"update","data":[{"checksum":5,"symbol":"A/B",'
                f'"timestamp":"{FINE}","bids":[],"asks":[{{"event":"delete","order_id":"OAAAAA",'
                f'"limit_price":105.5,"order_qty":0.07,"timestamp":"{FINE}"}},{{"event":"add",'
                f'"order_id":"OBBBBB","limit_price":105.6,"order_qty":8.00,"timestamp":"{FINE}"}}]}}]}}'
            ),
        ),
        (
            ticker_frame(
                "update",
                "BTC/USD",
                TickerRow(
                    bid=837442,
                    bid_qty=56251979,
                    ask=837443,
                    ask_qty=44780,
                    last=837443,
                    volume=315684782110,
                    vwap=841746,
                    low=831636,
                    high=852474,
                    change=-4293,
                    change_pct=-51,
                    trades=135262,
                ),
                precisions=(1, 8),
                at=AT,
            ),
            (
                '{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":83744.2,'
                '"bid_qty":0.56251979,"ask":83744.3,"ask_qty":0.00044780,"last":83744.3,'
                '"volume":3156.84782110,"vwap":84174.6,"low":83163.6,"high":85247.4,'
                '"change":-429.3,"change_pct":-0.51,"trades":135262,'
                '"timestamp":"2023-09-26T16:49:20.962586Z"}]}'
            ),
        ),
        (
            candle_frame(
                "snapshot",
                "BTC/USD",
                [
                    CandleRow(
                        begin=1_790_358_480 * 10**9,
                        open=837295,
                        high=837452,
                        low=837294,
                        close=837443,
                        trades=33,
                        volume=21155628,
                        vwap=837364,
                    )
                ]
                * 2,
                interval=1,
                precisions=(1, 8),
                at=1_790_358_506_844_359_566,
            ),
            (
                '{"channel":"ohlc","type":"snapshot","timestamp":"2026-09-25T17:48:26.844359566Z",'
                '"data":[' + CANDLE + "," + CANDLE + "]}"
            ),
        ),
        (
            book_frame(
                "update",
                "BTC/USD",
                bids=[],
                asks=[(628026, 98074394), (628027, 0)],
                precisions=(1, 8),
                checksum=1348273380,
                at=AT,
            ),
            (
                '{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],"asks":['
                '{"price":62802.6,"qty":0.98074394},{"price":62802.7,"qty":0.00000000}],'
                '"checksum":1348273380,"timestamp":"2023-09-26T16:49:20.962586Z"}]}'
            ),
        ),
        (
            trade_frame(
                "snapshot",
                "BTC/USD",
                [("buy", 837443, 44780, "limit", 109116693, AT), ("sell", 1, 2, "market", 3, 0)],
                precisions=(1, 8),
            ),
            (
                '{"channel":"trade","type":"snapshot","data":[{"symbol":"BTC/USD","side":"buy",'
                '"price":83744.3,"qty":0.00044780,"ord_type":"limit","trade_id":109116693,'
                '"timestamp":"2023-09-26T16:49:20.962586Z"},{"symbol":"BTC/USD","side":"sell",'
                '"price":0.1,"qty":0.00000002,"ord_type":"market","trade_id":3,'
                '"timestamp":"1970-01-01T00:00:00.000000Z"}]}'
            ),
        ),
        (rate_frame(), '{"Error":"Exceeded msg rate"}'),
        (
            unknown_frame(),
            '{"channel":"unheard_of","type":"update","data":[{"symbol":"BTC/USD","value":1}]}',
        ),
    ],
)
def test_frames(frame: bytes, text: str) -> None:
    """Each frame has the members, in the order, of a captured one; and it is JSON."""
    assert frame.decode() == text
    json.loads(frame)


def test_a_batch_that_was_cancelled() -> None:
    """The captured answer to ``batch_cancel`` has its count at the top, and no result."""
    frame = batch_cancelled_frame(2, AT, req_id=0)
    start = '{"method":"batch_cancel","orders_cancelled":2,"req_id":0,"success":true,'
    assert frame.decode() == start + TIMES


def test_symbols_are_escaped() -> None:
    """Whatever a symbol is called, the frame stays JSON."""
    frame = trade_frame("update", 'A"\\/é', [("buy", 1, 1, "limit", 1, 0)], precisions=(0, 0))
    assert json.loads(frame)["data"][0]["symbol"] == 'A"\\/é'


def test_one_frame_is_no_json() -> None:
    """What the proxy says before it restarts is text, and no JSON."""
    with pytest.raises(json.JSONDecodeError):
        json.loads(proxy_frame())

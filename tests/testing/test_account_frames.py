"""Frames of an account are, byte for byte, those that the exchange was seen to send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kraken_trio._internal.model.account import (
    BalanceSnapshot,
    BalanceUpdate,
    Contingent,
    Execution,
    Triggers,
)
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.account_frames import (
    executions_frame,
    holdings_frame,
    ledger_frame,
)
from kraken_trio._internal.wire.decode import V2Decoder

# One order of January 2026, and a fill, a stop order and a balance of 2024, as they were captured.
LIFE = (
    (
        '{"channel":"executions","type":"update","data":[{"order_id":"OVN7VD-7VYHS-APBKHA",'
        '"symbol":"BTC/USDT","order_qty":0.00010000,"cum_cost":0.00000,"time_in_force":"GTC",'
        '"exec_type":"pending_new","side":"buy","order_type":"limit","cl_ord_id":"b17c7bb34d000200",'
        '"limit_price_type":"static","limit_price":80000.0,"stop_price":0.0,'
        '"order_status":"pending_new","fee_usd_equiv":0.0000,"fee_ccy_pref":"fciq",'
        '"timestamp":"2026-01-22T06:06:19.833306Z"}],"sequence":2}'
    ),
    (
        '{"channel":"executions","type":"update","data":[{"timestamp":"2026-01-22T06:06:19.833306Z",'
        '"order_status":"new","exec_type":"new","cl_ord_id":"b17c7bb34d000200",'
        '"order_id":"OVN7VD-7VYHS-APBKHA"}],"sequence":3}'
    ),
    (
        '{"channel":"executions","type":"update","data":[{"timestamp":"2026-01-22T06:06:27.552281Z",'
        '"exec_type":"amended","order_status":"new","cum_qty":0.00000000,"reason":"User requested",'
        '"amended":true,"order_qty":0.00010000,"limit_price":81818.0,"limit_price_type":"static",'
        '"cl_ord_id":"b17c7bb34d000200","order_id":"OVN7VD-7VYHS-APBKHA"}],"sequence":4}'
    ),
    (
        '{"channel":"executions","type":"update","data":[{"timestamp":"2026-01-22T06:06:36.039852Z",'
        '"order_status":"canceled","exec_type":"canceled","cum_qty":0.00000000,"cum_cost":0.00000,'
        '"fee_usd_equiv":0.0000,"avg_price":0.0,"cl_ord_id":"b17c7bb34d000200",'
        '"cancel_reason":"User requested","reason":"User requested",'
        '"order_id":"OVN7VD-7VYHS-APBKHA"}],"sequence":6}'
    ),
    (
        '{"channel":"executions","type":"snapshot","data":[{"order_id":"NG6PUE-C7MXN-CFCAMC",'
        '"order_userref":0,"exec_id":"B1Y0D9-6JIJG-W1IB7L","exec_type":"trade","trade_id":37496584,'
        '"symbol":"BTC/USD","side":"sell","last_qty":0.00016000,"last_price":63377.2,'
        '"liquidity_ind":"t","cost":10.12445,"order_status":"filled","order_type":"limit",'
        '"timestamp":"2024-04-16T10:54:38.243302Z","fee_usd_equiv":0.04050,'
        '"fees":[{"asset":"USD","qty":0.04051}]}],"sequence":1}'
    ),
    (
        '{"channel":"executions","type":"update","data":[{"order_id":"AHOJQ8-1E72C-8M2VQH",'
        '"symbol":"ADX/USD","order_qty":81.36256082,"cum_cost":0,"time_in_force":"GTC",'
        '"exec_type":"pending_new","side":"buy","order_type":"stop-loss-limit","order_userref":0,'
        '"limit_price_type":"static","triggers":{"price":0.2,"price_type":"static",'
        '"reference":"index","status":"untriggered"},"stop_price":0.2,"limit_price":0.2,'
        '"trigger":"index","order_status":"pending_new","fee_usd_equiv":0,"fee_ccy_pref":"fciq",'
        '"timestamp":"2024-05-18T12:01:56.165888Z"}],"sequence":120}'
    ),
    (
        '{"channel":"executions","type":"update","data":[{"order_id":"OK4GJX-KSTLS-7DZZO5",'
        '"order_userref":3,"exec_id":"TGBB7L-HT5LX-J3BZ4A","exec_type":"trade","trade_id":62887576,'
        '"symbol":"BTC/USD","side":"sell","last_qty":0.005,"last_price":26599.9,"liquidity_ind":"t",'
        '"cost":132.9995,"order_type":"limit","timestamp":"2023-09-22T10:33:05.709993Z",'
        '"order_status":"partially_filled","cum_qty":0.005,"cum_cost":132.9995,"avg_price":26599.9,'
        '"fee_usd_equiv":0.3458,"fees":[{"asset":"USD","qty":0.3458}]}],"sequence":10}'
    ),
    '{"channel":"executions","type":"snapshot","data":[],"sequence":1}',
    (
        '{"channel":"balances","type":"snapshot","data":[{"asset":"USDT","asset_class":"currency",'
        '"wallets":[{"type":"spot","id":"main","balance":100.00000000}],"balance":100.00000000}],'
        '"sequence":1}'
    ),
    (
        '{"channel":"balances","type":"update","data":[{"ledger_id":"9K6IR4-X9PQJ-OMBG73",'
        '"ref_id":"WLINKJ-1TZZW-M3HCOY","timestamp":"2024-05-12T12:11:57.525134Z","type":"trade",'
        '"asset":"ADX","asset_class":"currency","category":"trade","wallet_type":"spot",'
        '"wallet_id":"main","amount":111.0857412800,"fee":0.0000000000,"balance":147.1906006900}],'
        '"sequence":5}'
    ),
)


def read(frame: bytes) -> RecordsMessage:
    """Let the library read a frame."""
    message = V2Decoder().decode(frame, None)
    assert isinstance(message, RecordsMessage)
    return message


def printed(message: RecordsMessage) -> bytes:
    """Print a message that was read."""
    sequence: Any = message.sequence
    records: Any = message.records
    if message.channel == "executions":
        kind = "snapshot" if message.snapshot else "update"
        return executions_frame(kind, [(record, None) for record in records], sequence)
    if message.snapshot:
        return holdings_frame(records, sequence)
    (entry,) = records
    return ledger_frame(entry, sequence)


@pytest.mark.parametrize("frame", LIFE)
def test_as_captured(frame: str) -> None:
    """What the library reads in a captured frame is printed as that frame."""
    assert printed(read(frame.encode())).decode() == frame


def private_frames(captures: Path) -> Iterator[str]:
    """Give the frames of an account in real traffic."""
    path = captures / "v2-private-20260121.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines():
        raw = json.loads(line)["raw"]
        if raw.startswith(('{"channel":"executions"', '{"channel":"balances"')):
            yield raw


def test_the_capture(captures: Path) -> None:
    """So is every frame of an account in the whole capture of an order's life."""
    frames = [*private_frames(captures)]
    assert len(frames) == 7
    assert [printed(read(frame.encode())).decode() for frame in frames] == frames


REPORT = Execution(
    order_id="O1",
    exec_type="new",
    order_status="new",
    timestamp=Timestamp(1_000_002_000),
    order_userref=0,
)
TRIGGERS = Triggers(
    reference="last",
    price=Decimal("-2.0"),
    price_type="pct",
    actual_price=Decimal("61000.0"),
    peak_price=Decimal("63000.0"),
    last_price=Decimal("60999.9"),
    status="triggered",
    timestamp=Timestamp(1_000_002_000),
)
CONTINGENT = Contingent(order_type="stop-loss", trigger_price=Decimal("-1.5"))
FULL = replace(
    REPORT,
    symbol="BTC/USD",
    side="buy",
    order_type="market",
    cash_order_qty=Decimal("100.00000"),
    cum_cost=Decimal("0.00000"),
    post_only=True,
    expire_time=Timestamp(2_000_000_000),
    contingent=CONTINGENT,
)


@pytest.mark.parametrize(
    "report",
    [
        REPORT,
        replace(FULL, exec_type="pending_new"),
        replace(FULL, exec_type="pending_new", triggers=TRIGGERS),
        replace(FULL, snapshot=True, triggers=TRIGGERS, cum_qty=Decimal("0.00000000")),
        replace(REPORT, exec_type="status", triggers=TRIGGERS),
        replace(REPORT, exec_type="iceberg_refill", display_qty_remain=Decimal("0.10000000")),
        replace(REPORT, exec_type="restated", amended=True, reason="Engine", triggers=TRIGGERS),
        replace(REPORT, exec_type="expired", cum_qty=Decimal("0.00000000")),
    ],
    ids=lambda report: report.exec_type,
)
@pytest.mark.parametrize("ratecount", [None, 7])
def test_nothing_is_lost(report: Execution, ratecount: int | None) -> None:
    """What is printed of a report is read back as that report, and so is the rate counter."""
    kind = "snapshot" if report.snapshot else "update"
    message = read(executions_frame(kind, [(report, ratecount)], 3))
    counted = None if ratecount is None else Decimal(ratecount)
    assert message == RecordsMessage(
        "executions", report.snapshot, (replace(report, ratecount=counted),), 3, None
    )


def test_a_price_that_is_not_there_has_no_decimals() -> None:
    """The deprecated price of what sets an order off is a bare zero where no price is."""
    frame = executions_frame("update", [(replace(FULL, exec_type="pending_new"), None)], 1)
    assert b'"stop_price":0,"contingent"' in frame


def test_several_holdings() -> None:
    """A snapshot has all assets, each with all its wallets, and may be empty."""
    held = BalanceSnapshot(asset="BTC", asset_class="currency", balance=Decimal("0E-10"))
    message = read(holdings_frame([held, replace(held, asset="ETH")], 1))
    assert message.records == (held, replace(held, asset="ETH"))
    assert read(holdings_frame([], 1)).records == ()


def test_small_numbers_have_no_exponent() -> None:
    """Numbers are written out, however small."""
    entry = BalanceUpdate(
        ledger_id="L", asset="PEPE", amount=Decimal("-0.0000000001"), balance=Decimal("0E-10")
    )
    assert b'"amount":-0.0000000001,"balance":0.0000000000' in ledger_frame(entry, 2)

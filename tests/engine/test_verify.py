"""Files of captured frames, verified."""

from __future__ import annotations

import gzip
import json
import os
import threading
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from kraken_trio._internal.engine.verify import FAULTS_TOLD, BookCounts, verify_capture

ACK = (
    '{"method":"subscribe","result":{"channel":"%s","depth":%d,"snapshot":true,"symbol":'
    '"BTC/USD"},"success":true,"time_in":"2026-07-07T23:00:03Z","time_out":"2026-07-07T23:00:03Z"}'
)
INSTRUMENTS = (
    '{"channel":"instrument","type":"snapshot","data":{"assets":[{"id":"BTC"}],"pairs":['
    '{"symbol":"BTC/USD","price_precision":1,"qty_precision":8}]}}'
)
TRADE = (
    '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":1.5,'
    '"qty":1.0,"ord_type":"limit","trade_id":%d,"timestamp":"2026-07-07T23:00:04.005636Z"}]}'
)
TICKER = (
    '{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":1.5,"bid_qty":1.0,'
    '"ask":1.6,"ask_qty":1.0,"last":1.5,"volume":9.0,"vwap":1.5,"low":1.4,"high":1.7,'
    '"change":-0.1,"change_pct":-0.02}]}'
)
CANDLE = (
    '{"channel":"ohlc","type":"update","timestamp":"2026-07-07T23:00:04.005636Z","data":['
    '{"symbol":"BTC/USD","open":1.5,"high":1.5,"low":1.5,"close":1.5,"trades":1,"volume":1.0,'
    '"vwap":1.5,"interval_begin":"2026-07-07T23:00:00Z","interval":%d}]}'
)
STATUS = '{"channel":"status","type":"update","data":[{"system":"online"}]}'
BALANCES = (
    '{"channel":"balances","type":"snapshot","data":[{"asset":"BTC","asset_class":"currency",'
    '"balance":1.0,"wallets":[]}],"sequence":1}'
)


def bids(
    *levels: tuple[str, str], kind: str = "snapshot", text: str, symbol: str = "BTC/USD"
) -> str:
    """Give a book frame of bids, whose checksum is that of ``text``."""
    rows = ",".join(f'{{"price":{price},"qty":{qty}}}' for price, qty in levels)
    return (
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{symbol}","bids":[{rows}],'
        f'"asks":[],"checksum":{crc32(text.encode())}}}]}}'
    )


def order(price: str, qty: str, *, text: str) -> str:
    """Give a level3 snapshot of one bid."""
    return (
        '{"channel":"level3","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"order_id":'
        f'"O1","limit_price":{price},"order_qty":{qty},"timestamp":"2026-07-07T23:00:03Z"}}],'
        f'"asks":[],"checksum":{crc32(text.encode())}}}]}}'
    )


@pytest.fixture
def verify(tmp_path: Path) -> Any:
    """Give a function that verifies a file of these frames, or of these lines."""

    def run(*frames: str, lines: bool = False) -> Any:
        path = tmp_path / "capture.jsonl"
        texts = frames if lines else [json.dumps({"ts": None, "raw": raw}) for raw in frames]
        path.write_text("\n".join(texts) + "\n", encoding="utf-8")
        return verify_capture(path)

    return run


def test_all_that_a_file_holds_is_counted(verify: Any) -> None:
    """Frames, books, trades and records are counted; nothing of this is wrong."""
    result = verify(
        STATUS,
        ACK % ("book", 25),
        bids(("1.5", "2.00"), text="15200"),
        bids(("1.5", "3.00"), kind="update", text="15300"),
        TRADE % 1,
        TRADE % 1,
        TRADE % 4,
        TICKER,
        CANDLE % 5,
        BALANCES,
        INSTRUMENTS,
        order("1.5", "2.00", text="15200000000"),
        '{"channel":"heartbeat"}',
        '{"channel":"weather"}',
    )
    assert result.ok
    assert result.summary() == {
        "file": result.file,
        "frames": 14,
        "decoded": 14,
        "undecoded": 0,
        "unknown": 1,
        "books": {
            "BTC/USD": {
                "depth": 25,
                "snapshots": 1,
                "updates": 1,
                "checksums_ok": 2,
                "checksums_failed": 0,
            },
            "BTC/USD level3": {
                "depth": 10,
                "snapshots": 1,
                "updates": 0,
                "checksums_ok": 1,
                "checksums_failed": 0,
            },
        },
        "trades": 2,
        "trade_gaps": 1,
        "records": {
            "balances": 1,
            "book": 2,
            "instrument": 2,
            "level3": 1,
            "ohlc": 1,
            "status": 1,
            "ticker": 1,
            "trade": 2,
        },
    }
    json.dumps(result.summary())


def test_a_wrong_checksum_is_a_fault_with_its_line(verify: Any) -> None:
    """What cannot be verified after it is counted as an update and as nothing else."""
    result = verify(
        bids(("1.5", "2.00"), text="15200"),
        bids(("1.5", "3.00"), kind="update", text="rubbish"),
        bids(("1.5", "4.00"), kind="update", text="15400"),
        bids(("1.5", "2.00"), text="15200"),
    )
    assert not result.ok
    assert result.books["BTC/USD"] == BookCounts(
        depth=10, snapshots=2, updates=2, checksums_ok=2, checksums_failed=1
    )
    (fault,) = result.faults
    assert fault.line == 2
    expected, computed = crc32(b"rubbish"), crc32(b"15300")
    assert fault.reason == (f"book BTC/USD: the checksum should be {expected}, and is {computed}")


def test_frames_that_cannot_be_decoded_are_told_up_to_a_bound(verify: Any) -> None:
    """The first faults are described with their lines, all are counted."""
    result = verify(STATUS, *["rubbish"] * (FAULTS_TOLD + 5))
    assert (result.frames, result.decoded, result.undecoded) == (26, 1, 25)
    assert [fault.line for fault in result.faults] == list(range(2, FAULTS_TOLD + 2))
    assert result.faults_untold == 5


def test_a_file_that_is_cut_off_is_read_up_to_there(verify: Any) -> None:
    """Half a line is one frame that could not be decoded; what came before it counts."""
    result = verify(STATUS, '{"ts": null, "raw": "{\\"chan', lines=True)
    assert (result.frames, result.undecoded, [f.line for f in result.faults]) == (2, 1, [2])
    assert not result.ok


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """A missing file raises, and is not taken for an empty one."""
    with pytest.raises(OSError, match="no-such-file"):
        verify_capture(tmp_path / "no-such-file")


def test_compressed_and_plain_files_say_the_same(tmp_path: Path) -> None:
    """Gzip is known by its first bytes."""
    path = tmp_path / "capture.jsonl"
    path.write_bytes(gzip.compress((STATUS + "\n").encode()))
    assert verify_capture(path).records == {"status": 1}


@pytest.mark.parametrize("levels, depth", [(1, 10), (10, 10), (11, 25), (26, 100), (1001, 1000)])
def test_a_depth_that_nobody_told_is_the_smallest_that_fits(
    verify: Any, levels: int, depth: int
) -> None:
    """Without an acknowledgement the snapshot's larger side decides."""
    rows = [(f"{2000 - number}.0", "1.0") for number in range(levels)]
    text = "".join(f"{2000 - number}010" for number in range(min(levels, 10)))
    result = verify(bids(*rows, text=text))
    assert (result.ok, result.books["BTC/USD"].depth) == (True, depth)


@pytest.mark.parametrize(
    "ack",
    [
        ACK % ("book", 7),
        ACK % ("ticker", 25),
        '{"method":"subscribe","error":"no","success":false,"symbol":"BTC/USD"}',
        '{"method":"pong","req_id":1}',
    ],
)
def test_an_answer_that_tells_no_depth_is_passed_over(verify: Any, ack: str) -> None:
    """Only a subscription of a book, with a legal depth, says how deep it is."""
    result = verify(ack, bids(("1.5", "2.00"), text="15200"))
    assert (result.ok, result.books["BTC/USD"].depth) == (True, 10)


def test_a_new_subscription_with_another_depth_is_another_book(verify: Any) -> None:
    """The counts of both are added; what is left of the old one cannot be verified."""
    result = verify(
        ACK % ("book", 10),
        bids(("1.5", "2.00"), text="15200"),
        ACK % ("book", 25),
        ACK % ("book", 100),
        bids(("1.5", "3.00"), text="15300"),
    )
    assert result.ok
    assert result.books["BTC/USD"] == BookCounts(
        depth=100, snapshots=2, updates=0, checksums_ok=2, checksums_failed=0
    )


def test_lost_zeros_are_found_by_reading_twice(verify: Any) -> None:
    """A snapshot that shows fewer digits than the pair has verifies with those shown later."""
    result = verify(
        bids(("1.5", "2.0"), text="15200000000"),
        bids(("1.5", "2.00000001"), kind="update", text="15200000001"),
        order("1.5", "2.0", text="15200"),
        order("1.5", "2.01", text="15201"),
    )
    assert result.ok
    assert result.books["BTC/USD"].checksums_ok == 2
    assert result.books["BTC/USD level3"].checksums_ok == 2


def test_an_instrument_frame_tells_the_precision(verify: Any) -> None:
    """With the pair's precision told, no digits need be seen."""
    assert verify(INSTRUMENTS, bids(("1.5", "2.0"), text="15200000000")).ok


@pytest.mark.parametrize("frame", [bids(("1.5", "2.0"), text="1520", symbol="BTCUSD"), CANDLE % 7])
def test_data_that_nobody_can_have_subscribed_to_are_a_fault(verify: Any, frame: str) -> None:
    """A pair without a slash, or an interval that does not exist, is told, and nothing ends."""
    result = verify(frame, STATUS)
    assert (result.ok, result.frames, len(result.faults)) == (False, 2, 1)
    assert (result.decoded, result.undecoded, result.books) == (1, 1, {})
    assert "nothing that can be subscribed to" in result.faults[0].reason


def test_an_old_symbol_name_in_data_is_a_fault(verify: Any) -> None:
    """The exchange names pairs as it does today; data under another name have no subscription."""
    result = verify(bids(("1.5", "2.0"), text="1520", symbol="XBT/USD"), STATUS)
    assert (result.ok, result.frames, result.undecoded) == (False, 2, 1)
    assert "Today it is BTC/USD" in result.faults[0].reason


def test_reading_goes_on_behind_a_damaged_line(verify: Any) -> None:
    """A line cut off in the middle of the file costs itself, and nothing else."""
    whole = json.dumps({"ts": None, "raw": STATUS})
    result = verify(whole, whole[:20], whole, whole[:30], lines=True)
    assert (result.frames, result.decoded, result.undecoded) == (4, 2, 2)
    assert [fault.line for fault in result.faults] == [2, 4]


def rows(count: int) -> list[tuple[str, str]]:
    """Give so many levels."""
    return [(f"{2000 - number}.0", "1.0") for number in range(count)]


TEN = "".join(f"{2000 - number}010" for number in range(10))


def test_a_larger_snapshot_is_of_a_deeper_book(verify: Any) -> None:
    """Without an acknowledgement each snapshot may raise the depth; a smaller one does not
    lower it within a connection.
    """
    result = verify(
        bids(*rows(10), text=TEN),
        bids(*rows(25), text=TEN),
        bids(*rows(12), text=TEN),
        bids(("1.0", "1.0"), kind="update", text=TEN),
    )
    assert result.ok
    assert result.books["BTC/USD"] == BookCounts(
        depth=25, snapshots=3, updates=1, checksums_ok=4, checksums_failed=0
    )


def test_updates_before_any_snapshot_are_counted_and_show_no_depth(verify: Any) -> None:
    """A capture that begins in the middle of a stream is right from its first snapshot on."""
    update = bids(("1.0", "1.0"), kind="update", text="rubbish")
    result = verify(update, update, bids(*rows(25), text=TEN))
    assert result.ok
    assert result.books["BTC/USD"] == BookCounts(
        depth=25, snapshots=1, updates=2, checksums_ok=1, checksums_failed=0
    )
    assert result.records == {"book": 1}


def connected(number: int) -> str:
    """Give the first frame of a connection."""
    return STATUS.replace('"system"', f'"connection_id":{number},"system"')


def test_a_new_connection_begins_everything_anew(verify: Any) -> None:
    """Depths are forgotten, books are not believed, and sequences begin at 1."""
    result = verify(
        connected(1),
        ACK % ("book", 25),
        bids(*rows(10), text=TEN),
        BALANCES.replace('"sequence":1', '"sequence":2'),
        STATUS,
        connected(1),
        bids(("1.0", "1.0"), kind="update", text="rubbish"),
        connected(2),
        BALANCES.replace('"sequence":1', '"sequence":2'),
        bids(("1.0", "1.0"), kind="update", text="rubbish"),
        bids(*rows(10), text=TEN),
    )
    assert [fault.line for fault in result.faults] == [7]
    assert result.records["balances"] == 2
    assert result.books["BTC/USD"] == BookCounts(
        depth=10, snapshots=2, updates=2, checksums_ok=2, checksums_failed=1
    )


@pytest.mark.parametrize(
    "between",
    [
        (),
        ('{"method":"subscribe","result":{"channel":"balances","snapshot":true},"success":true}',),
    ],
)
def test_a_new_subscription_begins_its_sequence_anew(verify: Any, between: Any) -> None:
    """A snapshot that is number 1 says so, with or without an acknowledgement before it."""
    result = verify(BALANCES, *between, BALANCES)
    assert (result.ok, result.records) == (True, {"balances": 2})


def test_a_new_subscription_needs_its_snapshot(verify: Any) -> None:
    """Of the book that was there before an acknowledgement nothing is believed."""
    result = verify(
        ACK % ("book", 10),
        bids(("1.5", "2.00"), text="15200"),
        TRADE % 1,
        ACK % ("book", 10),
        bids(("1.5", "3.00"), kind="update", text="rubbish"),
    )
    assert result.ok
    assert (result.books["BTC/USD"].updates, result.books["BTC/USD"].checksums_ok) == (1, 1)


def test_one_number_with_too_many_digits_costs_itself(verify: Any) -> None:
    """What reading twice would lose is kept: the first reading has more checksums right."""
    result = verify(
        bids(("1.5", "2.00"), text="15200"),
        bids(("1.5", "3.00"), kind="update", text="15300"),
        bids(("1.5", "4.001"), kind="update", text="rubbish"),
        bids(("1.5", "5.00"), kind="update", text="15500"),
    )
    assert result.books["BTC/USD"] == BookCounts(
        depth=10, snapshots=1, updates=3, checksums_ok=2, checksums_failed=1
    )
    assert [fault.line for fault in result.faults] == [3]


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    """What cannot be read again keeps what the only reading found."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    frames = (
        bids(("1.5", "2.0"), text="15200000000"),
        bids(("1.5", "2.00000001"), kind="update", text="15200000001"),
    )
    writer = threading.Thread(target=pipe.write_text, args=("\n".join(frames),))
    writer.start()
    result = verify_capture(pipe)
    writer.join()
    assert (result.frames, result.books["BTC/USD"].checksums_failed) == (2, 1)


def test_a_ticker_of_several_pairs_opens_each(verify: Any) -> None:
    """Each record is looked at, and one that nobody can have subscribed to refuses the frame."""
    head, _, row = TICKER.removesuffix("]}").partition("[")
    both = f"{head}[{row},{row.replace('BTC/USD', 'BTCUSD')}]}}"
    result = verify(TICKER, both)
    assert (result.decoded, result.undecoded, result.records) == (1, 1, {"ticker": 1})


def test_the_progress_of_each_reading_is_told(tmp_path: Path) -> None:
    """Where a file is read twice, it begins anew."""
    path = tmp_path / "frames"
    zeros_lost = bids(("1.5", "2"), text="1520")
    right = bids(("1.5", "2.0"), text="1520", kind="update")
    path.write_text("\n".join([zeros_lost, right, *[TRADE % number for number in range(1500)]]))
    told: list[int] = []
    assert verify_capture(path, progress=told.append).ok
    assert len(told) == 2
    assert told[0] == told[1] <= path.stat().st_size


OLD_ACK = (
    '{"channelID":5,"channelName":"book-10","event":"subscriptionStatus","pair":"XBT/USD",'
    '"status":"subscribed","subscription":{"depth":10,"name":"book"}}'
)
OLD_SNAPSHOT = '[5,{"as":[],"bs":[["1.50","2.00","7.000000"]]},"book-10","XBT/USD"]'


def old_update(qty: str, text: str) -> str:
    """Give an update of protocol v1."""
    return f'[5,{{"b":[["1.50","{qty}","8.0"]],"c":"{crc32(text.encode())}"}},"book-10","XBT/USD"]'


def test_protocol_v1(verify: Any) -> None:
    """A file may be of protocol v1: its frames show it, and its snapshots have no checksum."""
    found = verify(
        OLD_ACK,
        OLD_SNAPSHOT,
        old_update("3.00", "150300"),
        old_update("4.00", "150200"),
        '[6,["1","2","3.5","4","5"],"spread","XBT/USD"]',
        '[7,[["1","1","1.5","b","l",""]],"trade","XBT/USD"]',
        '[[],"openOrders",{"sequence":1}]',
        '{"event":"weather"}',
    )
    assert found.books == {
        "BTC/USD": BookCounts(depth=10, snapshots=1, updates=2, checksums_ok=1, checksums_failed=1)
    }
    assert (found.frames, found.decoded, found.unknown) == (8, 8, 1)
    assert found.records == {"book": 2, "spread": 1, "trade": 1}
    (fault,) = found.faults
    assert fault.line == 4
    assert "the checksum should be" in fault.reason


@pytest.mark.parametrize(
    "name, checksums",
    [
        ("v1-book-10pairs-d1000-20210417.jsonl", 4269),
        ("v1-private-202212.jsonl", 0),
        ("v1-spread-trade-2026.jsonl", 0),
        ("v1-ticker-20210417.jsonl", 0),
        ("v1-ticker-202212.jsonl", 0),
        ("v1-trade-20210417.jsonl", 0),
    ],
)
def test_captures_of_protocol_v1(captures: Path, name: str, checksums: int) -> None:
    """Every line of every capture of protocol v1 is decoded, and every checksum right."""
    found = verify_capture(captures / name)
    assert found.ok
    assert (found.undecoded, found.unknown) == (0, 0)
    assert sum(book.checksums_ok for book in found.books.values()) == checksums
    assert all(book.depth == 1000 for book in found.books.values())


def test_examples_of_protocol_v1(examples: Path) -> None:
    """The captured session of the documentation's folder has 36 checksums, all right."""
    found = verify_capture(examples / "v1-captured-book-d10.jsonl")
    assert found.ok
    assert found.books["BTC/USD"].checksums_ok == 36

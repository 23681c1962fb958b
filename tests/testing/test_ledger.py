"""The ledger holds what was sent, in order, up to a bound."""

from __future__ import annotations

import pytest

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.testing.ledger import Ledger, LedgerEntry

TRADE = b'{"channel":"trade","type":"update","data":[{"symbol":"A/B","price":1.50,"trade_id":7}]}'
ACK = b'{"method":"subscribe","result":{"channel":"book","symbol":"A/B"},"success":true}'
REFUSAL = b'{"error":"no","method":"subscribe","symbol":"C/D","success":false}'
BEAT = b'{"channel":"heartbeat"}'


def test_it_is_in_order_and_bounded() -> None:
    """The latest frames are kept, oldest first, and it is known how many were forgotten."""
    ledger = Ledger(3)
    ledger.add(1, 10, [TRADE, ACK])
    ledger.add(2, 11, [BEAT])
    assert (len(ledger), ledger.forgotten) == (3, 0)
    ledger.add(1, 12, [BEAT, BEAT])
    assert (len(ledger), ledger.forgotten) == (3, 2)
    assert [(entry.connection, entry.at, entry.frame) for entry in ledger] == [
        (2, 11, BEAT),
        (1, 12, BEAT),
        (1, 12, BEAT),
    ]
    assert ledger.frames(1) == [BEAT, BEAT]
    ledger.add(1, 13, [TRADE] * 5)
    assert (len(ledger), ledger.forgotten) == (3, 7)


def test_entries_are_found() -> None:
    """They are found by connection, channel and symbol, each or all of them."""
    ledger = Ledger(100)
    ledger.add(1, 0, [TRADE, ACK, BEAT])
    ledger.add(2, 0, [TRADE, REFUSAL, b"no JSON", b"[]"])
    assert len(ledger.entries()) == 7
    assert [entry.connection for entry in ledger.entries(channel="trade")] == [1, 2]
    assert [entry.frame for entry in ledger.entries(connection=1, symbol="A/B")] == [TRADE, ACK]
    assert [entry.frame for entry in ledger.entries(symbol="C/D")] == [REFUSAL]
    assert ledger.entries(channel="trade", symbol="C/D") == []


@pytest.mark.parametrize(
    "frame, channel, symbol",
    [
        (TRADE, "trade", "A/B"),
        (ACK, None, "A/B"),
        (REFUSAL, None, "C/D"),
        (BEAT, "heartbeat", None),
        (b'{"channel":"instrument","data":{"assets":[],"pairs":[]}}', "instrument", None),
        (b'{"channel":"trade","data":[]}', "trade", None),
        (b'{"channel":null,"data":[5]}', None, None),
        (b"CloudFlare", None, None),
        (b"\xff", None, None),
        (b"[1]", None, None),
    ],
)
def test_what_an_entry_is_about(frame: bytes, channel: str | None, symbol: str | None) -> None:
    """Channel and symbol are those of the frame, whatever it is."""
    entry = LedgerEntry(1, 0, frame)  # type: ignore[arg-type]
    assert (entry.channel, entry.symbol) == (channel, symbol)


def test_numbers_are_texts() -> None:
    """The members of a frame show numbers as they were sent."""
    (trade,) = LedgerEntry(1, 0, TRADE).message["data"]  # type: ignore[arg-type]
    assert (trade["price"], trade["trade_id"]) == ("1.50", "7")


def test_no_such_ledger() -> None:
    """Its bound is a number of frames."""
    with pytest.raises(ConfigurationError, match=r"^ledger: .* 0 or more, is -1"):
        Ledger(-1)

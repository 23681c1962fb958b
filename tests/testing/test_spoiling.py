"""Each fault of a message spoils what it fits, and says so."""

from __future__ import annotations

import json
import random

import pytest

from kraken_trio._internal.testing.frames import (
    heartbeat_frame,
    success_frame,
    trade_frame,
    unknown_frame,
)
from kraken_trio._internal.testing.market import Market
from kraken_trio._internal.testing.mishap import ChaosFault
from kraken_trio._internal.testing.said import said
from kraken_trio._internal.testing.spoiling import INVALID_SESSION, SPOILINGS

MARKET = Market(seed=1, start=0)
SNAPSHOT = MARKET.book_snapshot("BTC/USD", 10)
UPDATE = SNAPSHOT.replace(b"snapshot", b"update")
EMPTY = UPDATE.replace(b'"qty"', b'"none"')
TRADES = trade_frame("update", "A/B", [("buy", 1, 1, "limit", 5, 0)], precisions=(0, 0))
ACK = success_frame("subscribe", {"channel": "book", "symbol": "BTC/USD"}, 0, req_id=3)
PRIVATE = success_frame("subscribe", {"channel": "executions"}, 0, req_id=4)
MESSAGES = {
    "snapshot": SNAPSHOT,
    "update": UPDATE,
    "empty": EMPTY,
    "trades": TRADES,
    "ack": ACK,
    "private": PRIVATE,
    "heartbeat": heartbeat_frame(),
}
UPDATES = {"update", "empty", "trades"}
FITTING = {
    ChaosFault.DROP: UPDATES,
    ChaosFault.DUPLICATE: UPDATES,
    ChaosFault.TRUNCATE: {*UPDATES, "snapshot"},
    ChaosFault.CORRUPT_CHECKSUM: {"snapshot", "update", "empty"},
    ChaosFault.CORRUPT_QUANTITY: {"snapshot", "update"},
    ChaosFault.INVALID_UTF8: {*UPDATES, "snapshot"},
    ChaosFault.UNKNOWN_CHANNEL: set(MESSAGES),
    ChaosFault.AUTH_REFUSAL: {"private"},
    ChaosFault.WRONG_ACK: {"ack", "private"},
    ChaosFault.MISSING_ACK: {"ack", "private"},
    ChaosFault.MISSING_SNAPSHOT: {"snapshot"},
}


@pytest.mark.parametrize("fault", SPOILINGS)
def test_each_spoils_what_it_fits(fault: ChaosFault) -> None:
    """It fits these messages and no other, and something else comes instead of them."""
    spoiling = SPOILINGS[fault]
    fitting = {name for name, message in MESSAGES.items() if spoiling.fits(said(message), message)}
    assert fitting == FITTING[fault]
    for name in fitting:
        message = MESSAGES[name]
        one, other = (list(spoiling.spoil(message, random.Random(5))) for _ in range(2))
        assert one == other
        assert one != [message]
    assert spoiling.words.format("it")


def test_a_refusal_is_that_of_a_token() -> None:
    """In the exchange's words, under the number of the request."""
    (refusal,) = SPOILINGS[ChaosFault.AUTH_REFUSAL].spoil(PRIVATE, random.Random(1))
    members = json.loads(refusal)
    assert (members["error"], members["req_id"], members["channel"]) == (
        INVALID_SESSION,
        4,
        "executions",
    )
    (refusal,) = SPOILINGS[ChaosFault.AUTH_REFUSAL].spoil(b"{}", random.Random(1))
    assert "req_id" not in json.loads(refusal)


def test_a_wrong_answer_is_wrong_in_one_way_or_the_other() -> None:
    """The number, or the symbol; where it has neither, it does not come."""
    spoil = SPOILINGS[ChaosFault.WRONG_ACK].spoil
    seen = {tuple(spoil(ACK, random.Random(seed))) for seed in range(20)}
    assert len(seen) == 2
    assert tuple(spoil(b"{}", random.Random(1))) == ()


def test_a_stranger_comes_first() -> None:
    """The message of no channel is in front of the one that was there."""
    assert SPOILINGS[ChaosFault.UNKNOWN_CHANNEL].spoil(ACK, random.Random(1)) == (
        unknown_frame(),
        ACK,
    )

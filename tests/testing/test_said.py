"""What a message is about is found in its text."""

from __future__ import annotations

import pytest

from kraken_trio._internal.testing.frames import (
    failure_frame,
    heartbeat_frame,
    pong_frame,
    proxy_frame,
    status_frame,
    success_frame,
)
from kraken_trio._internal.testing.market import Market
from kraken_trio._internal.testing.said import Said, said

MARKET = Market(seed=1, start=0)
RESULT = {"channel": "book", "symbol": "BTC/USD"}


@pytest.mark.parametrize(
    "message, about, words",
    [
        (heartbeat_frame(), Said("heartbeat", None, None), "the heartbeat"),
        (status_frame(), Said("status", None, None), "the status"),
        (
            MARKET.book_snapshot("BTC/USD", 10),
            Said("book", "BTC/USD", "snapshot"),
            "the snapshot of book BTC/USD",
        ),
        (
            b'{"channel":"executions","type":"update","data":[{"symbol":"BTC/USD"}]}',
            Said("executions", None, "update"),
            "the update of executions",
        ),
        (
            success_frame("subscribe", RESULT, 0, req_id=1),
            Said("book", "BTC/USD", "ack", req_id=1),
            "the confirmation of book BTC/USD",
        ),
        (
            success_frame("subscribe", {**RESULT, "depth": 25}, 0),
            Said("book", "BTC/USD", "ack", depth=25),
            "the confirmation of book BTC/USD",
        ),
        (success_frame("unsubscribe", RESULT, 0), Said("book", "BTC/USD", None), "the book"),
        (
            failure_frame("subscribe", "no", 0, symbol="A/B"),
            Said(None, "A/B", None),
            "an answer",
        ),
        (pong_frame(0), Said(None, None, None), "an answer"),
        (proxy_frame(), Said(None, None, None), "an answer"),
        (b'{"method":"subscribe","success":true}', Said(None, None, "ack"), None),
    ],
)
def test_messages(message: bytes, about: Said, words: str | None) -> None:
    """Channel, symbol, and what kind of message it is; and the same in words."""
    assert said(message) == about
    assert str(about) == (words or "the confirmation of something")
    assert about.is_update == (about.kind == "update")
    assert about.is_private == (about.channel == "executions")

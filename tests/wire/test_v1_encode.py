"""Requests as protocol v1 writes them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.requests import (
    AddOrder,
    CancelAll,
    Ping,
    Request,
    Subscribe,
    Unsubscribe,
)
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.wire.v1_encode import encode_request_v1

TOKEN = Secret("aToken")


@pytest.mark.parametrize(
    "request_, members",
    [
        (Ping(), {"event": "ping"}),
        (
            Subscribe(Channel.book("BTC/USD", "DOGE/USD", depth=25)),
            {
                "event": "subscribe",
                "pair": ["XBT/USD", "XDG/USD"],
                "subscription": {"name": "book", "depth": 25},
            },
        ),
        (
            Subscribe(Channel.ticker("BTC/USD")),
            {"event": "subscribe", "pair": ["XBT/USD"], "subscription": {"name": "ticker"}},
        ),
        (
            Subscribe(Channel.trades("ETH/BTC", snapshot=True)),
            {"event": "subscribe", "pair": ["ETH/XBT"], "subscription": {"name": "trade"}},
        ),
        (
            Unsubscribe(Channel.ohlc("BTC/USD", interval=5)),
            {
                "event": "unsubscribe",
                "pair": ["XBT/USD"],
                "subscription": {"name": "ohlc", "interval": 5},
            },
        ),
        (
            Subscribe(Channel.spread("BTC/USD")),
            {"event": "subscribe", "pair": ["XBT/USD"], "subscription": {"name": "spread"}},
        ),
    ],
    ids=str,
)
def test_public_requests(request_: Request, members: dict[str, Any]) -> None:
    """A request has its pairs by their old names, and never a token where none is needed."""
    assert json.loads(encode_request_v1(request_)) == members
    numbered = encode_request_v1(request_, req_id=7, token=TOKEN)
    assert json.loads(numbered) == {**members, "reqid": 7}


@pytest.mark.parametrize(
    "channel, name", [(Channel.own_trades(), "ownTrades"), (Channel.open_orders(), "openOrders")]
)
def test_private_requests(channel: Channel, name: str) -> None:
    """A private request has no pair, and its token."""
    assert json.loads(encode_request_v1(Subscribe(channel), req_id=1, token=TOKEN)) == {
        "event": "subscribe",
        "subscription": {"name": name, "token": "aToken"},
        "reqid": 1,
    }


@pytest.mark.parametrize("req_id", [-1, 2**31])
def test_numbers_out_of_bounds(req_id: int) -> None:
    """A number that not every server takes is refused."""
    with pytest.raises(ConfigurationError, match="req_id"):
        encode_request_v1(Ping(), req_id=req_id)


@pytest.mark.parametrize(
    "request_",
    [
        CancelAll(),
        AddOrder(order_type="market", side="buy", symbol="BTC/USD", order_qty=Decimal(1)),
    ],
    ids=str,
)
def test_orders(request_: Request) -> None:
    """Orders are placed over v2 alone, and it says so."""
    with pytest.raises(ConfigurationError, match="must be v2 for orders"):
        encode_request_v1(request_, token=TOKEN)

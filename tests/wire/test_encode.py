"""Requests to bytes."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

import pytest

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.requests import (
    AddOrder,
    AmendOrder,
    BatchAdd,
    BatchCancel,
    BatchOrder,
    CancelAll,
    CancelAllOrdersAfter,
    CancelOrder,
    Conditional,
    EditOrder,
    Ping,
    Request,
    Subscribe,
    TriggerParams,
    Unsubscribe,
)
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.decode_replies import METHODS as ANSWERED
from kraken_trio._internal.wire.encode import MAX_REQ_ID, METHODS, encode_request

TOKEN = Secret("G38a1tGFzqGiUCmnegBcm8d4nfP3tytiNQz6tkCBYXY")
MOMENT = Timestamp(1_721_555_639_050_999_999)  # 2024-07-21T09:53:59.050999999Z


@pytest.mark.parametrize(
    "request_, text",
    [
        (Ping(), '{"method":"ping"}'),
        (
            Subscribe(Channel.ticker("BTC/USD", "ETH/USD")),
            (
                '{"method":"subscribe","params":{"channel":"ticker","symbol":["BTC/USD","ETH/USD"],'
                '"event_trigger":"trades","snapshot":true}}'
            ),
        ),
        (
            Unsubscribe(Channel.ticker("BTC/USD", event_trigger="bbo")),
            (
                '{"method":"unsubscribe","params":{"channel":"ticker","symbol":["BTC/USD"],'
                '"event_trigger":"bbo"}}'
            ),
        ),
        (
            Subscribe(Channel.spread("BTC/USD")),
            (
                '{"method":"subscribe","params":{"channel":"ticker","symbol":["BTC/USD"],'
                '"snapshot":true,"event_trigger":"bbo"}}'
            ),
        ),
        (
            Unsubscribe(Channel.spread("BTC/USD")),
            (
                '{"method":"unsubscribe","params":{"channel":"ticker","symbol":["BTC/USD"],'
                '"event_trigger":"bbo"}}'
            ),
        ),
        (
            Subscribe(Channel.book("BTC/USD", depth=25)),
            (
                '{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":25,'
                '"snapshot":true}}'
            ),
        ),
        (
            Unsubscribe(Channel.book("BTC/USD", depth=25)),
            '{"method":"unsubscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":25}}',
        ),
        (
            Subscribe(Channel.trades("BTC/USD")),
            (
                '{"method":"subscribe","params":{"channel":"trade","symbol":["BTC/USD"],'
                '"snapshot":false}}'
            ),
        ),
        (
            Unsubscribe(Channel.trades("BTC/USD", snapshot=True)),
            '{"method":"unsubscribe","params":{"channel":"trade","symbol":["BTC/USD"]}}',
        ),
        (
            Unsubscribe(Channel.ohlc("BTC/USD", interval=5)),
            (
                '{"method":"unsubscribe","params":{"channel":"ohlc","symbol":["BTC/USD"],'
                '"interval":5}}'
            ),
        ),
        (
            Subscribe(Channel.instrument(include_tokenized_assets=True)),
            (
                '{"method":"subscribe","params":{"channel":"instrument","snapshot":true,'
                '"include_tokenized_assets":true}}'
            ),
        ),
        (
            Subscribe(Channel.executions(snap_trades=False, ratecounter=True)),
            (
                '{"method":"subscribe","params":{"channel":"executions","snap_orders":true,'
                '"snap_trades":false,"ratecounter":true}}'
            ),
        ),
        (
            Unsubscribe(Channel.executions()),
            '{"method":"unsubscribe","params":{"channel":"executions"}}',
        ),
        (
            Subscribe(Channel.balances(rebased=False, users="all")),
            (
                '{"method":"subscribe","params":{"channel":"balances","snapshot":true,'
                '"rebased":false,"users":"all"}}'
            ),
        ),
        (
            AddOrder(
                order_type="stop-loss-limit",
                side="buy",
                symbol="BTC/USD",
                order_qty=Decimal("1E-7"),
                limit_price=Decimal(28440),
                triggers=TriggerParams(price=Decimal("-2.0"), price_type="pct"),
                conditional=Conditional(order_type="limit", limit_price=Decimal("28400.10")),
                effective_time=MOMENT,
                expire_time=MOMENT,
                deadline=MOMENT,
                order_userref=0,
                validate=False,
            ),
            (
                '{"method":"add_order","params":{"order_type":"stop-loss-limit","side":"buy",'
                '"order_qty":0.0000001,"limit_price":28440.0,"triggers":{"price":-2.0,'
                '"price_type":"pct"},"effective_time":"2024-07-21T09:53:59Z",'
                '"expire_time":"2024-07-21T09:53:59Z","order_userref":0,"conditional":'
                '{"order_type":"limit","limit_price":28400.10},"symbol":"BTC/USD",'
                '"deadline":"2024-07-21T09:53:59.050Z","validate":false}}'
            ),
        ),
        (
            BatchAdd(
                symbol="BTC/USD",
                orders=(
                    BatchOrder(order_type="limit", side="buy", order_qty=Decimal("0.10")),
                    BatchOrder(order_type="market", side="sell", cash_order_qty=Decimal(5)),
                ),
                deadline=MOMENT,
            ),
            (
                '{"method":"batch_add","params":{"symbol":"BTC/USD","orders":[{"order_type":"limit",'
                '"side":"buy","order_qty":0.10},{"order_type":"market","side":"sell",'
                '"cash_order_qty":5.0}],"deadline":"2024-07-21T09:53:59.050Z"}}'
            ),
        ),
        (
            AmendOrder(cl_ord_id="c", limit_price=Decimal("61031.3"), post_only=True),
            (
                '{"method":"amend_order","params":{"cl_ord_id":"c","limit_price":61031.3,'
                '"post_only":true}}'
            ),
        ),
        (
            EditOrder(order_id="O", symbol="BTC/USD", order_qty=Decimal("0.2123456789")),
            (
                '{"method":"edit_order","params":{"order_id":"O","symbol":"BTC/USD",'
                '"order_qty":0.2123456789}}'
            ),
        ),
        (
            CancelOrder(order_id=("O1", "O2"), order_userref=(0,)),
            '{"method":"cancel_order","params":{"order_id":["O1","O2"],"order_userref":[0]}}',
        ),
        (BatchCancel(orders=("1",)), '{"method":"batch_cancel","params":{"orders":["1"]}}'),
        (CancelAll(), '{"method":"cancel_all","params":{}}'),
        (
            CancelAllOrdersAfter(timeout_s=0),
            '{"method":"cancel_all_orders_after","params":{"timeout":0}}',
        ),
    ],
)
def test_request_is_written(request_: Request, text: str) -> None:
    """Only what is set is sent, each value as the exchange wants it; the rest is the same."""
    assert encode_request(request_).decode() == text
    numbered = encode_request(request_, req_id=7, token=TOKEN).decode()
    if request_.private:
        token = f'"token":"{TOKEN.reveal()}"' + "}}"
        text = text.replace("{}", "{" + token[:-1]) if "{}" in text else f"{text[:-2]},{token}"
    assert numbered == f'{text[:-1]},"req_id":7}}'


def test_token_stays_out_of_public_requests() -> None:
    """No public request carries a token, even where one is given."""
    for request in (Ping(), Subscribe(Channel.book("BTC/USD")), Unsubscribe(Channel.instrument())):
        assert TOKEN.reveal().encode() not in encode_request(request, token=TOKEN)
    assert TOKEN.reveal().encode() in encode_request(
        Subscribe(Channel.level3("BTC/USD")), token=TOKEN
    )


@pytest.mark.parametrize("req_id", [0, 1, MAX_REQ_ID])
def test_req_id(req_id: int) -> None:
    """A number within 31 bits is sent."""
    assert encode_request(Ping(), req_id=req_id) == b'{"method":"ping","req_id":%d}' % req_id


@pytest.mark.parametrize("req_id", [-1, MAX_REQ_ID + 1])
def test_req_id_out_of_range(req_id: int) -> None:
    """A number that the exchange may not echo is refused."""
    with pytest.raises(ConfigurationError) as caught:
        encode_request(Ping(), req_id=req_id)
    assert caught.value.field == "req_id"


def test_every_request_has_a_method() -> None:
    """Every type of request has a method, and the decoder of answers knows it."""
    assert set(METHODS) == set(get_args(Request))
    assert set(METHODS.values()) == ANSWERED - {"pong"}

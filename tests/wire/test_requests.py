"""The bytes of a request back to what is asked."""

from __future__ import annotations

import contextlib
import re
import types
import typing
from decimal import Context, Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.model.channel import (
    BOOK_DEPTHS,
    LEVEL3_DEPTHS,
    OHLC_INTERVALS,
    Channel,
)
from kraken_trio._internal.model.errors import ProtocolError
from kraken_trio._internal.model.requests import (
    AddOrder,
    AmendOrder,
    BatchAdd,
    BatchCancel,
    CancelAll,
    CancelAllOrdersAfter,
    CancelOrder,
    EditOrder,
    Ping,
    Request,
    Subscribe,
    Unsubscribe,
)
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.wire.encode import MAX_REQ_ID, encode_request
from kraken_trio._internal.wire.requests import DecodedRequest, decode_request, read_request

SECRET = "G38a1tGFzqGiUCmnegBcm8d4nfP3"

_DECIMALS = st.builds(
    lambda digits, point: Decimal(digits).scaleb(-point, Context(prec=40)),
    st.integers(-(10**40) + 1, 10**40 - 1),
    st.integers(0, 40),
).filter(lambda number: abs(number) < 10**39)
_SECONDS = st.integers(-(10**9), 10**10)


def values(kind: Any, name: str) -> st.SearchStrategy[Any]:
    """Give the values that a parameter of some type may have."""
    arguments = typing.get_args(kind)
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        return st.one_of([values(each, name) for each in arguments])
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        least = 1 if name == "orders" else 0
        return st.lists(values(arguments[0], name), min_size=least, max_size=3).map(tuple)
    if issubclass(kind, msgspec.Struct):
        return requests(kind)
    unit = NANOSECONDS // (1000 if name == "deadline" else 1)
    times = _SECONDS.map(lambda count: Timestamp(count * unit))
    return {Decimal: _DECIMALS, Timestamp: times}.get(kind, st.from_type(kind))


def requests(kind: type) -> st.SearchStrategy[Any]:
    """Give all values of a type of request."""
    fields = msgspec.structs.fields(kind)
    return st.builds(kind, **{field.name: values(field.type, field.name) for field in fields})


_PAIRS = st.lists(st.sampled_from(["BTC/USD", "ETH/EUR", "TSLAx/USD"]), min_size=1).map(tuple)
_MAYBE = st.none() | st.booleans()
_USERS = st.none() | st.just("all")
CHANNELS = st.one_of(
    st.builds(
        lambda pairs, trigger, snapshot: Channel.ticker(
            *pairs, event_trigger=trigger, snapshot=snapshot
        ),
        _PAIRS,
        st.sampled_from(["trades", "bbo"]),
        st.booleans(),
    ),
    st.builds(
        lambda pairs, depth: Channel.book(*pairs, depth=depth), _PAIRS, st.sampled_from(BOOK_DEPTHS)
    ),
    st.builds(
        lambda pairs, depth: Channel.level3(*pairs, depth=depth),
        _PAIRS,
        st.sampled_from(LEVEL3_DEPTHS),
    ),
    st.builds(
        lambda pairs, snapshot: Channel.trades(*pairs, snapshot=snapshot), _PAIRS, st.booleans()
    ),
    st.builds(
        lambda pairs, interval, snapshot: Channel.ohlc(
            *pairs, interval=interval, snapshot=snapshot
        ),
        _PAIRS,
        st.sampled_from(OHLC_INTERVALS),
        st.booleans(),
    ),
    st.builds(
        Channel.instrument,
        include_tokenized_assets=_MAYBE,
        execution_venue=st.none() | st.just("international"),
    ),
    st.builds(
        Channel.executions,
        snap_orders=st.booleans(),
        snap_trades=st.booleans(),
        order_status=_MAYBE,
        ratecounter=_MAYBE,
        rebased=_MAYBE,
        users=_USERS,
    ),
    st.builds(Channel.balances, snapshot=st.booleans(), rebased=_MAYBE, users=_USERS),
)
REQUESTS = st.one_of(
    st.just(Ping()),
    st.builds(Subscribe, CHANNELS),
    *map(
        requests,
        (
            AddOrder,
            AmendOrder,
            BatchAdd,
            BatchCancel,
            CancelAll,
            CancelAllOrdersAfter,
            CancelOrder,
            EditOrder,
        ),
    ),
)


@given(REQUESTS, st.none() | st.integers(0, MAX_REQ_ID), st.none() | st.just(Secret(SECRET)))
def test_round_trip(request_: Request, req_id: int | None, token: Secret | None) -> None:
    """What is encoded is what was meant, and no number in it has an exponent."""
    payload = encode_request(request_, req_id=req_id, token=token)
    kept = token if request_.private else None
    assert decode_request(payload) == DecodedRequest(request_, req_id, kept)
    bare = re.sub(rb'"(?:[^"\\]|\\.)*"', b"", payload)
    assert not re.search(rb"[0-9][eE]", bare)


@given(CHANNELS)
def test_unsubscription_names_the_subscription(channel: Channel) -> None:
    """An unsubscription names all that tells subscriptions apart."""
    request = decode_request(encode_request(Unsubscribe(channel))).request
    assert isinstance(request, Unsubscribe)
    for name in ("name", "symbols", "depth", "interval", "event_trigger"):
        assert getattr(request.channel, name) == getattr(channel, name)


def test_spread_is_a_ticker() -> None:
    """A spread is a ticker with each change of the best levels, on the wire."""
    request = decode_request(encode_request(Subscribe(Channel.spread("BTC/USD")))).request
    assert request == Subscribe(Channel.ticker("BTC/USD", event_trigger="bbo"))


@pytest.mark.parametrize(
    "params, channel",
    [
        ('"channel":"book","symbol":["A/B"]', Channel.book("A/B", depth=10)),
        ('"channel":"level3","symbol":["A/B"]', Channel.level3("A/B", depth=10)),
        ('"channel":"ohlc","symbol":["A/B"]', Channel.ohlc("A/B", interval=1)),
        ('"channel":"trade","symbol":["A/B"]', Channel.trades("A/B", snapshot=False)),
        (
            '"channel":"trade","symbol":["A/B"],"snapshot":true',
            Channel.trades("A/B", snapshot=True),
        ),
        ('"channel":"ticker","symbol":["A/B"]', Channel.ticker("A/B")),
        ('"channel":"instrument"', Channel.instrument()),
    ],
)
def test_defaults(params: str, channel: Channel) -> None:
    """What a subscription does not say has the exchange's default."""
    payload = f'{{"method":"subscribe","params":{{{params}}}}}'.encode()
    assert decode_request(payload).request == Subscribe(channel)


def test_whole_number_is_a_number() -> None:
    """A number without a point is taken, as the documentation prints some."""
    request = decode_request(
        b'{"method":"amend_order","params":{"order_id":"O","limit_price":490795}}'
    ).request
    assert request == AmendOrder(order_id="O", limit_price=Decimal(490795))


def test_request_can_be_refused_under_its_number() -> None:
    """The outside of a request is read though nothing inside is right."""
    frame = read_request(
        b'{"method":"dance","params":{"symbol":["xxx/USD"],"pace":1.10,"token":"t"},"req_id":69}'
    )
    assert (frame.method, frame.req_id, frame.token) == ("dance", 69, Secret("t"))
    assert frame.params == {"symbol": ["xxx/USD"], "pace": Decimal("1.10")}
    assert read_request(b'{"event":"subscribe"}').method is None


@pytest.mark.parametrize(
    "payload, reason",
    [
        (b"hello", "JSON is malformed"),
        (b"[]", "Expected `object`"),
        (b'{"method":5}', "Expected `str"),
        (b'{"method":"ping","req_id":"1"}', "Expected `int"),
        (b'{"method":"cancel_all","params":{"token":5}}', "Token field must be a string"),
        (b'{"method":"cancel_all","params":{"x":1e99999999999999999999}}', "more than 40 digits"),
        (b'{"method":"cancel_all","params":%s}' % (b'{"a":' * 100_000), "nested too deeply"),
        (b'{"event":"subscribe"}', "Method(s) not found"),
        (b'{"method":"","params":{}}', "Method(s) not found"),
        (b'{"method":"dance","params":{}}', "Method(s) not found"),
        (
            b'{"method":"ping","params":{}}',
            "Unsupported field: 'params' for the given msg type: ping",
        ),
        (
            b'{"method":"add_order","params":{"price":1.0}}',
            "Unsupported field: 'price' for the given msg type: add order",
        ),
        (
            b'{"method":"subscribe","params":{"channel":"instrument","event":"x"}}',
            "Unsupported field: 'event' for the given msg type: subscribe",
        ),
        (
            b'{"method":"amend_order","params":{"limit_price":"1.0"}}',
            "Limit_price field must be a number_float",
        ),
        (
            (
                b'{"method":"batch_add","params":{"symbol":"A/B","orders":[{"order_type":"limit",'
                b'"side":"buy","cash_order_qty":"5"}]}}'
            ),
            "Cash_order_qty field must be a number_float",
        ),
        (
            (
                b'{"method":"edit_order","params":{"order_id":"O","symbol":"A/B","triggers":'
                b'{"price":1.0,"pace":1}}}'
            ),
            "unknown field `pace`",
        ),
        (b'{"method":"amend_order","params":{"limit_price":true}}', "Expected `decimal"),
        (b'{"method":"amend_order","params":{"limit_price":1e41}}', "at most 40 digits"),
        (b'{"method":"amend_order","params":{"deadline":5}}', "a time is not text"),
        (b'{"method":"amend_order","params":{"deadline":"soon"}}', "a time is not written"),
        (b'{"method":"cancel_order","params":{"order_id":"O"}}', "Expected `array`"),
        (b'{"method":"cancel_all_orders_after","params":{"timeout":1.5}}', "Expected `int`"),
        (b'{"method":"add_order"}', "missing required field"),
        (b'{"method":"subscribe"}', "missing required field `channel`"),
        (b'{"method":"subscribe","params":{"channel":"gossip"}}', "must be one of"),
        (
            b'{"method":"subscribe","params":{"channel":"spread","symbol":["A/B"]}}',
            "Unsupported event",
        ),
        (b'{"method":"subscribe","params":{"channel":"book","symbol":"A/B"}}', "Expected `array`"),
        (b'{"method":"subscribe","params":{"channel":"book","symbol":["AB"]}}', "BASE/QUOTE"),
        (
            b'{"method":"subscribe","params":{"channel":"book","symbol":["A/B"],"depth":7}}',
            "depth",
        ),
    ],
)
def test_bad_request_is_refused(payload: bytes, reason: str) -> None:
    """A request is refused as strictly as the exchange does, in its words where known."""
    with pytest.raises(ProtocolError) as caught:
        decode_request(payload)
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    "payload",
    [
        '{"method":"dance","params":{"token":"%s"}}',
        '{"method":"amend_order","params":{"limit_price":"x","token":"%s"}}',
        '{"method":"cancel_all","params":{"token":"%s"',
    ],
)
def test_token_is_not_shown(payload: str) -> None:
    """Neither an error nor what was decoded shows a token."""
    with pytest.raises(ProtocolError) as caught:
        decode_request((payload % SECRET).encode())
    assert SECRET not in repr(caught.value) + str(caught.value)
    good = f'{{"method":"cancel_all","params":{{"token":"{SECRET}"}}}}'.encode()
    assert SECRET not in repr(decode_request(good)) + repr(read_request(good))


@given(st.binary(max_size=200))
def test_any_bytes(payload: bytes) -> None:
    """Of arbitrary bytes nothing but a request or a ``ProtocolError`` comes."""
    with contextlib.suppress(ProtocolError):
        decode_request(payload)

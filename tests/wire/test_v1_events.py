"""The events of protocol v1."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kraken_trio._internal.model.messages import (
    Heartbeat,
    Message,
    OrderResult,
    RecordsMessage,
    Refusal,
    Reply,
    Unknown,
)
from kraken_trio._internal.model.reference import SystemStatus
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.faults import FAULTS
from kraken_trio._internal.wire.v1_events import Events, key_of, number_of

AT = Timestamp(42)
EVENTS = Events()


def read(event: dict[str, Any]) -> Message:
    """Read an event."""
    return EVENTS.message(EVENTS.decode(json.dumps(event).encode()), AT)


@pytest.mark.parametrize(
    "event, message",
    [
        ({"event": "heartbeat"}, Heartbeat(AT)),
        (
            {"event": "pong", "reqid": 7},
            Reply(method="pong", success=True, req_id=7, received_at=AT),
        ),
        ({"event": "weather" * 10}, Unknown("event", ("weather" * 10)[:64], AT)),
        (
            {"Error": "Exceeded msg rate"},
            Reply(
                method="",
                success=False,
                error="Exceeded msg rate",
                refusal=Refusal.TRANSIENT,
                received_at=AT,
            ),
        ),
        (
            {"event": "error", "errorMessage": "Malformed request", "reqid": 7},
            Reply(
                method="",
                success=False,
                req_id=7,
                error="Malformed request",
                refusal=Refusal.FINAL,
                received_at=AT,
            ),
        ),
        (
            {"event": "error"},
            Reply(
                method="",
                success=False,
                error="no reason given",
                refusal=Refusal.FINAL,
                received_at=AT,
            ),
        ),
    ],
    ids=str,
)
def test_short_events(event: dict[str, Any], message: Message) -> None:
    """The events that have few members; a name that is not known is told."""
    assert read(event) == message


def test_status() -> None:
    """The status is that of the system, with what is announced where that is sent."""
    status = {
        "connectionID": 14463420050456470503,
        "event": "systemStatus",
        "status": "online",
        "version": "1.9.6",
    }
    record = SystemStatus(
        system="online", connection_id=14463420050456470503, version="1.9.6", received_at=AT
    )
    assert read(status) == RecordsMessage("status", False, (record,), None, AT)  # noqa: FBT003
    message = read({**status, "upcoming_maintenance": [], "emergency": []})
    assert isinstance(message, RecordsMessage)
    (told,) = message.records
    assert isinstance(told, SystemStatus)
    assert told.upcoming_maintenance == ()
    assert told.emergency == ()


@pytest.mark.parametrize(
    "status, method", [("subscribed", "subscribe"), ("unsubscribed", "unsubscribe"), ("ok", "")]
)
def test_what_is_confirmed(status: str, method: str) -> None:
    """A confirmation names channel, pair and options, with the pair's name of today."""
    event = {
        "channelID": 336,
        "channelName": "book-10",
        "event": "subscriptionStatus",
        "pair": "XBT/USD",
        "reqid": 7,
        "status": status,
        "subscription": {"depth": 10, "name": "book"},
    }
    assert read(event) == Reply(
        method=method,
        success=True,
        req_id=7,
        channel="book",
        symbol="BTC/USD",
        depth=10,
        received_at=AT,
    )


def test_a_private_confirmation() -> None:
    """A private one has no pair, and may say how high the rate counter may be."""
    event = {
        "channelName": "openOrders",
        "event": "subscriptionStatus",
        "status": "subscribed",
        "subscription": {"maxratecount": 125, "name": "openOrders"},
    }
    assert read(event) == Reply(
        method="subscribe", success=True, channel="open_orders", maxratecount=125, received_at=AT
    )


def test_a_confirmation_without_a_subscription() -> None:
    """Where only the name of the data is there, that is the channel's."""
    event = {"channelName": "ohlc-5", "event": "subscriptionStatus", "status": "subscribed"}
    message = read(event)
    assert isinstance(message, Reply)
    assert message.channel == "ohlc"


@pytest.mark.parametrize(
    "members, symbol",
    [
        ({"pair": "XBT/USD", "subscription": {"depth": 42, "name": "book"}}, "BTC/USD"),
        ({"pair": "foobar"}, None),
        ({"pair": ["XBT/USD", "XBT/EUR"]}, None),
        ({}, None),
    ],
)
def test_what_is_refused(members: dict[str, Any], symbol: str | None) -> None:
    """A refusal does not name its method; a pair that is none is not made one."""
    event = {"event": "subscriptionStatus", "status": "error", "errorMessage": "No", **members}
    message = read(event)
    assert isinstance(message, Reply)
    assert (message.method, message.success, message.error) == ("", False, "No")
    assert message.symbol == symbol


def test_a_refusal_shows_no_token() -> None:
    """A refusal that says the request back is decoded, and nothing of its token is kept."""
    event = {
        "errorMessage": "ESession:Invalid session",
        "event": "subscriptionStatus",
        "status": "error",
        "subscription": {"name": "ownTrades", "token": "WW91ciBhdXRoZW50aWNhdGlvbiB0b2tlbiBnb2Vz"},
    }
    message = read(event)
    assert isinstance(message, Reply)
    assert message.refusal is Refusal.TOKEN
    assert "WW91" not in repr(message)


@pytest.mark.parametrize(
    "number, known",
    [
        (12870497960778414923, 12870497960778414923),
        ("7", 7),
        ("x", None),
        ("1" * 30, None),
        (None, None),
    ],
)
def test_numbers_of_requests(number: object, known: int | None) -> None:
    """A number of a request may be of any size, or text."""
    assert (
        number_of(EVENTS.decode(json.dumps({"event": "pong", "reqid": number}).encode())) == known
    )


@pytest.mark.parametrize(
    "members, key",
    [
        ({"channelName": "ohlc-5", "pair": "XBT/USD"}, ("ohlc", "BTC/USD", 5)),
        ({"channelName": "book-10", "pair": "XBT/USD"}, ("book", "BTC/USD", None)),
        ({"channelName": "ownTrades"}, ("own_trades", None, None)),
        ({}, None),
    ],
)
def test_where_data_belong(members: dict[str, Any], key: object) -> None:
    """A confirmation says where the data will belong."""
    assert key_of(EVENTS.decode(json.dumps(members).encode())) == key


@pytest.mark.parametrize(
    "event, reply",
    [
        (
            {"event": "addOrderStatus", "status": "ok", "txid": "O1", "reqid": 5},
            Reply(
                method="add_order",
                success=True,
                req_id=5,
                orders=(OrderResult(order_id="O1"),),
                received_at=AT,
            ),
        ),
        (
            {"event": "cancelAllStatus", "status": "ok", "count": 2},
            Reply(method="cancel_all", success=True, count=2, received_at=AT),
        ),
        (
            {"event": "cancelOrderStatus", "status": "ok", "txid": ["O1", "O2"]},
            Reply(
                method="cancel_order",
                success=True,
                orders=(OrderResult(order_id="O1"), OrderResult(order_id="O2")),
                received_at=AT,
            ),
        ),
        (
            {
                "event": "cancelAllOrdersAfterStatus",
                "status": "ok",
                "currentTime": "2020-12-21T09:37:09Z",
                "triggerTime": "2020-12-21T09:38:09Z",
            },
            Reply(
                method="cancel_all_orders_after",
                success=True,
                current_time=Timestamp(1608543429_000000000),
                trigger_time=Timestamp(1608543489_000000000),
                received_at=AT,
            ),
        ),
        (
            {"event": "cancelAllOrdersAfterStatus", "status": "ok", "triggerTime": "0"},
            Reply(method="cancel_all_orders_after", success=True, received_at=AT),
        ),
        (
            {"event": "cancelAllOrdersAfterStatus", "status": "ok", "triggerTime": 0},
            Reply(method="cancel_all_orders_after", success=True, received_at=AT),
        ),
        (
            {"event": "amendOrderStatus", "status": "ok", "amend_id": "T1"},
            Reply(
                method="amend_order",
                success=True,
                orders=(OrderResult(amend_id="T1"),),
                received_at=AT,
            ),
        ),
        (
            {"event": "addOrderStatus", "status": "error", "errorMessage": "EOrder:No"},
            Reply(
                method="add_order",
                success=False,
                error="EOrder:No",
                refusal=Refusal.FINAL,
                received_at=AT,
            ),
        ),
    ],
    ids=str,
)
def test_answers_about_orders(event: dict[str, Any], reply: Reply) -> None:
    """Answers about orders are read, though none are placed by this protocol."""
    assert read(event) == reply


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"event": "systemStatus"},
        {"event": "cancelAllOrdersAfterStatus", "status": "ok", "triggerTime": 7},
        {"event": "pong", "reqid": 1.5},
        {"event": "subscriptionStatus", "status": "subscribed", "pair": "/"},
    ],
    ids=str,
)
def test_what_is_no_event(event: dict[str, Any]) -> None:
    """What has neither a name nor a shape is refused."""
    with pytest.raises(FAULTS):
        read(event)

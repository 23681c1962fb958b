"""The answers to requests."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kraken_trio._internal.model.messages import OrderResult, Reply
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.wire.decode_replies import METHODS, reply_reader
from kraken_trio._internal.wire.faults import FAULTS
from kraken_trio._internal.wire.instants import Instants
from kraken_trio._internal.wire.refusals import refusal_of

AT = Timestamp(42)
SECOND = Timestamp(NANOSECONDS)
TIMES = b'"time_in":"1970-01-01T00:00:01.000000Z","time_out":"1970-01-01T00:00:01.0000000"'


def read(payload: bytes) -> Reply:
    """Read an answer with a new reader."""
    message = reply_reader(Instants())(payload, AT)
    assert isinstance(message, Reply)
    return message


@pytest.mark.parametrize(
    "result, reply",
    [
        (
            (
                b'"method":"subscribe","req_id":7,"result":{"channel":"book","depth":10,'
                b'"snapshot":true,"symbol":"BTC/USD"}'
            ),
            Reply(
                method="subscribe",
                success=True,
                req_id=7,
                channel="book",
                depth=10,
                snapshot=True,
                symbol="BTC/USD",
            ),
        ),
        (
            (
                b'"method":"subscribe","result":{"channel":"executions","maxratecount":125,'
                b'"snap_orders":true,"warnings":["stop_price is deprecated"]}'
            ),
            Reply(
                method="subscribe",
                success=True,
                channel="executions",
                maxratecount=125,
                warnings=("stop_price is deprecated",),
            ),
        ),
        (
            (
                b'"method":"unsubscribe","result":{"channel":"ticker","event_trigger":"bbo",'
                b'"interval":5,"symbol":"BTC/USD"}'
            ),
            Reply(
                method="unsubscribe",
                success=True,
                channel="ticker",
                event_trigger="bbo",
                interval=5,
                symbol="BTC/USD",
            ),
        ),
        (
            b'"method":"add_order","result":{"order_id":"O","order_userref":1,"cl_ord_id":"c"}',
            Reply(
                method="add_order",
                success=True,
                orders=(OrderResult(order_id="O", order_userref=1, cl_ord_id="c"),),
            ),
        ),
        (
            b'"method":"add_order","result":{}',
            Reply(method="add_order", success=True),
        ),
        (
            b'"method":"amend_order","result":{"amend_id":"T","cl_ord_id":"c"}',
            Reply(
                method="amend_order",
                success=True,
                orders=(OrderResult(amend_id="T", cl_ord_id="c"),),
            ),
        ),
        (
            (
                b'"method":"edit_order","result":{"order_id":"O2","original_order_id":"O1",'
                b'"warnings":["old"]}'
            ),
            Reply(
                method="edit_order",
                success=True,
                orders=(OrderResult(order_id="O2", original_order_id="O1", warnings=("old",)),),
                warnings=("old",),
            ),
        ),
        (
            b'"method":"cancel_order","result":{"order_userref":9}',
            Reply(method="cancel_order", success=True, orders=(OrderResult(order_userref=9),)),
        ),
        (
            b'"method":"cancel_all","result":{"count":0}',
            Reply(method="cancel_all", success=True, count=0),
        ),
        (
            (
                b'"method":"cancel_all_orders_after","result":{"currentTime":"1970-01-01T00:00:01Z",'
                b'"triggerTime":"1970-01-01T00:00:01Z"}'
            ),
            Reply(
                method="cancel_all_orders_after",
                success=True,
                current_time=SECOND,
                trigger_time=SECOND,
            ),
        ),
        (
            (
                b'"method":"cancel_all_orders_after","result":{"currentTime":"1970-01-01T00:00:01Z",'
                b'"triggerTime":"0"}'
            ),
            Reply(method="cancel_all_orders_after", success=True, current_time=SECOND),
        ),
        (
            b'"method":"cancel_all_orders_after","result":{"triggerTime":0}',
            Reply(method="cancel_all_orders_after", success=True),
        ),
        (
            b'"method":"batch_add","result":[{"order_id":"O1"},{"order_userref":2}]',
            Reply(
                method="batch_add",
                success=True,
                orders=(OrderResult(order_id="O1"), OrderResult(order_userref=2)),
            ),
        ),
        (
            (
                b'"method":"batch_add","result":{"orders":[{"order_id":"O1","success":true},'
                b'{"cl_ord_id":"c","success":false,"error":"EOrder:Insufficient funds"},'
                b'{"cl_ord_id":"d","success":false},{"cl_ord_id":"e","error":"EOrder:x"}]}'
            ),
            Reply(
                method="batch_add",
                success=True,
                orders=(
                    OrderResult(order_id="O1"),
                    OrderResult(cl_ord_id="c", error="EOrder:Insufficient funds"),
                    OrderResult(cl_ord_id="d", error="no reason given"),
                    OrderResult(cl_ord_id="e", error="EOrder:x"),
                ),
            ),
        ),
        (
            b'"method":"batch_cancel","result":{"count":3}',
            Reply(method="batch_cancel", success=True, count=3),
        ),
        (
            b'"method":"batch_cancel","orders_cancelled":2',
            Reply(method="batch_cancel", success=True, count=2),
        ),
        (
            b'"method":"subscribe","error":"","result":{"channel":"instrument"}',
            Reply(method="subscribe", success=True, channel="instrument"),
        ),
    ],
)
def test_success(result: bytes, reply: Reply) -> None:
    """Each method's result is read, in every shape it was seen in."""
    found = read(b'{%s,"success":true,%s}' % (result, TIMES))
    assert (found.time_in, found.time_out, found.received_at) == (SECOND, SECOND, AT)
    assert found == Reply(
        **{
            **{name: getattr(reply, name) for name in reply.__struct_fields__},
            "time_in": SECOND,
            "time_out": SECOND,
            "received_at": AT,
        }
    )
    assert reply.method in METHODS


def test_pong() -> None:
    """A pong says nothing of success, and is one."""
    assert read(b'{"method":"pong","req_id":101}') == Reply(
        method="pong", success=True, req_id=101, received_at=AT
    )


@pytest.mark.parametrize(
    "payload, reply",
    [
        (
            (
                b'{"error":"Currency pair not supported XBT/USD","method":"subscribe",'
                b'"success":false,"symbol":"XBT/USD"}'
            ),
            Reply(
                method="subscribe",
                success=False,
                error="Currency pair not supported XBT/USD",
                symbol="XBT/USD",
                received_at=AT,
            ),
        ),
        (
            (
                b'{"channel":"executions","error":"ESession:Invalid session","method":"subscribe",'
                b'"req_id":42,"status":"error","success":false}'
            ),
            Reply(
                method="subscribe",
                success=False,
                req_id=42,
                error="ESession:Invalid session",
                channel="executions",
                received_at=AT,
            ),
        ),
        (
            b'{"error":"Method(s) not found","method":null,"success":false}',
            Reply(method="", success=False, error="Method(s) not found", received_at=AT),
        ),
        (
            b'{"error":"EGeneral:Internal error","method":"add_order"}',
            Reply(
                method="add_order",
                success=False,
                error="EGeneral:Internal error",
                received_at=AT,
            ),
        ),
        (
            b'{"method":"pong","error":"EGeneral:Internal error"}',
            Reply(method="pong", success=False, error="EGeneral:Internal error", received_at=AT),
        ),
        (
            b'{"method":"add_order","success":false}',
            Reply(method="add_order", success=False, error="no reason given", received_at=AT),
        ),
        (
            b'{"Error":"Exceeded msg rate"}',
            Reply(method="", success=False, error="Exceeded msg rate", received_at=AT),
        ),
    ],
)
def test_refusal(payload: bytes, reply: Reply) -> None:
    """A refusal is read in every shape; it always has a reason, and what the reason means."""
    assert reply.error is not None
    assert read(payload) == replace(reply, refusal=refusal_of(reply.error))


@pytest.mark.parametrize(
    "payload",
    [
        b'{"method":"add_order"}',
        b'{"method":"add_order","success":true,"error":"EOrder:Insufficient funds"}',
        b'{"method":"add_order","success":"true"}',
        b'{"method":"add_order","success":true,"req_id":"5"}',
        b'{"method":"add_order","success":true,"result":"O"}',
        b'{"method":"add_order","success":true,"result":{"order_id":5}}',
        b'{"method":"add_order","success":true,"time_in":"soon"}',
        b'{"method":"batch_add","success":true,"result":["O"]}',
        b'{"method":"cancel_all","success":true,"result":{"count":"1"}}',
        b'{"method":"cancel_all_orders_after","success":true,"result":{"triggerTime":5}}',
        b'{"method":"cancel_all_orders_after","success":true,"result":{"triggerTime":"5"}}',
    ],
)
def test_bad_answer_is_refused(payload: bytes) -> None:
    """An answer that contradicts itself, or has a wrong type, is no answer."""
    with pytest.raises(FAULTS):
        read(payload)


def test_words_that_say_a_token_back_are_masked() -> None:
    """In the answer, and in that to each order of several."""
    token = "aB3/" * 11
    refused = b'{"method":"subscribe","success":false,"error":"ESession:Bad token %s"}'
    reply = reply_reader(Instants())(refused % token.encode(), AT)
    assert isinstance(reply, Reply)
    assert reply.error == "ESession:Bad token ****"

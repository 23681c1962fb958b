"""The answers to requests, in every shape that was documented or seen.

Knows how each method's result is written; nothing of which request is waiting for what.

Sources: section "Responses" and the methods' pages of the WebSocket v2 documentation, and
captured refusals. Where documentation and traffic differ (the results of batches), both shapes
are read.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from kraken_trio._internal.model.messages import OrderResult, Reply
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.envelope import Reader, frame_decoder
from kraken_trio._internal.wire.faults import words
from kraken_trio._internal.wire.instants import Instants
from kraken_trio._internal.wire.refusals import refusal_of

METHODS = frozenset(
    {
        "add_order",
        "amend_order",
        "batch_add",
        "batch_cancel",
        "cancel_all",
        "cancel_all_orders_after",
        "cancel_order",
        "edit_order",
        "ping",
        "pong",
        "subscribe",
        "unsubscribe",
    }
)
"""What an answer may name as its method."""

_NO_REASON = "no reason given"
_SWITCHED_OFF = ("0", 0)  # Instead of a time, by the dead man's switch.


class _OrderRow(Struct, frozen=True, gc=False, kw_only=True):
    order_id: str | None = None
    original_order_id: str | None = None
    amend_id: str | None = None
    cl_ord_id: str | None = None
    order_userref: int | None = None
    success: bool | None = None
    error: str | None = None
    warnings: tuple[str, ...] = ()

    def result(self) -> OrderResult:
        failed = self.success is False or bool(self.error)
        return OrderResult(
            order_id=self.order_id,
            original_order_id=self.original_order_id,
            amend_id=self.amend_id,
            cl_ord_id=self.cl_ord_id,
            order_userref=self.order_userref,
            error=words(self.error or _NO_REASON) if failed else None,
            warnings=self.warnings,
        )


class _Result(_OrderRow, frozen=True, gc=False, kw_only=True):
    channel: str | None = None
    symbol: str | None = None
    depth: int | None = None
    interval: int | None = None
    event_trigger: str | None = None
    snapshot: bool | None = None
    maxratecount: int | None = None
    count: int | None = None
    orders: tuple[_OrderRow, ...] | None = None
    current_time: Timestamp | None = msgspec.field(default=None, name="currentTime")
    trigger_time: str | int | None = msgspec.field(default=None, name="triggerTime")

    def order_results(self) -> tuple[OrderResult, ...]:
        """One for each order of a batch, or one where the result is about an order."""
        if self.orders is not None:
            return tuple([row.result() for row in self.orders])
        names = (self.order_id, self.cl_ord_id, self.order_userref)
        return () if names == (None, None, None) else (self.result(),)


class _ReplyFrame(Struct, frozen=True, gc=False, kw_only=True):
    method: str | None = None
    success: bool | None = None
    req_id: int | None = None
    error: str | None = None
    bare_error: str | None = msgspec.field(default=None, name="Error")
    result: _Result | tuple[_OrderRow, ...] | None = None
    channel: str | None = None
    symbol: str | None = None
    orders_cancelled: int | None = None
    time_in: Timestamp | None = None
    time_out: Timestamp | None = None

    def outcome(self) -> tuple[bool, str | None]:
        """Whether it succeeded, and if not, why."""
        error = self.error or self.bare_error
        success = self.success
        if success is None:
            # A pong says nothing of success, the bare error neither.
            if not error and self.method != "pong":
                raise ValueError("an answer says neither success nor error")
            success = not error
        if success and error:
            raise ValueError("an answer says both success and error")
        return success, None if success else error or _NO_REASON


def reply_reader(instants: Instants) -> Reader:
    """Give the reader of answers, which reads times with ``instants``."""
    decode = frame_decoder(_ReplyFrame, instants)

    def read(payload: bytes, received_at: Timestamp | None) -> Reply:
        frame = decode(payload)
        success, error = frame.outcome()
        if isinstance(frame.result, tuple):
            orders = tuple([row.result() for row in frame.result])
            result = _Result()
        else:
            result = frame.result or _Result()
            orders = result.order_results()
        trigger_time = result.trigger_time
        if trigger_time in _SWITCHED_OFF:
            trigger_time = None
        if isinstance(trigger_time, int):
            raise ValueError("a time is not text")  # noqa: TRY004 - of the wire, not of a call
        return Reply(
            method=frame.method or "",
            success=success,
            req_id=frame.req_id,
            error=None if error is None else words(error),
            refusal=None if error is None else refusal_of(error),
            channel=frame.channel or result.channel,
            symbol=frame.symbol or result.symbol,
            depth=result.depth,
            interval=result.interval,
            event_trigger=result.event_trigger,
            snapshot=result.snapshot,
            maxratecount=result.maxratecount,
            orders=orders,
            count=frame.orders_cancelled if result.count is None else result.count,
            current_time=result.current_time,
            trigger_time=None if trigger_time is None else instants.parse(trigger_time),
            warnings=result.warnings,
            time_in=frame.time_in,
            time_out=frame.time_out,
            received_at=received_at,
        )

    return read

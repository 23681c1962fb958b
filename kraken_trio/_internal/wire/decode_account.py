"""The frames of the private channels: ``executions`` and ``balances``.

Knows their shapes on the wire; nothing of orders, or of what a jump of ``sequence`` means.

Reports on orders used to say four things in members that are deprecated now, and are still
sent. Where the modern member is missing, the old one counts; where both stand, they agree.

Sources: the channels' pages of the WebSocket v2 documentation, and captured traffic.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from kraken_trio._internal.model.account import (
    BalanceSnapshot,
    BalanceUpdate,
    Execution,
    Triggers,
)
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.envelope import ChannelFrame, Reader, frame_decoder
from kraken_trio._internal.wire.instants import Instants
from kraken_trio._internal.wire.numerals import check_record, quotes_rule

_Sequence = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class _ExecutionFrame(ChannelFrame, frozen=True, gc=False, kw_only=True):
    channel: Literal["executions"]
    data: tuple[Execution, ...]
    sequence: _Sequence


class _Deprecated(Struct, frozen=True, gc=False):
    cancel_reason: str | None = None
    stop_price: Decimal | None = None
    trigger: str | None = None
    triggered_price: Decimal | None = None

    def triggers(self) -> Triggers | None:
        """What they say about a trigger. A plain order has a ``stop_price`` of zero."""
        if not (self.stop_price or self.trigger or self.triggered_price):
            return None
        return Triggers(
            reference=self.trigger,
            price=self.stop_price or None,
            last_price=self.triggered_price or None,
        )


_NOTHING_OLD = _Deprecated()
_OLD_NAMES = tuple(f'"{name}"'.encode() for name in _Deprecated.__struct_fields__)


class _DeprecatedFrame(Struct, frozen=True, gc=False):
    data: tuple[_Deprecated, ...]


class _BalanceKind(ChannelFrame, frozen=True, gc=False, kw_only=True):
    channel: Literal["balances"]


class _HoldingsFrame(ChannelFrame, frozen=True, gc=False, kw_only=True):
    data: tuple[BalanceSnapshot, ...]
    sequence: _Sequence


class _LedgerFrame(ChannelFrame, frozen=True, gc=False, kw_only=True):
    data: tuple[BalanceUpdate, ...]
    sequence: _Sequence


def account_readers(instants: Instants) -> dict[str, Reader]:
    """Give the reader of each channel; all read times with ``instants``."""
    return {
        "balances": _balance_reader(instants),
        "executions": _execution_reader(instants),
    }


def _execution_reader(instants: Instants) -> Reader:
    decode = frame_decoder(_ExecutionFrame, instants)
    decode_deprecated = frame_decoder(_DeprecatedFrame, instants)
    check_quotes = quotes_rule(_ExecutionFrame)
    check_deprecated_quotes = quotes_rule(_DeprecatedFrame)

    def read(payload: bytes, received_at: Timestamp | None) -> RecordsMessage:
        frame = decode(payload)
        check_quotes(payload)
        olds = [_NOTHING_OLD] * len(frame.data)
        # A name may be written with escapes.
        if b"\\" in payload or any(name in payload for name in _OLD_NAMES):
            check_deprecated_quotes(payload)
            olds = list(decode_deprecated(payload).data)
        snapshot = frame.type == "snapshot"
        records = []
        for row, old in zip(frame.data, olds, strict=True):
            check_record(row)
            check_record(old)
            if row.order_status is None or any(fee.asset is None for fee in row.fees):
                raise ValueError("a status of an order, or the asset of a fee, is missing")
            records.append(
                replace(
                    row,
                    reason=row.reason if row.reason is not None else old.cancel_reason,
                    triggers=row.triggers if row.triggers is not None else old.triggers(),
                    cum_fee=None,
                    position_id=None,
                    leverage=None,
                    margin_cost=None,
                    description=None,
                    received_at=received_at,
                    snapshot=snapshot,
                )
            )
        return RecordsMessage("executions", snapshot, tuple(records), frame.sequence, received_at)

    return read


def _balance_reader(instants: Instants) -> Reader:
    # The two types of message have elements of different shape.
    decode_kind = frame_decoder(_BalanceKind, instants)
    decode_holdings = frame_decoder(_HoldingsFrame, instants)
    decode_ledger = frame_decoder(_LedgerFrame, instants)
    check_quotes = quotes_rule(_LedgerFrame)  # Holdings have no other numbers.

    def read(payload: bytes, received_at: Timestamp | None) -> RecordsMessage:
        snapshot = decode_kind(payload).type == "snapshot"
        frame = decode_holdings(payload) if snapshot else decode_ledger(payload)
        check_quotes(payload)
        records = []
        for row in frame.data:
            check_record(row)
            records.append(replace(row, received_at=received_at, snapshot=snapshot))
        return RecordsMessage("balances", snapshot, tuple(records), frame.sequence, received_at)

    return read

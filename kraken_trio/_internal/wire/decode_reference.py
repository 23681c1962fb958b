"""The frames of ``instrument``, ``status`` and ``heartbeat``: about the exchange itself.

Knows their shapes on the wire, and that a precision is a small number: everything that scales
by one relies on it.

Sources: the channels' pages of the WebSocket v2 documentation, and captured traffic.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from kraken_trio._internal.model.messages import Heartbeat, RecordsMessage
from kraken_trio._internal.model.reference import InstrumentAsset, InstrumentPair, SystemStatus
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.envelope import ChannelFrame, Reader, Unanswering, frame_decoder
from kraken_trio._internal.wire.instants import Instants
from kraken_trio._internal.wire.numerals import MAX_DIGITS, check_record, quotes_rule


class _Instruments(Struct, frozen=True, gc=False):
    assets: tuple[InstrumentAsset, ...] = ()
    pairs: tuple[InstrumentPair, ...] = ()


class _InstrumentFrame(ChannelFrame, frozen=True, gc=False, kw_only=True):
    channel: Literal["instrument"]
    data: _Instruments


class _StatusFrame(ChannelFrame, frozen=True, gc=False, kw_only=True):
    channel: Literal["status"]
    data: tuple[SystemStatus]


class _HeartbeatFrame(Unanswering, frozen=True, gc=False, kw_only=True):
    channel: Literal["heartbeat"]


def reference_readers(instants: Instants) -> dict[str, Reader]:
    """Give the reader of each channel; all read times with ``instants``."""
    return {
        "heartbeat": _heartbeat_reader(instants),
        "instrument": _instrument_reader(instants),
        "status": _status_reader(instants),
    }


def _check_precisions(*precisions: int | None) -> None:
    for precision in precisions:
        if precision is not None and not 0 <= precision <= MAX_DIGITS:
            raise ValueError("a precision is out of bounds")


def _instrument_reader(instants: Instants) -> Reader:
    decode = frame_decoder(_InstrumentFrame, instants)
    check_quotes = quotes_rule(_InstrumentFrame)

    def read(payload: bytes, received_at: Timestamp | None) -> RecordsMessage:
        frame = decode(payload)
        check_quotes(payload)
        for asset in frame.data.assets:
            _check_precisions(asset.precision, asset.precision_display)
        for pair in frame.data.pairs:
            _check_precisions(pair.price_precision, pair.qty_precision, pair.cost_precision)
        snapshot = frame.type == "snapshot"
        rows: tuple[InstrumentAsset | InstrumentPair, ...]
        rows = (*frame.data.assets, *frame.data.pairs)
        records = []
        for row in rows:
            check_record(row)
            records.append(replace(row, received_at=received_at, snapshot=snapshot))
        return RecordsMessage("instrument", snapshot, tuple(records), None, received_at)

    return read


def _status_reader(instants: Instants) -> Reader:
    decode = frame_decoder(_StatusFrame, instants)

    def read(payload: bytes, received_at: Timestamp | None) -> RecordsMessage:
        frame = decode(payload)
        (row,) = frame.data
        record = replace(row, received_at=received_at)
        return RecordsMessage("status", frame.type == "snapshot", (record,), None, received_at)

    return read


def _heartbeat_reader(instants: Instants) -> Reader:
    decode = frame_decoder(_HeartbeatFrame, instants)

    def read(payload: bytes, received_at: Timestamp | None) -> Heartbeat:
        decode(payload)
        return Heartbeat(received_at)

    return read

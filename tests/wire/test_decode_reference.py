"""The frames of ``instrument``, ``status`` and ``heartbeat``."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from kraken_trio._internal.model.messages import Heartbeat, Message, RecordsMessage
from kraken_trio._internal.model.reference import (
    Emergency,
    InstrumentAsset,
    InstrumentPair,
    MaintenanceWindow,
    NextStep,
    SystemStatus,
)
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.decode_reference import reference_readers
from kraken_trio._internal.wire.faults import FAULTS
from kraken_trio._internal.wire.instants import Instants

AT = Timestamp(42)
INSTRUMENT = (
    b'{"channel":"instrument","type":"snapshot","data":{"assets":[{"id":"USD",'
    b'"status":"enabled","precision":4,"precision_display":2,"borrowable":true,'
    b'"collateral_value":1.00,"margin_rate":0.025000,"class":"currency"}],"pairs":['
    b'{"symbol":"EUR/USD","base":"EUR","quote":"USD","status":"online","qty_precision":8,'
    b'"qty_increment":1e-08,"price_precision":5,"cost_precision":5,"marginable":false,'
    b'"has_index":true,"cost_min":"0.50","tick_size":0.00001,"price_increment":0.00001,'
    b'"qty_min":0.50000000}]}}'
)
STATUS = (
    b'{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online",'
    b'"api_version":"v2","connection_id":18125794168470749634,"upcoming_maintenance":['
    b'{"affected_services":["spot_ws"],"cancel_before_utc":"1970-01-01T00:00:01.000000Z",'
    b'"event_id":33,"title":"Maintenance"}],"emergency":[{"event_id":7,"next_steps":['
    b'{"applies_to":"spot_ws","type":"expected_restart","expected_at":null}]}]}]}'
)


def read(payload: bytes) -> Message:
    """Read a frame of the channel that it says, with a new reader."""
    return reference_readers(Instants())[json.loads(payload)["channel"]](payload, AT)


def test_instrument() -> None:
    """Assets and pairs are records of one message, assets first."""
    assert read(INSTRUMENT) == RecordsMessage(
        "instrument",
        True,  # noqa: FBT003
        (
            InstrumentAsset(
                id="USD",
                status="enabled",
                precision=4,
                precision_display=2,
                borrowable=True,
                collateral_value=Decimal("1.00"),
                margin_rate=Decimal("0.025000"),
                received_at=AT,
                snapshot=True,
            ),
            InstrumentPair(
                symbol="EUR/USD",
                base="EUR",
                quote="USD",
                status="online",
                price_precision=5,
                price_increment=Decimal("0.00001"),
                qty_precision=8,
                qty_increment=Decimal("1E-8"),
                qty_min=Decimal("0.50000000"),
                cost_precision=5,
                cost_min=Decimal("0.50"),
                marginable=False,
                has_index=True,
                received_at=AT,
                snapshot=True,
            ),
        ),
        None,
        AT,
    )


def test_instrument_change() -> None:
    """A change may hold assets or pairs alone, and only the members that it must."""
    message = read(b'{"channel":"instrument","type":"update","data":{"pairs":[{"symbol":"A/B"}]}}')
    assert isinstance(message, RecordsMessage)
    assert message.records == (InstrumentPair(symbol="A/B", received_at=AT),)


def test_status() -> None:
    """A status has its announcements; its ``connection_id`` may exceed 63 bits."""
    assert read(STATUS) == RecordsMessage(
        "status",
        False,  # noqa: FBT003
        (
            SystemStatus(
                system="online",
                api_version="v2",
                connection_id=18125794168470749634,
                version="2.0.10",
                upcoming_maintenance=(
                    MaintenanceWindow(
                        event_id=33,
                        title="Maintenance",
                        affected_services=("spot_ws",),
                        cancel_before_utc=Timestamp(1_000_000_000),
                    ),
                ),
                emergency=(
                    Emergency(
                        event_id=7,
                        next_steps=(NextStep(applies_to="spot_ws", type="expected_restart"),),
                    ),
                ),
                received_at=AT,
            ),
        ),
        None,
        AT,
    )


def test_status_of_a_change() -> None:
    """A status about a change has neither a connection nor announcements."""
    message = read(b'{"channel":"status","data":[{"system":"maintenance"}],"type":"update"}')
    assert isinstance(message, RecordsMessage)
    assert message.records == (SystemStatus(system="maintenance", received_at=AT),)


def test_heartbeat() -> None:
    """A heartbeat says nothing but that it came."""
    assert read(b'{"channel":"heartbeat"}') == Heartbeat(AT)


def test_wire_cannot_set_what_is_ours() -> None:
    """What only this program knows cannot be set by a frame."""
    ours = b'"received_at":"1970-01-01T00:00:09Z",'
    for old in (b'"id"', b'"base"'):
        assert read(INSTRUMENT.replace(old, ours + b'"snapshot":false,' + old)) == read(INSTRUMENT)
    assert read(STATUS.replace(b'"system"', ours + b'"system"')) == read(STATUS)


@pytest.mark.parametrize(
    "payload, old, new",
    [
        (INSTRUMENT, b'"precision":4', b'"precision":-1'),
        (INSTRUMENT, b'"precision_display":2', b'"precision_display":41'),
        (INSTRUMENT, b'"price_precision":5', b'"price_precision":1000000000'),
        (INSTRUMENT, b'"qty_precision":8', b'"qty_precision":41'),
        (INSTRUMENT, b'"cost_precision":5', b'"cost_precision":-5'),
        (INSTRUMENT, b'"cost_precision":5', b'"cost_precision":5.5'),
        (INSTRUMENT, b"1e-08", b"1e-41"),
        (INSTRUMENT, b"0.025000", b'"NaN"'),
        (INSTRUMENT, b'"0.50"', b'"0_50"'),
        (INSTRUMENT, b'"id":"USD",', b""),
        (INSTRUMENT, b'"symbol":"EUR/USD",', b""),
        (INSTRUMENT, b'"data":', b'"data":[],"more":'),
        (STATUS, b'"system":"online",', b""),
        (STATUS, b'"data":[', b'"data":[],"more":['),
        (STATUS, b"00:00:01", b"00:00:61"),
        (STATUS, b'"update"', b'"date"'),
        (b'{"channel":"heartbeat"}', b'"}', b'","error":"no"}'),
    ],
)
def test_bad_frame_is_refused(payload: bytes, old: bytes, new: bytes) -> None:
    """A frame with an absurd number, a wrong type or a missing member is refused."""
    assert payload.count(old) == 1
    with pytest.raises(FAULTS):
        read(payload.replace(old, new))

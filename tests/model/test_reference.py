"""Reference data and status: nothing but the name is sure to be there."""

from __future__ import annotations

import msgspec
import pytest

from kraken_trio._internal.model.reference import (
    Emergency,
    InstrumentAsset,
    InstrumentPair,
    MaintenanceWindow,
    NextStep,
    SystemStatus,
)

RECORDS: list[tuple[msgspec.Struct, str]] = [
    (
        InstrumentAsset(id="BTC", status="enabled", precision=10),
        "InstrumentAsset(BTC enabled, precision 10)",
    ),
    (
        InstrumentPair(symbol="BTC/USD", status="online", price_precision=1, qty_precision=8),
        "InstrumentPair(BTC/USD online, price precision 1, qty precision 8)",
    ),
    (
        InstrumentPair(symbol="BTC/USD"),
        "InstrumentPair(BTC/USD None, price precision None, qty precision None)",
    ),
    (
        SystemStatus(
            system="online",
            upcoming_maintenance=(MaintenanceWindow(event_id=1), MaintenanceWindow(event_id=2)),
            emergency=(Emergency(event_id=3, next_steps=(NextStep(type="expected_restart"),)),),
        ),
        "SystemStatus(online, 2 maintenance windows, 1 emergencies)",
    ),
    (SystemStatus(system="online"), "SystemStatus(online, 0 maintenance windows, 0 emergencies)"),
]


@pytest.mark.parametrize("record, text", RECORDS)
def test_text(record: msgspec.Struct, text: str) -> None:
    """It shows the name, the condition and what an order needs to know."""
    assert repr(record) == text


@pytest.mark.parametrize("record", [record for record, _ in RECORDS])
def test_frozen(record: msgspec.Struct) -> None:
    """No field can be changed."""
    for field in record.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(record, field, None)


@pytest.mark.parametrize(
    "kind, name",
    [
        (InstrumentAsset, "id"),
        (InstrumentPair, "symbol"),
        (MaintenanceWindow, "event_id"),
        (Emergency, "event_id"),
        (NextStep, None),
        (SystemStatus, "system"),
    ],
)
def test_all_but_the_name_may_be_missing(kind: type[msgspec.Struct], name: str | None) -> None:
    """The exchange leaves members out at will; only what names the thing is required."""
    required = {field.name for field in msgspec.structs.fields(kind) if field.required}
    assert required == ({name} if name else set())
    assert kind.__struct_config__.gc is False
    with pytest.raises(TypeError):
        kind("by position")


def test_silence_is_not_nothing() -> None:
    """A status without announcements differs from one that says there are none."""
    silent = SystemStatus(system="online")
    empty = SystemStatus(system="online", upcoming_maintenance=(), emergency=())
    assert silent != empty

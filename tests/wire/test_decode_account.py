"""The frames of ``executions`` and ``balances``."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from kraken_trio._internal.model.account import (
    BalanceSnapshot,
    BalanceUpdate,
    Contingent,
    Execution,
    Fee,
    Triggers,
    Wallet,
)
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.decode_account import account_readers
from kraken_trio._internal.wire.faults import FAULTS
from kraken_trio._internal.wire.instants import Instants

AT = Timestamp(42)
FILL = (
    b'{"channel":"executions","type":"update","data":[{"order_id":"OK4GJX","order_userref":3,'
    b'"exec_id":"TGBB7L","exec_type":"trade","trade_id":62887576,"symbol":"BTC/USD",'
    b'"side":"sell","last_qty":0.00500000,"last_price":26599.9,"liquidity_ind":"t",'
    b'"cost":132.9995,"order_type":"limit","timestamp":"1970-01-01T00:00:01.000002Z",'
    b'"order_status":"partially_filled","cum_qty":0.005,"cum_cost":132.9995,'
    b'"avg_price":26599.9,"fee_usd_equiv":0.3458,"fees":[{"asset":"USD","qty":0.3458}]}],'
    b'"sequence":10}'
)
STOP = (
    b'{"channel":"executions","type":"snapshot","data":[{"order_id":"AHOJQ8",'
    b'"order_status":"new","exec_type":"new","triggers":{"price":-2.0,"price_type":"pct",'
    b'"reference":"index","status":"untriggered"},"stop_price":0.2,"trigger":"index",'
    b'"contingent":{"order_type":"limit","limit_price":1.5}}],"sequence":1}'
)
HOLDINGS = (
    b'{"channel":"balances","type":"snapshot","data":[{"asset":"USD","asset_class":"currency",'
    b'"balance":160.2400,"wallets":[{"type":"spot","id":"main","balance":1.30}]}],"sequence":1}'
)
ENTRY = (
    b'{"channel":"balances","type":"update","data":[{"ledger_id":"DATKX6","ref_id":"LKAKN2",'
    b'"timestamp":"1970-01-01T00:00:01.000002Z","type":"trade","asset":"USD",'
    b'"asset_class":"currency","category":"trade","wallet_type":"spot","wallet_id":"main",'
    b'"amount":-19.9743,"fee":0.0499,"balance":118.0670}],"sequence":4}'
)


def read(payload: bytes) -> RecordsMessage:
    """Read a frame of the channel that it says, with a new reader."""
    message = account_readers(Instants())[json.loads(payload)["channel"]](payload, AT)
    assert isinstance(message, RecordsMessage)
    return message


def execution(members: bytes) -> Execution:
    """Read a frame with one sparse report that has some more members."""
    message = read(
        b'{"channel":"executions","type":"update","sequence":2,"data":[{"order_id":"O",'
        b'"order_status":"canceled","exec_type":"canceled"%s}]}' % members
    )
    (record,) = message.records
    assert isinstance(record, Execution)
    return record


def test_fill() -> None:
    """A fill has its quantity, price and fees; the message its sequence."""
    record = Execution(
        order_id="OK4GJX",
        exec_type="trade",
        order_status="partially_filled",
        timestamp=Timestamp(1_000_002_000),
        order_userref=3,
        symbol="BTC/USD",
        side="sell",
        order_type="limit",
        cum_qty=Decimal("0.005"),
        cum_cost=Decimal("132.9995"),
        avg_price=Decimal("26599.9"),
        fee_usd_equiv=Decimal("0.3458"),
        exec_id="TGBB7L",
        trade_id=62887576,
        last_qty=Decimal("0.00500000"),
        last_price=Decimal("26599.9"),
        cost=Decimal("132.9995"),
        liquidity_ind="t",
        fees=(Fee("USD", Decimal("0.3458")),),
        received_at=AT,
    )
    message = read(FILL)
    assert message == RecordsMessage("executions", False, (record,), 10, AT)  # noqa: FBT003


def test_triggers_and_contingent() -> None:
    """What sets an order off, and what its fills place, are parts; modern members count."""
    message = read(STOP)
    (record,) = message.records
    assert message.snapshot
    assert isinstance(record, Execution)
    assert record.snapshot
    assert record.triggers == Triggers(
        price=Decimal("-2.0"), price_type="pct", reference="index", status="untriggered"
    )
    assert record.contingent == Contingent(order_type="limit", limit_price=Decimal("1.5"))


def test_empty_snapshot() -> None:
    """With nothing to report the snapshot is empty."""
    message = read(b'{"channel":"executions","type":"snapshot","data":[],"sequence":1}')
    assert (message.records, message.sequence) == ((), 1)


@pytest.mark.parametrize(
    "members, reason",
    [
        (b"", None),
        (b',"cancel_reason":"old"', "old"),
        (b',"cancel_reason":"old","reason":"new"', "new"),
        (b',"reason":"new"', "new"),
    ],
)
def test_deprecated_reason(members: bytes, reason: str | None) -> None:
    """The deprecated reason counts where the modern one is missing."""
    assert execution(members).reason == reason


@pytest.mark.parametrize(
    "members, triggers",
    [
        (b"", None),
        (b',"stop_price":0.00000', None),
        (b',"stop_price":0.2', Triggers(price=Decimal("0.2"))),
        (b',"stop_price":0.0,"trigger":"index"', Triggers(reference="index")),
        (
            b',"trigger":"last","stop_price":1.0,"triggered_price":1.1',
            Triggers(reference="last", price=Decimal("1.0"), last_price=Decimal("1.1")),
        ),
        (b',"stop_price":0.2,"triggers":{}', Triggers()),
    ],
)
def test_deprecated_triggers(members: bytes, triggers: Triggers | None) -> None:
    """The deprecated members about a trigger count where the modern one is missing."""
    assert execution(members).triggers == triggers


def test_rate_counter() -> None:
    """The rate counter is read, written as a number or as text."""
    assert execution(b',"ratecount":4').ratecount == 4
    assert execution(b',"ratecount":"4.5"').ratecount == Decimal("4.5")


def test_holdings() -> None:
    """A snapshot of balances has one record for each asset."""
    record = BalanceSnapshot(
        asset="USD",
        asset_class="currency",
        balance=Decimal("160.2400"),
        wallets=(Wallet(type="spot", id="main", balance=Decimal("1.30")),),
        received_at=AT,
    )
    assert read(HOLDINGS) == RecordsMessage("balances", True, (record,), 1, AT)  # noqa: FBT003
    assert str(record.balance) == "160.2400"


def test_ledger_entry() -> None:
    """An update of balances has one record for each entry of the ledger."""
    record = BalanceUpdate(
        ledger_id="DATKX6",
        asset="USD",
        amount=Decimal("-19.9743"),
        balance=Decimal("118.0670"),
        fee=Decimal("0.0499"),
        asset_class="currency",
        ref_id="LKAKN2",
        timestamp=Timestamp(1_000_002_000),
        type="trade",
        category="trade",
        wallet_type="spot",
        wallet_id="main",
        received_at=AT,
    )
    assert read(ENTRY) == RecordsMessage("balances", False, (record,), 4, AT)  # noqa: FBT003


@pytest.mark.parametrize(
    "payload, member",
    [(FILL, b'"order_id"'), (HOLDINGS, b'"asset"'), (ENTRY, b'"asset"')],
)
def test_wire_cannot_set_what_is_ours(payload: bytes, member: bytes) -> None:
    """What only this program knows cannot be set by a frame."""
    wrong = str(not read(payload).snapshot).lower().encode()
    ours = b'"received_at":"1970-01-01T00:00:09Z","snapshot":%s,' % wrong
    ours += b'"cum_fee":7.0,"position_id":"P","leverage":"5:1","margin_cost":7.0,"description":"",'
    assert read(payload.replace(member, ours + member, 1)) == read(payload)


@pytest.mark.parametrize(
    "payload, old, new",
    [
        (FILL, b"0.00500000", b"1e1000000"),
        (FILL, b"0.00500000", b'"NaN"'),
        (FILL, b"0.00500000", b'"0_5"'),
        (FILL, b'"qty":0.3458', b'"qty":1e40'),
        (FILL, b'"sell"', b'"hold"'),
        (FILL, b'"order_id":"OK4GJX",', b""),
        (FILL, b'"exec_type":"trade",', b""),
        (FILL, b'"order_status":"partially_filled"', b'"order_status":null'),
        (FILL, b'"asset":"USD"', b'"asset":null'),
        (FILL, b',"sequence":10', b""),
        (FILL, b'"sequence":10', b'"sequence":-1'),
        (FILL, b'"sequence":10', b'"sequence":9223372036854775808'),
        (FILL, b'"sequence":10', b'"sequence":"10"'),
        (FILL, b"00:00:01", b"00:60:01"),
        (STOP, b"-2.0", b'"-2_0"'),
        (STOP, b"1.5", b'"Infinity"'),
        (STOP, b'"stop_price":0.2', b'"stop_price":1e40'),
        (STOP, b'"stop_price":0.2', b'"stop_price":"0_2"'),
        (HOLDINGS, b"160.2400", b"1e40"),
        (HOLDINGS, b"1.30", b"1e40"),
        (HOLDINGS, b"160.2400", b'"NaN"'),
        (HOLDINGS, b"1.30", b'"1_3"'),
        (HOLDINGS, b'"snapshot"', b'"update"'),
        (HOLDINGS, b',"sequence":1', b""),
        (ENTRY, b"-19.9743", b"-1e40"),
        (ENTRY, b"-19.9743", b'" -19.9743"'),
        (ENTRY, b'"ledger_id":"DATKX6",', b""),
        (ENTRY, b'"update"', b'"reset"'),
        (ENTRY, b',"sequence":4', b""),
    ],
)
def test_bad_frame_is_refused(payload: bytes, old: bytes, new: bytes) -> None:
    """A record with an absurd number, a wrong type or a missing member is refused."""
    assert payload.count(old) == 1
    with pytest.raises(FAULTS):
        read(payload.replace(old, new))

"""What is asked of history, and what its answers say: exactly, or not at all."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.model.errors import ProtocolError
from kraken_trio._internal.model.ports import RestResponse
from kraken_trio._internal.model.records import Trade
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.wire.rest import RestRefused
from kraken_trio._internal.wire.rest_trades import read_trades, trades_path

NOW = Timestamp(1_790_359_841 * NANOSECONDS)
ROW = '["83930.30000","0.00005100",1790359840.9392912,"b","l","",109118758]'


def body(*rows: str, key: str = "XXBTZUSD", rest: str = "") -> bytes:
    """Give an answer with these rows."""
    trades = f'"{key}":[{",".join(rows)}]'
    return f'{{"error":[],"result":{{{trades},"last":"1790359841138228746"}}{rest}}}'.encode()


def read(payload: bytes, status: int = 200, **headers: str) -> tuple[Trade, ...] | RestRefused:
    """Read an answer about BTC/USD."""
    fields = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return read_trades(RestResponse(status, fields, payload), "BTC/USD", NOW)


def test_the_question() -> None:
    """The pair as in the stream, nanoseconds, and how many."""
    path = trades_path("BTC/USD", Timestamp(1_688_671_969_993_150_842), 1000)
    assert path == "/0/public/Trades?pair=BTC%2FUSD&since=1688671969993150842&count=1000"


def test_a_row_is_a_trade() -> None:
    """With every digit of the wire, and marked as what it is."""
    assert read(body(ROW)) == (
        Trade(
            "BTC/USD",
            "buy",
            Decimal("83930.30000"),
            Decimal("0.00005100"),
            "limit",
            109118758,
            Timestamp(1_790_359_840_939_291_200),
            NOW,
            backfilled=True,
        ),
    )


@pytest.mark.parametrize("key", ["XXBTZUSD", "BTC/USD", "error"])
def test_the_trades_stand_under_whatever_is_not_last(key: str) -> None:
    """The name of the key is not that of the question."""
    trades = read(body(ROW, ROW.replace("58]", '59,"new"]'), key=key))
    assert [trade.trade_id for trade in trades] == [109118758, 109118759]  # type: ignore[union-attr]


def test_members_in_any_order_and_unknown_ones() -> None:
    """Neither is promised; a page may be empty; a warning may come with it."""
    assert read(b'{"result":{"last":"5","X":[]},"new":{},"error":["WGeneral:Old"]}') == ()


@pytest.mark.parametrize(
    "side, kind, said", [("b", "m", ("buy", "market")), ("s", "x", ("sell", "x"))]
)
def test_letters_are_words(side: str, kind: str, said: tuple[str, str]) -> None:
    """As the stream has them; a type that is new is shown as it came."""
    (trade,) = read(body(ROW.replace('"b","l"', f'"{side}","{kind}"')))  # type: ignore[misc]
    assert (trade.side, trade.ord_type) == said


@given(
    st.integers(0, 253_402_300_799),
    st.integers(0, 9).flatmap(lambda n: st.text("0123456789", min_size=n, max_size=n)),
)
def test_times_are_exact(seconds: int, fraction: str) -> None:
    """To the nanosecond, which no float could hold."""
    time = f"{seconds}.{fraction}" if fraction else str(seconds)
    (trade,) = read(body(ROW.replace("1790359840.9392912", time)))  # type: ignore[misc]
    assert trade.timestamp == seconds * NANOSECONDS + int(fraction.ljust(9, "0"))


@given(
    st.decimals(0, 10**12, allow_nan=False, places=10),
    st.integers(0, 2**63 - 1),
    st.sampled_from(["b", "s"]),
)
def test_what_is_written_is_read(price: Decimal, number: int, side: str) -> None:
    """Every number keeps its digits."""
    row = json.dumps([f"{price:f}", "1.50", 1, side, "m", "", number])
    (trade,) = read(body(row))  # type: ignore[misc]
    assert (f"{trade.price:f}", f"{trade.qty:f}") == (f"{price:f}", "1.50")
    assert (trade.trade_id, trade.side[0], trade.timestamp) == (number, side, NANOSECONDS)


@pytest.mark.parametrize(
    "payload, status, headers, refused",
    [
        (b'{"error":["EGeneral:Too many requests"]}', 200, {}, (True, 0.0)),
        (b'{"error":["EGeneral:Too many requests"],"result":null}', 200, {}, (True, 0.0)),
        (b'{"error":["EService:Unavailable"],"result":{}}', 200, {}, (True, 0.0)),
        (b'{"error":["EService: Throttled: 1790359846"]}', 200, {}, (True, 5.0)),
        (b'{"error":["EService: Throttled: 1790359836"]}', 200, {}, (True, 0.0)),
        (b'{"error":["EQuery:Unknown asset pair"]}', 200, {}, (False, 0.0)),
        (b'{"error":["WQuery:x","EQuery:Unknown asset pair"]}', 200, {}, (False, 0.0)),
        (b'{"error":["EService:Busy","EGeneral:Invalid arguments:x"]}', 200, {}, (False, 0.0)),
        (b"<html>", 429, {"retry_after": "7"}, (True, 7.0)),
        (b"<html>", 503, {"retry_after": "Fri, 31 Dec 1999 23:59:59 GMT"}, (True, 0.0)),
        (b"<html>", 522, {}, (True, 0.0)),
        (b"", 302, {"location": "https://elsewhere.test/"}, (False, 0.0)),
        (b"<html>", 403, {}, (False, 0.0)),
    ],
)
def test_a_refusal(
    payload: bytes, status: int, headers: dict[str, str], refused: tuple[bool, float]
) -> None:
    """In the exchange's words or by the status, and what it means for the next attempt."""
    answer = read(payload, status, **headers)
    assert isinstance(answer, RestRefused)
    assert (answer.transient, answer.retry_after_s) == refused
    said = f"HTTP status {status}"
    if status == 200:
        said = ", ".join(e for e in json.loads(payload)["error"] if e.startswith("E"))
    assert str(answer.error) == f"Trades: {said}"


def test_a_refusal_is_short_and_printable() -> None:
    """Whatever a stranger sent, it fits in a line of a log."""
    answer = read(json.dumps({"error": ["E\n" + "x " * 10_000]}).encode())
    assert isinstance(answer, RestRefused)
    assert len(answer.error.reason) <= 120
    assert answer.error.reason.isprintable()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"error":[]}',
        b'{"error":[],"result":null}',
        b'{"error":[],"result":{"last":"5"}}',
        b'{"error":[],"result":{"X":[],"Y":[],"last":"5"}}',
        b'{"error":[],"result":{"X":[[]]}}',
        b"[" * 100_000,
        *(
            body(ROW.replace(old, new))
            for old, new in (
                ("83930.30000", "NaN"),
                ("83930.30000", "-1"),
                ("83930.30000", " 1"),
                ("83930.30000", "1_0"),
                ("83930.30000", "1e1000000"),
                ('"83930.30000"', "83930.3"),
                ("1790359840.9392912", "-1"),
                ("1790359840.9392912", '"NaN"'),
                ("1790359840.9392912", "1e300"),
                ("1790359840.9392912", "253402300800"),
                ("1790359840.9392912", "null"),
                ('"b"', '"x"'),
                ("109118758", "-1"),
                ("109118758", "9223372036854775808"),
                ("109118758", "1.5"),
            )
        ),
    ],
)
def test_what_is_no_answer_is_a_fault(payload: bytes) -> None:
    """Whatever is wrong with it, it is one error, and nothing of it is used."""
    with pytest.raises(ProtocolError) as caught:
        read(payload)
    assert len(caught.value.excerpt) <= 120


@given(st.binary(max_size=60))
def test_any_bytes_at_all(payload: bytes) -> None:
    """They are an answer, a refusal or a fault."""
    with pytest.raises(ProtocolError):
        read(b"\x00" + payload)
    with suppress(ProtocolError):
        read(body(ROW).replace(b"109118758", payload))


def test_documented_and_captured_answers(examples: Path) -> None:
    """All of them are read."""
    lines = (examples / "rest-Trades.jsonl").read_bytes().splitlines()
    pages = [read(line) for line in lines if line]
    assert pages
    for page in pages:
        assert isinstance(page, tuple)
        numbers = [trade.trade_id for trade in page]
        assert numbers == sorted(set(numbers))
    for line in (examples / "rest-errors.jsonl").read_bytes().splitlines():
        assert not line or isinstance(read(line), RestRefused)

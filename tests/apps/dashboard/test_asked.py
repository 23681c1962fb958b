"""What a page may ask for, and what it may not."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.apps.dashboard.asked import (
    MOST_BYTES,
    Add,
    AddAlert,
    Break,
    Look,
    Refusal,
    Remove,
    RemoveAlert,
    Request,
    ShowFrames,
    decode,
    price,
)
from kraken_trio._internal.apps.view.frames import Filter

pytestmark = pytest.mark.extra("dashboard")  # noqa: S610 - a mark of pytest, no query of Django


@pytest.mark.parametrize(
    "text, asked",
    [
        ('{"type":"add","symbol":"BTC/USD"}', Add(symbol="BTC/USD")),
        ('{"type":"remove","symbol":"X","request":7}', Remove(symbol="X", request=7)),
        ('{"type":"look","symbol":"X"}', Look(symbol="X", interval=1)),
        ('{"type":"look","symbol":"X","interval":5}', Look(symbol="X", interval=5)),
        (
            '{"type":"alert_add","symbol":"X","when":"above","price":"1.50"}',
            AddAlert(symbol="X", when="above", price="1.50"),
        ),
        ('{"type":"alert_remove","id":3}', RemoveAlert(id=3)),
        ('{"type":"chaos","name":"drop"}', Break(name="drop")),
    ],
)
def test_a_request_is_read(text: str, asked: Request) -> None:
    """Each by its type."""
    assert decode(text) == asked


def test_a_filter_is_read() -> None:
    """With what is left out, or null, meaning all."""
    asked = decode('{"type":"frames","on":true,"filter":{"text":"x","session":null}}')
    assert isinstance(asked, ShowFrames)
    assert (asked.on, asked.wanted) == (True, Filter(text="x"))
    assert decode('{"type":"frames","on":false}') == ShowFrames(on=False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "{}",
        '{"type":"add"}',
        '{"type":"buy","symbol":"BTC/USD"}',
        '{"type":"add","symbol":7}',
        '{"type":"alert_add","symbol":"X","when":"below","price":1.5}',
        '{"type":"alert_add","symbol":"X","when":"near","price":"1.5"}',
        json.dumps({"type": "add", "symbol": "x" * 33}),
        json.dumps({"type": "chaos", "name": "x" * MOST_BYTES}),
        "[" * 3000,
    ],
)
def test_what_makes_no_sense_is_refused(text: str) -> None:
    """In words, and nothing else is raised."""
    with pytest.raises(Refusal) as refused:
        decode(text)
    assert refused.value.reason
    assert refused.value.request is None


@pytest.mark.parametrize(
    "request_number, found", [(5, 5), (-1, None), (True, None), ("5", None), (2**60, None)]
)
def test_a_refusal_has_the_number_of_its_request(request_number: object, found: object) -> None:
    """Where that is a number."""
    with pytest.raises(Refusal) as refused:
        decode(json.dumps({"type": "what", "request": request_number}))
    assert refused.value.request == found


@given(st.text(max_size=50) | st.binary(max_size=50))
def test_nothing_else_ever_comes_out(text: str | bytes) -> None:
    """Whatever a page sends."""
    with pytest.raises(Refusal):
        decode(text)


@pytest.mark.parametrize(
    "text",
    [
        "1",
        " 0.00000001 ",
        "62800.50",
        "1e3",
        "10000000000",
        "12345678901.5",
        "999999999999999.999999999999999999",
    ],
)
def test_a_price_is_exact(text: str) -> None:
    """As a decimal."""
    assert price(text) == Decimal(text.strip())


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "0", "-1", "NaN", "Infinity", "1e15", "1e-19", "1e999999999", "1e-999999999"),
        *("sNaN", "999999999999999.9999999999999999999", f"1.{'0' * 37}1"),
    ],
)
def test_what_is_no_price_is_refused(text: str) -> None:
    """Also what would take all memory to print."""
    with pytest.raises(Refusal):
        price(text)

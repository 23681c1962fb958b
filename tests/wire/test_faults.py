"""The one error that every fault becomes."""

from __future__ import annotations

import json
from decimal import Decimal, Overflow

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.model.errors import (
    EXCERPT_CHARACTERS,
    ConfigurationError,
    ProtocolError,
)
from kraken_trio._internal.wire.faults import FAULTS, excerpt, protocol_error, words

TOKENS = st.text(
    alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", min_size=8
)


@pytest.mark.parametrize(
    "fault, reason",
    [
        (RecursionError("maximum recursion depth exceeded"), "nested too deeply"),
        (Overflow([Overflow]), "a number has more than 40 digits"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "text is not UTF-8"),
        (msgspec.ValidationError("Expected `int`"), "Expected `int`"),
        (ValueError("a time does not exist"), "a time does not exist"),
        (ConfigurationError("depth", "is wrong", "Mend it"), "depth: is wrong. Mend it"),
        (ValueError("\x1b[31m" + "x." * 100), ".[31m" + "x." * 57 + "x"),
    ],
)
def test_reason(fault: Exception, reason: str) -> None:
    """Each fault has its reason, bounded and printable."""
    assert isinstance(fault, FAULTS)
    error = protocol_error(fault, b"{}")
    assert isinstance(error, ProtocolError)
    assert (error.reason, error.excerpt, error.close_code) == (reason, "{}", None)


@pytest.mark.parametrize("bug", [TypeError(), KeyError(), AttributeError(), MemoryError()])
def test_bug_is_no_fault(bug: Exception) -> None:
    """What is not the sender's fault is not taken for it."""
    assert not isinstance(bug, FAULTS)


def test_absurd_number_is_a_fault() -> None:
    """What ``Decimal`` itself raises for an absurd exponent is a fault."""
    with pytest.raises(FAULTS):
        Decimal("1e99999999999999999999")


@given(st.binary(max_size=600))
def test_excerpt_is_bounded_and_printable(payload: bytes) -> None:
    """An excerpt of whatever bytes is short and printable."""
    shown = excerpt(payload)
    assert len(shown) <= EXCERPT_CHARACTERS
    assert shown.isprintable()


def test_excerpt_shows_the_beginning() -> None:
    """An excerpt of text is its beginning."""
    text = "CloudFlare WebSocket proxy restarting"
    assert excerpt(text.encode()) == text
    assert excerpt(b'{"error":"Token(s) not found"}') == '{"error":"Token(s) not found"}'


@given(TOKENS, st.integers(0, 150), st.sampled_from([None, 1]), st.integers(0, 40))
def test_token_is_masked(token: str, before: int, indent: int | None, cut: int) -> None:
    """No part of a token is shown, wherever it stands, and however the frame is cut off."""
    frame = {"method": "m" * before, "params": {"token": token, "symbol": ["BTC/USD"]}}
    text = json.dumps(frame, indent=indent)
    payload = text[: len(text) - cut].encode()
    shown = excerpt(payload) + protocol_error(ValueError(text), payload).reason
    assert not any(token[i : i + 8] in shown for i in range(len(token) - 7))


def test_what_is_cut_off_is_masked_too() -> None:
    """A long word whose end lies beyond what is looked at is not shown in part."""
    words = " ".join(["S" * 43] * 100)
    for shown in (excerpt(words.encode()), protocol_error(ValueError(words), b"").reason):
        assert set(shown) <= {"*", " "}


@pytest.mark.parametrize("piece", ["\\", "token", " ", "S" * 31 + ".", "token =", "\\u00", "["])
def test_masking_a_flood(piece: str) -> None:
    """An excerpt of a frame of any size is made of its beginning."""
    flood = piece.encode() * 1_000_000
    shown = excerpt(flood)
    assert len(shown) <= EXCERPT_CHARACTERS
    assert shown == excerpt(flood[:2000])


@pytest.mark.parametrize(
    "text",
    [
        "{'token': 'SECRETSECRET'}",
        '{"Token" : "SECRETSECRET"}',
        "token=SECRETSECRET",
        '{"ws_token":"SECRETSECRET',
        '{"token":"SECRET\\/SECRET"}',
        '{"x":"{\\"token\\": \\"SECRETSECRET\\"}"}',
        '{"tok\\u0065n":"SECRETSECRET"}',
        '{"x":"{\\"\\\\u0074oken\\": \\"SECRETSECRET\\"}"}',
        '{"token":["SECRETSECRET"]}',
        '{"tokens":["SECRET","SECRET"]}',
        '{"token" : {"a":"SECRETSECRET"}}',
        "rubbish token SECRETSECRET",
        '{"ticket":"SECRETSECRET+/SECRETSECRET_-SECRETSECRET"}',
        '{"ticket":"SECRETSECRET\\/SECRETSECRETSECRETSECRET"}',
    ],
)
def test_token_is_masked_in_any_spelling(text: str) -> None:
    """A token is masked in text that is not JSON too."""
    assert "SECRET" not in excerpt(text.encode())
    assert "****" in excerpt(text.encode())


def test_words_are_short_and_without_a_token() -> None:
    """What the exchange says is shown as it is, unless it says too much."""
    assert words("EQuery:Unknown asset pair") == "EQuery:Unknown asset pair"
    assert words("bad token " + "aB3/" * 11) == "bad token ****"
    assert len(words("no " * 10**6)) <= 120
    assert words("line\nbreak") == "line.break"

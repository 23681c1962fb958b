"""Private calls are believed that are signed with the one key, each under a new number."""

from __future__ import annotations

import base64
import json

import pytest

from kraken_trio._internal.testing.keys import API_KEY, API_SECRET, Keys
from kraken_trio._internal.wire.sign import decode_secret, sign

PATH = "/0/private/GetWebSocketsToken"
JSON = "application/json; charset=utf-8"
FORM = "application/x-www-form-urlencoded"
KEY, SIGNATURE, NONCE = "EAPI:Invalid key", "EAPI:Invalid signature", "EAPI:Invalid nonce"


@pytest.fixture
def keys() -> Keys:
    """Give the key, unused."""
    return Keys()


def headers(nonce: int, body: bytes, kind: str = FORM) -> dict[str, str]:
    """Sign a call."""
    signature = sign(PATH, nonce, body, decode_secret(API_SECRET))
    return {"api-key": API_KEY, "api-sign": signature, "content-type": kind}


def call(keys: Keys, nonce: int) -> str | None:
    """Make a call that is signed well."""
    body = b"nonce=%d" % nonce
    return keys.refusal(PATH, headers(nonce, body), body)


def test_the_key_says_what_it_is() -> None:
    """Nobody can take it for a real one."""
    assert "NOT/A/REAL/ONE" in API_KEY
    assert b"opens the simulated exchange" in base64.b64decode(API_SECRET)


@pytest.mark.parametrize(
    "body, kind",
    [
        (b"nonce=5", FORM),
        (b"otp=1&nonce=5", ""),
        (b'{"nonce":5}', JSON),
        (b'{"nonce":"5","x":[]}', JSON.upper()),
    ],
)
def test_both_kinds_of_bodies(keys: Keys, body: bytes, kind: str) -> None:
    """A form, or JSON where that is said."""
    assert keys.refusal(PATH, headers(5, body, kind), body) is None


def test_numbers_rise(keys: Keys) -> None:
    """A nonce is used once, and none below it then, up to 64 bits."""
    assert [call(keys, n) for n in (5, 5, 4, 6, 2**64 - 1, 2**64, 7)] == [
        *(None, NONCE, NONCE, None, None, NONCE, NONCE)
    ]


@pytest.mark.parametrize(
    "body, kind",
    [
        (b"", FORM),
        (b"nonce=", FORM),
        (b"nonce=x", FORM),
        (b"nonce=-1", FORM),
        ("nonce=\u0665".encode(), FORM),
        (b"nonce=\xff", FORM),
        (b"nonce=" + b"9" * 5000, FORM),
        (b'{"nonce":5}', FORM),
        (b"nonce=5", JSON),
        (b'{"nonce":5.5}', JSON),
        (b'{"nonce":true}', JSON),
        (b"[5]", JSON),
        (b"{}", JSON),
        (b"[" * 50_000, JSON),
        (b'{"nonce":' + b"9" * 5000 + b"}", JSON),
    ],
)
def test_calls_without_a_number(keys: Keys, body: bytes, kind: str) -> None:
    """Where no nonce can be read there is no call."""
    assert keys.refusal(PATH, headers(5, body, kind), body) == NONCE


def test_other_keys(keys: Keys) -> None:
    """Another key, or none, is unknown."""
    body = b"nonce=5"
    signed = headers(5, body)
    assert keys.refusal(PATH, signed | {"api-key": "other"}, body) == KEY
    assert keys.refusal(PATH, {}, body) == KEY


def test_wrong_signatures(keys: Keys) -> None:
    """One of another path, body or nonce, and none at all, uses no nonce up."""
    body = json.dumps({"nonce": 5}).encode()
    signed = headers(5, body, JSON)
    assert keys.refusal("/0/private/Balance", signed, body) == SIGNATURE
    assert keys.refusal(PATH, signed, body + b" ") == SIGNATURE
    assert keys.refusal(PATH, headers(6, body, JSON), body) == SIGNATURE
    assert (
        keys.refusal(
            PATH, signed | {"api-sign": "\udcff".encode("utf-8", "replace").decode()}, body
        )
        == SIGNATURE
    )
    del signed["api-sign"]
    assert keys.refusal(PATH, signed, body) == SIGNATURE
    assert call(keys, 5) is None

"""The signature of private REST requests."""

from __future__ import annotations

import base64
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.wire.sign import decode_secret, next_nonce, sign

# The exchange's published test key and nonce.
SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
NONCE = 1616492376594


@pytest.mark.parametrize(
    "path, body, signature",
    [
        pytest.param(
            "/0/private/AddOrder",
            b"nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
            "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==",
            id="published",
        ),
        pytest.param(
            "/0/private/GetWebSocketsToken",
            b"nonce=1616492376594",
            "+mRDmY9Ks0Moc1zjv/BjfvYa98buO0x1yHChZR5onlfAzAUbfIYlLggUZzdQ0RsmXm4Sh+Q8iAIZdo2wSeHeiA==",
            id="form",
        ),
        pytest.param(
            "/0/private/GetWebSocketsToken",
            b'{"nonce":1616492376594}',
            "yl7HvQ7MH+jWgPjH8r2+qILii9+OjPXXmiYU0uJ3ZdoxQGQlSfjTrhVW8NhLKbAnVRjuuiqkn/lDVd8AhdBrfQ==",
            id="json",
        ),
    ],
)
def test_signature(path: str, body: bytes, signature: str) -> None:
    """The signature is the published one, and those computed alike for the token request."""
    assert sign(path, NONCE, body, decode_secret(SECRET)) == signature


@given(st.binary(min_size=1, max_size=80))
def test_secret_round_trip(secret: bytes) -> None:
    """Every key of at least one byte is read back from its base64."""
    assert decode_secret(base64.b64encode(secret).decode()) == secret


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(SECRET[:-1], id="cut-padding"),
        pytest.param(SECRET[:-5], id="cut"),
        pytest.param(SECRET[1:], id="first-character-lost"),
        pytest.param(SECRET + "\n", id="line-end"),
        pytest.param(" " + SECRET, id="blank"),
        pytest.param(SECRET + SECRET, id="twice"),
        pytest.param(SECRET[:-3] + "h==", id="stray-bits"),
        pytest.param(SECRET.replace("/", "_"), id="url-alphabet"),
        pytest.param(SECRET[:40] + "é" + SECRET[41:], id="not-ascii"),
        pytest.param(SECRET[:40] + "\ud800" + SECRET[41:], id="not-unicode"),
        pytest.param("====", id="padding-alone"),
    ],
)
def test_wrong_secret_is_never_shown(text: str) -> None:
    """A secret that is not strict base64 is refused, and no part of it is in the error."""
    with pytest.raises(ConfigurationError) as caught:
        decode_secret(text)
    assert caught.value.field == "api_secret"
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert not any(text[i : i + 6] in shown for i in range(len(text) - 5))


@pytest.mark.parametrize(
    "now_ns, last, nonce",
    [
        pytest.param(1_700_000_000_000_000_000, 0, 1_700_000_000_000_000_000, id="first"),
        pytest.param(9, 5, 9, id="later"),
        pytest.param(5, 5, 6, id="same-instant"),
        pytest.param(5, 9, 10, id="clock-went-back"),
    ],
)
def test_nonce_increases(now_ns: int, last: int, nonce: int) -> None:
    """A nonce is the time where that increases, and one more than the last where not."""
    assert next_nonce(now_ns, last) == nonce

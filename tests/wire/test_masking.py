"""Secrets in frames, however they are spelt."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from kraken_trio import Secret
from kraken_trio._internal.wire.masking import (
    MOST_SPELLINGS,
    SHORTEST,
    Concealed,
    masked,
    spellings,
    unspoken,
)

SECRET = 'a/Secret+"That\\Nobody/Sees=='


@pytest.mark.parametrize(
    "spelt",
    [
        SECRET,
        json.dumps(SECRET),
        json.dumps(SECRET).replace("/", "\\/"),
        json.dumps(json.dumps(SECRET).replace("/", "\\/")),
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        SECRET.encode().hex(),
    ],
)
def test_a_secret_is_found_however_it_is_spelt(spelt: str) -> None:
    """Nothing of it is left, and all around it is."""
    shown = masked(memoryview(f'{{"a":"{spelt}"}}'.encode()), spellings(SECRET))
    assert b"****" in shown
    for spelling in spellings(SECRET):
        assert spelling not in shown
    assert shown.startswith(b'{"a":"')


def test_what_is_too_short_is_no_secret() -> None:
    """It would be found in every frame."""
    assert spellings("a" * (SHORTEST - 1)) == ()
    assert masked(b"abc", ()) == b"abc"


@pytest.mark.parametrize(
    "frame, shown",
    [
        (b'{"token":"abc/def"}', b'{"token":"****"}'),
        (b'{"api_key": "abc" , "x":1}', b'{"api_key": "****" , "x":1}'),
        (b'{"Token":"a\\/b"}', b'{"Token":"****"}'),
        (b'{"msg":"{\\"token\\":\\"abc\\"}"}', b'{"msg":"{\\"token\\":\\"****\\"}"}'),
        (b'{"channel":"heartbeat"}', b'{"channel":"heartbeat"}'),
        (b'{"class":"tokenized_asset"}', b'{"class":"tokenized_asset"}'),
    ],
)
def test_members_that_are_named_after_a_secret(frame: bytes, shown: bytes) -> None:
    """Their values are asterisks; words that only sound so are left."""
    assert unspoken(frame) == shown


def test_keys_are_concealed_for_good_and_tokens_for_a_while() -> None:
    """What holds none of them is the frame itself."""
    concealed = Concealed()
    frame = b"key-1234 token-0"
    assert concealed.shown(frame) is frame
    concealed.add(Secret("key-1234"), for_good=True)
    for number in range(MOST_SPELLINGS):
        concealed.add(Secret(f"token-{number}"))
    assert concealed.shown(b"key-1234 token-0 token-255") == b"**** token-0 ****"

"""Secrets in frames, however they are spelt."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest

from kraken_trio import ProtocolError, Secret
from kraken_trio._internal.wire.masking import MOST_TOKENS, SHORTEST, Concealed, unspoken

SECRETS = [
    'a/Secret+"That\\Nobody/Sees==',
    "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu+3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huA==",
    "c-d_e/f+g/h\nünïcode 1",
    "a/b/c/d/",
]


def spelt(secret: str) -> Iterator[tuple[str, str]]:
    """Give every spelling that there is, found without the module: its name, and it."""
    plain = secret.encode()
    yield "plain", secret
    yield "json", json.dumps(secret)[1:-1]
    yield "json utf-8", json.dumps(secret, ensure_ascii=False)[1:-1]
    yield "json slash", json.dumps(secret)[1:-1].replace("/", "\\/")
    yield "json twice", json.dumps(json.dumps(secret)[1:-1].replace("/", "\\/"))[1:-1]
    yield "u002f", json.dumps(secret)[1:-1].replace("/", "\\u002f")
    yield "u002F", json.dumps(secret)[1:-1].replace("/", "\\u002F").replace("+", "\\u002B")
    yield "all u", "".join(f"\\u{ord(each):04x}" for each in secret)
    yield "url", quote(secret, safe="")
    yield "url lower", quote(secret, safe="").replace("%2F", "%2f").replace("%2B", "%2b")
    yield "url safe slash", quote(secret)
    yield "url plus", quote_plus(secret)
    yield "url twice", quote(quote(secret, safe=""), safe="")
    yield "all percent", "".join(f"%{byte:02x}" for byte in plain)
    yield "hex", plain.hex()
    yield "HEX", plain.hex().upper()
    for name, text in (
        ("base64", base64.b64encode(plain)),
        ("base64url", base64.urlsafe_b64encode(plain)),
        ("base64 within", base64.b64encode(b"x" + plain)),
    ):
        yield name, text.decode()
        yield f"{name}, bare", text.decode().rstrip("=")
    yield "no padding", secret.rstrip("=")
    yield "url of base64", quote(base64.b64encode(plain).decode(), safe="")
    yield "swapped", secret.rstrip("=").replace("+", "-").replace("/", "_")


SPELT = [(secret, name, text) for secret in SECRETS for name, text in spelt(secret)]


@pytest.mark.parametrize("secret, name, text", SPELT, ids=[f"{n}-{s[:4]!a}" for s, n, _ in SPELT])
def test_a_secret_is_found_however_it_is_spelt(secret: str, name: str, text: str) -> None:
    """Nothing of it is left, and all around it is."""
    concealed = Concealed()
    concealed.add(Secret(secret))
    shown = bytes(concealed.shown(memoryview(f'{{"a":"{text}","b":1}}'.encode())))
    head, mask, tail = shown.partition(b"****")
    assert mask
    # In base64, what comes before it is mixed into its first character.
    assert head.startswith(b'{"a":"')
    assert len(head) <= 6 + 2 * ("within" in name)
    assert tail.endswith(b'","b":1}')
    assert len(tail) <= 8 + ("base64" in name) + ("within" in name)


def test_what_base64_stands_for_is_found_in_hex() -> None:
    """A key is often made of bytes."""
    concealed = Concealed()
    concealed.add(Secret(SECRETS[1]))
    assert concealed.shown(base64.b64decode(SECRETS[1]).hex().encode()) == b"****"


def test_what_is_too_short_is_no_secret() -> None:
    """It would be found in every frame."""
    concealed = Concealed()
    concealed.add(Secret("a" * (SHORTEST - 1)))
    assert concealed.shown(b"aaaaaaaaaa") == b"aaaaaaaaaa"


@pytest.mark.parametrize(
    "frame, shown",
    [
        (b'{"token":"abc/def"}', b'{"token":"****"}'),
        (b'{"api_key": "abc" , "x":1}', b'{"api_key": "****" , "x":1}'),
        (b'{"Token":"a\\/b"}', b'{"Token":"****"}'),
        (b'{"msg":"{\\"token\\":\\"abc\\"}"}', b'{"msg":"{\\"token\\":\\"****\\"}"}'),
        (b'{"token":"a\\"b","c":1}', b'{"token":"****","c":1}'),
        (b'{"m":"{\\"token\\":\\"a\\\\\\"b\\",1}"}', b'{"m":"{\\"token\\":\\"****\\",1}"}'),
        (b'{"token":"a\\\\","c":1}', b'{"token":"****","c":1}'),
        (b'{"token":"cut of', b'{"token":"****'),
        (b'{"key":123456,"c":1}', b'{"key":"****","c":1}'),
        (b'{"token":["a]b",["c"]],"d":1}', b'{"token":"****","d":1}'),
        (b'{"token":["abc', b'{"token":"****"'),
        (b'{"tok\\u0065n":"abc"}', b'{"token":"****"}'),
        (b'{"token":null}', b'{"token":null}'),
        (b'{"a":"\\u0041"}', b'{"a":"\\u0041"}'),
        (b'{"channel":"heartbeat"}', b'{"channel":"heartbeat"}'),
        (b'{"class":"tokenized_asset"}', b'{"class":"tokenized_asset"}'),
        (b'{"monkey":"abc","design":"abc"}', b'{"monkey":"abc","design":"abc"}'),
        *(
            (b'{"%b":"abc"}' % name, b'{"%b":"****"}' % name)
            for name in (
                b"ws_token,access_token,websocketToken,secret_key,private_key,otp,password,"
                b"apiKey,API-Key,API-Sign,passphrase,api_secret"
            ).split(b",")
        ),
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
    for number in range(MOST_TOKENS + 1):
        concealed.add(Secret(f"token-{number}x"))
    assert concealed.shown(b"key-1234 token-0x token-24x") == b"**** token-0x ****"
    assert concealed.text("é key-1234") == "é ****"


def test_an_error_is_that_of_the_frame_without_its_secrets() -> None:
    """Whatever it quotes; one that is none without them says so."""
    concealed = Concealed()
    concealed.add(Secret("key-1234"))

    def decode(payload: bytes | memoryview, at: None) -> None:
        if bytes(payload) != b"good ****":
            raise ProtocolError(bytes(payload).decode())

    first = ProtocolError("key-")
    assert concealed.fault(first, b"bad", decode) is first
    assert str(concealed.fault(first, b"bad key-1234", decode)) == "bad ****"
    assert "cannot be decoded" in str(concealed.fault(first, b"good key-1234", decode))


def test_what_a_short_secret_stands_for_is_too_short_to_be_sought() -> None:
    """Four bytes may stand anywhere; the six characters that encode them are masked."""
    concealed = Concealed()
    concealed.add(Secret("abcdef"))
    inner = base64.b64decode("abcdef==").hex().encode()
    assert bytes(concealed.shown(inner)) == inner
    assert b"abcdef" not in bytes(concealed.shown(b"x abcdef x"))


def test_what_is_kept_has_neither_a_secret_nor_what_is_called_one() -> None:
    """Both are masked, each in its own way."""
    concealed = Concealed()
    concealed.add(Secret("abcdefgh"), for_good=True)
    assert concealed.kept(b'{"a":"abcdefgh","token":"other"}') == b'{"a":"****","token":"****"}'
    assert concealed.kept(memoryview(b"plain")) == b"plain"

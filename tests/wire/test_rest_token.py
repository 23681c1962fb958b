"""How a token is asked for, what its answers say, and that nothing of it is ever shown."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.model.errors import AuthenticationError, ProtocolError
from kraken_trio._internal.model.ports import RestResponse
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.wire.rest import RestRefused
from kraken_trio._internal.wire.rest_token import PATH, Token, read_token, token_request

NOW = Timestamp(1_790_359_841 * NANOSECONDS)
# The exchange's published test key and nonce; the signature was computed by another program.
SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
NONCE = 1616492376594
SIGNATURE = (
    "+mRDmY9Ks0Moc1zjv/BjfvYa98buO0x1yHChZR5onlfAzAUbfIYlLggUZzdQ0RsmXm4Sh+Q8iAIZdo2wSeHeiA=="
)
TEXT = "xeAQ/RCChBYNVh53sTv1yZ5H4wIbwDF20PiHtTF+4UI"
ANSWER = (
    b'{"error":[],"result":{"token":"xeAQ\\/RCChBYNVh53sTv1yZ5H4wIbwDF20PiHtTF+4UI","expires":900}}'
)


def read(payload: bytes, status: int = 200) -> Token | AuthenticationError | RestRefused:
    """Read an answer."""
    return read_token(RestResponse(status, (), payload), NOW)


def test_the_question_is_signed() -> None:
    """The nonce alone, as a form, under the key and its signature; and none of it is shown."""
    request = token_request(Secret("my-key"), Secret(SECRET), NONCE)
    assert request.body == b"nonce=1616492376594"
    assert request.headers == {
        "API-Key": "my-key",
        "API-Sign": SIGNATURE,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    assert repr(request) == f"TokenRequest({PATH})"


def test_a_token_is_read_and_not_shown() -> None:
    """Its slashes are escaped on the wire."""
    token = read(ANSWER)
    assert token == Token(Secret(TEXT), 900)
    assert repr(token) == "Token(text=Secret(****), life_s=900)"


@pytest.mark.parametrize(
    "payload, life_s",
    [(b'{"result":{"token":"t","more":{}}}', 900), (ANSWER.replace(b"900", b"1"), 1)],
)
def test_how_long_it_lives(payload: bytes, life_s: int) -> None:
    """As it says, or as documented."""
    token = read(payload)
    assert isinstance(token, Token)
    assert token.life_s == life_s


@pytest.mark.parametrize(
    "words, mend",
    [
        ("EAPI:Invalid key", "api_key"),
        ("EAPI:Invalid signature", "api_secret"),
        ("EGeneral:Permission denied", "WebSocket interface"),
        ("EGeneral:Temporary lockout", "wait"),
        ("EAuth:Account temporary disabled", "support"),
        ("EAccount:Invalid permissions", "settings"),
        ("ENew:Whatever", "account's settings"),
    ],
)
def test_refused_for_good(words: str, mend: str) -> None:
    """In the exchange's words, with what to do; what nobody knows is not repeated either."""
    answer = read(f'{{"error":["{words}"]}}'.encode())
    assert isinstance(answer, AuthenticationError)
    assert answer.reason == words
    assert mend in answer.mend
    assert str(answer) == f"credentials refused: {words}. {answer.mend}"


@pytest.mark.parametrize(
    "words, wait_s",
    [
        ("EAPI:Invalid nonce", 0.0),
        ("EAPI:Rate limit exceeded", 0.0),
        ("EAuth:Rate limit exceeded", 0.0),
        ("EAuth:Too many requests", 0.0),
        ("EGeneral:Internal error:1", 0.0),
        ("EGeneral:Too many requests", 0.0),
        ("EService:Unavailable", 0.0),
        ("EService:Something new", 0.0),
        ("EService: Throttled: 1790359846", 5.0),
    ],
)
def test_refused_for_now(words: str, wait_s: float) -> None:
    """It says nothing about the credentials."""
    answer = read(f'{{"error":["{words}"]}}'.encode())
    assert isinstance(answer, RestRefused)
    assert (answer.transient, answer.retry_after_s) == (True, wait_s)
    assert str(answer.error) == f"GetWebSocketsToken: {words}"


@pytest.mark.parametrize("status", [302, 400, 403, 404, 429, 500, 503, 522])
def test_a_status_says_nothing_about_the_credentials(status: int) -> None:
    """It is of whoever stands in front of the exchange."""
    answer = read(ANSWER, status)
    assert isinstance(answer, RestRefused)
    assert str(answer.error) == f"GetWebSocketsToken: HTTP status {status}"


def test_but_for_the_one_that_does() -> None:
    """401 says that they are wrong (RFC 9110 section 15.5.2)."""
    answer = read(b"", 401)
    assert isinstance(answer, AuthenticationError)
    assert answer.reason == "HTTP status 401"


def test_the_worst_word_counts() -> None:
    """Busy, and the key is wrong as well: it will be wrong again."""
    answer = read(b'{"error":["EService:Busy","EAPI:Invalid key"]}')
    assert isinstance(answer, AuthenticationError)
    assert answer.reason == "EService:Busy, EAPI:Invalid key"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"<html>",
        b"[" * 100_000,
        b'{"error":[],"result":{}}',
        b'{"error":[],"result":{"token":""}}',
        b'{"error":[],"result":{"token":7}}',
        b'{"error":[],"result":{"token":"\\u0000"}}',
        b'{"error":[],"result":{"token":"\\u00e9"}}',
        b'{"error":[],"result":{"token":"' + b"x" * 4097 + b'"}}',
        ANSWER.replace(b"900", b"0"),
        ANSWER.replace(b"900", b'"900"'),
        ANSWER.replace(b"900", b"9e999"),
        ANSWER.replace(b"UI", b"\xff"),
        ANSWER[:-2],
    ],
)
def test_what_is_no_answer_is_a_fault_that_shows_nothing(payload: bytes) -> None:
    """It may hold a token, or half of one: neither the error nor what led to it has any of it."""
    with pytest.raises(ProtocolError, match="GetWebSocketsToken: ") as caught:
        read(payload)
    error = caught.value
    assert (error.__cause__, error.__context__, error.excerpt) == (None, None, "")
    shown = "".join(traceback.format_exception(error)) + repr(error.args)
    assert TEXT[:8] not in shown
    assert TEXT[-8:-2] not in shown


@given(st.binary(max_size=60), st.sampled_from([200, 401, 403, 503]))
def test_any_bytes_at_all(payload: bytes, status: int) -> None:
    """They are a token, a refusal or a fault."""
    for body in (payload, ANSWER.replace(b"900", payload), ANSWER[: len(payload)] + payload):
        shown = ""
        try:
            answer = read(body, status)
        except ProtocolError as error:
            shown = str(error)
        else:
            assert isinstance(answer, Token | AuthenticationError | RestRefused)
        assert TEXT[:8] not in shown


def test_the_documented_answer(examples: Path) -> None:
    """It is read."""
    (line,) = (examples / "rest-GetWebSocketsToken.jsonl").read_bytes().splitlines()
    token = read(line)
    assert isinstance(token, Token)
    assert token.text.reveal() == TEXT

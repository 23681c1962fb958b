"""What every answer over REST says first: a result, or a refusal and for how long."""

from __future__ import annotations

import json

import pytest
from msgspec import MsgspecError

from kraken_trio._internal.model.ports import RestResponse
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.wire.rest import RestRefused, passes, read_result

NOW = Timestamp(1_790_359_841 * NANOSECONDS)


def read(payload: bytes, status: int = 200, after: str | None = None) -> object:
    """Read an answer to some method."""
    headers = () if after is None else (("retry-after", after),)
    return read_result(RestResponse(status, headers, payload), "Method", NOW)


def test_a_result_is_given_undecoded() -> None:
    """Its members are for whoever asked; a warning may come with it."""
    result = read(b'{"new":{},"error":["WGeneral:Old"],"result":{"a":[1.50]}}')
    assert isinstance(result, dict)
    assert {key: bytes(value) for key, value in result.items()} == {"a": b"[1.50]"}


@pytest.mark.parametrize(
    "words, transient, wait_s, unavailable",
    [
        (["EGeneral:Too many requests"], True, 0.0, False),
        (["EService:Unavailable"], True, 0.0, True),
        (["EService: Throttled: 1790359846"], True, 5.0, False),
        (["EService: Throttled: [1790359846]"], True, 5.0, False),
        (["EService: Throttled: 1790359836"], True, 0.0, False),
        (["EQuery:Unknown asset pair"], False, 0.0, False),
        (["WQuery:x", "EQuery:Unknown asset pair"], False, 0.0, False),
        (["EService:Busy", "EGeneral:Invalid arguments:x"], False, 0.0, False),
    ],
)
def test_a_refusal_in_words(
    words: list[str], transient: bool, wait_s: float, unavailable: bool
) -> None:
    """With status 200; of several the worst counts, and warnings count for nothing."""
    refused = read(json.dumps({"error": words}).encode())
    assert isinstance(refused, RestRefused)
    assert (refused.transient, refused.retry_after_s) == (transient, wait_s)
    assert refused.unavailable == unavailable
    assert str(refused.error) == f"Method: {', '.join(w for w in words if w.startswith('E'))}"


@pytest.mark.parametrize(
    "status, after, transient, wait_s",
    [
        (429, "7", True, 7.0),
        (503, "Fri, 31 Dec 1999 23:59:59 GMT", True, 0.0),
        (522, None, True, 0.0),
        (302, None, False, 0.0),
        (403, "-1", False, 0.0),
    ],
)
def test_a_refusal_by_status(
    status: int, after: str | None, transient: bool, wait_s: float
) -> None:
    """Whoever stands in front of the exchange answered; the body is nobody's."""
    refused = read(b"<html>", status, after)
    assert isinstance(refused, RestRefused)
    assert (refused.transient, refused.retry_after_s) == (transient, wait_s)
    assert refused.unavailable == (status == 503)
    assert str(refused.error) == f"Method: HTTP status {status}"


def test_what_passes_is_up_to_the_method() -> None:
    """It may know more of its words."""
    response = RestResponse(200, (), b'{"error":["EQuery:Something new"]}')
    for passing, transient in ((passes, False), (lambda _: True, True)):
        refused = read_result(response, "Method", NOW, passing)
        assert isinstance(refused, RestRefused)
        assert refused.transient == transient


@pytest.mark.parametrize("payload", [b"", b"<html>", b"[]", b'{"error":[],"result":[]}'])
def test_what_is_no_answer_cannot_be_decoded(payload: bytes) -> None:
    """It raises what decoding raises."""
    with pytest.raises(MsgspecError):
        read(payload)


@pytest.mark.parametrize("payload", [b"{}", b'{"error":[],"result":null}'])
def test_an_answer_says_something(payload: bytes) -> None:
    """Neither a result nor an error is no answer."""
    with pytest.raises(ValueError, match="neither a result nor an error"):
        read(payload)

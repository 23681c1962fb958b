"""What every answer over REST says before it says anything else: yes, or no and for how long.

Knows the envelope, the HTTP statuses and the words of refusal; nothing of what was asked, and
never sends anything.

An answer says yes or no in its body: the HTTP status is 200 for nearly everything that got as
far as the exchange.

Source: sections "Basics" and "Rate limits" of the REST documentation, and observed answers:
throttling with status 200, results that are null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Raw, Struct

from kraken_trio._internal.model.errors import RequestError
from kraken_trio._internal.model.messages import Refusal
from kraken_trio._internal.model.ports import RestResponse
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.wire.faults import excerpt
from kraken_trio._internal.wire.refusals import refusal_of

_OK = 200
_UNAVAILABLE = 503
_BUSY = frozenset({408, 425, 429, 500, 502, _UNAVAILABLE, 504})
"""Statuses that another attempt may not meet (RFC 9110 section 15, RFC 6585 section 4)."""
_EDGE_ERRORS = range(520, 531)
"""As 502 and 504, in the words of the proxy before the exchange, which is Cloudflare's."""
# "EService: Throttled: 1790359841": when to ask again.
_THROTTLED = re.compile(r"EService: ?Throttled: ?\[?(\d{1,12})", re.ASCII).match
_CLOSED = re.compile(r"EService:Unavailable(?::|\Z)").match
_SECONDS = re.compile(r"\d{1,6}", re.ASCII).fullmatch


class RestRefused(Struct, frozen=True):
    """What was asked for was not given."""

    error: RequestError
    """Why, in the words of the exchange or of whoever is in front of it."""
    transient: bool
    """Whether the same question may be answered later."""
    retry_after_s: float = 0.0
    """How long it asked to wait, in seconds."""
    unavailable: bool = False
    """Whether it serves nobody now, so that having asked was no fault."""


class _Envelope(Struct, frozen=True, gc=False):
    error: tuple[str, ...] = ()
    result: dict[str, Raw] | None = None


_envelope = msgspec.json.Decoder(_Envelope).decode


def passes(error: str) -> bool:
    """Whether what was refused with these words may be given later."""
    return refusal_of(error) is Refusal.TRANSIENT


def read_result(
    response: RestResponse,
    method: str,
    received_at: Timestamp,
    passing: Callable[[str], bool] = passes,
) -> dict[str, Raw] | RestRefused:
    """Give the members of the result of an answer to ``method``, each undecoded.

    ``passing`` tells of words of refusal whether they are for now. Raises what decoding raises
    (``wire.faults.FAULTS``) for an answer that is none.
    """
    if response.status != _OK:
        return _refused_by_http(response, method)
    envelope = _envelope(response.body)
    # A warning ("W...") may come with a result.
    errors = tuple(error for error in envelope.error if not error.startswith("W"))
    if errors:
        return _refused(errors, method, received_at, transient=all(map(passing, errors)))
    if envelope.result is None:
        raise ValueError("an answer has neither a result nor an error")
    return envelope.result


def _refused_by_http(response: RestResponse, method: str) -> RestRefused:
    status = response.status
    after = dict(response.headers).get("retry-after", "")
    return RestRefused(
        RequestError(method, f"HTTP status {status}"),
        status in _BUSY or status in _EDGE_ERRORS,
        float(after) if _SECONDS(after) else 0.0,
        status == _UNAVAILABLE,
    )


def _refused(
    errors: Sequence[str], method: str, received_at: Timestamp, *, transient: bool
) -> RestRefused:
    """What the exchange's own words mean. Of several, the worst counts."""
    until = max((int(found[1]) for error in errors if (found := _THROTTLED(error))), default=0)
    wait_s = max(0.0, until - received_at / NANOSECONDS)
    said = excerpt(", ".join(errors).encode())
    return RestRefused(RequestError(method, said), transient, wait_s, any(map(_CLOSED, errors)))

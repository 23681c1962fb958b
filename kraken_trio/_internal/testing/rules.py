"""How the simulated exchange behaves where sources disagree, or where a test wants it otherwise.

Knows the choices and their bounds, nothing else.

Source: what is marked as unsure, and the "Checklist for a faithful simulator", in sections
"Status, heartbeat, ping", "Public channels", "level3", "Private channels", "Trading methods" and
"Limits" of the WebSocket v2 documentation.
"""

from __future__ import annotations

from typing import Any

import attrs

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.rules import count, flag, number, seconds
from kraken_trio._internal.testing.ratecount import TIERS, Tier
from kraken_trio._internal.testing.tokens import TOKEN_LIFE_S


def _seconds_or_never(
    half_made: object, attribute: attrs.Attribute[Any], value: float | None
) -> None:
    if value is not None:
        seconds(half_made, attribute, value)


def _tier(_: object, attribute: attrs.Attribute[Any], value: str) -> None:
    if value not in TIERS:
        raise ConfigurationError(
            field=attribute.name,
            rule=f"must be one of {', '.join(TIERS)}; this one is not",
            mend="Choose one of these",
        )


_BANNING = frozenset({403, 429})
_positive = count("a whole number from 1 on", 1)
_limit = count("a whole number from 1 on, or None", 1, optional=True)


@attrs.frozen(kw_only=True)
class ExchangeRules:
    """The manners of a simulated exchange. The defaults are what was observed lately."""

    heartbeat_interval_s: float = attrs.field(default=1.0, validator=seconds)
    """Seconds between two heartbeats."""
    heartbeats_when_busy: bool = attrs.field(default=True, validator=flag)
    """True: heartbeats come whatever else is sent, as observed. False: only after an interval in
    which nothing of any channel was sent, as documented."""
    idle_timeout_s: float | None = attrs.field(default=60.0, validator=_seconds_or_never)
    """A connection is closed when its client asked for nothing for so long; None for never. Any
    request counts, ``ping`` above all, which is meant for it; a ping of WebSockets is no request.
    At the private host only what a client with a subscription asks for counts. Source: section
    "Transport and life of a session" of the WebSocket v2 documentation."""
    snapshot_delay_s: float = attrs.field(
        default=0.0, validator=number("a number of seconds, 0 or more", lambda value: value >= 0)
    )
    """From an acknowledgement to its snapshot. The real one takes 0.05 to 0.2 seconds."""
    announcements: bool = attrs.field(default=True, validator=flag)
    """Whether the first ``status`` has the lists of maintenance and emergencies."""
    instrument_exponents: bool = attrs.field(default=True, validator=flag)
    """How ``instrument`` shows small increments: as ``1e-08``, or written out. Both were seen."""
    several_intervals: bool = attrs.field(default=True, validator=flag)
    """Whether one connection may have a pair's candles of several intervals."""
    max_backlog: int = attrs.field(default=10_000, validator=_positive)
    """Frames that wait for a client that reads too slowly. At one more it is hung up on: the
    real exchange keeps more, but no test is to eat all memory."""
    max_requests_per_s: int | None = attrs.field(default=None, validator=_limit)
    """Requests of a connection in any second; those beyond are refused with ``Exceeded msg
    rate``. None for no limit, for the real one is not published."""
    bare_rate_refusals: bool = attrs.field(default=False, validator=flag)
    """How they are refused: False for an answer with an ``error``, True for a frame that holds
    nothing but ``"Error"``. Both were seen."""
    max_attempts: int | None = attrs.field(default=150, validator=_limit)
    """WebSockets that may be asked for from one address within the window below. At one more it
    is banned. None for no limit. All clients in memory are of one address."""
    attempts_window_s: float = attrs.field(default=600.0, validator=seconds)
    """Seconds of the rolling window for ``max_attempts``."""
    ban_s: float = attrs.field(default=600.0, validator=seconds)
    """Seconds of a ban."""
    ban_status: int = attrs.field(
        default=429, validator=number("403 or 429", lambda value: value in _BANNING)
    )
    """The HTTP status that the banned are refused with: 429 and 403 were seen."""
    ban_tells_when: bool = attrs.field(default=False, validator=flag)
    """Whether they are told in ``Retry-After`` how long it lasts."""
    max_connections: int | None = attrs.field(default=None, validator=_limit)
    """Connections at the same time, all clients together; one more is refused with status 429.
    None for no limit, for the real one is not published."""
    max_level3_symbols: int | None = attrs.field(default=200, validator=_limit)
    """Symbols of ``level3`` on one connection. None for no limit."""
    max_level3_rate: int | None = attrs.field(default=200, validator=_limit)
    """What subscriptions to ``level3`` of one connection may count in any second: 5 for each symbol
    of depth 10, 25 of depth 100, 100 of depth 1000. Professionals have 500. None for no limit."""
    token_life_s: float = attrs.field(default=TOKEN_LIFE_S, validator=seconds)
    """Seconds within which a token has to be used. After that it is good as long as a private
    subscription that was made with it lasts."""
    tier: Tier = attrs.field(default="intermediate", validator=_tier)
    """Of the account: ``starter``, ``intermediate`` or ``pro``. It decides how many orders may be
    open in a pair, how many requests a client may make about them, and how fast."""
    events_before_responses: bool = attrs.field(default=False, validator=flag)
    """Whether what is told of a request that trades comes before its answer; both happen."""
    batch_failures_in_orders: bool = attrs.field(default=True, validator=flag)
    """How a batch is answered of which some orders fail: True for a list under ``orders``, with
    ``success`` in each, False for one as if none had failed, with an ``error`` in some. It is not
    documented, and was not captured."""
    batch_cancel_result: bool = attrs.field(default=False, validator=flag)
    """Whether ``batch_cancel`` is answered with a ``result``, as documented, or without one, as
    captured."""

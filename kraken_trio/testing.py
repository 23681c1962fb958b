"""A testing kit: what the exchange would send, without the exchange.

A ``Market`` makes books and trades from a seed, with right checksums, and the functions print
the frames around them. It shares no code with what it tests, and may grow in any version.
"""

from __future__ import annotations

from kraken_trio._internal.testing.frames import (
    failure_frame,
    heartbeat_frame,
    pong_frame,
    status_frame,
    success_frame,
)
from kraken_trio._internal.testing.market import Market
from kraken_trio._internal.testing.pair import USUAL_PAIRS, MarketEvent, MarketPair
from kraken_trio._internal.tiers import publish as _publish

__all__ = [
    "USUAL_PAIRS",
    "Market",
    "MarketEvent",
    "MarketPair",
    "failure_frame",
    "heartbeat_frame",
    "pong_frame",
    "status_frame",
    "success_frame",
]

_publish(globals())

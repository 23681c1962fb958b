"""A testing kit: the exchange, without the exchange.

``open_exchange`` opens a simulated one, over sockets or in memory, on a ``Market`` that makes
books, the orders behind them, trades, tickers and candles of any ``market_pairs`` from a seed, with
right checksums; its ``Account`` has orders and balances; its connections have every fault by name,
and ``ExchangeRules`` its manners and limits. ``chaos`` comes between a program and any exchange,
this one or another, and lets everything go wrong that can, as a seed has it. ``open_replay`` opens
one that plays captured traffic, ``open_flood`` one that sends what ``build_flood`` made beforehand.
They share no code with what they test, but for the signature of private calls, which is published;
and they may grow in any version.
"""

from __future__ import annotations

from kraken_trio._internal.testing.account import Account
from kraken_trio._internal.testing.chaos import Chaos, chaos
from kraken_trio._internal.testing.connection import ExchangeConnection
from kraken_trio._internal.testing.doors import ExchangeAddress
from kraken_trio._internal.testing.exchange import Exchange, open_exchange
from kraken_trio._internal.testing.flood import Flood, build_flood, open_flood
from kraken_trio._internal.testing.frames import (
    failure_frame,
    heartbeat_frame,
    pong_frame,
    status_frame,
    success_frame,
)
from kraken_trio._internal.testing.ledger import Ledger, LedgerEntry
from kraken_trio._internal.testing.listing import USUAL_PAIRS, market_pairs
from kraken_trio._internal.testing.market import Market
from kraken_trio._internal.testing.mishap import ChaosFault, ChaosPlan, Mishap, Planned
from kraken_trio._internal.testing.pair import MarketEvent, MarketPair
from kraken_trio._internal.testing.replay import Replay, open_replay
from kraken_trio._internal.testing.rest import ExchangeRest
from kraken_trio._internal.testing.rules import ExchangeRules
from kraken_trio._internal.testing.status import Incident, PlannedMaintenance
from kraken_trio._internal.tiers import publish as _publish

__all__ = [
    "USUAL_PAIRS",
    "Account",
    "Chaos",
    "ChaosFault",
    "ChaosPlan",
    "Exchange",
    "ExchangeAddress",
    "ExchangeConnection",
    "ExchangeRest",
    "ExchangeRules",
    "Flood",
    "Incident",
    "Ledger",
    "LedgerEntry",
    "Market",
    "MarketEvent",
    "MarketPair",
    "Mishap",
    "Planned",
    "PlannedMaintenance",
    "Replay",
    "build_flood",
    "chaos",
    "failure_frame",
    "heartbeat_frame",
    "market_pairs",
    "open_exchange",
    "open_flood",
    "open_replay",
    "pong_frame",
    "status_frame",
    "success_frame",
]

_publish(globals())

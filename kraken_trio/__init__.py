"""The prelude: what every program needs, promised not to break within a major version.

Records of public market data, the gaps between them, the configuration and the errors.
"""

from __future__ import annotations

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.config import DropPolicy, GapPolicy, KrakenConfig
from kraken_trio._internal.model.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    ConnectionLost,
    ConnectTimeout,
    InvalidTransition,
    KrakenError,
    OrderRejected,
    OutcomeUnknown,
    ProtocolError,
    RequestError,
    RetriesExhausted,
    SubscriptionError,
)
from kraken_trio._internal.model.gap import Gap, GapReason, Resync
from kraken_trio._internal.model.lifecycle import ConnectionState, SessionTrigger, StateChange
from kraken_trio._internal.model.messages import Heartbeat
from kraken_trio._internal.model.records import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level,
    Spread,
    Ticker,
    Trade,
)
from kraken_trio._internal.model.reference import (
    Emergency,
    InstrumentAsset,
    InstrumentPair,
    MaintenanceWindow,
    NextStep,
    SystemStatus,
)
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.tiers import publish as _publish

__all__ = [
    "AuthenticationError",
    "BookSnapshot",
    "BookUpdate",
    "Candle",
    "Channel",
    "ConfigurationError",
    "ConnectTimeout",
    "ConnectionFailed",
    "ConnectionLost",
    "ConnectionState",
    "DropPolicy",
    "Emergency",
    "Gap",
    "GapPolicy",
    "GapReason",
    "Heartbeat",
    "InstrumentAsset",
    "InstrumentPair",
    "InvalidTransition",
    "KrakenConfig",
    "KrakenError",
    "Level",
    "MaintenanceWindow",
    "NextStep",
    "OrderRejected",
    "OutcomeUnknown",
    "ProtocolError",
    "RequestError",
    "Resync",
    "RetriesExhausted",
    "Secret",
    "SessionTrigger",
    "Spread",
    "StateChange",
    "SubscriptionError",
    "SystemStatus",
    "Ticker",
    "Timestamp",
    "Trade",
]

_publish(globals())

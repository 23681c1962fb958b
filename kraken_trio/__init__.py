"""The prelude: what every program needs, promised not to break within a major version.

``open_kraken`` gives a ``Feed``; its subscriptions give records, and the gaps between them.
"""

from __future__ import annotations

# First, before all that takes time:
from kraken_trio._internal import start as _start  # noqa: F401  # pyright: ignore[reportUnusedImport]
from kraken_trio._internal.model.account import (
    BalanceSnapshot,
    BalanceUpdate,
    Contingent,
    Execution,
    Fee,
    Triggers,
    Wallet,
)
from kraken_trio._internal.model.alert import (
    ClockSkew,
    LatencyAlert,
    LatencyStage,
    ObserverFailed,
    ObserverSlow,
)
from kraken_trio._internal.model.callback import CallbackError
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.complaints import Complaint, Severity
from kraken_trio._internal.model.config import DropPolicy, KrakenConfig
from kraken_trio._internal.model.deprecated import KrakenDeprecationWarning
from kraken_trio._internal.model.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    ConnectionLost,
    ConnectTimeout,
    InvalidTransition,
    KrakenError,
    OrderEnded,
    OrderRejected,
    OutcomeUnknown,
    ProtocolError,
    RequestError,
    RequestNotSent,
    RetriesExhausted,
    SubscriptionError,
    SwitchLapsed,
    UpgradeRefused,
)
from kraken_trio._internal.model.gap import Gap, GapPolicy, GapReason, Resync
from kraken_trio._internal.model.level3 import (
    Level3Order,
    Level3Snapshot,
    Level3Update,
    QueuePosition,
)
from kraken_trio._internal.model.lifecycle import (
    BookState,
    ConnectionState,
    Restored,
    SessionTrigger,
    StateChange,
)
from kraken_trio._internal.model.messages import Heartbeat
from kraken_trio._internal.model.orders import Order, OwnTrade
from kraken_trio._internal.model.pressure import HighWater
from kraken_trio._internal.model.records import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level,
    Spread,
    Ticker,
    TimedLevel,
    Today,
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
from kraken_trio._internal.model.statistics import (
    BookStatistics,
    ChannelStatistics,
    ConsumerStatistics,
    FeedStatistics,
    ObserverStatistics,
    PartStatistics,
    RequestStatistics,
    SessionStatistics,
    SubscriptionStatistics,
)
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.shell.channel import RecordChannel
from kraken_trio._internal.shell.dispatcher import Registration
from kraken_trio._internal.shell.feed import Feed
from kraken_trio._internal.shell.open import open_kraken
from kraken_trio._internal.shell.subscribe import Subscription
from kraken_trio._internal.shell.tables import BalanceTable, OrderTable
from kraken_trio._internal.tiers import publish as _publish

__all__ = [
    "AuthenticationError",
    "BalanceSnapshot",
    "BalanceTable",
    "BalanceUpdate",
    "BookSnapshot",
    "BookState",
    "BookStatistics",
    "BookUpdate",
    "CallbackError",
    "Candle",
    "Channel",
    "ChannelStatistics",
    "ClockSkew",
    "Complaint",
    "ConfigurationError",
    "ConnectTimeout",
    "ConnectionFailed",
    "ConnectionLost",
    "ConnectionState",
    "ConsumerStatistics",
    "Contingent",
    "DropPolicy",
    "Emergency",
    "Execution",
    "Fee",
    "Feed",
    "FeedStatistics",
    "Gap",
    "GapPolicy",
    "GapReason",
    "Heartbeat",
    "HighWater",
    "InstrumentAsset",
    "InstrumentPair",
    "InvalidTransition",
    "KrakenConfig",
    "KrakenDeprecationWarning",
    "KrakenError",
    "LatencyAlert",
    "LatencyStage",
    "Level",
    "Level3Order",
    "Level3Snapshot",
    "Level3Update",
    "MaintenanceWindow",
    "NextStep",
    "ObserverFailed",
    "ObserverSlow",
    "ObserverStatistics",
    "Order",
    "OrderEnded",
    "OrderRejected",
    "OrderTable",
    "OutcomeUnknown",
    "OwnTrade",
    "PartStatistics",
    "ProtocolError",
    "QueuePosition",
    "RecordChannel",
    "Registration",
    "RequestError",
    "RequestNotSent",
    "RequestStatistics",
    "Restored",
    "Resync",
    "RetriesExhausted",
    "Secret",
    "SessionStatistics",
    "SessionTrigger",
    "Severity",
    "Spread",
    "StateChange",
    "Subscription",
    "SubscriptionError",
    "SubscriptionStatistics",
    "SwitchLapsed",
    "SystemStatus",
    "Ticker",
    "TimedLevel",
    "Timestamp",
    "Today",
    "Trade",
    "Triggers",
    "UpgradeRefused",
    "Wallet",
    "open_kraken",
]

_publish(globals())

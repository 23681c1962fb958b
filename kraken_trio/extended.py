"""The extended tier: stable, and may grow. What some programs need beside the prelude."""

from __future__ import annotations

from kraken_trio._internal.core.depth import (
    Cost,
    Rung,
    depth_ladder,
    imbalance,
    market_order,
    microprice,
    volume_at,
    volume_through,
)
from kraken_trio._internal.core.folding import Bar, Folder, fold_candles, trade_vwap
from kraken_trio._internal.core.rates import TradingRate
from kraken_trio._internal.engine.incident import BookFound, IncidentReport, Reproduction
from kraken_trio._internal.engine.replay import ReplayedItem, replay_capture
from kraken_trio._internal.engine.verify import BookCounts, Fault, Verification, verify_capture
from kraken_trio._internal.model.alert import RoundTrip
from kraken_trio._internal.model.complaints import explain
from kraken_trio._internal.model.gap import GapHandling
from kraken_trio._internal.model.messages import OrderResult
from kraken_trio._internal.model.ports import Dial, Observer, Rest, RestResponse
from kraken_trio._internal.model.requests import (
    AddOrder,
    AmendOrder,
    BatchAdd,
    BatchOrder,
    Conditional,
    EditOrder,
    TriggerParams,
)
from kraken_trio._internal.model.settlement import Settlement
from kraken_trio._internal.observe.export import Exported, export_capture
from kraken_trio._internal.observe.histogram import LatencySummary
from kraken_trio._internal.observe.latency import Latency, LatencyStatistics
from kraken_trio._internal.observe.prometheus import MetricsCollector, register_metrics
from kraken_trio._internal.observe.recorder import Recorder, open_recorder
from kraken_trio._internal.observe.server import serve_metrics, serve_registry
from kraken_trio._internal.observe.telemetry import Telemetry
from kraken_trio._internal.observe.telling import (
    RecorderStatistics,
    RecordingResumed,
    RecordingStopped,
)
from kraken_trio._internal.shell.bundle import (
    explain_incident,
    read_books,
    read_incident,
    replay_incident,
)
from kraken_trio._internal.shell.check import check_key
from kraken_trio._internal.shell.dial import TcpDial
from kraken_trio._internal.shell.rest import HttpRest
from kraken_trio._internal.shell.switch import Switch
from kraken_trio._internal.shell.trading import Trading
from kraken_trio._internal.tiers import publish as _publish
from kraken_trio._internal.wire.capture import CaptureError

__all__ = [
    "AddOrder",
    "AmendOrder",
    "Bar",
    "BatchAdd",
    "BatchOrder",
    "BookCounts",
    "BookFound",
    "CaptureError",
    "Conditional",
    "Cost",
    "Dial",
    "EditOrder",
    "Exported",
    "Fault",
    "Folder",
    "GapHandling",
    "HttpRest",
    "IncidentReport",
    "Latency",
    "LatencyStatistics",
    "LatencySummary",
    "MetricsCollector",
    "Observer",
    "OrderResult",
    "Recorder",
    "RecorderStatistics",
    "RecordingResumed",
    "RecordingStopped",
    "ReplayedItem",
    "Reproduction",
    "Rest",
    "RestResponse",
    "RoundTrip",
    "Rung",
    "Settlement",
    "Switch",
    "TcpDial",
    "Telemetry",
    "Trading",
    "TradingRate",
    "TriggerParams",
    "Verification",
    "check_key",
    "depth_ladder",
    "explain",
    "explain_incident",
    "export_capture",
    "fold_candles",
    "imbalance",
    "market_order",
    "microprice",
    "open_recorder",
    "read_books",
    "read_incident",
    "register_metrics",
    "replay_capture",
    "replay_incident",
    "serve_metrics",
    "serve_registry",
    "trade_vwap",
    "verify_capture",
    "volume_at",
    "volume_through",
]

_publish(globals())

"""What happened, line by line: gaps and how they were mended, transitions, alerts, errors.

Knows how each is said; keeps the last ones. A line is plain values, as a page has them.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Any, Final, Literal

from kraken_trio import (
    ClockSkew,
    ConnectionState,
    Gap,
    GapReason,
    HighWater,
    LatencyAlert,
    ObserverFailed,
    ObserverSlow,
    ProtocolError,
    Restored,
    Resync,
    StateChange,
    SubscriptionError,
    SystemStatus,
)
from kraken_trio._internal.apps.text import shown

MOST_LINES: Final = 500
"""That are kept."""

Kind = Literal["gap", "resync", "reconnect", "state", "alert", "chaos", "error"]
Severity = Literal["info", "warn", "bad"]
Alert = LatencyAlert | ClockSkew | HighWater | ObserverFailed | ObserverSlow | SystemStatus

_GAPS: Final = {
    GapReason.CHECKSUM: "The book did not verify, and is asked for again",
    GapReason.TRADE_ID: "Trades are missing",
    GapReason.SEQUENCE: "Messages are missing",
    GapReason.DISCONNECT: "The connection was lost: what came meanwhile is missing",
    GapReason.OVERFLOW: "Records were dropped, for they were not taken in time",
    GapReason.STALLED: "Nothing came any more, and it is asked for again",
    GapReason.UNDECODABLE: "A message could not be read",
    GapReason.CANDLE: "Candles are missing",
}
_BAD_STATES: Final = (ConnectionState.DEGRADED, ConnectionState.CLOSED)


class Chronicle:
    """The last lines."""

    def __init__(self, most: int = MOST_LINES) -> None:
        """Keep so many at most."""
        self.last = 0
        """The number of the last line; the first has 1."""
        self._lines: deque[dict[str, Any]] = deque(maxlen=most)

    def write(
        self,
        kind: Kind,
        text: str,
        *,
        time: int,
        severity: Severity = "info",
        symbol: str | None = None,
        channel: str | None = None,
        detail: str = "",
    ) -> None:
        """Add a line; ``time`` is in milliseconds since the epoch."""
        self.last += 1
        self._lines.append(
            {
                "n": self.last,
                "time": time,
                "kind": kind,
                "symbol": None if symbol is None else shown(symbol),
                "channel": channel,
                "text": shown(text),
                "detail": shown(detail),
                "severity": severity,
            }
        )

    def since(self, n: int, most: int = MOST_LINES) -> list[dict[str, Any]]:
        """Those after number ``n``, oldest first, the last ones of them."""
        new = min(self.last - n, len(self._lines), most)
        return list(islice(self._lines, len(self._lines) - max(new, 0), None))

    def gap(self, gap: Gap, time: int) -> None:
        """Something was lost."""
        where = " (here alone)" if gap.local else ""
        size = "" if gap.size is None else f": {gap.size}"
        self.write(
            "gap",
            f"{_GAPS[gap.reason]}{size}{where}",
            time=time,
            severity="bad",
            symbol=gap.symbol,
            channel=gap.channel,
            detail=str(gap),
        )

    def resync(self, resync: Resync, time: int) -> None:
        """It is whole again."""
        self.write(
            "resync",
            f"Whole again after {resync.duration_s:.2f} s ({_words(resync.reason)})",
            time=time,
            symbol=resync.symbol,
            channel=resync.channel,
        )

    def restored(self, restored: Restored, time: int) -> None:
        """A session has all again."""
        self.write(
            "reconnect",
            f"Session {restored.session} has all again, after {restored.duration_s:.2f} s",
            time=time,
        )

    def state(self, change: StateChange, time: int) -> None:
        """A session went from one state to another."""
        if change.from_state is change.to_state:
            return
        self.write(
            "state",
            f"{change.session}: {change.from_state.value} to {change.to_state.value}",
            time=time,
            severity="warn" if change.to_state in _BAD_STATES else "info",
            detail=": ".join(word for word in (change.trigger.value, change.reason) if word),
        )

    def fault(self, session: str, error: ProtocolError, time: int) -> None:
        """A frame broke the protocol."""
        text = f"Faulty frame on session {session}"
        self.write("error", text, time=time, severity="warn", detail=str(error))

    def refused(self, error: SubscriptionError, time: int) -> None:
        """A subscription ended with an error."""
        self.write(
            "error",
            f"Subscription ended: {error.reason}",
            time=time,
            severity="bad",
            symbol=error.symbol,
            channel=error.channel,
            detail=error.complaint.mend,
        )

    def alert(self, alert: Alert, time: int) -> None:
        """Something is not as it should be, and the feed goes on."""
        symbol: str | None = None
        channel: str | None = None
        severity: Severity = "warn"
        match alert:
            case LatencyAlert():
                took, may = alert.took_s * 1000, alert.threshold_s * 1000
                text = f"Latency: {alert.stage.value} took {took:.0f} ms, {may:.0f} ms are allowed"
                symbol, channel = alert.symbol, alert.channel
            case ClockSkew():
                ahead = "ahead of" if alert.offset_s > 0 else "behind"
                text = f"The exchange's clock is {abs(alert.offset_s):.1f} s {ahead} this one"
                severity = "warn" if alert.over else "info"
            case HighWater():
                text = f"A buffer fills: {alert.buffered} of {alert.capacity}"
                channel, symbol = alert.channel, " ".join(alert.symbols) or None
            case ObserverFailed():
                text = f"Observer {alert.observer} failed in {alert.hook}"
                severity = "bad"
            case ObserverSlow():
                text = f"Observer {alert.observer} is slow: {alert.took_s * 1000:.0f} ms"
            case _:  # What is left is a ``SystemStatus``.
                text = f"The exchange says that it is {alert.system}"
                severity = "info" if alert.system == "online" else "warn"
        self.write("alert", text, time=time, severity=severity, symbol=symbol, channel=channel)


def _words(reason: GapReason) -> str:
    return reason.value.replace("_", " ")

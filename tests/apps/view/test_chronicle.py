"""The log: what each line says, and how many there are."""

from __future__ import annotations

from typing import Any

import pytest

from kraken_trio import (
    ClockSkew,
    ConnectionState,
    Gap,
    GapReason,
    HighWater,
    LatencyAlert,
    LatencyStage,
    ObserverFailed,
    ObserverSlow,
    ProtocolError,
    Restored,
    Resync,
    SessionTrigger,
    StateChange,
    SubscriptionError,
    SystemStatus,
    Timestamp,
)
from kraken_trio._internal.apps.view.chronicle import Alert, Chronicle

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

NOW = Timestamp(0)


def only(chronicle: Chronicle) -> dict[str, Any]:
    """Give the one line that there is."""
    (line,) = chronicle.since(0)
    return line


def test_lines_are_numbered_and_bounded() -> None:
    """The oldest go; each is given once to who tells what it has."""
    chronicle = Chronicle(most=3)
    for number in range(5):
        chronicle.write("error", f"line {number}", time=number)
    assert [line["text"] for line in chronicle.since(0)] == ["line 2", "line 3", "line 4"]
    assert [line["n"] for line in chronicle.since(4)] == [5]
    assert [line["n"] for line in chronicle.since(0, most=1)] == [5]
    assert chronicle.since(5) == chronicle.since(50) == []
    assert chronicle.last == 5


def test_what_others_wrote_is_made_printable() -> None:
    """Nothing of the exchange's moves a cursor, or goes on for ever."""
    chronicle = Chronicle()
    chronicle.write("error", "\x1b[2J" + "x" * 500, time=0, symbol="\n/\r", detail="\0")
    line = only(chronicle)
    assert line["text"].startswith("?[2J")
    assert (len(line["text"]), line["symbol"], line["detail"]) == (200, "?/?", "?")


@pytest.mark.parametrize(
    "gap, text",
    [
        (
            Gap("book", "BTC/USD", GapReason.CHECKSUM),
            "The book did not verify, and is asked for again",
        ),
        (Gap("trade", "BTC/USD", GapReason.TRADE_ID, 5, 8, 3), "Trades are missing: 3"),
        (
            Gap("trade", None, GapReason.OVERFLOW, size=2, local=True),
            "Records were dropped, for they were not taken in time: 2 (here alone)",
        ),
    ],
)
def test_a_gap_is_bad(gap: Gap, text: str) -> None:
    """It says why, and how much."""
    chronicle = Chronicle()
    chronicle.gap(gap, 7)
    line = only(chronicle)
    assert (line["kind"], line["severity"], line["text"]) == ("gap", "bad", text)
    assert (line["time"], line["symbol"], line["channel"]) == (7, gap.symbol, gap.channel)


@pytest.mark.parametrize("reason", GapReason)
def test_every_reason_has_its_words(reason: GapReason) -> None:
    """A sentence that somebody understands who knows nothing of ours."""
    chronicle = Chronicle()
    chronicle.gap(Gap("book", "BTC/USD", reason), 7)
    assert only(chronicle)["text"][0].isupper()


def test_what_is_mended_is_told() -> None:
    """A subscription, and a session."""
    chronicle = Chronicle()
    chronicle.resync(Resync("book", "BTC/USD", GapReason.CHECKSUM, 0.256, NOW), 1)
    chronicle.restored(Restored("public", 1.5, NOW), 2)
    mended, back = chronicle.since(0)
    assert (mended["kind"], mended["text"]) == ("resync", "Whole again after 0.26 s (checksum)")
    assert (back["kind"], back["severity"]) == ("reconnect", "info")
    assert back["text"] == "Session public has all again, after 1.50 s"


@pytest.mark.parametrize(
    "to_state, severity",
    [(ConnectionState.DEGRADED, "warn"), (ConnectionState.RESYNCING, "info")],
)
def test_a_transition_is_told_with_its_cause(to_state: ConnectionState, severity: str) -> None:
    """A loss is a warning."""
    chronicle = Chronicle()
    before = ConnectionState.SUBSCRIBED
    chronicle.state(StateChange("public", before, to_state, SessionTrigger.LOST, "1006", NOW), 1)
    line = only(chronicle)
    assert line["text"] == f"public: subscribed to {to_state.value}"
    assert (line["severity"], line["detail"]) == (severity, "server_disconnect: 1006")


def test_a_transition_that_leads_nowhere_is_no_news() -> None:
    """As the one that a refused pair makes."""
    chronicle = Chronicle()
    state, trigger = ConnectionState.SUBSCRIBED, SessionTrigger.SYMBOL_ENDED
    chronicle.state(StateChange("public", state, state, trigger, "", NOW), 1)
    assert chronicle.since(0) == []


def test_errors_are_told_with_what_can_be_done() -> None:
    """A faulty frame, and a pair that was refused."""
    chronicle = Chronicle()
    chronicle.fault("public", ProtocolError("no JSON", "{oops"), 1)
    error = SubscriptionError("Currency pair not supported NO/NO", "book", "NO/NO")
    chronicle.refused(error, 2)
    fault, refused = chronicle.since(0)
    assert (fault["kind"], fault["severity"]) == ("error", "warn")
    assert "no JSON" in fault["detail"]
    assert (refused["symbol"], refused["channel"], refused["severity"]) == ("NO/NO", "book", "bad")
    assert refused["detail"] == error.complaint.mend != ""


@pytest.mark.parametrize(
    "alert, text, severity",
    [
        (
            LatencyAlert(LatencyStage.TOTAL, "book", "BTC/USD", 0.2, 0.15, 1, NOW),
            "Latency: total took 200 ms, 150 ms are allowed",
            "warn",
        ),
        (
            ClockSkew("public", 2.5, 0.1, over=True, at=NOW),
            "The exchange's clock is 2.5 s ahead of this one",
            "warn",
        ),
        (
            ClockSkew("public", -0.5, 0.1, over=False, at=NOW),
            "The exchange's clock is 0.5 s behind this one",
            "info",
        ),
        (HighWater("book", ("BTC/USD",), 9, 10, NOW), "A buffer fills: 9 of 10", "warn"),
        (ObserverFailed("View", "gap", ValueError()), "Observer View failed in gap", "bad"),
        (ObserverSlow("View", "gap", 0.02, 0.3), "Observer View is slow: 20 ms", "warn"),
        (SystemStatus(system="online"), "The exchange says that it is online", "info"),
        (SystemStatus(system="maintenance"), "The exchange says that it is maintenance", "warn"),
    ],
)
def test_alerts_are_told_in_words(alert: Alert, text: str, severity: str) -> None:
    """Each of its own kind."""
    chronicle = Chronicle()
    chronicle.alert(alert, 3)
    line = only(chronicle)
    assert (line["kind"], line["text"], line["severity"]) == ("alert", text, severity)

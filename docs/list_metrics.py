"""Write what is made of the table of metrics: ``python docs/list_metrics.py [--check]``.

That is the list in docs/metrics.md, and the dashboard for Grafana beside it. With ``--check``
nothing is written; it exits with 1 when either does not agree with the table.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from kraken_trio._internal.observe.metrics import table

PAGE = Path(__file__).with_name("metrics.md")
DASHBOARD = Path(__file__).with_name("grafana-dashboard.json")
BEGIN, END = "<!-- metrics -->\n", "<!-- end of metrics -->"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
FEED = 'feed=~"$feed"'
WIDE, HIGH, COLUMNS = 8, 7, 3

# A row of panels: its title, then each panel with its unit and what it asks for, by legend.
ROWS: tuple[tuple[str, tuple[tuple[str, str, dict[str, str]], ...]], ...] = (
    (
        "Is it sound?",
        (
            (
                "Sessions, by state",
                "none",
                {
                    "{{session}} {{state}}": (
                        "sum by (session, state) (kraken_connection_state{F}) > 0"
                    ),
                    "{{session}} not sound": (
                        "sum by (session) (kraken_sessions_not_sound{F}) > 0"
                    ),
                },
            ),
            (
                "Books that are not live, and how many are",
                "none",
                {
                    "{{channel}} {{symbol}}": (
                        "sum by (channel, symbol) (kraken_books_not_live{F}) > 0"
                    ),
                    "live {{channel}}": "sum by (channel) (kraken_book_live{F})",
                },
            ),
            (
                "Subscriptions that are complete",
                "none",
                {"{{channel}}": "sum by (channel) (kraken_active_subscriptions{F})"},
            ),
        ),
    ),
    (
        "What was lost, and why",
        (
            (
                "Gaps, by evidence",
                "none",
                {"{{reason}}": "sum by (reason) (increase(kraken_gaps_total{F}[5m]))"},
            ),
            (
                "Resyncs and wrong checksums",
                "none",
                {
                    "resyncs": "sum(increase(kraken_resyncs_total{F}[5m]))",
                    "wrong checksums": "sum(increase(kraken_checksum_failures_total{F}[5m]))",
                    "share of right ones": (
                        "sum(rate(kraken_checksums_verified_total{F}[5m])) / "
                        "(sum(rate(kraken_checksums_verified_total{F}[5m])) + "
                        "sum(rate(kraken_checksum_failures_total{F}[5m])))"
                    ),
                },
            ),
            (
                "Dropped and merged for slow consumers",
                "cps",
                {
                    "dropped {{channel}}": (
                        "sum by (channel) (rate(kraken_messages_dropped_total{F}[5m]))"
                    ),
                    "merged {{channel}}": (
                        "sum by (channel) (rate(kraken_messages_coalesced_total{F}[5m]))"
                    ),
                },
            ),
        ),
    ),
    (
        "How late is it?",
        (
            (
                "Latency of the last records",
                "s",
                {
                    "{{stage}} p{{quantile}}": (
                        "max by (stage, quantile) "
                        '(kraken_latency_seconds{F, quantile=~"0.5|0.99|0.999"})'
                    ),
                    "{{stage}} mean": "max by (stage) (kraken_latency_mean_seconds{F})",
                },
            ),
            (
                "99 of 100 are faster, by channel",
                "s",
                {
                    f"{what} {{{{channel}}}}": (
                        "histogram_quantile(0.99, "
                        f"sum by (channel, le) (rate({name}_bucket{{F}}[5m])))"
                    )
                    for what, name in (
                        ("network", "kraken_message_latency_seconds"),
                        ("processing", "kraken_processing_time_seconds"),
                        ("in all", "kraken_total_latency_seconds"),
                    )
                },
            ),
            (
                "Too late, round trips and clocks",
                "none",
                {
                    "above its alarm: {{stage}}": (
                        "sum by (stage) (rate(kraken_latency_exceeded_total{F}[5m]))"
                    ),
                    "round trip {{session}}": "max by (session) (kraken_round_trip_seconds{F})",
                    "clock ahead {{session}}": "max by (session) (kraken_clock_offset_seconds{F})",
                    "age of all this": "max(time() - kraken_read_timestamp_seconds{F})",
                },
            ),
        ),
    ),
    (
        "How much is it?",
        (
            (
                "Messages a second",
                "cps",
                {
                    "received {{channel}}": (
                        "sum by (channel) (rate(kraken_messages_received_total{F}[1m]))"
                    ),
                    "taken {{channel}}": (
                        "sum by (channel) (rate(kraken_messages_processed_total{F}[1m]))"
                    ),
                },
            ),
            (
                "Busiest symbols",
                "cps",
                {
                    "{{symbol}}": (
                        "topk(10, sum by (symbol) (rate(kraken_messages_received_total{F}[5m])))"
                    )
                },
            ),
            (
                "How full buffers are",
                "percentunit",
                {
                    "{{channel}}": (
                        "sum by (channel) (kraken_queue_depth{F}) / "
                        "(sum by (channel) (kraken_queue_capacity{F}) > 0)"
                    )
                },
            ),
        ),
    ),
    (
        "Orders",
        (
            (
                "Requests about orders, by what became of them",
                "none",
                {
                    "{{method}} {{outcome}}": (
                        "sum by (method, outcome) (increase(kraken_order_requests_total{F}[5m]))"
                    ),
                },
            ),
            (
                "Outcomes that nobody knows",
                "none",
                {
                    "{{method}}": "sum by (method) (kraken_outcomes_unsettled{F}) > 0",
                    "settled {{method}}": (
                        "sum by (method) (increase(kraken_outcomes_settled_total{F}[5m]))"
                    ),
                },
            ),
            (
                "Without an answer yet",
                "none",
                {"{{method}}": "sum by (method) (kraken_order_requests_waiting{F})"},
            ),
        ),
    ),
    (
        "Connections",
        (
            (
                "Attempts, failures, reconnections",
                "none",
                {
                    "attempts {{session}}": (
                        "sum by (session) (increase(kraken_connection_attempts_total{F}[5m]))"
                    ),
                    "failures {{session}}": (
                        "sum by (session) (increase(kraken_connection_failures_total{F}[5m]))"
                    ),
                    "reconnections {{session}}": (
                        "sum by (session) (increase(kraken_reconnections_total{F}[5m]))"
                    ),
                    "symbols that failed {{session}}": (
                        "sum by (session) (increase(kraken_subscription_failures_total{F}[5m]))"
                    ),
                },
            ),
            (
                "Frames a second",
                "cps",
                {
                    "all": "sum(rate(kraken_frames_received_total{F}[1m]))",
                    "heartbeats": "sum(rate(kraken_heartbeats_received_total{F}[1m]))",
                    "faulty": "sum(rate(kraken_frames_faulty_total{F}[1m]))",
                    "unknown": "sum(rate(kraken_frames_unknown_total{F}[1m]))",
                    "of nobody": "sum(rate(kraken_messages_unrouted_total{F}[1m]))",
                },
            ),
            (
                "Trades again, and observers",
                "none",
                {
                    "repeated": "sum(increase(kraken_trades_repeated_total{F}[5m]))",
                    "fetched": "sum(increase(kraken_trades_backfilled_total{F}[5m]))",
                    "time in {{observer}}": (
                        "sum by (observer) (rate(kraken_observer_seconds_total{F}[5m]))"
                    ),
                    "observers that failed": "sum(kraken_observers_disabled{F})",
                },
            ),
        ),
    ),
)


def panel(number: int, title: str, unit: str, asked: dict[str, str], place: dict[str, int]) -> Any:
    """One panel."""
    return {
        "id": number,
        "type": "timeseries",
        "title": title,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": unit, "min": None}, "overrides": []},
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {
                "refId": chr(ord("A") + at),
                "datasource": SOURCE,
                "expr": expression.replace("{F,", "{" + FEED + ",").replace(
                    "{F}", "{" + FEED + "}"
                ),
                "legendFormat": legend,
            }
            for at, (legend, expression) in enumerate(asked.items())
        ],
    }


def panels() -> list[Any]:
    """All of them, row by row."""
    found: list[Any] = []
    top = 0
    for title, row in ROWS:
        place = {"h": 1, "w": 24, "x": 0, "y": top}
        found.append({"id": len(found) + 1, "type": "row", "title": title, "gridPos": place})
        top += 1
        for column, (name, unit, asked) in enumerate(row):
            place = {"h": HIGH, "w": WIDE, "x": WIDE * column, "y": top}
            found.append(panel(len(found) + 1, name, unit, asked, place))
        top += HIGH
    return found


def dashboard() -> str:
    """The dashboard, as Grafana imports it."""
    feeds = {
        "name": "feed",
        "label": "feed",
        "type": "query",
        "datasource": SOURCE,
        "query": "label_values(kraken_frames_received_total, feed)",
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }
    sources = {"name": "datasource", "label": "source", "type": "datasource", "query": "prometheus"}
    made = {
        "title": "kraken_trio",
        "uid": "kraken-trio",
        "tags": ["kraken", "market-data"],
        "schemaVersion": 39,
        "timezone": "browser",
        "refresh": "10s",
        "time": {"from": "now-30m", "to": "now"},
        "templating": {"list": [sources, feeds]},
        "panels": panels(),
    }
    return json.dumps(made, indent=1) + "\n"


def page(before: str) -> str:
    """The page, with the list of today."""
    head, _, rest = before.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}{table()}\n{END}{tail}"


def main() -> None:
    """Write both, or see that they need not be written."""
    before = PAGE.read_text(encoding="utf-8")
    wanted = {PAGE: page(before), DASHBOARD: dashboard()}
    if "--check" in sys.argv[1:]:
        read = {path: path.exists() and path.read_text(encoding="utf-8") for path in wanted}
        sys.exit(int(read != wanted))
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

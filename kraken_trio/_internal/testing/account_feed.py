"""One subscription to an account: which of its records it is told, and under which numbers.

Knows the options of ``executions`` and ``balances``, and counts; nothing of connections.

Source: sections "executions" and "sequence" of the WebSocket v2 documentation. Not settled there,
and decided here: without a snapshot, the first update has the number 1; a snapshot has the open
orders first, oldest first, and then the fills, latest first; and rate counters are whole numbers.
"""

from __future__ import annotations

from math import ceil

from kraken_trio._internal.model.account import BalanceUpdate, Execution
from kraken_trio._internal.testing.account import Account, AccountRecord
from kraken_trio._internal.testing.account_frames import (
    executions_frame,
    holdings_frame,
    ledger_frame,
)
from kraken_trio._internal.testing.part import Part
from kraken_trio._internal.testing.ratecount import RateCounter

SNAPSHOT_FILLS = 50
"""Fills in a snapshot, at most."""

_MAIN_EVENTS = frozenset({"new", "filled", "canceled", "expired"})


class AccountFeed:
    """What one subscriber is told."""

    def __init__(self, part: Part, account: Account, counter: RateCounter) -> None:
        """Tell of ``account`` what ``part`` asks for."""
        self.part = part
        """What was asked for."""
        self._account = account
        self._counter = counter
        self._sequence = 0

    def snapshot(self) -> bytes | None:
        """The frame to begin with, or None where none is wanted."""
        part, account = self.part, self._account
        if not part.snapshot or part.users == "all":
            return None
        if part.channel == "balances":
            return holdings_frame(account.balances.values(), self._next())
        if not (part.snap_orders or part.snap_trades):
            return None
        reports: list[Execution] = []
        if part.snap_orders and part.channel != "own_trades":
            reports += account.orders.values()
        if part.snap_trades and part.channel != "open_orders":
            reports += account.fills[:SNAPSHOT_FILLS]
        return self._frame("snapshot", reports)

    def update(self, record: AccountRecord) -> bytes | None:
        """The frame of something that happened, or None where it is not to be told of that."""
        if isinstance(record, BalanceUpdate):
            return ledger_frame(record, self._next()) if self.part.channel == "balances" else None
        if self.part.channel == "balances":
            return None
        if self.part.channel == "own_trades" and record.exec_type != "trade":
            return None
        if not self.part.order_status and record.exec_type not in _MAIN_EVENTS:
            return None
        return self._frame("update", [record])

    def _frame(self, kind: str, reports: list[Execution]) -> bytes:
        """Print reports. Those of protocol v1's channels are told by their names, for a while."""
        frame = executions_frame(kind, self._counted(reports), self._next())
        return frame.replace(b"executions", self.part.channel.encode(), 1)

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

    def _counted(self, reports: list[Execution]) -> list[tuple[Execution, int | None]]:
        """Add the counter of its pair to each report, where it is wanted."""
        if not self.part.ratecounter:
            return [(report, None) for report in reports]
        now = self._account.now
        return [
            (
                report,
                ceil(self._counter.value(self._account.order(report.order_id).terms.symbol, now)),
            )
            for report in reports
        ]

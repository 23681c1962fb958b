"""What is known of one's own orders: their lives, gathered from reports that show little each.

Knows which report is of which order, and what a snapshot says by leaving an order out; nothing of
requests. Moments are seconds of one clock that the caller reads.

Most reports have neither symbol nor side, so what an order showed once is remembered. After a loss
nothing is sure until the next snapshot is complete: an order that is not in it is not open any
more. Of those that are over, the latest are kept.

A snapshot shows the latest 50 fills. Where none of them was known before, there may have been more,
and what was placed and filled meanwhile may be in none of them: of that moment and all before it,
back to the loss, only open orders are sure (``blind_until``).

Source: sections "executions" and "Reconnecting" of the WebSocket v2 documentation.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from msgspec.structs import asdict, replace

from kraken_trio._internal.model.account import Execution

CLOSED_KEPT: Final = 2000
"""Orders that are over and remembered: many times the fills of a snapshot."""
SNAPSHOT_FILLS: Final = 50
"""Fills in a snapshot, at most; the exchange's."""

_OVER = frozenset({"filled", "canceled", "expired"})
# What is of one report, and says nothing of the order.
_PASSING: Final = {
    "exec_id": None,
    "trade_id": None,
    "last_qty": None,
    "last_price": None,
    "cost": None,
    "liquidity_ind": None,
    "fees": (),
    "ratecount": None,
    "margin_borrow": None,
}


class Life:
    """One order."""

    __slots__ = ("born_at", "doubtful", "fills", "known", "open", "seen_at")

    def __init__(self, known: Execution, now: float, born_at: float) -> None:
        """It was seen first ``now``."""
        self.known: Execution = known
        """All that its reports have shown."""
        self.fills: dict[str, Execution] = {}
        """Its fills, by ``exec_id``, oldest first."""
        self.seen_at: float = now
        """When it was seen first."""
        self.born_at: float = born_at
        """When it was accepted, or later than that."""
        self.open: bool = known.order_status not in _OVER
        """Whether something may still follow, as far as is known."""
        self.doubtful: bool = False
        """Whether it was open before something was lost, and was not seen since."""


class Lives:
    """All orders of an account that were seen."""

    def __init__(self) -> None:
        """None yet."""
        self.whole: bool = False
        """Whether all that are open are known, and nothing was missed of them since."""
        self.lost_at: float = float("-inf")
        """When something was missed last: what is known now was asked for after that."""
        self.blind_until: float | None = None
        """The latest moment before which fills may have been missed for good; None for none."""
        self._open: dict[str, Life] = {}
        self._over: OrderedDict[str, Life] = OrderedDict()
        # The client's names and numbers, as text; each may be of several.
        self._named: dict[str, dict[str, Life]] = {}
        # Fills that the snapshot of now has shown, and whether one of them was known.
        self._shown = 0
        self._met = False

    def __iter__(self) -> Iterator[Life]:
        """Those that are open, then those that are over, oldest first."""
        yield from self._open.values()
        yield from self._over.values()

    @property
    def open(self) -> Iterator[Life]:
        """Those that are open."""
        return iter(tuple(self._open.values()))

    def get(self, order_id: str) -> Life | None:
        """One of them."""
        return self._open.get(order_id) or self._over.get(order_id)

    def named(self, name: str) -> list[Life]:
        """Those with this name, the exchange's or the client's; the open ones first."""
        found = [each for each in self._called(name) if each.known.cl_ord_id == name]
        life = self.get(name)
        return found if life is None or life in found else [life, *found]

    def called(self, name: str) -> list[Life]:
        """As ``named``; the client's number, as text, is a name too."""
        life, found = self.get(name), self._called(name)
        return found if life is None or life in found else [life, *found]

    def take(self, report: Execution, now: float, age_s: float = 0.0) -> None:
        """Take a report. ``age_s`` says how old it is."""
        fill = report.exec_type == "trade"
        # Every fill of a snapshot says that its order is filled; it may be open all the same.
        past = fill and report.snapshot
        life = self.get(report.order_id)
        if life is None:
            life = Life(_lasting(report), now, now - max(0.0, age_s))
            life.open = life.open and not past
        elif not past:
            life.known = _grown(life.known, report)
            life.open = report.order_status not in _OVER
            life.doubtful = False
        if fill and report.exec_id is not None:
            if past:
                self._shown += 1
                self._met = self._met or report.exec_id in life.fills
            life.fills.setdefault(report.exec_id, report)
        for name in _names(life):
            self._named.setdefault(name, {})[report.order_id] = life
        self._file(life)

    def lose(self, now: float) -> None:
        """Something was missed: what is open is not known any more."""
        self.whole = False
        self.lost_at = now
        self._shown, self._met = 0, False
        for life in self._open.values():
            life.doubtful = True

    def complete(self, now: float) -> None:
        """A snapshot has been shown to its end: what was not in it is not open."""
        self.whole = True
        if self._shown >= SNAPSHOT_FILLS and not self._met:
            self.blind_until = now
        self._shown, self._met = 0, False
        for life in self.open:
            if life.doubtful:
                life.doubtful = life.open = False
                self._file(life)

    def _file(self, life: Life) -> None:
        order_id = life.known.order_id
        if life.open:
            self._over.pop(order_id, None)
            self._open[order_id] = life
            return
        self._open.pop(order_id, None)
        self._over[order_id] = life
        self._over.move_to_end(order_id)
        if len(self._over) > CLOSED_KEPT:
            gone_id, gone = self._over.popitem(last=False)
            for name in _names(gone):
                del self._named[name][gone_id]
                if not self._named[name]:
                    del self._named[name]

    def _called(self, name: str) -> list[Life]:
        return sorted(self._named.get(name, {}).values(), key=lambda life: not life.open)


def _names(life: Life) -> Iterator[str]:
    """What the client calls an order. A number of 0 is none."""
    if life.known.cl_ord_id:
        yield life.known.cl_ord_id
    if life.known.order_userref:
        yield str(life.known.order_userref)


def _lasting(report: Execution) -> Execution:
    """What a report says of its order."""
    return replace(report, **_PASSING)


def _grown(known: Execution, report: Execution) -> Execution:
    """What is known of an order after one more report. A number of 0 is none, and shown of some."""
    shown = asdict(report).items()
    new = {k: v for k, v in shown if v is not None and k not in _PASSING}
    if not report.order_userref:
        new.pop("order_userref", None)
    return replace(known, **new)

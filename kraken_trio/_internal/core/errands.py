"""What is asked about orders on one session: sent once or never, and what became of it.

Knows which requests wait, which were sent, which answer belongs to which; nothing of what an order
is, nor of time. It gives effects, like its neighbours, and never waits.

Sent once. A request is given out by ``take`` a single time, at the moment when it is handed to the
connection; from then on nobody can know that it did not arrive. So it ends in one of three ways:
*answered*, *withdrawn* before it was sent, or *unknown*. Nothing puts one back.

One after the other. The exchange does not promise to work on requests about one order in the order
in which they came. So one that names an order waits while an earlier request that makes or changes
that order is unanswered; but taking an order away waits only for what makes one, for then it is as
good before a change as after it. What takes all orders away waits for nothing.

Numbers. Those of subscriptions count from 1, these from the middle of what there is, so an answer
says by its number whose it is.

Source: sections "Trading methods", "Ordering" and "Errors" of the WebSocket v2 documentation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import takewhile
from typing import Final

from msgspec import Struct

from kraken_trio._internal.core.pending import MAX_REQ_ID
from kraken_trio._internal.model.complaints import doubtful, explain
from kraken_trio._internal.model.errors import OutcomeUnknown, RequestNotSent
from kraken_trio._internal.model.messages import Reply
from kraken_trio._internal.model.requests import (
    AddOrder,
    AmendOrder,
    BatchAdd,
    BatchCancel,
    CancelAll,
    CancelAllOrdersAfter,
    CancelOrder,
    EditOrder,
)

OrderRequest = (
    AddOrder
    | AmendOrder
    | EditOrder
    | CancelOrder
    | CancelAll
    | CancelAllOrdersAfter
    | BatchAdd
    | BatchCancel
)
"""What can be asked about orders."""

FIRST_REQ_ID: Final = 2**30
"""The lowest number of these requests. Ours."""
LIMIT: Final = 1000
"""Requests that wait or are unanswered at once: far more than any tier's rate counter lets pass."""
REMEMBERED: Final = 1000
"""Requests without an answer that are remembered, should it come late."""

_MAKING = (AddOrder, BatchAdd, EditOrder)
_CHANGING = (AddOrder, BatchAdd, EditOrder, AmendOrder)


class Answered(Struct, frozen=True):
    """The exchange answered."""

    reply: Reply
    """What it said."""


class Withdrawn(Struct, frozen=True):
    """It was never sent."""

    reason: str
    """Why."""


class Doubtful(Struct, frozen=True):
    """It was sent, and nobody knows what became of it."""

    reason: str
    """Why."""


Outcome = Answered | Withdrawn | Doubtful
"""How an errand ends."""


class Errand:
    """One request about orders."""

    __slots__ = ("late", "names", "outcome", "req_id", "request", "sent_at")

    def __init__(self, req_id: int, request: OrderRequest, names: frozenset[str]) -> None:
        """It waits to be sent."""
        self.req_id: int = req_id
        """Its number, which no other has."""
        self.request: OrderRequest = request
        """What is asked; sent, with its deadline."""
        self.names: frozenset[str] = names
        """The orders that it is about, by all their names that are known."""
        self.sent_at: float | None = None
        """When it was handed to the connection; None while it was not."""
        self.outcome: Outcome | None = None
        """How it ended; None while it has not."""
        self.late: Reply | None = None
        """The answer that came when nobody waited for it any more."""

    def __repr__(self) -> str:
        """Its number, its kind and how it ended."""
        return f"Errand({self.req_id} {type(self.request).__name__}, {self.outcome})"


class Finished(Struct, frozen=True):
    """An errand has ended, or one that ended doubtful was answered late."""

    errand: Errand
    """Which."""


class Ceiling(Struct, frozen=True):
    """The exchange said how high the rate counter may rise."""

    points: int
    """So high."""


Effect = Finished | Ceiling


class Errands:
    """The requests about orders of one session."""

    def __init__(self) -> None:
        """Without a connection, and without any."""
        self.unmatched: int = 0
        """Answers with a number of ours that nobody waits for: repeated, or forgotten."""
        self.online: bool = False
        """Whether there is a connection to send on."""
        self._last = FIRST_REQ_ID - 1
        self._waiting: dict[int, Errand] = {}
        self._sent: dict[int, Errand] = {}
        self._doubtful: dict[int, Errand] = {}
        # Names of orders that unanswered requests make, and that they make or change.
        self._making = Counter[str]()
        self._changing = Counter[str]()

    def __len__(self) -> int:
        """How many wait or are unanswered."""
        return len(self._waiting) + len(self._sent)

    def add(self, request: OrderRequest, names: Iterable[str] = ()) -> Errand:
        """Take a request that is to be sent as soon as it may. Raises ``RequestNotSent`` when there
        are too many.
        """
        if len(self) >= LIMIT:
            raise RequestNotSent("request", f"{LIMIT} requests about orders are unanswered already")
        self._last = FIRST_REQ_ID if self._last == MAX_REQ_ID else self._last + 1
        errand = Errand(self._last, request, frozenset(names))
        self._waiting[errand.req_id] = errand
        return errand

    @property
    def ready(self) -> bool:
        """Whether ``take`` has something to give."""
        return self._next() is not None

    def take(self, now: float) -> Errand | None:
        """Give the next that is to be sent, which is sent with that; None if there is none."""
        errand = self._next()
        if errand is None:
            return None
        del self._waiting[errand.req_id]
        self._sent[errand.req_id] = errand
        errand.sent_at = now
        self._count(errand, 1)
        return errand

    def withdraw(self, errand: Errand, reason: str) -> Outcome:
        """Nobody waits for it any more. Gives how it ended, now or before."""
        if errand.outcome is None:
            if self._waiting.pop(errand.req_id, None) is not None:
                errand.outcome = Withdrawn(reason)
            else:
                self._doubt(errand, reason)
        return errand.outcome or Withdrawn(reason)

    def replied(self, reply: Reply) -> list[Effect] | None:
        """The exchange answered; None where that is about none of these."""
        if reply.req_id is None or reply.req_id < FIRST_REQ_ID:
            return None
        errand = self._sent.pop(reply.req_id, None)
        if errand is not None:
            self._count(errand, -1)
            if (words := _failure(errand, reply)) is not None:
                errand.outcome = Doubtful(words)
                self._remember(errand)
            else:
                errand.outcome = Answered(reply)
            return [Finished(errand)]
        errand = self._doubtful.pop(reply.req_id, None)
        if errand is None:
            self.unmatched += 1
            return []
        if _failure(errand, reply) is not None:
            return []  # Still nobody knows.
        errand.late = reply
        return [Finished(errand)]

    def connected(self) -> None:
        """There is a connection."""
        self.online = True

    def disconnected(self) -> list[Effect]:
        """The connection is gone: no answer will come, and nothing that waited is sent later."""
        self.online = False
        over = [*self._waiting.values(), *self._sent.values()]
        for errand in over:
            self.withdraw(errand, "the connection was lost")
        # Nor will any of the late ones be answered.
        self._doubtful.clear()
        return [Finished(errand) for errand in over]

    def _next(self) -> Errand | None:
        if not self.online:
            return None
        return next((each for each in self._waiting.values() if self._may_go(each)), None)

    def _may_go(self, errand: Errand) -> bool:
        """Whether it need not wait for another; those before it that wait count, too."""
        blocking: tuple[type, ...]
        match errand.request:
            case CancelAll() | CancelAllOrdersAfter():
                return True
            case CancelOrder() | BatchCancel():
                blocking, counted = _MAKING, self._making
            case _:
                blocking, counted = _CHANGING, self._changing
        if any(counted[name] for name in errand.names):
            return False
        earlier = takewhile(lambda other: other is not errand, self._waiting.values())
        return not any(
            isinstance(other.request, blocking) and not errand.names.isdisjoint(other.names)
            for other in earlier
        )

    def _count(self, errand: Errand, change: int) -> None:
        for kinds, counted in ((_MAKING, self._making), (_CHANGING, self._changing)):
            if isinstance(errand.request, kinds):
                for name in errand.names:
                    counted[name] += change
                    if not counted[name]:
                        del counted[name]

    def _doubt(self, errand: Errand, reason: str) -> None:
        del self._sent[errand.req_id]
        self._count(errand, -1)
        errand.outcome = Doubtful(reason)
        self._remember(errand)

    def _remember(self, errand: Errand) -> None:
        self._doubtful[errand.req_id] = errand
        if len(self._doubtful) > REMEMBERED:
            del self._doubtful[next(iter(self._doubtful))]


def _failure(errand: Errand, reply: Reply) -> str | None:
    """Words that leave open whether it was done all the same, if it was answered with such. What
    makes or changes an order must not be asked twice, so there a failure is no refusal.
    """
    words = reply.error
    if words is None:
        return None
    changing = isinstance(errand.request, _CHANGING) and doubtful(words)
    return words if changing or explain(words).kind == OutcomeUnknown.__name__ else None

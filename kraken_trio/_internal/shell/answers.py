"""What was asked and when, until it is answered: how long the way is, and whose clock is wrong.

Knows when requests were sent and what the exchange's answers say of its own clock. What an answer
means for a subscription is the conversation's matter; for an order, trading's.

The estimate is that of NTP: half of what the two ways differ by is the clocks' difference, as far
as both ways take equally long. It is wrong by half of the round trip at the most, so the fastest of
the last few is believed; and a skew is told only where it cannot be the way's.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from logging import INFO, WARNING
from typing import Final

from kraken_trio._internal.engine.hooks import Hook, Hooks
from kraken_trio._internal.model.alert import BACK_NS, ClockSkew, RoundTrip
from kraken_trio._internal.model.messages import Reply
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.shell.ration import say

log = logging.getLogger("kraken_trio.feed")

SKEW_S: Final = 1.0
"""How far clocks may be apart before it is said."""
REMEMBERED: Final = 8
"""Round trips of which the fastest counts: at a ping in 30 s, those of four minutes."""
SET_NS: Final = 10_000_000
"""By how much a clock is set at least, if it is: frames are stamped by the read, not one by one."""
MOST_ASKED: Final = 1_000
"""Requests without an answer that are remembered; of a new one beyond that nothing is known."""
_PING = "ping"


class Skew:
    """Whether the clocks are too far apart: for all sessions of a feed, so it is said once."""

    __slots__ = ("_publish", "_skewed")

    def __init__(self, publish: Callable[[ClockSkew], object]) -> None:
        """Believe in both clocks. ``publish`` tells events."""
        self._publish = publish
        self._skewed = False

    def note(self, session: str, offset_ns: int, uncertainty_ns: int, at: Timestamp) -> None:
        """One estimate of how far the exchange's clock is ahead, and by how much it may be off."""
        bound_ns = int(SKEW_S * NANOSECONDS)
        if not self._skewed and abs(offset_ns) - uncertainty_ns > bound_ns:
            self._skewed = True
        elif self._skewed and abs(offset_ns) + uncertainty_ns < bound_ns:
            self._skewed = False
        else:
            return
        offset_s, uncertainty_s = offset_ns / NANOSECONDS, uncertainty_ns / NANOSECONDS
        skew = ClockSkew(session, offset_s, uncertainty_s, not self._skewed, at)
        level, what = (WARNING, "clock_skew") if self._skewed else (INFO, "clock_skew_over")
        text = "%s: the exchange's clock is %.3g s ahead, give or take %.2g s"
        fields = {"session": session, "offset_s": offset_s, "uncertainty_s": uncertainty_s}
        say(log, level, what, text, session, offset_s, uncertainty_s, **fields)
        self._publish(skew)


class Answers:
    """The requests of one session that were sent and not answered yet, and what the rest showed."""

    __slots__ = ("_asked", "_contexts", "_hooks", "_session", "_skew", "_trips", "round_trip_s")

    def __init__(self, session: str, *, hooks: Hooks, skew: Skew) -> None:
        """Nothing was asked yet."""
        self.round_trip_s: float | None = None
        """How long the last one took that was answered; None before one was."""
        self._session = session
        self._hooks = hooks.answered
        self._skew = skew
        self._asked: dict[int | str, Timestamp] = {}
        # Those of the tasks that wait for answers, by the number of the request.
        self._contexts: dict[int | None, Context] = {}
        # How long each of the last ones took, and what it says of the clocks, in nanoseconds.
        self._trips: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)

    @property
    def clock_offset_s(self) -> float | None:
        """How far the exchange's clock is ahead, by the fastest of the last; None if unknown."""
        return min(self._trips)[1] / NANOSECONDS if self._trips else None

    def exchange_time(self, at: Timestamp) -> Timestamp | None:
        """What the exchange's clock shows when this machine's shows ``at``; None if unknown."""
        return Timestamp(at + min(self._trips)[1]) if self._trips else None

    @contextmanager
    def awaited(self, req_id: int) -> Iterator[None]:
        """A task waits for an answer in this block: observers hear of it in the task's context
        (``contextvars``), so that a trace shows who asked.
        """
        self._contexts[req_id] = copy_context()
        try:
            yield
        finally:
            del self._contexts[req_id]

    def tell(self, req_id: int | None, hook: Hook, *args: object) -> None:
        """Call a hook in the context of the task that waits for an answer, or else in an empty one:
        that of the session's tasks is of whoever happened to need it first.
        """
        context = self._contexts.get(req_id)
        (Context() if context is None else context).run(hook, *args)

    def begin(self) -> None:
        """A connection begins: of what was asked on another nothing is answered any more."""
        self._asked.clear()

    def sent(self, req_id: int | None, at: Timestamp) -> None:
        """A request goes out; a ping has no number."""
        if len(self._asked) < MOST_ASKED:
            self._asked[_PING if req_id is None else req_id] = at

    def sent_at(self, req_id: int) -> Timestamp | None:
        """When a request went out that has no answer yet; None if there is no such."""
        return self._asked.get(req_id)

    def replied(self, reply: Reply) -> None:
        """An answer came. Of several to one request the first one counts."""
        method = _PING if reply.method == "pong" else reply.method
        asked = _PING if method == _PING and reply.req_id is None else reply.req_id
        sent_at = None if asked is None else self._asked.pop(asked, None)
        if sent_at is None or reply.received_at is None:
            return
        trip = RoundTrip(
            method=method,
            req_id=reply.req_id,
            success=reply.success,
            error=reply.error,
            sent_at=sent_at,
            time_in=reply.time_in,
            time_out=reply.time_out,
            received_at=reply.received_at,
        )
        took, offset = trip.duration_ns, trip.offset_ns
        if reply.received_at - sent_at >= -BACK_NS:  # Else the clock was set back.
            self.round_trip_s = took / NANOSECONDS
        if offset is not None:
            self._remember(took, offset)
            self._skew.note(self._session, offset, took // 2, reply.received_at)
        for hook in self._hooks:
            self.tell(reply.req_id, hook, self._session, trip)

    def _remember(self, took: int, offset: int) -> None:
        """Believe one round trip; what cannot be so beside it was before a clock was set."""
        if self._trips:
            least, known = min(self._trips)
            # Each is right to half of its way: they contradict each other if these do not meet.
            if 2 * abs(offset - known) > took + least + SET_NS:
                self._trips.clear()
        self._trips.append((took, offset))

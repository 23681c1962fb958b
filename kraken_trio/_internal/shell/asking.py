"""Requests about orders: each sent once, its answer waited for, and what is unknown kept.

Knows how long an answer is waited for and what comes out of that; which request is sent when stands
in ``core.errands``, what executions show of one in ``core.settling``.

Never twice. A request is handed to the session once. Where its answer does not come, whoever asked
is told so (``OutcomeUnknown``), and nothing is asked again: only a program can know what it wants.

Surely not. A request may be on its way for long, and so may what is told of it: a line that stands
still loses nothing, and nobody notices. So what makes or changes an order has a deadline by the
exchange's clock; and only a snapshot that is asked for when that has passed shows what came of it.

Owed. What the exchange accepts it reports. Where it does not, for some seconds, reports are missing
though nothing shows a hole, and all that is open is asked for anew: or there would be orders that
nobody can cancel, for they are gone.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final

import trio
from trio.lowlevel import enable_ki_protection

from kraken_trio._internal.core import order_rules
from kraken_trio._internal.core.errands import (
    Answered,
    Ceiling,
    Doubtful,
    Effect,
    Errand,
    Errands,
    Finished,
    OrderRequest,
)
from kraken_trio._internal.core.settling import settlement
from kraken_trio._internal.model.errors import (
    ConfigurationError,
    OrderRejected,
    OutcomeUnknown,
    RequestNotSent,
)
from kraken_trio._internal.model.messages import Reply
from kraken_trio._internal.model.requests import (
    BatchAdd,
    BatchCancel,
    CancelAll,
    CancelAllOrdersAfter,
)
from kraken_trio._internal.model.settlement import Settlement
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.shell.hub import TRADING, Hub
from kraken_trio._internal.shell.preparing import dated
from kraken_trio._internal.shell.ration import say
from kraken_trio._internal.shell.reports import Reports
from kraken_trio._internal.shell.session import Session
from kraken_trio._internal.wire.encode import METHODS

log = logging.getLogger("kraken_trio.trading")

SETTLED_AFTER_S: Final = 6.0
"""So long after it was sent, a request without a deadline is taken to do nothing any more: the
exchange works on one for 5 seconds, and its report takes a moment."""
OWED_S: Final = 5.0
"""How long a report may take that has to come."""
UNKNOWN_KEPT: Final = 1000
"""Doubts that are remembered: the latest ones."""
_REPORT_S: Final = 1.0
_GONE: Final = "EOrder:Unknown order"
_FOREVER: Final = float("inf")


class Asking:
    """Asks on one session, for as long as it is opened."""

    def __init__(self, hub: Hub, reports: Reports, timeout_s: float) -> None:
        """Wait ``timeout_s`` for an answer where nobody says otherwise."""
        self._hub = hub
        self._reports = reports
        self._timeout_s = timeout_s
        self._session: Session | None = None
        # The same, also when this is left: then what is unanswered is told.
        self._asked: Session | None = None
        self._answers: dict[Errand, trio.Event] = {}
        self._unknown: dict[Errand, OutcomeUnknown] = {}
        # Reports that have to come: since when, and by when at the latest.
        self._owed = deque[tuple[float, float]](maxlen=UNKNOWN_KEPT)
        self._owing = trio.Event()

    @property
    def unknown(self) -> tuple[OutcomeUnknown, ...]:
        """What nobody knows the outcome of, the oldest first."""
        return tuple(self._unknown.values())

    @property
    def session(self) -> Session:
        """Where it asks; ``trio.ClosedResourceError`` while that is nowhere."""
        if self._session is None:
            raise trio.ClosedResourceError("trading is not entered, or was left")
        return self._session

    def open(self, session: Session) -> None:
        """Ask there from now on."""
        self._session = self._asked = session
        session.on_errand = self._told
        session.serve(self._watch, name="owed reports")

    @enable_ki_protection
    def close(self) -> None:
        """Ask nowhere any more: what waits is not sent, what is unanswered stays unknown."""
        session, self._session = self._session, None
        if session is not None:
            self._hub.end(session)
        self._reports.stir()

    @enable_ki_protection
    async def ask(
        self,
        request: OrderRequest,
        symbol: str | None,
        *,
        names: Iterable[str] = (),
        cost: Mapping[str, float],
        answer_within_s: float | None,
        deadline_s: float | None = None,
    ) -> Reply:
        """Send a request, once, and wait for its answer.

        ``symbol`` is the pair that it has to fit, ``names`` are those of its orders, ``cost`` is
        what it adds to the rate counters, ``deadline_s`` what it gets for a deadline.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        session, method = self.session, METHODS[type(request)]
        errands, reports = session.supervisor.conversation.errands, self._reports
        self._hub.requests.count(method, "asked")
        try:
            request = dated(request, deadline_s, self.exchange_time)
            self._check(request, symbol, session)
            errand = errands.add(request, reports.all_names(names))
        except RequestNotSent:
            self._hub.requests.count(method, "not_sent")
            raise
        for each, points in cost.items():
            reports.rates.charge(each, points, trio.current_time())
        answer = self._answers[errand] = trio.Event()
        session.supervisor.stir()
        wait_s = self._timeout_s if answer_within_s is None else answer_within_s
        with session.supervisor.answers.awaited(errand.req_id):
            try:
                with trio.move_on_after(wait_s):
                    await answer.wait()
            except BaseException:
                self._give_up(errands, errand, "its answer was waited for no longer: cancelled")
                raise
            finally:
                self._answers.pop(errand, None)
                for each, points in cost.items():
                    reports.rates.answered(each, points)
            late = "was not sent" if errand.sent_at is None else "no answer"
            self._give_up(errands, errand, f"{late} within {wait_s:g} s")
        match errand.outcome:
            case Answered(reply) if reply.success:
                return reply
            case Answered(reply):
                raise OrderRejected(method, reply.error or "no reason given", errand.req_id)
            case Doubtful():
                raise self._unknown[errand]
            case outcome:
                reason = outcome.reason if outcome else "the session has ended"
                raise RequestNotSent(method, reason, errand.req_id)

    async def settle(self, unknown: OutcomeUnknown, within_s: float | None) -> Settlement:
        """Find out what became of a request; as ``Trading.settle``."""
        errand = self._errand(unknown)
        if errand is None:
            raise ConfigurationError(
                "unknown", "must be one of trading.unknown, is not", "It may be settled already"
            )
        await trio.lowlevel.checkpoint()
        with trio.move_on_after(_FOREVER if within_s is None else within_s) as scope:
            await self._wait_sure(errand, unknown)
        if scope.cancelled_caught:
            raise unknown
        self.forget(unknown)
        return settlement(errand, self._reports.lives, METHODS[type(errand.request)])

    def forget(self, unknown: OutcomeUnknown) -> None:
        """It is settled, or does not matter any more."""
        errand = self._errand(unknown)
        if errand is not None:
            del self._unknown[errand]
            self._hub.requests.count(unknown.method, "settled")

    def _errand(self, unknown: OutcomeUnknown) -> Errand | None:
        """The request that a doubt is about. Numbers begin anew with each block."""
        return next((each for each, error in self._unknown.items() if error is unknown), None)

    async def _wait_sure(self, errand: Errand, unknown: OutcomeUnknown) -> None:
        """Wait until nothing can come of a request any more that is not known, or it is answered.
        Raises ``unknown`` where nothing is told.
        """
        reports, sure_at = self._reports, self._sure_at(errand)
        while errand.late is None:
            session, lives = self.session, reports.lives
            if reports.ended is not None:
                raise unknown from reports.ended
            now = trio.current_time()
            if now >= sure_at and lives.whole:
                if lives.lost_at >= sure_at:
                    return
                # What was told so far may be of before.
                reports.refresh(session)
            with trio.move_on_at(sure_at if now < sure_at else _FOREVER):
                await reports.moved.wait()

    def _check(self, request: OrderRequest, symbol: str | None, session: Session) -> None:
        """Raise where nothing is to be sent."""
        reports, method = self._reports, METHODS[type(request)]
        pair = reports.pairs.get(symbol) if symbol is not None else None
        fault = order_rules.fault(request, pair, reports.system)
        if fault is not None:
            raise RequestNotSent(method, fault.reason, field=fault.field, mend=fault.mend)
        supervisor = session.supervisor
        if not supervisor.conversation.errands.online:
            raise RequestNotSent(
                method,
                f"there is no connection: the session is {supervisor.state.name}",
                mend=f'Wait for it: feed.wait_state(..., session="{TRADING}")',
            )

    def _give_up(self, errands: Errands, errand: Errand, reason: str) -> None:
        """Nobody waits for an answer any more; if it is in doubt by that, say so."""
        if errand.outcome is None:
            errands.withdraw(errand, reason)
            self._count(errand)
            self._note(errand)
            self._hub.settled()

    def _told(self, effect: Effect) -> None:
        """The session's word of what became of a request."""
        match effect:
            case Finished(errand):
                if errand.late is None:
                    self._count(errand)
                    self._note(errand)
                if self._owes(errand):
                    self._owed.append((errand.sent_at or 0.0, trio.current_time() + OWED_S))
                    self._owing.set()
                answer = self._answers.get(errand)
                if answer is not None:
                    answer.set()
                self._reports.stir()
            case Ceiling(points):
                self._reports.rates.allow(points)

    def _count(self, errand: Errand) -> None:
        """Count how a request ended."""
        match errand.outcome:
            case Answered(reply):
                end = "accepted" if reply.success else "rejected"
            case Doubtful():
                end = "unknown"
            case _:
                end = "not_sent"
        self._hub.requests.count(METHODS[type(errand.request)], end)

    def _owes(self, errand: Errand) -> bool:
        """Whether something has to be reported because of an answer, and nothing was."""
        reply = errand.late
        if isinstance(errand.outcome, Answered):
            reply = errand.outcome.reply
        if reply is None or self._reports.heard_at >= (errand.sent_at or 0.0):
            return False
        if not reply.success:
            # It is over; then that was not told.
            gone = reply.error == _GONE
            return gone and any(
                life.open for life in map(self._reports.named, errand.names) if life
            )
        match errand.request:
            case CancelAllOrdersAfter():
                return False
            case CancelAll() | BatchCancel():
                return bool(reply.count)
            case BatchAdd(validate=validate):
                return not validate and any(not each.error for each in reply.orders)
            case request:
                return not getattr(request, "validate", False)

    async def _watch(self) -> None:
        """Ask for everything anew whenever a report that has to come does not."""
        while True:
            await self._owing.wait()
            self._owing = trio.Event()
            while self._owed:
                sent_at, due_at = self._owed.popleft()
                await trio.sleep_until(due_at)
                reports, session = self._reports, self._session
                told_at = max(reports.heard_at, reports.lives.lost_at)
                if session is not None and told_at < sent_at and reports.lives.whole:
                    fields = {"session": TRADING}
                    say(log, logging.WARNING, "unreported", "%s: resync", TRADING, **fields)
                    reports.refresh(session)

    def _note(self, errand: Errand) -> None:
        """Remember a doubt, and tell everybody."""
        if not isinstance(errand.outcome, Doubtful):
            return
        method, names = METHODS[type(errand.request)], tuple(sorted(errand.names))
        error = OutcomeUnknown(method, errand.outcome.reason, errand.req_id, names)
        self._unknown[errand] = error
        if len(self._unknown) > UNKNOWN_KEPT:
            del self._unknown[next(iter(self._unknown))]
        req_id = errand.req_id
        fields = {"method": method, "req_id": req_id, "reason": error.reason}
        say(
            log,
            logging.WARNING,
            "outcome_unknown",
            "%s, request %d",
            error,
            errand.req_id,
            **fields,
        )
        self._hub.publish(error)
        if self._asked is not None:
            supervisor = self._asked.supervisor
            sent_at = supervisor.answers.sent_at(req_id)
            if sent_at is not None:  # Else there was an answer, which left it open.
                self._hub.unanswered(self._asked, error, sent_at, supervisor.wall())

    def exchange_time(self) -> Timestamp:
        """What the exchange's clock shows now, as far as is known."""
        supervisor = self.session.supervisor
        now = supervisor.wall()
        return supervisor.answers.exchange_time(now) or now

    def _sure_at(self, errand: Errand) -> float:
        """When a request that was sent can come into effect no more."""
        sent_at = errand.sent_at or 0.0
        deadline: Timestamp | None = getattr(errand.request, "deadline", None)
        if deadline is None:
            return sent_at + SETTLED_AFTER_S
        left_s = (deadline - self.exchange_time()) / NANOSECONDS
        return max(sent_at, trio.current_time() + left_s) + _REPORT_S

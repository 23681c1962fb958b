"""One session with one host of the exchange: what happens next, and when.

It takes inputs and gives effects (``session_events``), and whoever calls it carries these out.
It knows the table in ``states``, and the policy beside it: attempts, back-off, budget, silence.
It never waits: ``deadline`` says when ``tick`` wants to be called. All times are seconds of one
monotonic clock that the caller reads.
"""

from __future__ import annotations

import math
from collections import deque
from typing import assert_never, cast

from msgspec import Struct

from kraken_trio._internal.core.backoff import Backoff, Budget
from kraken_trio._internal.core.session_events import (
    Authenticated,
    AuthRefused,
    AuthUnavailable,
    Changed,
    Close,
    Confirmed,
    Connect,
    ConnectFailed,
    Dial,
    Effect,
    EndSubscription,
    Established,
    Fail,
    FetchToken,
    GapFound,
    HangUp,
    Input,
    Invalidate,
    Lost,
    Probe,
    Resync,
    Resynced,
    ResyncUnanswered,
    RetryIn,
    SubscribeAll,
    SymbolEnded,
    TokenRefused,
    Unanswered,
    WarnStale,
)
from kraken_trio._internal.core.states import SESSION, Machine, SessionEffect
from kraken_trio._internal.model.config import KrakenConfig
from kraken_trio._internal.model.errors import (
    ConnectionFailed,
    ConnectionLost,
    ConnectTimeout,
    KrakenError,
    RetriesExhausted,
)
from kraken_trio._internal.model.lifecycle import ConnectionState, SessionTrigger, StateChange
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp

HISTORY = 100
"""Transitions that a session remembers."""
STALE_WARNING = 0.8
"""Share of ``stale_after`` after which the silence is announced."""
STABLE_S = 30.0
"""How long a session must have been confirmed before a loss starts counting attempts anew, so
that a host which accepts and drops at once is given up like one that does not accept."""
MAINTENANCE_DELAY_S = 5.0
"""Shortest pause between attempts during maintenance (the exchange asks for this one)."""
LONGEST_WAIT_S = 600.0
"""What a host may ask for at the most between two attempts: a ban lasts ten minutes."""
NORMAL_CLOSURE = 1000
"""RFC 6455 section 7.4.1."""


_PLAIN: dict[SessionEffect, Effect] = {
    SessionEffect.FETCH_TOKEN: FetchToken(),
    SessionEffect.SUBSCRIBE_ALL: SubscribeAll(),
    SessionEffect.HANG_UP: HangUp(),
    SessionEffect.INVALIDATE: Invalidate(),
}
"""The effects that have no particulars."""

_CONNECTED = frozenset(
    {
        ConnectionState.AUTHENTICATING,
        ConnectionState.SUBSCRIBING,
        ConnectionState.SUBSCRIBED,
        ConnectionState.RESYNCING,
    }
)


class _Failure(Struct, frozen=True):
    """Why a connection is over, and what that means for the next."""

    error: KrakenError
    """Why."""
    retry_after_s: float = 0.0
    """What the host asked to wait."""
    counted: bool = True
    """Whether it counts as an attempt."""


class Session:
    """The machine of one session, with its policy."""

    def __init__(
        self,
        name: str,
        config: KrakenConfig,
        *,
        backoff: Backoff,
        budget: Budget,
        private: bool = False,
        epoch_ns: int = 0,
    ) -> None:
        """Start DISCONNECTED.

        ``name`` is ``public``, ``private`` or ``level3``. ``budget`` is the host's, shared by
        all sessions with it. ``epoch_ns`` is the wall clock's time, in nanoseconds, at zero of
        the monotonic clock; transitions are stamped with it.
        """
        self.name = name
        self.attempts: int = 0
        """Connections tried since the session was last stable."""
        self.maintenance: bool = False
        """Whether the exchange said that it is in maintenance: attempts are then free and slow."""
        self.history: deque[StateChange] = deque(maxlen=HISTORY)
        """The last transitions, oldest first."""
        self._config = config
        self._backoff = backoff
        self._budget = budget
        self._private = private
        self._epoch_ns = epoch_ns
        self._machine = Machine("session", SESSION, ConnectionState.DISCONNECTED)
        self._seen = 0.0
        self._pinged = 0.0
        self._probed: float | None = None
        self._warned = False
        self._due = math.inf
        self._stable_since: float | None = None
        self._cause: KrakenError = ConnectionFailed("never connected")

    @property
    def state(self) -> ConnectionState:
        """Where it stands."""
        return self._machine.state

    @property
    def late(self) -> int:
        """How many inputs only crossed a decision of ours."""
        return self._machine.late

    @property
    def deadline(self) -> float:
        """When ``tick`` wants to be called; infinity for never.

        It only moves later while frames come, so one who sleeps towards it need not be woken.
        """
        if self.state not in _CONNECTED:
            return self._due
        config = self._config
        moments = [self._pinged + config.heartbeat_interval, self._due]
        if not self._warned:
            moments.append(self._seen + config.stale_after * STALE_WARNING)
        if self._probed is not None:
            moments.append(self._probed + config.heartbeat_timeout)
        elif self._warned:
            moments.append(self._seen + config.stale_after)
        return min(moments)

    def frame_seen(self, at: float) -> None:
        """Something came at that moment, whatever it was: the peer lives. News alone count."""
        if at <= self._seen:
            return
        self._seen = at
        self._probed = None
        self._warned = False

    def handle(self, event: Input, now: float) -> list[Effect]:
        """What ``event`` makes necessary, in order.

        Raises ``InvalidTransition``, and changes nothing, for an input that cannot happen here.
        """
        trigger = SessionTrigger
        match event:
            case Connect():
                return self._connect(now)
            case Established():
                established = trigger.ESTABLISHED_PRIVATE if self._private else trigger.ESTABLISHED
                return self._fire(established, now)
            case ConnectFailed():
                failure = _Failure(event.error, event.retry_after_s, event.counted)
                return self._fire(trigger.CONNECT_FAILED, now, failure)
            case Authenticated():
                return self._fire(trigger.AUTH_ACCEPTED, now)
            case AuthRefused():
                return self._fire(trigger.AUTH_REFUSED, now, _Failure(event.error))
            case AuthUnavailable():
                failure = _Failure(event.error, event.retry_after_s, event.counted)
                return self._fire(trigger.AUTH_UNAVAILABLE, now, failure)
            case TokenRefused():
                return self._fire(trigger.TOKEN_REFUSED, now, reason=event.reason)
            case Lost():
                return self._fire(trigger.LOST, now, _Failure(event.error))
            case Confirmed():
                return self._fire(trigger.CONFIRMED, now)
            case SymbolEnded():
                ended = EndSubscription(event.part, event.error)
                return self._fire(trigger.SYMBOL_ENDED, now, detail=ended, reason=str(event.error))
            case Unanswered():
                failure = _Failure(ConnectionLost(None, "no subscription was answered in time"))
                return self._fire(trigger.UNANSWERED, now, failure)
            case GapFound():
                resync = Resync(event.part)
                return self._fire(trigger.GAP, now, detail=resync, reason=str(event.part))
            case Resynced():
                return self._fire(trigger.RESYNCED, now)
            case ResyncUnanswered():
                failure = _Failure(ConnectionLost(None, "no resync was answered in time"))
                return self._fire(trigger.RESYNC_UNANSWERED, now, failure)
            case Close():
                return self._fire(trigger.CLOSE, now)
            case _ as unreachable:
                assert_never(unreachable)

    def tick(self, now: float) -> list[Effect]:
        """What has become due. May be called at any time; early calls give nothing."""
        timeout = self._config.timeout
        match self.state:
            case ConnectionState.CONNECTING if now >= self._due:
                failure = _Failure(ConnectTimeout(f"the {self.name} host", timeout))
                return self._fire(SessionTrigger.CONNECT_TIMED_OUT, now, failure)
            case ConnectionState.AUTHENTICATING if now >= self._due:
                failure = _Failure(ConnectTimeout("the token service", timeout))
                return self._fire(SessionTrigger.AUTH_UNAVAILABLE, now, failure)
            case ConnectionState.DEGRADED if now >= self._due:
                return self._retry(now)
            case state if state in _CONNECTED:
                return self._listen(now)
            case _:
                return []

    def _connect(self, now: float) -> list[Effect]:
        """Start a session; a new one counts its attempts from the beginning."""
        effects = self._fire(SessionTrigger.CONNECT, now)
        wait = self._budget.take(now)
        if not wait:
            return effects
        # The host's budget is spent: the dial that was just asked for must not happen.
        none_left = ConnectionFailed("no connection attempt is left for now")
        spent = _Failure(none_left, wait, counted=False)
        effects = [effect for effect in effects if not isinstance(effect, Dial)]
        return effects + self._fire(SessionTrigger.CONNECT_FAILED, now, spent)

    def _retry(self, now: float) -> list[Effect]:
        """Try again, or find that nothing is left to try with."""
        limit = self._config.max_attempts
        if limit is not None and self.attempts >= limit:
            exhausted = RetriesExhausted(self.attempts)
            exhausted.__cause__ = self._cause
            return self._fire(SessionTrigger.RETRIES_SPENT, now, _Failure(exhausted))
        wait = self._budget.take(now)
        if wait:
            self._due = now + wait
            return [RetryIn(wait, self._cause)]
        return self._fire(SessionTrigger.RETRY, now)

    def _listen(self, now: float) -> list[Effect]:
        """Announce silence, then ask into it, then believe it."""
        config, effects = self._config, list[Effect]()
        silent = now - self._seen
        if self._probed is not None and now >= self._probed + config.heartbeat_timeout:
            lost = ConnectionLost(None, f"silent for {silent:.1f} s, and no answer to a ping")
            return self._fire(SessionTrigger.SILENT, now, _Failure(lost))
        # Compared as ``deadline`` computes it: rounding must not make a deadline that never comes.
        if not self._warned and now >= self._seen + config.stale_after * STALE_WARNING:
            self._warned = True
            effects.append(WarnStale(silent))
        stale = self._probed is None and now >= self._seen + config.stale_after
        if stale or now >= self._pinged + config.heartbeat_interval:
            # Whatever comes answers it: under a flood the pong itself may be far behind.
            if self._probed is None:
                self._probed = now
            self._pinged = now
            effects.append(Probe())
        return effects

    def _fire(
        self,
        trigger: SessionTrigger,
        now: float,
        failure: _Failure | None = None,
        *,
        detail: Effect | None = None,
        reason: str = "",
    ) -> list[Effect]:
        """Make the transition: its event, then the effects of its row with their particulars."""
        before = self.state
        row = self._machine.fire(trigger)
        if row.late:
            return []
        if failure is not None:
            self._cause = failure.error
            reason = str(failure.error)
        at = Timestamp(self._epoch_ns + int(now * NANOSECONDS))
        change = StateChange(self.name, before, row.to_state, trigger, reason, at)
        self.history.append(change)
        self._enter(row.to_state, trigger, now)
        effects: list[Effect] = [Changed(change)]
        for effect in row.effects:
            match effect:
                case SessionEffect.DIAL:
                    effects.append(Dial(self.attempts + 1))
                case SessionEffect.RESYNC | SessionEffect.END_SUBSCRIPTION:
                    # Only the two inputs that bring the detail lead to these rows.
                    effects.append(cast("Effect", detail))
                case SessionEffect.SCHEDULE_RETRY:
                    effects.append(self._schedule(cast("_Failure", failure), now))
                case SessionEffect.FAIL:
                    effects.append(Fail(self._cause))
                case _:
                    effects.append(_PLAIN[effect])
        return effects

    def _enter(self, state: ConnectionState, trigger: SessionTrigger, now: float) -> None:
        """Set the clocks and counters that belong to a transition."""
        if trigger is SessionTrigger.CONNECT:
            self.attempts = 0
            self.maintenance = False
        if trigger in (SessionTrigger.ESTABLISHED, SessionTrigger.ESTABLISHED_PRIVATE):
            self._pinged = self._seen = now
            self._probed = None
            self._warned = False
        if trigger is SessionTrigger.CONFIRMED:
            self._stable_since = now
        timed = (ConnectionState.CONNECTING, ConnectionState.AUTHENTICATING)
        self._due = now + self._config.timeout if state in timed else math.inf

    def _schedule(self, failure: _Failure, now: float) -> RetryIn:
        """Decide when the next attempt is due, and count the one that failed."""
        if self._stable_since is not None and now - self._stable_since >= STABLE_S:
            self.attempts = 0
        self._stable_since = None
        free = self.maintenance or not failure.counted
        if not free:
            self.attempts += 1
        limit, error = self._config.max_attempts, failure.error
        closed = isinstance(error, ConnectionLost) and error.code == NORMAL_CLOSURE
        if limit is not None and self.attempts >= limit:
            delay = 0.0  # nothing follows, so nothing is waited for
        else:
            # A host that closes in good order, once, is not in trouble; again and again, it is.
            first = closed and self.attempts <= 1
            delay = self._config.initial_delay
            if not first:
                delay = self._backoff.delay(max(1, self.attempts))
            if free:
                delay = max(delay, self._backoff.spread(MAINTENANCE_DELAY_S))
            delay = max(delay, min(failure.retry_after_s, LONGEST_WAIT_S))
        self._due = now + delay
        return RetryIn(delay, error)

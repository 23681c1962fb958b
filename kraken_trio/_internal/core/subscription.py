"""The conversation about one symbol of one channel: what to ask, and when to give up.

It takes inputs and gives effects, like ``session``, and knows the table in ``states`` with the
policy beside it: deadlines, attempts, pauses between them. It never waits: ``deadline`` says
when ``tick`` wants to be called. What the data mean is not known here; only that a snapshot
came, or that something was lost.
"""

from __future__ import annotations

import math
from typing import assert_never

from msgspec import Struct

from kraken_trio._internal.core.backoff import Backoff
from kraken_trio._internal.core.states import SUBSCRIPTION, Machine, SubscriptionEffect
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import SubscriptionError
from kraken_trio._internal.model.lifecycle import SubscriptionState, SubscriptionTrigger

ATTEMPTS = 5
"""Requests without an answer, or snapshots that do not hold, before a subscription is given up.
Our choice: while there is a connection, and with the default pauses, it is reached after several
minutes at most."""
STABLE_S = 30.0
"""How long a subscription must have been live since its last failure, all in all, before a loss
counts from the beginning again. Connections lost in between are no failures of it: where they last
for seconds only, it would otherwise be given up after a few losses in as many hours."""


class Online(Struct, frozen=True):
    """There is a connection to ask on."""


class Offline(Struct, frozen=True):
    """The connection is gone, and every request on it."""


class Acknowledged(Struct, frozen=True):
    """The exchange confirmed it, or said that it has it already."""


class Refused(Struct, frozen=True):
    """The exchange said no to the last request."""

    error: SubscriptionError
    """In its words."""
    transient: bool = False
    """True where the same request may succeed later: it is then repeated after a pause."""


class SnapshotSeen(Struct, frozen=True):
    """Its snapshot came."""


class DataLost(Struct, frozen=True):
    """What it delivered has a hole that only a fresh snapshot mends."""

    reason: str
    """The evidence."""


class Probe(Struct, frozen=True):
    """It is live, and has been silent for long."""

    spoke: bool = False
    """Whether it delivered anything before: then it has a snapshot to show."""


class GiveUp(Struct, frozen=True):
    """It is live, and will not be any better."""

    error: SubscriptionError
    """Why."""


class Left(Struct, frozen=True):
    """The exchange confirmed that it was left."""


class Leave(Struct, frozen=True):
    """Nobody wants it any more."""


class Want(Struct, frozen=True):
    """Somebody wants it again."""


Input = (
    Online
    | Offline
    | Acknowledged
    | Refused
    | SnapshotSeen
    | DataLost
    | Probe
    | GiveUp
    | Left
    | Leave
    | Want
)


class Subscribe(Struct, frozen=True):
    """Send the request for it."""


class Unsubscribe(Struct, frozen=True):
    """Send the request to leave it."""


class Discard(Struct, frozen=True):
    """Forget its book and its numbers."""


class Stall(Struct, frozen=True):
    """Tell that what was promised did not come."""


class Deliver(Struct, frozen=True):
    """It is complete: tell whoever waits for it."""


class Fail(Struct, frozen=True):
    """End it with this error."""

    error: SubscriptionError
    """To be raised to its consumer."""


Effect = Subscribe | Unsubscribe | Discard | Stall | Deliver | Fail

_PLAIN: dict[SubscriptionEffect, Effect] = {
    SubscriptionEffect.SUBSCRIBE: Subscribe(),
    SubscriptionEffect.UNSUBSCRIBE: Unsubscribe(),
    SubscriptionEffect.DISCARD: Discard(),
    SubscriptionEffect.STALL: Stall(),
    SubscriptionEffect.DELIVER: Deliver(),
}
"""The effects that have no particulars."""

_OUTSTANDING = frozenset(
    {
        SubscriptionState.REQUESTED,
        SubscriptionState.ACKNOWLEDGED,
        SubscriptionState.RESYNCING,
        SubscriptionState.UNSUBSCRIBING,
    }
)
_ANSWERS = frozenset(
    {
        SubscriptionTrigger.ACKNOWLEDGED,
        SubscriptionTrigger.ACKNOWLEDGED_BARE,
        SubscriptionTrigger.REFUSED,
        SubscriptionTrigger.LEFT,
    }
)
_ASKING = frozenset({SubscriptionEffect.SUBSCRIBE, SubscriptionEffect.UNSUBSCRIBE})
_PROBING = frozenset({SubscriptionState.PROBING, SubscriptionState.PROBED})
_SETTLED = frozenset(
    {
        SubscriptionState.IDLE,
        SubscriptionState.LIVE,
        SubscriptionState.UNSUBSCRIBING,
        SubscriptionState.ENDED,
    }
)
_LOSING = _PROBING | {
    SubscriptionState.REQUESTED,
    SubscriptionState.ACKNOWLEDGED,
    SubscriptionState.LIVE,
}


class Subscription:
    """The machine of one symbol's subscription, with its policy."""

    __slots__ = (
        "_backoff",
        "_due",
        "_error",
        "_live_since",
        "_lived",
        "_machine",
        "_paused",
        "_spoke",
        "_timeout",
        "answered",
        "attempts",
        "part",
        "promised",
    )

    def __init__(self, part: Channel, *, timeout_s: float, backoff: Backoff) -> None:
        """Start IDLE. ``part`` has one symbol at most; each answer may take ``timeout_s``."""
        self.part: Channel = part
        """What it is about."""
        self.attempts: int = 0
        """Failures since it was last live for a while."""
        self.answered: bool = False
        """Whether the exchange answered what it was last asked, whatever came of that."""
        self.promised: bool = False
        """Whether its snapshot is awaited though it would be complete without."""
        # Whether it had a snapshot to show, ever.
        self._spoke = False
        self._machine = Machine("subscription", SUBSCRIPTION, SubscriptionState.IDLE)
        self._timeout = timeout_s
        self._backoff = backoff
        self._due = math.inf
        self._live_since: float | None = None
        # How long it was live since its last failure, up to when it last ceased to be.
        self._lived = 0.0
        # What is to happen when a pause is over; None while no pause is running.
        self._paused: SubscriptionTrigger | None = None
        self._error = self._unanswered()

    @property
    def state(self) -> SubscriptionState:
        """Where it stands."""
        return self._machine.state

    @property
    def late(self) -> int:
        """How many inputs only crossed a decision of ours."""
        return self._machine.late

    @property
    def deadline(self) -> float:
        """When ``tick`` wants to be called; infinity for never."""
        return self._due

    @property
    def outstanding(self) -> bool:
        """Whether an answer of the exchange, or a pause before the next request, is awaited; and
        until then, it is not complete.
        """
        return self.state in _OUTSTANDING

    @property
    def probing(self) -> bool:
        """Whether an answer is awaited that shows whether it still is complete."""
        return self.state in _PROBING

    @property
    def paused(self) -> bool:
        """Whether what is awaited is the end of a pause of ours, rather than an answer."""
        return self._paused is not None

    def handle(self, event: Input, now: float) -> list[Effect]:
        """What ``event`` makes necessary, in order.

        Raises ``InvalidTransition``, and changes nothing, for an input that cannot happen here.
        """
        trigger = SubscriptionTrigger
        match event:
            case Online():
                return self._fire(trigger.ONLINE, now)
            case Offline():
                self._forgive(now)
                return self._fire(trigger.OFFLINE, now)
            case Acknowledged():
                waits = self.part.needs_snapshot or self.promised
                return self._fire(trigger.ACKNOWLEDGED if waits else trigger.ACKNOWLEDGED_BARE, now)
            case Refused():
                if event.transient and self.state is SubscriptionState.REQUESTED:
                    return self._count(event.error, trigger.TIMED_OUT, now)
                if self.state is SubscriptionState.RESYNCING:
                    # Not subscribed at all, it says: then it is left.
                    return self._again(trigger.REFUSED, now)
                if event.transient and self.state is SubscriptionState.PROBED:
                    # It is left, and what it had cannot be believed while we wait.
                    return self._fail_once(event.error, now)
                return self._fire(trigger.REFUSED, now, event.error)
            case SnapshotSeen():
                self._spoke = True
                return self._fire(trigger.SNAPSHOT, now)
            case DataLost():
                return self._lost(event.reason, now)
            case Probe():
                self._forgive(now)
                self.promised = event.spoke or self._spoke
                return self._fire(trigger.PROBE, now)
            case GiveUp():
                return self._fire(trigger.GAVE_UP, now, event.error)
            case Left():
                if self.state is SubscriptionState.RESYNCING:
                    return self._again(trigger.LEFT, now)
                return self._fire(trigger.LEFT, now)
            case Leave():
                # In a pause before asking anew it has been left already.
                left = self._paused in (trigger.LEFT, trigger.REFUSED)
                effects = self._fire(trigger.LEAVE, now)
                return effects + self._fire(trigger.LEFT, now) if left else effects
            case Want():
                effects = self._fire(trigger.WANT, now)
                self.attempts = 0
                return effects
            case _ as unreachable:
                assert_never(unreachable)

    def tick(self, now: float) -> list[Effect]:
        """What has become due. May be called at any time; early calls give nothing."""
        if now < self._due:
            return []
        if self._paused is not None:
            return self._fire(self._paused, now)
        if self.state is SubscriptionState.UNSUBSCRIBING:
            return self._fire(SubscriptionTrigger.TIMED_OUT, now)
        return self._fail_once(self._unanswered(), now)

    def excuse(self, now: float) -> None:
        """An answer may be there and unread: await it anew."""
        if self._due < math.inf and self._paused is None:
            self._due = now + self._timeout

    def _fail_once(self, error: SubscriptionError, now: float) -> list[Effect]:
        """Count a failure, and ask anew; give up after the last one."""
        if self._last_failure():
            return self._give_up(error, now)
        return self._fire(SubscriptionTrigger.TIMED_OUT, now)

    def _give_up(self, error: SubscriptionError, now: float) -> list[Effect]:
        """End it with what was wrong the last time, and say how often it was tried."""
        spent = SubscriptionError(error.reason, error.channel, error.symbol, self.attempts)
        return self._fire(SubscriptionTrigger.GAVE_UP, now, spent)

    def _unanswered(self) -> SubscriptionError:
        symbol = self.part.symbols[0] if self.part.symbols else None
        return SubscriptionError("not answered, or not made whole", self.part.name, symbol)

    def _forgive(self, now: float) -> None:
        """Count from the beginning once it was live for a while."""
        lived = self._lived + (0.0 if self._live_since is None else now - self._live_since)
        if lived >= STABLE_S:
            self.attempts = 0

    def _last_failure(self) -> bool:
        """Count a failure; say whether there have been too many."""
        self.attempts += 1
        self._lived, self._live_since = 0.0, None
        return self.attempts >= ATTEMPTS

    def _lost(self, reason: str, now: float) -> list[Effect]:
        """A hole: leave and ask anew, unless this happens again and again."""
        if self.state not in _LOSING:
            return self._fire(SubscriptionTrigger.LOST, now)
        self._forgive(now)
        if self._last_failure():
            symbol = self.part.symbols[0] if self.part.symbols else None
            error = SubscriptionError(f"not to be made whole: {reason}", self.part.name, symbol)
            return self._give_up(error, now)
        return self._fire(SubscriptionTrigger.LOST, now)

    def _again(self, trigger: SubscriptionTrigger, now: float) -> list[Effect]:
        """Ask anew: at once after the first failure, after a growing pause from the second on."""
        if self.attempts <= 1:
            return self._fire(trigger, now)
        self._pause(trigger, self.attempts - 1, now)
        return []

    def _count(
        self, error: SubscriptionError, trigger: SubscriptionTrigger, now: float
    ) -> list[Effect]:
        """A refusal that may not last: repeat the request after a pause, within the attempts."""
        if self._last_failure():
            return self._give_up(error, now)
        self._pause(trigger, self.attempts, now)
        return []

    def _pause(self, trigger: SubscriptionTrigger, attempt: int, now: float) -> None:
        self._paused = trigger
        self._due = now + self._backoff.delay(attempt)

    def _fire(
        self, trigger: SubscriptionTrigger, now: float, error: SubscriptionError | None = None
    ) -> list[Effect]:
        """Make the transition, set the clocks of its state, and give the effects of its row."""
        row = self._machine.fire(trigger)
        if row.late:
            return []
        self.answered = (self.answered or trigger in _ANSWERS) and _ASKING.isdisjoint(row.effects)
        if error is not None:
            self._error = error
        self._paused = None
        waits = row.to_state in _OUTSTANDING or row.to_state in _PROBING
        self._due = now + self._timeout if waits else math.inf
        if row.to_state in _SETTLED:
            self.promised = False
        if row.to_state is SubscriptionState.LIVE:
            self._live_since = now if self._live_since is None else self._live_since
        elif self._live_since is not None:
            self._lived += now - self._live_since
            self._live_since = None
        effects: list[Effect] = []
        for effect in row.effects:
            failing = effect is SubscriptionEffect.FAIL
            effects.append(Fail(self._error) if failing else _PLAIN[effect])
        return effects

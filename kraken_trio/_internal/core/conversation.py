"""One session with everything that is wanted on it: the connection and its subscriptions, joined.

The session knows when there is a connection, the roster knows what is asked for on it; each
tells the other what it has to know here, and nowhere else. Whoever runs it reports what happened
and carries the effects out, in order; between two calls nothing is ever half done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kraken_trio._internal.core import errands, roster_effects
from kraken_trio._internal.core import session_events as said
from kraken_trio._internal.core.backoff import Backoff, Budget
from kraken_trio._internal.core.errands import Errands
from kraken_trio._internal.core.roster import Request, Roster
from kraken_trio._internal.core.session import Session
from kraken_trio._internal.core.silence import Silence
from kraken_trio._internal.core.subscription import ATTEMPTS
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.config import KrakenConfig
from kraken_trio._internal.model.errors import request_error
from kraken_trio._internal.model.gap import GapReason
from kraken_trio._internal.model.lifecycle import ConnectionState, SubscriptionState
from kraken_trio._internal.model.messages import Refusal, Reply
from kraken_trio._internal.model.reference import SystemStatus

Effect = said.Effect | roster_effects.Effect | errands.Effect

_ANSWERING = (ConnectionState.SUBSCRIBING, ConnectionState.SUBSCRIBED, ConnectionState.RESYNCING)
_IDLE = (ConnectionState.DISCONNECTED, ConnectionState.CLOSED)


class Conversation:
    """A session machine and a roster of subscriptions, kept in step."""

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
        """As ``Session``. Nothing is wanted yet, so nothing is dialled."""
        self.private: bool = private
        """Whether its requests hold a token."""
        self.session: Session = Session(
            name, config, backoff=backoff, budget=budget, private=private, epoch_ns=epoch_ns
        )
        """The connection's machine."""
        self.roster: Roster = Roster(
            timeout_s=config.timeout, backoff=backoff, traits=config.traits
        )
        """The subscriptions' machines."""
        self.errands: Errands = Errands()
        """What is asked about orders."""
        self.silence: Silence = Silence(config.silent_after)
        """Which of them should have delivered something by now."""
        # Of others nobody could see in what comes first whether anything was missed.
        self._begins = config.traits.begins
        # When the connection was lost that everything was on; None while nothing is to be restored.
        self._lost_at: float | None = None

    @property
    def state(self) -> ConnectionState:
        """Of the session."""
        return self.session.state

    @property
    def deadline(self) -> float:
        """When ``tick`` wants to be called; infinity for never. That of the subscriptions which
        somebody wants is not in it: ask the roster for each.
        """
        return min(self.session.deadline, self.roster.deadline(), self.silence.due)

    def want(self, parts: Sequence[Channel], now: float) -> list[Effect]:
        """Somebody wants ``parts``: all of them, or, where one is refused, none.

        The first wish of a session that never connected connects it. Raises
        ``SubscriptionError`` where the exchange could not keep one apart from what is there.
        """
        for part in parts:
            self.roster.check(part)
        effects: list[Effect] = []
        for part in parts:
            effects += self.roster.want(part, now)
        if self.state is ConnectionState.DISCONNECTED:
            effects += self._session(said.Connect(), now)
        return effects

    def unwant(self, parts: Sequence[Channel], now: float) -> list[Effect]:
        """One who wanted ``parts`` wants them no more."""
        effects: list[Effect] = []
        for part in parts:
            effects += self.roster.unwant(part, now)
        return effects + self._settle(now)

    def connect(self, now: float) -> list[Effect]:
        """The user wants a connection: a new session after the end of one, nothing otherwise."""
        return self._session(said.Connect(), now) if self.state in _IDLE else []

    def report(self, event: said.Input, now: float) -> list[Effect]:
        """Something happened to the connection, or the user leaves."""
        return self._session(event, now)

    def replied(self, reply: Reply, now: float) -> list[Effect]:
        """The exchange answered a request, or, where it names none, just said no. Where it does not
        accept the token, a fresh one is wanted; what was refused with the old one is asked for
        again, within its attempts.
        """
        effects: list[Effect] = []
        if reply.refusal is Refusal.TOKEN and self.private and self.state in _ANSWERING:
            effects += self._session(said.TokenRefused(reply.error or ""), now)
        finished = self.errands.replied(reply)
        if finished is not None:
            return [*effects, *finished]
        if reply.maxratecount is not None:
            effects.append(errands.Ceiling(reply.maxratecount))
        strays = self.roster.unanswered
        effects += self._told(self.roster.replied(reply, now), now)
        if self.roster.unanswered > strays and not reply.success:
            reason = reply.error or "refused"
            error = request_error(reply.method or "request", reason, reply.req_id)
            effects.append(said.Stray(error))
        elif reply.method == "unsubscribe" and reply.req_id is None and reply.success:
            effects += self._left_us(reply, now)
        return effects

    def _left_us(self, reply: Reply, now: float) -> list[Effect]:
        """The exchange ended a subscription by itself, for this answers nobody: begin it anew."""
        effects: list[Effect] = []
        for entry in tuple(self.roster):
            part = entry.part
            live = entry.users and entry.machine.state is SubscriptionState.LIVE
            meant = part.name == reply.channel and reply.symbol in (part.symbols or (None,))
            if live and meant and reply.interval in (None, part.interval):
                effects.append(roster_effects.Stalled(part))
                effects += self.lost(part, GapReason.STALLED, now)
        return effects

    def snapshot(self, part: Channel, now: float) -> list[Effect]:
        """The snapshot of ``part`` came, and holds."""
        return self._told(self.roster.snapshot(part, now), now)

    def lost(self, part: Channel, reason: GapReason, now: float) -> list[Effect]:
        """What ``part`` delivered has a hole that a fresh snapshot mends."""
        effects: list[Effect] = list(self.roster.lost(part, reason, now))
        if self.roster.mending and self.state in _ANSWERING:
            effects = [*self._session(said.GapFound(part), now), *effects]
        return self._told(effects, now)

    def probe(self, part: Channel, now: float) -> list[Effect]:
        """Somebody wants to know whether ``part`` has shown all that there is."""
        return self._told(self.roster.probe(part, now, spoke=True), now)

    def missed(self, part: Channel, now: float) -> list[Effect]:
        """A probe of ``part`` showed that something was kept from us. Its snapshot mends that; but
        one that is silent again and again is given up.
        """
        stalls, silent_s = self.silence.stalled(part, now)
        if stalls >= ATTEMPTS:
            reason = f"is confirmed, and did not deliver what there was, {stalls} times in a row"
            return self._told(self.roster.give_up(part, reason, now), now)
        return [roster_effects.Mended(part, GapReason.STALLED, silent_s)]

    def look(self, heard: Callable[[Channel], int], now: float) -> list[Effect]:
        """Probe what has been silent for too long, if it is time to see to that.

        ``heard`` gives how many messages a subscription ever had.
        """
        if now < self.silence.due:
            return []
        if self.session.maintenance:
            # Then all are silent.
            self.silence.excuse(now)
            return []
        counts = {
            entry.part: heard(entry.part)
            for entry in self.roster
            if entry.users
            and entry.part.name in self._begins
            and (entry.machine.state is SubscriptionState.LIVE or entry.machine.probing)
        }
        effects: list[Effect] = []
        for part in self.silence.look(counts, now):
            # A ticker's state is there from the first moment on.
            promised = part.name == "ticker" and part.snapshot
            effects += self.roster.probe(part, now, spoke=promised or counts[part] > 0)
        return effects

    def status(self, status: SystemStatus) -> None:
        """The exchange said how it is."""
        self.session.maintenance = status.system == "maintenance"

    def requests(self, now: float) -> list[tuple[Request, int]]:
        """Take what is to be sent now, each with its number."""
        return self.roster.requests(now)

    def excuse(self, deaf_s: float, now: float) -> None:
        """Nothing was read for so long until now, by our own choice: that is nobody's silence."""
        self.session.frame_seen(now)
        self.roster.excuse(deaf_s, now)
        self.silence.excuse(now)

    def tick(self, now: float) -> list[Effect]:
        """What has become due. May be called at any time."""
        effects: list[Effect] = list(self._carry(self.session.tick(now), now))
        if self.state in _ANSWERING and self.roster.silent(now):
            resyncing = self.state is ConnectionState.RESYNCING
            event = said.ResyncUnanswered() if resyncing else said.Unanswered()
            return effects + self._session(event, now)
        return effects + self._told(self.roster.tick(now), now)

    def _told(self, effects: Sequence[Effect], now: float) -> list[Effect]:
        """Tell the session of what ended or has a hole, and of what is complete now."""
        out: list[Effect] = []
        for effect in effects:
            out.append(effect)
            answering = self.state in _ANSWERING
            if answering and isinstance(effect, roster_effects.Ended):
                out += self._session(said.SymbolEnded(effect.part, effect.error), now)
            if answering and isinstance(effect, roster_effects.Stalled) and self.roster.mending:
                out += self._session(said.GapFound(effect.part), now)
        return out + self._settle(now)

    def _settle(self, now: float) -> list[Effect]:
        """Tell the session what it waits for, once that is so."""
        match self.state:
            case ConnectionState.SUBSCRIBING if not self.roster.outstanding:
                effects = self._session(said.Confirmed(), now)
                if self._lost_at is not None:
                    effects.append(said.Restored(now - self._lost_at))
                    self._lost_at = None
                return effects
            case ConnectionState.RESYNCING if not self.roster.mending:
                return self._session(said.Resynced(), now)
            case _:
                return []

    def _session(self, event: said.Input, now: float) -> list[Effect]:
        return self._carry(self.session.handle(event, now), now)

    def _carry(self, effects: Sequence[said.Effect], now: float) -> list[Effect]:
        """Carry out what concerns the roster; hand on the rest."""
        out: list[Effect] = []
        for effect in effects:
            match effect:
                case said.SubscribeAll():
                    self.silence.begin(now)
                    self.errands.connected()
                    out += self.roster.online(now)
                    out += self._settle(now)
                case said.Invalidate():
                    self.silence.end()
                    if self.state is not ConnectionState.DEGRADED:
                        self._lost_at = None
                    elif self._lost_at is None:
                        self._lost_at = now
                    out += [effect, *self.errands.disconnected(), *self.roster.offline(now)]
                case said.Resync() | said.EndSubscription():
                    pass  # the roster found it, and has seen to it
                case _:
                    out.append(effect)
        return out

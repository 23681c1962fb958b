"""The subscriptions of one session: which are wanted, how far each has got, what to ask next.

One entry for each symbol of each channel, as the exchange knows them; how many of our consumers
share it is counted. Each entry's conversation is a machine of its own (``subscription``); this
joins their requests into few messages, and finds the entries that an answer is about. Like the
machines it takes inputs and gives effects, and never waits.

Source: section "Subscribing and unsubscribing" of the WebSocket v2 documentation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import assert_never

import msgspec

from kraken_trio._internal.core import subscription as talk
from kraken_trio._internal.core.allowance import Allowance
from kraken_trio._internal.core.backoff import Backoff
from kraken_trio._internal.core.entry import Entry, Key, clash
from kraken_trio._internal.core.pending import Pending
from kraken_trio._internal.core.roster_effects import (
    Completed,
    Discard,
    Effect,
    Ended,
    Mended,
    Probed,
    Stalled,
    Watch,
)
from kraken_trio._internal.core.subscription import Subscription
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import SubscriptionError
from kraken_trio._internal.model.gap import GapReason
from kraken_trio._internal.model.lifecycle import SubscriptionState
from kraken_trio._internal.model.messages import Refusal, Reply
from kraken_trio._internal.model.requests import Subscribe, Unsubscribe
from kraken_trio._internal.model.traits import V2, Traits

SYMBOLS_PER_REQUEST = 100
"""Lists of a hundred symbols were seen to be taken, with all pairs of the exchange."""


Request = Subscribe | Unsubscribe

_KINDS: dict[type, type[Request]] = {
    talk.Subscribe: Subscribe,
    talk.Unsubscribe: Unsubscribe,
}


class Roster:
    """All subscriptions of one session."""

    def __init__(self, *, timeout_s: float, backoff: Backoff, traits: Traits = V2) -> None:
        """Start with none, and without a connection. Each answer may take ``timeout_s``."""
        # Channels whose records show by themselves what was missed, even over a reconnect.
        self._numbered = traits.numbered
        self._timeout = timeout_s
        self._backoff = backoff
        self._online = False
        self._entries: dict[Key, Entry] = {}
        self._queue: dict[tuple[type[Request], Key], Entry] = {}
        self._pending = Pending[tuple[type[Request], tuple[Entry, ...]]]()
        self._answered = 0.0
        # How long nothing could be read, in all: for requests that time did not pass.
        self._deaf_s = 0.0
        self._allowance = Allowance()
        # When more of what waits in the queue may be asked for; infinity if nothing has to wait.
        self._more_at = math.inf
        self._outstanding: dict[Entry, None] = {}
        self._mending: dict[Entry, None] = {}

    def __iter__(self) -> Iterator[Entry]:
        """All entries that are not over."""
        return iter(self._entries.values())

    def entry(self, part: Channel) -> Entry | None:
        """The entry of ``part``, if there is one."""
        return self._entries.get(part.key)

    def deadline(self, parts: Iterable[Channel] | None = None) -> float:
        """When ``tick`` wants to be called for these, or for all that nobody wants any more and
        for what has to wait before it is asked for; infinity for never.
        """
        if parts is None:
            unwanted = [entry.machine.deadline for entry in self if not entry.users]
            return min([self._more_at, *unwanted])
        chosen = [entry for part in parts if (entry := self.entry(part)) is not None]
        return min((entry.machine.deadline for entry in chosen), default=math.inf)

    @property
    def outstanding(self) -> bool:
        """Whether anything that is wanted is not complete."""
        return bool(self._outstanding)

    @property
    def mending(self) -> bool:
        """Whether anything that is wanted has a hole and is not whole again."""
        return bool(self._mending)

    @property
    def unanswered(self) -> int:
        """Answers that belonged to no request of ours."""
        return self._pending.unmatched

    def has_requests(self) -> bool:
        """Whether ``requests`` has something to give."""
        return bool(self._queue)

    def check(self, part: Channel) -> None:
        """Raise ``SubscriptionError`` where the exchange could not keep ``part`` apart from what
        is wanted already: another depth of the same book, another trigger of a ticker, the
        snapshot of trades that are subscribed to without.
        """
        entry = self._entries.get(part.key)
        if entry is None or not entry.users:
            return
        reason = clash(entry.part, part)
        if reason is not None:
            raise SubscriptionError(reason, part.name, part.symbols[0] if part.symbols else None)

    def want(self, part: Channel, now: float) -> list[Effect]:
        """Somebody wants ``part``. Raises what ``check`` raises."""
        self.check(part)
        entry = self._entries.get(part.key)
        if entry is None:
            machine = Subscription(part, timeout_s=self._timeout, backoff=self._backoff)
            entry = self._entries[part.key] = Entry(part, machine)
        entry.users += 1
        if entry.users > 1:
            return []
        if entry.machine.state is SubscriptionState.UNSUBSCRIBING:
            # What those who left it saw and missed is nobody's any more.
            entry.part = entry.machine.part = part
            entry.seen = entry.mending = False
            entry.lost = None
            return self._step(entry, talk.Want(), now)
        self._track(entry)
        return self._step(entry, talk.Online(), now) if self._online else []

    def unwant(self, part: Channel, now: float) -> list[Effect]:
        """One who wanted ``part`` wants it no more; the last one leaves it."""
        entry = self._entries.get(part.key)
        if entry is None or not entry.users:
            return []
        entry.users -= 1
        self._track(entry)
        return [] if entry.users else self._step(entry, talk.Leave(), now)

    def online(self, now: float) -> list[Effect]:
        """There is a connection: ask for everything that is wanted."""
        self._online = True
        self._answered = now
        return self._step_all(list(self), talk.Online(), now)

    def offline(self, now: float) -> list[Effect]:
        """The connection is gone, and every request on it."""
        if not self._online:
            return []
        self._online = False
        self._more_at = math.inf
        self._queue.clear()
        self._pending.drain()
        for entry in self:
            entry.mending = False
            # Of these the next records tell whether anything was missed at all.
            if entry.seen and entry.lost is None and entry.part.name not in self._numbered:
                entry.lost = GapReason.DISCONNECT, now
        return self._step_all(list(self), talk.Offline(), now)

    def requests(self, now: float) -> list[tuple[Request, int]]:
        """Take what is to be sent now, each with its number; equal requests are joined. What the
        exchange would refuse for coming too soon stays, until ``tick`` has seen its time.
        """
        # Each subscription watches its own deadline: here they are only to be forgotten.
        self._pending.overdue(now - self._deaf_s)
        groups: dict[tuple[type[Request], Channel], list[Entry]] = {}
        queue, self._queue = self._queue, {}
        self._more_at = math.inf
        for (kind, key), entry in queue.items():
            part = entry.part
            if kind is Subscribe and not self._allowance.take(part, now):
                entry.machine.excuse(now)
                self._queue[kind, key] = entry
                self._more_at = self._allowance.more_at
                continue
            missing = entry.seen and part.name in self._numbered
            wondering = entry.machine.probing or entry.machine.promised
            if kind is Subscribe and (missing or wondering):
                # What was missed meanwhile stands in the snapshot, as far as it reaches.
                part = msgspec.structs.replace(part, snapshot=True)
            # The first symbol stands for all: a channel cannot be without.
            symbols = part.symbols
            like = msgspec.structs.replace(part, symbols=("ALL/ALL",)) if symbols else part
            groups.setdefault((kind, like), []).append(entry)
        return [
            self._request(kind, like, entries[start : start + SYMBOLS_PER_REQUEST], now)
            for (kind, like), entries in groups.items()
            for start in range(0, len(entries), SYMBOLS_PER_REQUEST)
        ]

    def replied(self, reply: Reply, now: float) -> list[Effect]:
        """The exchange answered."""
        self._answered = now
        whole = not reply.success and reply.symbol is None
        method, asked = reply.method, self._pending.asked(reply.req_id)
        if not method and asked is not None:
            method = asked[0].__name__.lower()
        settled = self._pending.resolve(reply.req_id, _part_name(method, reply.symbol), whole=whole)
        if settled is None:
            return []
        kind, entries = settled.request
        if settled.part is not None or not whole:
            symbol = reply.symbol
            entries = tuple(e for e in entries if not e.part.symbols or symbol in e.part.symbols)
        else:
            named = set(settled.unnamed)
            entries = tuple(e for e in entries if not e.part.symbols or _name(kind, e) in named)
        effects: list[Effect] = []
        for entry in entries:
            meaning = self._meaning(kind, entry, reply)
            if isinstance(meaning, talk.Acknowledged):
                entry.confirmed_at = reply.time_out
            elif isinstance(meaning, talk.Left) and entry.machine.probing:
                effects.append(Probed(entry.part, entry.confirmed_at, reply.time_out))
            effects += self._step(entry, meaning, now)
        return effects

    def snapshot(self, part: Channel, now: float) -> list[Effect]:
        """The snapshot of ``part`` came."""
        self._answered = now
        entry = self._entries.get(part.key)
        return [] if entry is None else self._step(entry, talk.SnapshotSeen(), now)

    def lost(self, part: Channel, reason: GapReason, now: float) -> list[Effect]:
        """What ``part`` delivered has a hole that a fresh snapshot mends."""
        entry = self._entries.get(part.key)
        if entry is None or not entry.users:
            return []
        entry.lost = entry.lost or (reason, now)
        effects = self._step(entry, talk.DataLost(reason.value), now)
        entry.mending = entry.machine.outstanding
        self._track(entry)
        return effects

    def probe(self, part: Channel, now: float, *, spoke: bool = False) -> list[Effect]:
        """``part`` has been silent for long: see whether its market is, if it is live. One that
        ``spoke`` before has something to show.
        """
        entry = self._entries.get(part.key)
        if entry is None or not entry.users or entry.machine.state is not SubscriptionState.LIVE:
            return []
        return self._step(entry, talk.Probe(spoke), now)

    def give_up(self, part: Channel, reason: str, now: float) -> list[Effect]:
        """``part`` is live, or said to be, and it is hopeless."""
        entry = self._entries.get(part.key)
        if entry is None or not entry.users:
            return []
        symbol = part.symbols[0] if part.symbols else None
        error = SubscriptionError(reason, part.name, symbol)
        return self._step(entry, talk.GiveUp(error), now)

    def tick(self, now: float) -> list[Effect]:
        """What has become due, symbol by symbol."""
        if self._more_at <= now:
            self._more_at = math.inf
        effects: list[Effect] = []
        for entry in list(self):
            before = entry.machine.deadline
            if before <= now:
                effects += self._apply(entry, entry.machine.tick(now), before, now)
        return effects

    def excuse(self, deaf_s: float, now: float) -> None:
        """Nothing could be read for so long until now: whatever was answered may lie there."""
        self._deaf_s += deaf_s
        self._answered = now
        for entry in self:
            entry.machine.excuse(now)

    def silent(self, now: float) -> bool:
        """Whether an answer is overdue, and the exchange has answered nothing for as long as one
        may take: then the connection is at fault, and no single symbol. What was confirmed and
        then does not come is the fault of that symbol.
        """
        if now - self._answered < self._timeout:
            return False
        return any(
            entry.users
            and entry.machine.deadline <= now
            and not (entry.machine.answered or entry.machine.paused)
            for entry in self
        )

    def _request(
        self, kind: type[Request], like: Channel, entries: list[Entry], now: float
    ) -> tuple[Request, int]:
        names = [_name(kind, entry) for entry in entries if entry.part.symbols]
        asked = now - self._deaf_s
        req_id = self._pending.add((kind, tuple(entries)), asked, self._timeout, names)
        symbols = tuple(symbol for entry in entries for symbol in entry.part.symbols)
        return kind(msgspec.structs.replace(like, symbols=symbols)), req_id

    def _meaning(self, kind: type[Request], entry: Entry, reply: Reply) -> talk.Input:
        """What an answer to one request means for one of its subscriptions."""
        if reply.success:
            return talk.Acknowledged() if kind is Subscribe else talk.Left()
        # Said of a request that was repeated, it confirms the one before. Said of the first one,
        # something else of ours is in the way, and the data would never come.
        again = entry.machine.attempts or entry.machine.probing
        if reply.refusal is Refusal.ALREADY and again:
            return talk.Acknowledged()
        if reply.refusal is Refusal.ABSENT and kind is Unsubscribe:
            return talk.Left()
        symbol = entry.part.symbols[0] if entry.part.symbols else None
        error = SubscriptionError(reply.error or "refused", entry.part.name, symbol)
        return talk.Refused(error, transient=reply.refusal in (Refusal.TRANSIENT, Refusal.TOKEN))

    def _step_all(self, entries: Iterable[Entry], event: talk.Input, now: float) -> list[Effect]:
        effects: list[Effect] = []
        for entry in entries:
            effects += self._step(entry, event, now)
        return effects

    def _step(self, entry: Entry, event: talk.Input, now: float) -> list[Effect]:
        before = entry.machine.deadline
        return self._apply(entry, entry.machine.handle(event, now), before, now)

    def _apply(
        self, entry: Entry, steps: list[talk.Effect], before: float, now: float
    ) -> list[Effect]:
        """Queue what is to be sent; give what is to be told; forget what is over."""
        effects: list[Effect] = []
        for step in steps:
            match step:
                case talk.Subscribe() | talk.Unsubscribe():
                    effects += self._enqueue(_KINDS[type(step)], entry, now)
                case talk.Discard():
                    effects.append(Discard(entry.part))
                case talk.Stall():
                    entry.lost = entry.lost or (GapReason.STALLED, now)
                    entry.mending = entry.machine.outstanding
                    effects.append(Stalled(entry.part))
                case talk.Deliver():
                    entry.mending = False
                    entry.seen = True
                    effects.append(Completed(entry.part))
                    if entry.lost is not None:
                        reason, since = entry.lost
                        entry.lost = None
                        effects.append(Mended(entry.part, reason, now - since))
                case talk.Fail(error):
                    entry.mending = False
                    effects.append(Ended(entry.part, error))
                case _ as unreachable:
                    assert_never(unreachable)
        self._track(entry)
        if entry.machine.deadline < before:
            effects.append(Watch(entry.part))
        # What ended may be told of once more, when its place is taken by another.
        if entry.machine.state is SubscriptionState.ENDED and self.entry(entry.part) is entry:
            del self._entries[entry.part.key]
        return effects

    def _track(self, entry: Entry) -> None:
        """Keep count of what is wanted and not complete, or not whole: asked at every answer."""
        for is_so, entries in (
            (entry.machine.outstanding, self._outstanding),
            (entry.mending, self._mending),
        ):
            if is_so and entry.users:
                entries[entry] = None
            else:
                entries.pop(entry, None)

    def _enqueue(self, kind: type[Request], entry: Entry, now: float) -> list[Effect]:
        """Queue a request; one to leave what was not even asked for yet takes that back instead."""
        key = entry.part.key
        if kind is Unsubscribe and self._queue.pop((Subscribe, key), None) is not None:
            return self._step(entry, talk.Left(), now)
        self._queue[kind, key] = entry
        return []


def _part_name(method: str, symbol: str | None) -> str | None:
    return None if symbol is None else f"{method} {symbol}"


def _name(kind: type[Request], entry: Entry) -> str:
    return f"{kind.__name__.lower()} {entry.part.symbols[0]}"

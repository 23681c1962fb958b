"""The private door of a simulated exchange: an account that is told of, and traded with.

Knows who subscribed to the account, and when they are told; what is told, and what happens, is
decided elsewhere.

Source: sections "executions", "balances" and "Ordering" of the WebSocket v2 documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

import trio
from trio.lowlevel import enable_ki_protection

from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.testing.account import Account, AccountRecord
from kraken_trio._internal.testing.account_feed import AccountFeed
from kraken_trio._internal.testing.floor import Floor
from kraken_trio._internal.testing.forms import FORMS
from kraken_trio._internal.testing.market import Market
from kraken_trio._internal.testing.pair import MarketEvent
from kraken_trio._internal.testing.part import Part, usual_result
from kraken_trio._internal.testing.ratecount import RateCounter
from kraken_trio._internal.testing.service import Service
from kraken_trio._internal.testing.trading import Trading
from kraken_trio._internal.testing.venue import Venue
from kraken_trio._internal.wire.requests import RequestFrame


class Desk:
    """Tells clients of an account, and trades with it for them: a ``Provider``."""

    def __init__(
        self,
        venue: Venue,
        market: Market,
        account: Account,
        tell: Callable[[Iterable[MarketEvent]], object],
    ) -> None:
        """Serve the clients of ``venue``, which is on ``market``, with ``account``; ``tell`` is
        given what its orders do to the market's books.
        """
        self._venue = venue
        self._account = account
        self._counter = RateCounter(venue.rules.tier)
        self._market = market
        floor = Floor(market, tell, lambda: account.now)
        self._trading = Trading(account, floor, self._counter, venue.rules)
        self._feeds: dict[tuple[Service, str], AccountFeed] = {}
        self._waiting: list[AccountRecord] | None = None  # Until an answer is given.
        self._changed = trio.Event()
        account.listen(self._hear)

    @property
    def channels(self) -> Collection[str]:
        """What it tells of."""
        return ("executions", "own_trades", "open_orders", "balances")

    @property
    def methods(self) -> Collection[str]:
        """All there are."""
        return FORMS.keys()

    def refusal(self, part: Part) -> str | None:  # noqa: ARG002 - a provider is asked for all
        """Say why this cannot be subscribed to: it can."""
        return None

    def result(self, part: Part) -> Mapping[str, object]:
        """Give the result that an acknowledgement holds."""
        result = usual_result(part)
        if part.channel in ("executions", "open_orders"):
            return {**result, "maxratecount": self._counter.allowed.ceiling}
        return result

    def begin(self, service: Service, part: Part) -> None:
        """Tell a client from now on: the snapshot if it is wanted, then what is new."""
        feed = AccountFeed(part, self._account, self._counter)
        frame = feed.snapshot()
        if frame is not None:
            service.outbox.tell(frame, part.channel)
        self._feeds[service, part.channel] = feed

    def end(self, service: Service, part: Part) -> None:
        """Tell a client nothing of that any more."""
        del self._feeds[service, part.channel]

    def trade(self, frame: RequestFrame, now: int) -> Iterable[bytes]:
        """Do what a request asks, and give the answers.

        What is to be told of it waits until these are given, unless it is to come before them.
        """
        self._trading.timers.run()
        self.follow()
        if not self._venue.rules.events_before_responses:
            self._waiting = []
            self._venue.after_answer(self._tell_waiting)
        try:
            with self._account.moment():
                answers = self._trading.answer(frame, Timestamp(now))
                self._trading.placing.follow()
                return answers
        finally:
            self._changed.set()

    def follow(self) -> None:
        """The market took a step: see to those who wait in it."""
        if self._market.traded:
            self._trading.placing.follow()

    def change_system(self) -> None:
        """Note that the mode of the engine changed: what was due may happen now."""
        self._changed.set()

    @enable_ki_protection
    async def keep_time(self) -> None:
        """Let happen by itself what does, each at its time."""
        timers = self._trading.timers
        while True:
            self._changed = trio.Event()
            due_at = timers.due_at()
            if due_at is None:
                await self._changed.wait()
            else:
                with trio.move_on_after(max(0, due_at - self._account.now) / NANOSECONDS):
                    await self._changed.wait()
            timers.run()
            self.follow()

    def _hear(self, record: AccountRecord) -> None:
        self._changed.set()
        if self._waiting is None:
            self._tell(record)
        else:
            self._waiting.append(record)

    def _tell_waiting(self) -> None:
        waiting, self._waiting = self._waiting, None
        for record in waiting or ():
            self._tell(record)

    def _tell(self, record: AccountRecord) -> None:
        for (service, channel), feed in self._feeds.items():
            frame = feed.update(record)
            if frame is not None:
                service.outbox.tell(frame, channel)

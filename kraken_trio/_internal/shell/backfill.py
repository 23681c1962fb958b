"""Fetching missed trades over REST: one question at a time, not too fast, and not for ever.

Knows when to ask, and what to do when no answer comes. What is missing and what an answer means
for it stands in ``core``, how both are spelt in ``wire``.

Order. The pair of which least is missing is asked about first, so that as many as possible are
whole before their time is over. A pair whose questions are refused lets the others go before it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from logging import INFO, WARNING
from typing import Final

import trio
from msgspec.structs import replace
from trio.lowlevel import enable_ki_protection

from kraken_trio._internal.core.backfill import PAGE_ROWS
from kraken_trio._internal.core.backoff import Backoff
from kraken_trio._internal.engine.steps import perform
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.endpoint import Endpoint
from kraken_trio._internal.model.errors import ConfigurationError, ConnectionFailed, ProtocolError
from kraken_trio._internal.model.gap import GapHandling
from kraken_trio._internal.model.ports import Rest
from kraken_trio._internal.model.records import Trade
from kraken_trio._internal.model.steps import Filled, GaveUp, HistoryRow
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.shell.holds import Hold, Holds
from kraken_trio._internal.shell.ration import say
from kraken_trio._internal.shell.rest import HttpRest, of_the_exchange
from kraken_trio._internal.wire.rest import RestRefused
from kraken_trio._internal.wire.rest_trades import read_trades, trades_path

log = logging.getLogger("kraken_trio.backfill")

PAUSE_S: Final = 1.0
"""Between two questions. The exchange documents no rate; its support says that one a second is
safe, and refusals were seen of faster ones."""

Answer = tuple[Trade, ...] | RestRefused | ConnectionFailed | ProtocolError
"""What can become of a question."""


class Backfill:
    """Asks for the trades that a feed's subscriptions miss and want."""

    def __init__(
        self,
        holds: Holds,
        *,
        endpoint: Endpoint,
        rest: Rest | None,
        backoff: Backoff,
        wall: Callable[[], Timestamp],
    ) -> None:
        """Fill what ``holds`` have, by calls of ``rest``; without one, of the exchange's own.

        ``endpoint`` is where the stream comes from, ``backoff`` says when to ask again after a
        refusal, ``wall`` is the wall clock.
        """
        self._holds = holds
        self._endpoint = endpoint
        self._rest = rest
        self._backoff = backoff
        self._wall = wall
        self._next_at = 0.0

    def handling(self, channel: Channel, usual: GapHandling, wanted: bool | None) -> GapHandling:  # noqa: FBT001 - as it was given
        """What a subscription to ``channel`` does about its losses: as ``usual``, but that
        trades are fetched if it is ``wanted``. ``ConfigurationError`` where they cannot be.
        """
        if channel.name != "trade":
            if wanted:
                raise ConfigurationError(
                    "backfill",
                    f"must be left out for {channel.name}",
                    "Only trades can be fetched afterwards",
                )
            return replace(usual, backfill=False)
        backfill = usual.backfill if wanted is None else wanted
        if backfill:
            self._prepare()
        return replace(usual, backfill=backfill)

    @enable_ki_protection
    async def run(self) -> None:
        """Ask, one question after the other, whenever something is missing, for ever."""
        while True:
            version = self._holds.version
            hold, at = self._choose(trio.current_time())
            if hold is None:
                await self._holds.wait_changed(version, at)
            else:
                await self._ask(hold)
                self._holds.stir()

    def _prepare(self) -> None:
        """Make sure that there is something to call; ``ConfigurationError`` where there is not."""
        if self._rest is not None:
            return
        if not of_the_exchange(self._endpoint):
            # The numbers of one market mean something else in another.
            raise ConfigurationError(
                "backfill",
                f"must fetch from where the stream comes from, and {self._endpoint.host} is not "
                "the exchange",
                "Give open_kraken the rest that belongs to it, such as exchange.rest",
            )
        self._rest = HttpRest()

    def _choose(self, now: float) -> tuple[Hold | None, float]:
        """What to ask about now, or None and the moment to look again."""
        missing = [each for each in self._holds if _asks(each)]
        due = [each for each in missing if max(each.not_before, self._next_at) <= now]
        if due:
            return min(due, key=lambda each: (each.attempts, each.route.line.missing)), now
        at = min((max(each.not_before, self._next_at) for each in missing), default=math.inf)
        return None, at

    async def _ask(self, hold: Hold) -> None:
        """Ask once, and take the answer; nothing is left of a question that came to nothing."""
        route, line = hold.route, hold.route.line
        self._next_at = trio.current_time() + PAUSE_S
        before = line.missing
        answer: Answer | None = None
        symbol = route.part.symbols[0]
        with trio.CancelScope(deadline=line.deadline) as hold.asking:
            answer = await self._fetch(symbol, line.since or Timestamp(0))
        hold.asking = None
        if route.closed or answer is None:
            return
        wait_s = 0.0
        match answer:
            case tuple():
                rows = tuple(map(HistoryRow.of, answer))
                perform(hold.engine, Filled(route.part, rows))
                fields = {"symbol": symbol, "rows": len(answer)}
                say(
                    log,
                    INFO,
                    "backfill",
                    "%s: a page of %d rows",
                    route.part,
                    len(answer),
                    **fields,
                )
                if line.missing < before:
                    hold.attempts = 0
                else:
                    wait_s = self._delay(hold)
            case RestRefused(error, transient=False):
                fields = {"symbol": symbol, "reason": str(error)}
                say(log, WARNING, "backfill_refused", "%s: %s", route.part, error, **fields)
                perform(hold.engine, GaveUp(route.part))
            case RestRefused(error, retry_after_s=retry_after_s):
                wait_s = max(self._delay(hold), retry_after_s)
                _again(route.part, error, wait_s)
            case error:
                wait_s = self._delay(hold)
                _again(route.part, error, wait_s)
        hold.not_before = trio.current_time() + wait_s

    async def _fetch(self, symbol: str, since: Timestamp) -> Answer:
        """Ask for a page; what goes wrong is an answer too."""
        if self._rest is None:
            return ConnectionFailed("there is nothing to call")  # nobody wanted it
        path = trades_path(symbol, since, PAGE_ROWS)
        try:
            response = await self._rest("GET", path, headers={}, body=b"")
            return read_trades(response, symbol, self._wall())
        except (ConnectionFailed, ProtocolError) as error:
            return error

    def _delay(self, hold: Hold) -> float:
        hold.attempts += 1
        return self._backoff.delay(hold.attempts)


def _again(part: Channel, error: Exception, wait_s: float) -> None:
    """Say why a question is asked once more."""
    fields = {"symbol": part.symbols[0], "reason": str(error), "delay_s": wait_s}
    say(log, WARNING, "backfill_again", "%s: %s; in %.3g s", part, error, wait_s, **fields)


def _asks(hold: Hold) -> bool:
    """Whether history is to be asked about it, once what it brought last is handed on."""
    return not hold.route.ready and hold.route.line.since is not None

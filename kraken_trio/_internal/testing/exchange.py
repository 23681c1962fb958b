"""The simulated exchange: a market that clients can subscribe to.

Knows which client is told of what in the market, and when the market goes on.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Literal

import trio
from trio.lowlevel import enable_ki_protection

from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.testing.account import Account
from kraken_trio._internal.testing.conversation import UNKNOWN_PAIR
from kraken_trio._internal.testing.desk import Desk
from kraken_trio._internal.testing.doors import Doors, open_doors
from kraken_trio._internal.testing.listing import is_tokenized
from kraken_trio._internal.testing.market import Market
from kraken_trio._internal.testing.pace import Pace, check_rate
from kraken_trio._internal.testing.pair import MarketEvent, Topic
from kraken_trio._internal.testing.part import TOKENIZED, Part
from kraken_trio._internal.testing.provider import Provider
from kraken_trio._internal.testing.rules import ExchangeRules
from kraken_trio._internal.testing.service import Service
from kraken_trio._internal.testing.topics import snapshot, watch
from kraken_trio._internal.testing.venue import Venue
from kraken_trio._internal.wire.requests import RequestFrame

MARKET_CHANNELS = frozenset({"ticker", "book", "trade", "ohlc", "instrument", "level3"})
"""Those that a market has something to tell in."""


class MarketVenue(Venue):
    """An exchange that tells its clients what happens in a market, and what others tell."""

    speaks_v1 = True

    def __init__(self, market: Market, *, rules: ExchangeRules, seed: int, ledger: int = 0) -> None:
        """Open ``market`` to clients."""
        super().__init__(rules=rules, seed=seed, start=market.now, ledger=ledger)
        self._market = market
        self.pace: Pace | None = None
        """How the market goes on by itself, where it does."""
        self._audience: dict[Topic, dict[Service, None]] = {}
        self._providers: dict[str, Provider] = {}
        self.account: Account = Account(market.pairs, seed=seed, clock=self.now)
        """The one account that there is."""
        self.desk: Desk = Desk(self, market, self.account, self.tell)
        """Tells of it."""
        self.plug(self.desk)

    def plug(self, provider: Provider) -> None:
        """Have somebody else tell of some channels and answer some methods of trading."""
        self._providers |= dict.fromkeys([*provider.channels, *provider.methods], provider)

    def now(self) -> Timestamp:
        """The clock goes as trio's does, on from where the market is once that is ahead.

        It never stands still to be caught up with, or limits by the second would not pass.
        """
        now = super().now()
        if now >= self._market.now:
            return now
        self._start += self._market.now - now
        return self._market.now

    def refusal(self, part: Part) -> str | None:
        """Say why this cannot be subscribed to, or None where it can."""
        provider = self._providers.get(part.channel)
        if provider is not None:
            return provider.refusal(part)
        if part.symbol is None or part.symbol in self._market.symbols:
            return None
        return UNKNOWN_PAIR.format(part.symbol)

    def result(self, part: Part) -> Mapping[str, object]:
        """Give the result that an acknowledgement holds."""
        provider = self._providers.get(part.channel)
        return super().result(part) if provider is None else provider.result(part)

    def trade(self, frame: RequestFrame, now: int) -> Iterable[bytes]:
        """Do what a method of trading asks, if anybody can."""
        provider = self._providers.get(frame.method or "")
        return super().trade(frame, now) if provider is None else provider.trade(frame, now)

    def begin(self, service: Service, part: Part) -> None:
        """Tell a client from now on what it subscribed to, first of all how it stands."""
        service.start_heartbeats()
        provider = self._providers.get(part.channel)
        if provider is not None:
            provider.begin(service, part)
            return
        if part.snapshot:
            frame = snapshot(self._market, part, exponents=self.rules.instrument_exponents)
            service.outbox.tell(frame, part.channel, part.symbol)
        self._audience.setdefault(part.topic, {})[service] = None
        watch(self._market, part, wanted=True)

    def end(self, service: Service, part: Part) -> None:
        """Tell a client nothing of that any more."""
        provider = self._providers.get(part.channel)
        if provider is not None:
            provider.end(service, part)
            return
        audience = self._audience[part.topic]
        del audience[service]
        twin = _twin(part.topic)
        if not (audience or (twin and self._audience.get(twin))):
            watch(self._market, part, wanted=False)

    def step(self, at: int | None = None) -> None:
        """Let the market take a step, ``at`` that time or a little later, and tell of it."""
        self.tell(self._market.step(at))
        self.desk.follow()

    def tell(self, events: Iterable[MarketEvent]) -> None:
        """Tell everybody who subscribed to it what happened."""
        for event in events:
            for service in self._audience.get(event.topic, ()):
                service.outbox.tell(event.frame, event.channel, event.symbol)
            if event.event_trigger == "bbo":
                spread = event.frame.replace(b'"ticker"', b'"spread"', 1)
                for service in self._audience.get(("spread", event.symbol, None), ()):
                    service.outbox.tell(spread, "spread", event.symbol)

    def change_system(self, system: str, *, shut: bool) -> None:
        """Go over to another mode, the market too, and tell everybody."""
        self._market.system = system
        super().change_system(system, shut=shut)
        self.desk.change_system()

    def change_pair(self, symbol: str, status: str) -> None:
        """Give a pair another status, and tell whom it concerns."""
        exponents = self.rules.instrument_exponents
        frame = self._market.change_pair(symbol, status, exponents=exponents)
        self._tell_of_instruments(frame, symbol)

    def change_asset(self, asset: str, status: str) -> None:
        """Give an asset another status, and tell whom it concerns."""
        self._tell_of_instruments(self._market.change_asset(asset, status), f"{asset}/")

    def _tell_of_instruments(self, frame: bytes, symbol: str) -> None:
        for option in (TOKENIZED,) if is_tokenized(symbol) else (None, TOKENIZED):
            for service in self._audience.get(("instrument", None, option), ()):
                service.outbox.tell(frame, "instrument")

    @enable_ki_protection
    async def keep_pace(self, rate: float) -> None:
        """Let the market take ``rate`` steps a second, each at its time."""
        start = self._market.now
        pace = self.pace = Pace(rate)
        while True:
            before = pace.taken
            for number in range(before + 1, before + 1 + await pace.wait()):
                self.step(start + int(pace.due_s(number) * NANOSECONDS))


def _twin(topic: Topic) -> Topic | None:
    """Give what lives on the same events of a market: spreads, and tickers of the best levels."""
    channel, symbol, option = topic
    if channel == "spread":
        return "ticker", symbol, "bbo"
    return ("spread", symbol, None) if (channel, option) == ("ticker", "bbo") else None


class Exchange(Doors):
    """A simulated exchange: ``open_exchange`` opens it.

    It has all channels, each at the host where the real one has it, gives tokens to who signs with
    its key, and lets those trade who have one. At the path of protocol v1 it speaks that, on the
    same market and account. What a client that missed nothing must know by now
    stands in ``market`` and in ``account``.
    """

    def __init__(self, nursery: trio.Nursery, venue: MarketVenue, market: Market) -> None:
        """Open the doors to the ``venue`` of ``market``."""
        super().__init__(nursery, venue, market)
        self.market = market
        """What is traded. It goes on by ``step``, here and not there, or nobody is told."""
        self.account: Account = venue.account
        """Whose orders and balances the private channels tell of. It does what it is told to, here
        and by clients, and everybody is told."""
        self._market_venue = venue

    @property
    def lag_s(self) -> float:
        """How far the market is behind its rate, in seconds.

        It makes up for it, unless the rate is more than this machine can do.
        """
        pace = self._market_venue.pace
        return 0.0 if pace is None else pace.lag_s

    def step(self, count: int = 1) -> None:
        """Let the market take some steps, and tell everybody whom they concern.

        All frames about them wait to be sent when it returns.
        """
        for _ in range(count):
            self._market_venue.step()

    def remove_best(self, symbol: str, side: Literal["bid", "ask"]) -> None:
        """Let the best level of a book go, and tell of it: the removal, and what slides in."""
        self._market_venue.tell(self.market.remove_best(symbol, side))

    def change_pair(self, symbol: str, status: str) -> None:
        """Give a pair another status, and tell all who subscribed to ``instrument``.

        One of ``online``, ``cancel_only``, ``post_only``, ``limit_only``, ``reduce_only``,
        ``maintenance``, ``delisted`` and ``work_in_progress``, which decides what still happens
        in it; or any other, which is told as it is. ``ConfigurationError`` for a symbol that is
        not listed.
        """
        self._market_venue.change_pair(symbol, status)

    def change_asset(self, asset: str, status: str) -> None:
        """Give an asset another status, and tell all who subscribed to ``instrument``.

        ``enabled``, ``disabled``, ``depositonly``, ``withdrawalonly`` and so on, or any other.
        ``ConfigurationError`` for an asset that is not listed.
        """
        self._market_venue.change_asset(asset, status)


@asynccontextmanager
async def open_exchange(
    market: Market | None = None,
    *,
    seed: int = 0,
    rate: float = 0,
    rules: ExchangeRules | None = None,
    ledger: int = 0,
) -> AsyncIterator[Exchange]:
    """Open a simulated exchange; at the end of the block, all its connections are cut.

    Clients come in by ``dial``, in memory, or through ``listen``. ``market`` is what is traded:
    the usual pairs, from now on, unless told otherwise. It goes on ``rate`` steps a second, or
    with 0 only when ``step`` is called. ``seed`` decides about chance. The latest ``ledger``
    frames that are sent are remembered in the exchange's ``ledger``. An error of the exchange
    itself ends the block; nothing that a client does is one.

    Raises ``ConfigurationError`` where ``rate`` is negative or no number.
    """
    check_rate(rate, "steps")
    market = market or Market(seed=seed, start=time.time_ns())
    venue = MarketVenue(market, rules=rules or ExchangeRules(), seed=seed, ledger=ledger)

    def make(nursery: trio.Nursery) -> Exchange:
        if rate:
            nursery.start_soon(venue.keep_pace, rate)
        nursery.start_soon(venue.desk.keep_time)
        return Exchange(nursery, venue, market)

    async with open_doors(make) as exchange:
        yield exchange

"""Which pairs are subscribed to, for whoever looks: shared by all, and gone with the last of them.

Knows what of a pair is shown, and how one subscription serves many; what is seen goes to a
``View``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
import trio

from kraken_trio import Channel, ConfigurationError, Feed, SubscriptionError
from kraken_trio._internal.apps.view.view import View

DEPTH: Final = 25
"""Levels a side of a book that are asked for."""
RETRY_S: Final = 1.0
"""After what ended for a reason that passes, it is asked for anew."""
INSTRUMENTS: Final = Channel.instrument()


class Held(msgspec.Struct):
    """One subscription."""

    scope: trio.CancelScope
    """Ends it."""
    wanted: int = 0
    """By so many."""


class Pairs:
    """The subscriptions of a program that shows a feed."""

    def __init__(self, feed: Feed, view: View, nursery: trio.Nursery) -> None:
        """Subscribe to nothing yet. Tasks run in ``nursery``."""
        self.refused: Callable[[str, str], object] = _nobody
        """Is told of a pair that the exchange refused, and why. Whoever wants it is to leave it."""
        self._feed = feed
        self._view = view
        self._nursery = nursery
        self._held: dict[Channel, Held] = {}

    @property
    def channels(self) -> tuple[Channel, ...]:
        """What is wanted."""
        return tuple(self._held)

    def want(self, symbol: str) -> None:
        """Somebody wants to see a pair, spelled as ``spelled`` has it."""
        self._view.want(symbol)
        for channel in _of(symbol):
            self._want(channel)

    def leave(self, symbol: str) -> None:
        """One of those who wanted to does so no more."""
        channels = _of(symbol)
        for channel in channels:
            self._leave(channel)
        if not any(channel in self._held for channel in channels):
            self._view.forget(symbol)

    def want_candles(self, symbol: str, interval: int) -> None:
        """Somebody wants to see candles of a pair that is wanted."""
        self._want(Channel.ohlc(symbol, interval=interval))

    def leave_candles(self, symbol: str, interval: int) -> None:
        """One of those who wanted to does so no more."""
        channel = Channel.ohlc(symbol, interval=interval)
        self._leave(channel)
        pair = self._view.pairs.get(symbol)
        if channel not in self._held and pair is not None:
            pair.candles.pop(interval, None)

    def want_instruments(self) -> None:
        """Somebody wants to know which pairs there are, and how each stands."""
        self._want(INSTRUMENTS)

    def leave_instruments(self) -> None:
        """One of those who wanted to does so no more."""
        self._leave(INSTRUMENTS)
        if INSTRUMENTS not in self._held:
            self._view.statuses.clear()

    def _want(self, channel: Channel) -> None:
        held = self._held.get(channel)
        if held is None:
            held = self._held[channel] = Held(trio.CancelScope())
            self._nursery.start_soon(self._follow, channel, held.scope)
        held.wanted += 1

    def _leave(self, channel: Channel) -> None:
        held = self._held[channel]
        held.wanted -= 1
        if not held.wanted:
            del self._held[channel]
            held.scope.cancel()

    async def _follow(self, channel: Channel, scope: trio.CancelScope) -> None:
        """Show what a subscription brings, until nobody wants it, or it is refused for good."""
        with scope:
            while True:
                try:
                    async with self._feed.subscribe(channel) as records:
                        while True:
                            for record in await records.receive_batch():
                                self._view.add(record)
                except SubscriptionError as error:
                    if not error.retryable:
                        for symbol in channel.symbols:
                            self.refused(symbol, error.reason)
                        return  # To ask again would bring the same, once a second, for ever.
                await trio.sleep(RETRY_S)


def spelled(symbol: str) -> str:
    """A pair as the exchange spells it: ``xbt/usd`` is ``BTC/USD``.

    Raises ``ConfigurationError`` for what is no pair.
    """
    (found,) = Channel.ticker(symbol.strip().upper()).symbols
    if not all(part.isascii() and part.isprintable() for part in found):
        raise ConfigurationError("symbol", f"must be BASE/QUOTE, is {symbol!r}", "As BTC/USD")
    return found


def _of(symbol: str) -> tuple[Channel, ...]:
    return (
        Channel.ticker(symbol),
        Channel.trades(symbol, snapshot=True),
        Channel.book(symbol, depth=DEPTH),
    )


def _nobody(_symbol: str, _reason: str) -> None:
    """Listen to nothing."""

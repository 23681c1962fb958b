"""What all browsers share: one feed, whose pairs are subscribed to as long as anybody shows them.

Knows what each request of a page comes to; a refusal is said in plain words. Sends nothing itself.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Any, Final, assert_never

import trio

from kraken_trio import ConfigurationError
from kraken_trio._internal.apps.dashboard.asked import (
    INTERVALS,
    Add,
    AddAlert,
    Break,
    Look,
    Refusal,
    Remove,
    RemoveAlert,
    Request,
    ShowFrames,
    price,
)
from kraken_trio._internal.apps.dashboard.delta import Delta
from kraken_trio._internal.apps.origin import MOST_PAIRS, Origin
from kraken_trio._internal.apps.pairs import Pairs, spelled
from kraken_trio._internal.apps.text import digits
from kraken_trio._internal.apps.troubles import TROUBLES

MOST_BROWSERS: Final = 16
"""At a time."""
MOST_ALERTS: Final = 20
"""Of one of them."""


class Browser:
    """One browser that shows the dashboard."""

    def __init__(self, delta: Delta) -> None:
        """It shows nothing yet."""
        self.delta = delta
        """What it has seen."""
        self.answers: deque[dict[str, Any]] = deque()
        """That it is to be given."""
        self.stirred = trio.Event()
        """Set when there is something that it is not to wait for."""
        self.alerts = 0
        """How many it ever set."""

    def tell(self, answer: dict[str, Any]) -> None:
        """Give it an answer, after what is new."""
        self.answers.append(answer)
        self.stirred.set()


class Board:
    """One feed, for all."""

    def __init__(self, origin: Origin, pairs: Pairs, symbols: tuple[str, ...]) -> None:
        """Nobody looks yet. A browser that comes is shown ``symbols``."""
        self.origin = origin
        """The feed."""
        self._pairs = pairs
        self._symbols = symbols
        self._browsers: dict[Browser, None] = {}
        pairs.refused = self._refused
        origin.view.on_price = self._price

    @property
    def browsers(self) -> int:
        """How many look."""
        return len(self._browsers)

    def enter(self) -> Browser:
        """A browser comes. Raises ``Refusal`` where there are too many."""
        if len(self._browsers) >= MOST_BROWSERS:
            raise Refusal(f"{MOST_BROWSERS} browsers show this already: close one of them.")
        browser = Browser(Delta(self.origin.view, self.origin.feed))
        self._browsers[browser] = None
        self._pairs.want_instruments()
        for symbol in self._symbols:
            self._pairs.want(symbol)
            browser.delta.pairs.append(symbol)
        self._turn(browser, self._symbols[0] if self._symbols else None, INTERVALS[0])
        return browser

    def leave(self, browser: Browser) -> None:
        """It goes, and with it what nobody else wants."""
        del self._browsers[browser]
        self._turn(browser, None, INTERVALS[0])
        for symbol in browser.delta.pairs:
            self._pairs.leave(symbol)
        browser.delta.pairs.clear()
        self._pairs.leave_instruments()

    def answer(self, browser: Browser, asked: Request) -> dict[str, Any]:
        """Do what is asked for, and say so. Raises ``Refusal``, and then nothing was done."""
        done: dict[str, Any] = {"type": "done", "request": asked.request}
        match asked:
            case Add():
                done["symbol"] = self._add(browser, asked.symbol)
            case Remove():
                self._remove(browser, _shown_pair(browser, asked.symbol))
            case Look():
                symbol = _shown_pair(browser, asked.symbol)
                if asked.interval not in INTERVALS:
                    raise Refusal(f"Candles are of {', '.join(map(str, INTERVALS))} minutes.")
                self._turn(browser, symbol, asked.interval)
            case ShowFrames():
                browser.delta.show_frames(asked.wanted if asked.on else None)
            case AddAlert():
                done["id"] = self._add_alert(browser, asked)
            case RemoveAlert():
                alerts = browser.delta.alerts
                if all(alert["id"] != asked.id for alert in alerts):
                    raise Refusal("There is no such alert.")
                alerts[:] = [alert for alert in alerts if alert["id"] != asked.id]
            case Break():
                self._break(asked.name)
            case _ as unreachable:
                assert_never(unreachable)
        return done

    def _add(self, browser: Browser, wanted: str) -> str:
        try:
            symbol = spelled(wanted)
        except ConfigurationError:
            raise Refusal(f"{wanted!r} is no pair: write it like BTC/USD.") from None
        pairs = browser.delta.pairs
        if symbol in pairs:
            raise Refusal(f"{symbol} is shown already.")
        if len(pairs) >= MOST_PAIRS:
            raise Refusal(f"At most {MOST_PAIRS} pairs are shown: remove one first.")
        known = self.origin.view.statuses
        if known and symbol not in known:
            raise Refusal(f"The exchange has no pair {symbol}.")
        self._pairs.want(symbol)
        pairs.append(symbol)
        if browser.delta.look is None:
            self._turn(browser, symbol, INTERVALS[0])
        return symbol

    def _remove(self, browser: Browser, symbol: str) -> None:
        delta = browser.delta
        delta.pairs.remove(symbol)
        delta.alerts[:] = [alert for alert in delta.alerts if alert["symbol"] != symbol]
        if delta.look is not None and delta.look[0] == symbol:
            self._turn(browser, delta.pairs[0] if delta.pairs else None, delta.look[1])
        self._pairs.leave(symbol)

    def _turn(self, browser: Browser, symbol: str | None, interval: int) -> None:
        """Have it look at a pair, at another one than before or once more."""
        before = browser.delta.look
        if symbol is not None:
            self._pairs.want_candles(symbol, interval)
        browser.delta.turn(symbol, interval)
        if before is not None:
            self._pairs.leave_candles(*before)

    def _add_alert(self, browser: Browser, asked: AddAlert) -> int:
        symbol = _shown_pair(browser, asked.symbol)
        if len(browser.delta.alerts) >= MOST_ALERTS:
            raise Refusal(f"At most {MOST_ALERTS} alerts are kept: remove one first.")
        wanted = price(asked.price)
        browser.alerts += 1
        browser.delta.alerts.append(
            {
                "id": browser.alerts,
                "symbol": symbol,
                "when": asked.when,
                "price": digits(wanted),
                "fired": None,
            }
        )
        last = self.origin.view.pairs[symbol].last
        if last is not None:
            self._price(symbol, last)
        return browser.alerts

    def _break(self, name: str) -> None:
        trouble = self.origin.trouble
        if trouble is None:
            raise Refusal("This feed is no simulation: nothing can be broken here.")
        chosen = TROUBLES.get(name)
        if chosen is None:
            raise Refusal("There is no such thing to break.")
        if chosen.fault in trouble.waiting:
            raise Refusal(f"{chosen.label} is under way already.")
        trouble.inflict(chosen.fault)

    def _price(self, symbol: str, now: Decimal) -> None:
        """A price came: perhaps somebody waits for it."""
        for browser in self._browsers:
            for alert in browser.delta.alerts:
                if alert["symbol"] != symbol or alert["fired"] is not None:
                    continue
                limit = Decimal(alert["price"])
                if now >= limit if alert["when"] == "above" else now <= limit:
                    alert["fired"] = self.origin.view.now()
                    browser.stirred.set()

    def _refused(self, symbol: str, reason: str) -> None:
        """The exchange does not have a pair: nobody is shown it any more, and all are told why."""
        for browser in self._browsers:
            if symbol in browser.delta.pairs:
                self._remove(browser, symbol)
                why = f"{symbol} was refused: {reason}"
                browser.tell({"type": "refused", "request": None, "reason": why})


def _shown_pair(browser: Browser, wanted: str) -> str:
    """One of its pairs. Raises ``Refusal`` for another."""
    if wanted not in browser.delta.pairs:
        raise Refusal("That pair is not shown here.")
    return wanted

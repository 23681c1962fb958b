"""The command ``top``: a feed on the whole terminal, live; or line by line, where there is none."""

from __future__ import annotations

import math
import os
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any

import trio
from cyclopts import Parameter

from kraken_trio._internal.apps.ending import WELL, complain, interruptible
from kraken_trio._internal.apps.keys import BEFORE, NEXT, key_by_key, read_keys
from kraken_trio._internal.apps.options import PUBLIC_URL, Authority, Seconds
from kraken_trio._internal.apps.origin import Origin, chosen_pairs, open_origin
from kraken_trio._internal.apps.output import Output
from kraken_trio._internal.apps.pairs import Pairs

if TYPE_CHECKING:
    from kraken_trio._internal.apps.picture import Picture

DRAW_EVERY_S = 0.2
"""How often the screen is drawn; a key, or another size, is seen as soon."""
LINE_EVERY_S = 1.0
"""How often a line is printed for each pair, where there is no screen."""

_NO_CURSOR = ("", "dumb", "unknown")  # Values of TERM under which nothing can be redrawn.


@interruptible
async def top(
    *symbols: str,
    demo: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    url: str = PUBLIC_URL,
    seed: int = 1,
    seconds: Seconds = math.inf,
    ca: Authority = None,
) -> int:
    """Show a feed on the whole terminal, until q or Ctrl-C.

    Pairs with their last price, its change, the spread and a line of prices; of one of them the
    order book and the trades; sessions, latencies, buffers, and what happened. Without pairs it
    begins with BTC/USD, ETH/USD and SOL/USD. Tab, the arrows and 1 to 9 choose a pair, p pauses
    the picture, q quits.

    Where standard output is no terminal, each pair has a line a second.

    Exit code 2: it could not run.

    For example::

        kraken-trio top --demo
        kraken-trio top BTC/USD ETH/EUR
        kraken-trio top --demo --seconds 5 | cat

    Parameters
    ----------
    symbols
        Pairs, 5 at most.
    demo
        Show a market that is made up on this machine.
    url
        Which exchange: wss://, or ws:// on this machine.
    seed
        With --demo: another one, another market.
    seconds
        End after so long.
    ca
        Trust the certificate authorities in this PEM file, and no others.
    """
    chosen = chosen_pairs(symbols)
    async with (
        open_origin(chosen, demo=demo, url=url, ca=ca, seed=seed) as origin,
        trio.open_nursery() as nursery,
    ):
        showing = Showing(origin, chosen, Pairs(origin.feed, origin.view, nursery))
        with trio.move_on_after(seconds):
            if sys.stdout.isatty() and os.environ.get("TERM", "") not in _NO_CURSOR:
                await showing.on_screen()
            else:
                await showing.in_lines()
        nursery.cancel_scope.cancel()
    for symbol, reason in showing.refused.items():
        complain(f"{symbol} was refused: {reason}")
    return WELL


class Showing:
    """What is shown, and which of it is looked at."""

    def __init__(self, origin: Origin, symbols: tuple[str, ...], pairs: Pairs) -> None:
        """Begin with the first pair."""
        self.symbols = [*symbols]
        """Those that are shown."""
        self.chosen = 0
        """Which of them is looked at."""
        self.paused = False
        """Whether the picture stands still."""
        self.refused: dict[str, str] = {}
        """Those that the exchange does not have, and why."""
        self._origin = origin
        self._pairs = pairs
        self._stirred = trio.Event()
        pairs.refused = self._drop
        for symbol in symbols:
            pairs.want(symbol)
        pairs.want_instruments()

    def press(self, key: str) -> bool:
        """Do what a key is for; give whether to go on."""
        many = max(1, len(self.symbols))
        match key:
            case "q":
                return False
            case "p" | " ":
                self.paused = not self.paused
            case _ if key == NEXT:
                self.chosen = (self.chosen + 1) % many
            case _ if key == BEFORE:
                self.chosen = (self.chosen - 1) % many
            case _ if key in "123456789" and int(key) <= len(self.symbols):
                self.chosen = int(key) - 1
        self._stirred.set()
        return True

    async def on_screen(self) -> None:
        """Draw, over and over, until a key ends it."""
        # rich takes its time: not before there is a screen.
        from kraken_trio._internal.apps.picture import gather  # noqa: PLC0415
        from kraken_trio._internal.apps.screen import FullScreen  # noqa: PLC0415

        picture: Picture | None = None
        looked_at = -1
        with key_by_key() as file:
            async with FullScreen() as screen, trio.open_nursery() as nursery:
                if file is not None:
                    nursery.start_soon(self._listen, file, nursery.cancel_scope)
                while True:
                    self._stirred = trio.Event()
                    if picture is None or not self.paused or looked_at != self.chosen:
                        chosen = self.symbols[self.chosen] if self.symbols else None
                        picture = gather(self._origin, self.symbols, chosen)
                        looked_at = self.chosen
                    # In a thread: a terminal that takes nothing must not hold up the feed.
                    await trio.to_thread.run_sync(
                        screen.show, picture, self.paused, abandon_on_cancel=True
                    )
                    with trio.move_on_after(DRAW_EVERY_S):
                        await self._stirred.wait()

    async def in_lines(self) -> None:
        """Print a line a second for each pair, and what happens between."""
        output = Output()
        seen = 0
        await output.write([f"{self._origin.label}: {self._origin.url}"])
        while True:
            await trio.sleep(LINE_EVERY_S)
            view, feed = self._origin.view, self._origin.feed
            lines = [_said(line) for line in view.chronicle.since(seen)]
            seen = view.chronicle.last
            lines += [
                _line(symbol, view.card(symbol, feed.best_bid_ask(symbol)))
                for symbol in self.symbols
            ]
            await output.write([*lines, f"  {view.health.verdict}: {view.health.reasons[0]}"])

    async def _listen(self, file: int, scope: trio.CancelScope) -> None:
        async with aclosing(read_keys(file)) as keys:
            async for key in keys:
                if not self.press(key):
                    scope.cancel()

    def _drop(self, symbol: str, reason: str) -> None:
        """The exchange does not have it."""
        if symbol in self.symbols:
            self.refused[symbol] = reason
            self.symbols.remove(symbol)
            self.chosen = min(self.chosen, max(0, len(self.symbols) - 1))
            self._pairs.leave(symbol)


def _line(symbol: str, card: dict[str, Any]) -> str:
    def said(name: str) -> str:
        return f"{name} {'-' if card[name] is None else card[name]}"

    words = ", ".join(map(said, ("last", "change_pct", "bid", "ask", "spread")))
    return f"  {symbol}: {words}"


def _said(line: dict[str, Any]) -> str:
    about = " ".join(word for word in (line["channel"], line["symbol"]) if word)
    return f"  {line['kind']}: {about}{': ' if about else ''}{line['text']}"

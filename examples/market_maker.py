"""Quote both sides of a market around its middle, and leave it as it was found.

    python examples/market_maker.py [SYMBOL] [--qty Q] [--spread BPS] [--seconds N]
    python examples/market_maker.py SYMBOL --validate
    python examples/market_maker.py SYMBOL --yes

It trades on a simulated exchange in this process. The real one needs an API key in KRAKEN_API_KEY
and KRAKEN_API_SECRET: --validate has it check both quotes and places nothing; --yes trades, with
real money. It shows how a program survives what can go wrong, not how one earns anything.

What it holds itself to:

* Each quote is one order, amended in place as the market moves; post-only, so it never takes.
* An order whose outcome is unknown is settled before anything else is asked.
* A dead man's switch cancels everything if this program is not heard of for 15 seconds.
* At the end, however that comes, its quotes are cancelled, and what it bought is sold again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Literal

import trio

from kraken_trio import (
    ConnectionState,
    Feed,
    KrakenConfig,
    KrakenError,
    OrderRejected,
    OutcomeUnknown,
    RequestNotSent,
    open_kraken,
)
from kraken_trio.extended import AddOrder, AmendOrder, Trading

Side = Literal["buy", "sell"]
SIDES: tuple[Side, Side] = ("buy", "sell")
SWITCH_S = 15
"""Without a word for so long, the exchange cancels all orders."""
EXIT_S = 60.0
"""How long leaving may take: lost connections are waited for."""


class Maker:
    """Two quotes in one market."""

    def __init__(
        self, trading: Trading, symbol: str, *, qty: Decimal, spread: Decimal, name: str
    ) -> None:
        """Quote ``qty`` a side, ``spread`` of the price from the middle; orders begin ``name``."""
        self.trading = trading
        self.symbol = symbol
        self.qty = trading.round_qty(symbol, qty)
        self.spread = spread
        self.fills: dict[str, Decimal] = {}
        self._name = name
        self._count = 0
        self._names: list[str] = []
        self._quotes: dict[Side, str] = {}

    @property
    def position(self) -> Decimal:
        """What was bought and not sold again; negative where more was sold."""
        for name in self._names:
            for fill in self.trading.fills(name):
                qty = fill.last_qty or Decimal(0)
                self.fills[fill.exec_id or ""] = qty if fill.side == "buy" else -qty
        return sum(self.fills.values(), Decimal(0))

    def order(self, side: Side, price: Decimal | None, qty: Decimal) -> AddOrder:
        """Make an order: at a price to rest there, without one to be filled at any."""
        self._count += 1
        name = f"{self._name}{self._count}"
        self._names = [*self._names[-500:], name]
        if price is None:
            return AddOrder(
                symbol=self.symbol, side=side, order_type="market", order_qty=qty, cl_ord_id=name
            )
        return AddOrder(
            symbol=self.symbol,
            side=side,
            order_type="limit",
            order_qty=qty,
            limit_price=price,
            post_only=True,
            cl_ord_id=name,
        )

    def price(self, side: Side, middle: Decimal) -> Decimal:
        """Where to quote: rounded away from the middle."""
        away = -self.spread if side == "buy" else self.spread
        return self.trading.round_price(self.symbol, middle * (1 + away), side)

    def is_full(self, side: Side) -> bool:
        """Whether enough was traded on that side, and less on the other."""
        held = self.position if side == "buy" else -self.position
        return held >= 3 * self.qty

    async def quote(self, middle: Decimal) -> None:
        """Have both quotes around the middle."""
        await self.settle()
        for side in SIDES:
            price = self.price(side, middle)
            there = self.trading.orders.get(self._quotes.get(side, ""))
            try:
                if there is None:
                    # Not more on one side than there is on the other.
                    if self.is_full(side):
                        continue
                    await self.trading.wait_rate(self.symbol, 1)
                    placed = await self.trading.add_order(self.order(side, price, self.qty))
                    self._quotes[side] = placed.order_id or ""
                elif there.limit_price != price:
                    await self.trading.wait_rate(self.symbol, 4)
                    change = AmendOrder(order_id=there.order_id, limit_price=price)
                    await self.trading.amend_order(change)
            except OrderRejected as error:
                # It was filled or cancelled meanwhile, or cannot be paid for: look again later.
                print(f"refused   {error.reason}")
            except RequestNotSent as error:
                print(f"not sent  {error.reason}")
            except OutcomeUnknown:
                return

    async def settle(self) -> None:
        """Find out what became of what nobody knows, before anything else is asked."""
        for unknown in self.trading.unknown:
            found = await self.trading.settle(unknown)
            print(f"settled   {found.method}: carried out: {found.carried_out}")
            for order in found.orders:
                if order.order_id in found.open_orders and order.side is not None:
                    self._quotes[order.side] = order.order_id

    async def leave(self, feed: Feed) -> None:
        """Cancel what is open, and sell what was bought; again and again, until it is so."""
        least = self.trading.pair(self.symbol).qty_min or Decimal(0)
        while True:
            await feed.wait_state(ConnectionState.SUBSCRIBED, session="trading")
            try:
                await self.settle()
                mine = [
                    name
                    for name, order in self.trading.orders.items()
                    if (order.cl_ord_id or "").startswith(self._name)
                ]
                for name in mine:
                    await self.trading.cancel_order(name)
                # What the exchange accepted is told a moment later.
                await trio.sleep(0.5)
                position = self.position
                if not self.trading.whole or self.trading.unknown or mine:
                    continue
                if abs(position) < least or not position:
                    return
                side: Side = "sell" if position > 0 else "buy"
                await self.trading.wait_rate(self.symbol, 1)
                await self.trading.add_order(self.order(side, None, abs(position)))
                await trio.sleep(0.5)
            except (OrderRejected, OutcomeUnknown, RequestNotSent) as error:
                print(f"leaving   {error}")
                await trio.sleep(1)


async def make_market(
    feed: Feed,
    symbol: str,
    *,
    seconds: float,
    qty: Decimal,
    spread: Decimal = Decimal("0.001"),
    pause_s: float = 1.0,
    name: str = "maker",
) -> Maker:
    """Quote for so long, then leave the market as it was found."""
    async with feed.book(symbol), feed.trading() as trading:
        maker = Maker(trading, symbol, qty=qty, spread=spread, name=name)
        async with trading.dead_man_switch(SWITCH_S):
            try:
                with trio.move_on_after(seconds):
                    while True:
                        best = feed.best_bid_ask(symbol)
                        # No quotes on a book that nobody can vouch for.
                        if best is not None and best[0] is not None and best[1] is not None:
                            await maker.quote((best[0].price + best[1].price) / 2)
                        await trio.sleep(pause_s)
            finally:
                # Also when it is cancelled, by Ctrl-C above all. Should it not succeed, the
                # switch goes off.
                with trio.fail_after(EXIT_S) as scope:
                    scope.shield = True
                    await maker.leave(feed)
        print(f"left      {len(maker.fills)} fills, position {maker.position:f}")
    return maker


async def check_quotes(feed: Feed, symbol: str, qty: Decimal, spread: Decimal) -> None:
    """Have the exchange check both quotes, and place nothing."""
    async with feed.book(symbol) as book, feed.trading() as trading:
        await book.receive()
        best = feed.best_bid_ask(symbol)
        if best is None or best[0] is None or best[1] is None:
            return
        maker = Maker(trading, symbol, qty=qty, spread=spread, name="check")
        for side in SIDES:
            price = maker.price(side, (best[0].price + best[1].price) / 2)
            order = maker.order(side, price, maker.qty)
            await trading.add_order(
                AddOrder(
                    symbol=symbol,
                    side=side,
                    order_type="limit",
                    order_qty=order.order_qty,
                    limit_price=price,
                    post_only=True,
                    validate=True,
                )
            )
            print(f"checked   {side} {maker.qty:f} at {price:f}")


@asynccontextmanager
async def demo() -> AsyncIterator[Feed]:
    """Open a feed of a simulated exchange, whose account has something to trade with."""
    from kraken_trio.testing import open_exchange  # noqa: PLC0415 - not for the real one

    async with open_exchange(seed=1, rate=200) as exchange:
        exchange.account.deposit("USD", Decimal(100_000))
        exchange.account.deposit("BTC", Decimal(1))
        config = KrakenConfig(api_key=exchange.api_key, api_secret=exchange.api_secret)
        async with open_kraken(config, dial=exchange.dial, rest=exchange.rest) as feed:
            yield feed


async def run(options: argparse.Namespace) -> None:
    """Do what was asked for."""
    spread = options.spread / 10_000
    real = options.validate or options.yes
    opened = open_kraken(KrakenConfig.from_env()) if real else demo()
    async with opened as feed:
        if options.validate:
            await check_quotes(feed, options.symbol, options.qty, spread)
        else:
            await make_market(
                feed, options.symbol, seconds=options.seconds, qty=options.qty, spread=spread
            )


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description="Quote both sides of a market.")
    parser.add_argument("symbol", nargs="?", default="BTC/USD")
    parser.add_argument("--qty", type=Decimal, default=Decimal("0.001"))
    parser.add_argument("--spread", type=Decimal, default=Decimal(10), help="in basis points")
    parser.add_argument("--seconds", type=float, default=60.0)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--demo", action="store_true", help="on a simulated exchange: the default")
    how.add_argument("--validate", action="store_true", help="at the real one, and place nothing")
    how.add_argument("--yes", action="store_true", help="at the real one: trade, with real money")
    try:
        trio.run(run, parser.parse_args())
    except KeyboardInterrupt:
        return 130
    except KrakenError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What the tests of this room share: a plain client that knows nothing of the library."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
import trio
from trio_websocket import WebSocketConnection, wrap_client_stream

from kraken_trio._internal.model.requests import AddOrder
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.account import Account
from kraken_trio._internal.testing.doors import Doors, ExchangeAddress
from kraken_trio._internal.testing.floor import Made, Taken
from kraken_trio._internal.testing.listing import market_pairs
from kraken_trio._internal.testing.ordering import Ordering
from kraken_trio._internal.testing.placing import Placing
from kraken_trio._internal.testing.ratecount import RateCounter
from kraken_trio._internal.testing.rules import ExchangeRules
from kraken_trio._internal.testing.trading import Trading
from kraken_trio._internal.wire.requests import RequestFrame, read_request


class Sessions:
    """What a listing says of tokens and trading: one token is bad, and nothing is traded."""

    def __init__(self) -> None:
        """Nothing was shown yet."""
        self.held: list[str] = []

    def trade(self, frame: RequestFrame, now: int) -> tuple[bytes, ...]:
        """Answer with what was asked."""
        return (b"%s at %d" % ((frame.method or "").encode(), now),)

    def session_refusal(self, token: Secret) -> str | None:
        """Refuse the bad one."""
        return "ESession:Invalid session" if token.reveal() == "bad" else None

    def hold_session(self, token: Secret) -> None:
        """Note it."""
        self.held.append(token.reveal())

    def release_session(self, token: Secret) -> None:
        """Note it."""
        self.held.remove(token.reveal())


class Client:
    """A client of a simulated exchange, in memory."""

    def __init__(self, websocket: WebSocketConnection) -> None:
        """Speak through ``websocket``."""
        self.websocket = websocket

    async def ask(
        self, method: str, params: dict[str, object] | None = None, req_id: int | None = None
    ) -> None:
        """Send a request."""
        members = {"method": method, "params": params, "req_id": req_id}
        request = {name: value for name, value in members.items() if value is not None}
        await self.websocket.send_message(json.dumps(request))

    async def subscribe(self, channel: str, *symbols: str, **options: object) -> None:
        """Ask for a subscription, without waiting for an answer."""
        params: dict[str, object] = {"channel": channel, **options}
        await self.ask("subscribe", {**params, "symbol": symbols} if symbols else params)

    async def raw(self) -> bytes:
        """Wait for the next message, as it came."""
        message = await self.websocket.get_message()
        return message.encode() if isinstance(message, str) else message

    async def next(self) -> Any:
        """Wait for the next message, decoded, with numbers that have a point as text."""
        return json.loads(await self.raw(), parse_float=str)

    async def acks(self, count: int) -> list[Any]:
        """Wait for some answers, and pass over what comes between them."""
        found: list[Any] = []
        while len(found) < count:
            message = await self.next()
            if "method" in message:
                found.append(message)
        return found


async def dialled(exchange: Doors | ExchangeAddress, host: str) -> trio.abc.Stream:
    """Connect in memory, or through a socket."""
    if isinstance(exchange, Doors):
        return await exchange.dial(host, 443, tls=True)
    parts = urlsplit(exchange.url)
    assert parts.hostname is not None
    assert parts.port is not None
    if exchange.client_ssl_context is None:
        return await trio.open_tcp_stream(parts.hostname, parts.port)
    return await trio.open_ssl_over_tcp_stream(
        parts.hostname, parts.port, ssl_context=exchange.client_ssl_context, https_compatible=True
    )


Connect = Callable[..., AbstractAsyncContextManager[Client]]
"""Opens a client, at a host where it is given one; the status that greets it is taken off."""


@pytest.fixture
def connect() -> Connect:
    """Give what opens clients of an exchange."""

    @asynccontextmanager
    async def opened(
        exchange: Doors | ExchangeAddress, host: str = "ws.kraken.com"
    ) -> AsyncIterator[Client]:
        async with trio.open_nursery() as nursery:
            stream = await dialled(exchange, host)
            client = Client(
                await wrap_client_stream(
                    nursery, cast("trio.SocketStream", stream), "localhost", "/v2"
                )
            )
            assert (await client.next())["channel"] == "status"
            try:
                yield client
            finally:
                nursery.cancel_scope.cancel()
                await trio.aclose_forcefully(stream)

    return opened


class Quotes:
    """A market in which one pair has a price, whatever happens."""

    def __init__(self) -> None:
        """Be online, with a spread of a dollar."""
        self.system = "online"
        self.statuses: dict[str, str] = {}
        self.prices = {"buy": Decimal("60000.0"), "sell": Decimal("59999.0")}
        self.ranges: list[tuple[Decimal, Decimal]] = []

    def status(self, symbol: str) -> str:
        """Give what was set."""
        return self.statuses.get(symbol, "online")

    def best(self, _symbol: str, side: str) -> Decimal:
        """Give the one price of a side."""
        return self.prices[side]

    def worst(self, _symbol: str, side: str, _qty: Decimal) -> Decimal:
        """Give the same, however much."""
        return self.prices[side]

    def last(self, _symbol: str) -> Decimal:
        """Give what was traded last."""
        return self.prices["buy"]

    def index(self, _symbol: str) -> Decimal:
        """Give the same."""
        return self.prices["buy"]

    def there(self, _symbol: str, side: str, limit: Decimal | None, most: Decimal) -> Decimal:
        """Have any quantity at the one price."""
        best = self.prices[side]
        crossing = limit is None or (limit >= best if side == "buy" else limit <= best)
        return most if crossing else Decimal(0)

    def in_the_way(self, _symbol: str, _side: str) -> None:
        """Nobody is."""

    def take(self, _symbol: str, side: str, qty: Decimal, _order_type: str) -> Taken:
        """Give all of it at once."""
        return Taken(self.prices[side], qty, 1)

    def rest(self, *_: object) -> None:
        """Nobody sees it."""

    resize = rest

    def news(self) -> list[str]:
        """Nothing happens but what was set."""
        return ["BTC/USD"] * len(self.ranges)

    def made(self, _symbol: str) -> list[Made]:
        """Nobody comes."""
        return []

    def range(self, _symbol: str) -> tuple[Decimal, Decimal] | None:
        """Nothing happens but what was set."""
        return self.ranges.pop(0) if self.ranges else None


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        """Start in 2026."""
        self.now = 1_767_225_600 * 10**9

    def __call__(self) -> int:
        """Give nanoseconds since the epoch."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Go on by so much."""
        self.now += int(seconds * 10**9)


class Trader:
    """An account with funds, in a market of quotes, and everything that trades with it."""

    def __init__(self, rules: ExchangeRules | None = None) -> None:
        """Open it."""
        self.clock = Clock()
        self.quotes = Quotes()
        self.account = Account(market_pairs(["BTC/USD", "ETH/USD"]), clock=self.clock)
        self.account.deposit("USD", Decimal(100_000))
        self.account.deposit("BTC", Decimal(10))
        rules = rules or ExchangeRules()
        self.counter = RateCounter(rules.tier)
        self.trading = Trading(self.account, self.quotes, self.counter, rules)
        self.placing: Placing = self.trading.placing
        self.ordering = Ordering(self.account, self.quotes, self.placing, self.counter)
        self.timers = self.trading.timers

    @property
    def now(self) -> Timestamp:
        """The time."""
        return self.account.now

    def ask(self, method: str, params: dict[str, Any] | None = None) -> Any:
        """Let a client ask for something; give the answers without times."""
        request = {"method": method, "params": params or {}, "req_id": 7}
        frame = read_request(json.dumps(request).encode())
        answers = [json.loads(answer) for answer in self.trading.answer(frame, self.now)]
        for answer in answers:
            assert answer.pop("time_in")[:19] == str(self.now)[:19]
            del answer["time_out"]
        return answers

    def kinds(self) -> list[str]:
        """Give what was reported of orders, and forget it."""
        seen = getattr(self, "_seen", 0)
        reports = self.account.executions[seen:]
        self._seen = seen + len(reports)
        return [report.exec_type for report in reports]


@pytest.fixture
def trader() -> Trader:
    """Give one with the usual manners."""
    return Trader()


@pytest.fixture
def make_trader() -> type[Trader]:
    """Give what makes them."""
    return Trader


@pytest.fixture
def limit() -> Callable[..., AddOrder]:
    """Give what makes orders: to buy a bitcoin at 50,000, unless told otherwise."""

    def made(**others: Any) -> AddOrder:
        usual: dict[str, Any] = {
            "symbol": "BTC/USD",
            "side": "buy",
            "order_type": "limit",
            "order_qty": Decimal(1),
            "limit_price": Decimal(50_000),
        }
        return AddOrder(**(usual | others))

    return made

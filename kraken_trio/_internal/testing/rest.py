"""The REST service of a simulated exchange: the history of its market's trades.

Knows how questions about it are asked and answered, and how answering goes wrong; nothing of how
they travel, which is ``http``.

Source: sections "Basics", "Trades", "Rate limits" and "For a simulator" of the REST
documentation; observed answers, which repeat the last row of a page at the head of the next, and
print times as a double would.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qs, urlsplit

import trio

from kraken_trio._internal.model.channel import modern_symbol
from kraken_trio._internal.model.errors import ConnectionFailed
from kraken_trio._internal.model.ports import RestResponse
from kraken_trio._internal.model.records import Trade
from kraken_trio._internal.model.timestamp import NANOSECONDS
from kraken_trio._internal.testing.market import Market

KEPT_REQUESTS = 1000
"""How many of the latest questions are kept."""
MOST_ROWS = 1000
"""Rows of an answer, at most."""
TOO_MANY = "EGeneral:Too many requests"
"""What a public call that comes too soon is told."""

_OK, _NOT_FOUND = 200, 404
_TRADES = "/0/public/Trades"
_PRICE_DECIMALS = 5
_TIME_STEP = 100  # Nanoseconds: of today's seconds a double holds seven digits of fraction.
_NANOSECONDS_SINCE = 10**12  # A smaller ``since`` means seconds.
_OLD_CODES = {"BTC": "XBT", "DOGE": "XDG"}
_OLD_KEYS = {"XBT": "XXBT", "XDG": "XXDG", "ETH": "XETH", "XRP": "XXRP", "USD": "ZUSD"}


class ExchangeRest:
    """A ``Rest`` that answers from a simulated exchange's own market, in memory.

    ``Exchange.rest`` is one: give it to ``open_kraken``. What is set here is in force from the next
    question on.
    """

    def __init__(self, market: Market) -> None:
        """Serve the trades of ``market``."""
        self.requests: deque[str] = deque(maxlen=KEPT_REQUESTS)
        """The paths that were asked for, with their queries, oldest first; the latest 1000."""
        self.delay_s: float = 0.0
        """How long an answer is under way: it is as old as that when it comes."""
        self.hanging: bool = False
        """True: no answer ever comes."""
        self.broken: bool = False
        """True: the connection breaks before an answer comes."""
        self.status: int = _OK
        """The HTTP status; any but 200 comes with a page for people, as from a proxy."""
        self.max_rows: int = MOST_ROWS
        """Rows of one answer, at most, however many are asked for."""
        self.inclusive: bool = True
        """Whether rows of the very moment that is asked for are served, as observed, or those
        behind it alone, as documented once."""
        self.modern_key: bool = False
        """Whether trades stand under ``BTC/USD``, or under ``XXBTZUSD``."""
        self.oldest: dict[str, int] = {}
        """By symbol, the number with which history begins; all that is kept unless given."""
        self._market = market
        self._withheld: dict[str, set[int]] = {}
        self._refusals: deque[str] = deque()
        self._burst: int | None = None
        self._left: tuple[float, float] = (0.0, -math.inf)

    def withhold(self, symbol: str, trade_ids: Iterable[int]) -> None:
        """Serve none of these trades any more."""
        self._withheld.setdefault(symbol, set()).update(trade_ids)

    def refuse_next(self, error: str = TOO_MANY, *, count: int = 1) -> None:
        """Answer the next ``count`` questions with this error."""
        self._refusals.extend([error] * count)

    def throttle(self, burst: int | None = 30) -> None:
        """Answer a burst of so many questions, then one a second; with None any number."""
        self._burst = burst
        self._left = (float(burst or 0), trio.current_time())

    async def __call__(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],  # noqa: ARG002 - a ``Rest``
        body: bytes,  # noqa: ARG002 - a ``Rest``
    ) -> RestResponse:
        """Answer, as ``Rest`` says."""
        self.requests.append(path)
        if self.hanging:
            await trio.sleep_forever()
        broken, answer = self.broken, self._answer(method, path)
        await trio.sleep(self.delay_s)
        if broken:
            raise ConnectionFailed("the simulated exchange breaks connections")
        return answer

    def _answer(self, method: str, path: str) -> RestResponse:
        if self.status != _OK:
            return _page(self.status)
        target = urlsplit(path)
        if method != "GET" or target.path != _TRADES:
            return _page(_NOT_FOUND)
        if self._refusals:
            return _failure(self._refusals.popleft())
        if not self._allowed():
            return _failure(TOO_MANY)
        return self._trades({name: values[-1] for name, values in parse_qs(target.query).items()})

    def _allowed(self) -> bool:
        """Whether it is not too soon; counts the question."""
        if self._burst is None:
            return True
        left, at = self._left
        now = trio.current_time()
        left = min(self._burst, left + now - at)
        allowed = left >= 1
        self._left = (left - allowed, now)
        return allowed

    def _trades(self, query: Mapping[str, str]) -> RestResponse:
        symbol = self._symbol(query.get("pair", ""))
        if symbol is None:
            return _failure("EQuery:Unknown asset pair")
        try:
            count = int(query.get("count", MOST_ROWS))
            since = int(query["since"]) if "since" in query else None
        except ValueError:
            return _failure("EGeneral:Invalid arguments")
        if not 1 <= count <= MOST_ROWS:
            return _failure("EGeneral:Invalid arguments:count")
        rows = self._served(symbol)
        count = min(count, self.max_rows)
        if since is None:
            rows = rows[-count:]
        else:
            start = since if since >= _NANOSECONDS_SINCE else since * NANOSECONDS
            rows = [row for row in rows if row.timestamp >= start + (not self.inclusive)][:count]
        last = rows[-1].timestamp if rows else since or 0
        return _success(symbol if self.modern_key else _old_key(symbol), rows, last)

    def _served(self, symbol: str) -> list[Trade]:
        withheld = self._withheld.get(symbol, ())
        oldest = self.oldest.get(symbol, 0)
        return [
            trade
            for trade in self._market.trades(symbol)
            if trade.trade_id >= oldest and trade.trade_id not in withheld
        ]

    def _symbol(self, pair: str) -> str | None:
        """The pair that a name in any of its forms means."""
        for symbol in self._market.symbols:
            old = _old_codes(symbol)
            plain = symbol.replace("/", "")
            if pair in {symbol, "/".join(old), plain, "".join(old), _old_key(symbol)}:
                return modern_symbol(symbol)
        return None


def _old_codes(symbol: str) -> list[str]:
    return [_OLD_CODES.get(code, code) for code in symbol.split("/")]


def _old_key(symbol: str) -> str:
    """The key of an answer: the oldest assets have a letter before their name."""
    return "".join(_OLD_KEYS.get(code, code) for code in _old_codes(symbol))


def _success(key: str, rows: Iterable[Trade], last: int) -> RestResponse:
    text = ",".join(map(_row, rows))
    return _json(f'{{"error":[],"result":{{{json.dumps(key)}:[{text}],"last":"{last:d}"}}}}')


def _failure(error: str) -> RestResponse:
    return _json(json.dumps({"error": [error]}))


def _json(text: str) -> RestResponse:
    return RestResponse(_OK, (("content-type", "application/json"),), text.encode())


def _page(status: int) -> RestResponse:
    body = f"<html><head><title>{status}</title></head><body>{status}</body></html>"
    return RestResponse(status, (("content-type", "text/html"),), body.encode())


def _row(trade: Trade) -> str:
    price = f"{trade.price:f}"
    whole, _, decimals = price.partition(".")
    steps = (trade.timestamp + _TIME_STEP // 2) // _TIME_STEP
    seconds, rest = divmod(steps, NANOSECONDS // _TIME_STEP)
    return (
        f'["{whole}.{decimals.ljust(_PRICE_DECIMALS, "0")}","{trade.qty:f}",'
        f'{seconds}.{rest:07d},"{trade.side[0]}","{trade.ord_type[0]}","",{trade.trade_id}]'
    )

"""The REST service of a simulated exchange: the history of its market's trades, and tokens.

Knows how questions about it are asked and answered, and how answering goes wrong; nothing of how
they travel, which is ``http``.

Source: sections "Basics", "GetWebSocketsToken", "Trades", "Rate limits" and "For a simulator" of
the REST documentation; observed answers, which repeat the last row of a page at the head of the
next, print times as a double would, and escape slashes in a token.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import parse_qs, urlsplit

import trio

from kraken_trio._internal.model.channel import modern_symbol
from kraken_trio._internal.model.errors import ConnectionFailed
from kraken_trio._internal.model.ports import RestResponse
from kraken_trio._internal.model.records import Trade
from kraken_trio._internal.model.timestamp import NANOSECONDS
from kraken_trio._internal.testing.keys import Keys
from kraken_trio._internal.testing.market import Market
from kraken_trio._internal.testing.tokens import TOKEN_LIFE_S, Tokens

KEPT_REQUESTS = 1000
"""How many of the latest questions are kept."""
MOST_ROWS = 1000
"""Rows of an answer, at most."""
TOO_MANY = "EGeneral:Too many requests"
"""What a public call that comes too soon is told."""
RATE_LIMIT = "EAPI:Rate limit exceeded"
"""What a private one is told."""

_OK, _NOT_FOUND = 200, 404
_PRICE_DECIMALS = 5
_TIME_STEP = 100  # Nanoseconds: of today's seconds a double holds seven digits of fraction.
_NANOSECONDS_SINCE = 10**12  # A smaller ``since`` means seconds.
_OLD_CODES = {"BTC": "XBT", "DOGE": "XDG"}
_OLD_KEYS = {"XBT": "XXBT", "XDG": "XXDG", "ETH": "XETH", "XRP": "XXRP", "USD": "ZUSD"}


class Bucket:
    """So many calls at once, and then so many a second."""

    def __init__(self, burst: float, per_s: float, now: float) -> None:
        """Start full."""
        self._burst = burst
        self._per_s = per_s
        self._left = burst
        self._at = now

    def take(self, now: float) -> bool:
        """Count a call, and say whether it is not too soon."""
        self._left = min(self._burst, self._left + (now - self._at) * self._per_s)
        self._at = now
        allowed = self._left >= 1
        self._left -= allowed
        return allowed


class ExchangeRest:
    """A ``Rest`` that answers from a simulated exchange's own market, in memory.

    ``Exchange.rest`` is one: give it to ``open_kraken``. What is set here is in force from the next
    question on. It gives a token to who signs with ``api_key`` and ``api_secret`` of the exchange.
    """

    def __init__(
        self,
        market: Market | None,
        tokens: Tokens | None = None,
        witness: Callable[[str], object] | None = None,
    ) -> None:
        """Serve the trades of ``market``, of which there are none without, and ``tokens``.

        ``witness`` is told in words who got a token, or did not and why.
        """
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
        self._tokens = tokens or Tokens(seed=0, life_s=TOKEN_LIFE_S)
        self._witness = witness or _nobody
        self._keys = Keys()
        self._withheld: dict[str, set[int]] = {}
        self._refusals: deque[str] = deque()
        self._public: Bucket | None = None
        self._private: Bucket | None = None

    def withhold(self, symbol: str, trade_ids: Iterable[int]) -> None:
        """Serve none of these trades any more."""
        self._withheld.setdefault(symbol, set()).update(trade_ids)

    def refuse_next(self, error: str = TOO_MANY, *, count: int = 1) -> None:
        """Answer the next ``count`` questions, public or private, with this error.

        Such as ``EAPI:Invalid key``, ``EGeneral:Permission denied``, ``EService:Unavailable`` or
        ``EService: Throttled: 1767225600``.
        """
        self._refusals.extend([error] * count)

    def throttle(self, burst: int | None = 30) -> None:
        """Answer a burst of so many public questions, then one a second; with None any number."""
        self._public = None if burst is None else Bucket(burst, 1.0, trio.current_time())

    def throttle_private(self, burst: int | None = 15, per_s: float = 0.33) -> None:
        """Answer a burst of so many private questions, then ``per_s`` a second; None as above.

        The real one has 15 and 0.33 for starters, 20 and 0.5 or 1 for others.
        """
        self._private = None if burst is None else Bucket(burst, per_s, trio.current_time())

    async def __call__(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes
    ) -> RestResponse:
        """Answer, as ``Rest`` says."""
        self.requests.append(path)
        if self.hanging:
            await trio.sleep_forever()
        broken, answer = self.broken, self._answer(method, path, headers, body)
        await trio.sleep(self.delay_s)
        if broken:
            raise ConnectionFailed("the simulated exchange breaks connections")
        return answer

    def _answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> RestResponse:
        if self.status != _OK:
            return _page(self.status)
        target = urlsplit(path)
        match method, target.path:
            case "GET", "/0/public/Trades":
                return self._refused(self._public, TOO_MANY) or self._trades(_query(target.query))
            case "POST", "/0/private/GetWebSocketsToken":
                response = self._refused(self._private, RATE_LIMIT)
                return response or self._token(target.path, headers, body)
            case _:
                return _page(_NOT_FOUND)

    def _refused(self, bucket: Bucket | None, too_soon: str) -> RestResponse | None:
        """Refuse a question, where that was ordered or it comes too soon."""
        if self._refusals:
            return _failure(self._refusals.popleft())
        if bucket is not None and not bucket.take(trio.current_time()):
            return _failure(too_soon)
        return None

    def _token(self, path: str, headers: Mapping[str, str], body: bytes) -> RestResponse:
        """Give a token to who signed for it."""
        names = {name.lower(): value for name, value in headers.items()}
        error = self._keys.refusal(path, names, body)
        if error is not None:
            self._witness(f"a token was refused: {error}")
            return _failure(error)
        token = self._tokens.issue(trio.current_time()).reveal().replace("/", "\\/")
        self._witness("a token was given out")
        life_s = int(self._tokens.life_s)
        return _json(f'{{"error":[],"result":{{"token":"{token}","expires":{life_s}}}}}')

    def _trades(self, query: Mapping[str, str]) -> RestResponse:
        market = self._market
        symbol = None if market is None else _symbol(market, query.get("pair", ""))
        if market is None or symbol is None:
            return _failure("EQuery:Unknown asset pair")
        try:
            count = int(query.get("count", MOST_ROWS))
            since = int(query["since"]) if "since" in query else None
        except ValueError:
            return _failure("EGeneral:Invalid arguments")
        if not 1 <= count <= MOST_ROWS:
            return _failure("EGeneral:Invalid arguments:count")
        rows = self._served(market, symbol)
        count = min(count, self.max_rows)
        if since is None:
            rows = rows[-count:]
        else:
            start = since if since >= _NANOSECONDS_SINCE else since * NANOSECONDS
            rows = [row for row in rows if row.timestamp >= start + (not self.inclusive)][:count]
        last = rows[-1].timestamp if rows else since or 0
        return _success(symbol if self.modern_key else _old_key(symbol), rows, last)

    def _served(self, market: Market, symbol: str) -> list[Trade]:
        withheld = self._withheld.get(symbol, ())
        oldest = self.oldest.get(symbol, 0)
        return [
            trade
            for trade in market.trades(symbol)
            if trade.trade_id >= oldest and trade.trade_id not in withheld
        ]


def _nobody(_words: str) -> None:
    """Listen to nothing."""


def _query(text: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(text).items()}


def _symbol(market: Market, pair: str) -> str | None:
    """The pair that a name in any of its forms means."""
    for symbol in market.symbols:
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

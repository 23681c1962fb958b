"""The REST service of a simulated exchange: right answers, and wrong ones where they are wanted."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
import trio

from kraken_trio._internal.model.errors import ConnectionFailed
from kraken_trio._internal.model.ports import RestResponse
from kraken_trio._internal.model.records import Trade
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.testing.keys import API_KEY, API_SECRET
from kraken_trio._internal.testing.market import Market
from kraken_trio._internal.testing.rest import TOO_MANY, ExchangeRest
from kraken_trio._internal.testing.tokens import Tokens
from kraken_trio._internal.wire.sign import decode_secret, sign

START = 1_767_225_600 * 10**9 + 123_456_789
PAIR = "BTC/USD"


def market(steps: int = 200) -> Market:
    """Make one that has gone on for a while."""
    made = Market(seed=1, start=START)
    for _ in range(steps):
        made.step()
    return made


@pytest.fixture
def rest() -> ExchangeRest:
    """Give the service of one."""
    return ExchangeRest(market())


def kept(rest: ExchangeRest) -> tuple[Trade, ...]:
    """Give the trades that it has to serve."""
    assert rest._market is not None
    return rest._market.trades(PAIR)


async def ask(rest: ExchangeRest, query: str, path: str = "/0/public/Trades") -> RestResponse:
    """Ask."""
    return await rest("GET", f"{path}?{query}", headers={}, body=b"")


async def rows(rest: ExchangeRest, query: str) -> list[list[Any]]:
    """Ask for trades, and give their rows; numbers with a point as text."""
    answer = json.loads((await ask(rest, query)).body, parse_float=str)
    assert answer["error"] == []
    last = answer["result"].pop("last")
    ((_, found),) = answer["result"].items()
    assert isinstance(last, str)
    assert last.isdigit()
    result: list[list[Any]] = found
    return result


async def test_rows_are_the_trades_of_the_market(
    autojump_clock: trio.abc.Clock, rest: ExchangeRest
) -> None:
    """With five decimals at least, and times as a double would print them."""
    trades = kept(rest)
    found = await rows(rest, "pair=BTC/USD")
    assert len(found) == len(trades)
    for row, trade in zip(found, trades, strict=True):
        price, volume, time, side, kind, misc, number = row
        assert (Decimal(price), Decimal(volume)) == (trade.price, trade.qty)
        assert len(price.partition(".")[2]) == 5
        assert abs(Decimal(time) * 10**9 - trade.timestamp) <= 50
        assert len(time.partition(".")[2]) == 7
        assert (side, kind, misc) == (trade.side[0], trade.ord_type[0], "")
        assert number == trade.trade_id
    (doge,) = await rows(rest, "pair=DOGE/USD&count=1")
    assert len(doge[0].partition(".")[2]) == 7


async def test_paging(autojump_clock: trio.abc.Clock, rest: ExchangeRest) -> None:
    """Without a moment the latest, with one the oldest from then on; ``last`` leads on."""
    trades = kept(rest)
    numbers = [trade.trade_id for trade in trades]
    latest = await rows(rest, "pair=XBTUSD&count=3")
    assert [row[6] for row in latest] == numbers[-3:]
    since = 0
    got: list[int] = []
    while True:
        answer = json.loads((await ask(rest, f"pair={PAIR}&since={since}&count=30")).body)
        page = [row[6] for row in answer["result"]["XXBTZUSD"]]
        # Trades of one step share their time, so more than one row may come again.
        assert not got or page[0] in got
        got += [number for number in page if number not in got]
        if int(answer["result"]["last"]) == since:
            break
        since = int(answer["result"]["last"])
    assert got == numbers
    rest.inclusive = False
    behind = await rows(rest, f"pair={PAIR}&since={int(trades[10].timestamp)}")
    assert behind[0][6] == next(t.trade_id for t in trades if t.timestamp > trades[10].timestamp)
    rest.max_rows = 2
    assert len(await rows(rest, f"pair={PAIR}&since={START // 10**9 - 3}")) == 2
    assert await rows(rest, f"pair={PAIR}&since={int(trades[-1].timestamp) + 1}") == []


@pytest.mark.parametrize("name", ["BTC/USD", "XBT/USD", "XBTUSD", "BTCUSD", "XXBTZUSD"])
async def test_a_pair_has_many_names(
    autojump_clock: trio.abc.Clock, rest: ExchangeRest, name: str
) -> None:
    """The answer's key is none of the question's business."""
    answer = json.loads((await ask(rest, f"pair={name}")).body)
    assert set(answer["result"]) == {"XXBTZUSD", "last"}
    rest.modern_key = True
    answer = json.loads((await ask(rest, f"pair={name}")).body)
    assert set(answer["result"]) == {"BTC/USD", "last"}


async def test_what_is_no_longer_served(autojump_clock: trio.abc.Clock, rest: ExchangeRest) -> None:
    """History may begin later, and have holes."""
    numbers = [trade.trade_id for trade in kept(rest)]
    rest.oldest[PAIR] = numbers[10]
    rest.withhold(PAIR, numbers[12:15])
    rest.withhold(PAIR, [numbers[20]])
    found = await rows(rest, f"pair={PAIR}")
    assert [row[6] for row in found] == [*numbers[10:12], *numbers[15:20], *numbers[21:]]


@pytest.mark.parametrize(
    "query, error",
    [
        ("", "EQuery:Unknown asset pair"),
        ("pair=EUR/USD", "EQuery:Unknown asset pair"),
        ("pair=BTC/USD&count=x", "EGeneral:Invalid arguments"),
        ("pair=BTC/USD&since=x", "EGeneral:Invalid arguments"),
        ("pair=BTC/USD&count=1001", "EGeneral:Invalid arguments:count"),
    ],
)
async def test_wrong_questions(
    autojump_clock: trio.abc.Clock, rest: ExchangeRest, query: str, error: str
) -> None:
    """They are answered with status 200, and no result."""
    answer = await ask(rest, query)
    assert (answer.status, json.loads(answer.body)) == (200, {"error": [error]})


async def test_what_is_not_there(autojump_clock: trio.abc.Clock, rest: ExchangeRest) -> None:
    """Another path, or another method."""
    assert (await ask(rest, "", path="/0/public/Time")).status == 404
    assert (await rest("POST", "/0/public/Trades", headers={}, body=b"")).status == 404
    assert list(rest.requests) == ["/0/public/Time?", "/0/public/Trades"]


async def test_refusals_that_were_ordered(
    autojump_clock: trio.abc.Clock, rest: ExchangeRest
) -> None:
    """As many as were wanted, in their order."""
    rest.refuse_next(count=2)
    rest.refuse_next("EService:Unavailable")
    said = [json.loads((await ask(rest, "pair=BTC/USD")).body)["error"] for _ in range(4)]
    assert said == [[TOO_MANY], [TOO_MANY], ["EService:Unavailable"], []]


async def test_throttling(autojump_clock: trio.abc.Clock, rest: ExchangeRest) -> None:
    """A burst passes, then one a second, and a quiet while brings the burst back."""

    async def passed(count: int) -> int:
        answers = [json.loads((await ask(rest, "pair=BTC/USD")).body) for _ in range(count)]
        return sum(not answer["error"] for answer in answers)

    rest.throttle(3)
    assert await passed(10) == 3
    await trio.sleep(1)
    assert await passed(10) == 1
    await trio.sleep(100)
    assert await passed(10) == 3
    rest.throttle(None)
    assert await passed(10) == 10


async def test_other_trouble(autojump_clock: trio.abc.Clock, rest: ExchangeRest) -> None:
    """Slow, silent, broken, or a proxy's page."""
    rest.delay_s = 5.0
    began = trio.current_time()
    await ask(rest, "pair=BTC/USD")
    assert trio.current_time() - began == 5.0
    rest.status = 503
    answer = await ask(rest, "pair=BTC/USD")
    assert (answer.status, answer.body[:6]) == (503, b"<html>")
    rest.broken = True
    with pytest.raises(ConnectionFailed):
        await ask(rest, "pair=BTC/USD")
    rest.hanging = True
    with trio.move_on_after(1000) as scope:
        await ask(rest, "pair=BTC/USD")
    assert scope.cancelled_caught


TOKEN = "/0/private/GetWebSocketsToken"


async def token(rest: ExchangeRest, nonce: int, **headers: str) -> RestResponse:
    """Ask for a token."""
    body = b"nonce=%d" % nonce
    signature = sign(TOKEN, nonce, body, decode_secret(API_SECRET))
    usual = {"API-Key": API_KEY, "API-Sign": signature}
    return await rest("POST", TOKEN, headers=usual | headers, body=body)


def errors(response: RestResponse) -> list[str]:
    """Give what it was refused with: all errors have status 200, and no result."""
    answer = json.loads(response.body)
    assert response.status == 200
    assert ("result" in answer) is (answer["error"] == [])
    found: list[str] = answer["error"]
    return found


async def test_tokens(autojump_clock: trio.abc.Clock) -> None:
    """Who signs is given one, with its slashes escaped as on the wire; each is a new one."""
    tokens = Tokens(seed=1, life_s=60)
    told: list[str] = []
    rest = ExchangeRest(None, tokens, told.append)
    bodies = [(await token(rest, nonce)).body for nonce in range(20)]
    texts = [json.loads(body)["result"]["token"] for body in bodies]
    assert len(set(texts)) == 20
    for body, text in zip(bodies, texts, strict=True):
        shown = text.replace("/", "\\/").encode()
        assert body == b'{"error":[],"result":{"token":"%s","expires":60}}' % shown
        assert tokens.refusal(Secret(text), trio.current_time() + 59) is None
    assert any("/" in text for text in texts)
    assert told == ["a token was given out"] * 20


async def test_a_standing_alone_rest(autojump_clock: trio.abc.Clock) -> None:
    """Without a market it has no trades; its tokens live as long as the real ones."""
    rest = ExchangeRest(None)
    assert errors(await ask(rest, "pair=BTC/USD")) == ["EQuery:Unknown asset pair"]
    assert json.loads((await token(rest, 1)).body)["result"]["expires"] == 900


async def test_tokens_are_for_those_who_sign(autojump_clock: trio.abc.Clock) -> None:
    """An unknown key, a wrong signature and an old nonce are refused, and told of."""
    told: list[str] = []
    rest = ExchangeRest(None, None, told.append)
    refused = [
        errors(await token(rest, 5, **{"API-Key": "other"})),
        errors(await token(rest, 5, **{"API-Sign": "x"})),
        errors(await token(rest, 5)),
        errors(await token(rest, 5)),
        errors(await rest("POST", TOKEN, headers={}, body=b"")),
    ]
    assert refused == [
        ["EAPI:Invalid key"],
        ["EAPI:Invalid signature"],
        [],
        ["EAPI:Invalid nonce"],
        ["EAPI:Invalid key"],
    ]
    assert told == [
        "a token was given out" if not error else f"a token was refused: {error[0]}"
        for error in refused
    ]
    assert (await rest("GET", TOKEN, headers={}, body=b"")).status == 404


async def test_private_trouble(autojump_clock: trio.abc.Clock, rest: ExchangeRest) -> None:
    """Ordered refusals come first; then calls may be limited, apart from public ones."""
    rest.refuse_next("EService: Throttled: 1767225600")
    assert errors(await token(rest, 1)) == ["EService: Throttled: 1767225600"]
    rest.throttle_private(2, 0.5)
    rest.throttle(1)
    seen = [errors(await token(rest, nonce)) for nonce in range(1, 5)]
    assert seen == [[], [], ["EAPI:Rate limit exceeded"], ["EAPI:Rate limit exceeded"]]
    await trio.sleep(2)
    assert errors(await ask(rest, "pair=BTC/USD")) == []
    assert errors(await token(rest, 5)) == []
    assert errors(await token(rest, 6)) == ["EAPI:Rate limit exceeded"]
    rest.throttle_private(None)
    assert errors(await token(rest, 7)) == []

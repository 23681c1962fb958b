"""Requests are answered, and refused, in the exchange's own words and shapes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.requests import Ping, Subscribe, Unsubscribe
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.testing.conversation import UNKNOWN_PAIR, Answer, Conversation
from kraken_trio._internal.testing.part import Part, Refused, usual_result
from kraken_trio._internal.testing.place import PRIVATE, PUBLIC, Door
from kraken_trio._internal.testing.rules import ExchangeRules
from kraken_trio._internal.testing.tokens import INVALID_SESSION
from kraken_trio._internal.wire.encode import encode_request
from tests.testing.conftest import Sessions

NOW = 1_695_746_960_962_586_789  # 2023-09-26T16:49:20.962586789Z
TIMES = '"time_in":"2023-09-26T16:49:20.962586Z","time_out":"2023-09-26T16:49:20.962626Z"}'


class Listing(Sessions):
    """Lists two pairs."""

    def __init__(self) -> None:
        """Refuse nothing else."""
        super().__init__()
        self.refusals: dict[str, str | None] = {}

    def refusal(self, part: Part) -> str | None:
        """Refuse what is neither of the pairs."""
        known = part.symbol in (None, "BTC/USD", "ETH/USD")
        return None if known else UNKNOWN_PAIR.format(part.symbol)

    def result(self, part: Part) -> Mapping[str, object]:
        """Answer as usual."""
        return usual_result(part)


def conversation(
    listing: Listing | None = None, *, door: Door = "public", several: bool = True
) -> Conversation:
    """Begin one."""
    return Conversation(
        listing or Listing(), door=door, rules=ExchangeRules(several_intervals=several)
    )


def ask(talk: Conversation, method: str, req_id: Any = None, **params: object) -> Answer:
    """Send a request with parameters."""
    request: dict[str, object] = {"method": method, "params": params}
    if req_id is not None:
        request["req_id"] = req_id
    return talk.hear(json.dumps(request).encode(), NOW)


def texts(answer: Answer) -> list[str]:
    """Give the frames of an answer without their times."""
    return [frame.decode().removesuffix(TIMES).removesuffix(",") for frame in answer.frames]


def errors(answer: Answer) -> list[Any]:
    """Give the error of each frame."""
    return [json.loads(frame).get("error") for frame in answer.frames]


def test_each_symbol_is_answered() -> None:
    """One request for some symbols has an answer for each, under its number, and in its order."""
    talk = conversation()
    symbols = ["BTC/USD", "XBT/USD", "ETH/USD", "BTC/USD"]
    answer = ask(talk, "subscribe", 7, channel="book", symbol=symbols, depth=25)
    assert texts(answer) == [
        (
            '{"method":"subscribe","req_id":7,"result":{"channel":"book","depth":25,"snapshot":true,'
            '"symbol":"BTC/USD"},"success":true'
        ),
        (
            '{"error":"Currency pair not supported XBT/USD","method":"subscribe","req_id":7,'
            '"success":false,"symbol":"XBT/USD"'
        ),
        (
            '{"method":"subscribe","req_id":7,"result":{"channel":"book","depth":25,"snapshot":true,'
            '"symbol":"ETH/USD"},"success":true'
        ),
        (
            '{"error":"Already subscribed","method":"subscribe","req_id":7,"success":false,'
            '"symbol":"BTC/USD"'
        ),
    ]
    assert answer.begun == talk.subscriptions
    assert [part.symbol for part in answer.begun] == ["BTC/USD", "ETH/USD"]
    assert answer.ended == ()
    assert all(frame.decode().endswith(TIMES) for frame in answer.frames)


@pytest.mark.parametrize(
    "params, ack, unsubscribed, channel",
    [
        (
            {"channel": "ticker", "symbol": ["BTC/USD"]},
            '"channel":"ticker","event_trigger":"trades","snapshot":true,"symbol":"BTC/USD"',
            '"channel":"ticker","event_trigger":"trades","symbol":"BTC/USD"',
            Channel.ticker("BTC/USD"),
        ),
        (
            {"channel": "ticker", "symbol": ["BTC/USD"], "event_trigger": "bbo"},
            '"channel":"ticker","event_trigger":"bbo","snapshot":true,"symbol":"BTC/USD"',
            '"channel":"ticker","event_trigger":"bbo","symbol":"BTC/USD"',
            Channel.ticker("BTC/USD", event_trigger="bbo"),
        ),
        (
            {"channel": "book", "symbol": ["BTC/USD"]},
            '"channel":"book","depth":10,"snapshot":true,"symbol":"BTC/USD"',
            '"channel":"book","depth":10,"symbol":"BTC/USD"',
            Channel.book("BTC/USD"),
        ),
        (
            {"channel": "book", "symbol": ["BTC/USD"], "snapshot": False},
            '"channel":"book","depth":10,"snapshot":false,"symbol":"BTC/USD"',
            '"channel":"book","depth":10,"symbol":"BTC/USD"',
            Channel.book("BTC/USD"),
        ),
        (
            {"channel": "trade", "symbol": ["BTC/USD"]},
            '"channel":"trade","snapshot":false,"symbol":"BTC/USD"',
            '"channel":"trade","symbol":"BTC/USD"',
            Channel.trades("BTC/USD"),
        ),
        (
            {"channel": "trade", "symbol": ["BTC/USD"], "snapshot": True},
            '"channel":"trade","snapshot":true,"symbol":"BTC/USD"',
            '"channel":"trade","symbol":"BTC/USD"',
            Channel.trades("BTC/USD", snapshot=True),
        ),
        (
            {"channel": "ohlc", "symbol": ["BTC/USD"], "interval": 5},
            (
                '"channel":"ohlc","interval":5,"snapshot":true,"symbol":"BTC/USD",'
                '"warnings":["timestamp is deprecated, use interval_begin"]'
            ),
            '"channel":"ohlc","interval":5,"symbol":"BTC/USD"',
            Channel.ohlc("BTC/USD", interval=5),
        ),
        (
            {"channel": "instrument"},
            (
                '"channel":"instrument","snapshot":true,'
                '"warnings":["tick_size is deprecated, use price_increment"]'
            ),
            '"channel":"instrument"',
            Channel.instrument(),
        ),
    ],
)
def test_acknowledgements(
    params: dict[str, object], ack: str, unsubscribed: str, channel: Channel
) -> None:
    """Each channel's acknowledgements have the members of the captured ones; no number, no echo."""
    talk = conversation()
    answer = ask(talk, "subscribe", **params)
    assert texts(answer) == [f'{{"method":"subscribe","result":{{{ack}}},"success":true']
    (part,) = answer.begun
    assert part.as_channel() == channel
    answer = ask(talk, "unsubscribe", **params)
    assert texts(answer) == [f'{{"method":"unsubscribe","result":{{{unsubscribed}}},"success":true']
    assert answer.ended == (part,)
    assert answer.begun == talk.subscriptions == ()


@pytest.mark.parametrize(
    "request_text, refused",
    [
        ("{", '{"error":"Malformed request","success":false'),
        ("[]", '{"error":"Malformed request","success":false'),
        ('{"method":"ping","req_id":"7"}', '{"error":"Malformed request","success":false'),
        (
            '{"event":"subscribe","pair":["XBT/USD"],"subscription":{"name":"book"}}',
            '{"error":"Method(s) not found","success":false',
        ),
        (
            '{"method":"dance","req_id":4}',
            '{"error":"Method(s) not found","req_id":4,"success":false',
        ),
        (
            '{"method":"ping","params":{},"req_id":0}',
            (
                '{"error":"Unsupported field: \'params\' for the given msg type: ping",'
                '"method":"ping","req_id":0,"success":false'
            ),
        ),
        (
            '{"method":"add_order","params":{"token":"t","symbol":"BTC/USD"}}',
            f'{{"error":"{PRIVATE}","method":"add_order","success":false',
        ),
        (
            '{"method":"subscribe","params":{"channel":"executions","token":"t"}}',
            f'{{"error":"{PRIVATE}","method":"subscribe","success":false',
        ),
    ],
)
def test_refused_requests(request_text: str, refused: str) -> None:
    """What cannot be a request here is refused once, with what of it could be read."""
    answer = conversation().hear(request_text.encode(), NOW)
    assert texts(answer) == [refused]
    assert answer.begun == ()


@pytest.mark.parametrize("method", ["subscribe", "unsubscribe"])
def test_refused_parameters(method: str) -> None:
    """A wrong parameter is refused once, however many symbols, and names none of them."""
    params: dict[str, object] = {"channel": "book", "symbol": ["BTC/USD", "ETH/USD"], "depth": 5}
    (text,) = texts(ask(conversation(), method, 3, **params))
    error = "Subscription depth not supported"
    assert text == f'{{"error":"{error}","method":"{method}","req_id":3,"success":false'


@pytest.mark.parametrize(
    "symbol, error",
    [
        ("*", "Currency pair not in ISO 4217-A3 format *"),
        ("UNKNOWN", "Currency pair not in ISO 4217-A3 format UNKNOWN"),
        ("btc/usd", "Currency pair not supported btc/usd"),
    ],
)
def test_refused_symbols(symbol: str, error: str) -> None:
    """A symbol that is none is refused as it was sent."""
    answer = ask(conversation(), "subscribe", channel="ticker", symbol=[symbol])
    assert [json.loads(frame)["symbol"] for frame in answer.frames] == [symbol]
    assert errors(answer) == [error]


def test_a_subscription_is_one_whatever_its_options() -> None:
    """Another depth or trigger of what is subscribed already is refused, and changes nothing."""
    talk = conversation()
    ask(talk, "subscribe", channel="book", symbol=["BTC/USD"], depth=10)
    ask(talk, "subscribe", channel="ticker", symbol=["BTC/USD"])
    before = talk.subscriptions
    for params in ({"channel": "book", "depth": 25}, {"channel": "ticker", "event_trigger": "bbo"}):
        assert errors(ask(talk, "subscribe", symbol=["BTC/USD"], **params)) == [
            "Already subscribed"
        ]
    assert talk.subscriptions == before


@pytest.mark.parametrize("several, error", [(True, None), (False, "Already subscribed")])
def test_intervals_of_one_pair(several: bool, error: str | None) -> None:
    """Whether a pair's candles of two intervals go together can be chosen."""
    talk = conversation(several=several)
    found = [
        *errors(ask(talk, "subscribe", channel="ohlc", symbol=["BTC/USD"], interval=1)),
        *errors(ask(talk, "subscribe", channel="ohlc", symbol=["BTC/USD"], interval=5)),
    ]
    assert found == [None, error]


def test_what_is_not_subscribed_cannot_be_left() -> None:
    """Unsubscribing is answered symbol by symbol, too; what is not there is not found."""
    talk = conversation()
    ask(talk, "subscribe", channel="trade", symbol=["BTC/USD"])
    answer = ask(talk, "unsubscribe", 9, channel="trade", symbol=["BTC/USD", "BTC/USD", "A/B"])
    assert errors(answer) == [None, "Subscription Not Found", "Subscription Not Found"]
    assert texts(answer)[2] == (
        '{"error":"Subscription Not Found","method":"unsubscribe","req_id":9,"success":false,'
        '"symbol":"A/B"'
    )


def test_refusals_can_be_ordered() -> None:
    """A symbol, or a channel without any, is refused as told, or never answered; others are."""
    listing = Listing()
    listing.refusals |= {"BTC/USD": "EService:Unavailable", "ETH/USD": None, "instrument": "No"}
    talk = conversation(listing)
    answer = ask(talk, "subscribe", channel="trade", symbol=["BTC/USD", "ETH/USD", "A/B"])
    assert errors(answer) == ["EService:Unavailable", "Currency pair not supported A/B"]
    assert errors(ask(talk, "subscribe", channel="instrument")) == ["No"]
    assert talk.subscriptions == ()
    listing.refusals.clear()
    assert errors(ask(talk, "subscribe", channel="trade", symbol=["ETH/USD"])) == [None]


TRADE: dict[str, object] = {"channel": "trade", "symbol": ["BTC/USD"]}
BALANCES: dict[str, object] = {"channel": "balances", "token": "good"}
EXECUTIONS: dict[str, object] = {"channel": "executions", "token": "good"}
LEVEL3: dict[str, object] = {"channel": "level3", "symbol": ["BTC/USD"], "token": "good"}


@pytest.mark.parametrize(
    "door, params, error",
    [
        ("public", TRADE, None),
        ("public", BALANCES, PRIVATE),
        ("public", LEVEL3, PRIVATE),
        ("private", TRADE, PUBLIC),
        ("private", BALANCES, None),
        ("private", EXECUTIONS, None),
        ("private", LEVEL3, PUBLIC),
        ("level3", TRADE, PUBLIC),
        ("level3", BALANCES, PRIVATE),
        ("level3", LEVEL3, None),
    ],
)
@pytest.mark.parametrize("method", ["subscribe", "unsubscribe"])
def test_each_door_has_its_channels(
    method: str, door: Door, params: dict[str, object], error: str | None
) -> None:
    """What belongs to another host is refused, whatever else is wrong with it."""
    talk = conversation(door=door)
    if error is None and method == "unsubscribe":
        ask(talk, "subscribe", **params)
    assert errors(ask(talk, method, **params)) == [error]
    strange = {**params, "strange": 5}
    strange_error = f"Unsupported field: 'strange' for the given msg type: {method}"
    assert errors(ask(talk, method, **strange)) == [error or strange_error]


@pytest.mark.parametrize("method", ["subscribe", "unsubscribe"])
def test_tokens_are_looked_at(method: str) -> None:
    """Without a token, and with a bad one, a private request is refused as a whole."""
    talk = conversation(door="level3")
    level3: dict[str, object] = {"channel": "level3", "symbol": ["BTC/USD", "ETH/USD"]}
    assert texts(ask(talk, method, 1, **level3)) == [
        f'{{"error":"Token(s) not found","method":"{method}","req_id":1,"success":false'
    ]
    assert texts(ask(talk, method, **level3, token="bad")) == [
        (
            f'{{"channel":"level3","error":"ESession:Invalid session","method":"{method}",'
            '"status":"error","success":false'
        )
    ]
    assert talk.subscriptions == ()


def test_a_good_token_may_be_distrusted() -> None:
    """Then a subscription is refused as with a bad one; of a bad one nobody is asked."""
    asked: list[str] = []

    def distrusts(channel: str) -> bool:
        asked.append(channel)
        return len(asked) == 1

    talk = Conversation(Listing(), door="level3", distrusts=distrusts)
    level3: dict[str, object] = {"channel": "level3", "symbol": ["BTC/USD"]}
    assert errors(ask(talk, "subscribe", **level3, token="bad")) == [INVALID_SESSION]
    assert asked == []
    assert errors(ask(talk, "subscribe", **level3, token="one")) == [INVALID_SESSION]
    assert talk.subscriptions == ()
    assert errors(ask(talk, "subscribe", **level3, token="one")) == [None]
    assert asked == ["level3", "level3"]


def test_tokens_are_in_use_as_long_as_their_subscriptions() -> None:
    """One use for each private subscription, until it is left or the client goes."""
    listing = Listing()
    talk = conversation(listing, door="level3")
    ask(talk, "subscribe", channel="level3", symbol=["BTC/USD", "ETH/USD", "A/B"], token="one")
    assert listing.held == ["one", "one"]
    ask(talk, "unsubscribe", channel="level3", symbol=["BTC/USD"], token="two")
    assert listing.held == ["one"]
    ask(talk, "subscribe", channel="level3", symbol=["BTC/USD"], token="two")
    assert listing.held == ["one", "two"]
    talk.leave()
    assert (listing.held, len(talk.subscriptions)) == ([], 2)
    public = conversation(listing)
    ask(public, "subscribe", channel="trade", symbol=["BTC/USD"], token="three")
    assert (listing.held, len(public.subscriptions)) == ([], 1)


def test_trading_is_for_the_private_host() -> None:
    """Elsewhere it is refused; there it needs a token, and is up to others."""
    listing = Listing()
    for door in ("public", "level3"):
        assert errors(ask(conversation(listing, door=door), "add_order", token="t")) == [PRIVATE]
    talk = conversation(listing, door="private")
    assert texts(ask(talk, "cancel_all", 7)) == [
        '{"error":"Token(s) not found","method":"cancel_all","req_id":7,"success":false'
    ]
    assert texts(ask(talk, "cancel_all", token="bad")) == [
        (
            '{"error":"ESession:Invalid session","method":"cancel_all","status":"error",'
            '"success":false'
        )
    ]
    assert texts(ask(talk, "cancel_all", token="good")) == [f"cancel_all at {NOW}"]
    listing.refusals |= {"cancel_all": None, "add_order": "EOrder:Insufficient funds"}
    assert texts(ask(talk, "cancel_all", token="good")) == []
    assert errors(ask(talk, "add_order", token="good")) == ["EOrder:Insufficient funds"]


class Shop(Listing):
    """Does not trade."""

    def trade(self, *_: object) -> tuple[bytes, ...]:
        """Refuse."""
        raise Refused("EService:Unavailable")


def test_trading_may_be_refused() -> None:
    """A method may be refused as a whole."""
    talk = conversation(Shop(), door="private")
    assert texts(ask(talk, "add_order", 5, token="good")) == [
        '{"error":"EService:Unavailable","method":"add_order","req_id":5,"success":false'
    ]


def test_pings() -> None:
    """A ping is answered under its number, if it has one."""
    for req_id, echo in ((101, ',"req_id":101'), (None, "")):
        answer = conversation().hear(encode_request(Ping(), req_id=req_id), NOW)
        assert texts(answer) == [f'{{"method":"pong"{echo}']


@pytest.mark.parametrize(
    "channel",
    [
        Channel.ticker("BTC/USD", "ETH/USD", event_trigger="bbo"),
        Channel.book("BTC/USD", depth=500),
        Channel.trades("ETH/USD", snapshot=True),
        Channel.ohlc("BTC/USD", interval=240, snapshot=False),
        Channel.instrument(include_tokenized_assets=True),
    ],
    ids=str,
)
def test_the_librarys_own_requests(channel: Channel) -> None:
    """What the library asks for is understood as it was meant, and left again."""
    talk = conversation()
    answer = talk.hear(encode_request(Subscribe(channel), req_id=1), NOW)
    assert set(errors(answer)) == {None}
    assert [part.as_channel().name for part in talk.subscriptions] == [channel.name] * len(
        channel.parts()
    )
    if channel.name != "instrument":  # whose options are not remembered
        assert tuple(part.as_channel() for part in talk.subscriptions) == channel.parts()
    talk.hear(encode_request(Unsubscribe(channel), req_id=2), NOW)
    assert talk.subscriptions == ()


def test_the_librarys_own_private_requests() -> None:
    """Private subscriptions of the library are understood, too."""
    asked: list[tuple[Door, Channel]] = [
        ("private", Channel.executions(order_status=False, users="all")),
        ("private", Channel.balances()),
        ("level3", Channel.level3("BTC/USD")),
    ]
    for door, channel in asked:
        talk = conversation(door=door)
        request = encode_request(Subscribe(channel), token=Secret("t"))
        assert errors(talk.hear(request, NOW)) == [None]
        assert [part.as_channel() for part in talk.subscriptions] == [channel]


def test_refusals_are_the_real_ones(examples: Path) -> None:
    """Refusals that were captured come out with the same members in the same order."""
    requests: dict[str, tuple[str, dict[str, object]]] = {
        "Currency pair not supported XBT/USD": (
            "subscribe",
            {"channel": "book", "symbol": ["XBT/USD"]},
        ),
        "Subscription depth not supported": (
            "subscribe",
            {"channel": "book", "symbol": ["BTC/USD"], "depth": 5},
        ),
        PRIVATE: ("subscribe", {"channel": "balances"}),
        PUBLIC: ("subscribe", {"channel": "trade", "symbol": ["BTC/USD"]}),
        "ESession:Invalid session": ("subscribe", {"channel": "executions", "token": "bad"}),
    }
    found = 0
    for line in (examples / "v2-errors.jsonl").read_text("utf-8").splitlines():
        real = json.loads(line)
        if real.get("error") in requests and "req_id" not in real:
            method, params = requests[real["error"]]
            door: Door = "private" if real["error"][:6] in ("Public", "ESessi") else "public"
            (frame,) = ask(conversation(door=door), method, **params).frames
            ours = json.loads(frame)
            times = {name: real[name] for name in ("time_in", "time_out")}
            assert list((ours | times).items()) == list(real.items())
            found += 1
    assert found == len(requests)


def test_tokenised_shares_are_asked_for() -> None:
    """Who asks for instruments of tokenised shares is told of others than who does not."""
    topics = []
    for wanted in (False, True):
        answer = ask(
            conversation(), "subscribe", channel="instrument", include_tokenized_assets=wanted
        )
        topics += [part.topic for part in answer.begun]
        assert "tokenized" not in texts(answer)[0]
    assert topics == [("instrument", None, None), ("instrument", None, "tokenized")]


def test_a_request_may_come_too_fast() -> None:
    """One that comes too fast is refused under its number, whatever it asks, and does nothing."""
    talk = conversation()
    request = encode_request(Subscribe(Channel.trades("BTC/USD")), req_id=7)
    answer = talk.hear(request, NOW, too_fast=True)
    assert (errors(answer), answer.begun) == (["Exceeded msg rate"], ())
    assert '"req_id":7' in answer.frames[0].decode()
    assert errors(talk.hear(b"what?", NOW, too_fast=True)) == ["Malformed request"]
    assert talk.subscriptions == ()


def test_level3_has_limits() -> None:
    """A symbol too many, or too soon, is refused as the exchange does it; the others are not."""
    talk = Conversation(
        Listing(), door="level3", rules=ExchangeRules(max_level3_rate=5, max_level3_symbols=2)
    )

    def subscribe(second: int, *symbols: str) -> Answer:
        params = {"channel": "level3", "symbol": symbols, "token": "t"}
        request = json.dumps({"method": "subscribe", "params": params, "req_id": 3}).encode()
        return talk.hear(request, NOW + second * 10**9)

    answer = subscribe(0, "BTC/USD", "A/B", "BTC/USD", "ETH/USD")
    assert errors(answer) == [
        None,
        "Currency pair not supported A/B",
        "Already subscribed",
        (
            "Rate limit for snapshot requests exceeded, when trying to subscribe to ETH/USD level3 "
            "snapshot"
        ),
    ]
    assert texts(answer)[3] == (
        '{"channel":"level3","error":"Rate limit for snapshot requests exceeded, when trying to '
        'subscribe to ETH/USD level3 snapshot","method":"subscribe","req_id":3,"status":"error",'
        '"success":false'
    )
    assert errors(subscribe(1, "ETH/USD")) == [None]
    ask(talk, "unsubscribe", channel="level3", symbol=["BTC/USD"], token="t")
    assert errors(subscribe(2, "BTC/USD")) == [None]
    assert [part.symbol for part in talk.subscriptions] == ["ETH/USD", "BTC/USD"]

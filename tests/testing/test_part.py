"""Requests to subscribe are taken apart symbol by symbol, or refused in the exchange's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kraken_trio._internal.model.channel import (
    BOOK_DEPTHS,
    LEVEL3_DEPTHS,
    OHLC_INTERVALS,
    Channel,
)
from kraken_trio._internal.testing.part import (
    CHANNELS,
    Part,
    Refused,
    channel_of,
    named,
    parts_of,
    usual_result,
)
from kraken_trio._internal.wire.requests import RequestFrame, read_request


def frame(method: str = "subscribe", **params: Any) -> RequestFrame:
    """Make a request."""
    return read_request(json.dumps({"method": method, "params": params}).encode())


UNSUPPORTED: list[dict[str, object]] = [
    {},
    {"channel": 5},
    {"channel": "spread", "symbol": ["BTC/USD"]},
    {"channel": "status"},
    {"channel": "heartbeat"},
    {"channel": "book"},
    {"channel": "book", "symbol": []},
    {"channel": "book", "symbol": "BTC/USD"},
    {"channel": "book", "symbol": ["BTC/USD", 5]},
    {"channel": "book", "symbol": ["BTC/USD"], "snapshot": "true"},
    {"channel": "ticker", "symbol": ["BTC/USD"], "event_trigger": "always"},
    {"channel": "instrument", "execution_venue": True},
]
DEPTH = "Subscription depth not supported"
INTERVAL = "Subscription ohlc interval not supported"


@pytest.mark.parametrize("method", ["subscribe", "unsubscribe"])
@pytest.mark.parametrize(
    "params, error",
    [
        *((params, "Unsupported event") for params in UNSUPPORTED),
        *(
            ({"channel": "book", "symbol": ["BTC/USD", "ETH/USD"], "depth": depth}, DEPTH)
            for depth in (5, 0, True, "10", None, [10])
        ),
        ({"channel": "level3", "symbol": ["BTC/USD"], "depth": 25}, DEPTH),
        *(
            ({"channel": "ohlc", "symbol": ["BTC/USD"], "interval": interval}, INTERVAL)
            for interval in (2, True, "1")
        ),
    ],
)
def test_refused_parameters(method: str, params: dict[str, Any], error: str) -> None:
    """A value that a parameter cannot have is refused, and so is what names no channel."""
    with pytest.raises(Refused, match=error) as caught:
        parts_of(frame(method, **params))
    assert (caught.value.error, caught.value.channel, caught.value.status) == (error, None, False)


@pytest.mark.parametrize(
    "params, name",
    [
        ({"channel": "trade", "symbol": ["BTC/USD"], "depth": 10}, "depth"),
        ({"channel": "instrument", "symbol": ["BTC/USD"]}, "symbol"),
        ({"channel": "book", "symbol": ["BTC/USD"], "deep": True}, "deep"),
    ],
)
def test_strange_parameters(params: dict[str, Any], name: str) -> None:
    """A parameter that the channel does not have is refused by its name."""
    with pytest.raises(Refused) as caught:
        parts_of(frame(**params))
    assert caught.value.error == f"Unsupported field: '{name}' for the given msg type: subscribe"


@pytest.mark.parametrize(
    "channel, option, choices",
    [
        ("book", "depth", BOOK_DEPTHS),
        ("level3", "depth", LEVEL3_DEPTHS),
        ("ohlc", "interval", OHLC_INTERVALS),
        ("ticker", "event_trigger", ("trades", "bbo")),
    ],
)
def test_every_choice_is_taken(channel: str, option: str, choices: tuple[object, ...]) -> None:
    """Every depth, interval and trigger that the exchange has is accepted."""
    for choice in choices:
        params: dict[str, Any] = {"channel": channel, "symbol": ["BTC/USD"], option: choice}
        (part,) = parts_of(frame(**params))
        assert part.topic == (channel, "BTC/USD", choice)


def test_each_symbol_is_a_part() -> None:
    """Symbols are taken as they were sent, in order; a channel without any is one part."""
    asked = frame(channel="book", symbol=["BTC/USD", "xyz", "BTC/USD"], snapshot=False)
    assert list(parts_of(asked)) == [
        Part("book", symbol, depth=10, snapshot=False, depth_named=False)
        for symbol in ("BTC/USD", "xyz", "BTC/USD")
    ]
    assert [part.symbol for part in parts_of(frame(channel="balances"))] == [None]
    assert {channel_of(frame(channel=name)) for name in CHANNELS} == CHANNELS


@pytest.mark.parametrize(
    "params, result, name",
    [
        (
            {"channel": "level3", "symbol": ["BTC/USD"]},
            {"channel": "level3", "symbol": "BTC/USD", "snapshot": True},
            {"channel": "level3", "symbol": "BTC/USD"},
        ),
        (
            {"channel": "level3", "symbol": ["BTC/USD"], "depth": 10, "snapshot": False},
            {"channel": "level3", "depth": 10, "symbol": "BTC/USD", "snapshot": False},
            {"channel": "level3", "depth": 10, "symbol": "BTC/USD"},
        ),
        (
            {"channel": "book", "symbol": ["BTC/USD"]},
            {"channel": "book", "depth": 10, "symbol": "BTC/USD", "snapshot": True},
            {"channel": "book", "depth": 10, "symbol": "BTC/USD"},
        ),
        (
            {"channel": "balances", "users": "all"},
            {"channel": "balances", "snapshot": True},
            {"channel": "balances"},
        ),
        (
            {"channel": "executions", "snap_orders": False, "ratecounter": True},
            {
                "channel": "executions",
                "snapshot": True,
                "snap_orders": False,
                "snap_trades": True,
                "warnings": [
                    "cancel_reason is deprecated, use reason",
                    "stop_price is deprecated, use triggers.price",
                    "trigger is deprecated use triggers.reference",
                    "triggered_price is deprecated use triggers.last_price",
                ],
            },
            {"channel": "executions"},
        ),
    ],
)
def test_what_acknowledgements_say(
    params: dict[str, Any], result: dict[str, object], name: dict[str, object]
) -> None:
    """As captured: the depth of a book always, that of level3 only where it was asked for."""
    (part,) = parts_of(frame(**params))
    assert usual_result(part) == result
    assert named(part) == name


def test_parts_are_channels_of_the_library() -> None:
    """What was asked for is shown in the library's words, with every option that it has."""
    asked: dict[str, Any] = {"snap_trades": False, "order_status": False, "ratecounter": True}
    (part,) = parts_of(frame(channel="executions", users="all", **asked))
    assert part.as_channel() == Channel.executions(
        snap_trades=False, order_status=False, ratecounter=True, users="all"
    )
    (part,) = parts_of(frame(channel="instrument", include_tokenized_assets=True))
    assert part.topic == ("instrument", None, "tokenized")
    assert part.as_channel() == Channel.instrument(include_tokenized_assets=True)
    (part,) = parts_of(frame(channel="level3", symbol=["BTC/USD"], depth=100, snapshot=False))
    assert part.as_channel() == Channel.level3("BTC/USD", depth=100)


@pytest.mark.parametrize(
    "channel, params, wanted",
    [
        ("spread", {"symbol": ["BTC/USD"]}, Channel.spread("BTC/USD")),
        ("own_trades", {}, Channel.own_trades()),
        ("open_orders", {"ratecounter": True}, Channel.open_orders()),
    ],
)
def test_channels_of_protocol_v1(channel: str, params: dict[str, Any], wanted: Channel) -> None:
    """What protocol v1 alone has is there where it is spoken, and nowhere else."""
    request = frame(channel=channel, **params)
    (part,) = parts_of(request, old=True)
    assert part.as_channel() == wanted
    assert part.snapshot is (channel != "spread")
    with pytest.raises(Refused, match="Unsupported event"):
        list(parts_of(request))

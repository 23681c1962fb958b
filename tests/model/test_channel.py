"""A channel is checked when it is made, so that everything behind it may rely on it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kraken_trio._internal.model.channel import (
    BOOK_DEPTHS,
    EVENT_TRIGGERS,
    LEVEL3_DEPTHS,
    OHLC_INTERVALS,
    Channel,
    modern_symbol,
)
from kraken_trio._internal.model.errors import ConfigurationError

BTC, ETH = "BTC/USD", "ETH/USD"
CHANNELS: list[tuple[Channel, str, dict[str, object]]] = [
    (Channel.ticker(BTC), "ticker trades BTC/USD", {"event_trigger": "trades"}),
    (
        Channel.ticker(BTC, event_trigger="bbo", snapshot=False),
        "ticker bbo BTC/USD",
        {"event_trigger": "bbo", "snapshot": False},
    ),
    (Channel.spread(BTC), "spread BTC/USD", {}),
    (Channel.book(BTC, ETH), "book 10 BTC/USD ETH/USD", {"depth": 10}),
    (Channel.book(BTC, depth=1000), "book 1000 BTC/USD", {"depth": 1000}),
    (Channel.trades(BTC), "trade BTC/USD", {"snapshot": False}),
    (Channel.trades(BTC, snapshot=True), "trade BTC/USD", {}),
    (Channel.ohlc(BTC), "ohlc 1 BTC/USD", {"interval": 1}),
    (
        Channel.ohlc(BTC, interval=21600, snapshot=False),
        "ohlc 21600 BTC/USD",
        {"interval": 21600, "snapshot": False},
    ),
    (Channel.instrument(), "instrument", {}),
    (
        Channel.instrument(include_tokenized_assets=True, execution_venue="bitnomial-exchange"),
        "instrument",
        {"include_tokenized_assets": True, "execution_venue": "bitnomial-exchange"},
    ),
    (Channel.level3(BTC), "level3 10 BTC/USD", {"depth": 10}),
    (Channel.executions(), "executions", {"snap_orders": True, "snap_trades": True}),
    (
        Channel.executions(
            snap_orders=False,
            snap_trades=False,
            order_status=False,
            ratecounter=True,
            rebased=False,
            users="all",
        ),
        "executions",
        {
            "snap_orders": False,
            "snap_trades": False,
            "order_status": False,
            "ratecounter": True,
            "rebased": False,
            "users": "all",
        },
    ),
    (Channel.balances(), "balances", {}),
    (
        Channel.balances(snapshot=False, rebased=True, users="all"),
        "balances",
        {"snapshot": False, "rebased": True, "users": "all"},
    ),
]
DEFAULTS: dict[str, object] = {
    name: True if name == "snapshot" else None
    for name in Channel.__struct_fields__
    if name not in {"name", "symbols"}
}


@pytest.mark.parametrize("channel, text, options", CHANNELS)
def test_what_can_be_made(channel: Channel, text: str, options: dict[str, object]) -> None:
    """Each channel holds the options asked for and no others, and says so in short."""
    found = msgspec.structs.asdict(channel)
    words = text.split()
    assert found.pop("name") == words[0]
    assert found.pop("symbols") == tuple(word for word in words if "/" in word)
    assert found == DEFAULTS | options
    assert str(channel) == text


def test_a_channel_with_many_symbols_names_the_first() -> None:
    """All pairs of the exchange would fill a log with one line, and so would one absurd name."""
    symbols = [f"A{number}/USD" for number in range(12)]
    assert str(Channel.book(*symbols)) == f"book 10 {' '.join(symbols[:10])} and 2 more"
    assert str(Channel.ticker("B" * 100 + "/USD")) == f"ticker trades {'B' * 40}"


@pytest.mark.parametrize("depth", BOOK_DEPTHS)
def test_depths_of_books(depth: int) -> None:
    """A book may have any depth that the exchange documents."""
    assert Channel.book(BTC, depth=depth).depth == depth


@pytest.mark.parametrize("depth", LEVEL3_DEPTHS)
def test_depths_of_order_books(depth: int) -> None:
    """An order-by-order book may have any depth that the exchange documents."""
    assert Channel.level3(BTC, depth=depth).depth == depth


@pytest.mark.parametrize("interval", OHLC_INTERVALS)
def test_intervals(interval: int) -> None:
    """A candle may have any length that the exchange documents."""
    assert Channel.ohlc(BTC, interval=interval).interval == interval


def test_documented_choices() -> None:
    """The choices are those of the documentation."""
    assert BOOK_DEPTHS == (10, 25, 100, 500, 1000)
    assert LEVEL3_DEPTHS == (10, 100, 1000)
    assert OHLC_INTERVALS == (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
    assert EVENT_TRIGGERS == ("trades", "bbo")


@pytest.mark.parametrize(
    "symbol, name",
    [
        ("BTC/USD", "BTC/USD"),
        ("XBT/USD", "BTC/USD"),
        ("XDG/EUR", "DOGE/EUR"),
        ("ETH/XBT", "ETH/BTC"),
        ("XDG/XBT", "DOGE/BTC"),
        ("XBTX/USD", "XBTX/USD"),
        ("TSLAx/USD", "TSLAx/USD"),
    ],
)
def test_old_codes_are_understood(symbol: str, name: str) -> None:
    """Either side of a pair may have its old code; nothing else is changed."""
    assert modern_symbol(symbol) == name
    assert Channel.trades(symbol).symbols == (name,)


@pytest.mark.parametrize(
    "symbol",
    [
        *("", "/", "BTC", "BTC/", "/USD", "BTC/USD/EUR", " BTC/USD", "BTC/USD\n", "B TC/USD"),
        *(None, 5, b"BTC/USD", ["BTC/USD", "ETH/USD"]),
    ],
)
def test_what_is_no_pair(symbol: Any) -> None:
    """Anything but two codes and a slash is refused, a list of pairs too."""
    with pytest.raises(ConfigurationError) as caught:
        Channel.book(symbol)
    assert str(caught.value) == (
        f"symbol: must be BASE/QUOTE, is {symbol!r}. Write it like BTC/USD, with each symbol as an "
        "argument of its own"
    )


@pytest.mark.parametrize("value", ["\x1b[31m" * 10**6, [["BTC/USD"] * 100] * 100])
def test_what_is_refused_is_shown_in_short(value: Any) -> None:
    """Of a value that is refused its beginning is shown, printable."""
    for arguments in (
        {"name": value},
        {"name": "book", "symbols": (value,)},
        {"name": "book", "symbols": (BTC,), "depth": value},
        {"name": "spread", "symbols": (BTC,), "depth": value},
    ):
        with pytest.raises(ConfigurationError) as caught:
            Channel(**arguments)
        text = str(caught.value)
        assert f"is {repr(value)[:37]}... " not in text
        assert f"is {repr(value)[:37]}..." in text
        assert len(text) < 220
        assert text.isprintable()


def test_each_symbol_counts_once() -> None:
    """A pair named twice, by its old code too, stands once, where it was named first."""
    assert Channel.book("XBT/USD", ETH, BTC, ETH).symbols == (BTC, ETH)
    assert Channel.book("XBT/USD") == Channel.book(BTC, BTC)


@pytest.mark.parametrize(
    "arguments, text",
    [
        (
            {"name": "weather"},
            (
                "name: of a channel must be one of ticker, spread, book, trade, ohlc, instrument, "
                "level3, executions, open_orders, own_trades, balances, is 'weather'. Choose one "
                "of these"
            ),
        ),
        (
            {"name": "book", "depth": 10},
            "symbols: of book must be given. Name at least one pair, like BTC/USD",
        ),
        (
            {"name": "balances", "symbols": (BTC,)},
            (
                "symbols: of balances must be left out. This channel is about the whole account or "
                "exchange"
            ),
        ),
        (
            {"name": "book", "symbols": (BTC,), "depth": 11},
            "depth: of book must be one of 10, 25, 100, 500, 1000, is 11. Choose one of these",
        ),
        (
            {"name": "level3", "symbols": (BTC,), "depth": 25},
            "depth: of level3 must be one of 10, 100, 1000, is 25. Choose one of these",
        ),
        (
            {"name": "book", "symbols": (BTC,), "depth": 10, "snapshot": False},
            "snapshot: of book cannot be chosen, is False. Leave it out",
        ),
        (
            {"name": "trade", "symbols": (BTC,), "depth": 10},
            "depth: of trade cannot be chosen, is 10. Leave it out",
        ),
        (
            {"name": "executions", "users": "some"},
            "users: of executions must be one of None, all, is 'some'. Choose one of these",
        ),
    ],
)
def test_refusals(arguments: dict[str, Any], text: str) -> None:
    """What the exchange would refuse is refused first, with the field, the rule and the mend."""
    with pytest.raises(ConfigurationError) as caught:
        Channel(**arguments)
    assert str(caught.value) == text


OPTIONS = [
    *(("depth", value) for value in (True, 10.0, "10", 0, -10)),
    *(("interval", value) for value in (True, 1.0, 2, "1")),
    *(("event_trigger", value) for value in ("all", b"bbo", 1)),
    *(("snapshot", value) for value in (1, 0, None, "yes")),
    *(
        (field, value)
        for field in ("snap_orders", "snap_trades", "order_status", "ratecounter", "rebased")
        for value in (1, 0, "yes")
    ),
    *(("users", value) for value in ("", "none", True)),
    *(("include_tokenized_assets", value) for value in (1, "yes")),
    *(("execution_venue", value) for value in ("mars", 1)),
]


@pytest.mark.parametrize("field, value", OPTIONS)
@pytest.mark.parametrize("channel", [channel for channel, _, _ in CHANNELS])
def test_no_channel_takes_a_wrong_option(channel: Channel, field: str, value: object) -> None:
    """A value of another type, or not on the list, is refused by every channel."""
    with pytest.raises(ConfigurationError) as caught:
        msgspec.structs.replace(channel, **{field: value})
    assert caught.value.field == field


TAKES = {
    "ticker": {"event_trigger", "snapshot"},
    "spread": set(),
    "book": {"depth"},
    "trade": {"snapshot"},
    "ohlc": {"interval", "snapshot"},
    "instrument": {"snapshot", "include_tokenized_assets", "execution_venue"},
    "level3": {"depth"},
    "executions": {
        *("snap_orders", "snap_trades", "order_status", "ratecounter", "rebased", "users")
    },
    "balances": {"snapshot", "rebased", "users"},
}
LEGAL: dict[str, object] = {
    "depth": 10,
    "interval": 1,
    "event_trigger": "bbo",
    "snapshot": False,
    "users": "all",
    "execution_venue": "international",
}


@pytest.mark.parametrize("channel", [channel for channel, _, _ in CHANNELS])
@pytest.mark.parametrize("field", DEFAULTS)
def test_no_channel_takes_another_s_option(channel: Channel, field: str) -> None:
    """An option is taken by the channels that document it, and refused by all others."""
    value = LEGAL.get(field, True)
    if field in TAKES[channel.name]:
        assert getattr(msgspec.structs.replace(channel, **{field: value}), field) == value
    else:
        with pytest.raises(ConfigurationError, match=f"{field}: of {channel.name} cannot be"):
            msgspec.structs.replace(channel, **{field: value})


def test_parts() -> None:
    """A channel of several symbols is as many channels of one; without symbols it is itself."""
    assert Channel.book(BTC, ETH, depth=25).parts() == (
        Channel.book(BTC, depth=25),
        Channel.book(ETH, depth=25),
    )
    assert Channel.book(BTC).parts() == (Channel.book(BTC),)
    assert Channel.balances().parts() == (Channel.balances(),)


def test_equal_channels_are_one_key() -> None:
    """Equal channels are equal keys; another option or order makes another channel."""
    assert {Channel.book("XBT/USD"): 1}[Channel.book(BTC)] == 1
    assert Channel.book(BTC) != Channel.book(BTC, depth=25)
    assert Channel.book(BTC, ETH) != Channel.book(ETH, BTC)
    assert Channel.trades(BTC) != Channel.ticker(BTC)


@pytest.mark.parametrize("channel", [channel for channel, _, _ in CHANNELS])
def test_frozen(channel: Channel) -> None:
    """What was checked cannot be changed."""
    for field in channel.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(channel, field, None)


def test_credentials() -> None:
    """Own accounts and the order-by-order book need credentials; nothing else does."""
    private = {channel.name for channel, _, _ in CHANNELS if channel.private}
    assert private == {"level3", "executions", "balances"}


@pytest.mark.parametrize(
    "channel, needed",
    [
        (Channel.ticker(BTC), False),
        (Channel.spread(BTC), False),
        (Channel.trades(BTC, snapshot=True), False),
        (Channel.ohlc(BTC), False),
        (Channel.book(BTC), True),
        (Channel.level3(BTC), True),
        (Channel.instrument(), True),
        (Channel.balances(), True),
        (Channel.own_trades(), True),
        (Channel.open_orders(), True),
        (Channel.balances(snapshot=False), False),
        (Channel.balances(users="all"), False),
        (Channel.executions(), True),
        (Channel.executions(snap_orders=False), True),
        (Channel.executions(snap_trades=False), True),
        (Channel.executions(snap_orders=False, snap_trades=False), False),
        (Channel.executions(users="all"), False),
    ],
)
def test_completeness(channel: Channel, needed: bool) -> None:
    """What consists of changes is complete with its snapshot, where the exchange sends one."""
    assert channel.needs_snapshot is needed


@pytest.mark.parametrize(
    "channel, key",
    [
        (Channel.book("BTC/USD", depth=25), ("book", "BTC/USD", None)),
        (Channel.ohlc("BTC/USD", interval=5), ("ohlc", "BTC/USD", 5)),
        (Channel.instrument(), ("instrument", None, None)),
    ],
)
def test_the_key_is_what_the_data_say(
    channel: Channel, key: tuple[str, str | None, int | None]
) -> None:
    """Two depths of a book have the same, and two intervals of candles do not."""
    assert channel.key == key


@pytest.mark.parametrize("name", ["own_trades", "open_orders"])
def test_what_is_told_of_an_account_by_protocol_v1(name: str) -> None:
    """Both are private, have no symbols and nothing to choose."""
    channel = getattr(Channel, name)()
    assert channel == Channel(name=name)
    assert channel.private
    assert channel.needs_snapshot
    assert channel.key == (name, None, None)
    with pytest.raises(ConfigurationError, match="cannot be chosen"):
        Channel(name=name, snapshot=False)


def test_of_books_order_by_order_a_connection_has_two_hundred() -> None:
    """Each counted once, whatever its name; other channels have no such limit."""
    names = [f"A{number}/USD" for number in range(199)]
    assert len(Channel.level3(*names, "BTC/USD", "XBT/USD", names[0]).symbols) == 200
    with pytest.raises(ConfigurationError, match="symbols: of level3 must be 200 at most, are 201"):
        Channel.level3(*names, "BTC/USD", "ETH/USD")
    assert len(Channel.book(*names, "BTC/USD", "ETH/USD").symbols) == 201

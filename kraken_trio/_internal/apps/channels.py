"""What a command subscribes to: pairs and channels, as its words say them."""

from __future__ import annotations

from typing import Literal, assert_never

from kraken_trio import Channel, ConfigurationError

Name = Literal["ticker", "spread", "trade", "book", "ohlc", "instrument"]
"""A public channel."""

_DEPTH, _INTERVAL = 10, 1  # Where nothing else was asked for.


def channels_asked(
    symbols: tuple[str, ...], names: tuple[Name, ...], *, depth: int | None, interval: int | None
) -> list[Channel]:
    """What to subscribe to. Raises ``ConfigurationError`` where it makes no sense."""
    for option, value, name in (("depth", depth, "book"), ("interval", interval, "ohlc")):
        if value is not None and name not in names:
            raise ConfigurationError(
                field=option,
                rule=f"is an option of the channel {name}, which is not asked for",
                mend=f"Add --channel {name}, or leave it out",
            )
    if {"ticker", "spread"} <= set(names):
        raise ConfigurationError(
            field="channel",
            rule="cannot be ticker and spread at once: the exchange makes both of one subscription",
            mend="Watch one of them; a ticker has the best bid and ask, too",
        )
    if set(names) == {"instrument"}:
        return [Channel(name="instrument", symbols=symbols)]  # Which refuses any symbol.
    return [
        _channel(symbols, name, depth=depth, interval=interval) for name in dict.fromkeys(names)
    ]


def _channel(
    symbols: tuple[str, ...], name: Name, *, depth: int | None, interval: int | None
) -> Channel:
    match name:
        case "ticker":
            return Channel.ticker(*symbols)
        case "spread":
            return Channel.spread(*symbols)
        case "trade":
            return Channel.trades(*symbols)
        case "book":
            return Channel.book(*symbols, depth=_DEPTH if depth is None else depth)
        case "ohlc":
            return Channel.ohlc(*symbols, interval=_INTERVAL if interval is None else interval)
        case "instrument":
            return Channel.instrument()
        case _:
            assert_never(name)

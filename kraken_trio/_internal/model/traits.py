"""What each protocol of the exchange has, and what it tells: all that is known above ``wire``.

How a protocol spells things stands in ``wire`` alone. What cannot be had by it, or cannot be seen
in what it tells, is no matter of spelling: a trade without a number shows no gap. So whoever
decides by that asks here, for the very thing that it depends on, and never which protocol it is.

Source: the WebSocket v1 and v2 documentation, and their comparison.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import ConfigurationError

_UNLIMITED: Mapping[str, Mapping[str, Any]] = {}


class Traits(Struct, frozen=True, kw_only=True):
    """One protocol."""

    name: str
    """What ``KrakenConfig.protocol`` calls it."""
    channels: frozenset[str]
    """What can be subscribed to."""
    fixed: Mapping[str, Mapping[str, Any]] = _UNLIMITED
    """By channel, the options that cannot be chosen, each with the one value that it has."""
    begins: frozenset[str]
    """Channels of which a new subscription is told how they stand; so what was missed can be found
    by asking anew."""
    numbered: frozenset[str]
    """Channels whose records show by themselves what was missed, over a reconnect too."""
    spread_of_tickers: bool
    """Whether a spread is made of tickers, as far as the exchange knows."""
    orders_of_executions: bool
    """Whether own orders and fills are folded from executions; else each is a channel."""
    from_one: bool
    """Whether the messages of a private subscription are known to be numbered from 1; else by its
    first one, whatever its number."""
    elsewhere: frozenset[str] = frozenset()
    """Paths at which other protocols are spoken."""
    orders: bool
    """Whether orders can be placed."""

    def check(self, channel: Channel) -> None:
        """Raise ``ConfigurationError`` for a channel, or an option of it, that there is not."""
        if channel.name not in self.channels:
            has = ", ".join(sorted(self.channels))
            raise ConfigurationError(
                field="protocol",
                rule=f"must have the channel {channel.name}, and {self.name} has {has}",
                mend="Choose one of these, or open a feed with another protocol",
            )
        for option, value in self.fixed.get(channel.name, {}).items():
            if getattr(channel, option) != value:
                raise ConfigurationError(
                    field=option,
                    rule=f"of {channel.name} must be {value} in protocol {self.name}",
                    mend="Leave it out, or open a feed with another protocol",
                )

    def check_path(self, field: str, path: str) -> None:
        """Raise ``ConfigurationError`` about a URL's path at which another protocol is spoken."""
        if path.strip("/") in self.elsewhere:
            raise ConfigurationError(
                field=field,
                rule=f"must be where protocol {self.name} is spoken, and not at {path}",
                mend="Leave the path out, or open a feed with another protocol",
            )

    def check_backfill(self) -> None:
        """Raise ``ConfigurationError`` where nobody could tell which trades are missing."""
        if "trade" not in self.numbered:
            raise ConfigurationError(
                field="backfill",
                rule=f"must be off in protocol {self.name}, whose trades have no numbers",
                mend="Leave it out, or open a feed with another protocol",
            )

    def check_orders(self) -> None:
        """Raise ``ConfigurationError`` where no orders can be placed."""
        if not self.orders:
            raise self.no_orders()

    def no_orders(self) -> ConfigurationError:
        """What to raise where no orders can be placed."""
        return ConfigurationError(
            field="protocol",
            rule=f"must be v2 for orders, is {self.name}",
            mend='Open a feed with protocol="v2" beside this one to place them',
        )


V2 = Traits(
    name="v2",
    channels=frozenset(
        {
            "ticker",
            "spread",
            "book",
            "trade",
            "ohlc",
            "instrument",
            "level3",
            "executions",
            "open_orders",
            "own_trades",
            "balances",
        }
    ),
    begins=frozenset(
        {"ticker", "book", "trade", "ohlc", "instrument", "level3", "executions", "balances"}
    ),
    numbered=frozenset({"trade", "ohlc"}),
    spread_of_tickers=True,
    orders_of_executions=True,
    from_one=True,
    orders=True,
)
"""Protocol v2, the exchange's own choice."""

V1 = Traits(
    name="v1",
    channels=frozenset({"ticker", "spread", "book", "trade", "ohlc", "open_orders", "own_trades"}),
    fixed={
        "ticker": {"event_trigger": "trades", "snapshot": True},
        "trade": {"snapshot": False},
        "ohlc": {"snapshot": True},
    },
    begins=frozenset({"ticker", "book", "ohlc", "open_orders", "own_trades"}),
    numbered=frozenset({"ohlc"}),
    spread_of_tickers=False,
    orders_of_executions=False,
    from_one=False,  # Of own trades a snapshot with the number 2 was captured.
    elsewhere=frozenset({"v2"}),
    orders=False,
)
"""Protocol v1, maintained and frozen."""

PROTOCOLS = {traits.name: traits for traits in (V2, V1)}
"""All there are, by their names."""

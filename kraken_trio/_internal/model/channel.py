"""What can be subscribed to: a channel, its symbols and its options.

A ``Channel`` is checked when it is made, so everything behind it may rely on it. It names
things as the exchange does today; the old codes XBT and XDG are understood.

Source: the channel pages of the WebSocket v2 documentation (parameters and their values).
"""

from __future__ import annotations

import re
from typing import Literal, Self

import msgspec
from msgspec import Struct

from kraken_trio._internal.model.errors import ConfigurationError

BOOK_DEPTHS = (10, 25, 100, 500, 1000)
"""Levels a side of a ``book`` subscription."""
LEVEL3_DEPTHS = (10, 100, 1000)
"""Price levels a side of a ``level3`` subscription."""
LEVEL3_SYMBOLS = 200
"""Pairs of ``level3`` that the exchange takes on one connection."""
OHLC_INTERVALS = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
"""Minutes of a candle."""
EVENT_TRIGGERS = ("trades", "bbo")
"""What makes the exchange send a ticker: each trade, or each change of the best levels."""

PUBLIC_CHANNELS = ("ticker", "spread", "book", "trade", "ohlc", "instrument")
"""Channels that anybody may subscribe to."""
PRIVATE_CHANNELS = ("executions", "open_orders", "own_trades", "balances")
"""Channels of one's own account; which of them there are depends on the protocol."""

_FLAG = (True, False)
_PERHAPS = (None, True, False)
_OPTIONS: dict[str, dict[str, tuple[object, ...]]] = {
    "ticker": {"event_trigger": EVENT_TRIGGERS, "snapshot": _FLAG},
    "spread": {},
    # A right book cannot be built from updates alone, so its snapshot is no option.
    "book": {"depth": BOOK_DEPTHS},
    "trade": {"snapshot": _FLAG},
    "ohlc": {"interval": OHLC_INTERVALS, "snapshot": _FLAG},
    "instrument": {
        "snapshot": _FLAG,
        "include_tokenized_assets": _PERHAPS,
        "execution_venue": (None, "international", "bitnomial-exchange"),
    },
    "level3": {"depth": LEVEL3_DEPTHS},
    "executions": {
        "snap_orders": _PERHAPS,
        "snap_trades": _PERHAPS,
        "order_status": _PERHAPS,
        "ratecounter": _PERHAPS,
        "rebased": _PERHAPS,
        "users": (None, "all"),
    },
    # Where they are folded from executions, those have to say everything.
    "open_orders": {},
    "own_trades": {},
    "balances": {"snapshot": _FLAG, "rebased": _PERHAPS, "users": (None, "all")},
}
"""What each channel lets one choose, and from what."""
_UNLESS_AN_OPTION: dict[str, object] = {
    "depth": None,
    "interval": None,
    "event_trigger": None,
    "snapshot": True,
    "snap_orders": None,
    "snap_trades": None,
    "order_status": None,
    "ratecounter": None,
    "rebased": None,
    "users": None,
    "include_tokenized_assets": None,
    "execution_venue": None,
}
"""What each field must be in a channel that lets nobody choose it."""

_NEED_SNAPSHOT = ("book", "level3", "instrument", *PRIVATE_CHANNELS)
_BY_SYMBOL = ("ticker", "spread", "book", "trade", "ohlc", "level3")
_LONGEST_SHOWN = 40  # Of a value that is refused: it may be anything, a whole file too.
_MOST_SHOWN = 10  # Of symbols: a channel may have all that there are.
_SYMBOL = re.compile(r"([^/\s]+)/([^/\s]+)")
_RENAMED = {"XBT": "BTC", "XDG": "DOGE"}


def modern_symbol(symbol: object) -> str:
    """The pair's name of today: ``XBT/USD`` is ``BTC/USD``, ``XDG/USD`` is ``DOGE/USD``.

    Raises ``ConfigurationError`` for what is not two codes with a slash between them.
    """
    found = _SYMBOL.fullmatch(symbol) if isinstance(symbol, str) else None
    if found is None:
        raise ConfigurationError(
            field="symbol",
            rule=f"must be BASE/QUOTE, is {_shown(symbol)}",
            mend="Write it like BTC/USD, with each symbol as an argument of its own",
        )
    return "/".join(_RENAMED.get(code, code) for code in found.groups())


def _shown(value: object) -> str:
    """What was given instead: its beginning, printable."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def _check_option(channel: str, field: str, value: object, allowed: tuple[object, ...]) -> None:
    """Raise ``ConfigurationError`` unless ``value`` is one of ``allowed``."""
    # By type too: to Python, True is 1 and 10.0 is 10, but not to the exchange.
    if any(value == choice and type(value) is type(choice) for choice in allowed):
        return
    if len(allowed) == 1:
        rule, mend = f"of {channel} cannot be chosen, is {_shown(value)}", "Leave it out"
    else:
        choices = ", ".join(map(str, allowed))
        rule = f"of {channel} must be one of {choices}, is {_shown(value)}"
        mend = "Choose one of these"
    raise ConfigurationError(field=field, rule=rule, mend=mend)


class Channel(Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """One channel with its symbols and options, as it is asked for.

    Make it with one of the class methods. Two equal channels are the same subscription;
    ``parts()`` gives one for each symbol, which is what the exchange knows and answers.
    """

    name: str
    """``ticker``, ``spread``, ``book``, ``trade``, ``ohlc``, ``instrument``, ``level3``,
    ``executions``, ``open_orders``, ``own_trades`` or ``balances``."""
    symbols: tuple[str, ...] = ()
    """Pairs, each once, in the order given; empty for the channels that take none."""
    depth: int | None = None
    """Levels a side; ``book`` and ``level3``."""
    interval: int | None = None
    """Minutes of a candle; ``ohlc``."""
    event_trigger: Literal["trades", "bbo"] | None = None
    """What makes a ticker come; ``ticker``."""
    snapshot: bool = True
    """Whether to start with what is known already."""
    snap_orders: bool | None = None
    """Open orders in the snapshot; ``executions``."""
    snap_trades: bool | None = None
    """The last 50 fills in the snapshot; ``executions``."""
    order_status: bool | None = None
    """All transitions of an order, or only the main ones; ``executions``."""
    ratecounter: bool | None = None
    """The trading rate counter with each event; ``executions``."""
    rebased: bool | None = None
    """Tokenised assets in units of the underlying; ``executions`` and ``balances``."""
    users: str | None = None
    """``all`` for the sub-accounts too; ``executions`` and ``balances``."""
    include_tokenized_assets: bool | None = None
    """Tokenised assets too; ``instrument``."""
    execution_venue: str | None = None
    """``international`` or ``bitnomial-exchange``; ``instrument``."""

    def __post_init__(self) -> None:
        """Check everything; ``ConfigurationError`` names the field, its rule and the mend."""
        _check_option("a channel", "name", self.name, tuple(_OPTIONS))
        # dict.fromkeys: each symbol once, in the order given.
        symbols = tuple(dict.fromkeys(map(modern_symbol, self.symbols)))
        if self.name in _BY_SYMBOL and not symbols:
            raise ConfigurationError(
                field="symbols",
                rule=f"of {self.name} must be given",
                mend="Name at least one pair, like BTC/USD",
            )
        if symbols and self.name not in _BY_SYMBOL:
            raise ConfigurationError(
                field="symbols",
                rule=f"of {self.name} must be left out",
                mend="This channel is about the whole account or exchange",
            )
        if self.name == "level3" and len(symbols) > LEVEL3_SYMBOLS:
            raise ConfigurationError(
                field="symbols",
                rule=f"of level3 must be {LEVEL3_SYMBOLS} at most, are {len(symbols)}",
                mend="The exchange takes no more on a connection: leave some out, or open another "
                "feed for them",
            )
        msgspec.structs.force_setattr(self, "symbols", symbols)
        options = _OPTIONS[self.name]
        for field, default in _UNLESS_AN_OPTION.items():
            allowed = options.get(field, (default,))
            _check_option(self.name, field, getattr(self, field), allowed)

    @classmethod
    def ticker(
        cls,
        *symbols: str,
        event_trigger: Literal["trades", "bbo"] = "trades",
        snapshot: bool = True,
    ) -> Self:
        """Best bid and offer, last price, 24-hour figures; one ``Ticker`` for each event."""
        return cls(name="ticker", symbols=symbols, event_trigger=event_trigger, snapshot=snapshot)

    @classmethod
    def spread(cls, *symbols: str) -> Self:
        """Best bid and offer; one ``Spread`` for each change of either."""
        return cls(name="spread", symbols=symbols)

    @classmethod
    def book(cls, *symbols: str, depth: int = 10) -> Self:
        """The order book, verified: a ``BookSnapshot``, then ``BookUpdate``."""
        return cls(name="book", symbols=symbols, depth=depth)

    @classmethod
    def trades(cls, *symbols: str, snapshot: bool = False) -> Self:
        """Public trades; with ``snapshot`` the latest 50 of each pair come first."""
        return cls(name="trade", symbols=symbols, snapshot=snapshot)

    @classmethod
    def ohlc(cls, *symbols: str, interval: int = 1, snapshot: bool = True) -> Self:
        """Candles of ``interval`` minutes."""
        return cls(name="ohlc", symbols=symbols, interval=interval, snapshot=snapshot)

    @classmethod
    def instrument(
        cls,
        *,
        include_tokenized_assets: bool | None = None,
        execution_venue: str | None = None,
    ) -> Self:
        """All assets and pairs, then their changes."""
        return cls(
            name="instrument",
            include_tokenized_assets=include_tokenized_assets,
            execution_venue=execution_venue,
        )

    @classmethod
    def level3(cls, *symbols: str, depth: int = 10) -> Self:
        """The order-by-order book, verified, of 200 pairs at most; needs credentials."""
        return cls(name="level3", symbols=symbols, depth=depth)

    @classmethod
    def executions(
        cls,
        *,
        snap_orders: bool = True,
        snap_trades: bool = True,
        order_status: bool | None = None,
        ratecounter: bool | None = None,
        rebased: bool | None = None,
        users: str | None = None,
    ) -> Self:
        """Own orders and fills; needs credentials.

        Both snapshots are always asked for by name: the documentation contradicts itself
        about their defaults.
        """
        return cls(
            name="executions",
            snap_orders=snap_orders,
            snap_trades=snap_trades,
            order_status=order_status,
            ratecounter=ratecounter,
            rebased=rebased,
            users=users,
        )

    @classmethod
    def open_orders(cls) -> Self:
        """Own orders as they stand: one ``Order`` for each change. Of protocol v2 they are folded
        from executions; v1 has this channel.
        """
        return cls(name="open_orders")

    @classmethod
    def own_trades(cls) -> Self:
        """Own fills: each ``OwnTrade`` once. Of protocol v2 they are taken from executions; v1 has
        this channel.
        """
        return cls(name="own_trades")

    @classmethod
    def balances(
        cls, *, snapshot: bool = True, rebased: bool | None = None, users: str | None = None
    ) -> Self:
        """Own balances and ledger entries; needs credentials."""
        return cls(name="balances", snapshot=snapshot, rebased=rebased, users=users)

    @property
    def private(self) -> bool:
        """Whether it needs credentials."""
        return self.name in PRIVATE_CHANNELS or self.name == "level3"

    @property
    def needs_snapshot(self) -> bool:
        """Whether it is complete only with its snapshot, because changes mean nothing without.

        A ticker, a trade and a candle each stand alone, and a quiet pair may have none to show.
        None comes for sub-accounts, and of executions maybe none when neither half is wanted.
        """
        if self.users == "all":
            return False
        if self.snap_orders is False and self.snap_trades is False:
            return False
        return self.snapshot and self.name in _NEED_SNAPSHOT

    @property
    def key(self) -> tuple[str, str | None, int | None]:
        """What the exchange's data say of where they belong: channel, symbol, candle interval.

        Of a channel with one symbol, or with none; others have a key for each of their parts.
        """
        return self.name, self.symbols[0] if self.symbols else None, self.interval

    def parts(self) -> tuple[Self, ...]:
        """One channel for each symbol, in order; itself alone where there is no symbol."""
        if not self.symbols:
            return (self,)
        return tuple(msgspec.structs.replace(self, symbols=(symbol,)) for symbol in self.symbols)

    def __str__(self) -> str:
        """Short: the name, what distinguishes it, the first symbols."""
        details = [str(v) for v in (self.depth, self.interval, self.event_trigger) if v is not None]
        shown = [symbol[:_LONGEST_SHOWN] for symbol in self.symbols[:_MOST_SHOWN]]
        more = len(self.symbols) - len(shown)
        return " ".join([self.name, *details, *shown, *([f"and {more} more"] if more else [])])

"""What a frame says, before anything is known about what it means.

A codec turns the bytes of one frame into one of these; the engine asks the machines of
``core`` what it means and makes records of it. Nothing here reaches a user as it is, except
``Heartbeat``.
"""

from __future__ import annotations

import enum

from msgspec import Struct

from kraken_trio._internal.model.absent import Absent
from kraken_trio._internal.model.account import BalanceSnapshot, BalanceUpdate, Execution
from kraken_trio._internal.model.level3 import Level3Order
from kraken_trio._internal.model.records import Candle, Level, Spread, Ticker, Trade
from kraken_trio._internal.model.reference import InstrumentAsset, InstrumentPair, SystemStatus
from kraken_trio._internal.model.timestamp import Timestamp

Record = (
    Ticker
    | Spread
    | Trade
    | Candle
    | InstrumentAsset
    | InstrumentPair
    | SystemStatus
    | Execution
    | BalanceSnapshot
    | BalanceUpdate
)
"""What comes out of a frame ready to be handed on, once the trackers have seen it."""


class Heartbeat(Struct, frozen=True, gc=False):
    """The exchange is there. Comes about once a second, starting with a subscription."""

    received_at: Timestamp | None = None
    """When it was read from the connection."""


class BookMessage(Struct, frozen=True, gc=False):
    """The levels of one ``book`` frame: all of them, or those that changed."""

    symbol: str
    """Such as ``BTC/USD``."""
    snapshot: bool
    """Whether it replaces the book."""
    bids: tuple[Level, ...]
    """In the order of the wire."""
    asks: tuple[Level, ...]
    """In the order of the wire."""
    checksum: int | Absent
    """CRC32 that the book must have after this message; None in a snapshot of protocol v1."""
    timestamp: Timestamp | None
    """By the exchange's clock."""
    received_at: Timestamp | None
    """When it was read from the connection."""


class Level3Message(Struct, frozen=True, gc=False):
    """The orders of one ``level3`` frame: all of them, or the events about them."""

    symbol: str
    """Such as ``BTC/USD``."""
    snapshot: bool
    """Whether it replaces the book."""
    bids: tuple[Level3Order, ...]
    """In the order of the wire."""
    asks: tuple[Level3Order, ...]
    """In the order of the wire."""
    checksum: int
    """CRC32 that the book must have after this message."""
    timestamp: Timestamp | None
    """By the exchange's clock."""
    received_at: Timestamp | None
    """When it was read from the connection."""


class RecordsMessage(Struct, frozen=True, gc=False):
    """The records of one frame of any other channel."""

    channel: str
    """``ticker``, ``spread``, ``trade``, ``ohlc``, ``instrument``, ``status``, ``executions``,
    ``open_orders``, ``own_trades`` or ``balances``."""
    snapshot: bool
    """Whether they are what was known before, or what is new."""
    records: tuple[Record, ...]
    """In the order of the wire: trades and candles oldest first. May be empty."""
    sequence: int | None
    """Counts the messages of a private subscription from 1; None elsewhere."""
    received_at: Timestamp | None
    """When it was read from the connection."""


class OrderResult(Struct, frozen=True, kw_only=True):
    """What a trading method says about one order."""

    order_id: str | None = None
    """The exchange's name of the order."""
    original_order_id: str | None = None
    """Of the order that an edit replaced."""
    amend_id: str | None = None
    """Of an amendment."""
    cl_ord_id: str | None = None
    """The client's name of the order, if it has one."""
    order_userref: int | None = None
    """The client's number of the order, if it has one."""
    error: str | None = None
    """Why this order of a batch failed, in the exchange's words."""
    warnings: tuple[str, ...] = ()
    """Announcements of deprecated members. Never a failure."""


class Refusal(enum.Enum):
    """What a refusal means for the same request made again."""

    FINAL = "final"
    """It would be refused again."""
    TRANSIENT = "transient"
    """It may succeed later: the exchange is busy, or we are too fast."""
    ALREADY = "already"
    """What is asked for is there already."""
    ABSENT = "absent"
    """What is to be left is not there."""
    TOKEN = "token"  # noqa: S105 - a name, not a secret
    """It may succeed with another token: this one is not accepted, or not any more."""


class Reply(Struct, frozen=True, kw_only=True):
    """The exchange's answer to one request, or to one symbol or order of it.

    Which members are set depends on the method; the rest is None. Correlate by ``req_id``,
    else by ``symbol``.
    """

    method: str
    """The method answered; ``pong`` for a ping. Empty where the answer names none: then its number
    tells."""
    success: bool
    """Whether it was accepted."""
    req_id: int | None = None
    """Echo of the request's number."""
    error: str | None = None
    """Why not, in the exchange's words; None on success."""
    refusal: Refusal | None = None
    """What ``error`` means for the next attempt; None on success."""
    channel: str | None = None
    """The channel (un)subscribed, where the exchange names it."""
    symbol: str | None = None
    """The symbol answered for, where the exchange names it."""
    depth: int | None = None
    """Depth subscribed: ``book``, ``level3``."""
    interval: int | None = None
    """Minutes subscribed: ``ohlc``."""
    event_trigger: str | None = None
    """Trigger subscribed: ``ticker``."""
    snapshot: bool | None = None
    """Whether a snapshot follows."""
    maxratecount: int | None = None
    """Ceiling of the trading rate counter: ``executions``."""
    orders: tuple[OrderResult, ...] = ()
    """What became of the orders: one, or one for each of a batch, in the request's order."""
    count: int | None = None
    """How many orders were cancelled."""
    current_time: Timestamp | None = None
    """The exchange's clock: dead man's switch."""
    trigger_time: Timestamp | None = None
    """When the dead man's switch fires; None when it is off."""
    warnings: tuple[str, ...] = ()
    """Announcements of deprecated members. Never a failure."""
    time_in: Timestamp | None = None
    """When the exchange read the request."""
    time_out: Timestamp | None = None
    """When the exchange sent this."""
    received_at: Timestamp | None = None
    """When it was read from the connection."""


class Unknown(Struct, frozen=True, gc=False):
    """A well-formed frame of a channel or method that this version does not know."""

    kind: str
    """``channel`` or ``method``; ``event`` in protocol v1."""
    name: str
    """Its name, shortened where it is absurdly long."""
    received_at: Timestamp | None
    """When it was read from the connection."""


Message = Heartbeat | BookMessage | Level3Message | RecordsMessage | Reply | Unknown
"""What one frame can say."""

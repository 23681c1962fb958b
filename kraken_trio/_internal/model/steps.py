"""What is done to an engine beside the frames that it is fed, as data.

An engine is a function of its frames and of these, in their order; so whoever keeps both can have
all that it delivered once more. Times and quantities are as they were told to it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, Self

from msgspec import Struct

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.gap import GapHandling
from kraken_trio._internal.model.records import Trade
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.model.traits import V2


class Opened(Struct, frozen=True, tag="opened", tag_field="step"):
    """A subscription begins to be delivered."""

    part: Channel
    """Of one symbol, or of none where it takes none; as in all of these."""
    handling: GapHandling
    """What is to be done about its losses."""
    protocol: str = V2.name
    """In which its session speaks."""


class Closed(Struct, frozen=True, tag="closed", tag_field="step"):
    """Nobody wants it any more."""

    part: Channel
    """What."""


class Confirmed(Struct, frozen=True, tag="confirmed", tag_field="step"):
    """The exchange confirmed it, and it is complete."""

    part: Channel
    """What."""


class Discarded(Struct, frozen=True, tag="discarded", tag_field="step"):
    """It is asked for anew: what comes until then means nothing."""

    part: Channel
    """What."""


class Stalled(Struct, frozen=True, tag="stalled", tag_field="step"):
    """What was promised of it does not come."""

    part: Channel
    """What."""


class Probed(Struct, frozen=True, tag="probed", tag_field="step"):
    """It was left for a moment, to see in its next snapshot what was missed."""

    part: Channel
    """What."""
    confirmed_at: int | None
    """When it had been confirmed, by the exchange's clock, in nanoseconds since the epoch."""
    left_at: int | None
    """When it was left; likewise."""


class Disconnected(Struct, frozen=True, tag="disconnected", tag_field="step"):
    """The connection is gone."""


class Broke(Struct, frozen=True, tag="broke", tag_field="step"):
    """The framing was broken, which ends the connection; nothing is delivered of it."""

    reason: str
    """What is wrong with it, in words."""
    piece: bytes
    """With what it was broken: wire bytes, as ``wire.ends`` writes and judges them."""


class Ticked(Struct, frozen=True, tag="ticked", tag_field="step"):
    """Trades that are held back were told what time it is."""

    part: Channel
    """What."""
    now: float
    """By the clock of the program, in seconds from an unknown moment."""


class HistoryRow(Struct, frozen=True):
    """One trade of history, with every digit."""

    side: Literal["buy", "sell"]
    """Of the taker."""
    price: Decimal
    """Price, quote currency."""
    qty: Decimal
    """Quantity, base currency."""
    ord_type: str
    """Type of the taker's order."""
    trade_id: int
    """Consecutive within the pair."""
    timestamp: int
    """When it was matched, in nanoseconds since the epoch."""
    received_at: int | None
    """When the page was read; likewise."""
    backfilled: bool
    """As in ``Trade``."""

    @classmethod
    def of(cls, trade: Trade) -> Self:
        """Take down a trade."""
        at = trade.received_at
        return cls(
            side=trade.side,
            price=trade.price,
            qty=trade.qty,
            ord_type=trade.ord_type,
            trade_id=trade.trade_id,
            timestamp=int(trade.timestamp),
            received_at=None if at is None else int(at),
            backfilled=trade.backfilled,
        )

    def trade(self, symbol: str) -> Trade:
        """Give the trade that it was, of a pair."""
        return Trade(
            symbol=symbol,
            side=self.side,
            price=self.price,
            qty=self.qty,
            ord_type=self.ord_type,
            trade_id=self.trade_id,
            timestamp=Timestamp(self.timestamp),
            received_at=None if self.received_at is None else Timestamp(self.received_at),
            backfilled=self.backfilled,
        )


class Filled(Struct, frozen=True, tag="filled", tag_field="step"):
    """A page of history came for trades that were missing."""

    part: Channel
    """What."""
    rows: tuple[HistoryRow, ...]
    """The page, in any order."""


class GaveUp(Struct, frozen=True, tag="gave_up", tag_field="step"):
    """There is no history: nothing that is missing now is waited for."""

    part: Channel
    """What."""


class HandedOn(Struct, frozen=True, tag="handed_on", tag_field="step"):
    """Trades that were in line were delivered."""

    part: Channel
    """What."""
    count: int
    """How many, at most."""


Step = (
    Opened
    | Closed
    | Confirmed
    | Discarded
    | Stalled
    | Probed
    | Disconnected
    | Broke
    | Ticked
    | Filled
    | GaveUp
    | HandedOn
)
"""One of these."""

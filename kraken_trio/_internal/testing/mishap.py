"""What can go wrong between a program and an exchange, by name, and a plan of it made by a seed.

Knows names, moments and chance; nothing of how any of it is done.
"""

from __future__ import annotations

import enum
import math
import random
from collections.abc import Iterable, Iterator
from itertools import islice

from msgspec import Struct

from kraken_trio._internal.model.errors import ConfigurationError


class ChaosFault(enum.Enum):
    """A thing that goes wrong. What has to fit a message waits for one that it fits."""

    DROP = "drop"
    """An update is lost."""
    DUPLICATE = "duplicate"
    """An update comes twice."""
    REORDER = "reorder"
    """An update comes behind the next one of its channel and symbol."""
    DELAY = "delay"
    """Everything comes late, by 0.05 to 3 seconds."""
    TRUNCATE = "truncate"
    """A message has only its beginning, in a frame of the right length: JSON without its end."""
    CORRUPT_CHECKSUM = "corrupt_checksum"
    """The checksum of a book is wrong by one bit."""
    CORRUPT_QUANTITY = "corrupt_quantity"
    """A quantity is wrong by one digit among the ten best levels of a book, where its checksum can
    tell: in any snapshot, and in updates of books of depth 10."""
    SPLIT = "split"
    """Some messages come in pieces of a few bytes."""
    JOIN = "join"
    """Some messages come late, and in one piece."""
    FRAGMENT = "fragment"
    """A message comes in several WebSocket frames, with a ping between them."""
    OVERSIZE = "oversize"
    """A message is announced that is larger than any client takes: 2**40 bytes."""
    INVALID_UTF8 = "invalid_utf8"
    """A text message is not UTF-8."""
    UNKNOWN_CHANNEL = "unknown_channel"
    """A message of a channel that there is not."""
    STALL = "stall"
    """The connection falls silent; what the client sends still arrives."""
    STALL_SUBSCRIPTION = "stall_subscription"
    """One symbol of one channel falls silent until it is subscribed to anew."""
    HALF_OPEN = "half_open"
    """Nothing gets through any more, in either direction, and nobody is told."""
    CUT_IN_FRAME = "cut_in_frame"
    """The connection ends in the middle of a frame."""
    CLOSE_1000 = "close_1000"
    """The server closes: it is done."""
    CLOSE_1001 = "close_1001"
    """The server closes: it goes away."""
    CLOSE_1006 = "close_1006"
    """The connection ends between two frames, without a Close."""
    CLOSE_1011 = "close_1011"
    """The server closes: it failed."""
    CLOSE_1012 = "close_1012"
    """The server closes: it restarts."""
    CLOSE_1013 = "close_1013"
    """The server closes: try again later."""
    REFUSED_UPGRADE = "refused_upgrade"
    """The connection ends, and the next one to three get an HTTP status instead of a WebSocket."""
    TLS_FAILURE = "tls_failure"
    """The connection ends, and the next one that wants TLS gets none."""
    SLOW_HANDSHAKE = "slow_handshake"
    """The connection ends, and the next one waits 0.5 to 8 seconds for its WebSocket."""
    AUTH_REFUSAL = "auth_refusal"
    """A subscription to something private is refused, and nothing comes of it: the token is not
    good any more. At an exchange's end, no token is that it gave out."""
    MAINTENANCE = "maintenance"
    """The exchange says that it goes into maintenance, closes, and answers 503 for 3 to 20 s."""
    WRONG_ACK = "wrong_ack"
    """A subscription is confirmed under a number, or a symbol, that was not asked for."""
    MISSING_ACK = "missing_ack"
    """A subscription is not confirmed."""
    LATE_ACK = "late_ack"
    """A subscription is confirmed 0.5 to 8 seconds late, behind the first of its data."""
    MISSING_SNAPSHOT = "missing_snapshot"
    """A subscription is confirmed, and its snapshot is lost."""
    CLOCK_SKEW = "clock_skew"
    """From now on, the connection's times are wrong by up to an hour."""
    BAN = "ban"
    """Too many connections, says the exchange: this one ends, and others get 429 for 3 to 30 s."""


def faults_named(faults: Iterable[ChaosFault | str] | None) -> tuple[ChaosFault, ...]:
    """Give faults, or their words, as faults, each once; all there are for None.

    ``ConfigurationError`` for a word that is none, and for no fault at all.
    """
    try:
        chosen = tuple(dict.fromkeys(map(ChaosFault, ChaosFault if faults is None else faults)))
    except ValueError as error:
        raise ConfigurationError(
            field="faults",
            rule=f"must be faults, {error}",
            mend=f"Choose from {', '.join(fault.value for fault in ChaosFault)}",
        ) from None
    if not chosen:
        raise ConfigurationError(
            field="faults", rule="must hold at least one", mend="Leave it out for all of them"
        )
    return chosen


class Planned(Struct, frozen=True):
    """A fault that is to come."""

    number: int
    """Counts from 1."""
    at_s: float
    """When, in seconds from the beginning."""
    fault: ChaosFault
    """What."""
    seed: str
    """Decides what there is to decide about it: how long, how much, which digit."""

    def __str__(self) -> str:
        """Give it as a line."""
        return f"{self.at_s:8.2f} s  {self.fault.value}"

    def dice(self) -> random.Random:
        """Give what decides."""
        return random.Random(self.seed)  # noqa: S311 - chance that is meant to be foreseen


class ChaosPlan(Struct, frozen=True):
    """What goes wrong and when, as a seed has it. To go over it never ends."""

    seed: int
    """The same seed, faults and pause: the same plan."""
    faults: tuple[ChaosFault, ...] = tuple(ChaosFault)
    """What it is made of. Each comes once before any comes again."""
    every_s: float = 5.0
    """From one fault to the next, in seconds, on the average: half of it to one and a half."""

    def __post_init__(self) -> None:
        """Check it; raises ``ConfigurationError``."""
        faults_named(self.faults)
        if not 0 < self.every_s < math.inf:
            raise ConfigurationError(
                field="every_s",
                rule=f"must be a number of seconds above 0, is {self.every_s}",
                mend="Leave it out for the default",
            )

    def __iter__(self) -> Iterator[Planned]:
        """Give all that is to come, for ever."""
        dice = random.Random(f"{self.seed}/plan")  # noqa: S311 - as above
        at_s, number = 0.0, 0
        while True:
            for fault in dice.sample(self.faults, len(self.faults)):
                number += 1
                at_s += self.every_s * (0.5 + dice.random())
                yield Planned(number, at_s, fault, f"{self.seed}/{number}/{fault.value}")

    def __str__(self) -> str:
        """Give the first round of it, a fault a line."""
        return "\n".join(map(str, islice(self, len(self.faults))))


class Mishap(Struct, frozen=True):
    """A fault that happened."""

    at_s: float
    """When, in seconds from the beginning, by trio's clock."""
    fault: ChaosFault
    """What."""
    connection: int
    """To whom; connections count from 1, in the order of coming."""
    what: str
    """What was done, in words."""
    number: int = 0
    """That of the plan; 0 for one that was asked for by hand."""

    def __str__(self) -> str:
        """Give it as a line."""
        where = f"connection {self.connection}"
        return f"{self.at_s:8.2f} s  {where}: {self.fault.value}: {self.what}"

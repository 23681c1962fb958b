"""The faults of single messages: which message each of them fits, and what is sent instead.

Knows messages; nothing of frames, connections and time. The changes themselves stand in ``faults``.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable

from msgspec import Struct

from kraken_trio._internal.testing.faults import (
    doubled,
    dropped,
    not_utf8,
    truncated,
    wrong_checked_quantity,
    wrong_checksum,
    wrong_number,
    wrong_symbol,
)
from kraken_trio._internal.testing.frames import failure_frame, unknown_frame
from kraken_trio._internal.testing.mishap import ChaosFault
from kraken_trio._internal.testing.said import Said

INVALID_SESSION = "ESession:Invalid session"
"""What the exchange says of a token that is no good."""

_REQ_ID = re.compile(rb'"req_id":(\d+)')
_QUANTITIES = re.compile(rb'"(?:order_)?qty":')


class Spoiling(Struct, frozen=True):
    """How one fault of a message is done."""

    fits: Callable[[Said, bytes], bool]
    """Whether a message has what it spoils."""
    spoil: Callable[[bytes, random.Random], Iterable[bytes]]
    """Gives the messages that come instead."""
    words: str
    """What was done; ``{}`` stands for the message."""


def _is_data(said: Said, _message: bytes) -> bool:
    return said.kind in ("update", "snapshot")


def _is_update(said: Said, _message: bytes) -> bool:
    return said.is_update


def _is_snapshot(said: Said, _message: bytes) -> bool:
    return said.kind == "snapshot"


def _is_ack(said: Said, _message: bytes) -> bool:
    return said.kind == "ack"


def _has_checksum(_said: Said, message: bytes) -> bool:
    return b'"checksum":' in message


def _has_checked_quantity(_said: Said, message: bytes) -> bool:
    return b'"checksum":' in message and _QUANTITIES.search(message) is not None


def _without_dice(
    alter: Callable[[bytes], Iterable[bytes]],
) -> Callable[[bytes, random.Random], Iterable[bytes]]:
    return lambda message, _dice: alter(message)


def _any_wrong_quantity(message: bytes, dice: random.Random) -> Iterable[bytes]:
    return wrong_checked_quantity(message, dice.randrange(len(_QUANTITIES.findall(message))))


def _any_wrong_answer(message: bytes, dice: random.Random) -> Iterable[bytes]:
    wrongs = [wrong_number(message), wrong_symbol(message)]
    return dice.choice([wrong for wrong in wrongs if wrong != (message,)] or [()])


def _refusal(message: bytes) -> tuple[bytes]:
    number = _REQ_ID.search(message)
    req_id = None if number is None else int(number[1])
    channel = re.search(rb'"channel":"(\w+)"', message)
    return (
        failure_frame(
            "subscribe",
            INVALID_SESSION,
            0,
            req_id=req_id,
            channel=None if channel is None else channel[1].decode(),
            status=True,
        ),
    )


SPOILINGS: dict[ChaosFault, Spoiling] = {
    ChaosFault.DROP: Spoiling(_is_update, _without_dice(dropped), "lost {}"),
    ChaosFault.DUPLICATE: Spoiling(_is_update, _without_dice(doubled), "sent {} twice"),
    ChaosFault.TRUNCATE: Spoiling(_is_data, _without_dice(truncated), "sent half of {}"),
    ChaosFault.CORRUPT_CHECKSUM: Spoiling(
        _has_checksum, _without_dice(wrong_checksum), "made the checksum wrong in {}"
    ),
    ChaosFault.CORRUPT_QUANTITY: Spoiling(
        _has_checked_quantity, _any_wrong_quantity, "made a quantity wrong in {}"
    ),
    ChaosFault.INVALID_UTF8: Spoiling(_is_data, _without_dice(not_utf8), "put no UTF-8 into {}"),
    ChaosFault.UNKNOWN_CHANNEL: Spoiling(
        lambda _said, _message: True,
        lambda message, _dice: (unknown_frame(), message),
        "sent a message of no known channel in front of {}",
    ),
    ChaosFault.AUTH_REFUSAL: Spoiling(
        lambda said, _message: said.kind == "ack" and said.is_private,
        _without_dice(_refusal),
        f"said {INVALID_SESSION} instead of {{}}",
    ),
    ChaosFault.WRONG_ACK: Spoiling(_is_ack, _any_wrong_answer, "made wrong whom it is for, {}"),
    ChaosFault.MISSING_ACK: Spoiling(_is_ack, _without_dice(dropped), "lost {}"),
    ChaosFault.MISSING_SNAPSHOT: Spoiling(_is_snapshot, _without_dice(dropped), "lost {}"),
}
"""All there are."""

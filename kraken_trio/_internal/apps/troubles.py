"""What may be broken by hand in a simulation, and how that is said."""

from __future__ import annotations

from typing import Final, NamedTuple

from kraken_trio.testing import ChaosFault


class Trouble(NamedTuple):
    """One thing that can be broken."""

    fault: ChaosFault
    """What it is."""
    label: str
    """On its button."""
    help: str
    """What happens, and what is to be seen."""


TROUBLES: Final[dict[str, Trouble]] = {
    trouble.fault.value: trouble
    for trouble in (
        Trouble(
            ChaosFault.CLOSE_1006,
            "Cut the connection",
            "It ends without a word: degraded, then connected anew, and all is asked for again.",
        ),
        Trouble(
            ChaosFault.CUT_IN_FRAME,
            "Cut within a message",
            "The connection ends in the middle of a message, which is not taken for a whole one.",
        ),
        Trouble(
            ChaosFault.CLOSE_1012,
            "Restart the exchange",
            "It says that it restarts, and closes; the feed comes back by itself.",
        ),
        Trouble(
            ChaosFault.REFUSED_UPGRADE,
            "Refuse the next connection",
            "The connection ends, and the next ones are refused: attempts with growing pauses.",
        ),
        Trouble(
            ChaosFault.STALL,
            "Fall silent",
            "Nothing comes any more, and nobody says so: the silence itself is noticed.",
        ),
        Trouble(
            ChaosFault.HALF_OPEN,
            "Pull the cable",
            "Nothing gets through in either direction, until the feed gives the connection up.",
        ),
        Trouble(
            ChaosFault.CORRUPT_CHECKSUM,
            "Spoil a checksum",
            "A book does not verify: it is not shown until a fresh snapshot of it has come.",
        ),
        Trouble(
            ChaosFault.CORRUPT_QUANTITY,
            "Spoil a quantity",
            "One digit of a book is wrong, and its checksum tells.",
        ),
        Trouble(
            ChaosFault.DROP,
            "Lose a message",
            "An update never comes: a gap, and what has it is asked for again.",
        ),
        Trouble(
            ChaosFault.TRUNCATE,
            "Cut a message short",
            "JSON without its end: the message is told of as faulty, the next one goes on.",
        ),
        Trouble(
            ChaosFault.DELAY,
            "Delay everything",
            "Messages come late, which the latencies show.",
        ),
        Trouble(
            ChaosFault.MAINTENANCE,
            "Go into maintenance",
            "The exchange says so, closes, and lets nobody in for 3 to 20 seconds.",
        ),
    )
}
"""By their names, in the order in which they are shown."""

"""What all measured clients share: what they are told, and how they report it.

Each is a script that is run by the Python of its own environment, with these words:

    python NAME_client.py NAME URL DEPTH PAIRS COUNT [COUNT ...] [--trust FILE]
                          [--records RECORDS ...]

PAIRS is JSON: the symbol, the decimals of prices and those of quantities of each pair. For each
COUNT it subscribes to the books anew, on a connection of its own, and receives so many updates; of
several the first one is its warm-up. It prints one line of JSON: how long the others took, in
seconds of the clock and of the processor, from their first update to their last, and what was
verified and lost on the way.

It knows the standard library alone: nothing of ours is where rivals are.
"""

from __future__ import annotations

import argparse
import json
import os
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

Result = dict[str, Any]


class Pair(NamedTuple):
    """A pair, as far as clients ask for it over REST."""

    symbol: str
    price_decimals: int
    qty_decimals: int


@dataclass(frozen=True)
class Told:
    """What a client is told."""

    name: str
    """Which client, or which way of using it."""
    url: str
    """Without the path."""
    depth: int
    pairs: tuple[Pair, ...]
    counts: tuple[int, ...]
    """Of updates, for one connection each."""
    trust: str | None
    """A file with the certificate to trust; None for a plain connection."""
    records: dict[int, int]
    """How many records there are in so many messages, if it is told."""

    @property
    def symbols(self) -> list[str]:
        """The symbols of all pairs."""
        return [pair.symbol for pair in self.pairs]

    @property
    def context(self) -> ssl.SSLContext | None:
        """What is to be trusted; None for a plain connection."""
        return ssl.create_default_context(cafile=self.trust) if self.trust else None

    @property
    def request(self) -> str:
        """Ask for all books, in one message."""
        params = {"channel": "book", "symbol": self.symbols, "depth": self.depth}
        return json.dumps({"method": "subscribe", "params": params})


class Watch:
    """Measures how long the updates took."""

    def __init__(self) -> None:
        """Start."""
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def stop(self, updates: int, *, verified: int | None, lost: int = 0, **more: int) -> Result:
        """Give the result; ``verified`` is None for who does not verify."""
        return {
            "seconds": time.perf_counter() - self.wall,
            "cpu_seconds": time.process_time() - self.cpu,
            "updates": updates,
            "verified": verified,
            "lost": lost,
            **more,
        }


def told() -> Told:
    """Read the words after the script's name."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("url")
    parser.add_argument("depth", type=int)
    parser.add_argument("pairs", type=json.loads)
    parser.add_argument("counts", type=int, nargs="+")
    parser.add_argument("--trust")
    parser.add_argument("--records", type=int, nargs="+", default=[])
    given = parser.parse_args()
    pairs = tuple(Pair(*pair) for pair in given.pairs)
    records = dict(zip(given.counts, given.records, strict=False))
    counts = tuple(given.counts)
    return Told(given.name, given.url, given.depth, pairs, counts, given.trust, records)


async def passes(given: Told, one: Callable[[Told, str, int], Awaitable[Result]]) -> NoReturn:
    """Run a client for each count, one after the other; print the sum of all but the warm-up.

    Ends the process at once: not every client can be ended in an orderly way.
    """
    results = [await one(given, f"{given.url}/{count}/v2", count) for count in given.counts]
    measured = results[1:] or results
    total = {
        name: None if first is None else sum(each[name] for each in measured)
        for name, first in measured[0].items()
    }
    print(json.dumps(total), flush=True)
    os._exit(0)

"""The books of a capture file: what the exchange itself sent, for the flood."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEPTHS = (10, 25, 100, 500, 1000)
"""Those that the exchange has."""
ENOUGH = 1000
"""Updates; a shorter file is over before anything can be measured."""


@dataclass(frozen=True)
class Captured:
    """The book messages of a file, from the snapshot of each pair to the next one of any."""

    depth: int
    """The smallest that holds the snapshots."""
    snapshots: dict[str, bytes]
    """By symbol."""
    updates: list[bytes]
    decimals: dict[str, tuple[int, int]]
    """Of prices and quantities, by symbol: as many as the snapshot shows."""

    @classmethod
    def read(cls, path: Path) -> Captured:
        """Read a file: a frame a line, as JSON, in the member ``raw``."""
        snapshots: dict[str, bytes] = {}
        decimals: dict[str, tuple[int, int]] = {}
        updates: list[bytes] = []
        most = 0
        for raw, message in _books(path):
            (book,) = message["data"]
            symbol = book["symbol"]
            if message["type"] == "update":
                if symbol in snapshots:
                    updates.append(raw)
                continue
            if symbol in snapshots:
                break
            levels = [*book["bids"], *book["asks"]]
            snapshots[symbol] = raw
            decimals[symbol] = _decimals(levels, "price"), _decimals(levels, "qty")
            most = max(most, len(book["bids"]), len(book["asks"]))
        depth = next((depth for depth in DEPTHS if depth >= most), DEPTHS[-1])
        return cls(depth, snapshots, updates, decimals)


def _books(path: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            raw = json.loads(line)["raw"]
            # Numbers stay the text that they are.
            message = json.loads(raw, parse_float=str, parse_int=str)
            if isinstance(message, dict) and message.get("channel") == "book":
                yield raw.encode(), message


def _decimals(levels: list[dict[str, str]], name: str) -> int:
    return max(len(level[name].partition(".")[2]) for level in levels)


def captures(folder: Path) -> list[Path]:
    """Give the files of a folder that hold enough of a book, as the exchange sent it."""
    return [
        path
        for path in sorted(folder.glob("v2-book-*.jsonl"))
        if "reserialised" not in path.name and len(Captured.read(path).updates) >= ENOUGH
    ]

"""Where the time of a book update goes, step by step, in one process and without a socket.

    python benchmarks/breakdown.py [--messages N] [--runs N] [--json FILE] [--page] [--quick]

The frames of the flood are taken through more and more of the library: cut into messages, decoded,
and given to the engine, which keeps the books and verifies them. What a step adds is its share; the
rest of what the flood costs is the socket, the queue, the scheduler and the consumer. Beside them
msgspec alone decodes the same frames: into exact numbers as the library does; with the text of each
number instead, as if none were made before it is read; and without types.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from figures import show, spread, table
from flood_server import Flood, market_flood
from kraken_trio import Channel, Timestamp
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.wire.decode import V2Decoder
from kraken_trio._internal.wire.frames import FrameSplitter
from kraken_trio.testing import MarketPair, market_pairs
from machine import machine, write

PACKAGES = ("kraken-trio", "trio", "msgspec", "zlib-ng")
SHAPES = ((1, 10), (4, 10), (4, 1000), (200, 10))
"""Pairs, and depth. What the flood measures is the second and the third."""
READ_BYTES = 64 * 1024
NOW = Timestamp(1_790_000_000 * 10**9)


class Level(msgspec.Struct, gc=False):
    """As the wire has it."""

    price: Decimal
    qty: Decimal


class TextLevel(msgspec.Struct, gc=False):
    """As the wire has it, with the numbers' text; a hook alone gives it, and not for integers."""

    price: Any
    qty: Any


LevelT = TypeVar("LevelT", Level, TextLevel)


class Row(msgspec.Struct, Generic[LevelT], gc=False):
    """As the wire has it."""

    symbol: str
    bids: tuple[LevelT, ...]
    asks: tuple[LevelT, ...]
    checksum: int
    timestamp: str | None = None


class Frame(msgspec.Struct, Generic[LevelT], gc=False):
    """As the wire has it."""

    channel: str
    type: str
    data: tuple[Row[LevelT], ...]


def cut(data: bytes) -> list[bytes]:
    """Cut what a server sends into messages, as it comes from a socket."""
    splitter = FrameSplitter()
    messages: list[bytes] = []
    for at in range(0, len(data), READ_BYTES):
        splitter.feed(data[at : at + READ_BYTES])
        messages += splitter.next_messages()
    return messages


def engine_with(openings: list[bytes], pairs: Sequence[MarketPair], depth: int) -> Engine:
    """Open the books, and begin with their snapshots."""
    engine = Engine(V2Decoder())
    for pair in pairs:
        engine.open(Channel.book(pair.symbol, depth=depth)).join(lambda _item: None)
    for opening in openings:
        engine.feed(opening, NOW)
    return engine


def took(work: Callable[[], object]) -> float:
    """Give the processor's seconds of some work."""
    began = time.process_time()
    work()
    return time.process_time() - began


def measure(
    flood: Flood, messages: int, pairs: Sequence[MarketPair], depth: int
) -> dict[str, float]:
    """Give the microseconds of each step for a message, once."""
    data = b"".join(flood.updates(messages))
    payloads = cut(data)
    openings = cut(b"".join(flood.openings.values()))
    decode, plain = V2Decoder().decode, msgspec.json.decode
    typed = msgspec.json.Decoder(Frame[Level]).decode
    texts = msgspec.json.Decoder(Frame[TextLevel], float_hook=str).decode
    engine = engine_with(openings, pairs, depth)

    def each(step: Callable[[bytes], object]) -> Callable[[], None]:
        def run() -> None:
            for payload in payloads:
                step(payload)

        return run

    seconds = {
        "cut": took(lambda: cut(data)),
        "decode": took(each(lambda payload: decode(payload, NOW))),
        "engine": took(each(lambda payload: engine.feed(payload, NOW))),
        "msgspec, exact": took(each(typed)),
        "msgspec, numbers as text": took(each(texts)),
        "msgspec, without types": took(each(plain)),
    }
    if engine.checksums_ok != messages + len(openings):
        raise SystemExit(f"only {engine.checksums_ok} of {messages} verified")
    steps = {name: value / messages * 10**6 for name, value in seconds.items()}
    # The engine decodes, too; what it adds is its own.
    steps["books and checksums"] = steps.pop("engine") - steps["decode"]
    return steps


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Where the time of a book update goes.")
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--page", action="store_true", help="write the table into the page")
    parser.add_argument("--quick", action="store_true", help="see only that it works")
    given = parser.parse_args(arguments)
    if given.quick:
        given.messages, given.runs = 1000, 1
    results: dict[str, list[dict[str, float]]] = {}
    for number, depth in SHAPES:
        pairs = market_pairs(number)
        flood = market_flood(depth, given.messages, 1, pairs=pairs, mixed=False)
        results[f"depth {depth}, {number} {'pair' if number == 1 else 'pairs'}"] = [
            measure(flood, given.messages, pairs, depth) for _ in range(given.runs)
        ]
    names = ["cut", "decode", "books and checksums"]
    names += ["msgspec, exact", "msgspec, numbers as text", "msgspec, without types"]
    rows: list[list[Any]] = [
        [name, *(spread([run[name] for run in runs], 2) for runs in results.values())]
        for name in names
    ]
    where = machine(*PACKAGES)
    heads = [f"us a message, {given.messages:,} messages", *results]
    show("breakdown", where, table(heads, rows), to_page=given.page)
    write(given.json, where, results, messages=given.messages)


if __name__ == "__main__":
    main()

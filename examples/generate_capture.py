"""Write a capture file of made-up traffic: two books and their trades, as the exchange prints them.

    python examples/generate_capture.py OUT.jsonl [--seed N] [--frames N]

A line is ``{"ts": seconds, "raw": "the frame's text"}``. The same seed gives the same file, and
every checksum in it is right, so it is something to practise on, or to replay, without a network.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from kraken_trio.testing import (
    Market,
    MarketPair,
    heartbeat_frame,
    status_frame,
    success_frame,
)

SECOND = 10**9
START = 1_767_225_600 * SECOND
"""2026-01-01T00:00:00Z, in nanoseconds since the epoch."""
LATENCY = 25_000_000
"""From the exchange to us, in nanoseconds."""
DEPTH = 10
PAIRS = (
    MarketPair(symbol="BTC/USD", price=Decimal("62800.0"), price_precision=1, qty_precision=8),
    MarketPair(symbol="ETH/USD", price=Decimal("1770.00"), price_precision=2, qty_precision=8),
)


def traffic(seed: int) -> Iterator[tuple[int, bytes]]:
    """Give frames for ever, each with the time when it is received."""
    market = Market(PAIRS, seed=seed, start=START)
    now = START
    yield now, status_frame(connection_id=18_125_794_168_470_749_634)
    for req_id, channel in enumerate(("book", "trade"), 1):
        for symbol in market.symbols:
            result: dict[str, object] = {"channel": channel, "snapshot": True, "symbol": symbol}
            if channel == "book":
                result["depth"] = DEPTH
            yield now, success_frame("subscribe", result, now, req_id=req_id)
    for symbol in market.symbols:
        market.watch(symbol, DEPTH)
        yield now, market.book_snapshot(symbol, DEPTH)
        yield now, market.trade_snapshot(symbol)
    beats = itertools.count(START + SECOND, SECOND)
    beat = next(beats)
    while True:
        events = market.step()
        while beat <= market.now:
            yield beat, heartbeat_frame()
            beat = next(beats)
        for event in events:
            yield event.at, event.frame


def write_capture(path: Path, *, seed: int, frames: int) -> None:
    """Write that many frames to a file, and make its folder where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for at, frame in itertools.islice(traffic(seed), frames):
            # Written as text: a float has no room for nanoseconds.
            seconds, nanoseconds = divmod(at + LATENCY, SECOND)
            text = json.dumps(frame.decode(), ensure_ascii=False)
            file.write(f'{{"ts": {seconds}.{nanoseconds:09d}, "raw": {text}}}\n')


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, and write the file."""
    parser = argparse.ArgumentParser(description="Write a capture file of made-up traffic.")
    parser.add_argument("path", type=Path, metavar="OUT.jsonl", help="the file to write")
    parser.add_argument("--seed", type=int, default=1, help="another one, another market")
    parser.add_argument("--frames", type=int, default=1000, help="how many, 1000 unless told")
    options = parser.parse_args(arguments)
    if options.frames < 0:
        parser.error("--frames must not be negative")
    write_capture(options.path, seed=options.seed, frames=options.frames)
    print(f"{options.frames} frames written to {options.path}")


if __name__ == "__main__":
    main()

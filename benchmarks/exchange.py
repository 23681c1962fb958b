"""How much the simulated exchange can send from one core, and how well it keeps its pace.

    python benchmarks/exchange.py [--quick] [--pairs N] [--rate N] [--seconds N] [--warm-up N]
                                  [--flood-steps N] [--json FILE]

The exchange runs in a process of its own that is pinned to one core; the client reads a plain
loopback socket on another one, and does nothing but count WebSocket frames. It subscribes to the
books, of depth 10, and the trades of all pairs on one connection, in lists of 100. Measured are

* paced: a market of so many pairs at a rate of messages, and how late frames are;
* flat out: the same market, as fast as one core can make it;
* flood: frames that were made beforehand, as fast as the client takes them.

It needs Linux, for the share of a processor that the exchange took.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import socket
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

import trio

from kraken_trio import Channel
from kraken_trio.testing import (
    ExchangeRules,
    Market,
    build_flood,
    market_pairs,
    open_exchange,
    open_flood,
)
from machine import in_words, machine, write

DEPTH = 10
LIST = 100
"""Symbols of one request."""
ANSWERS = 3
"""Of each pair: two answers, one snapshot."""
FLAT_OUT = 10_000_000.0
"""A rate that no machine keeps."""
MESSAGES_PER_STEP = 0.98
"""So many are there on average, with these subscriptions."""
QUICK_PAIRS, QUICK_SECONDS = 50, 1
QUICK_FLOOD_STEPS = 20_000
"""Its first read is not counted, and a shorter flood is read in one."""
STAMP = re.compile(rb'"timestamp":"([^"]+)"\}\]\}$')

RULES = ExchangeRules(max_backlog=10_000_000, idle_timeout_s=None, heartbeat_interval_s=3600)


def serve(pipe: Connection, core: int, pairs: int, rate: float, flood_steps: int) -> None:
    """Be an exchange, until the process is ended."""
    os.sched_setaffinity(0, {core})
    trio.run(_serve, pipe, pairs, rate, flood_steps)


async def _serve(pipe: Connection, pairs: int, rate: float, flood_steps: int) -> None:
    market = Market(market_pairs(pairs), seed=1, start=time.time_ns())
    if flood_steps:
        wanted = (Channel.book(*market.symbols, depth=DEPTH), Channel.trades(*market.symbols))
        opening = open_flood(build_flood(market, flood_steps, *wanted), end="close", rules=RULES)
        async with opening as flood:
            pipe.send((await flood.listen(tls=False)).url)
            await trio.sleep_forever()
    async with open_exchange(market, rate=rate, rules=RULES) as exchange:
        pipe.send((await exchange.listen(tls=False)).url)
        await trio.sleep_forever()


class Wire:
    """A client that knows just enough of WebSockets to count messages."""

    def __init__(self, url: str) -> None:
        """Connect, and ask for a WebSocket."""
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=60)
        self._socket.sendall(
            b"GET /v2 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Version: 13\r\n\r\n"
        )
        self.size = 0
        """Bytes read since then."""
        self._held = bytearray()
        while b"\r\n\r\n" not in self._held:
            self._held += self._socket.recv(65536)
        del self._held[: self._held.index(b"\r\n\r\n") + 4]

    def subscribe(self, channel: str, symbols: list[str], **options: object) -> None:
        """Ask for a subscription, in lists."""
        for first in range(0, len(symbols), LIST):
            some = symbols[first : first + LIST]
            params = {"channel": channel, "symbol": some, **options}
            request = json.dumps({"method": "subscribe", "params": params}).encode()
            size = len(request)
            short = size < 126  # noqa: PLR2004 - RFC 6455 section 5.2
            length = bytes((0x80 | size,)) if short else b"\xfe" + size.to_bytes(2, "big")
            self._socket.sendall(b"\x81" + length + bytes(4) + request)  # The mask is zero.

    def read(self) -> tuple[int, bytes, bool]:
        """Read once; give how many messages that made whole, the first, and whether it goes on."""
        data = self._socket.recv(1 << 20)
        self.size += len(data)
        held = self._held
        held += data
        count, at, first = 0, 0, b""
        going = bool(data)
        while len(held) - at >= 2:  # noqa: PLR2004 - of a header, at least
            length, begin = held[at + 1], at + 2
            if length == 126:  # noqa: PLR2004 - RFC 6455 section 5.2
                length, begin = int.from_bytes(held[at + 2 : at + 4], "big"), at + 4
            elif length == 127:  # noqa: PLR2004 - as above
                length, begin = int.from_bytes(held[at + 2 : at + 10], "big"), at + 10
            if len(held) < begin + length:
                break
            if held[at] == 0x88:  # noqa: PLR2004 - a Close, RFC 6455 section 11.8
                going = False
            else:
                first = first or bytes(held[begin : begin + length])
                count += 1
            at = begin + length
        del held[:at]
        return count, first, going

    def close(self) -> None:
        """Go."""
        self._socket.close()


@contextmanager
def exchange(pairs: int, rate: float = 0, flood_steps: int = 0) -> Iterator[tuple[int, Wire]]:
    """Start an exchange on another core, and subscribe to all of it; give its process id."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[0]})
    ours, theirs = multiprocessing.Pipe()
    arguments = (theirs, cores[-1], pairs, rate, flood_steps)
    # A daemon goes with this process, however that ends, unless it is killed.
    process = multiprocessing.get_context("spawn").Process(
        target=serve, args=arguments, daemon=True
    )
    process.start()
    try:
        wire = Wire(ours.recv())
        symbols = [pair.symbol for pair in market_pairs(pairs)]
        wire.subscribe("book", symbols, depth=DEPTH)
        wire.subscribe("trade", symbols)
        yield process.pid or 0, wire
        wire.close()
    finally:
        process.terminate()
        process.join()
        os.sched_setaffinity(0, cores)


def cpu_s(pid: int) -> float:
    """Give how much of a processor a process took so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(
    pid: int, wire: Wire, pairs: int, seconds: float, *, warm_up: float
) -> dict[str, float]:
    """Count for so long, once all is subscribed to and what piled up meanwhile is read."""
    count = 0
    while count < ANSWERS * pairs:
        count += wire.read()[0]
    until = time.monotonic() + warm_up
    while time.monotonic() < until:
        wire.read()
    began, cpu = time.monotonic(), cpu_s(pid)
    count, reads = 0, 0
    ages: list[float] = []
    while (now := time.monotonic()) < began + seconds:
        messages, first, _ = wire.read()
        count += messages
        reads += 1
        if stamp := STAMP.search(first):
            made = datetime.fromisoformat(stamp[1].decode())
            ages.append(1000 * (time.time() - made.timestamp()))
    elapsed = now - began
    ages_from = min(ages)
    late = sorted(age - ages_from for age in ages)
    tenth = max(1, len(ages) // 10)
    return {
        "messages_per_s": count / elapsed,
        "cpu_percent": 100 * (cpu_s(pid) - cpu) / elapsed,
        "reads_per_s": reads / elapsed,
        "late_ms_p50": late[len(late) // 2],
        "late_ms_p99": late[len(late) * 99 // 100],
        "late_ms_max": late[-1],
        "drift_ms": statistics.median(ages[-tenth:]) - statistics.median(ages[:tenth]),
    }


def paced(pairs: int, rate: float, seconds: float, *, warm_up: float) -> dict[str, float]:
    """Measure a market that goes on at a rate of messages."""
    with exchange(pairs, rate / MESSAGES_PER_STEP) as (pid, wire):
        return measure(pid, wire, pairs, seconds, warm_up=warm_up)


def flat_out(pairs: int, seconds: float, *, warm_up: float) -> dict[str, float]:
    """Measure how fast a market can go on."""
    with exchange(pairs, FLAT_OUT) as (pid, wire):
        return {
            name: value
            for name, value in measure(pid, wire, pairs, seconds, warm_up=warm_up).items()
            if name in ("messages_per_s", "cpu_percent")
        }


def flood(pairs: int, steps: int) -> dict[str, float]:
    """Measure how fast frames are sent that are ready."""
    with exchange(pairs, flood_steps=steps) as (pid, wire):
        count = 0
        while count < ANSWERS * pairs:
            count += wire.read()[0]
        began, cpu, before, size = time.monotonic(), cpu_s(pid), count, wire.size
        going = True
        while going:
            messages, _, going = wire.read()
            count += messages
        elapsed = time.monotonic() - began
        return {
            "messages_per_s": (count - before) / elapsed,
            "megabytes_per_s": (wire.size - size) / elapsed / 1e6,
            "cpu_percent": 100 * (cpu_s(pid) - cpu) / elapsed,
            "messages": count - before,
        }


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=1500, help="pairs of the market")
    parser.add_argument("--rate", type=float, default=5500, help="messages a second, when paced")
    parser.add_argument("--seconds", type=float, default=20, help="how long each is measured")
    parser.add_argument("--warm-up", type=float, default=2, help="seconds that are not counted")
    parser.add_argument("--flood-steps", type=int, default=500_000, help="steps of the market")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--quick", action="store_true", help="see only that it works")
    chosen = parser.parse_args()
    if sys.platform != "linux":
        print("exchange.py is left out: it needs the /proc of Linux")
        return
    if chosen.quick:
        chosen.pairs, chosen.seconds, chosen.warm_up = QUICK_PAIRS, QUICK_SECONDS, 0
        chosen.flood_steps = QUICK_FLOOD_STEPS
    results = {
        "paced": paced(chosen.pairs, chosen.rate, chosen.seconds, warm_up=chosen.warm_up),
        "flat out": flat_out(chosen.pairs, chosen.seconds, warm_up=chosen.warm_up),
        "flood": flood(chosen.pairs, chosen.flood_steps),
    }
    where = machine("kraken-trio", "trio")
    print(f"{in_words(where)}\n{chosen.pairs} pairs, depth {DEPTH}")
    for name, figures in results.items():
        print(f"\n{name}")
        for figure, value in figures.items():
            print(f"  {figure:<16} {value:12,.2f}")
    write(chosen.json, where, results, pairs=chosen.pairs, rate=chosen.rate)


if __name__ == "__main__":
    main()

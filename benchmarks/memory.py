"""Resident memory of a feed whose consumers are ten times too slow, policy by policy.

    python benchmarks/memory.py [--quick] [--messages N] [--policies oldest latest coalesce block]
                                [--json FILE]

A server process floods one client over loopback: books (four in five messages), trades and tickers
of two pairs, as fast as they are read; with ``block`` on a connection for each of these, and else
on one. The client, in a process of its own, goes the whole way
from the socket to the consumer, with every checksum verified. It has a subscription of each
channel and a stream of all events, and takes one record of each for ten that come, so nine in ten
have to go somewhere. With ``block`` nothing is dropped and the flood has to wait instead: there
the consumer takes ``BLOCK_RATE`` records a second, and a tenth of the messages is sent.

Shown is the resident memory of the client when a tenth of the messages had come, the most that
it had later, and the difference. It ends with 1 if that is more than ``FLAT_MIB`` for any policy.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import json
import logging
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import trio

from flood_server import framed
from kraken_trio import Channel, DropPolicy, GapReason, KrakenConfig, open_kraken
from kraken_trio.testing import USUAL_PAIRS, Market, heartbeat_frame, status_frame, success_frame
from machine import in_words, machine, write

FLAT_MIB = 8.0
"""What a million messages may cost: eight bytes each, where one alone has some 250."""
MESSAGES = 1_000_000
QUICK_MESSAGES = 100_000
TOO_SLOW = 10
BLOCK_RATE = 3000
PAIRS = USUAL_PAIRS[:2]
CYCLE = 20_000
"""Messages that are made beforehand and sent again and again; each time a book begins anew."""
COALESCE_WINDOW_S = 0.01

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
_TRADE_ID = re.compile(rb'"trade_id":\d+')


# The server


def read_messages(connection: socket.socket) -> Iterator[bytes]:
    """Give what the client says, until it closes."""
    data = bytearray()

    def need(size: int) -> None:
        while len(data) < size:
            more = connection.recv(65536)
            if not more:
                raise ConnectionError
            data.extend(more)

    while True:
        need(2)
        opcode, size, start = data[0] & 0x0F, data[1] & 0x7F, 6
        if size == 126:  # noqa: PLR2004 - the RFC's own number
            need(4)
            size, start = int.from_bytes(data[2:4]), 8
        need(start + size)
        mask, masked = data[start - 4 : start], data[start : start + size]
        del data[: start + size]
        if opcode == 0x8:  # noqa: PLR2004 - a Close
            return
        if opcode == 0x1:
            yield bytes(byte ^ mask[index % 4] for index, byte in enumerate(masked))


def make_cycle(market: Market) -> list[bytes]:
    """Make messages about books, trades and tickers; it begins with the snapshots of the books."""
    for pair in PAIRS:
        market.watch_ticker(pair.symbol, "trades")
    frames = [market.book_snapshot(pair.symbol, 10) for pair in PAIRS]
    for pair in PAIRS:
        market.watch(pair.symbol, 10)
    while len(frames) < CYCLE:
        frames += [event.frame for event in market.step()]
    return frames


def serve(connections: int) -> None:
    """Print a URL, and flood one client there once it has subscribed to all three channels, on one
    connection or on one for each.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    market = Market(PAIRS, seed=1, start=time.time_ns())
    tickers = [market.ticker_snapshot(pair.symbol) for pair in PAIRS]
    cycle = make_cycle(market)
    print(f"ws://127.0.0.1:{listener.getsockname()[1]}/v2", flush=True)
    with ThreadPoolExecutor(connections) as threads:
        for _ in range(connections):
            connection, _ = listener.accept()
            each = threads.submit(serve_one, connection, 3 // connections, tickers, cycle)
            each.add_done_callback(Future.result)  # what it raised is printed


def serve_one(
    connection: socket.socket, count: int, tickers: list[bytes], cycle: list[bytes]
) -> None:
    """Flood one connection once that many channels are subscribed to on it."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(65536)
    (key,) = re.findall(rb"(?i)sec-websocket-key: *(\S+)", head)
    digest = base64.b64encode(hashlib.sha1(key + _GUID).digest())  # noqa: S324 - RFC 6455
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + digest + b"\r\n\r\n" + framed(status_frame(connection_id=1))
    )
    channels: set[str] = set()
    for message in read_messages(connection):
        request = json.loads(message)
        params = request.get("params", {})
        for symbol in params.pop("symbol", ()):
            result = {**params, "symbol": symbol}
            answer = success_frame("subscribe", result, time.time_ns(), req_id=request["req_id"])
            connection.sendall(framed(answer))
        channels.add(params.get("channel", ""))
        if len(channels) == count:
            break
    heads = tuple(b'{"channel":"%s"' % name.encode() for name in channels)
    with contextlib.suppress(OSError):  # the client has what it wants
        connection.sendall(b"".join(framed(frame) for frame in tickers if frame.startswith(heads)))
        flood(connection, [frame for frame in cycle if frame.startswith(heads)])


def flood(connection: socket.socket, cycle: list[bytes]) -> None:
    """Send the cycle for ever; trades are numbered on, for each pair."""
    trade_ids = dict.fromkeys((json.dumps(pair.symbol).encode() for pair in PAIRS), 0)
    plan = [
        (next(name for name in trade_ids if name in frame), frame)
        if frame.startswith(b'{"channel":"trade"')
        else (None, framed(frame))
        for frame in cycle
    ]

    def number(_: re.Match[bytes]) -> bytes:
        trade_ids[symbol] += 1
        return b'"trade_id":%d' % trade_ids[symbol]

    while True:
        batch = bytearray()
        for name, frame in plan:
            if name is None:
                batch += frame
            else:
                symbol = name
                batch += framed(_TRADE_ID.sub(number, frame))
            if len(batch) > 2**16:
                connection.sendall(batch)
                batch.clear()
        connection.sendall(batch + framed(heartbeat_frame()))


# The client


def resident_mib() -> float:
    """Give the resident memory of this process; where there is no /proc, the most it ever was."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    except FileNotFoundError:
        import resource  # not on every system

        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


async def consume(records: Any, policy: DropPolicy) -> None:
    """Take one record for ten that came; with Block, so many a second."""
    began, taken = trio.current_time(), 0
    while True:
        if policy is DropPolicy.BLOCK:
            wanted = int((trio.current_time() - began) * BLOCK_RATE) - taken
        else:
            wanted = records.statistics().received // TOO_SLOW - taken
        if wanted > 0:
            with trio.move_on_after(0.01):
                taken += len(await records.receive_batch(wanted))
        await trio.sleep(0.002)


async def measure(url: str, policy: DropPolicy, messages: int) -> dict[str, Any]:
    """Be flooded, and say how it was."""
    config = KrakenConfig(
        endpoint=url, drop_policy=policy, coalesce_window=COALESCE_WINDOW_S, timeout=60
    )
    symbols = [pair.symbol for pair in PAIRS]
    samples: list[float] = []
    channels = Channel.book(*symbols), Channel.trades(*symbols), Channel.ticker(*symbols)
    async with (
        open_kraken(config) as feed,
        feed.events() as events,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(consume, events, DropPolicy.OLDEST)

        async def subscribe(subscription: Any) -> None:
            async with subscription:
                await consume(subscription.records_channel, policy)

        for subscription in [feed.subscribe(channel) for channel in channels]:
            nursery.start_soon(subscribe, subscription)
        began = 0.0
        while (frames := feed.statistics().frames) < messages:
            await trio.sleep(0.05)
            if frames > messages // 10:
                began = began or trio.current_time()
                samples.append(resident_mib())
        took = trio.current_time() - began
        statistics = feed.statistics()
        nursery.cancel_scope.cancel()
    # What the slow consumer was too slow for is meant; the rest would be the exchange's.
    lost = sum(statistics.gaps.values()) - statistics.gaps.get(GapReason.OVERFLOW, 0)
    return {
        "policy": policy.value,
        "messages": statistics.frames,
        "per_second": round(0.9 * statistics.frames / took),
        "faults": statistics.faults + statistics.checksums_failed + lost,
        "dropped": statistics.dropped,
        "coalesced": statistics.coalesced,
        "overflows": statistics.overflows,
        "settled_mib": samples[0],
        "most_mib": max(samples),
        "growth_mib": max(samples) - samples[0],
    }


# All of it


def run(policy: DropPolicy, messages: int) -> dict[str, Any]:
    """Measure one policy in a process of its own."""
    command = [sys.executable, __file__, "--messages", str(messages), "--policies", policy.value]
    with subprocess.Popen(  # noqa: S603 - ourselves
        [*command, "--serve"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None  # noqa: S101 - for the type checker
        url = server.stdout.readline().strip()
        try:
            client = subprocess.run(  # noqa: S603 - as above
                [*command, "--client", url], stdout=subprocess.PIPE, text=True, check=True
            )
        finally:
            server.kill()
    result: dict[str, Any] = json.loads(client.stdout)
    return result


def client(url: str, policy: DropPolicy, messages: int) -> dict[str, Any]:
    """What the client process does."""
    logging.disable()  # that records are dropped is the point
    return trio.run(measure, url, policy, messages)


def show(results: list[dict[str, Any]]) -> None:
    """Print the table."""
    print("| policy | messages | a second | dropped | merged | gaps | at 10 % | most | growth |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for each in results:
        print(
            f"| {each['policy']} | {each['messages']:,} | {each['per_second']:,} "
            f"| {each['dropped']:,} | {each['coalesced']:,} | {each['overflows']:,} "
            f"| {each['settled_mib']:.1f} MiB | {each['most_mib']:.1f} MiB "
            f"| {each['growth_mib']:.1f} MiB |"
        )


def main() -> int:
    """Measure every policy, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="see only that it works")
    parser.add_argument("--messages", type=int, default=MESSAGES)
    policies = [policy.value for policy in DropPolicy]
    parser.add_argument("--policies", nargs="+", choices=policies, default=policies)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--client", help=argparse.SUPPRESS)
    given = parser.parse_args()
    messages = QUICK_MESSAGES if given.quick else given.messages
    chosen = [DropPolicy(name) for name in given.policies]
    if given.serve:
        serve(3 if chosen[0] is DropPolicy.BLOCK else 1)
        return 0
    if given.client:
        print(json.dumps(client(given.client, chosen[0], messages)))
        return 0
    results = [
        run(policy, messages // 10 if policy is DropPolicy.BLOCK else messages) for policy in chosen
    ]
    where = machine("kraken-trio", "trio")
    print(f"{in_words(where)}\n")
    show(results)
    write(given.json, where, results)
    faulty = [each["policy"] for each in results if each["faults"]]
    grown = [each["policy"] for each in results if each["growth_mib"] > FLAT_MIB]
    for wrong, names in (("did not get what was sent", faulty), ("memory grew", grown)):
        if names:
            print(f"\n{', '.join(names)}: {wrong}", file=sys.stderr)
    return 1 if faulty or grown else 0


if __name__ == "__main__":
    sys.exit(main())

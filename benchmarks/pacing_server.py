"""The other end of what is paced: sends messages that were made beforehand, each at its time.

    python pacing_server.py WANTED FOLDER [--tls]

``WANTED`` is a ``pacing.Wanted``, as JSON: the market, and the plans that clients choose from by
their path, as in ``/0/v2``. It prints one line of JSON when it listens, then serves one client
after the other until it is killed. As soon as a client has subscribed to everything its plan
begins; in the pauses requests are answered. When all of it was sent a line names a file in the
folder: when each write was due, when each was sent, and after how many messages each ends. Times
are nanoseconds of CLOCK_MONOTONIC, which all processes of a machine share.

It sleeps between messages, and does not spin, which would take a core from the client: latency
counts from when a message was really sent. With ``--tls`` the certificate to trust is put into the
folder.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import itertools
import json
import random
import select
import socket
import ssl
import sys
import time
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from flood_server import CERTIFICATE, CLOSE, PING, PONG, TEXT, Client, framed, secured
from kraken_trio.testing import Market, market_pairs, pong_frame, status_frame, success_frame
from pacing import NANOSECONDS, Plan, Wanted

LEAD_NS = 100_000_000
"""Between the last answer and the first message: the client takes in the snapshots."""
_PR_SET_TIMERSLACK = 29  # prctl(2)


class Write(NamedTuple):
    """What is sent in one piece."""

    due_ns: int
    """After the beginning."""
    end: int
    """After so many messages."""


class Traffic:
    """Everything that is sent, made beforehand."""

    def __init__(self, wanted: Wanted) -> None:
        """Let a market go on until it has given enough messages."""
        market = Market(market_pairs(wanted.pairs), seed=wanted.seed, start=time.time_ns())
        self.depth, self.seed, self.symbols = wanted.depth, wanted.seed, market.symbols
        self.channels = ("book", "trade") if wanted.trades else ("book",)
        self.snapshots: dict[str, bytes] = {}
        for symbol in market.symbols:
            self.snapshots[symbol] = framed(market.book_snapshot(symbol, wanted.depth))
            market.watch(symbol, wanted.depth)
        self.topics: list[tuple[str, str, int, int]] = []
        """Of each message: the channel, the symbol, its time, and how many trades are in it."""
        frames: list[bytes] = []
        while len(frames) < max(plan.messages for plan in wanted.plans):
            # Each step has a time of its own, so that a record tells which message it is from.
            for event in market.step(market.now + wanted.step_ns):
                if event.channel in self.channels:
                    trades = event.frame.count(b'"trade_id"')
                    self.topics.append((event.channel, event.symbol, int(event.at), trades))
                    frames.append(framed(event.frame))
        self.frames = memoryview(b"".join(frames))
        self.ends = [0, *itertools.accumulate(map(len, frames))]


def schedule(plan: Plan, seed: int) -> list[Write]:
    """Say what is sent when."""
    if not plan.rate:
        return [Write(0, plan.messages)]
    dice = random.Random(seed)  # noqa: S311 - chance that is meant to be foreseen
    writes: list[Write] = []
    end = 0
    while end < plan.messages:
        end = min(plan.messages, end + dice.randint(1, 2 * plan.per_write - 1))
        writes.append(Write(round(due_s(plan, end - 1) * NANOSECONDS), end))
    return writes


def due_s(plan: Plan, number: int) -> float:
    """Say when a message is due: evenly, but for a burst in the middle of each period."""
    if not plan.burst_s:
        return number / plan.rate
    each = plan.rate * plan.period_s
    burst = plan.burst * plan.rate * plan.burst_s
    quiet, quiet_s = each - burst, plan.period_s - plan.burst_s
    periods, left = divmod(number, each)
    at = periods * plan.period_s
    if left < quiet / 2:
        return at + left / quiet * quiet_s
    if left < quiet / 2 + burst:
        return at + quiet_s / 2 + (left - quiet / 2) / burst * plan.burst_s
    return at + plan.burst_s + (left - burst) / quiet * quiet_s


class PacedClient(Client):
    """One connection."""

    def play(self, traffic: Traffic, plans: Sequence[Plan], log: Path) -> None:
        """Do everything, until the client hangs up."""
        plan = plans[self._upgrade()]
        writes = schedule(plan, traffic.seed)
        self._connection.sendall(framed(status_frame(connection_id=2**53 + 1)))
        missing = {(channel, symbol) for channel in traffic.channels for symbol in traffic.symbols}
        while missing:
            missing -= self._answer_one(traffic)
        self._send(writes, traffic, log)
        print(log, flush=True)
        while True:
            self._answer_one(traffic)

    def _send(self, writes: Sequence[Write], traffic: Traffic, log: Path) -> None:
        """Send everything, each write at its time."""
        begin = time.monotonic_ns() + LEAD_NS
        due = array("q", [begin + write.due_ns for write in writes])
        went = array("q", bytes(8 * len(writes)))
        frames, ends, sendall = traffic.frames, traffic.ends, self._connection.sendall
        now, sent = time.monotonic_ns, 0
        for number, (at, write) in enumerate(zip(due, writes, strict=True)):
            while (moment := now()) < at:
                if self._readable((at - moment) / NANOSECONDS):
                    self._answer_one(traffic)
            went[number] = moment
            end = ends[write.end]
            sendall(frames[sent:end])
            sent = end
        with log.open("wb") as file:
            for numbers in (due, went, array("q", [write.end for write in writes])):
                numbers.tofile(file)

    def _answer_one(self, traffic: Traffic) -> set[tuple[str, str]]:
        """Answer one frame of the client; give what it subscribed to."""
        opcode, payload = self._read()
        if opcode == CLOSE:
            self._connection.sendall(framed(payload[:2], CLOSE))
            raise ConnectionResetError
        if opcode == PING:
            self._connection.sendall(framed(payload, PONG))
        if opcode != TEXT:
            return set()
        request = json.loads(payload)
        req_id, now = request.get("req_id"), time.time_ns()
        if request["method"] == "ping":
            self._connection.sendall(framed(pong_frame(now, req_id=req_id)))
            return set()
        channel, symbols = request["params"]["channel"], request["params"]["symbol"]
        result: dict[str, Any] = {"channel": channel, "snapshot": channel == "book"}
        if channel == "book":
            result["depth"] = traffic.depth
        answers: list[bytes] = []
        for symbol in symbols:
            about = {**result, "symbol": symbol}
            answers.append(framed(success_frame("subscribe", about, now, req_id=req_id)))
            if channel == "book":
                answers.append(traffic.snapshots[symbol])
        self._connection.sendall(b"".join(answers))
        return {(channel, symbol) for symbol in symbols}

    def _readable(self, timeout_s: float) -> bool:
        """Wait until there is something to read, for so long at most; say whether there is."""
        connection = self._connection
        if isinstance(connection, ssl.SSLSocket) and connection.pending():
            return True
        return bool(select.select([connection], [], [], timeout_s)[0])

    def _take(self, size: int) -> bytes:
        """Read so much, and no more, for nobody could wait for what stands in a buffer."""
        data = b""
        while len(data) < size:
            more = self._connection.recv(size - len(data))
            if not more:
                raise ConnectionResetError
            data += more
        return data


def sleep_precisely() -> None:
    """Have sleeps end when they are to end, and not up to 50 us later, where that can be had."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)


def main() -> None:
    """Make everything, and let clients come."""
    parser = argparse.ArgumentParser()
    parser.add_argument("wanted")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tls", action="store_true")
    given = parser.parse_args()
    fields = json.loads(given.wanted)
    fields["plans"] = tuple(Plan(**plan) for plan in fields["plans"])
    wanted = Wanted(**fields)
    traffic = Traffic(wanted)
    context = secured(given.folder) if given.tls else None
    sleep_precisely()
    # What was made stays, and need not be looked through again.
    gc.freeze()
    with socket.create_server(("127.0.0.1", 0)) as server:
        ready = {
            "url": f"{'wss' if context else 'ws'}://localhost:{server.getsockname()[1]}",
            "trust": str(given.folder / CERTIFICATE) if context else None,
            "symbols": traffic.symbols,
            "topics": traffic.topics,
        }
        print(json.dumps(ready), flush=True)
        for number in itertools.count():
            connection, _ = server.accept()
            try:
                if context:
                    connection = context.wrap_socket(connection, server_side=True)
                with connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    client = PacedClient(connection)
                    client.play(traffic, wanted.plans, given.folder / f"{number}.sent")
            except OSError:
                pass  # The client has enough, and hung up.


if __name__ == "__main__":
    main()

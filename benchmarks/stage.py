"""An exchange that plays frames which were made beforehand, and does on command what goes wrong.

    python stage.py PLAY PAIRS DEPTH STEPS RATE

PLAY is what is made: ``market`` (books and trades of so many pairs, in so many steps), ``level3``
(books of orders), ``executions`` or ``balances`` (of so many orders). It prints two ports, one for
WebSockets and one for commands, and how many updates it has, and then serves one client after the
other until it is killed.

Each subscription has a script of its own: a snapshot, and the updates that follow it. A script of
books begins anew whenever somebody subscribes, so that all of it verifies; one of trades goes on
where a snapshot is wanted, which then ends with what was sent last, so that no number is left out.
Updates are sent in the order in which the market made them, those of a topic that nobody subscribed
to are passed over: RATE a second, ``PIECE`` to a write, or with 0 all in one piece once everything
is subscribed to. Nothing is made while somebody is measured, so the answers to subscriptions are
most of what it does; ``cpu`` tells how much that was.

Commands are lines, each answered by a line of JSON: ``play`` lets updates flow; ``cut`` drops the
connection, and gives when; ``corrupt SYMBOL`` spoils the checksum of its next update, and
``spoiled`` gives when that was sent; ``told`` gives how many updates of each topic were sent on
this connection, and ``late`` how late they were at most; ``cpu`` the seconds of a processor that
were taken so far.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import trio
import trio.testing
from msgspec.structs import replace

import flood_server
from flood_server import CLOSE, PING, PONG, TEXT, framed
from kraken_trio import Channel, KrakenConfig, open_kraken
from kraken_trio.testing import (
    Market,
    build_flood,
    market_pairs,
    open_exchange,
    pong_frame,
    status_frame,
    success_frame,
)

ACCOUNT: Final = ("executions", "balances")
"""The channels of an account: they have no symbols."""
QTY: Final = Decimal("0.1")
"""Of each order."""
PIECE: Final = 5
"""Frames to a write: such is what arrives from the exchange, on average."""
ROWS: Final = 50
"""Trades of a snapshot."""
_CHECKSUM = re.compile(rb'(?<="checksum":)\d+')
_SYMBOL = re.compile(rb'"symbol":"([^"]+)"')

Topic = tuple[str, str | None]
"""A channel, and a symbol where it has any."""


class Script:
    """What a subscriber of one topic is sent."""

    def __init__(self, snapshot: bytes) -> None:
        """Begin with the snapshot, as a payload."""
        self.snapshot = snapshot
        self.updates: list[bytes] = []
        self.at = 0
        self.on = False

    def begin(self, channel: str, *, snapshot: bool) -> bytes:
        """Somebody subscribed: give the snapshot to begin with, nothing where none is wanted."""
        self.on = True
        if not snapshot:
            self.at = 0
            return b""
        if channel != "trade":
            self.at = 0
            return self.snapshot
        sent = [self.snapshot, *self.updates[max(0, self.at - ROWS) : self.at]]
        rows = b"},{".join(_rows(payload) for payload in sent).split(b"},{")[-ROWS:]
        head = b'{"channel":"trade","type":"snapshot","data":['
        return head + b"},{".join([b"{" + rows[0].lstrip(b"{"), *rows[1:]]) + b"}]}"


def _rows(payload: bytes) -> bytes:
    """Give what stands between the first brace and the last one of the data."""
    return payload[payload.index(b'"data":[') + 9 : -3]


class Stage:
    """All scripts, and the order in which they are played."""

    def __init__(self, frames: tuple[bytes, ...], rate: float) -> None:
        """Sort frames, snapshots first, into the scripts of their topics."""
        self.rate = rate
        self.playing = rate == 0
        self.scripts: dict[Topic, Script] = {}
        self.order: list[Topic] = []
        self.spoil: str | None = None
        self.spoiled_at = 0.0
        self.sent = Counter[str]()
        self.late_s = 0.0
        self.client: Client | None = None
        for frame in frames:
            topic = _topic(frame)
            script = self.scripts.get(topic)
            if script is None:
                self.scripts[topic] = Script(frame)
            else:
                script.updates.append(frame)
                self.order.append(topic)

    def next(self, topic: Topic) -> bytes | None:
        """Give the next frame of a topic, or None where there is none."""
        script = self.scripts[topic]
        if not script.on or script.at == len(script.updates):
            return None
        payload = script.updates[script.at]
        script.at += 1
        channel, symbol = topic
        if channel == "book" and symbol == self.spoil:
            self.spoil, self.spoiled_at = None, time.monotonic()
            payload = _CHECKSUM.sub(lambda found: b"%d" % (int(found[0]) ^ 1), payload)
        self.sent[f"{channel} {symbol}"] += 1
        return framed(payload)

    def everything(self) -> bytes:
        """All updates in one piece."""
        at = dict.fromkeys(self.scripts, 0)
        pieces = []
        for topic in self.order:
            pieces.append(framed(self.scripts[topic].updates[at[topic]]))
            at[topic] += 1
        return b"".join(pieces)


def _topic(frame: bytes) -> Topic:
    channel = frame[12 : frame.index(b'"', 12)].decode()
    if channel in ACCOUNT:
        return channel, None
    found = _SYMBOL.search(frame)
    assert found is not None  # noqa: S101 - what a market makes has one
    return channel, found[1].decode()


class Client(flood_server.Client):
    """One connection: requests are answered by one thread, updates sent by another."""

    def __init__(self, connection: socket.socket, stage: Stage, piece: bytes) -> None:
        """Play ``stage``; ``piece`` is all of it, where it is to be sent in one."""
        super().__init__(connection)
        self._stage = stage
        self._piece = piece
        self._lock = threading.Lock()
        self.gone = False

    def play(self) -> None:
        """Do everything, until the client hangs up or is cut off."""
        stage = self._stage
        self._upgrade()
        for script in stage.scripts.values():
            script.on = False
        stage.client = self
        stage.sent.clear()
        stage.late_s = 0.0
        self._connection.sendall(framed(status_frame(connection_id=2**53 + 1)))
        if stage.rate:
            threading.Thread(target=self._pace, daemon=True).start()
        try:
            self._answer_all()
        finally:
            self.gone = True

    def cut(self) -> None:
        """Drop the line."""
        self.gone = True
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def _answer_all(self) -> None:
        stage = self._stage
        while True:
            opcode, payload = self._read()
            if opcode == CLOSE:
                self._send(framed(payload[:2], CLOSE))
                return
            if opcode == PING:
                self._send(framed(payload, PONG))
            if opcode != TEXT:
                continue
            request = json.loads(payload)
            if request["method"] == "ping":
                pong = pong_frame(time.time_ns(), req_id=request.get("req_id"))
                self._send(framed(pong))
                continue
            with self._lock:
                self._connection.sendall(self._answers(request))
                if not stage.rate and all(script.on for script in stage.scripts.values()):
                    self._connection.sendall(self._piece)

    def _answers(self, request: dict[str, Any]) -> bytes:
        """Give all that is said to a request, in one piece."""
        params, method = request["params"], request["method"]
        params.pop("token", None)
        now, req_id = time.time_ns(), request.get("req_id")
        pieces = []
        channel = params["channel"]
        for symbol in params.pop("symbol", [None]):
            result = params if symbol is None else {**params, "symbol": symbol}
            acknowledged = success_frame(method, result, now, req_id=req_id)
            pieces.append(framed(acknowledged))
            script = self._stage.scripts[channel, symbol]
            if method == "subscribe":
                snapshot = script.begin(channel, snapshot=params.get("snapshot", True))
                if snapshot:
                    pieces.append(framed(snapshot))
            else:
                script.on = False
        return b"".join(pieces)

    def _send(self, data: bytes) -> None:
        with self._lock:
            self._connection.sendall(data)

    def _pace(self) -> None:
        """Send what is due, ``PIECE`` frames to a write."""
        stage = self._stage
        while not (stage.playing or self.gone):
            time.sleep(0.001)
        began = time.monotonic()
        for start in range(0, len(stage.order), PIECE):
            pause = began + start / stage.rate - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            else:
                stage.late_s = max(stage.late_s, -pause)
            with self._lock:
                frames = map(stage.next, stage.order[start : start + PIECE])
                if self.gone:
                    return
                try:
                    self._connection.sendall(b"".join(filter(None, frames)))
                except OSError:
                    return


def obey(stage: Stage, server: socket.socket) -> None:
    """Do as one is told, for one who tells after the other."""
    while True:
        connection, _ = server.accept()
        with connection, connection.makefile("rw", encoding="ascii") as lines:
            for line in lines:
                lines.write(json.dumps(_done(stage, line.strip())) + "\n")
                lines.flush()


def _done(stage: Stage, command: str) -> object:
    word, _, symbol = command.partition(" ")
    match word:
        case "play":
            stage.playing = True
        case "cut":
            assert stage.client is not None  # noqa: S101 - somebody came, or asks too early
            at = time.monotonic()
            stage.client.cut()
            return at
        case "corrupt":
            stage.spoil = symbol
        case "spoiled":
            return stage.spoiled_at
        case "told":
            return stage.sent
        case "late":
            return stage.late_s
        case "cpu":
            return time.process_time()
        case _:
            raise ValueError(command)
    return None


# What is played


def make_market(play: str, pairs: int, depth: int, steps: int) -> tuple[bytes, ...]:
    """Make all frames of a market; snapshots come first."""
    chosen = [replace(pair, levels=max(pair.levels, depth)) for pair in market_pairs(pairs)]
    market = Market(chosen, seed=1, start=time.time_ns())
    symbols = market.symbols
    channels = (
        (Channel.level3(*symbols, depth=depth),)
        if play == "level3"
        else (Channel.book(*symbols, depth=depth), Channel.trades(*symbols, snapshot=True))
    )
    return build_flood(market, steps, *channels).frames


async def make_account(play: str, orders: int) -> tuple[bytes, ...]:
    """Make all frames of one channel of an account: each order is filled in two parts.

    A simulated exchange makes them, for a client of its own; what it sent is what is kept.
    """
    async with open_exchange(seed=1, ledger=2**62) as exchange:
        account = exchange.account
        account.deposit("USD", Decimal(10**12))
        config = KrakenConfig(api_key=exchange.api_key, api_secret=exchange.api_secret)
        async with (
            open_kraken(config, dial=exchange.dial, rest=exchange.rest) as feed,
            feed.subscribe(getattr(Channel, play)(), stream=False),
        ):
            for number in range(orders):
                pending, _ = account.place("BTC/USD", "buy", QTY, Decimal(60_000))
                account.fill(pending.order_id, QTY * 2 / 5)
                account.fill(pending.order_id)
                if number % 100 == 0:
                    await trio.testing.wait_all_tasks_blocked()
            await trio.testing.wait_all_tasks_blocked()
        return tuple(entry.frame for entry in exchange.ledger if entry.channel == play)


def main(words: list[str]) -> None:
    """Make the frames, and let clients come."""
    play, pairs, depth, steps, rate = words
    if play in ACCOUNT:
        frames = trio.run(make_account, play, int(steps))
    else:
        frames = make_market(play, int(pairs), int(depth), int(steps))
    stage = Stage(frames, float(rate))
    piece = b"" if stage.rate else stage.everything()
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_server(("127.0.0.1", 0)) as orders,
    ):
        threading.Thread(target=obey, args=(stage, orders), daemon=True).start()
        print(server.getsockname()[1], orders.getsockname()[1], len(stage.order), flush=True)
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection, contextlib.suppress(OSError):
                Client(connection, stage, piece).play()


# For those who watch it


class Director:
    """Tells a stage what to do. It blocks for the moment that the answer takes."""

    def __init__(self, port: int) -> None:
        """Connect to the port for commands."""
        connection = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._lines = connection.makefile("rw", encoding="ascii")

    def __call__(self, command: str) -> Any:
        """Give a command, and what was answered."""
        self._lines.write(command + "\n")
        self._lines.flush()
        return json.loads(self._lines.readline())


@contextmanager
def staged(play: str, *, pairs: int, depth: int, steps: int, rate: float) -> Iterator[list[str]]:
    """Run a stage in a process of its own: its URL, the port for commands, and how many updates."""
    command = [sys.executable, Path(__file__), play, pairs, depth, steps, rate]
    with subprocess.Popen(  # noqa: S603 - our own words
        [*map(str, command)], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None  # noqa: S101 - it is a pipe
        try:
            port, orders, updates = server.stdout.readline().split()
            yield [f"ws://localhost:{port}/0/v2", orders, updates]
        finally:
            server.kill()


if __name__ == "__main__":
    main(sys.argv[1:])

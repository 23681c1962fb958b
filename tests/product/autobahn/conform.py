"""Does the tap cost anything of RFC 6455? The Autobahn fuzzing server asks the same of two clients.

``python conform.py SERVER...``, where SERVER is the command that ``wstest`` is. It runs the cases
1 to 7 against a client that echoes through this library's transport and one that does so with
trio-websocket alone, prints what came out as the page that ``--page`` names, and exits with 1
where ours does worse in any case. ``nox -s autobahn`` installs everything, and calls it.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import socket
import subprocess
import sys
import tempfile
from collections import Counter, deque
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import trio
from trio_websocket import ConnectionClosed, HandshakeError, open_websocket_url

from kraken_trio import KrakenError, Timestamp
from kraken_trio._internal.model.endpoint import Endpoint
from kraken_trio._internal.shell import connection as transport
from kraken_trio._internal.shell.dial import TcpDial

GROUPS: Final = {
    "1": "text and binary messages of every size",
    "2": "pings and pongs",
    "3": "reserved bits",
    "4": "reserved opcodes",
    "5": "fragments",
    "6": "UTF-8",
    "7": "closing",
}
OURS, ALONE = "kraken_trio", "trio-websocket alone"
RANK: Final = {"OK": 0, "INFORMATIONAL": 0, "NON-STRICT": 1, "FAILED": 2}
"""How bad an outcome is. Anything else, such as ``UNCLEAN`` for a close, is as bad as a failure."""
ENOUGH: Final = 1000
"""More messages than any case has."""
CASE_S: Final = 10.0
"""Longer than any case lasts."""
FAILED: Final = "FAILED"
ROUNDS: Final = 5
"""How often what the suite missed is run again."""

Outcomes = dict[str, tuple[str, str]]
"""By case: what became of it, and of its close."""


class OpcodeStream(trio.abc.Stream):
    """Notes whether each message was binary, which an echo must be, too, and the tap tells nobody.

    It reads headers only, of frames as they ought to be: of others nothing is echoed anyway.
    """

    def __init__(self, stream: trio.abc.Stream, binary: deque[bool]) -> None:
        """Note it in ``binary``, when the last frame of the message begins."""
        self._stream = stream
        self._binary = binary
        self._seen = b""
        self._answered = False
        self._begun = 0

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Read, and look at what there is."""
        data = bytes(await self._stream.receive_some(max_bytes))
        self._seen += data
        if not self._answered and b"\r\n\r\n" in self._seen:
            self._answered = True
            self._seen = self._seen.split(b"\r\n\r\n", 1)[1]
        while self._answered and len(self._seen) >= 2:
            size, header = self._seen[1] & 0x7F, 2
            if size >= 126:
                header = 4 if size == 126 else 10
                size = int.from_bytes(self._seen[2:header], "big")
            if len(self._seen) < header + size:
                break
            opcode, final = self._seen[0] & 0x0F, self._seen[0] & 0x80
            if 0 < opcode < 8:
                self._begun = opcode
            if opcode < 8 and final:
                self._binary.append(self._begun == 2)
            self._seen = self._seen[header + size :]
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send it."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """As the stream below."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the stream below."""
        await self._stream.aclose()


async def echo_through_the_tap(port: int, path: str, heard: list[bytes]) -> None:
    """Echo over this library's own transport, until the server closes."""
    binary: deque[bool] = deque()
    into, out = trio.open_memory_channel[bytes | str](ENOUGH)

    async def dial(host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        return OpcodeStream(await TcpDial()(host, port, tls=tls), binary)

    def sink(payload: bytes, _at: Timestamp) -> None:
        heard.append(payload)
        into.send_nowait(payload if binary.popleft() else payload.decode())

    async def answer(connection: transport.Connection) -> None:
        with suppress(ConnectionClosed):
            async for message in out:
                # What the library itself sends is always text.
                await connection._websocket.send_message(message)

    # The suite needs a query, which the library refuses everywhere else: it may hold a secret.
    endpoint = Endpoint("127.0.0.1", port, path, tls=False)
    vars(transport)["parse_endpoint"] = lambda *_, **__: endpoint
    with suppress(KrakenError):
        async with (
            transport.open_connection(
                "", dial=dial, sink=sink, now=lambda: Timestamp(0)
            ) as connection,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(answer, connection)
            try:
                await connection.wait_closed()
            except KrakenError:
                nursery.cancel_scope.cancel()


async def echo_alone(port: int, path: str, heard: list[bytes]) -> None:
    """Echo over trio-websocket as it is, until the server closes."""
    with suppress(ConnectionClosed, HandshakeError):
        async with open_websocket_url(f"ws://127.0.0.1:{port}{path}") as websocket:
            while True:
                message = await websocket.get_message()
                heard.append(message if isinstance(message, bytes) else message.encode())
                await websocket.send_message(message)


CLIENTS: Final = {OURS: echo_through_the_tap, ALONE: echo_alone}
"""Whose cases are compared."""


async def run_cases(port: int, folder: Path) -> None:
    """Let both clients go through all cases, and have the reports written.

    Now and then the suite misses the end of a case, or its answer to an upgrade is missed, by
    either: those cases are run again.
    """
    said = await ask(port, "/getCaseCount")
    numbers = [f"case={number}" for number in range(1, int(said) + 1)]
    wanted = dict.fromkeys(CLIENTS, numbers)
    for _ in range(ROUNDS):
        for agent, cases in wanted.items():
            name = agent.replace(" ", "%20")
            for case in cases:
                with trio.move_on_after(CASE_S):
                    await CLIENTS[agent](port, f"/runCase?{case}&agent={name}", [])
            await ask(port, f"/updateReports?agent={name}")
        outcomes = read_outcomes(folder)
        every = {case for found in outcomes.values() for case in found}
        if all(len(found) == len(numbers) for found in outcomes.values()):
            # Whether bytes come in one piece is chance, which some cases depend on.
            wanted = {OURS: [f"casetuple={case}" for case in worse(outcomes)]}
            if not wanted[OURS]:
                return
            continue
        wanted = {
            agent: [f"casetuple={case}" for case in every - found.keys()]
            for agent, found in outcomes.items()
        }
    if wanted.keys() != {OURS}:
        raise AssertionError(f"no outcome of {wanted}")


async def ask(port: int, path: str) -> bytes:
    """Ask the suite itself for something, until it answers or hangs up."""
    for _ in range(ROUNDS):
        said: list[bytes] = []
        with trio.move_on_after(CASE_S):
            await echo_alone(port, path, said)
            return said[0] if said else b""
    raise AssertionError(f"no answer to {path}")


async def serve_and_run(server: list[str], folder: Path) -> None:
    """Run ``wstest`` in ``folder`` for as long as the cases take."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    cases = [f"{group}.*" for group in GROUPS]
    spec = {"url": f"ws://127.0.0.1:{port}", "outdir": str(folder / "reports"), "cases": cases}
    (folder / "spec.json").write_text(json.dumps({**spec, "exclude-cases": []}))
    command = [*server, "-m", "fuzzingserver", "-s", "spec.json", "-u", "0"]
    async with trio.open_nursery() as nursery:
        log = (folder / "server.log").open("wb")
        run = partial(trio.run_process, command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        nursery.start_soon(run)
        with trio.fail_after(60):
            while True:
                try:
                    await trio.aclose_forcefully(await trio.open_tcp_stream("127.0.0.1", port))
                except OSError:
                    await trio.sleep(0.2)
                else:
                    break
        await run_cases(port, folder)
        nursery.cancel_scope.cancel()


def read_outcomes(folder: Path) -> dict[str, Outcomes]:
    """Give what the suite found, for each client."""
    index = json.loads((folder / "reports" / "index.json").read_text())
    return {
        agent: {case: (each["behavior"], each["behaviorClose"]) for case, each in cases.items()}
        for agent, cases in index.items()
    }


def worse(outcomes: Mapping[str, Outcomes]) -> list[str]:
    """Give the cases in which ours is of a worse class, in the message or in the close."""
    ours, alone = outcomes[OURS], outcomes[ALONE]
    assert ours.keys() == alone.keys()
    return [
        case
        for case in ours
        if any(
            RANK.get(mine, RANK[FAILED]) > RANK.get(theirs, RANK[FAILED])
            for mine, theirs in zip(ours[case], alone[case], strict=True)
        )
    ]


def numbers(case: str) -> list[int]:
    """Give what a case is sorted by."""
    return [int(part) for part in re.findall(r"\d+", case)]


def page(outcomes: Mapping[str, Outcomes]) -> str:
    """Write the page that docs/conformance.md is."""
    words = ("OK", "NON-STRICT", "INFORMATIONAL", "FAILED")
    python = f"CPython {platform.python_version()}"
    libraries = ", ".join(f"{name} {version(name)}" for name in ("trio", "trio-websocket"))
    lines = [
        "# Conformance",
        "",
        "Data frames never reach trio-websocket here: the tap splits them itself. So the fuzzing",
        "server of the Autobahn test suite, version 0.8.2, asks the same of two clients that echo",
        "what they are sent: one through this library's own transport, one with trio-websocket",
        "alone. `nox -s autobahn` does it again, fails where ours is of a worse class than the",
        "other, and writes this page; it needs a Python 2.7, and is skipped without one.",
        f"This was {python}, {libraries}.",
        "",
        "| cases | about | " + " | ".join(f"{agent}: {', '.join(words)}" for agent in outcomes),
        "|---|---|" + "---|" * len(outcomes),
    ]
    lines[-2] += " |"
    for group, about in {**GROUPS, "": "all"}.items():
        cells = []
        for found in outcomes.values():
            count = Counter(word for case, (word, _) in found.items() if case.startswith(group))
            cells.append(", ".join(str(count[word]) for word in words))
        lines.append(f"| {group + '.*' if group else ''} | {about} | " + " | ".join(cells) + " |")
    cases = sorted({case for found in outcomes.values() for case in found}, key=numbers)
    lines += [
        "",
        "What is not OK, or not closed as it should be, with either:",
        "",
        "| case | " + " | ".join(outcomes) + " |",
        "|---|" + "---|" * len(outcomes),
    ]
    for case in cases:
        told = [found[case] for found in outcomes.values()]
        if set(told) != {("OK", "OK")}:
            cells = [f"{word}, close {close}" for word, close in told]
            lines.append(f"| {case} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "*Non-strict* is a fault that ended the connection before what stood in front of it was",
        "echoed, where both came in one piece; so a few cases differ from run to run, and those in",
        "which ours came out worse are run again, up to four times.",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run it, write the page, say whether all is well."""
    parser = argparse.ArgumentParser(description="See what the tap costs of RFC 6455.")
    parser.add_argument("--page", type=Path, help="where to write what came out")
    parser.add_argument("server", nargs=argparse.REMAINDER, help="the command that wstest is")
    given: Any = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trio.run(serve_and_run, given.server, folder)
        outcomes = read_outcomes(folder)
    outcomes = {agent: outcomes[agent] for agent in (OURS, ALONE)}
    text = page(outcomes)
    sys.stdout.write(text)
    if given.page is not None:
        given.page.write_text(text)
    lost = worse(outcomes)
    if lost:
        sys.stderr.write(f"ours does worse in {', '.join(lost)}\n")
    return bool(lost)


if __name__ == "__main__":
    raise SystemExit(main())

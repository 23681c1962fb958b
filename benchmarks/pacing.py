"""What the benchmarks of pace share: what a server is to send, and how late it was in hand.

Runs in any environment: nothing of ours is imported here, and nothing of a rival's.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import tempfile
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NANOSECONDS = 10**9
NOT_INSTALLED = 3
"""The exit code of a client that cannot be run here."""
TIMEOUT_S = 300
"""For a client. The longest plan takes a minute."""


@dataclass(frozen=True)
class Plan:
    """What one client is sent, once it has subscribed."""

    messages: int
    """So many."""
    rate: float = 0
    """So many a second, on average; 0 for as fast as the client reads."""
    per_write: int = 1
    """Messages to a write, on average: from 1 to one less than twice as many."""
    burst: float = 1
    """How many times as fast messages come in a burst."""
    burst_s: float = 0
    """How long a burst lasts; 0 for none."""
    period_s: float = 1
    """There is one in each period."""


@dataclass(frozen=True)
class Wanted:
    """What a server is to have ready."""

    pairs: int
    """Of the market."""
    plans: tuple[Plan, ...]
    """What clients can choose from."""
    trades: bool = False
    """Whether there are trades beside the books."""
    depth: int = 10
    """Of the books."""
    seed: int = 1
    """Of the market."""
    step_ns: int = 180_000
    """Of the market's time, from one message or two to the next."""


class Sent:
    """What a client was sent: when each message was due, and when it went."""

    def __init__(self, due: Sequence[int], went: Sequence[int], ends: Sequence[int]) -> None:
        """Take what is known of writes."""
        self.due: list[int] = []
        """Of each message, nanoseconds."""
        self.went: list[int] = []
        """Likewise: the moment before the write."""
        for write, end in enumerate(ends):
            count = end - len(self.due)
            self.due += [due[write]] * count
            self.went += [went[write]] * count

    @property
    def late_ns(self) -> int:
        """How late the latest message went."""
        return max(went - due for went, due in zip(self.went, self.due, strict=True))


class Server:
    """A server in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Wait until it listens."""
        self._process = process
        ready = json.loads(self._line())
        self.url: str = ready["url"]
        """Where it is, without a path: that is the number of a plan."""
        self.symbols: list[str] = ready["symbols"]
        """What there is."""
        self.topics: list[tuple[str, str, int, int]] = [*map(tuple, ready["topics"])]
        """Of each message: the channel, the symbol, its time, and how many trades are in it."""
        self.trust = ["--trust", ready["trust"]] if ready["trust"] else []
        """What a client must be told besides."""

    def sent(self) -> Sent:
        """What the client was sent that was served last."""
        return Sent(*read_numbers(Path(self._line()), 3))

    def _line(self) -> str:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        line = self._process.stdout.readline()
        if not line:
            sys.exit("the server ended")
        return line.strip()


def _numbers(data: bytes) -> array[int]:
    numbers: array[int] = array("q")
    numbers.frombytes(data)
    return numbers


@contextmanager
def serving(wanted: Wanted, *, tls: bool = False) -> Iterator[Server]:
    """Run a server, and tell where it is."""
    with tempfile.TemporaryDirectory() as folder:
        given = json.dumps(asdict(wanted))
        command = [sys.executable, str(HERE / "pacing_server.py"), given, folder]
        with subprocess.Popen(  # noqa: S603 - our own words
            [*command, "--tls"] if tls else command, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield Server(process)
            finally:
                process.kill()


def run(script: str, *words: object, python: object = sys.executable) -> Any:
    """Run a client to its end: what it reports, or None where it is not installed."""
    command = [str(python), str(HERE / script), *map(str, words)]
    ran = subprocess.run(  # noqa: S603 - our own words
        command, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT_S, check=False
    )
    if ran.returncode == NOT_INSTALLED:
        return None
    if ran.returncode:
        sys.exit(f"{' '.join(command[1:3])} failed with exit code {ran.returncode}")
    return json.loads(ran.stdout.splitlines()[-1])


def read_numbers(path: Path, lists: int) -> list[array[int]]:
    """Read as many lists of numbers, equally long, as stand in a file one behind the other."""
    numbers = _numbers(path.read_bytes())
    each = len(numbers) // lists
    return [numbers[each * number : each * (number + 1)] for number in range(lists)]


def in_hand(
    messages: Sequence[tuple[str, int]], times: Sequence[int], moments: Sequence[int]
) -> list[int] | None:
    """Give when the consumer knew what each message said; None where it never did.

    Of a message its symbol and time are given; ``times`` and ``moments`` are of the records, as
    they came. Where updates are merged, a message is in hand with the first record of its symbol
    that is not older.
    """
    symbols = {at: symbol for symbol, at in messages}
    records: dict[str, deque[tuple[int, int]]] = {symbol: deque() for symbol, _ in messages}
    for at, moment in zip(times, moments, strict=True):
        records[symbols[at]].append((at, moment))
    result: list[int] = []
    for symbol, at in messages:
        own = records[symbol]
        while own and own[0][0] < at:
            own.popleft()
        if not own:
            return None
        result.append(own[0][1])
    return result


def trusting(path: str | None) -> ssl.SSLContext | None:
    """Make a context for clients that trusts one certificate."""
    return ssl.create_default_context(cafile=path) if path else None


def quantile(ordered: Sequence[float], share: float) -> float:
    """Give the value that this share of them do not exceed; they are in order."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def quantiles(values: Iterable[float]) -> dict[str, float]:
    """Give the usual ones."""
    ordered = sorted(values)
    return {
        "p50": quantile(ordered, 0.5),
        "p99": quantile(ordered, 0.99),
        "p99.9": quantile(ordered, 0.999),
        "max": ordered[-1],
    }

"""Ctrl-C at any moment ends a program with a feed: at once, cleanly, and as Ctrl-C."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import trio
import trio.testing

import kraken_trio
from kraken_trio import BookSnapshot, Gap, KrakenConfig, open_kraken
from kraken_trio.testing import Exchange, open_exchange

CONFIGS = {
    "v2": KrakenConfig(endpoint="wss://exchange.test/v2", jitter=0.0),
    "v1": KrakenConfig(endpoint="wss://exchange.test/", protocol="v1", jitter=0.0),
}
OURS = tuple(
    str(Path(kraken_trio.__file__).parent / "_internal" / room)
    for room in ("core", "engine", "shell")
)
LINES_APART = {"v2": 61, "v1": 157}
"""So many lines from one moment to the next: a prime, so that loops are met everywhere. Fewer
moments where most of the code is the same.
"""


class Interrupter:
    """Sends this process a SIGINT when the n-th line of our code is about to run."""

    def __init__(self, lines: int) -> None:
        """Interrupt before that many lines more."""
        self.lines = lines
        self.grouped = False

    def __call__(self, frame: FrameType, event: str, _: object) -> Any:
        """Trace calls into our code, and count its lines; no other code is slowed down."""
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        if event == "line":
            self.lines -= 1
            if self.lines == 0:
                signal.raise_signal(signal.SIGINT)
        return self


@contextmanager
def tracing(interrupter: Interrupter) -> Iterator[None]:
    """Count lines in the block; whatever traced before, such as coverage, goes on after it."""
    before = sys.gettrace()
    sys.settrace(interrupter)
    try:
        yield
    finally:
        sys.settrace(before)


async def use_a_feed(exchange: Exchange, config: KrakenConfig) -> None:
    """Open, subscribe, consume, resync, reconnect, leave."""
    async with open_kraken(config, dial=exchange.dial) as feed:
        feed.on(Gap, lambda _: None)
        async with feed.book("BTC/USD") as book, feed.trades("BTC/USD", "NO/PE"):
            for trouble in ("none", "checksum", "cut"):
                match trouble:
                    case "checksum":
                        exchange.connections[0].corrupt_next_book("BTC/USD")
                    case "cut":
                        exchange.connections[0].drop()
                while not isinstance(await book.receive(), BookSnapshot):
                    pass


async def program(interrupter: Interrupter, config: KrakenConfig) -> None:
    """Use a feed of an exchange in the same program."""
    async with open_exchange(seed=1, rate=100) as exchange:
        try:
            with tracing(interrupter):
                with trio.fail_after(60):
                    await use_a_feed(exchange, config)
        except* KeyboardInterrupt as caught:
            # Where it struck in a task of the feed's, it is not to come in a group: what is caught
            # here alone has one around it, put there to catch it, and no other.
            interrupter.grouped = any(isinstance(e, BaseExceptionGroup) for e in caught.exceptions)
            raise
        finally:
            with trio.CancelScope(shield=True):
                # Not a moment later than the feed may take to say goodbye.
                await trio.sleep(2)
                assert not exchange.connections


def interrupted_at(line: int, protocol: str) -> bool:
    """Run the program; say whether it was interrupted before it was through."""
    interrupter = Interrupter(line)
    clock = trio.testing.MockClock(autojump_threshold=0)
    interrupted = False
    try:
        trio.run(program, interrupter, CONFIGS[protocol], clock=clock)
    except* KeyboardInterrupt:  # The exchange is in the same program, with nurseries of its own.
        interrupted = True
    assert interrupted == (interrupter.lines <= 0)
    assert not interrupter.grouped
    return interrupted


@pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) is not signal.default_int_handler,
    reason="whoever runs these tests has taken Ctrl-C for something else",
)
@pytest.mark.parametrize("protocol", ["v2", "v1"])
def test_ctrl_c_at_any_line_of_ours_ends_the_program(protocol: str) -> None:
    """Wherever it strikes, in a task of the user's or of the feed's: no hang, nothing left."""
    line = 1
    while interrupted_at(line, protocol):
        line += LINES_APART[protocol]
    assert line > 3000

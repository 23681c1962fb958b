"""The command ``replay``: what a feed delivered when it was recorded, once more."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import trio
from cyclopts import Parameter

from kraken_trio import (
    ConnectionState,
    KrakenConfig,
    ProtocolError,
    StateChange,
    Subscription,
    SubscriptionError,
    open_kraken,
)
from kraken_trio._internal.apps.ending import WELL, WRONG, interruptible, interrupts_raise
from kraken_trio._internal.apps.lines import in_json, in_words, is_line
from kraken_trio._internal.apps.options import AsJson, above_zero
from kraken_trio._internal.apps.output import Notes, Output
from kraken_trio._internal.apps.progress import progress_of
from kraken_trio._internal.apps.text import shown
from kraken_trio.extended import CaptureError, replay_capture

BUFFER = 100_000
"""Records that may wait to be written."""


def replay(
    file: Path,
    /,
    *files: Path,
    as_json: AsJson = False,
    speed: Annotated[float | None, Parameter(validator=above_zero)] = None,
) -> Any:
    """Replay a recording: every record and gap that its feed delivered, one line each.

    As fast as it goes, without a clock, through the engine of the live feed: replayed twice, the
    same comes twice. With --speed it is played by a simulated exchange in this program instead, to
    a live feed, so many times as fast as it came.

    What cannot be read is told on standard error, with its line. Exit code 0: all was replayed;
    1: not all could be read; 2: a file could not be read at all.

    For example::

        kraken-trio replay today.jsonl.gz --json
        kraken-trio replay today.0001.jsonl today.0002.jsonl --json
        kraken-trio replay today.jsonl.gz --speed 10

    Parameters
    ----------
    file
        A recording, or any capture file that verify reads.
    files
        Its other parts, in their order.
    as_json
        One JSON object a line. Prices and quantities are strings, with all their digits.
    speed
        Live, so many times as fast as it came; 1 is as it was.
    """
    if speed is None:
        return _offline((file, *files), as_json=as_json)
    return _live((file, *files), speed, as_json=as_json)


def _offline(files: tuple[Path, ...], *, as_json: bool) -> int:
    line = in_json if as_json else in_words
    code = WELL

    def damaged(error: CaptureError) -> None:
        nonlocal code
        code = WRONG
        print(f"{shown(error.path)}, line {error.line}: {shown(error.reason)}", file=sys.stderr)

    with interrupts_raise(), progress_of(files[0]) as progress:
        for replayed in replay_capture(*files, on_damage=damaged, progress=progress):
            match replayed.item:
                case item if is_line(item):
                    print(line(item))
                case ProtocolError() as fault:
                    where = f"{shown(replayed.path)}, line {replayed.line}"
                    print(f"{where}: faulty frame: {shown(str(fault))}", file=sys.stderr)
    return code


def _live(files: tuple[Path, ...], speed: float, *, as_json: bool) -> int:
    @interruptible
    async def play() -> int:
        return await _Live(as_json=as_json).run(files, speed)

    return trio.run(play)


class _Live:
    """A recording played by a simulated exchange to a feed."""

    def __init__(self, *, as_json: bool) -> None:
        self._line = in_json if as_json else in_words
        self._output = Output()
        self._say = Notes().say

    async def run(self, files: tuple[Path, ...], speed: float) -> int:
        """Play it to its end."""
        # Not before it is wanted: other commands start faster without.
        from kraken_trio.testing import open_replay  # noqa: PLC0415

        async with open_replay(*files, speed=speed, end="close") as exchange:
            config = KrakenConfig(
                api_key=exchange.api_key, api_secret=exchange.api_secret, buffer_size=BUFFER
            )
            async with (
                open_kraken(config, dial=exchange.dial, rest=exchange.rest) as feed,
                feed.events() as events,
                trio.open_nursery() as nursery,
            ):
                for channel in exchange.channels:
                    nursery.start_soon(_stay, feed.subscribe(channel, stream=False))
                ended: set[str] = set()
                while not ended >= exchange.doors:
                    left = await self._write(await events.receive_batch())
                    # Where a connection was lost, another follows, until all is played.
                    ended |= left & exchange.ended
                nursery.cancel_scope.cancel()
        return WELL

    async def _write(self, items: list[Any]) -> set[str]:
        """Write what came; give the sessions that lost their connection."""
        lines, left = [], set()
        for item in items:
            match item:
                case StateChange(session=session, to_state=ConnectionState.DEGRADED):
                    left.add(session)
                case SubscriptionError() | ProtocolError():
                    self._say(f"{item}")
                case _ if is_line(item):
                    lines.append(self._line(item))
        if lines:
            await self._output.write(lines)
        return left


async def _stay(subscription: Subscription[Any]) -> None:
    async with subscription:
        await trio.sleep_forever()

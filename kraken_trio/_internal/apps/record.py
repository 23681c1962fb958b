"""The command ``record``: what the exchange sends, written to a file as it comes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import trio
from cyclopts import Parameter, Token

from kraken_trio import (
    Channel,
    ConnectionState,
    Feed,
    Gap,
    ProtocolError,
    RecordChannel,
    StateChange,
    Subscription,
    SubscriptionError,
    open_kraken,
)
from kraken_trio._internal.apps.channels import Name, channels_asked
from kraken_trio._internal.apps.dialling import trusting
from kraken_trio._internal.apps.ending import IMPOSSIBLE, WELL, WRONG, complain, interruptible
from kraken_trio._internal.apps.options import (
    PROTOCOL,
    PUBLIC_URL,
    Authority,
    Seconds,
    configured,
    from_zero,
)
from kraken_trio._internal.apps.output import Notes
from kraken_trio._internal.apps.text import shown
from kraken_trio.extended import (
    Recorder,
    RecordingResumed,
    RecordingStopped,
    TcpDial,
    open_recorder,
)

BUFFER = 20_000
"""Things that may wait to be told."""

_BYTES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZE = re.compile(r"(\d+)\s*([kmg]?i?)b?", re.IGNORECASE)
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)", re.IGNORECASE)


def size_of(type_: object, tokens: tuple[Token, ...]) -> int:  # noqa: ARG001 - as cyclopts calls it
    """Bytes, as 100MB or 64KiB say them."""
    found = _SIZE.fullmatch(tokens[0].value)
    unit = None if found is None else _BYTES.get(found[2].lower())
    if found is None or unit is None or int(found[1]) == 0:
        raise ValueError("Must be a size above 0, such as 100MB or 64KiB.")
    return int(found[1]) * unit


def time_of(type_: object, tokens: tuple[Token, ...]) -> float:  # noqa: ARG001 - as above
    """Seconds, as 90s, 30m, 1h or 1d say them."""
    found = _TIME.fullmatch(tokens[0].value)
    if found is None or float(found[1]) == 0:
        raise ValueError("Must be a time above 0, such as 90s, 30m or 1h.")
    return float(found[1]) * _SECONDS[found[2].lower()]


@interruptible
async def record(
    *symbols: str,
    out: Path,
    channel: Annotated[tuple[Name, ...], Parameter(negative=(), show_default=" ".join)] = (
        "book",
        "trade",
    ),
    depth: int | None = None,
    interval: int | None = None,
    sent: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    rotate_size: Annotated[int | None, Parameter(converter=size_of, accepts_keys=False)] = None,
    rotate_time: Annotated[float | None, Parameter(converter=time_of, accepts_keys=False)] = None,
    url: str = PUBLIC_URL,
    protocol: str = PROTOCOL,
    seconds: Seconds | None = None,
    attempts: Annotated[int, Parameter(validator=from_zero)] = 0,
    ca: Authority = None,
) -> int:
    """Record what the exchange sends, frame by frame, until Ctrl-C.

    The file can be verified, replayed and exported. It never holds a token, key or secret. What
    becomes of the connection, what is missing and what a disk says is told on standard error; the
    last line of standard output sums it up.

    Exit code 0: all that came is in the file; 1: a pair was refused, or not all could be written;
    2: there was no connection, or no file.

    For example::

        kraken-trio record BTC/USD ETH/USD --out today.jsonl.gz
        kraken-trio record BTC/USD --channel book --depth 100 --out b.jsonl --rotate-size 100MB
        kraken-trio record BTC/USD --out b.jsonl.gz --rotate-time 1h --seconds 86400

    Parameters
    ----------
    symbols
        Pairs, such as BTC/USD. The channel instrument takes none.
    out
        The file; compressed if its name ends in .gz. One that is there already stays, and
        rec.0002.jsonl and so on are taken.
    channel
        What of them; may be given more than once.
    depth
        Levels a side of a book: 10, 25, 100, 500 or 1000. 10 unless given.
    interval
        Minutes of a candle: 1, 5, 15, 30, 60, 240, 1440, 10080 or 21600. 1 unless given.
    sent
        Record the requests, too; asterisks stand for tokens.
    rotate_size
        Begin another file when one is as large, such as 100MB: rec.0001.jsonl and so on.
    rotate_time
        Begin another file when one is as old, such as 30m or 1h.
    url
        Which exchange: wss://, or ws:// on this machine.
    protocol
        Which of its protocols: v2, or the older v1, which knows less.
    seconds
        End after so long.
    attempts
        Attempts to connect, in a row, before giving up; 0 for ever.
    ca
        Trust the certificate authorities in this PEM file, and no others.
    """
    config = configured(url, protocol=protocol, buffer_size=BUFFER, max_attempts=attempts or None)
    channels = channels_asked(symbols, channel, depth=depth, interval=interval)
    recording = _Recording()
    limit = trio.CancelScope()
    async with open_recorder(
        out,
        config=config,
        sent=sent,
        rotate_bytes=rotate_size,
        rotate_s=rotate_time,
        on_trouble=recording.trouble,
    ) as recorder:
        try:
            async with open_kraken(
                config, dial=TcpDial(trusting(ca)), observers=[recorder]
            ) as feed:
                with trio.move_on_after(float("inf") if seconds is None else seconds) as limit:
                    await recording.run(feed, channels)
        finally:
            await recorder.aclose()
            recording.sum_up(recorder)
    if limit.cancelled_caught and not recording.connected:
        complain(f"no connection within {seconds:g} s")
        return IMPOSSIBLE
    return recording.code


class _Recording:
    """What is told while a feed is recorded."""

    def __init__(self) -> None:
        """Nothing was told yet."""
        self._say = Notes().say
        self._subscriptions: list[Subscription[Any]] = []
        self.connected = False
        """Whether it ever was."""
        self.code = WELL
        """What it comes to, should it end now."""

    async def run(self, feed: Feed, channels: list[Channel]) -> None:
        """Subscribe, and tell what happens, as long as anything is left."""
        self._subscriptions = [feed.subscribe(channel, stream=False) for channel in channels]
        async with feed.events() as events, trio.open_nursery() as nursery:
            for subscription in self._subscriptions:
                nursery.start_soon(_stay, feed, subscription)
            while any(subscription.parts for subscription in self._subscriptions):
                await self._listen(events)
            nursery.cancel_scope.cancel()
        complain("nothing is left to record")

    def trouble(self, trouble: RecordingStopped | RecordingResumed) -> None:
        """Tell what a disk says."""
        self.code = WRONG
        match trouble:
            case RecordingStopped(path, reason, lost):
                self._say(f"RECORDING STOPPED: {path}: {reason}; {lost} lines are lost so far")
            case RecordingResumed(path, lost):
                self._say(f"recording goes on in {path}; {lost} lines are lost in all")

    def sum_up(self, recorder: Recorder) -> None:
        """Print what there is."""
        found = recorder.statistics()
        if found.lost:
            self.code = WRONG
        files = ", ".join(map(shown, found.parts))
        print(f"{found.frames} frames, {found.lost} lines lost: {files}")

    async def _listen(self, events: RecordChannel[object]) -> None:
        for item in await events.receive_batch():
            match item:
                case Gap():
                    self._say(f"{item!r}")
                case StateChange(from_state=before, to_state=after) if before is not after:
                    self.connected |= after is ConnectionState.SUBSCRIBING
                    reason = f": {item.reason}" if item.reason else ""
                    said = f"{before.value} -> {after.value} ({item.trigger.value}){reason}"
                    self._say(said)
                case SubscriptionError():
                    self.code = WRONG
                    self._say(f"refused: {item}")
                case ProtocolError():
                    self._say(f"faulty frame: {item}")


async def _stay(feed: Feed, subscription: Subscription[Any]) -> None:
    """Enter a subscription for as long as the task is left alone."""
    try:
        async with subscription:
            await trio.sleep_forever()
    except SubscriptionError:
        if feed.state is ConnectionState.CLOSED:
            await trio.sleep_forever()  # Why, the feed says in a moment, and better.
        if not subscription.refused:
            raise
        # What the exchange refused is an event, too, and told as one.

"""The command ``watch``: a feed, record by record, as lines for people or for programs."""

from __future__ import annotations

from typing import Annotated

import trio
from cyclopts import Parameter

from kraken_trio import (
    Channel,
    ConnectionState,
    Feed,
    Gap,
    ProtocolError,
    RecordChannel,
    SessionTrigger,
    StateChange,
    Subscription,
    SubscriptionError,
    SystemStatus,
    open_kraken,
)
from kraken_trio._internal.apps.channels import Name, channels_asked
from kraken_trio._internal.apps.dialling import trusting
from kraken_trio._internal.apps.ending import IMPOSSIBLE, WELL, WRONG, complain, interruptible
from kraken_trio._internal.apps.lines import in_json, in_words, is_line
from kraken_trio._internal.apps.options import (
    PROTOCOL,
    PUBLIC_URL,
    AsJson,
    Authority,
    Count,
    Seconds,
    configured,
    from_zero,
)
from kraken_trio._internal.apps.output import Notes, Output
from kraken_trio.extended import TcpDial

ROOM = 20_000
"""Records that may wait to be written: a snapshot of all instruments alone is some 2,000."""
AT_ONCE = 500
"""Records that are written at once, so that neither a write nor a pause grows too long."""


@interruptible
async def watch(
    *symbols: str,
    channel: Annotated[tuple[Name, ...], Parameter(negative=(), show_default=" ".join)] = (
        "ticker",
    ),
    depth: int | None = None,
    interval: int | None = None,
    url: str = PUBLIC_URL,
    protocol: str = PROTOCOL,
    as_json: AsJson = False,
    count: Count | None = None,
    seconds: Seconds | None = None,
    attempts: Annotated[int, Parameter(validator=from_zero)] = 10,
    ca: Authority = None,
) -> int:
    """Show what the exchange sends, one line a record, until Ctrl-C.

    Records and the gaps between them go to standard output. What becomes of the connection,
    refusals and faulty frames go to standard error. Every book is verified: a wrong checksum is
    a gap, and a fresh snapshot follows it.

    Exit code 0: it ended as asked for; 1: a pair was refused or given up; 2: there was no
    connection.

    For example::

        kraken-trio watch BTC/USD ETH/USD
        kraken-trio watch BTC/USD --channel trade --count 100
        kraken-trio watch BTC/USD --channel book --depth 100 --json | jq .best_bid.price

    Parameters
    ----------
    symbols
        Pairs, such as BTC/USD. The channel instrument takes none.
    channel
        What of them; may be given more than once.
    depth
        Levels a side of a book: 10, 25, 100, 500 or 1000. 10 unless given.
    interval
        Minutes of a candle: 1, 5, 15, 30, 60, 240, 1440, 10080 or 21600. 1 unless given.
    url
        Which exchange: wss://, or ws:// on this machine.
    protocol
        Which of its protocols: v2, or the older v1, which knows less.
    as_json
        One JSON object a line. Prices and quantities are strings, with all their digits.
    count
        End after so many records; gaps do not count.
    seconds
        End after so long.
    attempts
        Attempts to connect, in a row, before giving up; 0 for ever.
    ca
        Trust the certificate authorities in this PEM file, and no others.
    """
    config = configured(url, protocol=protocol, buffer_size=ROOM, max_attempts=attempts or None)
    channels = channels_asked(symbols, channel, depth=depth, interval=interval)
    dial = TcpDial(trusting(ca))
    watching = Watching(as_json=as_json, count=count)
    async with open_kraken(config, dial=dial) as feed:
        with trio.move_on_after(float("inf") if seconds is None else seconds) as limit:
            return await watching.run(feed, channels)
    if limit.cancelled_caught and not watching.connected:
        complain(f"no connection within {seconds:g} s")
        return IMPOSSIBLE
    return watching.code


class Watching:
    """What is written of a feed, and when there is nothing more to write."""

    def __init__(self, *, as_json: bool, count: int | None) -> None:
        """Write that many records, or without end."""
        self._line = in_json if as_json else in_words
        self._left = count
        self._output = Output()
        self._say = Notes().say
        self._subscriptions: list[Subscription[object]] = []
        self.connected = False
        """Whether it ever was."""
        self.code = WELL
        """What it comes to, should it end now."""

    async def run(self, feed: Feed, channels: list[Channel]) -> int:
        """Subscribe, and write until all that was asked for has come, or none of it will."""
        self._subscriptions = [feed.subscribe(channel, stream=False) for channel in channels]
        async with feed.events() as events, trio.open_nursery() as nursery:
            for subscription in self._subscriptions:
                nursery.start_soon(_stay, feed, subscription)
            await self._write(events)
            nursery.cancel_scope.cancel()
        return self.code

    @property
    def _alive(self) -> bool:
        """Whether there is anything left to watch."""
        return any(subscription.parts for subscription in self._subscriptions)

    async def _write(self, events: RecordChannel[object]) -> None:
        # What ended the last subscription may still wait to be told.
        while self._left != 0 and (self._alive or events.statistics().buffered):
            lines: list[str] = []
            for item in await events.receive_batch(AT_ONCE):
                if self._left == 0:
                    break
                if is_line(item):
                    lines.append(self._line(item))
                    if self._left is not None and not isinstance(item, Gap):
                        self._left -= 1
                else:
                    self._note(item)
            if lines:
                await self._output.write(lines)
        if not self._alive:
            complain("nothing is left to watch")

    def _note(self, item: object) -> None:
        """Say on standard error what is no record."""
        match item:
            case StateChange(trigger=SessionTrigger.SYMBOL_ENDED) if (
                item.from_state is item.to_state
            ):
                pass  # The error says it all.
            case StateChange(trigger=SessionTrigger.CONFIRMED) if not self._alive:
                pass  # All of nothing.
            case StateChange():
                self.connected |= item.to_state is ConnectionState.SUBSCRIBING
                reason = f": {item.reason}" if item.reason else ""
                self._say(
                    f"{item.from_state.value} -> {item.to_state.value} ({self._why(item)}){reason}"
                )
            case SystemStatus():
                self._say(f"the exchange is {item.system}")
            case SubscriptionError():
                self.code = WRONG
                self._say(f"refused: {item}")
            case ProtocolError():
                self._say(f"faulty frame: {item}")

    def _why(self, change: StateChange) -> str:
        """What made a transition; of those who answered after a refusal: that these are not all."""
        if change.trigger is SessionTrigger.CONFIRMED and self.code == WRONG:
            return "all others confirmed"
        return change.trigger.value


async def _stay(feed: Feed, subscription: Subscription[object]) -> None:
    """Enter a subscription for as long as the task is left alone."""
    try:
        async with subscription:
            await trio.sleep_forever()
    except SubscriptionError:
        if ConnectionState.CLOSED in feed.states.values():
            await trio.sleep_forever()  # Why, the feed says in a moment, and better.
        if not subscription.refused:
            raise
        # What the exchange refused is an event, too, and told as one.

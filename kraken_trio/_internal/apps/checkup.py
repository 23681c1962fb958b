"""A check of what lies between here and the exchange, step by step, told as it is known.

Knows the steps that a feed takes once there are bytes to exchange; those before are ``probes``.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import trio

from kraken_trio import (
    BookSnapshot,
    Channel,
    ConnectionLost,
    ConnectionState,
    Feed,
    KrakenConfig,
    KrakenError,
    Level,
    RecordChannel,
    StateChange,
    SubscriptionError,
    SystemStatus,
    UpgradeRefused,
    open_kraken,
)
from kraken_trio._internal.apps.probes import (
    Failure,
    Target,
    connect,
    described,
    look_up,
    secure,
)
from kraken_trio._internal.apps.text import digits, shown
from kraken_trio._internal.apps.witness import Witness

STEPS: Final = ("name", "TCP", "TLS", "upgrade", "status", "book", "clock")
"""What is tried, in this order. The first four each need the one before."""
MOST_SKEW_S: Final = 1.0
"""Between the exchange's clock and ours, before it is a fault."""

MOMENT_S: Final = 0.5
"""For a feed to end after its last attempt; it needs no time but the machine's."""
MARGIN: Final = 11
"""Before what is to be done: under the outcome of the step."""
LEAST_WIDTH: Final = 24
"""Of what is to be done, however narrow the terminal is."""

_NETWORK = "A firewall or a proxy may be in the way; try again, or from elsewhere"
_WRONG = "What arrives is not what was sent: try again, and from elsewhere; then report it"
_BUSY = "It cannot serve now: look at its status page, and try again later"
_TOO_SLOW: Final = {
    "name": ("the name servers did not answer", "Check the network and this machine's resolver"),
    "TCP": ("nobody answered", _NETWORK),
    "TLS": ("the handshake was not finished", _NETWORK),
    "upgrade": ("no answer came to the request for a WebSocket", _NETWORK),
    "status": ("the exchange did not say how it is", "Check that the URL is one of protocol v2"),
    "book": ("no snapshot came", "Check the pair, or try another one with --symbol"),
}
_REFUSED: Final = {
    403: "This address is barred: a VPN, a data centre, or a country that is not served",
    404: "Check the path of the URL: protocol v2 is at /v2",
    429: "Too many connections were made from this address: wait ten minutes, then make fewer",
}
_UNABLE: Final = range(500, 600)

T = TypeVar("T")


class Checkup:
    """The steps: what each comes to, told as soon as it is known."""

    def __init__(self, config: KrakenConfig, channel: Channel, timeout_s: float) -> None:
        """Nothing was tried yet; no step takes longer than ``timeout_s``."""
        self.failed = False
        """Whether any step did."""
        self._witness = Witness()
        self._config = config
        self._channel = channel
        self._timeout_s = timeout_s
        self._steps = list(STEPS)
        self._began = trio.current_time()

    async def run(self, target: Target) -> None:
        """Take the steps, as far as they go. Raises what ends a feed."""
        if await self._take(look_up(target), str) is None:
            return
        tcp = await self._take(connect(target), lambda _: f"port {target.port} answers")
        if tcp is None:
            return
        async with tcp:
            stream: trio.abc.Stream | None = tcp
            if target.context is None:
                self._say("none", "everybody on the way can read and change what is sent")
            else:
                stream = await self._take(secure(target.host, target.context, tcp), described)
            if stream is not None:
                await self._talk(stream)

    def fail(self, failure: Failure) -> None:
        """The step at hand failed, and why."""
        self.failed = True
        words, mend = failure.words, failure.mend
        if self._witness.wrong_checksums:  # Then nothing else matters.
            words += f"; {self._witness.wrong_checksums} checksums were wrong"
            mend = _WRONG
        self._say("FAILED", words)
        margin = " " * MARGIN
        width = max(shutil.get_terminal_size().columns, MARGIN + LEAST_WIDTH)
        text = shown(mend)
        print(textwrap.fill(text, width, initial_indent=margin, subsequent_indent=margin))

    def skip_the_rest(self) -> None:
        """What was not tried."""
        for step in self._steps:
            print(f"  {step:9}not tried")

    async def _talk(self, stream: trio.abc.Stream) -> None:
        """Take the steps that a feed takes."""

        async def dial(host: str, port: int, *, tls: bool) -> trio.abc.Stream:  # noqa: ARG001
            await trio.lowlevel.checkpoint()
            return stream

        async with (
            open_kraken(self._config, dial=dial, observers=[self._witness]) as feed,
            feed.events() as events,
        ):
            if await self._take(_upgrade(feed), str) is None:
                return
            await self._take(_status(events), lambda status: f"the exchange is {status.system}")
            await self._take(_snapshot(feed, self._channel), _in_words)
            self._compare_clocks()

    async def _take(self, step: Awaitable[T], words: Callable[[T], str]) -> T | None:
        """Take the next step, and say in ``words`` what it came to; None where it failed."""
        self._began = trio.current_time()
        try:
            with trio.fail_after(self._timeout_s):
                result = await step
        except Failure as failure:
            self.fail(failure)
        except trio.TooSlowError:
            what, mend = _TOO_SLOW[self._steps[0]]
            self.fail(Failure(f"{what} within {self._timeout_s:g} s", mend))
        else:
            self._say("ok", words(result))
            return result
        return None

    def _compare_clocks(self) -> None:
        """The last step: the answers that came already tell it."""
        self._began = trio.current_time()
        if self._witness.skew is None:
            self._say("unknown", "the exchange's answers do not say what time it is")
            return
        ahead_s, unsure_s = self._witness.skew
        off = f"{abs(ahead_s):.3f} s {'behind' if ahead_s > 0 else 'ahead'}"
        words = f"this machine's clock is {off}, give or take {unsure_s:.3f} s"
        if abs(ahead_s) - unsure_s > MOST_SKEW_S:
            mend = "Have it set by a time server (NTP): latencies are wrong until then"
            self.fail(Failure(words, mend))
        else:
            self._say("ok", words)

    def _say(self, outcome: str, words: str) -> None:
        """What the step at hand came to."""
        if self._steps:
            took_ms = 1000 * (trio.current_time() - self._began)
            step = self._steps.pop(0)
            print(f"  {step:9}{outcome:8}{took_ms:5.0f} ms  {shown(words)}", flush=True)


def why_it_ended(error: KrakenError) -> Failure:
    """What it means that a feed ended with this."""
    cause = error.__cause__ or error
    match cause:
        case UpgradeRefused(status=status) if status in _UNABLE:
            mend = _BUSY
        case UpgradeRefused(status=status):
            mend = _REFUSED.get(status, "Check the URL, and whether a proxy is in between")
        case ConnectionLost():
            mend = "Try again; where it happens always, a proxy may be in the way"
        case _:
            mend = (
                "Check that the URL is that of a WebSocket server, and whether it is wss:// there"
            )
    return Failure(str(cause), mend)


async def _upgrade(feed: Feed) -> str:
    """Open the WebSocket."""
    async with feed.events() as events:
        feed.connect()
        async for item in events:
            match item:
                case StateChange(to_state=ConnectionState.SUBSCRIBED):  # To nothing, so far.
                    break
                case StateChange(to_state=ConnectionState.DEGRADED, reason=reason):
                    # It is over, and raised in a moment; unless it is said to be busy: then the
                    # attempt does not count, and the feed would wait and try again.
                    await trio.sleep(MOMENT_S)
                    raise Failure(reason, _BUSY)
    return "a WebSocket is open"


async def _status(events: RecordChannel[object]) -> SystemStatus:
    """Wait until the exchange says how it is."""
    while True:
        item = await events.receive()
        if isinstance(item, SystemStatus):
            if item.system == "maintenance":
                raise Failure("the exchange is in maintenance", "Wait for its end")
            return item


async def _snapshot(feed: Feed, channel: Channel) -> BookSnapshot:
    """Subscribe, and wait for a snapshot that is right."""
    try:
        async with feed.subscribe(channel) as book:
            while True:
                item = await book.receive()
                if isinstance(item, BookSnapshot):
                    return item
    except SubscriptionError as error:
        raise Failure(f"{error}", "Check the pair, or try another one with --symbol") from error


def _in_words(book: BookSnapshot) -> str:
    best = f"bid {_price(book.best_bid)} ask {_price(book.best_ask)}"
    return f"{book.symbol} {best}, the checksum is right"


def _price(level: Level | None) -> str:
    return "-" if level is None else digits(level.price)

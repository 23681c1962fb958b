"""What the demonstration breaks, and what is said of it: what broke, and how it was mended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import trio

from kraken_trio import (
    ConnectionState,
    Feed,
    Gap,
    Restored,
    Resync,
    Subscription,
    SubscriptionError,
)
from kraken_trio._internal.apps.text import shown
from kraken_trio.testing import Chaos, ChaosFault, Exchange, Mishap, chaos

EVERY_S = 1.5
"""From one fault to the next: so that one can read along."""
PATIENCE_S = 20.0
"""For all to be live again in the end."""
SETTINGS: dict[str, Any] = {
    "timeout": 3.0,
    "stale_after": 1.5,
    "heartbeat_interval": 2.0,
    "heartbeat_timeout": 1.0,
    "silent_after": 3.0,
    "max_delay": 1.0,
    "max_attempts": None,
}
"""Less patience than usual, so that there is something to see in a few seconds."""
FAULTS = tuple(
    fault
    for fault in ChaosFault
    # Nothing in it is private; and of a long closed door one sees only that it is closed.
    if fault not in (ChaosFault.AUTH_REFUSAL, ChaosFault.BAN, ChaosFault.MAINTENANCE)
)
_LOOK_S = 0.05


class Ordeal:
    """A feed that is put to the test."""

    def __init__(self, trouble: Chaos) -> None:
        """Tell of nothing yet."""
        self.mended = 0
        """How often something was whole again."""
        self._trouble = trouble

    @property
    def faults(self) -> int:
        """How much went wrong."""
        return len(self._trouble.log)

    def tell(self, feed: Feed, say: Callable[[str], None]) -> None:
        """From now on, say what breaks, what is missing, and what is mended."""

        def broke(mishap: Mishap) -> None:
            say(f"  broke   {mishap.fault.value}: {mishap.what}")

        def missed(gap: Gap) -> None:
            if not gap.local:
                say(f"  missed  {shown(str(gap))}")

        def mended(resync: Resync) -> None:
            self.mended += 1
            what = f"{resync.channel} {shown(resync.symbol or '')}".rstrip()
            say(f"  mended  {what}, after {resync.duration_s:.2f} s: {resync.reason.value}")

        def restored(restored: Restored) -> None:
            self.mended += 1
            say(f"  mended  the connection: all is live again, after {restored.duration_s:.2f} s")

        def gave_up(error: SubscriptionError) -> None:
            say(f"  gave up {shown(str(error))}")

        self._trouble.witness = broke
        feed.on(Gap, missed)
        feed.on(Resync, mended)
        feed.on(Restored, restored)
        feed.on(SubscriptionError, gave_up)

    @staticmethod
    async def follow(
        enter: Callable[[], AbstractAsyncContextManager[Subscription[Any]]],
        add: Callable[[Any], object],
    ) -> None:
        """Take what a subscription brings, for ever: where it is given up, ask for it once more."""
        while True:
            with suppress(SubscriptionError):
                async with enter() as records:
                    async for item in records:
                        add(item)

    async def end(self, feed: Feed, symbols: tuple[str, ...]) -> bool:
        """Break no more, and wait until all is live; give whether it was in time."""
        self._trouble.calm()
        with trio.move_on_after(PATIENCE_S):
            while not _is_live(feed, symbols):  # noqa: ASYNC110 - nobody tells of all of it
                await trio.sleep(_LOOK_S)
            return True
        return False


def _is_live(feed: Feed, symbols: tuple[str, ...]) -> bool:
    """Whether nothing is missing of what is shown."""
    return feed.state is ConnectionState.SUBSCRIBED and all(map(feed.best_bid_ask, symbols))


@asynccontextmanager
async def open_ordeal(exchange: Exchange, seed: int) -> AsyncIterator[Ordeal]:
    """Let things go wrong for those who come to an exchange, as the seed has it."""
    async with chaos(exchange, seed=seed, faults=FAULTS, every_s=EVERY_S) as trouble:
        yield Ordeal(trouble)

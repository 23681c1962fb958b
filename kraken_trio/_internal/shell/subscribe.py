"""One subscription of a program: what it asked for, what became of it, what it receives.

Knows its symbols and its channel; who else shares them, and what is sent for them, is the
feed's matter.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

import trio
from trio.lowlevel import enable_ki_protection

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import SubscriptionError
from kraken_trio._internal.model.gap import Gap, GapHandling
from kraken_trio._internal.model.statistics import SubscriptionStatistics
from kraken_trio._internal.shell.channel import RecordChannel

T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")


class Keeper(Protocol):
    """What a subscription needs of its feed."""

    def enter(self, subscription: Subscription[Any]) -> None:
        """Ask for its parts. Raises ``SubscriptionError``; then nothing was asked for."""
        ...

    def leave(self, subscription: Subscription[Any]) -> None:
        """Ask for its parts no more, at once."""
        ...

    def deadline(self, subscription: Subscription[Any]) -> float:
        """When ``tick`` is next needed because of it."""
        ...

    def tick(self) -> None:
        """Let the conversation see what time it is."""
        ...


class Subscription(trio.abc.ReceiveChannel[T_co], Generic[T_co]):
    """What ``feed.subscribe`` gives: an async context manager, and a channel to receive from.

    Entering it waits until every symbol is answered: live, or refused. With the drop policy BLOCK
    it waits no longer than there is room, for then nothing more is read before something is
    received. It raises ``SubscriptionError`` only where no symbol is left; single refusals stand
    in ``refused`` and are events. Leaving it takes no time: the exchange is told afterwards. It is
    entered once; to try again, ask the feed for another. A second time is a ``RuntimeError``, and
    so is receiving from one that was made with ``stream=False``.

    Receiving gives records and, in band, each ``Gap`` between them. A symbol that ends later
    leaves the others alone; when the last one ends, its error is raised once all that was
    received before has been handed out.
    """

    def __init__(
        self,
        keeper: Keeper,
        channel: Channel,
        records: RecordChannel[T_co] | None,
        handling: GapHandling,
    ) -> None:
        """Nothing is asked for yet. ``records`` is None for one that only feeds callbacks."""
        self.channel = channel
        """What was asked for."""
        self.handling = handling
        """What is done about losses."""
        self.parts: dict[Channel, bool] = dict.fromkeys(channel.parts(), False)
        """What is left of it, symbol by symbol, and whether each is live."""
        self.refused: dict[str | None, SubscriptionError] = {}
        """What ended, by symbol (None for a channel without symbols), with its error."""
        self.records_channel = records
        """What its records go to."""
        self._keeper = keeper
        self._answered = trio.Event()
        self._stirred = trio.Event()
        self._unanswerable: SubscriptionError | None = None
        self._entered = False
        self._left = False

    @enable_ki_protection
    async def __aenter__(self) -> Self:
        """Ask for it, and wait for the answers. Cancelled, it is left again."""
        if self._entered:
            # No ``SubscriptionError``: whoever tries again after one would do so for ever.
            raise RuntimeError(
                f"this {self.channel.name} subscription was entered before: ask for another"
            )
        self._entered = True
        self._keeper.enter(self)
        try:
            await self._answered.wait()
        except BaseException:
            self.close()
            raise
        if self._unanswerable is not None:
            self.close()
            raise self._unanswerable
        if self._left:
            raise trio.ClosedResourceError("was closed while its answers were awaited")
        if self.parts:
            return self
        self.close()
        raise next(iter(self.refused.values()))

    @enable_ki_protection
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave it, without a wait."""
        self.close()

    @enable_ki_protection
    def close(self) -> None:
        """Leave it. What was received already is gone with it. Once is as good as twice."""
        if self.records_channel is not None:
            self.records_channel.close()
        if not self._left:
            self._left = True
            self._keeper.leave(self)
            self._stirred.set()
            self._answered.set()

    async def aclose(self) -> None:
        """As ``close``, with a checkpoint."""
        self.close()
        await trio.lowlevel.checkpoint()

    # What follows gives the channel's own coroutines: one more around each would cost every record.

    def receive(self) -> Coroutine[Any, Any, T_co]:
        """Give the next record or gap; wait for one if there is none.

        Raises ``SubscriptionError`` when all symbols have ended, ``trio.ClosedResourceError``
        after ``close``. Always checks for cancellation, which loses nothing; lets other tasks
        run when it waits, and now and then when it need not.
        """
        return self._channel.receive()

    def __anext__(self) -> Coroutine[Any, Any, T_co]:
        """As ``receive``, for ``async for``; the end ends the loop."""
        return self._channel.__anext__()

    def receive_nowait(self) -> T_co:
        """As ``receive``; ``trio.WouldBlock`` if there is none."""
        return self._channel.receive_nowait()

    def receive_batch(self, limit: int | None = None) -> Coroutine[Any, Any, list[T_co]]:
        """Give all that is there, at least one, at most ``limit``; else as ``receive``."""
        return self._channel.receive_batch(limit)

    def records(self: Subscription[R | Gap]) -> AsyncIterator[R]:
        """Iterate over records alone, without the gaps between them: an explicit choice."""
        return self._channel.records()

    def statistics(self) -> SubscriptionStatistics:
        """How it stands."""
        return SubscriptionStatistics(
            self.channel,
            bool(self.parts) and all(self.parts.values()),
            tuple(symbol for part, live in self.parts.items() if live for symbol in part.symbols),
            tuple(symbol for symbol in self.refused if symbol is not None),
            None if self.records_channel is None else self.records_channel.statistics(),
        )

    @property
    def _channel(self) -> RecordChannel[T_co]:
        if self.records_channel is None:
            raise RuntimeError(
                f"no stream: this {self.channel.name} subscription was made with stream=False"
            )
        return self.records_channel

    @enable_ki_protection
    async def watch(self) -> None:
        """Sleep to its next deadline, until it is left: the task of this subscription.

        A deadline that comes nearer wakes it (``stir``); one that moves away need not.
        """
        while not self._left:
            self._stirred = trio.Event()
            with trio.move_on_at(self._keeper.deadline(self)) as scope:
                await self._stirred.wait()
            if scope.cancelled_caught:
                self._keeper.tick()

    def stir(self) -> None:
        """The feed's word that a deadline came nearer."""
        self._stirred.set()

    def part_live(self, part: Channel) -> None:
        """The feed's word that a part is live."""
        self.parts[part] = True
        self._settle()

    def part_lost(self, part: Channel) -> None:
        """The feed's word that a part is not live any more, and is being asked for anew."""
        self.parts[part] = False

    def part_ended(self, part: Channel, error: SubscriptionError) -> None:
        """The feed's word that a part has ended."""
        del self.parts[part]
        self.refused[part.symbols[0] if part.symbols else None] = error
        if not self.parts and self.records_channel is not None:
            self.records_channel.fail(error)
        self._settle()

    def let_in(self) -> None:
        """The channel's word that nothing more is read until something is received: whoever enters
        is let in to do that, though some symbols are not answered.
        """
        self._answered.set()

    def session_ended(self, error: SubscriptionError) -> None:
        """The feed's word that no answer will come; who waits for one is told."""
        if not self._answered.is_set():
            self._unanswerable = error
            self._answered.set()

    def _settle(self) -> None:
        if all(self.parts.values()):
            self._answered.set()

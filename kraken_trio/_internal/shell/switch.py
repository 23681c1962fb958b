"""A dead man's switch, kept from going off for the length of a block.

Knows when it is renewed, when that was too late, and how a block has to end for it to be taken
back; how the exchange is asked is passed in.

Too late. The exchange counts from the moment at which it read the request, which is later than that
at which it was sent. So the switch goes off no earlier than ``timeout_s`` after the latest request
that was answered was sent, and then it is taken to have gone off. A request without an answer may
have renewed it, or not.

That is by this machine's clock, which may stand still while it sleeps; so a renewal is held against
the exchange's clock, too: one that came after the switch had gone off has set a new one.

In order. Requests on a connection may overtake each other, so it is not taken back before the last
renewal was answered or given up. To ask again does no harm, so both are, while there is time.

One. An account has one such switch: a second block would set it to its own time, and take it back
for both.

Source: section "cancel_all_orders_after" of the WebSocket v2 documentation, which advises three
renewals in the time of one.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import trio

from kraken_trio._internal.model.errors import (
    ConfigurationError,
    OrderRejected,
    OutcomeUnknown,
    RequestError,
    RequestNotSent,
    SwitchLapsed,
)
from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp
from kraken_trio._internal.shell.ration import say
from kraken_trio._internal.shell.scopes import open_services

log = logging.getLogger("kraken_trio.trading")

LEAST_S: Final = 3
"""The shortest time: it is renewed each second then. Ours."""
MOST_S: Final = 24 * 60 * 60 - 1
"""The longest that the exchange takes."""
RETRY_S: Final = 1.0
"""Until the next attempt after one that failed. Ours."""

Arm = Callable[..., Awaitable[Timestamp | None]]
"""Sets the switch to so many seconds; 0 takes it back. Takes ``answer_within_s``."""
Settle = Callable[[OutcomeUnknown], object]
"""Is told of requests whose outcome does not matter any more."""

_METHOD: Final = "cancel_all_orders_after"


class Switch:
    """A dead man's switch that is being renewed: ``trading.dead_man_switch()`` gives it."""

    def __init__(self, arm: Arm, timeout_s: int, settle: Settle) -> None:
        """It is not set yet."""
        self.timeout_s: int = timeout_s
        """After how many seconds of silence the exchange cancels all orders."""
        self.renewals: int = 0
        """How often the exchange confirmed it."""
        self.goes_off_at: Timestamp | None = None
        """When it goes off unless it is renewed, by the exchange's clock."""
        self._arm = arm
        self._settle = settle
        self._doubts: list[OutcomeUnknown] = []
        self._safe_until = 0.0
        self._asking = trio.Lock()
        self._over = False

    @property
    def left_s(self) -> float:
        """Seconds for which it has surely not gone off yet."""
        return max(0.0, self._safe_until - trio.current_time())

    async def set(self) -> None:
        """Ask the exchange for it, and wait for the answer; raises what that raises."""
        sent_at, before = trio.current_time(), self.goes_off_at
        at = await self._arm(self.timeout_s, answer_within_s=self.timeout_s / 3)
        if before is not None and at is not None and at - self.timeout_s * NANOSECONDS >= before:
            raise SwitchLapsed(
                _METHOD, "had gone off when it was renewed: all orders are cancelled"
            )
        self.goes_off_at = at
        self.renewals += 1
        self._safe_until = sent_at + self.timeout_s
        self._forget()

    async def keep(self) -> None:
        """Renew it until it is taken back. Raises ``SwitchLapsed`` when that was not possible in
        time.
        """
        pause_s = self.timeout_s / 3
        while True:
            with trio.move_on_at(self._safe_until):
                await trio.sleep(pause_s)
                pause_s = await self._renew()
            if self._over:
                return
            if trio.current_time() >= self._safe_until:
                raise SwitchLapsed(
                    _METHOD, f"was not renewed within {self.timeout_s} s: all orders are cancelled"
                )

    async def take_back(self) -> None:
        """Take it back, once no renewal is under way; again, as long as it has not gone off."""
        self._over = True
        async with self._asking:
            while True:
                try:
                    await self._arm(0, answer_within_s=max(RETRY_S, self.left_s))
                except RequestError as error:
                    if not self._passes(error) or self.left_s <= RETRY_S:
                        raise
                    await trio.sleep(RETRY_S)
                else:
                    self._forget()
                    return

    async def _renew(self) -> float:
        """Renew it once; give how long to wait before the next time."""
        async with self._asking:
            if self._over:
                return float("inf")
            try:
                await self.set()
            except RequestError as error:
                if not self._passes(error):
                    raise
                say(log, logging.WARNING, "switch", "not renewed: %s", error, reason=str(error))
                return RETRY_S
        return self.timeout_s / 3

    def _passes(self, error: RequestError) -> bool:
        """Whether it may be asked again after that."""
        if isinstance(error, OutcomeUnknown):
            self._doubts.append(error)
        elif not isinstance(error, RequestNotSent):
            return isinstance(error, OrderRejected) and error.retryable
        return True

    def _forget(self) -> None:
        """Whatever became of what was asked before does not matter any more."""
        doubts, self._doubts = self._doubts, []
        for error in doubts:
            self._settle(error)


@asynccontextmanager
async def keep_switch(
    arm: Arm, timeout_s: int, *, settle: Settle, there: list[Switch]
) -> AsyncIterator[Switch]:
    """Set a switch, renew it for the length of the block, and take it back if that ends cleanly.

    ``there`` holds the switch while there is one.
    """
    if not LEAST_S <= timeout_s <= MOST_S:
        raise ConfigurationError(
            "timeout_s", f"must be {LEAST_S} to {MOST_S} seconds, is {timeout_s}", "60 is usual"
        )
    if there:
        raise ConfigurationError(
            "dead_man_switch", "must be entered once at a time, is entered", "Share what it gave"
        )
    switch = Switch(arm, timeout_s, settle)
    there.append(switch)
    try:
        await switch.set()
        async with open_services() as services:
            services.start_soon(switch.keep, name="dead man's switch")
            yield switch
            # Only here: what left the block otherwise wants its orders gone.
            await switch.take_back()
    finally:
        there.remove(switch)

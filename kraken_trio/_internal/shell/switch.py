"""A dead man's switch, kept from going off for the length of a block.

Knows when it is renewed, when that was too late, and how a block has to end for it to be taken
back; how the exchange is asked is passed in.

Too late. The exchange counts from the moment at which it read the request, which is later than that
at which it was sent. So the switch goes off no earlier than ``timeout_s`` after the latest request
that was answered was sent, and then it is taken to have gone off. A request without an answer may
have renewed it, or not.

In order. Requests on a connection may overtake each other, so it is not taken back before the last
renewal was answered or given up.

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
    OutcomeUnknown,
    RequestNotSent,
    SwitchLapsed,
)
from kraken_trio._internal.model.timestamp import Timestamp
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


class Switch:
    """A dead man's switch that is being renewed: ``trading.dead_man_switch()`` gives it."""

    def __init__(self, arm: Arm, timeout_s: int) -> None:
        """It is not set yet."""
        self.timeout_s: int = timeout_s
        """After how many seconds of silence the exchange cancels all orders."""
        self.renewals: int = 0
        """How often the exchange confirmed it."""
        self.goes_off_at: Timestamp | None = None
        """When it goes off unless it is renewed, by the exchange's clock."""
        self._arm = arm
        self._safe_until = 0.0
        self._asking = trio.Lock()
        self._over = False

    @property
    def left_s(self) -> float:
        """Seconds for which it has surely not gone off yet."""
        return max(0.0, self._safe_until - trio.current_time())

    async def set(self) -> None:
        """Ask the exchange for it, and wait for the answer; raises what that raises."""
        sent_at = trio.current_time()
        self.goes_off_at = await self._arm(self.timeout_s, answer_within_s=self.timeout_s / 3)
        self.renewals += 1
        self._safe_until = sent_at + self.timeout_s

    async def keep(self) -> None:
        """Renew it for ever. Raises ``SwitchLapsed`` when that was not possible in time."""
        pause_s = self.timeout_s / 3
        while True:
            with trio.move_on_at(self._safe_until):
                await trio.sleep(pause_s)
                pause_s = await self._renew()
            if trio.current_time() >= self._safe_until:
                raise SwitchLapsed(
                    "cancel_all_orders_after",
                    f"was not renewed within {self.timeout_s} s: all orders are cancelled",
                )

    async def take_back(self) -> None:
        """Take it back, once no renewal is under way."""
        self._over = True
        async with self._asking:
            await self._arm(0)

    async def _renew(self) -> float:
        """Renew it once; give how long to wait before the next time."""
        async with self._asking:
            if self._over:
                return float("inf")
            try:
                await self.set()
            except (OutcomeUnknown, RequestNotSent) as error:
                say(log, logging.WARNING, "switch", "not renewed: %s", error, reason=str(error))
                return RETRY_S
        return self.timeout_s / 3


@asynccontextmanager
async def keep_switch(arm: Arm, timeout_s: int) -> AsyncIterator[Switch]:
    """Set a switch, renew it for the length of the block, and take it back if that ends cleanly."""
    if not LEAST_S <= timeout_s <= MOST_S:
        raise ConfigurationError(
            "timeout_s", f"must be {LEAST_S} to {MOST_S} seconds, is {timeout_s}", "60 is usual"
        )
    switch = Switch(arm, timeout_s)
    await switch.set()
    async with open_services() as services:
        services.start_soon(switch.keep, name="dead man's switch")
        yield switch
        # Only here: what left the block otherwise wants its orders gone.
        await switch.take_back()

"""Whom the simulated exchange lets in, and how it refuses the others.

Knows attempts and bans by address, and what a test wants refused; nothing of WebSockets. Times
are trio's.

Source: sections "Transport and life of a session" and "Limits" of the WebSocket v2
documentation.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from kraken_trio._internal.testing.place import Door
from kraken_trio._internal.testing.rules import ExchangeRules

TOO_MANY, UNAVAILABLE = 429, 503
"""HTTP statuses (RFC 6585 section 4, RFC 9110 section 15.6.4)."""


class Refusal(NamedTuple):
    """How a WebSocket is refused."""

    status: int
    """The HTTP status."""
    retry_after_s: int | None
    """What its ``Retry-After`` says, or None where there is none."""


class Allowance:
    """So many of something within a rolling window of time, and no more."""

    def __init__(self, most: int, window_s: float) -> None:
        """Allow ``most`` in any ``window_s`` seconds."""
        self._most = most
        self._window_s = window_s
        self._taken: deque[float] = deque()

    def take(self, now: float) -> bool:
        """Take one, and say whether it could be had."""
        # Added, not taken away from now: rounded otherwise, the end of a window would not be it.
        while self._taken and self._taken[0] + self._window_s <= now:
            self._taken.popleft()
        if len(self._taken) >= self._most:
            return False
        self._taken.append(now)
        return True


class Gate:
    """Counts who comes, by address, and bans those who come too often."""

    def __init__(self, rules: ExchangeRules) -> None:
        """Let in whom ``rules`` let in."""
        self.status: int | None = None
        """The HTTP status to refuse everybody with, or None to refuse nobody for that."""
        self.door_statuses: dict[Door, int] = {}
        """The HTTP statuses to refuse those with who come to these doors."""
        self.retry_after_s: int | None = None
        """What ``Retry-After`` says then."""
        self._rules = rules
        self._attempts: dict[str, Allowance] = {}
        self._banned_until: dict[str, float] = {}

    def knock(
        self, address: str, now: float, *, inside: int, door: Door = "public"
    ) -> Refusal | None:
        """Count an attempt from ``address``; give how it is refused, or None where it is welcome.

        ``inside`` is how many are in. While an address is banned its attempts do not count.
        """
        ban = self._ban(address, now)
        if ban is not None:
            return ban
        status = self.door_statuses.get(door) if self.status is None else self.status
        if status is not None:
            return Refusal(status, self.retry_after_s)
        most = self._rules.max_connections
        if most is not None and inside >= most:
            return Refusal(TOO_MANY, None)
        return None

    def _ban(self, address: str, now: float) -> Refusal | None:
        rules = self._rules
        if rules.max_attempts is None:
            return None
        until = self._banned_until.get(address, -math.inf)
        if now >= until:
            attempts = self._attempts.setdefault(
                address, Allowance(rules.max_attempts, rules.attempts_window_s)
            )
            if attempts.take(now):
                return None
            del self._attempts[address]
            until = self._banned_until[address] = now + rules.ban_s
        left_s = math.ceil(until - now)
        return Refusal(rules.ban_status, left_s if rules.ban_tells_when else None)

    def forgive(self) -> None:
        """Lift all bans, and forget all attempts."""
        self._attempts.clear()
        self._banned_until.clear()

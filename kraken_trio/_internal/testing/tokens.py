"""The tokens of a simulated exchange: who shows one may be told of private things.

Knows what was given out, which of it is good, and for how long; nothing of keys and signatures.
Times are trio's.

Source: sections "Token" of the WebSocket v2 and "GetWebSocketsToken" and "For a simulator" of the
REST documentation. Not settled there, and decided here: several connections may show one token, and
asking for another one leaves the earlier as it is.
"""

from __future__ import annotations

import base64
import random
from collections import Counter

from kraken_trio._internal.model.secret import Secret

INVALID_SESSION = "ESession:Invalid session"
"""How a token that is not good is refused."""

TOKEN_LIFE_S = 900.0
"""Seconds within which the real exchange wants a token to be used."""

_SIZE_BYTES = 32  # 43 characters, as those of the real one have.


class Tokens:
    """What was given out, and whether it is still good."""

    def __init__(self, *, seed: int, life_s: float, any_will_do: bool = False) -> None:
        """Make tokens that are to be used within ``life_s`` seconds.

        With ``any_will_do``, all are good that were not revoked, made here or not.
        """
        self.life_s = life_s
        """Seconds within which a token has to be used."""
        self._any_will_do = any_will_do
        self._dice = random.Random(f"{seed}/tokens")  # noqa: S311 - meant to be foreseen
        self._issued: dict[Secret, float] = {}
        self._held: Counter[Secret] = Counter()
        self._revoked: set[Secret] = set()

    def issue(self, now: float) -> Secret:
        """Give a new one."""
        text = base64.b64encode(self._dice.randbytes(_SIZE_BYTES)).decode().rstrip("=")
        token = Secret(text)
        self._issued[token] = now
        return token

    def refusal(self, token: Secret, now: float) -> str | None:
        """Say how a request with this token is refused, or None where it is good.

        It is as long as a subscription that was made with it lasts, and else while it is young.
        """
        if token in self._revoked:
            return INVALID_SESSION
        if self._any_will_do or self._held[token]:
            return None
        issued_at = self._issued.get(token)
        young = issued_at is not None and now - issued_at < self.life_s
        return None if young else INVALID_SESSION

    def hold(self, token: Secret) -> None:
        """Note a subscription that was made with it."""
        self._held[token] += 1

    def release(self, token: Secret) -> None:
        """Note its end."""
        self._held[token] -= 1

    def revoke(self) -> None:
        """Make all that were given out or shown no good any more, for ever."""
        self._revoked |= self._issued.keys() | self._held.keys()
        self._issued.clear()

"""Secrets in frames that are to be shown or kept: found in whatever way they are spelt, and masked.

Knows how a text may be spelt in JSON, in a URL, in base64 and in hex; not whose secret it is.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from urllib.parse import quote

from kraken_trio._internal.model.secret import Secret

MASK = b"****"
"""What stands for a secret."""
MOST_SPELLINGS = 256
"""Of tokens that are remembered: each lives for a while, and is spelt in some dozen ways."""
SHORTEST = 6
"""Characters of a secret that is looked for; what is shorter is a part of ordinary words."""

# The value of a member of that name, whatever it is; in JSON within JSON, too.
_TOKEN = re.compile(
    rb"""(\\*["'](?:api[-_]?)?(?:token|secret|key|sign)\\*["']\s*:\s*\\*["'])"""
    rb"""([^"'\\]*(?:\\[^"'][^"'\\]*)*)""",
    re.IGNORECASE,
)
_NAMES = (b"token", b"secret", b"key", b"sign")


def spellings(secret: str) -> tuple[bytes, ...]:
    """Give the ways in which a secret may stand in a frame; none for one that is too short."""
    if len(secret) < SHORTEST:
        return ()
    plain = secret.encode()
    found = [secret]
    for _ in range(2):  # JSON, and JSON within JSON; in each a slash may be escaped.
        inner = [json.dumps(text)[1:-1] for text in found]
        found += inner + [text.replace("/", "\\/") for text in inner]
    encoded = quote(secret, safe=""), base64.b64encode(plain).decode().rstrip("="), plain.hex()
    return tuple(dict.fromkeys(text.encode() for text in (*found, *encoded)))


def masked(payload: bytes | memoryview, secrets: Sequence[bytes]) -> bytes:
    """Give a frame with asterisks where it holds one of ``secrets``."""
    shown = bytes(payload)
    for secret in secrets:
        if secret in shown:
            shown = shown.replace(secret, MASK)
    return shown


class Concealed:
    """The secrets that one feed has: shown to nobody who watches it."""

    def __init__(self) -> None:
        """There are none yet."""
        self._keys: tuple[bytes, ...] = ()
        self._tokens: tuple[bytes, ...] = ()
        self._all: tuple[bytes, ...] = ()

    def add(self, secret: Secret, *, for_good: bool = False) -> None:
        """Conceal one ``for_good``, or until some dozen others came after it."""
        spelt = spellings(secret.reveal())
        if for_good:
            self._keys += spelt
        else:
            self._tokens = (*spelt, *self._tokens)[:MOST_SPELLINGS]
        self._all = (*self._keys, *self._tokens)

    def shown(self, payload: bytes | memoryview) -> bytes | memoryview:
        """Give a frame as it may be shown: itself, where it holds none of them."""
        return masked(payload, self._all) if self._all else payload


def unspoken(payload: bytes) -> bytes:
    """Give a frame with asterisks for the values of members that are named after a secret."""
    lowered = payload.lower()  # Quicker than a pattern that looks for either case.
    if not any(name in lowered for name in _NAMES):
        return payload
    return _TOKEN.sub(rb"\1" + MASK, payload)

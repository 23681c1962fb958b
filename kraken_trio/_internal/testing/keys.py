"""The API key of a simulated exchange: who signs with it is believed.

Knows how a private call is signed and numbered, and how one that is not is refused; nothing of what
is called. It has one key, which is no secret: it opens nothing but this.

Source: sections "Signing private requests" and "For a simulator" of the REST documentation. Not
settled there, and decided here: the signature is checked before the nonce, so nobody can use a
nonce up for somebody else.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from urllib.parse import parse_qs

from kraken_trio._internal.wire.sign import decode_secret, sign

API_KEY = "kraken_trio/SIMULATED/EXCHANGE/KEY/NOT/A/REAL/ONE"
"""The public half."""
API_SECRET = base64.b64encode(
    b"kraken_trio: this key opens the simulated exchange, and nothing at all!!"
).decode()
"""The private half."""

INVALID_KEY = "EAPI:Invalid key"
INVALID_SIGNATURE = "EAPI:Invalid signature"
INVALID_NONCE = "EAPI:Invalid nonce"

_NONCES = range(2**64)
_LONGEST = 21  # Characters: more than 64 bits have.


class Keys:
    """The one key there is, and the nonces that it was used with."""

    def __init__(self) -> None:
        """Begin with a key that was never used."""
        self._secret = decode_secret(API_SECRET)
        self._latest = -1

    def refusal(self, path: str, headers: Mapping[str, str], body: bytes) -> str | None:
        """Say how a private call is refused, or None where it is signed well and new.

        ``path`` is that of the URL; names of ``headers`` are in lower case.
        """
        if headers.get("api-key") != API_KEY:
            return INVALID_KEY
        nonce = _nonce(headers.get("content-type", ""), body)
        if nonce is None:
            return INVALID_NONCE
        signed = headers.get("api-sign", "").encode()
        if not hmac.compare_digest(signed, sign(path, nonce, body, self._secret).encode()):
            return INVALID_SIGNATURE
        if nonce <= self._latest:
            return INVALID_NONCE
        self._latest = nonce
        return None


def _nonce(content_type: str, body: bytes) -> int | None:
    """Give the nonce that a body holds; None where it holds none."""
    try:
        if content_type.partition(";")[0].strip().lower() == "application/json":
            members = json.loads(body)
            text = str(members["nonce"])
        else:
            text = parse_qs(body.decode(), strict_parsing=True)["nonce"][-1]
    except (LookupError, RecursionError, TypeError, ValueError):
        return None
    number = int(text) if text.isascii() and text.isdigit() and len(text) < _LONGEST else -1
    return number if number in _NONCES else None

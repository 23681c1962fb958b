"""The signature of a private REST request, and the nonce it needs.

Knows how the exchange wants a request signed (docs.kraken.com, "Spot REST Authentication");
reads no clock, keeps no secret, and never imports an HTTP library.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from kraken_trio._internal.model.rules import decode_base64


def decode_secret(text: str) -> bytes:
    """Give the key that an API secret stands for.

    Strict, so that a secret copied in part, or with a blank, is noticed before the exchange
    counts a bad signature. Raises ``ConfigurationError``, which holds no character of it.
    """
    return decode_base64("api_secret", text)


def sign(path: str, nonce: int, body: bytes, secret: bytes) -> str:
    """Give the ``API-Sign`` header of a request.

    ``path`` is that of the URL, without host and query (``/0/private/GetWebSocketsToken``);
    ``body`` is byte for byte what is sent, and holds the same ``nonce``; ``secret`` is what
    ``decode_secret`` gave.
    """
    inner = hashlib.sha256(b"%d" % nonce + body).digest()
    return base64.b64encode(hmac.digest(secret, path.encode() + inner, "sha512")).decode()


def next_nonce(now_ns: int, last: int) -> int:
    """Give the nonce after ``last``: the time, or one more where that does not increase.

    In nanoseconds since the epoch, the finest unit in use: a key that has served another
    program with a coarser one accepts it, while the reverse fails for ever. Fits the 64 bits
    that the exchange allows until the year 2554.
    """
    return max(now_ns, last + 1)

"""What goes wrong while a frame is decoded, and the one error it becomes.

Knows the exceptions of the JSON library and how to show a frame without a token; never decodes
anything.
"""

from __future__ import annotations

import re

import msgspec

from kraken_trio._internal.model.errors import (
    EXCERPT_CHARACTERS,
    ConfigurationError,
    ProtocolError,
)
from kraken_trio._internal.wire.numerals import MAX_DIGITS

FAULTS = (
    ArithmeticError,  # a number out of bounds
    ConfigurationError,  # a request that breaks the rules of its type
    RecursionError,  # nested too deeply
    ValueError,  # our own checks; bytes that are not UTF-8
    msgspec.MsgspecError,  # no JSON, or another shape
)
"""All that decoding what a stranger sent may raise. Anything else is a bug and is not caught."""

_SEEN = 8 * EXCERPT_CHARACTERS  # Enough to fill an excerpt, even where a token is masked.
# Liberal on purpose: whatever follows the word, quoted or not, closed or cut off. Kraken's
# tokens are base64; a slash may be escaped.
_TOKEN = re.compile(r"""(token["']?\s*[:=]\s*["']?)[^"',\s}\]]+""", re.IGNORECASE)


def protocol_error(fault: Exception, payload: bytes) -> ProtocolError:
    """Give the error for a ``fault`` out of ``FAULTS`` that decoding ``payload`` raised."""
    match fault:
        case RecursionError():
            reason = "nested too deeply"
        case ArithmeticError():
            reason = f"a number has more than {MAX_DIGITS} digits"
        case UnicodeDecodeError():
            reason = "text is not UTF-8"
        case _:
            reason = _shown(str(fault))
    return ProtocolError(reason, excerpt=excerpt(payload))


def excerpt(payload: bytes) -> str:
    """Give the beginning of a frame, made printable, at most ``EXCERPT_CHARACTERS``.

    The value of a token is masked: it is as good as the account for the time it lives.
    """
    return _shown(payload[:_SEEN].decode(errors="replace"))


def _shown(text: str) -> str:
    masked = _TOKEN.sub(r"\1****", text[:_SEEN])
    shown = masked[:EXCERPT_CHARACTERS]
    return shown if shown.isprintable() else "".join(c if c.isprintable() else "." for c in shown)

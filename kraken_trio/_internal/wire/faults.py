"""What goes wrong while a frame is decoded, and the one error it becomes.

Knows the exceptions of the JSON library and how to show a frame without a token; never decodes
anything.
"""

from __future__ import annotations

import re
import string

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
# Liberal on purpose: whatever follows the word, quoted or not, escaped or not, closed or cut off;
# all the rest where it is not one value. After nothing but a space, only what is no plain word.
_TOKEN = re.compile(
    r"""(tokens?(?:\s*[\\"':=][\s\\"':=]*|\s+(?=[\w+/-]{12})))(?:[\[{].*|[^\s"',}\]]+)""",
    re.IGNORECASE | re.DOTALL,
)
# Kraken's tokens are some 43 characters of base64; a slash may be escaped. Nothing that is as long
# tells more by being shown.
_BASE64 = string.ascii_letters + string.digits + "+/_-\\"
_LONG = re.compile(rf"[{re.escape(_BASE64)}]{{32,}}")
# A letter in disguise, perhaps in JSON within JSON.
_ESCAPE = re.compile(r"\\{1,8}u00([0-7][0-9a-fA-F])")
_MASK = "****"


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
            reason = words(str(fault))
    return ProtocolError(reason, excerpt=excerpt(payload))


def excerpt(payload: bytes) -> str:
    """Give the beginning of a frame, made printable, at most ``EXCERPT_CHARACTERS``.

    The value of a token is masked, and whatever may be one: it is as good as the account for the
    time it lives. Escapes of ASCII are shown as the characters that they are.
    """
    return _shown(payload[:_SEEN].decode(errors="replace"), cut=len(payload) > _SEEN)


def words(text: str) -> str:
    """Give what the exchange said as it may be shown: short, printable, without a token."""
    return _shown(text[:_SEEN], cut=len(text) > _SEEN)


def _shown(text: str, *, cut: bool) -> str:
    """Make a text printable, short and fit to be shown; ``cut`` where it went on."""
    plain = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text)
    masked = _LONG.sub(_MASK, _TOKEN.sub(rf"\1{_MASK}", plain))
    if cut:
        # What was cut off is no longer long, whatever it was.
        masked = masked.rstrip(_BASE64)
    shown = masked[:EXCERPT_CHARACTERS]
    return shown if shown.isprintable() else "".join(c if c.isprintable() else "." for c in shown)

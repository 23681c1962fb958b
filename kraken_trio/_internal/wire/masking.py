"""Secrets in frames that are to be shown or kept: found in whatever way they are spelt, and masked.

Knows how a text may be spelt in JSON, in a URL, in base64 and in hex; not whose secret it is.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator

from kraken_trio._internal.model.errors import ProtocolError
from kraken_trio._internal.model.secret import Secret

MASK = b"****"
"""What stands for a secret."""
MOST_TOKENS = 24
"""Of tokens that are remembered: each lives for a while."""
SHORTEST = 6
"""Characters of a secret that is looked for; what is shorter is a part of ordinary words."""

# A run of a secret's letters and digits is looked for before a pattern is; one of so many at least.
_RUN = 3
# The name of a member that holds a secret, in JSON within JSON, too.
_NAME = re.compile(
    rb"""(?<!\\)(\\*+["'])(?:[\w-]{0,40}(?:token|secret|password|passphrase)|"""
    rb"""(?:[\w-]{0,40}[-_]|api|private|secret)?(?:key|sign|signature|otp))\\*+["']\s*+:\s*+""",
    re.IGNORECASE,
)
_NAMES = (b"token", b"secret", b"key", b"sign", b"otp", b"pass")
_QUOTE = re.compile(rb"""(\\*+)(["'])""")
_NUMBER = re.compile(rb"-?[\d.][\d.eE+-]*+")
_BRACKET = re.compile(rb"""(\\*+["'])|[\[\]]""")
# Characters that need no escape, escaped.
_ESCAPED = re.compile(
    rb"\\++u00(2[b-f]|3[0-9d]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9a])", re.IGNORECASE
)


class _Sought:
    """One secret, and how it is found."""

    def __init__(self, secret: str) -> None:
        self._texts = tuple(dict.fromkeys(_encodings(secret)))
        runs = [max(re.findall("[a-z0-9]*", text.lower()), key=len) for text in self._texts]
        short = any(len(run) < _RUN for run in runs)
        self._runs = (b"",) if short else tuple(run.encode() for run in runs)
        self._pattern: re.Pattern[bytes] | None = None

    def may_be_in(self, lowered: bytes) -> bool:
        """Whether it is worth while to look; in what is escaped without need it always is."""
        return any(run in lowered for run in self._runs)

    def masked(self, payload: bytes) -> bytes:
        """Give asterisks for it."""
        if self._pattern is None:  # Only now: few are ever looked for so closely.
            self._pattern = re.compile(b"|".join(map(_tolerant, self._texts)), re.IGNORECASE)
        return self._pattern.sub(MASK, payload)


def _encodings(secret: str) -> Iterator[str]:
    """What a secret may be made into, the longest first; how it is escaped then comes on top."""
    plain = secret.encode("utf-8", "surrogatepass")
    yield plain.hex()
    yield from _based(plain)
    yield secret
    try:  # A key that is base64 itself may be shown as what it stands for.
        bare = secret.rstrip("=").replace("-", "+").replace("_", "/")
        inner = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return
    if len(inner) >= SHORTEST:
        yield inner.hex()


def _based(plain: bytes) -> Iterator[str]:
    """In base64, wherever in a longer text it begins: what depends on it alone."""
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + plain).decode().rstrip("=")
        last = len(text) - bool((shift + len(plain)) % 3)
        yield text[(0, 2, 3)[shift] :] if shift == 0 else text[(0, 2, 3)[shift] : last]
        if shift == 0:
            yield text[:last]


def _tolerant(text: str) -> bytes:
    """Make a pattern for a text however its characters are escaped, padded or not."""
    bare = re.sub(r"\\+", r"\\", text.rstrip("=") or text)
    return b"".join(map(_character, bare)) + (rb"(?:\\*+(?:=|u003d|%(?:25)*+3d))*+")


def _character(character: str) -> bytes:
    encoded = character.encode("utf-8", "surrogatepass")
    percent = b"".join(b"%%(?:25)*+%02x" % byte for byte in encoded)
    if character == "\\":
        return rb"(?:\\++(?:u005c)?|%b)" % percent
    units = character.encode("utf-16-be", "surrogatepass").hex()
    escaped = rb"\\*+".join(b"u" + units[at : at + 4].encode() for at in range(0, len(units), 4))
    also = {"+": b"|-", "/": b"|_", "-": rb"|\+", "_": b"|/", " ": rb"|\+"}.get(character, b"")
    short = {"\n": b"|n", "\r": b"|r", "\t": b"|t", "\b": b"|b", "\f": b"|f"}.get(character, b"")
    return rb"\\*+(?:%b|%b|%b%b%b)" % (escaped, percent, re.escape(encoded), also, short)


class Concealed:
    """The secrets that one feed has: shown to nobody who watches it."""

    def __init__(self) -> None:
        """There are none yet."""
        self._keys: tuple[_Sought, ...] = ()
        self._tokens: tuple[_Sought, ...] = ()
        self._all: tuple[_Sought, ...] = ()

    def add(self, secret: Secret, *, for_good: bool = False) -> None:
        """Conceal one ``for_good``, or until some dozen others came after it."""
        text = secret.reveal()
        if len(text) < SHORTEST:
            return
        if for_good:
            self._keys += (_Sought(text),)
        else:
            self._tokens = (_Sought(text), *self._tokens)[:MOST_TOKENS]
        self._all = (*self._keys, *self._tokens)

    def shown(self, payload: bytes | memoryview) -> bytes | memoryview:
        """Give a frame as it may be shown: itself, where it holds none of them."""
        if not self._all:
            return payload
        shown = bytes(payload)
        lowered = shown.lower()
        odd = b"%" in lowered or b"\\u" in lowered
        for secret in self._all:
            if odd or secret.may_be_in(lowered):
                shown = secret.masked(shown)
        return payload if shown == payload else shown

    def kept(self, payload: bytes | memoryview) -> bytes:
        """Give a frame as it may be kept: without the values of members named after a secret."""
        return unspoken(bytes(self.shown(payload)))

    def fault(
        self,
        error: ProtocolError,
        payload: bytes | memoryview,
        decode: Callable[[bytes | memoryview, None], object],
    ) -> ProtocolError:
        """Give what ``decode`` says of a frame without secrets: it quotes, and may cut one."""
        shown = self.shown(payload)
        if shown is payload:
            return error
        try:
            decode(shown, None)
        except ProtocolError as again:
            return again
        return ProtocolError("a frame with a secret in it cannot be decoded")

    def text(self, text: str) -> str:
        """Give a text as it may be shown."""
        data = text.encode("utf-8", "surrogatepass")
        return bytes(self.shown(data)).decode("utf-8", "surrogatepass")


def unspoken(payload: bytes) -> bytes:
    """Give a frame with asterisks for the values of members that are named after a secret."""
    lowered = payload.lower()  # Quicker than a pattern that looks for either case.
    if b"\\u" in lowered:
        plainer = _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), payload)
        shown = _unspoken(plainer)
        return payload if shown == plainer else shown
    if not any(name in lowered for name in _NAMES):
        return payload
    return _unspoken(payload)


def _unspoken(payload: bytes) -> bytes:
    shown, done = bytearray(), 0
    while (name := _NAME.search(payload, done)) is not None:
        begin = name.end()
        shown += payload[done:begin]
        done = begin
        if quote := _QUOTE.match(payload, begin):
            done = _end_of_text(payload, quote)
            closed = payload.endswith(quote[0], quote.end(), done)
            shown += quote[0] + MASK + (quote[0] if closed else b"")
        elif number := _NUMBER.match(payload, begin):
            done = number.end()
            shown += name[1] + MASK + name[1]
        elif payload.startswith(b"[", begin):
            done = _end_of_list(payload, begin)
            shown += name[1] + MASK + name[1]
    return bytes(shown) + payload[done:] if shown else payload


def _end_of_text(payload: bytes, opening: re.Match[bytes]) -> int:
    """Where a text ends; JSON in JSON doubles the backslashes before each of its quotes."""
    level = len(opening[1])
    for quote in _QUOTE.finditer(payload, opening.end()):
        if quote[2] == opening[2] and len(quote[1]) % (2 * (level + 1)) == level:
            return quote.end()
    return len(payload)


def _end_of_list(payload: bytes, begin: int) -> int:
    depth, at = 0, begin
    while (found := _BRACKET.search(payload, at)) is not None:
        at = found.end()
        if found[1]:
            opening = _QUOTE.match(payload, found.start())
            assert opening is not None  # noqa: S101 - it is what was found
            at = _end_of_text(payload, opening)
            continue
        depth += 1 if found[0] == b"[" else -1
        if not depth:
            return at
    return len(payload)

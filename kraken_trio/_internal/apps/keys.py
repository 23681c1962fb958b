"""The keyboard of a terminal, key by key: read without a thread, and given back as it was.

Knows what keys send, and nothing of what they are for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Final

import trio

try:
    import termios
except ImportError:  # Not every system has terminals of this kind.
    termios = None  # type: ignore[assignment]

NEXT, BEFORE = "next", "before"
"""The next one, and the one before: Tab and the arrows."""

_ESCAPE: Final = "\x1b"
_SEQUENCES: Final = {
    "\x1b[A": BEFORE,
    "\x1b[B": NEXT,
    "\x1b[C": NEXT,
    "\x1b[D": BEFORE,
    "\x1b[Z": BEFORE,
    "\x1bOA": BEFORE,
    "\x1bOB": NEXT,
    "\x1bOC": NEXT,
    "\x1bOD": BEFORE,
}
_LONGEST: Final = 32
"""Of a sequence; what is longer is none."""


def keys_of(text: str) -> tuple[list[str], str]:
    """Give the keys that a terminal sent, and what of it is not complete yet.

    A key is its letter, in lower case, or a word from above; sequences of other keys are left out.
    """
    found: list[str] = []
    while text:
        if text[0] != _ESCAPE:
            found.append(NEXT if text[0] == "\t" else text[0].lower())
            text = text[1:]
            continue
        end = _end(text)
        if end is None:
            return found, text
        if text[:end] in _SEQUENCES:
            found.append(_SEQUENCES[text[:end]])
        text = text[end:]
    return found, ""


def _end(text: str) -> int | None:
    """Where the sequence ends that a text begins with; None where the rest is to come."""
    if len(text) == 1:
        return None
    if text[1] not in "[O":
        return 1
    for at, letter in enumerate(text[2:_LONGEST], 2):
        if letter == _ESCAPE:
            return at
        if "@" <= letter <= "~":
            return at + 1
    return None if len(text) < _LONGEST else _LONGEST


@contextmanager
def key_by_key() -> Iterator[int | None]:
    """Have the terminal send each key at once, unseen; give where to read, None without one.

    Ctrl-C stays what it is. Ctrl-Z and Ctrl-S do nothing: they would leave a screen that is not
    the shell's, or stop it.
    """
    file = _terminal()
    if file is None or termios is None:
        yield None
        return
    before = termios.tcgetattr(file)
    changed = termios.tcgetattr(file)
    changed[0] &= ~(termios.IXON | termios.ICRNL)
    changed[3] &= ~(termios.ICANON | termios.ECHO)
    changed[6][termios.VMIN], changed[6][termios.VTIME] = 1, 0
    changed[6][termios.VSUSP] = b"\0"
    # At once: others would wait for what is still to be shown, on a terminal that takes nothing.
    termios.tcsetattr(file, termios.TCSANOW, changed)
    try:
        yield file
    finally:
        termios.tcflush(file, termios.TCIFLUSH)
        termios.tcsetattr(file, termios.TCSANOW, before)


async def read_keys(file: int) -> AsyncGenerator[str, None]:
    """Give key after key, until the terminal is gone."""
    rest = ""
    while True:
        await trio.lowlevel.wait_readable(file)
        try:
            data = os.read(file, 1024)
        except OSError:
            return
        if not data:
            return
        found, rest = keys_of(rest + data.decode("utf-8", "replace"))
        for key in found:
            yield key


def _terminal() -> int | None:
    """Standard input, where that is a terminal."""
    try:
        return sys.stdin.fileno() if sys.stdin.isatty() else None
    except (AttributeError, OSError, ValueError):  # It is closed, or no file.
        return None

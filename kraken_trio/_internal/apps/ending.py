"""How a command ends: its exit code, whatever ends it.

=====  =====================================================================================
0      all is well
1      what was looked at is not
2      it could not be looked at; or the command line makes no sense
130    Ctrl-C ended it (143: SIGTERM did)
141    nobody reads the output any more: what a shell tells of a program that SIGPIPE ended
=====  =====================================================================================

Ctrl-C does not raise here and there: it cancels the command, which then leaves every block as it
would at its usual end, closes its connections, and gives the terminal back as it was. Before that,
while Python imports what it needs, and after it, the process ends at once (``_kraken_trio``).
"""

from __future__ import annotations

import functools
import io
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import ParamSpec

import trio

from kraken_trio import ConfigurationError, KrakenError
from kraken_trio._internal.apps.text import shown

WELL = 0
WRONG = 1
IMPOSSIBLE = 2
INTERRUPTED = 128 + signal.SIGINT
BROKEN_PIPE = 141
"""128 and the number of SIGPIPE, which not every system has."""

PATIENCE_S = 3.0
"""After the first signal, for a command to end; a feed takes two seconds at most. After that, one
more ends the program as it would have without us: a write may be blocked for ever."""

P = ParamSpec("P")


def ended(command: Callable[[], int]) -> int:
    """Run a command to its end, say what went wrong with it, and give the exit code.

    What is neither a ``KrakenError`` nor an ``OSError`` is a bug, and comes out.
    """
    _prepare()
    try:
        try:
            code = command()
        except (Exception, KeyboardInterrupt, BaseExceptionGroup) as error:  # noqa: BLE001 - sorted
            code = _code_of(error)
        sys.stdout.flush()
    except OSError as error:
        _silence()
        if isinstance(error, BrokenPipeError):
            return BROKEN_PIPE
        with suppress(OSError):
            complain(f"the output cannot be written: {error.strerror}")
        return IMPOSSIBLE
    return code


def interruptible(command: Callable[P, Awaitable[int]]) -> Callable[P, Awaitable[int]]:
    """Let SIGINT and SIGTERM cancel a command; it then gives 128 and the signal's number."""

    @functools.wraps(command)
    async def until_told(*args: P.args, **kwargs: P.kwargs) -> int:
        with trio.CancelScope() as scope, _signals(scope) as heard:
            return await command(*args, **kwargs)
        return 128 + heard[0]

    return until_told


@contextmanager
def interrupts_raise() -> Iterator[None]:
    """Have Ctrl-C raise ``KeyboardInterrupt`` in this block: for a command that never waits."""
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):  # It is ignored, and stays so.
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def complain(words: str) -> None:
    """Say on standard error what is wrong."""
    print(f"kraken-trio: {shown(words)}", file=sys.stderr)


@contextmanager
def _signals(scope: trio.CancelScope) -> Iterator[list[int]]:
    """Have signals cancel ``scope``; give a list that those which came are in."""
    heard: list[int] = []
    since = 0.0
    token = trio.lowlevel.current_trio_token()

    def hear(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as Python has it
        nonlocal since
        if heard and time.monotonic() - since > PATIENCE_S:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        if not heard:
            since = time.monotonic()
        heard.append(number)
        token.run_sync_soon(scope.cancel, idempotent=True)

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _prepare() -> None:
    """See to it that any text can be printed, wherever it goes, even nowhere; and nothing else.

    What the library logs is told by the commands themselves, and made printable there.
    """
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # Closed by whoever started us.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _code_of(error: BaseException) -> int:
    """What became of a command that raised; a bug is raised again."""
    leaves = list(_leaves(error))
    for leaf in leaves:
        if isinstance(leaf, KeyboardInterrupt):
            return INTERRUPTED
        if isinstance(leaf, BrokenPipeError):
            raise leaf
    if not all(isinstance(leaf, KrakenError | OSError) for leaf in leaves):
        raise error
    for leaf in leaves:
        told = isinstance(leaf, ConfigurationError | OSError)  # It says all there is to say.
        complain(f"{leaf}" if told or leaf.__cause__ is None else f"{leaf}: {leaf.__cause__}")
    return IMPOSSIBLE


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _silence() -> None:
    """Print no results any more: what is buffered would fail again at the interpreter's end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):  # Of a stream that is no file.
        os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)

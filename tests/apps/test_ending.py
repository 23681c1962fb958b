"""How a command ends, whatever ends it."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import NoReturn

import pytest
import trio

from kraken_trio import ConfigurationError, RetriesExhausted
from kraken_trio._internal.apps import ending
from kraken_trio._internal.apps.ending import ended, interruptible, interrupts_raise

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django


def raising(error: BaseException) -> Callable[[], int]:
    """Give a command that raises this."""

    def command() -> NoReturn:
        raise error

    return command


def test_a_command_that_ends_well_gives_its_own_code() -> None:
    """Whatever it is."""
    assert [ended(partial(int, code)) for code in (0, 1, 141)] == [0, 1, 141]


@pytest.mark.parametrize(
    "error, code, words",
    [
        (ConfigurationError("depth", "is odd", "Mend it"), 2, ["depth: is odd. Mend it"]),
        (OSError(errno.EADDRINUSE, "in\x1b use"), 2, [f"[Errno {errno.EADDRINUSE}] in? use"]),
        (KeyboardInterrupt(), 130, []),
        (ExceptionGroup("", [ExceptionGroup("", [OSError("a")]), OSError("b")]), 2, ["a", "b"]),
        (BaseExceptionGroup("", [OSError("a"), KeyboardInterrupt()]), 130, []),
    ],
)
def test_what_went_wrong_is_said_in_a_line(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, words: list[str]
) -> None:
    """One line for each error, printable, and no traceback; nothing about Ctrl-C."""
    assert ended(raising(error)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [f"kraken-trio: {line}" for line in words]


def test_the_cause_of_giving_up_is_said_too(capsys: pytest.CaptureFixture[str]) -> None:
    """That it gave up explains nothing."""
    error = RetriesExhausted(3)
    error.__cause__ = OSError("no route")
    assert ended(raising(error)) == 2
    assert "gave up after 3 attempts to connect: no route" in capsys.readouterr().err


@pytest.mark.parametrize("error", [ValueError("x"), BaseExceptionGroup("", [ValueError("x")])])
def test_a_bug_comes_out(error: BaseException) -> None:
    """It is nobody's mistake but ours, and needs its traceback."""
    with pytest.raises(type(error)):
        ended(raising(error))


def test_an_output_that_was_closed_from_the_start_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The command runs all the same."""
    monkeypatch.setattr(sys, "stdout", None)

    def command() -> int:
        sys.stdout.write("into the void\n")
        return 0

    assert ended(command) == 0
    sys.stdout.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
def test_an_output_that_is_full_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Results that are not there are no success."""

    def command() -> int:
        sys.stdout.write("a result\n")
        return 0

    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123 - a device
        monkeypatch.setattr(sys, "stdout", full)
        assert ended(command) == 2
        monkeypatch.undo()
    assert "the output cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_cancels_a_command(number: signal.Signals) -> None:
    """It leaves its blocks as ever, and the code is 128 and the signal's number."""
    left = False

    @interruptible
    async def command() -> int:
        nonlocal left
        try:
            signal.raise_signal(number)
            signal.raise_signal(number)  # Two are as good as one.
            await trio.sleep_forever()
        finally:
            left = True

    before = signal.getsignal(number)
    with trio.fail_after(30):
        assert await command() == 128 + number
    assert left
    assert signal.getsignal(number) is before


async def test_a_command_that_is_not_told_to_end_gives_its_own_code() -> None:
    """And takes its arguments as it did."""

    @interruptible
    async def command(code: int, *, more: int) -> int:
        await trio.lowlevel.checkpoint()
        return code + more

    assert await command(1, more=2) == 3


async def test_a_command_that_does_not_end_is_ended_by_the_second_signal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once it had its time, the next signal does what it does to any program."""
    monkeypatch.setattr(ending, "PATIENCE_S", -1.0)
    raised: list[object] = []

    @interruptible
    async def command() -> int:
        signal.raise_signal(signal.SIGINT)
        before = signal.raise_signal
        monkeypatch.setattr(signal, "raise_signal", raised.append)
        before(signal.SIGINT)
        raised.append(signal.getsignal(signal.SIGINT))
        await trio.sleep_forever()

    with trio.fail_after(30):
        assert await command() == 130
    assert raised == [signal.SIGINT, signal.SIG_DFL]


def test_ctrl_c_may_raise_in_a_command_that_never_waits() -> None:
    """For as long as its block lasts, whatever else it does before and after."""
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        with pytest.raises(KeyboardInterrupt), interrupts_raise():
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert heard == [signal.SIGINT]
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with interrupts_raise():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)

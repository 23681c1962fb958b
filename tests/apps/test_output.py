"""Standard output that nobody waits for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trio

from kraken_trio._internal.apps.output import Notes, Output

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django


@contextmanager
def piped(name: str = "stdout") -> Iterator[int]:
    """Make standard output, or error, a pipe; give the end to read from."""
    before = getattr(sys, name)
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="ascii") as stream:
        setattr(sys, name, stream)
        try:
            yield reading
        finally:
            setattr(sys, name, before)
    os.close(reading)


async def test_lines_come_out_whole_and_in_order() -> None:
    """What was printed before comes first; what the encoding lacks is escaped."""
    with piped() as pipe:
        sys.stdout.write("before\n")
        output = Output()
        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(output.write, ["one", "two"])
                nursery.start_soon(output.write, ["a漢", "b"])
        lines = os.read(pipe, 1000).decode().splitlines()
    assert lines[0] == "before"
    assert sorted([lines[1:3], lines[3:]]) == [["a\\u6f22", "b"], ["one", "two"]]


async def test_more_than_a_pipe_holds_is_written_all() -> None:
    """The rest follows when there is room, and other tasks run meanwhile."""
    text = "x" * 300_000
    got = b""
    with piped() as pipe, trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Output().write, [text])
            while len(got) <= len(text):
                await trio.lowlevel.wait_readable(pipe)
                got += os.read(pipe, 1 << 20)
    assert got == f"{text}\n".encode()


async def test_a_reader_who_sleeps_does_not_hold_up_a_cancellation() -> None:
    """The write stays behind, and the command ends."""
    with piped():
        output = Output()
        with trio.fail_after(30), trio.move_on_after(0.05) as scope:
            await output.write(["x" * 300_000])
    assert scope.cancelled_caught


async def test_a_reader_who_left_is_noticed() -> None:
    """The write raises, as any write to a broken pipe."""
    with piped() as pipe:
        nowhere = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nowhere, pipe)  # Which closes the pipe's end, and keeps the number.
        os.close(nowhere)
        with pytest.raises(BrokenPipeError), trio.fail_after(30):
            await Output().write(["x"])


def test_what_nobody_reads_is_left_out_and_counted() -> None:
    """Nobody waits for room in a pipe, and who reads on is told how much there was."""
    notes = Notes()
    with piped("stderr") as pipe:
        for number in range(2000):
            notes.say(f"{number:0150}")
        heard = len(os.read(pipe, 1 << 20).splitlines())
        notes.say("\x1b[2Jagain")
        lines = os.read(pipe, 1 << 20).decode().splitlines()
    assert 0 < heard < 2000
    assert lines == [f"({2000 - heard} lines were left out: nobody read them)", "?[2Jagain"]


def test_notes_without_a_reader_disturb_nobody() -> None:
    """Results go on."""
    notes = Notes()
    with piped("stderr") as pipe:
        nowhere = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nowhere, pipe)
        os.close(nowhere)
        for _ in range(2):
            notes.say("into the void")


def test_notes_go_to_whatever_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Also to a stream that is no file."""
    Notes().say("words")
    assert capsys.readouterr().err == "words\n"

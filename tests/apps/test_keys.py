"""The keyboard, key by key."""

from __future__ import annotations

import os
import pty
import termios
from collections.abc import Iterator
from contextlib import aclosing

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.apps.keys import BEFORE, NEXT, key_by_key, keys_of, read_keys

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django


@pytest.mark.parametrize(
    "text, keys",
    [
        ("q", ["q"]),
        ("Q3 ", ["q", "3", " "]),
        ("\t", [NEXT]),
        ("\x1b[A\x1b[B\x1b[C\x1b[D", [BEFORE, NEXT, NEXT, BEFORE]),
        ("\x1bOA\x1bOB\x1bOC\x1bOD", [BEFORE, NEXT, NEXT, BEFORE]),
        ("\x1b[Z", [BEFORE]),
        ("\x1b[15~q", ["q"]),
        ("\x1b[1;5Cq", ["q"]),
        ("\x1bq", ["q"]),
        ("\x1b\x1b[A", [BEFORE]),
        ("\x1b[\x1b[A", [BEFORE]),
        ("\x1b[" + "1" * 50 + "~q", [*"1" * 20, "~", "q"]),
    ],
)
def test_keys_are_known(text: str, keys: list[str]) -> None:
    """Letters, arrows of both kinds, and no others; also where they come piece by piece."""
    assert keys_of(text) == (keys, "")
    found: list[str] = []
    rest = ""
    for letter in text:
        more, rest = keys_of(rest + letter)
        found += more
    assert (found, rest) == (keys, "")


@pytest.mark.parametrize("text", ["\x1b", "\x1b[", "\x1b[1", "\x1bO"])
def test_what_is_not_complete_waits(text: str) -> None:
    """For its end."""
    assert keys_of(f"p{text}") == (["p"], text)


@given(st.text(max_size=60))
def test_whatever_is_typed_is_taken(text: str) -> None:
    """And what is left is short."""
    _, rest = keys_of(text)
    assert len(rest) < 32


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    """Give a terminal as standard input: our end, and the program's."""
    ours, theirs = pty.openpty()
    with open(theirs, closefd=False) as file:
        monkeypatch.setattr("sys.stdin", file)
        yield ours, theirs
    os.close(ours)
    os.close(theirs)


def test_a_terminal_is_given_back_as_it_was(keyboard: tuple[int, int]) -> None:
    """Whatever happened; in between Ctrl-C still is what it is, and Ctrl-Z nothing."""
    _, theirs = keyboard
    before = termios.tcgetattr(theirs)
    with pytest.raises(ZeroDivisionError), key_by_key() as file:
        assert file == theirs
        changed = termios.tcgetattr(theirs)
        assert not changed[3] & (termios.ICANON | termios.ECHO)
        assert changed[3] & termios.ISIG
        assert changed[6][termios.VSUSP] == b"\0"
        raise ZeroDivisionError
    assert termios.tcgetattr(theirs) == before


async def test_keys_are_read_as_they_are_pressed(keyboard: tuple[int, int]) -> None:
    """Also one whose pieces come apart; they end with the terminal."""
    ours, _ = keyboard
    with trio.fail_after(10), key_by_key() as file:
        assert file is not None
        async with aclosing(read_keys(file)) as keys:
            for sent, wanted in ((b"p", "p"), (b"\x1b[", ""), (b"B\x1b[A", NEXT), (b"", BEFORE)):
                os.write(ours, sent)
                assert not wanted or await anext(keys) == wanted


async def test_the_end_of_input_ends_the_keys() -> None:
    """There is nobody to press any."""
    reading, writing = os.pipe()
    os.write(writing, b"q")
    os.close(writing)
    assert [key async for key in read_keys(reading)] == ["q"]
    os.close(reading)


def test_without_a_terminal_there_are_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """From a file, from nowhere, and where systems have no such terminals."""
    with open(os.devnull) as file:  # noqa: PTH123 - as it is opened for us
        monkeypatch.setattr("sys.stdin", file)
        with key_by_key() as keys:
            assert keys is None
    for gone in (file, None):
        monkeypatch.setattr("sys.stdin", gone)
        with key_by_key() as keys:
            assert keys is None


def test_on_another_system_there_are_no_keys(
    keyboard: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is changed."""
    assert keyboard
    monkeypatch.setattr("kraken_trio._internal.apps.keys.termios", None)
    with key_by_key() as keys:
        assert keys is None

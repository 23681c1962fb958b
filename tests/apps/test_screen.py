"""The whole terminal: taken, drawn on, and given back."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from kraken_trio._internal.apps.picture import Picture
from kraken_trio._internal.apps.screen import FullScreen

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

PICTURE = Picture(
    label="Simulation",
    url="wss://here/v2",
    now=0,
    health={"verdict": "healthy", "reasons": ["All is well."]},
    cards={
        "BTC/USD": {
            "last": "1",
            "change_pct": None,
            "bid": None,
            "ask": None,
            "spread": None,
            "direction": 0,
            "status": None,
            "spark": [[0, "1"], [1, "2"]],
        }
    },
    chosen=None,
    ladder=None,
    trades=[],
    sessions=[],
    latency={"stages": {}},
    buffers=[],
    rates={"frames": 0.0, "bytes": 0.0},
    counts={},
    log=[],
)
TAKEN, GIVEN_BACK = "\x1b[?1049h", "\x1b[?1049l"


class Letters(io.StringIO):
    """A terminal with letters of its own."""

    def __init__(self, encoding: str) -> None:
        """Begin empty."""
        super().__init__()
        self._letters = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override] # it is read only
        """Which letters it has."""
        return self._letters


def console(encoding: str = "utf-8") -> Console:
    """Give a terminal."""
    return Console(file=Letters(encoding), force_terminal=True, width=60, height=12)


def written(on: Console) -> str:
    """Give all that was written on it."""
    assert isinstance(on.file, io.StringIO)
    return on.file.getvalue()


async def test_it_is_given_back_whatever_happened() -> None:
    """With the cursor, and what was there before."""
    terminal = console()
    with pytest.raises(ZeroDivisionError):
        async with FullScreen(terminal) as screen:
            screen.show(PICTURE, False)  # noqa: FBT003 - as a thread calls it
            raise ZeroDivisionError
    seen = written(terminal)
    assert TAKEN in seen
    assert "All is well." in seen
    assert "▁█" in seen
    assert seen.rindex(GIVEN_BACK) > seen.rindex("All is well.")
    assert "\x1b[?25h" in seen[seen.rindex("All is well.") :]


async def test_a_terminal_without_such_letters_has_others() -> None:
    """Nothing that it cannot print."""
    terminal = console("latin-1")
    async with FullScreen(terminal) as screen:
        screen.show(PICTURE, True)  # noqa: FBT003 - as above
    assert "_#" in written(terminal)
    assert "PAUSED" in written(terminal)
    written(terminal).encode("latin-1")

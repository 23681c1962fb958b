"""The live table: as many columns and pairs as there is room for."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from rich.cells import cell_len
from rich.console import Console

from kraken_trio import Level
from kraken_trio._internal.apps.table import COLUMNS, Screen, draw, fitting
from kraken_trio._internal.apps.tally import Tally

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django


def tally(symbol: str, price: str = "62800.0") -> Tally:
    """Give a pair with prices."""
    made = Tally(symbol)
    made.updates, made.live, made.last = 123456, True, Decimal(price)
    made.bid = made.ask = Level(Decimal(price), Decimal(1))
    made._seen.append((0.0, 0))
    return made


def lines(
    tallies: list[Tally], width: int, height: int = 24, head: str = "subscribed"
) -> list[str]:
    """Give what a terminal of that size shows."""
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    console.print(draw(head, tallies, width=width, height=height))
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue().splitlines()


USUAL = [tally("BTC/USD"), tally("ETH/USD", "1770.00"), tally("DOGE/USD", "0.0912000")]


def test_a_usual_terminal_shows_everything() -> None:
    """All nine columns in 80 cells."""
    shown = lines(USUAL, 80)
    heads = ["pair", "last", "bid", "ask", "spread", "upd/s", "book", "verified", "gaps"]
    assert shown[0].strip() == "subscribed"
    assert shown[1].split() == heads
    assert shown[2].split()[:4] == ["BTC/USD", "62800.0", "62800.0", "62800.0"]
    assert shown[2].split()[6:] == ["live", "123456", "0"]


@pytest.mark.parametrize("width", range(1, 120))
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """However narrow it is; what is less important is left out, and whole."""
    shown = lines(USUAL, width)
    assert len(shown) == 5
    assert max(map(cell_len, shown)) <= width


def test_what_is_left_out_first() -> None:
    """In 40 cells the pair, its best levels, its state and its gaps are left."""
    heads = {width: [column.head for column in fitting(USUAL, width)[0]] for width in (40, 1)}
    assert heads == {40: ["pair", "bid", "ask", "book", "gaps"], 1: ["pair"]}
    assert fitting(USUAL, 1000)[0] == COLUMNS


def test_what_is_too_high_is_counted() -> None:
    """The table never scrolls."""
    shown = lines([tally(f"A{number}/USD") for number in range(100)], 80, height=10)
    assert len(shown) <= 9
    assert shown[-1].strip() == "and 94 more"
    assert len(lines([tally("A/B"), tally("C/D")], 80, height=1)) <= 4


def test_long_and_hostile_symbols_stay_in_their_column() -> None:
    """Clipped, printable, and as wide as they look."""
    shown = lines([tally("A" * 100 + "/USD"), tally("\x1b[2J\x07/USD"), tally("漢字/円")], 80)
    assert shown[2].startswith("AAAAAAAAAAAAAAA… ")
    assert shown[3].startswith("?[2J?/USD ")
    assert "\x1b" not in "".join(shown)
    assert len({cell_len(line.rstrip()) for line in shown[2:]}) == 1


@pytest.mark.parametrize("colour", [True, False])
def test_a_screen_draws_over_itself_and_gives_the_terminal_back(
    monkeypatch: pytest.MonkeyPatch, colour: bool
) -> None:
    """The cursor is hidden and shown again; with NO_COLOR nothing is coloured."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, height=24)
    gap = tally("BTC/USD")
    gap.gaps = 1
    with Screen(console) as screen:
        screen.show("subscribing", [gap])
        screen.show("subscribed", [gap])
    written = file.getvalue()
    assert written.count("\x1b[?25l") == written.count("\x1b[?25h") == 1
    assert written.rindex("\x1b[?25h") > written.rindex("subscribed")
    assert ("\x1b[32m" in written) is colour


def test_lines_stand_above_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is one line, however long it is, and the table is drawn again under it."""
    monkeypatch.setenv("TERM", "xterm-256color")
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=40, height=24)
    with Screen(console) as screen:
        screen.show("first", [tally("BTC/USD")])
        screen.say("broke " + "x" * 100)
        screen.show("second", [tally("BTC/USD")])
    written = file.getvalue()
    assert written.index("broke") < written.rindex("BTC/USD")
    assert max(written.count("x" * count) for count in (41,)) == 0

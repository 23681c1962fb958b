"""The full screen: all that matters, in any size."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from kraken_trio._internal.apps.origin import Origin
from kraken_trio._internal.apps.picture import BLOCKS, KEYS, PLAIN, Picture, draw, gather, spark
from kraken_trio._internal.apps.view.view import View

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

BTC, ETH = "BTC/USD", "ETH/USD"


def card(last: str | None, **others: Any) -> dict[str, Any]:
    """Give a card."""
    return {
        "last": last,
        "change_pct": "-0.50",
        "bid": "62800.1",
        "ask": "62800.9",
        "spread": "0.8",
        "direction": 1,
        "status": "online",
        "spark": [[0, "1"], [1, "3"], [2, "2"]],
        **others,
    }


NOTHING = dict.fromkeys(("change_pct", "bid", "ask", "spread"))
LEVELS = [[f"{100 + number}.0", f"{number + 1}"] for number in range(25)]
PICTURE = Picture(
    label="Simulation",
    url="wss://here/v2",
    now=200_000,
    health={"verdict": "degraded", "reasons": ["One thing.", "Another."]},
    cards={
        BTC: card("62800.50"),
        ETH: card(None, **NOTHING, direction=-1, status="post_only", spark=[]),
    },
    chosen=BTC,
    ladder={
        "bids": LEVELS,
        "asks": LEVELS,
        "state": "synchronised",
        "verified": 7,
        "mismatches": 1,
        "spread": "0.8",
    },
    trades=[
        {"time": 3_661_000, "side": "sell", "price": "62800.5", "qty": "0.10000000"},
        {"time": 3_660_000, "side": "buy", "price": "62800.4", "qty": "0.2"},
    ],
    sessions=[
        {
            "name": "public",
            "state": "subscribed",
            "since": 80_000,
            "connections": 2,
            "reconnects": 1,
            "rtt_ms": None,
        }
    ],
    latency={"stages": {"network": {"p50": 1.25, "p99": 1234.5}}},
    buffers=[{"name": "book", "used": 3, "size": 500}],
    rates={"frames": 12.4, "bytes": 2048.0},
    counts={"gaps": 2, "resyncs": 3, "dropped": 0},
    log=[
        {
            "time": 60_000,
            "channel": "book",
            "symbol": BTC,
            "text": f"line {number}",
            "severity": "bad",
        }
        for number in range(9)
    ],
)


def lines(picture: Picture = PICTURE, width: int = 120, height: int = 40, **more: Any) -> list[str]:
    """Give what is drawn."""
    return [line.plain for line in draw(picture, width=width, height=height, **more)]


def test_a_usual_terminal_shows_everything() -> None:
    """Pairs, book, trades, sessions, latencies, losses, buffers, the log, and what keys do."""
    shown = lines()
    text = "\n".join(shown)
    assert shown[0] == "Simulation wss://here/v2  12 frames/s, 2.0 KiB/s"
    assert shown[1] == "degraded  One thing.  Another."
    assert shown[2].split() == ["pair", "last", "24", "h", "%", "bid", "ask", "spread"]
    first = ["1>", BTC, "62800.50", "▲", "-0.50", "62800.1", "62800.9", "0.8", "▁█▅"]
    assert shown[3].split() == first
    assert shown[4].split() == ["2", ETH, "-", "▼", *"----", "post_only"]
    assert "BTC/USD book: synchronised, 7 ok, 1 bad" in text
    assert "01:01:01 sell      62800.5     0.10000000" in text
    assert "session public: subscribed since 2 min, 2 connections, 1 reconnects" in text
    assert "latency p50 / p99: network 1.25 ms / 1234 ms" in text
    assert "gaps 2  resyncs 3  dropped 0  buffers: book 3/500" in text
    assert "00:01:00 book BTC/USD: line 8" in text
    assert shown[-1] == KEYS
    assert "PAUSED" not in text
    assert "PAUSED" in lines(paused=True)[0]


def test_what_is_dim_is_no_more_than_what_is_beside_the_point() -> None:
    """A style that a line begins with would be that of all of it."""
    assert {str(line.style) for line in draw(PICTURE, width=120, height=40)[:2]} == {""}
    styles = [
        (span.start, span.end, str(span.style))
        for line in draw(PICTURE, width=120, height=40)
        if "sell " in line.plain
        for span in line.spans
    ]
    assert any(style == "red" for *_, style in styles)
    drawn = draw(PICTURE, width=120, height=40)
    (spread,) = [line for line in drawn if line.plain.strip().startswith("spread")]
    assert str(spread.style) == ""
    assert all(end - start < 12 for start, end, style in styles if style == "dim")


def test_up_and_down_are_told_without_colours() -> None:
    """And without letters that a terminal may not have."""
    assert "62800.50 +" in lines(blocks=PLAIN)[3]
    assert "- -" in lines(blocks=PLAIN)[4]


def test_the_best_levels_meet_at_the_spread() -> None:
    """The lowest ask above it, the highest bid below."""
    shown = lines()
    at = next(number for number, line in enumerate(shown) if line.strip().startswith("spread"))
    assert shown[at - 1].split()[0] == shown[at + 1].split()[0] == "100.0"
    assert shown[at - 2].split()[0] == "101.0"


@given(st.integers(0, 200), st.integers(0, 60), st.booleans())
def test_no_terminal_is_too_small(width: int, height: int, paused: bool) -> None:
    """No line is wider, and there are never more; the pairs are the last to go."""
    shown = lines(width=width, height=height, paused=paused)
    assert len(shown) <= height
    assert all(cell_len(line) <= width for line in shown)
    if height > 5 and width > 30:
        assert "62800.50" in shown[3]


def test_wide_letters_are_counted_as_wide() -> None:
    """And what moves a cursor is not printed."""
    strange = replace(PICTURE, cards={"界界/\x1b[2J": card("1")}, url="界" * 100)
    for width in range(60):
        shown = lines(strange, width=width)
        assert all(cell_len(line) <= width for line in shown)
        assert "\x1b" not in "".join(shown)


def test_a_narrow_terminal_has_no_tape() -> None:
    """The book has the room."""
    assert any(line.startswith("trades") or "trades" in line for line in lines(width=92))
    assert not any("trades" in line for line in lines(width=91))


def test_a_short_terminal_has_no_book() -> None:
    """But the log, as far as it fits."""
    shown = lines(height=12)
    assert not any("book:" in line for line in shown)
    assert any("line 8" in line for line in shown)
    assert len(shown) == 12


def test_with_nothing_to_show_it_shows_that() -> None:
    """No pair, no session yet."""
    empty = replace(
        PICTURE,
        cards={},
        chosen=None,
        ladder=None,
        trades=[],
        sessions=[],
        latency={"stages": {}},
        buffers=[],
        counts={},
        log=[],
    )
    shown = lines(empty)
    assert "latency p50 / p99: -" in shown
    assert shown[-1] == KEYS


@pytest.mark.parametrize(
    "took_ms, words",
    [(0.0123, "0.0123 ms"), (999.4, "999 ms"), (999.5, "1000 ms"), (12_345.0, "12345 ms")],
)
def test_how_long_it_took(took_ms: float, words: str) -> None:
    """In digits, and never in powers of ten."""
    latency = {"stages": {"network": {"p50": took_ms, "p99": took_ms}}}
    text = "\n".join(lines(replace(PICTURE, latency=latency)))
    assert f"network {words} / {words}" in text


@pytest.mark.parametrize(
    "since, words",
    [(None, "-"), (199_000, "1 s"), (300_000, "0 s"), (140_000, "1 min"), (-7_100_000, "2 h")],
)
def test_how_long_ago(since: int | None, words: str) -> None:
    """In words; a clock that was set back makes nothing of it."""
    sessions = [{**PICTURE.sessions[0], "since": since}]
    shown = lines(replace(PICTURE, sessions=sessions))
    assert any(f"subscribed since {words}," in line for line in shown)


def test_a_line_of_prices_is_drawn_to_its_own_scale() -> None:
    """The last ones that fit; level where nothing moves; also without blocks."""
    points = [[number, f"{number}.0"] for number in range(16)]
    assert spark(points, 8) == BLOCKS
    assert spark(points, 8, PLAIN) == PLAIN
    assert spark(points[:1] * 3, 8) == BLOCKS[4] * 3
    assert spark([], 8) == spark(points, 0) == spark(points, -1) == ""


def test_a_picture_is_gathered_of_a_view() -> None:
    """Of the pairs that are wanted, in their order."""

    class Feed:
        """A feed that brings nothing."""

        def order_book(self, _symbol: str) -> None:
            """There is none."""

        def best_bid_ask(self, _symbol: str) -> None:
            """There is none."""

    view = View(lambda: 7, url="wss://here/v2")
    for symbol in (ETH, BTC):
        view.want(symbol)
    fields: dict[str, Any] = {"feed": Feed()}
    origin = Origin(view=view, kind="other", label="Not Kraken", url=view.url, **fields)
    picture = gather(origin, [BTC, ETH, "NO/NO"], ETH)
    assert list(picture.cards) == [BTC, ETH]
    assert (picture.chosen, picture.now) == (ETH, 7)
    assert picture.ladder is not None
    assert lines(picture)
    nobody = gather(origin, [], None)
    assert (nobody.chosen, nobody.ladder, nobody.trades) == (None, None, [])
    assert lines(nobody)

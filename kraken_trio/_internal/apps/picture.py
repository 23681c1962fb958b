"""The full screen of ``top``: what is on it, and how it fits into any terminal.

Two steps: what is shown is gathered once, and drawn as often as the terminal changes its size; so a
picture that is paused fits, too. Every line is as wide as the terminal at most, and there are never
more than it has. Imports rich: imported itself only where there is a screen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from rich.cells import cell_len
from rich.text import Text

from kraken_trio._internal.apps.origin import Origin
from kraken_trio._internal.apps.text import shown

BLOCKS: Final = "▁▂▃▄▅▆▇█"
PLAIN: Final = "_.,-~=*#"
"""What a line of prices is drawn with, where nothing else can be printed."""
KEYS: Final = "tab, arrows, 1-9: pair   p: pause   q: quit"
TAPE: Final = 60
"""Trades that are gathered."""
LOG: Final = 30
"""Lines that are gathered."""
LOG_LINES: Final = 5
"""That are shown where a book and a tape want room, too."""
SPARK: Final = 24
"""Cells of a line of prices, at most."""
FEWEST_LEVELS: Final = 3
"""Of a book; with less room there is none."""

_VERDICTS: Final = {"healthy": "green", "degraded": "yellow", "unhealthy": "bold red"}
_SEVERITIES: Final = {"info": "", "warn": "yellow", "bad": "red"}
_BOOK_WIDTH: Final = 46
_DASH: Final = "-"


class Picture(msgspec.Struct, frozen=True):
    """What is shown at one moment."""

    label: str
    """What kind of feed it is."""
    url: str
    """Where it comes from."""
    now: int
    """When, in milliseconds."""
    health: dict[str, Any]
    cards: dict[str, dict[str, Any]]
    """Of all pairs, in their order."""
    chosen: str | None
    """The pair whose book and trades are shown."""
    ladder: dict[str, Any] | None
    trades: list[dict[str, Any]]
    """Newest first."""
    sessions: list[dict[str, Any]]
    latency: dict[str, Any]
    buffers: list[dict[str, Any]]
    rates: dict[str, float]
    counts: dict[str, int]
    log: list[dict[str, Any]]
    """Oldest first."""


def gather(origin: Origin, symbols: Sequence[str], chosen: str | None) -> Picture:
    """See how things stand."""
    view, feed = origin.view, origin.feed
    pair = view.pairs.get(chosen or "")
    return Picture(
        label=origin.label,
        url=origin.url,
        now=view.now(),
        health=view.health.shown(),
        cards={
            symbol: view.card(symbol, feed.best_bid_ask(symbol))
            for symbol in symbols
            if symbol in view.pairs
        },
        chosen=None if pair is None else pair.symbol,
        ladder=None if pair is None else view.ladder(pair.symbol, feed.order_book(pair.symbol)),
        trades=[] if pair is None else pair.trades_since(0, TAPE)[::-1],
        sessions=view.sessions,
        latency=view.latencies,
        buffers=view.buffers,
        rates=view.rates,
        counts=view.counts,
        log=view.chronicle.since(0, LOG),
    )


def draw(
    picture: Picture, *, width: int, height: int, paused: bool = False, blocks: str = BLOCKS
) -> list[Text]:
    """The lines of a screen of that size."""
    top = [*_head(picture, paused=paused), *_pairs(picture, width, blocks)]
    bottom = [*_sessions(picture), _latency(picture), _buffers(picture)]
    foot = Text(KEYS, style="dim")
    room = height - len(top) - len(bottom) - 1
    log = [_log_line(line) for line in picture.log]
    middle: list[Text] = []
    if room >= FEWEST_LEVELS * 2 + 2:
        lines = max(0, min(LOG_LINES, len(log), room - (FEWEST_LEVELS * 2 + 2)))
        middle = _market(picture, width, room - lines)
        log = log[len(log) - lines :]
    else:
        log = log[len(log) - min(len(log), max(0, room)) :]
    drawn = [*top, *middle, *bottom, *log][: max(0, height - 1)]
    drawn = [*drawn, foot][: max(0, height)] if width > 0 else []
    for line in drawn:
        line.no_wrap = True
        line.truncate(width, overflow="ellipsis")
    return drawn


def spark(points: Sequence[Sequence[Any]], width: int, blocks: str = BLOCKS) -> str:
    """A line of prices, the last ones of them: the lowest block is the least of those shown."""
    # Binary floats are for the eye alone: which of eight blocks is drawn.
    prices = [float(price) for _, price in points][-max(0, width) :] if width > 0 else []
    if not prices:
        return ""
    least, most = min(prices), max(prices)
    if least == most:
        return blocks[len(blocks) // 2] * len(prices)
    last = len(blocks) - 1
    return "".join(blocks[round((price - least) / (most - least) * last)] for price in prices)


def _head(picture: Picture, *, paused: bool) -> list[Text]:
    # A style that a text begins with is that of all of it; so each begins without one.
    title = Text().append(f"{picture.label} ", style="bold")
    title.append(shown(picture.url), style="dim")
    if paused:
        title.append("  PAUSED", style="bold yellow")
    rates = picture.rates
    title.append(f"  {rates['frames']:.0f} frames/s, {rates['bytes'] / 1024:.1f} KiB/s")
    verdict = picture.health["verdict"]
    health = Text().append(verdict, style=_VERDICTS[verdict])
    health.append("  " + "  ".join(picture.health["reasons"]))
    return [title, health]


def _pairs(picture: Picture, width: int, blocks: str) -> list[Text]:
    marks = {0: " ", 1: "▲", -1: "▼"} if blocks == BLOCKS else {0: " ", 1: "+", -1: "-"}
    heads = ("", "pair", "last  ", "24 h %", "bid", "ask", "spread", "")
    rows = [
        (
            f"{number}" if symbol != picture.chosen else f"{number}>",
            shown(symbol)[:14],
            f"{_or_dash(card['last'])} {marks[card['direction']]}",
            _signed(card["change_pct"]),
            _or_dash(card["bid"]),
            _or_dash(card["ask"]),
            _or_dash(card["spread"]),
            "",
        )
        for number, (symbol, card) in enumerate(picture.cards.items(), 1)
    ]
    columns = [max(cell_len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    used = sum(columns) + 2 * (len(columns) - 1)
    lines = [Text(_row(heads, columns), style="bold")]
    for row, (symbol, card) in zip(rows, picture.cards.items(), strict=True):
        line = Text(_row(row, columns))
        start = sum(columns[:2]) + 4
        style = {1: "green", -1: "red"}.get(card["direction"], "")
        line.stylize(style, start, start + columns[2])
        if symbol == picture.chosen:
            line.stylize("bold")
        line.append(spark(card["spark"], min(SPARK, width - used), blocks), style="cyan")
        if card["status"] not in (None, "online"):
            line.append(f" {shown(card['status'])}", style="yellow")
        lines.append(line)
    return lines


def _row(cells: Sequence[str], columns: Sequence[int]) -> str:
    """Cells in their columns: the first two are words, the others numbers."""
    return "  ".join(
        _left(cell, width) if at < 2 else _right(cell, width)  # noqa: PLR2004 - as said
        for at, (cell, width) in enumerate(zip(cells, columns, strict=True))
    )


def _market(picture: Picture, width: int, room: int) -> list[Text]:
    """The ladder of the chosen pair, and beside it its trades."""
    ladder = picture.ladder
    if ladder is None or picture.chosen is None:
        return []
    levels = (room - 2) // 2
    head = Text().append(f"{shown(picture.chosen)} book: {ladder['state']}", style="bold")
    head.append(f", {ladder['verified']} ok, {ladder['mismatches']} bad", style="dim")
    asks, bids = ladder["asks"][:levels], ladder["bids"][:levels]
    sizes = [Decimal(qty) for _, qty in (*asks, *bids)]
    most = max(sizes, default=Decimal(0)) or Decimal(1)
    left = [head]
    left += [_level(level, most, "red") for level in reversed(asks)]
    left.append(Text().append(f"{'spread':>16} {_or_dash(ladder['spread'])}", style="dim"))
    left += [_level(level, most, "green") for level in bids]
    if width < 2 * _BOOK_WIDTH:
        return left[:room]
    right = [Text("trades", style="bold"), *map(_trade, picture.trades[: room - 1])]
    lines: list[Text] = []
    for at in range(min(room, max(len(left), len(right)))):
        line = left[at] if at < len(left) else Text()
        line.truncate(_BOOK_WIDTH - 2, overflow="ellipsis", pad=True)
        line.append("  ")
        if at < len(right):
            line.append_text(right[at])
        lines.append(line)
    return lines


def _level(level: Sequence[str], most: Decimal, style: str) -> Text:
    price, qty = level
    line = Text().append(f"{price:>16} ", style=style)
    line.append(f"{qty:>16} ")
    line.append("=" * int(Decimal(qty) / most * 10), style=style)
    return line


def _trade(trade: dict[str, Any]) -> Text:
    style = "green" if trade["side"] == "buy" else "red"
    seconds = trade["time"] // 1000
    clock = f"{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    line = Text().append(f"{clock} ", style="dim")
    line.append(f"{trade['side']:4} {trade['price']:>12} {trade['qty']:>14}", style=style)
    return line


def _sessions(picture: Picture) -> list[Text]:
    return [
        Text(
            f"session {shown(each['name'])}: {each['state']} since "
            f"{_ago(picture.now, each['since'])}, "
            f"{each['connections']} connections, {each['reconnects']} reconnects, "
            f"round trip {_ms(each['rtt_ms'])}"
        )
        for each in picture.sessions
    ]


def _latency(picture: Picture) -> Text:
    stages = [
        f"{name} {_ms(stage['p50'])} / {_ms(stage['p99'])}"
        for name, stage in picture.latency["stages"].items()
    ]
    return Text(f"latency p50 / p99: {', '.join(stages) or _DASH}")


def _buffers(picture: Picture) -> Text:
    counts = picture.counts
    words = ", ".join(f"{each['name']} {each['used']}/{each['size']}" for each in picture.buffers)
    line = Text()
    for name in ("gaps", "resyncs", "dropped"):
        count = counts.get(name, 0)
        line.append(f"{name} {count}  ", style="yellow" if count and name != "resyncs" else "")
    line.append(f"buffers: {words or _DASH}")
    return line


def _log_line(line: dict[str, Any]) -> Text:
    seconds = line["time"] // 1000
    clock = f"{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    about = " ".join(word for word in (line["channel"], line["symbol"]) if word)
    text = Text().append(f"{clock} ", style="dim")
    text.append(
        f"{about + ': ' if about else ''}{line['text']}", style=_SEVERITIES[line["severity"]]
    )
    return text


def _ago(now: int, since: int | None) -> str:
    if since is None:
        return _DASH
    seconds = max(0, now - since) // 1000
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"  # noqa: PLR2004 - two hours


def _ms(value: float | None) -> str:
    # With three digits, what is rounded to a thousand would be 1e+03.
    return _DASH if value is None else f"{value:.3g} ms" if value < 999.5 else f"{value:.0f} ms"  # noqa: PLR2004 - as said


def _or_dash(value: str | None) -> str:
    return _DASH if value is None else value


def _signed(value: str | None) -> str:
    return _DASH if value is None else value if value.startswith("-") else f"+{value}"


def _padded(fill: Callable[[str, int], str], cell: str, width: int) -> str:
    """By cells, of which a letter may have two."""
    return fill(cell, width - cell_len(cell) + len(cell))


def _left(cell: str, width: int) -> str:
    return _padded(str.ljust, cell, width)


def _right(cell: str, width: int) -> str:
    return _padded(str.rjust, cell, width)

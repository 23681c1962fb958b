"""The command ``incident``: what a bundle is about, and the same failure once more."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cyclopts import App

from kraken_trio import ProtocolError
from kraken_trio._internal.apps.ending import IMPOSSIBLE, WELL, WRONG, interrupts_raise
from kraken_trio._internal.apps.options import AsJson
from kraken_trio._internal.apps.text import shown
from kraken_trio.extended import (
    BookFound,
    Reproduction,
    explain_incident,
    read_books,
    read_incident,
    replay_incident,
)

BEST = 3
"""Levels a side of a book that are shown."""

incident = App(
    name="incident",
    help="""Look at an incident bundle: show what happened, or replay it.

    A feed writes them with KrakenConfig(incidents="DIR"), or KRAKEN_INCIDENTS=DIR: one for each
    wrong checksum, frame that could not be understood, or burst of gaps.
    """,
    help_format="plaintext",
)


@incident.command
def show(file: Path, /) -> int:
    """Say in words what happened.

    Exit code 0: it is said; 2: the file could not be read, or is no bundle.

    For example::

        kraken-trio incident show incidents/incident-20260102T030405.0Z-checksum-book-BTC-USD.zip

    Parameters
    ----------
    file
        The bundle.
    """
    try:
        with interrupts_raise():
            lines = explain_incident(file)
            versions = read_incident(file).versions
            before, after = read_books(file)
    except (OSError, ProtocolError) as error:
        return _unreadable(file, error)
    for line in lines:
        print(shown(line))
    for name, book in (("before", before), ("after", after)):
        if book is not None:
            print(shown(f"The book {name}: {_best(book)}"))
    print(shown("With " + ", ".join(f"{name} {of}" for name, of in versions.items())))
    return WELL


@incident.command
def replay(file: Path, /, *, as_json: AsJson = False) -> int:
    """Take what a bundle holds once more, and see whether the same fails at the same frame.

    Before that frame, the same must fail where it had, and nowhere else.

    Exit code 0: it does; 1: it does not; 2: the file could not be read, or is no bundle.

    For example::

        kraken-trio incident replay incidents/incident-20260102T030405.0Z-checksum-book-BTC-USD.zip

    Parameters
    ----------
    file
        The bundle.
    as_json
        Print one object, on one line.
    """
    try:
        with interrupts_raise():
            told, again = read_incident(file), replay_incident(file)
    except (OSError, ProtocolError) as error:
        return _unreadable(file, error)
    same = again.same
    if as_json:
        print(json.dumps(_plain(again)))
    elif again.line is None:
        print(f"it does not fail: line {told.line} passes")
    else:
        how = ", as it did" if same else ""
        print(shown(f"line {again.line} fails{how}: {again.reason}"))
        if again.earlier != (told.earlier or []) and told.earlier is not None:
            print(f"before it, lines {again.earlier} fail; then, lines {told.earlier} did")
        if again.text is not None:
            print(shown(f"expected {again.expected}, computed {again.computed} of {again.text}"))
    return WELL if same else WRONG


def _plain(again: Reproduction) -> dict[str, object]:
    """All of it but the books."""
    return {name: getattr(again, name) for name in again.__struct_fields__[:-2]}


def _best(book: BookFound) -> str:
    bids, asks = (
        ", ".join(f"{qty} @ {price}" for price, qty in side[:BEST]) or "none"
        for side in (book.bids, book.asks)
    )
    return f"{len(book.bids)} bids, best {bids}; {len(book.asks)} asks, best {asks}"


def _unreadable(file: Path, error: Exception) -> int:
    said = error.strerror if isinstance(error, OSError) else error
    print(f"{shown(str(file))}: cannot be read: {shown(str(said or error))}", file=sys.stderr)
    return IMPOSSIBLE

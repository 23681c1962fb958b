"""Frames that are wrong or strange in one way: what a test has sent instead of the usual ones.

Knows the text of the exchange's frames, and changes as little of it as it can. Each function is
an ``Alteration``: it is given a frame, and gives those that are sent instead of it. What has no
place for the fault stays as it is.

Source: sections "Data conventions", "book", "level3" and "Checklist for a faithful simulator" of
the WebSocket v2 documentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

UNHEARD_OF = b'"unheard_of"'
"""The name and the value, in JSON, that no client knows."""

CHECKED_LEVELS = 10
"""Levels a side that the checksum of a book is made of, whatever its depth."""

_QTY = re.compile(rb'(?<="qty":)[\d.]+|(?<="order_qty":)[\d.]+')
_REQ_ID = re.compile(rb'(?<="req_id":)\d+')
_SYMBOL = re.compile(rb'(?<="symbol":)"[^"]+"')
_TIME = re.compile(rb'("(?:time_out|time_in|timestamp)":")([^".Z]+)')
_CHECKSUM = re.compile(rb'(?<="checksum":)\d+')
_SIDE = re.compile(rb'(?<="(?:bids|asks)":\[)[^\]]+')
_ADDS = re.compile(rb'\{"event":"add"[^}]+\}(?:,\{"event":"add"[^}]+\})+')
_PRICE = re.compile(rb'(?<="price":)[\d.]+|(?<="limit_price":)[\d.]+')
_LEVEL = re.compile(rb'\{"price":([^,]+),"qty":([^}]+)\}')
_OPENINGS = re.compile(rb'^\{|(?<="data":\[)\{|(?<="data":)\{')
_ENUMERATED = (
    # The first of these that a frame has is what gets another value.
    re.compile(rb'(?<="ord_type":)"\w+"'),
    re.compile(rb'(?<="system":)"\w+"'),
    re.compile(rb'(?<="status":)"\w+"'),
    re.compile(rb'(?<="type":)"\w+"'),
)


def dropped(frame: bytes) -> tuple[()]:  # noqa: ARG001 - an alteration is given it
    """Give nothing: the frame is lost. A lost frame of trades is a gap in their numbers."""
    return ()


def doubled(frame: bytes) -> tuple[bytes, bytes]:
    """Give the frame twice."""
    return frame, frame


def wrong_checksum(frame: bytes) -> tuple[bytes]:
    """Give the frame of a book, or of one of orders, with a checksum that is wrong by one bit."""
    return (_CHECKSUM.sub(lambda found: b"%d" % (int(found[0]) ^ 1), frame),)


def wrong_quantity(frame: bytes, which: int = 0) -> tuple[bytes]:
    """Give the frame with one quantity that is wrong by its last digit.

    It is the one at ``which``, counted from the first one after the last one again.
    """
    return _wrong_digit(frame, [found.end() - 1 for found in _QTY.finditer(frame)], which)


def wrong_checked_quantity(frame: bytes, which: int = 0) -> tuple[bytes]:
    """Give the frame with one quantity wrong of those that its checksum is made of.

    As ``wrong_quantity``, of the ten prices that come first on each side: in a snapshot these are
    the best.
    """
    return _wrong_digit(frame, _checked_quantities(frame), which)


def _checked_quantities(frame: bytes) -> list[int]:
    """Find the last digits of the quantities of the first ten prices on each side."""
    found: list[int] = []
    for side in _SIDE.finditer(frame):
        prices: set[bytes] = set()
        for price in _PRICE.finditer(frame, *side.span()):
            prices.add(price[0])
            qty = _QTY.search(frame, price.end(), side.end())
            if qty is not None and len(prices) <= CHECKED_LEVELS:
                found.append(qty.end() - 1)
    return found


def _wrong_digit(frame: bytes, places: list[int], which: int) -> tuple[bytes]:
    if not places:
        return (frame,)
    last = places[which % len(places)]
    return (frame[:last] + b"%c" % (frame[last] ^ 1) + frame[last + 1 :],)


def truncated(frame: bytes) -> tuple[bytes]:
    """Give the first half of the frame, as a frame."""
    return (frame[: (len(frame) + 1) // 2],)


def not_utf8(frame: bytes) -> tuple[bytes]:
    """Give the frame with a byte in the middle that no UTF-8 has."""
    middle = len(frame) // 2
    return (frame[:middle] + b"\xff" + frame[middle + 1 :],)


def wrong_number(frame: bytes) -> tuple[bytes]:
    """Give an answer under a number that nobody asked under."""
    return (_REQ_ID.sub(lambda found: b"%d" % (int(found[0]) + 1_000_000), frame),)


def wrong_symbol(frame: bytes) -> tuple[bytes]:
    """Give an answer that is about a symbol which there is not."""
    return (_SYMBOL.sub(b'"UNHEARD/OF"', frame),)


def skewed(frame: bytes, by_s: int) -> tuple[bytes]:
    """Give the frame as if the clock of who sent it were wrong by some seconds.

    The beginnings of candles stay where they are.
    """

    def moved(found: re.Match[bytes]) -> bytes:
        there = datetime.fromisoformat(found[2].decode()) + timedelta(seconds=by_s)
        return found[1] + there.isoformat().encode()

    return (_TIME.sub(moved, frame),)


def unsorted_levels(frame: bytes) -> tuple[bytes]:
    """Give the frame of a book with its levels in another order, which means the same.

    Entries of one price keep theirs. Where a side has three prices or more, it is not sorted in
    either direction.
    """
    return (_on_each_side(frame, _unsorted),)


def unsorted_adds(frame: bytes) -> tuple[bytes]:
    """Give the frame of a book of orders with the orders that it adds in another order.

    It means the same to who sorts them by time, as the real exchange wants it. Those that follow
    each other are turned round, so that each still comes before what becomes of it.
    """
    return (_ADDS.sub(_turned_round, frame),)


def _turned_round(entries: re.Match[bytes]) -> bytes:
    return b"{" + b"},{".join(entries[0][1:-1].split(b"},{")[::-1]) + b"}"


def repeated_price(frame: bytes) -> tuple[bytes]:
    """Give the frame of a book in which the first price of each side comes twice.

    The entry that was there is the last of the two, so it means the same.
    """
    return (_on_each_side(frame, lambda levels: [_with_other_qty(levels[0]), *levels]),)


def unknown_member(frame: bytes) -> tuple[bytes]:
    """Give the frame with a member that no client knows, in front of its own and of its data's."""
    return (_OPENINGS.sub(b"{" + UNHEARD_OF + b':{"of":[1,null]},', frame),)


def unknown_value(frame: bytes) -> tuple[bytes]:
    """Give the frame with a value that no client knows, of a member whose values are listed.

    That is the order type of a trade, the mode of the engine, the status of an instrument, or
    else the type of the message.
    """
    for member in _ENUMERATED:
        if member.search(frame):
            return (member.sub(UNHEARD_OF, frame, count=1),)
    return (frame,)


def _on_each_side(frame: bytes, change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    """Change the levels on the sides that have any."""
    return _SIDE.sub(
        lambda side: b",".join(change([level[0] for level in _LEVEL.finditer(side[0])])), frame
    )


def _unsorted(levels: list[bytes]) -> list[bytes]:
    by_price: dict[bytes, list[bytes]] = {}
    for level in levels:
        by_price.setdefault(level.partition(b",")[0], []).append(level)
    first, *others = sorted(by_price.values(), key=_length_and_text)
    # The least price goes between the others, or behind the only one.
    return [level for group in (*others[:1], first, *others[1:]) for level in group]


def _length_and_text(levels: list[bytes]) -> tuple[int, bytes]:
    """Order prices of one pair, which have the same decimals, by their value."""
    price = levels[0].partition(b",")[0]
    return len(price), price


def _with_other_qty(level: bytes) -> bytes:
    """Give the same price with a quantity that is not zero."""
    return level[:-2] + (b"2}" if level.endswith(b"1}") else b"1}")

"""What is fuzzed: for any bytes each of these returns, or something is wrong.

Errors that are documented are taken here; whatever else comes out of a target is a fault. Both
``fuzz.py``, guided by coverage, and ``test_fuzz.py``, by Hypothesis, call them.
"""

from __future__ import annotations

import atexit
import json
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Final

from kraken_trio import BookSnapshot, BookUpdate, Channel, Gap, ProtocolError, Timestamp
from kraken_trio._internal.core.book import OrderBook
from kraken_trio._internal.engine.book_route import BookRoute
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.engine.verify import verify_capture
from kraken_trio._internal.model.lifecycle import BookState
from kraken_trio._internal.wire.capture import format_line, read_capture
from kraken_trio._internal.wire.decode import V2Decoder
from kraken_trio._internal.wire.envelope import guess_owner, read_envelope
from kraken_trio._internal.wire.faults import FAULTS
from kraken_trio._internal.wire.frames import FrameSplitter
from kraken_trio._internal.wire.rest_token import read_token
from kraken_trio._internal.wire.rest_trades import read_trades
from kraken_trio._internal.wire.v1_decode import V1Decoder
from kraken_trio.extended import RestResponse

AT: Final = Timestamp(10**18)
MOST_BYTES: Final = 2**16
"""Of a message, and of a line: little, so that what must not grow is seen to."""
CHANNELS: Final = (
    Channel.book("BTC/USD"),
    Channel.level3("BTC/USD"),
    Channel.trades("BTC/USD"),
    Channel.ticker("BTC/USD"),
    Channel.spread("BTC/USD"),
    Channel.ohlc("BTC/USD"),
    Channel.instrument(),
    Channel.executions(),
    Channel.balances(),
)
CHANNELS_V1: Final = (
    Channel.book("BTC/USD"),
    Channel.trades("BTC/USD"),
    Channel.ticker("BTC/USD"),
    Channel.spread("BTC/USD"),
    Channel.ohlc("BTC/USD"),
    Channel.open_orders(),
    Channel.own_trades(),
)
_decoder = V2Decoder()
_folder = tempfile.TemporaryDirectory(prefix="kraken-trio-fuzz-")
atexit.register(_folder.cleanup)
_file = Path(_folder.name) / "capture"


def frames(data: bytes) -> None:
    """A server's bytes, split whole and one by one: the same messages, the same fault."""
    assert split(data, len(data) or 1) == split(data, 1 + len(data) % 7)


def split(data: bytes, step: int) -> tuple[list[bytes], list[bytes], str | None]:
    """Feed so many bytes at a time; give messages, control frames and the fault."""
    splitter = FrameSplitter(max_message_bytes=MOST_BYTES)
    messages: list[bytes] = []
    controls: list[bytes] = []
    try:
        for at in range(0, len(data), step):
            splitter.feed(data[at : at + step])
            while found := splitter.next_messages():
                assert max(map(len, found)) <= MOST_BYTES
                messages += found
            while control := splitter.take_control():
                controls.append(control)
    except ProtocolError as fault:
        assert fault.close_code in (1002, 1007, 1009)
        while control := splitter.take_control():
            controls.append(control)
        return messages, controls, fault.reason
    return messages, controls, None


def envelope(data: bytes) -> None:
    """What kind of frame it is, and whose it may have been."""
    with suppress(*FAULTS):
        assert isinstance(read_envelope(data).answers, bool)
    owner = guess_owner(data)
    assert owner is None or len(owner[0]) <= 20


def decode(data: bytes) -> None:
    """Frames, one a line, through the decoder and all that may be open."""
    through(_decoder, CHANNELS, data)


def decode_v1(data: bytes) -> None:
    """The same of protocol v1, whose decoder remembers what was confirmed; and whose data those
    were that it refused.
    """
    decoder = V1Decoder()
    through(decoder, CHANNELS_V1, data)
    for line in data.split(b"\n"):
        owner = decoder.owner(line)
        assert owner is None or len(owner[0]) <= 40


def through(decoder: V1Decoder | V2Decoder, channels: Iterable[Channel], data: bytes) -> None:
    """Let frames, one a line, through a decoder and these channels."""
    engine = Engine(decoder)
    items: list[object] = []
    engine.attach(items.append)
    for channel in channels:
        engine.open(channel)
    for line in data.split(b"\n"):
        engine.feed(line, AT)
        try:
            message = decoder.decode(line, AT)
        except ProtocolError as error:
            assert len(error.excerpt) <= 120
            assert str(error).isprintable()
        else:
            repr(message)
    repr(items)
    assert engine.frames == data.count(b"\n") + 1


def book(data: bytes) -> None:
    """Updates of a book, four bytes each, beside a book that is kept in the plainest way."""
    engine = Engine(_decoder)
    seen: list[object] = []
    engine.attach(seen.append)
    route = engine.open(Channel.book("BTC/USD"))
    assert isinstance(route, BookRoute)
    assert isinstance(route.book, OrderBook)
    route.book.set_precision(1, 2)
    plain = Plain()
    known = False  # Whether both have the same book.
    for operation in operations(data):
        kind, right, levels = operation
        if kind == "snapshot":
            plain = Plain()
        for side, price, qty in levels:
            plain.put(side, price, qty)
        plain.cut()
        checksum = plain.checksum() if right else plain.checksum() ^ 1
        engine.feed(plain.frame(kind, levels if kind == "update" else None, checksum), AT)
        known = right and (known or kind == "snapshot")
        assert (route.book.state is BookState.LIVE) == known
        if known:
            shown = [
                [(x.price, x.qty) for x in side] for side in (route.book.bids, route.book.asks)
            ]
            assert shown == [plain.best("bids"), plain.best("asks")]
    assert all(isinstance(item, BookSnapshot | BookUpdate | Gap) for item in seen)


Levels = list[tuple[str, Decimal, Decimal]]


def operations(data: bytes) -> Iterator[tuple[str, bool, Levels]]:
    """Read bytes as what happens to a book."""
    at, levels = 0, Levels()
    while at + 3 < len(data):
        flags, price, tenths, qty = data[at : at + 4]
        at += 4
        side = "bids" if flags & 1 else "asks"
        # The sides never meet: prices of bids are lower.
        levels.append(
            (
                side,
                Decimal(price + 1 + 300 * (side == "asks")) + Decimal(tenths % 10) / 10,
                Decimal(qty) / 100,
            )
        )
        if flags & 2:
            kind = "snapshot" if flags & 4 else "update"
            if kind == "snapshot":
                levels = [*{(s, p): (s, p, q) for s, p, q in levels if q}.values()]
            yield kind, not flags & 8, levels
            levels = []


class Plain:
    """A book as the documentation tells it: sides, sorted and cut when asked."""

    def __init__(self) -> None:
        """Empty."""
        self.sides: dict[str, dict[Decimal, Decimal]] = {"bids": {}, "asks": {}}

    def put(self, side: str, price: Decimal, qty: Decimal) -> None:
        """Set a level, or remove it."""
        if qty:
            self.sides[side][price] = qty
        else:
            self.sides[side].pop(price, None)

    def best(self, side: str) -> list[tuple[Decimal, Decimal]]:
        """The ten best levels, best first."""
        return sorted(self.sides[side].items(), reverse=side == "bids")[:10]

    def cut(self) -> None:
        """Forget what is beyond the depth."""
        for side in self.sides:
            self.sides[side] = dict(self.best(side))

    def checksum(self) -> int:
        """That of the documentation."""
        text = "".join(
            digits(price, 1) + digits(qty, 2)
            for side in ("asks", "bids")
            for price, qty in self.best(side)
        )
        return zlib.crc32(text.encode())

    def frame(self, kind: str, levels: Levels | None, checksum: int) -> bytes:
        """The message that tells it; with ``levels`` alone, or with all there is."""
        rows = {side: [[price, qty] for price, qty in self.best(side)] for side in self.sides}
        if levels is not None:
            rows = {side: [[p, q] for each, p, q in levels if each == side] for side in self.sides}
        shown = {
            side: [{"price": float(price), "qty": float(qty)} for price, qty in rows[side]]
            for side in rows
        }
        time = {"timestamp": "2026-01-02T03:04:05.678901Z"}
        data = [{"symbol": "BTC/USD", **shown, "checksum": checksum, **time}]
        return json.dumps({"channel": "book", "type": kind, "data": data}).encode()


def digits(number: Decimal, places: int) -> str:
    """Give the text of a number as it stands in a checksum."""
    return f"{number:.{places}f}".replace(".", "").lstrip("0")


def capture(data: bytes) -> None:
    """A file of captured traffic: read, verified, and a frame written and read again."""
    _file.write_bytes(data)
    damaged: list[ProtocolError] = []
    try:
        for frame in read_capture(_file, max_line_bytes=MOST_BYTES, on_damage=damaged.append):
            # A base64 text is shorter than its line, other text may be longer when encoded.
            assert len(frame.payload) <= MOST_BYTES
        verify_capture(_file)
    except OSError:
        assert data[:2] == b"\x1f\x8b"  # It only begins like gzip.
    _file.write_bytes(format_line(data, 1_700_000_000_123_456_789))
    (again,) = read_capture(_file)
    assert (again.payload, again.received_ns) == (data, 1_700_000_000_123_456_789)


def rest(data: bytes) -> None:
    """The body of an answer over REST, taken for trades and for a token."""
    for status in (200, 500):
        response = RestResponse(status, (), data)
        try:
            read_trades(response, "BTC/USD", AT)
        except ProtocolError as error:
            assert len(error.excerpt) <= 120
        try:
            read_token(response, AT)
        except ProtocolError as error:
            assert error.excerpt == ""


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    target.__name__: target for target in (frames, envelope, decode, decode_v1, book, capture, rest)
}
"""Each by its name, which its folder of corpus has, too."""

"""What a server sends on one connection, made wrong on its way.

Knows the answer to an upgrade, WebSocket frames as servers send them, and each fault of a
connection; what is wrong in single messages is ``spoiling``. It waits for nothing and reads no
clock: bytes go in, and out comes what is to be handed on, piece by piece, with pauses. So it works
at either end.

Source: RFC 6455 sections 4, 5 and 7.4.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from msgspec import Struct

from kraken_trio._internal.testing.faults import CHECKED_LEVELS, skewed
from kraken_trio._internal.testing.frames import status_frame
from kraken_trio._internal.testing.gate import TOO_MANY, UNAVAILABLE, Refusal
from kraken_trio._internal.testing.mishap import ChaosFault, Planned
from kraken_trio._internal.testing.pieces import (
    STATUSES,
    close_frame,
    header_bytes,
    in_fragments,
    in_pieces,
    refused_answer,
    take_frame,
)
from kraken_trio._internal.testing.said import Said, said
from kraken_trio._internal.testing.spoiling import SPOILINGS
from kraken_trio._internal.testing.trouble import Trouble
from kraken_trio._internal.wire.frames import TEXT, encode_frame

OVERSIZE_BYTES = 2**40
"""What an oversized message is announced with."""

_WHOLE_TEXT = 0x81
_ANNOUNCED = bytes((_WHOLE_TEXT, 127)) + OVERSIZE_BYTES.to_bytes(8, "big")
_HEAD_END = b"\r\n\r\n"
_SWITCHING = b"HTTP/1.1 101"
_CLOSES = {
    ChaosFault.CLOSE_1000: (1000, b""),
    ChaosFault.CLOSE_1001: (1001, b"going away"),
    ChaosFault.CLOSE_1011: (1011, b"internal error"),
    ChaosFault.CLOSE_1012: (1012, b"restart"),
    ChaosFault.CLOSE_1013: (1013, b"try again later"),
}


class Pause(Struct, frozen=True):
    """What comes after it comes later."""

    seconds: float
    """By so much."""


class Cut(Struct, frozen=True):
    """Here the connection ends."""


Subject = tuple[str | None, str | None]
"""A channel and a symbol, of what has them."""

Step = bytes | Pause | Cut
"""What is to be handed on next: bytes, each by itself; a pause; the end."""


class Mangler:
    """One connection's bytes from the server, with what goes wrong in them."""

    def __init__(self, trouble: Trouble, number: int, *, at_server: bool = False) -> None:
        """Take faults from ``trouble``; the connection is the one with this ``number``.

        ``at_server`` where the server itself sees to what it alone can do: refusing tokens.
        """
        self.deaf: bool = False
        """Whether the server hears nothing any more."""
        self._trouble = trouble
        self._number = number
        self._at_server = at_server
        self._data = bytearray()
        self._answered = False
        self._plain = False  # It is no WebSocket after all.
        self._silent = False
        self._steps: list[Step] = []
        self._now = 0.0
        self._skew_s = 0
        self._depths: dict[Subject, int] = {}
        self._stalled: set[Subject] = set()
        self._unknown: set[Subject] = set()  # To the client, whose request was refused.
        self._refused_number: int | None = None
        self._held: dict[Subject, list[bytes]] = {}
        self._late: list[tuple[float, bytes]] = []
        self._pieces: tuple[int, random.Random] | None = None  # For so many messages more.
        self._joining = 0
        self._joined = bytearray()

    def feed(self, data: bytes | bytearray | memoryview, now: float) -> list[Step]:
        """Take what the server sends ``now``, and give what is to be handed on."""
        self._now = now
        if self._plain:
            return [bytes(data)]
        self._data += data
        if not self._answered:
            self._answer()
        if self._answered and not self._plain:
            if self._trouble.calm:
                self._calm_down()
            while (frame := take_frame(self._data)) is not None:
                self._take(frame)
        return self._taken()

    def finish(self) -> list[Step]:
        """Give what is left when the server has ended: the half of a frame, what was held back."""
        if not self._silent:
            self._flush()
            self._steps.append(bytes(self._data))
        self._data.clear()
        return [step for step in self._taken() if step != b""]

    def _taken(self) -> list[Step]:
        steps, self._steps = self._steps, []
        return steps

    def _answer(self) -> None:
        """Pass the answer to the upgrade on, or another one."""
        end = self._data.find(_HEAD_END)
        if end < 0:
            return
        head = bytes(self._data[: end + len(_HEAD_END)])
        self._answered = True
        if not head.startswith(_SWITCHING):
            self._plain = True
            self._steps.append(bytes(self._data))
            self._data.clear()
            return
        refusal = self._trouble.refusal(self._now)
        slow_s = self._trouble.slowness()
        if refusal is not None:
            self._steps += [refused_answer(refusal), Cut()]
            self._fall_silent()
            return
        del self._data[: len(head)]
        self._steps += [Pause(slow_s), head] if slow_s else [head]

    def _take(self, frame: bytes) -> None:
        if self._silent:
            return
        if frame[0] != _WHOLE_TEXT:
            self._emit(frame)
            return
        message = frame[header_bytes(frame[1]) :]
        if self._skew_s:
            (message,) = skewed(message, self._skew_s)
        about = said(message)
        if about.depth is not None:
            self._depths[about.about] = about.depth
        if self._is_unknown(about) or self._is_stalled(about):
            return
        planned = self._trouble.take(lambda fault: self._fits(fault, about, message), now=self._now)
        if planned is None:
            self._say(message, about)
        else:
            self._do(planned, message, about)
        self._catch_up()

    def _is_stalled(self, about: Said) -> bool:
        """Say whether this is silenced; a new subscription ends that."""
        if about.kind == "ack":
            self._stalled.discard(about.about)
        return about.kind != "ack" and about.about in self._stalled

    def _is_unknown(self, about: Said) -> bool:
        """Say whether this is of what was refused; a confirmation of another request ends that.

        A refusal is of a whole request, so what else that asked for is refused with it.
        """
        if about.kind == "ack":
            if about.req_id is None or about.req_id != self._refused_number:
                self._unknown.discard(about.about)
                return False
            self._unknown.add(about.about)
        return about.about in self._unknown

    def _calm_down(self) -> None:
        """Send what was held back, and let all that follows be as it is."""
        self._skew_s, self._pieces = 0, None
        self._stalled.clear()
        self._flush()
        for message in (
            *(message for held in self._held.values() for message in held),
            *(message for _, message in self._late),
        ):
            self._emit(encode_frame(TEXT, message))
        self._held.clear()
        self._late.clear()

    def _say(self, message: bytes, about: Said) -> None:
        """Send a message, and behind it what was to come behind the next one of its kind."""
        self._emit(encode_frame(TEXT, message))
        for held in self._held.pop(about.about, ()) if about.is_update else ():
            self._emit(encode_frame(TEXT, held))

    def _catch_up(self) -> None:
        """Send what was to come later, and is due."""
        due = [message for at, message in self._late if at <= self._now]
        self._late = [late for late in self._late if late[0] > self._now]
        for message in due:
            self._emit(encode_frame(TEXT, message))

    def _emit(self, frame: bytes) -> None:
        if self._silent:
            return
        if self._joining:
            self._joined += frame
            self._joining -= 1
            if not self._joining:
                self._flush()
        elif self._pieces:
            left, dice = self._pieces
            self._steps += in_pieces(frame, dice)
            self._pieces = (left - 1, dice) if left > 1 else None
        else:
            self._steps.append(frame)

    def _flush(self) -> None:
        """Send what was to come in one piece, as it is."""
        self._joining = 0
        if self._joined:
            self._steps.append(bytes(self._joined))
            self._joined.clear()

    def _fits(self, fault: ChaosFault, about: Said, message: bytes) -> bool:
        if fault is ChaosFault.AUTH_REFUSAL and self._at_server:
            return False
        if fault is ChaosFault.CORRUPT_QUANTITY and about.kind != "snapshot":
            # Which of its levels are among the checked ones cannot be told of a deeper book.
            return self._depths.get(about.about) == CHECKED_LEVELS and _fits(fault, about, message)
        if fault in SPOILINGS:
            return _fits(fault, about, message)
        if fault in (ChaosFault.REORDER, ChaosFault.STALL_SUBSCRIPTION):
            return about.is_update
        return fault is not ChaosFault.LATE_ACK or about.kind == "ack"

    def _do(self, planned: Planned, message: bytes, about: Said) -> None:
        """Let a fault happen to a message that it fits, or to the connection at this message."""
        fault, dice = planned.fault, planned.dice()
        spoiling = SPOILINGS.get(fault)
        if spoiling is not None:
            for spoiled in spoiling.spoil(message, dice):
                self._say(spoiled, about)
            if fault is ChaosFault.AUTH_REFUSAL:
                self._unknown.add(about.about)
                self._refused_number = about.req_id
            self._note(planned, spoiling.words.format(about))
            return
        match fault:
            case ChaosFault.REORDER:
                self._held.setdefault(about.about, []).append(message)
                what = f"kept {about} back for the next one"
            case ChaosFault.STALL_SUBSCRIPTION:
                self._stalled.add(about.about)
                what = f"silenced {about.channel} {about.symbol or ''}".rstrip()
            case ChaosFault.LATE_ACK:
                seconds = dice.uniform(0.5, 8)
                self._late.append((self._now + seconds, message))
                what = f"kept {about} back for {seconds:.1f} s"
            case _ if fault in _ON_THE_WAY:
                what = self._hamper(fault, message, about, dice)
            case _:
                what = self._end(fault, message, dice)
        self._note(planned, what)

    def _hamper(self, fault: ChaosFault, message: bytes, about: Said, dice: random.Random) -> str:
        """Let everything come, in another way."""
        frame = encode_frame(TEXT, message)
        if fault is ChaosFault.DELAY:
            seconds = dice.uniform(0.05, 3)
            self._flush()
            self._steps.append(Pause(seconds))
            what = f"held everything up for {seconds:.2f} s"
        elif fault is ChaosFault.SPLIT:
            self._flush()
            self._pieces = dice.randint(2, 20), dice
            what = f"tore {self._pieces[0]} messages into pieces"
        elif fault is ChaosFault.JOIN:
            self._pieces, self._joining = None, self._joining or dice.randint(2, 20)
            what = f"joined {self._joining} messages"
        elif fault is ChaosFault.CLOCK_SKEW:
            self._skew_s = dice.choice((-1, 1)) * dice.randint(1, 3600)
            what = f"put the clock {abs(self._skew_s)} s {'ahead' if self._skew_s > 0 else 'back'}"
        else:
            frame = in_fragments(message, dice)
            what = f"sent {about} in fragments"
        self._emit(frame)
        return what

    def _end(self, fault: ChaosFault, message: bytes, dice: random.Random) -> str:
        """Let nothing come any more, in one way or another."""
        self._flush()
        steps: Iterable[Step] = (Cut(),)
        what = "cut the connection"
        match fault:
            case ChaosFault.STALL | ChaosFault.HALF_OPEN:
                self.deaf = fault is ChaosFault.HALF_OPEN
                steps = ()
                what = "lets nothing through" + ("" if self.deaf else " to the client")
            case ChaosFault.OVERSIZE:
                steps = (_ANNOUNCED,)
                what = f"announced a message of {OVERSIZE_BYTES} bytes"
            case ChaosFault.CUT_IN_FRAME:
                frame = encode_frame(TEXT, message)
                kept = dice.randrange(1, len(frame))
                steps = (frame[:kept], Cut())
                what = f"cut the connection after {kept} of {len(frame)} bytes of a frame"
            case ChaosFault.MAINTENANCE:
                seconds = dice.uniform(3, 20)
                self._trouble.refuse(Refusal(UNAVAILABLE, None), until=self._now + seconds)
                notice = encode_frame(TEXT, status_frame("maintenance"))
                steps = (notice, close_frame(1012, b"maintenance"))
                what = f"went into maintenance for {seconds:.1f} s"
            case ChaosFault.BAN:
                seconds = dice.uniform(3, 30)
                told = int(seconds) + 1 if dice.random() < 0.5 else None  # noqa: PLR2004 - a coin
                self._trouble.refuse(Refusal(TOO_MANY, told), until=self._now + seconds)
                what = f"banned for {seconds:.1f} s"
            case ChaosFault.REFUSED_UPGRADE:
                times, status = dice.randint(1, 3), dice.choice(STATUSES)
                self._trouble.refuse(Refusal(status, None), times=times)
                what += f", and {status} for the next {times}"
            case ChaosFault.TLS_FAILURE:
                self._trouble.fail_tls()
                what += ", and no TLS for the next one"
            case ChaosFault.SLOW_HANDSHAKE:
                seconds = dice.uniform(0.5, 8)
                self._trouble.slow_down(seconds)
                what += f", and {seconds:.1f} s for the next WebSocket"
            case _ if fault in _CLOSES:
                code, reason = _CLOSES[fault]
                steps = (close_frame(code, reason),)
                what = f"closed with code {code}"
            case _:
                pass
        self._steps += steps
        self._fall_silent()
        return what

    def _fall_silent(self) -> None:
        self._silent = True
        self._data.clear()

    def _note(self, planned: Planned, what: str) -> None:
        self._trouble.happened(planned, self._now, self._number, what)


_ON_THE_WAY = frozenset(
    {
        ChaosFault.DELAY,
        ChaosFault.SPLIT,
        ChaosFault.JOIN,
        ChaosFault.CLOCK_SKEW,
        ChaosFault.FRAGMENT,
    }
)


def _fits(fault: ChaosFault, about: Said, message: bytes) -> bool:
    return SPOILINGS[fault].fits(about, message)

"""What a file of captured traffic has to offer: which subscriptions, and what comes of them.

Knows how to tell channels, answers, hosts and depths apart in the text of frames; plays nothing.
A recording of our own says itself on which connection each frame came, and where one was lost.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from kraken_trio._internal.model.channel import BOOK_DEPTHS, LEVEL3_DEPTHS
from kraken_trio._internal.testing.part import BY_SYMBOL, CHANNELS, Key
from kraken_trio._internal.testing.place import DOORS, TRADING, Door, door_of
from kraken_trio._internal.wire.capture import CapturedFrame, CapturedNote, read_lines

_DEPTHS = {"book": BOOK_DEPTHS, "level3": LEVEL3_DEPTHS}
_ANSWERING = frozenset({"method", "error", "Error"})
_SESSIONS: dict[str, Door] = {
    "public": "public",
    "private": "private",
    "level3": "level3",
    "trading": "private",
}
"""Where the connections of a session are made; others have what they have of any."""

Acts = Mapping[Door, tuple["Script", ...]]
"""What is played at each door, connection after connection: each ends as it did."""


class Offer(Struct):
    """One subscription that a file holds the traffic of."""

    depth: int | None = None
    """Levels a side, where the channel has them and the file shows them."""
    result: dict[str, Any] = {}
    """Of its acknowledgement in the file; empty where there is none."""


class Script(Struct, frozen=True):
    """The frames of a file, in order, and what they are about."""

    greeting: tuple[bytes, ...]
    """What comes before anything was asked: statuses at the very beginning."""
    frames: tuple[bytes, ...]
    """All that follow."""
    answers: frozenset[int]
    """Which of these, by their place, answer requests."""
    offers: dict[Key, Offer]
    """What one must subscribe to for it."""
    doors: tuple[Door | None, ...]
    """Where each of the frames belongs; None for what is heard everywhere, such as a status."""
    times: tuple[int | None, ...] = ()
    """When each of them was received, in nanoseconds since the epoch, as far as the file says."""

    def at(self, door: Door) -> Script:
        """Give what of it belongs to one door.

        Where it has nothing to subscribe to there, but elsewhere, that is only the greeting.
        """
        offers = {key: offer for key, offer in self.offers.items() if door_of(key[0]) == door}
        if self.offers and not offers:
            return Script(self.greeting, (), frozenset(), {}, ())
        kept = [place for place, there in enumerate(self.doors) if there in (None, door)]
        return Script(
            self.greeting,
            tuple(self.frames[place] for place in kept),
            frozenset(new for new, place in enumerate(kept) if place in self.answers),
            offers,
            tuple(self.doors[place] for place in kept),
            tuple(self.times[place] for place in kept if self.times),
        )

    def without_answers(self) -> tuple[bytes, ...]:
        """Give the frames that answer nothing."""
        return tuple(f for place, f in enumerate(self.frames) if place not in self.answers)

    def times_without_answers(self) -> tuple[int | None, ...]:
        """Give the times of these."""
        return tuple(at for place, at in enumerate(self.times) if place not in self.answers)


def read_script(*paths: str | os.PathLike[str]) -> Script:
    """Read whole files, one after the other. Raises what ``read_capture`` raises."""
    return _script(line for line in _lines(paths) if isinstance(line, CapturedFrame))


def read_acts(*paths: str | os.PathLike[str]) -> Acts:
    """Read whole files, one after the other, for what is played at each door.

    In a recording of our own each session is played at its own door, and where its connection was
    lost, an act ends. Where several had the same at one door, it is played once: as the first had
    it, and otherwise as that session had it that has the name of the door. Raises what
    ``read_capture`` raises.
    """
    lines = list(_lines(paths))
    if all(line.session is None for line in lines if isinstance(line, CapturedFrame)):
        whole = _script(line for line in lines if isinstance(line, CapturedFrame))
        return {door: (whole.at(door),) for door in DOORS}
    found: dict[Door, _Stage] = {}
    for line in lines:
        if isinstance(line, CapturedFrame):
            door = _SESSIONS.get(line.session or "") or _door(_parsed(line.payload)) or "public"
            stage = found.setdefault(door, _Stage(line.session))
            if line.session == door:
                stage.leader = line.session
    for line in lines:
        if isinstance(line, CapturedFrame):
            message = _parsed(line.payload)
            found[_SESSIONS.get(line.session or "") or _door(message) or "public"].take(
                line, message
            )
        elif line.step is not None and _parsed(line.step).get("step") == "disconnected":
            for stage in found.values():
                stage.lose(line.session)
    return {door: found[door].acts(door) if door in found else (_NOTHING,) for door in DOORS}


class _Stage:
    """What the sessions of one door had, act by act."""

    def __init__(self, leader: str | None) -> None:
        self.leader = leader
        """The session whose connections, greetings and heartbeats are played."""
        self._owners: dict[Key, str | None] = {}
        self._acts: list[list[CapturedFrame]] = [[]]
        self._lost = False

    def lose(self, session: str | None) -> None:
        """A session lost its connection."""
        self._lost |= session == self.leader

    def take(self, line: CapturedFrame, message: dict[str, Any]) -> None:
        """Take a frame of this door, unless another session had the same."""
        keys = [key for key, _ in _rows(message)]
        mine = all(self._owners.setdefault(key, line.session) == line.session for key in keys)
        if not (mine if keys else line.session == self.leader):
            return
        if self._lost and message.get("channel") == "status":
            # With this the next connection begins; what came before it was under way, and of books
            # it meant nothing any more.
            self._lost = False
            self._acts.append([])
        elif self._lost and message.get("channel") in _DEPTHS:
            return
        self._acts[-1].append(line)

    def acts(self, door: Door) -> tuple[Script, ...]:
        """Give what is played; of every act all has to be subscribed to that there is in any."""
        scripts = [_script(act) for act in self._acts if act]
        offers: dict[Key, Offer] = {}
        for script in scripts:
            for key, offer in script.offers.items():
                known = offers.setdefault(key, offer)
                if known.depth is None or not known.result:
                    offers[key] = offer
        here = [(door,) * len(script.frames) for script in scripts]
        return tuple(
            replace(script, offers=offers, doors=doors)
            for script, doors in zip(scripts, here, strict=True)
        )


def _lines(paths: Iterable[str | os.PathLike[str]]) -> Iterator[CapturedFrame | CapturedNote]:
    for path in paths:
        for line in read_lines(path):
            if not (isinstance(line, CapturedFrame) and line.sent):
                yield line


def _script(lines: Iterable[CapturedFrame]) -> Script:
    greeting: list[bytes] = []
    frames: list[bytes] = []
    answers: set[int] = set()
    offers: dict[Key, Offer] = {}
    doors: list[Door | None] = []
    times: list[int | None] = []
    for captured in lines:
        frame = captured.payload
        message = _parsed(frame)
        if message.get("channel") == "status" and not frames:
            greeting.append(frame)
            continue
        if _ANSWERING & message.keys():
            answers.add(len(frames))
            result = message.get("result")
            if message.get("method") == "subscribe" and isinstance(result, dict):
                key = _key(str(result.get("channel")), result)
                offers[key] = Offer(result.get("depth"), result)
        else:
            for key, row in _rows(message):
                offer = offers.setdefault(key, Offer())
                if offer.depth is None and message.get("type") == "snapshot":
                    offer.depth = _depth(key[0], row)
        frames.append(frame)
        doors.append(_door(message))
        times.append(captured.received_ns)
    answered = frozenset(answers)
    return Script(tuple(greeting), tuple(frames), answered, offers, tuple(doors), tuple(times))


_NOTHING = Script((), (), frozenset(), {}, ())


def _door(message: dict[str, Any]) -> Door | None:
    """Give where a frame belongs, or None where that cannot be told from it."""
    if message.get("method") in TRADING:
        return "private"
    result = message.get("result")
    for members in (message, result if isinstance(result, dict) else {}):
        channel = members.get("channel")
        if isinstance(channel, str) and channel in CHANNELS:
            return door_of(channel)
    return None


def _parsed(frame: bytes) -> dict[str, Any]:
    """Give the members of a frame: none where it is not a JSON object, which happens, too."""
    try:
        # Numbers stay text: nothing is calculated here.
        message = json.loads(frame, parse_float=str)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _rows(message: dict[str, Any]) -> Iterator[tuple[Key, dict[str, Any]]]:
    """Give each row of a channel's frame, and what one must have subscribed to for it."""
    channel, data = str(message.get("channel")), message.get("data")
    if channel not in CHANNELS:
        return
    if channel not in BY_SYMBOL:
        yield _key(channel, {}), {}
        return
    for row in data if isinstance(data, list) else ():
        if isinstance(row, dict) and "symbol" in row:
            yield _key(channel, row), row


def _key(channel: str, members: dict[str, Any]) -> Key:
    return channel, members.get("symbol"), members.get("interval")


def _depth(channel: str, row: dict[str, Any]) -> int | None:
    """Give the smallest depth that holds a snapshot; None for a channel without depths."""
    if channel not in _DEPTHS:
        return None
    name = "price" if channel == "book" else "limit_price"
    try:
        levels = max(len({level[name] for level in row[side]}) for side in ("bids", "asks"))
    except (KeyError, TypeError):
        return None  # Of another shape: let the client judge it.
    fitting = (depth for depth in _DEPTHS[channel] if depth >= levels)
    return min(fitting, default=max(_DEPTHS[channel]))

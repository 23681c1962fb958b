"""A simulated exchange that plays captured traffic, byte for byte.

Knows when a file is due to be played, to whom, and what of it at which door. Books in it stay right
at the depth they were captured at and no other, so only that one can be subscribed to. Tokens are
asked for and not looked at: those of the capture are nobody's any more.
"""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Literal

import trio

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.timestamp import NANOSECONDS
from kraken_trio._internal.testing.conversation import UNKNOWN_PAIR
from kraken_trio._internal.testing.doors import Doors, open_doors
from kraken_trio._internal.testing.outbox import NORMAL
from kraken_trio._internal.testing.pace import Pace, check_rate
from kraken_trio._internal.testing.packet import packet, packets
from kraken_trio._internal.testing.part import (
    UNSUPPORTED,
    WRONG_DEPTH,
    WRONG_INTERVAL,
    Key,
    Part,
)
from kraken_trio._internal.testing.place import Door, door_of
from kraken_trio._internal.testing.rules import ExchangeRules
from kraken_trio._internal.testing.script import Acts, Offer, Script, read_acts
from kraken_trio._internal.testing.service import Service
from kraken_trio._internal.testing.venue import Venue

RESTARTS: Final = 1012
"""What a connection is closed with that is played on with the next (RFC 6455 section 11.7)."""


class Scene:
    """What is played at one door, made ready."""

    def __init__(self, script: Script, *, answers: bool, paced: bool) -> None:
        """Play ``script``, with its answers or without; ``paced`` or as fast as it is read."""
        self.greeting = script.greeting
        """What is heard first."""
        self.offers = script.offers
        """What one must subscribe to there."""
        self.frames = script.frames if answers else script.without_answers()
        """What is played."""
        self.times = script.times if answers else script.times_without_answers()
        """When it came once."""
        self.packets = () if paced else tuple(packets(self.frames))
        """The same as it is sent, where nothing else decides how much at once."""


class FileVenue(Venue):
    """An exchange that plays a file to its clients."""

    def __init__(
        self,
        acts: Acts,
        *,
        at_once: bool,
        close: bool,
        rate: float,
        rules: ExchangeRules,
        seed: int,
        speed: float | None = None,
        ledger: int = 0,
    ) -> None:
        """Play ``acts`` to everybody: ``at_once``, or when all of it was subscribed to.

        ``rate`` frames a second, or with 0 as fast as each client reads; with ``speed`` as they
        came, so many times as fast.
        """
        check_rate(rate, "frames")
        scripts = [script for there in acts.values() for script in there]
        check_speed(speed, rate, (at for script in scripts for at in script.times))
        super().__init__(
            rules=rules, seed=seed, start=time.time_ns(), ledger=ledger, any_token_will_do=True
        )
        self._offers = {key: offer for each in scripts for key, offer in each.offers.items()}
        self._at_once = at_once or not self._offers
        paced = bool(rate or speed)
        self._acts: dict[Door, tuple[Scene, ...]] = {
            door: tuple(Scene(script, answers=at_once, paced=paced) for script in there)
            for door, there in acts.items()
        }
        self._rate = rate
        self._speed = speed
        self._close = close
        self._missing: dict[Service, set[Key]] = {}
        # Which act each client is played, and which are due to those who come back.
        self._playing: dict[Service, int] = {}
        self._due: dict[Door, deque[int]] = {door: deque() for door in acts}
        self.ended: set[Door] = set()
        """Where all was played to somebody."""

    def refusal(self, part: Part) -> str | None:
        """Say why this cannot be subscribed to, or None where it can."""
        offers = self._offers
        offer = offers.get(_key(part))
        if offer is not None:
            return None if offer.depth in (None, part.depth) else WRONG_DEPTH
        if part.symbol is None:
            return UNSUPPORTED
        if any(key[:2] == (part.channel, part.symbol) for key in offers):
            return WRONG_INTERVAL
        return UNKNOWN_PAIR.format(part.symbol)

    def result(self, part: Part) -> Mapping[str, object]:
        """What the file's acknowledgement says, in so far as the request did not decide it."""
        return {**self._offers[_key(part)].result, **super().result(part)}

    def join(self, service: Service) -> None:
        """Greet a client as the file does, or as usual where the file does not."""
        due = self._due[service.connection.door]
        self._playing[service] = due.popleft() if due else 0
        self._missing[service] = set(self._scene(service).offers)
        super().join(service)
        if self._at_once and (self._missing[service] or not self._offers):
            service.start_soon(self._play)

    def greeting(self, service: Service | None = None) -> tuple[bytes, ...]:
        """The file's, or the usual one."""
        greeting = () if service is None else self._scene(service).greeting
        return greeting or super().greeting()

    def leave(self, service: Service) -> None:
        """Forget a client."""
        super().leave(service)
        del self._missing[service], self._playing[service]

    def begin(self, service: Service, part: Part) -> None:
        """Play the file to a client as soon as it lacks nothing."""
        missing = self._missing[service]
        if missing:
            missing.discard(_key(part))
            if not self._at_once:
                self._begin_or_wait(service, missing)

    def _begin_or_wait(self, service: Service, missing: set[Key]) -> None:
        """Play, if nothing is missing; tell what is."""
        if missing:
            lacking = ", ".join(self.in_words(missing))
            self.witness(f"client {service.connection.number} still lacks {lacking}")
        else:
            service.start_soon(self._play)

    def in_words(self, keys: Iterable[Key] | None = None) -> list[str]:
        """What the file has, or these of it, each as what is to be subscribed to."""
        offers = self._offers
        return sorted(_in_words(key, offers[key]) for key in (offers if keys is None else keys))

    def channels(self) -> Iterator[Channel]:
        """What the file has, as channels. What nobody can subscribe to is left out."""
        for (name, symbol, interval), offer in self._offers.items():
            fields: dict[str, Any] = {"name": name, "symbols": () if symbol is None else (symbol,)}
            if name == "ticker":
                fields["event_trigger"] = offer.result.get("event_trigger", "trades")
            elif name in ("book", "level3"):
                fields["depth"] = offer.depth
            elif name == "ohlc":
                fields["interval"] = interval
            if name in ("ticker", "trade", "ohlc", "instrument", "balances"):
                fields["snapshot"] = bool(offer.result.get("snapshot", True))
            with suppress(ConfigurationError):
                yield Channel(**fields)

    def end(self, service: Service, part: Part) -> None:
        """Play on: a file cannot be played in part."""

    def _scene(self, service: Service) -> Scene:
        return self._acts[service.connection.door][self._playing[service]]

    async def _play(self, service: Service) -> None:
        if self._speed is not None:
            await self._play_at_speed(service, self._speed)
        elif self._rate:
            await self._play_at_rate(service)
        else:
            for ready in self._scene(service).packets:
                await service.outbox.tell_in_turn(ready)
        door, following = service.connection.door, self._playing[service] + 1
        if following < len(self._acts[door]):
            self._due[door].append(following)
            service.outbox.close(RESTARTS, "")
            return
        self.ended.add(door)
        if self._close:
            service.outbox.close(NORMAL, "")
        else:
            service.start_heartbeats()

    async def _play_at_rate(self, service: Service) -> None:
        pace = Pace(self._rate)
        frames = self._scene(service).frames
        while pace.taken < len(frames):
            begin = pace.taken
            end = begin + await pace.wait()
            await service.outbox.tell_in_turn(packet(frames[begin:end]))

    async def _play_at_speed(self, service: Service, speed: float) -> None:
        """As it came: what has no time comes with what was before it."""
        scene = self._scene(service)
        known = [at for at in scene.times if at is not None]
        began, first = trio.current_time(), min(known, default=0)
        due = began
        waiting: list[bytes] = []
        for frame, at in zip(scene.frames, scene.times, strict=True):
            when = due if at is None else began + (at - first) / (NANOSECONDS * speed)
            if when > due:
                if waiting:
                    await service.outbox.tell_in_turn(packet(waiting))
                    waiting = []
                due = when
                await trio.sleep_until(due)
            waiting.append(frame)
        if waiting:
            await service.outbox.tell_in_turn(packet(waiting))


class Replay(Doors):
    """A simulated exchange that plays a file: ``open_replay`` opens it."""

    def __init__(self, nursery: trio.Nursery, venue: FileVenue) -> None:
        """Open the doors to the ``venue`` of a file."""
        super().__init__(nursery, venue)
        self.offers: tuple[str, ...] = tuple(venue.in_words())
        """What the file has, such as ``book 10 BTC/USD`` or ``executions (private door)``: a client
        that is subscribed to all that its door has is played what belongs there."""
        self.channels: tuple[Channel, ...] = tuple(venue.channels())
        """The same as what a program of ours subscribes to."""
        self.doors: frozenset[Door] = frozenset(door_of(channel.name) for channel in self.channels)
        """Where these are to be had: ``public``, ``private``, ``level3``."""
        self._file = venue

    @property
    def ended(self) -> frozenset[Door]:
        """Where all was played to somebody, to its end."""
        return frozenset(self._file.ended)


@asynccontextmanager
async def open_replay(
    path: str | os.PathLike[str],
    *others: str | os.PathLike[str],
    start: Literal["subscribed", "connected"] = "subscribed",
    end: Literal["stay", "close"] = "stay",
    rate: float = 0,
    speed: float | None = None,
    rules: ExchangeRules | None = None,
    seed: int = 0,
    ledger: int = 0,
) -> AsyncIterator[Replay]:
    """Open an exchange that plays a capture file to each client, as fast as that reads it.

    ``others`` are the other parts of a recording, in their order.

    Each client hears the statuses at the file's beginning first, or a made-up one where there
    are none. Then, with ``start`` as

    * ``subscribed``: the rest follows when the client has subscribed to everything in the file.
      Its requests are answered as they come, under their own numbers; the answers in the file,
      which were to other requests, are left out. Of a book only the file's depth can be had,
      and nothing that the file does not hold.
    * ``connected``: all of the rest follows, answers as well. Requests are answered all the same.

    Where a file holds channels of several hosts, each is played at its own door: a client is told
    of those channels, and of what belongs to no host in particular. Any token is good for private
    ones; ``Replay.rest`` gives some, as that of an exchange does.

    A recording of our own says what came on which connection. Each session is played at its door;
    where its connection was lost, it is closed, with code 1012, and who comes to that door next is
    played on, as soon as all is subscribed to again. That is for one client at a door at a time.

    It plays ``rate`` frames a second, or with 0 as fast as a client reads; or with ``speed`` each
    when it came, so many times as fast as then, where the file says when that was. At the end of
    the file the connection stays, with heartbeats, or with ``end`` as ``close`` is closed with code
    1000.
    The latest ``ledger`` frames that are sent are remembered.

    Raises what ``read_capture`` raises, before it opens: ``CaptureError`` for a damaged file,
    ``OSError`` for one that cannot be read; and ``ConfigurationError`` where ``rate`` is negative
    or no number, where ``speed`` is not above 0 or is given with a ``rate``, or where it is to be
    kept and the file has no times.
    """
    venue = FileVenue(
        read_acts(path, *others),
        at_once=start == "connected",
        close=end == "close",
        rate=rate,
        speed=speed,
        rules=rules or ExchangeRules(),
        seed=seed,
        ledger=ledger,
    )
    async with open_doors(lambda nursery: Replay(nursery, venue)) as replay:
        yield replay


def check_speed(speed: float | None, rate: float, times: Iterable[int | None]) -> None:
    """Raise ``ConfigurationError`` unless it can be kept."""
    if speed is None:
        return
    if not 0 < speed < math.inf:
        raise ConfigurationError("speed", f"must be above 0, is {speed}", "1 is as it was")
    if rate:
        raise ConfigurationError("speed", "was given with a rate", "Leave one of them out")
    if all(at is None for at in times):
        raise ConfigurationError(
            "speed", "cannot be kept: the file does not say when its frames came", "Give a rate"
        )


def _key(part: Part) -> Key:
    return part.channel, part.symbol, part.interval


def _in_words(key: Key, offer: Offer) -> str:
    """Give what is to be subscribed to, and at which door unless that is the public one."""
    channel, symbol, interval = key
    words = [str(word) for word in (channel, offer.depth, interval, symbol) if word is not None]
    door = door_of(channel)
    return " ".join([*words, *([] if door == "public" else [f"({door} door)"])])

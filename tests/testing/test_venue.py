"""Behind its doors an exchange has a clock, manners and a greeting."""

from __future__ import annotations

import json

import pytest
import trio
import trio.testing

from kraken_trio._internal.testing.conversation import Part, usual_result
from kraken_trio._internal.testing.memory import memory_streams
from kraken_trio._internal.testing.rules import ExchangeRules
from kraken_trio._internal.testing.service import Service
from kraken_trio._internal.testing.venue import Venue

START = 1_767_225_600 * 10**9


class Quiet(Venue):
    """Has nothing to tell."""

    channels = frozenset({"trade"})

    def refusal(self, _: Part) -> str | None:
        """Refuse nothing."""
        return None

    def begin(self, *_: object) -> None:
        """Tell nothing."""

    def end(self, *_: object) -> None:
        """Tell nothing."""


def made(seed: int = 1, rules: ExchangeRules | None = None) -> Quiet:
    """Make one."""
    return Quiet(rules=rules or ExchangeRules(), seed=seed, start=START)


async def test_its_clock_is_trios(autojump_clock: trio.testing.MockClock) -> None:
    """The clock starts where it is told to, and goes on with trio's."""
    venue = made()
    assert venue.now() == START
    await trio.sleep(90)
    assert venue.now() == pytest.approx(START + 90 * 10**9, abs=1000)


async def test_clients_come_and_go() -> None:
    """Who is connected is known in the order of coming, and how many ever were."""
    venue = made()
    one, two = (Service(venue, number, memory_streams()[0]) for number in (1, 2))
    venue.join(one)
    venue.join(two)
    assert venue.connections == [one.connection, two.connection]
    venue.leave(one)
    assert (venue.connections, venue.connected) == ([two.connection], 2)


@pytest.mark.parametrize("announcements", [True, False])
async def test_the_status_comes_first(announcements: bool) -> None:
    """Each client is greeted with a status: a number that no float holds, and two lists or none."""
    venue = made(rules=ExchangeRules(announcements=announcements))
    numbers = set()
    for _ in range(20):
        service = Service(venue, 1, memory_streams()[0])
        venue.join(service)
        taken = await service.outbox.take()
        assert taken is not None
        status = json.loads(taken.frames[0])
        (data,) = status["data"]
        numbers.add(data["connection_id"])
        assert (status["channel"], data["system"]) == ("status", "online")
        assert ("upcoming_maintenance" in data) is ("emergency" in data) is announcements
    assert len(numbers) == 20
    assert all(2**53 < number < 2**64 for number in numbers)


async def test_the_seed_makes_the_numbers() -> None:
    """The same seed gives the same greetings."""
    assert made(seed=3).greeting() == made(seed=3).greeting() != made(seed=4).greeting()


async def test_it_answers_as_usual() -> None:
    """An acknowledgement says what it usually does."""
    part = Part("trade", "BTC/USD", snapshot=False)
    assert made().result(part) == usual_result(part)

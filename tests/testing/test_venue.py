"""Behind its doors an exchange has a clock, manners and a greeting."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
import trio.testing

from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.testing.gate import Refusal
from kraken_trio._internal.testing.memory import memory_streams
from kraken_trio._internal.testing.part import Part, Refused, usual_result
from kraken_trio._internal.testing.rules import ExchangeRules
from kraken_trio._internal.testing.service import Service
from kraken_trio._internal.testing.status import Incident, PlannedMaintenance
from kraken_trio._internal.testing.venue import Venue
from kraken_trio._internal.wire.requests import read_request

START = 1_767_225_600 * 10**9


class Quiet(Venue):
    """Has nothing to tell."""

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


def data(frame: bytes) -> Any:
    """Give what a status says."""
    message = json.loads(frame)
    assert (message["channel"], message["type"]) == ("status", "update")
    (row,) = message["data"]
    return row


async def told(service: Service) -> list[Any]:
    """Give the statuses that a client was told since it was asked last."""
    taken = await service.outbox.take()
    assert taken is not None
    return [data(frame) for frame in taken.frames]


async def test_everybody_is_told_of_the_mode() -> None:
    """A change of mode goes to all, without a connection id, and those who come hear it, too."""
    venue = made()
    one, two, left = (Service(venue, number, memory_streams()[0]) for number in (1, 2, 3))
    for service in (one, two, left):
        venue.join(service)
    venue.leave(left)
    venue.change_system("cancel_only", shut=False)
    assert (venue.system, left.outbox.backlog) == ("cancel_only", 1)
    for service in (one, two):
        first, changed = await told(service)
        assert (first["system"], "connection_id" in first) == ("online", True)
        assert (changed["system"], "connection_id" in changed) == ("cancel_only", False)
    assert data(venue.greeting()[0])["system"] == "cancel_only"


async def test_the_doors_may_be_shut() -> None:
    """In a maintenance nobody may come in, until the next mode; else whom the gate lets in."""
    venue = made()
    assert venue.admit("a") is None
    venue.gate.retry_after_s = 5
    venue.change_system("maintenance", shut=True)
    assert venue.admit("a") == Refusal(503, 5)
    venue.change_system("online", shut=False)
    assert venue.admit("a") is None
    venue.gate.status = 403
    assert venue.admit("a") == Refusal(403, 5)


@pytest.mark.parametrize("announcements", [True, False])
async def test_announcements(announcements: bool, autojump_clock: trio.testing.MockClock) -> None:
    """What is announced is told at once and in each status, until it starts or is taken back."""
    venue = made(rules=ExchangeRules(announcements=announcements))
    service = Service(venue, 1, memory_streams()[0])
    venue.join(service)
    await told(service)
    hour = 3600 * 10**9
    venue.announce([PlannedMaintenance(start=START + hour, end=START + 2 * hour)], None)
    venue.announce(None, [Incident(started_at=START)])
    first, second = await told(service)
    assert (len(first["upcoming_maintenance"]), first["emergency"]) == (1, [])
    assert (len(second["upcoming_maintenance"]), len(second["emergency"])) == (1, 1)
    await trio.sleep(3600 - 60)
    later = data(venue.greeting()[0])
    assert later["upcoming_maintenance"][0]["phase"] == "imminent_5m"
    await trio.sleep(60)
    assert data(venue.greeting()[0])["upcoming_maintenance"] == []
    venue.announce((), ())
    (last,) = await told(service)
    assert last.get("emergency") == ([] if announcements else None)


async def test_the_seed_makes_the_numbers() -> None:
    """The same seed gives the same greetings."""
    assert made(seed=3).greeting() == made(seed=3).greeting() != made(seed=4).greeting()


async def test_it_answers_as_usual() -> None:
    """An acknowledgement says what it usually does."""
    part = Part("trade", "BTC/USD", snapshot=False)
    assert made().result(part) == usual_result(part)


@pytest.mark.parametrize("any_will_do", [True, False])
async def test_its_tokens(any_will_do: bool, autojump_clock: trio.testing.MockClock) -> None:
    """They grow old by trio's clock, unless they are in use, or any will do."""
    rules = ExchangeRules(token_life_s=60)
    venue = Quiet(rules=rules, seed=1, start=START, any_token_will_do=any_will_do)
    token = venue.tokens.issue(trio.current_time())
    unknown = Secret("unknown")
    assert (venue.session_refusal(unknown) is None) is any_will_do
    venue.hold_session(token)
    await trio.sleep(60)
    assert venue.session_refusal(token) is None
    venue.release_session(token)
    assert (venue.session_refusal(token) is None) is any_will_do


async def test_nobody_trades() -> None:
    """A method of trading is refused where nobody is there to do it."""
    frame = read_request(b'{"method":"cancel_all","params":{"token":"t"}}')
    with pytest.raises(Refused, match="EService:Unavailable"):
        made().trade(frame, START)


async def test_what_waits_for_an_answer() -> None:
    """What is to be done after an answer is done once, in order, as soon as it is given."""
    venue = made()
    done: list[int] = []
    venue.answered()
    venue.after_answer(lambda: done.append(1))
    venue.after_answer(lambda: done.append(2))
    assert done == []
    venue.answered()
    venue.answered()
    assert done == [1, 2]

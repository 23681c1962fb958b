"""What is sent, and with which token."""

from __future__ import annotations

import random
from typing import Any, cast

import trio
import trio.testing

from kraken_trio import Channel, ConnectionLost, KrakenConfig, Secret, Timestamp
from kraken_trio._internal.core import session_events as said
from kraken_trio._internal.core.backoff import Backoff, Budget
from kraken_trio._internal.core.conversation import Conversation
from kraken_trio._internal.engine.hooks import Hooks
from kraken_trio._internal.shell.answers import Answers, Skew
from kraken_trio._internal.shell.connection import Connection
from kraken_trio._internal.shell.writer import Writer
from kraken_trio.extended import Observer

BALANCES, EXECUTIONS = Channel.balances(), Channel.executions()
PING = b'{"method":"ping"}'


class Line:
    """A connection that remembers what it was given."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.sent: list[bytes] = []
        self.gone = False

    async def send(self, payload: bytes) -> None:
        """Remember it."""
        await trio.lowlevel.checkpoint()
        if self.gone:
            raise ConnectionLost(None)
        self.sent.append(payload)

    def take(self) -> list[bytes]:
        """Give what was sent, and forget it."""
        sent, self.sent = self.sent, []
        return sent


class Watching(Observer):
    """Remembers what it is told."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.told: list[bytes] = []

    def frame_sent(self, session: str, payload: bytes, at: Timestamp) -> None:
        """Remember it."""
        assert (session, at) == ("private", 7)
        self.told.append(payload)


def conversation(*parts: Channel) -> Conversation:
    """Give a private conversation that wants these."""
    backoff = Backoff(
        initial=0.1, maximum=30.0, multiplier=2.0, jitter=0.0, random=random.Random(0)
    )
    config = KrakenConfig()
    made = Conversation("private", config, backoff=backoff, budget=Budget(), private=True)
    made.want(parts, 0.0)
    made.report(said.Established(), 0.0)
    made.report(said.Authenticated(), 0.0)
    return made


def writer(made: Conversation, *observers: Observer) -> Writer:
    """Give its writer."""
    hooks, wall = Hooks(own=observers), lambda: Timestamp(7)
    answers = Answers("private", hooks=hooks, skew=Skew(lambda _: None))
    return Writer(made, hooks=hooks, wall=wall, answers=answers)


def run(writer: Writer, line: Line, nursery: trio.Nursery) -> None:
    """Have it send on a connection."""
    nursery.start_soon(writer.run, cast("Connection", line))


async def test_without_a_token_nothing_private_is_said(autojump_clock: trio.abc.Clock) -> None:
    """Pings are; what is wanted goes out when there is a token, and again waits without."""
    made, line = conversation(BALANCES), Line()
    its = writer(made)
    async with trio.open_nursery() as nursery:
        run(its, line, nursery)
        its.stir()
        its.ping()
        await trio.sleep(1)
        assert line.take() == [PING]
        its.authorise(Secret("one"))
        await trio.sleep(1)
        (request,) = line.take()
        assert b'"token":"one"' in request
        its.hold_back()
        made.want([EXECUTIONS], trio.current_time())
        its.stir()
        await trio.sleep(1)
        assert not line.take()
        its.authorise(Secret("two"))
        await trio.sleep(1)
        (request,) = line.take()
        assert b'"token":"two"' in request
        nursery.cancel_scope.cancel()


async def test_what_was_taken_waits_for_the_fresh_token(autojump_clock: trio.abc.Clock) -> None:
    """Two requests were to go out, and the first was refused: the second goes with another."""
    made, line = conversation(BALANCES, EXECUTIONS), Line()
    its = writer(made)
    its.authorise(Secret("one"))
    async with trio.open_nursery() as nursery:
        run(its, line, nursery)
        await trio.testing.wait_all_tasks_blocked()
        its.hold_back()
        await trio.sleep(1)
        assert len(line.take()) == 1
        its.authorise(Secret("two"))
        await trio.sleep(1)
        (request,) = line.take()
        assert b'"token":"two"' in request
        nursery.cancel_scope.cancel()


async def test_observers_see_everything_but_the_token(autojump_clock: trio.abc.Clock) -> None:
    """Of each request, in order, what was sent but for that."""
    watching, line = Watching(), Line()
    its = writer(conversation(BALANCES, EXECUTIONS), watching)
    its.authorise(Secret("one"))
    async with trio.open_nursery() as nursery:
        run(its, line, nursery)
        its.ping()
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert len(line.sent) == 3
    assert watching.told == [payload.replace(b'"one"', b'"****"') for payload in line.sent]


async def test_what_could_not_be_sent_is_of_no_use_on_the_next_connection(
    autojump_clock: trio.abc.Clock,
) -> None:
    """It ends without a word, for others are told why; the next asks for what is wanted then."""
    made, lines = conversation(BALANCES), [Line(), Line()]
    its: Any = writer(made)
    its.authorise(Secret("one"))
    lines[0].gone = True
    async with trio.open_nursery() as nursery:
        run(its, lines[0], nursery)
    async with trio.open_nursery() as nursery:
        run(its, lines[1], nursery)
        its.ping()
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert lines[1].sent == [PING]

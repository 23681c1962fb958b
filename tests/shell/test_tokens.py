"""Tokens: one call for many who wait, nonces that only rise, and cancellations that hurt nobody."""

from __future__ import annotations

import itertools
import logging
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio import (
    AuthenticationError,
    Channel,
    ConfigurationError,
    ConnectionFailed,
    ProtocolError,
    Secret,
    Timestamp,
)
from kraken_trio._internal.model.endpoint import parse_endpoint
from kraken_trio._internal.shell import tokens as module
from kraken_trio._internal.shell.scopes import Services, open_services
from kraken_trio._internal.shell.tokens import Tokens, take_nonce
from kraken_trio._internal.wire.rest import RestRefused
from kraken_trio._internal.wire.rest_token import Token
from kraken_trio.extended import HttpRest, Rest, RestResponse

if TYPE_CHECKING:
    from tests.conftest import Desk

EXCHANGE = parse_endpoint("wss://ws-auth.kraken.com/v2")
NOW = 1_790_359_841_000_000_000


@pytest.fixture
async def services() -> AsyncIterator[Services]:
    """Give a place for services."""
    async with open_services() as services:
        yield services


def made(desk: Desk, services: Services, rest: Rest | None = None, **changes: Any) -> Tokens:
    """Make the tokens of a feed of the desk."""
    config = desk.config(**changes)
    return Tokens(config, rest=rest or desk.rest, services=services, wall=lambda: Timestamp(NOW))


def answering(*answers: RestResponse | Exception) -> Rest:
    """Give a ``Rest`` that answers with these, one after the other."""
    rest_of = iter(answers)

    async def rest(*_: object, **__: object) -> RestResponse:
        await trio.lowlevel.checkpoint()
        answer = next(rest_of)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return rest


# Nonces.


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(1, 2**62)) | st.just(("a", 2**60)), max_size=60
    )
)
def test_nonces_of_a_key_only_rise(draws: list[tuple[str, int]]) -> None:
    """Whatever the clock says, and whoever asks; they are the time where that rises."""
    last: dict[str, int] = {}
    before = dict(module._nonces)
    module._nonces.clear()
    for key, now in draws:
        nonce = take_nonce(Secret(f"{key} of a property"), now)
        assert nonce > last.get(key, 0)
        assert nonce == now or nonce == last[key] + 1
        last[key] = nonce
    module._nonces.clear()
    module._nonces.update(before)


def test_nonces_rise_through_threads() -> None:
    """Each has a run of its own, with one clock that stands still: none is given twice."""
    drawn: list[list[int]] = []

    async def draw() -> list[int]:
        found = []
        for _ in range(500):
            found.append(take_nonce(Secret("key of threads"), NOW))
            await trio.lowlevel.checkpoint()
        return found

    threads = [threading.Thread(target=lambda: drawn.append(trio.run(draw))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found == sorted(found) for found in drawn)
    assert len({nonce for found in drawn for nonce in found}) == 4 * 500


def test_no_key_is_remembered() -> None:
    """Nonces are kept by a digest."""
    take_nonce(Secret("a-key-to-be-found"), NOW)
    assert b"a-key-to-be-found" not in b"".join(module._nonces)


async def test_calls_with_one_key_go_one_after_the_other(
    autojump_clock: trio.abc.Clock, desk: Desk, services: Services
) -> None:
    """Of two feeds too; the desk fails where two are made at once, and sees nonces rise."""
    desk.rest_delay = 1.0
    one, other = made(desk, services), made(desk, services)
    async with trio.open_nursery() as nursery:
        for tokens in (one, other, one, other):
            nursery.start_soon(tokens.fetch)
    assert trio.current_time() >= 2.0
    assert len(desk.nonces) == 2
    assert desk.nonces == sorted(set(desk.nonces))


# Waiting.


async def test_those_who_wait_share_one_call(
    autojump_clock: trio.abc.Clock, desk: Desk, services: Services
) -> None:
    """And one who comes when it is over has another token."""
    desk.rest_delay = 1.0
    tokens = made(desk, services)
    got: list[object] = []

    async def fetch(delay: float) -> None:
        await trio.sleep(delay)
        got.append(await tokens.fetch())

    async with trio.open_nursery() as nursery:
        for delay in (0.0, 0.0, 0.9, 1.5):
            nursery.start_soon(fetch, delay)
    first, second = Secret(f"{desk.TOKENS}1"), Secret(f"{desk.TOKENS}2")
    assert got == [Token(first, 900)] * 3 + [Token(second, 900)]


async def test_one_who_leaves_takes_it_from_nobody(
    autojump_clock: trio.abc.Clock, desk: Desk, services: Services
) -> None:
    """Whoever asked first too; when the last one has left, the call is given up."""
    desk.rest_delay = 1.0
    tokens = made(desk, services)
    got: list[object] = []

    async def fetch(delay: float) -> None:
        with trio.move_on_after(delay):
            got.append(await tokens.fetch())

    async with trio.open_nursery() as nursery:
        for delay in (0.1, 0.2, 5.0):
            nursery.start_soon(fetch, delay)
    assert len(got) == 1
    assert len(desk.nonces) == 1
    await fetch(0.5)
    await trio.testing.wait_all_tasks_blocked()
    assert (len(got), desk.calls, services._scopes) == (1, 0, set())
    assert isinstance(await tokens.fetch(), Token)


def test_a_cancellation_at_any_step_hurts_nobody(
    open_desk: Callable[[], AbstractAsyncContextManager[Desk]],
) -> None:
    """One of two who wait is cancelled before the n-th step of any task: the other has a token,
    nothing remains, and the next call is made.
    """

    class CancelAtStep(trio.abc.Instrument):
        scope: trio.CancelScope | None = None
        steps = 0

        def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002 - any task's
            if self.scope is not None:
                self.steps -= 1
                if self.steps == 0:
                    self.scope.cancel()

    async def program(instrument: CancelAtStep, victim: int) -> bool:
        async with open_desk() as desk, open_services() as services:
            desk.rest_delay = 1.0
            tokens = made(desk, services)
            got: list[object] = []
            victims = trio.CancelScope()

            async def fetch(number: int) -> None:
                if number == victim:
                    with victims:
                        got.append(await tokens.fetch())
                else:
                    got.append(await tokens.fetch())

            instrument.scope = victims
            async with trio.open_nursery() as nursery:
                for number in range(2):
                    nursery.start_soon(fetch, number)
            instrument.scope = None
            assert {type(each) for each in got} == {Token}
            assert len(got) == 2 - victims.cancelled_caught
            assert (len(desk.nonces), desk.calls) == (1, 0)
            await trio.testing.wait_all_tasks_blocked()
            assert services._scopes == set()
            assert isinstance(await tokens.fetch(), Token)
            return victims.cancel_called

    for victim in range(2):
        for step in itertools.count(1):
            instrument = CancelAtStep()
            instrument.steps = step
            clock = trio.testing.MockClock(autojump_threshold=0)
            if not trio.run(program, instrument, victim, clock=clock, instruments=[instrument]):
                break
        assert step > 5


async def test_when_the_feed_is_left_nobody_waits_on(
    autojump_clock: trio.abc.Clock, desk: Desk
) -> None:
    """The call is cancelled, and who still waits is told."""
    desk.rest_delay = 1000.0
    got: list[object] = []

    async def fetch(tokens: Tokens) -> None:
        got.append(await tokens.fetch())

    async with trio.open_nursery() as nursery, open_services() as services:
        tokens = made(desk, services)
        nursery.start_soon(fetch, tokens)
        await trio.testing.wait_all_tasks_blocked()
    assert str(got[0]) == "no token was fetched: its feed is being left"
    assert desk.calls == 0


# Answers.


async def test_what_went_wrong_is_an_answer_in_words_alone(
    autojump_clock: trio.abc.Clock, desk: Desk, services: Services
) -> None:
    """Neither its cause nor its traceback is kept: they have got hold of the key, or the token."""
    cause = ConnectionFailed("nobody there")
    cause.__cause__ = ZeroDivisionError("holds the request")
    tokens = made(
        desk,
        services,
        answering(
            cause,
            RestResponse(429, (("retry-after", "7"),), b""),
            RestResponse(200, (), b"<html>"),
            RestResponse(200, (), b'{"error":["EAPI:Invalid key"]}'),
        ),
    )
    failed, busy, faulty, refused = [await tokens.fetch() for _ in range(4)]
    assert isinstance(failed, ConnectionFailed)
    assert isinstance(faulty, ProtocolError)
    assert str(failed) == "nobody there"
    for error in (failed, faulty):
        assert (error.__cause__, error.__context__, error.__traceback__) == (None, None, None)
    assert isinstance(refused, AuthenticationError)
    assert isinstance(busy, RestRefused)
    assert busy.retry_after_s == 7.0
    assert await tokens.fetch() is refused, "the key was tried again"


async def test_no_answer_is_not_waited_for_for_ever(
    autojump_clock: trio.abc.Clock, desk: Desk, services: Services
) -> None:
    """Longer than the timeout of the configuration, nobody waits; nothing of the call remains."""
    desk.rest_delay = 1000.0
    answer = await made(desk, services, timeout=3.0).fetch()
    assert str(answer) == "no token within 3 s"
    assert trio.current_time() == pytest.approx(3.0)
    assert desk.calls == 0


async def test_a_bug_of_a_rest_comes_out_as_itself(
    autojump_clock: trio.abc.Clock, desk: Desk
) -> None:
    """It is not taken for something that passes."""
    error = ZeroDivisionError("theirs")
    with pytest.raises(ZeroDivisionError) as caught:
        async with open_services() as services:
            await made(desk, services, answering(error)).fetch()
            await trio.sleep_forever()
    assert caught.value is error


async def test_nothing_is_called_that_nobody_prepared(
    autojump_clock: trio.abc.Clock, desk: Desk, services: Services
) -> None:
    """Without a key, or without anything to call."""
    for config in (desk.config(), desk.config(api_key=None, api_secret=None)):
        tokens = Tokens(config, rest=None, services=services, wall=lambda: Timestamp(NOW))
        assert str(await tokens.fetch()) == "there is nothing to call"


# What is needed.


async def test_a_key_is_needed(
    autojump_clock: trio.abc.Clock, desk: Desk, services: Services
) -> None:
    """It is said which setting, and for what."""
    tokens = made(desk, services, api_key=None, api_secret=None)
    with pytest.raises(ConfigurationError, match="api_key: must be given for balances"):
        tokens.prepare(Channel.balances(), EXCHANGE)


@pytest.mark.extra("private")  # noqa: S610 - a mark of pytest, no query of Django
async def test_of_the_exchange_nothing_else_is_needed(
    autojump_clock: trio.abc.Clock, desk: Desk, services: Services
) -> None:
    """Its own REST is called, and made when it is first needed."""
    tokens = Tokens(desk.config(), rest=None, services=services, wall=lambda: Timestamp(NOW))
    tokens.prepare(Channel.balances(), EXCHANGE)
    assert isinstance(tokens._rest, HttpRest)
    made_once = tokens._rest
    tokens.prepare(Channel.level3("BTC/USD"), EXCHANGE)
    assert tokens._rest is made_once


async def test_without_httpx2_it_is_said_what_to_install(
    autojump_clock: trio.abc.Clock,
    desk: Desk,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At once; with a ``rest`` of one's own nothing is missing."""
    monkeypatch.setitem(sys.modules, "httpx2", None)
    made(desk, services).prepare(Channel.balances(), EXCHANGE)
    tokens = Tokens(desk.config(), rest=None, services=services, wall=lambda: Timestamp(NOW))
    with pytest.raises(ConfigurationError, match="httpx2"):
        tokens.prepare(Channel.balances(), EXCHANGE)


@pytest.mark.parametrize(
    "url", ["wss://private.test/v2", "wss://notkraken.com/v2", "wss://kraken.com.test/v2"]
)
async def test_strangers_need_a_rest_of_their_own(
    autojump_clock: trio.abc.Clock, desk: Desk, services: Services, url: str
) -> None:
    """A token of the exchange's is as good as the account."""
    tokens = Tokens(desk.config(), rest=None, services=services, wall=lambda: Timestamp(NOW))
    with pytest.raises(ConfigurationError, match="is not the exchange"):
        tokens.prepare(Channel.balances(), parse_endpoint(url))


async def test_nothing_secret_is_shown(
    autojump_clock: trio.abc.Clock,
    desk: Desk,
    services: Services,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In the log there is that a token was fetched, and for how long."""
    caplog.set_level(logging.DEBUG)
    desk.rest_errors = ["EAPI:Invalid key"]
    feeds = [made(desk, services), made(desk, services)]  # The first one's key is refused.
    answers = [await tokens.fetch() for tokens in feeds]
    shown = caplog.text + repr(answers) + repr([vars(each) for each in feeds]) + str(answers)
    for answer in answers:
        if isinstance(answer, Exception):
            shown += "".join(traceback.format_exception(answer))
    assert "token: fetched, to be used within 900 s" in caplog.text
    for secret in (desk.KEY, desk.SECRET, desk.TOKENS):
        assert secret not in shown

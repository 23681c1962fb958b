"""A session and its subscriptions, kept in step."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.core import session_events as said
from kraken_trio._internal.core.backoff import Backoff, Budget
from kraken_trio._internal.core.conversation import Conversation
from kraken_trio._internal.core.errands import Ceiling, Finished
from kraken_trio._internal.core.roster_effects import (
    Completed,
    Discard,
    Ended,
    Mended,
    Probed,
    Stalled,
)
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.config import KrakenConfig
from kraken_trio._internal.model.errors import ConnectionLost, SubscriptionError
from kraken_trio._internal.model.gap import GapReason
from kraken_trio._internal.model.lifecycle import ConnectionState, SubscriptionState
from kraken_trio._internal.model.messages import Refusal, Reply
from kraken_trio._internal.model.reference import SystemStatus
from kraken_trio._internal.model.requests import CancelAll, Subscribe, Unsubscribe

BTC, ETH = Channel.book("BTC/USD"), Channel.book("ETH/USD")
GONE = ConnectionLost(1006)


def conversation(protocol: str = "v2") -> Conversation:
    """Give a conversation with answers within 10 s, and without jitter."""
    config = KrakenConfig(
        protocol=protocol,
        timeout=10.0,
        jitter=0.0,
        stale_after=1000.0,
        heartbeat_interval=1000.0,
    )
    backoff = Backoff(initial=0.1, maximum=30.0, multiplier=2.0, jitter=0.0, random=Random(0))
    return Conversation("public", config, backoff=backoff, budget=Budget())


def answer(
    made: Conversation, now: float, *, refuse: tuple[str, ...] = (), snapshots: bool = True
) -> list[Any]:
    """Let the exchange answer everything that is to be sent, with its snapshots."""
    effects: list[Any] = []
    for request, req_id in made.requests(now):
        assert isinstance(request, Subscribe | Unsubscribe)
        method = type(request).__name__.lower()
        for part in request.channel.parts():
            symbol = part.symbols[0]
            good = symbol not in refuse
            reply = Reply(
                method=method,
                success=good,
                req_id=req_id,
                symbol=symbol,
                error=None if good else "no",
                refusal=None if good else Refusal.FINAL,
            )
            effects += made.replied(reply, now)
            if good and snapshots and isinstance(request, Subscribe):
                effects += made.snapshot(part, now)
    return effects


def states(effects: list[Any]) -> list[ConnectionState]:
    """Give the states that were entered."""
    return [effect.change.to_state for effect in effects if isinstance(effect, said.Changed)]


def subscribed(*parts: Channel, snapshots: bool = True, protocol: str = "v2") -> Conversation:
    """Give a conversation in which these are live."""
    made = conversation(protocol)
    made.want(parts, 0.0)
    made.report(said.Established(), 0.0)
    answer(made, 0.0, snapshots=snapshots)
    assert made.state is ConnectionState.SUBSCRIBED
    return made


def test_the_first_wish_dials() -> None:
    """A session connects when it is first used, and not before; later wishes only join."""
    made = conversation()
    assert made.state is ConnectionState.DISCONNECTED
    effects = made.want([BTC], 0.0)
    assert effects[-1] == said.Dial(1)
    assert made.want([ETH], 0.0) == []


def test_a_connection_without_wishes_is_subscribed_at_once() -> None:
    """Nothing is wanted, so nothing is outstanding."""
    made = conversation()
    assert states(made.connect(0.0)) == [ConnectionState.CONNECTING]
    assert made.connect(0.0) == []
    assert states(made.report(said.Established(), 0.0)) == [
        ConnectionState.SUBSCRIBING,
        ConnectionState.SUBSCRIBED,
    ]


def test_it_is_subscribed_when_the_last_symbol_is_answered() -> None:
    """A refused symbol ends alone, and the rest decides."""
    made = conversation()
    made.want([BTC, ETH], 0.0)
    made.report(said.Established(), 0.0)
    effects = answer(made, 0.0, refuse=("BTC/USD",))
    assert [type(effect) for effect in effects if not isinstance(effect, said.Changed)] == [
        Discard,
        Ended,
        Completed,
    ]
    assert states(effects)[-1] is ConnectionState.SUBSCRIBED


def test_one_gap_is_mended_while_the_others_go_on() -> None:
    """The session is RESYNCING exactly while some book is."""
    made = subscribed(BTC, ETH)
    effects = made.lost(BTC, GapReason.CHECKSUM, 1.0)
    assert states(effects) == [ConnectionState.RESYNCING]
    assert Discard(BTC) in effects
    assert Discard(ETH) not in effects
    assert states(made.lost(ETH, GapReason.CHECKSUM, 1.0)) == [ConnectionState.RESYNCING]
    answer(made, 1.0)
    assert made.state is ConnectionState.RESYNCING
    assert states(answer(made, 1.0)) == [ConnectionState.SUBSCRIBED]


def test_leaving_what_is_being_mended_ends_the_resync() -> None:
    """Nobody waits for it any more."""
    made = subscribed(BTC, ETH)
    made.lost(BTC, GapReason.CHECKSUM, 1.0)
    made.unwant([BTC], 1.0)
    answer(made, 1.0)
    assert made.state is ConnectionState.SUBSCRIBED


def test_leaving_the_last_that_is_outstanding_confirms() -> None:
    """What is not wanted is not waited for."""
    made = conversation()
    made.want([BTC], 0.0)
    made.report(said.Established(), 0.0)
    assert states(made.unwant([BTC], 0.0)) == [ConnectionState.SUBSCRIBED]


def test_a_lost_connection_is_made_again_with_everything_on_it() -> None:
    """Every subscription is asked for again; what was delivered is discarded."""
    made = subscribed(BTC, ETH)
    effects = made.report(said.Lost(GONE), 1.0)
    assert [effect for effect in effects if isinstance(effect, Discard)] == [
        Discard(BTC),
        Discard(ETH),
    ]
    assert made.deadline == pytest.approx(1.1)
    assert states(made.tick(1.1)) == [ConnectionState.CONNECTING]
    made.report(said.Established(), 1.2)
    assert [request for request, _ in made.requests(1.2)] == [
        Subscribe(Channel.book("BTC/USD", "ETH/USD"))
    ]


def test_how_long_everything_was_gone_is_told_once() -> None:
    """From the first loss to the last answer, however many attempts were between."""
    made = subscribed(BTC, ETH)
    made.report(said.Lost(GONE), 10.0)
    for now in (11.0, 12.0):
        made.tick(now)
        made.report(said.Established(), now)
        made.report(said.Lost(GONE), now + 0.5)
    made.tick(14.0)
    made.report(said.Established(), 14.0)
    effects = answer(made, 15.0)
    assert [each for each in effects if isinstance(each, said.Restored)] == [said.Restored(5.0)]
    made.lost(BTC, GapReason.CHECKSUM, 16.0)
    assert not [each for each in answer(made, 17.0) if isinstance(each, said.Restored)]


def test_what_the_user_ended_is_not_restored() -> None:
    """A new session after the end of one is a beginning."""
    made = subscribed(BTC)
    made.report(said.Lost(GONE), 10.0)
    made.report(said.Close(), 11.0)
    made.connect(100.0)
    made.report(said.Established(), 100.0)
    assert not [each for each in answer(made, 101.0) if isinstance(each, said.Restored)]


@pytest.mark.parametrize("method", ["", "ping"])
def test_a_refusal_that_answers_nothing_of_ours_is_told(method: str) -> None:
    """Nobody knows what is refused; so somebody should hear of it. A late success is nothing."""
    made = subscribed(BTC)
    no = Reply(method=method, success=False, error="Exceeded msg rate", refusal=Refusal.TRANSIENT)
    (stray,) = made.replied(no, 1.0)
    assert isinstance(stray, said.Stray)
    assert str(stray.error) == f"{method or 'request'}: Exceeded msg rate"
    assert made.replied(Reply(method="pong", success=True), 1.0) == []


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_a_subscription_that_the_exchange_ends_is_asked_for_anew(protocol: str) -> None:
    """An end that answers no request is the exchange's own doing: a gap, and it begins anew."""
    candles = Channel.ohlc("BTC/USD", interval=5)
    made = subscribed(BTC, ETH, candles, protocol=protocol)
    late = Reply(method="unsubscribe", success=True, req_id=77, channel="book", symbol="BTC/USD")
    assert made.replied(late, 1.0) == []
    for other in ({"channel": "ohlc", "interval": 1}, {"channel": "trade"}):
        gone = Reply(method="unsubscribe", success=True, symbol="BTC/USD", **other)
        assert made.replied(gone, 1.0) == []
    ended = Reply(method="unsubscribe", success=True, channel="book", symbol="BTC/USD", depth=10)
    effects = made.replied(ended, 1.0)
    assert Stalled(BTC) in effects
    assert states(effects) == [ConnectionState.RESYNCING]
    assert made.replied(ended, 1.0) == []  # Said twice.
    for _ in range(2):  # It is left, which it is, and asked for.
        effects = answer(made, 1.0)
    assert states(effects) == [ConnectionState.SUBSCRIBED]


@pytest.mark.parametrize("resyncing", [False, True])
def test_when_nothing_is_answered_the_connection_is_replaced(resyncing: bool) -> None:
    """Silence of all is the connection's fault, whatever is outstanding."""
    made = subscribed(BTC)
    if resyncing:
        made.lost(BTC, GapReason.CHECKSUM, 1.0)
    else:
        made.want([ETH], 1.0)
    made.requests(1.0)
    assert made.roster.deadline([BTC, ETH]) == 11.0
    assert states(made.tick(11.0)) == [ConnectionState.DEGRADED]


def test_a_symbol_that_alone_stays_unanswered_ends_alone() -> None:
    """The exchange answers others, so the connection stays."""
    made = subscribed(BTC)
    made.want([ETH], 0.0)
    now = 0.0
    ended: list[Any] = []
    while not ended and now < 100.0:
        made.requests(now)
        now += 5.0
        pong = Reply(method="pong", success=True)
        made.replied(pong, now - 1.0)
        ended = [effect for effect in made.tick(now) if isinstance(effect, Ended)]
        assert made.state is ConnectionState.SUBSCRIBED
    assert ended[0].part == ETH


def test_a_hole_that_is_given_up_needs_no_resync() -> None:
    """The subscription ends with its error, and the session stays what it is."""
    made = subscribed(BTC, ETH)
    effects: list[Any] = []
    now = 0.0
    while not any(isinstance(effect, Ended) for effect in effects):
        effects = made.lost(BTC, GapReason.CHECKSUM, now)
        answer(made, now)
        now += 9.0
        made.tick(now)
        answer(made, now)
    assert made.state is ConnectionState.SUBSCRIBED


def silent(made: Conversation, *, until: float, heard: int = 0) -> list[Any]:
    """Let time pass in which each subscription had as many messages; give what came of it."""
    effects: list[Any] = []
    while made.silence.due <= until:
        effects += made.look(lambda _: heard, made.silence.due)
    return effects


def test_a_silent_symbol_is_probed_alone_and_the_session_goes_on() -> None:
    """A quiet market costs two requests, and is no event at all."""
    made = subscribed(BTC, ETH)
    assert silent(made, until=74.0) == []
    assert made.deadline == 75.0
    assert silent(made, until=75.0)
    effects = answer(made, 75.0) + answer(made, 75.0)
    assert [type(effect) for effect in effects] == [Probed, Probed, Completed, Completed]
    assert made.state is ConnectionState.SUBSCRIBED
    assert silent(made, until=194.0) == []


@pytest.mark.parametrize(
    "part, heard, shown",
    [
        (Channel.ticker("BTC/USD"), 0, True),
        (Channel.ticker("BTC/USD", snapshot=False), 0, False),
        (Channel.trades("BTC/USD"), 1, True),
        (Channel.trades("BTC/USD"), 0, False),
        (Channel.ohlc("BTC/USD"), 0, False),
    ],
)
def test_a_probe_asks_for_what_there_must_be(part: Channel, heard: int, *, shown: bool) -> None:
    """A ticker always has a state; of the others, those that delivered something."""
    made = subscribed(part, snapshots=False)
    silent(made, until=600.0, heard=heard)
    answer(made, 600.0, snapshots=False)
    answer(made, 600.0, snapshots=False)
    entry = made.roster.entry(part)
    assert entry is not None
    assert entry.machine.probing == shown


@pytest.mark.parametrize(
    "part, probed",
    [
        (Channel.trades("BTC/USD"), False),
        (Channel.spread("BTC/USD"), False),
        (Channel.ticker("BTC/USD"), True),
        (Channel.ohlc("BTC/USD"), True),
    ],
    ids=str,
)
def test_what_shows_nothing_is_not_probed(part: Channel, *, probed: bool) -> None:
    """Where a new subscription does not begin with how things stand, asking anew shows nothing."""
    made = subscribed(part, snapshots=False, protocol="v1")
    silent(made, until=600.0, heard=1)
    assert bool(made.requests(600.0)) is probed


def test_what_somebody_wonders_about_is_probed() -> None:
    """At once, with its snapshot; what is not live is asked for anyway."""
    made = subscribed(BTC, ETH)
    assert made.probe(BTC, 5.0)
    assert made.probe(BTC, 5.0) == []
    effects = answer(made, 5.0) + answer(made, 5.0)
    assert [type(effect) for effect in effects] == [Probed, Completed]
    assert made.state is ConnectionState.SUBSCRIBED


def test_what_a_probe_shows_is_mended_by_it() -> None:
    """How long it was silent is told; one that does so again and again is given up, alone."""
    made = subscribed(BTC, ETH)
    silent(made, until=75.0)
    for _ in range(4):
        assert made.missed(BTC, 76.0) == [Mended(BTC, GapReason.STALLED, 61.0)]
    discard, ended, *_ = made.missed(BTC, 76.0)
    assert isinstance(ended, Ended)
    assert (discard, ended.part) == (Discard(BTC), BTC)
    assert "5 times in a row" in str(ended.error)
    assert made.state is ConnectionState.SUBSCRIBED


def test_an_unanswered_probe_makes_the_session_resync() -> None:
    """Nothing of that symbol is believed until its snapshot comes."""
    made = subscribed(BTC, ETH)
    silent(made, until=75.0)
    for request, req_id in made.requests(75.0):
        reply = Reply(method="unsubscribe", success=True, req_id=req_id, symbol="ETH/USD")
        assert request == Unsubscribe(Channel.book("BTC/USD", "ETH/USD"))
        made.replied(reply, 80.0)
    effects = made.tick(85.0)
    assert [type(effect) for effect in effects] == [Stalled, said.Changed, Discard]
    assert made.state is ConnectionState.RESYNCING


def test_in_a_maintenance_nobody_is_probed() -> None:
    """All are silent then; when it is over, the limit counts from there."""
    made = subscribed(BTC)
    made.status(SystemStatus(system="maintenance"))
    assert silent(made, until=600.0) == []
    made.status(SystemStatus(system="online"))
    assert silent(made, until=660.0) == []
    assert silent(made, until=690.0)


def test_what_is_not_read_is_nobodys_silence() -> None:
    """Neither that of the peer, nor of one subscription, nor of answers."""
    made = subscribed(BTC)
    made.want([ETH], 50.0)
    made.excuse(930.0, 1000.0)
    assert made.tick(1000.0) == [said.Probe()]
    assert made.look(lambda _: 0, 1000.0) == []
    assert made.deadline > 1000.0
    assert answer(made, 1009.0)
    assert made.state is ConnectionState.SUBSCRIBED


def test_without_a_connection_nobody_is_probed() -> None:
    """A silence needs somebody to be silent."""
    made = subscribed(BTC)
    made.report(said.Lost(GONE), 1.0)
    assert made.silence.due == float("inf")
    assert made.look(lambda _: 0, 1000.0) == []


def test_a_wish_that_is_refused_locally_leaves_no_other() -> None:
    """All of a wish, or nothing of it."""
    made = subscribed(BTC)
    with pytest.raises(SubscriptionError):
        made.want([ETH, Channel.book("BTC/USD", depth=25)], 0.0)
    assert [entry.part for entry in made.roster if entry.users] == [BTC]


def test_the_status_decides_whether_attempts_count() -> None:
    """Maintenance makes them free, and its end ends that."""
    made = subscribed()
    made.status(SystemStatus(system="maintenance"))
    assert made.session.maintenance
    made.status(SystemStatus(system="online"))
    assert not made.session.maintenance


def test_closing_ends_everything_and_connecting_begins_anew() -> None:
    """After the end what is wanted is kept, and asked for in the next session."""
    made = subscribed(BTC)
    assert states(made.report(said.Close(), 1.0)) == [ConnectionState.CLOSED]
    assert made.want([ETH], 1.0) == []
    assert states(made.connect(2.0)) == [ConnectionState.CONNECTING]
    made.report(said.Established(), 2.0)
    answer(made, 2.0)
    assert made.state is ConnectionState.SUBSCRIBED


EXECUTIONS = Channel.executions()
EXPIRED = "ESession:Invalid session"


def refused(made: Conversation, now: float) -> list[Any]:
    """Let the exchange accept the token of no request."""
    effects: list[Any] = []
    for request, req_id in made.requests(now):
        reply = Reply(
            method=type(request).__name__.lower(),
            success=False,
            req_id=req_id,
            error=EXPIRED,
            refusal=Refusal.TOKEN,
        )
        effects += made.replied(reply, now)
    return effects


def private() -> Conversation:
    """Give a private conversation that has asked for executions."""
    config = KrakenConfig(timeout=10.0, jitter=0.0, stale_after=1000.0, heartbeat_interval=1000.0)
    backoff = Backoff(initial=0.1, maximum=30.0, multiplier=2.0, jitter=0.0, random=Random(0))
    made = Conversation("private", config, backoff=backoff, budget=Budget(), private=True)
    made.want([EXECUTIONS], 0.0)
    assert said.FetchToken() in made.report(said.Established(), 0.0)
    made.report(said.Authenticated(), 0.0)
    return made


def test_what_was_refused_with_an_old_token_is_asked_for_again() -> None:
    """A fresh one is wanted; after its pause the request is made again, and nothing has ended."""
    made = private()
    effects = refused(made, 1.0)
    assert effects[1] == said.FetchToken()
    assert made.state is ConnectionState.SUBSCRIBING
    assert made.requests(1.0) == []
    made.report(said.Authenticated(), 1.05)
    made.tick(1.1)
    ((request, req_id),) = made.requests(1.1)
    made.replied(Reply(method="subscribe", success=True, req_id=req_id), 1.2)
    assert states(made.snapshot(request.channel, 1.2)) == [ConnectionState.SUBSCRIBED]


def test_fresh_tokens_that_are_refused_are_not_fetched_for_ever() -> None:
    """The subscription ends with the exchange's words when its attempts are spent."""
    made = private()
    fetched, ended, now = 0, list[Ended](), 0.0
    while not ended and now < 100.0:
        now += 5.0
        effects = [*made.tick(now), *refused(made, now)]
        fetched += effects.count(said.FetchToken())
        ended = [effect for effect in effects if isinstance(effect, Ended)]
        made.report(said.Authenticated(), now)
    assert fetched == 5
    assert ended[0].error.reason == EXPIRED
    assert made.state is ConnectionState.SUBSCRIBED


def test_without_credentials_no_token_is_wanted() -> None:
    """The public host has no business with tokens."""
    made = conversation()
    made.want([BTC], 0.0)
    made.report(said.Established(), 0.0)
    assert said.FetchToken() not in refused(made, 1.0)


def test_an_answer_that_comes_too_late_wants_no_token() -> None:
    """We hung up while it was on its way: the next connection has a token of its own."""
    made = private()
    ((_, req_id),) = made.requests(0.0)
    made.report(said.Close(), 1.0)
    late = Reply(
        method="subscribe", success=False, req_id=req_id, error=EXPIRED, refusal=Refusal.TOKEN
    )
    assert [type(effect) for effect in made.replied(late, 1.0)] == [said.Stray]


STEPS = ["want", "unwant", "established", "failed", "lost", "answer", "gap", "wait", "connect"]


@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from([BTC, ETH])), max_size=80))
def test_any_course_of_events_keeps_the_two_in_step(steps: list[tuple[str, Channel]]) -> None:
    """SUBSCRIBED means that all is live, RESYNCING that something is being mended."""
    made = conversation()
    now = 0.0
    for step, part in steps:
        match step:
            case "want":
                made.want([part], now)
            case "unwant":
                made.unwant([part], now)
            case "established" if made.state is ConnectionState.CONNECTING:
                made.report(said.Established(), now)
            case "failed" if made.state is ConnectionState.CONNECTING:
                made.report(said.ConnectFailed(GONE), now)
            case "lost" if made.state is not ConnectionState.DISCONNECTED:
                if made.state is not ConnectionState.CONNECTING:
                    made.report(said.Lost(GONE), now)
            case "answer":
                answer(made, now)
            case "gap":
                entry = made.roster.entry(part)
                if entry is not None and entry.machine.state is SubscriptionState.LIVE:
                    made.lost(part, GapReason.CHECKSUM, now)
            case "wait":
                now += 6.0
                made.tick(now)
            case "connect":
                made.connect(now)
        match made.state:
            case ConnectionState.SUBSCRIBED:
                assert not made.roster.mending
            case ConnectionState.RESYNCING:
                assert made.roster.mending
            case ConnectionState.SUBSCRIBING:
                assert made.roster.outstanding


def test_answers_about_orders_are_no_strays() -> None:
    """They are known by their numbers; the connection takes with it what is unanswered. How high
    the rate counter may rise is told with a subscription.
    """
    made = conversation()
    made.connect(0.0)
    made.report(said.Established(), 0.0)
    first, second = made.errands.add(CancelAll()), made.errands.add(CancelAll())
    assert [made.errands.take(1.0), made.errands.take(1.0)] == [first, second]
    reply = Reply(method="cancel_all", success=False, req_id=first.req_id, error="no")
    assert made.replied(reply, 1.0) == [Finished(first)]
    told = made.replied(Reply(method="subscribe", success=True, maxratecount=60), 1.0)
    assert Ceiling(60) in told
    assert Finished(second) in made.report(said.Lost(GONE), 2.0)

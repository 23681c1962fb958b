"""The session machine, by playbooks."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.core import session_events as s
from kraken_trio._internal.core.backoff import Backoff, Budget
from kraken_trio._internal.core.session import HISTORY, Session
from kraken_trio._internal.core.states import SESSION
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.config import KrakenConfig
from kraken_trio._internal.model.errors import (
    AuthenticationError,
    ConnectionFailed,
    ConnectionLost,
    InvalidTransition,
    RetriesExhausted,
    SubscriptionError,
)
from kraken_trio._internal.model.lifecycle import ConnectionState, SessionTrigger

PART = Channel.book("BTC/USD")
REFUSED = ConnectionFailed("nobody listens")
GONE = ConnectionLost(1006)


def session(*, private: bool = False, budget: Budget | None = None, **settings: Any) -> Session:
    """Give a session without jitter: pauses of 0.1, 0.2, 0.4, ... seconds."""
    config = KrakenConfig(jitter=0.0, **settings)
    backoff = Backoff(
        initial=config.initial_delay,
        maximum=config.max_delay,
        multiplier=config.multiplier,
        jitter=config.jitter,
        random=Random(0),
    )
    return Session(
        "public",
        config,
        backoff=backoff,
        budget=budget or Budget(limit=150, window=600.0),
        private=private,
        epoch_ns=1_700_000_000_000_000_000,
    )


def subscribed(machine: Session, now: float = 0.0) -> Session:
    """Bring a public session to SUBSCRIBED."""
    for event in (s.Connect(), s.Established(), s.Confirmed()):
        machine.handle(event, now)
    return machine


def test_a_public_session_connects_subscribes_and_leaves(playbook: Callable[..., Any]) -> None:
    """From the first use to the end, each step asks for exactly what it needs."""
    book = playbook(session())
    book >> s.Connect() << [s.Changed, s.Dial(1)]
    book >> s.Established() << [s.Changed, s.SubscribeAll()]
    book >> s.Confirmed() << [s.Changed]
    book >> s.Close() << [s.Changed, s.HangUp(), s.Invalidate()]
    book >> s.Close() << []
    assert book.machine.state is ConnectionState.CLOSED
    assert book.machine.late == 1
    assert book.machine.deadline == math.inf


def test_a_private_session_fetches_its_token_first(playbook: Callable[..., Any]) -> None:
    """With credentials needed, a token comes between the connection and the subscriptions."""
    book = playbook(session(private=True))
    book >> s.Connect()
    book >> s.Established() << [s.Changed, s.FetchToken()]
    book >> s.Authenticated() << [s.Changed, s.SubscribeAll()]


def test_refused_credentials_end_the_session_at_once(playbook: Callable[..., Any]) -> None:
    """A refused key is raised, and never tried again."""
    book = playbook(session(private=True))
    error = AuthenticationError("EAPI:Invalid key")
    book >> s.Connect() >> s.Established()
    book >> s.AuthRefused(error) << [s.Changed, s.HangUp(), s.Invalidate(), s.Fail(error)]
    assert book.machine.state is ConnectionState.CLOSED


def test_a_token_that_cannot_be_had_for_now_is_tried_again(playbook: Callable[..., Any]) -> None:
    """An unavailable token service costs an attempt, and its wish to wait is kept."""
    book = playbook(session(private=True))
    error = ConnectionFailed("EService:Busy")
    book >> s.Connect() >> s.Established()
    book >> s.AuthUnavailable(error, 7.0) << [s.Changed, s.HangUp(), s.RetryIn(7.0, error)]
    book.wait(7.0) << [s.Changed, s.Dial(2)]


def test_a_token_that_does_not_come_in_time_is_tried_again(playbook: Callable[..., Any]) -> None:
    """The token has the same time as the connection."""
    book = playbook(session(private=True, timeout=3.0, stale_after=60.0))
    book >> s.Connect() >> s.Established()
    assert book.machine.deadline == 3.0
    book.wait(3.0) << [s.Changed, s.HangUp(), s.RetryIn]
    assert book.machine.history[-1].trigger is SessionTrigger.AUTH_UNAVAILABLE


def test_a_service_that_says_it_is_closed_costs_no_attempt(playbook: Callable[..., Any]) -> None:
    """To ask for a token while it serves nobody is no fault of ours."""
    book = playbook(session(private=True, max_attempts=1))
    book >> s.Connect()
    for _ in range(3):
        book >> s.Established()
        book >> s.AuthUnavailable(REFUSED, counted=False) << [s.Changed, s.HangUp(), s.RetryIn]
        book.wait(60.0) << [s.Changed, s.Dial(1)]


@pytest.mark.parametrize("state", ["SUBSCRIBING", "SUBSCRIBED", "RESYNCING"])
def test_a_token_that_is_refused_is_fetched_anew(playbook: Callable[..., Any], state: str) -> None:
    """Without a transition: what lives goes on. For good, or for now, it ends as it would begin."""
    error = AuthenticationError("EAPI:Invalid key")
    for outcome, effects, end in (
        (s.Authenticated(), [s.Changed], ConnectionState[state]),
        (
            s.AuthRefused(error),
            [s.Changed, s.HangUp(), s.Invalidate(), s.Fail(error)],
            ConnectionState.CLOSED,
        ),
        (
            s.AuthUnavailable(REFUSED),
            [s.Changed, s.HangUp(), s.Invalidate(), s.RetryIn],
            ConnectionState.DEGRADED,
        ),
    ):
        book = playbook(session(private=True))
        book >> s.Connect() >> s.Established() >> s.Authenticated()
        if state != "SUBSCRIBING":
            book >> s.Confirmed()
        if state == "RESYNCING":
            book >> s.GapFound(PART)
        book >> s.TokenRefused("no") << [s.Changed, s.FetchToken()]
        assert book.machine.state.name == state
        assert book.machine.history[-1].reason == "no"
        book >> outcome << effects
        assert book.machine.state is end


def test_each_failed_attempt_waits_longer_and_the_last_one_is_raised(
    playbook: Callable[..., Any],
) -> None:
    """Pauses double; when no attempt is left the session fails with the last cause beneath."""
    book = playbook(session(max_attempts=3))
    book >> s.Connect() << [s.Changed, s.Dial(1)]
    book >> s.ConnectFailed(REFUSED) << [s.Changed, s.HangUp(), s.RetryIn(0.1, REFUSED)]
    book.wait(0.05) << []
    book.wait(0.06) << [s.Changed, s.Dial(2)]
    book >> s.ConnectFailed(REFUSED) << [s.Changed, s.HangUp(), s.RetryIn(0.2, REFUSED)]
    book.wait(0.2) << [s.Changed, s.Dial(3)]
    book >> s.ConnectFailed(REFUSED) << [s.Changed, s.HangUp(), s.RetryIn(0.0, REFUSED)]
    book.wait(0.0) << [s.Changed, s.Invalidate(), s.Fail]
    failure = book.machine.tick(0.0)
    assert failure == []
    assert book.machine.state is ConnectionState.CLOSED
    assert "gave up after 3 attempts" in book.machine.history[-1].reason


def test_the_error_of_the_last_attempt_stands_beneath(playbook: Callable[..., Any]) -> None:
    """RetriesExhausted carries how many attempts were made, and the last failure as its cause."""
    machine = session(max_attempts=1)
    machine.handle(s.Connect(), 0.0)
    machine.handle(s.ConnectFailed(REFUSED), 0.0)
    fail = machine.tick(0.0)[-1]
    assert isinstance(fail, s.Fail)
    assert isinstance(fail.error, RetriesExhausted)
    assert (fail.error.attempts, fail.error.__cause__) == (1, REFUSED)


def test_attempts_without_a_maximum_go_on_for_ever(playbook: Callable[..., Any]) -> None:
    """With max_attempts None nothing is ever given up."""
    book = playbook(session(max_attempts=None, budget=Budget(limit=1000, window=1.0)))
    book >> s.Connect()
    for _ in range(50):
        book >> s.ConnectFailed(REFUSED)
        book.wait(30.0) << [s.Changed, s.Dial]


def test_a_new_session_after_the_end_counts_from_the_beginning(
    playbook: Callable[..., Any],
) -> None:
    """connect() after CLOSED starts with attempt one again."""
    book = playbook(session(max_attempts=1))
    book >> s.Connect() >> s.ConnectFailed(REFUSED)
    book.wait(0.0)
    book >> s.Connect() << [s.Changed, s.Dial(1)]


def test_a_connection_that_takes_too_long_is_given_up(playbook: Callable[..., Any]) -> None:
    """Connecting has its deadline."""
    book = playbook(session(timeout=4.0))
    book >> s.Connect()
    assert book.machine.deadline == 4.0
    book.wait(3.9) << []
    book.wait(0.1) << [s.Changed, s.HangUp(), s.RetryIn]
    assert book.machine.history[-1].reason == "no connection to the public host within 4 s"


@pytest.mark.parametrize("wait, dial", [(29.0, 3), (31.0, 2)])
def test_only_a_stable_session_starts_counting_anew(
    playbook: Callable[..., Any], wait: float, dial: int
) -> None:
    """Connect-then-drop goes on counting; a loss after a stable while counts as the first."""
    book = playbook(session(stale_after=100.0, heartbeat_interval=100.0))
    book >> s.Connect() >> s.ConnectFailed(REFUSED)
    book.wait(0.1)
    subscribing = [s.Established(), s.Confirmed()]
    for event in subscribing:
        book >> event
    book.now += wait
    book >> s.Lost(GONE) << [s.Changed, s.HangUp(), s.Invalidate(), s.RetryIn]
    book.wait(1.0) << [s.Changed, s.Dial(dial)]


def test_flapping_reaches_the_maximum(playbook: Callable[..., Any]) -> None:
    """A host that accepts, confirms and drops at once is given up like one that refuses."""
    book = playbook(session(max_attempts=4))
    book >> s.Connect()
    for _ in range(4):
        assert book.machine.state is ConnectionState.CONNECTING
        book >> s.Established() >> s.Confirmed() >> s.Lost(GONE)
        book.wait(30.0)
    assert book.machine.state is ConnectionState.CLOSED


def test_a_normal_close_is_followed_by_the_initial_delay(playbook: Callable[..., Any]) -> None:
    """After close code 1000 the pause is the initial one, without jitter; repeated, it grows."""
    closed = ConnectionLost(1000, "bye")
    book = playbook(session(multiplier=3.0))
    book >> s.Connect()
    for pause in (0.1, pytest.approx(0.3), pytest.approx(0.9)):
        book >> s.Established() >> s.Lost(closed)
        book << [s.Changed, s.HangUp(), s.Invalidate(), s.RetryIn]
        assert book.machine.deadline - book.now == pause
        book.wait(1.0)


@pytest.mark.parametrize("maintenance, counted", [(True, True), (False, False), (True, False)])
def test_attempts_in_maintenance_are_slow_and_free(
    playbook: Callable[..., Any], maintenance: bool, counted: bool
) -> None:
    """While the exchange says that it is not our fault, attempts are not counted."""
    book = playbook(session(max_attempts=2))
    book >> s.Connect()
    book.machine.maintenance = maintenance
    for _ in range(20):
        book >> s.ConnectFailed(REFUSED, counted=counted)
        book << [s.Changed, s.HangUp(), s.RetryIn(5.0, REFUSED)]
        book.wait(5.0) << [s.Changed, s.Dial(1)]


def test_a_wish_to_wait_is_kept_within_reason(playbook: Callable[..., Any]) -> None:
    """A host that asks to wait for years is asked again after ten minutes."""
    book = playbook(session())
    book >> s.Connect() >> s.ConnectFailed(REFUSED, 999_999_999.0)
    book << [s.Changed, s.HangUp(), s.RetryIn(600.0, REFUSED)]


def test_the_last_attempt_waits_for_nothing(playbook: Callable[..., Any]) -> None:
    """Nothing follows it, so no wish to wait is heard."""
    book = playbook(session(max_attempts=1))
    book >> s.Connect() >> s.ConnectFailed(REFUSED, 600.0)
    book.wait(0.0) << [s.Changed, s.Invalidate(), s.Fail]


def test_a_new_session_does_not_believe_in_the_old_maintenance(
    playbook: Callable[..., Any],
) -> None:
    """Attempts of the next session count until the exchange says something else."""
    book = playbook(session(max_attempts=2))
    book >> s.Connect()
    book.machine.maintenance = True
    book >> s.Close() >> s.Connect() >> s.ConnectFailed(REFUSED)
    assert book.machine.attempts == 1


def test_a_spent_budget_postpones_the_next_attempt(playbook: Callable[..., Any]) -> None:
    """No attempt is made that the host's rolling budget does not hold."""
    book = playbook(session(budget=Budget(limit=2, window=60.0)))
    book >> s.Connect() >> s.ConnectFailed(REFUSED)
    book.wait(1.0) << [s.Changed, s.Dial(2)]
    book >> s.ConnectFailed(REFUSED)
    book.wait(1.0) << [s.RetryIn(58.0, REFUSED)]
    assert book.machine.deadline == 60.0
    book.wait(58.0) << [s.Changed, s.Dial(3)]


def test_a_spent_budget_holds_for_the_first_attempt_too(playbook: Callable[..., Any]) -> None:
    """Another feed may have spent the budget: connecting then waits instead of dialling."""
    budget = Budget(limit=1, window=60.0)
    assert budget.take(0.0) == 0.0
    book = playbook(session(budget=budget))
    book.now = 10.0
    book >> s.Connect() << [s.Changed, s.Changed, s.HangUp(), s.RetryIn]
    assert book.machine.deadline == 60.0
    book.wait(50.0) << [s.Changed, s.Dial(1)]


def test_silence_is_announced_probed_and_believed(playbook: Callable[..., Any]) -> None:
    """At 80 % a warning, then a ping, then the connection counts as lost."""
    book = playbook(subscribed(session()))
    assert book.machine.deadline == 4.0
    book.wait(4.0) << [s.WarnStale(4.0)]
    assert book.machine.deadline == 5.0
    book.wait(1.0) << [s.Probe()]
    assert book.machine.deadline == 15.0
    book.wait(9.9) << []
    book.wait(0.1) << [s.Changed, s.HangUp(), s.Invalidate(), s.RetryIn]
    assert book.machine.history[-1].trigger is SessionTrigger.SILENT


def test_a_second_ping_gives_no_more_time(playbook: Callable[..., Any]) -> None:
    """It is the oldest unanswered one that counts."""
    patient = session(stale_after=100.0, heartbeat_interval=5.0, heartbeat_timeout=12.0)
    book = playbook(subscribed(patient))
    book.wait(5.0) << [s.Probe()]
    book.wait(5.0) << [s.Probe()]
    book.wait(5.0) << [s.Probe()]
    assert book.machine.deadline == 17.0


def test_any_frame_ends_the_silence(playbook: Callable[..., Any]) -> None:
    """Whatever comes, the probe is answered and the clock starts anew."""
    book = playbook(subscribed(session()))
    book.wait(4.5)
    book.wait(0.5) << [s.Probe()]
    book.machine.frame_seen(book.now)
    assert book.machine.deadline == 9.0
    book.wait(4.0) << [s.WarnStale(4.0)]


@given(seen=st.floats(0, 1e6), stale=st.floats(0.01, 100), interval=st.floats(0.01, 100))
def test_a_tick_at_the_deadline_always_moves_it(seen: float, stale: float, interval: float) -> None:
    """Rounding makes no deadline that is due for ever and never comes."""
    machine = subscribed(session(stale_after=stale, heartbeat_interval=interval), now=seen)
    for _ in range(20):
        if machine.state is not ConnectionState.SUBSCRIBED:
            break
        deadline = machine.deadline
        effects = machine.tick(deadline)
        assert machine.deadline > deadline or any(isinstance(e, s.Changed) for e in effects)


def test_what_was_seen_before_is_no_news(playbook: Callable[..., Any]) -> None:
    """The same frame told again does not end a silence that was announced."""
    book = playbook(subscribed(session()))
    book.wait(5.0) << [s.WarnStale(5.0), s.Probe()]
    book.machine.frame_seen(0.0)
    assert book.machine.deadline == 15.0


def test_a_late_tick_warns_and_probes_at_once(playbook: Callable[..., Any]) -> None:
    """A watchdog that wakes too late loses neither the warning nor the probe."""
    book = playbook(subscribed(session()))
    book.wait(6.0) << [s.WarnStale(6.0), s.Probe()]


def test_a_busy_connection_is_pinged_now_and_then(playbook: Callable[..., Any]) -> None:
    """The exchange closes a connection without requests, so one is made at each interval."""
    book = playbook(subscribed(session()))
    book.now = 29.0
    book.machine.frame_seen(29.0)
    assert book.machine.deadline == 30.0
    book.wait(1.0) << [s.Probe()]
    assert book.machine.deadline == 33.0
    book.wait(3.0) << [s.WarnStale(4.0)]
    assert book.machine.deadline == 40.0


def test_every_ping_has_its_time_to_be_answered(playbook: Callable[..., Any]) -> None:
    """Also one that was sent for its interval alone; whatever comes answers it."""
    book = playbook(subscribed(session(stale_after=100.0)))
    book.wait(30.0) << [s.Probe()]
    assert book.machine.deadline == 40.0
    book.machine.frame_seen(35.0)
    book.now = 35.0
    assert book.machine.deadline == 60.0
    book.wait(25.0) << [s.Probe()]
    book.wait(10.0) << [s.Changed, s.HangUp(), s.Invalidate(), s.RetryIn]
    assert book.machine.history[-1].trigger is SessionTrigger.SILENT


def test_one_gap_resyncs_and_a_second_one_stays_there(playbook: Callable[..., Any]) -> None:
    """The session is RESYNCING from the first gap until the last one is mended."""
    other = Channel.book("ETH/USD")
    book = playbook(subscribed(session()))
    book >> s.GapFound(PART) << [s.Changed, s.Resync(PART)]
    book >> s.GapFound(other) << [s.Changed, s.Resync(other)]
    assert book.machine.history[-1].to_state is ConnectionState.RESYNCING
    book >> s.Resynced() << [s.Changed]
    assert book.machine.state is ConnectionState.SUBSCRIBED


def test_a_refused_symbol_ends_alone(playbook: Callable[..., Any]) -> None:
    """The error of one subscription leaves the session where it is."""
    book = playbook(subscribed(session()))
    error = SubscriptionError("Currency pair not supported NO/PE", "book", "NO/PE")
    book >> s.SymbolEnded(PART, error) << [s.Changed, s.EndSubscription(PART, error)]
    assert book.machine.state is ConnectionState.SUBSCRIBED


@pytest.mark.parametrize("event", [s.Unanswered(), s.ResyncUnanswered()])
def test_when_nothing_is_answered_the_connection_is_at_fault(
    playbook: Callable[..., Any], event: s.Input
) -> None:
    """Not one answer in time means another connection."""
    book = playbook(subscribed(session()))
    if isinstance(event, s.ResyncUnanswered):
        book >> s.GapFound(PART)
    book >> event << [s.Changed, s.HangUp(), s.Invalidate(), s.RetryIn]
    assert book.machine.state is ConnectionState.DEGRADED


def test_what_crosses_our_decision_is_counted_and_ignored(playbook: Callable[..., Any]) -> None:
    """A loss reported after we hung up changes nothing, not even the cause."""
    book = playbook(subscribed(session()))
    book >> s.Lost(GONE)
    deadline = book.machine.deadline
    book >> s.Lost(ConnectionLost(1000)) << []
    book >> s.Confirmed() << []
    book >> s.Unanswered() << []
    book >> s.ResyncUnanswered() << []
    assert (book.machine.deadline, book.machine.late) == (deadline, 4)
    book.wait(0.1)
    book >> s.Lost(GONE) << []
    assert book.machine.state is ConnectionState.CONNECTING


def test_an_impossible_input_is_an_error_and_changes_nothing() -> None:
    """What cannot happen in a state raises, and leaves the session as it was."""
    machine = session()
    with pytest.raises(InvalidTransition):
        machine.handle(s.Established(), 0.0)
    assert machine.state is ConnectionState.DISCONNECTED
    assert not machine.history
    machine = subscribed(session())
    with pytest.raises(InvalidTransition):
        machine.handle(s.Connect(), 1.0)
    assert machine.state is ConnectionState.SUBSCRIBED


def test_transitions_are_stamped_and_remembered() -> None:
    """Each transition tells session, states, trigger, reason and time; the last 100 are kept."""
    machine = subscribed(session(), now=1.5)
    last = machine.history[-1]
    assert (last.session, last.from_state, last.to_state) == (
        "public",
        ConnectionState.SUBSCRIBING,
        ConnectionState.SUBSCRIBED,
    )
    assert str(last.at) == "2023-11-14T22:13:21.500000Z"
    for moment in range(200):
        machine.handle(s.GapFound(PART), float(moment))
    assert len(machine.history) == HISTORY


INPUTS: list[s.Input] = [
    s.Connect(),
    s.Established(),
    s.ConnectFailed(REFUSED),
    s.Authenticated(),
    s.AuthRefused(AuthenticationError("no")),
    s.AuthUnavailable(REFUSED),
    s.TokenRefused("no"),
    s.Lost(GONE),
    s.Confirmed(),
    s.SymbolEnded(PART, SubscriptionError("no")),
    s.Unanswered(),
    s.GapFound(PART),
    s.Resynced(),
    s.ResyncUnanswered(),
    s.Close(),
]


@given(
    private=st.booleans(),
    steps=st.lists(st.tuples(st.sampled_from(INPUTS), st.floats(0, 40)), max_size=40),
)
def test_any_sequence_of_inputs_and_times_keeps_the_rules(
    private: bool, steps: list[tuple[s.Input, float]]
) -> None:
    """Only table rows happen, each is published once, and no deadline lies in a dead state."""
    machine = session(private=private)
    now, published = 0.0, 0
    for event, wait in steps:
        now += wait
        before = machine.state
        for effects in (machine.tick(now),):
            published += sum(isinstance(effect, s.Changed) for effect in effects)
        try:
            effects = machine.handle(event, now)
        except InvalidTransition:
            continue
        changes = [effect.change for effect in effects if isinstance(effect, s.Changed)]
        published += len(changes)
        for change in changes:
            assert not SESSION[change.from_state, change.trigger].late
            assert SESSION[change.from_state, change.trigger].to_state is change.to_state
        if ConnectionState.CONNECTING in {change.to_state for change in changes}:
            assert before is not ConnectionState.SUBSCRIBED
        idle = (ConnectionState.DISCONNECTED, ConnectionState.CLOSED)
        assert (machine.deadline == math.inf) == (machine.state in idle)
    assert len(machine.history) == min(published, HISTORY)

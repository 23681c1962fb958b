"""The tables: what is in them, and that nothing else is legal."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.core.states import BOOK, SESSION, SUBSCRIPTION, Machine, Row
from kraken_trio._internal.model.errors import InvalidTransition
from kraken_trio._internal.model.lifecycle import (
    BookState,
    BookTrigger,
    ConnectionState,
    SessionTrigger,
    SubscriptionState,
    SubscriptionTrigger,
)

Table = Mapping[tuple[Any, Any], Row[Any, Any]]
MACHINES: dict[str, tuple[Table, type[enum.Enum], type[enum.Enum], enum.Enum]] = {
    "session": (SESSION, ConnectionState, SessionTrigger, ConnectionState.DISCONNECTED),
    "subscription": (
        SUBSCRIPTION,
        SubscriptionState,
        SubscriptionTrigger,
        SubscriptionState.IDLE,
    ),
    "book": (BOOK, BookState, BookTrigger, BookState.AWAITING_SNAPSHOT),
}
S = ConnectionState
T = SessionTrigger


@pytest.mark.parametrize("name", MACHINES)
def test_every_pair_leads_to_a_known_state_or_to_the_one_allowed_error(name: str) -> None:
    """Every state and trigger has a row, or raises InvalidTransition and changes nothing."""
    table, states, triggers, _ = MACHINES[name]
    for state in states:
        for trigger in triggers:
            machine = Machine[Any, Any, Any](name, table, state)
            if (state, trigger) in table:
                row = machine.fire(trigger)
                assert machine.state is row.to_state
                assert isinstance(row.to_state, states)
                assert machine.late == row.late
            else:
                with pytest.raises(InvalidTransition) as caught:
                    machine.fire(trigger)
                assert machine.state is state
                assert (caught.value.machine, caught.value.state, caught.value.trigger) == (
                    name,
                    state.value,
                    trigger.value,
                )


@pytest.mark.parametrize("name", MACHINES)
def test_late_rows_stay_and_do_nothing(name: str) -> None:
    """A late row keeps the state and names no effect."""
    for (state, _), row in MACHINES[name][0].items():
        if row.late:
            assert row == Row(state, (), late=True)


@pytest.mark.parametrize("name", MACHINES)
def test_every_state_is_reached_and_every_trigger_moves(name: str) -> None:
    """No state of a table is unreachable, and no trigger is only ever late."""
    table, states, triggers, start = MACHINES[name]
    reached, frontier = {start}, [start]
    while frontier:
        state = frontier.pop()
        for (from_state, _), row in table.items():
            if from_state is state and row.to_state not in reached:
                reached.add(row.to_state)
                frontier.append(row.to_state)
    assert reached == set(states)
    assert {trigger for (_, trigger), row in table.items() if not row.late} == set(triggers)


@given(name=st.sampled_from(sorted(MACHINES)), data=st.data())
def test_no_walk_leaves_the_table(name: str, data: st.DataObject) -> None:
    """After any sequence of triggers a machine is in a state of its own, and counted lateness."""
    table, states, triggers, start = MACHINES[name]
    machine = Machine[Any, Any, Any](name, table, start)
    late = 0
    for trigger in data.draw(st.lists(st.sampled_from(list(triggers)), max_size=60)):
        before = machine.state
        try:
            row = machine.fire(trigger)
        except InvalidTransition:
            assert machine.state is before
        else:
            late += row.late
            assert machine.state is table[before, trigger].to_state
    assert machine.state in list(states)
    assert machine.late == late


@pytest.mark.parametrize(
    "from_state, trigger, to_state",
    [
        (S.DISCONNECTED, T.CONNECT, S.CONNECTING),
        (S.CLOSED, T.CONNECT, S.CONNECTING),
        (S.CONNECTING, T.ESTABLISHED_PRIVATE, S.AUTHENTICATING),
        (S.CONNECTING, T.ESTABLISHED, S.SUBSCRIBING),
        (S.CONNECTING, T.CONNECT_FAILED, S.DEGRADED),
        (S.CONNECTING, T.CONNECT_TIMED_OUT, S.DEGRADED),
        (S.AUTHENTICATING, T.AUTH_ACCEPTED, S.SUBSCRIBING),
        (S.AUTHENTICATING, T.AUTH_REFUSED, S.CLOSED),
        (S.AUTHENTICATING, T.AUTH_UNAVAILABLE, S.DEGRADED),
        *(
            (state, trigger, to_state)
            for state in (S.SUBSCRIBING, S.SUBSCRIBED, S.RESYNCING)
            for trigger, to_state in (
                (T.TOKEN_REFUSED, state),
                (T.AUTH_ACCEPTED, state),
                (T.AUTH_REFUSED, S.CLOSED),
                (T.AUTH_UNAVAILABLE, S.DEGRADED),
            )
        ),
        *(
            (state, trigger, S.DEGRADED)
            for state in (S.AUTHENTICATING, S.SUBSCRIBING, S.SUBSCRIBED, S.RESYNCING)
            for trigger in (T.LOST, T.SILENT)
        ),
        (S.SUBSCRIBING, T.CONFIRMED, S.SUBSCRIBED),
        (S.SUBSCRIBING, T.SYMBOL_ENDED, S.SUBSCRIBING),
        (S.SUBSCRIBING, T.UNANSWERED, S.DEGRADED),
        (S.SUBSCRIBED, T.GAP, S.RESYNCING),
        (S.RESYNCING, T.GAP, S.RESYNCING),
        (S.RESYNCING, T.RESYNCED, S.SUBSCRIBED),
        (S.RESYNCING, T.RESYNC_UNANSWERED, S.DEGRADED),
        (S.RESYNCING, T.SYMBOL_ENDED, S.RESYNCING),
        (S.DEGRADED, T.RETRY, S.CONNECTING),
        (S.DEGRADED, T.RETRIES_SPENT, S.CLOSED),
        *((state, T.CLOSE, S.CLOSED) for state in S if state is not S.CLOSED),
    ],
)
def test_the_promised_transitions_of_a_session(from_state: S, trigger: T, to_state: S) -> None:
    """Each promised transition of a session is in the table, and is not a late one."""
    row = SESSION[from_state, trigger]
    assert row.to_state is to_state
    assert not row.late


@pytest.mark.parametrize("state", [S.DEGRADED, S.CLOSED])
@pytest.mark.parametrize("trigger", [T.LOST, T.ESTABLISHED, T.GAP, T.AUTH_REFUSED])
def test_what_is_reported_after_we_hung_up_is_late(state: S, trigger: T) -> None:
    """A report that crossed our hanging up is ignored, not an error."""
    assert SESSION[state, trigger].late


def test_a_wrong_trigger_is_named_in_the_error() -> None:
    """The error of an impossible transition says machine, state and trigger."""
    machine = Machine("session", SESSION, S.DISCONNECTED)
    with pytest.raises(
        InvalidTransition, match="session: no transition from disconnected by retry"
    ):
        machine.fire(T.RETRY)

"""The machine of one symbol's subscription, by playbooks."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.core import subscription as s
from kraken_trio._internal.core.backoff import Backoff
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import InvalidTransition, SubscriptionError
from kraken_trio._internal.model.lifecycle import SubscriptionState

NO = SubscriptionError("Currency pair not supported NO/PE", "book", "NO/PE")
BUSY = SubscriptionError("EService:Busy", "book", "BTC/USD")


def subscription(part: Channel | None = None) -> s.Subscription:
    """Give a subscription with answers within 10 s and pauses of 1, 2, 4, ... seconds."""
    backoff = Backoff(initial=1.0, maximum=60.0, multiplier=2.0, jitter=0.0, random=Random(0))
    return s.Subscription(part or Channel.book("BTC/USD"), timeout_s=10.0, backoff=backoff)


def live() -> s.Subscription:
    """Give a subscription that is LIVE at moment zero."""
    machine = subscription()
    for event in (s.Online(), s.Acknowledged(), s.SnapshotSeen()):
        machine.handle(event, 0.0)
    return machine


def test_a_subscription_from_wish_to_end(playbook: Callable[..., Any]) -> None:
    """Asked for, confirmed, complete, left: each step asks for exactly what it needs."""
    book = playbook(subscription())
    assert not book.machine.outstanding
    book >> s.Online() << [s.Subscribe()]
    assert book.machine.outstanding
    book >> s.Acknowledged() << []
    assert book.machine.outstanding
    book >> s.SnapshotSeen() << [s.Deliver()]
    assert (book.machine.outstanding, book.machine.deadline) == (False, math.inf)
    book >> s.Leave() << [s.Discard(), s.Unsubscribe()]
    book >> s.Left() << []
    assert book.machine.state is SubscriptionState.ENDED


def test_without_a_snapshot_the_confirmation_completes_it(playbook: Callable[..., Any]) -> None:
    """A channel that was asked for without its snapshot is complete when confirmed."""
    book = playbook(subscription(Channel.trades("BTC/USD")))
    book >> s.Online() >> s.Acknowledged() << [s.Deliver()]


def test_a_snapshot_may_overtake_its_confirmation(playbook: Callable[..., Any]) -> None:
    """Complete is complete; the confirmation that follows is late."""
    book = playbook(subscription())
    book >> s.Online() >> s.SnapshotSeen() << [s.Deliver()]
    book >> s.Acknowledged() << []
    assert book.machine.late == 1


def test_a_refusal_for_good_ends_it(playbook: Callable[..., Any]) -> None:
    """What the exchange refuses is not asked for again, and its words are raised."""
    book = playbook(subscription())
    book >> s.Online() >> s.Refused(NO) << [s.Discard(), s.Fail(NO)]
    assert book.machine.state is SubscriptionState.ENDED
    book.wait(1000.0) << []


def test_a_transient_refusal_is_repeated_after_growing_pauses(
    playbook: Callable[..., Any],
) -> None:
    """Busy is not no: the request is repeated, and given up after all its attempts."""
    book = playbook(subscription())
    book >> s.Online()
    for pause in (1.0, 2.0, 4.0, 8.0):
        book >> s.Refused(BUSY, transient=True) << []
        assert book.machine.deadline == book.now + pause
        book.wait(pause - 0.1) << []
        book.wait(0.1) << [s.Discard(), s.Subscribe()]
    book >> s.Refused(BUSY, transient=True) << [s.Discard(), s.Unsubscribe(), s.Fail]


def test_the_error_of_giving_up_says_how_often_it_was_tried() -> None:
    """In the words of the last refusal, with the number of attempts."""
    machine = subscription(Channel.book("BTC/USD"))
    machine.handle(s.Online(), 0.0)
    refused = SubscriptionError("ESession:Invalid session", "book", "BTC/USD")
    for attempt in range(s.ATTEMPTS - 1):
        assert machine.handle(s.Refused(refused, transient=True), 100.0 * attempt) == []
        machine.tick(100.0 * attempt + 99)
    fail = machine.handle(s.Refused(refused, transient=True), 1000.0)[-1]
    assert isinstance(fail, s.Fail)
    assert (fail.error.reason, fail.error.attempts) == (refused.reason, s.ATTEMPTS)
    assert str(fail.error) == "book BTC/USD: ESession:Invalid session, in 5 attempts"


def test_what_could_not_be_read_is_awaited_anew(playbook: Callable[..., Any]) -> None:
    """Not so a pause of ours, nor where nothing is awaited."""
    book = playbook(subscription())
    book >> s.Online()
    book.machine.excuse(9.0)
    assert book.machine.deadline == 19.0
    book >> s.Refused(BUSY, transient=True)
    book.machine.excuse(9.0)
    assert book.machine.deadline == 1.0
    book >> s.Acknowledged() >> s.SnapshotSeen()
    book.machine.excuse(9.0)
    assert book.machine.deadline == math.inf


def test_a_transient_refusal_that_comes_late_is_late(playbook: Callable[..., Any]) -> None:
    """Once it is live, an old refusal means nothing."""
    book = playbook(live())
    book >> s.Refused(BUSY, transient=True) << []
    assert book.machine.late == 1


def test_a_confirmation_during_the_pause_is_taken(playbook: Callable[..., Any]) -> None:
    """If the exchange changes its mind while we wait, we do not ask again."""
    book = playbook(subscription())
    book >> s.Online() >> s.Refused(BUSY, transient=True)
    book >> s.Acknowledged() << []
    book.wait(1.0) << []
    assert book.machine.state is SubscriptionState.ACKNOWLEDGED


def test_an_unanswered_request_is_repeated_and_given_up(playbook: Callable[..., Any]) -> None:
    """Each answer has its deadline; after the last attempt the subscription fails."""
    book = playbook(subscription())
    book >> s.Online()
    for _ in range(s.ATTEMPTS - 1):
        book.wait(9.9) << []
        book.wait(0.1) << [s.Discard(), s.Subscribe()]
    book.wait(10.0) << [s.Discard(), s.Unsubscribe(), s.Fail]
    assert book.machine.state is SubscriptionState.ENDED


def test_the_error_of_giving_up_names_the_subscription() -> None:
    """A subscription that was given up says which it is, also where it has no symbol."""
    for part, channel, symbol in (
        (Channel.book("BTC/USD"), "book", "BTC/USD"),
        (Channel.instrument(), "instrument", None),
    ):
        machine = subscription(part)
        machine.handle(s.Online(), 0.0)
        for attempt in range(1, s.ATTEMPTS):
            machine.tick(10.0 * attempt)
        fail = machine.tick(10.0 * s.ATTEMPTS)[-1]
        assert isinstance(fail, s.Fail)
        assert (fail.error.channel, fail.error.symbol) == (channel, symbol)


def test_a_snapshot_that_never_comes_is_asked_for_anew(playbook: Callable[..., Any]) -> None:
    """Confirmed but empty: leave first, since asking twice would be refused, then ask."""
    book = playbook(subscription())
    book >> s.Online() >> s.Acknowledged()
    book.wait(10.0) << [s.Stall(), s.Discard(), s.Unsubscribe()]
    book >> s.Left() << [s.Discard(), s.Subscribe()]


def test_a_silent_one_is_left_and_asked_for_anew(playbook: Callable[..., Any]) -> None:
    """A probe forgets nothing, and is complete again with its snapshot."""
    book = playbook(live())
    book >> s.Probe() << [s.Unsubscribe()]
    assert (book.machine.probing, book.machine.outstanding) == (True, False)
    assert book.machine.deadline == 10.0
    book >> s.SnapshotSeen() << []  # nobody asked for it
    book >> s.Left() << [s.Subscribe()]
    book >> s.Left() << []
    book >> s.Acknowledged() << []
    assert book.machine.probing
    book >> s.SnapshotSeen() << [s.Deliver()]
    assert (book.machine.probing, book.machine.deadline) == (False, math.inf)


def test_a_probe_without_a_snapshot_ends_with_its_confirmation(
    playbook: Callable[..., Any],
) -> None:
    """A pair that never had a trade has none to show."""
    trades = playbook(subscription(Channel.trades("BTC/USD")))
    trades >> s.Online() >> s.Acknowledged() >> s.Probe() >> s.Left() << [s.Subscribe()]
    trades >> s.Acknowledged() << [s.Deliver()]


@pytest.mark.parametrize("how", ["it spoke", "a probe showed it"])
def test_who_has_something_to_show_must_show_it_when_probed(
    how: str, playbook: Callable[..., Any]
) -> None:
    """A snapshot that does not come is a stall, and so it is the next time, until it comes."""
    trades = playbook(subscription(Channel.trades("BTC/USD")))
    trades >> s.Online() >> s.Acknowledged()
    if how == "it spoke":
        trades >> s.Probe(spoke=True)
    else:
        trades >> s.Probe() >> s.Left() >> s.SnapshotSeen() << [s.Deliver()]
        trades >> s.Acknowledged() >> s.Probe()
    trades >> s.Left() >> s.Acknowledged() << []
    for _ in range(2):
        assert trades.machine.promised
        trades.wait(10.0) << [s.Stall(), s.Discard(), s.Unsubscribe()]
        trades >> s.Left()
        trades.wait(10.0)
        trades >> s.Acknowledged() << []
    trades >> s.SnapshotSeen() << [s.Deliver()]
    assert not trades.machine.promised


@pytest.mark.parametrize("left", [False, True])
def test_a_probe_that_is_not_answered_shows_a_stall(
    left: bool,
    playbook: Callable[..., Any],
) -> None:
    """Then nothing of it is believed any more, and it is asked for anew as after a loss."""
    book = playbook(live())
    book >> s.Probe()
    if left:
        book >> s.Left()
    book.wait(10.0) << [s.Stall(), s.Discard(), s.Unsubscribe()]
    assert book.machine.outstanding
    book >> s.Left() << [s.Discard(), s.Subscribe()]


def test_probes_that_fail_now_and_then_are_forgiven(playbook: Callable[..., Any]) -> None:
    """One that was live for a while in between counts from the beginning."""
    book = playbook(live())
    for _ in range(2 * s.ATTEMPTS):
        book.wait(s.STABLE_S) << []
        book >> s.Probe() << [s.Unsubscribe()]
        book.wait(10.0) << [s.Stall(), s.Discard(), s.Unsubscribe()]
        book >> s.Left() >> s.Acknowledged() >> s.SnapshotSeen() << [s.Deliver()]


def test_one_that_may_not_be_left_is_live(playbook: Callable[..., Any]) -> None:
    """The exchange refuses the request to leave: then nothing has changed; it is said all the
    same, for somebody may have come meanwhile, and wait for it.
    """
    book = playbook(live())
    book >> s.Probe() >> s.Refused(BUSY, transient=True) << [s.Deliver()]
    assert book.machine.state is SubscriptionState.LIVE


def test_one_that_is_refused_after_its_probe_is_lost(playbook: Callable[..., Any]) -> None:
    """For good, it ends; for now, it is asked for anew, and says meanwhile that it is not live."""
    book = playbook(live())
    book >> s.Probe() >> s.Left() >> s.Refused(NO) << [s.Stall(), s.Discard(), s.Fail(NO)]
    book = playbook(live())
    book >> s.Probe() >> s.Left()
    book >> s.Refused(BUSY, transient=True) << [s.Stall(), s.Discard(), s.Unsubscribe()]


@pytest.mark.parametrize("left, effects", [(False, []), (True, [s.Unsubscribe()])])
def test_a_probe_may_end_in_any_other_way(
    left: bool,
    effects: list[object],
    playbook: Callable[..., Any],
) -> None:
    """Leaving, a loss and a lost connection are what they always are; what was sent is not sent
    twice.
    """
    for event, rest in (
        (s.Leave(), effects),
        (s.DataLost("checksum"), effects),
        (s.Offline(), []),
        (s.GiveUp(NO), [s.Unsubscribe(), s.Fail(NO)]),
    ):
        book = playbook(live())
        book >> s.Probe()
        if left:
            book >> s.Left()
        book >> event << [s.Discard(), *rest]


def test_one_that_is_given_up_ends_with_its_error(playbook: Callable[..., Any]) -> None:
    """Whoever sees that it is hopeless may say so."""
    book = playbook(live())
    book >> s.GiveUp(NO) << [s.Discard(), s.Unsubscribe(), s.Fail(NO)]
    assert book.machine.state is SubscriptionState.ENDED


def test_a_hole_is_mended_by_leaving_and_asking_anew(playbook: Callable[..., Any]) -> None:
    """The first loss is mended at once; nothing from before it is kept."""
    book = playbook(live())
    book >> s.DataLost("checksum") << [s.Discard(), s.Unsubscribe()]
    assert book.machine.outstanding
    book >> s.SnapshotSeen() << []  # of the old subscription, still in flight
    book >> s.DataLost("checksum") << []
    book >> s.Left() << [s.Discard(), s.Subscribe()]
    book >> s.Acknowledged() >> s.SnapshotSeen() << [s.Deliver()]


def test_a_resync_that_the_exchange_does_not_confirm_goes_on(
    playbook: Callable[..., Any],
) -> None:
    """Without an answer to leaving, or with 'not found', it is asked for anew all the same."""
    book = playbook(live())
    book >> s.DataLost("checksum")
    book.wait(10.0) << [s.Discard(), s.Subscribe()]
    book = playbook(live())
    book >> s.DataLost("checksum")
    book >> s.Refused(SubscriptionError("Subscription Not Found")) << [s.Discard(), s.Subscribe()]


def test_endless_mismatch_is_given_up_after_growing_pauses(playbook: Callable[..., Any]) -> None:
    """A book that never holds is not asked for for ever, nor without pauses."""
    book = playbook(live())
    book >> s.DataLost("checksum") >> s.Left() << [s.Discard(), s.Subscribe()]
    for pause in (1.0, 2.0, 4.0):
        book >> s.SnapshotSeen() >> s.DataLost("checksum") << [s.Discard(), s.Unsubscribe()]
        book >> s.Left() << []
        book.wait(pause) << [s.Discard(), s.Subscribe()]
    book >> s.SnapshotSeen() >> s.DataLost("checksum")
    book << [s.Discard(), s.Unsubscribe(), s.Fail]


def test_a_loss_after_a_stable_while_counts_as_the_first(playbook: Callable[..., Any]) -> None:
    """What held for a while is mended at once again."""
    book = playbook(live())
    for _ in range(3 * s.ATTEMPTS):
        book.now += s.STABLE_S
        book >> s.DataLost("checksum") >> s.Left() << [s.Discard(), s.Subscribe()]
        book >> s.Acknowledged() >> s.SnapshotSeen()
    assert book.machine.state is SubscriptionState.LIVE


def test_connections_that_last_for_seconds_do_not_make_losses_a_row(
    playbook: Callable[..., Any],
) -> None:
    """It counts how long it was live since its last failure, all in all."""
    book = playbook(live())
    for _ in range(3 * s.ATTEMPTS):
        for _ in range(3):
            book.now += s.STABLE_S / 3
            book >> s.Offline() << [s.Discard()]
            book.now += s.STABLE_S  # It is not live meanwhile.
            book >> s.Online() >> s.Acknowledged() >> s.SnapshotSeen()
        book >> s.DataLost("checksum") >> s.Left() << [s.Discard(), s.Subscribe()]
        book >> s.Acknowledged() >> s.SnapshotSeen()
    assert book.machine.attempts == 1


def test_short_lives_between_losses_are_no_excuse(playbook: Callable[..., Any]) -> None:
    """What it lived before a failure does not count after it, nor what is without a connection."""
    book = playbook(live())
    for _ in range(s.ATTEMPTS - 1):
        book.now += s.STABLE_S * 0.9
        book >> s.Offline()
        book.now += s.STABLE_S
        book >> s.Online() >> s.Acknowledged() >> s.SnapshotSeen() >> s.DataLost("checksum")
        book >> s.Left()
        if book.machine.paused:
            book.wait(4.0)
        book >> s.Acknowledged() >> s.SnapshotSeen()
    book >> s.DataLost("checksum") << [s.Discard(), s.Unsubscribe(), s.Fail]


def test_a_second_snapshot_of_a_live_subscription_changes_nothing(
    playbook: Callable[..., Any],
) -> None:
    """It goes on being live, since when it was."""
    book = playbook(live())
    book >> s.SnapshotSeen() << []
    assert book.machine.state is SubscriptionState.LIVE


def test_a_lost_connection_waits_for_the_next(playbook: Callable[..., Any]) -> None:
    """Without a connection nothing is outstanding; with the next one it is asked for again."""
    book = playbook(live())
    book >> s.Offline() << [s.Discard()]
    assert (book.machine.state, book.machine.deadline) == (SubscriptionState.IDLE, math.inf)
    book >> s.Offline() << []
    book >> s.Online() << [s.Subscribe()]


def test_leaving_works_from_everywhere(playbook: Callable[..., Any]) -> None:
    """A wish to leave is taken in every state, and asks the exchange only where it must."""
    book = playbook(subscription())
    book >> s.Leave() << []
    book = playbook(subscription())
    book >> s.Online() >> s.Leave() << [s.Unsubscribe()]
    book >> s.Acknowledged() << []
    book >> s.Left() << []
    book = playbook(live())
    book >> s.DataLost("checksum") >> s.Leave() << [s.Discard()]
    book.wait(10.0) << []
    assert book.machine.state is SubscriptionState.ENDED


def test_leaving_twice_is_leaving_once(playbook: Callable[..., Any]) -> None:
    """A second wish to leave is late, before the answer and after it."""
    book = playbook(live())
    book >> s.Leave() >> s.Leave() << []
    book >> s.Left() >> s.Leave() << []
    assert book.machine.late == 2


def test_leaving_in_a_pause_needs_no_answer(playbook: Callable[..., Any]) -> None:
    """It was left already, to be asked for anew after the pause."""
    book = playbook(live())
    book >> s.DataLost("checksum") >> s.Left()
    book >> s.SnapshotSeen() >> s.DataLost("checksum") >> s.Left() << []
    book >> s.Leave() << [s.Discard()]
    assert book.machine.state is SubscriptionState.ENDED


def test_a_snapshot_that_overtakes_its_confirmation_and_is_wrong(
    playbook: Callable[..., Any],
) -> None:
    """It is left and asked for anew at once, not after a time-out."""
    book = playbook(subscription())
    book >> s.Online() >> s.DataLost("checksum") << [s.Discard(), s.Unsubscribe()]
    book >> s.Acknowledged() << []
    book >> s.Left() << [s.Discard(), s.Subscribe()]


def test_what_is_late_moves_no_deadline(playbook: Callable[..., Any]) -> None:
    """An old answer neither gives more time nor ends a pause."""
    book = playbook(subscription())
    book >> s.Online() >> s.Acknowledged()
    book.now = 5.0
    book >> s.Left() << []
    assert book.machine.deadline == 10.0
    book = playbook(subscription())
    book >> s.Online() >> s.Refused(BUSY, transient=True)
    book.now = 0.5
    book >> s.Left() << []
    assert (book.machine.deadline, book.machine.paused) == (1.0, True)


def test_wanted_again_while_leaving(playbook: Callable[..., Any]) -> None:
    """It is left on the wire first, then asked for anew."""
    book = playbook(live())
    book >> s.Leave() >> s.Want() << [s.Discard()]
    book >> s.Left() << [s.Discard(), s.Subscribe()]


def test_wanted_again_after_the_end(playbook: Callable[..., Any]) -> None:
    """An ended subscription starts over, with all its attempts."""
    book = playbook(subscription())
    book >> s.Online() >> s.Refused(NO) >> s.Want() << []
    book >> s.Online() << [s.Subscribe()]
    assert book.machine.attempts == 0


def test_an_impossible_input_is_an_error_and_changes_nothing() -> None:
    """What cannot happen in a state raises."""
    machine = live()
    machine.attempts = 3
    for event in (s.Online(), s.Want()):
        with pytest.raises(InvalidTransition):
            machine.handle(event, 1.0)
    assert (machine.state, machine.attempts) == (SubscriptionState.LIVE, 3)


INPUTS: list[s.Input] = [
    s.Online(),
    s.Offline(),
    s.Acknowledged(),
    s.Refused(NO),
    s.Refused(BUSY, transient=True),
    s.SnapshotSeen(),
    s.DataLost("checksum"),
    s.Probe(),
    s.GiveUp(NO),
    s.Left(),
    s.Leave(),
    s.Want(),
]


@given(steps=st.lists(st.tuples(st.sampled_from(INPUTS), st.floats(0, 40)), max_size=60))
def test_what_is_outstanding_always_has_a_deadline(
    steps: list[tuple[s.Input, float]],
) -> None:
    """A subscription that waits for the exchange can never hang: a deadline ends the wait."""
    machine = subscription()
    now = 0.0
    for event, wait in steps:
        now += wait
        machine.tick(now)
        try:
            machine.handle(event, now)
        except InvalidTransition:
            continue
        assert (machine.outstanding or machine.probing) == (machine.deadline < math.inf)
    for _ in range(3 * s.ATTEMPTS):
        now = max(now, machine.deadline) if machine.deadline < math.inf else now
        machine.tick(now)
    assert not machine.outstanding
    assert not machine.probing

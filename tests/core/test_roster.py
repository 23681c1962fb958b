"""All subscriptions of one session: what is asked, how answers find them, what is shared."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kraken_trio._internal.core.backoff import Backoff
from kraken_trio._internal.core.roster import SYMBOLS_PER_REQUEST, Roster
from kraken_trio._internal.core.roster_effects import (
    Completed,
    Discard,
    Effect,
    Ended,
    Mended,
    Probed,
    Stalled,
    Watch,
)
from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import SubscriptionError
from kraken_trio._internal.model.gap import GapReason
from kraken_trio._internal.model.lifecycle import SubscriptionState
from kraken_trio._internal.model.messages import Refusal, Reply
from kraken_trio._internal.model.requests import Subscribe, Unsubscribe
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.model.traits import V1, V2, Traits

BTC, ETH = Channel.book("BTC/USD"), Channel.book("ETH/USD")


def roster(*parts: Channel, online: bool = True, traits: Traits = V2) -> Roster:
    """Give a roster that wants these, with answers within 10 s."""
    backoff = Backoff(initial=1.0, maximum=60.0, multiplier=2.0, jitter=0.0, random=Random(0))
    made = Roster(timeout_s=10.0, backoff=backoff, traits=traits)
    for part in parts:
        made.want(part, 0.0)
    if online:
        made.online(0.0)
    return made


def yes(req_id: int | None, symbol: str | None = None, method: str = "subscribe") -> Reply:
    """Give a confirmation."""
    return Reply(method=method, success=True, req_id=req_id, symbol=symbol)


def no(
    req_id: int | None,
    symbol: str | None = None,
    refusal: Refusal = Refusal.FINAL,
    method: str = "subscribe",
    error: str | None = "no",
) -> Reply:
    """Give a refusal."""
    return Reply(
        method=method, success=False, req_id=req_id, symbol=symbol, refusal=refusal, error=error
    )


def live(*parts: Channel) -> Roster:
    """Give a roster in which these are complete."""
    made = roster(*parts)
    for request, req_id in made.requests(0.0):
        assert isinstance(request, Subscribe)
        for symbol in request.channel.symbols or (None,):
            made.replied(yes(req_id, symbol), 0.0)
    for part in parts:
        made.snapshot(part, 0.0)
    return made


def test_equal_wishes_made_together_are_one_request() -> None:
    """Symbols of one channel with equal options go out in one message, in their order."""
    made = roster(BTC, Channel.ticker("BTC/USD"), ETH, Channel.book("SOL/USD", depth=25))
    assert made.has_requests()
    assert made.requests(0.0) == [
        (Subscribe(Channel.book("BTC/USD", "ETH/USD")), 1),
        (Subscribe(Channel.ticker("BTC/USD")), 2),
        (Subscribe(Channel.book("SOL/USD", depth=25)), 3),
    ]
    assert not made.has_requests()
    assert made.requests(0.0) == []


def test_many_symbols_go_out_in_hundreds() -> None:
    """No list is longer than what the exchange was seen to take."""
    symbols = [f"A{number}/USD" for number in range(2 * SYMBOLS_PER_REQUEST + 1)]
    made = roster(*Channel.book(*symbols).parts())
    sizes = [len(request.channel.symbols) for request, _ in made.requests(0.0)]
    assert sizes == [SYMBOLS_PER_REQUEST, SYMBOLS_PER_REQUEST, 1]


def test_each_symbol_is_answered_for_itself() -> None:
    """One is refused, the other confirmed and completed, by the same request."""
    made = roster(BTC, ETH)
    made.requests(0.0)
    gone, ended = made.replied(no(1, "BTC/USD"), 0.0)
    assert gone == Discard(BTC)
    assert isinstance(ended, Ended)
    assert ended.part == BTC
    assert (ended.error.reason, ended.error.channel, ended.error.symbol) == (
        "no",
        "book",
        "BTC/USD",
    )
    assert made.replied(yes(1, "ETH/USD"), 0.0) == []
    assert made.deadline([ETH]) == 10.0
    assert made.snapshot(ETH, 0.0) == [Completed(ETH)]
    assert not made.outstanding
    assert [entry.part for entry in made] == [ETH]


def test_answers_without_a_number_are_found_by_their_symbol() -> None:
    """The exchange need not echo the number."""
    made = roster(BTC, ETH)
    made.requests(0.0)
    made.replied(yes(None, "ETH/USD"), 0.0)
    assert made.snapshot(ETH, 0.0) == [Completed(ETH)]
    assert made.replied(yes(None, "DOGE/USD"), 0.0) == []
    assert made.unanswered == 1


def test_a_refusal_without_a_symbol_is_about_all_that_is_left() -> None:
    """A parameter is refused once, for every symbol that was not answered yet."""
    made = roster(BTC, ETH)
    made.requests(0.0)
    made.replied(yes(1, "ETH/USD"), 0.0)
    ended = [effect for effect in made.replied(no(1, error=None), 0.0) if isinstance(effect, Ended)]
    assert [(effect.part, effect.error.reason) for effect in ended] == [(BTC, "refused")]


def test_a_channel_without_symbols_has_one_answer() -> None:
    """The instruments are confirmed, or refused, without a symbol."""
    part = Channel.instrument()
    made = roster(part)
    assert made.requests(0.0) == [(Subscribe(part), 1)]
    assert made.replied(yes(1), 0.0) == []
    assert made.snapshot(part, 0.0) == [Completed(part)]
    made = roster(part)
    made.requests(0.0)
    assert [type(effect) for effect in made.replied(no(1), 0.0)] == [Discard, Ended]


def test_equal_wishes_share_one_subscription() -> None:
    """The second one asks nothing, and the first one to go leaves it to the other."""
    made = live(BTC)
    assert made.want(BTC, 1.0) == []
    assert made.unwant(BTC, 1.0) == []
    assert not made.has_requests()
    assert made.unwant(BTC, 1.0) == [Discard(BTC), Watch(BTC)]
    assert made.requests(1.0) == [(Unsubscribe(BTC), 2)]
    made.replied(yes(2, "BTC/USD", "unsubscribe"), 1.0)
    assert list(made) == []
    assert made.unwant(BTC, 1.0) == []


@pytest.mark.parametrize(
    "there, wanted",
    [
        (BTC, Channel.book("BTC/USD", depth=25)),
        (Channel.ticker("BTC/USD"), Channel.ticker("BTC/USD", event_trigger="bbo")),
    ],
)
def test_what_the_exchange_cannot_do_twice_is_refused_here(there: Channel, wanted: Channel) -> None:
    """Two depths of one book on one connection would be answered with nonsense."""
    made = live(there)
    with pytest.raises(SubscriptionError, match="is subscribed to as"):
        made.want(wanted, 0.0)
    assert [entry.users for entry in made] == [1]


def test_one_who_wants_no_snapshot_joins_one_who_does() -> None:
    """Trades with their past serve those too who want them without."""
    made = live(Channel.trades("BTC/USD", snapshot=True))
    assert made.want(Channel.trades("BTC/USD"), 0.0) == []


def test_a_snapshot_that_was_not_asked_for_cannot_be_had_later() -> None:
    """Whoever joins trades without their past would get an empty one, and never know."""
    made = live(Channel.trades("BTC/USD"))
    with pytest.raises(SubscriptionError, match="without its snapshot; ask for that with the fir"):
        made.want(Channel.trades("BTC/USD", snapshot=True), 0.0)


def test_after_a_reconnect_everything_is_asked_for_again() -> None:
    """Trades then ask for their snapshot, in which what was missed can be found."""
    trades = Channel.trades("BTC/USD")
    made = live(BTC, trades)
    assert made.offline(1.0) == [Discard(BTC), Discard(trades)]
    assert made.offline(1.0) == []
    made.want(ETH, 1.0)
    assert made.requests(1.0) == []
    made.online(2.0)
    assert [request for request, _ in made.requests(2.0)] == [
        Subscribe(Channel.book("BTC/USD", "ETH/USD")),
        Subscribe(Channel.trades("BTC/USD", snapshot=True)),
    ]


def test_a_wish_taken_back_before_it_was_sent_is_never_sent() -> None:
    """Nothing was asked, so there is nothing to leave."""
    made = roster(BTC)
    assert made.unwant(BTC, 0.0) == []
    assert (made.requests(0.0), list(made)) == ([], [])


def test_a_wish_taken_back_without_a_connection_is_over() -> None:
    """Nothing was asked, and nobody is there to ask."""
    made = roster(BTC, online=False)
    assert made.unwant(BTC, 0.0) == []
    assert list(made) == []


def test_wanted_again_while_leaving_with_another_depth() -> None:
    """It is left first, then asked for as it is wanted now."""
    made = live(BTC)
    made.unwant(BTC, 1.0)
    made.requests(1.0)
    deeper = Channel.book("BTC/USD", depth=25)
    assert made.want(deeper, 1.0) == [Discard(deeper)]
    assert made.requests(1.0) == []
    made.replied(yes(2, "BTC/USD", "unsubscribe"), 1.0)
    assert made.requests(1.0) == [(Subscribe(deeper), 3)]


def test_a_hole_is_mended_alone() -> None:
    """The others go on; the one is left, asked for anew, and complete with its snapshot."""
    made = live(BTC, ETH)
    assert made.lost(BTC, GapReason.CHECKSUM, 1.0) == [Discard(BTC), Watch(BTC)]
    assert made.mending
    assert made.requests(1.0) == [(Unsubscribe(BTC), 2)]
    made.replied(no(2, "BTC/USD", Refusal.ABSENT, "unsubscribe"), 1.0)
    assert made.requests(1.0) == [(Subscribe(BTC), 3)]
    made.replied(yes(3, "BTC/USD"), 1.0)
    assert made.snapshot(BTC, 3.5) == [Completed(BTC), Mended(BTC, GapReason.CHECKSUM, 2.5)]
    assert not made.mending


def test_what_a_disconnect_cost_is_told_when_all_is_whole_again() -> None:
    """From the first loss on, whatever else was lost until then; only of what was whole once."""
    made = live(BTC)
    made.want(ETH, 0.0)
    made.lost(BTC, GapReason.CHECKSUM, 1.0)
    made.offline(2.0)
    made.online(5.0)
    ((_, req_id),) = made.requests(5.0)
    effects: list[Effect] = []
    for part in (BTC, ETH):
        made.replied(yes(req_id, part.symbols[0]), 5.0)
        effects += made.snapshot(part, 6.0)
    assert effects == [Completed(BTC), Mended(BTC, GapReason.CHECKSUM, 5.0), Completed(ETH)]
    made.offline(7.0)
    assert [entry.lost for entry in made] == [(GapReason.DISCONNECT, 7.0)] * 2


def test_a_hole_that_cannot_be_mended_ends_the_one() -> None:
    """After its attempts it has its error, and nothing is being mended any more."""
    made = live(BTC, ETH)
    effects: list[Effect] = []
    for _ in range(10):
        effects = made.lost(BTC, GapReason.CHECKSUM, 1.0)
        if any(isinstance(effect, Ended) for effect in effects):
            break
        for request, req_id in made.requests(1.0):
            assert isinstance(request, Unsubscribe)
            made.replied(yes(req_id, "BTC/USD", "unsubscribe"), 1.0)
        made.tick(60.0)
        for _, req_id in made.requests(1.0):
            made.replied(yes(req_id, "BTC/USD"), 1.0)
        made.snapshot(BTC, 1.0)
    assert isinstance(effects[-1], Ended)
    assert not made.mending
    assert [entry.part for entry in made] == [ETH]


def test_a_probe_leaves_and_asks_for_the_snapshot() -> None:
    """It says when the exchange confirmed it and let it go; a trade's past is asked for, too."""
    trades = Channel.trades("BTC/USD")
    made = roster(trades)
    ((_, first),) = made.requests(0.0)
    made.replied(replace(yes(first, "BTC/USD"), time_out=Timestamp(5)), 0.0)
    assert made.probe(trades, 1.0) == [Watch(trades)]
    assert made.probe(trades, 1.0) == []  # it is on its way
    ((request, second),) = made.requests(1.0)
    assert request == Unsubscribe(trades)
    left = replace(yes(second, "BTC/USD", "unsubscribe"), time_out=Timestamp(9))
    assert made.replied(left, 2.0) == [Probed(trades, Timestamp(5), Timestamp(9))]
    ((again, third),) = made.requests(2.0)
    assert again == Subscribe(Channel.trades("BTC/USD", snapshot=True))
    assert not made.outstanding
    assert not made.mending
    already = no(third, "BTC/USD", Refusal.ALREADY)
    assert made.replied(already, 2.0) == [Completed(trades)]


def test_what_a_ticker_has_to_show_is_asked_for_until_it_is_shown() -> None:
    """Also where no snapshot was asked for at first."""
    part = Channel.ticker("BTC/USD", snapshot=False)
    made = live(part)
    made.probe(part, 1.0, spoke=True)
    asked: list[Any] = []
    for now in (1.0, 1.0, 11.0, 11.0, 11.0):
        for request, req_id in made.requests(now):
            asked.append(request)
            made.replied(yes(req_id, "BTC/USD", type(request).__name__.lower()), now)
        made.tick(now)
    again = Channel.ticker("BTC/USD")
    assert asked == [Unsubscribe(part), Subscribe(again), Unsubscribe(part), Subscribe(again)]
    assert made.mending
    assert made.snapshot(part, 12.0) == [Completed(part), Mended(part, GapReason.STALLED, 1.0)]


def test_an_answer_about_one_that_ended_touches_no_other() -> None:
    """Who is given up and asked for anew at once is a new one; the old one's farewell is late."""
    made = live(BTC)
    made.give_up(BTC, "hopeless", 1.0)
    ((_, farewell),) = made.requests(1.0)
    made.want(BTC, 1.0)
    ((_, req_id),) = made.requests(1.0)
    made.replied(yes(farewell, "BTC/USD", "unsubscribe"), 2.0)
    assert [entry.part for entry in made] == [BTC]
    made.replied(yes(req_id, "BTC/USD"), 2.0)
    assert made.snapshot(BTC, 2.0) == [Completed(BTC)]
    assert not made.outstanding


def test_what_nobody_wants_or_knows_is_not_probed() -> None:
    """Nor given up: it is gone already."""
    made = live(BTC)
    for part in (ETH, BTC):
        made.unwant(part, 0.0)
        assert made.probe(part, 1.0) == []
        assert made.give_up(part, "why", 1.0) == []


def test_an_unanswered_probe_is_a_stall_until_the_snapshot_comes() -> None:
    """From then on it is mended as any loss."""
    made = live(BTC)
    made.probe(BTC, 1.0)
    assert made.tick(11.0) == [Stalled(BTC), Discard(BTC)]
    assert made.mending
    for request, req_id in made.requests(11.0):
        made.replied(yes(req_id, "BTC/USD", type(request).__name__.lower()), 11.0)
    for request, req_id in made.requests(11.0):
        assert request == Subscribe(BTC)
        made.replied(yes(req_id, "BTC/USD"), 12.0)
    assert made.snapshot(BTC, 13.0) == [Completed(BTC), Mended(BTC, GapReason.STALLED, 2.0)]
    assert not made.mending


def test_time_in_which_nothing_was_read_is_none_for_answers() -> None:
    """They may lie there unread: they are awaited anew, and known when they come at last."""
    made = roster(BTC)
    ((_, req_id),) = made.requests(0.0)
    made.excuse(100.0, 101.0)
    assert made.requests(101.0) == []
    assert (made.tick(110.0), made.silent(110.0), made.unanswered) == ([], False, 0)
    made.replied(yes(req_id, "BTC/USD"), 110.0)
    assert made.unanswered == 0
    assert made.snapshot(BTC, 110.0) == [Completed(BTC)]


def test_one_that_is_given_up_ends_alone() -> None:
    """With the reason that was given."""
    made = live(BTC, ETH)
    discard, ended = made.give_up(BTC, "hopeless", 1.0)
    assert (discard, ended.part) == (Discard(BTC), BTC)
    assert isinstance(ended, Ended)
    assert "hopeless" in str(ended.error)
    assert [entry.part for entry in made] == [ETH]


def test_what_nobody_wants_is_not_mended() -> None:
    """A hole in what is being left, or was never there, is nobody's."""
    made = live(BTC)
    made.unwant(BTC, 0.0)
    assert made.lost(BTC, GapReason.CHECKSUM, 0.0) == []
    assert made.lost(ETH, GapReason.CHECKSUM, 0.0) == []
    assert made.snapshot(ETH, 0.0) == []
    assert made.entry(ETH) is None


def test_already_subscribed_confirms_a_request_that_was_repeated() -> None:
    """The first answer was lost, so the second request is refused: it is there."""
    made = roster(BTC)
    made.requests(0.0)
    made.tick(10.0)
    ((_, req_id),) = made.requests(10.0)
    assert made.replied(no(req_id, "BTC/USD", Refusal.ALREADY), 10.0) == []
    assert made.snapshot(BTC, 10.0) == [Completed(BTC)]


def test_already_subscribed_refuses_a_first_request() -> None:
    """Something that we do not know of is in the way: data would never come."""
    made = roster(BTC)
    made.requests(0.0)
    effects = made.replied(no(1, "BTC/USD", Refusal.ALREADY), 0.0)
    assert isinstance(effects[-1], Ended)


def test_a_transient_refusal_is_repeated_after_a_pause() -> None:
    """Busy is not no; and a pause of ours is no silence of theirs."""
    made = roster(BTC)
    made.requests(0.0)
    assert made.replied(no(1, "BTC/USD", Refusal.TRANSIENT), 0.0) == [Watch(BTC)]
    assert made.deadline([BTC, ETH]) == 1.0
    assert not made.silent(100.0)
    assert made.tick(1.0) == [Discard(BTC)]
    assert made.requests(1.0) == [(Subscribe(BTC), 2)]


def test_silence_of_all_is_told_from_silence_of_one() -> None:
    """As long as anything is answered, an unanswered symbol stands alone."""
    made = roster(BTC, ETH)
    made.requests(0.0)
    assert not made.silent(9.9)
    assert made.silent(10.0)
    made.replied(yes(1, "ETH/USD"), 5.0)
    assert not made.silent(10.0)
    made.tick(10.0)
    assert made.requests(10.0) == [(Subscribe(BTC), 2)]


def test_requests_that_are_never_answered_are_forgotten() -> None:
    """Nothing grows with what the exchange leaves unanswered."""
    made = live(BTC)
    for moment in range(10_000):
        made.want(ETH, moment * 20.0)
        made.unwant(ETH, moment * 20.0)
        made.want(ETH, moment * 20.0)
        made.requests(moment * 20.0)
        made.unwant(ETH, moment * 20.0)
        made.requests(moment * 20.0)
        made.tick(moment * 20.0 + 15.0)
    assert len(made._pending) <= 4


def test_what_is_being_left_has_a_deadline_of_its_own() -> None:
    """What is live asks for no attention; what is left, without anybody who wants it, does."""
    made = live(BTC)
    assert made.deadline() == made.deadline([BTC]) == math.inf
    made.unwant(BTC, 0.0)
    assert made.deadline() == 10.0


STEPS = ["want", "unwant", "online", "offline", "yes", "no", "busy", "snapshot", "lost", "wait"]


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(STEPS), st.sampled_from(["BTC/USD", "ETH/USD"])), max_size=80
    )
)
def test_any_course_of_events_keeps_count(steps: list[tuple[str, str]]) -> None:
    """Users are counted right, and whatever is wanted is asked for once there is a connection."""
    made = roster(online=False)
    wanted = {"BTC/USD": 0, "ETH/USD": 0}
    sent: list[tuple[Any, int]] = []
    now, online = 0.0, False

    def settle(effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Ended):
                wanted[effect.part.symbols[0]] = 0

    for step, symbol in steps:
        part = Channel.book(symbol)
        match step:
            case "want":
                settle(made.want(part, now))
                wanted[symbol] += 1
            case "unwant":
                settle(made.unwant(part, now))
                wanted[symbol] = max(0, wanted[symbol] - 1)
            case "online" if not online:
                online = True
                settle(made.online(now))
            case "offline" if online:
                online = False
                settle(made.offline(now))
                sent.clear()
            case "yes" | "no" | "busy" if sent:
                request, req_id = sent[-1]
                method = type(request).__name__.lower()
                refusal = Refusal.TRANSIENT if step == "busy" else Refusal.FINAL
                reply = (
                    yes(req_id, symbol, method)
                    if step == "yes"
                    else no(req_id, symbol, refusal, method)
                )
                settle(made.replied(reply, now))
            case "snapshot" if online:
                settle(made.snapshot(part, now))
            case "lost" if online:
                settle(made.lost(part, GapReason.CHECKSUM, now))
            case "wait":
                now += 7.0
                settle(made.tick(now))
        sent += made.requests(now)
        users = {entry.part.symbols[0]: entry.users for entry in made}
        assert {name: users.get(name, 0) for name in wanted} == wanted
        for entry in made:
            if entry.users and online:
                assert entry.machine.state is not SubscriptionState.IDLE


def test_books_of_orders_are_asked_for_as_fast_as_the_exchange_allows() -> None:
    """What has to wait is no fault of the exchange's, and is asked for when its time has come."""
    parts = [Channel.level3(symbol, depth=1000) for symbol in ("A/B", "C/D", "E/F")]
    made = roster(*parts)
    ((request, _),) = made.requests(9.0)
    assert request.channel.symbols == ("A/B", "C/D")
    assert made.has_requests()
    due = made.deadline()
    assert 10.0 <= due < 11.0
    made.replied(yes(1, "A/B"), 9.5)
    made.replied(yes(1, "C/D"), 9.5)
    assert not made.silent(10.0)
    made.tick(due)
    assert made.deadline() == math.inf
    ((request, _),) = made.requests(due)
    assert request.channel.symbols == ("E/F",)
    made.offline(due)
    assert made.deadline() == math.inf


def test_an_answer_that_names_no_method_is_that_to_its_request() -> None:
    """Where a refusal does not say of what, its number does; so each symbol is refused alone."""
    made = roster(BTC, ETH)
    ((_, req_id),) = made.requests(0.0)
    effects = made.replied(no(req_id, "ETH/USD", method=""), 0.0)
    assert [effect.part for effect in effects if isinstance(effect, Ended)] == [ETH]
    assert made.entry(BTC) is not None
    made.replied(yes(req_id, "BTC/USD"), 0.0)
    made.snapshot(BTC, 0.0)
    assert not made.outstanding
    made.unwant(BTC, 1.0)
    ((request, req_id),) = made.requests(1.0)
    assert isinstance(request, Unsubscribe)
    made.replied(no(req_id, "BTC/USD", Refusal.ABSENT, method=""), 1.0)
    assert made.entry(BTC) is None


@pytest.mark.parametrize("traits, told", [(V1, True), (V2, False)], ids=["v1", "v2"])
def test_trades_without_numbers_tell_of_their_loss(traits: Traits, told: bool) -> None:
    """What a disconnect cost is told of trades, too, where they do not show it themselves."""
    trades = Channel.trades("BTC/USD")
    made = roster(trades, traits=traits)
    ((request, req_id),) = made.requests(0.0)
    made.replied(yes(req_id, "BTC/USD"), 0.0)
    made.offline(1.0)
    made.online(2.0)
    ((request, req_id),) = made.requests(2.0)
    assert request.channel.snapshot is not told
    effects = made.replied(yes(req_id, "BTC/USD"), 3.0)
    mended = [each for each in effects if isinstance(each, Mended)]
    assert mended == ([Mended(trades, GapReason.DISCONNECT, 2.0)] if told else [])

"""Requests about orders: each sent once or never, and every one ends."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.core import errands as module
from kraken_trio._internal.core.errands import (
    FIRST_REQ_ID,
    Answered,
    Doubtful,
    Errand,
    Errands,
    Finished,
    OrderRequest,
    Withdrawn,
)
from kraken_trio._internal.core.pending import MAX_REQ_ID
from kraken_trio._internal.model.errors import RequestError
from kraken_trio._internal.model.messages import Reply
from kraken_trio._internal.model.requests import (
    AddOrder,
    AmendOrder,
    BatchAdd,
    BatchCancel,
    CancelAll,
    CancelAllOrdersAfter,
    CancelOrder,
    EditOrder,
)

ADD = AddOrder(symbol="BTC/USD", side="buy", order_type="limit", order_qty=Decimal(1))
BATCH = BatchAdd(symbol="BTC/USD", orders=())
AMEND = AmendOrder(order_id="A")
EDIT = EditOrder(order_id="A", symbol="BTC/USD")
CANCEL = CancelOrder(order_id=("A",))
BATCH_CANCEL = BatchCancel(orders=("A", "B"))


def online() -> Errands:
    """Give some on a connection."""
    made = Errands()
    made.connected()
    return made


def yes(errand: Errand) -> Reply:
    """Give the answer to one."""
    return Reply(method="", success=True, req_id=errand.req_id)


def test_a_request_is_given_out_once() -> None:
    """Taken, it is sent; then it is answered, and is over."""
    made = online()
    errand = made.add(ADD, ("mine",))
    assert (made.ready, len(made), errand.req_id) == (True, 1, FIRST_REQ_ID)
    assert made.take(5.0) is errand
    assert (errand.sent_at, made.ready, made.take(6.0), len(made)) == (5.0, False, None, 1)
    assert made.replied(yes(errand)) == [Finished(errand)]
    assert (errand.outcome, len(made)) == (Answered(yes(errand)), 0)
    assert repr(errand).startswith(f"Errand({FIRST_REQ_ID} AddOrder, Answered(")


def test_without_a_connection_nothing_is_given_out() -> None:
    """And what waited when it was lost is not sent on the next one."""
    made = Errands()
    made.add(ADD)
    assert not made.ready
    made = online()
    waiting, sent = made.add(ADD), made.add(ADD)
    sent = made.take(1.0) or sent
    waiting = made.add(ADD)
    finished = made.disconnected()
    assert [effect.errand.req_id for effect in finished if isinstance(effect, Finished)]
    assert isinstance(sent.outcome, Doubtful)
    assert waiting.outcome == Withdrawn("the connection was lost")
    made.connected()
    assert made.take(2.0) is None
    assert made.replied(yes(sent)) == []
    assert made.unmatched == 1


def test_whoever_leaves_takes_back_what_was_not_sent() -> None:
    """What was sent is in doubt instead, and a late answer finds it."""
    made = online()
    first, second = made.add(ADD), made.add(ADD)
    made.take(1.0)
    assert made.withdraw(second, "left") == Withdrawn("left")
    assert made.withdraw(first, "left") == Doubtful("left")
    assert made.withdraw(first, "again") == Doubtful("left")
    assert made.replied(yes(first)) == [Finished(first)]
    assert (first.late, first.outcome) == (yes(first), Doubtful("left"))
    assert made.replied(yes(first)) == []


def test_a_deadline_that_has_elapsed_is_no_refusal() -> None:
    """The exchange says in these words that it does not know either."""
    made = online()
    errand = made.add(ADD)
    made.take(1.0)
    words = "EService:Deadline elapsed"
    made.replied(Reply(method="add_order", success=False, req_id=errand.req_id, error=words))
    assert errand.outcome == Doubtful(words)


@pytest.mark.parametrize("req_id", [None, 1, FIRST_REQ_ID - 1])
def test_answers_to_others_are_theirs(req_id: int | None) -> None:
    """A number says whose it is."""
    assert online().replied(Reply(method="subscribe", success=True, req_id=req_id)) is None


@pytest.mark.parametrize(
    "earlier, later, waits",
    [
        (ADD, AMEND, True),
        (ADD, CANCEL, True),
        (BATCH, BATCH_CANCEL, True),
        (EDIT, CANCEL, True),
        (AMEND, AMEND, True),
        (AMEND, EDIT, True),
        (AMEND, CANCEL, False),
        (CANCEL, AMEND, False),
        (CANCEL, CANCEL, False),
        (ADD, CancelAll(), False),
        (ADD, CancelAllOrdersAfter(timeout_s=0), False),
    ],
)
def test_of_one_order_one_after_the_other(earlier: Any, later: Any, waits: bool) -> None:
    """Where the order of two matters, the second waits for the answer to the first."""
    made = online()
    first, second = made.add(earlier, ("A", "B")), made.add(later, ("A",))
    assert made.take(1.0) is first
    assert (made.take(1.0) is None) == waits
    made.replied(yes(first))
    assert (made.take(2.0) is second) == waits
    assert second.sent_at == (2.0 if waits else 1.0)


def test_of_another_order_nothing_waits() -> None:
    """Nor is what waits overtaken by a later one about the same order."""
    made = online()
    first, amend, other, last = (
        made.add(ADD, ("A",)),
        made.add(AMEND, ("A",)),
        made.add(AMEND, ("C",)),
        made.add(AMEND, ("A",)),
    )
    assert [made.take(1.0), made.take(1.0), made.take(1.0)] == [first, other, None]
    made.replied(yes(first))
    assert [made.take(1.0), made.take(1.0)] == [amend, None]
    made.withdraw(amend, "left")
    assert made.take(1.0) is last


def test_a_request_waits_for_those_that_wait_before_it() -> None:
    """Even if nothing is sent of them yet."""
    made = online()
    blocked = made.add(ADD, ("X",))
    made.take(1.0)
    second = made.add(BATCH, ("X", "Y"))
    third = made.add(AMEND, ("Y",))
    assert made.take(1.0) is None
    made.replied(yes(blocked))
    assert [made.take(1.0), made.take(1.0)] == [second, None]
    made.replied(yes(second))
    assert made.take(1.0) is third


def test_how_many_may_wait_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is refused; of the doubtful ones the oldest are forgotten; numbers start anew."""
    monkeypatch.setattr(module, "LIMIT", 2)
    monkeypatch.setattr(module, "REMEMBERED", 1)
    made = online()
    made._last = MAX_REQ_ID - 1
    first, second = made.add(ADD), made.add(ADD)
    assert (first.req_id, second.req_id) == (MAX_REQ_ID, FIRST_REQ_ID)
    with pytest.raises(RequestError, match="2 requests about orders"):
        made.add(ADD)
    for errand in (first, second):
        made.take(1.0)
        made.withdraw(errand, "left")
    assert (made.replied(yes(first)), made.replied(yes(second))) == ([], [Finished(second)])


REQUESTS = [ADD, BATCH, AMEND, EDIT, CANCEL, BATCH_CANCEL, CancelAll()]
STEPS = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(REQUESTS), st.sets(st.sampled_from("ABC"))),
    st.tuples(st.sampled_from(["take", "cut", "connect"])),
    st.tuples(st.sampled_from(["answer", "leave"]), st.integers(0, 9)),
)


@given(st.lists(STEPS, max_size=60))
def test_nothing_is_ever_sent_twice(steps: list[Any]) -> None:
    """Whatever happens, each is given out once at most, ends once, and is not forgotten."""
    made, all_of_them, sent = online(), list[Errand](), Counter[int]()
    for step in steps:
        match step:
            case ("add", request, names):
                all_of_them.append(made.add(request, names))
            case ("take",):
                errand = made.take(1.0)
                sent.update([errand.req_id] if errand else [])
            case ("cut",):
                made.disconnected()
            case ("connect",):
                made.connected()
            case ("answer", place) if place < len(all_of_them):
                made.replied(yes(all_of_them[place]))
            case ("leave", place) if place < len(all_of_them):
                made.withdraw(all_of_them[place], "left")
    made.disconnected()
    assert max(sent.values(), default=0) <= 1
    for errand in all_of_them:
        assert isinstance(errand.outcome, Withdrawn) == (errand.sent_at is None)
        assert (errand.req_id in sent) == (errand.sent_at is not None)
    assert len(made) == 0
    assert not made._making
    assert not made._changing


@pytest.mark.parametrize("request_", [ADD, BATCH, AMEND, EDIT, CANCEL, CancelAll()])
@pytest.mark.parametrize("words", ["EGeneral:Internal error", "EService:Timeout"])
def test_a_failure_is_no_refusal_of_what_makes_or_changes_an_order(
    request_: OrderRequest, words: str
) -> None:
    """In time or late; what cancels may be asked again."""
    made = online()
    errand, late = made.add(request_, ("A",)), made.add(request_, ("A",))
    assert made.take(1.0) is errand
    no = Reply(method="", success=False, req_id=errand.req_id, error=words)
    assert made.replied(no) == [Finished(errand)]
    made.take(1.0)
    made.withdraw(late, "nobody waits")
    no_late = Reply(method="", success=False, req_id=late.req_id, error=words)
    told = made.replied(no_late)
    if isinstance(request_, (CancelOrder, CancelAll)):
        assert errand.outcome == Answered(no)
        assert (told, late.late) == ([Finished(late)], no_late)
    else:
        assert errand.outcome == Doubtful(words)
        assert (told, late.late) == ([], None)
        # The word that is none ends nothing.
        assert late.outcome == Doubtful("nobody waits")

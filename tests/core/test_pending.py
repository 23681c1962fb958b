"""Every answer finds its request or is counted, and every request is settled in the end."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.core.pending import MAX_REQ_ID, Pending, Settled, Unanswered
from kraken_trio._internal.model.errors import RequestError


def test_numbers_count_from_one() -> None:
    """Requests are numbered from 1, and their number finds them, once."""
    pending = Pending[str]()
    assert [pending.add(name, 0.0, 30.0) for name in "abc"] == [1, 2, 3]
    assert pending.resolve(2) == Settled(2, "b", None, done=True, unnamed=())
    assert len(pending) == 2
    assert pending.resolve(2) is None
    assert pending.add("d", 0.0, 30.0) == 4


def test_numbers_wrap_and_skip_what_is_under_way() -> None:
    """After the largest number comes 1 again, or the next one that nobody waits for."""
    pending = Pending[str]()
    for name in "abc":
        pending.add(name, 0.0, 30.0)
    pending.resolve(2)
    pending._last = MAX_REQ_ID - 1
    assert [pending.add(name, 0.0, 30.0) for name in "def"] == [MAX_REQ_ID, 2, 4]


@pytest.mark.parametrize("req_id, part", [(None, None), (None, "x"), (0, None), (7, "a"), (-1, "")])
def test_answers_to_nothing_are_counted(req_id: int | None, part: str | None) -> None:
    """An answer that belongs to no request gives nothing, and is counted."""
    pending = Pending[str]()
    pending.add("request", 0.0, 30.0, ["a"])
    assert pending.resolve(req_id, part) is None
    assert pending.unmatched == 1
    assert len(pending) == 1


def test_parts_are_answered_one_by_one() -> None:
    """A request for three symbols waits for three answers, in any order, each part once."""
    pending = Pending[str]()
    assert pending.add("request", 0.0, 30.0, ["a", "b", "c", "b"]) == 1
    assert pending.resolve(1, "b") == Settled(1, "request", "b", done=False, unnamed=("a", "c"))
    assert pending.resolve(1, "b") is None
    assert pending.unmatched == 1
    assert pending.resolve(1, "a") == Settled(1, "request", "a", done=False, unnamed=("c",))
    assert pending.resolve(1, "c") == Settled(1, "request", "c", done=True, unnamed=())
    assert len(pending) == 0


@pytest.mark.parametrize("stranger", [None, "x"])
def test_answers_without_a_name_are_told_by_elimination(stranger: str | None) -> None:
    """An answer that names none of the parts settles one; which, is known when all have come."""
    pending = Pending[str]()
    pending.add("request", 0.0, 30.0, ["a", "b", "c"])
    for part, named, unnamed in (("a", "a", "bc"), (stranger, None, "bc"), ("c", "c", "b")):
        settled = pending.resolve(1, part)
        assert settled == Settled(1, "request", named, done=part == "c", unnamed=tuple(unnamed))
    assert pending.resolve(None, "b") is None


def test_one_answer_for_the_whole() -> None:
    """A refusal of the whole settles every part that is left."""
    pending = Pending[str]()
    pending.add("request", 0.0, 30.0, ["a", "b", "c"])
    pending.resolve(1, "b")
    settled = pending.resolve(1, whole=True)
    assert settled == Settled(1, "request", None, done=True, unnamed=("a", "c"))
    assert pending.resolve(1, whole=True) is None


def test_without_a_number_the_part_must_be_sure() -> None:
    """An answer without a number finds the only request that waits for its part, and no other."""
    pending = Pending[str]()
    pending.add("first", 0.0, 30.0, ["a", "b"])
    pending.add("second", 0.0, 30.0, ["b"])
    assert pending.resolve(None, "a") == Settled(1, "first", "a", done=False, unnamed=("b",))
    assert pending.resolve(None, "b") is None
    assert pending.resolve(2, "b") == Settled(2, "second", "b", done=True, unnamed=())
    assert pending.resolve(None, "b") == Settled(1, "first", "b", done=True, unnamed=())


def test_deadlines() -> None:
    """What is not answered by its deadline is given up then, the earliest first."""
    pending = Pending[str]()
    assert pending.deadline == math.inf
    pending.add("slow", 0.0, 30.0, ["a", "b"])
    pending.add("quick", 1.0, 5.0)
    pending.add("quicker", 1.0, 4.0)
    pending.resolve(1, "a")
    assert pending.deadline == 5.0
    assert pending.overdue(4.999) == []
    assert pending.overdue(5.0) == [Unanswered(3, "quicker", ())]
    assert pending.deadline == 6.0
    assert pending.overdue(30.0) == [Unanswered(2, "quick", ()), Unanswered(1, "slow", ("b",))]
    assert (pending.deadline, len(pending)) == (math.inf, 0)
    assert pending.resolve(None, "b") is None


def test_deadline_of_what_is_answered_is_gone() -> None:
    """An answered request has no deadline any more, though its number may be in use again."""
    pending = Pending[str]()
    pending.add("first", 0.0, 5.0)
    pending.add("second", 0.0, 9.0)
    pending.add("third", 0.0, 7.0)
    pending.resolve(3)
    pending._last = 2
    assert pending.add("again", 0.0, 8.0) == 3
    pending.resolve(1)
    assert pending.deadline == 8.0
    assert pending.overdue(8.5) == [Unanswered(3, "again", ())]


def test_drain() -> None:
    """When the connection is gone, all is given in order, and nothing is left to answer."""
    pending = Pending[str]()
    pending.add("first", 0.0, 30.0, ["a", "b"])
    pending.add("second", 0.0, 3.0)
    pending.resolve(1, "b")
    assert pending.drain() == [Unanswered(1, "first", ("a",)), Unanswered(2, "second", ())]
    assert pending.drain() == []
    assert (len(pending), pending.deadline, pending.resolve(None, "a")) == (0, math.inf, None)
    assert pending.add("third", 0.0, 30.0) == 3


def test_limit() -> None:
    """No more than the limit are under way; the next one is refused, and changes nothing."""
    pending = Pending[str](limit=2)
    pending.add("a", 0.0, 30.0)
    pending.add("b", 0.0, 30.0)
    with pytest.raises(RequestError, match="2 requests are unanswered already"):
        pending.add("c", 0.0, 30.0)
    pending.resolve(1)
    assert pending.add("c", 0.0, 30.0) == 3


def test_memory_is_bounded() -> None:
    """However many were answered, what is remembered grows with what is under way alone."""
    pending = Pending[int]()
    oldest = pending.add(0, 0.0, 1.0, ["x"])
    for number in range(1, 10_000):
        pending.resolve(pending.add(number, 0.0, 30.0, ["x"]), "x")
    assert len(pending._deadlines) <= 2
    assert pending._by_part == {"x": {oldest: None}}


@dataclasses.dataclass
class Model:
    """What is to be known of a request."""

    req_id: int
    deadline: int
    parts: list[str]
    unnamed: list[str]
    missing: int


Step = tuple[str, int, str | None, bool, int]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "resolve", "resolve", "unnumbered", "wait", "drain"]),
            st.integers(0, 6),
            st.sampled_from([None, "a", "b", "c"]),
            st.booleans(),
            st.integers(0, 4),
        )
    )
)
def test_against_a_plain_model(steps: Iterable[Step]) -> None:
    """Whatever happens in whatever order, it does as a list of requests would."""
    pending = Pending[int]()
    model: list[Model] = []
    now = 0
    for what, number, part, whole, time in steps:
        match what:
            case "add":
                parts = ["a", "b", "c"][: time - 1] if time else []
                req_id = pending.add(now, now, time, parts)
                model.append(Model(req_id, now + time, parts, parts, max(1, len(parts))))
            case "wait":
                now += time
                late = sorted((m for m in model if m.deadline <= now), key=lambda m: m.deadline)
                model = [m for m in model if m.deadline > now]
                assert [m.req_id for m in pending.overdue(now)] == [m.req_id for m in late]
            case "drain" if time == 0:
                drained = [(m.req_id, list(m.unnamed)) for m in pending.drain()]
                assert drained == [(m.req_id, m.unnamed) for m in model]
                model = []
            case _:
                numbered = what != "unnumbered" and number < len(model)
                waiting = [m for m in model if part in m.unnamed]
                target = model[number] if numbered else waiting[0] if len(waiting) == 1 else None
                answered = pending.resolve(
                    target.req_id if numbered and target else None, part, whole=whole
                )
                if target is None or (part in target.parts and part not in target.unnamed):
                    assert answered is None
                    continue
                target.unnamed = [name for name in target.unnamed if name != part]
                target.missing = 0 if whole else target.missing - 1
                if not target.missing:
                    model.remove(target)
                assert answered is not None
                assert (answered.req_id, answered.done) == (target.req_id, not target.missing)
                assert list(answered.unnamed) == target.unnamed
        assert len(pending) == len(model)
        assert pending.deadline == min((m.deadline for m in model), default=math.inf)


def test_what_was_asked() -> None:
    """A number gives its request as long as that is under way."""
    pending = Pending[str]()
    assert pending.add("a", 0.0, 30.0) == 1
    assert (pending.asked(1), pending.asked(2), pending.asked(None)) == ("a", None, None)
    pending.resolve(1)
    assert pending.asked(1) is None

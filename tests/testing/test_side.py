"""One side of a book, with orders at some levels that have names."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.testing.side import Change, Side


def test_a_level_with_a_named_order_has_a_queue() -> None:
    """What was there stays in front; what comes joins at the back; names leave when they want."""
    side = Side(1, depths=())
    side.put(5, 10)
    side.join(5, "A", 3)
    side.put(5, 12)
    side.join(5, "B", 1)
    assert side.queues == {5: [(None, 10), ("A", 3), (None, 2), ("B", 1)]}
    assert (side.lots, side.free(5)) == ({5: 16}, 10)
    side.put(5, 9)
    assert side.queues[5] == [(None, 9), ("A", 3), ("B", 1)]
    assert side.take(5, 11) == [(None, 9), ("A", 2)]
    assert (side.queues[5], side.free(5)) == ([("A", 1), ("B", 1)], 0)
    side.resize(5, "A", 0)
    side.resize(5, "nobody", 7)
    assert side.changes[-1] == Change(0, 5, 1, {}, (("B", 1),))
    side.resize(5, "B", 0)
    side.resize(5, "B", 0)
    assert (side.queues, side.lots, side.keys) == ({}, {}, [])


def test_without_names_a_level_is_one_quantity() -> None:
    """And nothing says more of it than that."""
    side = Side(-1, depths=())
    side.put(-5, 10)
    assert (side.free(-5), side.take(-5, 4), side.lots) == (10, [(None, 4)], {-5: 6})
    assert [change.queue for change in side.changes] == [None, None]
    side.join(-4, "A", 2)
    side.put(-4, 0)
    assert side.queues == {-4: [("A", 2)]}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["put", "take", "join", "resize"]),
            st.sampled_from("ABC"),
            st.integers(0, 9),
        ),
        max_size=40,
    )
)
def test_no_name_loses_what_is_not_taken(steps: list[Any]) -> None:
    """Whatever comes and goes around it; and the sums agree."""
    side, named = Side(1, depths=()), dict[str, int]()
    for what, name, lots in steps:
        match what:
            case "put" if lots or 5 in side.lots:
                side.put(5, lots)
            case "take" if side.lots.get(5, 0):
                for who, part in side.take(5, min(lots, side.lots[5])):
                    if who is not None:
                        named[who] -= part
            case "join" if lots and name not in named:
                side.join(5, name, lots)
                named[name] = lots
            case "resize" if name in named:
                named[name] = min(lots, named[name])
                side.resize(5, name, named[name])
        named = {each: left for each, left in named.items() if left}
        queue = side.queues.get(5, [])
        assert {who: left for who, left in queue if who is not None} == named
        assert sum(left for _, left in queue) in {0, side.lots.get(5, 0)}
        assert all(left for _, left in queue)

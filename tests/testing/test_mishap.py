"""Plans are made by their seed, and can be read."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.testing.mishap import ChaosFault, ChaosPlan, Mishap, faults_named


@given(st.integers(), st.sets(st.sampled_from(ChaosFault), min_size=1), st.floats(0.001, 1e6))
def test_a_plan_is_that_of_its_seed(seed: int, faults: set[ChaosFault], every_s: float) -> None:
    """Twice the same; in order of time; each fault once before any comes again."""
    chosen = tuple(sorted(faults, key=lambda fault: fault.value))
    one, other = (list(islice(ChaosPlan(seed, chosen, every_s), 3 * len(chosen))) for _ in range(2))
    assert one == other
    assert [planned.number for planned in one] == list(range(1, len(one) + 1))
    assert [planned.dice().random() for planned in one] == [each.dice().random() for each in other]
    moments = [0.0, *(planned.at_s for planned in one)]
    pauses = [later - before for before, later in pairwise(moments)]
    assert all(0.499 * every_s <= pause <= 1.501 * every_s for pause in pauses)
    assert set(Counter(planned.fault for planned in one).values()) == {3}
    for start in range(0, len(one), len(chosen)):
        assert {planned.fault for planned in one[start : start + len(chosen)]} == faults


def test_a_plan_can_be_printed() -> None:
    """A fault a line, with its time: the first round of it."""
    lines = str(ChaosPlan(7)).splitlines()
    assert len(lines) == len(ChaosFault)
    assert lines[0].endswith(next(iter(ChaosPlan(7))).fault.value)
    assert str(ChaosPlan(7)) != str(ChaosPlan(8))


@pytest.mark.parametrize(
    "arguments, field",
    [
        ({"faults": ()}, "faults"),
        ({"every_s": 0}, "every_s"),
        ({"every_s": float("inf")}, "every_s"),
        ({"every_s": float("nan")}, "every_s"),
    ],
)
def test_what_is_no_plan(arguments: dict[str, Any], field: str) -> None:
    """Without a fault, or without a time: it says what is wrong."""
    with pytest.raises(ConfigurationError) as caught:
        ChaosPlan(1, **arguments)
    assert caught.value.field == field


def test_faults_have_words() -> None:
    """By their words as well, each once; no word but theirs."""
    assert faults_named(None) == tuple(ChaosFault)
    assert faults_named(["drop", ChaosFault.DROP, "ban"]) == (ChaosFault.DROP, ChaosFault.BAN)
    assert all(fault.value == fault.name.lower() for fault in ChaosFault)
    with pytest.raises(ConfigurationError, match="'nope' is not a valid ChaosFault"):
        faults_named(["nope"])


def test_what_happened_is_a_line() -> None:
    """When, to whom, what."""
    mishap = Mishap(1.5, ChaosFault.BAN, 3, "banned for 4.0 s")
    assert str(mishap) == "    1.50 s  connection 3: ban: banned for 4.0 s"

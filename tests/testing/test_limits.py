"""One connection has so many symbols of level3, and so many a second."""

from __future__ import annotations

import pytest

from kraken_trio._internal.testing.limits import Level3Limits
from kraken_trio._internal.testing.rules import ExchangeRules

SECOND = 10**9
RATE = "Rate limit for snapshot requests exceeded, when trying to subscribe to {} level3 snapshot"


@pytest.mark.parametrize("depth, at_once", [(10, 40), (100, 8), (1000, 2)])
def test_the_rate_depends_on_the_depth(depth: int, at_once: int) -> None:
    """The deeper, the fewer in a second, of any second; what was refused does not count."""
    limits = Level3Limits(ExchangeRules())
    for number in range(at_once):
        assert limits.refusal("A/B", depth, number, held=number) is None
    assert limits.refusal("YFI/USD", depth, SECOND - 1, held=0) == RATE.format("YFI/USD")
    assert limits.refusal("A/B", depth, SECOND, held=0) is None
    assert limits.refusal("A/B", depth, SECOND, held=0) == RATE.format("A/B")
    assert limits.refusal("A/B", depth, SECOND + 1, held=0) is None


def test_depths_count_together() -> None:
    """One counter is for all depths; one that fits goes on where one that does not is refused."""
    limits = Level3Limits(ExchangeRules(max_level3_rate=130))
    found = [limits.refusal("A/B", depth, 0, held=0) is None for depth in (1000, 100, 100, 10, 10)]
    assert found == [True, True, False, True, False]


def test_symbols_are_limited() -> None:
    """At the 201st symbol, or another where that is chosen."""
    limits = Level3Limits(ExchangeRules())
    assert limits.refusal("A/B", 10, 0, held=199) is None
    assert limits.refusal("C/D", 10, 0, held=200) == (
        "Symbol limit exceeded, when trying to subscribe to C/D level3"
    )


def test_there_may_be_none() -> None:
    """Without limits nothing is refused."""
    limits = Level3Limits(ExchangeRules(max_level3_symbols=None, max_level3_rate=None))
    assert {limits.refusal("A/B", 1000, 0, held=number) for number in range(500)} == {None}

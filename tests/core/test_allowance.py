"""How many books of orders may be asked for, and when the next may."""

from __future__ import annotations

import math

import pytest

from kraken_trio._internal.core.allowance import WINDOW_S, Allowance
from kraken_trio._internal.model.channel import Channel


@pytest.mark.parametrize("depth, most", [(10, 40), (100, 8), (1000, 2)])
def test_so_many_may_be_asked_for_at_once(depth: int, most: int) -> None:
    """The deeper the fewer; the next one when the window of the first is over."""
    allowance, part = Allowance(), Channel.level3("BTC/USD", depth=depth)
    assert allowance.more_at == math.inf
    assert [allowance.take(part, 5.0) for _ in range(most + 1)] == [True] * most + [False]
    assert allowance.more_at == 5.0 + WINDOW_S
    assert not allowance.take(part, 5.0 + WINDOW_S - 0.01)
    assert allowance.take(part, allowance.more_at)


def test_no_other_channel_takes_from_it() -> None:
    """Books of levels are free, however deep."""
    allowance = Allowance()
    assert all(allowance.take(Channel.book("BTC/USD", depth=1000), 0.0) for _ in range(300))
    assert allowance.more_at == math.inf

"""Names look like the exchange's, and none is given twice."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from kraken_trio._internal.testing.identifiers import Identifiers


@pytest.mark.parametrize(
    "kind, shape",
    [
        ("order", r"O\w{5}-\w{5}-\w{6}"),
        ("trade", r"T\w{5}-\w{5}-\w{6}"),
        ("entry", r"L\w{5}-\w{5}-\w{6}"),
        ("transfer", r"A\w{7}-\w{5}-\w{6}"),
    ],
)
def test_shapes(kind: str, shape: str) -> None:
    """Each kind of thing has names of one shape, which the seed decides about."""
    names = [getattr(Identifiers(random.Random(1)), kind)() for _ in range(2)]
    assert names[0] == names[1]
    assert re.fullmatch(shape, names[0])


class Stuck(random.Random):
    """Gives the same letters some times, and then others."""

    def choices(self, population: Any, *_args: Any, k: int = 1, **_: Any) -> list[Any]:
        """Give the first letter three times, then the second."""
        self.asked = getattr(self, "asked", 0) + 1
        return [population[self.asked > 3]] * k


def test_none_comes_twice() -> None:
    """A name that was given already is passed over."""
    names = Identifiers(Stuck())
    assert [names.order(), names.order()] == ["OAAAAA-AAAAA-AAAAAA", "OBBBBB-BBBBB-BBBBBB"]

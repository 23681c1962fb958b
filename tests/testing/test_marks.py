"""A mark becomes the exchange, and the chaos, that it asks for; or is refused at once, in words."""

from __future__ import annotations

from typing import Any

import pytest
import trio.testing

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.testing.listing import USUAL_PAIRS
from kraken_trio._internal.testing.marks import check_chaos, marked_chaos, marked_exchange
from kraken_trio._internal.testing.mishap import ChaosFault
from kraken_trio._internal.testing.rules import ExchangeRules


async def test_an_exchange_without_a_word(autojump_clock: trio.testing.MockClock) -> None:
    """It has the usual pairs, and moves when it is told to."""
    async with marked_exchange({}) as exchange:
        before = exchange.market.now
        await trio.sleep(60)
        assert exchange.market.symbols == tuple(pair.symbol for pair in USUAL_PAIRS)
        assert exchange.market.now == before
        assert not exchange.ledger.entries()


async def test_an_exchange_as_described(autojump_clock: trio.testing.MockClock) -> None:
    """It has these pairs, this pace and these rules, and remembers so much."""
    rules = ExchangeRules(max_attempts=None)
    said = {"seed": 3, "rate": 10, "pairs": ["ABC/USD"], "rules": rules, "ledger": 5}
    async with marked_exchange(said) as exchange:
        before = exchange.market.now
        await trio.sleep(60)
        assert exchange.market.symbols == ("ABC/USD",)
        assert exchange.market.now - before == pytest.approx(60e9, rel=0.01)


async def test_a_seed_is_a_market() -> None:
    """The same one the same books, another one others."""
    books = []
    for seed in (1, 1, 2):
        said = {"seed": seed, "pairs": 1}
        async with marked_exchange(said) as exchange:
            (symbol,) = exchange.market.symbols
            book = exchange.market.book(symbol, 10)
            books.append((book.bids, book.asks))
    assert books[0] == books[1] != books[2]


async def test_chaos_as_described(autojump_clock: trio.testing.MockClock) -> None:
    """It is planned of these faults alone."""
    async with (
        marked_exchange({}) as exchange,
        marked_chaos(exchange, {"seed": 4, "faults": ["ban"], "every_s": 1}) as trouble,
    ):
        assert trouble.plan is not None
        assert (trouble.plan.seed, trouble.plan.faults) == (4, (ChaosFault.BAN,))
        assert trouble.plan.every_s == 1


@pytest.mark.parametrize(
    "options, field",
    [
        ({"sed": 1}, "sed"),
        ({"market": None}, "market"),
        ({"seed": "seven"}, "seed"),
        ({"rate": -1}, "rate"),
        ({"rate": "fast"}, "rate"),
        ({"rate": True}, "rate"),
        ({"pairs": 0}, "wanted"),
        ({"pairs": ["BTCUSD"]}, "symbol"),
        ({"ledger": 1.5}, "ledger"),
    ],
)
def test_an_exchange_that_cannot_be(options: dict[str, Any], field: str) -> None:
    """What is wrong is named, before anything is opened."""
    with pytest.raises(ConfigurationError) as caught:
        marked_exchange(options)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "options, field",
    [
        ({"fault": ["ban"]}, "fault"),
        ({"faults": ["bann"]}, "faults"),
        ({"faults": "ban"}, "faults"),
        ({"faults": []}, "faults"),
        ({"every_s": 0}, "every_s"),
        ({"every_s": "often"}, "every_s"),
        ({"seed": None}, "seed"),
    ],
)
def test_chaos_that_cannot_be(options: dict[str, Any], field: str) -> None:
    """What is wrong is named, before anything is opened."""
    with pytest.raises(ConfigurationError) as caught:
        check_chaos(options)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "options", [{}, {"every_s": None}, {"seed": 3, "faults": ["ban", ChaosFault.STALL]}]
)
def test_chaos_that_can_be(options: dict[str, Any]) -> None:
    """What ``chaos`` takes is taken."""
    check_chaos(options)


def test_the_options_that_there_are_are_told() -> None:
    """Who misspells one reads which there are."""
    with pytest.raises(ConfigurationError, match="seed, rate, pairs, rules, ledger"):
        marked_exchange({"sed": 1})

"""What the marks of the pytest plugin mean: which exchange a test has, and what goes wrong there.

Knows what the marks may say, and says what is wrong with one before anything runs; nothing of
pytest.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.testing.chaos import Chaos, chaos
from kraken_trio._internal.testing.exchange import Exchange, open_exchange
from kraken_trio._internal.testing.listing import market_pairs
from kraken_trio._internal.testing.market import Market
from kraken_trio._internal.testing.mishap import ChaosFault, ChaosPlan, faults_named
from kraken_trio._internal.testing.pace import check_rate
from kraken_trio._internal.testing.rules import ExchangeRules

Options = Mapping[str, Any]
"""What a mark says, by keyword."""


def marked_exchange(options: Options) -> AbstractAsyncContextManager[Exchange]:
    """Give what opens the exchange that the mark ``kraken_exchange`` asks for.

    Raises ``ConfigurationError`` for an option that there is not, or that cannot be.
    """
    _check_names(options, _exchange)
    return _exchange(**options)


def marked_chaos(exchange: Exchange, options: Options) -> AbstractAsyncContextManager[Chaos]:
    """Give what opens the chaos at ``exchange`` that the mark ``kraken_chaos`` asks for."""
    return chaos(exchange, **options)


def check_chaos(options: Options) -> None:
    """Raise ``ConfigurationError`` for an option of chaos that there is not, or that cannot be."""
    _check_names(options, _check_chaos)
    _check_chaos(**options)


def _exchange(
    *,
    seed: int = 0,
    rate: float = 0,
    pairs: int | Iterable[str] | None = None,
    rules: ExchangeRules | None = None,
    ledger: int = 0,
) -> AbstractAsyncContextManager[Exchange]:
    _check_number("seed", seed, int)
    _check_number("rate", rate, (int, float))
    _check_number("ledger", ledger, int)
    check_rate(rate, "steps")
    market = None
    if pairs is not None:
        # Each test has a market of its own: one goes on as it is used.
        market = Market(market_pairs(pairs), seed=seed, start=time.time_ns())
    return open_exchange(market, seed=seed, rate=rate, rules=rules, ledger=ledger)


def _check_chaos(
    *,
    seed: int = 0,
    faults: Iterable[ChaosFault | str] | None = None,
    every_s: float | None = 5.0,
) -> None:
    _check_number("seed", seed, int)
    if isinstance(faults, str):
        raise ConfigurationError(
            "faults", f"must be several, is the text {faults!r}", f"Write [{faults!r}]"
        )
    chosen = faults_named(faults)
    if every_s is not None:
        _check_number("every_s", every_s, (int, float))
        ChaosPlan(seed, chosen, every_s)


def _check_number(name: str, value: object, kind: type | tuple[type, ...]) -> None:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ConfigurationError(name, f"must be a number, is {value!r}", "Give a number")


def _check_names(options: Options, call: Callable[..., object]) -> None:
    """Refuse a keyword that ``call`` does not take."""
    known = inspect.signature(call).parameters
    for name in options:
        if name not in known:
            raise ConfigurationError(name, "is no option", f"Choose from {', '.join(known)}")

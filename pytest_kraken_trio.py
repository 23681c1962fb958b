"""The pytest plugin: a simulated exchange, a feed of it and chaos, for tests of your own program.

pytest loads it at its start, in each project that has kraken_trio installed. So it imports pytest
alone, and all else when a test asks for it; and it stands outside of the package, because to
import a part of that is to import all of it. Its fixtures are asynchronous: pytest-trio runs them.
What the marks mean is ``kraken_trio._internal.testing.marks``.

PYTEST_DONT_REWRITE: nothing is asserted here, and pytest in pytest finds it loaded already.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from kraken_trio import Feed, KrakenConfig
    from kraken_trio.testing import Chaos, Exchange

__all__ = ["kraken_chaos", "kraken_config", "kraken_exchange", "kraken_feed"]

_EXCHANGE, _CHAOS, _FEED = "kraken_exchange", "kraken_chaos", "kraken_feed"
_MARKS = {
    _EXCHANGE: "(seed=0, rate=0, pairs=None, rules=None, ledger=0): "
    "which simulated exchange the fixture of that name is",
    _CHAOS: "(seed=0, faults=None, every_s=5.0): let things go wrong at the simulated exchange",
}

_opener: pytest.StashKey[AbstractAsyncContextManager[Exchange]] = pytest.StashKey()
_trouble: pytest.StashKey[Chaos] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marks."""
    for name, means in _MARKS.items():
        config.addinivalue_line("markers", name + means)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Say what is wrong with a test's marks, or with its surroundings, before anything runs."""
    fixtures = {_EXCHANGE, _CHAOS, _FEED}.intersection(getattr(item, "fixturenames", ()))
    marked = [name for name in _MARKS if item.get_closest_marker(name)]
    if not fixtures and not marked:
        return
    if _EXCHANGE not in fixtures:
        pytest.fail(
            f"@pytest.mark.{marked[0]} says something of the fixture kraken_exchange, and this "
            "test does not use that",
            pytrace=False,
        )
    if not item.config.pluginmanager.has_plugin("trio"):
        _fail(fixtures, "needs pytest-trio, which is not here: pip install pytest-trio")
    if not item.get_closest_marker("trio"):
        _fail(fixtures, "needs an async test that pytest-trio runs: mark it trio, or set trio_mode")
    from kraken_trio import ConfigurationError
    from kraken_trio._internal.testing.marks import check_chaos, marked_exchange

    said = _EXCHANGE
    try:
        item.stash[_opener] = marked_exchange(_options(item, _EXCHANGE))
        said = _CHAOS
        check_chaos(_options(item, _CHAOS))
    except ConfigurationError as error:
        pytest.fail(f"@pytest.mark.{said}: {error}", pytrace=False)


def _fail(fixtures: set[str], what: str) -> None:
    pytest.fail(f"{', '.join(sorted(fixtures))} {what}", pytrace=False)


def _options(item: pytest.Item, name: str) -> dict[str, Any]:
    """Give what the marks of a name say together: that of a test wins over that of its module."""
    options: dict[str, Any] = {}
    for mark in item.iter_markers(name):  # The closest first.
        if mark.args:
            pytest.fail(f"@pytest.mark.{name} takes keywords alone: seed=7, say", pytrace=False)
        options = {**mark.kwargs, **options}
    return options


@pytest.fixture
def kraken_config() -> KrakenConfig:
    """Give the settings of ``kraken_feed``: the defaults. Override it for others."""
    from kraken_trio import KrakenConfig

    return KrakenConfig()


@pytest.fixture
async def kraken_exchange(request: pytest.FixtureRequest) -> AsyncIterator[Exchange]:
    """Open a simulated exchange for the test: the one that the mark of its name describes.

    With the mark ``kraken_chaos`` things go wrong at it, for everybody who connects; what did is
    shown under a test that fails.
    """
    from kraken_trio._internal.testing.marks import marked_chaos

    item: pytest.Item = request.node
    async with AsyncExitStack() as stack:
        exchange = await stack.enter_async_context(item.stash[_opener])
        marked = item.get_closest_marker(_CHAOS)
        if marked or _CHAOS in request.fixturenames:
            options: dict[str, Any] = _options(item, _CHAOS) if marked else {"every_s": None}
            trouble = await stack.enter_async_context(marked_chaos(exchange, options))
            item.stash[_trouble] = trouble
            stack.callback(_show, item, trouble, options.get("seed", 0))
        yield exchange


def _show(item: pytest.Item, trouble: Chaos, seed: int) -> None:
    """Have pytest show what went wrong, if the test fails."""
    item.add_report_section("call", _CHAOS, f"seed {seed}\n{trouble}")


@pytest.fixture
async def kraken_chaos(request: pytest.FixtureRequest, kraken_exchange: Exchange) -> Chaos:  # noqa: ARG001 - once that is there, this is
    """Give the chaos at ``kraken_exchange``: ``inflict`` a fault, look at its ``log``.

    Without the mark of its name nothing goes wrong but what is inflicted.
    """
    trouble: Chaos = request.node.stash[_trouble]
    return trouble


@pytest.fixture
async def kraken_feed(
    kraken_exchange: Exchange, kraken_config: KrakenConfig
) -> AsyncIterator[Feed]:
    """Open a feed of ``kraken_exchange``, in memory, with the settings of ``kraken_config``.

    Unless these have an API key it has that of the exchange, so it may also trade.
    """
    from kraken_trio import open_kraken

    config = kraken_config
    if config.api_key is None:
        config = config.replace(
            api_key=kraken_exchange.api_key, api_secret=kraken_exchange.api_secret
        )
    async with open_kraken(config, dial=kraken_exchange.dial, rest=kraken_exchange.rest) as feed:
        yield feed

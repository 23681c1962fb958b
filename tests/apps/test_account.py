"""How the commands of one's own account reach it: the environment, options, or none at all."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import trio

from kraken_trio import ConfigurationError, Feed
from kraken_trio._internal.apps.account import feed_of, for_options, reached
from kraken_trio.extended import HttpRest, TcpDial

pytestmark = pytest.mark.extra("full")  # noqa: S610 - a mark of pytest, no query of Django

NONE: dict[str, Any] = {"url": None, "rest": None, "ca": None}
KEY = {"KRAKEN_API_KEY": "AKeyThatNobodyMustSee", "KRAKEN_API_SECRET": "QVNlY3JldA=="}


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """There is none here, whoever runs the tests."""
    for name in ("API_KEY", "API_SECRET", "REST", "PRIVATE_ENDPOINT"):
        monkeypatch.delenv(f"KRAKEN_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


async def test_without_a_key_it_is_said_what_to_do() -> None:
    """Both ways, and the one without."""
    with pytest.raises(ConfigurationError) as caught:
        async with reached(**NONE, demo=False, say=print):
            raise AssertionError
    for word in ("KRAKEN_API_KEY", "KRAKEN_API_SECRET", ".env", "--demo"):
        assert word in caught.value.mend


@pytest.mark.parametrize("in_file", [True, False])
async def test_a_key_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, in_file: bool
) -> None:
    """Or of a file; for the exchange itself, whose tokens are fetched there."""
    if in_file:
        lines = "".join(f"{name}={value}\n" for name, value in KEY.items())
        (tmp_path / ".env").write_text(lines)
    else:
        for name, value in KEY.items():
            monkeypatch.setenv(name, value)
    async with reached(**NONE, demo=False, attempts=0, say=print) as way:
        assert way.config.api_key is not None
        assert way.config.private_endpoint == "wss://ws-auth.kraken.com/v2"
        assert way.config.max_attempts is None
        assert isinstance(way.dial, TcpDial)
        assert way.rest is None


@pytest.mark.parametrize("by_option", [True, False])
async def test_another_place(monkeypatch: pytest.MonkeyPatch, *, by_option: bool) -> None:
    """By options, or by the variables that the simulated exchange prints."""
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    url, rest = "wss://localhost:1/v2", "https://localhost:2"
    given = {**NONE, "url": url, "rest": rest} if by_option else NONE
    if not by_option:
        monkeypatch.setenv("KRAKEN_PRIVATE_ENDPOINT", url)
        monkeypatch.setenv("KRAKEN_REST", rest)
    async with reached(**given, demo=False, say=print) as way:
        assert way.config.private_endpoint == url
        assert isinstance(way.rest, HttpRest)


@pytest.mark.parametrize(
    "given, field", [({"url": "http://x"}, "url"), ({"rest": "ftp://x"}, "base_url")]
)
async def test_what_is_no_place(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], field: str
) -> None:
    """Said of the option."""
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        async with reached(**{**NONE, **given}, demo=False, say=print):
            raise AssertionError
    assert caught.value.field == field
    assert "allow_insecure" not in str(caught.value)


async def test_half_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is said of the setting; of another place nothing is said then."""
    monkeypatch.setenv("KRAKEN_API_KEY", KEY["KRAKEN_API_KEY"])
    for url in (None, "wss://localhost:1/v2"):
        with pytest.raises(ConfigurationError) as caught:
            async with reached(**{**NONE, "url": url}, demo=False, say=print):
                raise AssertionError
        assert caught.value.field == "api_secret"
        assert KEY["KRAKEN_API_KEY"] not in str(caught.value)


async def test_strangers_need_a_place_for_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """The option is named, rather than what a program would write."""
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match="--rest"):
        async with (
            reached(**{**NONE, "url": "wss://localhost:1/v2"}, demo=False, say=print) as way,
            feed_of(way) as feed,
        ):
            feed.open_orders()
    other = ConfigurationError("timeout", "must be above 0", "Raise it")
    assert for_options(other) is other


@pytest.mark.parametrize("option", ["url", "rest", "ca"])
async def test_a_demonstration_has_a_place_of_its_own(option: str) -> None:
    """With another one, it makes no sense."""
    with pytest.raises(ConfigurationError, match="exchange of its own"):
        async with reached(**{**NONE, option: "x"}, demo=True, say=print):
            raise AssertionError


async def test_a_made_up_account_lives(autojump_clock: trio.abc.Clock) -> None:
    """Orders come, are filled and cancelled, and change what is held."""
    said: list[str] = []
    ends: set[str] = set()
    async with reached(**NONE, demo=True, say=said.append) as way, feed_of(way) as feed:
        assert isinstance(feed, Feed)
        async with feed.open_orders() as orders, feed.balances():
            while not {"filled", "canceled"} <= ends:
                ends.add(getattr(await orders.receive(), "order_status", "gap"))
            assert feed.balances["BTC"].balance != Decimal(2)
            assert len(feed.orders.open) >= 2
    assert said == ["a simulated exchange, and an account that is made up"]

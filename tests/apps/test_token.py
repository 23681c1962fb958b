"""The command ``token``: whether a key is there and good, without a character of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kraken_trio import RequestError
from kraken_trio._internal.apps.token import token

if TYPE_CHECKING:
    from tests.apps.conftest import Reaching, Run

pytestmark = pytest.mark.extra("full")  # noqa: S610 - a mark of pytest, no query of Django

Capture = pytest.CaptureFixture[str]


async def test_where_the_key_comes_from(
    account: Reaching, capfd: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nobody is asked about it."""
    async with account() as there:
        assert await token(**there.options) == 0
        assert "from the environment; neither is shown; --check asks" in capfd.readouterr().out
        secret = there.exchange.api_secret
        (tmp_path / ".env").write_text(
            f"KRAKEN_API_KEY={there.exchange.api_key}\nKRAKEN_API_SECRET={secret}\n"
        )
        monkeypatch.delenv("KRAKEN_API_KEY")
        monkeypatch.delenv("KRAKEN_API_SECRET")
        assert await token(as_json=True, **there.options) == 0
        told = json.loads(capfd.readouterr().out)
        assert told == {"type": "token", "key_from": "the file .env", "checked": False}
        assert not there.exchange.rest.requests


@pytest.mark.parametrize("moved", ["key", "secret"])
async def test_a_key_and_its_secret_may_stand_in_different_places(
    account: Reaching,
    capfd: Capture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    moved: str,
) -> None:
    """One in the environment and one in the file: they make a key, and both places are named."""
    async with account() as there:
        name = f"KRAKEN_API_{moved.upper()}"
        (tmp_path / ".env").write_text(f"{name}={getattr(there.exchange, f'api_{moved}')}\n")
        monkeypatch.delenv(name)
        assert await token(check=True, **there.options) == 0
        assert "from the environment and the file .env; neither" in capfd.readouterr().out


async def test_a_good_key(account: Reaching, capfd: Capture) -> None:
    """It says for how long the token would have been good."""
    async with account() as there:
        assert await token(check=True, **there.options) == 0
        assert "a token was given, good for 900 s" in capfd.readouterr().out
        assert await token(check=True, as_json=True, **there.options) == 0
        told = json.loads(capfd.readouterr().out)
        assert (told["ok"], told["life_s"], told["checked"]) == (True, 900, True)


async def test_a_refused_key(account: Reaching, capfd: Capture) -> None:
    """Exit code 1, why, and what to do."""
    async with account() as there:
        there.exchange.rest.refuse_next("EAPI:Invalid key", count=2)
        assert await token(check=True, **there.options) == 1
        assert "REFUSED, EAPI:Invalid key. Check api_key" in capfd.readouterr().out
        assert await token(check=True, as_json=True, **there.options) == 1
        told = json.loads(capfd.readouterr().out)
        assert (told["ok"], told["reason"]) == (False, "EAPI:Invalid key")
        assert told["mend"]


async def test_a_service_that_is_busy(account: Reaching) -> None:
    """Says nothing about the key: exit code 2, as the error that comes out makes it."""
    async with account() as there:
        there.exchange.rest.refuse_next("EService:Busy")
        with pytest.raises(RequestError, match="EService:Busy"):
            await token(check=True, **there.options)


def test_on_the_command_line(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With a made-up key; with one for which no place is named; with none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KRAKEN_REST", raising=False)
    assert run("token", "--check", "--demo").code == 0
    assert "the simulated exchange" in run("token", "--demo", "--json").out
    monkeypatch.setenv("KRAKEN_API_KEY", "AKeyThatNobodyMustSee")
    monkeypatch.setenv("KRAKEN_API_SECRET", "QVNlY3JldA==")
    done = run("token", "--check", "--url", "wss://localhost:1/v2")
    assert (done.code, done.out) == (2, "")
    assert "--rest" in done.err
    monkeypatch.setenv("KRAKEN_API_SECRET", "not base64 at all")
    done = run("token")
    assert (done.code, done.out) == (2, "")
    assert "base64" in done.err
    assert "not base64 at all" not in done.err

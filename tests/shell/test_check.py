"""Whether a key is good is asked once, and answered with what the exchange says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from kraken_trio import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    KrakenConfig,
    RequestError,
)
from kraken_trio.extended import check_key

if TYPE_CHECKING:
    from tests.conftest import Desk


async def test_a_good_key(autojump_clock: trio.abc.Clock, desk: Desk) -> None:
    """A token was given, and is thrown away; nobody was dialled."""
    assert await check_key(desk.config(), rest=desk.rest) == 900
    assert len(desk.nonces) == 1
    assert desk.hosts == []


@pytest.mark.parametrize(
    "words, kind",
    [
        ("EAPI:Invalid key", AuthenticationError),
        ("EGeneral:Permission denied", AuthenticationError),
        ("EService:Busy", RequestError),
        ("EAPI:Invalid nonce", RequestError),
    ],
)
async def test_a_refusal_is_raised_and_not_repeated(
    autojump_clock: trio.abc.Clock, desk: Desk, words: str, kind: type[Exception]
) -> None:
    """In the exchange's words."""
    desk.rest_errors = [words] * 9
    with pytest.raises(kind) as caught:
        await check_key(desk.config(), rest=desk.rest)
    error: Any = caught.value
    assert (type(error), error.reason) == (kind, words)
    assert len(desk.nonces) == 1


async def test_no_answer(autojump_clock: trio.abc.Clock, desk: Desk) -> None:
    """After the configured time."""
    desk.rest_delay = 99.0
    began = trio.current_time()
    with pytest.raises(ConnectionFailed, match="no token within 5 s"):
        await check_key(desk.config(timeout=5.0), rest=desk.rest)
    assert trio.current_time() - began == 5


async def test_without_a_key_there_is_nothing_to_check() -> None:
    """Nobody is asked."""
    with pytest.raises(ConfigurationError, match="api_key"):
        await check_key(KrakenConfig())

"""The page about account data says what is so: its program, its names, its words."""

from __future__ import annotations

import inspect
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio

from kraken_trio import AuthenticationError, ConnectionState, Feed, KrakenConfig, SessionTrigger
from kraken_trio._internal.core.subscription import ATTEMPTS
from kraken_trio._internal.model.complaints import ROWS
from kraken_trio._internal.shell.feed import SNAPSHOT_DEPTH

if TYPE_CHECKING:
    from tests.product.conftest import Meet

PAGE = (Path(__file__).parent.parent.parent / "docs" / "private.md").read_text("utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_program_runs_as_it_stands() -> None:
    """It compiles, and its functions are what a reader would call."""
    program, _ = PROGRAMS
    body, _, last = program.rstrip().rpartition("\n")
    assert last == "trio.run(account)"
    names: dict[str, object] = {}
    exec(compile(body, "private.md", "exec"), names)  # noqa: S102 - our own words
    assert inspect.iscoroutinefunction(names["account"])


def test_what_is_refused_for_good_is_named() -> None:
    """Each refusal that is about the key, rather than about the whole account."""
    about = [row.text for row in ROWS if row.kind == AuthenticationError.__name__]
    of_the_key = [words for words in about if words.startswith(("EAPI:", "EGeneral:"))]
    assert len(of_the_key) == 4
    assert [words for words in of_the_key if f"`{words}`" not in PAGE] == []


async def test_the_tables_are_used_as_shown(
    autojump_clock: trio.abc.Clock, in_memory: Meet, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second program, with an order that is filled meanwhile."""
    names: dict[str, Any] = {"Feed": Feed}
    exec(compile(PROGRAMS[1], "private.md", "exec"), names)  # noqa: S102 - our own words
    async with in_memory() as program, program.feed() as feed, trio.open_nursery() as nursery:
        account = program.exchange.account
        account.deposit("USD", Decimal(90_000))
        report, _ = account.place("BTC/USD", "buy", Decimal(1), Decimal(50_000))
        nursery.start_soon(names["buy_and_sell"], feed, report.order_id)
        await trio.sleep(1)
        account.fill(report.order_id)
    assert capsys.readouterr().out.splitlines() == [
        "BTC/USD 1.00000000 at 50000.0",
        "() 39875.0000",
    ]


@pytest.mark.parametrize("field", ["private_endpoint", "level3_endpoint", "api_key", "timeout"])
def test_settings_are_called_what_they_are(field: str) -> None:
    """Each is a field of the configuration."""
    assert field in PAGE
    assert field in inspect.signature(KrakenConfig).parameters


def test_states_and_figures() -> None:
    """As the code has them."""
    assert f"`{ConnectionState.AUTHENTICATING.name}`" in PAGE
    for trigger in (SessionTrigger.AUTH_UNAVAILABLE, SessionTrigger.TOKEN_REFUSED):
        assert f"`{trigger.value}`" in PAGE
    assert f"after {ATTEMPTS} attempts" in PAGE
    assert f"room for {SNAPSHOT_DEPTH:,} records" in PAGE

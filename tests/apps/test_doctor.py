"""The command ``doctor``, as a program; what it finds is in the tests of ``checkup``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

if TYPE_CHECKING:
    from tests.apps.conftest import Listening, Run

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django


async def test_it_finds_a_simulated_exchange_well(listening: Listening, program: Run) -> None:
    """Exit code 0, all on standard output, and no decoration."""
    async with listening() as place:
        done = await trio.to_thread.run_sync(
            program, "doctor", "--url", place.url, "--ca", str(place.ca), "--symbol", "SOL/USD"
        )
    assert (done.code, done.err) == (0, "")
    assert done.out.count("  ok  ") == 7
    assert "SOL/USD bid" in done.out
    assert done.out.isascii()


def test_what_does_not_work_is_exit_code_1(run: Run) -> None:
    """It is a finding, not an error."""
    done = run("doctor", "--url", "ws://127.0.0.1:9/v2")
    assert (done.code, done.err) == (1, "")
    assert "FAILED" in done.out


@pytest.mark.parametrize(
    "words, complaint",
    [
        (["--url", "kraken.com"], "must be a URL wss://"),
        (["--symbol", "NOPE"], "must be BASE/QUOTE"),
        (["--timeout", "0"], "Must be above 0."),
        (["--ca", "/nowhere/ca.pem"], "No such file"),
    ],
)
def test_a_question_that_makes_no_sense_is_exit_code_2(
    run: Run, words: list[str], complaint: str
) -> None:
    """Nothing was looked at."""
    done = run("doctor", *words)
    assert (done.code, done.out) == (2, "")
    assert complaint in done.err

"""Each example of a feed runs as its reader would run it, against the simulated exchange."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import trio

from kraken_trio.testing import ExchangeAddress, open_exchange

EXAMPLES = Path(__file__).parents[2] / "examples"
RATE = 300
"""Steps of the market in a second: enough for an example to have something to show."""
PATIENCE_S = 60


async def run(
    folder: Path, address: ExchangeAddress, name: str, *arguments: str, by_option: bool = True
) -> tuple[int, str, str]:
    """Run an example in an empty folder: its exit code and both outputs."""
    environment = {key: value for key, value in os.environ.items() if "KRAKEN" not in key}
    if by_option:
        arguments = (*arguments, "--endpoint", address.url)
    else:
        arguments = (*arguments, "--live")
        environment["KRAKEN_ENDPOINT"] = address.url
    with trio.fail_after(PATIENCE_S):
        ran = await trio.run_process(
            [sys.executable, EXAMPLES / f"{name}.py", *arguments],
            cwd=folder,
            env=environment,
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )
    return ran.returncode, ran.stdout.decode(), ran.stderr.decode()


def more_examples() -> set[str]:
    """Those that ``test_more_examples.py`` runs: it has a test for each, by its name."""
    text = (Path(__file__).parent / "test_more_examples.py").read_text(encoding="utf-8")
    return set(re.findall(r"^(?:async )?def test_(\w+)\(", text, re.MULTILINE))


def firsts(out: str) -> list[str]:
    """Give the first word of each line."""
    return [line.partition(" ")[0] for line in out.splitlines()]


def test_every_example_is_run_by_a_test() -> None:
    """A new example needs a test; some have a file of their own."""
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    mine = {"basic_usage", "advanced_usage"}
    others = {"generate_capture", "market_maker", "missed_trades", "plot_export", "watched"}
    assert names == mine | others | (names & more_examples())


@pytest.mark.parametrize("by_option", [True, False])
async def test_basic_usage(tmp_path: Path, by_option: bool) -> None:
    """It shows so many tickers, trades and books of the pair, and ends."""
    async with open_exchange(seed=3, rate=RATE) as exchange:
        address = await exchange.listen(tls=False)
        code, out, err = await run(
            tmp_path, address, "basic_usage", "ETH/USD", "--count", "4", by_option=by_option
        )
    assert (code, err) == (0, "")
    assert sorted(firsts(out)) == sorted([*["ticker", "trade", "book"] * 4, "done"])
    assert out.count("ETH/USD") == 12
    assert not exchange.connections


@pytest.mark.parametrize("name", ["basic_usage", "advanced_usage"])
async def test_what_is_wrong_is_one_line(tmp_path: Path, name: str) -> None:
    """An endpoint that may not be used is told on standard error, without a traceback."""
    address = ExchangeAddress("ws://exchange.test/v2", None)
    code, out, err = await run(tmp_path, address, name)
    assert (code, out) == (1, "")
    assert err.startswith("ConfigurationError: endpoint: must be wss://")
    assert "Traceback" not in err


async def test_basic_usage_of_a_pair_that_is_not_there(tmp_path: Path) -> None:
    """The exchange's own words are the last line on standard error."""
    async with open_exchange(seed=3) as exchange:
        address = await exchange.listen(tls=False)
        code, out, err = await run(tmp_path, address, "basic_usage", "NO/PE")
    assert (code, out) == (1, "")
    last = err.splitlines()[-1]
    assert last == "SubscriptionError: ticker NO/PE: Currency pair not supported NO/PE"


async def test_advanced_usage(tmp_path: Path) -> None:
    """Everything that it is there to show happens."""
    async with open_exchange(seed=3, rate=RATE) as exchange:
        address = await exchange.listen(tls=False)
        code, out, err = await run(tmp_path, address, "advanced_usage", "--seconds", "1.5")
        assert exchange.connected == 2
    assert code == 0, err
    assert "Traceback" not in err
    assert "state     subscribed -> closed: user_requested" in out
    assert "callback  fragile: no idea what to do with" in out
    assert "later     Trade(SOL/USD" in out
    assert re.findall(r"later     subscribed: (\w+)", out) == ["True", "False"]
    assert "refused   book NO/PAIR: Currency pair not supported NO/PAIR; and yet BTC/USD is" in out
    assert "refused   ticker NO/PAIR: Currency pair not supported NO/PAIR" in out
    assert out.count("trouble   SubscriptionError(") == 2
    assert out.count("trouble   Gap(book") == 2
    # What the two slow readers lost: the one a count that it was told, the other nothing.
    lost = dict(re.findall(r"slow      (\w+): (\d+) records lost", out))
    assert int(lost["oldest"]) > 0
    assert lost["coalesce"] == "0"
    assert "slow      coalesce: 0 records lost and told, 0 merged" not in out
    assert re.search(r"best      BTC/USD: Level\(.*\) / Level\(.*\)", out)
    assert "active    4 subscriptions, subscribed" in out
    assert "2 books lost" in out
    assert re.search(r"checksums \d+ right, 0 wrong, in \d+ frames; 0 faulty", out)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT can be sent to another process")
async def test_advanced_usage_ends_with_ctrl_c(tmp_path: Path) -> None:
    """Interrupted, it leaves its blocks, sums up, and has not failed."""
    async with open_exchange(seed=3, rate=RATE) as exchange, trio.open_nursery() as nursery:
        address = await exchange.listen(tls=False)
        command = [sys.executable, "-u", EXAMPLES / "advanced_usage.py", "--endpoint", address.url]
        start = partial(
            trio.run_process,
            [*command, "--seconds", "1000"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with trio.fail_after(PATIENCE_S):
            process: trio.Process = await nursery.start(start)
            assert process.stdout is not None
            out, interrupted = b"", False
            async for chunk in process.stdout:
                out += chunk
                if b"closed -> connecting" in out and not interrupted:
                    interrupted = True
                    process.send_signal(signal.SIGINT)
            assert await process.wait() == 0
    assert out.splitlines()[-1].startswith(b"checksums ")

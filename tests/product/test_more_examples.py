"""The examples that need nobody: each runs as it stands, against its own simulated exchange.

``test_usage_examples.py`` sees that none is without a test; here each test has the example's name.
"""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
from decimal import Decimal
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import trio

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE_S = 60
ALL = (
    "order_book_ladder",
    "many_pairs",
    "embedding_in_a_service",
    "alerts",
    "chaos_drill",
    "latency_report",
    "dashboard",
)


def run(folder: Path, name: str, *arguments: str, code: int = 0, **environment: str) -> str:
    """Run an example in an empty folder: what it says. It has nothing to complain of."""
    surroundings = {key: value for key, value in os.environ.items() if "KRAKEN" not in key}
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, EXAMPLES / f"{name}.py", *arguments],
        cwd=folder,
        env={**surroundings, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_order_book_ladder(tmp_path: Path) -> None:
    """Prices fall from the worst ask to the worst bid, and sums grow away from the middle."""
    out = run(tmp_path, "order_book_ladder", "ETH/USD", "--count", "2", "--levels", "3")
    ladders = out.split("ETH/USD")[1:]
    assert len(ladders) == 2
    for ladder in ladders:
        rungs = re.findall(r"^ +(ask|bid) +([\d.]+) +([\d.]+) +([\d.]+)$", ladder, re.MULTILINE)
        assert [side for side, *_ in rungs] == ["ask"] * 3 + ["bid"] * 3
        prices = [Decimal(price) for _, price, _, _ in rungs]
        assert prices == sorted(prices, reverse=True)
        for side in (rungs[2::-1], rungs[3:]):
            sums = [sum(Decimal(qty) for *_, qty, _ in side[: n + 1]) for n in range(3)]
            assert [Decimal(total) for *_, total in side] == sums
        assert re.search(r"microprice [\d.]+, imbalance [+-][01]\.\d{3}\n", ladder)
        assert re.search(r"buying 1 costs |of 1 only ", ladder)


@pytest.mark.extra("export")  # noqa: S610 - a mark of pytest, no query of Django
@pytest.mark.skipif(
    importlib.util.find_spec("pandas") is None, reason="the group plot is not installed"
)
def test_candles_to_dataframe(tmp_path: Path) -> None:
    """The candles of the exchange and the folded ones are there, with every digit."""
    out = run(tmp_path, "candles_to_dataframe", "--trades", "30", "--interval", "0.1")
    theirs, ours = out.split("folded from 30 trades")
    row = r"^20\d\d-\d\d-\d\d [\d:.]+\+00:00((?: +\d+\.\d){4} +\d+\.\d{8} +\d+)$"
    assert re.findall(row, theirs, re.MULTILINE)
    assert len(re.findall(row, ours, re.MULTILINE)) == 5
    whole, bars = map(int, re.findall(r"whole: (\d+) of (\d+)", ours)[0])
    assert 0 < whole < bars  # The first and the last may lack a trade.
    assert re.search(r"exact: \d+\.\d{8}\n", ours)


def test_many_pairs(tmp_path: Path) -> None:
    """All pairs that there are in a currency, verified, and the widest first."""
    out = run(tmp_path, "many_pairs", "--pairs", "30", "--seconds", "3")
    head, counts, *widest = out.splitlines()
    pairs = int(re.fullmatch(r"(\d+) pairs in USD", head)[1])  # type: ignore[index] # or it fails
    assert pairs > 10
    found = re.fullmatch(
        r"(\d+) books verified, 0 wrong, (\d+) updates merged, 0 records lost", counts
    )
    assert found
    assert int(found[1]) > pairs
    assert int(found[2]) > 0
    spreads = [Decimal(line.split()[1]) for line in widest]
    assert len(spreads) == 5
    assert spreads == sorted(spreads, reverse=True)


def test_embedding_in_a_service(tmp_path: Path) -> None:
    """It answers for what it knows, says what it does not know, and leaves nothing."""
    out = run(tmp_path, "embedding_in_a_service", "--seconds", "0.1")
    where, *answers, left, ended = out.splitlines()
    assert re.fullmatch(r"at 127\.0\.0\.1:\d+", where)
    for symbol, answer in zip(("BTC/USD", "ETH/USD"), answers, strict=False):
        bid, ask = map(Decimal, answer.removeprefix(f"{symbol} ").split())
        assert bid < ask
    assert answers[2:] == ["NO/PAIR unknown"]
    assert (left, ended) == ("0 subscriptions left", "ended")


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM can be sent to another process")
async def test_embedding_in_a_service_ends_when_asked(tmp_path: Path) -> None:
    """With SIGTERM as with Ctrl-C: in order, with all its last words, and exit code 0."""
    script = str(EXAMPLES / "embedding_in_a_service.py")
    command = [sys.executable, "-u", script, "--seconds", "1000"]
    start = partial(trio.run_process, command, cwd=tmp_path, stdout=subprocess.PIPE)
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            process: trio.Process = await nursery.start(start)
            assert process.stdout is not None
            out, asked = b"", False
            async for chunk in process.stdout:
                out += chunk
                if b"NO/PAIR unknown" in out and not asked:
                    asked = True
                    process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    assert out.splitlines()[-3:] == [b"SIGTERM: ending", b"0 subscriptions left", b"ended"]


def test_alerts(tmp_path: Path) -> None:
    """Lines are crossed as it says; and that it was cut off is told."""
    out = run(tmp_path, "alerts", "--seconds", "4")
    assert "restored public" in out
    said = r"^crossed  BTC/USD ([\d.]+) is (above|below) ([\d.]+)$"
    crossed = re.findall(said, out, re.MULTILINE)
    assert crossed
    for price, word, line in crossed:
        assert (Decimal(price) > Decimal(line)) == (word == "above")


@pytest.mark.parametrize("seed", [7, 8])
def test_chaos_drill(tmp_path: Path, seed: int) -> None:
    """The consumer's book is right in the end, whatever was inflicted."""
    out = run(tmp_path, "chaos_drill", "--faults", "5", "--seed", str(seed))
    *faults, last = out.splitlines()
    assert len(faults) >= 5
    assert re.fullmatch(
        rf"{len(faults)} faults, \d+ gaps, \d+ connections: the consumer's book is right", last
    )


def test_latency_report(tmp_path: Path) -> None:
    """Percentiles of each stage, in order, and how the clocks differ."""
    out = run(tmp_path, "latency_report", "--seconds", "1")
    for stage in ("network", "processing", "total"):
        row = re.search(rf"^{stage} +(\d+)((?: +[\d.]+){{5}})$", out, re.MULTILINE)
        assert row
        assert int(row[1]) > 0
        figures = list(map(float, row[2].split()))
        assert figures == sorted(figures)
    last = out.splitlines()[-1]
    assert re.match(r"public: round trip [\d.]+ ms, the exchange's clock is ahead by ", last)


@pytest.mark.skipif(
    "pytest_kraken_trio" not in {each.value for each in entry_points(group="pytest11")},
    reason="the plugin is not installed",
)
def test_testing_your_bot(tmp_path: Path) -> None:
    """All its tests pass."""
    assert "3 passed" in run(tmp_path, "testing_your_bot")


@pytest.mark.extra("dashboard")  # noqa: S610 - a mark of pytest, no query of Django
@pytest.mark.skipif(
    importlib.util.find_spec("kraken_trio._internal.apps.dashboard") is None,
    reason="there is no dashboard",
)
async def test_dashboard(tmp_path: Path) -> None:
    """It says where it is, is there, and ends with the work, which went on meanwhile."""
    script = str(EXAMPLES / "dashboard.py")
    command = [sys.executable, "-u", script, "BTC/USD", "--port", "0", "--seconds", "6"]
    start = partial(trio.run_process, command, cwd=tmp_path, stdout=subprocess.PIPE)
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            process: trio.Process = await nursery.start(start)
            assert process.stdout is not None
            out, answer = b"", b""
            async for chunk in process.stdout:
                out += chunk
                if (found := re.search(rb"at http://127\.0\.0\.1:(\d+)/\n", out)) and not answer:
                    async with await trio.open_tcp_stream("127.0.0.1", int(found[1])) as stream:
                        host = b"127.0.0.1:" + found[1]
                        await stream.send_all(b"GET /healthz HTTP/1.1\r\nHost: " + host)
                        await stream.send_all(b"\r\nConnection: close\r\n\r\n")
                        answer = await stream.receive_some(4096)
            assert await process.wait() == 0
    assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 503"))
    assert re.fullmatch(rb"counted [1-9]\d* of BTC/USD", out.splitlines()[-1])


@pytest.mark.parametrize("name", ALL)
def test_the_exchange_itself_is_a_flag_away(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each has ``--live``, and says so."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(SystemExit) as ended:
        module.main(["--help"])
    assert ended.value.code == 0
    assert "--live" in capsys.readouterr().out

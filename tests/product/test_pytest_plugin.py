"""The pytest plugin: each fixture and mark in a test of somebody else's, by pytest in pytest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ("pytester",)

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
FILES: dict[str, str] = dict(
    re.findall(
        r"^<!-- file: (\S+) -->\n```python\n(.*?)^```$",
        PAGE.read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
)
SETTINGS = """
[pytest]
trio_mode = true
addopts = --strict-markers -p pytest_kraken_trio -p no:cacheprovider
pythonpath = .
filterwarnings = error
"""


def run(pytester: pytest.Pytester, source: str, *arguments: str) -> pytest.RunResult:
    """Run a test file of somebody else's."""
    pytester.makeini(SETTINGS)
    pytester.makepyfile(source)
    return pytester.runpytest_inprocess(*arguments)


def test_the_example_of_the_page(pytester: pytest.Pytester) -> None:
    """The bot of the page and its tests run as they stand."""
    assert set(FILES) == {"bot.py", "test_bot.py"}
    pytester.makeini(SETTINGS)
    for name, source in FILES.items():
        pytester.path.joinpath(name).write_text(source, encoding="utf-8")
    pytester.runpytest_inprocess().assert_outcomes(passed=4)


def test_the_marks_are_known(pytester: pytest.Pytester) -> None:
    """``pytest --markers`` tells of both."""
    result = run(pytester, "", "--markers")
    result.stdout.fnmatch_lines(
        ["@pytest.mark.kraken_exchange(seed=0, *", "@pytest.mark.kraken_chaos(seed=0, *"]
    )


def test_the_exchange_is_that_of_the_mark(pytester: pytest.Pytester) -> None:
    """Keyword by keyword, the mark nearest to the test says which it is."""
    source = """
        import pytest

        pytestmark = pytest.mark.kraken_exchange(pairs=3, seed=1)

        async def test_far(kraken_exchange):
            assert len(kraken_exchange.market.symbols) == 3

        @pytest.mark.kraken_exchange(pairs=["ABC/USD"])
        class TestNear:
            async def test_near(self, kraken_exchange):
                assert kraken_exchange.market.symbols == ("ABC/USD",)
    """
    run(pytester, source).assert_outcomes(passed=2)


def test_the_exchange_is_the_tests_own(pytester: pytest.Pytester) -> None:
    """What one test did to it, the next does not see; each case of a test is one."""
    source = """
        import pytest
        from decimal import Decimal

        @pytest.mark.parametrize("number", range(3))
        async def test_fresh(kraken_exchange, number):
            assert not kraken_exchange.account.balances
            kraken_exchange.account.deposit("USD", Decimal(1))
            assert kraken_exchange.account.balances
    """
    run(pytester, source).assert_outcomes(passed=3)


def test_the_feed_is_that_of_the_settings(pytester: pytest.Pytester) -> None:
    """An overridden ``kraken_config`` is what it has; a key of the exchange comes with it."""
    source = """
        import pytest
        from decimal import Decimal
        from kraken_trio import KrakenConfig

        @pytest.fixture
        def kraken_config():
            return KrakenConfig(max_queue_depth=7)

        async def test_it(kraken_exchange, kraken_feed, autojump_clock):
            async with kraken_feed.trades("BTC/USD") as trades, kraken_feed.balances() as balances:
                assert trades.statistics().records.capacity == 7
                kraken_exchange.account.deposit("USD", Decimal(5))
                assert (await balances.receive()).asset == "USD"
    """
    run(pytester, source).assert_outcomes(passed=1)


def test_what_a_feed_ends_with_ends_the_test(pytester: pytest.Pytester) -> None:
    """A key of the settings is the one that is used, and a wrong one is what the test fails of."""
    source = """
        import pytest
        import trio
        from kraken_trio import KrakenConfig

        @pytest.fixture
        def kraken_config():
            return KrakenConfig(api_key="wrong", api_secret="d3Jvbmc=")

        async def test_it(kraken_feed, autojump_clock):
            async with kraken_feed.balances():
                await trio.sleep_forever()
    """
    result = run(pytester, source)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*AuthenticationError*EAPI:Invalid key*"])


def test_chaos_strikes_whoever_connects(pytester: pytest.Pytester) -> None:
    """The mark alone is enough: no fixture of that name is asked for."""
    source = """
        import pytest
        import trio
        from kraken_trio import Gap, open_kraken, KrakenConfig

        @pytest.mark.kraken_exchange(rate=20)
        @pytest.mark.kraken_chaos(faults=["close_1012"], every_s=5)
        async def test_it(kraken_exchange, autojump_clock):
            gaps = 0
            with trio.move_on_after(60):
                async with open_kraken(KrakenConfig(), dial=kraken_exchange.dial) as feed:
                    async with feed.book("BTC/USD") as book:
                        async for item in book:
                            gaps += isinstance(item, Gap)
            assert gaps > 5
    """
    run(pytester, source).assert_outcomes(passed=1)


def test_chaos_by_hand(pytester: pytest.Pytester) -> None:
    """Without the mark nothing goes wrong but what is inflicted."""
    source = """
        import trio

        async def test_it(kraken_chaos, kraken_feed, autojump_clock):
            async with kraken_feed.book("BTC/USD") as book:
                await book.receive()
                await trio.sleep(600)
                assert kraken_chaos.log == ()
                kraken_chaos.inflict("close_1012")
                await trio.sleep(60)
                assert [mishap.fault.value for mishap in kraken_chaos.log] == ["close_1012"]
    """
    run(pytester, source).assert_outcomes(passed=1)


def test_what_went_wrong_is_shown(pytester: pytest.Pytester) -> None:
    """Under a test that fails stand the seed and the log of the chaos."""
    source = """
        import pytest
        import trio

        @pytest.mark.kraken_exchange(rate=20)
        @pytest.mark.kraken_chaos(seed=77, faults=["close_1012"])
        async def test_it(kraken_feed, autojump_clock):
            async with kraken_feed.book("BTC/USD"):
                await trio.sleep(30)
            assert False
    """
    result = run(pytester, source)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*kraken_chaos*", "seed 77", "*connection 1: close_1012*"])


MARKED = """
    import pytest

    @pytest.mark.{mark}
    async def test_it({fixture}):
        raise AssertionError("it must not run")
"""


@pytest.mark.parametrize(
    "mark, words",
    [
        ("kraken_exchange(sed=1)", "kraken_exchange: sed: is no option. Choose from seed, rate, *"),
        ("kraken_exchange(rate=-1)", "kraken_exchange: rate: must be a number of steps *"),
        ("kraken_exchange(7)", "kraken_exchange takes keywords alone: *"),
        ("kraken_chaos(faults=['bann'])", "kraken_chaos: faults: must be faults, 'bann' is not *"),
        ("kraken_chaos(every_s=0)", "kraken_chaos: every_s: must be *"),
        ("kraken_chaos(fault='ban')", "kraken_chaos: fault: is no option. Choose from seed, *"),
        ("kraken_chaos(7)", "kraken_chaos takes keywords alone: *"),
    ],
)
@pytest.mark.parametrize("fixture", ["kraken_exchange", "kraken_feed"])
def test_a_mark_that_makes_no_sense(
    pytester: pytest.Pytester, fixture: str, mark: str, words: str
) -> None:
    """It is an error before the test begins, in one line and without a traceback."""
    result = run(pytester, MARKED.format(mark=mark, fixture=fixture))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"@pytest.mark.{words}"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize("mark", ["kraken_exchange(seed=1)", "kraken_chaos()"])
def test_a_mark_without_its_fixture(pytester: pytest.Pytester, mark: str) -> None:
    """A mark that would do nothing is an error."""
    result = run(pytester, MARKED.format(mark=mark, fixture="tmp_path"))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*of the fixture kraken_exchange, and this test does not *"])


def test_a_test_that_is_not_trios(pytester: pytest.Pytester) -> None:
    """It is told what the fixture needs."""
    result = run(pytester, "def test_it(kraken_feed): pass")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*kraken_feed needs an async test that pytest-trio runs*"])


def test_without_trio_mode(pytester: pytest.Pytester) -> None:
    """A test that is marked as Trio's needs no such setting."""
    source = """
        import pytest

        @pytest.mark.trio
        async def test_it(kraken_feed, kraken_exchange, kraken_chaos):
            assert not kraken_exchange.connections
    """
    run(pytester, source, "-o", "trio_mode=false").assert_outcomes(passed=1)


def test_without_pytest_trio(pytester: pytest.Pytester) -> None:
    """Who asks for a fixture is told what it needs; all other tests run."""
    pytester.makeini(SETTINGS.replace("trio_mode = true", ""))
    pytester.makepyfile(
        """
        def test_another(): pass
        async def test_it(kraken_feed): pass
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:trio")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*needs pytest-trio, which is not here: pip install pytest-trio"])


BARE = """
import sys
import pytest

class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"trio", "pytest_trio", "trustme", "kraken_trio"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Hide())
options = ["-p", "pytest_kraken_trio", "-p", "no:trio", "-p", "no:cacheprovider"]
code = pytest.main([*options, "--strict-markers", sys.argv[1]])
assert "pytest_kraken_trio" in sys.modules
sys.exit(code)
"""


def test_it_imports_nothing_that_is_not_asked_for(tmp_path: Path) -> None:
    """Where trio, trustme and the package cannot even be imported, others' tests run as ever."""
    test = tmp_path / "test_other.py"
    test.write_text("def test_it(tmp_path): pass\n", encoding="utf-8")
    ran = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-W", "error", "-c", BARE, str(test)],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    assert "1 passed" in ran.stdout

"""The bare core is enough: the public tiers work where no extra is installed.

What is installed here besides is hidden from the programs that these tests run, so it is so
wherever they run.
"""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys

import pytest
from packaging.requirements import Requirement

TIERS = ("kraken_trio", "kraken_trio.extended", "kraken_trio.testing")

HIDE = """
import sys
hidden = {hidden!r}
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hide())
"""
IMPORT = """
import {tier}
"""
USE = """
import trio
from kraken_trio import KrakenConfig, open_kraken
from kraken_trio.testing import open_exchange

async def main():
    config = KrakenConfig.from_env(env_file=None)
    async with open_exchange(seed=1) as exchange, open_kraken(config, dial=exchange.dial) as feed:
        async with feed.book("BTC/USD") as book:
            exchange.step(100)
            with trio.fail_after(30):
                async for _ in book:
                    if feed.order_book("BTC/USD").bids == exchange.market.book("BTC/USD", 10).bids:
                        break

trio.run(main)
"""
ASK = """
from kraken_trio.__main__ import main
main()
"""


def normal(name: str) -> str:
    """Give the one spelling of a distribution's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_with(distribution: str) -> set[str]:
    """Give what is installed with a distribution when none of its extras is asked for."""
    found: set[str] = set()
    wanted = [distribution]
    while wanted:
        name = normal(wanted.pop())
        if name not in found:
            found.add(name)
            for line in importlib.metadata.requires(name) or ():
                requirement = Requirement(line)
                if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                    wanted.append(requirement.name)
    return found


def run_bare(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program that sees nothing but the core and what it needs."""
    core = installed_with("kraken-trio")
    hidden = {
        name
        for name, owners in importlib.metadata.packages_distributions().items()
        if not {normal(owner) for owner in owners} & core
    }
    assert hidden >= {"pytest", "trustme", "cryptography"}
    return subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", HIDE.format(hidden=hidden) + program],
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_the_core_installs() -> None:
    """The core brings its needs and theirs, and nothing that is optional."""
    core = installed_with("kraken-trio")
    assert {"kraken-trio", "msgspec", "trio", "wsproto", "h11"} <= core
    assert not {"cyclopts", "cryptography", "pytest", "python-dotenv", "rich", "trustme"} & core


@pytest.mark.parametrize("program", [*(IMPORT.format(tier=tier) for tier in TIERS), USE])
def test_the_core_is_enough(program: str) -> None:
    """Each tier can be imported alone, and a feed of the simulated exchange keeps its book."""
    ran = run_bare(program)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_the_command_line_says_what_it_needs() -> None:
    """Without its extra it names the missing package and the extra, and exits with 2."""
    ran = run_bare(ASK)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert 'pip install "kraken-trio[cli]"' in ran.stderr
    assert "Traceback" not in ran.stderr

"""The worked example of docs/adding-a-channel.md is what it takes: applied to a copy, it works."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import kraken_trio

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-a-channel.md").read_text(encoding="utf-8")
PACKAGE = Path(kraken_trio.__file__).parent
READ = """
import sys
import trio
from kraken_trio import Channel, Headline, KrakenConfig, SubscriptionError, open_kraken
from kraken_trio.testing import open_exchange
from kraken_trio._internal.core.buffer import _key_of
from kraken_trio._internal.engine.engine import Engine
from kraken_trio._internal.wire.decode import V2Decoder

engine, seen = Engine(V2Decoder()), []
engine.attach(seen.append)
engine.open(Channel.news())
engine.feed(sys.argv[1].encode(), None)
print(seen[0].headline, _key_of(seen[0])[0], Headline.__module__)

async def main():
    async with open_exchange(seed=1) as exchange:
        async with open_kraken(KrakenConfig(), dial=exchange.dial) as feed:
            try:
                async with feed.news():
                    pass
            except SubscriptionError as error:
                print(error.reason)

trio.run(main)
"""


def hunks(page: str) -> Iterator[tuple[str, str, str]]:
    """Give each hunk: its file, what stands there, and what is to stand there."""
    for block in re.findall(r"^```diff\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^--- ", block, flags=re.MULTILINE)[1:]:
            name, _, body = part.partition("\n")
            for hunk in body.split("@@\n")[1:]:
                lines = hunk.splitlines(keepends=True)
                before = "".join(line[1:] for line in lines if line[0] in " -")
                after = "".join(line[1:] for line in lines if line[0] in " +")
                yield name, before, after


HUNKS = list(hunks(PAGE))


@pytest.mark.parametrize("name, before, after", HUNKS)
def test_it_still_fits(name: str, before: str, after: str) -> None:
    """What a hunk changes stands in its file, once."""
    source = PACKAGE.parent.joinpath(name).read_text(encoding="utf-8")
    assert source.count(before) == 1
    assert before != after


def test_the_channel_works(tmp_path: Path) -> None:
    """With all of it, the page's frame is a record, by its public name, and a feed asks for it."""
    shutil.copytree(
        PACKAGE, tmp_path / "kraken_trio", ignore=shutil.ignore_patterns("__pycache__", "apps")
    )
    for name, before, after in HUNKS:
        path = tmp_path / name
        path.write_text(path.read_text("utf-8").replace(before, after), encoding="utf-8")
    (frame,) = re.findall(r"^```json\n(.*)\n```$", PAGE, re.MULTILINE)
    ran = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", READ, frame],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == "Hello news kraken_trio\nUnsupported event\n"  # Says the exchange.

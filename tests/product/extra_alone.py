"""What an extra is for, done where that extra alone is installed: ``nox -s extras`` runs this.

``python extra_alone.py metrics`` sees that nothing of other extras is there, does what ``metrics``
brings, and ends without a word; ``core`` stands for none. The tests run it with everything
installed, then with ``--among-others``, so that it is known to work where it is not run alone.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import trio

import kraken_trio.extended as ext
from kraken_trio import BookSnapshot, ConfigurationError, Feed, KrakenConfig, open_kraken
from kraken_trio.testing import Exchange, chaos, open_exchange

SYMBOL = "BTC/USD"


async def first_book(feed: Feed) -> None:
    """See the book."""
    async with feed.book(SYMBOL) as book:
        assert isinstance(await book.receive(), BookSnapshot)


@asynccontextmanager
async def in_memory(*observers: ext.Observer) -> AsyncIterator[tuple[Exchange, Feed]]:
    """Open an exchange, and a feed of it."""
    async with (
        open_exchange(seed=1) as exchange,
        open_kraken(KrakenConfig(), dial=exchange.dial, observers=observers) as feed,
    ):
        yield exchange, feed


async def use_core() -> None:
    """A feed needs no extra; what needs one says which."""
    async with in_memory() as (exchange, feed):
        await first_book(feed)
        if "--among-others" not in sys.argv:
            try:
                await exchange.listen()
            except ConfigurationError as error:
                assert "kraken-trio[testing]" in error.mend  # noqa: PT017 - no test
            else:
                raise AssertionError("TLS without what makes certificates")


async def over_tls(*, bad: bool) -> None:
    """See the book over TLS, with chaos at the exchange's sockets or without."""
    async with open_exchange(seed=1) as exchange:
        address = await exchange.listen()
        async with chaos(exchange, faults=["split"], every_s=0.01 if bad else None) as trouble:
            config, dial = (
                KrakenConfig(endpoint=address.url),
                ext.TcpDial(address.client_ssl_context),
            )
            async with open_kraken(config, dial=dial) as feed:
                while bad > bool(trouble.log):
                    await first_book(feed)
                await first_book(feed)


async def use_chaos() -> None:
    """Trouble over TLS."""
    await over_tls(bad=True)


async def use_testing() -> None:
    """TLS for the simulated exchange."""
    await over_tls(bad=False)


async def use_cli() -> None:
    """The command shows a feed of its own exchange."""
    demo = [sys.executable, "-m", "kraken_trio", "demo", "--seconds", "1"]
    ran = await trio.run_process(demo, capture_stdout=True, stderr=subprocess.STDOUT, check=False)
    assert ran.returncode == 0, ran.stdout.decode()


async def use_dashboard() -> None:
    """The page is served, and says how the feed is."""
    command = [sys.executable, "-m", "kraken_trio", "dashboard", "--demo", "--port", "0"]
    async with trio.open_nursery() as nursery:
        serve = partial(trio.run_process, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process = await nursery.start(partial(serve, check=False))
        said = b""
        while b"\n" not in said:
            part = await process.stdout.receive_some()
            assert part, "it ended"
            said += part
        found = re.search(rb"http://127\.0\.0\.1:(\d+)/", said)
        assert found, said
        async with await trio.open_tcp_stream("127.0.0.1", int(found[1])) as stream:
            await stream.send_all(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
            assert (await stream.receive_some(12)).endswith(b" 200")
        process.send_signal(signal.SIGINT)


async def use_export() -> None:
    """A recording becomes parquet."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "capture.jsonl"
        async with ext.open_recorder(path) as recorder, in_memory(recorder) as (_, feed):
            await first_book(feed)
        done = ext.export_capture(path, to=Path(folder) / "tables", format="parquet")
        assert done.files
        assert all(name.endswith(".parquet") for name in done.files.values())


async def use_metrics() -> None:
    """What is counted is shown to Prometheus."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - the extra's

    registry = CollectorRegistry()
    async with in_memory() as (_, feed):
        ext.register_metrics(feed, registry)
        await first_book(feed)
        assert b"kraken_" in generate_latest(registry)


async def use_otel() -> None:
    """A feed is watched for OpenTelemetry; without an SDK that says nothing."""
    async with in_memory(ext.Telemetry()) as (_, feed):
        await first_book(feed)


async def use_rest() -> None:
    """A call over HTTP is answered."""
    async with open_exchange(seed=1) as exchange:
        address = await exchange.listen_rest(tls=False)
        answer = await ext.HttpRest(address.url)("GET", "/0/public/Time", headers={}, body=b"")
        assert answer.body


async def use_private() -> None:
    """Balances, with a key from a ``.env`` file and a token over HTTP."""
    async with open_exchange(seed=1) as exchange:
        private = await exchange.listen(tls=False, door="private")
        address = await exchange.listen_rest(tls=False)
        with tempfile.TemporaryDirectory() as folder:
            env = Path(folder) / "kraken.env"
            env.write_text(
                f"KRAKEN_API_KEY={exchange.api_key}\nKRAKEN_API_SECRET={exchange.api_secret}\n"
                f"KRAKEN_PRIVATE_ENDPOINT={private.url}\n",
                encoding="utf-8",
            )
            config = KrakenConfig.from_env(env)
        async with (
            open_kraken(config, rest=ext.HttpRest(address.url)) as feed,
            feed.executions(),
        ):
            assert feed.active_subscriptions


USES: dict[str, Callable[[], Awaitable[None]]] = {
    "core": use_core,
    "chaos": use_chaos,
    "cli": use_cli,
    "dashboard": use_dashboard,
    "export": use_export,
    "metrics": use_metrics,
    "otel": use_otel,
    "private": use_private,
    "rest": use_rest,
    "testing": use_testing,
}
"""By extra; ``full`` is all of them."""


def strangers(extra: str) -> list[str]:
    """Give what other extras install, and this one does not, and is there all the same."""
    mine: set[str] = set()
    others: set[str] = set()
    for line in importlib.metadata.requires("kraken-trio") or ():
        name = re.split(r"[^\w.-]", line, maxsplit=1)[0]
        (mine if f"extra == '{extra}'" in line.replace('"', "'") else others).add(name)
        if "extra ==" not in line:
            mine.add(name)
    installed = {
        each.metadata["Name"].lower(): each.requires or ()
        for each in importlib.metadata.distributions()
    }
    # What mine need themselves is there as well, whoever else brings it.
    asked = [*mine]
    for name in asked:
        needed = (re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in installed.get(name, ()))
        asked += [each for each in needed if each not in asked]
    return sorted((others - {*asked, "kraken-trio"}) & installed.keys())


def main() -> None:
    """Use one extra."""
    extra = sys.argv[1]
    if "--among-others" not in sys.argv:
        assert strangers(extra) == [], f"{extra} is not alone"
    for name in [name for name in os.environ if name.startswith("KRAKEN_")]:
        del os.environ[name]

    async def within() -> None:
        with trio.fail_after(60):
            await USES[extra]()

    trio.run(within)


if __name__ == "__main__":
    main()

"""The command ``watch``: what it writes of a feed, and how it exits."""

from __future__ import annotations

import json
import select
import signal
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.lowlevel

from kraken_trio import RetriesExhausted
from kraken_trio._internal.apps.watch import watch
from kraken_trio.testing import open_exchange

if TYPE_CHECKING:
    from tests.apps.conftest import Listening, Place, Run, Start

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

Capture = pytest.CaptureFixture[str]


def at(place: Place) -> dict[str, Any]:
    """Give the options that lead to an exchange."""
    return {"url": place.url, "ca": place.ca}


async def test_lines_for_people(listening: Listening, capfd: Capture) -> None:
    """A line a record on standard output, what becomes of the connection on standard error."""
    async with listening() as place:
        code = await watch("BTC/USD", "ETH/USD", count=5, **at(place))
    out, err = capfd.readouterr()
    lines = out.splitlines()
    assert (code, len(lines)) == (0, 5)
    assert all(" ticker last " in line for line in lines)
    assert "connecting -> subscribing (established)" in err
    assert "the exchange is online" in err
    assert "\x1b" not in out + err


async def test_json_for_programs_is_exact(listening: Listening, capfd: Capture) -> None:
    """The first line is the book as the exchange has it, to the last digit."""
    async with listening(rate=0) as place:
        symbol = "BTC/USD"
        book = place.exchange.market.book(symbol, 25)
        code = await watch(symbol, channel=("book",), depth=25, as_json=True, count=1, **at(place))
    out, _ = capfd.readouterr()
    assert code == 0
    told = json.loads(out, parse_float=lambda text: pytest.fail(f"a float: {text}"))
    assert told["type"] == "book_snapshot"
    for side in ("bids", "asks"):
        expected = [
            {"price": format(level.price, "f"), "qty": format(level.qty, "f")}
            for level in getattr(book, side)
        ]
        assert told[side] == expected
    assert told["checksum"] == book.checksum


@pytest.mark.parametrize("protocol", ["v1", "v2"])
@pytest.mark.parametrize(
    "channel, types",
    [
        ("ticker", {"ticker"}),
        ("spread", {"spread"}),
        ("trade", {"trade"}),
        ("book", {"book_snapshot", "book_update"}),
        ("ohlc", {"candle"}),
    ],
)
async def test_every_channel_has_its_lines(
    listening: Listening, capfd: Capture, channel: str, types: set[str], protocol: str
) -> None:
    """And no others, whichever protocol it is."""
    async with listening() as place:
        where = at(place)
        where["url"] = where["url"].removesuffix("v2") + protocol.removeprefix("v1")
        where |= {"channel": (channel,), "protocol": protocol}
        code = await watch("BTC/USD", as_json=True, count=20, **where)
    assert code == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {line["type"] for line in lines} == types
    assert len(lines) == 20


async def test_instruments_are_of_two_kinds(listening: Listening, capfd: Capture) -> None:
    """Assets and pairs; they need no symbols."""
    async with listening(rate=0) as place:
        code = await watch(channel=("instrument",), as_json=True, count=11, **at(place))
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    types = [line["type"] for line in lines]
    assert (code, types) == (0, ["instrument_asset"] * 6 + ["instrument_pair"] * 5)


async def test_several_channels_at_once(listening: Listening, capfd: Capture) -> None:
    """Their records come out as they came in."""
    async with listening() as place:
        code = await watch(
            "BTC/USD",
            channel=("book", "trade", "ohlc", "book"),
            interval=5,
            as_json=True,
            count=60,
            **at(place),
        )
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert code == 0
    assert {line["type"] for line in lines} == {"book_snapshot", "book_update", "trade", "candle"}
    assert {line["interval"] for line in lines if line["type"] == "candle"} == {5}


async def test_a_gap_stands_where_it_is(listening: Listening, capfd: Capture) -> None:
    """After a wrong checksum: the gap, then a fresh snapshot, and only records are counted."""
    async with listening() as place, trio.open_nursery() as nursery:

        async def corrupt() -> None:
            while not (there := place.exchange.connections) or not there[0].subscriptions:
                await trio.lowlevel.checkpoint()
            there[0].corrupt_next_book("BTC/USD")

        nursery.start_soon(corrupt)
        code = await watch("BTC/USD", channel=("book",), as_json=True, count=300, **at(place))
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    types = [line["type"] for line in lines]
    assert (code, len(types)) == (0, 301)
    where = types.index("gap")
    assert lines[where]["reason"] == "checksum"
    assert types[where + 1] == "book_snapshot"


async def test_a_refused_pair_leaves_the_others(listening: Listening, capfd: Capture) -> None:
    """It is told, the others go on, and the code says that not all was well."""
    async with listening() as place:
        code = await watch("BTC/USD", "NO/PE", count=3, **at(place))
    out, err = capfd.readouterr()
    assert (code, len(out.splitlines())) == (1, 3)
    told = err.splitlines()
    assert told.count("refused: ticker NO/PE: Currency pair not supported NO/PE") == 1
    assert err.count("NO/PE: ") == 1
    assert "subscribing -> subscribed (all others confirmed)" in told
    assert "all_confirmed" not in err


async def test_nothing_but_refused_pairs_is_the_end(listening: Listening, capfd: Capture) -> None:
    """With words on standard error, and nothing else."""
    async with listening() as place:
        code = await watch("NO/PE", "NO/NE", **at(place))
    out, err = capfd.readouterr()
    assert (code, out) == (1, "")
    assert err.count("refused: ticker NO/PE") == err.count("ticker NO/PE") == 1
    assert err.count("refused: ticker NO/NE") == err.count("ticker NO/NE") == 1
    assert "subscribed" not in err
    assert err.endswith("kraken-trio: nothing is left to watch\n")


async def test_what_the_exchange_says_moves_no_cursor(listening: Listening, capfd: Capture) -> None:
    """Words of a refusal and faulty frames are printable and short."""
    async with listening() as place, trio.open_nursery() as nursery:
        place.exchange.refusals["ETH/USD"] = "\x1b[2Jgo away\x07" + "y" * 5000

        async def shout() -> None:
            while not place.exchange.connections:
                await trio.lowlevel.checkpoint()
            place.exchange.connections[0].send_raw('{"channel":"\x1b]0;title\x07')

        nursery.start_soon(shout)
        code = await watch("BTC/USD", "ETH/USD", count=5, **at(place))
    out, err = capfd.readouterr()
    assert code == 1
    assert "faulty frame: " in err
    assert ".[2Jgo away." in err
    assert all(line.isprintable() and len(line) <= 200 for line in (out + err).splitlines())


async def test_it_ends_when_it_was_told_to(listening: Listening, capfd: Capture) -> None:
    """After so many seconds, however many records there were."""
    async with listening(rate=0) as place:
        code = await watch("BTC/USD", seconds=0.5, **at(place))
    assert code == 0
    assert len(capfd.readouterr().out.splitlines()) == 1


async def test_no_connection_in_time_is_no_success(capfd: Capture) -> None:
    """Where nothing answers, the seconds are no reason to say that all is well."""
    with trio.fail_after(60):
        async with open_exchange() as exchange:
            address = await exchange.listen(tls=False)
            exchange.upgrade_status = 503
            code = await watch("BTC/USD", url=address.url, seconds=0.3, attempts=0)
    out, err = capfd.readouterr()
    assert (code, out) == (2, "")
    assert "no connection within 0.3 s" in err
    assert "HTTP status 503" in err


@pytest.mark.parametrize(
    "words, complaint",
    [
        (["NOPE"], "must be BASE/QUOTE"),
        (["A/B", "--channel", "ticker", "--channel", "spread"], "cannot be ticker and spread at"),
        ([], "symbols: of ticker must be given"),
        (["BTC/USD", "--depth", "10"], "is an option of the channel book"),
        (["BTC/USD", "--interval", "5"], "is an option of the channel ohlc"),
        (["BTC/USD", "--channel", "book", "--depth", "11"], "must be one of 10, 25, 100"),
        (["BTC/USD", "--channel", "nope"], "nope"),
        (["BTC/USD", "--channel", "instrument"], "symbols: of instrument must be left out"),
        (["BTC/USD", "--count", "0"], "Must be above 0."),
        (["BTC/USD", "--seconds", "-1"], "Must be above 0."),
        (["BTC/USD", "--attempts", "-1"], "Must be 0 or more."),
        (["BTC/USD", "--url", "http://x"], "url: must be a URL wss://"),
        (["BTC/USD", "--url", "ws://example.com/v2"], "Use wss://; ws:// is for an exchange on"),
        (["BTC/USD", "--ca", __file__], "Name the file that the exchange's --ca-file wrote\n"),
        (["BTC/USD", "--ca", "/nowhere/ca.pem"], "No such file"),
    ],
)
def test_what_makes_no_sense_is_told_before_anything_runs(
    run: Run, words: list[str], complaint: str
) -> None:
    """On standard error, with the code for it."""
    done = run("watch", *words)
    assert (done.code, done.out) == (2, "")
    assert complaint in done.err


def test_a_host_that_never_answers_is_given_up(run: Run) -> None:
    """After as many attempts as were granted; the last failure is said."""
    done = run("watch", "BTC/USD", "--url", "ws://127.0.0.1:9/v2", "--attempts", "2")
    assert (done.code, done.out) == (2, "")
    assert "gave up after 2 attempts to connect: no connection to 127.0.0.1:9" in done.err
    assert "Traceback" not in done.err


async def test_a_connection_that_is_lost_before_the_answer_is_told_as_such(
    listening: Listening,
) -> None:
    """What ended the feed is said, not that a subscription ended with it."""
    async with listening(rate=0) as place, trio.open_nursery() as nursery:
        place.exchange.refusals["BTC/USD"] = None

        async def cut() -> None:
            while not (there := place.exchange.connections) or not there[0].requests:
                await trio.lowlevel.checkpoint()
            there[0].drop()

        nursery.start_soon(cut)
        with pytest.raises(RetriesExhausted):
            await watch("BTC/USD", attempts=1, **at(place))


async def program_with_exchange(
    start: Start, read: Callable[[subprocess.Popen[str]], object], *words: str
) -> tuple[int, object, str]:
    """Run ``watch`` as a program of its own against an exchange; give code, result and errors."""
    with trio.fail_after(60):
        async with open_exchange(seed=1, rate=500) as exchange:
            address = await exchange.listen(tls=False)
            process = start("watch", "BTC/USD", "--url", address.url, *words)
            result = await trio.to_thread.run_sync(read, process, abandon_on_cancel=True)
            code = await trio.to_thread.run_sync(process.wait, abandon_on_cancel=True)
            assert process.stderr is not None
            return code, result, process.stderr.read()


async def test_a_reader_who_left_ends_it_quietly(start: Start) -> None:
    """As ``| head -2`` does: no traceback, and the code of a broken pipe."""

    def read(process: subprocess.Popen[str]) -> list[str]:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        process.stdout.close()
        return lines

    code, lines, err = await program_with_exchange(start, read, "--json")
    assert code == 141
    assert isinstance(lines, list)
    assert all(json.loads(line)["type"] == "ticker" for line in lines)
    assert "Traceback" not in err
    assert "BrokenPipe" not in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("reads", [True, False])
async def test_a_signal_ends_it(start: Start, number: signal.Signals, reads: bool) -> None:
    """Also while it is blocked because nobody reads its output."""

    def read(process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        process.stdout.readline()
        if not reads:
            # A line has some 100,000 bytes: as soon as there is another, the pipe is full.
            select.select([process.stdout], [], [], 30)
        process.send_signal(number)

    words = ["--channel", "book", "--depth", "1000", "--json"]
    code, _, err = await program_with_exchange(start, read, *words)
    assert code == 128 + number
    assert "Traceback" not in err
    assert "Fatal" not in err

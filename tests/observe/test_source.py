"""Reading a feed from its own run of trio, from another thread, and when all is over."""

from __future__ import annotations

import threading
import time
from typing import Any, cast

import pytest
import trio
import trio.testing

from kraken_trio._internal.observe import source
from kraken_trio._internal.observe.metrics import Samples, Symbols, Watched
from kraken_trio._internal.observe.source import Source
from tests.observe.figures import Made

FEED = cast("Watched", object())


class Counting:
    """Stands for measuring: counts, and knows in which thread."""

    def __init__(self, monkeypatch: Any) -> None:
        """Count from nothing."""
        self.threads: list[int] = []
        monkeypatch.setattr(source, "measure", self.measure)

    def measure(self, feed: Watched, symbols: object) -> Samples:
        """Give how often it was asked."""
        assert feed is FEED
        assert isinstance(symbols, Symbols)
        self.threads.append(threading.get_ident())
        return {("count", ()): float(len(self.threads))}


async def test_in_its_own_run_it_is_read_at_once(monkeypatch: Any) -> None:
    """Anew each time, unless what was read last is good enough."""
    Counting(monkeypatch)
    made = Source(FEED)
    counts = [made.read(), made.read(), made.read(60), made.read(1e-9)]
    assert [each["count", ()] for each in counts] == [1, 2, 2, 3]


async def test_from_another_thread_it_is_read_where_it_belongs(monkeypatch: Any) -> None:
    """The thread waits for trio."""
    counting = Counting(monkeypatch)
    made = Source(FEED)
    found = await trio.to_thread.run_sync(made.read)
    assert found == {("count", ()): 1}
    assert counting.threads == [threading.get_ident()]


async def test_where_trio_waits_for_the_thread_it_is_given_the_last(monkeypatch: Any) -> None:
    """Neither waits for ever."""
    Counting(monkeypatch)
    made = Source(FEED, patience_s=0.01)
    first = made.read()
    found: list[Samples] = []
    thread = threading.Thread(target=lambda: found.append(made.read()))
    thread.start()
    thread.join()  # As a reader's shutdown does.
    assert found == [first]


async def test_values_that_are_old_say_so(monkeypatch: Any) -> None:
    """A feed that hangs would look as sound as it last was: when that was stands beside it."""
    moments = iter((1000.0, 2000.0))
    monkeypatch.setattr(time, "time", lambda: next(moments))
    made = Source(Made(), patience_s=0.01)
    made.read()
    found: list[Samples] = []
    thread = threading.Thread(target=lambda: found.append(made.read()))
    thread.start()
    thread.join()
    found.append(made.read())
    assert [each["kraken_read_timestamp_seconds", ()] for each in found] == [1000.0, 2000.0]
    monkeypatch.undo()


def test_when_trio_s_run_is_over_it_is_read_right_away(monkeypatch: Any) -> None:
    """Nothing changes any more."""
    counting = Counting(monkeypatch)

    async def make() -> Source:
        return Source(FEED)

    made = trio.run(make)
    assert made.read() == {("count", ()): 1}
    assert len(counting.threads) == 1


def test_another_run_of_trio_is_another_thread(monkeypatch: Any) -> None:
    """Not every run is its own."""
    Counting(monkeypatch)

    async def make() -> Source:
        return Source(FEED)

    made = trio.run(make)

    async def read() -> Samples:
        return made.read()

    assert trio.run(read) == {("count", ()): 1}


async def test_what_goes_wrong_is_of_the_thread_that_asked() -> None:
    """And not of trio's run, which it would end; whoever asks there has it too, at once."""

    class Failing:
        observers = ()

        def statistics(self) -> Any:
            raise RuntimeError("of the statistics")

    made = Source(Failing())
    with trio.fail_after(1), pytest.raises(RuntimeError, match="of the statistics"):
        await trio.to_thread.run_sync(made.read)
    with pytest.raises(RuntimeError, match="of the statistics"):
        made.read()
    await trio.testing.wait_all_tasks_blocked()

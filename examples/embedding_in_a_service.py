"""A service with a feed in it: one nursery, started and ended in order.

    python examples/embedding_in_a_service.py [--seconds S] [--live]

A simulated exchange stands in for the real one, in memory, unless ``--live`` is given. The service
answers lines over TCP on this machine: it is sent ``BTC/USD``, and says what that costs. Ctrl-C or
SIGTERM ends it.
"""

from __future__ import annotations

import argparse
import signal
import sys
from functools import partial

import trio

from kraken_trio import Feed, Gap, KrakenConfig, KrakenError, open_kraken
from kraken_trio.testing import open_exchange

PAIRS = ("BTC/USD", "ETH/USD")
MOST_BYTES = 64


async def watch_books(
    feed: Feed, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Keep the books live. ``nursery.start`` returns when all pairs are confirmed, or refused."""
    async with feed.book(*PAIRS) as books:
        task_status.started()
        async for item in books:
            if isinstance(item, Gap):
                print(f"not known for a moment: {item}")


async def answer(feed: Feed, stream: trio.SocketStream) -> None:
    """Answer one client. What is shown is verified; where that is not so, it is not shown."""
    with trio.move_on_after(10):
        symbol = (await stream.receive_some(MOST_BYTES)).decode(errors="replace").strip()
        best = feed.best_bid_ask(symbol)
        bid, ask = best if best is not None else (None, None)
        text = f"{symbol} {bid.price:f} {ask.price:f}" if bid and ask else f"{symbol} unknown"
        await stream.send_all(text.encode() + b"\n")


async def end_when_asked(scope: trio.CancelScope) -> None:
    """Cancel the service, and with it everything in its nursery, at the first signal."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for number in signals:
            print(f"{signal.Signals(number).name}: ending")
            scope.cancel()
            return


async def serve(feed: Feed, seconds: float) -> None:
    """Be the service: the books first, then the door, so that nobody is answered too early."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(end_when_asked, nursery.cancel_scope)
        await nursery.start(watch_books, feed)
        listen = partial(trio.serve_tcp, partial(answer, feed), 0, host="127.0.0.1")
        listeners: list[trio.SocketListener] = await nursery.start(listen)
        port = listeners[0].socket.getsockname()[1]
        print(f"at 127.0.0.1:{port}")
        # A client of its own, so that there is something to see.
        for symbol in (*PAIRS, "NO/PAIR"):
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                await stream.send_all(symbol.encode() + b"\n")
                print((await stream.receive_some(MOST_BYTES)).decode().strip())
        await trio.sleep(seconds)
        nursery.cancel_scope.cancel()
    # The door is shut, the subscription is left. The feed is still there: its block is around this.
    print(f"{len(feed.active_subscriptions)} subscriptions left")


async def run(seconds: float, *, live: bool) -> None:
    """Open what the service needs around it: what is opened first is closed last."""
    async with open_exchange(seed=1, rate=0 if live else 200) as exchange:
        dial = None if live else exchange.dial
        async with open_kraken(KrakenConfig.from_env(max_attempts=None), dial=dial) as feed:
            await serve(feed, seconds)
    print("ended")


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments, and run."""
    parser = argparse.ArgumentParser(description="A service with a feed in it.")
    parser.add_argument("--seconds", type=float, default=1, metavar="S", help="how long")
    parser.add_argument("--live", action="store_true", help="of the exchange itself")
    given = parser.parse_args(arguments)
    try:
        trio.run(lambda: run(given.seconds, live=given.live))
    except KrakenError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()

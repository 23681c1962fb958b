"""The commands ``orders`` and ``balances``: one's own account, live, as lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any

import trio
from cyclopts import Parameter

from kraken_trio import BalanceSnapshot, Channel, Feed, Order, Subscription
from kraken_trio._internal.apps.account import Attempts, Demo, RestUrl, Url, feed_of, reached
from kraken_trio._internal.apps.ending import IMPOSSIBLE, WELL, complain, interruptible
from kraken_trio._internal.apps.lines import Line, in_json, in_words
from kraken_trio._internal.apps.options import AsJson, Authority, Count, Seconds
from kraken_trio._internal.apps.output import Notes, Output
from kraken_trio._internal.apps.watch import Watching

Once = Annotated[bool, Parameter(negative="", show_default=False)]
"""What there is, and no more."""


@interruptible
async def orders(
    *,
    once: Once = False,
    as_json: AsJson = False,
    count: Count | None = None,
    seconds: Seconds | None = None,
    url: Url = None,
    rest: RestUrl = None,
    ca: Authority = None,
    attempts: Attempts = 10,
    demo: Demo = False,
) -> int:
    """Show your open orders, then each change of one, until Ctrl-C.

    Each line is an order as it stands: the exchange says only what has changed, and that is laid
    over what was known. After a lost connection there is a gap, then what ended meanwhile, then all
    that are open. The API key is taken from KRAKEN_API_KEY and KRAKEN_API_SECRET, in the
    environment or in a file .env, and is never shown.

    Exit code 0: it ended as asked for; 1: it was refused; 2: there was no connection, no key, or
    one that is refused.

    For example::

        kraken-trio orders
        kraken-trio orders --once --json | jq .order_id
        kraken-trio orders --demo

    Parameters
    ----------
    once
        Show the open orders, and end.
    as_json
        One JSON object a line. Prices and quantities are strings, with all their digits.
    count
        End after so many lines; gaps do not count.
    seconds
        End after so long.
    url
        Where the account is: wss://, or ws:// on this machine. KRAKEN_PRIVATE_ENDPOINT, or the
        exchange itself, unless given.
    rest
        Where tokens are fetched: https://. KRAKEN_REST, or the exchange itself, unless given.
    ca
        Trust the certificate authorities in this PEM file, and no others.
    attempts
        Attempts to connect, in a row, before giving up; 0 for ever.
    demo
        Show an account that is made up, without a key and without a network.
    """
    show = _Show(Channel.open_orders(), lambda feed: feed.orders.open, "no open orders")
    return await show.run(
        once=once,
        as_json=as_json,
        count=count,
        seconds=seconds,
        way={"url": url, "rest": rest, "ca": ca, "attempts": attempts, "demo": demo},
    )


@interruptible
async def balances(
    *,
    once: Once = False,
    as_json: AsJson = False,
    count: Count | None = None,
    seconds: Seconds | None = None,
    url: Url = None,
    rest: RestUrl = None,
    ca: Authority = None,
    attempts: Attempts = 10,
    demo: Demo = False,
) -> int:
    """Show what you hold, then each entry of the ledger, until Ctrl-C.

    Funds that open orders hold are part of it. The API key is taken from KRAKEN_API_KEY and
    KRAKEN_API_SECRET, in the environment or in a file .env, and is never shown.

    Exit code 0: it ended as asked for; 1: it was refused; 2: there was no connection, no key, or
    one that is refused.

    For example::

        kraken-trio balances --once
        kraken-trio balances --json | jq 'select(.type == "ledger_entry")'
        kraken-trio balances --demo

    Parameters
    ----------
    once
        Show what is held, and end.
    as_json
        One JSON object a line. Amounts are strings, with all their digits.
    count
        End after so many lines; gaps do not count.
    seconds
        End after so long.
    url
        Where the account is: wss://, or ws:// on this machine. KRAKEN_PRIVATE_ENDPOINT, or the
        exchange itself, unless given.
    rest
        Where tokens are fetched: https://. KRAKEN_REST, or the exchange itself, unless given.
    ca
        Trust the certificate authorities in this PEM file, and no others.
    attempts
        Attempts to connect, in a row, before giving up; 0 for ever.
    demo
        Show an account that is made up, without a key and without a network.
    """
    show = _Show(Channel.balances(), lambda feed: tuple(feed.balances.values()), "nothing is held")
    return await show.run(
        once=once,
        as_json=as_json,
        count=count,
        seconds=seconds,
        way={"url": url, "rest": rest, "ca": ca, "attempts": attempts, "demo": demo},
    )


class _Show:
    """What of an account is shown."""

    def __init__(
        self,
        channel: Channel,
        table: Callable[[Feed], Iterable[Order | BalanceSnapshot]],
        nothing: str,
    ) -> None:
        """Show ``channel``, or once what its live ``table`` has."""
        self._channel = channel
        self._table = table
        self._nothing = nothing
        self._entered = False

    async def run(
        self,
        *,
        once: bool,
        as_json: bool,
        count: int | None,
        seconds: float | None,
        way: dict[str, Any],
    ) -> int:
        """Show it; give the exit code."""
        notes = Notes()
        watching = Watching(as_json=as_json, count=count)
        async with reached(**way, say=notes.say) as found, feed_of(found) as feed:
            with trio.move_on_after(float("inf") if seconds is None else seconds) as limit:
                if once:
                    line = in_json if as_json else in_words
                    return await self._show_once(feed, line, notes)
                return await watching.run(feed, [self._channel])
        if limit.cancelled_caught and not (watching.connected or self._entered):
            complain(f"no connection within {seconds:g} s")
            return IMPOSSIBLE
        return watching.code

    async def _show_once(self, feed: Feed, line: Callable[[Line], str], notes: Notes) -> int:
        """Show what there is, as soon as all of it is known."""
        subscription: Subscription[Any] = feed.subscribe(self._channel, stream=False)
        async with subscription:
            self._entered = True
            items = tuple(self._table(feed))
        if items:
            await Output().write([*map(line, items)])
        else:
            notes.say(self._nothing)
        return WELL

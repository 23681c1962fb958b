"""A feed of one's own account for the commands that show it, and an account that is made up.

Where the key comes from is the configuration's matter; no command takes one as an option, for
command lines are seen by everybody on a machine, and remembered.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import trio
from cyclopts import Parameter

from kraken_trio import ConfigurationError, Feed, KrakenConfig, open_kraken
from kraken_trio._internal.apps.dialling import trusting
from kraken_trio._internal.apps.options import Authority, from_zero
from kraken_trio.extended import Dial, HttpRest, Rest, TcpDial

if TYPE_CHECKING:
    from kraken_trio.testing import Exchange

Url = Annotated[str | None, Parameter(name="--url")]
"""Where the account is."""
RestUrl = Annotated[str | None, Parameter(name="--rest")]
"""Where tokens are fetched."""
Attempts = Annotated[int, Parameter(validator=from_zero)]
"""To connect."""
Demo = Annotated[bool, Parameter(negative="", show_default=False)]
"""A made-up account."""

REST_VARIABLE: Final = "KRAKEN_REST"
"""What says where tokens are fetched, if no option does; ``kraken-trio exchange`` prints it."""
ROOM: Final = 20_000
"""Records that may wait to be written."""
STEP_S: Final = 0.4
"""Between two things that become of a made-up account."""
_SEED: Final = 1


class Way(NamedTuple):
    """How an account is reached."""

    config: KrakenConfig
    """With a key."""
    dial: Dial
    """Makes the connections."""
    rest: Rest | None
    """Fetches tokens; None for the exchange's own."""


@asynccontextmanager
async def reached(
    url: str | None,
    rest: str | None,
    ca: Authority,
    *,
    demo: bool,
    attempts: int = 10,
    say: Callable[[str], object],
) -> AsyncIterator[Way]:
    """Find the account that the options and the environment name, or make one up.

    Raises ``ConfigurationError``.
    """
    if demo:
        if url is not None or rest is not None or ca is not None:
            raise ConfigurationError(
                "demo", "has an exchange of its own, and was given with another", "Leave it out"
            )
        say("a simulated exchange, and an account that is made up")
        async with _made_up() as exchange:
            config = KrakenConfig(
                buffer_size=ROOM, api_key=exchange.api_key, api_secret=exchange.api_secret
            )
            yield Way(config, exchange.dial, exchange.rest)
        return
    config = configured_account(url, buffer_size=ROOM, max_attempts=attempts or None)
    if config.api_key is None:
        raise ConfigurationError(
            "api_key",
            "must be given, is missing",
            "Set KRAKEN_API_KEY and KRAKEN_API_SECRET, in the environment or in a file .env; or "
            "look at an account that is made up with --demo",
        )
    context = trusting(ca)
    where = rest or os.environ.get(REST_VARIABLE) or None
    service = None if where is None else HttpRest(where, ssl_context=context)
    yield Way(config, TcpDial(context), service)


@asynccontextmanager
async def feed_of(way: Way) -> AsyncIterator[Feed]:
    """Open a feed of it."""
    try:
        async with open_kraken(way.config, dial=way.dial, rest=way.rest) as feed:
            yield feed
    except ConfigurationError as error:
        raise for_options(error) from None


def for_options(error: ConfigurationError) -> ConfigurationError:
    """Say what is wrong of the option, rather than of the setting."""
    if error.field != "rest" or "open_kraken" not in error.mend:
        return error
    mend = f"Name it with --rest, or in {REST_VARIABLE}: no stranger is given a token"
    return ConfigurationError("rest", error.rule, mend)


def configured_account(url: str | None, **settings: Any) -> KrakenConfig:
    """The configuration of the environment, for the account at ``url`` if one is given.

    Raises ``ConfigurationError``.
    """
    given = settings if url is None else {**settings, "private_endpoint": url}
    try:
        return KrakenConfig.from_env(**given)
    except ConfigurationError as error:
        if url is None or error.field != "private_endpoint":
            raise
        mend = "Use wss://; ws:// is for an exchange on this machine"
        raise ConfigurationError("url", error.rule, mend) from None


@asynccontextmanager
async def _made_up() -> AsyncIterator[Exchange]:
    """Open a simulated exchange in memory, whose account lives."""
    # Not before it is wanted: other commands start faster without.
    from kraken_trio.testing import open_exchange  # noqa: PLC0415

    async with open_exchange(seed=_SEED) as exchange, trio.open_nursery() as nursery:
        exchange.account.deposit("USD", Decimal(250_000))
        exchange.account.deposit("BTC", Decimal(2))
        for price in (48_000, 49_000):
            exchange.account.place("BTC/USD", "buy", Decimal("0.5"), Decimal(price))
        nursery.start_soon(_live, exchange)
        yield exchange
        nursery.cancel_scope.cancel()


async def _live(exchange: Exchange) -> None:
    """Let an order come, be changed, be filled in two parts or be cancelled, again and again."""
    account, round_ = exchange.account, 0
    while True:
        await trio.sleep(STEP_S)
        round_ += 1
        side, price = ("buy", 50_000) if round_ % 2 else ("sell", 51_000)
        report, _ = account.place("BTC/USD", side, Decimal("0.2"), Decimal(price + round_ % 100))  # type: ignore[arg-type]
        await trio.sleep(STEP_S)
        account.amend(report.order_id, limit_price=Decimal(price))
        await trio.sleep(STEP_S)
        account.fill(report.order_id, Decimal("0.05"))
        await trio.sleep(STEP_S)
        if round_ % 3:
            account.fill(report.order_id)
        else:
            account.cancel(report.order_id)

"""The command ``exchange``: the simulated exchange, for any client in any language."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import trio
from cyclopts import Parameter

from kraken_trio import Channel, ConfigurationError
from kraken_trio._internal.apps.ending import interruptible
from kraken_trio._internal.apps.options import Symbols, a_port, from_zero
from kraken_trio._internal.apps.output import Notes

if TYPE_CHECKING:
    from kraken_trio.testing import Exchange, Replay

SYMBOLS_TOLD, OFFERS_TOLD = 5, 20
"""Of the market, and of a file; more are counted."""
SNAPSHOT_DELAY_S = 0.1
"""From an acknowledgement to its snapshot: the real exchange takes 0.05 to 0.2."""
QUOTE_FUNDS, BASE_FUNDS = Decimal(100_000), Decimal(10)
"""What the account begins with, so that there is something to see, and to trade with."""

_RATE, _SEED = 200.0, 1


@interruptible
async def exchange(
    *,
    port: Annotated[int, Parameter(validator=a_port)] = 0,
    symbols: Annotated[Symbols, Parameter(show_default=False)] = (),
    rate: Annotated[float | None, Parameter(validator=from_zero)] = None,
    seed: int | None = None,
    tls: bool = True,
    ca_file: Path | None = None,
    capture: Path | None = None,
    private: Annotated[bool, Parameter(negative="", show_default=False)] = False,
) -> int:
    """Run a simulated exchange for any client, until Ctrl-C.

    It speaks the exchange's WebSocket protocol v2, on this machine alone. The first line of
    standard output is its URL. Who comes, what they subscribe to and why they leave is told on
    standard error.

    With TLS, clients have to trust the authority that signed the certificate: it is written to
    --ca-file, or to a file that is gone at the end.

    For example::

        kraken-trio exchange --port 8443 --ca-file ca.pem
        kraken-trio watch BTC/USD --url wss://localhost:8443/v2 --ca ca.pem
        kraken-trio exchange --no-tls --symbols BTC/USD ABC/XYZ --rate 500
        kraken-trio exchange --capture capture.jsonl
        kraken-trio exchange --port 8443 --private

    Parameters
    ----------
    port
        Where it listens; 0 takes any that is free.
    symbols
        Which pairs; any that look like BTC/USD. Five usual ones unless given.
    rate
        Steps of the market a second; 0 for none. 200 unless given.
    seed
        Another one, another market. 1 unless given.
    tls
        Whether it speaks TLS.
    ca_file
        Where the certificate of the authority is written, in PEM.
    capture
        Play this file of captured frames to each client that subscribed to all that is in it,
        instead of a made-up market.
    private
        Open the hosts for accounts, for order-by-order books and for REST, too, at the ports
        behind --port: their URLs, and a key made for tests, follow the first line. The account
        begins with 100,000 of each quote currency, and 10 of every other asset.
    """
    if ca_file is not None and not tls:
        raise ConfigurationError("ca-file", "has no sense with --no-tls", "Leave one of them out")
    async with _opened(symbols, rate, seed, capture) as (doors, what):
        address = await doors.listen(tls=tls, port=port)
        more = await _private(doors, tls=tls, port=port) if private else {}
        with _written(address.ca_pem, ca_file) as authority:
            print("\n".join([address.url, *map("=".join, more.items())]), flush=True)
            say = Notes().say
            say(what)
            if authority is not None:
                say(f"clients have to trust the certificate in {authority}")
            doors.witness = say
            await trio.sleep_forever()
    raise AssertionError("it runs until it is cancelled")


@asynccontextmanager
async def _opened(
    symbols: tuple[str, ...], rate: float | None, seed: int | None, capture: Path | None
) -> AsyncIterator[tuple[Exchange | Replay, str]]:
    """Open the exchange that is asked for; give it, and what it is in words."""
    # Not before it is wanted: other commands start faster without.
    from kraken_trio.testing import (  # noqa: PLC0415
        USUAL_PAIRS,
        ExchangeRules,
        Market,
        market_pairs,
        open_exchange,
        open_replay,
    )

    if capture is not None:
        if symbols or rate is not None or seed is not None:
            raise ConfigurationError(
                "capture",
                "stands for a market of its own, and was given with symbols, rate or seed",
                "Leave these out",
            )
        async with open_replay(capture) as replay:
            offers = ", ".join(replay.offers[:OFFERS_TOLD]) + _more(len(replay.offers), OFFERS_TOLD)
            yield replay, f"it plays {capture} to who is subscribed to all of: {offers}"
        return
    seed = _SEED if seed is None else seed
    rate = _RATE if rate is None else rate
    pairs = market_pairs(Channel.trades(*symbols).symbols) if symbols else USUAL_PAIRS
    market = Market(pairs, seed=seed, start=time.time_ns())
    # Of its one user it would ban all programs together.
    rules = ExchangeRules(max_attempts=None, snapshot_delay_s=SNAPSHOT_DELAY_S)
    async with open_exchange(market, seed=seed, rate=rate, rules=rules) as simulated:
        bases, quotes = zip(*(symbol.split("/") for symbol in market.symbols), strict=True)
        for asset in dict.fromkeys((*quotes, *bases)):
            simulated.account.deposit(asset, QUOTE_FUNDS if asset in quotes else BASE_FUNDS)
        names = " ".join(market.symbols[:SYMBOLS_TOLD])
        more = _more(len(market.symbols), SYMBOLS_TOLD)
        yield simulated, f"a made-up market of {names}{more}: {rate:g} steps a second, seed {seed}"


async def _private(doors: Exchange | Replay, *, tls: bool, port: int) -> dict[str, str]:
    """Open the other hosts; give what a program needs for them, by the names of its settings."""
    ports = [port + number if port else 0 for number in (1, 2, 3)]
    account = await doors.listen(tls=tls, port=ports[0], door="private")
    orders = await doors.listen(tls=tls, port=ports[1], door="level3")
    rest = await doors.listen_rest(tls=tls, port=ports[2])
    return {
        "KRAKEN_PRIVATE_ENDPOINT": account.url,
        "KRAKEN_LEVEL3_ENDPOINT": orders.url,
        "KRAKEN_REST": rest.url,
        "KRAKEN_API_KEY": doors.api_key,
        "KRAKEN_API_SECRET": doors.api_secret,
    }


@contextmanager
def _written(ca_pem: bytes | None, ca_file: Path | None) -> Iterator[Path | None]:
    """Write the certificate to trust to a file; give that."""
    if ca_pem is None:
        yield None
    elif ca_file is not None:
        ca_file.write_bytes(ca_pem)
        yield ca_file
    else:
        with tempfile.TemporaryDirectory(prefix="kraken-trio-") as folder:
            path = Path(folder) / "ca.pem"
            path.write_bytes(ca_pem)
            yield path


def _more(count: int, told: int) -> str:
    return f" and {count - told} more" if count > told else ""

"""The command ``dashboard``: a feed, shown in a browser."""

from __future__ import annotations

import ipaddress
import math
from typing import Annotated

import trio
from cyclopts import Parameter

from kraken_trio import ConfigurationError
from kraken_trio._internal.apps.ending import WELL, interruptible
from kraken_trio._internal.apps.options import PUBLIC_URL, Authority, Seconds, a_port
from kraken_trio._internal.apps.origin import chosen_pairs, open_origin
from kraken_trio._internal.apps.pairs import Pairs

HOST = "127.0.0.1"
PORT = 3032

INSTALL = 'Install it: pip install "kraken-trio[dashboard]"'


@interruptible
async def dashboard(
    *symbols: str,
    demo: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    url: str = PUBLIC_URL,
    port: Annotated[int, Parameter(validator=a_port)] = PORT,
    host: str = HOST,
    seed: int = 1,
    seconds: Seconds = math.inf,
    ca: Authority = None,
) -> int:
    """Show a feed in a browser, until Ctrl-C.

    Prices, order books, trades, candles, latencies, what the connection does and what is missed.
    Without pairs it begins with BTC/USD, ETH/USD and SOL/USD; the page takes up to 5. It says
    which feed it is: the exchange's, or with ``--demo`` a market that is made up here, which can
    be broken by buttons. All browsers share one feed, and it subscribes to what they show.

    Nobody but this machine reaches it, unless ``--host`` lets them: there is no password.

    Exit code 2: it could not run. Needs the extra dashboard.

    For example::

        kraken-trio dashboard --demo
        kraken-trio dashboard BTC/USD ETH/EUR --port 8080

    Parameters
    ----------
    symbols
        Pairs to begin with, 5 at most.
    demo
        Show a market that is made up on this machine, and break it by buttons.
    url
        Which exchange: wss://, or ws:// on this machine.
    port
        Where; 0 for any that is free.
    host
        Of which address of this machine; 0.0.0.0 for all.
    seed
        With --demo: another one, another market.
    seconds
        End after so long.
    ca
        Trust the certificate authorities in this PEM file, and no others.
    """
    chosen = chosen_pairs(symbols)
    try:
        # Not before it is wanted: an extra, and other commands start faster without.
        from kraken_trio._internal.apps.dashboard.board import Board  # noqa: PLC0415
        from kraken_trio._internal.apps.dashboard.guard import Guard  # noqa: PLC0415
        from kraken_trio._internal.apps.dashboard.pages import Pages  # noqa: PLC0415
        from kraken_trio._internal.apps.dashboard.server import open_server  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            "dashboard", f"needs {error.name}, which is not installed", INSTALL
        ) from error
    async with (
        open_origin(chosen, demo=demo, url=url, ca=ca, seed=seed) as origin,
        trio.open_nursery() as nursery,
    ):
        board = Board(origin, Pairs(origin.feed, origin.view, nursery), chosen)
        app = Guard(Pages(board).app(), names=[host])
        async with open_server(app, host, port) as bound:
            print(f"dashboard at {address(host, bound)}", flush=True)
            made_up = ", the market is made up" if demo else ""
            print(f"{origin.label}: {origin.url}{made_up}", flush=True)
            await trio.sleep(seconds)
        nursery.cancel_scope.cancel()
    return WELL


def address(host: str, port: int) -> str:
    """Where a browser on this machine finds it."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return f"http://{host}:{port}/"
    if ip.is_unspecified:
        return f"http://localhost:{port}/"
    return f"http://[{ip}]:{port}/" if ip.version == 6 else f"http://{ip}:{port}/"  # noqa: PLR2004

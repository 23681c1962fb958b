"""The command line: which commands there are, and how it talks about itself."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from functools import partial
from importlib import metadata

from cyclopts import App, CycloptsError

from kraken_trio._internal.apps.completion import completion_of
from kraken_trio._internal.apps.dashboard.command import dashboard
from kraken_trio._internal.apps.demo import demo
from kraken_trio._internal.apps.doctor import doctor
from kraken_trio._internal.apps.ending import IMPOSSIBLE, WELL, complain, ended
from kraken_trio._internal.apps.exchange import exchange
from kraken_trio._internal.apps.export import export
from kraken_trio._internal.apps.help import TwoColumns
from kraken_trio._internal.apps.incident import incident
from kraken_trio._internal.apps.orders import balances, orders
from kraken_trio._internal.apps.record import record
from kraken_trio._internal.apps.replay import replay
from kraken_trio._internal.apps.token import token
from kraken_trio._internal.apps.top import top
from kraken_trio._internal.apps.verify import verify
from kraken_trio._internal.apps.watch import watch

HELP = """Market data from Kraken's WebSocket API, verified.

Try it, without an account and without a network::

    kraken-trio demo

Then with the exchange itself::

    kraken-trio doctor
    kraken-trio watch BTC/USD ETH/USD

Your account, with an API key in the environment or in a file .env::

    kraken-trio token --check
    kraken-trio orders
    kraken-trio balances --once

Then with a program of your own, against an exchange of your own::

    kraken-trio exchange --port 8443 --ca-file ca.pem

Each command explains itself: kraken-trio watch --help
"""
CODES = """Exit codes:
  0    all is well
  1    what was looked at is not
  2    it could not be looked at, or the command line makes no sense
  130  Ctrl-C ended it (143: SIGTERM did)
  141  nobody reads the output any more"""


def version() -> str:
    """What was installed, and what it runs on."""
    python = f"Python {platform.python_version()}"
    return (
        f"kraken-trio {metadata.version('kraken-trio')} ({python}, trio {metadata.version('trio')})"
    )


app = App(
    name="kraken-trio",
    help=HELP,
    help_epilogue=CODES,
    help_format="plaintext",
    help_formatter=TwoColumns(),
    version=version,
    version_format="plaintext",
    backend="trio",
    suppress_keyboard_interrupt=False,  # ``ended`` knows what to do with it.
)
public = (demo, top, dashboard, watch, record, verify, replay, export)
for command in (*public, orders, balances, token, exchange, doctor):
    app.command(command)
app.command(incident)
app.command(completion_of(app), name="--install-completion")


def run(words: Sequence[str] | None = None) -> int:
    """Run the command line: ``words``, or what the program was started with."""
    return ended(partial(_run, sys.argv[1:] if words is None else list(words)))


def _run(words: list[str]) -> int:
    try:
        result = app(words, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        complain(f"{error}".strip())
        command = " ".join(("kraken-trio", *(error.command_chain or ())))
        print(f"  {command} --help  shows what there is", file=sys.stderr)
        return IMPOSSIBLE
    return result if isinstance(result, int) else WELL

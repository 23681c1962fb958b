"""The command ``token``: where the API key comes from, and whether the exchange takes it.

No character of a key, a secret or a token is shown, ever: that is what this command is for.
"""

from __future__ import annotations

import json
import os
from typing import Annotated, Any

from cyclopts import Parameter

from kraken_trio import AuthenticationError, ConfigurationError
from kraken_trio._internal.apps.account import (
    Demo,
    RestUrl,
    Url,
    for_options,
    reached,
)
from kraken_trio._internal.apps.ending import WELL, WRONG, interruptible
from kraken_trio._internal.apps.options import AsJson, Authority
from kraken_trio._internal.apps.output import Notes
from kraken_trio._internal.apps.text import shown
from kraken_trio.extended import check_key

_compact = json.JSONEncoder(separators=(",", ":")).encode

Check = Annotated[bool, Parameter(negative="", show_default=False)]
"""Ask the exchange."""


@interruptible
async def token(
    *,
    check: Check = False,
    as_json: AsJson = False,
    url: Url = None,
    rest: RestUrl = None,
    ca: Authority = None,
    demo: Demo = False,
) -> int:
    """Say where the API key comes from; with --check, whether the exchange gives a token for it.

    A token is what private sessions begin with. The one that is fetched here is not shown, not
    kept and not used; no character of a key or a secret is shown either.

    Exit code 0: there is a key, and with --check it is good; 1: it is refused; 2: there is none, it
    cannot be one, or the exchange cannot be asked.

    For example::

        kraken-trio token
        kraken-trio token --check

    Parameters
    ----------
    check
        Ask the exchange for a token, once.
    as_json
        One JSON object.
    url
        Where the account is, if not at the exchange itself; KRAKEN_PRIVATE_ENDPOINT unless given.
    rest
        Where tokens are fetched: https://. KRAKEN_REST, or the exchange itself, unless given.
    ca
        Trust the certificate authorities in this PEM file, and no others.
    demo
        Use the key of a simulated exchange, without a network.
    """
    async with reached(url, rest, ca, demo=demo, say=Notes().say) as way:
        told: dict[str, Any] = {"type": "token", "key_from": _source(demo=demo), "checked": check}
        if check:
            try:
                told |= {"ok": True, "life_s": await check_key(way.config, rest=way.rest)}
            except AuthenticationError as error:
                told |= {"ok": False, "reason": error.reason, "mend": error.mend}
            except ConfigurationError as error:
                raise for_options(error) from None
    print(_compact(told) if as_json else shown(_in_words(told)))
    return WELL if told.get("ok", True) else WRONG


def _source(*, demo: bool) -> str:
    """Where the key comes from."""
    if demo:
        return "the simulated exchange"
    there = [bool(os.environ.get(name)) for name in ("KRAKEN_API_KEY", "KRAKEN_API_SECRET")]
    if all(there):
        return "the environment"
    return "the environment and the file .env" if any(there) else "the file .env"


def _in_words(told: dict[str, Any]) -> str:
    words = f"there is a key and its secret, from {told['key_from']}; neither is shown"
    match told:
        case {"ok": True}:
            return f"{words}: a token was given, good for {told['life_s']} s"
        case {"ok": False}:
            return f"{words}: REFUSED, {told['reason']}. {told['mend']}"
        case _:
            return f"{words}; --check asks the exchange"

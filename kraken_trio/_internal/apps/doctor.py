"""The command ``doctor``: what works between here and the exchange, and what to do."""

from __future__ import annotations

from kraken_trio import Channel, KrakenError
from kraken_trio._internal.apps.checkup import Checkup, why_it_ended
from kraken_trio._internal.apps.dialling import trusting
from kraken_trio._internal.apps.ending import WELL, WRONG, interruptible
from kraken_trio._internal.apps.options import PUBLIC_URL, Authority, Seconds, configured
from kraken_trio._internal.apps.probes import target_of
from kraken_trio._internal.apps.text import shown


@interruptible
async def doctor(
    *,
    url: str = PUBLIC_URL,
    symbol: str = "BTC/USD",
    timeout: Seconds = 10.0,  # noqa: ASYNC109 - of each step, as its user gives it
    ca: Authority = None,
) -> int:
    """Find out what works between here and the exchange, and what to do about what does not.

    Seven steps: the look-up of the name, TCP, TLS, the upgrade to a WebSocket, the exchange's
    status, the book of one pair with its checksum, and how far this machine's clock is off.

    Exit code 0: all of them work; 1: one does not; 2: the question makes no sense.

    For example::

        kraken-trio doctor
        kraken-trio doctor --url wss://localhost:8443/v2 --ca ca.pem

    Parameters
    ----------
    url
        Which exchange: wss://, or ws:// on this machine.
    symbol
        Whose book is asked for.
    timeout
        Seconds for each step.
    ca
        Trust the certificate authorities in this PEM file, and no others.
    """
    # One attempt: what fails is to be seen, not mended.
    config = configured(url, timeout=2 * timeout, max_attempts=1)
    checkup = Checkup(config, Channel.book(symbol), timeout)
    target = target_of(url, trusting(ca))
    print(shown(url), flush=True)
    try:
        await checkup.run(target)
    except KrakenError as error:  # The feed may end in the middle of any step.
        checkup.fail(why_it_ended(error))
    checkup.skip_the_rest()
    return WRONG if checkup.failed else WELL

"""The steps from here to a host, one at a time: its name, TCP, TLS; and the words for a failure.

The feed does these in one go, and tells only what went wrong; here each is timed by itself. What
comes after TLS is the feed's.
"""

from __future__ import annotations

import socket
import ssl
from typing import NamedTuple
from urllib.parse import urlsplit

import trio

ADDRESSES_TOLD = 3
"""Of a name; more are counted."""


class Failure(Exception):
    """A step failed: in words, with what to do about it."""

    def __init__(self, words: str, mend: str) -> None:
        """Say what is wrong, and what to do."""
        super().__init__(words)
        self.words = words
        """What is wrong."""
        self.mend = mend
        """What to do."""


class Target(NamedTuple):
    """Where to."""

    host: str
    """Name or address."""
    port: int
    """Number."""
    context: ssl.SSLContext | None
    """For TLS; None where there is none."""


def target_of(url: str, context: ssl.SSLContext) -> Target:
    """Where a URL leads that a configuration has accepted."""
    parts = urlsplit(url)
    tls = parts.scheme.lower() == "wss"
    usual = 443 if tls else 80
    return Target(parts.hostname or "", parts.port or usual, context if tls else None)


async def look_up(target: Target) -> str:
    """Look up the name; give its addresses in words."""
    try:
        found = await trio.socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise Failure(
            f"{target.host} cannot be looked up: {error.strerror}",
            "Check the spelling of the host, the network, and the name servers of this machine",
        ) from error
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    more = len(addresses) - ADDRESSES_TOLD
    return ", ".join(addresses[:ADDRESSES_TOLD]) + (f" and {more} more" if more > 0 else "")


async def connect(target: Target) -> trio.SocketStream:
    """Connect. Raises ``Failure``."""
    try:
        return await trio.open_tcp_stream(target.host, target.port)
    except OSError as error:
        causes = getattr(error.__cause__, "exceptions", None) or (error,)
        reasons = "; ".join(dict.fromkeys(_reason(cause) for cause in causes))
        raise Failure(
            f"port {target.port} does not answer: {reasons}",
            "Check the port; a firewall or a proxy may be in the way",
        ) from error


async def secure(
    host: str, context: ssl.SSLContext, tcp: trio.SocketStream
) -> trio.SSLStream[trio.SocketStream]:
    """Agree on TLS over ``tcp``, with who proves to be ``host``. Raises ``Failure``."""
    stream = trio.SSLStream(tcp, context, server_hostname=host, https_compatible=True)
    try:
        await stream.do_handshake()
    except trio.BrokenResourceError as error:
        match error.__cause__:
            case ssl.SSLCertVerificationError() as refusal:
                raise Failure(
                    f"the certificate is not accepted: {refusal.verify_message}",
                    "For an exchange of your own, name its authority with --ca; else check this "
                    "machine's clock and certificates, or whether somebody is in between",
                ) from error
            case ssl.SSLError() as failure:
                raise Failure(
                    f"no TLS: {failure.reason or failure}",
                    "The port may speak no TLS at all: check it, or use ws:// on this machine",
                ) from error
            case _:
                raise Failure(
                    "the host hung up in the middle of the handshake",
                    "A firewall or a proxy may be in the way",
                ) from error
    return stream


def described(stream: trio.SSLStream[trio.SocketStream]) -> str:
    """What TLS was agreed upon, and until when the certificate is good."""
    certificate = stream.getpeercert()
    return f"{stream.version()}, certificate good until {certificate['notAfter']}"


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error)

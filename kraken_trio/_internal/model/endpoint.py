"""Where to connect: the one place that takes a WebSocket URL apart.

Whoever checks a URL and whoever dials it must read it alike, or a URL that looks local to the
one leads elsewhere with the other. So it is parsed once, here, by a pattern that names what is
allowed; what a lenient parser would still make sense of is refused.
"""

from __future__ import annotations

import ipaddress
import re

from msgspec import Struct

from kraken_trio._internal.model.errors import ConfigurationError

# No user, no query and no fragment: those hold credentials, or hide the host. No trailing dot,
# no percent sign and nothing beyond ASCII in the host, so that it has one spelling.
_URL = re.compile(
    r"(?P<scheme>wss?)://"
    r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?))"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[a-z0-9._~!$&'()*+,;=:@%/-]*)?",
    re.ASCII | re.IGNORECASE,
)
_PORTS = range(1, 65536)
_LOOPBACK_V4 = ipaddress.IPv4Network("127.0.0.0/8")
_LOOPBACK_V6 = ipaddress.IPv6Address("::1")


class Endpoint(Struct, frozen=True):
    """A WebSocket URL, taken apart."""

    host: str
    """Name or address, in lower case; an IPv6 address without its brackets."""
    port: int
    """443 for ``wss`` and 80 for ``ws`` where the URL has none."""
    path: str
    """Starts with a slash."""
    tls: bool
    """Whether the scheme is ``wss``."""

    @property
    def loopback(self) -> bool:
        """Whether the bytes stay on this machine: 127.0.0.0/8, ::1, localhost.

        Other spellings that some resolvers take for these, such as ``127.1``, do not count.
        """
        if self.host == "localhost":
            return True
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return address == _LOOPBACK_V6 or address in _LOOPBACK_V4

    def __str__(self) -> str:
        """The URL, with its port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'wss' if self.tls else 'ws'}://{host}:{self.port}{self.path}"


def parse_endpoint(
    url: object, *, field: str = "endpoint", allow_insecure: bool = False
) -> Endpoint:
    """Take a URL apart: ``wss://``, or ``ws://`` to this machine or with ``allow_insecure``.

    Raises ``ConfigurationError`` about ``field`` for anything else. The error never shows the
    URL: a refused one may hold credentials.
    """
    found = _URL.fullmatch(url) if isinstance(url, str) else None
    if found is None:
        raise ConfigurationError(
            field=field,
            rule="must be a URL wss://host[:port][/path], without user, query and fragment",
            mend="Write it like wss://ws.kraken.com/v2",
        )
    tls = found["scheme"].lower() == "wss"
    port = int(found["port"] or (443 if tls else 80))
    if port not in _PORTS:
        raise ConfigurationError(
            field=field,
            rule=f"must have a port from 1 to 65535, has {port}",
            mend="Leave the port out to use the usual one",
        )
    if found["v6"] is not None:
        try:
            ipaddress.IPv6Address(found["v6"])
        except ValueError:
            raise ConfigurationError(
                field=field,
                rule="must have an IPv6 address between its brackets",
                mend="Write it like ws://[::1]:8080/v2",
            ) from None
    endpoint = Endpoint(
        host=(found["v6"] or found["name"]).lower(), port=port, path=found["path"] or "/", tls=tls
    )
    if not (tls or endpoint.loopback or allow_insecure):
        raise ConfigurationError(
            field=field,
            rule="must be wss://, since the host is not this machine",
            mend="Use wss://, or set allow_insecure=True to send everything in the clear",
        )
    return endpoint

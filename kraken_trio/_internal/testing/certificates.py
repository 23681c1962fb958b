"""Certificates for a server on this machine, made on the spot and trusted by nobody else.

Knows who makes them; imports it only when asked, for it comes with an extra.
"""

from __future__ import annotations

import ssl
from typing import NamedTuple

from kraken_trio._internal.model.errors import ConfigurationError

HOST, LOOPBACK = "localhost", "127.0.0.1"
"""Whom the certificate is for."""


class Contexts(NamedTuple):
    """The two ends of TLS, and what they have in common."""

    server: ssl.SSLContext
    """Shows the certificate."""
    client: ssl.SSLContext
    """Trusts who signed it and nobody else; verifies it and the name, from TLS 1.2 on."""
    ca_pem: bytes
    """Who signed it, in PEM: for clients in other programs."""


def make_contexts() -> Contexts:
    """Make a certificate and what verifies it.

    ``ConfigurationError`` where trustme is not installed.
    """
    try:
        import trustme  # noqa: PLC0415 - an extra: only if asked
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            field="tls",
            rule="needs the package trustme for a certificate, which is not installed",
            mend='Install it with  pip install "kraken-trio[testing]"  or use tls=False',
        ) from error
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST, LOOPBACK).configure_cert(server)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.minimum_version = ssl.TLSVersion.TLSv1_2
    authority.configure_trust(client)
    return Contexts(server, client, authority.cert_pem.bytes())

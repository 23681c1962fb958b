"""Connecting to an exchange whose certificate the system does not know.

A simulated exchange signs its own certificate, and writes who signed it to a file.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from kraken_trio import ConfigurationError


def trusting(authority: Path | None) -> ssl.SSLContext:
    """A context that trusts the authorities of this file and nobody else; without one, the
    system's. From TLS 1.2 on.

    Raises ``OSError`` where the file cannot be read, ``ConfigurationError`` where it has none.
    """
    try:
        context = ssl.create_default_context(cafile=authority)
    except ssl.SSLError as error:
        raise ConfigurationError(
            field="ca",
            rule=f"must be a file of certificates in PEM, {authority} holds none",
            mend="Name the file that the exchange's --ca-file wrote",
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context

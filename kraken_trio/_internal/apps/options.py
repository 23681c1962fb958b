"""Options that several commands have, and what their values must satisfy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from kraken_trio import ConfigurationError, KrakenConfig

PUBLIC_URL = KrakenConfig().endpoint
"""The exchange itself."""
PROTOCOL = KrakenConfig().protocol
"""What it is spoken to in."""


_PORTS = range(65536)


def above_zero(kind: object, value: float | None) -> None:  # noqa: ARG001 - as cyclopts calls it
    """Refuse 0, less, and what is no number; ``inf`` is for ever."""
    if value is not None and not value > 0:
        raise ValueError("Must be above 0.")


def from_zero(kind: object, value: float | None) -> None:  # noqa: ARG001 - as cyclopts calls it
    """Refuse less than 0, and what is no finite number."""
    if value is not None and not 0 <= value < float("inf"):
        raise ValueError("Must be 0 or more.")


def a_port(kind: object, value: int) -> None:  # noqa: ARG001 - as cyclopts calls it
    """Refuse what is no port: the system would take 70000 for 4464."""
    if value not in _PORTS:
        raise ValueError("Must be from 0 to 65535.")


Seconds = Annotated[float, Parameter(validator=above_zero)]
"""How long."""
Count = Annotated[int, Parameter(validator=above_zero)]
"""How many, at least one."""
Symbols = Annotated[
    tuple[str, ...], Parameter(consume_multiple=True, negative=(), show_default=" ".join)
]
"""Pairs: one option takes several, and may be repeated."""
AsJson = Annotated[bool, Parameter(name="--json", negative=(), show_default=False)]
"""For programs to read."""
Authority = Annotated[Path | None, Parameter(name="--ca")]
"""Who signed its certificate."""


def configured(url: str, **settings: Any) -> KrakenConfig:
    """A configuration for the exchange at ``url``; what is wrong with that is said of the option.

    Raises ``ConfigurationError``.
    """
    try:
        return KrakenConfig(endpoint=url, **settings)
    except ConfigurationError as error:
        if error.field != "endpoint":
            raise
        mend = error.mend
        if "allow_insecure" in mend:  # Which is for programs, and no option of a command.
            mend = "Use wss://; ws:// is for an exchange on this machine"
        raise ConfigurationError("url", error.rule, mend) from None

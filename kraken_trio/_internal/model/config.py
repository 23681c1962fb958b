"""Everything that can be set, in one flat frozen class, checked when it is made.

Knows each setting's default and bounds, the presets, and which settings may stand in the
environment or in a ``.env`` file. Imports nothing that acts on a setting. All times are
seconds; they may be fractions, and none is a price or a quantity.
"""

from __future__ import annotations

import enum
import importlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import attrs

from kraken_trio._internal.model.endpoint import parse_endpoint
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.gap import GapHandling, GapPolicy
from kraken_trio._internal.model.rules import (
    api_key_text,
    base64_text,
    count,
    flag,
    folder,
    folder_text,
    member,
    number,
    seconds,
    secret,
)
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.model.traits import PROTOCOLS, Traits

PUBLIC_ENDPOINT = "wss://ws.kraken.com/v2"
"""Public market data."""
PRIVATE_ENDPOINT = "wss://ws-auth.kraken.com/v2"
"""Own account, and trading."""
LEVEL3_ENDPOINT = "wss://ws-l3.kraken.com/v2"
"""The order-by-order book; a host of its own since December 2025."""
OWN_ENDPOINTS = {
    "endpoint": {"v2": PUBLIC_ENDPOINT, "v1": "wss://ws.kraken.com/"},
    "private_endpoint": {"v2": PRIVATE_ENDPOINT, "v1": "wss://ws-auth.kraken.com/"},
}
"""Those of the exchange, by field and protocol: it is the path that chooses one."""

DEFAULT_ENV_FILE = ".env"
"""Read by ``KrakenConfig.from_env`` where it exists."""


class DropPolicy(enum.Enum):
    """What happens to a record for which a subscription's channel has no room."""

    OLDEST = "oldest"
    """The oldest record makes room: for displays, which want the present."""
    LATEST = "latest"
    """The record itself is refused: for audits, which want no hole before the end."""
    COALESCE = "coalesce"
    """Updates of one symbol are merged; trades never are."""
    BLOCK = "block"
    """Nothing is dropped: reading stops until there is room, on a connection of its own."""


def _drop_policy(value: DropPolicy | str) -> DropPolicy:
    """Convert ``drop_policy``."""
    return member("drop_policy", DropPolicy, value)


def _gap_policy(value: GapPolicy | str) -> GapPolicy:
    """Convert ``gap_policy``."""
    return member("gap_policy", GapPolicy, value)


def _known(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check ``protocol``."""
    if not (isinstance(value, str) and value in PROTOCOLS):
        raise ConfigurationError(
            field=attribute.name,
            rule=f"must be one of {', '.join(PROTOCOLS)}; this one is not",
            mend="Choose one of these, or leave it out for the default",
        )


MOST_READ_WINDOW = 0.1
"""Pongs wait for it, too, and so does closing."""


@attrs.frozen(kw_only=True)
class KrakenConfig:
    """All settings of a feed. Times are seconds; every field has a default.

    A wrong value raises ``ConfigurationError`` with the field, its rule and the mend.
    """

    protocol: str = attrs.field(default="v2", validator=_known)
    """``v2``, or the older ``v1``, which knows less: no instruments, no numbers of trades, no books
    of orders, and no way to place any."""
    endpoint: str = PUBLIC_ENDPOINT
    """Public market data: ``wss://``; ``ws://`` only to this machine or with
    ``allow_insecure``. Where it is the exchange's own, it follows the protocol."""
    private_endpoint: str = PRIVATE_ENDPOINT
    """Own account and trading; likewise."""
    level3_endpoint: str = LEVEL3_ENDPOINT
    """The order-by-order book; likewise."""
    allow_insecure: bool = attrs.field(default=False, validator=flag)
    """Whether ``ws://`` may leave this machine. Everybody on the way can then read and change
    what is sent, tokens too."""
    api_key: Secret | None = attrs.field(default=None, converter=secret, validator=api_key_text)
    """Public half of the API key; together with ``api_secret`` or not at all. Give the text."""
    api_secret: Secret | None = attrs.field(default=None, converter=secret, validator=base64_text)
    """Private half of the API key, base64. Give the text."""
    timeout: float = attrs.field(default=30.0, validator=seconds)
    """For connecting, and for the answer to a request."""
    buffer_size: int = attrs.field(default=1024, validator=count("a whole number above 0", 1))
    """Entries of an ``events()`` stream, and of the queue of callbacks."""
    concurrent_callbacks: bool = attrs.field(default=False, validator=flag)
    """Whether several asynchronous callbacks for one type run at once, or one after another."""

    max_attempts: int | None = attrs.field(
        default=10, validator=count("a whole number above 0, or None", 1, optional=True)
    )
    """Attempts to connect before giving up, None for ever. Those while the exchange is in
    maintenance, or answers 503, do not count."""
    initial_delay: float = attrs.field(default=0.1, validator=seconds)
    """Before the first new attempt; at most ``max_delay``."""
    max_delay: float = attrs.field(default=30.0, validator=seconds)
    """The longest between two attempts."""
    multiplier: float = attrs.field(
        default=2.0, validator=number("a number above 1", lambda value: value > 1)
    )
    """By how much the delay grows from one attempt to the next."""
    jitter: float = attrs.field(
        default=0.25, validator=number("a number from 0 to 1", lambda value: 0 <= value <= 1)
    )
    """How far a delay is spread by chance, as a share of it."""
    budget: int = attrs.field(default=150, validator=count("a whole number above 0", 1))
    """Attempts to connect to one host per ``budget_window``, by everything in this program: the
    exchange bans an address that makes more."""
    budget_window: float = attrs.field(default=600.0, validator=seconds)
    """The rolling window of ``budget``."""

    heartbeat_interval: float = attrs.field(default=30.0, validator=seconds)
    """Between two pings."""
    heartbeat_timeout: float = attrs.field(default=10.0, validator=seconds)
    """For the pong to each."""
    stale_after: float = attrs.field(default=5.0, validator=seconds)
    """Without any frame for so long, the connection is probed; a warning comes at 80 %."""
    silent_after: float = attrs.field(
        default=60.0,
        validator=number("a number of seconds from 0 on", lambda value: value >= 0),
    )
    """Without any message of a book, or of a ticker of the best levels, for so long while the
    connection lives, that symbol alone is subscribed to anew, to see whether its market is quiet
    or something is kept from us; 0 for never. Five times as long for trades, candles and other
    tickers, sixty times for instruments. What stays quiet is probed ever more rarely."""

    read_window: float = attrs.field(
        default=0.0,
        validator=number(
            "a number of seconds from 0 to 0.1", lambda value: 0 <= value <= MOST_READ_WINDOW
        ),
    )
    """How long what comes quickly, message by message, is let gather before it is read: to wake up
    costs more than a message. 0 reads at once. It is done by ``TcpDial``, below TLS; a ``Dial`` of
    your own gathers or does not."""
    max_messages_per_second: int = attrs.field(
        default=0, validator=count("a whole number from 0 on", 0)
    )
    """Records that the consumer of a subscription is given in a second; 0 for no limit."""
    max_queue_depth: int = attrs.field(default=500, validator=count("a whole number above 0", 1))
    """Records of one subscription's channel. Of books it has room for one a symbol at least, for
    that is what it begins with, before anybody can receive."""
    drop_policy: DropPolicy = attrs.field(default=DropPolicy.OLDEST, converter=_drop_policy)
    """What happens when that is full; a ``DropPolicy`` or its word."""
    coalesce_window: float = attrs.field(
        default=0.01,
        validator=number("a number of seconds from 0 on", lambda value: value >= 0),
    )
    """How long records are gathered before the consumer of a quiet subscription is given them,
    with ``DropPolicy.COALESCE``; 0 for not at all."""

    gap_policy: GapPolicy = attrs.field(default=GapPolicy.RESYNC, converter=_gap_policy)
    """What happens after a loss; a ``GapPolicy`` or its word."""
    max_gap: int = attrs.field(default=100, validator=count("a whole number above 0", 1))
    """The widest gap that ``GapPolicy.BUFFER`` waits to see filled."""
    max_pending: int = attrs.field(default=1000, validator=count("a whole number above 0", 1))
    """Records that it, or ``backfill``, holds back meanwhile."""
    pending_timeout: float = attrs.field(default=30.0, validator=seconds)
    """How long they wait."""
    backfill: bool = attrs.field(default=False, validator=flag)
    """Whether missed trades are fetched over REST, however many they are, whatever the policy.
    That needs ``pip install "kraken-trio[rest]"``."""

    incidents: str | None = attrs.field(default=None, converter=folder, validator=folder_text)
    """A folder for incident bundles: what there is to know of each wrong checksum, faulty frame or
    burst of gaps, as a file; none unless given."""

    def __attrs_post_init__(self) -> None:
        """Check what concerns more than one field."""
        for field, own in OWN_ENDPOINTS.items():
            if getattr(self, field) in own.values():
                object.__setattr__(self, field, own[self.protocol])
        for field in ("endpoint", "private_endpoint", "level3_endpoint"):
            url = getattr(self, field)
            endpoint = parse_endpoint(url, field=field, allow_insecure=self.allow_insecure)
            if field in OWN_ENDPOINTS:
                self.traits.check_path(field, endpoint.path)
        for one, other in (("api_key", "api_secret"), ("api_secret", "api_key")):
            if getattr(self, one) is None and getattr(self, other) is not None:
                raise ConfigurationError(
                    field=one,
                    rule=f"must be given with {other}, is missing",
                    mend="Give both for private data, neither for public data alone",
                )
        if self.initial_delay > self.max_delay:
            raise ConfigurationError(
                field="initial_delay",
                rule=f"must be at most max_delay, is {self.initial_delay} above {self.max_delay}",
                mend="Lower it, or raise max_delay",
            )

    @classmethod
    def low_latency(cls, **overrides: Any) -> Self:
        """Settings for one pair whose latest record counts; ``overrides`` are fields."""
        preset: dict[str, Any] = {
            "buffer_size": 128,
            "timeout": 5.0,
            "max_messages_per_second": 0,
            "drop_policy": DropPolicy.OLDEST,
        }
        return cls(**{**preset, **overrides})

    @classmethod
    def multi_pair(cls, **overrides: Any) -> Self:
        """Settings for 10 to 50 pairs; ``overrides`` are fields."""
        preset: dict[str, Any] = {
            "buffer_size": 1024,
            "timeout": 30.0,
            "max_messages_per_second": 5000,
            "coalesce_window": 0.05,
            "drop_policy": DropPolicy.COALESCE,
        }
        return cls(**{**preset, **overrides})

    @classmethod
    def aggregator(cls, **overrides: Any) -> Self:
        """Settings for 100 pairs and more; ``overrides`` are fields."""
        preset: dict[str, Any] = {
            "buffer_size": 4096,
            "timeout": 60.0,
            "read_window": 0.001,
            "max_messages_per_second": 10_000,
            "max_queue_depth": 10_000,
            "coalesce_window": 0.1,
            "drop_policy": DropPolicy.COALESCE,
        }
        return cls(**{**preset, **overrides})

    @classmethod
    def from_env(
        cls,
        env_file: str | os.PathLike[str] | None = DEFAULT_ENV_FILE,
        environ: Mapping[str, str] | None = None,
        **overrides: Any,
    ) -> Self:
        """Take the variables of ``ENVIRONMENT`` from the process and from a ``.env`` file.

        ``overrides`` win over ``environ`` (by default the process's environment), which wins,
        even with an empty value, over ``env_file``; an empty value counts as none. The file
        ``.env`` may be missing; one named otherwise may not, and None reads no file. Nothing is
        put into the environment. Raises ``ConfigurationError`` also where a file is there and
        python-dotenv, which reads it, is not installed.
        """
        found = {**_env_file(env_file), **(os.environ if environ is None else environ)}
        fields = {
            name: _from_text(name, text)
            for variable, name in ENVIRONMENT.items()
            if (text := found.get(variable))
        }
        return cls(**{**fields, **overrides})

    @property
    def traits(self) -> Traits:
        """What the protocol has, and tells."""
        return PROTOCOLS[self.protocol]

    @property
    def gap_handling(self) -> GapHandling:
        """What a subscription does about its losses, unless it says otherwise."""
        return GapHandling(
            policy=self.gap_policy,
            max_gap=self.max_gap,
            max_pending=self.max_pending,
            pending_timeout=self.pending_timeout,
            backfill=self.backfill,
        )

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, checked anew."""
        return attrs.evolve(self, **changes)


ENVIRONMENT = {
    f"KRAKEN_{field.name.upper()}": field.name
    for field in attrs.fields(KrakenConfig)
    if field.name != "allow_insecure"
}
"""What ``KrakenConfig.from_env`` reads: every field, as ``KRAKEN_TIMEOUT`` for ``timeout``, but
one: ``allow_insecure`` is never taken from outside the program."""

_DEFAULTS = {field.name: field.default for field in attrs.fields(KrakenConfig)}
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def _from_text(name: str, text: str) -> object:
    """Give the value that a variable's text stands for; the field's own rules check it."""
    default = _DEFAULTS[name]
    kind = "text"
    try:
        if isinstance(default, bool):
            kind = "true or false"
            return _FLAGS[text.strip().lower()]
        if isinstance(default, int):
            kind = "a whole number"
            forever = name == "max_attempts" and text.strip().lower() == "none"
            return None if forever else int(text)
        if isinstance(default, float):
            kind = "a number"
            return float(text)
    except (KeyError, ValueError):
        raise ConfigurationError(
            field=name,
            rule=f"must be {kind}; that of the environment is not",
            mend=f"Mend the variable KRAKEN_{name.upper()}, or remove it",
        ) from None
    return text


def _env_file(env_file: str | os.PathLike[str] | None) -> Mapping[str, str | None]:
    """Give the variables of a ``.env`` file; nothing where the default one is missing."""
    if env_file is None:
        return {}
    path = Path(env_file)
    # A folder called .env is somebody's virtual environment.
    if os.fspath(env_file) == DEFAULT_ENV_FILE and not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        text = None
    if text is None:
        # Raised out here, without a context: a UnicodeDecodeError holds the bytes, secrets and all.
        raise ConfigurationError(
            field="env_file",
            rule=f"must be a file of UTF-8 text, {env_file!s} cannot be read as one",
            mend="Name another file, or None to read none",
        )
    try:
        dotenv = importlib.import_module("dotenv")
    except ImportError as error:
        raise ConfigurationError(
            field="env_file",
            rule=f"must be readable, {env_file!s} is there and python-dotenv is not installed",
            mend="Run: pip install 'kraken-trio[private]'",
        ) from error
    # Without interpolation a "$" in a secret stays what it is.
    values: Mapping[str, str | None] = dotenv.dotenv_values(
        stream=io.StringIO(text), interpolate=False
    )
    return values

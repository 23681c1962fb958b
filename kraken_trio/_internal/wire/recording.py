"""What a recording of our own says beside its frames, as lines of a capture file.

A recording is such a file (``capture``) that also knows on which connection each frame came, what
was asked of the exchange, and every step that was taken beside: so all that its feed delivered can
be had once more. Its first line says what made it, and never a secret.

* ``{"ts": …, "kraken_trio": {"format": 1, "versions": …, "config": …}}``: the first line of each
  part, and what stands behind it in the same part is what it says.
* ``{"ts": …, "kraken_trio": {"lost": 3}}``: so many lines are missing here.
* ``{"ts": …, "session": "public", "step": {"step": "opened", …}}``: one of ``model.steps``.
"""

from __future__ import annotations

import enum
import platform
from importlib import metadata
from typing import Any

import attrs
import msgspec

from kraken_trio._internal.model.config import KrakenConfig
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.model.steps import Opened, Step
from kraken_trio._internal.model.traits import PROTOCOLS
from kraken_trio._internal.wire.capture import format_time

FORMAT = 1
"""Of recordings: what another one means is not known here."""
PACKAGES = ("kraken-trio", "trio", "trio-websocket", "msgspec", "zlib-ng")
"""Whose versions are told."""

_encode = msgspec.json.encode
_decode_step = msgspec.json.Decoder(Step).decode


class About(msgspec.Struct, frozen=True):
    """What a line says of the recording."""

    format: int | None = None
    """Of the first line of a part: which format."""
    versions: dict[str, str] = {}
    """Likewise: what made it."""
    config: dict[str, Any] | None = None
    """Likewise: how the feed was set, without secrets; None where the recorder was not told."""
    part: int = 1
    """Likewise: which part it is, from 1."""
    lost: int | None = None
    """Of another line: how many lines are missing there."""


_decode_about = msgspec.json.Decoder(About).decode


def versions() -> dict[str, str]:
    """What this is, and what it runs on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed as a package"
    return found


def redacted(config: KrakenConfig) -> dict[str, Any]:
    """Every setting, fit for JSON; of secrets, that there is one."""
    return {
        field.name: _redacted(getattr(config, field.name)) for field in attrs.fields(type(config))
    }


def _redacted(value: object) -> Any:
    match value:
        case Secret():
            return "****"
        case enum.Enum():
            return value.value
        case None | bool() | int() | float() | str():
            return value
        case _:
            return str(value)


def header_line(config: KrakenConfig | None, at_ns: int | None, *, part: int = 1) -> bytes:
    """Write the first line of a part."""
    settings = None if config is None else redacted(config)
    return _about_line(About(FORMAT, versions(), settings, part), at_ns)


def lost_line(lines: int, at_ns: int | None) -> bytes:
    """Write that so many lines are missing."""
    return _about_line(About(lost=lines), at_ns)


def step_line(session: str, step: Step, at_ns: int | None) -> bytes:
    """Write one step."""
    whose = _encode(session)
    return b'{"ts": %b, "session": %b, "step": %b}\n' % (format_time(at_ns), whose, _encode(step))


def read_step(data: bytes) -> Step:
    """Read a step back; ``ValueError`` where it is none that is known here."""
    try:
        step: Step = _decode_step(data)
    except (msgspec.MsgspecError, ConfigurationError, ArithmeticError) as error:
        raise ValueError(f"no step that is known here: {error}") from error
    if isinstance(step, Opened) and step.protocol not in PROTOCOLS:
        raise ValueError(f"no protocol that is known here: {step.protocol}")
    return step


def read_about(data: bytes) -> About:
    """Read what a line says of its recording; ``ValueError`` where it says nothing known."""
    try:
        about = _decode_about(data)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not known what it says of the recording: {error}") from error
    if about.format not in (None, FORMAT):
        raise ValueError(f"the recording has format {about.format}, and only {FORMAT} is known")
    return about


def _about_line(about: About, at_ns: int | None) -> bytes:
    told = msgspec.structs.asdict(about)
    told = {"lost": about.lost} if about.format is None else {**told, "lost": 0}
    return b'{"ts": %b, "kraken_trio": %b}\n' % (format_time(at_ns), _encode(told))

"""What a setting may be: the validators and converters of the configuration.

Each refuses with a ``ConfigurationError`` that names the field. Numbers are shown in it; text
never is, for it may be a secret in the wrong place. Knows no field's bounds.
"""

from __future__ import annotations

import base64
import enum
import os
import re
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import attrs

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.secret import Secret

_HEADER_TEXT = re.compile(r"[!-~]+", re.ASCII)
_SHOWN_BELOW = 10**30  # Python refuses to print integers of some thousand digits.

MemberT = TypeVar("MemberT", bound=enum.Enum)
"""Some enum."""
Validator = Callable[[Any, "attrs.Attribute[Any]", Any], None]
"""As attrs calls it: the half-made object, the field, the value."""


def _wrong(attribute: attrs.Attribute[Any], rule: str, value: object) -> ConfigurationError:
    """Give the error for ``value``: a number is shown, for a text may be a misplaced secret."""
    shown = f"of type {type(value).__name__}"
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < _SHOWN_BELOW):
        shown = str(value)
    elif isinstance(value, int):
        shown = "far beyond that"
    return ConfigurationError(
        field=attribute.name,
        rule=f"must be {rule}, is {shown}",
        mend="Correct it, or leave it out for the default",
    )


def number(rule: str, accept: Callable[[float], bool]) -> Validator:
    """Make a validator for finite numbers that ``accept`` takes."""

    def check(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
        # NaN compares with nothing, and an integer may be beyond every float.
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not abs(value) <= sys.float_info.max
            or not accept(value)
        ):
            raise _wrong(attribute, rule, value)

    return check


def count(rule: str, least: int, *, optional: bool = False) -> Validator:
    """Make a validator for whole numbers from ``least`` on, and None where it is ``optional``."""

    def check(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value is None and optional:
            return
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise _wrong(attribute, rule, value)

    return check


def flag(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check that it is True or False."""
    if not isinstance(value, bool):
        raise _wrong(attribute, "True or False", value)


seconds = number("a number of seconds above 0", lambda value: value > 0)


def member(field: str, kind: type[MemberT], value: MemberT | str) -> MemberT:
    """Give the policy that ``value`` is or names, whatever its case."""
    if isinstance(value, kind):
        return value
    names = {member.value: member for member in kind}
    found = names.get(value.lower()) if isinstance(value, str) else None
    if found is None:
        raise ConfigurationError(
            field=field,
            rule=f"must be one of {', '.join(names)}; this one is not",
            mend=f"Choose one of these, or a member of {kind.__name__}",
        )
    return found


def secret(value: str | Secret | None) -> Secret | None:
    """Wrap a text; what is neither is left for the validator, which knows the field."""
    return Secret(value) if isinstance(value, str) else value


def api_key_text(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check that it can stand in an HTTP header."""
    if value is None:
        return
    if not (isinstance(value, Secret) and _HEADER_TEXT.fullmatch(value.reveal())):
        raise ConfigurationError(
            field=attribute.name,
            rule="must be printable ASCII text without blanks; this one is not",
            mend="Copy the API key again, whole",
        )


def decode_base64(field: str, text: str) -> bytes:
    """Give what base64 text stands for; ``ConfigurationError``, without a character of it, where
    it is not strict: copied in part, or with a blank.
    """
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError:
        decoded = b""
    # A decoder lets stray bits of the last character pass; encoding it again does not.
    if not decoded or base64.b64encode(decoded) != text.encode():
        raise ConfigurationError(
            field=field,
            rule="must be base64 without blanks, as the exchange shows it; this one is not",
            mend="Copy the private key of the API key again, whole",
        )
    return decoded


def base64_text(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check that it is strict base64, so that a damaged one is noticed here.

    The exchange would count a bad signature, and lock the key out after some.
    """
    if value is not None:
        decode_base64(attribute.name, value.reveal() if isinstance(value, Secret) else "")


def folder(value: object) -> object:
    """Give the text of a path; what is none is left for the validator, which knows the field."""
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def folder_text(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check that it may name a folder; whether there is one is seen when it is needed."""
    if value is not None and (not isinstance(value, str) or not value or "\0" in value):
        raise _wrong(attribute, "the name of a folder, or None", value)

"""A secret shows itself to nobody who does not ask for it by name."""

from __future__ import annotations

import copy
import json
import pickle
import pprint
from collections.abc import Callable

import msgspec
import pytest

from kraken_trio._internal.model.secret import Secret

TEXT = "hunter2hunter2"


@pytest.mark.parametrize(
    "show",
    [
        *(repr, str, format, ascii, pprint.pformat),
        *("%s".__mod__, "%r".__mod__, "{}".format, "{!r}".format),
        *(lambda secret: f"{secret}", lambda secret: f"{[secret]}"),
    ],
)
def test_text_of_it_shows_nothing(show: Callable[[Secret], str]) -> None:
    """However it is made text, it shows four stars and neither a character nor a length."""
    assert show(Secret(TEXT)).strip("[]") == "Secret(****)"


@pytest.mark.parametrize(
    "write",
    [
        json.dumps,
        msgspec.json.encode,
        msgspec.msgpack.encode,
        msgspec.to_builtins,
        bytes,
        list,
        vars,
        len,
        *(lambda secret, n=n: pickle.dumps(secret, n) for n in range(pickle.HIGHEST_PROTOCOL + 1)),
        lambda secret: secret.__getstate__(),
        lambda secret: format(secret, ">20"),
        "".join,
        lambda secret: "key " + secret,
    ],
)
def test_nothing_writes_it_out(write: Callable[[Secret], object]) -> None:
    """What would write it out, or take it for a string, is refused without a character of it."""
    with pytest.raises(TypeError) as caught:
        write(Secret(TEXT))
    assert TEXT not in str(caught.value)


def test_reveal_gives_the_text() -> None:
    """The one way to the text is to ask for it by name."""
    assert Secret(TEXT).reveal() == TEXT


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copy_is_itself(duplicate: Callable[[Secret], Secret]) -> None:
    """Copying a configuration works, and makes no second one."""
    secret = Secret(TEXT)
    assert duplicate(secret) is secret


def test_equality_is_of_texts() -> None:
    """Two are equal, and hash alike, exactly when their texts are equal; none equals a string."""
    assert Secret(TEXT) == Secret(TEXT)
    assert hash(Secret(TEXT)) == hash(Secret(TEXT))
    assert Secret(TEXT) != Secret(TEXT + "x")
    assert Secret("\udcff") != Secret("ü")
    assert Secret(TEXT) != TEXT

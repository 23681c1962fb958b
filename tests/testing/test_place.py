"""Each of the exchange's hosts serves its own channels, and says where the others are."""

from __future__ import annotations

import pytest

from kraken_trio._internal.testing.part import CHANNELS
from kraken_trio._internal.testing.place import (
    DOORS,
    PRIVATE,
    PUBLIC,
    Door,
    displaced,
    door_at,
    door_of,
    needs_token,
)


@pytest.mark.parametrize(
    "host, door",
    [
        ("ws.kraken.com", "public"),
        ("ws-auth.kraken.com", "private"),
        ("WS-AUTH.kraken.com", "private"),
        ("ws-l3.kraken.com", "level3"),
        ("localhost", "public"),
        ("127.0.0.1", "public"),
        ("", "public"),
    ],
)
def test_hosts_have_doors(host: str, door: Door) -> None:
    """The hosts of the configuration's defaults have theirs, any other is taken for the first."""
    assert door_at(host) == door
    assert door in DOORS


def test_channels_have_doors() -> None:
    """Every channel is to be had at one door, and needs a token unless that is the public one."""
    places = {channel: door_of(channel) for channel in CHANNELS}
    assert {c for c, door in places.items() if door == "private"} == {"executions", "balances"}
    assert {c for c, door in places.items() if door == "level3"} == {"level3"}
    for channel, door in places.items():
        assert needs_token(channel) is (door != "public")
        assert [displaced(channel, other) is None for other in DOORS] == [
            other == door for other in DOORS
        ]


def test_refusals_say_where_else() -> None:
    """Private data are refused with the name of their host, public data with theirs."""
    assert displaced("balances", "public") == displaced("balances", "level3") == PRIVATE
    assert displaced("book", "private") == displaced("book", "level3") == PUBLIC
    assert displaced("level3", "public") == PRIVATE
    assert displaced("level3", "private") == PUBLIC

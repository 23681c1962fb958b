"""What statistics are made of."""

from __future__ import annotations

import msgspec

from kraken_trio._internal.model import statistics


def test_they_are_frozen_and_plain() -> None:
    """Whoever is given them can send them on as they are."""
    structs = [
        each
        for each in vars(statistics).values()
        if isinstance(each, type)
        and issubclass(each, msgspec.Struct)
        and each is not msgspec.Struct
    ]
    named = [each for each in structs if each.__name__.endswith("Statistics")]
    assert len(named) == 9
    assert all(each.__struct_config__.frozen for each in named)
    figures = statistics.ChannelStatistics(1, 2, 3, 4, 5, 6, 7, 8)
    assert msgspec.json.decode(msgspec.json.encode(figures), type=type(figures)) == figures

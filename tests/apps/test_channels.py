"""What a command subscribes to."""

from __future__ import annotations

from typing import Any

import pytest

from kraken_trio import Channel, ConfigurationError
from kraken_trio._internal.apps.channels import channels_asked

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

NONE: dict[str, Any] = {"depth": None, "interval": None}


@pytest.mark.parametrize(
    "names, options, channels",
    [
        (("ticker",), {}, [Channel.ticker("BTC/USD")]),
        (("spread", "spread"), {}, [Channel.spread("BTC/USD")]),
        (("trade", "book"), {}, [Channel.trades("BTC/USD"), Channel.book("BTC/USD", depth=10)]),
        (("book",), {"depth": 100}, [Channel.book("BTC/USD", depth=100)]),
        (("ohlc",), {"interval": 5}, [Channel.ohlc("BTC/USD", interval=5)]),
        (("instrument", "book"), {}, [Channel.instrument(), Channel.book("BTC/USD", depth=10)]),
    ],
)
def test_names_and_options_are_channels(
    names: Any, options: dict[str, Any], channels: list[Channel]
) -> None:
    """Each once, with what was asked for."""
    assert channels_asked(("BTC/USD",), names, **{**NONE, **options}) == channels


@pytest.mark.parametrize(
    "names, options, field",
    [
        (("ticker",), {"depth": 10}, "depth"),
        (("ticker",), {"interval": 1}, "interval"),
        (("ticker", "spread"), {}, "channel"),
        (("instrument",), {}, "symbols"),
    ],
)
def test_what_makes_no_sense_is_refused(names: Any, options: dict[str, Any], field: str) -> None:
    """With the option that it is about."""
    with pytest.raises(ConfigurationError) as caught:
        channels_asked(("BTC/USD",), names, **{**NONE, **options})
    assert caught.value.field == field

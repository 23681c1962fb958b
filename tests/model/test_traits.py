"""What each protocol has, and what it tells."""

from __future__ import annotations

import pytest

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.traits import V1, V2, Traits


@pytest.mark.parametrize(
    "channel",
    [
        Channel.ticker("BTC/USD"),
        Channel.spread("BTC/USD"),
        Channel.book("BTC/USD", depth=1000),
        Channel.trades("BTC/USD"),
        Channel.ohlc("BTC/USD", interval=5),
        Channel.open_orders(),
        Channel.own_trades(),
    ],
    ids=str,
)
@pytest.mark.parametrize("traits", [V1, V2], ids=["v1", "v2"])
def test_what_both_have(traits: Traits, channel: Channel) -> None:
    """Market data are to be had by both protocols as they are by default, and what is one's own."""
    traits.check(channel)


@pytest.mark.parametrize(
    "traits, channel",
    [
        (V1, Channel.instrument()),
        (V1, Channel.level3("BTC/USD")),
        (V1, Channel.executions()),
        (V1, Channel.balances()),
    ],
    ids=str,
)
def test_what_one_has_not(traits: Traits, channel: Channel) -> None:
    """What there is not is refused, with the names of what there is."""
    with pytest.raises(ConfigurationError, match=f"{channel.name}, and {traits.name} has .*book"):
        traits.check(channel)


@pytest.mark.parametrize(
    "channel, option",
    [
        (Channel.ticker("BTC/USD", event_trigger="bbo"), "event_trigger"),
        (Channel.ticker("BTC/USD", snapshot=False), "snapshot"),
        (Channel.trades("BTC/USD", snapshot=True), "snapshot"),
        (Channel.ohlc("BTC/USD", snapshot=False), "snapshot"),
    ],
    ids=str,
)
def test_options_that_cannot_be_chosen(channel: Channel, option: str) -> None:
    """Protocol v1 lets nobody choose what makes a ticker come, nor what a channel begins with."""
    V2.check(channel)
    with pytest.raises(ConfigurationError, match="protocol v1") as caught:
        V1.check(channel)
    assert caught.value.field == option


def test_trades_without_numbers_cannot_be_fetched() -> None:
    """Where trades have no numbers, nobody could say which are missing."""
    V2.check_backfill()
    with pytest.raises(ConfigurationError, match="v1, whose trades have no numbers"):
        V1.check_backfill()


def test_orders_are_placed_over_v2_alone() -> None:
    """Protocol v1 says where orders are placed."""
    V2.check_orders()
    with pytest.raises(ConfigurationError, match=r'must be v2 for orders.*protocol="v2"'):
        V1.check_orders()


def test_where_another_protocol_is_spoken() -> None:
    """The path of v2 is none of v1; every path may be one of v2, as far as anybody knows."""
    for path in ("/", "/v2", "/v2/"):
        V2.check_path("endpoint", path)
    V1.check_path("endpoint", "/")
    for path in ("/v2", "/v2/"):
        with pytest.raises(ConfigurationError, match="where protocol v1 is spoken"):
            V1.check_path("endpoint", path)

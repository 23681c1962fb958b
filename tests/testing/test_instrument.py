"""Assets and pairs are listed like those that were captured, and change on command."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.messages import RecordsMessage
from kraken_trio._internal.model.reference import InstrumentAsset, InstrumentPair
from kraken_trio._internal.testing.instrument import Instruments
from kraken_trio._internal.testing.listing import market_pairs
from kraken_trio._internal.wire.decode import V2Decoder

NAMES = ("BTC/USD", "PEPE/USD", "ETH/BTC", "BTC/JPY", "TSLAx/USD")


def listed(*names: str) -> Instruments:
    """List these."""
    return Instruments(market_pairs(names or NAMES))


def data(frame: bytes) -> Any:
    """Give what a frame says, with numbers as their text."""
    message = json.loads(frame, parse_float=str)
    assert message["channel"] == "instrument"
    return message["data"]


def test_a_pair_and_its_assets_to_the_byte() -> None:
    """Each member is there, in the exchange's order, with its digits."""
    frame = listed("BTC/USD").snapshot()
    assert frame.decode() == (
        '{"channel":"instrument","type":"snapshot","data":{"assets":['
        '{"id":"BTC","status":"enabled","precision":10,"precision_display":5,"borrowable":true,'
        '"collateral_value":1.000,"class":"currency","margin_rate":0.020000},'
        '{"id":"USD","status":"enabled","precision":4,"precision_display":2,"borrowable":true,'
        '"collateral_value":1.000,"class":"currency","margin_rate":0.025000}],"pairs":['
        '{"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"online","qty_precision":8,'
        '"qty_increment":1e-08,"price_precision":1,"cost_precision":5,"marginable":true,'
        '"has_index":true,"ws_display_price_precision":1,"cost_min":0.5,"margin_initial":0.20,'
        '"position_limit_long":250,"position_limit_short":200,"tick_size":0.1,'
        '"price_increment":0.1,"qty_min":0.00007000}]}}'
    )


def test_members_stand_as_captured(examples: Path) -> None:
    """The members of captured pairs and assets stand in the same order in ours."""
    lines = (examples / "v2-captured-market-data.jsonl").read_text("utf-8").splitlines()
    real = next(row for row in map(json.loads, lines) if row.get("channel") == "instrument")
    ours = data(listed().snapshot())
    for kind in ("assets", "pairs"):
        members = {tuple(row) for row in ours[kind]}
        for row in real["data"][kind]:
            assert any(tuple(m for m in row if m in mine) == tuple(row) for mine in members), row
            assert any(
                tuple(name for name in mine if name in row) == tuple(row) for mine in members
            )


@pytest.mark.parametrize(
    "exponents, shown", [(True, ("1e-08", "1e-09")), (False, ("0.00000001", "0.000000001"))]
)
def test_increments_are_shown_both_ways(exponents: bool, shown: tuple[str, str]) -> None:
    """Small increments have an exponent, or are written out."""
    (pair,) = data(listed("PEPE/USD").snapshot(exponents=exponents))["pairs"]
    assert (pair["qty_increment"], pair["tick_size"]) == shown
    assert pair["tick_size"] == pair["price_increment"]


def test_tokenised_shares_are_listed_for_those_who_want_them() -> None:
    """Pairs and assets of tokenised shares are left out unless they are asked for."""
    few, all_of_them = data(listed().snapshot()), data(listed().snapshot(tokenized=True))
    assert [pair["symbol"] for pair in few["pairs"]] == [*NAMES[:4]]
    assert [pair["symbol"] for pair in all_of_them["pairs"]] == [*NAMES]
    (share,) = (asset for asset in all_of_them["assets"] if asset not in few["assets"])
    assert (share["id"], share["class"]) == ("TSLAx", "tokenized_asset")
    assert share["multiplier"] == "1.0000000000"


def test_changes() -> None:
    """A change holds the whole entry and no other, and later snapshots have it, too."""
    instruments = listed()
    assert instruments.status("BTC/USD") == "online"
    changed = data(instruments.change_pair("BTC/USD", "cancel_only"))
    assert changed["assets"] == []
    assert [pair["status"] for pair in changed["pairs"]] == ["cancel_only"]
    assert instruments.status("BTC/USD") == "cancel_only"
    assert changed["pairs"][0] == data(instruments.snapshot())["pairs"][0]
    changed = data(instruments.change_asset("PEPE", "depositonly"))
    assert changed["pairs"] == []
    assert changed["assets"][0]["status"] == "depositonly"
    assert changed["assets"][0] in data(instruments.snapshot())["assets"]
    assert instruments.assets == ("BTC", "USD", "PEPE", "ETH", "JPY", "TSLAx")
    for change in (instruments.change_pair, instruments.change_asset):
        with pytest.raises(ConfigurationError, match="must be listed, NONE is not"):
            change("NONE", "online")


@pytest.mark.parametrize("exponents", [True, False])
def test_a_decoder_makes_records_of_all(exponents: bool) -> None:
    """Every entry of a large listing is a record with the pair's own numbers."""
    pairs = market_pairs(1500)
    message = V2Decoder().decode(Instruments(pairs).snapshot(exponents=exponents), None)
    assert isinstance(message, RecordsMessage)
    rows = {row.symbol: row for row in message.records if isinstance(row, InstrumentPair)}
    assert rows.keys() == {pair.symbol for pair in pairs}
    for pair in pairs:
        row = rows[pair.symbol]
        assert (row.price_precision, row.qty_precision) == (
            pair.price_precision,
            pair.qty_precision,
        )
        assert row.price_increment == Decimal(1).scaleb(-pair.price_precision)
        assert row.qty_increment == Decimal(1).scaleb(-pair.qty_precision)
        assert row.qty_min is not None
        assert row.qty_min > 0
    assets = [row.id for row in message.records if isinstance(row, InstrumentAsset)]
    assert len(assets) == len({*assets}) > 500

"""nautilus_trader: its trading node, with a strategy that follows books. See ``stopwatch``.

Its WebSocket client and its decoding are of Rust and run in threads of their own, so its time of
the processor is that of several cores. The node applies each update to its book, in fixed-point
numbers, and calls the strategy. It does not look at the checksums of these books. A process has one
node, so there is one connection, and no warm-up: the watch starts with the last snapshot.

Its addresses are options of its own. The pairs, which it would ask REST for, are told to it.
"""

from __future__ import annotations

import asyncio
import json
import os
from decimal import Decimal
from typing import Any

from nautilus_trader.adapters.kraken import (
    KRAKEN,
    KrakenDataClientConfig,
    KrakenInstrumentProvider,
    KrakenLiveDataClientFactory,
)
from nautilus_trader.config import InstrumentProviderConfig, LoggingConfig, TradingNodeConfig
from nautilus_trader.core import nautilus_pyo3
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.enums import BookType, RecordFlag
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import instruments_from_pyo3
from nautilus_trader.trading.strategy import Strategy

from stopwatch import Told, Watch, told


def instrument(symbol: str, price_decimals: int, qty_decimals: int) -> Any:
    """Make what it would make of an answer over REST."""
    base, quote = symbol.split("/")
    return nautilus_pyo3.CurrencyPair(
        nautilus_pyo3.InstrumentId.from_str(f"{symbol}.{KRAKEN}"),
        nautilus_pyo3.Symbol(symbol),
        nautilus_pyo3.Currency.from_str(base),
        nautilus_pyo3.Currency.from_str(quote),
        price_decimals,
        qty_decimals,
        nautilus_pyo3.Price.from_decimal(Decimal(1).scaleb(-price_decimals)),
        nautilus_pyo3.Quantity.from_decimal(Decimal(1).scaleb(-qty_decimals)),
        0,
        0,
    )


class Follower(Strategy):  # type: ignore[misc, unused-ignore]
    """Follows the books of all pairs, and counts updates."""

    def __init__(self, given: Told, count: int) -> None:
        """Count up to there."""
        super().__init__()
        self._given, self._count = given, count
        self._watch = Watch()
        self._snapshots = self._updates = 0

    def on_start(self) -> None:
        """Subscribe."""
        for symbol in self._given.symbols:
            self.subscribe_order_book_deltas(
                InstrumentId.from_str(f"{symbol}.{KRAKEN}"),
                BookType.L2_MBP,
                depth=self._given.depth,
                managed=True,
            )

    def on_order_book_deltas(self, deltas: Any) -> None:
        """Be told of one message; its book is up to date by then."""
        if deltas.is_snapshot or deltas.flags & RecordFlag.F_SNAPSHOT:
            self._snapshots += 1
            self._watch = Watch()
            return
        self._updates += 1
        if self._updates == self._count:
            lost = self._snapshots - len(self._given.pairs)
            result = self._watch.stop(self._updates, verified=None, lost=lost)
            print(json.dumps(result), flush=True)
            os._exit(0)  # It takes ten seconds to end in an orderly way.


def main(given: Told) -> None:
    """Run a node, until the strategy ends it."""
    count = given.counts[-1]
    pairs = [instrument(*pair) for pair in given.pairs]

    async def load_all(provider: Any, filters: object = None) -> None:  # noqa: ARG001 - its own
        provider._instruments_pyo3 = pairs  # noqa: SLF001 - as its own method does
        for each in instruments_from_pyo3(pairs):
            provider.add(instrument=each)

    KrakenInstrumentProvider.load_all_async = load_all
    address = KrakenDataClientConfig(
        base_url_ws_spot=f"{given.url}/{count}/v2",
        base_url_http_spot="http://127.0.0.1:9",  # Nothing is asked there.
        update_instruments_interval_mins=None,
        instrument_provider=InstrumentProviderConfig(load_all=True),
    )
    quiet = LoggingConfig(log_level="ERROR", print_config=False)
    asyncio.set_event_loop(loop := asyncio.new_event_loop())
    node = TradingNode(TradingNodeConfig(logging=quiet, data_clients={KRAKEN: address}), loop=loop)
    node.trader.add_strategy(Follower(given, count))
    node.add_data_client_factory(KRAKEN, KrakenLiveDataClientFactory)
    node.build()
    node.run()


if __name__ == "__main__":
    main(told())

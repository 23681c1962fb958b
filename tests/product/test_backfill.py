"""The whole way over real sockets: a cut, two hundred missed trades, and history over HTTPS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from kraken_trio import Gap, KrakenConfig, Trade, open_kraken
from kraken_trio.extended import HttpRest, TcpDial
from kraken_trio.testing import USUAL_PAIRS, Market, open_exchange

if TYPE_CHECKING:
    from kraken_trio.testing import Exchange

pytestmark = [
    pytest.mark.extra("rest"),  # noqa: S610 - a mark of pytest, no query of Django
    pytest.mark.extra("testing"),  # noqa: S610 - as above
]

PAIR = "BTC/USD"


def go_on(exchange: Exchange, count: int) -> int:
    """Let the market do so many trades, or a few more; give the last number."""
    end = exchange.market.trades(PAIR)[-1].trade_id + count
    while (last := exchange.market.trades(PAIR)[-1].trade_id) < end:
        exchange.step(20)
    return last


@pytest.mark.parametrize("trouble", ["none", "throttled", "hanging"])
async def test_missed_trades_come_over_https(trouble: str) -> None:
    """Each once and in order, those from history marked; what cannot be had is one gap."""
    market = Market(USUAL_PAIRS[:1], seed=1, start=1_767_225_600 * 10**9)
    async with open_exchange(market) as exchange:
        stream, history = await exchange.listen(), await exchange.listen_rest()
        assert stream.client_ssl_context is not None
        exchange.rest.max_rows = 120
        exchange.rest.refuse_next(count=trouble == "throttled")
        exchange.rest.hanging = trouble == "hanging"
        config = KrakenConfig(
            endpoint=stream.url, pending_timeout=1.0 if trouble == "hanging" else 30.0
        )
        rest = HttpRest(history.url, ssl_context=history.client_ssl_context)
        with trio.fail_after(30):
            async with (
                open_kraken(config, dial=TcpDial(stream.client_ssl_context), rest=rest) as feed,
                feed.trades(PAIR, backfill=True) as trades,
            ):
                first = go_on(exchange, 10)
                got: list[Trade | Gap] = []

                async def receive(last: int) -> None:
                    while not (got and isinstance(got[-1], Trade) and got[-1].trade_id == last):
                        got.append(await trades.receive())

                await receive(first)
                got.clear()
                exchange.connections[0].drop()
                while exchange.connections:
                    await trio.lowlevel.checkpoint()
                last = go_on(exchange, 200)
                await receive(last)
                await receive(go_on(exchange, 5))
        gaps = [item for item in got if isinstance(item, Gap)]
        found = [item.trade_id for item in got if isinstance(item, Trade)]
        back = [item.trade_id for item in got if isinstance(item, Trade) and item.backfilled]
        if trouble == "hanging":
            (gap,) = gaps
            assert (gap.expected, gap.received, back) == (first + 1, last - 49, [])
            assert found == list(range(last - 49, found[-1] + 1))
        else:
            assert gaps == []
            assert found == list(range(first + 1, found[-1] + 1))
            assert back == list(range(first + 1, last - 49))
            assert len(exchange.rest.requests) >= 2

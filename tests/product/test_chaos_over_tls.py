"""Every fault, alone, over TLS and real sockets, at either end.

The soak lets them come in any order and at any moment, mostly in memory; here each is seen to
happen where bytes are torn as a kernel and TLS have it, and to be mended.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Final

import pytest
import trio

from kraken_trio import (
    BalanceSnapshot,
    BookSnapshot,
    ConnectionState,
    Feed,
    KrakenConfig,
    open_kraken,
)
from kraken_trio.extended import HttpRest, TcpDial
from kraken_trio.testing import Chaos, ChaosFault, Exchange, chaos, open_exchange
from tests.product.keepers import DEPTH, SYMBOLS, Books, Trades, Truth
from tests.product.test_soak import QUICK, SETTINGS, consume

pytestmark = [pytest.mark.long, pytest.mark.extra("testing")]  # noqa: S610 - of pytest

PUBLIC: Final = [fault for fault in ChaosFault if fault is not ChaosFault.AUTH_REFUSAL]
FROM_THE_BEGINNING: Final = {
    ChaosFault.WRONG_ACK,
    ChaosFault.MISSING_ACK,
    ChaosFault.LATE_ACK,
    ChaosFault.MISSING_SNAPSHOT,
}
"""What happens to a subscription as it is made."""
SEED: Final = 2
"""It chooses short ones, and a ban that does not say how long it lasts."""
PATIENCE_S: Final = 20.0


async def suffer(fault: ChaosFault, *, at_server: bool) -> None:
    """Let it happen to a feed of a book and its trades, and see that all is right again."""
    async with open_exchange(seed=1) as exchange:
        address = await exchange.listen()
        dial = TcpDial(address.client_ssl_context)
        async with chaos(exchange if at_server else dial, seed=SEED, every_s=None) as trouble:
            config = KrakenConfig(**{**SETTINGS, **QUICK, "endpoint": address.url})
            chosen = dial if at_server else trouble.dial
            async with open_kraken(config, dial=chosen) as feed:
                await recover(feed, exchange, trouble, fault)


async def recover(feed: Feed, exchange: Exchange, trouble: Chaos, fault: ChaosFault) -> None:
    """Let it happen once, then go on until what is known is what there is."""
    truth, symbol = Truth(exchange), SYMBOLS[0]
    book, trades = Books(truth, trouble), Trades(truth)
    ended: list[str] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume, partial(feed.book, symbol, depth=DEPTH), book, ended)
        nursery.start_soon(consume, partial(feed.trades, symbol), trades, ended)
        # Tasks begin when this one waits, so what is inflicted now finds the confirmations.
        while fault not in FROM_THE_BEGINNING and not trades.records:
            truth.step(5)
            await trio.sleep(0.01)
        trouble.inflict(fault)
        while not trouble.log:
            truth.step(5)
            await trio.sleep(0.01)
        for _ in range(20):
            truth.step(5)
            await trio.sleep(0.01)
        trouble.calm()
        while not is_right(feed.order_book(symbol), truth, trades):
            truth.step(1)
            await trio.sleep(0.05)
        assert feed.state is ConnectionState.SUBSCRIBED
        assert {mishap.fault for mishap in trouble.log} == {fault}
        assert book.records
        nursery.cancel_scope.cancel()


def is_right(shown: BookSnapshot | None, truth: Truth, trades: Trades) -> bool:
    """Whether the book is the exchange's, and no trade is missing."""
    symbol = SYMBOLS[0]
    theirs = truth.exchange.market.book(symbol, DEPTH)
    return (
        shown is not None
        and (shown.bids, shown.asks) == (theirs.bids, theirs.asks)
        and trades.next(symbol) == truth.last_trade(symbol) + 1
    )


@pytest.mark.parametrize("fault", PUBLIC, ids=lambda fault: fault.value)
async def test_each_fault_happens_and_is_mended(fault: ChaosFault) -> None:
    """At the client's end and at the server's, side by side."""
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(suffer, fault, at_server=False))
            nursery.start_soon(partial(suffer, fault, at_server=True))


@pytest.mark.extra("private")  # noqa: S610 - of pytest
@pytest.mark.parametrize("at_server", [False, True])
async def test_a_refused_token_is_fetched_anew(*, at_server: bool) -> None:
    """Over TLS and HTTPS, at either end: all that is held comes, when it is asked for once more."""
    with trio.fail_after(PATIENCE_S):
        async with open_exchange(seed=1) as exchange:
            exchange.account.deposit("USD", Decimal(5))
            private = await exchange.listen(door="private")
            tokens = await exchange.listen_rest()
            dial = TcpDial(private.client_ssl_context)
            async with chaos(exchange if at_server else dial, seed=SEED, every_s=None) as trouble:
                trouble.inflict(ChaosFault.AUTH_REFUSAL)
                config = KrakenConfig(
                    **{**SETTINGS, **QUICK, "private_endpoint": private.url},
                    api_key=exchange.api_key,
                    api_secret=exchange.api_secret,
                )
                rest = HttpRest(tokens.url, ssl_context=tokens.client_ssl_context)
                async with (
                    open_kraken(
                        config, dial=dial if at_server else trouble.dial, rest=rest
                    ) as feed,
                    feed.balances() as balances,
                ):
                    held = await balances.receive()
                    while not isinstance(held, BalanceSnapshot):
                        held = await balances.receive()
                    assert (held.asset, held.balance) == ("USD", Decimal(5))
                assert [mishap.fault for mishap in trouble.log] == [ChaosFault.AUTH_REFUSAL]

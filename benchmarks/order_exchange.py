"""A simulated exchange for the client of orders, in a process of its own.

    python order_exchange.py

It prints one line of JSON, where it is and the key of its account, and serves until its input ends.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal

import trio

from kraken_trio.testing import ExchangeRules, Market, market_pairs, open_exchange


async def main() -> None:
    """Serve."""
    market = Market(market_pairs(50), seed=1, start=10**18)
    async with open_exchange(market, seed=1, rules=ExchangeRules(tier="pro")) as exchange:
        exchange.account.deposit("USD", Decimal(10**9))
        public = await exchange.listen(tls=False)
        private = await exchange.listen(tls=False, door="private")
        service = await exchange.listen_rest(tls=False)
        told = {
            "endpoint": public.url,
            "private_endpoint": private.url,
            "rest": service.url,
            "api_key": exchange.api_key,
            "api_secret": exchange.api_secret,
        }
        print(json.dumps(told), flush=True)
        await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)


if __name__ == "__main__":
    trio.run(main)

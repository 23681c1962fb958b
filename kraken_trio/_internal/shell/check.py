"""Whether an API key is good: the one call that tells, and no session.

Knows what becomes of the answer; how a token is fetched stands in ``tokens``.
"""

from __future__ import annotations

import time

from kraken_trio._internal.model.channel import Channel
from kraken_trio._internal.model.config import KrakenConfig
from kraken_trio._internal.model.ports import Rest
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.shell.hub import PRIVATE, endpoint_of
from kraken_trio._internal.shell.scopes import open_services
from kraken_trio._internal.shell.tokens import Tokens
from kraken_trio._internal.wire.rest import RestRefused
from kraken_trio._internal.wire.rest_token import Token


async def check_key(config: KrakenConfig, *, rest: Rest | None = None) -> int:
    """Ask the exchange for a token, once, and throw it away. Gives the seconds within which it
    would have had to be used.

    That the key may also query orders and funds is seen only when these are subscribed to. ``rest``
    is as for ``open_kraken``. Raises ``AuthenticationError`` where the key is refused,
    ``RequestError`` where no token is given for now, ``ConnectionFailed`` and ``ProtocolError``
    where there is no answer, or none that can be understood, and ``ConfigurationError`` without a
    key. Takes ``timeout`` at most. Always a checkpoint.
    """
    async with open_services() as services:
        tokens = Tokens(config, rest=rest, services=services, wall=_wall)
        tokens.prepare(Channel.executions(), endpoint_of(config, PRIVATE))
        answer = await tokens.fetch()
    match answer:
        case Token():
            return answer.life_s
        case RestRefused():
            raise answer.error
        case _:
            raise answer


def _wall() -> Timestamp:
    return Timestamp(time.time_ns())

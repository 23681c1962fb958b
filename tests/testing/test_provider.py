"""Somebody else can tell of the private channels of an exchange, and answer who trades."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import trio.testing

from kraken_trio._internal.testing.exchange import MarketVenue, open_exchange
from kraken_trio._internal.testing.frames import success_frame
from kraken_trio._internal.testing.part import Part, Refused
from kraken_trio._internal.testing.provider import Provider
from kraken_trio._internal.testing.service import Service
from kraken_trio._internal.wire.requests import RequestFrame

if TYPE_CHECKING:
    from tests.testing.conftest import Connect

HOST = "ws-auth.kraken.com"
NEWS = b'{"channel":"balances","type":"update","data":[],"sequence":2}'


class Purse:
    """An account that tells of its balances, and cancels what there is not."""

    channels = ("balances",)
    methods = ("cancel_all",)

    def __init__(self) -> None:
        """Nobody listens yet."""
        self.listeners: list[Service] = []

    def refusal(self, part: Part) -> str | None:
        """Refuse whom it cannot tell of."""
        return "EGeneral:Permission denied" if part.users == "all" else None

    def result(self, part: Part) -> Mapping[str, object]:
        """Say what it is."""
        return {"channel": part.channel, "purse": True}

    def begin(self, service: Service, part: Part) -> None:
        """Begin with nothing."""
        self.listeners.append(service)
        service.outbox.tell(b'{"channel":"balances","data":[]}', part.channel)

    def end(self, service: Service, part: Part) -> None:
        """Forget who listened."""
        assert part.channel == "balances"
        self.listeners.remove(service)

    def trade(self, frame: RequestFrame, now: int) -> Iterable[bytes]:
        """Tell of it, then answer."""
        if frame.params:
            raise Refused("EGeneral:Invalid arguments")
        for service in self.listeners:
            service.outbox.tell(NEWS, "balances")
        return [success_frame("cancel_all", {"count": 0}, now, req_id=frame.req_id)]


async def test_it_is_asked_for_what_it_has(
    connect: Connect, autojump_clock: trio.testing.MockClock
) -> None:
    """Subscriptions and methods go to whom they are for, and to nobody where there is none."""
    purse = Purse()
    provider: Provider = purse
    async with open_exchange(seed=1) as exchange, connect(exchange, HOST) as client:
        assert isinstance(exchange._venue, MarketVenue)
        exchange._venue.plug(provider)
        token = exchange._venue.tokens.issue(trio.current_time()).reveal()
        await client.subscribe("balances", token=token, users="all")
        assert (await client.next())["error"] == "EGeneral:Permission denied"
        await client.subscribe("balances", token=token)
        assert (await client.next())["result"] == {"channel": "balances", "purse": True}
        assert (await client.next())["data"] == []
        assert (await client.next()) == {"channel": "heartbeat"}
        await client.ask("cancel_all", {"token": token}, req_id=3)
        assert await client.raw() == NEWS
        assert (await client.next())["result"] == {"count": 0}
        await client.ask("cancel_all", {"token": token, "x": 1}, req_id=4)
        assert (await client.next())["error"] == "EGeneral:Invalid arguments"
        await client.ask("add_order", {"token": token})
        assert (await client.next())["error"] == "EGeneral:Invalid arguments"  # By another one.
        await client.ask("unsubscribe", {"channel": "balances", "token": token})
        assert (await client.acks(1))[0]["success"]
        assert purse.listeners == []

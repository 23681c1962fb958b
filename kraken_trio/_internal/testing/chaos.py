"""Chaos between a program and an exchange, for tests: from a seed, at either end.

Knows how faults come between a ``Dial``, or a simulated exchange, and what uses it.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import trio

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.ports import Dial
from kraken_trio._internal.testing.doors import Doors
from kraken_trio._internal.testing.mangler import Mangler
from kraken_trio._internal.testing.mishap import (
    ChaosFault,
    ChaosPlan,
    Mishap,
    Planned,
    faults_named,
)
from kraken_trio._internal.testing.rough import RoughClient, RoughServer
from kraken_trio._internal.testing.trouble import Trouble, in_lines


class Chaos:
    """What goes wrong on some connections: ``chaos`` makes it."""

    def __init__(self, plan: ChaosPlan | None, seed: int, dial: Dial) -> None:
        """Begin now. Connections are made by ``dial``."""
        self.plan: ChaosPlan | None = plan
        """What is to come; None where nothing comes by itself. It has its times from the
        beginning, and is late where nobody is connected, or nothing is sent that a fault fits."""
        self.witness: Callable[[Mishap], object] = _nobody
        """Is told of each fault as it happens. Set it to listen, ``trouble.witness = print``; it
        must not wait or raise."""
        self._trouble = Trouble(self._tell, plan or ())
        self._seed = seed
        self._by_hand = 0
        self._dial = dial
        self._dialled = 0
        self._began = trio.current_time()
        self._exchange: Doors | None = None

    @property
    def log(self) -> tuple[Mishap, ...]:
        """What went wrong so far, oldest first: the latest 10,000. ``str`` makes lines of them."""
        return tuple(self._trouble.log)

    @property
    def waiting(self) -> tuple[ChaosFault, ...]:
        """What will go wrong as soon as there is a message that it fits."""
        return tuple(planned.fault for planned in self._trouble.waiting)

    def inflict(self, fault: ChaosFault | str) -> None:
        """Let this go wrong next, as soon as there is a message that it fits.

        A fault, or its word; ``ConfigurationError`` for a word that is none, and after ``calm``.
        """
        (chosen,) = faults_named([fault])
        if self._trouble.calm:
            raise ConfigurationError(
                "inflict", "nothing goes wrong any more after calm()", "Open another chaos block"
            )
        self._by_hand += 1
        seed = f"{self._seed}/by hand/{self._by_hand}/{chosen.value}"
        self._trouble.add(Planned(0, self._now(), chosen, seed))

    def calm(self) -> None:
        """Let nothing go wrong any more: what waits is forgotten, who was banned is let in.

        What was held back comes with the next message of its connection, and times are right again.
        Connections that were made deaf or silent stay so until the client gives them up, and what
        was refused until it is asked for anew.
        """
        self._trouble.quiet()

    async def dial(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        """Connect: a ``Dial`` for programs to be tested. Raises what the one below raises.

        Where TLS is to fail, that is ``trio.BrokenResourceError`` from an ``ssl.SSLError``.
        """
        if self._exchange is not None:
            return await self._dial(host, port, tls=tls)
        if tls and self.fails_tls():
            await trio.lowlevel.checkpoint()
            raise trio.BrokenResourceError from ssl.SSLError(
                ssl.SSL_ERROR_SSL, "TLS was made to fail"
            )
        stream = await self._dial(host, port, tls=tls)
        self._dialled += 1
        return RoughClient(stream, Mangler(self._trouble, self._dialled), self._now)

    def fails_tls(self) -> bool:
        """Say whether who wants TLS now gets none, which it is then to be denied."""
        return self._trouble.fails_tls()

    def refuses_token(self, number: int, channel: str) -> bool:
        """Say whether the token is no good that was just shown for a private channel.

        Then no other is, either, that the exchange gave out. ``number`` is that of the connection.
        """
        if self._exchange is None:
            return False
        planned = self._trouble.take(lambda fault: fault is ChaosFault.AUTH_REFUSAL, self._now())
        if planned is None:
            return False
        self._exchange.revoke_tokens()
        self._trouble.happened(planned, self._now(), number, f"refused the token of {channel}")
        return True

    def between(self, stream: trio.abc.Stream, number: int) -> trio.abc.Stream:
        """Give a stream for a server to send on, on which things go wrong, instead of ``stream``.

        ``number`` is that of the connection in the log.
        """
        return RoughServer(stream, Mangler(self._trouble, number, at_server=True), self._now)

    def meet(self, exchange: Doors) -> None:
        """Come between an exchange and those who come to it from now on, and not into ``dial``."""
        self._exchange = exchange
        exchange.meddler = self

    def _now(self) -> float:
        return trio.current_time() - self._began

    def _tell(self, mishap: Mishap) -> None:
        self.witness(mishap)

    def __str__(self) -> str:
        """The log, a line a fault."""
        return in_lines(self.log)


@asynccontextmanager
async def chaos(
    where: Dial | Doors,
    *,
    seed: int = 0,
    faults: Iterable[ChaosFault | str] | None = None,
    every_s: float | None = 5.0,
) -> AsyncIterator[Chaos]:
    """Let things go wrong between a program and an exchange, as ``seed`` has it, in this block.

    ``where`` is a ``Dial``, such as ``TcpDial()`` or that of a simulated exchange: then things
    go wrong for those who connect by the ``dial`` of what this gives, whatever they connect to,
    above TLS. Or it is a simulated exchange: then they do for everybody who comes to it during
    the block, through its sockets too, whatever client that is.

    ``faults`` are those to choose from, or their words; all there are unless told otherwise.
    ``every_s`` is the time from one to the next, on the average; None for those alone that are
    asked for by ``inflict``. At the end of the block nothing goes wrong any more; the program
    should be closed in it.

    Raises ``ConfigurationError`` for what is no fault, and for a time that is none.
    """
    chosen = faults_named(faults)
    plan = None if every_s is None else ChaosPlan(seed, chosen, every_s)
    exchange = where if isinstance(where, Doors) else None
    made = Chaos(plan, seed, where.dial if isinstance(where, Doors) else where)
    before = None if exchange is None else exchange.meddler
    if exchange is not None:
        made.meet(exchange)
    await trio.lowlevel.checkpoint()
    try:
        yield made
    finally:
        made.calm()
        if exchange is not None and exchange.meddler is made:
            exchange.meddler = before


def _nobody(_mishap: Mishap) -> None:
    """Listen to nothing."""

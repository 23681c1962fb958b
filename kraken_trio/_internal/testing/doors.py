"""How clients get into a simulated exchange: through sockets, or in memory.

Knows doors and who opens them; nothing of what happens behind. Everything runs in one nursery,
and ends with it.
"""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from functools import partial
from ssl import SSLContext, SSLEOFError, SSLError
from typing import Protocol, TypeVar

import attrs
import trio

from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.testing.certificates import HOST, LOOPBACK, Contexts, make_contexts
from kraken_trio._internal.testing.connection import ExchangeConnection
from kraken_trio._internal.testing.http import serve_request
from kraken_trio._internal.testing.keys import API_KEY, API_SECRET
from kraken_trio._internal.testing.ledger import Ledger
from kraken_trio._internal.testing.market import Market
from kraken_trio._internal.testing.memory import memory_streams
from kraken_trio._internal.testing.place import Door, door_at
from kraken_trio._internal.testing.rest import ExchangeRest
from kraken_trio._internal.testing.service import OLD_PATH, PATH, UPGRADE_TIMEOUT_S, Service
from kraken_trio._internal.testing.status import Incident, PlannedMaintenance
from kraken_trio._internal.testing.venue import Venue


@attrs.frozen
class ExchangeAddress:
    """Where a simulated exchange listens."""

    url: str
    """Such as ``wss://localhost:40123/v2``."""

    client_ssl_context: SSLContext | None
    """For clients: trusts this exchange and nobody else. None without TLS."""
    ca_pem: bytes | None = None
    """The certificate that clients in other programs have to trust, in PEM. None without TLS."""

    @property
    def v1_url(self) -> str:
        """Where the same exchange speaks protocol v1, such as ``wss://localhost:40123/``."""
        return self.url.removesuffix(PATH) + OLD_PATH


class Meddler(Protocol):
    """Comes between a simulated exchange and its clients."""

    def fails_tls(self) -> bool:
        """Say whether the client that comes now, and wants TLS, gets none."""
        ...

    def refuses_token(self, number: int, channel: str) -> bool:
        """Say whether the token that a client has just shown for a private channel is refused."""
        ...

    def between(self, stream: trio.abc.Stream, number: int) -> trio.abc.Stream:
        """Give what a client is served through, instead of ``stream``. Clients have numbers."""
        ...


class Doors:
    """What every simulated exchange lets its users do, whatever it tells its clients."""

    api_key: str = API_KEY
    """The public half of the one API key that it knows. It is no secret: it opens nothing else."""
    api_secret: str = API_SECRET
    """The private half."""

    def __init__(self, nursery: trio.Nursery, venue: Venue, market: Market | None = None) -> None:
        """Let clients in to ``venue``, each served in ``nursery``.

        ``market`` is the one whose history it serves, if there is one.
        """
        self.rest: ExchangeRest = ExchangeRest(market, venue.tokens, self._tell)
        """What it serves over REST: tokens, and the history of its trades where it has any. A
        ``Rest`` for programs to be tested."""
        self.meddler: Meddler | None = None
        """What comes between it and those who come from now on: see ``chaos``."""
        self._nursery = nursery
        self._venue = venue
        self._dialled = 0
        self._contexts: Contexts | None = None

    @property
    def connections(self) -> tuple[ExchangeConnection, ...]:
        """The clients that are connected, in the order of coming."""
        return tuple(self._venue.connections)

    @property
    def connected(self) -> int:
        """How many clients ever were."""
        return self._venue.connected

    @property
    def witness(self) -> Callable[[str], object]:
        """Is told in words what happens, as it happens: who comes, wants what, is refused, leaves
        and why, and is not let in. Set it to listen, ``exchange.witness = print``; it must not
        wait or raise.
        """
        return self._venue.witness

    @witness.setter
    def witness(self, witness: Callable[[str], object]) -> None:
        self._venue.witness = witness

    @property
    def ledger(self) -> Ledger:
        """What was sent to whom, oldest first: as many frames as were asked for when it opened.

        ``[entry.message for entry in exchange.ledger.entries(connection=1, channel="book")]``.
        """
        return self._venue.ledger

    @property
    def refusals(self) -> dict[str, str | None]:
        """What is not to be had, and how it is refused, or with None never answered.

        By symbol, by channel where that has none, or by a method of trading:
        ``exchange.refusals["ETH/USD"] = "EService:Unavailable"``.
        """
        return self._venue.refusals

    @property
    def upgrade_status(self) -> int | None:
        """The HTTP status to refuse new WebSockets with, such as 429; None lets them in."""
        return self._venue.gate.status

    @upgrade_status.setter
    def upgrade_status(self, status: int | None) -> None:
        self._venue.gate.status = status

    @property
    def upgrade_statuses(self) -> dict[Door, int]:
        """The HTTP statuses to refuse new WebSockets with at some doors alone.

        ``exchange.upgrade_statuses["level3"] = 503``; take it out to let them in again.
        """
        return self._venue.gate.door_statuses

    @property
    def retry_after_s(self) -> int | None:
        """What ``Retry-After`` says when a status set above or a maintenance refuses somebody.

        None for no such header.
        """
        return self._venue.gate.retry_after_s

    @retry_after_s.setter
    def retry_after_s(self, seconds: int | None) -> None:
        self._venue.gate.retry_after_s = seconds

    @property
    def system(self) -> str:
        """The mode of the trading engine: ``online`` until it is changed."""
        return self._venue.system

    def change_system(self, system: str, *, shut: bool = False) -> None:
        """Let the trading engine go over to another mode, and tell all connections.

        The modes are ``online``, ``maintenance``, ``cancel_only`` and ``post_only``; any other
        is told as it is. With ``shut``, new WebSockets are refused with status 503 until the
        next change.
        """
        self._venue.change_system(system, shut=shut)

    def announce(
        self,
        *,
        maintenance: Iterable[PlannedMaintenance] | None = None,
        emergencies: Iterable[Incident] | None = None,
    ) -> None:
        """Announce these instead of those before, to all connections and to those who come.

        None leaves what is announced as it is; to end it, give an empty tuple. A maintenance is
        told of until it starts. To start it is up to ``change_system``.
        """
        self._venue.announce(maintenance, emergencies)

    def forgive(self) -> None:
        """Lift all bans, and forget all attempts to connect."""
        self._venue.gate.forgive()

    def now(self) -> Timestamp:
        """The exchange's clock."""
        return self._venue.now()

    def revoke_tokens(self) -> None:
        """Make all tokens no good that were given out or shown so far.

        Every request with one of them is refused, ``ESession:Invalid session``. What was
        subscribed to goes on.
        """
        self._venue.tokens.revoke()

    async def dial(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:  # noqa: ARG002
        """Connect in memory: a ``Dial`` for programs to be tested.

        At the real exchange's hosts for private data and for ``level3`` one comes to these, at any
        other address to the public data. There is no TLS, even where it is asked for. Raises
        ``ConnectionRefusedError`` once the exchange is closed.
        """
        await trio.lowlevel.checkpoint()
        if self._nursery.cancel_scope.cancel_called:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "the exchange is closed")
        ours, theirs = memory_streams()
        self._nursery.start_soon(partial(self._serve, door_at(host), tls=tls), ours)
        return theirs

    async def listen(
        self, *, tls: bool = True, port: int = 0, door: Door = "public"
    ) -> ExchangeAddress:
        """Let clients of this machine in through a socket, from now on.

        ``door`` is what they come to: ``public``, ``private`` or ``level3``, each of which is a
        host of its own with the real exchange. With ``tls``, a certificate for ``localhost`` is
        made, one for all sockets of this exchange; ``ConfigurationError`` where the package for
        that is not installed. ``port`` is one that is free unless it is named; ``OSError`` where
        that is taken.
        """
        contexts = self._certified(tls=tls)
        port = await self._accept(partial(self._serve, door, tls=tls), contexts, port)
        if contexts is None:
            return ExchangeAddress(f"ws://{HOST}:{port}{PATH}", None)
        return ExchangeAddress(f"wss://{HOST}:{port}{PATH}", contexts.client, contexts.ca_pem)

    async def listen_rest(self, *, tls: bool = True, port: int = 0) -> ExchangeAddress:
        """Serve ``rest`` to clients of this machine through a socket, from now on.

        As ``listen``; the URL is that of the host, such as ``https://localhost:40123``.
        """
        contexts = self._certified(tls=tls)
        port = await self._accept(partial(serve_request, self.rest), contexts, port)
        if contexts is None:
            return ExchangeAddress(f"http://{HOST}:{port}", None)
        return ExchangeAddress(f"https://{HOST}:{port}", contexts.client, contexts.ca_pem)

    def _certified(self, *, tls: bool) -> Contexts | None:
        """Give both ends of TLS, the same each time: a client trusts all sockets or none."""
        if tls and self._contexts is None:
            self._contexts = make_contexts()
        return self._contexts if tls else None

    async def _accept(
        self,
        serve: Callable[[trio.abc.Stream], Awaitable[object]],
        contexts: Contexts | None,
        port: int,
    ) -> int:
        """Serve those who come to a port, or to any that is free for 0; give which it is."""
        listeners = await trio.open_tcp_listeners(port, host=LOOPBACK)
        port = listeners[0].socket.getsockname()[1]
        if contexts is None:
            await self._nursery.start(partial(trio.serve_listeners, serve, listeners))
            return port
        secured = [
            # As with the real one, who cuts the connection has ended it.
            trio.SSLListener(listener, contexts.server, https_compatible=True)
            for listener in listeners
        ]
        await self._nursery.start(partial(trio.serve_listeners, serve, secured))
        return port

    def _tell(self, words: str) -> None:
        self._venue.witness(words)

    async def _serve(self, door: Door, stream: trio.abc.Stream, *, tls: bool) -> None:
        self._dialled += 1
        number = self._dialled  # Others come while this one agrees on TLS.
        meddler = self.meddler
        if tls and meddler is not None and meddler.fails_tls():
            await _refuse_tls(stream)
            return
        if not isinstance(stream, trio.SSLStream) or await self._secure(stream, number):
            service = Service(
                self._venue,
                number,
                stream if meddler is None else meddler.between(stream, number),
                _address(stream),
                door=door,
                distrusts=None if meddler is None else partial(meddler.refuses_token, number),
            )
            await service.run()

    async def _secure(self, stream: trio.SSLStream[trio.SocketStream], number: int) -> bool:
        """Agree on TLS; or tell why not, and give False."""
        try:
            with trio.fail_after(UPGRADE_TIMEOUT_S):
                await stream.do_handshake()
        except (trio.BrokenResourceError, trio.TooSlowError) as error:
            why = "it hung up, as some do that do not trust the certificate"
            if isinstance(error, trio.TooSlowError):
                why = f"it took more than {UPGRADE_TIMEOUT_S:g} s"
            elif isinstance(cause := error.__cause__, SSLError) and cause.reason:
                # An end in the middle of it has a reason, too, that says nothing to anybody.
                why = why if isinstance(cause, SSLEOFError) else cause.reason
            self.witness(f"client {number} did not agree on TLS: {why}")
            return False
        return True


async def _refuse_tls(stream: trio.abc.Stream) -> None:
    """Answer as a server that speaks no TLS; in memory, where none is spoken, hang up."""
    if isinstance(stream, trio.SSLStream):
        with suppress(trio.BrokenResourceError):
            await stream.transport_stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await trio.aclose_forcefully(stream)


def _address(stream: trio.abc.Stream) -> str:
    """Give where a client comes from."""
    below = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
    if not isinstance(below, trio.SocketStream):
        return "memory"
    try:
        return str(below.socket.getpeername()[0])
    except OSError:
        return "gone"


DoorsT = TypeVar("DoorsT", bound=Doors)
"""Some kind of exchange."""


@asynccontextmanager
async def open_doors(make: Callable[[trio.Nursery], DoorsT]) -> AsyncIterator[DoorsT]:
    """Open what ``make`` makes for a nursery; at the end of the block, shut it.

    What the block raises comes out as it was raised; so does what the exchange itself raises,
    and both together as a group.
    """
    errors: list[BaseException] = []
    failure: BaseException | None = None
    try:
        async with trio.open_nursery(strict_exception_groups=True) as nursery:
            try:
                yield make(nursery)
            except BaseException as error:
                if _is_cancelled(error):
                    raise
                failure = error  # Not through the nursery, which would make a copy of a group.
            finally:
                nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        errors += group.exceptions
    if failure is not None:
        errors.append(failure)
    real = [error for error in errors if not isinstance(error, trio.Cancelled)] or errors
    if len(real) == 1:
        raise real[0]
    if real:
        raise BaseExceptionGroup("a simulated exchange failed", real)


def _is_cancelled(error: BaseException) -> bool:
    """Say whether trio has to see it."""
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(trio.Cancelled) is not None
    return isinstance(error, trio.Cancelled)

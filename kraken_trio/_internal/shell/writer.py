"""What is sent on the connections of one session: when, in which order, and with which token.

Decides nothing about what is asked: that is the conversation's. Holds the token, and shows it to
nobody but the exchange.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import trio
from trio.lowlevel import enable_ki_protection

from kraken_trio._internal.core.conversation import Conversation
from kraken_trio._internal.engine.hooks import Hooks
from kraken_trio._internal.model.errors import ConnectionFailed, ProtocolError
from kraken_trio._internal.model.requests import Ping, Request, Subscribe, Unsubscribe
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.shell.answers import Answers
from kraken_trio._internal.shell.connection import Connection
from kraken_trio._internal.shell.preparing import stamped
from kraken_trio._internal.wire.codec import Encode
from kraken_trio._internal.wire.encode import encode_request

REQUEST_PAUSE_S: Final = 0.02
"""Between two requests: the exchange refuses bursts, and documents no rate. Ours."""

ORDER_PAUSE_S: Final = 0.005
"""After a request about orders, of which the exchange keeps count by itself, pair by pair: so short
that no order waits long for another, so long that a burst is no flood. Ours."""

_MASKED: Final = Secret("****")


class Writer:
    """Sends what a conversation wants said: on one connection after the other, never on two."""

    def __init__(
        self,
        conversation: Conversation,
        *,
        hooks: Hooks,
        wall: Callable[[], Timestamp],
        answers: Answers,
        encode: Encode = encode_request,
    ) -> None:
        """Have nothing to send, and no token. ``wall`` is the wall clock; ``answers`` keeps what is
        sent until it is answered; ``encode`` writes it.
        """
        self._encode = encode
        self._conversation = conversation
        self._answers = answers
        self._on_sent = hooks.frame_sent
        self._wall = wall
        self._stirred = trio.Event()
        self._ping_due = False
        self._token: Secret | None = None

    def stir(self) -> None:
        """There may be something to send."""
        self._stirred.set()

    def ping(self) -> None:
        """Send a ping."""
        self._ping_due = True
        self.stir()

    def hold_back(self) -> None:
        """Send nothing that needs a token until there is another."""
        self._token = None

    def authorise(self, token: Secret) -> None:
        """Send what needs a token with this one."""
        self._token = token
        self.stir()

    @enable_ki_protection
    async def run(self, connection: Connection) -> None:
        """Send on ``connection``, until it ends: the only task of ours that does."""
        # Taken from the conversation and not sent yet; of no use on the next connection.
        taken: deque[tuple[Request, int | None]] = deque()
        self._answers.begin()
        while True:
            await self._stirred.wait()
            self._stirred = trio.Event()
            # Once around, so that wishes which are made together go out together.
            await trio.lowlevel.checkpoint()
            while self._take(taken):
                request, req_id = taken.popleft()
                try:
                    await self._send(connection, request, req_id)
                except (ConnectionFailed, ProtocolError, trio.ClosedResourceError):
                    return  # whoever waits for the end of the connection is told why
                of_roster = isinstance(request, Subscribe | Unsubscribe | Ping)
                await trio.sleep(REQUEST_PAUSE_S if of_roster else ORDER_PAUSE_S)

    def _take(self, taken: deque[tuple[Request, int | None]]) -> bool:
        """Whether the first of ``taken`` can be sent now, after taking what there is."""
        if self._ping_due:
            self._ping_due = False
            taken.appendleft((Ping(), None))
        elif self._conversation.private and self._token is None:
            return False
        elif (errand := self._conversation.errands.take(trio.current_time())) is not None:
            # Before what was taken, for orders wait for no subscription. From here on it is sent.
            now = self._answers.exchange_time(self._wall())
            errand.request = stamped(errand.request, now)
            taken.appendleft((errand.request, errand.req_id))
        elif not taken:
            taken.extend(self._conversation.requests(trio.current_time()))
        return bool(taken)

    async def _send(self, connection: Connection, request: Request, req_id: int | None) -> None:
        """Send one request. Observers are told of it without the token."""
        at = self._wall()
        if self._on_sent:
            shown = self._encode(request, req_id=req_id, token=self._shown)
            for hook in self._on_sent:
                hook(self._conversation.session.name, shown, at)
        self._answers.sent(req_id, at)
        await connection.send(self._encode(request, req_id=req_id, token=self._token))

    @property
    def _shown(self) -> Secret | None:
        return None if self._token is None else _MASKED

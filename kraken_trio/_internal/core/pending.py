"""Which request an answer belongs to, and which requests were never answered.

Knows request numbers, the parts that are answered one by one, and deadlines; nothing of what a
request means. Moments are floats of seconds on a clock that the caller reads.

Source: sections "Request", "Response" and "Subscribing" of the WebSocket v2 documentation: the
exchange echoes ``req_id``; a request for several symbols or orders gets one answer for each of
them, all with that number, in any order, some of them without a name.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from typing import Generic, TypeVar

from msgspec import Struct

from kraken_trio._internal.model.errors import RequestError

MAX_REQ_ID = 2_147_483_647
"""The exchange documents no range; its support asks for a signed 32-bit one."""
LIMIT = 4096
"""Requests under way at once. Ours: far more than a healthy exchange leaves unanswered."""

RequestT = TypeVar("RequestT")
"""Whatever the caller wants back with an answer."""


class Settled(Struct, Generic[RequestT], frozen=True):
    """The request that an answer belongs to, and what is still open after it."""

    req_id: int
    """Its number."""
    request: RequestT
    """As it was added."""
    part: str | None
    """The part answered; None for an answer that names none, or one not asked for."""
    done: bool
    """Whether it was the last answer."""
    unnamed: tuple[str, ...]
    """Parts that no answer has named yet, in the order asked for. Once it is done, the answers
    without a name were about these."""


class Unanswered(Struct, Generic[RequestT], frozen=True):
    """A request that is not, or not completely, answered and never will be."""

    req_id: int
    """Its number."""
    request: RequestT
    """As it was added."""
    unnamed: tuple[str, ...]
    """Parts that no answer has named."""


class _Entry(Generic[RequestT]):
    """One request under way."""

    __slots__ = ("missing", "named", "req_id", "request", "unnamed")

    def __init__(self, req_id: int, request: RequestT, parts: Iterable[str]) -> None:
        self.req_id = req_id
        self.request = request
        self.unnamed = dict.fromkeys(parts)
        self.named: set[str] = set()
        self.missing = max(1, len(self.unnamed))


class Pending(Generic[RequestT]):
    """The requests under way on one connection. Every operation is O(log n) or better."""

    __slots__ = ("_by_part", "_deadlines", "_entries", "_last", "_limit", "_serial", "unmatched")

    def __init__(self, limit: int = LIMIT) -> None:
        """Start with none; ``limit`` bounds how many there may be."""
        self.unmatched = 0
        """Answers that belonged to no request under way: late, repeated, or not ours."""
        self._limit = limit
        self._last = 0
        self._serial = 0
        self._entries: dict[int, _Entry[RequestT]] = {}
        # For answers without a number: the requests that wait for a part of this name.
        self._by_part: dict[str, dict[int, None]] = {}
        # A heap. What was answered stays in it until it comes up or _compact() sweeps it out;
        # its head is always under way. The serial number keeps entries from being compared.
        self._deadlines: list[tuple[float, int, _Entry[RequestT]]] = []

    def __len__(self) -> int:
        """How many are under way."""
        return len(self._entries)

    @property
    def deadline(self) -> float:
        """When the next one is overdue; infinity for none."""
        return self._deadlines[0][0] if self._deadlines else math.inf

    def add(self, request: RequestT, now: float, timeout: float, parts: Iterable[str] = ()) -> int:
        """Take a request that is about to be sent, and give the number to send it with.

        ``parts`` names what is answered one by one, each once: symbols, or orders. Without any,
        one answer is expected. Give them names by which an answer without a number can be found,
        such as ``subscribe BTC/USD``. Raises ``RequestError`` when too many are under way.
        """
        if len(self._entries) >= self._limit:
            raise RequestError("request", f"{self._limit} requests are unanswered already")
        req_id = self._last % MAX_REQ_ID + 1
        while req_id in self._entries:
            req_id = req_id % MAX_REQ_ID + 1
        self._last = req_id
        entry = _Entry(req_id, request, parts)
        self._entries[req_id] = entry
        for part in entry.unnamed:
            self._by_part.setdefault(part, {})[req_id] = None
        self._serial += 1
        heapq.heappush(self._deadlines, (now + timeout, self._serial, entry))
        return req_id

    def resolve(
        self, req_id: int | None, part: str | None = None, *, whole: bool = False
    ) -> Settled[RequestT] | None:
        """Take one answer; give the request it belongs to, or None, counted, if there is none.

        An answer without a number belongs to the one request that waits for its ``part``; where
        several do, it is not guessed which. An answer with a number but without a part, or with
        one not asked for, settles one part, nobody knows yet which; the same part again settles
        nothing. ``whole`` settles all that is left: the refusal of a parameter may come once for
        all symbols.
        """
        entry = self._entries.get(self._find(part) if req_id is None else req_id)
        if entry is None or part in entry.named:
            self.unmatched += 1
            return None
        if part is not None and part in entry.unnamed:
            del entry.unnamed[part]
            entry.named.add(part)
            self._forget(part, entry)
        else:
            part = None
        entry.missing = 0 if whole else entry.missing - 1
        if entry.missing == 0:
            self._remove(entry)
        return Settled(entry.req_id, entry.request, part, entry.missing == 0, tuple(entry.unnamed))

    def asked(self, req_id: int | None) -> RequestT | None:
        """Give the request under way that has this number, if there is one."""
        entry = None if req_id is None else self._entries.get(req_id)
        return None if entry is None else entry.request

    def overdue(self, now: float) -> list[Unanswered[RequestT]]:
        """Remove and give those whose deadline has come, the earliest first."""
        found: list[Unanswered[RequestT]] = []
        while self.deadline <= now:
            entry = self._deadlines[0][2]
            found.append(Unanswered(entry.req_id, entry.request, tuple(entry.unnamed)))
            self._remove(entry)
        return found

    def drain(self) -> list[Unanswered[RequestT]]:
        """Remove and give all, in the order in which they were added: the connection is gone."""
        found = [
            Unanswered(entry.req_id, entry.request, tuple(entry.unnamed))
            for entry in self._entries.values()
        ]
        self._entries.clear()
        self._by_part.clear()
        self._deadlines.clear()
        return found

    def _find(self, part: str | None) -> int:
        """Give the only request that waits for ``part``, or 0, which is no number."""
        waiting = self._by_part.get(part, {}) if part is not None else {}
        return next(iter(waiting)) if len(waiting) == 1 else 0

    def _forget(self, part: str, entry: _Entry[RequestT]) -> None:
        waiting = self._by_part[part]
        del waiting[entry.req_id]
        if not waiting:
            del self._by_part[part]

    def _remove(self, entry: _Entry[RequestT]) -> None:
        del self._entries[entry.req_id]
        for part in entry.unnamed:
            self._forget(part, entry)
        heap = self._deadlines
        while heap and not self._under_way(heap[0][2]):
            heapq.heappop(heap)
        # Swept out when they are more than half, so that the cost of it is constant per request.
        if len(heap) > 2 * len(self._entries):
            self._deadlines = [item for item in heap if self._under_way(item[2])]
            heapq.heapify(self._deadlines)

    def _under_way(self, entry: _Entry[RequestT]) -> bool:
        return self._entries.get(entry.req_id) is entry

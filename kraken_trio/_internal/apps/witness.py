"""What a feed does not tell: how the exchange's clock stands against ours, and wrong checksums.

Each answer of the exchange says when the request came in and when the answer went out. With the
times of this machine around them that gives the difference of the clocks, and how sure it is, as
NTP does it (RFC 5905 section 8).
"""

from __future__ import annotations

import json
from datetime import datetime

from kraken_trio import Gap, GapReason, Timestamp
from kraken_trio.extended import Observer

LONGEST = 4096
"""Bytes of an answer that is looked at; all answers are shorter."""


class Witness(Observer):
    """Watches one connection."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self.wrong_checksums = 0
        """Book messages whose checksum was wrong."""
        self.skew: tuple[float, float] | None = None
        """By how many seconds the exchange's clock is ahead of ours, and how far that may be
        wrong either way; None while no answer came."""
        self._sent: dict[object, Timestamp] = {}

    def frame_sent(self, session: str, payload: bytes, at: Timestamp) -> None:  # noqa: ARG002
        """Note when a request went out."""
        self._sent[json.loads(payload).get("req_id")] = at

    def frame_received(
        self,
        session: str,  # noqa: ARG002 - there is one
        payload: bytes | memoryview,
        at: Timestamp,
    ) -> None:
        """Note what an answer says of the time."""
        frame = bytes(payload[:LONGEST])
        if b'"time_in"' not in frame:
            return
        try:
            answer = json.loads(frame)
            came, went = (
                Timestamp.of(datetime.fromisoformat(answer[name]))
                for name in ("time_in", "time_out")
            )
            sent = self._sent[answer["req_id"]]
        except (KeyError, TypeError, ValueError):
            return  # Whether it may look like that, the decoder knows.
        ahead_s = ((came - sent) + (went - at)) / 2 / 1e9
        self.skew = ahead_s, max((at - sent) - (went - came), 0) / 2 / 1e9

    def gap(self, session: str, gap: Gap) -> None:  # noqa: ARG002 - there is one
        """Count a wrong checksum."""
        self.wrong_checksums += gap.reason is GapReason.CHECKSUM

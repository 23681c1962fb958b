"""What can be plugged into an exchange: somebody who has something to tell in some channels.

Knows what is asked of such a one, nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from kraken_trio._internal.testing.part import Part
from kraken_trio._internal.testing.service import Service
from kraken_trio._internal.wire.requests import RequestFrame


class Provider(Protocol):
    """Somebody who tells of some channels, and may trade.

    It is asked for nothing at the wrong host or without a good token.
    """

    @property
    def channels(self) -> Collection[str]:
        """What it tells of."""
        ...

    @property
    def methods(self) -> Collection[str]:
        """The methods of trading that it knows; there may be none."""
        ...

    def refusal(self, part: Part) -> str | None:
        """Say why this cannot be subscribed to, or None where it can."""
        ...

    def result(self, part: Part) -> Mapping[str, object]:
        """Give the result that an acknowledgement holds."""
        ...

    def begin(self, service: Service, part: Part) -> None:
        """Tell a client from now on: the snapshot if it is wanted, then what is new."""
        ...

    def end(self, service: Service, part: Part) -> None:
        """Tell a client nothing of that any more."""
        ...

    def trade(self, frame: RequestFrame, now: int) -> Iterable[bytes]:
        """Do what one of its methods asks, and give the answers, in order.

        The request came ``now``, nanoseconds since the epoch. What is told of it in a channel
        before this returns comes before the answers. ``Refused`` refuses it as a whole.
        """
        ...

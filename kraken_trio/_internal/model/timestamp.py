"""The one notion of time in records: integer nanoseconds since the epoch, UTC.

An integer and not a ``datetime`` because ``level3`` and ``ohlc`` print nanoseconds, which a
``datetime`` cannot hold, and because differences, comparisons and storage are then exact and
cheap. The aware ``datetime`` is built when somebody asks for it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Self

NANOSECONDS = 1_000_000_000
"""In a second."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Timestamp(int):
    """Nanoseconds since 1970-01-01T00:00:00Z.

    It is an ``int``: ``trade.received_at - trade.timestamp`` is a latency in nanoseconds.
    """

    __slots__ = ()

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """The timestamp of an aware ``datetime``; ``ValueError`` for one without a time zone."""
        if moment.utcoffset() is None:
            msg = f"{moment!r} has no time zone: an instant needs one"
            raise ValueError(msg)
        return cls((moment - _EPOCH) // timedelta(microseconds=1) * 1000)

    @property
    def datetime(self) -> datetime:
        """The aware UTC ``datetime``; what is below a microsecond is cut off."""
        return _EPOCH + timedelta(microseconds=self // 1000)

    def __str__(self) -> str:
        """RFC 3339 in UTC, with six digits, or nine where microseconds do not hold it.

        A moment outside the years 1 to 9999, which RFC 3339 cannot write, shows its number.
        """
        seconds, nanoseconds = divmod(self, NANOSECONDS)
        try:
            whole = (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
        except OverflowError:
            return f"{int(self)} ns"
        if nanoseconds % 1000:
            return f"{whole}.{nanoseconds:09d}Z"
        return f"{whole}.{nanoseconds // 1000:06d}Z"

    def __repr__(self) -> str:
        """As ``str()``, named."""
        return f"Timestamp({self})"

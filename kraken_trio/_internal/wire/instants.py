"""Times on the wire: RFC 3339 text to a ``Timestamp``, and back for requests.

Knows the notation; reads no clock.

Sources: RFC 3339 section 5.6; "Times" in the conventions of the WebSocket v2 documentation;
captured traffic, which has anything from no to nine digits of fraction, and times without
the ``Z``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from kraken_trio._internal.model.timestamp import NANOSECONDS, Timestamp

# Three digits a look-up. A sum of look-ups is cheaper than int(), which would take signs, blanks,
# underscores and the digits of other scripts, and so would have to be guarded.
_MILLISECONDS = {f"{n:03}": n * 1_000_000 for n in range(1000)}
_MICROSECONDS = {f"{n:03}": n * 1_000 for n in range(1000)}
_LAST_MICROSECONDS = {f"{n:03}Z": n * 1_000 for n in range(1000)}
_LAST_NANOSECONDS = {f"{n:03}Z": n for n in range(1000)}

_SECOND = len("2026-08-16T23:37:05.")
_MICROSECOND = len("2026-08-16T23:37:05.399046Z")
_MAX_DIGITS = 9
MOST_SECONDS = 1024
"""How many are remembered."""
_WHOLE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?"
    r"(?:[Zz]|([-+])([01]\d|2[0-3]):([0-5]\d))?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_SECONDS = 86400


class Instants:
    """Reads times. Remembers the seconds it read, for nearly all are of one that was read before:
    those of a stream are of the last, and those of orders and past trades of a few hundred.
    """

    __slots__ = ("_seconds",)

    def __init__(self) -> None:
        """Remember nothing yet."""
        # Such as "2026-08-16T23:37:05.", with the point, to its nanoseconds since the epoch.
        self._seconds: dict[str, int] = {}

    def parse(self, text: str) -> Timestamp:
        """Give the instant; ``ValueError`` where it is not one.

        Digits below a nanosecond are cut off. A time without a zone is UTC. A second 60 is
        refused: the exchange's clock has none, and neither has ``Timestamp``.
        """
        begin = self._seconds.get(text[:_SECOND])
        if begin is not None:
            try:
                nanoseconds = begin + _MILLISECONDS[text[20:23]]
                if len(text) == _MICROSECOND:
                    return Timestamp(nanoseconds + _LAST_MICROSECONDS[text[23:]])
                return Timestamp(
                    nanoseconds + _MICROSECONDS[text[23:26]] + _LAST_NANOSECONDS[text[26:]]
                )
            except KeyError:
                pass  # Another number of digits, another zone, or no time at all.
        return self._parse_whole(text)

    def _parse_whole(self, text: str) -> Timestamp:
        match = _WHOLE.fullmatch(text)
        if match is None:
            raise ValueError("a time is not written as RFC 3339 says")
        *whole, fraction, sign, hours, minutes = match.groups()
        try:
            moment = datetime(*map(int, whole), tzinfo=UTC)  # type: ignore[misc, arg-type]
            if sign:
                offset = timedelta(hours=int(hours), minutes=int(minutes))
                moment += offset if sign == "-" else -offset
        except (ValueError, OverflowError):
            raise ValueError("a time does not exist") from None
        since = moment - _EPOCH
        begin = (since.days * _DAY_SECONDS + since.seconds) * NANOSECONDS
        if fraction is None:
            return Timestamp(begin)
        if not sign:
            if len(self._seconds) >= MOST_SECONDS:
                self._seconds.clear()
            self._seconds[text[:_SECOND]] = begin
        nanoseconds = fraction[:_MAX_DIGITS].ljust(_MAX_DIGITS, "0")
        return Timestamp(begin + int(nanoseconds))


def seconds_text(moment: Timestamp) -> str:
    """Write an instant with whole seconds, as ``effective_time`` wants it; the rest is cut off."""
    return _text(moment, "seconds")


def milliseconds_text(moment: Timestamp) -> str:
    """Write an instant with milliseconds, as ``deadline`` wants it; the rest is cut off."""
    return _text(moment, "milliseconds")


def _text(moment: Timestamp, digits: str) -> str:
    return moment.datetime.replace(tzinfo=None).isoformat(timespec=digits) + "Z"

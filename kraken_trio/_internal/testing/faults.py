"""Frames that are wrong in one way: what a test has sent instead of the right ones.

Knows the text of the exchange's frames, and changes as little of it as it can. Each function is
an ``Alteration``: it is given a frame, and gives those that are sent instead of it.

Source: sections "Errors" and "Checklist for a faithful simulator" of the WebSocket v2
documentation.
"""

from __future__ import annotations

import re

_CHECKSUM = re.compile(rb'(?<="checksum":)\d+')


def wrong_checksum(frame: bytes) -> tuple[bytes]:
    """Give the frame of a book with a checksum that is wrong by one bit."""
    return (_CHECKSUM.sub(lambda found: b"%d" % (int(found[0]) ^ 1), frame),)

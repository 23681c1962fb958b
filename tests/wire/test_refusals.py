"""What a refusal means for the next attempt."""

from __future__ import annotations

import pytest

from kraken_trio._internal.model.messages import Refusal
from kraken_trio._internal.wire.refusals import refusal_of


@pytest.mark.parametrize(
    "error, meaning",
    [
        ("Already subscribed", Refusal.ALREADY),
        ("Subscription Not Found", Refusal.ABSENT),
        ("ESession:Invalid session", Refusal.TOKEN),
        ("Token(s) not found", Refusal.FINAL),
        ("Exceeded msg rate", Refusal.TRANSIENT),
        ("EService:Busy", Refusal.TRANSIENT),
        ("EService: Throttled: 1700000000", Refusal.TRANSIENT),
        ("Rate limit for snapshot requests exceeded, when trying to …", Refusal.TRANSIENT),
        ("Currency pair not supported XBT/USD", Refusal.FINAL),
        ("Subscription depth not supported", Refusal.FINAL),
        ("EService:Market in cancel_only mode", Refusal.TRANSIENT),
        ("EService:something new", Refusal.TRANSIENT),
        ("ESession:Invalid session:detail", Refusal.TOKEN),
        ("EAPI:Rate limit exceeded:x", Refusal.TRANSIENT),
        ("EAPI:Rate limit exceeded, EService:Busy", Refusal.TRANSIENT),
        ("EService:Busy, EAPI:Invalid key", Refusal.FINAL),
        ("Already subscribed:detail", Refusal.FINAL),
        ("EGeneral:Internal error:17", Refusal.TRANSIENT),
        ("EService:Deadline elapsed", Refusal.FINAL),
        ("something new", Refusal.FINAL),
    ],
)
def test_words_and_their_meaning(error: str, meaning: Refusal) -> None:
    """What the exchange says will pass is tried again; the unknown is final, but of a service."""
    assert refusal_of(error) is meaning

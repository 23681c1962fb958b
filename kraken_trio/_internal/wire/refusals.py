"""What the exchange's words of refusal mean for the same request made again.

Knows which words are about the conversation itself; what all others mean stands in
``model.complaints``. What is not known is final: to repeat what a stranger refused is how one gets
banned.

Source: section "Errors" of the WebSocket v2 documentation, and captured refusals.
"""

from __future__ import annotations

from typing import Final

from kraken_trio._internal.model.complaints import explain
from kraken_trio._internal.model.messages import Refusal

_OF_ITSELF: Final = {
    "Already subscribed": Refusal.ALREADY,
    "Subscription Not Found": Refusal.ABSENT,
    "ESession:Invalid session": Refusal.TOKEN,
}


def refusal_of(error: str) -> Refusal:
    """Give what an error text means for the next attempt."""
    known = _OF_ITSELF.get(error)
    if known is not None:
        return known
    return Refusal.TRANSIENT if explain(error).retryable else Refusal.FINAL

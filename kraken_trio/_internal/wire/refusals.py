"""What the exchange's words of refusal mean for the same request made again.

Knows which words are about the conversation itself; what all others mean stands in
``model.complaints``. What is not known is final, unless it is of the category ``Service``: to
repeat what a stranger refused is how one gets banned.

Source: section "Errors" of the WebSocket v2 documentation, and captured refusals.
"""

from __future__ import annotations

from typing import Final

from kraken_trio._internal.model.complaints import explain, worst
from kraken_trio._internal.model.messages import Refusal

_OF_ITSELF: Final = {
    "Already subscribed": Refusal.ALREADY,
    "Subscription Not Found": Refusal.ABSENT,
    "ESession:Invalid session": Refusal.TOKEN,
}


def refusal_of(error: str) -> Refusal:
    """Give what an error text means for the next attempt; of several joined, the worst."""
    said = worst(error)
    for words, meaning in _OF_ITSELF.items():
        # What has a severity may go on with a detail.
        if said == words or (words.startswith("E") and said.startswith(words + ":")):
            return meaning
    return Refusal.TRANSIENT if explain(said).retryable else Refusal.FINAL

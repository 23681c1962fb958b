"""What the exchange's words of refusal mean for the same request made again.

Knows the strings; nothing of which request they answer. What is not known is final: to repeat
what a stranger refused is how one gets banned.

Source: section "Errors" of the WebSocket v2 documentation, and captured refusals.
"""

from __future__ import annotations

from kraken_trio._internal.model.messages import Refusal

_EXACT = {
    "Already subscribed": Refusal.ALREADY,
    "Subscription Not Found": Refusal.ABSENT,
    "ESession:Invalid session": Refusal.TOKEN,
    "Exceeded msg rate": Refusal.TRANSIENT,
    "EAPI:Rate limit exceeded": Refusal.TRANSIENT,
    "EOrder:Rate limit exceeded": Refusal.TRANSIENT,
    "EGeneral:Too many requests": Refusal.TRANSIENT,
    "EService:Busy": Refusal.TRANSIENT,
    "EService:Unavailable": Refusal.TRANSIENT,
}
# Both end in what they are about.
_BEGINNINGS = ("Rate limit for snapshot requests exceeded", "EService: Throttled")


def refusal_of(error: str) -> Refusal:
    """Give what an error text means for the next attempt."""
    known = _EXACT.get(error)
    if known is not None:
        return known
    return Refusal.TRANSIENT if error.startswith(_BEGINNINGS) else Refusal.FINAL

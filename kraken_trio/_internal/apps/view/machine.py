"""The states of a session and what leads from one to another: what a picture of them is drawn from.

Only the arrows; what a transition does, and which triggers are late, is said in docs/states.md.
"""

from __future__ import annotations

from typing import Any, Final

from kraken_trio import ConnectionState as S
from kraken_trio import SessionTrigger as T

_CONNECTED: Final = (S.SUBSCRIBING, S.SUBSCRIBED, S.RESYNCING)

EDGES: Final[tuple[tuple[S, T, S], ...]] = (
    (S.DISCONNECTED, T.CONNECT, S.CONNECTING),
    (S.DISCONNECTED, T.CLOSE, S.CLOSED),
    (S.CONNECTING, T.ESTABLISHED, S.SUBSCRIBING),
    (S.CONNECTING, T.ESTABLISHED_PRIVATE, S.AUTHENTICATING),
    (S.CONNECTING, T.CONNECT_FAILED, S.DEGRADED),
    (S.CONNECTING, T.CONNECT_TIMED_OUT, S.DEGRADED),
    (S.CONNECTING, T.CLOSE, S.CLOSED),
    (S.AUTHENTICATING, T.AUTH_ACCEPTED, S.SUBSCRIBING),
    (S.AUTHENTICATING, T.AUTH_REFUSED, S.CLOSED),
    (S.AUTHENTICATING, T.AUTH_UNAVAILABLE, S.DEGRADED),
    (S.SUBSCRIBING, T.CONFIRMED, S.SUBSCRIBED),
    (S.SUBSCRIBING, T.UNANSWERED, S.DEGRADED),
    (S.SUBSCRIBED, T.UNANSWERED, S.DEGRADED),
    (S.SUBSCRIBED, T.GAP, S.RESYNCING),
    (S.RESYNCING, T.RESYNCED, S.SUBSCRIBED),
    (S.RESYNCING, T.RESYNC_UNANSWERED, S.DEGRADED),
    (S.DEGRADED, T.RETRY, S.CONNECTING),
    (S.DEGRADED, T.RETRIES_SPENT, S.CLOSED),
    (S.DEGRADED, T.CLOSE, S.CLOSED),
    (S.CLOSED, T.CONNECT, S.CONNECTING),
    *((state, T.AUTH_REFUSED, S.CLOSED) for state in _CONNECTED),
    *((state, T.AUTH_UNAVAILABLE, S.DEGRADED) for state in _CONNECTED),
    *(
        (state, trigger, to_state)
        for state in (S.AUTHENTICATING, *_CONNECTED)
        for trigger, to_state in (
            (T.LOST, S.DEGRADED),
            (T.SILENT, S.DEGRADED),
            (T.CLOSE, S.CLOSED),
        )
    ),
)
"""Every transition that leads from one state to another; a test holds them to the tables."""


def drawn() -> dict[str, Any]:
    """States and arrows, by their words."""
    return {
        "states": [state.value for state in S],
        "edges": [[a.value, trigger.value, b.value] for a, trigger, b in EDGES],
    }

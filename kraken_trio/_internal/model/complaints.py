"""What the exchange's words of refusal mean: about what they are, whether they pass, what to do.

Knows every string that is known; nothing of which request it answers. Imports nothing of the
project. The table in ``docs/errors.md`` is drawn from here.

Engine and REST share one form, ``<severity><category>:<text>[:detail]``, where the severity is
``E`` or ``W``; of strings in other forms the category is told here. What is not known keeps its
text, has the category that it says itself, and is not to be repeated: to repeat what a stranger
refused is how one gets banned. Only what is of the category ``Service`` always passes.

Several refusals may come as one, joined by a comma: then the worst of them speaks for all.

Source: section "Errors" of the WebSocket v2 documentation, "Basics" and "Rate limits" of the REST
documentation, and captured refusals.
"""

from __future__ import annotations

import enum
import re
from itertools import pairwise
from typing import Final

from msgspec import Struct
from msgspec.structs import replace


class Severity(enum.Enum):
    """How bad it is, in the exchange's own terms."""

    ERROR = "error"
    """What was asked for was not done."""
    WARNING = "warning"
    """It was done, and something is to be known about it."""


class Complaint(Struct, frozen=True):
    """What words of the exchange mean."""

    text: str
    """The words themselves."""
    category: str
    """About what: ``Order``, ``Service``, ``Auth``, ``API``, ``General``, ``Session``, ``Query``,
    ``Trade``, ``Funding``, ``Account``, ``BM``, and for words without such a mark
    ``Subscription``, ``Request``, ``Endpoint`` or ``Rate``; ``Unknown`` where nobody knows."""
    severity: Severity
    """How bad it is."""
    kind: str
    """The name of the error that it becomes: ``SubscriptionError`` for what was subscribed to,
    ``OrderRejected`` for orders, ``OutcomeUnknown`` where an order may have been placed all the
    same, ``AuthenticationError`` for credentials, ``RequestError`` otherwise."""
    retryable: bool
    """Whether the same request may succeed later, with nothing changed but the time."""
    mend: str
    """What to do about it; empty where nobody knows."""
    known: bool = True
    """Whether the words are known, rather than taken apart."""


class Row(Struct, frozen=True):
    """One line of the table."""

    text: str
    """The words, or what they begin with."""
    mend: str
    """What to do."""
    kind: str = "RequestError"
    """As of ``Complaint``."""
    retryable: bool = False
    """As of ``Complaint``."""
    category: str = ""
    """Of words that do not say it themselves."""
    whole: bool = True
    """Whether these are all the words: others go on with what they are about. All that have a
    severity may go on with a colon and a detail."""
    doubtful: bool = False
    """Whether an order that is refused so may have been placed or changed all the same."""


_SUBSCRIPTION, _ORDER, _AUTH = "SubscriptionError", "OrderRejected", "AuthenticationError"

_CHECK_PAIR: Final = (
    "Use the pair's name of today, such as BTC/USD; feed.instrument() lists all there are"
)
_OURS: Final = "Report it: the library should not have sent that"
_SLOWER: Final = "Wait a while, and ask less often"
_KEY: Final = "Check api_key: it must be copied whole, and not have been deleted"
_CHANGE: Final = "Change the order: the words behind say what"
_MARGIN: Final = "Add funds, make the order smaller, or close positions"
_WAIT: Final = "Wait: the library tries subscriptions and tokens again by itself"
_MODE: Final = "Wait for the market to be open again: feed.on(SystemStatus, ...) tells it"

ROWS: Final[tuple[Row, ...]] = (
    # Subscribing.
    Row(
        "Currency pair not supported",
        _CHECK_PAIR,
        _SUBSCRIPTION,
        category="Subscription",
        whole=False,
    ),
    Row(
        "Currency pair not in ISO 4217-A3 format",
        _CHECK_PAIR,
        _SUBSCRIPTION,
        category="Subscription",
        whole=False,
    ),
    Row(
        "Already subscribed",
        "Leave the other subscription first; the exchange has one of a pair on a connection",
        _SUBSCRIPTION,
        category="Subscription",
    ),
    Row(
        "Subscription Not Found",
        "Nothing: what was to be left is not there",
        _SUBSCRIPTION,
        category="Subscription",
    ),
    Row(
        "Subscription depth not supported",
        "Choose one of the depths that Channel.book or Channel.level3 names",
        _SUBSCRIPTION,
        category="Subscription",
    ),
    Row(
        "Subscription ohlc interval not supported",
        "Choose one of the intervals that Channel.ohlc names",
        _SUBSCRIPTION,
        category="Subscription",
    ),
    Row(
        "Rate limit for snapshot requests exceeded",
        "Nothing: the library asks again, and paces books of orders itself",
        _SUBSCRIPTION,
        retryable=True,
        category="Rate",
        whole=False,
    ),
    Row(
        "Private data and trading are unavailable on this endpoint",
        "Check private_endpoint: it must be a host for accounts",
        category="Endpoint",
        whole=False,
    ),
    Row(
        "Public market data subscriptions are unavailable on this endpoint",
        "Check endpoint: it must be a host for market data",
        category="Endpoint",
        whole=False,
    ),
    # Sessions and keys.
    Row(
        "ESession:Invalid session",
        "Nothing: the library fetches a fresh token and asks again",
        retryable=True,
    ),
    Row("Token(s) not found", _OURS, category="Session"),
    Row("EAPI:Invalid key", _KEY, _AUTH),
    Row(
        "EAPI:Invalid signature",
        "Check api_secret: it must be the private key of this very api_key",
        _AUTH,
    ),
    Row(
        "EAPI:Invalid nonce",
        "Give each program a key of its own, or the key a nonce window in its settings",
        retryable=True,
    ),
    Row(
        "EGeneral:Permission denied",
        "Give the API key the right to it, in its settings: to the WebSocket interface for tokens, "
        "to query orders and funds for account data, to create orders for trading",
        _AUTH,
    ),
    Row(
        "EGeneral:Temporary lockout",
        "It comes after too many wrong keys: correct the key, then wait before the next attempt",
        _AUTH,
    ),
    Row("EAccount:Invalid permissions", "Look at what the account may do, in its settings", _AUTH),
    Row("EAuth:Account temporary disabled", "Ask the exchange's support", _AUTH),
    Row("EAuth:Account unconfirmed", "Confirm the account with the exchange", _AUTH),
    Row("EAuth:Rate limit exceeded", _SLOWER, retryable=True),
    Row("EAuth:Too many requests", _SLOWER, retryable=True),
    # Too fast, or not now.
    Row("Exceeded msg rate", _SLOWER, retryable=True, category="Rate"),
    Row("EAPI:Rate limit exceeded", _SLOWER, retryable=True),
    Row("EGeneral:Too many requests", _SLOWER, retryable=True),
    Row("EService: Throttled", "Wait until the time that it says", retryable=True, whole=False),
    Row("EService:Throttled", "Wait until the time that it says", retryable=True, whole=False),
    Row("EService:Unavailable", _WAIT, retryable=True),
    Row("EService:Busy", _WAIT, retryable=True),
    Row("EService:Market in cancel_only mode", _MODE, _ORDER, retryable=True),
    Row("EService:Market in post_only mode", _MODE, _ORDER, retryable=True),
    Row("EService:Market in limit_only mode", _MODE, _ORDER, retryable=True),
    Row(
        "EService:Deadline elapsed",
        "Look whether the order is there, by its cl_ord_id in the executions, before sending it "
        "again",
        "OutcomeUnknown",
        doubtful=True,
    ),
    Row(
        "EGeneral:Internal error",
        "Try again after a pause; of an order, look first whether it was placed",
        retryable=True,
        whole=False,
        doubtful=True,
    ),
    # Requests.
    Row("EGeneral:Invalid arguments:Index unavailable", "Use another trigger than index", _ORDER),
    Row(
        "EGeneral:Invalid arguments",
        "Change the request: the words behind say what is wrong with it",
        whole=False,
    ),
    Row("Unsupported field", _OURS, category="Request", whole=False),
    Row("Unsupported event", _OURS, category="Request"),
    Row("Method(s) not found", _OURS, category="Request"),
    Row("Malformed request", _OURS, category="Request"),
    Row("Limit_price field must be a number_float", _OURS, category="Request"),
    Row("Cash_order_qty field must be a number_float", _OURS, category="Request"),
    Row("EQuery:Unknown asset pair", _CHECK_PAIR),
    Row("ETrade:Invalid request", _CHANGE, _ORDER),
    Row("EBM:limit exceeded:CAL", "Ask the exchange's support about the limits of this account"),
    # Orders.
    Row("EOrder:Cannot open opposing position", "Close the position first, or reduce it", _ORDER),
    Row("EOrder:Cannot open position", "Look at the account's rights to margin", _ORDER),
    Row("EOrder:Margin allowance exceeded", _MARGIN, _ORDER),
    Row("EOrder:Margin level too low", _MARGIN, _ORDER),
    Row("EOrder:Margin position size exceeded", _MARGIN, _ORDER),
    Row("EOrder:Insufficient margin", "The exchange has none to lend now: try later", _ORDER),
    Row("EOrder:Insufficient funds", "Add funds, or make the order smaller", _ORDER),
    Row("EOrder:Order minimum not met", "Order qty_min of the pair at least", _ORDER),
    Row("EOrder:Cost minimum not met", "Order for cost_min of the pair at least", _ORDER),
    Row("EOrder:Tick size check failed", "Use a multiple of the pair's price_increment", _ORDER),
    Row("EOrder:Orders limit exceeded", "Cancel some open orders of this pair first", _ORDER),
    Row(
        "EOrder:Rate limit exceeded",
        "Wait for the rate counter to decay, and amend rather than cancel young orders",
        _ORDER,
        retryable=True,
    ),
    Row("EOrder:Domain rate limit exceeded", _SLOWER, _ORDER, retryable=True),
    Row("EOrder:Invalid price", "Use a price with price_precision decimals of the pair", _ORDER),
    Row("EOrder:Invalid order", _CHANGE, _ORDER),
    Row(
        "EOrder:Unknown order",
        "Nothing can be done with it: it ended, or never was; feed.orders has those that are open",
        _ORDER,
    ),
    Row("EOrder:Unknown position", "Look which positions are open", _ORDER),
    Row("EOrder:Positions limit exceeded", "Close some positions first", _ORDER),
    Row("EOrder:Reduce only:Non-PC", "Leave reduce_only out: this pair does not know it", _ORDER),
    Row("EOrder:Reduce only:No position exists", "Nothing: there is nothing to reduce", _ORDER),
    Row("EOrder:Reduce only:Position is closed", "Nothing: there is nothing to reduce", _ORDER),
    Row("EOrder:Scheduled orders limit exceeded", "Cancel some scheduled orders first", _ORDER),
)
"""All that is known, each once."""

_FORM: Final = re.compile(r"([EW])([A-Za-z]{2,20}): ?(?=\S)")
_JOINT: Final = re.compile(rf", (?={_FORM.pattern})")
_EXACT: Final = {row.text: row for row in ROWS if row.whole}
# The longest first, as it says most.
_BEGINNINGS: Final = sorted(
    (
        (row, row.text + ":" if row.whole else row.text)
        for row in ROWS
        if not row.whole or _FORM.match(row.text)
    ),
    key=lambda found: len(found[0].text),
    reverse=True,
)
_KINDS: Final = {"Order": _ORDER, "Trade": _ORDER, "Subscription": _SUBSCRIPTION}
"""What unknown words become, by their category."""
_PASSING: Final = "Service"
"""The category of which all that is said passes."""


def explain(text: str) -> Complaint:
    """Say what words of the exchange mean, of several joined the worst. Words that are not known
    keep their text.
    """
    parts = _apart(text)
    if len(parts) == 1:
        return _explained(text)
    return replace(min(map(_explained, parts), key=_badness), text=text)


def worst(text: str) -> str:
    """Of several refusals that came joined, the worst; what is none of these as it is."""
    return min(map(_explained, _apart(text)), key=_badness).text


def doubtful(text: str) -> bool:
    """Whether an order may have been placed or changed that was refused with these words: the
    exchange failed at it, and never said no.
    """
    for part in _apart(text):
        row = _row(part)
        severity, category = _taken_apart(part)
        if row is None and category == _PASSING and severity is Severity.ERROR:
            return True
        if row is not None and row.doubtful:
            return True
    return False


def _apart(text: str) -> list[str]:
    """Refusals that came joined, each by itself; only where each has a severity and a category."""
    found = _FORM.match(text)
    if found is None:
        return [text]
    starts = [0, *(joint.end() for joint in _JOINT.finditer(text)), len(text) + 2]
    return [text[start : end - 2] for start, end in pairwise(starts)]


def _badness(complaint: Complaint) -> tuple[bool, ...]:
    """Sort the worst first: errors, what is in doubt, what is final, and what is known."""
    return (
        complaint.severity is Severity.WARNING,
        complaint.kind != "OutcomeUnknown",
        complaint.retryable,
        not complaint.known,
    )


def _row(text: str) -> Row | None:
    found = _EXACT.get(text)
    return found or next((row for row, words in _BEGINNINGS if text.startswith(words)), None)


def _explained(text: str) -> Complaint:
    """What words mean that are not joined."""
    severity, category = _taken_apart(text)
    row = _row(text)
    if row is None:
        kind = _KINDS.get(category, "RequestError")
        passes = category == _PASSING
        return Complaint(text, category, severity, kind, passes, "", known=False)
    return Complaint(text, row.category or category, severity, row.kind, row.retryable, row.mend)


def _taken_apart(text: str) -> tuple[Severity, str]:
    """Give severity and category as far as the words say them."""
    found = _FORM.match(text)
    if found is None:
        return Severity.ERROR, "Unknown"
    return Severity.WARNING if found[1] == "W" else Severity.ERROR, found[2]

"""What became of a request about orders whose answer never came."""

from __future__ import annotations

from msgspec import Struct

from kraken_trio._internal.model.account import Execution


class Settlement(Struct, frozen=True, kw_only=True):
    """What executions show of a request whose outcome was unknown.

    What it was about may have gone on since: this is how it stands now.
    """

    method: str
    """The request's method, such as ``add_order``."""
    req_id: int
    """The request's number."""
    carried_out: bool | None
    """Whether it was. None where executions cannot show that: of a dead man's switch, which may be
    set again as often as you like; of an amendment of an order that is not open any more, or of
    which nothing is known; of a batch of which some was done; and of a new order while more fills
    were missed than a snapshot shows. Of a cancellation it says whether the order is not open any
    more, whatever ended it.

    False of a new order, or of an edit, means: what it was to make is not open, nothing of it was
    filled, and it will not come any more. It may have been there for a moment; and what was to be
    replaced by an edit may be over all the same, as ``open_orders`` shows."""
    orders: tuple[Execution, ...] = ()
    """The orders that it was about, of which anything is known: what is known of each, gathered
    from its reports, as its latest report has it."""
    open_orders: tuple[str, ...] = ()
    """Those of them that are open, by ``order_id``."""
    fills: tuple[Execution, ...] = ()
    """Their fills, oldest first."""
    answer: str | None = None
    """What the exchange said after all: its words, empty for yes; None where it said nothing."""

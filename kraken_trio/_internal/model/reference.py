"""Reference data and service status: instruments, and the exchange's own condition.

Rules for numbers, times and open text are those of ``records``. The exchange documents most
of these members as optional or has added them later, so what it leaves out is None.

Sources: the ``instrument`` and ``status`` pages of the WebSocket v2 documentation, and
captured traffic (the announcements exist on the wire only).
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from kraken_trio._internal.model.timestamp import Timestamp


class InstrumentAsset(Struct, frozen=True, gc=False, kw_only=True):
    """One currency or token."""

    id: str
    """Its code, such as ``BTC``."""
    status: str | None = None
    """``enabled``, ``disabled``, ``depositonly``, ``withdrawalonly``,
    ``fundingtemporarilydisabled`` or ``workinprogress``."""
    precision: int | None = None
    """Decimals of ledgers and balances."""
    precision_display: int | None = None
    """Decimals that are suggested for display."""
    borrowable: bool | None = None
    """Whether it can be borrowed."""
    collateral_value: Decimal | None = None
    """Share of its value that counts as margin collateral."""
    margin_rate: Decimal | None = None
    """Interest for borrowing it."""
    multiplier: Decimal | None = None
    """Units of the underlying; tokenised assets only."""
    received_at: Timestamp | None = None
    """When it was read from the connection."""
    snapshot: bool = False
    """True for an entry of the complete list, false for a change."""

    def __repr__(self) -> str:
        """The code and its status."""
        return f"InstrumentAsset({self.id} {self.status}, precision {self.precision})"


class InstrumentPair(Struct, frozen=True, gc=False, kw_only=True):
    """One tradable pair, with the rules that its orders must keep."""

    symbol: str
    """The name to subscribe with, such as ``BTC/USD``."""
    base: str | None = None
    """Code of the base asset."""
    quote: str | None = None
    """Code of the quote asset."""
    status: str | None = None
    """``online``, ``cancel_only``, ``post_only``, ``limit_only``, ``reduce_only``,
    ``maintenance``, ``delisted`` or ``work_in_progress``."""
    price_precision: int | None = None
    """Decimals of prices, on the wire and in checksums."""
    price_increment: Decimal | None = None
    """Smallest step of a price."""
    qty_precision: int | None = None
    """Decimals of quantities, on the wire and in checksums."""
    qty_increment: Decimal | None = None
    """Smallest step of a quantity."""
    qty_min: Decimal | None = None
    """Smallest order, base currency."""
    cost_precision: int | None = None
    """Decimals of price times quantity."""
    cost_min: Decimal | None = None
    """Smallest order, quote currency."""
    marginable: bool | None = None
    """Whether it can be traded on margin."""
    has_index: bool | None = None
    """Whether an index price exists for triggers."""
    margin_initial: Decimal | None = None
    """Initial margin; marginable pairs only."""
    position_limit_long: int | None = None
    """Largest long position; marginable pairs only."""
    position_limit_short: int | None = None
    """Largest short position; marginable pairs only."""
    received_at: Timestamp | None = None
    """When it was read from the connection."""
    snapshot: bool = False
    """True for an entry of the complete list, false for a change."""

    def __repr__(self) -> str:
        """The name, its status and its precisions."""
        return (
            f"InstrumentPair({self.symbol} {self.status}, price precision "
            f"{self.price_precision}, qty precision {self.qty_precision})"
        )


class MaintenanceWindow(Struct, frozen=True, gc=False, kw_only=True):
    """An announced maintenance; listed from about 72 hours before it starts."""

    event_id: int
    """Stays the same over all announcements of one window."""
    title: str | None = None
    """For people."""
    affected_services: tuple[str, ...] = ()
    """Such as ``spot_ws``, ``spot_trading``, ``all``."""
    phase: str | None = None
    """``announced``, ``reminder_24h``, ``approaching_30m``, ``imminent_5m``,
    ``final_warning_30s`` or ``unspecified``."""
    expected_start_utc: Timestamp | None = None
    """When it should start."""
    expected_end_utc: Timestamp | None = None
    """When it should end."""
    cancel_before_utc: Timestamp | None = None
    """The last sensible moment to pull orders."""
    order_submission: str | None = None
    """``allowed``, ``discouraged`` or ``blocked``."""
    recommended_action: str | None = None
    """Such as ``continue`` or ``cancel_open_orders``."""
    time_to_start_s: int | None = None
    """Seconds until the start, when the message was sent."""
    source_url: str | None = None
    """The status page's entry."""


class NextStep(Struct, frozen=True, gc=False, kw_only=True):
    """What an open incident's announcement says will come next."""

    applies_to: str | None = None
    """The service concerned."""
    type: str | None = None
    """Such as ``expected_restart``."""
    expected_at: Timestamp | None = None
    """When."""


class Emergency(Struct, frozen=True, gc=False, kw_only=True):
    """An open incident."""

    event_id: int
    """Stays the same over all announcements of one incident."""
    title: str | None = None
    """For people."""
    incident_status: str | None = None
    """``investigating``, ``identified``, ``monitoring`` or ``resolved``."""
    impact: str | None = None
    """How bad; its values are not documented."""
    affected_services: tuple[str, ...] = ()
    """As in ``MaintenanceWindow``."""
    started_at: Timestamp | None = None
    """When it began."""
    next_steps: tuple[NextStep, ...] = ()
    """What is expected to happen."""
    source_url: str | None = None
    """The status page's entry."""


class SystemStatus(Struct, frozen=True, gc=False, kw_only=True):
    """The trading engine's condition: sent on connecting, and at each change."""

    system: str
    """``online``, ``maintenance``, ``cancel_only`` or ``post_only``."""
    api_version: str | None = None
    """Such as ``v2``."""
    connection_id: int | None = None
    """For support questions; exceeds 63 bits. Absent in messages about a change."""
    version: str | None = None
    """Version of the service."""
    upcoming_maintenance: tuple[MaintenanceWindow, ...] | None = None
    """Announced windows; None where the exchange does not say."""
    emergency: tuple[Emergency, ...] | None = None
    """Open incidents; None where the exchange does not say."""
    received_at: Timestamp | None = None
    """When it was read from the connection."""

    def __repr__(self) -> str:
        """The condition, and what is announced."""
        return (
            f"SystemStatus({self.system}, {len(self.upcoming_maintenance or ())} maintenance "
            f"windows, {len(self.emergency or ())} emergencies)"
        )

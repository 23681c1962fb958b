"""Records as lines: one JSON object each for programs, a few words each for people.

In JSON every price and quantity is a string with the very digits of the wire. A number would be
as exact in the file, but most readers of JSON make floats of numbers, and 0.10 would come out of
them as 0.1. Times are RFC 3339 in UTC with six digits, or nine where there are nanoseconds.
Counts, ids and checksums are numbers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeGuard

import msgspec

from kraken_trio import (
    BalanceSnapshot,
    BalanceUpdate,
    BookSnapshot,
    BookUpdate,
    Candle,
    Execution,
    Gap,
    GapReason,
    InstrumentAsset,
    InstrumentPair,
    Level,
    Level3Snapshot,
    Level3Update,
    Order,
    OwnTrade,
    Spread,
    Ticker,
    Timestamp,
    Trade,
)
from kraken_trio._internal.apps.text import digits, shown

Line = (
    Ticker
    | Spread
    | Trade
    | BookSnapshot
    | BookUpdate
    | Candle
    | InstrumentAsset
    | InstrumentPair
    | Level3Snapshot
    | Level3Update
    | Execution
    | Order
    | OwnTrade
    | BalanceSnapshot
    | BalanceUpdate
    | Gap
)
"""What becomes a line."""

TYPES: Final[dict[type, str]] = {
    Ticker: "ticker",
    Spread: "spread",
    Trade: "trade",
    BookSnapshot: "book_snapshot",
    BookUpdate: "book_update",
    Candle: "candle",
    InstrumentAsset: "instrument_asset",
    InstrumentPair: "instrument_pair",
    Level3Snapshot: "level3_snapshot",
    Level3Update: "level3_update",
    Execution: "execution",
    Order: "order",
    OwnTrade: "own_trade",
    BalanceSnapshot: "balance",
    BalanceUpdate: "ledger_entry",
    Gap: "gap",
}
"""What ``type`` says in JSON."""

NAMES: Final = {"type": "entry_type"}
"""What a field is called in JSON whose own name says there of which record it is."""

_compact = json.JSONEncoder(separators=(",", ":")).encode


def is_line(item: object) -> TypeGuard[Line]:
    """Whether it becomes one."""
    return type(item) in TYPES


def in_json(record: Line) -> str:
    """One line of JSON: ``type``, then the record's fields in their order."""
    values = {
        NAMES.get(name, name): _plain(getattr(record, name)) for name in record.__struct_fields__
    }
    if isinstance(record, Gap):
        values["expected"], values["received"] = _numbers(record)
    return _compact({"type": TYPES[type(record)], **values})


def in_words(record: Line) -> str:
    """One line for people: the time of day, what it is about, what it says."""
    match record:
        case Gap():
            about = " ".join(part for part in (record.channel, record.symbol) if part)
            at, said = record.to_time, _gap(record)
        case InstrumentAsset():
            at, about, said = record.received_at, "asset", f"{record.id} {record.status}"
        case InstrumentPair():
            at, about = record.received_at, "pair"
            said = (
                f"{record.symbol} {record.status}, decimals of prices {record.price_precision}, "
                f"of quantities {record.qty_precision}"
            )
        case Execution():
            at, about = record.timestamp or record.received_at, f"order {record.order_id}"
            said = f"{record.exec_type}, is {record.order_status}"
        case Order():
            at, about, said = record.timestamp or record.received_at, "order", _order(record)
        case OwnTrade():
            at, about, said = record.timestamp or record.received_at, "own trade", _fill(record)
        case BalanceSnapshot():
            at, about, said = record.received_at, "balance", _balance(record)
        case BalanceUpdate():
            at, about, said = record.timestamp or record.received_at, "ledger", _entry(record)
        case _:
            at, about = record.timestamp or record.received_at, record.symbol
            said = _WORDS[type(record)](record)
    return shown(f"{_time_of_day(at)} {about} {said}")


def _plain(value: object) -> Any:
    """A value of a record as JSON has it."""
    match value:
        case Decimal():
            return digits(value)
        case Timestamp():
            return str(value)
        case tuple():
            return [_plain(part) for part in value]
        case msgspec.Struct():
            return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
        case GapReason():
            return value.value
        case _:
            return value


def _time_of_day(at: Timestamp | None) -> str:
    return "--:--:--.------" if at is None else str(at).partition("T")[2].removesuffix("Z")


def _side(name: str, level: Level | None) -> str:
    return f"{name} -" if level is None else f"{name} {digits(level.price)} ({digits(level.qty)})"


def _best(bid: Level | None, ask: Level | None) -> str:
    return f"{_side('bid', bid)} {_side('ask', ask)}"


def _ticker(t: Ticker) -> str:
    best = _best(Level(t.bid, t.bid_qty), Level(t.ask, t.ask_qty))
    return f"ticker last {digits(t.last)} {best} 24 h {digits(t.change_pct)} %"


def _spread(s: Spread) -> str:
    best = _best(Level(s.bid, s.bid_qty), Level(s.ask, s.ask_qty))
    return f"spread {digits(s.spread)} {best}"


def _trade(t: Trade) -> str:
    return f"trade {t.side} {digits(t.qty)} @ {digits(t.price)} {t.ord_type}, id {t.trade_id}"


def _level3(b: Level3Snapshot | Level3Update) -> str:
    what = "snapshot of" if isinstance(b, Level3Snapshot) else "changes"
    return f"level3 {what} {len(b.bids)} + {len(b.asks)} orders"


def _book_snapshot(b: BookSnapshot) -> str:
    levels = f"snapshot of {len(b.bids)} + {len(b.asks)} levels"
    return f"book {_best(b.best_bid, b.best_ask)} {levels}"


def _book_update(b: BookUpdate) -> str:
    return f"book {_best(b.best_bid, b.best_ask)} changes {len(b.bids)} + {len(b.asks)}"


def _candle(c: Candle) -> str:
    prices = " ".join(map(digits, (c.open, c.high, c.low, c.close)))
    begin = str(c.interval_begin)[11:16]
    return f"candle {c.interval} min from {begin} {prices} volume {digits(c.volume)}"


def _order(o: Order) -> str:
    about = " ".join(part for part in (o.side, o.symbol, o.order_type) if part)
    wanted = "" if o.order_qty is None else f" {digits(o.order_qty)}"
    price = "" if o.limit_price is None else f" @ {digits(o.limit_price)}"
    filled = "" if o.cum_qty is None else f", filled {digits(o.cum_qty)}"
    reason = "" if o.open or o.reason is None else f" ({o.reason})"
    return f"{o.order_id} {o.order_status}{reason} {about}{wanted}{price}{filled}"


def _fill(t: OwnTrade) -> str:
    about = " ".join(part for part in (t.side, t.symbol) if part)
    return f"{t.exec_id} of {t.order_id} {about} {digits(t.qty)} @ {digits(t.price)}"


def _balance(b: BalanceSnapshot) -> str:
    wallets = ", ".join(f"{w.type} {w.id} {digits(w.balance)}" for w in b.wallets)
    return f"{b.asset} {digits(b.balance)}" + (f" ({wallets})" if wallets else "")


def _entry(e: BalanceUpdate) -> str:
    amount = ("+" if e.amount >= 0 else "") + digits(e.amount)
    fee = "" if not e.fee else f", fee {digits(e.fee)}"
    return f"{e.asset} {amount} by {e.type or '-'}{fee}, now {digits(e.balance)}"


def _gap(gap: Gap) -> str:
    expected, received = _numbers(gap)
    numbers = "" if expected is None else f", expected {expected}, received {received}"
    size = "" if gap.size is None else f", {gap.size} missing"
    return f"GAP {gap.reason.value}{numbers}{size}"


def _numbers(gap: Gap) -> tuple[int | str | None, int | str | None]:
    """What was expected and what came: of candles these are times, counted in nanoseconds."""
    if gap.reason is not GapReason.CANDLE:
        return gap.expected, gap.received
    expected, received = (
        None if number is None else str(Timestamp(number))
        for number in (gap.expected, gap.received)
    )
    return expected, received


_WORDS: Final[dict[type, Callable[[Any], str]]] = {
    Ticker: _ticker,
    Spread: _spread,
    Trade: _trade,
    BookSnapshot: _book_snapshot,
    BookUpdate: _book_update,
    Candle: _candle,
    Level3Snapshot: _level3,
    Level3Update: _level3,
}

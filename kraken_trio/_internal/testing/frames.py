"""Frames as the exchange prints them: member order, padding, digits of times.

Knows the text of protocol v2 as captured from the exchange: members of responses in
alphabetical order, those of market data in the order of the documentation, no blanks, prices
and quantities padded to the pair's precision, times with six digits. Never imports a decoder or
an encoder of the library: a mistake made twice would not be seen.

Source: sections "Response", "Channel message", "Data conventions", "status", "ping" and of each
channel of the WebSocket v2 documentation, and captured traffic.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from kraken_trio._internal.model.timestamp import Timestamp

Rows = Iterable[tuple[int, int]]
"""Price and quantity of levels, each a whole number of its pair's smallest steps."""
TradeRow = tuple[str, int, int, str, int, int]
"""A trade: its taker's side, price, quantity, the taker's order type, its number, and time."""
OrderRow = tuple[str | None, str, int, int, int]
"""An order: what became of it, in an update alone; its id, price, quantity, and time."""

_MICROSECOND = 1000
_SECOND = 10**9


class TickerRow(NamedTuple):
    """A ticker. Prices and quantities are whole numbers of the pair's smallest steps."""

    bid: int
    """Best bid price."""
    bid_qty: int
    """Quantity at it."""
    ask: int
    """Best ask price."""
    ask_qty: int
    """Quantity at it."""
    last: int
    """Price of the last trade."""
    volume: int
    """Quantity traded in 24 hours."""
    vwap: int
    """Volume-weighted average price of 24 hours."""
    low: int
    """Lowest price of 24 hours."""
    high: int
    """Highest price of 24 hours."""
    change: int
    """Of the price in 24 hours."""
    change_pct: int
    """The same in hundredths of a percent."""
    trades: int
    """How many in 24 hours."""


class CandleRow(NamedTuple):
    """A candle. Prices and quantities are whole numbers of the pair's smallest steps."""

    begin: int
    """Start of its interval, in nanoseconds since the epoch."""
    open: int
    """First price."""
    high: int
    """Highest price."""
    low: int
    """Lowest price."""
    close: int
    """Latest price."""
    trades: int
    """How many."""
    volume: int
    """Quantity traded."""
    vwap: int
    """Volume-weighted average price."""


def fixed(value: int, precision: int) -> str:
    """A number of smallest steps as the wire shows it: ``fixed(5100, 8)`` is ``0.00005100``."""
    sign = "-" if value < 0 else ""
    digits = str(abs(value)).rjust(precision + 1, "0")
    whole = len(digits) - precision
    return sign + (f"{digits[:whole]}.{digits[whole:]}" if precision else digits)


def moment(at: int) -> str:
    """A time in nanoseconds since the epoch as most frames show it, with six digits."""
    second, rest = divmod(at, _SECOND)
    return f"{_full_second(second)}.{rest // _MICROSECOND:06d}Z"


@lru_cache(maxsize=1024)
def _full_second(second: int) -> str:
    """Give date and time of day; many frames are of the same second."""
    return str(Timestamp(second * _SECOND)).partition(".")[0]


def fine_moment(at: int) -> str:
    """A time in nanoseconds since the epoch as ``ohlc`` and ``level3`` show it: nine digits."""
    second, rest = divmod(at, _SECOND)
    return f"{_full_second(second)}.{rest:09d}Z"


def whole_moment(at: int) -> str:
    """A time in nanoseconds since the epoch as the dead man's switch shows it: the next second.

    With the exchange it was the nearest one, or the next one: captures allow both.
    """
    return f"{_full_second(-(-at // _SECOND))}Z"


def heartbeat_frame() -> bytes:
    """The exchange is there."""
    return b'{"channel":"heartbeat"}'


def status_frame(
    system: str = "online",
    *,
    connection_id: int | None = None,
    maintenance: Iterable[Mapping[str, object]] | None = None,
    emergency: Iterable[Mapping[str, object]] | None = None,
) -> bytes:
    """The condition of the trading engine: the first frame of a connection, or a change.

    ``connection_id`` stands in the first one alone, and is of up to 64 bits. The two
    announcements stand in the message both or not at all, so one of them brings the other.
    """
    data: dict[str, object] = {"version": "2.0.10", "system": system, "api_version": "v2"}
    if connection_id is not None:
        data["connection_id"] = connection_id
    if not (maintenance is None and emergency is None):
        data["upcoming_maintenance"] = list(maintenance or ())
        data["emergency"] = list(emergency or ())
    return _dump({"channel": "status", "type": "update", "data": [data]})


def rate_frame() -> bytes:
    """Too many messages came: what the exchange sometimes says instead of answering."""
    return b'{"Error":"Exceeded msg rate"}'


def unknown_frame() -> bytes:
    """News of a channel that there is not."""
    return b'{"channel":"unheard_of","type":"update","data":[{"symbol":"BTC/USD","value":1}]}'


def proxy_frame() -> bytes:
    """The proxy in front of the exchange is about to restart. It is no JSON."""
    return b"CloudFlare WebSocket proxy restarting"


def pong_frame(at: int, *, req_id: int | None = None) -> bytes:
    """The answer to a ping that came ``at`` nanoseconds since the epoch. It has no outcome."""
    return _response(at, req_id, {"method": "pong"})


def success_frame(method: str, result: object, at: int, *, req_id: int | None = None) -> bytes:
    """The answer to a request, or to one symbol or order of it, that was accepted.

    ``result`` is an object, or for ``batch_add`` a list of them; ``at`` is when the request
    came, in nanoseconds since the epoch.
    """
    return _response(at, req_id, {"method": method, "result": result, "success": True})


def failure_frame(
    method: str | None,
    error: str,
    at: int,
    *,
    req_id: int | None = None,
    symbol: str | None = None,
    channel: str | None = None,
    status: bool = False,
) -> bytes:
    """The answer to a request, or to one symbol of it, that was refused.

    ``method`` is None for a request whose method could not be told. Some refusals about private
    channels and ``level3`` name the ``channel``, and have ``"status":"error"`` where ``status``.
    """
    members: dict[str, object] = {"error": error, "success": False}
    if channel is not None:
        members["channel"] = channel
    if status:
        members["status"] = "error"
    if method is not None:
        members["method"] = method
    if symbol is not None:
        members["symbol"] = symbol
    return _response(at, req_id, members)


def batch_cancelled_frame(count: int, at: int, *, req_id: int | None = None) -> bytes:
    """The answer to ``batch_cancel`` in the shape that was captured: without a ``result``.

    It is documented to be that of ``cancel_all``.
    """
    members: dict[str, object] = {"method": "batch_cancel", "success": True}
    return _response(at, req_id, members | {"orders_cancelled": count})


def book_frame(
    kind: str,
    symbol: str,
    *,
    bids: Rows,
    asks: Rows,
    precisions: tuple[int, int],
    checksum: int,
    at: int,
) -> bytes:
    """A ``snapshot`` of a book, or an ``update``. ``precisions`` are of price and quantity."""
    price, qty = precisions
    shown_bids, shown_asks = (
        ",".join(
            f'{{"price":{fixed(ticks, price)},"qty":{fixed(lots, qty)}}}' for ticks, lots in rows
        )
        for rows in (bids, asks)
    )
    return (
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":{json.dumps(symbol)},'
        f'"bids":[{shown_bids}],"asks":[{shown_asks}],"checksum":{checksum},'
        f'"timestamp":"{moment(at)}"}}]}}'
    ).encode()


def level3_frame(
    kind: str,
    symbol: str,
    *,
    bids: Iterable[OrderRow],
    asks: Iterable[OrderRow],
    precisions: tuple[int, int],
    checksum: int,
    at: int,
) -> bytes:
    """A ``snapshot`` of the orders of a book, whose rows have no event, or an ``update``.

    ``at`` and the rows' times are shown with nine digits.
    """
    shown_bids, shown_asks = (
        ",".join(_order(row, precisions) for row in rows) for rows in (bids, asks)
    )
    about = f'"symbol":{json.dumps(symbol)}', f'"checksum":{checksum}'
    first, second = about if kind == "snapshot" else about[::-1]
    return (
        f'{{"channel":"level3","type":"{kind}","data":[{{{first},{second},'
        f'"timestamp":"{fine_moment(at)}","bids":[{shown_bids}],"asks":[{shown_asks}]}}]}}'
    ).encode()


def _order(row: OrderRow, precisions: tuple[int, int]) -> str:
    event, order_id, ticks, lots, at = row
    return (
        (f'{{"event":"{event}",' if event else "{")
        + f'"order_id":"{order_id}","limit_price":{fixed(ticks, precisions[0])},'
        f'"order_qty":{fixed(lots, precisions[1])},"timestamp":"{fine_moment(at)}"}}'
    )


def trade_frame(
    kind: str,
    symbol: str,
    trades: Iterable[TradeRow],
    *,
    precisions: tuple[int, int],
) -> bytes:
    """A ``snapshot`` of the latest trades, or an ``update``, oldest first."""
    price, qty = precisions
    rows = (
        f'{{"symbol":{json.dumps(symbol)},"side":"{side}","price":{fixed(ticks, price)},'
        f'"qty":{fixed(lots, qty)},"ord_type":"{order_type}","trade_id":{trade_id},'
        f'"timestamp":"{moment(at)}"}}'
        for side, ticks, lots, order_type, trade_id, at in trades
    )
    return f'{{"channel":"trade","type":"{kind}","data":[{",".join(rows)}]}}'.encode()


def ticker_frame(
    kind: str, symbol: str, row: TickerRow, *, precisions: tuple[int, int], at: int
) -> bytes:
    """A ticker as it stands at ``at``; a ``snapshot`` and an ``update`` are alike."""
    price, qty = precisions
    return (
        f'{{"channel":"ticker","type":"{kind}","data":[{{"symbol":{json.dumps(symbol)},'
        f'"bid":{fixed(row.bid, price)},"bid_qty":{fixed(row.bid_qty, qty)},'
        f'"ask":{fixed(row.ask, price)},"ask_qty":{fixed(row.ask_qty, qty)},'
        f'"last":{fixed(row.last, price)},"volume":{fixed(row.volume, qty)},'
        f'"vwap":{fixed(row.vwap, price)},"low":{fixed(row.low, price)},'
        f'"high":{fixed(row.high, price)},"change":{fixed(row.change, price)},'
        f'"change_pct":{fixed(row.change_pct, 2)},"trades":{row.trades},'
        f'"timestamp":"{moment(at)}"}}]}}'
    ).encode()


def candle_frame(
    kind: str,
    symbol: str,
    candles: Iterable[CandleRow],
    *,
    interval: int,
    precisions: tuple[int, int],
    at: int,
) -> bytes:
    """A ``snapshot`` of the latest candles, or an ``update``, sent at ``at``; oldest first.

    The last member of each is its end: deprecated, and documented as its start.
    """
    price, qty = precisions
    rows = (
        f'{{"symbol":{json.dumps(symbol)},"open":{fixed(row.open, price)},'
        f'"high":{fixed(row.high, price)},"low":{fixed(row.low, price)},'
        f'"close":{fixed(row.close, price)},"trades":{row.trades},'
        f'"volume":{fixed(row.volume, qty)},"vwap":{fixed(row.vwap, price)},'
        f'"interval_begin":"{fine_moment(row.begin)}","interval":{interval},'
        f'"timestamp":"{moment(row.begin + interval * 60 * _SECOND)}"}}'
        for row in candles
    )
    return (
        f'{{"channel":"ohlc","type":"{kind}","timestamp":"{fine_moment(at)}",'
        f'"data":[{",".join(rows)}]}}'
    ).encode()


def _response(at: int, req_id: int | None, members: dict[str, object]) -> bytes:
    """Add what every response has. The exchange takes some 40 microseconds for one."""
    if req_id is not None:
        members["req_id"] = req_id
    members["time_in"] = moment(at)
    members["time_out"] = moment(at + 40 * _MICROSECOND)
    return _dump(members, sort_keys=True)


def _dump(value: object, *, sort_keys: bool = False) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=sort_keys).encode()

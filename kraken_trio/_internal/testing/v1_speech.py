"""Protocol v1 at a simulated exchange that thinks in v2: what one client says, and what it hears.

Knows how requests of v1 read as those of v2, and how each frame of v2 is told in v1; so both kinds
of clients are on the same market and account, and whatever a test has altered in a frame is altered
in what becomes of it. Frames that are no longer of any shape go out as they are. Waits for nothing.

Source: sections "Events", "Data arrays" and "Public channels" of the WebSocket v1 documentation,
captured traffic, and "Simulator notes" there. Not settled there, and decided here: a subscription
to spreads begins with none; today's figures of a ticker are those of 24 hours; and orders are
refused as an event that there is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from kraken_trio._internal.testing.v1_account import fills, orders
from kraken_trio._internal.testing.v1_book import OldBook
from kraken_trio._internal.testing.v1_text import (
    dump,
    loads,
    pair_text,
    price_text,
    qty_text,
    seconds_text,
    symbol_text,
)

_OLD_NAMES = {"own_trades": "ownTrades", "open_orders": "openOrders"}
_NAMES = {
    **{name: name for name in ("ticker", "spread", "trade", "book", "ohlc")},
    **{old: name for name, old in _OLD_NAMES.items()},
}
_PRIVATE = frozenset(_OLD_NAMES)
_USUAL = {"book": ("depth", 10), "ohlc": ("interval", 1)}
_OPTIONS = ("depth", "interval", "token", "ratecounter", "snapshot")
MALFORMED = "Malformed request"
NO_EVENT = "Unsupported event"
NO_NAME = "Subscription name invalid"
NO_OBJECT = "Subscription field must be an object"
NO_LIST = "Pair field must be an array"
_MINUTE = 60


class _Refused(Exception):
    """A request is refused before anybody has thought about it."""

    def __init__(self, frame: bytes) -> None:
        super().__init__(frame)
        self.frame = frame


class OldSpeech:
    """What one client that speaks protocol v1 says and hears."""

    def __init__(self) -> None:
        """Begin with a client that has said nothing."""
        self._books: dict[tuple[str, int], OldBook] = {}
        self._depths: dict[str, int] = {}
        self._ids: dict[str, int] = {}
        self._asked: Mapping[str, Any] = {}

    def hear(self, payload: bytes) -> tuple[bytes | None, bytes | None]:
        """Give a request as one of v2; or None, and how it is refused."""
        try:
            return self._as_of_today(payload), None
        except _Refused as refused:
            return None, refused.frame

    def _as_of_today(self, payload: bytes) -> bytes:
        try:
            request = loads(payload)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            raise _Refused(dump({"errorMessage": MALFORMED, "event": "error"}))
        self._asked = request
        event = request.get("event")
        named = {} if request.get("reqid") is None else {"req_id": request["reqid"]}
        if event == "ping":
            return dump({"method": "ping", **named})
        if event not in ("subscribe", "unsubscribe"):
            raise _Refused(self._refusal(NO_EVENT, status=False))
        about = request.get("subscription")
        if not isinstance(about, dict):
            raise _Refused(self._refusal(NO_OBJECT))
        channel = _NAMES.get(str(about.get("name")))
        if channel is None:
            raise _Refused(self._refusal(NO_NAME))
        params = {"channel": channel, **{n: about[n] for n in _OPTIONS if n in about}}
        pairs = request.get("pair")
        if channel not in _PRIVATE:
            if not isinstance(pairs, list):
                raise _Refused(self._refusal(NO_LIST))
            params["symbol"] = [symbol_text(str(pair)) for pair in pairs]
        return dump({"method": event, "params": params, **named})

    def tell(self, frame: bytes) -> Iterable[bytes]:
        """Give what becomes of a frame of v2."""
        try:
            message = loads(frame)
            told = self._tell(message)
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
            return (frame,)
        return (frame,) if told is None else told

    def _tell(self, message: Mapping[str, Any]) -> Iterable[bytes] | None:
        if "method" in message or "error" in message:
            return (self._answer(message),)
        channel = message.get("channel")
        if channel == "heartbeat":
            return (dump({"event": "heartbeat"}),)
        tell = self._channels.get(str(channel))
        return None if tell is None else tell(self, message)

    # Answers.

    def _answer(self, message: Mapping[str, Any]) -> bytes:
        if message.get("method") == "pong":
            return self._event({"event": "pong"}, message)
        if not message["success"]:
            return self._refusal(
                message["error"],
                symbol=message.get("symbol"),
                status=message.get("method") in ("subscribe", "unsubscribe"),
            )
        result = message["result"]
        channel, symbol = result["channel"], result.get("symbol")
        about: dict[str, object] = {"name": _OLD_NAMES.get(channel, channel)}
        about |= {
            name: result[name] for name in ("depth", "interval", "maxratecount") if name in result
        }
        members: dict[str, object] = {
            "channelName": self._name(channel, result.get(_USUAL.get(channel, ("",))[0])),
            "event": "subscriptionStatus",
            "status": "subscribed" if message["method"] == "subscribe" else "unsubscribed",
            "subscription": about,
        }
        if symbol is not None:
            members["pair"] = pair_text(symbol)
            members["channelID"] = self._id(str(members["channelName"]), symbol)
        if channel == "book" and message["method"] == "subscribe":
            self._depths[symbol] = depth = result["depth"]
            self._books[symbol, depth] = OldBook(depth)
        return self._event(members, message)

    def _refusal(self, error: str, *, symbol: str | None = None, status: bool = True) -> bytes:
        """Refuse what was asked last, with the subscription as it was sent."""
        members: dict[str, object] = {"errorMessage": error, "event": "error"}
        if status:
            members |= {"event": "subscriptionStatus", "status": "error"}
            if isinstance(self._asked.get("subscription"), dict):
                members["subscription"] = self._asked["subscription"]
        if symbol is not None:
            members["pair"] = pair_text(symbol)
        return self._event(members, {"req_id": self._asked.get("reqid")})

    def _event(self, members: dict[str, object], message: Mapping[str, Any]) -> bytes:
        if message.get("req_id") is not None:
            members["reqid"] = message["req_id"]
        return dump(members, sort_keys=True)

    def _name(self, channel: str, option: int | None) -> str:
        return _OLD_NAMES.get(channel, channel) if option is None else f"{channel}-{option}"

    def _id(self, name: str, symbol: str) -> int:
        return self._ids.setdefault(f"{name} {symbol}", 336 + len(self._ids))

    # Data.

    def _public(
        self, payload: Iterable[object], channel: str, symbol: str, option: int | None = None
    ) -> bytes:
        name = self._name(channel, option)
        return dump([self._id(name, symbol), *payload, name, pair_text(symbol)])

    def _tell_status(self, message: Mapping[str, Any]) -> Iterable[bytes]:
        (row,) = message["data"]
        members = {"event": "systemStatus", "status": row["system"], "version": "1.9.6"}
        if "connection_id" in row:
            members["connectionID"] = row["connection_id"]
        members |= {n: row[n] for n in ("upcoming_maintenance", "emergency") if n in row}
        return (dump(members, sort_keys=True),)

    def _tell_book(self, message: Mapping[str, Any]) -> Iterable[bytes]:
        (row,) = message["data"]
        symbol = row["symbol"]
        depth = self._depths[symbol]
        if message["type"] == "snapshot":
            payload = self._books[symbol, depth].snapshot(row)
        else:
            payload = self._books[symbol, depth].update(row)
        return (self._public(payload, "book", symbol, depth),)

    def _tell_trades(self, message: Mapping[str, Any]) -> Iterable[bytes]:
        rows = message["data"]
        payload = [
            [
                price_text(row["price"]),
                qty_text(row["qty"]),
                seconds_text(row["timestamp"]),
                row["side"][0],
                row["ord_type"][0],
                "",
            ]
            for row in rows
        ]
        return (self._public([payload], "trade", rows[0]["symbol"]),)

    def _tell_ticker(self, message: Mapping[str, Any]) -> Iterable[bytes]:
        (row,) = message["data"]
        day = {
            "v": qty_text(row["volume"]),
            "p": price_text(row["vwap"]),
            "l": price_text(row["low"]),
            "h": price_text(row["high"]),
            "o": price_text(Decimal(row["last"]) - Decimal(row["change"])),
        }
        payload: dict[str, object] = {
            "a": _best(row["ask"], row["ask_qty"]),
            "b": _best(row["bid"], row["bid_qty"]),
            "c": [price_text(row["last"]), qty_text(0)],
            "t": [row["trades"]] * 2,
            **{name: [text, text] for name, text in day.items()},
        }
        return (self._public([payload], "ticker", row["symbol"]),)

    def _tell_spread(self, message: Mapping[str, Any]) -> Iterable[bytes]:
        (row,) = message["data"]
        payload = [
            price_text(row["bid"]),
            price_text(row["ask"]),
            seconds_text(row["timestamp"]),
            qty_text(row["bid_qty"]),
            qty_text(row["ask_qty"]),
        ]
        return (self._public([payload], "spread", row["symbol"]),)

    def _tell_candles(self, message: Mapping[str, Any]) -> Iterable[bytes]:
        row = message["data"][-1]
        begin = seconds_text(row["interval_begin"]).partition(".")[0]
        payload = [
            seconds_text(message["timestamp"]),
            f"{int(begin) + row['interval'] * _MINUTE}.000000",
            *(price_text(row[name]) for name in ("open", "high", "low", "close", "vwap")),
            qty_text(row["volume"]),
            row["trades"],
        ]
        return (self._public([payload], "ohlc", row["symbol"], row["interval"]),)

    def _tell_fills(self, message: Mapping[str, Any]) -> Iterable[bytes]:
        return (_private(fills(message["data"]), "ownTrades", message),)

    def _tell_orders(self, message: Mapping[str, Any]) -> Iterable[bytes]:
        return (_private(orders(message["data"]), "openOrders", message),)

    _channels: Mapping[str, Callable[[OldSpeech, Mapping[str, Any]], Iterable[bytes]]] = {
        "status": _tell_status,
        "book": _tell_book,
        "trade": _tell_trades,
        "ticker": _tell_ticker,
        "spread": _tell_spread,
        "ohlc": _tell_candles,
        "own_trades": _tell_fills,
        "open_orders": _tell_orders,
    }


def _private(payload: object, name: str, message: Mapping[str, Any]) -> bytes:
    return dump([payload, name, {"sequence": message["sequence"]}])


def _best(price: Decimal, qty: Decimal) -> list[object]:
    return [price_text(price), int(qty), qty_text(qty)]

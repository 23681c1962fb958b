"""Every documented example and every captured frame, through the codec."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from kraken_trio._internal.model.messages import (
    BookMessage,
    Level3Message,
    Message,
    RecordsMessage,
    Reply,
    Unknown,
)
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.capture import read_capture
from kraken_trio._internal.wire.decode import V2Decoder
from kraken_trio._internal.wire.encode import encode_request
from kraken_trio._internal.wire.requests import decode_request

CONTENT = """
v2-add_order AddOrder AddOrder AddOrder ok:add_order no:add_order AddOrder AddOrder
v2-amend_order AmendOrder AmendOrder ok:amend_order
v2-balances Subscribe ok:subscribe balances balances balances balances Unsubscribe ok:unsubscribe
v2-batch_add BatchAdd ok:batch_add
v2-batch_cancel BatchCancel ok:batch_cancel
v2-book Subscribe ok:subscribe ok:subscribe BookMessage BookMessage Unsubscribe ok:unsubscribe
    ok:unsubscribe
v2-cancel_all CancelAll ok:cancel_all
v2-cancel_all_orders_after CancelAllOrdersAfter ok:cancel_all_orders_after
v2-cancel_order CancelOrder ok:cancel_order ok:cancel_order CancelOrder
v2-captured-balances ok:subscribe balances balances balances
v2-captured-book-d10 Subscribe status ok:subscribe BookMessage Heartbeat BookMessage BookMessage
    BookMessage BookMessage BookMessage
v2-captured-executions ok:subscribe executions executions executions executions executions
    executions
v2-captured-level3 Level3Message
v2-captured-market-data ok:subscribe ticker ticker ok:subscribe trade ohlc ohlc trade trade
    instrument
v2-captured-methods ok:pong ok:add_order ok:amend_order ok:edit_order ok:cancel_order
    ok:cancel_order ok:cancel_all ok:cancel_all_orders_after ok:batch_add ok:batch_cancel
    ok:amend_order
v2-captured-status status status status status
v2-captured-unsubscribe Unsubscribe ok:unsubscribe
v2-checksum-book BookMessage
v2-checksum-book-padded BookMessage BookMessage
v2-checksum-level3 Level3Message
v2-edit_order EditOrder ok:edit_order
v2-errors no:subscribe no:subscribe no:subscribe no:subscribe no:subscribe no:subscribe
    no:subscribe no:subscribe no:subscribe no:add_order no:ping no:subscribe no:add_order
    no:add_order no:add_order no:edit_order no:amend_order no:add_order no:
v2-executions Subscribe ok:subscribe executions executions executions Unsubscribe ok:unsubscribe
v2-heartbeat Heartbeat
v2-instrument Subscribe ok:subscribe instrument instrument Unsubscribe ok:unsubscribe
v2-level3 Subscribe ok:subscribe ok:subscribe Level3Message Level3Message Unsubscribe
    ok:unsubscribe ok:unsubscribe
v2-ohlc Subscribe ok:subscribe ok:subscribe ohlc ohlc Unsubscribe ok:unsubscribe ok:unsubscribe
v2-ping Ping ok:pong
v2-status status
v2-ticker Subscribe ok:subscribe ticker ticker Unsubscribe ok:unsubscribe
v2-trade Subscribe ok:subscribe trade trade Unsubscribe ok:unsubscribe
"""
"""What each line of each file is: a request by its type, an answer by success and method, the
records of a channel by its name, and any other message by its type."""

EXPECTED = {
    name: kinds
    for name, *kinds in map(str.split, CONTENT.strip().replace("\n    ", " ").split("\n"))
}
DEFAULTS = {"depth": 10, "snapshot": True, "event_trigger": "trades"}
"""What a subscription says though it need not."""
NEVER_IN_UNSUBSCRIPTION = "snapshot"


def is_request(line: str) -> bool:
    """Tell requests from what the exchange sends."""
    members = json.loads(line)
    return "params" in members or set(members) <= {"method", "req_id"}


def kind(message: Message) -> str:
    """Name a message as above."""
    if isinstance(message, RecordsMessage):
        return message.channel
    if isinstance(message, Reply):
        return f"{'ok' if message.success else 'no'}:{message.method}"
    return type(message).__name__


def lines(folder: Path) -> Iterator[tuple[str, str]]:
    """Give every line of the examples of this protocol, with the name of its file."""
    for path in sorted(folder.glob("v2-*.jsonl")):
        for line in path.read_text().splitlines():
            yield path.stem, line


def members(value: Any, rounded: bool = False) -> Any:  # noqa: FBT002 - a small helper
    """Give JSON with its numbers as decimals, and a deadline with the digits it is sent with."""
    if isinstance(value, dict):
        return {name: members(part, name == "deadline") for name, part in value.items()}
    if isinstance(value, list):
        return [members(part) for part in value]
    if rounded:
        return value[: len("2022-06-13T08:09:10.123")] + "Z"
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


def read_json(text: str | bytes) -> Any:
    """Read JSON without a float."""
    return members(json.loads(text, parse_float=Decimal))


def check_digits(record: Struct, tokens: dict[str, Any]) -> int:
    """Check that every number of a record has the digits it was written with; give how many."""
    checked = 0
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if isinstance(value, Decimal) and name in tokens:
            token = tokens[name]
            assert value.as_tuple() == Decimal(token).as_tuple()
            assert "e" in token or format(value, "f") == token
            checked += 1
        elif isinstance(value, Struct) and name in tokens:
            checked += check_digits(value, tokens[name])
        elif isinstance(value, tuple) and name in tokens:
            pairs = zip(value, tokens[name], strict=True)
            checked += sum(check_digits(*pair) for pair in pairs if isinstance(pair[0], Struct))
    return checked


def check_message(message: Message, text: str) -> int:
    """Check the digits of every number that a message holds."""
    data = json.loads(text, parse_float=str, parse_int=str).get("data")
    if isinstance(message, (BookMessage, Level3Message)):
        return check_digits(message, data[0])
    if isinstance(message, RecordsMessage):
        rows = [*data["assets"], *data["pairs"]] if isinstance(data, dict) else data
        return sum(map(check_digits, message.records, rows))
    return 0


def test_every_example_is_what_it_should_be(examples: Path) -> None:
    """Each line of each example decodes to the type that it is an example of."""
    decoder = V2Decoder()
    found: dict[str, list[str]] = {}
    for name, line in lines(examples):
        payload = line.encode()
        found.setdefault(name, []).append(
            type(decode_request(payload).request).__name__
            if is_request(line)
            else kind(decoder.decode(payload, Timestamp(1)))
        )
    assert found == EXPECTED


def test_every_request_is_written_as_the_examples_are(examples: Path) -> None:
    """A request that was read is written with the same members; some say a default too."""
    count = 0
    for _, line in lines(examples):
        if not is_request(line):
            continue
        decoded = decode_request(line.encode())
        again = encode_request(decoded.request, req_id=decoded.req_id, token=decoded.token)
        expected = read_json(line)
        params = expected.get("params", {})
        if expected["method"] == "unsubscribe":
            params.pop(NEVER_IN_UNSUBSCRIPTION, None)
        found = read_json(again)
        for name, default in DEFAULTS.items():
            if name not in params and found.get("params", {}).get(name) == default:
                del found["params"][name]
        assert found == expected
        count += 1
    assert count == 33


def test_examples_with_a_token_show_none(examples: Path) -> None:
    """No request of the examples shows its token once it is decoded."""
    for _, line in lines(examples):
        if is_request(line) and (token := decode_request(line.encode()).token):
            assert isinstance(token, Secret)
            assert token.reveal() in line
            assert token.reveal() not in repr(decode_request(line.encode()))


def test_every_captured_frame_is_decoded(captures: Path) -> None:
    """Every captured frame is understood, and no number of it lost a digit."""
    decoder = V2Decoder()
    frames = numbers = 0
    for path in sorted(captures.glob("v2-*.jsonl")):
        for frame in read_capture(path):
            message = decoder.decode(frame.payload, Timestamp(1))
            assert not isinstance(message, Unknown)
            numbers += check_message(message, frame.payload.decode())
            frames += 1
    assert frames >= 4731
    assert numbers > 14_000


@pytest.mark.parametrize("name", ["v2-book-doc-example", "v2-level3-doc-example"])
def test_quoted_numbers_of_the_documentation(captures: Path, name: str) -> None:
    """The documentation's examples, with their numbers in quotes, are decoded."""
    (frame,) = read_capture(captures / f"{name}.jsonl")
    message = V2Decoder().decode(frame.payload, None)
    assert isinstance(message, (BookMessage, Level3Message))
    assert check_message(message, frame.payload.decode()) > 20

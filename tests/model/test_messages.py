"""What a frame can say: a closed list of frozen shapes, with sensible defaults."""

from __future__ import annotations

import typing

import msgspec
import pytest

from kraken_trio._internal.model.messages import (
    BookMessage,
    Heartbeat,
    Level3Message,
    Message,
    OrderResult,
    Record,
    RecordsMessage,
    Reply,
    Unknown,
)
from kraken_trio._internal.model.timestamp import Timestamp

MESSAGES: list[msgspec.Struct] = [
    Heartbeat(),
    BookMessage("BTC/USD", True, (), (), 0, None, Timestamp(1)),  # noqa: FBT003 - as decoded
    Level3Message("BTC/USD", False, (), (), 0, None, None),  # noqa: FBT003 - as decoded
    RecordsMessage("trade", False, (), None, None),  # noqa: FBT003 - as decoded
    Reply(method="pong", success=True, req_id=1),
    Unknown("channel", "weather", None),
]


def test_messages_are_a_closed_list() -> None:
    """Each shape that a frame can have is listed once, and every one is tried here."""
    assert set(typing.get_args(Message)) == {type(message) for message in MESSAGES}


@pytest.mark.parametrize("message", [*MESSAGES, OrderResult()])
def test_frozen(message: msgspec.Struct) -> None:
    """What a frame said cannot be changed."""
    for field in message.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(message, field, None)
    assert hash(message) == hash(msgspec.structs.replace(message))


def test_a_reply_says_only_what_it_was_told() -> None:
    """Of a reply only method and outcome are required; all else is None or empty."""
    reply = Reply(method="ping", success=False)
    rest = set(Reply.__struct_fields__) - {"method", "success", "orders", "warnings"}
    assert [name for name in rest if getattr(reply, name) is not None] == []
    assert (reply.orders, reply.warnings) == ((), ())


def test_every_record_knows_when_it_was_read() -> None:
    """Whatever reaches a user has a receive time, which a recording may lack."""
    for kind in typing.get_args(Record):
        fields = {field.name: field for field in msgspec.structs.fields(kind)}
        assert not fields["received_at"].required, kind

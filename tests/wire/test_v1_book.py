"""The payload of protocol v1's ``book``."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import Raw

from kraken_trio._internal.model.messages import BookMessage
from kraken_trio._internal.model.records import TimedLevel
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire import v1_book
from kraken_trio._internal.wire.faults import FAULTS
from kraken_trio._internal.wire.v1_book import read_book

AT = Timestamp(42)
LOW, HIGH = ["5.10", "1.00", "7.000001"], ["5.20", "0.50", "9.000001"]


def read(*payload: object) -> BookMessage:
    """Read these objects as one message."""
    return read_book("BTC/USD", [Raw(json.dumps(each).encode()) for each in payload], AT)


def level(row: list[str]) -> TimedLevel:
    """The level that a row says."""
    seconds, _, fraction = row[2].partition(".")
    at = Timestamp(int(seconds) * 1_000_000_000 + int(fraction) * 1000)
    return TimedLevel(Decimal(row[0]), Decimal(row[1]), at, republished=row[3:] == ["r"])


def test_a_snapshot() -> None:
    """A snapshot has both sides, no checksum, and the time of its latest level."""
    assert read({"as": [HIGH], "bs": [LOW]}) == BookMessage(
        "BTC/USD",
        snapshot=True,
        bids=(level(LOW),),
        asks=(level(HIGH),),
        checksum=None,
        timestamp=Timestamp(9_000001000),
        received_at=AT,
    )


def test_an_empty_snapshot() -> None:
    """A book may be empty, and then nobody knows since when."""
    message = read({"as": [], "bs": []})
    assert (message.snapshot, message.bids, message.asks) == (True, (), ())
    assert message.timestamp is None


@pytest.mark.parametrize("side", ["a", "b"])
def test_one_side_changes(side: str) -> None:
    """An update of one side is one object with its checksum."""
    message = read({side: [LOW], "c": "4294967295"})
    assert not message.snapshot
    assert message.checksum == 4294967295
    sides = (message.asks, message.bids)
    assert sides == (((level(LOW),), ()) if side == "a" else ((), (level(LOW),)))


def test_both_sides_change() -> None:
    """Where both sides change there are two objects, and the last one has the checksum."""
    again = [*HIGH, "r"]
    message = read({"a": [LOW, again]}, {"b": [HIGH], "c": "7"})
    assert message.asks == (level(LOW), level(again))
    assert [each.republished for each in message.asks] == [False, True]
    assert message.bids == (level(HIGH),)
    assert message.checksum == 7


def test_a_price_twice() -> None:
    """What is said of one price stays in its order: up to a removal."""
    gone = [LOW[0], "0.00000000", LOW[2]]
    assert read({"a": [LOW, gone], "c": "7"}).asks == (level(LOW), level(gone))


@pytest.mark.parametrize(
    "payload",
    [
        [{}],
        [{"as": [], "a": []}],
        [{"as": [], "bs": []}, {"a": [], "c": "1"}],
        [{"a": []}],
        [{"a": [], "c": "1"}, {"b": []}],
        [{"a": [], "c": ""}],
        [{"a": [], "c": "-1"}],
        [{"a": [], "c": "4294967296"}],
        [{"a": [], "c": "99999999999"}],
        [{"a": [], "c": "\u0661"}],
        [{"a": [], "c": 1}],
        [{"a": [["1", "2"]], "c": "1"}],
        [{"a": [["1", "2", "3", "r", "x"]], "c": "1"}],
        [{"a": [["-1", "2", "3"]], "c": "1"}],
        [{"a": [["1", "-2", "3"]], "c": "1"}],
        [{"a": [["1", "2", "x"]], "c": "1"}],
        [{"a": [[1, 2, 3]], "c": "1"}],
        [[]],
    ],
    ids=str,
)
def test_what_is_refused(payload: list[object]) -> None:
    """What is not of the shape, or cannot be verified, is no update."""
    with pytest.raises(FAULTS):
        read(*payload)


def test_too_many_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    """More levels than any book has are refused: in the worst order they cost their square."""
    monkeypatch.setattr(v1_book, "MOST_LEVELS", 2)
    read({"a": [LOW], "b": [HIGH], "c": "1"})
    with pytest.raises(ValueError, match="more levels"):
        read({"a": [LOW, HIGH], "b": [HIGH], "c": "1"})


def test_five_elements_of_a_capture(examples: Path) -> None:
    """The captured message about both sides has eleven changes, one price five times."""
    (line,) = (examples / "v1-captured-book-5-element.jsonl").read_text().splitlines()
    _, *payload, _, _ = json.loads(line)
    message = read(*payload)
    assert (len(message.asks), len(message.bids)) == (10, 1)
    assert message.checksum == 2366297588

"""What is lost is counted, and logged once."""

from __future__ import annotations

import logging

import pytest

from kraken_trio import Gap, GapReason, ProtocolError, Resync, Timestamp
from kraken_trio._internal.shell.losses import Losses


def test_each_gap_is_counted_by_its_reason_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A line that says where, why and how much; and nothing else."""
    losses = Losses(lambda: 0.0)
    for reason in (GapReason.CHECKSUM, GapReason.DISCONNECT, GapReason.CHECKSUM):
        losses.gap("public", Gap("book", "BTC/USD", reason))
    assert losses.gaps == {GapReason.CHECKSUM: 2, GapReason.DISCONNECT: 1}
    assert [(record.name, record.levelno) for record in caplog.records] == [
        ("kraken_trio.feed", logging.WARNING)
    ] * 3
    assert caplog.messages[0] == "gap: public: Gap(book BTC/USD checksum)"


def test_what_one_slow_consumer_lost_is_counted_and_logged_elsewhere(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It may happen a hundred times a second; whoever watches the backlog logs it now and then."""
    losses = Losses(lambda: 0.0)
    losses.gap("public", Gap("book", "BTC/USD", GapReason.OVERFLOW, size=9, local=True))
    assert losses.gaps == {GapReason.OVERFLOW: 1}
    assert caplog.messages == []


def test_each_resync_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    """How long it took stands in the log."""
    caplog.set_level(logging.INFO)
    losses = Losses(lambda: 0.0)
    for symbol in ("BTC/USD", None):
        losses.resync("public", Resync("book", symbol, GapReason.CHECKSUM, 1.25, Timestamp(1)))
    assert losses.resyncs == 2
    assert caplog.messages == [
        "resync: public: book BTC/USD whole after 1.25 s",
        "resync: public: book whole after 1.25 s",
    ]


def test_faulty_frames_are_logged_and_a_flood_of_them_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """By what is wrong with them alone; how many were not told of is said at the end."""
    losses = Losses(lambda: 0.0)
    for _ in range(1000):
        losses.fault("private", ProtocolError("no JSON", excerpt="balance 12.5"))
    losses.close()
    assert caplog.messages[0] == "faulty_frame: private: no JSON"
    assert caplog.messages[-1] == "left_out: 900 more of faulty_frame"
    assert len(caplog.messages) == 101

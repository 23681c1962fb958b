"""The recorder, by what is told to it; with a live feed it is in ``product/test_recording.py``."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from kraken_trio import Channel, ConfigurationError, KrakenConfig, Timestamp
from kraken_trio._internal.model.gap import GapHandling
from kraken_trio._internal.model.steps import Broke, Closed, Opened
from kraken_trio._internal.observe import recorder as module
from kraken_trio._internal.observe.parts import Parts
from kraken_trio._internal.observe.recorder import Recorder, open_recorder
from kraken_trio._internal.wire.capture import CapturedFrame, CapturedNote, read_lines
from kraken_trio._internal.wire.recording import read_about, read_step
from kraken_trio.extended import RecordingResumed, RecordingStopped

AT = Timestamp(1_500_000_000_123_456_789)
FRAME = b'{"channel":"heartbeat"}'
BOOK, TRADES = Channel.book("BTC/USD"), Channel.trades("BTC/USD")
FULL = Path("/dev/full")

needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")


def frames(*paths: Path) -> list[bytes]:
    """Give the frames that some parts hold."""
    lines = (line for path in paths for line in read_lines(path))
    return [line.payload for line in lines if isinstance(line, CapturedFrame)]


def notes(path: Path) -> list[CapturedNote]:
    """Give what else a part holds."""
    return [line for line in read_lines(path) if isinstance(line, CapturedNote)]


def tell(recorder: Recorder, *payloads: bytes) -> None:
    """Tell it of frames that came in."""
    for payload in payloads:
        recorder.frame_received("public", payload, AT)


async def until(condition: Callable[[], object]) -> None:
    """Wait for a thread."""
    with trio.fail_after(30):
        while not condition():  # noqa: ASYNC110 - of a thread, which sets no event of ours
            await trio.sleep(0.01)


@pytest.mark.parametrize("name", ["rec.jsonl", "rec.jsonl.gz"])
async def test_what_is_told_is_written(tmp_path: Path, name: str) -> None:
    """Frames with session, time and direction; steps; first what made it."""
    path = tmp_path / name
    async with open_recorder(path, config=KrakenConfig(), sent=True) as recorder:
        tell(recorder, FRAME)
        recorder.frame_sent("private", b'{"method":"ping"}', AT)
        recorder.stepped("public", Opened(BOOK, GapHandling()))
    about, frame, sent, step = read_lines(path)
    assert isinstance(about, CapturedNote)
    assert read_about(about.about or b"").config is not None
    assert frame == CapturedFrame(2, int(AT), FRAME, "public")
    assert sent == CapturedFrame(3, int(AT), b'{"method":"ping"}', "private", sent=True)
    assert isinstance(step, CapturedNote)
    assert (step.session, read_step(step.step or b"")) == ("public", Opened(BOOK, GapHandling()))
    told = recorder.statistics()
    assert (told.frames, told.steps, told.lost, told.waiting_bytes) == (2, 1, 0, 0)
    assert (told.parts, told.stopped) == ((str(path),), None)


async def test_requests_are_left_out_unless_they_are_wanted(tmp_path: Path) -> None:
    """And what is told after the end."""
    path = tmp_path / "rec.jsonl"
    async with open_recorder(path) as recorder:
        recorder.frame_sent("public", FRAME, AT)
        await recorder.aclose()
        tell(recorder, FRAME)
        recorder.stepped("public", Closed(BOOK))
    assert len(list(read_lines(path))) == 1


async def test_it_is_written_while_it_goes_on(tmp_path: Path) -> None:
    """Also when nothing more comes."""
    path = tmp_path / "rec.jsonl.gz"
    async with open_recorder(path) as recorder:
        head = path.stat().st_size
        tell(recorder, FRAME)
        await until(lambda: recorder.statistics().frames)
        await until(lambda: path.stat().st_size > head)
        told: list[Any] = []
        found = list(read_lines(path, on_damage=told.append))
    assert len(found) == 2
    assert len(told) == 1  # it has no end yet


async def test_members_named_after_secrets_are_masked(tmp_path: Path) -> None:
    """Whoever says them."""
    path = tmp_path / "rec.jsonl"
    async with open_recorder(path, sent=True) as recorder:
        tell(recorder, b'{"result":{"token":"abc"}}')
        recorder.frame_sent("private", b'{"params":{"token":"abc"}}', AT)
    assert frames(path) == [b'{"result":{"token":"****"}}', b'{"params":{"token":"****"}}']


async def test_what_there_is_no_room_for_is_counted_where_it_is_missing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In the file and in the statistics; said once."""
    path = tmp_path / "rec.jsonl"
    async with open_recorder(path, room_bytes=2 * (len(FRAME) + module.ENTRY_BYTES)) as recorder:
        tell(recorder, *[FRAME] * 7)
        await until(lambda: recorder.statistics().frames)
        tell(recorder, FRAME)
    first, one, two, lost, three = read_lines(path)
    assert isinstance(lost, CapturedNote)
    assert read_about(lost.about or b"").lost == 5
    assert {type(each) for each in (one, two, three)} == {CapturedFrame}
    assert recorder.statistics().lost == 5
    assert [record.getMessage()[:17] for record in caplog.records] == ["recording_behind:"]
    assert isinstance(first, CapturedNote)


async def test_steps_without_end_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are lost, too."""
    monkeypatch.setattr(module, "MOST_STEPS", 2)
    async with open_recorder(tmp_path / "rec.jsonl") as recorder:
        for _ in range(5):
            recorder.stepped("public", Closed(BOOK))
    assert (recorder.statistics().steps, recorder.statistics().lost) == (2, 3)


async def test_what_broke_the_framing_takes_room_too(tmp_path: Path) -> None:
    """It may be as large as a message; what is written makes room again."""
    path, step = tmp_path / "rec.jsonl", Broke("reserved bit", b"x" * 1000)
    async with open_recorder(path, room_bytes=2 * (1000 + module.ENTRY_BYTES)) as recorder:
        for _ in range(5):
            recorder.stepped("public", step)
        assert recorder.statistics().waiting_bytes == 2 * (1000 + module.ENTRY_BYTES)
        await until(lambda: recorder.statistics().steps)
        assert recorder.statistics().waiting_bytes == 0
        recorder.stepped("public", step)
    assert (recorder.statistics().steps, recorder.statistics().lost) == (3, 3)
    notes = [line for line in read_lines(path) if isinstance(line, CapturedNote) and line.step]
    assert [read_step(note.step or b"") for note in notes] == [step] * 3


async def test_each_part_says_what_is_open(tmp_path: Path) -> None:
    """So it can be replayed alone; all parts together have every frame once."""
    path = tmp_path / "rec.jsonl"
    async with open_recorder(path, rotate_bytes=1) as recorder:
        recorder.stepped("public", Opened(BOOK, GapHandling()))
        recorder.stepped("public", Opened(TRADES, GapHandling()))
        for number in range(3):
            tell(recorder, b"%d" % number)
            await until(lambda n=number: recorder.statistics().frames > n)  # type: ignore[misc]
            recorder.stepped("public", Closed(TRADES))
    parts = list(map(Path, recorder.statistics().parts))
    assert [part.name for part in parts][:2] == ["rec.0001.jsonl", "rec.0002.jsonl"]
    assert frames(*parts) == [b"0", b"1", b"2"]
    *_, last = parts
    first, opened, *_ = notes(last)
    assert read_about(first.about or b"").part == len(parts)
    assert read_step(opened.step or b"") == Opened(BOOK, GapHandling())


@needs_full
async def test_a_disk_that_is_full_is_told_once_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What was lost is counted; when there is room again, a new part says how much is missing."""
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    path = tmp_path / "rec.jsonl"
    second = tmp_path / "rec.0002.jsonl"
    second.symlink_to(FULL)
    told: list[RecordingStopped | RecordingResumed] = []
    async with open_recorder(path, rotate_bytes=300, on_trouble=told.append) as recorder:
        tell(recorder, b"x" * 400)
        await until(lambda: recorder.statistics().frames)
        for _ in range(3):
            tell(recorder, FRAME)
            lost = recorder.statistics().lost
            await until(lambda n=lost: recorder.statistics().lost > n)  # type: ignore[misc]
        assert recorder.statistics().stopped == os.strerror(28)
        second.unlink()
        tell(recorder, FRAME)
        await until(lambda: recorder.statistics().stopped is None)
    stopped, resumed = told
    assert stopped == RecordingStopped(str(tmp_path / "rec.0001.jsonl"), os.strerror(28), 1)
    assert resumed == RecordingResumed(str(second), 3)
    levels = [record.levelno for record in caplog.records]
    assert levels == [logging.ERROR, logging.WARNING]
    assert frames(tmp_path / "rec.0001.jsonl", second) == [b"x" * 400, FRAME]
    assert [read_about(note.about or b"").lost for note in notes(second)] == [0, 3]
    assert recorder.statistics().lost == 3


@needs_full
async def test_what_waits_when_the_disk_is_full_to_the_end_is_lost(tmp_path: Path) -> None:
    """And counted, and leaving the block raises nothing."""
    path = tmp_path / "rec.jsonl"
    (tmp_path / "rec.0002.jsonl").symlink_to(FULL)
    async with open_recorder(path, rotate_bytes=300) as recorder:
        tell(recorder, b"x" * 400)
        await until(lambda: recorder.statistics().frames)
        tell(recorder, FRAME)
    assert (recorder.statistics().frames, recorder.statistics().lost) == (1, 1)


@pytest.mark.parametrize("path", ["nowhere/rec.jsonl", pytest.param(str(FULL), marks=needs_full)])
async def test_what_cannot_begin_is_raised(tmp_path: Path, path: str) -> None:
    """Before anything is recorded."""
    with pytest.raises(OSError, match=r"No such file|No space"):
        async with open_recorder(tmp_path / path):
            raise AssertionError


@pytest.mark.parametrize("field", ["rotate_bytes", "rotate_s", "room_bytes"])
async def test_bounds_must_make_sense(tmp_path: Path, field: str) -> None:
    """Above 0."""
    with pytest.raises(ConfigurationError, match=field):
        async with open_recorder(tmp_path / "rec.jsonl", **{field: 0}):  # type: ignore[arg-type]
            raise AssertionError


async def test_an_error_comes_out_as_it_was_raised(tmp_path: Path) -> None:
    """And what waited is written."""
    path = tmp_path / "rec.jsonl"
    mine = ExceptionGroup("mine", [ValueError("x")])
    with pytest.raises(ExceptionGroup) as caught:
        async with open_recorder(path) as recorder:
            tell(recorder, FRAME)
            raise mine
    assert caught.value is mine
    assert frames(path) == [FRAME]


async def test_a_block_that_is_cancelled_writes_what_waits(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    """Also in a nursery, whose group holds the cancellation."""
    path = tmp_path / "rec.jsonl"
    with trio.CancelScope() as scope:
        async with open_recorder(path) as recorder, trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            tell(recorder, FRAME)
            scope.deadline = trio.current_time() + 5
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert frames(path) == [FRAME]


async def test_a_disk_that_hangs_does_not_hold_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is left, with a word, and what waited is not written."""
    monkeypatch.setattr(module, "CLOSE_TIMEOUT_S", 0.05)
    go = threading.Event()
    begun = Parts.write

    def hang(parts: Parts, lines: list[bytes], now: float) -> None:
        if parts.paths:
            go.wait()
        begun(parts, lines, now)

    monkeypatch.setattr(Parts, "write", hang)
    async with open_recorder(tmp_path / "rec.jsonl") as recorder:
        tell(recorder, FRAME)
        waiting = recorder.statistics().waiting_bytes
    go.set()
    (line,) = caplog.records
    fields = {"event": "recording_late", "path": str(tmp_path / "rec.jsonl")}
    assert vars(line).items() >= {**fields, "waiting_bytes": waiting}.items()
    assert waiting > len(FRAME)
    assert f"rec.jsonl: the disk took too long, and {waiting} bytes" in line.getMessage()


def test_hooks_wait_for_nothing(tmp_path: Path) -> None:
    """They are plain functions, and do no I/O: a recorder without its task keeps up to its room."""
    make = partial(
        Recorder,
        tmp_path / "rec.jsonl",
        config=None,
        sent=True,
        rotate_bytes=None,
        rotate_s=None,
        on_trouble=None,
    )

    async def main() -> None:
        recorder = make(room_bytes=4 * (len(FRAME) + module.ENTRY_BYTES) + 1)
        tell(recorder, *[FRAME] * 10)
        assert recorder.statistics().waiting_bytes == 4 * (len(FRAME) + module.ENTRY_BYTES)
        assert recorder.statistics().lost == 6

    trio.run(main)
    assert list(tmp_path.iterdir()) == []


@needs_full
async def test_on_trouble_that_raises_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told to the log, and the recorder goes on."""
    second = tmp_path / "rec.0002.jsonl"
    second.symlink_to(FULL)

    def raises(trouble: object) -> None:
        raise RuntimeError("of the program")

    path = tmp_path / "rec.jsonl"
    async with open_recorder(path, rotate_bytes=300, on_trouble=raises) as recorder:
        tell(recorder, b"x" * 400)
        await until(lambda: recorder.statistics().frames)
        tell(recorder, FRAME)
        await until(lambda: recorder.statistics().stopped is not None)
        tell(recorder, FRAME)
    failed = [each for each in caplog.records if "on_trouble_failed" in each.getMessage()]
    assert failed
    assert failed[0].event == "on_trouble_failed"  # type: ignore[attr-defined]

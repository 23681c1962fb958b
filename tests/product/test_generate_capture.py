"""The example that writes a capture: runs as a user would run it, and writes what it promises."""

from __future__ import annotations

import json
import runpy
from collections import Counter
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "generate_capture.py"


def run(*arguments: str | Path) -> None:
    """Run the example as its command line would."""
    runpy.run_path(str(EXAMPLE))["main"]([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file of 500 frames, in a folder that the example had to make."""
    path = tmp_path_factory.mktemp("out") / "new" / "folder" / "capture.jsonl"
    run(path, "--seed", "7", "--frames", "500")
    return path


def test_contents(path: Path) -> None:
    """The file has the wanted number of frames of every kind, in order, with rising times."""
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    frames = [json.loads(line["raw"]) for line in lines]
    kinds = [frame.get("channel", frame.get("method")) for frame in frames]
    assert kinds[:5] == ["status", *["subscribe"] * 4]
    assert kinds[5:9] == ["book", "trade", "book", "trade"]
    assert {frame["type"] for frame in frames[5:9]} == {"snapshot"}
    found = Counter(kinds[9:])
    assert set(found) == {"book", "trade", "heartbeat"}
    assert len(lines) == 500
    times = [line["ts"] for line in lines]
    assert times == sorted(times)
    # A heartbeat a second.
    assert found["heartbeat"] in range(int(times[-1] - times[0]), int(times[-1] - times[0]) + 2)


def test_the_same_seed_gives_the_same_file(path: Path, tmp_path: Path) -> None:
    """Two runs with one seed agree to the byte; another seed gives another market."""
    for seed in ("7", "8"):
        run(tmp_path / seed, "--seed", seed, "--frames", "500")
    assert (tmp_path / "7").read_bytes() == path.read_bytes()
    assert (tmp_path / "8").read_bytes() != path.read_bytes()


def test_fewer_frames_are_the_beginning(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shorter file is the beginning of a longer one; a negative length is refused."""
    short = tmp_path / "short"
    run(short, "--seed", "7", "--frames", "3")
    assert capsys.readouterr().out == f"3 frames written to {short}\n"
    assert path.read_bytes().startswith(short.read_bytes())
    with pytest.raises(SystemExit):
        run(tmp_path / "none", "--frames", "-1")
    assert "--frames must not be negative" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()

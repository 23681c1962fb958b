"""How many frames of a capture are verified in a second, by the command and by its engine.

    python benchmarks/verify.py [--quick] [--runs N] [--frames N] [--page] [--json FILE]

A large capture is made beforehand, by ``examples/generate_capture.py``; where KRAKEN_TRIO_CAPTURES
names a folder of captured traffic, each file in it is measured, too. Measured in turns, each run
in a process of its own, are the command ``kraken-trio verify``, from its start to its end;
``verify_capture``, which it calls; and as the floor nothing but reading the same lines with
msgspec, without types and without books. Every checksum of the large capture has to be right.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from figures import show, spread, table
from machine import machine, write

GENERATE = Path(__file__).parents[1] / "examples" / "generate_capture.py"
PACKAGES = ("kraken-trio", "trio", "msgspec", "zlib-ng", "cyclopts")
LARGE = "large"
WHO = {
    "command": "`kraken-trio verify`, with its start",
    "engine": "`verify_capture`",
    "floor": "msgspec alone, no types, nothing verified",
}
ENOUGH_S = 0.3
"""A small capture is verified again and again until it took so long."""
MANY = 100
"""Frames of a capture that is shown: of fewer, it is the start that takes the time."""
QUICK_FRAMES = 3000
TIMEOUT_S = 300
WRONG = 1
"""The exit code of a capture in which not all is well."""


def engine(path: Path) -> dict[str, Any]:
    """Verify a file, a small one several times."""
    from kraken_trio.extended import verify_capture

    verify_capture(path)  # Warm up; a large one needs it least, and is none the worse for it.
    wall, cpu, times = time.perf_counter(), time.process_time(), 0
    while True:
        found = verify_capture(path)
        times += 1
        seconds = time.perf_counter() - wall
        if seconds > ENOUGH_S:
            break
    books = found.books.values()
    return {
        "seconds": seconds / times,
        "cpu_seconds": (time.process_time() - cpu) / times,
        "frames": found.frames,
        "undecoded": found.undecoded,
        "checksums_ok": sum(book.checksums_ok for book in books),
        "checksums_failed": sum(book.checksums_failed for book in books),
    }


def floor(path: Path) -> dict[str, Any]:
    """Decode each line, and each frame in it, and do nothing with them."""
    import msgspec

    decode = msgspec.json.Decoder().decode
    wall, cpu, frames = time.perf_counter(), time.process_time(), 0
    with path.open("rb") as file:
        for line in file:
            decode(decode(line)["raw"])
            frames += 1
    return {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "frames": frames,
    }


def ran(words: list[str], *, may_be_wrong: bool) -> tuple[float, str]:
    """Run Python to its end: how long that took, and what it printed."""
    began = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, *words], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    if done.returncode not in (0, WRONG if may_be_wrong else 0):
        sys.exit(f"{words} failed: {done.stderr}")
    return time.perf_counter() - began, done.stdout


def measure(who: str, path: Path, *, may_be_wrong: bool = False) -> dict[str, Any]:
    """Have one of them read a file."""
    if who != "command":
        result: dict[str, Any] = json.loads(
            ran([__file__, "--as", who, str(path)], may_be_wrong=False)[1]
        )
        return result
    words = ["-m", "kraken_trio", "verify", "--json", str(path)]
    before = os.times()
    seconds, printed = ran(words, may_be_wrong=may_be_wrong)
    after = os.times()
    cpu = sum(after[2:4]) - sum(before[2:4])  # Of children that have ended.
    return {"seconds": seconds, "cpu_seconds": cpu, "frames": json.loads(printed)["frames"]}


def measure_large(path: Path, frames: int, runs: int) -> dict[str, list[dict[str, Any]]]:
    """Have each of them read a capture in which all is right, in turns."""
    results: dict[str, list[dict[str, Any]]] = {}
    for _ in range(runs):
        for who in WHO:
            if who == "command" and importlib.util.find_spec("cyclopts") is None:
                continue
            result = measure(who, path)
            if (
                result["frames"] != frames
                or result.get("checksums_failed")
                or result.get("undecoded")
            ):
                sys.exit(f"{who} did not read all, or found faults: {result}")
            results.setdefault(who, []).append(result)
    return results


def measure_captures(folder: Path) -> dict[str, dict[str, Any]]:
    """Verify all captured traffic, once each. Not everything in it is well."""
    return {
        path.name: {**measure("engine", path), "bytes": path.stat().st_size}
        for path in sorted(folder.glob("v2-*.jsonl"))
    }


def tables(
    large: dict[str, list[dict[str, Any]]], size: int, captures: dict[str, dict[str, Any]]
) -> list[str]:
    """Show it all."""
    middle = statistics.median(run["seconds"] for run in large["engine"])
    (frames,) = {run["frames"] for runs in large.values() for run in runs}
    made = table(
        [
            f"{frames:,} frames, {size / 1e6:.0f} MB",
            "frames/s",
            "MB/s",
            "CPU us each",
            "the engine is",
        ],
        [
            (
                name,
                spread([run["frames"] / run["seconds"] for run in large[who]]),
                spread([size / 1e6 / run["seconds"] for run in large[who]]),
                spread([10**6 * run["cpu_seconds"] / run["frames"] for run in large[who]], 1),
                f"{statistics.median(run['seconds'] for run in large[who]) / middle:.2f} x as fast",
            )
            for who, name in WHO.items()
            if who in large
        ],
    )
    if not captures:
        return [made]
    real = table(
        ["captured traffic, by the engine", "frames", "checksums", "frames/s", "MB/s"],
        [
            (
                f"`{name}`",
                f"{found['frames']:,}",
                f"{found['checksums_ok']} of {found['checksums_ok'] + found['checksums_failed']}",
                f"{found['frames'] / found['seconds']:,.0f}",
                f"{found['bytes'] / 1e6 / found['seconds']:.0f}",
            )
            for name, found in captures.items()
            if found["frames"] >= MANY
        ],
    )
    return [made, real]


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="see only that it works")
    parser.add_argument("--runs", type=int, default=3, help="of each")
    parser.add_argument("--frames", type=int, default=300_000, help="of the large capture")
    parser.add_argument("--page", action="store_true", help="write docs/performance.md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--as", dest="role", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.role:
        who, path = given.role
        print(json.dumps((engine if who == "engine" else floor)(Path(path))))
        return
    if given.quick:
        given.runs, given.frames = 1, QUICK_FRAMES
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.jsonl"
        ran([str(GENERATE), str(path), "--frames", str(given.frames)], may_be_wrong=False)
        size = path.stat().st_size
        large = measure_large(path, given.frames, given.runs)
    named = os.environ.get("KRAKEN_TRIO_CAPTURES")
    captures = measure_captures(Path(named)) if named and not given.quick else {}
    if "command" not in large:
        print("the command is left out: it needs the extra cli")
    where = machine(*PACKAGES)
    show("verify", where, *tables(large, size, captures), to_page=given.page)
    write(given.json, where, {**large, "captures": captures}, frames=given.frames, bytes=size)


if __name__ == "__main__":
    main()

"""For any bytes, what reads them returns, or raises what is documented: drawn by Hypothesis.

It mutates frames of a real session of the simulated exchange and what lies in ``fuzz/corpus``.
``nox -s fuzz`` does the same for longer, guided by coverage, where atheris installs.
"""

from __future__ import annotations

import gc
import runpy
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

FOLDER: Final = Path(__file__).with_name("fuzz")
TARGETS: Final[dict[str, Callable[[bytes], None]]] = runpy.run_path(str(FOLDER / "targets.py"))[
    "TARGETS"
]
SEEDS: Final = {
    name: [path.read_bytes() for path in sorted((FOLDER / "corpus" / name).iterdir())]
    for name in TARGETS
}
few = settings(max_examples=max(50, settings().max_examples // 2))


@st.composite
def mutated(draw: Any, seeds: list[bytes]) -> bytes:
    """Change a few places of one of them: cut, flip, repeat, or put something else there."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["cut", "flip", "repeat", "splice", "insert", "number"])):
            case "cut":
                del data[at : at + draw(st.integers(1, 40))]
            case "flip" if at < len(data):
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "repeat":
                data[at:at] = data[at : at + 40] * draw(st.integers(1, 20))
            case "splice":
                other = draw(st.sampled_from(seeds))
                data[at:] = other[draw(st.integers(0, len(other))) :]
            case "number":
                text = draw(st.sampled_from([b"1e999999", b"-0", b"NaN", b"9" * 400, b"null"]))
                data[at : at + draw(st.integers(0, 10))] = text
            case _:
                data[at:at] = draw(st.binary(max_size=20))
    return bytes(data)


def test_each_target_has_a_corpus() -> None:
    """And each folder of the corpus its target."""
    assert {path.name for path in (FOLDER / "corpus").iterdir()} == set(TARGETS)
    assert all(SEEDS.values())


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_stays_right(name: str) -> None:
    """All that lies in the corpus passes, what once failed too."""
    for seed in SEEDS[name]:
        TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
@few
@given(data=st.data())
def test_any_bytes(name: str, data: st.DataObject) -> None:
    """Nothing but documented errors escapes, whatever a frame is changed to."""
    TARGETS[name](data.draw(mutated(SEEDS[name])))


@pytest.mark.parametrize("name", sorted(TARGETS.keys() - {"book"}))
@pytest.mark.parametrize("piece", [b"[", b'{"a":', b"9", b"\x01\x7d", b"\x00" * 4, b'"\\u0000'])
def test_a_flood_of_one_thing_is_bounded(name: str, piece: bytes) -> None:
    """However much of it comes, what is held is a few times that, and nothing stays."""
    data = piece * (200_000 // len(piece))
    TARGETS[name](data)
    tracemalloc.start()
    try:
        TARGETS[name](data)
        _, most = tracemalloc.get_traced_memory()
        gc.collect()  # An error and its traceback hold each other until then.
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 40 * len(data)
    assert held < len(data)

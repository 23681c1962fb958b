"""Every source module has its test file, and every test file its source module.

``kraken_trio/_internal/<room>/<module>.py`` belongs with ``tests/<room>/test_<module>.py``, and so
on down through sub-folders. Exempt are ``__init__.py`` on the one side, and on the other the
guards that stand directly in ``tests/`` and what spans rooms, in ``tests/product/``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pytest

import kraken_trio

ROOMS = Path(kraken_trio.__file__).parent / "_internal"
TESTS = Path(__file__).parent


def strays(sources: Iterable[str], tests: Iterable[str]) -> list[str]:
    """Give the test files that are missing and those that test nothing, as sentences.

    ``sources`` are paths under the folder of the rooms, ``tests`` paths under the folder of the
    tests, both with forward slashes.
    """
    wanted = {
        str(path.with_name(f"test_{path.name}"))
        for path in map(PurePosixPath, sources)
        if path.name != "__init__.py" and len(path.parts) > 1
    }
    there = {
        str(path)
        for path in map(PurePosixPath, tests)
        if path.name.startswith("test_") and len(path.parts) > 1 and path.parts[0] != "product"
    }
    return sorted(
        [f"tests/{path} is missing" for path in wanted - there]
        + [f"tests/{path} has no source module" for path in there - wanted]
    )


def files(folder: Path) -> list[str]:
    """Give every Python file under a folder, as paths from there."""
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*.py")]


def test_sources_and_tests_mirror_each_other() -> None:
    """No source module is without its test file, and no test file without its source module."""
    assert strays(files(ROOMS), files(TESTS)) == []


@pytest.mark.parametrize(
    "sources, tests, found",
    [
        (["wire/frames.py"], ["wire/test_frames.py"], []),
        (["wire/frames.py"], [], ["tests/wire/test_frames.py is missing"]),
        ([], ["wire/test_frames.py"], ["tests/wire/test_frames.py has no source module"]),
        (
            ["wire/frames.py"],
            ["core/test_frames.py"],
            [
                "tests/core/test_frames.py has no source module",
                "tests/wire/test_frames.py is missing",
            ],
        ),
        (["apps/dashboard/page.py"], ["apps/dashboard/test_page.py"], []),
        (["apps/dashboard/page.py"], [], ["tests/apps/dashboard/test_page.py is missing"]),
        (["__init__.py", "wire/__init__.py", "apps/dashboard/__init__.py"], [], []),
        ([], ["test_layers.py", "conftest.py", "wire/conftest.py", "product/test_soak.py"], []),
        ([], ["product/chaos/test_cut.py"], []),
    ],
)
def test_strays_are_found(sources: list[str], tests: list[str], found: list[str]) -> None:
    """Each side without the other is found, and nothing else."""
    assert strays(sources, tests) == found

"""The files of the page, as they are installed: read once, kept, and known by what they hold.

Knows which kinds there are. No name of a request ever becomes a path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import msgspec

FOLDER: Final = "static"
INDEX: Final = "index.html"
KINDS: Final = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "ico": "image/x-icon",
    "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
}
"""What is served, by the ends of names; licences have none."""
PLAIN: Final = "text/plain; charset=utf-8"


class File(msgspec.Struct, frozen=True):
    """One file."""

    body: bytes
    """All of it."""
    kind: str
    """As ``Content-Type`` has it."""
    tag: str
    """As ``ETag`` has it: another body, another tag."""


def read_files() -> dict[str, File]:
    """All files of the page by their paths, such as ``js/chart.js``."""
    folder = files("kraken_trio._internal.apps.dashboard").joinpath(FOLDER)
    return {path: _file(path, found.read_bytes()) for path, found in _under(folder, "")}


def _under(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for found in folder.iterdir():
        if found.name.startswith("."):
            continue
        if found.is_dir():
            yield from _under(found, f"{path}{found.name}/")
        else:
            yield path + found.name, found


def _file(path: str, body: bytes) -> File:
    ending = path.rpartition(".")[2].lower()
    tag = hashlib.sha256(body).hexdigest()[:32]
    return File(body, KINDS.get(ending, PLAIN), f'"{tag}"')

"""A whole terminal to draw on: taken at the beginning, given back as it was.

Imports rich, which takes its time: imported itself only where there is a terminal.
"""

from __future__ import annotations

from typing import Self

from rich.console import Console, Group
from rich.live import Live

from kraken_trio._internal.apps.picture import BLOCKS, PLAIN, Picture, draw


class FullScreen:
    """A context manager; what was on the terminal before is there again at its end."""

    def __init__(self, console: Console | None = None) -> None:
        """Draw on standard output."""
        self._console = console or Console()
        # Without a thread of its own: who has news says so.
        self._live = Live(
            console=self._console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._blocks = BLOCKS if self._console.encoding.lower().startswith("utf") else PLAIN

    def __enter__(self) -> Self:
        """Take it."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self._live.stop()

    def show(self, picture: Picture, paused: bool) -> None:  # noqa: FBT001 - as a thread calls it
        """Draw a picture, as large as the terminal is now."""
        width, height = self._console.size
        lines = draw(picture, width=width, height=height, paused=paused, blocks=self._blocks)
        self._live.update(Group(*lines), refresh=True)

"""A whole terminal to draw on: taken at the beginning, given back as it was.

Imports rich, which takes its time: imported itself only where there is a terminal.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import IO, Final, Self, cast

import trio
from rich.console import Console, Group
from rich.live import Live

from kraken_trio._internal.apps.output import Unbuffered
from kraken_trio._internal.apps.picture import BLOCKS, PLAIN, Picture, draw

try:
    import termios
except ImportError:  # Not every system has terminals of this kind.
    termios = None  # type: ignore[assignment]

PATIENCE_S: Final = 0.5
"""For a terminal to take what was drawn, at the end."""
GIVE_UP_S: Final = 1.5
"""For all of the end."""
_AGAIN_S: Final = 0.02


class FullScreen:
    """A context manager; what was on the terminal before is there again at its end."""

    def __init__(self, console: Console | None = None) -> None:
        """Draw on standard output."""
        self._console = console or _standard_output()
        # Without a thread of its own: who has news says so.
        self._live = Live(
            console=self._console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._blocks = BLOCKS if self._console.encoding.lower().startswith("utf") else PLAIN

    async def __aenter__(self) -> Self:
        """Take it; in a thread, for it may be one that takes nothing."""
        try:
            await trio.to_thread.run_sync(self._live.start, abandon_on_cancel=True)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give it back, in bounded time: where it takes nothing, what waits for it is dropped."""
        with trio.CancelScope(shield=True), trio.move_on_after(GIVE_UP_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._drop_what_waits)
                await trio.to_thread.run_sync(self._live.stop, abandon_on_cancel=True)
                nursery.cancel_scope.cancel()

    async def _drop_what_waits(self) -> None:
        await trio.sleep(PATIENCE_S)
        while termios is not None:
            with suppress(termios.error, OSError, ValueError):  # Of what is no terminal.
                termios.tcflush(self._console.file.fileno(), termios.TCOFLUSH)
            await trio.sleep(_AGAIN_S)

    def show(self, picture: Picture, paused: bool) -> None:  # noqa: FBT001 - as a thread calls it
        """Draw a picture, as large as the terminal is now."""
        width, height = self._console.size
        lines = draw(picture, width=width, height=height, paused=paused, blocks=self._blocks)
        self._live.update(Group(*lines), refresh=True)


def _standard_output() -> Console:
    # Terminals of other kinds do not take bytes as they are.
    return Console(file=cast("IO[str]", Unbuffered())) if os.name == "posix" else Console()

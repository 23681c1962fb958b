"""The first moment of the command ``kraken-trio``: from here on, Ctrl-C ends it without a word.

To import the package takes tenths of a second. An interrupt in the midst of that would print a
traceback, or be lost in a callback of the import system. So this stands outside of the package (to
import a part of that is to import all of it), imports what every interpreter has loaded or nearly,
and leaves the process at once: nothing is open yet. A command then takes Ctrl-C into its own hands,
and gives it back when it is done. The interpreter's own start, before the first line here, is out
of reach.
"""

from __future__ import annotations

import os  # Which the interpreter has loaded for itself.

try:
    import signal
    from types import FrameType
    from typing import NoReturn
except KeyboardInterrupt:
    os._exit(130)

_INTERRUPTED = 128 + signal.SIGINT


def leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - as Python has it
    """End the process; the exit code is what a shell tells of Ctrl-C."""
    os._exit(_INTERRUPTED)


def main() -> None:
    """Run the command line."""
    from kraken_trio.__main__ import main as run  # noqa: PLC0415 - not before Ctrl-C is quiet

    run()


def hush() -> None:
    """Have Ctrl-C end the process without a word, unless somebody ignores it, or uses it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave)


hush()

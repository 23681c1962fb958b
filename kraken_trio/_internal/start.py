"""Whether ``python -m kraken_trio`` is what starts here: then Ctrl-C is quiet while it does.

Python imports the package, which takes a while, before it comes to ``__main__``; so the package
imports this first. To every other program it does nothing.
"""

from __future__ import annotations

import itertools
import sys


def starts_command() -> bool:
    """Say whether the interpreter is looking for the module to run, and it is ours."""
    module = next((after for at, after in itertools.pairwise(sys.orig_argv) if at == "-m"), "")
    # While Python looks for a module to run, the name of the program is still its option.
    return module == "kraken_trio" and getattr(sys, "argv", [])[:1] == ["-m"]


if starts_command():
    import _kraken_trio

    _kraken_trio.hush()

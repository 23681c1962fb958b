"""``python -m kraken_trio``, and what the command ``kraken-trio`` calls."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, or say what it needs."""
    try:
        from kraken_trio._internal.apps.cli import run  # noqa: PLC0415 - an extra: only if asked
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("kraken_trio"):
            raise
        print(
            f"The command line needs the package {error.name}: "
            'install it with  pip install "kraken-trio[cli]"',
            file=sys.stderr,
        )
        sys.exit(2)
    sys.exit(run())


if __name__ == "__main__":
    import _kraken_trio

    _kraken_trio.hush()  # If it was not before: as after python -Im kraken_trio.
    main()

"""Fuzz one target, guided by coverage: ``python fuzz.py TARGET [options of libFuzzer] FOLDER...``.

What is new is kept in the first folder; the others are read. ``nox -s fuzz`` runs all.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["kraken_trio", "targets"]):
    from targets import TARGETS

if __name__ == "__main__":
    name, *options = sys.argv[1:]
    atheris.Setup([sys.argv[0], *options], TARGETS[name])
    atheris.Fuzz()

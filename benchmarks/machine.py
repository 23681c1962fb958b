"""Where and with what something was measured, and how figures are written to a file."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


def machine(*packages: str) -> dict[str, Any]:
    """Say when, where, and with which versions of these packages."""
    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if "model name" in line), cpu)
    versions = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": versions,
    }


def in_words(where: dict[str, Any]) -> str:
    """Give two lines about a machine."""
    versions = ", ".join(f"{package} {found}" for package, found in where["versions"].items())
    return f"{where['at']}, {where['cores']} cores of {where['cpu']}, {where['python']}\n{versions}"


def write(path: Path | None, where: dict[str, Any], results: object, **given: object) -> None:
    """Write all figures to a file, if there is one: the machine, what was given, the results."""
    if path is not None:
        report = {"machine": where, **given, "results": results}
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")

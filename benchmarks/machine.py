"""Where and with what something was measured, and how figures are written to a file."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


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
        "commit": commit(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": versions,
    }


def commit() -> str:
    """Give what of the project is measured; a plus stands for what is not committed."""
    asked = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        ran = subprocess.run(asked, cwd=HERE, check=True, capture_output=True, text=True)  # noqa: S603 - our own words
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return ran.stdout.strip()


def in_words(where: dict[str, Any]) -> str:
    """Give two lines about a machine."""
    versions = ", ".join(f"{package} {found}" for package, found in where["versions"].items())
    return (
        f"{where['at']}, commit {where['commit']}, {where['cores']} cores of {where['cpu']}, "
        f"{where['python']}\n{versions}"
    )


def write(path: Path | None, where: dict[str, Any], results: object, **given: object) -> None:
    """Write all figures to a file, if there is one: the machine, what was given, the results."""
    if path is not None:
        report = {"machine": where, **given, "results": results}
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")

"""What every test may use: the folders of real traffic, where they are."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from hypothesis import HealthCheck, settings

# A slow shared machine is not a failure, and a test must not depend on luck: the default
# profile draws the same examples every time; "explore" looks for new ones.
settings.register_profile(
    "default", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "explore",
    deadline=None,
    max_examples=2000,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def captures() -> Path:
    """Give the folder of captured traffic, or skip: it is not part of the project."""
    folder = os.environ.get("KRAKEN_TRIO_CAPTURES")
    if not folder:
        pytest.skip("KRAKEN_TRIO_CAPTURES names no folder of captured traffic")
    path = Path(folder).resolve()
    assert path.is_dir(), f"KRAKEN_TRIO_CAPTURES names {path}, which is no folder"
    return path


@pytest.fixture(scope="session")
def examples(captures: Path) -> Path:
    """Give the folder of protocol examples that stands beside the captures, or skip."""
    path = captures.parent / "protocol" / "examples"
    if not path.is_dir():
        pytest.skip(f"no protocol examples at {path}")
    return path


class Sockets(trio.abc.SocketFactory):
    """Makes the sockets that trio asks for, and remembers them."""

    def __init__(self) -> None:
        """None so far."""
        self.made: list[trio.socket.SocketType] = []

    def socket(
        self,
        family: socket.AddressFamily | int = socket.AF_INET,
        kind: socket.SocketKind | int = socket.SOCK_STREAM,
        proto: int = 0,
    ) -> trio.socket.SocketType:
        """Make one."""
        made = trio.socket.from_stdlib_socket(socket.socket(family, kind, proto))
        self.made.append(made)
        return made

    def open(self) -> int:
        """How many are not closed."""
        return sum(made.fileno() != -1 for made in self.made)


def count_sockets() -> Sockets:
    """Count the sockets that are made in this run; those that a listener accepts are not."""
    factory = Sockets()
    trio.socket.set_custom_socket_factory(factory)
    return factory


@pytest.fixture(name="count_sockets")
def _count_sockets() -> Callable[[], Sockets]:
    """Give what is to be called inside a run."""
    return count_sockets

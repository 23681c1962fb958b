"""A certificate for this machine is trusted by those who are told to, and by nobody else."""

from __future__ import annotations

import contextlib
import ssl
import sys

import pytest
import trio

from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.testing.certificates import HOST, Contexts, make_contexts
from kraken_trio._internal.testing.memory import MemoryStream, memory_streams


async def shake_hands(contexts: Contexts, client: ssl.SSLContext, host: str) -> str | None:
    """Let a client meet the server; give the version of TLS."""
    ours, theirs = memory_streams()
    server = trio.SSLStream(ours, contexts.server, server_side=True)
    stream = trio.SSLStream(theirs, client, server_hostname=host)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_serve, server)
        try:
            await stream.do_handshake()
            version: str | None = stream.version()
        finally:
            await theirs.aclose()
    return version


async def _serve(server: trio.SSLStream[MemoryStream]) -> None:
    with contextlib.suppress(trio.BrokenResourceError):  # The client's side is looked at.
        await server.do_handshake()


async def test_the_client_context_trusts_it() -> None:
    """The client that comes with the certificate accepts it, at TLS 1.2 or newer."""
    contexts = make_contexts()
    assert contexts.client.verify_mode == ssl.CERT_REQUIRED
    assert contexts.client.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert await shake_hands(contexts, contexts.client, HOST) in {"TLSv1.2", "TLSv1.3"}


@pytest.mark.parametrize("case", ["another name", "another authority", "the system's trust"])
async def test_nobody_else_trusts_it(case: str) -> None:
    """Another name, or whoever was not told, is refused."""
    contexts = make_contexts()
    client, host = contexts.client, HOST
    if case == "another name":
        host = "ws.kraken.com"
    elif case == "another authority":
        client = make_contexts().client
    else:
        client = ssl.create_default_context()
    with pytest.raises(ExceptionGroup) as caught:
        await shake_hands(contexts, client, host)
    (error,) = caught.value.exceptions
    assert isinstance(error.__cause__, ssl.SSLCertVerificationError)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package that makes certificates, the error says what to install."""
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(ConfigurationError, match=r"pip install \"kraken-trio\[testing\]\""):
        make_contexts()

"""The usual ``Dial``: TCP, and TLS where it is wanted.

Knows sockets and certificates; knows nothing of HTTP, and never imports a WebSocket library.
"""

from __future__ import annotations

import ssl

import trio

from kraken_trio._internal.shell.tcp import TcpStream


class TcpDial:
    """Connects over the network; see ``Dial``.

    Of a host's addresses the one that answers first is taken ("happy eyeballs"). With TLS the
    certificate and the host name are verified, and the name is sent (SNI).
    """

    def __init__(self, ssl_context: ssl.SSLContext | None = None) -> None:
        """Use ``ssl_context`` as it is, or trust what the system trusts, from TLS 1.2 on."""
        self._read_window_s = 0.0
        if ssl_context is None:
            ssl_context = ssl.create_default_context()
            # Python's own minimum, unless the system's configuration of OpenSSL lowers it.
            ssl_context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._ssl_context = ssl_context

    def gathering(self, read_window_s: float) -> TcpDial:
        """The same, but what comes quickly on its connections gathers for so long."""
        made = TcpDial(self._ssl_context)
        made._read_window_s = read_window_s
        return made

    async def __call__(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        """Connect; with TLS, only when the handshake is done.

        Raises ``OSError`` where no address answers, and ``trio.BrokenResourceError`` where TLS
        fails; its ``__cause__`` is the ``ssl.SSLError``. Leaves no socket behind in either case,
        nor when cancelled.
        """
        # Requests are small and must not wait for each other: trio sets TCP_NODELAY.
        tcp = TcpStream(await trio.open_tcp_stream(host, port), self._read_window_s)
        if not tls:
            return tcp
        try:
            # https_compatible: like browsers, and unlike TLS to the letter, take a hang-up without
            # notice for the end of the stream, and give none. A cut looks like an end then, but
            # the WebSocket's Close frames tell them apart.
            stream = trio.SSLStream(
                tcp, self._ssl_context, server_hostname=host, https_compatible=True
            )
            await stream.do_handshake()
        except BaseException:
            await trio.aclose_forcefully(tcp)
            raise
        return stream

"""A WebSocket URL is taken apart once, and what is unusual about it is refused."""

from __future__ import annotations

import pytest

from kraken_trio._internal.model.endpoint import Endpoint, parse_endpoint
from kraken_trio._internal.model.errors import ConfigurationError


@pytest.mark.parametrize(
    "url, endpoint",
    [
        ("wss://ws.kraken.com/v2", Endpoint("ws.kraken.com", 443, "/v2", tls=True)),
        ("wss://ws.kraken.com", Endpoint("ws.kraken.com", 443, "/", tls=True)),
        ("WSS://WS.Kraken.com:8443/V2/", Endpoint("ws.kraken.com", 8443, "/V2/", tls=True)),
        ("wss://10.0.0.1/v2", Endpoint("10.0.0.1", 443, "/v2", tls=True)),
        ("wss://[2001:db8::1]/v2", Endpoint("2001:db8::1", 443, "/v2", tls=True)),
        ("wss://x:65535/a%20b", Endpoint("x", 65535, "/a%20b", tls=True)),
        ("ws://localhost/v2", Endpoint("localhost", 80, "/v2", tls=False)),
        ("ws://LOCALHOST:3032", Endpoint("localhost", 3032, "/", tls=False)),
        ("ws://127.0.0.1:1", Endpoint("127.0.0.1", 1, "/", tls=False)),
        ("ws://127.255.255.254/", Endpoint("127.255.255.254", 80, "/", tls=False)),
        ("ws://[::1]:9/v2", Endpoint("::1", 9, "/v2", tls=False)),
        ("ws://[0:0:0:0:0:0:0:1]/", Endpoint("0:0:0:0:0:0:0:1", 80, "/", tls=False)),
    ],
)
def test_good_urls(url: str, endpoint: Endpoint) -> None:
    """TLS goes anywhere, plain text to this machine; ports and paths have their defaults."""
    assert parse_endpoint(url) == endpoint


@pytest.mark.parametrize(
    "url",
    [
        "wss://user@ws.kraken.com/v2",
        "wss://user:hunter2@ws.kraken.com/v2",
        "ws://localhost@evil.com/",
        "ws://localhost:80@evil.com/",
        "ws://localhost\\@evil.com/",
        "ws://localhost#@evil.com/",
        "ws://localhost?@evil.com/",
        "ws://local\thost/",
        "ws://localhost\n",
        " ws://localhost",
        "ws://localhost /",
        "ws://ⓛocalhost/",
        "ws://local%68ost/",
        "ws://localhost./",
        "ws://.localhost/",
        "ws://[::1%eth0]/",
        "ws://[::1/",
        "ws://::1/",
        "wss://ws.kraken.com/v2?token=hunter2",
        "wss://ws.kraken.com/v2#hunter2",
        "wss://ws.kraken.com:/v2",
        "wss://ws.kraken.com:-1/v2",
        "wss://ws.kraken.com:123456/v2",
        "wss:///v2",
        "wss://",
        "wss:ws.kraken.com",
        "https://ws.kraken.com/v2",
        "ws.kraken.com/v2",
        "hunter2",
        "",
        b"wss://ws.kraken.com/v2",
        None,
        Endpoint("localhost", 80, "/", tls=False),
    ],
)
@pytest.mark.parametrize("allow_insecure", [False, True])
def test_no_such_url(url: object, allow_insecure: bool) -> None:
    """Users, queries, fragments and odd spellings are refused, whatever is allowed, unshown."""
    with pytest.raises(ConfigurationError) as caught:
        parse_endpoint(url, field="private_endpoint", allow_insecure=allow_insecure)
    assert str(caught.value) == (
        "private_endpoint: must be a URL wss://host[:port][/path], without user, query and "
        "fragment. Write it like wss://ws.kraken.com/v2"
    )


@pytest.mark.parametrize("port", ["0", "00000", "65536", "99999"])
def test_no_such_port(port: str) -> None:
    """A port is from 1 to 65535."""
    with pytest.raises(ConfigurationError, match=f"from 1 to 65535, has {int(port)}"):
        parse_endpoint(f"wss://ws.kraken.com:{port}/v2")


@pytest.mark.parametrize("address", ["1::2::3", ":", "1.2.3.4", "12345::"])
def test_no_such_address(address: str) -> None:
    """What stands in brackets is an IPv6 address."""
    with pytest.raises(ConfigurationError, match="an IPv6 address between its brackets"):
        parse_endpoint(f"wss://[{address}]/v2")


@pytest.mark.parametrize(
    "host",
    [
        "ws.kraken.com",
        "localhost.evil.com",
        "evil-localhost",
        "127.0.0.1.evil.com",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "0.0.0.0",  # noqa: S104 - nothing is bound here
        "126.255.255.255",
        "128.0.0.0",
        "[::]",
        "[::2]",
        "[::ffff:127.0.0.1]",
    ],
)
def test_plain_text_leaves_this_machine_only_when_allowed(host: str) -> None:
    """Whatever is not plainly this machine needs TLS, or the word of the user."""
    with pytest.raises(ConfigurationError) as caught:
        parse_endpoint(f"ws://{host}/v2")
    assert str(caught.value) == (
        "endpoint: must be wss://, since the host is not this machine. Use wss://, or set "
        "allow_insecure=True to send everything in the clear"
    )
    assert not parse_endpoint(f"ws://{host}/v2", allow_insecure=True).loopback
    assert not parse_endpoint(f"wss://{host}/v2").loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_this_machine(host: str) -> None:
    """The loopback addresses, and the name for them, are this machine."""
    assert parse_endpoint(f"ws://{host}").loopback


@pytest.mark.parametrize(
    "url", ["wss://ws.kraken.com:443/v2", "ws://localhost:80/", "ws://[::1]:3032/v2"]
)
def test_text_is_the_url(url: str) -> None:
    """Its text is the URL with its port, and is taken apart the same way."""
    assert str(parse_endpoint(url)) == url

"""A server that means harm: whatever it sends, memory, work and the log stay bounded, and whoever
is not who he says he is gets nothing.
"""

from __future__ import annotations

import base64
import datetime as dt
import gc
import hashlib
import json
import logging
import re
import ssl
import sys
import traceback
import tracemalloc
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import trio
import trio.testing

from kraken_trio import (
    AuthenticationError,
    Channel,
    ConnectionState,
    ConnectTimeout,
    Feed,
    KrakenConfig,
    ProtocolError,
    RetriesExhausted,
    StateChange,
    Timestamp,
    open_kraken,
)
from kraken_trio._internal.engine.engine import Codec, Engine
from kraken_trio._internal.shell.ration import LINES, WHILE_S
from kraken_trio._internal.testing.memory import memory_streams
from kraken_trio._internal.wire.capture import format_line
from kraken_trio._internal.wire.decode import V2Decoder
from kraken_trio._internal.wire.frames import CONTINUATION, TEXT, encode_frame
from kraken_trio._internal.wire.v1_decode import V1Decoder
from kraken_trio.extended import AddOrder, Observer, TcpDial
from kraken_trio.testing import Exchange, open_exchange

pytestmark = pytest.mark.long


MIB: Final = 2**20
LIMIT: Final = 40 * MIB
PATIENCE_S: Final = 600.0
CONFIG: Final = KrakenConfig(
    endpoint="wss://hostile.test/v2", jitter=0.0, max_attempts=2, buffer_size=100
)
CONFIGS: Final = {
    "v2": CONFIG,
    "v1": CONFIG.replace(endpoint="wss://hostile.test/", protocol="v1"),
}

Behave = Callable[[trio.abc.Stream], Awaitable[None]]


async def upgrade(stream: trio.abc.Stream) -> None:
    """Answer the client's upgrade."""
    head = bytearray()
    while b"\r\n\r\n" not in head:
        head += await stream.receive_some()
    (key,) = re.findall(rb"(?i)sec-websocket-key: *(\S+)", bytes(head))
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()  # noqa: S324 - RFC 6455
    await stream.send_all(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )


@asynccontextmanager
async def facing(behave: Behave, config: KrakenConfig = CONFIG) -> AsyncIterator[Feed]:
    """Open a feed of a server that behaves so, in memory."""

    async def serve(stream: trio.abc.Stream) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await behave(stream)
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:

        async def dial(host: str, port: int, *, tls: bool) -> trio.abc.Stream:
            del host, port, tls
            await trio.lowlevel.checkpoint()
            ours, theirs = memory_streams()
            nursery.start_soon(serve, theirs)
            return ours

        try:
            with trio.fail_after(PATIENCE_S):
                async with open_kraken(config, dial=dial) as feed:
                    yield feed
        finally:
            nursery.cancel_scope.cancel()


@pytest.fixture
def memory() -> Iterator[Callable[[], tuple[int, int]]]:
    """Give what tells how much is held beyond the beginning, and was at the most."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]

    def measure() -> tuple[int, int]:
        gc.collect()
        held, most = tracemalloc.get_traced_memory()
        return held - before, most - before

    yield measure
    tracemalloc.stop()


GARBAGE: Final = {
    "no JSON": b"x",
    "no message": b"{}",
    "a broken book": b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD"}]}',
    "an absurd number": b'{"channel":"trade","type":"update","data":[{"price":1e999999}]}',
    "nested": b"[" * 2000,
    "an error": b'{"error":"EGeneral:Nonsense","method":"subscribe","success":false}',
    "unknown": b'{"channel":"nonsense","type":"update","data":[]}',
    "a jump": b'{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy",'
    b'"price":1.0,"qty":1.0,"ord_type":"limit","trade_id":%d,'
    b'"timestamp":"2026-01-02T03:04:05.678901Z"}]}',
}
GARBAGE_V1: Final = {
    "no data": b"[]",
    "a broken book": b'[5,{"a":[["1.0"]],"c":"1"},"book-10","XBT/USD"]',
    "an absurd number": b'[5,[["1e999999","1","1.0","b","l",""]],"trade","XBT/USD"]',
    "nested": b"[" * 2000,
    "cut off": b'[5,[["1.0","1',
    "an error": b'{"errorMessage":"Nonsense","event":"subscriptionStatus","status":"error"}',
    "unknown": b'[5,[],"nonsense","XBT/USD"]',
    "unknown private": b'[[],"nonsense",{"sequence":1}]',
    "unknown event": b'{"event":"nonsense"}',
}


@pytest.mark.parametrize(
    "protocol, kind",
    [*(("v2", kind) for kind in GARBAGE), *(("v1", kind) for kind in GARBAGE_V1)],
)
async def test_garbage_at_full_speed(
    protocol: str,
    kind: str,
    autojump_clock: trio.testing.MockClock,
    caplog: pytest.LogCaptureFixture,
    memory: Callable[[], tuple[int, int]],
) -> None:
    """It is counted, one by one; little of it is kept or logged, and others go on meanwhile."""
    garbage = {"v1": GARBAGE_V1, "v2": GARBAGE}[protocol]
    count, text, sent = 2000, garbage[kind], trio.Event()
    numbered = b"%d" in text

    async def behave(stream: trio.abc.Stream) -> None:
        await upgrade(stream)
        await go.wait()
        frames = [encode_frame(TEXT, text % (2 * n) if numbered else text) for n in range(count)]
        await stream.send_all(b"".join(frames))
        sent.set()

    go = trio.Event()
    turns = 0
    async with facing(behave, CONFIGS[protocol]) as feed:
        feed._hub.public.engine.open(Channel.trades("BTC/USD"))
        feed.connect()
        await feed.wait_state(ConnectionState.SUBSCRIBED)
        async with feed.events() as events:
            caplog.clear()
            go.set()
            while feed.statistics().frames < count:
                await trio.lowlevel.checkpoint()
                turns += 1
            statistics = feed.statistics()
            items = [None] * 50 if "unknown" in kind else await events.receive_batch(50)
        assert statistics.connections == 1
        held, most = memory()
    counted = statistics.faults + statistics.unknown + sum(statistics.gaps.values())
    assert kind == "an error" or counted >= count - 1
    assert len(items) == 50
    # Between any two such frames whoever is ready has a turn.
    assert turns > count / 2
    ours = [record for record in caplog.records if record.name.startswith("kraken_trio")]
    spans = 2 + int(trio.current_time() / WHILE_S)
    assert len(ours) <= 3 * LINES * spans
    assert held < 2 * MIB
    assert most < 40 * MIB


@pytest.mark.parametrize("piece", [b"", b"x" * 60_000, b"\xff"])
async def test_endless_fragments(
    piece: bytes,
    autojump_clock: trio.testing.MockClock,
    memory: Callable[[], tuple[int, int]],
) -> None:
    """A message that never ends is not held without end; empty pieces of it are held not at all."""
    sent = 0

    async def behave(stream: trio.abc.Stream) -> None:
        nonlocal sent
        await upgrade(stream)
        await stream.send_all(encode_frame(TEXT, b"", fin=False))
        burst = encode_frame(CONTINUATION, piece, fin=False) * max(1, 60_000 // (len(piece) + 2))
        while sent < LIMIT:
            await stream.send_all(burst)
            sent += len(burst)
            await trio.sleep(0.001)

    errors: list[object] = []
    async with facing(behave) as feed:
        feed.on(StateChange, errors.append)
        feed.connect()
        await feed.wait_state(ConnectionState.SUBSCRIBED)
        if piece:
            await feed.wait_state(ConnectionState.DEGRADED)
            await trio.lowlevel.checkpoint()
            assert feed.statistics().frames == 0
            reasons = [e.reason for e in errors if isinstance(e, StateChange)]
            why = "not UTF-8" if piece == b"\xff" else "message above"
            assert any(why in reason for reason in reasons)
        else:
            while sent < MIB // 4:  # noqa: ASYNC110 - nobody tells
                await trio.sleep(0.01)
        _, most = memory()
    assert most < 70 * MIB
    assert sent < LIMIT


UNKNOWN: Final = [
    (
        b'{"channel":"trade","type":"update","data":[{"symbol":"A%d/USD","side":"buy","price":1.0,'
        b'"qty":1.0,"ord_type":"limit","trade_id":1,"timestamp":"2026-01-02T03:04:05.678901Z"}]}'
    ),
    (
        b'{"channel":"book","type":"update","data":[{"symbol":"A%d/USD","bids":[],"asks":[],'
        b'"checksum":1,"timestamp":"2026-01-02T03:04:05.678901Z"}]}'
    ),
    (
        b'{"channel":"instrument","type":"update","data":{"assets":[],"pairs":[{"symbol":"A%d/USD",'
        b'"base":"A","quote":"USD","status":"online","price_precision":2,"qty_precision":8,'
        b'"cost_precision":5,"qty_min":1.0,"qty_increment":1.0,"price_increment":1.0,'
        b'"cost_min":1.0,"marginable":false,"has_index":false}]}}'
    ),
    (
        b'{"method":"subscribe","error":"Currency pair not supported A%d/USD","success":false,'
        b'"symbol":"A%d/USD"}'
    ),
    b'{"channel":"X%d","data":[]}',
    b'{"method":"m%d","success":true}',
]
"""What names a symbol, or something else, that nobody asked for."""
UNKNOWN_V1: Final = [
    b'[%d,[["1.0","1.0","7.5","b","l",""]],"trade","A%d/USD"]',
    b'[%d,{"a":[["1.0","1.0","7.5"]],"c":"1"},"book-10","A%d/USD"]',
    b'[%d,["1.0","1.0","7.5","1.0","1.0"],"spread","A%d/USD"]',
    (
        b'{"errorMessage":"Currency pair not supported A%d/USD","event":"subscriptionStatus",'
        b'"pair":"A%d/USD","status":"error","subscription":{"name":"trade"}}'
    ),
    (
        b'{"channelID":%d,"channelName":"ticker","event":"subscriptionStatus","pair":"A%d/USD",'
        b'"status":"subscribed","subscription":{"name":"ticker"}}'
    ),
    b'[%d,[],"x%d","XBT/USD"]',
    b'{"event":"e%d"}',
]
"""The same by protocol v1."""


@pytest.mark.parametrize(
    "decoder, shapes, count",
    [(V2Decoder(), UNKNOWN, 1_000_000), (V1Decoder(), UNKNOWN_V1, 200_000)],
    ids=["v2", "v1"],
)
def test_a_million_unknown_symbols(decoder: Codec, shapes: list[bytes], count: int) -> None:
    """Very many names, one after the other: of the last quarter of them not one is kept."""
    engine = Engine(decoder)
    engine.open(Channel.trades("BTC/USD"))
    engine.open(Channel.book("BTC/USD"))
    blocks: list[int] = []
    for number in range(count):
        shape = shapes[number % len(shapes)]
        engine.feed(shape.replace(b"%d", b"%d" % number), None)
        if number in (count * 3 // 4, count - 1):
            gc.collect()
            blocks.append(sys.getallocatedblocks())
    assert engine.frames == count
    assert engine.faults == 0
    # Any name that is kept would be a block, at least.
    assert blocks[1] - blocks[0] < count // 4 // 100


async def test_unknown_symbols_on_a_connection(
    autojump_clock: trio.testing.MockClock, memory: Callable[[], tuple[int, int]]
) -> None:
    """Of what nobody asked for nothing is kept: by no part of a feed."""
    count = 16_000
    done = trio.Event()
    sizes: list[int] = []

    async def behave(stream: trio.abc.Stream) -> None:
        await upgrade(stream)
        for part in range(4):
            for start in range(part * count // 4, (part + 1) * count // 4, 100):
                burst = b"".join(
                    encode_frame(TEXT, shape.replace(b"%d", b"%d" % number))
                    for number in range(start, start + 100)
                    for shape in (UNKNOWN if number % 5 == 0 else UNKNOWN[2:3])
                )
                await stream.send_all(burst)
                await trio.sleep(0.001)
            await trio.sleep(0.1)
            sizes.append(memory()[0])
        done.set()

    async with facing(behave) as feed, feed.events():
        feed.connect()
        await done.wait()
        statistics = feed.statistics()
        assert statistics.frames == count + count // 5 * (len(UNKNOWN) - 1)
        assert statistics.faults == 0
        assert statistics.connections == 1
    # What there is to keep is kept by then: not one of the last names.
    assert sizes[3] - sizes[2] < count // 4 * 10


ENDLESS: Final = {
    "headers": (b"HTTP/1.1 101 Switching Protocols\r\n", b"X-A: " + b"a" * 1000 + b"\r\n", 0.0),
    "one header": (b"HTTP/1.1 101 Switching Protocols\r\nX: ", b"a" * 1000, 0.0),
    "no status": (b"HTTP/1.1 ", b"1" * 1000, 0.0),
    "answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01),
    "a slow one": (b"HTTP/1.1 101 Switching Protocols\r\n", b"X: a\r\n", 1.0),
    "nothing": (b"", b"", 1.0),
}


@pytest.mark.parametrize("kind", ENDLESS)
async def test_headers_without_end(
    kind: str,
    autojump_clock: trio.testing.MockClock,
    memory: Callable[[], tuple[int, int]],
) -> None:
    """An answer that never ends ends the attempt: by its size, or by the time that it takes."""
    first, more, pause_s = ENDLESS[kind]

    async def behave(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(first)
        while True:
            await stream.send_all(more)
            await trio.sleep(pause_s)

    began = trio.current_time()
    with pytest.raises(ExceptionGroup) as caught:  # The nursery that serves makes a group of it.
        async with facing(behave) as feed:
            feed.connect()
            await trio.sleep_forever()
    (error,) = caught.value.exceptions
    assert isinstance(error, RetriesExhausted)
    cause = error.__cause__
    timed_out = pause_s > 0
    assert isinstance(cause, ConnectTimeout) == timed_out
    assert str(cause)
    assert trio.current_time() - began < 2 * CONFIG.timeout + 10
    assert memory()[1] < 2 * MIB


# Who it is.


class Authority:
    """Makes certificates, good ones and others, and lists of those that were revoked."""

    def __init__(self) -> None:
        """One root, and one authority below it."""
        trustme = pytest.importorskip("trustme")
        self.root = trustme.CA()
        self.child = self.root.create_child_ca()
        self.leaf = self.child.issue_cert("localhost", "127.0.0.1")

    @staticmethod
    def parts(ca: Any) -> tuple[Any, Any]:
        """The certificate and the key of an authority."""
        from cryptography import x509  # noqa: PLC0415 - comes with trustme
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

        key = serialization.load_pem_private_key(ca.private_key_pem.bytes(), None)
        return x509.load_pem_x509_certificate(ca.cert_pem.bytes()), key

    def revoked(self, ca: Any, *pems: bytes) -> bytes:
        """The list of revoked certificates of ``ca``, in PEM."""
        from cryptography import x509  # noqa: PLC0415
        from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415

        certificate, key = self.parts(ca)
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(certificate.subject)
            .last_update(now - dt.timedelta(days=1))
            .next_update(now + dt.timedelta(days=1))
        )
        for pem in pems:
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(x509.load_pem_x509_certificate(pem).serial_number)
                .revocation_date(now)
                .build()
            )
            builder = builder.add_revoked_certificate(entry)
        made: bytes = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        return made

    @staticmethod
    def self_signed(context: ssl.SSLContext, folder: Path) -> None:
        """Let a server show a certificate that nobody signed but itself."""
        from cryptography import x509  # noqa: PLC0415
        from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        now = dt.datetime.now(dt.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(key, hashes.SHA256())
        )
        path = folder / "server.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + made.public_bytes(serialization.Encoding.PEM)
        )
        context.load_cert_chain(path)


CERTIFICATES: Final = {
    "good": None,
    "self-signed": r"self.signed certificate",
    "revoked": r"certificate revoked",
    "revoked authority": r"certificate revoked",
    "no list": r"unable to get certificate CRL",
    "nobody looks": None,
}


@pytest.mark.extra("testing")  # noqa: S610 - a mark of pytest, no query of Django
@pytest.mark.parametrize("kind", CERTIFICATES)
async def test_certificates(kind: str, tmp_path: Path) -> None:
    """A host with a certificate that must not be believed is not spoken to, and is named.

    What was revoked nobody knows without a list. Python looks at none unless it is told to, and so
    does this library: a context of one's own with the lists makes it so. Expired certificates,
    unknown authorities and other hosts' are refused in ``test_connection.py``.
    """
    authority = Authority()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.leaf.configure_cert(serving)
    if kind == "self-signed":
        authority.self_signed(serving, tmp_path)
    trusting = ssl.create_default_context()
    authority.root.configure_trust(trusting)
    leaf, child = authority.leaf.cert_chain_pems[0].bytes(), authority.child.cert_pem.bytes()
    if kind not in ("self-signed", "nobody looks"):
        trusting.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_CHAIN
        lists = authority.revoked(authority.root, *[child] * (kind == "revoked authority"))
        if kind != "no list":
            lists += authority.revoked(authority.child, *[leaf] * (kind == "revoked"))
        path = tmp_path / "lists.pem"
        path.write_bytes(lists)
        trusting.load_verify_locations(path)

    async def handle(stream: trio.SSLStream[trio.SocketStream]) -> None:
        with suppress(trio.BrokenResourceError, ssl.SSLError):
            await upgrade(stream)
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        serve = partial(trio.serve_ssl_over_tcp, handle, 0, serving, host="127.0.0.1")
        (listener,) = await nursery.start(serve)
        port = listener.transport_listener.socket.getsockname()[1]
        config = KrakenConfig(endpoint=f"wss://localhost:{port}/v2", max_attempts=1)
        why = CERTIFICATES[kind]
        error: RetriesExhausted | None = None
        try:
            with trio.fail_after(60):
                async with open_kraken(config, dial=TcpDial(trusting)) as feed:
                    feed.connect()
                    await feed.wait_state(ConnectionState.SUBSCRIBED)
        except RetriesExhausted as exhausted:
            error = exhausted
        nursery.cancel_scope.cancel()
    if why is None:
        assert error is None
    else:
        assert error is not None
        text = str(error.__cause__)
        assert re.match(f"the certificate of localhost is not accepted: .*{why}", text)


# What is secret.


class Recorder(Observer):
    """Writes all that is received and sent as a capture file is written."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.sent: list[bytes] = []
        self.received: list[bytes] = []
        self.told: list[object] = []

    def frame_received(self, session: str, payload: bytes | memoryview, at: Timestamp) -> None:
        """Keep it."""
        del session
        self.received.append(format_line(bytes(payload), at))

    def frame_sent(self, session: str, payload: bytes, at: Timestamp) -> None:
        """Keep it."""
        del session
        self.sent.append(format_line(payload, at))

    def fault(self, session: str, error: ProtocolError) -> None:
        """Keep it."""
        del session
        self.told.append((error, vars(error)))

    def state_changed(self, change: StateChange) -> None:
        """Keep it."""
        self.told.append(change)


def forms(secret: str) -> Iterator[str]:
    """A secret in every form in which it may have slipped out, in lower case."""
    raw = [secret.encode()]
    with suppress(ValueError):
        raw.append(base64.b64decode(secret, validate=True))
    for each in raw:
        with suppress(UnicodeDecodeError):
            yield each.decode()
            yield urllib.parse.quote(each.decode(), safe="")
            yield json.dumps(each.decode())[1:-1].replace("/", "\\/")
        # Without its end, which depends on what stands behind.
        yield base64.b64encode(each).decode().rstrip("=")[:-1]
        yield base64.urlsafe_b64encode(each).decode().rstrip("=")[:-1]
        yield each.hex()
        yield each.hex(" ")
        yield repr(each)[2:-1]


async def use_account(
    exchange: Exchange, feed: Feed, tokens: set[str], shown: list[object]
) -> None:
    """A life with everything that may go wrong; what is seen of it is put into ``shown``."""
    async with feed.events() as events:
        async with feed.executions() as executions, feed.balances(), feed.level3("BTC/USD"):
            exchange.step(20)
            exchange.account.deposit("USD", Decimal(10**6))
            async with feed.trading() as trading:
                asked = AddOrder(
                    symbol="BTC/USD",
                    side="buy",
                    order_type="limit",
                    order_qty=Decimal("0.01"),
                    limit_price=Decimal(50000),
                )
                placed = await trading.add_order(asked)
                assert placed.order_id is not None
                shown += [trading, vars(trading), placed, vars(feed._hub)]
                shown.append(await trading.cancel_order(placed.order_id))
            private = next(each for each in exchange.connections if each.door == "private")
            # Even a server that says the token back, whole, quoted, cut, or deep in nonsense.
            for token in sorted(tokens):
                private.send_raw(f'{{"token":"{token}"')
                private.send_raw(f'{{"channel":"executions","data":"{token}"}}')
                private.send_raw(f'{{"error":"bad token {token}","method":"subscribe"}}')
                private.send_raw(f"token={urllib.parse.quote(token)}")
                private.send_raw(token)
            await trio.sleep(1)
            exchange.revoke_tokens()
            exchange.rest.status = 500
            for connection in exchange.connections:
                connection.drop()
            await trio.sleep(1)
            exchange.rest.status = 200
            await feed.wait_state(ConnectionState.SUBSCRIBED, session="private")
            shown += [feed, vars(feed), feed.statistics(), executions, vars(feed._hub)]
            shown += [vars(feed._tokens), vars(feed._hub.sessions["private"].supervisor._writer)]
        shown += await events.receive_batch()
    exchange.rest.refuse_next("EAPI:Invalid key")
    for connection in exchange.connections:
        connection.drop()
    async with feed.executions():
        await trio.sleep_forever()


async def test_no_secret_is_in_anything(
    autojump_clock: trio.testing.MockClock,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Not in plain, base64, hex, URLs or JSON: in logs at DEBUG, reprs, events, errors with their
    tracebacks and locals, output, or what an observer writes down of what is sent.
    """
    caplog.set_level(logging.DEBUG)
    recorder, tokens, shown = Recorder(), set[str](), list[object]()
    async with open_exchange(seed=1) as exchange:
        issue = exchange._venue.tokens.issue

        def issued(now: float) -> Any:
            token = issue(now)
            tokens.add(token.reveal())
            return token

        exchange._venue.tokens.issue = issued  # type: ignore[method-assign]
        config = KrakenConfig(api_key=exchange.api_key, api_secret=exchange.api_secret)
        shown += [config, repr(config), str(config)]
        error: AuthenticationError | None = None
        try:
            with trio.fail_after(PATIENCE_S):
                async with open_kraken(
                    config, dial=exchange.dial, rest=exchange.rest, observers=[recorder]
                ) as feed:
                    await use_account(exchange, feed, tokens, shown)
        except AuthenticationError as refused:
            error = refused
        assert error is not None
        secrets = {exchange.api_key, exchange.api_secret, *tokens}
    # The frames of this file and of the exchange hold the secrets by right.
    library = [
        frame
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if "_internal" in frame.f_code.co_filename and "testing" not in frame.f_code.co_filename
    ]
    told = [*traceback.format_exception(error), *(repr(frame.f_locals) for frame in library)]
    parts = {
        "log": caplog.text,
        "output": "".join(capfd.readouterr()),
        "shown": repr(shown),
        "observed": repr(recorder.told),
        "captured": repr(recorder.received),
        "sent": repr(recorder.sent),
        "error": "".join([*told, repr(error), repr(vars(error))]),
    }
    assert len(tokens) >= 2
    assert len(shown) > 20
    assert any(isinstance(each, ProtocolError) for each in shown)
    assert all(parts[name] for name in ("log", "shown", "observed", "captured", "sent", "error"))
    assert "****" in parts["sent"]
    for name, text in parts.items():
        for secret in secrets:
            for form in forms(secret):
                assert len(form) > 10
                assert form.lower() not in text.lower(), (name, form)

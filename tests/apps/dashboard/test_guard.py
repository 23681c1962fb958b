"""Who may ask: by which name, from which page, and how."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import pytest

from kraken_trio._internal.apps.dashboard.guard import HEADERS, Guard, Receive, Scope, Send

pytestmark = pytest.mark.extra("dashboard")  # noqa: S610 - a mark of pytest, no query of Django


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer well."""
    await receive()
    kind = "http" if scope["type"] == "http" else "websocket.http"
    await send({"type": f"{kind}.response.start", "status": 200, "headers": []})
    await send({"type": f"{kind}.response.body", "body": b"in"})


async def told(
    *headers: tuple[str, str], kind: str = "http", method: str = "GET"
) -> tuple[int, list[tuple[bytes, bytes]]]:
    """Ask, and give the status and the headers of the answer."""
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request"}

    raw = [(name.encode(), value.encode()) for name, value in headers]
    scope: Scope = {"type": kind, "method": method, "headers": raw, "extensions": {}}
    if kind == "websocket":
        scope["extensions"] = {"websocket.http.response": {}}
    await Guard(app, names=["Desk.Example."])(scope, receive, send)
    return sent[0]["status"], sent[0]["headers"]


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "host, status",
    [
        ("localhost:3032", 200),
        ("LOCALHOST", 200),
        ("localhost.:3032", 200),
        ("127.0.0.1:3032", 200),
        ("[::1]:3032", 200),
        ("192.168.1.7:80", 200),
        ("desk.example:3032", 200),
        ("evil.example:3032", 421),
        ("localhost.evil.example", 421),
        ("evil-localhost", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost@evil.example", 421),
        ("evil@localhost", 421),
        ("localhost/evil", 421),
        ("localhost:99999", 421),
        ("localhost:x", 421),
        ("[::1", 421),
        ("", 421),
        ("2130706433", 421),
        ("0x7f.1", 421),
    ],
)
async def test_it_answers_to_its_own_names_alone(kind: str, host: str, status: int) -> None:
    """Names that others can point here are not its own; addresses nobody can point."""
    assert (await told(("host", host), kind=kind))[0] == status


async def test_a_request_has_one_name() -> None:
    """None, or two, are none."""
    assert (await told())[0] == 421
    assert (await told(("host", "localhost"), ("Host", "localhost")))[0] == 421


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "origin, host, status",
    [
        ("http://localhost:3032", "localhost:3032", 200),
        ("http://LOCALHOST:3032", "localhost:3032", 200),
        ("http://127.0.0.1", "127.0.0.1:80", 200),
        ("https://desk.example", "desk.example", 200),
        ("https://evil.example", "localhost:3032", 403),
        ("http://localhost:8000", "localhost:3032", 403),
        ("http://127.0.0.1:3032", "localhost:3032", 403),
        ("http://localhost:3032.evil.example", "localhost:3032", 403),
        ("http://localhost:30320", "localhost:3032", 403),
        ("null", "localhost:3032", 403),
        ("", "localhost:3032", 403),
        ("file://", "localhost:3032", 403),
        ("chrome-extension://localhost:3032", "localhost:3032", 403),
    ],
)
async def test_pages_from_elsewhere_are_refused(
    kind: str, origin: str, host: str, status: int
) -> None:
    """Another port of this machine is elsewhere, too."""
    assert (await told(("host", host), ("origin", origin), kind=kind))[0] == status


async def test_a_request_from_two_places_is_refused() -> None:
    """Though one of them is here."""
    here = ("origin", "http://localhost")
    assert (await told(("host", "localhost"), here, here))[0] == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
async def test_nothing_can_be_changed(method: str) -> None:
    """And it is said what can be done."""
    status, headers = await told(("host", "localhost"), method=method)
    assert status == 405
    assert (b"allow", b"GET, HEAD") in headers


@pytest.mark.parametrize("host", ["localhost", "evil.example"])
@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_every_answer_has_all_that_protects(host: str, kind: str) -> None:
    """A refusal, too; nothing inline, and nothing from elsewhere."""
    _, headers = await told(("host", host), kind=kind)
    assert set(HEADERS) <= set(headers)
    policy = dict(headers)[b"content-security-policy"].decode()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy


async def test_what_is_neither_is_left_alone() -> None:
    """There is nothing to be done when a server begins."""
    with pytest.raises(IndexError):
        await told(kind="lifespan")

"""What is served over HTTP, asked for over a real socket."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families

from kraken_trio._internal.apps.dashboard.files import read_files
from kraken_trio._internal.apps.dashboard.guard import HEADERS
from kraken_trio._internal.apps.dashboard.pages import MOST_DOWNLOADS
from kraken_trio._internal.apps.view.health import Health
from kraken_trio.extended import verify_capture

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.apps.conftest import Run
    from tests.apps.dashboard.conftest import Served, Serving

pytestmark = pytest.mark.extra("dashboard")  # noqa: S610 - a mark of pytest, no query of Django

BTC = "BTC/USD"


async def test_the_page_and_its_files_are_served(serving: Serving) -> None:
    """As they are installed, each with its kind and with what protects it."""
    files = read_files()
    async with serving() as served:
        page = await served.get("/")
        assert (page.status_code, page.content) == (200, files["index.html"].body)
        for path, file in files.items():
            got = await served.get(f"/static/{path}")
            assert (got.status_code, got.content) == (200, file.body)
            assert got.headers["content-type"] == file.kind
            assert got.headers["cache-control"] == "no-cache"
        for name, value in HEADERS:
            assert page.headers[name.decode()] == value.decode()
        assert "server" not in page.headers


async def test_a_file_that_is_there_already_is_not_sent(serving: Serving) -> None:
    """By its tag, also a weak one among others."""
    async with serving() as served:
        tag = (await served.get("/")).headers["etag"]
        for asked in (tag, f'"x", W/{tag}'):
            again = await served.get("/", **{"if-none-match": asked})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == tag
        assert (await served.get("/", **{"if-none-match": '"x"'})).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/no.js",
        "/static/../command.py",
        "/static/..%2fcommand.py",
        "/static/%2e%2e/%2e%2e/cli.py",
        "/static//etc/passwd",
        "/command.py",
        "/api/",
        "/api/nothing",
    ],
)
async def test_nothing_else_is_served(serving: Serving, path: str) -> None:
    """No name becomes a path."""
    async with serving() as served:
        found = await served.get(path)
        assert found.status_code == 404
        assert found.headers["x-content-type-options"] == "nosniff"


async def test_a_head_is_a_get_without_a_body(serving: Serving) -> None:
    """And nothing else is allowed."""
    async with serving() as served:
        head = await served.get("/", "HEAD")
        assert (head.status_code, head.content) == (200, b"")
        assert (await served.get("/", "POST")).status_code == 405


async def test_it_answers_to_no_other_name(serving: Serving) -> None:
    """Nor to pages from elsewhere."""
    async with serving() as served:
        assert (await served.get("/", host="evil.example")).status_code == 421
        assert (await served.get("/api/info", origin="https://evil.example")).status_code == 403


async def test_health_is_a_status(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 where it is unhealthy; with the reasons."""
    async with serving() as served:
        await served.until(lambda: served.origin.view.health.verdict == "healthy")
        good = await served.get("/healthz")
        assert (good.status_code, good.json()["verdict"]) == (200, "healthy")
        monkeypatch.setattr(served.origin.view, "look", lambda _: None)  # It stays so.
        served.origin.view.health = Health("unhealthy", ("It is.",))
        bad = await served.get("/healthz")
        assert (bad.status_code, bad.json()) == (
            503,
            {"verdict": "unhealthy", "reasons": ["It is."]},
        )
        assert bad.headers["cache-control"] == "no-store"


async def test_metrics_are_read_by_prometheus(serving: Serving) -> None:
    """Those of the feed, its latencies too."""
    async with serving() as served, served.browser() as browser:
        await browser.until(lambda view: view["latency"]["stages"])
        page = await served.get("/metrics")
        families = {each.name: each for each in text_string_to_metric_families(page.text)}
        assert families["kraken_frames_received"].samples[0].value > 0
        assert families["kraken_total_latency_seconds"].samples
        assert page.headers["content-type"].count("charset") == 1


async def comes(served: Served, path: str, wanted: Callable[[Any], object]) -> Any:
    """Ask until the answer is such."""
    with trio.fail_after(30):
        while not wanted(told := (await served.get(path)).json()):  # noqa: ASYNC110 - of a server
            await trio.sleep(0.05)
    return told


async def test_programs_are_told_how_things_stand(serving: Serving) -> None:
    """As JSON, with prices as strings, and what nobody looks at is not there."""
    async with serving() as served:
        assert (await served.get("/api/markets")).json() == {}
        assert (await served.get("/api/book/BTC-USD")).status_code == 404
        async with served.browser() as browser:
            await browser.until(lambda view: view["book"].get(BTC, {}).get("bids"))
            # Each subscription has its own time to be confirmed.
            markets = await comes(
                served, "/api/markets", lambda told: told.get(BTC, {}).get("last")
            )
            assert set(markets) == {BTC, "ETH/USD", "SOL/USD"}
            assert isinstance(markets[BTC]["last"], str)
            book = (await served.get("/api/book/btc-usd")).json()
            assert (book["symbol"], book["state"]) == (BTC, "synchronised")
            instruments = {"channel": "instrument", "symbols": []}
            info = await comes(
                served, "/api/info", lambda told: instruments in told["subscriptions"]
            )
            assert info["browsers"] == 1
            assert info["source"]["kind"] == "simulation"
            (session,) = (await served.get("/api/sessions")).json()
            assert session["name"] == "public"
            log = (await served.get("/api/log")).json()
            assert log[0]["text"] == "public: disconnected to connecting"


async def test_the_last_frames_are_a_capture(serving: Serving, tmp_path: Path) -> None:
    """That verifies, also from the middle of a conversation on."""
    path = tmp_path / "last.jsonl"
    async with serving() as served, served.browser() as browser:
        await browser.until(lambda view: view["book"].get(BTC, {}).get("verified", 0) > 20)
        got = await served.get("/api/capture")
        assert "attachment" in got.headers["content-disposition"]
        path.write_bytes(got.content)
    found = verify_capture(path)
    assert found.ok
    assert found.frames > 20
    assert found.books[BTC].checksums_ok > 20
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[len(lines) // 2 :]))
    assert verify_capture(path).ok


async def test_few_download_at_a_time(serving: Serving) -> None:
    """Each keeps what there was when it began; who goes makes room."""
    async with serving() as served, AsyncExitStack() as stack:
        for _ in range(100):
            served.origin.view.frames.add("public", b"x" * 50_000, 0, sent=False)
        request = b"GET /api/capture HTTP/1.1\r\nHost: localhost\r\n\r\n"
        streams = []
        for _ in range(MOST_DOWNLOADS):
            stream = await stack.enter_async_context(
                await trio.open_tcp_stream("127.0.0.1", served.port)
            )
            await stream.send_all(request)
            assert (await stream.receive_some(12)) == b"HTTP/1.1 200"
            streams.append(stream)
        assert (await served.get("/api/capture")).status_code == 503
        await trio.aclose_forcefully(streams[0])
        while (await served.get("/api/capture")).status_code == 503:  # noqa: ASYNC110 - nobody tells
            await trio.sleep(0.05)


def test_the_verifying_command_reads_the_capture(run: Run, tmp_path: Path) -> None:
    """As anybody would have it verified."""
    from kraken_trio._internal.apps.view.frames import Frames  # noqa: PLC0415

    frames = Frames()
    frames.add("public", b'{"channel":"heartbeat"}', 10**18, sent=False)
    path = tmp_path / "last.jsonl"
    path.write_bytes(b"".join(frames.capture()))
    done = run("verify", path)
    assert (done.code, "1 decoded" in done.out) == (0, True)

"""What the dashboard shows while something goes wrong, and after it."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

WATCH = """() => {
  const badge = document.getElementById("badge");
  const seen = new Set();
  new MutationObserver(() => {
    seen.add(`badge-${badge.dataset.verdict}`);
    for (const lit of document.querySelectorAll("#machine [data-lit]")) seen.add(lit.dataset.state);
    document.documentElement.dataset.seen = [...seen].join(" ");
  }).observe(document.body, { subtree: true, attributes: true });
}"""
"""Notes, as an attribute of the page, what badge and machine ever showed, however shortly."""
KNOCK = """url => new Promise(resolve => {
  const socket = new WebSocket(url);
  socket.onopen = () => resolve("let in");
  socket.onerror = () => resolve("refused");
})"""

CROWD = """url => Promise.all((window.crowd = Array.from({ length: 15 }, () => new WebSocket(url)))
  .map(socket => new Promise(resolve => { socket.onmessage = resolve; })))"""
"""Opens as many as there is room for beside one."""


def test_a_cut_is_shown_and_recovered_from(
    window: Callable[..., Any], own_dashboard: Any, expect: Any
) -> None:
    """The badge leaves healthy, DEGRADED is lit, the log tells it; then all is well again."""
    page = window(own_dashboard).page
    expect(page.locator("#badge")).to_have_attribute("data-verdict", "healthy")
    page.evaluate(WATCH)
    page.get_by_role("button", name="Watch").click()
    expect(page.locator("#frames-rate")).to_have_text(re.compile(r"^[1-9]"))
    page.locator('#chaos-buttons button[data-fault="maintenance"]').click()
    expect(page.locator("#chaos-answer")).to_contain_text("as you wish")
    expect(page.locator("#frames-rate")).to_have_text(re.compile(r"^0\.0 / s"))
    for shown in (r"(^| )degraded", "badge-(degraded|unhealthy)"):
        expect(page.locator("html")).to_have_attribute("data-seen", re.compile(shown))
    expect(
        page.locator('#lines li[data-kind="state"]', has_text=re.compile("degraded", re.IGNORECASE))
    ).not_to_have_count(0)
    expect(page.locator('#lines li[data-kind="chaos"]')).not_to_have_count(0)
    expect(page.locator('#machine [data-state="subscribed"]')).to_have_attribute(
        "data-lit", "good", timeout=90_000
    )
    expect(page.locator("#badge")).to_have_attribute("data-verdict", "healthy", timeout=90_000)
    price = page.locator(".card .price").first
    expect(price).not_to_have_text(price.text_content())


def test_a_spoiled_book_is_shown_and_mended(
    window: Callable[..., Any], own_dashboard: Any, expect: Any
) -> None:
    """A wrong checksum is a gap in the log, and the pair is resynced."""
    page = window(own_dashboard).page
    page.locator('#chaos-buttons button[data-fault="corrupt_checksum"]').click()
    expect(page.locator('#lines li[data-kind="gap"]')).not_to_have_count(0)
    page.locator("#log-kind").select_option("resync")
    expect(page.locator('#lines li[data-kind="resync"]')).not_to_have_count(0)
    expect(page.locator('#lines li[data-kind="gap"]')).to_have_count(0)


def test_the_page_comes_back_to_a_server_that_does(
    window: Callable[..., Any], own_dashboard: Any, expect: Any
) -> None:
    """It says that it is not connected, tries again by itself, and has what its user had chosen."""
    opened = window(own_dashboard)
    page = opened.page
    page.locator('.card[data-symbol="ETH/USD"] .pick').click()
    expect(page.locator("#book-title")).to_contain_text("ETH/USD")
    page.get_by_role("button", name="Remove SOL/USD").click()
    expect(page.locator(".card")).to_have_count(2)
    page.locator("#alert-price").fill("1000000000")
    page.get_by_role("button", name="Set").click()
    expect(page.locator("#alert-list")).to_contain_text("waiting")
    page.get_by_role("button", name="Watch").click()
    expect(page.locator("#frame-list details")).not_to_have_count(0)
    own_dashboard.kill()
    expect(page.locator("#banner")).to_be_visible()
    expect(page.locator("#banner-text")).to_contain_text("not connected")
    expect(page.locator("body")).to_have_attribute("data-link", "waiting")
    expect(page.locator(".card .price").first).to_have_text(re.compile("[0-9]"))
    own_dashboard.start()
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    expect(page.locator(".card")).to_have_count(2)
    expect(page.locator("#book-title")).to_contain_text("ETH/USD")
    expect(page.locator("#alert-list")).to_contain_text("waiting")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#frame-list details")).not_to_have_count(0)
    price = page.locator(".card .price").first
    expect(price).not_to_have_text(price.text_content())
    refused = [line for line in opened.complaints if "ERR_CONNECTION_REFUSED" in line]
    assert opened.complaints == refused, "no more than that nobody was there"
    opened.complaints.clear()


def test_a_browser_too_many_is_told_so(
    window: Callable[..., Any], chromium: Any, own_dashboard: Any, expect: Any
) -> None:
    """It says why it is not connected, and comes in when there is room."""
    first = window(own_dashboard).page
    first.evaluate(CROWD, f"ws://127.0.0.1:{own_dashboard.port}/ws")
    late = chromium.new_page()
    late.goto(own_dashboard.url)
    expect(late.locator("#banner-text")).to_contain_text(re.compile("browsers", re.IGNORECASE))
    first.evaluate("() => { for (const socket of window.crowd) socket.close(); }")
    expect(late.locator("body")).to_have_attribute("data-link", "live")
    expect(late.locator("#banner")).to_be_hidden()
    late.close()


@pytest.fixture
def foreign_page() -> Iterator[str]:
    """Serve a page of somebody else, on this machine."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Foreign</title>")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_a_foreign_page_cannot_read_the_feed(
    chromium: Any, dashboard: Any, foreign_page: str
) -> None:
    """Its WebSocket is refused, while one of the dashboard's own page is let in."""
    socket = f"ws://127.0.0.1:{dashboard.port}/ws"
    page = chromium.new_page()
    page.goto(foreign_page)
    assert page.evaluate(KNOCK, socket) == "refused"
    page.goto(dashboard.url)
    assert page.evaluate(KNOCK, socket) == "let in"
    page.close()

"""A real browser before the dashboard: Debian's Chromium, driven by Playwright.

``KRAKEN_TRIO_BROWSER`` names the Chromium, as ``nox -s browser`` and ``.ci/run`` do; without it
these tests skip. Whatever a page says on its console, throws, or asks another host for fails its
test.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

PATIENCE_MS: Final = 30_000
"""Far more than anything takes."""
DESK: Final = {"width": 1440, "height": 900}
PHONE: Final = {"width": 360, "height": 740}


class Dashboard:
    """The command with a simulated exchange, in a process that can be killed and started again."""

    def __init__(self) -> None:
        """Start it at any free port."""
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        """Where its page is."""
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Start it, where it was before if it was anywhere, and read from it where that is."""
        command = ["-m", "kraken_trio", "dashboard", "--demo", "--port", str(self.port)]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", said)
        if found is None:
            self._process.kill()
            pytest.fail(f"it did not start: {said}{self._process.stdout.read()}")
        self.port = int(found[1])
        # What it says further is taken, or it would wait for a reader at some point.
        self._reader = threading.Thread(target=self._process.stdout.read, daemon=True)
        self._reader.start()

    def kill(self) -> None:
        """End it without a word, as a crash does."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


class Window:
    """A page in a browser of its own (its own storage), and all that it complained about."""

    def __init__(self, chromium: Any, home: str, **options: Any) -> None:
        """Open it, empty, knowing that all it needs is at home."""
        self._context = chromium.new_context(**{"viewport": DESK, **options})
        self._home = urlsplit(home).netloc
        self.page = self._context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.complaints: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(f"threw {error}"))
        self.page.on("request", self._asked)

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _asked(self, request: Any) -> None:
        where = urlsplit(request.url)
        if where.scheme in ("http", "https", "ws", "wss") and where.netloc != self._home:
            self.complaints.append(f"asked for {request.url}")

    def close(self) -> None:
        """Close it; what it complained about fails the test."""
        self._context.close()
        assert self.complaints == []


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Start the browser, or skip where none is named."""
    path = os.environ.get("KRAKEN_TRIO_BROWSER")
    if not path:
        pytest.skip("KRAKEN_TRIO_BROWSER names no Chromium")
    with importlib.import_module("playwright.sync_api").sync_playwright() as control:
        browser = control.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def expect(chromium: Any) -> Any:
    """Give Playwright's assertions, which wait until they hold."""
    expect = importlib.import_module("playwright.sync_api").expect
    expect.set_options(timeout=PATIENCE_MS)
    return expect


@pytest.fixture(scope="session")
def dashboard(chromium: Any) -> Iterator[Dashboard]:
    """Start one dashboard for all tests that leave it as it was."""
    started = Dashboard()
    yield started
    started.kill()


@pytest.fixture
def own_dashboard(chromium: Any) -> Iterator[Dashboard]:
    """Start one for a single test that spoils it."""
    started = Dashboard()
    yield started
    started.kill()


@pytest.fixture
def window(chromium: Any, expect: Any) -> Iterator[Callable[..., Window]]:
    """Give what opens a dashboard in a browser of its own, and waits for its first prices."""
    with contextlib.ExitStack() as closing:

        def opened(at: Dashboard, **options: Any) -> Window:
            made = Window(chromium, at.url, **options)
            closing.callback(made.close)
            made.page.goto(at.url)
            expect(made.page.locator("body")).to_have_attribute("data-link", "live")
            expect(made.page.locator(".card")).not_to_have_count(0)
            expect(made.page.locator(".card .price").first).to_have_text(PRICE)
            return made

        yield opened


PRICE: Final = re.compile(r"^\d+(\.\d+)?$")


@pytest.fixture
def page(window: Callable[..., Window], dashboard: Dashboard) -> Any:
    """Open the shared dashboard on a desk."""
    return window(dashboard).page

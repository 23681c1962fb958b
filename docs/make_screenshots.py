"""Make the pictures in docs/images/ of what the demo shows: ``python docs/make_screenshots.py``.

It takes the dependency group ``pictures``, the extra ``full``, a Chromium (``KRAKEN_TRIO_BROWSER``
names it, or it is found on the path), and a POSIX system, for the terminal. With the font Inter
there, the pictures look as on most other machines.
"""

from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import shutil
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

FOLDER: Final = Path(__file__).with_name("images")
LARGEST_BYTES: Final = 300_000
SETTLE_MS: Final = 25_000
"""Until there is something to see in each panel."""
TOP_SECONDS: Final = "20"
ROWS, COLUMNS = 40, 112
DESK: Final = {"viewport": {"width": 1440, "height": 960}}
PHONE: Final = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 1.5,
    "has_touch": True,
    "is_mobile": True,
}
PICTURES: Final[dict[str, dict[str, Any]]] = {
    "dashboard-light.png": {**DESK, "color_scheme": "light"},
    "dashboard-dark.png": {**DESK, "color_scheme": "dark"},
    "dashboard-phone.png": {**PHONE, "color_scheme": "dark"},
}
PAGE: Final = """\
<!doctype html><style>
body {{ margin: 0; background: {background}; color: {foreground}; }}
pre {{ display: inline-block; margin: 0; padding: 16px 20px; font: 14px/1.3 "DejaVu Sans Mono", monospace; }}
</style><pre>{code}</pre>
"""  # noqa: E501 - of a style sheet


def command(*words: str) -> list[str]:
    """Give the command line, as this Python runs it."""
    return [sys.executable, "-m", "kraken_trio", *words]


def dashboard(browser: Any) -> None:
    """Take each picture of one dashboard, all of the same moments."""
    program = subprocess.Popen(  # noqa: S603 - our own
        command("dashboard", "--demo", "--port", "0"), stdout=subprocess.PIPE, text=True
    )
    with program:
        try:
            said = program.stdout.readline() if program.stdout else ""
            found = re.search(r"http://\S+", said)
            if found is None:
                sys.exit(f"the dashboard did not start: {said}")
            pages = {name: browser.new_page(**options) for name, options in PICTURES.items()}
            for page in pages.values():
                page.goto(found[0])
            pages["dashboard-light.png"].wait_for_timeout(SETTLE_MS)
            for name, page in pages.items():
                page.screenshot(path=FOLDER / name)
        finally:
            program.terminate()


def last_screen() -> str:
    """Run ``top`` in a terminal, and give what it drew last, with its colours."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (ROWS, COLUMNS))
    program = subprocess.Popen(  # noqa: S603 - our own
        command("top", "--demo", "--seconds", TOP_SECONDS),
        stdin=theirs,
        stdout=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
    )
    os.close(theirs)
    written = bytearray()
    with program, contextlib.suppress(OSError):  # Linux says so when the other end was closed.
        while piece := os.read(ours, 65536):
            written += piece
    os.close(ours)
    drawn = written.decode().partition("\x1b[?1049l")[0]  # Then it gives the screen back.
    return drawn.rpartition("\x1b[H")[2].replace("\r", "").partition("\x1b[?25h")[0]


def terminal(browser: Any) -> None:
    """Take the picture of ``top``."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="truecolor")
    console.print(Text.from_ansi(last_screen()), end="")
    page = browser.new_page(device_scale_factor=1.25)
    html = console.export_html(theme=DIMMED_MONOKAI, code_format=PAGE, inline_styles=True)
    page.set_content(html)
    page.locator("pre").screenshot(path=FOLDER / "top.png")


def shrink(path: Path) -> int:
    """Give a picture no more colours than it needs to look the same; give its size."""
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(256).save(path, optimize=True)
    return path.stat().st_size


def main() -> None:
    """Take the pictures, and say how large they are."""
    chromium = os.environ.get("KRAKEN_TRIO_BROWSER") or shutil.which("chromium")
    if chromium is None:
        sys.exit("there is no chromium here")
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as control:
        browser = control.chromium.launch(executable_path=chromium)
        terminal(browser)
        dashboard(browser)
        browser.close()
    for path in sorted(FOLDER.glob("*.png")):
        size = shrink(path)
        sys.stdout.write(f"{path.name}: {size:,} bytes\n")
        if size > LARGEST_BYTES:
            sys.exit(f"that is more than {LARGEST_BYTES:,}")


if __name__ == "__main__":
    main()

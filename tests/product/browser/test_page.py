"""What somebody does with the dashboard in a browser, and sees then."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

DECIMAL: Final = re.compile(r"^\d+(\.\d+)?$")
SECOND: Final = "ETH/USD"
"""A pair that is shown at the start, and is not the first."""


def card(page: Any, symbol: str) -> Any:
    """Find the card of a pair."""
    return page.locator(f'.card[data-symbol="{symbol}"]')


def add(page: Any, symbol: str) -> None:
    """Ask for a pair, as a user does."""
    page.get_by_label("Add a pair").fill(symbol)
    page.get_by_role("button", name="Add", exact=True).click()


def unshown(page: Any, expect: Any, number: int) -> list[str]:
    """Give some pairs that the page offers and does not show."""
    expect(page.locator("#known option")).not_to_have_count(0)
    known: list[str] = page.locator("#known option").evaluate_all("all => all.map(o => o.value)")
    shown: list[str] = page.locator(".card").evaluate_all("all => all.map(c => c.dataset.symbol)")
    return [symbol for symbol in known if symbol not in shown][:number]


def test_it_says_which_feed_it_shows(page: Any, expect: Any) -> None:
    """In the head of the page and in its title stands that it is a simulation."""
    expect(page.locator("#source")).to_have_attribute("data-kind", "simulation")
    expect(page.locator("#source")).to_contain_text(re.compile("simulat", re.IGNORECASE))
    expect(page).to_have_title(re.compile("^Simulation"))


def test_cards_are_updated(page: Any, expect: Any) -> None:
    """A price changes by itself, and each is an exact decimal, not a float's idea of it."""
    price = page.locator(".card .price").first
    before = price.text_content()
    expect(price).not_to_have_text(before)
    for text in page.locator(".card .price, #asks td:first-child, #tape td:nth-child(3)").all():
        assert DECIMAL.match(text.text_content() or "0"), text.text_content()
    expect(page.locator(".card .spark .line").first).to_have_attribute("d", re.compile("L"))


def test_a_price_is_the_text_that_the_server_sent(page: Any, expect: Any) -> None:
    """What stands on the card went over the wire in these very characters."""
    sent: list[str] = []

    def keep(text: str) -> None:
        sent.append(text)  # Playwright takes no method of a built-in type.

    page.on("websocket", lambda socket: socket.on("framereceived", keep))
    page.reload()
    expect(page.locator("#tape tr")).not_to_have_count(0)
    shown = page.locator("#tape tr").first.evaluate(
        "row => [row.cells[2].textContent, row.cells[3].textContent]"
    )
    assert all(any(f'"{text}"' in frame for frame in sent) for text in shown)


def test_panels_are_filled(page: Any, expect: Any) -> None:
    """Whatever the feed knows is shown, from the chart to the buffers."""
    for selector in (
        "#asks tr td:first-child span:not(.bar):text-matches('[0-9]')",
        "#bids tr td:first-child span:not(.bar):text-matches('[0-9]')",
        "#tape tr",
        ".session",
        "#stages tr",
        "#histogram rect",
        "#buffers tr .gauge",
        "#subscription-rows tr th",
        "#machine .node",
    ):
        expect(page.locator(selector)).not_to_have_count(0)
    expect(page.locator("#plot")).to_have_attribute("data-candles", re.compile("^[1-9]"))
    expect(page.locator("#plot canvas")).to_be_visible()
    expect(page.locator("#depth .bids")).to_have_attribute("d", re.compile("Z$"))
    expect(page.locator('#machine [data-state="subscribed"]')).to_have_attribute("data-lit", "good")
    expect(page.locator("#book-state")).to_have_attribute("data-state", "good")
    expect(page.locator("#badge")).to_have_attribute("data-verdict", "healthy")
    expect(page.locator("#rates dd").first).to_have_text(re.compile("[0-9]"))


def test_a_pair_is_added_and_removed(page: Any, expect: Any) -> None:
    """It comes with a price, and goes with its card."""
    (symbol,) = unshown(page, expect, 1)
    add(page, symbol)
    expect(card(page, symbol).locator(".price")).to_have_text(DECIMAL)
    expect(page.locator("#add-answer")).to_have_text(f"{symbol} was added.")
    expect(page.locator("#subscription-rows")).to_contain_text(symbol)
    page.get_by_role("button", name=f"Remove {symbol}").press("Enter")
    expect(card(page, symbol)).to_have_count(0)
    expect(page.locator("#markets-title")).to_be_focused()
    expect(page.locator("#subscription-rows")).not_to_contain_text(symbol)


def test_the_last_pair_goes_and_another_comes(page: Any, expect: Any) -> None:
    """Without a pair the page says so and shows no book; the next one is looked at by itself."""
    for remove in page.locator(".card .remove").all()[::-1]:
        remove.click()
    expect(page.locator(".card")).to_have_count(0)
    expect(page.locator("#cards")).to_contain_text("Add one")
    expect(page.locator("#book-middle")).to_have_text("No verified book just now.")
    expect(page.locator("#tape tr")).to_have_count(0)
    add(page, SECOND)
    expect(card(page, SECOND).locator(".price")).to_have_text(DECIMAL)
    expect(page.locator("#book-title")).to_contain_text(SECOND)
    expect(page.locator("#tape tr")).not_to_have_count(0)


def test_a_sixth_pair_is_refused_with_a_word(page: Any, expect: Any) -> None:
    """Five are shown, and the sixth answers why it is not."""
    symbols = unshown(page, expect, 3)
    for symbol in symbols[:2]:
        add(page, symbol)
        expect(card(page, symbol)).to_be_visible()
    expect(page.locator(".card")).to_have_count(5)
    add(page, symbols[2])
    expect(page.locator("#add-answer")).to_have_text(re.compile(r"\b(5|five)\b", re.IGNORECASE))
    expect(page.locator(".card")).to_have_count(5)


@pytest.mark.parametrize("symbol", ["NOT/THERE", "<img src=x onerror=a()>"])
def test_a_pair_that_there_is_not_is_refused(page: Any, expect: Any, symbol: str) -> None:
    """It is said so, and whatever was written stays a text."""
    before = page.locator(".card").count()
    add(page, symbol)
    expect(page.locator("#add-answer")).to_have_text(re.compile("[a-z]{3}"))
    expect(page.locator(".card")).to_have_count(before)
    expect(page.locator("main img")).to_have_count(0)


def test_another_pair_is_looked_at_by_keyboard(page: Any, expect: Any) -> None:
    """Its name is a button; then its book, trades and candles are shown."""
    page.get_by_role("button", name=SECOND, exact=True).press("Enter")
    for panel in ("#chart-title", "#book-title", "#trades-title"):
        expect(page.locator(panel)).to_contain_text(SECOND)
    expect(page.get_by_role("button", name=SECOND, exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(page.locator("#plot")).to_have_attribute("aria-label", re.compile(f"of {SECOND}"))
    bid = float(page.locator("#bids td span:not(.bar)").first.text_content())
    last = float(card(page, SECOND).locator(".price").text_content())
    assert abs(bid - last) < last / 10, "the book is another pair's"


def test_another_interval_is_chosen(page: Any, expect: Any) -> None:
    """The chart then says so."""
    button = page.locator('#intervals button[data-interval="5"]')
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#plot")).to_have_attribute("aria-label", re.compile("5m each"))


def test_candles_are_read_by_keyboard(page: Any, expect: Any) -> None:
    """Arrows go from one to the next, and each is said: none takes the place of another."""
    plot = page.locator("#plot")
    expect(plot).to_have_attribute("data-candles", re.compile(r"^([2-9]|\d\d)"))
    last = page.locator("#candle-readout time").text_content()
    plot.press("ArrowLeft")
    plot.press("ArrowLeft")
    expect(page.locator("#candle-readout time")).not_to_have_text(last)
    expect(page.locator("#said p").filter(has_text="UTC")).to_have_count(2)


def test_the_first_stop_of_the_keyboard_skips_the_head(page: Any, expect: Any) -> None:
    """Tab, Enter: and the markets are next."""
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_frames_are_inspected(page: Any, expect: Any) -> None:
    """They come once asked for; they are held, filtered and cleared."""
    frames = page.locator("#frame-list details")
    expect(frames).to_have_count(0)
    page.get_by_role("button", name="Watch").click()
    expect(frames).not_to_have_count(0)
    expect(page.locator("#frames-rate")).to_have_text(re.compile(r"/ s · .*B / s"))
    page.get_by_role("button", name="Pause").click()
    held = frames.first.get_attribute("data-n")
    expect(page.locator("#frames-rate")).to_have_text(re.compile(r"^paused, [1-9]"))
    assert frames.first.get_attribute("data-n") == held
    page.get_by_role("button", name="Go on").click()
    page.locator("#frames-channel").fill("trade")
    page.locator("#frames-channel").blur()
    others = page.locator("#frame-list code").filter(has_not_text='"trade"')
    expect(others).to_have_count(0)
    expect(frames).not_to_have_count(0)
    page.get_by_role("button", name="Pause").click()  # Or the first is soon another.
    frames.first.locator("summary").click()
    expect(frames.first.locator("pre")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Clear").click()
    expect(frames).to_have_count(0)


def test_frames_are_downloaded_as_a_capture(page: Any, tmp_path: Path) -> None:
    """The command line verifies the file, book by book."""
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download as a capture").click()
    path = tmp_path / "capture.jsonl"
    waiting.value.save_as(path)
    assert path.stat().st_size > 0
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "kraken_trio", "verify", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_alert_fires(page: Any, expect: Any) -> None:
    """One that is reached says when; one that is not waits; each is taken away."""
    for when, price in (("above", "0.5"), ("below", "0.00001")):
        page.locator("#alert-when").select_option(when)
        page.locator("#alert-price").fill(price)
        page.get_by_role("button", name="Set").click()
        expect(page.locator("#alert-price")).to_have_value("")
    rows = page.locator("#alert-list li")
    expect(rows.nth(0)).to_contain_text("reached at")
    expect(rows.nth(1)).to_contain_text("waiting")
    page.get_by_role("button", name="Remove the alert").first.click()
    expect(rows).to_have_count(1)


def test_an_alert_that_is_reached_is_told_on_top_until_it_is_seen(page: Any, expect: Any) -> None:
    """Wherever somebody looks or listens, another tab too; one that is taken away is not."""
    banner = page.locator("#reached")
    expect(banner).to_be_hidden()
    for price in ("0.5", "0.25", "0.125", "0.0625"):
        page.locator("#alert-price").fill(price)
        page.get_by_role("button", name="Set").click()
        expect(page.locator("#alert-price")).to_have_value("")
    expect(page.locator("#alert-list")).to_contain_text(re.compile("(reached.*){4}"))
    expect(banner).to_be_visible()
    expect(banner).to_contain_text(re.compile(r"above 0\.0625: reached at .* UTC.*; and 1 more"))
    expect(page.locator("#said")).to_contain_text("above 0.0625: reached at")
    expect(page).to_have_title(re.compile("^! Simulation"))
    page.get_by_role("button", name=re.compile("Remove the alert .* 0.0625")).click()
    expect(banner).not_to_contain_text("0.0625")
    page.get_by_role("button", name="Seen").press("Enter")
    expect(banner).to_be_hidden()
    expect(page.locator("#main")).to_be_focused()
    expect(page).to_have_title(re.compile("^Simulation"))


def test_an_alert_is_told_in_the_title_of_a_page_that_is_hidden(page: Any, expect: Any) -> None:
    """Such a page is given no frame of the screen to paint in."""
    page.evaluate(
        "Object.defineProperty(document, 'hidden', { get: () => true });"
        "window.requestAnimationFrame = () => 0"
    )
    page.locator("#alert-price").fill("0.5")
    page.get_by_role("button", name="Set").click()
    expect(page).to_have_title(re.compile("^! Simulation"))


def test_the_theme_is_chosen_and_kept(page: Any, expect: Any) -> None:
    """The button goes round, and the page comes back as it was left."""
    expect(page.locator("html")).not_to_have_attribute("data-theme", re.compile(""))
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    for theme in ("light", "dark"):
        page.get_by_role("button", name="Theme").click()
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
    assert page.evaluate(ground) != light
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_two_browsers_share_a_feed_and_not_their_choices(
    window: Callable[..., Any], dashboard: Any, expect: Any
) -> None:
    """Both see the same market; what one takes away stays with the other."""
    one, other = window(dashboard).page, window(dashboard).page
    card(one, SECOND).get_by_role("button", name=f"Remove {SECOND}").click()
    expect(card(one, SECOND)).to_have_count(0)
    expect(card(other, SECOND).locator(".price")).to_have_text(DECIMAL)
    price = card(other, SECOND).locator(".price")
    expect(price).not_to_have_text(price.text_content())
    price = one.locator(".card .price").first
    expect(price).not_to_have_text(price.text_content())


@pytest.mark.parametrize(
    "module, call, result",
    [
        ("decimal", "running(['1.5', '0.25', '10'])", ["1.5", "1.75", "11.75"]),
        ("decimal", "running(['0.00000001', '3'])", ["0.00000001", "3.00000001"]),
        ("decimal", "running(['9007199254740993.1', '0.1'])[1]", "9007199254740993.2"),
        (
            "format",
            "[0, 0.004, 0.084, 1.239, 99999].map(duration)",
            ["0", "4.0 µs", "84 µs", "1.24 ms", "100.0 s"],
        ),
        ("format", "[999, 1234, 3.4e9].map(size)", ["999 B", "1.2 kB", "3.4 GB"]),
        ("format", "[1, 60, 1440, 10080, 21600].map(interval)", ["1m", "1h", "1d", "1w", "15d"]),
        ("format", "['-0.00', '0.10', '-3', null].map(sign)", [0, 1, -1, 0]),
        ("format", "['1.20', '-1.2', '0.0'].map(signed)", ["+1.20", "-1.2", "0.0"]),
        ("format", "clock(1700000000123, true)", "22:13:20.123"),
        ("format", "since(0, 3_661_000)", "1 h 1 min"),
    ],
)
def test_texts(page: Any, module: str, call: str, result: object) -> None:
    """Sums are exact, and figures have three digits and a unit."""
    name = call.partition("(")[0] if call[0] != "[" else call.rpartition("(")[2].rstrip(")")
    program = f"import('/static/js/{module}.js').then(({{{name}}}) => {call})"
    assert page.evaluate(program) == result

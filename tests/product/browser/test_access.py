"""Everybody can use the dashboard: on a phone, with a screen reader, in either theme."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest

WIDTHS = (320, 360, 412, 768, 1024, 1280, 1440, 1920)
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def fill(page: Any, expect: Any) -> None:
    """Bring every panel to show something."""
    page.get_by_role("button", name="Watch").click()
    page.locator("#alert-price").fill("1")
    page.get_by_role("button", name="Set").click()
    for selector in ("#frame-list details", "#alert-list li .remove", "#tape tr", "#stages tr"):
        expect(page.locator(selector)).not_to_have_count(0)
    page.locator("#frame-list summary").first.click()
    page.get_by_role("button", name="Pause").click()


def test_no_width_needs_scrolling_sideways(
    window: Callable[..., Any], dashboard: Any, expect: Any
) -> None:
    """From a small phone to a large screen everything stands within the page."""
    page = window(dashboard, viewport={"width": 360, "height": 740}, has_touch=True).page
    fill(page, expect)
    found = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 740})
        found[width] = page.evaluate(OVERFLOW)
    assert found == dict.fromkeys(WIDTHS, 0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_axe_finds_nothing(
    window: Callable[..., Any], dashboard: Any, expect: Any, scheme: str, width: int
) -> None:
    """Contrast, names, landmarks, roles: by the rules of axe-core."""
    page = window(dashboard, viewport={"width": width, "height": 900}, color_scheme=scheme).page
    fill(page, expect)
    axe = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page).response["violations"]
    told = [
        f"{rule['id']} ({rule['impact']}): {node['target']} {node.get('failureSummary', '')}"
        for rule in found
        for node in rule["nodes"]
    ]
    assert told == []


def test_nothing_moves_for_those_who_do_not_want_it(
    window: Callable[..., Any], dashboard: Any
) -> None:
    """Where less motion is asked for there is no transition at all."""
    page = window(dashboard, reduced_motion="reduce").page
    moving = (
        "[...document.querySelectorAll('*')]"
        ".filter(node => parseFloat(getComputedStyle(node).transitionDuration) > 0).length"
    )
    assert page.evaluate(moving) == 0

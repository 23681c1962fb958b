"""The files of the page, as they are installed."""

from __future__ import annotations

import re

import pytest

from kraken_trio._internal.apps.dashboard.files import INDEX, KINDS, PLAIN, File, read_files

pytestmark = pytest.mark.extra("dashboard")  # noqa: S610 - a mark of pytest, no query of Django


@pytest.fixture(scope="module")
def files() -> dict[str, File]:
    """Give them."""
    return read_files()


def test_the_page_and_what_it_names_are_there(files: dict[str, File]) -> None:
    """Every file that it asks for, from here."""
    page = files[INDEX].body.decode()
    named = re.findall(r'(?:src|href)="/static/([^"]+)"', page)
    assert named
    assert [name for name in named if name not in files] == []
    assert files[INDEX].kind.startswith("text/html")


def test_nothing_is_asked_for_from_elsewhere_or_inline(files: dict[str, File]) -> None:
    """No script, style or image of another host; and none within the page: it would be blocked."""
    page = files[INDEX].body.decode()
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)


def test_no_script_makes_markup_or_programs_of_texts(files: dict[str, File]) -> None:
    """What the exchange wrote stays a text, also where a browser knows no trusted types."""
    ways = (
        r"innerHTML|outerHTML|insertAdjacentHTML|setHTML|createContextualFragment|DOMParser|srcdoc"
    )
    ways += r"|document\.write|\beval\(|new Function|javascript:"
    scripts = {path: file.body.decode() for path, file in files.items() if path.endswith(".js")}
    assert len(scripts) > 10
    assert {path: re.findall(ways, text) for path, text in scripts.items()} == {
        path: [] for path in scripts
    }


def test_modules_are_served_as_modules(files: dict[str, File]) -> None:
    """A browser runs no other kind."""
    kinds = {path.rpartition(".")[2]: file.kind for path, file in files.items()}
    assert kinds["js"] == "text/javascript; charset=utf-8"
    assert kinds["css"] == "text/css; charset=utf-8"
    assert all(file.kind in {PLAIN, *KINDS.values()} for file in files.values())


def test_what_is_vendored_has_its_licence(files: dict[str, File]) -> None:
    """Beside it."""
    vendored = {path.split("/")[1] for path in files if path.startswith("vendor/")}
    licensed = {
        path.split("/")[1]
        for path in files
        if path.startswith("vendor/") and "LICENSE" in path.upper()
    }
    assert vendored == licensed != set()


def test_tags_tell_files_apart(files: dict[str, File]) -> None:
    """By what they hold."""
    bodies = {file.body for file in files.values()}
    assert len({file.tag for file in files.values()}) == len(bodies)
    assert all(re.fullmatch(r'"[0-9a-f]{32}"', file.tag) for file in files.values())

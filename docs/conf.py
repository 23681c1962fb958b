"""How Sphinx builds the site: ``nox -s docs``.

The pages are those that can be read in the repository, and the reference is what the docstrings
say. What stands in the way of both is dealt with here: pages above this folder, and names that are
defined in one module and live in another.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import os
import re
import typing
from pathlib import Path
from typing import Any

import attrs
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer

DOCS = Path(__file__).parent
PROJECT = DOCS.parent
TIERS = ("kraken_trio", "kraken_trio.extended", "kraken_trio.testing")
MIRRORED = {
    "project/readme": "README.md",
    "project/changelog": "CHANGELOG.md",
    "project/contributing": "CONTRIBUTING.md",
    "project/security": "SECURITY.md",
    "project/benchmarks": "benchmarks/README.md",
    "project/examples": "examples/README.md",
}
"""Pages of the site that show a file above this folder, each at home where readers look for it."""

project = "kraken_trio"
author = project_copyright = "The kraken_trio authors"
version = release = importlib.import_module("importlib.metadata").version("kraken-trio")
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "myst_parser",
    "sphinxcontrib.mermaid",
    "sphinxcontrib_trio",
]
html_theme = "furo"
html_title = "kraken_trio"
html_copy_source = False
exclude_patterns = ["_build"]

myst_heading_anchors = 4
"""Headings have the anchors that they have in the repository."""
myst_fence_as_directive = ["mermaid"]

autodoc_use_legacy_class_based = True
"""sphinxcontrib-trio takes the place of its classes."""
autodoc_class_signature = "mixed"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    # Of what is public, and of others, the members stand there; of inner parts they stand here.
    "inherited-members": ",".join(
        {
            *(name for tier in TIERS for name in importlib.import_module(tier).__all__),
            *("object", "int", "Enum", "BaseException", "Exception", "Mapping", "Struct"),
            *("AsyncResource", "Generic", "Protocol", "ReceiveChannel"),
        }
    ),
}
suppress_warnings = ["ref.python"]
"""Of a built-in type that has the name of a field, such as ``type``, Sphinx cannot tell which."""
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88


def relinked(text: str, home: Path, page: Path) -> str:
    """Give a text of ``home`` with its links as they must be on a page in the folder ``page``."""
    pages = {(PROJECT / file).resolve(): DOCS / f"{name}.md" for name, file in MIRRORED.items()}

    def link(found: re.Match[str]) -> str:
        path, hash_, anchor = found[2].partition("#")
        target = (home / path).resolve()
        if target.is_dir():  # A folder is no page.
            return found[1]
        target = pages.get(target, target)
        return f"[{found[1]}]({Path(os.path.relpath(target, page)).as_posix()}{hash_}{anchor})"

    return re.sub(r"\[([^\[\]]*)\]\((?!#|https?:|mailto:)([^)\s]+)\)", link, text)


def read_page(app: Sphinx, name: str, source: list[str]) -> None:
    """Show the files above this folder as pages, and lead links to them there."""
    page = (DOCS / name).parent
    if file := MIRRORED.get(name):
        path = PROJECT / file
        app.env.note_dependency(str(path))  # So that a page that was built is built anew.
        source[0] = relinked(path.read_text(encoding="utf-8"), path.parent, page)
    elif (DOCS / f"{name}.md").exists():
        source[0] = relinked(source[0], page, page)


def tell_analyzer() -> None:
    """Show Sphinx the docstrings of fields and constants, which stand where a name is defined.

    A public name says that it lives in its tier, and there Sphinx looks for them.
    """
    for tier in TIERS:
        module = importlib.import_module(tier)
        public = ModuleAnalyzer.for_module(tier)
        public.analyze()
        for node in ast.parse(Path(inspect.getfile(module)).read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith(TIERS[0]):
                continue
            names = {each.name for each in node.names if each.name in module.__all__}
            origin = ModuleAnalyzer.for_module(str(node.module))
            origin.analyze()
            for key, doc in origin.attr_docs.items():
                if key[0] in names or (not key[0] and key[1] in names):
                    public.attr_docs[key] = doc
            for tag, place in origin.tagorder.items():
                if tag.partition(".")[0] in names:
                    public.tagorder[tag] = place


def mend_signature(
    _: Sphinx, what: str, __: str, thing: Any, ___: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Show the defaults of settings, and no signature of what is made of inner parts.

    The latter is given by something else. The defaults that attrs writes stand nowhere else.
    """
    if what in {"class", "exception"} and inspect.isfunction(getattr(thing, "__init__", None)):
        try:
            hints = typing.get_type_hints(thing.__init__)
        except NameError:  # Its parts are imported for the checker alone.
            return "", returns
        if "kraken_trio._internal" in repr(list(hints.values())):
            return "", returns
        signature = signature and re.sub(
            r"attr_dict\['(\w+)'\]\.default",
            lambda found: repr(attrs.fields_dict(thing)[found[1]].default),
            signature,
        )
    return signature, returns


def hide_inner_bases(_: Sphinx, __: str, ___: object, ____: object, bases: list[Any]) -> None:
    """Show what a class is to its users: a base that is an inner part means nothing to them."""
    public = [base for base in bases if not base.__module__.startswith("kraken_trio._internal")]
    bases[:] = public or [object]


def setup(app: Sphinx) -> None:
    """Connect the above."""
    tell_analyzer()
    app.connect("source-read", read_page)
    app.connect("autodoc-process-signature", mend_signature)
    app.connect("autodoc-process-bases", hide_inner_bases)

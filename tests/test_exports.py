"""The public tiers hold what they promise: each name in one tier, shown there, documented, listed.

``public_api.txt`` is the checked-in list of every public name with its signature, so that a change
of the promise stands in review as a change of that file. After a wanted change, write it anew with
``python tests/test_exports.py --write``. Annotations are rendered here and not by ``inspect``,
whose spelling differs between versions of Python.
"""

from __future__ import annotations
import __future__

import ast
import enum
import functools
import importlib
import importlib.util
import inspect
import itertools
import re
import sys
import types
import typing
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

LIST = Path(__file__).with_name("public_api.txt")
TIERS = {
    name: importlib.import_module(name)
    for name in ("kraken_trio", "kraken_trio.extended", "kraken_trio.testing")
    if importlib.util.find_spec(name)
}
EXPORTS = [(tier, name) for tier, module in TIERS.items() for name in module.__all__]
DEFINITIONS = [
    (tier, name)
    for tier, name in EXPORTS
    if inspect.isclass(getattr(TIERS[tier], name)) or inspect.isfunction(getattr(TIERS[tier], name))
]


class Verbatim(str):
    """An annotation that ``inspect.Signature`` prints as it stands, without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def spelled(annotation: object) -> str:
    """Spell an annotation as the source would: without modules, unions with a bar."""
    arguments = typing.get_args(annotation)
    match typing.get_origin(annotation):
        case None:
            return spelled_plain(annotation)
        case typing.Union | types.UnionType:
            return " | ".join(map(spelled, arguments))
        case typing.Literal:
            return f"Literal[{', '.join(map(repr, arguments))}]"
        case typing.Annotated:
            return f"Annotated[{spelled(arguments[0])}, {', '.join(map(repr, arguments[1:]))}]"
        case origin:
            name = getattr(origin, "__name__", str(origin).removeprefix("typing."))
            return f"{name}[{', '.join(map(spelled, arguments))}]"


def spelled_plain(annotation: object) -> str:
    """Spell an annotation that is no union and has no brackets."""
    match annotation:
        case str():
            return annotation
        case types.EllipsisType():
            return "..."
        case list():
            return f"[{', '.join(map(spelled, annotation))}]"
        case None | types.NoneType:
            return "None"
        case type():
            return annotation.__qualname__
        case _:
            return str(annotation).removeprefix("typing.")


def signature(call: Callable[..., object]) -> str:
    """Give the signature of a function or a class, in the spelling above."""
    found = inspect.signature(call)
    shown = found.replace(
        parameters=[
            parameter
            if parameter.annotation is inspect.Parameter.empty
            else parameter.replace(annotation=Verbatim(spelled(parameter.annotation)))
            for parameter in found.parameters.values()
        ],
        return_annotation=inspect.Signature.empty
        if inspect.isclass(call) or found.return_annotation is inspect.Signature.empty
        else Verbatim(spelled(found.return_annotation)),
    )
    return re.sub(r" at 0x[0-9a-f]+", "", str(shown))


def is_constructed(cls: type) -> bool:
    """Say whether a class has a way of its own to be made: not a protocol, an enum, a marker."""
    if getattr(cls, "_is_protocol", False) or issubclass(cls, enum.Enum):
        return False
    return hasattr(cls, "__struct_fields__") or inspect.isfunction(cls.__init__)


def members(cls: type) -> Iterator[str]:
    """Give the public members that a class adds to its exported bases, one line each."""
    exported = {getattr(TIERS[tier], name) for tier, name in EXPORTS}
    own = [
        base
        for base in reversed(cls.__mro__)
        if base is cls or (base.__module__.startswith("kraken_trio") and base not in exported)
    ]
    parameters = set(inspect.signature(cls).parameters) if is_constructed(cls) else set()
    annotations: dict[str, object] = {}
    values: dict[str, object] = {}
    for base in own:
        annotations |= inspect.get_annotations(base)
        values |= vars(base)
    for name in sorted({*annotations, *values}):
        if (name.startswith("_") and name != "__call__") or name in parameters:
            continue
        match values.get(name):
            case property(fget=getter) | functools.cached_property(func=getter) if getter:
                yield f".{name}: {spelled(inspect.signature(getter).return_annotation)}"
            case classmethod(__func__=call) | staticmethod(__func__=call):
                yield f".{name}{signature(call)}"
            case call if inspect.isfunction(call):
                # Older versions of trio protect an async function with a plain one around it.
                asynchronous = inspect.iscoroutinefunction(inspect.unwrap(call))
                yield f".{'async ' * asynchronous}{name}{signature(call)}"
            case enum.Enum(value=value):
                yield f".{name} = {value!r}"
            case _:
                yield f".{name}: {spelled(annotations.get(name, type(values.get(name))))}"


def described(tier: str, name: str) -> Iterator[str]:
    """Give the lines of the list that speak of one public name."""
    thing = getattr(TIERS[tier], name)
    path = f"{tier}.{name}"
    if inspect.isclass(thing):
        bases = ", ".join(spelled(base) for base in thing.__bases__ if base is not object)
        yield f"{path}{signature(thing) if is_constructed(thing) else ''} : {bases}".rstrip(" :")
        for member in members(thing):
            yield path + member
    elif inspect.isfunction(thing):
        yield f"{path}{signature(thing)}"
    elif isinstance(thing, str | int | tuple):
        yield f"{path} = {thing!r}"
    else:
        yield f"{path} = {spelled(thing if typing.get_origin(thing) else type(thing))}"


def public_api() -> str:
    """Give the whole list, as it should stand in ``public_api.txt``."""
    return "".join(f"{line}\n" for tier, name in EXPORTS for line in described(tier, name))


def order(name: str) -> tuple[int, str]:
    """Give what ``__all__`` is sorted by: constants, then classes, then the rest, as ruff does."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def sources(tier: str) -> Iterator[tuple[str, Path, str]]:
    """Give each name that a tier imports, the file it comes from and its name there."""
    tree = ast.parse(Path(inspect.getfile(TIERS[tier])).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kraken_trio."):
            spec = importlib.util.find_spec(node.module or "")
            assert spec is not None
            for name in node.names:
                yield name.asname or name.name, Path(spec.origin or ""), name.name


def documented(source: str) -> set[str]:
    """Give the names assigned at the top of a module that have a docstring under them."""
    body = ast.parse(source).body
    return {
        target.id
        for node, following in itertools.pairwise(body)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
        and isinstance(following, ast.Expr)
        and isinstance(following.value, ast.Constant)
        and isinstance(following.value.value, str)
    }


def test_each_name_is_in_one_tier() -> None:
    """No public name stands in two tiers, or twice in one."""
    counts = Counter(name for _, name in EXPORTS)
    assert [name for name, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("tier", TIERS)
def test_all_is_sorted(tier: str) -> None:
    """``__all__`` stands in the order that ruff keeps, so that a name has one place."""
    assert list(TIERS[tier].__all__) == sorted(TIERS[tier].__all__, key=order)


@pytest.mark.parametrize("tier", TIERS)
def test_all_is_what_the_module_shows(tier: str) -> None:
    """``__all__`` names everything public in the module and nothing else."""
    module = TIERS[tier]
    shown = {
        name
        for name, value in vars(module).items()
        if not name.startswith(("_", "@"))  # pytest's own, in a package that has a plugin
        and value is not __future__.annotations
        and getattr(value, "__name__", None) != f"{tier}.{name}"  # a submodule, once imported
    }
    assert shown == set(module.__all__)


@pytest.mark.parametrize("tier, name", DEFINITIONS)
def test_module_is_the_public_path(tier: str, name: str) -> None:
    """A class or function says that it lives where users import it from."""
    assert getattr(TIERS[tier], name).__module__ == tier


@pytest.mark.parametrize("tier, name", DEFINITIONS)
def test_annotations_resolve_from_the_public_path(tier: str, name: str) -> None:
    """Type hints still resolve there: a decoder made for a public record depends on it."""
    thing = getattr(TIERS[tier], name)
    if inspect.isclass(thing):
        assert set(inspect.get_annotations(thing)) <= set(typing.get_type_hints(thing))


@pytest.mark.parametrize("tier", TIERS)
def test_everything_is_documented(tier: str) -> None:
    """Every public class and function has a docstring, and every other name one under it."""
    origins = {name: (path, original) for name, path, original in sources(tier)}
    missing = []
    for name in TIERS[tier].__all__:
        if (tier, name) in DEFINITIONS:
            found = bool(getattr(TIERS[tier], name).__doc__)
        else:
            path, original = origins[name]
            found = original in documented(path.read_text(encoding="utf-8"))
        if not found:
            missing.append(name)
    assert missing == []


def test_public_api_is_as_listed() -> None:
    """The public names and signatures are those of the checked-in list."""
    assert public_api() == LIST.read_text(encoding="utf-8"), (
        "the public API changed; if that is wanted: python tests/test_exports.py --write"
    )


@pytest.mark.parametrize(
    "annotation, text",
    [
        (int, "int"),
        (None, "None"),
        ("Gap | None", "Gap | None"),
        (int | None, "int | None"),
        (typing.Optional[int], "int | None"),  # noqa: UP045 - msgspec gives this form
        (typing.Literal["buy", "sell"] | None, "Literal['buy', 'sell'] | None"),
        (tuple[int, ...], "tuple[int, ...]"),
        (typing.ClassVar[bool], "ClassVar[bool]"),
        (Callable[[int], str], "Callable[[int], str]"),
        (typing.Annotated[int, 3], "Annotated[int, 3]"),
        (typing.Any, "Any"),
        (types.SimpleNamespace, "SimpleNamespace"),
    ],
)
def test_spelling_of_annotations(annotation: object, text: str) -> None:
    """An annotation is spelled in one way, whichever object stands for it."""
    assert spelled(annotation) == text


def test_docstrings_of_constants_are_found() -> None:
    """A string right under an assignment documents it."""
    source = 'A = 1\n"""One."""\nB: int = 2\n"""Two."""\nC = 3\n\nD = E = 4\n"""Both."""\nf()\n'
    assert documented(source) == {"A", "B", "D", "E"}


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        LIST.write_text(public_api(), encoding="utf-8")
    else:
        sys.exit(f"usage: {sys.argv[0]} --write")

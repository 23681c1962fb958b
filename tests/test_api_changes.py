"""Which changes of ``public_api.txt`` break a program, and which only add to what it may do.

``python tests/test_api_changes.py OLD NEW`` compares two such lists, ``nox -s api`` the one of the
last release with the one that stands here; the exit code is 1 where something breaks and the
versions, ``--from 1.2.0 --to 1.3.0``, do not allow that. What breaks is what docs/stability.md says
does, and in doubt a change does.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import NamedTuple

import pytest


class Kind(Enum):
    """What a parameter may be."""

    BY_POSITION = "by position"
    BY_EITHER = "by either"
    BY_NAME = "by name"
    MANY = "many"


class Parameter(NamedTuple):
    """One parameter, as it stands in the list."""

    name: str
    kind: Kind
    annotation: str
    default: str | None


class Entry(NamedTuple):
    """One line of the list."""

    name: str
    asynchronous: bool
    parameters: tuple[Parameter, ...] | None
    """None for what cannot be called."""
    rest: str
    """What stands behind: the bases, the type, the value or what is returned."""
    means: str
    """How that is told apart: ``:`` for bases, ``.`` for a type, ``=`` for a value, ``>``."""


class Change(NamedTuple):
    """One difference."""

    breaks: bool
    what: str


GIVEN = {
    "kraken_trio.BalanceTable",
    "kraken_trio.Feed",
    "kraken_trio.OrderTable",
    "kraken_trio.RecordChannel",
    "kraken_trio.Registration",
    "kraken_trio.Subscription",
    "kraken_trio.extended.Recorder",
    "kraken_trio.extended.Switch",
    "kraken_trio.extended.Trading",
    "kraken_trio.testing.Chaos",
    "kraken_trio.testing.Exchange",
    "kraken_trio.testing.ExchangeConnection",
    "kraken_trio.testing.ExchangeRest",
    "kraken_trio.testing.Flood",
    "kraken_trio.testing.Ledger",
    "kraken_trio.testing.Replay",
}
"""What a program is given and never makes: the way these are made is not promised."""
OWN = {
    *(f"kraken_trio.RecordChannel.{name}" for name in ("end", "fail", "greet", "put")),
    *(
        f"kraken_trio.Subscription.{name}"
        for name in (
            "let_in",
            "part_ended",
            "part_live",
            "part_lost",
            "session_ended",
            "stir",
            "watch",
        )
    ),
}
"""What the library's own parts say to each other, as the page says: not for programs."""
OPENING, CLOSING = "([{<", ")]}>"


def outside(text: str) -> Iterator[tuple[int, int]]:
    """Give each place that is in no quotes, and how many brackets are open before it."""
    depth, quote, skip = 0, "", False
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif skip or text.startswith("->", at):
            skip = not skip
        else:
            depth -= char in CLOSING
            yield at, depth
            depth += char in OPENING


def split(text: str, separator: str) -> list[str]:
    """Split where the separator stands outside of brackets and quotes."""
    at = [at for at, depth in outside(text) if not depth and text.startswith(separator, at)]
    starts = [0, *(each + len(separator) for each in at)]
    return [text[start:end] for start, end in zip(starts, [*at, len(text)], strict=True)]


def read_parameters(text: str) -> tuple[Parameter, ...]:
    """Read what stands between the brackets of a signature."""
    found: list[Parameter] = []
    by_name = False
    for part in split(text, ", ") if text else []:
        if part == "/":
            found = [each._replace(kind=Kind.BY_POSITION) for each in found]
        elif part == "*":
            by_name = True
        elif part not in {"self", "cls"}:
            spelled, *default = split(part, " = ") if ": " in part else split(part, "=")
            name, _, annotation = spelled.partition(": ")
            kind = Kind.BY_NAME if by_name else Kind.BY_EITHER
            if name.startswith("*"):
                kind, by_name = Kind.MANY, True
            found.append(Parameter(name, kind, annotation, default[0] if default else None))
    return tuple(found)


def read_entry(line: str) -> Entry:
    """Read one line of the list."""
    path, asynchronous = re.subn(r"\.async (?=\w+\()", ".", line, count=1)
    name, behind = re.match(r"([\w.]+)(.*)", path, re.DOTALL).groups()  # type: ignore[union-attr]
    parameters = None
    if behind.startswith("("):
        end = next(at for at, depth in outside(behind) if at and not depth)
        parameters = read_parameters(behind[1:end])
        behind = behind[end + 1 :]
    for mark in (" : ", ": ", " = ", " -> ", ""):
        if behind.startswith(mark):
            break
    return Entry(name, bool(asynchronous), parameters, behind[len(mark) :], mark)


def widened(before: str, after: str) -> bool:
    """Say whether all that the one type allows the other does, too, as unions are spelled."""
    return set(split(before, " | ")) < set(split(after, " | "))


def changes_of_parameters(
    old: Sequence[Parameter], new: Sequence[Parameter], *, fields: bool
) -> Iterator[Change]:
    """Say what a call may not do any more, and what it may do besides.

    What is given to make a thing is also found in it (``fields``), by programs that are not
    prepared for more kinds of it.
    """
    there = {each.name: each for each in new}
    by_position = [each.name for each in new if each.kind in {Kind.BY_POSITION, Kind.BY_EITHER}]
    for place, before in enumerate(old):
        after = there.pop(before.name, None)
        if after is None:
            yield Change(breaks=True, what=f"no {before.name}")
            continue
        if before.kind is not after.kind:
            eases = after.kind is Kind.BY_EITHER
            yield Change(not eases, f"{before.name} is given {after.kind.value}")
        if (
            before.kind in {Kind.BY_POSITION, Kind.BY_EITHER}
            and by_position[place : place + 1] != [before.name]
            and after.kind is not Kind.BY_NAME
        ):
            yield Change(breaks=True, what=f"{before.name} has another place")
        if before.default != after.default:
            eases = before.default is None
            yield Change(not eases, f"{before.name} is {after.default} unless given")
        if before.annotation != after.annotation:
            eases = not fields and widened(before.annotation, after.annotation)
            yield Change(not eases, f"{before.name} is {after.annotation}")
    for name, after in there.items():
        optional = after.default is not None or after.kind is Kind.MANY
        yield Change(not optional, f"{name} is new, {'optional' if optional else 'required'}")


def changes_of_entry(old: Entry, new: Entry) -> Iterator[Change]:
    """Say how one name differs."""
    if old.asynchronous is not new.asynchronous:
        yield Change(breaks=True, what="async" if new.asynchronous else "not async any more")
    if (old.parameters is None) is not (new.parameters is None):
        yield Change(breaks=True, what="is called otherwise, or not any more")
    elif old.parameters is not None and new.parameters is not None and old.name not in GIVEN:
        is_class = old.name.rpartition(".")[2][0].isupper()
        yield from changes_of_parameters(old.parameters, new.parameters, fields=is_class)
    if (old.means, old.rest) != (new.means, new.rest):
        bases = {old.means, new.means} <= {" : ", ""}
        eases = (
            set(split(old.rest, ", ")) <= {"", *split(new.rest, ", ")}
            if bases
            else old.means == new.means in {": ", " -> "} and widened(new.rest, old.rest)
        )
        yield Change(not eases, f"{new.rest or 'nothing'}, was {old.rest or 'nothing'}")


def compare(old: str, new: str) -> list[Change]:
    """Give all differences of two lists, in the order of their names."""
    before, after = (
        {each.name: each for each in map(read_entry, text.splitlines()) if each.name not in OWN}
        for text in (old, new)
    )
    protocols = {name for name, entry in before.items() if "Protocol" in entry.rest}
    found = []
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            found.append(Change(breaks=True, what=f"{name}: is gone"))
        elif name not in before:
            demanded = name.rpartition(".")[0] in protocols
            found.append(Change(demanded, f"{name}: is new{', and demanded' * demanded}"))
        else:
            found += [
                Change(change.breaks, f"{name}: {change.what}")
                for change in changes_of_entry(before[name], after[name])
            ]
    return found


def may_break(before: str, after: str) -> bool:
    """Say whether programs may break from one version to the other: ``1.2.3``, ``2.0.0.dev0``."""
    (old, its_minor), (new, minor) = (map(int, each.split(".")[:2]) for each in (before, after))
    return new > old or (new == 0 and minor > its_minor)


def main(arguments: Sequence[str]) -> int:
    """Tell what breaks and what is new; 1 where something breaks that may not."""
    parser = argparse.ArgumentParser(description="Compare two lists of what is public.")
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--from", dest="before", default="0.0.0", help="the version of the old one")
    parser.add_argument("--to", dest="after", default="0.0.0", help="that of the new one")
    given = parser.parse_args(arguments)
    found = compare(*(path.read_text(encoding="utf-8") for path in (given.old, given.new)))
    for breaks, title in ((True, "breaks"), (False, "adds")):
        for change in found:
            if change.breaks is breaks:
                sys.stdout.write(f"{title:7} {change.what}\n")
    broken = sum(change.breaks for change in found)
    sys.stdout.write(f"{broken} of {len(found)} changes break a program\n")
    if not broken or may_break(given.before, given.after):
        return 0
    sys.stdout.write(f"{given.after} may not break what worked with {given.before}\n")
    return 1


F = "kraken_trio.f"


@pytest.mark.parametrize(
    "old, new, breaks, what",
    [
        (f"{F}(a: int) -> int", "", True, "is gone"),
        ("", f"{F}(a: int) -> int", False, "is new"),
        (f"{F}(a: int)", f"{F}(a: int, b: int)", True, "b is new, required"),
        (f"{F}(a: int)", f"{F}(a: int, b: int = 3)", False, "b is new, optional"),
        (f"{F}(a: int)", f"{F}(a: int, *, b: str = 'x, y')", False, "b is new, optional"),
        (f"{F}(a: int)", f"{F}(a: int, **more: int)", False, "**more is new, optional"),
        (f"{F}(a: int, b: int)", f"{F}(a: int)", True, "no b"),
        (f"{F}(a: int, b: int)", f"{F}(b: int, a: int)", True, "a has another place"),
        (f"{F}(a: int)", f"{F}(b: int = 3, a: int = 4)", True, "a has another place"),
        (f"{F}(*, a: int, b: int)", f"{F}(*, b: int, a: int)", None, ""),
        (f"{F}(a: int)", f"{F}(*, a: int)", True, "a is given by name"),
        (f"{F}(a: int)", f"{F}(a: int, /)", True, "a is given by position"),
        (f"{F}(*, a: int)", f"{F}(a: int)", False, "a is given by either"),
        (f"{F}(a: int = 1)", f"{F}(a: int)", True, "a is None unless given"),
        (f"{F}(a: int)", f"{F}(a: int = 1)", False, "a is 1 unless given"),
        (f"{F}(a: int = 1)", f"{F}(a: int = 2)", True, "a is 2 unless given"),
        (f"{F}(a: int)", f"{F}(a: int | str)", False, "a is int | str"),
        (f"{F}(a: int | str)", f"{F}(a: int)", True, "a is int"),
        (f"{F}(a: int) -> int", f"{F}(a: int) -> int | None", True, "int | None, was int"),
        (f"{F}(a: int) -> int | None", f"{F}(a: int) -> int", False, "int, was int | None"),
        ("t.A.async f(self) -> int", "t.A.f(self) -> int", True, "not async any more"),
        ("t.A.f(self)", "t.A.async f(self)", True, "async"),
        ("t.A.f(self)", "t.A.f: int", True, "is called otherwise, or not any more"),
        ("t.A.size: int", "t.A.size: int | None", True, "int | None, was int"),
        ("t.A.size: int | None", "t.A.size: int", False, "int, was int | None"),
        ("t.A : Enum\nt.A.X = 'x'", "t.A : Enum\nt.A.X = 'y'", True, "'y', was 'x'"),
        ("t.A : Enum", "t.A : Enum\nt.A.Y = 'y'", False, "is new"),
        ("t.A : Protocol", "t.A : Protocol\nt.A.f(self)", True, "is new, and demanded"),
        ("t.A : B, C", "t.A : B", True, "B, was B, C"),
        ("t.A", "t.A : B", False, "B, was nothing"),
        # What a record is made of is also what is read from it.
        ("t.A(a: int) : Struct", "t.A(a: int | None) : Struct", True, "a is int | None"),
        ("t.A(a: int) : Struct", "t.A(a: int, b: int = 0) : Struct", False, "b is new, optional"),
        ("t.A(b: int) : Struct", "t.A(a: int, b: int) : Struct", True, "b has another place"),
        # What a program is given it does not make.
        ("kraken_trio.Feed(a: int)", "kraken_trio.Feed(b: int)", None, ""),
        # What only parts of the library say to each other is theirs.
        ("kraken_trio.RecordChannel.put(self, item: int)", "", None, ""),
        # What is no separator.
        (f"{F}(a: Callable[[int, str], x] = 1)", f"{F}(a: Callable[[int, str], x] = 1)", None, ""),
        (f"{F}(a: D = <D.OLD: 'old, (er'>)", f"{F}(a: D = <D.OLD: 'old, (er'>, b=2)", False, "b"),
    ],
)
def test_a_change_is_told(old: str, new: str, breaks: bool | None, what: str) -> None:
    """What a program does that used the old one decides whether a change breaks it."""
    found = compare(old, new)
    if breaks is None:
        assert found == []
        return
    assert any(change.what.partition(": ")[2].startswith(what) for change in found), found
    assert any(change.breaks for change in found) is breaks


def test_the_list_is_read_whole() -> None:
    """Each line of the real list has a name of its own, and is what it was when it is unchanged."""
    text = Path(__file__).with_name("public_api.txt").read_text(encoding="utf-8")
    entries = [read_entry(line) for line in text.splitlines()]
    assert len({entry.name for entry in entries}) == len(entries) > 500
    assert compare(text, text) == []
    assert {entry.name for entry in entries} >= GIVEN | OWN
    feed = next(entry for entry in entries if entry.name == "kraken_trio.Feed.wait_order")
    assert feed.asynchronous
    assert feed.parameters is not None
    assert [each.name for each in feed.parameters][:1] == ["order_id"]


def test_the_page_says_what_is_not_for_programs() -> None:
    """Each by its name."""
    page = Path(__file__).parents[1] / "docs" / "stability.md"
    text = page.read_text(encoding="utf-8")
    assert [name for name in OWN if f"`{name.rpartition('.')[2]}`" not in text] == []


def test_a_line_that_goes_is_found_wherever_it_stands() -> None:
    """Nothing of the real list can go without being told."""
    text = Path(__file__).with_name("public_api.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if read_entry(line).name not in OWN]
    for number in range(0, len(lines), 25):
        (change,) = compare("\n".join(lines), "\n".join(lines[:number] + lines[number + 1 :]))
        assert change.breaks


@pytest.mark.parametrize(
    "before, after, may",
    [
        ("1.2.0", "1.3.0", False),
        ("1.2.0", "2.0.0.dev0", True),
        ("0.1.0", "0.1.1", False),
        ("0.1.0", "0.2.0", True),
        ("0.9.0", "1.0.0", True),
    ],
)
def test_a_version_may_break(before: str, after: str, may: bool) -> None:
    """A major one may, and before 1.0 a minor one."""
    assert may_break(before, after) is may


@pytest.mark.parametrize(
    "new, after, code",
    [("kraken_trio.B", "1.3.0", 1), ("kraken_trio.B", "2.0.0", 0), ("kraken_trio.A\n", "1.2.0", 0)],
)
def test_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], new: str, after: str, code: int
) -> None:
    """It is 1 where something breaks that may not; what changed is told in any case."""
    paths = [tmp_path / "old", tmp_path / "new"]
    for path, text in zip(paths, ("kraken_trio.A\n", new), strict=True):
        path.write_text(text, encoding="utf-8")
    assert main([*map(str, paths), "--from", "1.2.0", "--to", after]) == code
    out = capsys.readouterr().out
    assert ("breaks  kraken_trio.A: is gone\n" in out) is (new == "kraken_trio.B")
    assert ("1.3.0 may not break what worked with 1.2.0" in out) is bool(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What ``nox -s autobahn`` measured and wrote down, and how it judges.

The fuzzing server is not run here: it needs a Python 2.7. So these tests cannot see that a change
of today costs conformance; they hold the page to what the last run may have found, and the judge
to what it has to tell apart.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.product.autobahn.conform import ALONE, OURS, Outcomes, worse

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
CASES = 246


def test_the_page_counts_all_cases_and_no_failure_of_ours() -> None:
    """As the last run found it: the groups add up to all of the cases, and none of ours failed."""
    rows = re.findall(
        r"^\| ([1-7]\.\*|) \| [^|]+ \| ([\d, ]+) \| ([\d, ]+) \|$",
        PAGE.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    for column in (1, 2):
        counts = [[int(number) for number in row[column].split(",")] for row in rows]
        *groups, total = counts
        assert [sum(each) for each in zip(*groups, strict=True)] == total
        assert sum(total) == CASES
        assert column == 2 or total[3] == 0


def test_the_page_has_no_case_in_which_ours_is_worse() -> None:
    """By the classes of the suite, in the message and in the close."""
    rows = re.findall(
        r"^\| ([\d.]+) \| (\S+), close (\S+) \| (\S+), close (\S+) \|$",
        PAGE.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert rows
    ours: Outcomes = {case: (word, close) for case, word, close, _, _ in rows}
    alone: Outcomes = {case: (word, close) for case, _, _, word, close in rows}
    assert worse({OURS: ours, ALONE: alone}) == []


@pytest.mark.parametrize(
    "case, mine, theirs, is_worse",
    [
        ("1.1.1", ("OK", "OK"), ("OK", "OK"), False),
        ("1.1.1", ("NON-STRICT", "OK"), ("OK", "OK"), True),
        ("1.1.1", ("OK", "OK"), ("NON-STRICT", "FAILED"), False),
        ("1.1.1", ("FAILED", "OK"), ("NON-STRICT", "OK"), True),
        ("1.1.1", ("OK", "UNCLEAN"), ("OK", "OK"), True),
        ("7.1.6", ("INFORMATIONAL", "OK"), ("OK", "OK"), False),
    ],
)
def test_classes_are_told_apart(
    case: str, mine: tuple[str, str], theirs: tuple[str, str], is_worse: bool
) -> None:
    """Non-strict is less than OK."""
    assert worse({OURS: {case: mine}, ALONE: {case: theirs}}) == [case] * is_worse

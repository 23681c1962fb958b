"""Words of the exchange are explained; those that nobody knows keep their text."""

from __future__ import annotations

import json
import re
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from kraken_trio._internal.model import errors
from kraken_trio._internal.model.complaints import (
    ROWS,
    Complaint,
    Row,
    Severity,
    doubtful,
    explain,
    worst,
)

KINDS = {
    "AuthenticationError",
    "OrderRejected",
    "OutcomeUnknown",
    "RequestError",
    "SubscriptionError",
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.text)
def test_each_row_says_all_there_is_to_say(row: object) -> None:
    """A category, an error that there is, and what to do; and it is found by its own words."""
    text: str = row.text  # type: ignore[attr-defined]
    known = explain(text)
    assert known.known
    assert (known.text, known.severity) == (text, Severity.ERROR)
    assert known.category != "Unknown"
    assert known.kind in KINDS
    assert hasattr(errors, known.kind)
    assert known.mend
    assert not known.mend.endswith(".")
    assert known.retryable is row.retryable  # type: ignore[attr-defined]


def test_no_words_stand_twice() -> None:
    """Or one of them would count for nothing."""
    assert len({row.text for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize(
    "text, category, kind, retryable",
    [
        ("Currency pair not supported XBT/USD", "Subscription", "SubscriptionError", False),
        ("EService: Throttled: 1700000000", "Service", "RequestError", True),
        ("EGeneral:Invalid arguments:volume minimum not met", "General", "RequestError", False),
        ("EGeneral:Invalid arguments:Index unavailable", "General", "OrderRejected", False),
        ("EGeneral:Internal error:17", "General", "RequestError", True),
        ("EBM:limit exceeded:CAL", "BM", "RequestError", False),
        ("EService:Deadline elapsed", "Service", "OutcomeUnknown", False),
        ("EOrder:Rate limit exceeded", "Order", "OrderRejected", True),
    ],
)
def test_known_words(text: str, category: str, kind: str, *, retryable: bool) -> None:
    """As they come, with what they are about at the end."""
    found = explain(text)
    assert (found.known, found.text) == (True, text)
    assert (found.category, found.kind, found.retryable) == (category, kind, retryable)


@pytest.mark.parametrize(
    "text, severity, category, kind",
    [
        ("EOrder:Something new", Severity.ERROR, "Order", "OrderRejected"),
        ("ETrade:Something new", Severity.ERROR, "Trade", "OrderRejected"),
        ("EFunding:Unknown withdraw key", Severity.ERROR, "Funding", "RequestError"),
        ("WGeneral:Deprecated", Severity.WARNING, "General", "RequestError"),
        ("Already subscribed, or so", Severity.ERROR, "Unknown", "RequestError"),
        ("EXTRA", Severity.ERROR, "Unknown", "RequestError"),
        ("", Severity.ERROR, "Unknown", "RequestError"),
    ],
)
def test_unknown_words(text: str, severity: Severity, category: str, kind: str) -> None:
    """They say themselves how bad it is and what it is about, as far as they do."""
    assert explain(text) == Complaint(
        text=text,
        category=category,
        severity=severity,
        kind=kind,
        retryable=False,
        mend="",
        known=False,
    )


WITH_SEVERITY = [row for row in ROWS if re.match("E[A-Za-z]+:", row.text)]


@given(st.sampled_from(WITH_SEVERITY), st.text())
def test_a_detail_changes_nothing(row: Row, detail: str) -> None:
    """Whatever stands behind a colon, unless it makes longer words that are known."""
    text = f"{row.text}:{detail}"
    assume(
        not any(len(other.text) > len(row.text) and text.startswith(other.text) for other in ROWS)
    )
    assume(worst(text) == text)
    plain, found = explain(row.text), explain(text)
    assert found == replace(plain, text=text)
    assert doubtful(text) == doubtful(row.text)


def test_what_has_no_severity_has_no_detail() -> None:
    """And nothing but a colon begins one."""
    assert not explain("Exceeded msg rate:x").known
    assert not explain("EOrder:Insufficient funds today").known


def test_of_services_all_passes() -> None:
    """Also what nobody knows."""
    found = explain("EService:Timeout")
    assert (found.known, found.retryable, found.category) == (False, True, "Service")


@pytest.mark.parametrize(
    "parts",
    [
        # The worst is the first.
        ["EAPI:Invalid key", "EService:Busy", "EQuery:New"],
        ["EService:Deadline elapsed", "EOrder:Insufficient funds"],
        ["EService:Busy, or so", "WGeneral:Danger"],
        ["EOrder:New, they say", "EService:Busy:x, 7"],
    ],
)
def test_of_several_the_worst_speaks(parts: list[str]) -> None:
    """In whichever order they come; the words stay whole."""
    for some in permutations(parts):
        text = ", ".join(some)
        assert worst(text) == parts[0]
        assert explain(text) == replace(explain(parts[0]), text=text)


@pytest.mark.parametrize(
    "text, doubt",
    [
        ("EGeneral:Internal error", True),
        ("EGeneral:Internal error:17", True),
        ("EService:Deadline elapsed", True),
        ("EService:Timeout", True),
        ("EOrder:Insufficient funds, EGeneral:Internal error", True),
        ("EService:Busy", False),
        ("EOrder:Rate limit exceeded", False),
        ("WService:Slow", False),
        ("something new", False),
    ],
)
def test_what_leaves_open_whether_it_was_done(text: str, *, doubt: bool) -> None:
    """A failure is no refusal."""
    assert doubtful(text) == doubt


@given(st.text())
def test_any_words_keep_their_text(text: str) -> None:
    """And nothing is raised."""
    assert explain(text).text == text


def test_what_was_captured_is_known(examples: Path) -> None:
    """Every refusal that is on record."""
    lines = (examples / "v2-errors.jsonl").read_text().splitlines()
    said = [found for line in lines if (found := json.loads(line).get("error"))]
    assert len(said) > 10
    assert [text for text in said if not explain(text).known] == []

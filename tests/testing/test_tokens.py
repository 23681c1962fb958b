"""Tokens are good while they are young, and then as long as they are in use."""

from __future__ import annotations

import re

import pytest

from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.testing.tokens import INVALID_SESSION, Tokens


@pytest.fixture
def tokens() -> Tokens:
    """Give tokens of a seed."""
    return Tokens(seed=1, life_s=900)


def test_they_look_like_the_real_ones(tokens: Tokens) -> None:
    """43 characters of base64, no two alike, some with a slash; the seed makes them."""
    texts = [tokens.issue(0).reveal() for _ in range(100)]
    assert all(re.fullmatch(r"[A-Za-z0-9+/]{43}", text) for text in texts)
    assert len(set(texts)) == 100
    assert any("/" in text for text in texts)
    again = Tokens(seed=1, life_s=900)
    assert [again.issue(0).reveal() for _ in range(100)] == texts
    assert Tokens(seed=2, life_s=900).issue(0).reveal() not in texts


def test_an_unused_one_grows_old(tokens: Tokens) -> None:
    """It is good for so many seconds, and not for one more."""
    token = tokens.issue(100)
    assert tokens.refusal(token, 100) is None
    assert tokens.refusal(token, 999.9) is None
    assert tokens.refusal(token, 1000) == INVALID_SESSION
    assert tokens.refusal(Secret("unknown"), 100) == INVALID_SESSION


def test_one_in_use_stays_good(tokens: Tokens) -> None:
    """As long as one subscription of it lasts, and then as its age says."""
    token = tokens.issue(0)
    tokens.hold(token)
    tokens.hold(token)
    assert tokens.refusal(token, 10_000) is None
    tokens.release(token)
    assert tokens.refusal(token, 10_000) is None
    tokens.release(token)
    assert tokens.refusal(token, 10_000) == INVALID_SESSION
    assert tokens.refusal(token, 10) is None


def test_they_can_be_revoked(tokens: Tokens) -> None:
    """All there are, in use or not, for ever; new ones are good."""
    young, used = tokens.issue(0), tokens.issue(0)
    tokens.hold(used)
    tokens.revoke()
    tokens.hold(young)
    assert tokens.refusal(young, 1) == tokens.refusal(used, 1) == INVALID_SESSION
    assert tokens.refusal(tokens.issue(1), 1) is None


def test_any_may_do() -> None:
    """Where all are good, those are not that were revoked."""
    tokens = Tokens(seed=1, life_s=900, any_will_do=True)
    issued, made_up, later = tokens.issue(0), Secret("made up"), Secret("later")
    tokens.hold(made_up)
    assert [tokens.refusal(token, 10_000) for token in (issued, made_up)] == [None, None]
    tokens.revoke()
    assert tokens.refusal(issued, 0) == tokens.refusal(made_up, 0) == INVALID_SESSION
    assert tokens.refusal(later, 0) is None

"""What the values of options must satisfy."""

from __future__ import annotations

import math

import pytest

from kraken_trio import ConfigurationError
from kraken_trio._internal.apps.options import a_port, above_zero, configured, from_zero

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django


@pytest.mark.parametrize("value", [None, 1, 0.001, math.inf])
def test_what_is_above_zero_passes(value: float | None) -> None:
    """For ever is long, and nothing given is nothing wrong."""
    above_zero(float, value)


@pytest.mark.parametrize("value", [0, -1, math.nan, -math.inf])
def test_what_is_not_above_zero_is_refused(value: float) -> None:
    """So is what is no number."""
    with pytest.raises(ValueError, match="above 0"):
        above_zero(float, value)


@pytest.mark.parametrize("value", [None, 0, 0.5, 10**9])
def test_what_is_zero_or_more_passes(value: float | None) -> None:
    """Zero does."""
    from_zero(float, value)


@pytest.mark.parametrize("value", [-0.5, math.nan, math.inf])
def test_what_is_less_than_zero_is_refused(value: float) -> None:
    """So is what is no finite number."""
    with pytest.raises(ValueError, match="0 or more"):
        from_zero(float, value)


@pytest.mark.parametrize("value, good", [(0, True), (65535, True), (-1, False), (65536, False)])
def test_a_port_has_sixteen_bits(value: int, good: bool) -> None:
    """What has more is not cut off silently."""
    if good:
        a_port(int, value)
    else:
        with pytest.raises(ValueError, match="65535"):
            a_port(int, value)


@pytest.mark.parametrize(
    "url, mend",
    [("http://x", "Write it like wss://"), ("ws://example.com/v2", "ws:// is for an exchange on")],
)
def test_a_wrong_url_is_said_of_the_option(url: str, mend: str) -> None:
    """Not of the field of the library that it becomes, nor with what only programs can do."""
    with pytest.raises(ConfigurationError) as caught:
        configured(url)
    assert caught.value.field == "url"
    assert mend in caught.value.mend


def test_other_settings_are_refused_as_they_are() -> None:
    """And taken as they are."""
    with pytest.raises(ConfigurationError, match="timeout"):
        configured("wss://x/v2", timeout=-1)
    assert configured("wss://x/v2", timeout=3).timeout == 3

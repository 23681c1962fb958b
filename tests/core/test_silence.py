"""When a silent subscription is to be probed, and how often."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.core.silence import AT_ONCE, LONGEST, Silence
from kraken_trio._internal.model.channel import Channel

BTC, ETH = Channel.book("BTC/USD"), Channel.book("ETH/USD")


def silence(*parts: Channel, limit_s: float = 60.0) -> Silence:
    """Give the silences of a connection on which these were live at moment zero."""
    made = Silence(limit_s)
    made.begin(0.0)
    made.look(dict.fromkeys(parts, 7), 0.0)
    return made


def probes(made: Silence, until: float, part: Channel = BTC) -> list[float]:
    """Give when ``part``, which never says anything, is probed."""
    found: list[float] = []
    while made.due <= until:
        now = made.due
        if part in made.look({part: 7}, now):
            found.append(now)
    return found


def test_who_says_something_is_not_probed() -> None:
    """A message in each time of the limit is enough; the one that says nothing is found."""
    made = silence(BTC, ETH)
    for number in range(1, 5):
        assert made.look({BTC: 7 + number, ETH: 7}, 15.0 * number - 0.1) == []
    assert made.look({BTC: 12, ETH: 7}, 60.0) == [ETH]


def test_a_market_that_stays_quiet_is_probed_ever_more_rarely() -> None:
    """Each probe that brings nothing doubles the wait, up to a bound."""
    found = probes(silence(BTC), 8000.0)
    waits = [after - before for before, after in zip([0.0, *found], found, strict=False)]
    assert waits == [60.0, 120.0, 240.0, 480.0, 960.0, *[LONGEST * 60.0] * (len(waits) - 5)]
    assert len(waits) > 6


def test_a_message_ends_the_silence() -> None:
    """From then on the limit counts as at first."""
    made = silence(BTC)
    assert probes(made, 400.0) == [60.0, 180.0]
    made.look({BTC: 8}, 400.0)
    assert [made.look({BTC: 8}, now) for now in (459.0, 460.0)] == [[], [BTC]]


@pytest.mark.parametrize(
    "part, first",
    [
        (BTC, 60.0),
        (Channel.level3("BTC/USD"), 60.0),
        (Channel.ticker("BTC/USD", event_trigger="bbo"), 60.0),
        (Channel.ticker("BTC/USD"), 300.0),
        (Channel.trades("BTC/USD"), 300.0),
        (Channel.ohlc("BTC/USD"), 300.0),
        (Channel.instrument(), 3600.0),
        (Channel.executions(), None),
        (Channel.balances(), None),
    ],
)
def test_each_channel_has_its_limit(part: Channel, first: float | None) -> None:
    """What comes with each trade may be silent for longer; one's own account for ever."""
    assert probes(silence(part), 3600.0, part)[:1] == ([] if first is None else [first])


def test_nothing_is_looked_at_without_a_limit_or_a_connection() -> None:
    """Zero means never; and who is gone is not silent."""
    assert silence(BTC, limit_s=0).due == 0.0  # the look that the test made
    made = Silence(0)
    made.begin(0.0)
    assert made.due == math.inf
    made = silence(BTC)
    made.end()
    assert made.due == math.inf
    made.begin(1000.0)
    assert made.look({BTC: 7}, 1060.0) == []  # a new connection, a new beginning


def test_the_longest_silent_are_probed_first_and_not_all_at_once() -> None:
    """The exchange limits how much may be asked for in a second."""
    parts = [Channel.book(f"A{number}/USD") for number in range(AT_ONCE + 5)]
    late = parts[:5]
    made = Silence(60.0)
    made.look(dict.fromkeys(parts, 0), 0.0)
    made.look({part: int(part in late) for part in parts}, 30.0)
    counts = {part: int(part in late) for part in parts}
    assert made.look(counts, 90.0) == parts[5:]
    assert made.look(counts, 105.0) == late


def test_who_could_not_be_heard_was_not_silent() -> None:
    """The limit counts from there; without a connection there is nothing to count."""
    made = silence(BTC)
    made.look({BTC: 7}, 15.0)
    made.excuse(100.0)
    assert made.look({BTC: 7}, 115.0) == []
    assert made.look({BTC: 7}, 174.0) == []
    assert made.look({BTC: 7}, 175.0) == [BTC]
    made.end()
    made.excuse(200.0)
    assert made.due == math.inf


def test_what_a_probe_showed_is_counted_until_something_comes() -> None:
    """How often in a row, and how long it was silent."""
    made = silence(BTC)
    assert made.look({BTC: 7}, 60.0) == [BTC]
    assert made.stalled(BTC, 61.0) == (1, 61.0)
    assert made.look({BTC: 7}, 120.0) == [BTC]  # and it is asked again as soon as the first time
    assert made.stalled(BTC, 180.0) == (2, 180.0)
    made.look({BTC: 8}, 195.0)
    assert made.stalled(BTC, 200.0) == (1, 5.0)
    assert made.stalled(ETH, 200.0) == (1, 0.0)


@given(st.lists(st.tuples(st.floats(0.1, 100.0), st.booleans()), max_size=60))
def test_no_silence_of_two_limits_stays_unseen_and_no_shorter_one_is(
    steps: list[tuple[float, bool]],
) -> None:
    """However messages fall: one is probed only when it was silent for the limit, and is when it
    was silent for a quarter more.
    """
    made, now, count, since, probed = silence(BTC), 0.0, 7, 0.0, False
    for wait, speaks in steps:
        end = now + wait
        while made.due <= end:
            now = made.due
            if made.look({BTC: count}, now):
                assert now - since >= 60.0
                probed = True
            assert probed or now - since < 60.0 + 15.0
        now = end
        if speaks:
            count, since, probed = count + 1, now, False

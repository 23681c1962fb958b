"""What waits to go wrong is taken once, by what it fits, in order."""

from __future__ import annotations

from kraken_trio._internal.testing.gate import Refusal
from kraken_trio._internal.testing.mishap import ChaosFault, Mishap, Planned
from kraken_trio._internal.testing.trouble import Trouble, in_lines

REFUSAL = Refusal(503, None)


def planned(number: int, at_s: float, fault: ChaosFault = ChaosFault.DROP) -> Planned:
    """Plan one."""
    return Planned(number, at_s, fault, str(number))


def taken(trouble: Trouble, now: float, *fitting: ChaosFault) -> int | None:
    """Take one that is among these, or any; give its number."""
    found = trouble.take(lambda fault: not fitting or fault in fitting, now)
    return None if found is None else found.number


def test_a_plan_comes_in_time() -> None:
    """Not before its time; once; and what was late makes what follows late."""
    trouble = Trouble(lambda _: None, [planned(1, 1), planned(2, 3, ChaosFault.BAN), planned(3, 4)])
    assert taken(trouble, 0.9) is None
    assert taken(trouble, 1.5) == 1
    assert taken(trouble, 3.4) is None
    assert taken(trouble, 10) == 2
    assert taken(trouble, 10.9) is None
    assert taken(trouble, 11) == 3
    assert taken(trouble, 1e9) is None


def test_the_first_that_fits_is_taken() -> None:
    """Others wait on; of one kind only one waits that was planned."""
    trouble = Trouble(lambda _: None, [planned(1, 1), planned(2, 2), planned(3, 3, ChaosFault.BAN)])
    for now in (1, 2, 3):
        assert taken(trouble, now, ChaosFault.STALL) is None
    assert [each.number for each in trouble.waiting] == [1, 3]
    trouble.add(planned(4, 0))
    assert taken(trouble, 4, ChaosFault.BAN) == 3
    assert taken(trouble, 4) == 1
    assert taken(trouble, 4) == 4


def test_what_happened_is_told_and_kept() -> None:
    """To the listener and in the log, which can be printed."""
    told: list[Mishap] = []
    trouble = Trouble(told.append)
    trouble.happened(planned(7, 1), 2.0, 3, "lost it")
    assert list(trouble.log) == told == [Mishap(2.0, ChaosFault.DROP, 3, "lost it", 7)]
    assert in_lines(told * 2).count("lost it") == 2


def test_upgrades_are_refused_for_some_time_or_some_times() -> None:
    """Whichever was said last; then no more."""
    trouble = Trouble(lambda _: None)
    assert trouble.refusal(0) is None
    trouble.refuse(REFUSAL, until=5)
    assert trouble.refusal(4.9) == REFUSAL
    assert trouble.refusal(5) is None
    trouble.refuse(REFUSAL, times=2)
    assert [trouble.refusal(6) for _ in range(3)] == [REFUSAL, REFUSAL, None]


def test_handshakes_suffer_one_by_one() -> None:
    """Each slowness, and each failure of TLS, is for one."""
    trouble = Trouble(lambda _: None)
    trouble.slow_down(2.0)
    trouble.fail_tls()
    assert [trouble.slowness(), trouble.slowness()] == [2.0, 0.0]
    assert [trouble.fails_tls(), trouble.fails_tls()] == [True, False]


def test_calm_ends_it_all() -> None:
    """What waits, what was promised and what will be planned comes no more."""
    trouble = Trouble(lambda _: None, [planned(1, 1)])
    trouble.add(planned(2, 0))
    trouble.refuse(REFUSAL, until=5, times=1)
    trouble.slow_down(2.0)
    trouble.fail_tls()
    trouble.quiet()
    trouble.add(planned(3, 0))
    assert taken(trouble, 2) is None
    assert (trouble.refusal(0), trouble.slowness(), trouble.fails_tls()) == (None, 0.0, False)

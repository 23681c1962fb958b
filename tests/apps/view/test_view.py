"""The view: what hooks and records come to."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from kraken_trio import (
    BookState,
    ConnectionState,
    Gap,
    GapReason,
    InstrumentPair,
    LatencyAlert,
    LatencyStage,
    ProtocolError,
    Restored,
    Resync,
    SessionTrigger,
    StateChange,
    SubscriptionError,
    SystemStatus,
    Timestamp,
)
from kraken_trio._internal.apps.view.view import View

if TYPE_CHECKING:
    from tests.apps.view.conftest import Clock, Made

pytestmark = pytest.mark.extra("cli")  # noqa: S610 - a mark of pytest, no query of Django

BTC = "BTC/USD"
NOW = Timestamp(77 * 1_000_000)


@pytest.fixture
def view(clock: Clock) -> View:
    """Give a view of one pair."""
    view = View(clock, url="wss://here/v2")
    view.want(BTC)
    return view


def test_records_are_for_pairs_that_are_wanted(view: View, made: type[Made]) -> None:
    """What comes after the last one left is dropped, and so is what has no pair."""
    view.add(made.trade(1))
    view.forget(BTC)
    view.forget(BTC)
    view.add(made.trade(2))
    view.add("what else")
    assert view.pairs == {}
    view.want(BTC)
    assert view.pairs[BTC].trade_count == 0
    view.add(made.trade(3))
    view.want(BTC)
    assert view.pairs[BTC].trade_count == 1


def test_prices_are_told_as_they_come(view: View, made: type[Made]) -> None:
    """Of trades and tickers; of the trades that a subscription begins with those alone that were
    missed meanwhile, as the feed leaves out what it has told before.
    """
    heard: list[tuple[str, Decimal]] = []
    view.on_price = lambda symbol, price: heard.append((symbol, price))
    for record in (
        made.trade(1, "1.0", snapshot=True),
        made.ticker("2.0", snapshot=True),
        made.trade(2, "3.0"),
        made.ticker("4.0"),
        made.candle(0),
        made.trade(3, "5.0", snapshot=True),
    ):
        view.add(record)
    assert heard == [(BTC, Decimal(price)) for price in ("2.0", "3.0", "4.0", "5.0")]


def test_instruments_tell_which_pairs_there_are(view: View) -> None:
    """And how each stands; one without a status tells nothing."""
    for pair in (
        InstrumentPair(symbol=BTC, status="online"),
        InstrumentPair(symbol="NO/NO"),
        InstrumentPair(symbol=BTC, status="post_only"),
    ):
        view.add(pair)
    assert view.statuses == {BTC: "post_only"}
    assert view.card(BTC)["status"] == "post_only"


def test_frames_are_kept_both_ways(view: View) -> None:
    """A copy of each: what came in may be overwritten."""
    payload = bytearray(b"abc")
    view.frame_received("public", memoryview(payload), NOW)
    payload[:] = b"xxx"
    view.frame_sent("public", b"out", NOW)
    assert [frame.payload for frame in view.frames._kept] == [b"abc", b"out"]


def test_what_happened_is_in_the_log(view: View) -> None:
    """A line for each hook, and none for a transition that leads nowhere."""
    state = ConnectionState
    view.gap("public", Gap("book", BTC, GapReason.CHECKSUM))
    view.resync("public", Resync("book", BTC, GapReason.CHECKSUM, 1.0, NOW))
    view.restored(Restored("public", 1.0, NOW))
    view.fault("public", ProtocolError("oops"))
    view.subscription_failed("public", SubscriptionError("no", "book", "NO/NO"))
    trigger = SessionTrigger.LOST
    view.state_changed(
        StateChange("public", state.SUBSCRIBED, state.DEGRADED, trigger, "gone", NOW)
    )
    view.state_changed(StateChange("public", state.DEGRADED, state.DEGRADED, trigger, "", NOW))
    kinds = [line["kind"] for line in view.chronicle.since(0)]
    assert kinds == ["gap", "resync", "reconnect", "error", "error", "state"]


def test_a_look_makes_the_figures(view: View, made: type[Made], clock: Clock) -> None:
    """All of them, from the statistics; a session stands where it does since it went there."""
    trigger = SessionTrigger.CONFIRMED
    state = ConnectionState
    view.state_changed(StateChange("public", state.SUBSCRIBING, state.SUBSCRIBED, trigger, "", NOW))
    view.gap("public", Gap("book", BTC, GapReason.CHECKSUM))
    view.look(made.statistics(books={BTC: BookState.LIVE, "ETH/USD": BookState.LIVE}))
    assert view.sessions[0]["since"] == 77
    assert view.sessions[0]["url"] == "wss://here/v2"
    verdicts = [view.health.verdict]
    assert view.counts["gaps"] == 3
    assert view.counts["reconnects"] == 1
    assert view.buffers[0]["name"] == "book"
    assert view.books == {BTC: ("synchronised", 5, 1)}
    clock.now += 60_000
    view.look(made.statistics(books={BTC: BookState.LIVE}))
    assert [*verdicts, view.health.verdict] == ["degraded", "healthy"]
    assert view.rates["frames"] == 0.0


def test_attempts_that_fail_are_no_return(view: View, made: type[Made], clock: Clock) -> None:
    """However many states they are: what counts is since when it is away."""
    state, trigger = ConnectionState, SessionTrigger.RETRY
    way = (state.SUBSCRIBED, state.DEGRADED, state.CONNECTING, state.SUBSCRIBING)
    verdicts = []
    for number in range(12):
        before, after = (way[number % 3 + 0], way[number % 3 + 1])
        clock.now += 1_000
        at = Timestamp(clock.now * 1_000_000)
        view.state_changed(StateChange("public", before, after, trigger, "", at))
        view.look(made.statistics(after))
        verdicts.append(view.health.verdict)
    clock.now += 1_000
    at = Timestamp(clock.now * 1_000_000)
    view.look(made.statistics(state.DEGRADED))
    assert verdicts == ["degraded"] * 10 + ["unhealthy", "degraded"]
    assert "away for 12 s" in view.health.reasons[0]
    view.state_changed(StateChange("public", state.SUBSCRIBING, state.SUBSCRIBED, trigger, "", at))
    view.state_changed(StateChange("public", state.SUBSCRIBED, state.DEGRADED, trigger, "", at))
    view.look(made.statistics(state.DEGRADED))
    assert view.health.verdict == "degraded"


def test_a_session_that_never_connected_stands_there_since_it_was_seen(
    view: View, made: type[Made], clock: Clock
) -> None:
    """Nobody tells of that."""
    view.look(made.statistics(ConnectionState.DISCONNECTED))
    seen = clock.now
    clock.now += 5
    view.look(made.statistics(ConnectionState.DISCONNECTED))
    assert view.sessions[0]["since"] == seen


@pytest.mark.parametrize(
    "state, word",
    [
        (BookState.LIVE, "synchronised"),
        (BookState.AWAITING_SNAPSHOT, "waiting"),
        (BookState.RESYNCING, "resyncing"),
        (BookState.CLOSED, "closed"),
    ],
)
def test_a_ladder_tells_the_state_of_its_book(
    view: View, made: type[Made], state: BookState, word: str
) -> None:
    """One that went since the last look is not called synchronised; one that came is."""
    view.look(made.statistics(books={BTC: state}))
    shown = view.ladder(BTC, None)
    assert shown["state"] == ("waiting" if word == "synchronised" else word)
    assert shown["verified"] == 5
    assert view.ladder(BTC, made.book("1"))["state"] == "synchronised"
    assert view.ladder("ETH/USD", None)["state"] == "waiting"


def test_alerts_are_told_and_make_it_degraded(view: View, made: type[Made]) -> None:
    """What the exchange says of itself is told when it changes: each connection begins with it."""
    for system in ("online", "online", "maintenance"):
        view.heard(SystemStatus(system=system))
    view.heard(LatencyAlert(LatencyStage.NETWORK, "book", BTC, 0.2, 0.1, 1, NOW))
    texts = [line["text"] for line in view.chronicle.since(0)]
    assert [text.rpartition(" ")[2] for text in texts] == ["online", "maintenance", "allowed"]
    view.look(made.statistics(books={BTC: BookState.LIVE}))
    assert view.health.reasons == ("The exchange says that it is maintenance.",)


def test_what_is_late_makes_it_degraded(view: View, made: type[Made], clock: Clock) -> None:
    """Half of what came, and no single record."""
    view.look(made.statistics(books={BTC: BookState.LIVE}))
    clock.now += 1000
    for number in range(30):
        took_ms = 500 if number < 20 else 1
        update = made.trade(number, at_ms=0, received_at=Timestamp(took_ms * 1_000_000))
        view.latency.record_received("public", update)
    view.look(made.statistics(books={BTC: BookState.LIVE}))
    assert view.health.reasons == ("Half of what came in the last 10 s was late: network.",)


def test_a_pair_that_nobody_showed_yet_has_a_listener_to_spare(made: type[Made]) -> None:
    """Prices may come before anybody wants to be told."""
    view = View(lambda: 0, url="")
    view.want(BTC)
    view.add(made.trade(1))
    assert view.pairs[BTC].last == Decimal("10.0")

"""Bytes of a server go through as they are, but for what is to go wrong; in pieces of any size."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_trio._internal.model.errors import ProtocolError
from kraken_trio._internal.testing.frames import heartbeat_frame, success_frame
from kraken_trio._internal.testing.mangler import Cut, Mangler, Pause, Step
from kraken_trio._internal.testing.market import Market
from kraken_trio._internal.testing.mishap import ChaosFault, Mishap, Planned
from kraken_trio._internal.testing.trouble import Trouble
from kraken_trio._internal.wire.frames import CLOSE, PING, TEXT, FrameSplitter, encode_frame

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
PING_FRAME = encode_frame(PING, b"p")
MARKET = Market(seed=1, start=10**18)
SNAPSHOT = MARKET.book_snapshot("BTC/USD", 1000)
MARKET.watch("BTC/USD", 10)


def update() -> bytes:
    """Give the next update of a book."""
    while True:
        for event in MARKET.step():
            if event.channel == "book":
                return event.frame


ACK = success_frame("subscribe", {"channel": "book", "symbol": "BTC/USD"}, 0, req_id=3)
PRIVATE = success_frame("subscribe", {"channel": "executions"}, 0, req_id=4)
ONE, TWO, THREE = update(), update(), update()
OTHER = ONE.replace(b"BTC", b"ETH")
MESSAGES = (heartbeat_frame(), ACK, PRIVATE, SNAPSHOT, ONE, OTHER, TWO, THREE, heartbeat_frame())


def wire(*messages: bytes) -> bytes:
    """Frame messages, one after the other."""
    return b"".join(encode_frame(TEXT, message) for message in messages)


class Peer:
    """A connection with faults, from its beginning, or with its upgrade behind it."""

    def __init__(self, *faults: ChaosFault, seed: str = "1", answered: bool = True) -> None:
        """Let these wait."""
        self.log: list[Mishap] = []
        self.trouble = Trouble(self.log.append)
        self.seed = seed
        for fault in faults:
            self.add(fault)
        self.mangler = Mangler(self.trouble, 1)
        if answered:
            assert self.mangler.feed(HEAD, 0) == [HEAD]

    def add(self, fault: ChaosFault) -> None:
        """Let one wait."""
        self.trouble.add(Planned(1, 0, fault, self.seed))

    def say(self, *messages: bytes, now: float = 1.0) -> list[Step]:
        """Send messages; give what comes of them."""
        return self.mangler.feed(wire(*messages), now)

    def hear(self, *messages: bytes, now: float = 1.0) -> list[bytes]:
        """Send messages, and give those that come: whole, and right as WebSocket frames."""
        return heard(self.say(*messages, now=now))


def heard(steps: Iterable[Step]) -> list[bytes]:
    """Give the messages in what comes."""
    splitter = FrameSplitter()
    splitter.feed(b"".join(step for step in steps if isinstance(step, bytes)))
    return splitter.next_messages()


@given(st.data())
def test_without_faults_every_byte_goes_through(data: st.DataObject) -> None:
    """In order, whatever the pieces are that it comes in; the half of a frame at the end, too."""
    whole = HEAD + wire(*MESSAGES[:3]) + PING_FRAME + wire(*MESSAGES[3:]) + b"\x81\x7e\x01"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    mangler = Mangler(Trouble(lambda _: None), 1)
    steps: list[Step] = []
    for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        steps += mangler.feed(whole[begin:end], 0)
    assert b"".join(step for step in steps if isinstance(step, bytes)) == whole[:-3]
    assert mangler.finish() == [whole[-3:]]
    assert mangler.finish() == []


def test_another_answer_goes_through() -> None:
    """Where a server refuses by itself, nothing is touched."""
    answer = b"HTTP/1.1 403 Forbidden\r\n\r\nwhy"
    mangler = Peer(ChaosFault.CLOSE_1000, answered=False).mangler
    assert mangler.feed(answer[:5], 0) == []
    assert mangler.feed(answer[5:], 0) == [answer]
    assert mangler.feed(b" not", 0) == [b" not"]
    assert mangler.finish() == []


def test_an_update_comes_behind_the_next_one() -> None:
    """Of its own book; others pass."""
    assert Peer(ChaosFault.REORDER).hear(*MESSAGES) == [
        *MESSAGES[:4],
        OTHER,
        TWO,
        ONE,
        *MESSAGES[7:],
    ]


def test_a_book_falls_silent_until_it_is_asked_for() -> None:
    """The one, and nothing else; a confirmation ends it, and so does calm."""
    peer = Peer(ChaosFault.STALL_SUBSCRIPTION)
    assert peer.hear(ONE, TWO, OTHER, SNAPSHOT, heartbeat_frame()) == [OTHER, heartbeat_frame()]
    assert peer.hear(TWO, ACK, SNAPSHOT, THREE) == [ACK, SNAPSHOT, THREE]
    peer.add(ChaosFault.STALL_SUBSCRIPTION)
    assert peer.hear(ONE) == []
    peer.trouble.quiet()
    assert peer.hear(TWO) == [TWO]


def test_a_confirmation_comes_late() -> None:
    """Its data first; it comes with what comes when it is due."""
    peer = Peer(ChaosFault.LATE_ACK)
    assert peer.hear(ACK, SNAPSHOT, ONE, now=1) == [SNAPSHOT, ONE]
    assert peer.hear(heartbeat_frame(), now=1.4) == [heartbeat_frame()]
    assert peer.hear(TWO, now=9.1) == [TWO, ACK]


def test_a_delay_holds_up_all_that_follows() -> None:
    """A pause, then everything in order."""
    first, second, *rest = Peer(ChaosFault.DELAY).say(ONE, TWO)
    assert isinstance(first, Pause)
    assert 0.05 <= first.seconds <= 3
    assert [second, *rest] == [wire(ONE), wire(TWO)]


def test_messages_are_torn_and_joined() -> None:
    """Every byte comes, in other pieces; where the server ends, what was held back, too."""
    pieces = Peer(ChaosFault.SPLIT).say(ONE, TWO)
    assert max(len(piece) for piece in pieces if isinstance(piece, bytes)) <= 40
    assert heard(pieces) == [ONE, TWO]
    peer = Peer(ChaosFault.SPLIT)
    steps = peer.say(*[ONE] * 30)
    assert steps[-1] == wire(ONE)
    peer = Peer(ChaosFault.JOIN)
    steps = peer.say(*[ONE] * 30)
    joined = steps[0]
    assert isinstance(joined, bytes)
    assert len(joined) % len(wire(ONE)) == 0
    assert steps[1:] == [wire(ONE)] * (30 - len(joined) // len(wire(ONE)))
    peer = Peer(ChaosFault.JOIN)
    assert peer.say(ONE) == []
    assert peer.mangler.finish() == [wire(ONE)]


@pytest.mark.parametrize("seed", range(20))
def test_fragments_are_one_message(seed: int) -> None:
    """With a ping in between, and followed by the next one."""
    peer = Peer(ChaosFault.FRAGMENT, seed=str(seed))
    steps = peer.say(ONE, TWO)
    assert heard(steps) == [ONE, TWO]
    assert encode_frame(PING, b"between") in b"".join(s for s in steps if isinstance(s, bytes))


@pytest.mark.parametrize(
    "fault, code", [(ChaosFault.OVERSIZE, 1009), (ChaosFault.INVALID_UTF8, 1007)]
)
def test_what_no_client_may_take(fault: ChaosFault, code: int) -> None:
    """It breaks the rules in the one way that has this code."""
    with pytest.raises(ProtocolError) as caught:
        Peer(fault).hear(SNAPSHOT)
    assert caught.value.close_code == code


def test_times_are_wrong_from_then_on() -> None:
    """By the same, in every message; all else is right."""
    peer = Peer(ChaosFault.CLOCK_SKEW)
    first, second, third = peer.hear(ONE, TWO, THREE)
    assert first == ONE
    assert second != TWO
    assert {**json.loads(third), "data": None} == {**json.loads(THREE), "data": None}
    assert json.loads(third)["data"][0]["checksum"] == json.loads(THREE)["data"][0]["checksum"]


@pytest.mark.parametrize("fault", [ChaosFault.STALL, ChaosFault.HALF_OPEN])
def test_silence(fault: ChaosFault) -> None:
    """Nothing comes any more, not even what follows the end; half-open, nothing gets out."""
    peer = Peer(fault)
    assert peer.say(ONE, TWO) == []
    assert peer.mangler.feed(PING_FRAME, 2) == []
    assert peer.mangler.finish() == []
    assert peer.mangler.deaf == (fault is ChaosFault.HALF_OPEN)


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 1013])
def test_close_codes(code: int) -> None:
    """A Close with that code, and nothing behind it."""
    (close,) = Peer(ChaosFault(f"close_{code}")).say(ONE, TWO)
    assert isinstance(close, bytes)
    assert close[0] == 0x80 | CLOSE
    assert int.from_bytes(close[2:4], "big") == code


@pytest.mark.parametrize("seed", range(20))
def test_cuts_in_frames(seed: int) -> None:
    """Some of a frame, never nothing and never all of it, and the end."""
    part, end = Peer(ChaosFault.CUT_IN_FRAME, seed=str(seed)).say(ONE, TWO)
    assert end == Cut()
    assert isinstance(part, bytes)
    assert wire(ONE).startswith(part)
    assert 0 < len(part) < len(wire(ONE))


@pytest.mark.parametrize(
    "fault, statuses, times",
    [
        (ChaosFault.REFUSED_UPGRADE, {b"403", b"429", b"500", b"502", b"503"}, range(1, 4)),
        (ChaosFault.MAINTENANCE, {b"503"}, range(100, 101)),
        (ChaosFault.BAN, {b"429"}, range(100, 101)),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_the_next_are_refused(
    fault: ChaosFault, statuses: set[bytes], times: range, seed: int
) -> None:
    """This connection ends, and the next ones get a status, some of them or for some time."""
    peer = Peer(fault, seed=str(seed))
    assert peer.say(ONE, now=5)
    refused = 0
    while refused < 100:
        answer, *rest = Mangler(peer.trouble, 2).feed(HEAD + wire(ONE), 7)
        assert isinstance(answer, bytes)
        if answer == HEAD:
            break
        assert rest == [Cut()]
        assert answer.split()[1] in statuses
        refused += 1
    assert refused in times
    assert Mangler(peer.trouble, 2).feed(HEAD, 40) == [HEAD]
    assert len(peer.log) == 1


def test_some_bans_tell_when_they_end() -> None:
    """And others do not."""
    answers: list[Step] = []
    for seed in range(20):
        peer = Peer(ChaosFault.BAN, seed=str(seed))
        assert peer.say(ONE, now=5) == [Cut()]
        answers.append(Mangler(peer.trouble, 2).feed(HEAD, 7)[0])
    told = [isinstance(answer, bytes) and b"Retry-After" in answer for answer in answers]
    assert set(told) == {True, False}


def test_handshakes() -> None:
    """The next one has no TLS, or has to wait; the one after it has not."""
    peer = Peer(ChaosFault.TLS_FAILURE)
    assert peer.say(ONE) == [Cut()]
    assert peer.trouble.fails_tls()
    peer = Peer(ChaosFault.SLOW_HANDSHAKE)
    assert peer.say(ONE) == [Cut()]
    pause, head = Mangler(peer.trouble, 2).feed(HEAD, 0)
    assert isinstance(pause, Pause)
    assert head == HEAD
    assert Mangler(peer.trouble, 2).feed(HEAD, 0) == [HEAD]


def test_what_was_refused_is_not_told() -> None:
    """Neither it nor what else the same request asked for; a confirmation of another ends that."""
    events = b'{"channel":"executions","type":"update","data":[],"sequence":1}'
    balances = success_frame("subscribe", {"channel": "balances"}, 0, req_id=4)
    peer = Peer(ChaosFault.AUTH_REFUSAL)
    refusal, *others = peer.hear(PRIVATE, balances, events, heartbeat_frame(), ACK, ONE)
    assert b'"success":false' in refusal
    assert others == [heartbeat_frame(), ACK, ONE]
    peer.trouble.quiet()
    assert peer.hear(events, ONE) == [ONE]
    again = PRIVATE.replace(b'"req_id":4', b'"req_id":5')
    assert peer.hear(again, events) == [again, events]
    assert peer.hear(balances, events) == [events]


def test_a_server_refuses_tokens_itself() -> None:
    """There it is nothing that could be done to a message."""
    peer = Peer(ChaosFault.AUTH_REFUSAL)
    mangler = Mangler(peer.trouble, 1, at_server=True)
    assert heard(mangler.feed(HEAD + wire(PRIVATE), 0)[1:]) == [PRIVATE]
    assert [planned.fault for planned in peer.trouble.waiting] == [ChaosFault.AUTH_REFUSAL]


def test_calm_ends_what_lasts() -> None:
    """What was held back comes with the next message, in the order of its coming; times are right
    and messages in one piece.
    """
    peer = Peer(ChaosFault.CLOCK_SKEW, ChaosFault.REORDER, ChaosFault.LATE_ACK)
    assert peer.hear(OTHER, ONE, ACK) == [OTHER]
    peer.add(ChaosFault.JOIN)
    assert peer.say(heartbeat_frame()) == []
    peer.trouble.quiet()
    joined, held, late, *rest = peer.say(heartbeat_frame(), TWO)
    assert heard([joined]) == [heartbeat_frame()]
    ((skewed_one,), (skewed_ack,)) = heard([held]), heard([late])
    assert json.loads(skewed_one)["data"][0]["checksum"] == json.loads(ONE)["data"][0]["checksum"]
    assert json.loads(skewed_ack)["req_id"] == 3
    assert rest == [wire(heartbeat_frame()), wire(TWO)]
    peer = Peer(ChaosFault.SPLIT)
    assert len(peer.say(ONE)) > 1
    peer.trouble.quiet()
    assert peer.say(TWO) == [wire(TWO)]


@pytest.mark.parametrize("depth", [10, 25, None])
def test_a_quantity_is_corrupted_where_a_checksum_can_tell(depth: int | None) -> None:
    """In any snapshot; in updates where the book is known to be no deeper than that."""
    peer = Peer(ChaosFault.CORRUPT_QUANTITY)
    if depth is not None:
        result = {"channel": "book", "symbol": "BTC/USD", "depth": depth}
        peer.say(success_frame("subscribe", result, 0))
    (update,) = peer.hear(ONE)
    assert (update != ONE) == (depth == 10)
    if depth != 10:
        (snapshot,) = peer.hear(SNAPSHOT)
        assert snapshot != SNAPSHOT


@pytest.mark.parametrize("fault", ChaosFault)
def test_every_fault_happens_once_and_is_told(fault: ChaosFault) -> None:
    """Among messages of each kind, each fault finds one; twice the same with the same seed."""
    outcomes = []
    for _ in range(2):
        peer = Peer(fault, seed=f"{fault.value}")
        steps = [*peer.say(*MESSAGES), *peer.mangler.finish()]
        (mishap,) = peer.log
        assert (mishap.fault, mishap.connection, mishap.at_s) == (fault, 1, 1.0)
        assert mishap.what
        assert peer.trouble.waiting == []
        outcomes.append((steps, mishap))
    assert outcomes[0] == outcomes[1]
    assert b"".join(step for step in outcomes[0][0] if isinstance(step, bytes)) != wire(
        *MESSAGES
    ) or fault in {ChaosFault.DELAY, ChaosFault.SPLIT, ChaosFault.JOIN, ChaosFault.CLOCK_SKEW}


@given(st.binary(max_size=2000), st.integers(0, 1000))
def test_any_bytes_are_taken(garbage: bytes, seed: int) -> None:
    """Whatever a server sends: it does not matter here, with any fault."""
    peer = Peer(*ChaosFault, seed=str(seed))
    peer.mangler.feed(wire(ONE, ACK) + garbage, 1)
    Mangler(Trouble(lambda _: None), 1).feed(garbage, 1)

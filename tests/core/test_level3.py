"""The order-by-order book: the published checksum, the rules of its queues, and any traffic."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from copy import copy
from decimal import Context, Decimal, Inexact, localcontext
from typing import Any, Literal

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from kraken_trio._internal.core.level3 import Level3Book
from kraken_trio._internal.model.gap import Gap
from kraken_trio._internal.model.level3 import (
    Level3Order,
    Level3Snapshot,
    Level3Update,
    QueuePosition,
)
from kraken_trio._internal.model.lifecycle import BookState
from kraken_trio._internal.model.messages import Level3Message
from kraken_trio._internal.model.timestamp import Timestamp

SYMBOL = "BTC/USD"
AT = Timestamp(1_700_000_000_000_000_000)
Form = Callable[[str], str]
"""How numbers are written."""
Event = Literal["add", "modify", "delete"]

# The worked example of the checksum guide: price, quantity, order, time on 8 January 2024.
GUIDE_ASKS = """
    44939.5 4.52308393 OFVLAA-HRSSP-BK75KB 12:18:05.770906486
    44939.5 0.00111261 OYBAMK-O5DKX-WMPUTM 12:18:12.847426441
    44939.5 0.00100000 O3DRCT-J5M2S-KYV526 12:26:42.108176464
    44939.5 0.01000000 OF3X3A-72WZY-6EKA5F 12:26:43.955098263
    44950.0 0.10334926 OF5UA6-6IIZ2-YGQTSJ 12:25:52.800473795
    44953.0 0.00064537 OSDOZX-7UZ6Y-QDNPVI 12:24:58.086806970
    44955.0 0.00250000 OV7KTS-A2TWV-3XKRIA 12:21:52.257936228
    44959.6 0.35630000 OOF2V5-RYOHC-GLRNPM 12:26:44.202823127
    44959.6 0.35630000 OTVOVS-QLST3-3JG7JI 12:26:44.203383999
    44960.1 0.00338072 OGZCIU-RDQ77-DAAL3P 12:26:42.724829715
    44960.2 0.88967575 OVLG3E-HYBQM-CWNGCY 12:26:12.935924248
    44967.0 3.14392283 OWEOFO-HUCJC-T37MVO 12:26:39.474431925
    44978.5 0.06778960 OVYTHY-D2N76-5QYREQ 12:26:41.229379178
    44979.2 0.35630000 OFO525-PHRVS-236RMN 12:26:20.271584488
"""
GUIDE_BIDS = """
    44939.4 0.88968699 OTCFZG-YOE2Q-LQKNM3 12:26:39.526146327
    44939.4 0.45210000 OFGP5R-B3E7G-54EZD6 12:26:39.530287934
    44939.4 0.10000000 OMPHVY-IZPJ4-KOKA3P 12:26:39.576380340
    44939.4 0.14296323 OAI5QZ-AMPLW-NBNO72 12:26:39.602118534
    44939.4 0.25000000 O7VFZI-CTFWH-FF6EIR 12:26:41.780601700
    44939.4 0.10292988 O472V3-ZG4EZ-OLD66C 12:26:43.087136366
    44939.4 0.33880000 OEK26P-BGPUK-LDHMD2 12:26:43.822433365
    44939.4 1.28140860 OSMYPE-S5VOC-YSS3WM 12:26:45.066096694
    44937.1 0.03346877 OJPMIN-NXZL5-SOWP6V 12:26:39.691304329
    44934.7 0.35630000 O6PUGE-SQWYQ-TRJEEE 12:26:44.129718463
    44930.2 0.22734299 OPUOGC-Q532V-3OKLPM 12:26:30.769031831
    44930.2 0.01000000 OCIU7J-VB3CI-HPULSF 12:26:36.054352106
    44930.2 0.05550000 ORWVAF-LJFLY-ZWEHDQ 12:26:36.635882793
    44930.2 0.70000000 OYRAHE-PI5AN-7KOQ4E 12:26:37.296554518
    44930.2 0.15000000 OGBHYU-UILDD-6DLLYJ 12:26:41.222733191
    44928.0 0.00105240 O74ZBU-K2TKC-R76XSW 12:26:23.542563322
    44919.6 0.33870000 OQVTQF-Y56MR-BM6LWL 12:26:42.808132842
    44919.5 0.07610000 OYEH6U-ZCHA2-3HFR3W 12:26:34.269600037
    44912.0 0.35630000 OLGPG7-HVKXU-J6SANK 12:26:34.961292766
    44909.7 0.06690000 OHGC3L-FRZQ3-UIVZRU 12:26:31.912880024
    44901.9 0.00088982 O73C6Y-VZXYA-H4LDFY 12:26:42.883315043
"""
GUIDE_CHECKSUM = 1063832831


def as_it_is(number: str) -> str:
    """Write a number as the wire does."""
    return number


def shortened(number: str) -> str:
    """Write a number as a float printer does: 4.50 as 4.5."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def scientific(number: str) -> str:
    """Write a number with an exponent where that is shorter: 0.0005 as 5E-4, 40.0 as 4E+1."""
    return str(Decimal(number).normalize(Context(prec=90)))


FORMS = [as_it_is, shortened, scientific]


def moment(text: str) -> Timestamp:
    """Give the time of a clock reading with nanoseconds, counted from midnight."""
    hours, minutes, seconds = text.split(":")
    whole, fraction = seconds.split(".")
    return Timestamp(f"{int(hours) * 3600 + int(minutes) * 60 + int(whole)}{fraction}")


def guide(text: str, form: Form = as_it_is) -> tuple[Level3Order, ...]:
    """Give the orders of a side of the worked example."""
    rows = [line.split() for line in text.strip().splitlines()]
    return tuple(
        Level3Order(name, Decimal(form(price)), Decimal(form(qty)), moment(time))
        for price, qty, name, time in rows
    )


def message(
    bids: tuple[Level3Order, ...] = (),
    asks: tuple[Level3Order, ...] = (),
    checksum: int = 0,
    *,
    snapshot: bool = False,
) -> Level3Message:
    """Give a message."""
    return Level3Message(SYMBOL, snapshot, bids, asks, checksum, AT, None)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("told", [True, False], ids=["told", "learned"])
@pytest.mark.parametrize("depth", [10, 1000])
def test_guide(form: Form, told: bool, depth: int) -> None:
    """The worked example of the documentation verifies, however its numbers are written."""
    precision = {"price_precision": 1, "qty_precision": 8} if told else {}
    book = Level3Book(SYMBOL, depth, **precision)
    bids, asks = guide(GUIDE_BIDS, form), guide(GUIDE_ASKS, form)
    assert (len(bids), len(asks)) == (21, 14)
    record = book.apply(message(bids, asks, GUIDE_CHECKSUM, snapshot=True))
    sent = Level3Snapshot(SYMBOL, depth, bids, asks, GUIDE_CHECKSUM, AT)
    assert record == sent
    assert (book.price_precision, book.qty_precision) == (1, 8)
    assert (book.bids, book.asks) == (bids, asks)
    assert book.snapshot() == replace(sent, local=True)


class Row:
    """An order of the model, in whole units."""

    def __init__(self, name: str, price: int, qty: int, time: int = 0) -> None:
        """Hold it."""
        self.name = name
        self.price = price
        self.qty = qty
        self.time = time
        self.added = time
        """When it was added, whatever happened to it since."""

    def order(self, event: Event | None = None) -> Level3Order:
        """Give it as it rests, or as an event."""
        return Level3Order(
            self.name, Decimal(self.price), Decimal(self.qty), Timestamp(self.time), event
        )


def text_of(side: list[Row]) -> str:
    """Give the digits of the orders of the ten best prices; the best stand first."""
    best = list(dict.fromkeys(row.price for row in side))[:10]
    return "".join(f"{row.price}{row.qty}" for row in side if row.price in best)


def crc(bids: list[Row], asks: list[Row]) -> int:
    """Give the checksum of both sides."""
    return zlib.crc32((text_of(asks) + text_of(bids)).encode())


def rows(text: str) -> list[Row]:
    """Give orders: name, price, quantity and time, separated by blanks and commas."""
    return [
        Row(name, *map(int, numbers))
        for name, *numbers in (item.split() for item in text.split(",") if item)
    ]


def live(bids: list[Row], asks: list[Row], depth: int = 10) -> Level3Book:
    """Give a live book."""
    book = Level3Book(SYMBOL, depth)
    orders = [tuple(row.order() for row in side) for side in (bids, asks)]
    record = book.apply(message(orders[0], orders[1], crc(bids, asks), snapshot=True))
    assert isinstance(record, Level3Snapshot)
    return book


def events(text: str) -> tuple[Level3Order, ...]:
    """Give events: one sign (+ add, ~ modify, - delete) before name, price, quantity and time."""
    signs: dict[str, Event] = {"+": "add", "~": "modify", "-": "delete"}
    return tuple(
        rows(item.strip()[1:])[0].order(signs[item.strip()[0]]) for item in text.split(",")
    )


QUEUE = "a 100 5 1, b 100 6 2, c 100 7 3, d 101 8 4"
TEN = ", ".join(f"n{n} {100 + n} {5 + n} {n}" for n in range(10))


@pytest.mark.parametrize(
    "before, changes, after",
    [
        pytest.param(QUEUE, "~b 100 9 8", "a 100 5,b 100 9,c 100 7,d 101 8", id="modify-in-place"),
        pytest.param(QUEUE, "-b 100 1 8", "a 100 5,c 100 7,d 101 8", id="delete-whatever-qty"),
        pytest.param(QUEUE, "-d 101 8 8", "a 100 5,b 100 6,c 100 7", id="delete-a-level"),
        pytest.param("a 100 5", "-a 100 5 8", "", id="delete-all"),
        pytest.param("", "+a 100 5 8", "a 100 5", id="add-the-first"),
        pytest.param(
            QUEUE, "+e 100 1 8", "a 100 5,b 100 6,c 100 7,e 100 1,d 101 8", id="add-at-the-end"
        ),
        pytest.param(
            QUEUE, "+e 100 1 0", "a 100 5,b 100 6,c 100 7,e 100 1,d 101 8", id="add-an-older-one"
        ),
        pytest.param(QUEUE, "+e 99 1 8", f"e 99 1,{QUEUE}", id="add-a-level"),
        pytest.param(
            QUEUE, "+a 100 4 8", "b 100 6,c 100 7,a 100 4,d 101 8", id="add-again-at-the-end"
        ),
        pytest.param(
            QUEUE, "+d 100 4 8", "a 100 5,b 100 6,c 100 7,d 100 4", id="add-again-elsewhere"
        ),
        pytest.param(QUEUE, "~x 100 4 8,-y 100 4 8", QUEUE, id="unknown"),
        pytest.param(QUEUE, "~a 100 0 8", "b 100 6,c 100 7,d 101 8", id="modify-to-nothing"),
        pytest.param(QUEUE, "+x 100 0 8", QUEUE, id="add-nothing"),
        pytest.param(
            "a 100 5",
            "+c 100 7 9,+d 99 1 7,+b 100 6 8",
            "d 99 1,a 100 5,b 100 6,c 100 7",
            id="adds-queue-by-time",
        ),
        pytest.param(
            "a 100 5",
            "+c 100 7 9,~c 100 3 99,+b 100 6 8,-a 100 5 10",
            "b 100 6,c 100 3",
            id="others-keep-their-places",
        ),
        pytest.param(
            "a 100 5", "+c 100 7 9,-c 100 7 10,+b 100 6 8", "a 100 5,b 100 6", id="come-and-go"
        ),
        pytest.param(TEN, "+x 99 1 99", f"x 99 1,{TEN.rpartition(',')[0]}", id="push-out"),
        pytest.param(TEN, "+x 200 1 99", TEN, id="beyond-the-depth"),
        pytest.param(
            TEN, "-n0 100 5 99,+x 110 1 9,+y 110 2 8", f"{TEN[11:]},y 110 2,x 110 1", id="refill"
        ),
    ],
)
def test_rules(before: str, changes: str, after: str) -> None:
    """Events are applied in their order, and what is beyond the depth is dropped at the end."""
    book = live([], rows(before))
    change = events(changes)
    record = book.apply(message((), change, crc([], rows(after))))
    assert record == Level3Update(SYMBOL, (), change, crc([], rows(after)), AT)
    assert [row.order_id for row in book.asks] == [row.name for row in rows(after)]
    assert all(row.event is None for row in book.asks)
    # The same on the other side, where the best is the highest.
    turned = [rows(before), rows(after)]
    for side in turned:
        for row in side:
            row.price = 1000 - row.price
    book = live(turned[0], [])
    change = tuple(
        Level3Order(
            event.order_id, 1000 - event.limit_price, event.order_qty, event.timestamp, event.event
        )
        for event in change
    )
    assert isinstance(book.apply(message(change, (), crc(turned[1], []))), Level3Update)
    assert [row.order_id for row in book.bids] == [row.name for row in turned[1]]


def test_orders_as_they_rest() -> None:
    """An order has the quantity and the time of its latest event, and no event."""
    book = live([], rows("a 100 5 1"))
    after = rows("a 100 4 7,b 100 6 8")
    change = events("~a 100 4 7,+b 100 6 8")
    book.apply(message((), change, crc([], after)))
    assert book.asks == tuple(row.order() for row in after)
    local = book.snapshot()
    assert local is not None
    assert local.asks == book.asks


def test_where_an_order_stands() -> None:
    """Behind whom in the queue of its price, and how many prices are better."""
    book = live(rows("x 90 1 1"), rows("a 99 5 1,b 100 6 2,c 100 7 3,d 100 8 4"))
    position = book.position("c")
    assert position is not None
    assert position.order == rows("c 100 7 3")[0].order()
    assert (position.side, position.level) == ("ask", 1)
    assert (position.orders_ahead, position.orders_behind) == (1, 1)
    unit = book.asks[0].order_qty / 5
    assert (position.qty_ahead / unit, position.qty_behind / unit) == (Decimal(6), Decimal(8))
    assert repr(position) == (
        f"QueuePosition(ask c @ {position.order.limit_price:f}, level 1: "
        f"1 orders with {position.qty_ahead:f} ahead)"
    )
    assert getattr(book.position("x"), "side", None) == "bid"
    assert book.position("nobody") is None
    book.invalidate()
    assert book.position("c") is None


def test_what_fell_off_is_forgotten() -> None:
    """An order that was pushed out of the depth is unknown, until it is added again."""
    book = live([], rows(TEN))
    kept = TEN.rpartition(",")[0]
    assert isinstance(
        book.apply(message((), events("+x 99 1 50"), crc([], rows(f"x 99 1,{kept}")))), Level3Update
    )
    change = events("-x 99 1 51,~n9 109 3 52")
    assert isinstance(book.apply(message((), change, crc([], rows(kept)))), Level3Update)
    change = events("+n9 109 14 9")
    assert isinstance(book.apply(message((), change, crc([], rows(TEN)))), Level3Update)


def test_levels_beyond_the_ten_best() -> None:
    """Deep orders are kept unprinted, and take part as soon as their level is among the best."""
    book = live([], rows(f"{TEN},p 200 1 1,q 200 2 2"), depth=25)
    change = events("~p 200 7 3,-q 200 2 4,+r 200 3 5,+s 300 1 6,-s 300 1 7")
    assert isinstance(book.apply(message((), change, crc([], rows(TEN)))), Level3Update)
    after = f"{TEN[11:]},p 200 7,r 200 3"
    change = events("-n0 100 5 8")
    assert isinstance(book.apply(message((), change, crc([], rows(after)))), Level3Update)
    change = events("+v 200 5 20,+u 200 4 19")
    after += ",u 200 4,v 200 5"
    assert isinstance(book.apply(message((), change, crc([], rows(after)))), Level3Update)


@pytest.mark.parametrize("at", range(13))
@pytest.mark.parametrize("change", ["~x", "-x", "+y", "-x,+y"])
def test_either_side_of_the_tenth(at: int, change: str) -> None:
    """Each level near the tenth is verified and stays verified: what comes next fits, too."""
    prices = [1000 + 10 * n for n in range(14)]
    asks = [Row("x" if n == at else f"n{n}", price, 50 + n, n) for n, price in enumerate(prices)]
    book = live([], asks, depth=25)
    changes = events(",".join(f"{event} {prices[at]} 7 99" for event in change.split(",")))
    after = [row for row in asks if row.name != "x" or "-x" not in change]
    for row in after:
        row.qty = 7 if row.name == "x" and "~x" in change else row.qty
    if "+y" in change:
        after = sorted([*after, Row("y", prices[at], 7, 99)], key=lambda row: row.price)
    assert isinstance(book.apply(message((), changes, crc([], after))), Level3Update)
    assert book._asks.text.decode() == text_of(after)
    after = [Row("z", 1, 1, 100), *after]
    assert isinstance(book.apply(message((), events("+z 1 1 100"), crc([], after))), Level3Update)


def test_deep_orders_that_one_message_adds() -> None:
    """Adds queue by time where nobody prints them, too."""
    book = live([], rows(TEN), depth=25)
    change = events("+v 200 5 20,+u 200 4 19")
    assert isinstance(book.apply(message((), change, crc([], rows(TEN)))), Level3Update)
    assert [order.order_id for order in book.asks[-2:]] == ["u", "v"]


def test_precision_grows() -> None:
    """An order with more digits has all of them printed anew."""
    book = live(rows("a 99 5 1"), rows("b 100 6 2"))
    change = (Level3Order("c", Decimal("98.5"), Decimal("1.25"), Timestamp(3), "add"),)
    checksum = zlib.crc32(b"1000600" + b"990500" + b"985125")
    assert isinstance(book.apply(message(change, (), checksum)), Level3Update)
    assert (book.price_precision, book.qty_precision) == (1, 2)
    assert book.precision_raised


def test_users_context() -> None:
    """A context that rounds to three digits, and raises when it does, changes nothing."""
    with localcontext(Context(prec=3, traps=[Inexact])):
        bids, asks = guide(GUIDE_BIDS), guide(GUIDE_ASKS)
        book = Level3Book(SYMBOL, 10)
        record = book.apply(message(bids, asks, GUIDE_CHECKSUM, snapshot=True))
        assert isinstance(record, Level3Snapshot)


def unique(side: list[Row]) -> list[Row]:
    """Give the orders of a snapshot, where no order stands twice."""
    return list({row.name: row for row in side}.values())


names = st.sampled_from("abcdefghijklmnopqrstuvwxyz")
prices = st.integers(1, 25)
quantities = st.one_of(st.integers(1, 200), st.integers(2**53, 2**70))
resting = st.lists(st.builds(Row, names, prices, quantities), max_size=26)
kinds: st.SearchStrategy[Event] = st.sampled_from(["add", "add", "modify", "delete"])
happening = st.lists(
    st.tuples(kinds, st.builds(Row, names, prices, st.one_of(st.just(0), quantities, quantities))),
    max_size=6,
)
Happening = list[tuple[Event, Row]]


class Traffic(RuleBasedStateMachine):
    """One book, whatever happens to it, beside plain lists of orders in the order they came."""

    @initialize(
        depth=st.sampled_from([1, 3, 10, 12, 25]),
        precision=st.tuples(st.integers(0, 10), st.integers(0, 10)),
        form=st.sampled_from(FORMS),
        told=st.booleans(),
    )
    def start(self, depth: int, precision: tuple[int, int], form: Form, *, told: bool) -> None:
        """Make the book. Without its zeros, traffic does not teach the precision for sure."""
        self.book = Level3Book(SYMBOL, depth)
        self.precision = precision
        self.form = form
        if told or form is not as_it_is:
            self.book.set_precision(*precision)
        self.bids: list[Row] = []
        self.asks: list[Row] = []
        self.state = BookState.AWAITING_SNAPSHOT
        self.stale = 0
        self.clock = 0

    def best(self) -> tuple[list[Row], list[Row]]:
        """Give both sides, best first; sorting keeps the queues as they are."""
        return (
            sorted(self.bids, key=lambda row: -row.price),
            sorted(self.asks, key=lambda row: row.price),
        )

    def written(self, row: Row, event: Event | None = None) -> Level3Order:
        """Give an order as it is written on this wire."""
        price, qty = (
            Decimal(self.form(f"{Decimal(number).scaleb(-precision, Context(prec=90)):f}"))
            for number, precision in zip((row.price, row.qty), self.precision, strict=True)
        )
        return Level3Order(row.name, price, qty, Timestamp(row.time), event)

    def changed(self, side: list[Row], changes: Happening) -> list[Row]:
        """Give a side after some events, by the rules as they are told."""
        side = list(side)
        added: set[int] = set()
        for event, row in changes:
            there = [other for other in side if other.name == row.name]
            if event == "modify" and row.qty:
                for other in there:
                    other.qty, other.time = row.qty, row.time
                continue
            side = [other for other in side if other.name != row.name]
            if event == "add" and row.qty:
                added.add(row.added)
                side.append(row)
        late = [row for row in side if row.added in added]
        return side[: len(side) - len(late)] + sorted(late, key=lambda row: row.added)

    def cut(self, side: list[Row], *, lowest_first: bool) -> list[Row]:
        """Give what is within the depth."""
        kept = sorted({row.price for row in side}, reverse=not lowest_first)[: self.book.depth]
        return [row for row in side if row.price in kept]

    def take(
        self, bids: Happening, asks: Happening, *, snapshot: bool = False, wrong: bool = False
    ) -> None:
        """Give the same message to the book and to the model."""
        written = [
            tuple(self.written(row, None if snapshot else event) for event, row in changes)
            for changes in (bids, asks)
        ]
        before = [[copy(row) for row in side] for side in (self.bids, self.asks)]
        self.bids, self.asks = (
            self.changed([] if snapshot else self.bids, bids),
            self.changed([] if snapshot else self.asks, asks),
        )
        self.bids = self.cut(self.bids, lowest_first=False)
        self.asks = self.cut(self.asks, lowest_first=True)
        checksum = crc(*self.best()) ^ wrong
        record = self.book.apply(message(written[0], written[1], checksum, snapshot=snapshot))
        if self.state is not BookState.LIVE and (not snapshot or self.state is BookState.CLOSED):
            assert record is None
            self.stale += 1
            self.bids, self.asks = before
        elif wrong:
            assert isinstance(record, Gap)
            self.bids, self.asks = [], []
            self.state = BookState.RESYNCING
        elif snapshot:
            assert isinstance(record, Level3Snapshot)
            assert (record.bids, record.asks) == (self.book.bids, self.book.asks)
            self.state = BookState.LIVE
        else:
            assert isinstance(record, Level3Update)
            assert [record.bids, record.asks] == written

    @rule(bids=resting, asks=resting)
    def snapshot(self, bids: list[Row], asks: list[Row]) -> None:
        """A snapshot: its orders queue as they stand there."""
        self.take(
            [("add", Row(row.name, row.price, row.qty)) for row in unique(bids)],
            [("add", Row(row.name, row.price, row.qty)) for row in unique(asks)],
            snapshot=True,
        )

    def at_times(
        self, bids: Happening, asks: Happening, order: list[int], *, wrong: bool = False
    ) -> None:
        """Give an update, whose events have these times."""
        self.clock += 10
        for side in (bids, asks):
            for n, (_, row) in zip(order, side, strict=False):
                row.time = row.added = self.clock + n
        self.take(bids, asks, wrong=wrong)

    @rule(bids=happening, asks=happening, order=st.permutations(range(6)))
    def update(self, bids: Happening, asks: Happening, order: list[int]) -> None:
        """An update, whose adds are not in the order of their times."""
        self.at_times(bids, asks, order)

    @rule(asks=happening, order=st.permutations(range(6)))
    def update_of_asks(self, asks: Happening, order: list[int]) -> None:
        """An update of one side."""
        self.at_times([], asks, order)

    @rule(bids=happening, order=st.permutations(range(6)))
    def update_of_bids(self, bids: Happening, order: list[int]) -> None:
        """An update of the other side."""
        self.at_times(bids, [], order)

    @rule(bids=happening, asks=happening)
    def wrong(self, bids: Happening, asks: Happening) -> None:
        """An update whose checksum is wrong."""
        self.at_times(bids, asks, list(range(6)), wrong=True)

    @rule()
    def wrong_snapshot(self) -> None:
        """A snapshot whose checksum is wrong."""
        self.take([], [], snapshot=True, wrong=True)

    @rule()
    def invalidate(self) -> None:
        """The connection is lost."""
        self.book.invalidate()
        if self.state is not BookState.CLOSED:
            self.state = BookState.AWAITING_SNAPSHOT
        self.bids, self.asks = [], []

    @rule()
    def tell_the_precision(self) -> None:
        """The instrument channel says what the precision is."""
        self.book.set_precision(*self.precision)

    @precondition(lambda self: self.stale > 3)
    @rule()
    def close(self) -> None:
        """The end, late enough for something to come before it."""
        self.book.close()
        self.state = BookState.CLOSED
        self.bids, self.asks = [], []

    @invariant()
    def agrees(self) -> None:
        """The book is what the model is."""
        if not hasattr(self, "book"):
            return
        bids, asks = self.best()
        assert self.book.state is self.state
        assert self.book.stale == self.stale
        assert self.book.bids == tuple(self.written(row) for row in bids)
        assert self.book.asks == tuple(self.written(row) for row in asks)
        local = self.book.snapshot()
        assert (local is None) is (self.state is not BookState.LIVE)
        if local is not None:
            assert (local.bids, local.asks) == (self.book.bids, self.book.asks)
            assert local.checksum == crc(bids, asks)
        # What is kept of the text is never older than the orders, and nothing gone is kept.
        for side, orders in ((self.book._bids, bids), (self.book._asks, asks)):
            assert side.text.decode() == text_of(orders)
            assert side._places.keys() == {row.name for row in orders}
        self.positions_agree({"bid": bids, "ask": asks})

    def positions_agree(self, sides: dict[Literal["bid", "ask"], list[Row]]) -> None:
        """Each order stands where plain counting finds it; of one name on both sides, the bid."""
        expected: dict[str, QueuePosition] = {}
        for side, orders in sides.items():
            for row in orders:
                queue = [other for other in orders if other.price == row.price]
                at = queue.index(row)
                expected.setdefault(
                    row.name,
                    QueuePosition(
                        order=self.written(row),
                        side=side,
                        level=sorted({o.price for o in orders}, reverse=side == "bid").index(
                            row.price
                        ),
                        orders_ahead=at,
                        qty_ahead=self.qty_of(queue[:at]),
                        orders_behind=len(queue) - at - 1,
                        qty_behind=self.qty_of(queue[at + 1 :]),
                    ),
                )
        names = [*expected, "nobody"]
        assert [self.book.position(name) for name in names] == [*expected.values(), None]

    def qty_of(self, rows: list[Row]) -> Decimal:
        """Add up quantities, in whole steps."""
        steps = sum(row.qty for row in rows)
        return Decimal(steps).scaleb(-self.precision[1], Context(prec=90))


TestTraffic: Any = Traffic.TestCase

"""Each error says what was told it, in attributes and in words, and survives being pickled."""

from __future__ import annotations

import copy
import pickle

import pytest

from kraken_trio._internal.model import errors
from kraken_trio._internal.model.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    ConnectionLost,
    ConnectTimeout,
    InvalidTransition,
    KrakenError,
    OrderEnded,
    OrderRejected,
    OutcomeUnknown,
    ProtocolError,
    RequestError,
    RequestNotSent,
    RetriesExhausted,
    SubscriptionError,
    SwitchLapsed,
    UpgradeRefused,
    request_error,
)

TEXTS: list[tuple[KrakenError, str]] = [
    (KrakenError("x"), "x"),
    (ConfigurationError("timeout", "must be above 0, is 0", "Raise it"),
     "timeout: must be above 0, is 0. Raise it"),
    (ConnectionFailed("no route"), "no route"),
    (ConnectTimeout("ws.kraken.com", 30.0), "no connection to ws.kraken.com within 30 s"),
    (ConnectTimeout("a", 0.25), "no connection to a within 0.25 s"),
    (UpgradeRefused(403), "the host refused a WebSocket with HTTP status 403"),
    (UpgradeRefused(429, 2.5),
     "the host refused a WebSocket with HTTP status 429; it asks to wait 2.5 s"),
    (ConnectionLost(1001, "bye"), "connection lost (close code 1001): bye"),
    (ConnectionLost(1000), "connection lost (close code 1000)"),
    (ConnectionLost(None), "connection lost (no close code)"),
    (RetriesExhausted(10), "gave up after 10 attempts to connect"),
    (ProtocolError("reserved bit set"), "reserved bit set"),
    (ProtocolError("no JSON", "Cloud\x00", 1003), r"no JSON (in 'Cloud\x00')"),
    (SubscriptionError("no"), "no"),
    (SubscriptionError("no", "book"), "book: no"),
    (SubscriptionError("no", None, "BTC/USD"), "BTC/USD: no"),
    (SubscriptionError("no", "book", "BTC/USD"), "book BTC/USD: no"),
    (AuthenticationError("EAPI:Invalid key"), "credentials refused: EAPI:Invalid key"),
    (
        AuthenticationError("EAPI:Invalid key", "Check it"),
        "credentials refused: EAPI:Invalid key. Check it",
    ),
    (OrderEnded("O1", "canceled", "filled"), "order O1 is canceled, and will not be filled"),
    (RequestError("ping", "Exceeded msg rate"), "ping: Exceeded msg rate"),
    (OrderRejected("add_order", "EOrder:Insufficient funds", 7),
     "add_order: EOrder:Insufficient funds"),
    (OutcomeUnknown("add_order", "no answer in 30 s"), "add_order: no answer in 30 s"),
    (OutcomeUnknown("add_order", "lost", 7, ("mine",)), "add_order: lost"),
    (RequestNotSent("add_order", "no connection"), "add_order: no connection"),
    (
        RequestNotSent("add_order", "must be 1", None, "order_qty", "Round it"),
        "add_order: order_qty: must be 1. Round it",
    ),
    (SwitchLapsed("cancel_all_orders_after", "was late"), "cancel_all_orders_after: was late"),
    (InvalidTransition("book", "live", "left"), "book: no transition from live by left"),
]  # fmt: skip

TREE: dict[type[KrakenError], type[Exception]] = {
    KrakenError: Exception,
    ConfigurationError: KrakenError,
    ConnectionFailed: KrakenError,
    ConnectTimeout: ConnectionFailed,
    UpgradeRefused: ConnectionFailed,
    ConnectionLost: ConnectionFailed,
    RetriesExhausted: ConnectionFailed,
    ProtocolError: KrakenError,
    SubscriptionError: KrakenError,
    AuthenticationError: KrakenError,
    OrderEnded: KrakenError,
    RequestError: KrakenError,
    OrderRejected: RequestError,
    OutcomeUnknown: RequestError,
    RequestNotSent: RequestError,
    SwitchLapsed: RequestError,
    InvalidTransition: KrakenError,
}


def test_tree() -> None:
    """The errors hang together as the drawing in the module shows, and there are no others."""
    found = {
        thing: thing.__base__
        for thing in vars(errors).values()
        if isinstance(thing, type) and issubclass(thing, Exception)
    }
    assert found == TREE
    assert set(TREE) == {type(error) for error, _ in TEXTS}


@pytest.mark.parametrize("error, text", TEXTS)
def test_text(error: KrakenError, text: str) -> None:
    """The words are composed from the attributes, and leave out what is not known."""
    assert str(error) == text


@pytest.mark.parametrize("error", [error for error, _ in TEXTS])
def test_error_travels(error: KrakenError) -> None:
    """A pickled or copied error is of the same class and says the same."""
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - made here
        assert (type(twin), vars(twin), str(twin)) == (type(error), vars(error), str(error))
        assert repr(twin) == repr(error)
        assert twin != error


@pytest.mark.parametrize(
    "reason, retryable, mend",
    [
        ("EService:Busy", True, "Wait"),
        ("EOrder:Insufficient funds", False, "Add funds"),
        ("no answer in 30 s", False, ""),
    ],
)
def test_words_of_the_exchange_are_explained(reason: str, mend: str, *, retryable: bool) -> None:
    """Whatever error carries them; but what is refused with a key is never tried again."""
    for error in (RequestError("add_order", reason), SubscriptionError(reason, "book")):
        assert error.retryable is retryable
        assert error.complaint.text == reason
        assert error.complaint.mend.startswith(mend)
    refused = AuthenticationError(reason)
    assert not refused.retryable
    assert refused.complaint.known is bool(mend)


@pytest.mark.parametrize(
    "reason, kind",
    [
        ("EOrder:Unknown order", OrderRejected),
        ("EOrder:Something new", OrderRejected),
        ("EService:Deadline elapsed", OutcomeUnknown),
        ("EGeneral:Permission denied", RequestError),
        ("something new", RequestError),
    ],
)
def test_a_refused_request_is_what_its_words_say(reason: str, kind: type) -> None:
    """A deadline that elapsed is no refusal."""
    error = request_error("add_order", reason, 7)
    assert type(error) is kind
    assert (error.method, error.reason, error.req_id) == ("add_order", reason, 7)


def test_only_connections_are_retryable() -> None:
    """The same call may succeed later where a connection failed, until all attempts are spent."""
    retryable = {kind for kind in TREE if kind.retryable}
    assert retryable == {ConnectionFailed, ConnectTimeout, UpgradeRefused, ConnectionLost}


def test_attributes_are_shown_by_repr() -> None:
    """What was told an error stands in its repr by name, as it was told."""
    assert repr(ConnectionLost(1006, "gone")) == "ConnectionLost(code=1006, reason='gone')"
    assert repr(OrderRejected("a", "b", 1)) == "OrderRejected(method='a', reason='b', req_id=1)"


def test_an_error_can_be_grouped_and_noted() -> None:
    """They are ordinary exceptions: they take notes, stand in groups and are found there."""
    error = RetriesExhausted(3)
    error.add_note("on the third of May")
    with pytest.raises(ExceptionGroup) as caught:
        raise ExceptionGroup("all", [error]) from ConnectionLost(1006)
    found, rest = caught.value.split(ConnectionFailed)
    assert rest is None
    assert found is not None
    assert found.exceptions == (error,)
    assert error.__notes__ == ["on the third of May"]


@pytest.mark.parametrize("method", ["add_order", "batch_add", "amend_order", "edit_order"])
@pytest.mark.parametrize("words", ["EGeneral:Internal error:1", "EService:Timeout"])
def test_what_may_have_made_an_order_is_never_retryable(method: str, words: str) -> None:
    """Neither as a refusal nor as a doubt; a cancellation and a plain refusal may be."""
    assert not OrderRejected(method, words).retryable
    assert not OutcomeUnknown(method, words).retryable
    assert isinstance(request_error(method, words), OutcomeUnknown)
    assert OrderRejected("cancel_order", words).retryable
    assert OrderRejected(method, "EOrder:Rate limit exceeded").retryable

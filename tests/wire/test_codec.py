"""Which codec each protocol has."""

from __future__ import annotations

import json

import pytest

from kraken_trio._internal.model.errors import ProtocolError
from kraken_trio._internal.model.messages import Heartbeat, Level3Message
from kraken_trio._internal.model.requests import Ping
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.model.traits import PROTOCOLS, V1, V2, Traits
from kraken_trio._internal.wire.codec import AnyDecoder, decoder_of, encoder_of, recorded_decoder

AT = Timestamp(42)
LEVEL3 = (
    b'{"channel":"level3","type":"update","data":[{"checksum":1,"symbol":"BTC/USD","timestamp":'
    b'"1970-01-01T00:00:01.000000000Z","bids":[{"event":"delete","order_id":"O","limit_price":1.0,'
    b'"order_qty":1.0,"timestamp":"1970-01-01T00:00:01.000000000Z"}],"asks":[]}]}'
)


@pytest.mark.parametrize("traits", PROTOCOLS.values(), ids=lambda traits: traits.name)
def test_each_has_both(traits: Traits) -> None:
    """Each protocol has a decoder that says whose it is, and an encoder."""
    assert decoder_of(traits).traits is traits
    ping = json.loads(encoder_of(traits)(Ping()))
    assert ping == ({"method": "ping"} if traits is V2 else {"event": "ping"})


def test_a_session_of_a_recording() -> None:
    """Is decoded as what it is said to be, and as what it seems to be otherwise."""
    assert recorded_decoder("v1").traits is V1
    assert recorded_decoder("v2").traits is V2
    assert isinstance(recorded_decoder(None), AnyDecoder)


def test_either_is_read() -> None:
    """A recording may be of either protocol; what it is of shows in its frames."""
    decoder = AnyDecoder()
    assert decoder.decode(b'{"channel":"heartbeat"}', AT) == Heartbeat(AT)
    assert isinstance(decoder.decode(LEVEL3, AT), Level3Message)
    assert decoder.traits is V2
    assert decoder.decode(b'{"event":"heartbeat"}', AT) == Heartbeat(AT)
    assert decoder.traits is V1


@pytest.mark.parametrize(
    "frame, traits, owner",
    [
        (b' [1,["x"],"spread","XBT/USD"]', V1, ("spread", "BTC/USD", None)),
        (b'{"channel":"book","data":"event"', V2, ("book", None, None)),
        (b'{"event":7}', V2, None),
        (b"proxy restarting", V2, None),
    ],
)
def test_what_is_neither(frame: bytes, traits: Traits, owner: object) -> None:
    """What neither could read is a fault, whichever it seems to be of."""
    decoder = AnyDecoder()
    with pytest.raises(ProtocolError):
        decoder.decode(frame, AT)
    assert decoder.owner(frame) == owner
    assert decoder.traits is traits

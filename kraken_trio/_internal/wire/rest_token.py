"""The REST call that gives a token for private sessions: what is asked, what is answered.

Knows the path, the headers and the answer, and which refusals are about the credentials; never
sends anything, and shows no part of a key, a signature or a token to anybody.

Only what is said of the credentials is final, and what nobody knows: to repeat a wrong key is how
one gets locked out. A nonce that is too low, a busy service and an answer of whoever stands in
front of the exchange say nothing about them.

Source: sections "Signing private requests", ``GetWebSocketsToken`` and "Errors" of the REST
documentation.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw, Struct

from kraken_trio._internal.model.complaints import explain
from kraken_trio._internal.model.errors import AuthenticationError, ProtocolError
from kraken_trio._internal.model.ports import RestResponse
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.model.timestamp import Timestamp
from kraken_trio._internal.wire.faults import FAULTS, protocol_error
from kraken_trio._internal.wire.rest import RestRefused, passes, read_result
from kraken_trio._internal.wire.sign import decode_secret, sign

METHOD: Final = "GetWebSocketsToken"
"""What errors call it."""
PATH: Final = "/0/private/GetWebSocketsToken"
"""It is signed, too."""

_OK, _UNAUTHORIZED = 200, 401
_USUAL_LIFE_S = 900  # As documented.
_LONGEST_TOKEN = 4096  # They have 43 characters. This one would still fit in a request.
_USUAL_MEND: Final = (
    "Look at the API key in the account's settings: whether it is still valid, may be used from "
    "this address, and has the right to the WebSocket interface"
)
# Whatever ails the service says nothing about the credentials, besides what passes anyway.
_FOR_NOW: Final = "EService:"


class TokenRequest(Struct, frozen=True):
    """What asks for a token, by POST to ``PATH``."""

    headers: dict[str, str]
    """The key and the signature are among them."""
    body: bytes
    """To be sent byte for byte."""

    def __repr__(self) -> str:
        """The path alone."""
        return f"TokenRequest({PATH})"


class Token(Struct, frozen=True):
    """What private requests must hold."""

    text: Secret
    """Opaque."""
    life_s: int
    """Within so many seconds it must have been used; on a connection that did it lives on."""


_text = msgspec.json.Decoder(str).decode
_number = msgspec.json.Decoder(int).decode


def token_request(api_key: Secret, api_secret: Secret, nonce: int) -> TokenRequest:
    """Ask for a token, with a ``nonce`` above all that this key has sent before."""
    body = b"nonce=%d" % nonce
    signature = sign(PATH, nonce, body, decode_secret(api_secret.reveal()))
    headers = {
        "API-Key": api_key.reveal(),
        "API-Sign": signature,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return TokenRequest(headers, body)


def read_token(
    response: RestResponse, received_at: Timestamp
) -> Token | AuthenticationError | RestRefused:
    """Give the token of an answer, or why there is none: for good, or for now.

    ``ProtocolError`` for an answer that is none; it shows nothing of it, and has no cause, for the
    causes of such errors hold what could not be read.
    """
    try:
        result = read_result(response, METHOD, received_at, _passing)
        if not isinstance(result, RestRefused):
            return _token(result)
    except FAULTS as fault:
        reason = protocol_error(fault, b"").reason
    else:
        return _refused(result, response.status)
    raise ProtocolError(f"{METHOD}: {reason}")


def _token(result: dict[str, Raw]) -> Token:
    text = _text(result["token"]) if "token" in result else ""
    if not (0 < len(text) <= _LONGEST_TOKEN and text.isascii() and text.isprintable()):
        raise ValueError("an answer holds no token")
    life_s = _number(result["expires"]) if "expires" in result else _USUAL_LIFE_S
    if life_s <= 0:
        raise ValueError("a token has no life")
    return Token(Secret(text), life_s)


def _passing(error: str) -> bool:
    return passes(error) or error.startswith(_FOR_NOW)


def _refused(refused: RestRefused, status: int) -> AuthenticationError | RestRefused:
    """A status says something about the credentials only where it says that it does."""
    if refused.transient or status not in (_OK, _UNAUTHORIZED):
        return refused
    reason = refused.error.reason
    return AuthenticationError(reason, explain(reason).mend or _USUAL_MEND)

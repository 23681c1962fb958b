"""Text that must not be seen: keys, secrets, tokens.

Knows how to keep a string out of logs, tracebacks, pickles and encoders. It does not hide it
from the program itself: ``reveal()`` is the one way, easy to find in a review.
"""

from __future__ import annotations

import hmac
from typing import NoReturn, Self, final


@final
class Secret:
    """A string that shows itself to nobody who does not call ``reveal()``.

    Neither ``repr()``, ``str()``, ``format()`` nor ``%s`` shows a character of it or its length,
    and pickle, json and msgspec refuse it. Two are equal when their texts are.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        """Wrap ``text``."""
        self.__text = text

    def reveal(self) -> str:
        """The text itself."""
        return self.__text

    def __eq__(self, other: object) -> bool:
        """Compare in a time that does not tell where two texts of one length differ."""
        if not isinstance(other, Secret):
            return NotImplemented
        # surrogatepass: any str can be compared, even one that is no valid Unicode.
        mine = self.__text.encode("utf-8", "surrogatepass")
        return hmac.compare_digest(mine, other.reveal().encode("utf-8", "surrogatepass"))

    def __hash__(self) -> int:
        """Agree with ``==``; salted by the interpreter."""
        return hash(self.__text)

    def __repr__(self) -> str:
        """Always the same."""
        return "Secret(****)"

    def __copy__(self) -> Self:
        """Give itself: it never changes."""
        return self

    def __deepcopy__(self, memo: object) -> Self:
        """Give itself: it never changes."""
        return self

    def __getstate__(self) -> NoReturn:
        """Refuse: what pickles and copies by state would write the text out."""
        msg = "a Secret is not written anywhere: pass its text where it is needed"
        raise TypeError(msg)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled."""
        self.__getstate__()

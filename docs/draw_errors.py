"""Draw docs/errors.md from the table of words: ``python docs/draw_errors.py [--check]``.

With ``--check`` nothing is written; it exits with 1 when the page does not agree with the table.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kraken_trio._internal.model.complaints import ROWS, explain

PAGE = Path(__file__).with_name("errors.md")

HEADER = """\
# What the exchange refuses with, and what to do

This page is drawn from `kraken_trio/_internal/model/complaints.py` by `python docs/draw_errors.py`;
a test holds it to that.

Every error that carries words of the exchange (`SubscriptionError`, `RequestError` with
`OrderRejected` and `OutcomeUnknown`, `AuthenticationError`) has them in `reason`, says with
`retryable` whether the same request may succeed later with nothing changed, and explains them in
`complaint`:

```python
from kraken_trio import SubscriptionError

error = SubscriptionError("Currency pair not supported XBT/USD", "book", "XBT/USD")
print(error.complaint.category, error.complaint.severity.value, error.retryable)
print(error.complaint.mend)
```

Severity is the exchange's own: words that begin with `E` (and those without such a mark) are an
error, those with `W` a warning, which comes beside a result. Words that are not known keep their
text and the category that they say themselves; they are `known=False`, without advice, and never
repeated, except those of the category `Service`, all of which pass. Where words end in `...`, they
go on with what they are about; all that begin with `E` may go on with a colon and a detail. Of
several refusals that come as one, joined by commas, the worst is explained.

What is refused with a key is an `AuthenticationError` where a token was asked for. In the answer to
a subscription each refusal is a `SubscriptionError` of that subscription, whatever the column says.
Where an order was to be made or changed, `EGeneral:Internal error` and words of `EService` that are
not known are an `OutcomeUnknown`, which is never retryable: the order may be there.

| words | category | error | retryable | what to do |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    lines = []
    for row in ROWS:
        means = explain(row.text)
        words = row.text if row.whole else f"{row.text} ..."
        again = "yes" if means.retryable else "no"
        cells = (f"`{words}`", means.category, f"`{means.kind}`", again, means.mend)
        lines.append(f"| {' | '.join(cells)} |\n")
    return HEADER + "".join(lines)


def main() -> int:
    """Write the page, or check it."""
    if "--check" in sys.argv[1:]:
        return int(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

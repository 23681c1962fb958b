"""What a field may be that one protocol of the exchange always has, and the other never.

To a type checker it is neither there nor missing for sure: whoever speaks protocol v2 alone need
not ask for a None that never comes, and whoever asks is not told that it is in vain. What decodes
a record sees the None. Typeshed does the same for what is None in rare cases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    Absent: TypeAlias = Any
else:
    Absent = None

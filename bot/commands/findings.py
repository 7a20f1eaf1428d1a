"""What `doctor` finds: one value a thing looked at. Knows nothing of what is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

State = Literal["fine", "note", "broken"]
FINE: Final = "fine"
NOTE: Final = "note"
BROKEN: Final = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `mend` is the command or setting that improves it, empty when it is fine."""

    name: str
    state: State
    detail: str
    mend: str = ""

"""Who is told what while a pipeline runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ingest.outcome import Outcome
    from schemas.records import Record


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What a pipeline calls.

    Attributes:
        on_outcome: With each outcome once it is final: its points are in the collection. Called
            from the writing thread.
        on_written: After each round of such outcomes, from the same thread.
        before_work: With records that are about to be decoded and encoded, from the readers'
            threads.
    """

    on_outcome: Callable[[Outcome], None]
    on_written: Callable[[], None] = lambda: None
    before_work: Callable[[Sequence[Record]], None] = lambda _: None

"""One row of a table, whatever the table's format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.errors import SourceError


@dataclass(frozen=True, slots=True)
class Unusable:
    """Stands for a value, or for a whole row, that could not be read.

    Attributes:
        reason: What is wrong and what to do, as the end of a sentence that names the row.
    """

    reason: str


Row = tuple[int, "Mapping[str, object] | Unusable"]
"""Its number, from 1, and its values by column; columns without a value may be missing."""


class RowError(ValueError):
    """A row cannot become a record.

    Args:
        reason: What is wrong and what to do, without the row's number.
        kind: The error that the reader of the table gets.
        is_nameless: Whether it is not known which row it is: it may be one that is indexed.
    """

    def __init__(
        self, reason: str, kind: type[SourceError] = DecodeError, *, is_nameless: bool = False
    ) -> None:
        """Keep the kind beside the reason."""
        super().__init__(reason)
        self.kind = kind
        self.is_nameless = is_nameless

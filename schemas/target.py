"""Which modality is searched for."""

from __future__ import annotations

from enum import StrEnum

from schemas.records import Modality


class Target(StrEnum):
    """Which modality is searched for.

    ``ANY`` asks each modality by itself and merges the answers by calibrated score: cosines of
    different modalities are not comparable (texts lie far nearer to texts than images do).
    """

    IMAGE = "image"
    TEXT = "text"
    ANY = "any"

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities it stands for."""
        return tuple(Modality) if self is Target.ANY else (Modality(self.value),)

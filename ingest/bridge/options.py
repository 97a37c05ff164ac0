"""What a bridge is trained with, beside the pairs, the encoders and the recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class BridgeOptions:
    """What a bridge is trained with.

    Attributes:
        validation: Share of the images that is kept apart to choose the best epoch by.
        validation_pairs: A file of such pairs of its own, instead of a share.
        test_pairs: A file of pairs that are only measured.
        general: A file of pairs from outside the domain, on which little may be forgotten.
        forgetting: How much recall@10 may fall on them, between 0 and 1.
        gate: Whether half of them may teach a gate that leaves what is not of the domain alone.
        data_licence: Of the pairs, as an SPDX id; for the card.
        name: Title of the card; None for the folder's name.
        image_revision: Exact revision of the image encoder; see
            :func:`~ingest.encoders.load.load_encoder`.
        text_revision: Of the text encoder; None for the image encoder's, if that is the same model.
        backend: What runs both.
        dtype: Of both.
        cache: Whether what the encoders say is kept for the next time.
        fresh: Whether to begin anew where an interrupted training could go on.
        force: Whether a bridge that is there already is replaced.
    """

    validation: float = 0.2
    validation_pairs: Path | None = None
    test_pairs: Path | None = None
    general: Path | None = None
    forgetting: float = 0.02
    gate: bool = True
    data_licence: str | None = None
    name: str | None = None
    image_revision: str | None = None
    text_revision: str | None = None
    backend: str | None = None
    dtype: str | None = None
    cache: bool = True
    fresh: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        """Refuse shares that are none.

        Raises:
            SettingsError: It names the option.
        """
        if not 0 < self.validation < 1:
            raise SettingsError(
                f"--validation is a share of the images above 0 and below 1, not {self.validation}"
            )
        if not 0 <= self.forgetting <= 1:
            raise SettingsError(
                f"--forgetting is a loss of recall from 0 to 1, not {self.forgetting}"
            )

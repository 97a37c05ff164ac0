"""Which labels training may see images of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from schemas.labels import Label


def choose_seen(
    labels: Sequence[Label], truth: NDArray[np.int64], unseen_share: float, *, seed: int
) -> NDArray[np.bool_]:
    """Whether each label is seen: as it says, else if it has images and the lot leaves it.

    The lot of a label hangs on its name alone. A label without images is seen by nobody.

    Args:
        labels: All of them.
        truth: ``(n,)`` the label of each image.
        unseen_share: Of the labels with images that do not say it themselves: how many are unseen.
        seed: Of the lots.

    Returns:
        ``(c,)`` bool.

    Raises:
        SettingsError: Nothing to learn from would be left.
    """
    has_images = np.bincount(truth, minlength=len(labels)) > 0
    seen = np.array([label.seen is not False for label in labels]) & has_images
    open_ = [place for place in np.flatnonzero(has_images).tolist() if labels[place].seen is None]
    open_.sort(key=lambda place: _to_lot(labels[place].name, seed))
    seen[open_[: round(unseen_share * len(open_))]] = False
    if seen.sum() < 2:  # noqa: PLR2004 - one class cannot be told from another
        raise SettingsError(
            "labels: fewer than two with images may be seen; mark fewer as unseen, or give images "
            "of more labels"
        )
    return seen


def _to_lot(name: str, seed: int) -> str:
    from blake3 import blake3

    return blake3(f"{seed}/{name}".encode()).hexdigest()

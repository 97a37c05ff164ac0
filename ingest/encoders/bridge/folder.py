"""A bridge on disk: ``bridge.json`` and ``bridge.safetensors``; what lies beside is for people.

Its two encoders are named by id and revision and are not in it. A model from a folder is named by
its path, and looked for beside the bridge's folder too, so that both may move together.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ingest.chunk import CHUNK_VERSION
from ingest.decode import DECODE_VERSION
from ingest.durable import replacing, sync_folder
from ingest.encoders.bridge.side import Side
from ingest.encoders.transformer.files import BRIDGE_FILE, BRIDGE_WEIGHTS, is_folder
from schemas.errors import ModelUnavailable
from schemas.space import EmbeddingSpace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PLAIN, _GATED = 1, 2
"""Formats of a folder: raise the last when a reader of today would misread it. The first is still
written where there is no gate, for readers that know none."""


@dataclass(frozen=True, slots=True)
class FrozenEncoder:
    """One of the two encoders that a bridge stands on.

    Attributes:
        model: Hub id, ``hinge-...``, or the path of a folder.
        space: Of its own vectors, with its exact revision and dtype.
    """

    model: str
    space: EmbeddingSpace

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict; :meth:`from_json` gives it back."""
        return {"model": self.model, "space": self.space.to_json()}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> FrozenEncoder:
        """What :meth:`to_json` described, with today's versions of decoding and chunking."""
        versions = {"decode_version": DECODE_VERSION, "chunk_version": CHUNK_VERSION}
        return cls(fields["model"], EmbeddingSpace.from_json({**fields["space"], **versions}))

    def to_model(self, beside: Path) -> str:
        """What to load it by; of a folder its path, else the one of its name beside."""
        model = Path(self.model)
        if not model.is_absolute() or is_folder(self.model):  # a hub id is never a folder beside
            return self.model
        moved = beside / model.name
        return str(moved) if moved.is_dir() else self.model


@dataclass(frozen=True, slots=True, eq=False)
class Bridge:
    """Everything that decides where images and texts land.

    Attributes:
        dimension: Of the shared space.
        images: The image side.
        texts: The text side.
        image_encoder: What describes images.
        text_encoder: What describes texts.
        provenance: How it was made: recipe, data, licence; JSON-ready.
    """

    dimension: int
    images: Side
    texts: Side
    image_encoder: FrozenEncoder
    text_encoder: FrozenEncoder
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write both files; the folder is made. An interrupted write leaves the old bridge whole.

        Raises:
            OSError: They cannot be written.
        """
        from safetensors.numpy import save

        folder.mkdir(parents=True, exist_ok=True)
        sides = {"images": self.images, "texts": self.texts}
        tensors = {
            # safetensors writes the memory as it lies, whatever the strides say.
            f"{name}.{part}": np.ascontiguousarray(array)
            for name, side in sides.items()
            for part, array in side.to_tensors().items()
        }
        fresh = folder / f".{BRIDGE_WEIGHTS}.new"
        fresh.write_bytes(save(tensors))
        fresh.replace(folder / BRIDGE_WEIGHTS)
        sync_folder(folder)
        told = {
            "format": _PLAIN if self.images.gate is self.texts.gate is None else _GATED,
            "dimension": self.dimension,
            "images": {**self.images.to_json(), "encoder": self.image_encoder.to_json()},
            "texts": {**self.texts.to_json(), "encoder": self.text_encoder.to_json()},
            "provenance": dict(self.provenance),
        }
        with replacing(folder / BRIDGE_FILE) as stream:
            json.dump(told, stream, indent=1, sort_keys=True)

    @classmethod
    def read(cls, folder: Path) -> Bridge:
        """The bridge in a folder.

        Raises:
            ModelUnavailable: It is not there, damaged, or of a later version of Diptych.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        with _refusing_damage(folder):
            told = _read_told(folder)
            try:
                tensors = load_file(folder / BRIDGE_WEIGHTS)
            except SafetensorError as error:
                raise ValueError(error) from error
            return cls._from_parts(told, tensors)

    @classmethod
    def _from_parts(cls, told: Mapping[str, Any], tensors: Mapping[str, Any]) -> Bridge:
        images, texts = (
            Side.from_parts(
                told[name],
                {
                    key.removeprefix(f"{name}."): array
                    for key, array in tensors.items()
                    if key.startswith(f"{name}.")
                },
            )
            for name in ("images", "texts")
        )
        return cls(
            dimension=int(told["dimension"]),
            images=images,
            texts=texts,
            image_encoder=FrozenEncoder.from_json(told["images"]["encoder"]),
            text_encoder=FrozenEncoder.from_json(told["texts"]["encoder"]),
            provenance=told["provenance"],
        )


def read_encoders(folder: Path) -> tuple[FrozenEncoder, FrozenEncoder]:
    """The image encoder and the text encoder of the bridge in a folder; reads no weights.

    Raises:
        ModelUnavailable: As :meth:`Bridge.read`.
    """
    with _refusing_damage(folder):
        told = _read_told(folder)
        return (
            FrozenEncoder.from_json(told["images"]["encoder"]),
            FrozenEncoder.from_json(told["texts"]["encoder"]),
        )


def _read_told(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / BRIDGE_FILE).read_text(encoding="utf-8"))
    if told["format"] not in (_PLAIN, _GATED):
        raise ModelUnavailable(
            f"{folder} holds a bridge of format {told['format']}, this version of Diptych reads "
            f"up to {_GATED}: install the version that made it, or train it again"
        )
    return told


@contextmanager
def _refusing_damage(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise ModelUnavailable(
            f"{folder} holds no whole bridge ({type(error).__name__}: {error}): copy the folder "
            f"again, or train it again"
        ) from error

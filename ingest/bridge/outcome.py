"""What came of a training, put into words and numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ingest.bridge.frozen import to_description
from ingest.bridge.material import TRAINING, VALIDATION
from ingest.bridge.report import BridgeReport

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ingest.bridge.frozen import Encoders
    from ingest.bridge.items import Item
    from ingest.bridge.material import Material, Parts
    from ingest.bridge.options import BridgeOptions
    from ingest.bridge.report import Measured
    from ingest.encoders.bridge.folder import Bridge
    from ingest.encoders.bridge.recipe import Recipe
    from ingest.encoders.bridge.training import Trained


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A trained bridge and all that is known of it.

    Attributes:
        bridge: The bridge.
        recipe: How it was trained.
        trained: How that went.
        baseline: What is compared with.
        measured: What it is good for.
        interpolation: How the map's weight was chosen; None where it was not.
        material: What was read.
        parts: Who was learned from.
        encoders: The two frozen ones.
    """

    bridge: Bridge
    recipe: Recipe
    trained: Trained
    baseline: str
    measured: tuple[Measured, ...]
    interpolation: Mapping[str, Any] | None
    material: Material
    parts: Parts
    encoders: Encoders


def to_report(
    made: Made,
    *,
    pairs: Path,
    folder: Path,
    options: BridgeOptions,
    seconds: Mapping[str, float],
    notes: Sequence[str],
) -> BridgeReport:
    """The report of a training, before it is written: without a revision."""
    trained, encoders = made.trained, made.encoders
    return BridgeReport(
        name=options.name or folder.name,
        folder=str(folder),
        model_id=folder.name,
        revision="",
        encoders={
            "images": to_description(encoders.image_encoder),
            "texts": to_description(encoders.text_encoder),
        },
        recipe=to_plain(made.recipe),
        baseline=made.baseline,
        counts=_to_counts(made.material, made.parts),
        measured=made.measured,
        epochs=tuple(asdict(epoch) for epoch in trained.epochs),
        best=trained.best,
        stopped_early=trained.stopped_early,
        interpolation=made.interpolation,
        data={"file": pairs.name, "licence": options.data_licence},
        diptych=version("diptych"),
        trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=seconds,
        failures=made.material.failures,
        notes=tuple(notes),
    )


def to_provenance(
    recipe: Recipe, parts: Parts, options: BridgeOptions, *, gated: bool
) -> dict[str, Any]:
    """What a bridge's own file says of where it comes from.

    No date: the same training gives the same files, and so the same space.

    Args:
        recipe: How it was trained.
        parts: Who was learned from.
        options: Of the training.
        gated: Whether a gate is part of it.
    """
    learned = {TRAINING: parts.training, VALIDATION: parts.validation}
    if gated:
        learned["outside"] = parts.outside
    return {
        "recipe": to_plain(recipe),
        "data_licence": options.data_licence,
        "training_images": len(parts.training),
        "validation_images": len(parts.validation),
        **({"outside_images": len(parts.outside)} if gated else {}),
        "training_data": _to_digest(learned),
    }


def to_plain(recipe: Recipe) -> dict[str, Any]:
    """A recipe in plain words and numbers."""
    return {
        name: str(value) if isinstance(value, str) else value
        for name, value in asdict(recipe).items()
    }


def _to_counts(material: Material, parts: Parts) -> dict[str, int]:
    return {
        "lines": material.lines[TRAINING],
        "images": len(material.images.rows),
        "texts": len(material.texts.rows),
        "training": len(parts.training),
        "validation": len(parts.validation),
        "test": len(parts.test),
        "general": len(parts.general),
        "outside": len(parts.outside),
        "left_out": parts.left_out,
        "encoded_images": material.images.encoded,
        "encoded_texts": material.texts.encoded,
    }


def _to_digest(learned: Mapping[str, Sequence[Item]]) -> str:
    """Of everything that was learned from, by its part, in whatever order."""
    from blake3 import blake3

    lines = sorted(
        "\0".join([name, item.content_hash, *sorted(item.texts)])
        for name, items in learned.items()
        for item in items
    )
    return f"blake3:{blake3(chr(10).join(lines).encode()).hexdigest()}"

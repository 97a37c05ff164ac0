"""From files of pairs to a bridge in a folder."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ingest.bridge.bar import open_bar
from ingest.bridge.folder import Target
from ingest.bridge.frozen import make_conse, open_describer, open_encoders, to_baseline
from ingest.bridge.material import GENERAL, TEST, TRAINING, VALIDATION, read_material, to_parts
from ingest.bridge.measure import measure
from ingest.bridge.notes import iter_notes
from ingest.bridge.options import BridgeOptions
from ingest.bridge.outcome import Made, to_provenance, to_report
from ingest.bridge.write import write_bridge
from ingest.encoders.bridge.folder import Bridge
from ingest.encoders.bridge.recipe import CLOSED_FORM, Recipe
from ingest.encoders.bridge.side import Base
from ingest.encoders.bridge.suggested import suggest_recipe
from ingest.encoders.bridge.training import train
from ingest.encoders.bridge.wise import add_gates, choose_map_weight, interpolate
from ingest.encoders.catalogue import HINGE_MODEL_ID
from ingest.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ingest.bridge.frozen import Encoders
    from ingest.bridge.material import Material, Parts
    from ingest.bridge.report import BridgeReport, Measured
    from ingest.encoders.bridge.conse import Conse
    from ingest.encoders.bridge.side import Side
    from ingest.encoders.bridge.training import Epoch, Trained
    from schemas.settings import Settings


def train_bridge(
    pairs: Path,
    output: Path,
    *,
    image_encoder: str = HINGE_MODEL_ID,
    text_encoder: str | None = None,
    recipe: Recipe | Mapping[str, Any] | None = None,
    options: BridgeOptions | None = None,
    settings: Settings | None = None,
) -> BridgeReport:
    """Learn one space for two frozen encoders from pairs, and say what it is good for.

    Args:
        pairs: A file of pairs; see :func:`ingest.bridge.pairs.read_pairs`.
        output: The folder that becomes the bridge; its name is the model's.
        image_encoder: Hub id, folder or ``hinge-en-2``.
        text_encoder: Likewise; None for the same model.
        recipe: How to train: whole, or only the fields that differ from what suits the encoders
            and the number of pairs.
        options: Everything else.
        settings: Limits of decoding; None for those of the environment.

    Returns:
        The report, which is in the folder too.

    Raises:
        SettingsError: What was asked for does not go together, a file cannot be read, or fewer
            than two of its pairs can be used.
        EncoderError: An encoder cannot be loaded or used.
        StoreError: The bridge cannot be written.
    """
    from schemas.settings import load_settings

    options = options or BridgeOptions()
    target = Target.claim(output, force=options.force)
    if options.fresh:
        target.forget_checkpoints()
    job = _Job(target, options, settings or load_settings())
    with job.stopwatch.lap("total"):
        encoders = open_encoders(image_encoder, text_encoder or image_encoder, options)
        made = job.make(pairs, encoders, recipe)
    report = to_report(
        made,
        pairs=pairs,
        folder=target.path,
        options=options,
        seconds=job.stopwatch.to_seconds(),
        notes=job.notes,
    )
    report = write_bridge(target, made.bridge, report)
    target.forget_checkpoints()
    return report


def to_recipe(given: Recipe | Mapping[str, Any] | None, encoders: Encoders, pairs: int) -> Recipe:
    """A recipe as it is given, or one that suits the encoders, with these fields.

    Args:
        given: A whole recipe, or some of its fields.
        encoders: Both.
        pairs: Images to learn from.

    Raises:
        SettingsError: What is chosen does not go together, with each other or with the encoders.
    """
    if isinstance(given, Recipe):
        return given
    return suggest_recipe(pairs, encoders.usual_base, given)


class _Job:
    """The steps of one training."""

    def __init__(self, target: Target, options: BridgeOptions, settings: Settings) -> None:
        self.stopwatch = Stopwatch()
        self._target = target
        self._options = options
        self._settings = settings
        self.notes: list[str] = []

    def make(
        self, pairs: Path, encoders: Encoders, given: Recipe | Mapping[str, Any] | None
    ) -> Made:
        draft = to_recipe(given, encoders, 1)  # what does not go together is told at once
        opened = open_describer(encoders, self._settings, cache=self._options.cache)
        with self.stopwatch.lap("describe"), opened as describer:
            material = read_material(self._to_files(pairs), describer)
            gate = self._options.gate and draft.base is not Base.NONE
            parts = to_parts(material, self._options, seed=draft.seed, gate=gate)
            recipe = to_recipe(given, encoders, len(parts.training))
            needs_conse = recipe.base is Base.CONSE
            conse = make_conse(encoders, describer, recipe.softness) if needs_conse else None
        with self.stopwatch.lap("train"):
            trained = self._train(material, parts, recipe, conse)
            chosen, interpolation = self._interpolate(trained, material, parts, recipe)
            after = chosen.images, chosen.texts
        baseline, before = to_baseline(encoders, recipe.base, conse)
        with self.stopwatch.lap("measure"):
            measured = self._measure(material, parts, before, after, recipe.seed)
        bridge = Bridge(
            dimension=_to_dimension(after[0], material, parts),
            images=after[0],
            texts=after[1],
            image_encoder=encoders.image_encoder,
            text_encoder=encoders.text_encoder,
            provenance=to_provenance(recipe, parts, self._options, gated=chosen.is_gated),
        )
        return Made(
            bridge, recipe, trained, baseline, measured, interpolation, material, parts, encoders
        )

    def _to_files(self, pairs: Path) -> dict[str, Path]:
        options = self._options
        others = {
            VALIDATION: options.validation_pairs,
            TEST: options.test_pairs,
            GENERAL: options.general,
        }
        return {TRAINING: pairs, **{name: path for name, path in others.items() if path}}

    def _train(
        self, material: Material, parts: Parts, recipe: Recipe, conse: Conse | None
    ) -> Trained:
        epochs = 0 if recipe.objective in CLOSED_FORM else recipe.epochs * recipe.members
        with open_bar("training", epochs, "epoch") as bar:

            def show(epoch: Epoch) -> None:
                bar.set_postfix(
                    loss=f"{epoch.loss:.3f}",
                    t2i=f"{epoch.text_to_image:.3f}",
                    i2t=f"{epoch.image_to_text:.3f}",
                    refresh=False,
                )
                bar.update()

            return train(
                material.to_examples(parts.training),
                material.to_examples(parts.validation),
                recipe,
                conse=conse,
                checkpoints=self._target.checkpoints,
                on_epoch=show,
            )

    def _interpolate(
        self, trained: Trained, material: Material, parts: Parts, recipe: Recipe
    ) -> tuple[Trained, Mapping[str, Any] | None]:
        """What was trained at the map's weight that forgets little enough."""
        chosen = gated = None
        if parts.outside:
            learned = material.to_examples(parts.training)
            gated = add_gates(trained, learned, material.to_examples(parts.outside))
        if parts.general and recipe.base is not Base.NONE:
            chosen = choose_map_weight(
                trained,
                material.to_examples(parts.validation),
                material.to_examples(parts.general),
                tolerance=self._options.forgetting,
                gated=gated,
            )
        self.notes += iter_notes(trained, chosen, parts, recipe.base, gate=self._options.gate)
        if chosen is None:
            return trained, None
        kept = gated if gated is not None and chosen.gated else trained
        return interpolate(kept, chosen.map_weight), asdict(chosen)

    def _measure(
        self,
        material: Material,
        parts: Parts,
        before: tuple[Side, Side] | None,
        after: tuple[Side, Side],
        seed: int,
    ) -> tuple[Measured, ...]:
        named = {VALIDATION: parts.validation, TEST: parts.test, GENERAL: parts.general}
        return tuple(
            measure(material.to_part(name, items), before, after, seed=seed)
            for name, items in named.items()
            if items
        )


def _to_dimension(images: Side, material: Material, parts: Parts) -> int:
    one = material.to_examples(parts.validation[:1])
    return int(images.apply(one.images).shape[1])

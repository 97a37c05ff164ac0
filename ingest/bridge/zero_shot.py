"""From labels to a bridge in a folder, without a single pair."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from ingest.bridge.class_matching import match_labels, to_classifier_vectors
from ingest.bridge.folder import CARD, Target
from ingest.bridge.frozen import open_describer, open_encoders, to_description
from ingest.bridge.labelled import describe_labelled, read_labelled
from ingest.bridge.options import BridgeOptions
from ingest.bridge.unseen import choose_seen
from ingest.bridge.zero_shot_card import to_card
from ingest.bridge.zero_shot_options import Method, ZeroShotOptions
from ingest.bridge.zero_shot_report import ZeroShotReport, to_left_out
from ingest.bridge.zero_shot_trial import ClassifierParts, Trial
from ingest.encoders.bridge.class_vectors import TextRows, Wording, to_label_vectors
from ingest.encoders.bridge.classifier import Classifier
from ingest.encoders.bridge.conse import Conse
from ingest.encoders.bridge.devise import fit_class_weights, leave_classes_out
from ingest.encoders.bridge.folder import Bridge
from ingest.encoders.bridge.side import Base, Side
from ingest.encoders.catalogue import HINGE_MODEL_ID as HINGE
from ingest.encoders.transformer.files import find_model
from schemas.errors import SettingsError
from schemas.labels import read_labels
from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ingest.bridge.class_matching import Matching
    from ingest.bridge.features import Describer
    from ingest.bridge.frozen import Encoders
    from ingest.bridge.labelled import LabelledImages
    from ingest.encoders.bridge.devise import LeftOut
    from ingest.encoders.bridge.maps import Map
    from schemas.labels import Label
    from schemas.settings import Settings

    Floats = NDArray[np.float32]


def make_zero_shot_bridge(
    labels: Path,
    output: Path,
    options: ZeroShotOptions | None = None,
    *,
    settings: Settings | None = None,
) -> ZeroShotReport:
    """Make one space of images and texts from descriptions of classes, without pairs.

    Args:
        labels: A file of labels; see :func:`schemas.labels.read_labels`.
        output: The folder that becomes the bridge; its name is the model's.
        options: Everything else.
        settings: Limits of decoding; None for those of the environment.

    Returns:
        The report, which is in the folder too, with a card.

    Raises:
        SettingsError: What was asked for does not go together, or a file cannot be read.
        EncoderError: An encoder cannot be loaded or used.
        StoreError: The bridge cannot be written.
    """
    from schemas.settings import load_settings

    options = options or ZeroShotOptions()
    target = Target.claim(output, force=options.force)
    read = read_labels(labels)
    encoders = _open(options)
    job = _Job(read, encoders, options, settings or load_settings())
    with job.describing():
        made = job.make()
    report = job.to_report(made, target, labels)
    with target.replacing() as fresh:
        made.to_bridge(encoders, report).write(fresh)
        report = replace(report, revision=find_model(str(fresh), None).revision)
        report.write(fresh)
        (fresh / CARD).write_text(to_card(report), encoding="utf-8")
    return report


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """The image side, and how it came to be."""

    side: Side
    trial: Trial | None = None
    left_out: LeftOut | None = None

    def to_bridge(self, encoders: Encoders, report: ZeroShotReport) -> Bridge:
        said = report.to_json()
        kept = ("recipe", "counts", "data", "diptych", "made")
        return Bridge(
            dimension=encoders.text_encoder.space.dimension,
            images=self.side,
            texts=Side(Base.OWN),
            image_encoder=encoders.image_encoder,
            text_encoder=encoders.text_encoder,
            provenance={name: said[name] for name in kept},
        )


class _Job:
    """The steps of one making."""

    def __init__(
        self,
        labels: Sequence[Label],
        encoders: Encoders,
        options: ZeroShotOptions,
        settings: Settings,
    ) -> None:
        self._labels = labels
        self._encoders = encoders
        self._options = options
        self._settings = settings
        self._wording = Wording(options.templates, options.attribute_weight)
        self._describer: Describer | None = None
        self._texts = TextRows(self._encode)
        self._weights = self._read_weights()
        self._matching = self._match()

    @contextmanager
    def describing(self) -> Iterator[None]:
        """While it lasts, images and texts are described."""
        opened = open_describer(self._encoders, self._settings, cache=self._options.cache)
        with opened as self._describer:
            yield

    def make(self) -> _Made:
        options = self._options
        if options.images is None:
            return self._make_without_images()
        images = self._describe_labelled(options.images)
        seen = choose_seen(self._labels, images.truth, options.unseen_share, seed=options.seed)
        trial = Trial.run(self._to_vectors(), self._to_classifier(), images, seen, options)
        return _Made(trial.side, trial)

    def to_report(self, made: _Made, target: Target, labels: Path) -> ZeroShotReport:
        options, trial = self._options, made.trial
        return ZeroShotReport(
            name=target.path.name,
            folder=str(target.path),
            revision="",  # known once it is written
            encoders={
                "images": to_description(self._encoders.image_encoder),
                "texts": to_description(self._encoders.text_encoder),
            },
            recipe=options.to_json(),
            counts=self._to_counts(trial),
            made=trial.made if trial else None,
            outcomes=trial.outcomes if trial else (),
            left_out=None if made.left_out is None else asdict(made.left_out),
            data={
                "labels": labels.name,
                "images": options.images and options.images.name,
                "licence": options.data_licence,
            },
            diptych=version("diptych"),
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            failures=trial.images.failures if trial else (),
            notes=tuple(self._to_notes(made)),
        )

    def _read_weights(self) -> Floats | None:
        images = self._encoders.images
        return images.read_class_weights() if isinstance(images, Classifier) else None

    def _match(self) -> Matching:
        names = self._encoders.images.class_texts if self._weights is not None else ()
        classes = 0 if self._weights is None else len(self._weights)
        return match_labels(self._labels, names, classes)

    def _encode(self, texts: Sequence[str]) -> Floats:
        assert self._describer is not None  # noqa: S101 - for the type checker: describing() runs
        described = self._describer.describe_texts(texts)
        for refusal in described.refusals.values():
            raise refusal
        rows = [described.rows[described.hashes[text]] for text in texts]
        return np.concatenate([row.features if row.own is None else row.own for row in rows])

    def _to_conse(self, wording: Wording) -> Conse:
        assert self._weights is not None  # noqa: S101 - for the type checker: asked before
        classes = to_classifier_vectors(
            self._encoders.images.class_texts,
            len(self._weights),
            self._matching,
            self._texts,
            wording,
        )
        return Conse(classes, self._options.temperature, self._options.most_classes)

    def _to_classifier(self) -> ClassifierParts | None:
        if self._weights is None:
            return None
        plain = self._to_conse(replace(self._wording, attribute_weight=0))
        fitted, _ = self._fit_weights(plain)
        return ClassifierParts((plain, self._to_conse(self._wording)), fitted)

    def _fit_weights(self, conse: Conse) -> tuple[Map, LeftOut]:
        """The map from the last layer's weights, and how it does on classes left out of it."""
        assert self._weights is not None  # noqa: S101 - for the type checker: asked before
        named = np.linalg.norm(conse.classes, axis=1) > 0
        weights, targets = self._weights[named], conse.classes[named]
        found = leave_classes_out(weights, targets, seed=self._options.seed)
        return fit_class_weights(weights, targets, ridge=found.ridge), found

    def _to_vectors(self) -> tuple[Floats, Floats | None]:
        """Of the labels: without attributes and with them; None where no label has any."""
        plain = to_label_vectors(
            self._labels, self._texts, replace(self._wording, attribute_weight=0)
        )
        if not any(label.attributes for label in self._labels):
            return plain, None
        return plain, to_label_vectors(self._labels, self._texts, self._wording)

    def _describe_labelled(self, path: Path) -> LabelledImages:
        assert self._describer is not None  # noqa: S101 - for the type checker: describing() runs
        return describe_labelled(read_labelled(path, self._labels), self._describer)

    def _make_without_images(self) -> _Made:
        options = self._options
        if self._weights is None:
            raise SettingsError(
                f"{self._encoders.images.space.model_id} has no classes, and there are no labelled "
                f"images: choose an image classifier, or give --images with --method devise"
            )
        conse = self._to_conse(self._wording)
        if options.method is Method.CONSE:
            return _Made(Side(Base.CONSE, conse=conse))
        fitted, left_out = self._fit_weights(conse)
        if not options.on_conse:
            return _Made(Side(Base.NONE, fitted), left_out=left_out)
        side = Side(Base.CONSE, fitted, options.base_weight, unit_map=True, conse=conse)
        return _Made(side, left_out=left_out)

    def _to_counts(self, trial: Trial | None) -> dict[str, int]:
        matched = {label.name for label in self._matching.by_class.values()}
        counts = {
            "labels": len(self._labels),
            "described": sum(bool(label.descriptions) for label in self._labels),
            "with_attributes": sum(bool(label.attributes) for label in self._labels),
            "classes": 0 if self._weights is None else len(self._weights),
            "matched": len(matched),
        }
        return counts if trial is None else {**counts, **trial.to_counts(self._labels, matched)}

    def _to_notes(self, made: _Made) -> Iterator[str]:
        if self._matching.ambiguous:
            names = ", ".join(self._matching.ambiguous[:10])
            yield (
                f"Several of the classifier's classes are called {names}: such a label changes "
                f"none of them; give it an index."
            )
        if self._weights is not None and not self._matching.by_class and made.trial is None:
            yield (
                "None of the labels is a class of the classifier: its own classes decide where "
                "images lie, and the labels are only what one may ask for."
            )
        if made.left_out is not None:
            yield to_left_out(made.left_out)
        if made.trial is not None:
            yield from made.trial.notes


def _open(options: ZeroShotOptions) -> Encoders:
    """Both encoders; texts by the hinge where the image encoder reads none and none is named."""
    image, text = options.image_revision, options.text_revision
    revisions = BridgeOptions(image_revision=image, text_revision=text)
    if options.text_encoder is not None:
        return open_encoders(options.image_encoder, options.text_encoder, revisions)
    from ingest.encoders.bridge.backbone import open_backbone

    images = open_backbone(options.image_encoder, revision=options.image_revision, threads=1)
    both = Modality.TEXT in images.space.modalities
    return open_encoders(options.image_encoder, options.image_encoder if both else HINGE, revisions)

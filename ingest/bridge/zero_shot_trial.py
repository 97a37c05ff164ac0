"""Every way to place images among seen and unseen classes, tried; and the one asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ingest.bridge.generalised import Way, carve, choose, fit, measure
from ingest.bridge.labelled import to_held_out
from ingest.bridge.zero_shot_options import Method
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

    from numpy.typing import NDArray

    from ingest.bridge.generalised import Outcome
    from ingest.bridge.labelled import LabelledImages
    from ingest.bridge.zero_shot_options import ZeroShotOptions
    from ingest.encoders.bridge.conse import Conse
    from ingest.encoders.bridge.maps import Map
    from ingest.encoders.bridge.side import Side
    from schemas.labels import Label

    Floats = NDArray[np.float32]
    Flags = NDArray[np.bool_]

_USUAL_SHARE = 0.25
"""Of seen classes, carved out for validation where none is unseen."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassifierParts:
    """What an image classifier gives without any image.

    Attributes:
        conses: ConSE without attributes and with them.
        from_weights: The map that is made of its last layer.
    """

    conses: tuple[Conse, Conse]
    from_weights: Map


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What was tried.

    Attributes:
        side: The image side that was asked for.
        made: Name of its outcome.
        outcomes: What every way reaches.
        images: All labelled images.
        seen: ``(c,)`` which labels training saw.
        training: How many images were learned from.
        notes: What else is worth knowing.
    """

    side: Side
    made: str
    outcomes: tuple[Outcome, ...]
    images: LabelledImages
    seen: Flags
    training: int
    notes: tuple[str, ...]

    @classmethod
    def run(
        cls,
        vectors: tuple[Floats, Floats | None],
        classifier: ClassifierParts | None,
        images: LabelledImages,
        seen: Flags,
        options: ZeroShotOptions,
    ) -> Self:
        """Choose on seen classes, fit on them, and measure on what was kept apart.

        Args:
            vectors: Of the labels, without attributes and with them.
            classifier: What the image encoder's classes give; None where it has none.
            images: All labelled ones.
            seen: Which labels training may see.
            options: What is asked for.
        """
        held_out = to_held_out(images, options.held_out, seed=options.seed)
        known = seen[images.truth]
        training = images.take(np.flatnonzero(known & ~held_out))
        measured = images.take(np.flatnonzero(~known | held_out))
        inner = to_held_out(training, options.held_out or 0.3, seed=options.seed + 1)
        unseen = np.unique(images.truth[~known])
        share = len(unseen) / (len(unseen) + seen.sum()) if len(unseen) else _USUAL_SHARE
        folds = carve(training, len(seen), inner, share, seed=options.seed)
        ways = list(_iter_ways(vectors, classifier, options))
        place = _find_asked(ways, options)
        rows = np.arange(len(training.truth))
        outcomes, sides = [], []
        for way in ways:
            strengths = choose(way, training, folds)
            sides.append(fit(way, strengths, training, rows))
            outcomes.append(measure(way, strengths, sides[-1], measured, seen))
        notes = () if folds else (_NOT_CHOSEN,)
        return cls(sides[place], ways[place].name, tuple(outcomes), images, seen, len(rows), notes)

    def to_counts(self, labels: Sequence[Label], matched: set[str]) -> dict[str, int]:
        """For the report; ``matched`` are the names of labels that the classifier knows."""
        has_images = np.bincount(self.images.truth, minlength=len(self.seen)) > 0
        unseen = [
            label.name
            for label, seen, has in zip(labels, self.seen, has_images, strict=True)
            if has and not seen
        ]
        return {
            "seen": int(self.seen.sum()),
            "unseen": len(unseen),
            "unseen_matched": len(matched.intersection(unseen)),
            "images": len(self.images.truth),
            "training": self.training,
            "measured": len(self.images.truth) - self.training,
        }


_NOT_CHOSEN = (
    "There were too few seen classes or images to choose strengths and gamma on: they are the "
    "usual ones, and gamma is 0."
)


def _iter_ways(
    vectors: tuple[Floats, Floats | None],
    classifier: ClassifierParts | None,
    options: ZeroShotOptions,
) -> Iterator[Way]:
    if classifier is not None:
        plain = vectors[0], classifier.conses[0]
        yield Way("class weights", vectors[0], None, ready=classifier.from_weights)
        yield Way("class weights on conse", *plain, ready=classifier.from_weights)
    for place, classes in enumerate(vectors):
        if classes is None:
            continue
        suffix = " with attributes" if place else ""
        if classifier is not None:
            yield Way(f"conse{suffix}", classes, classifier.conses[place])
        yield Way(f"devise{suffix}", classes, None, options.objective)
        if classifier is not None:
            conse = classifier.conses[place]
            yield Way(f"devise on conse{suffix}", classes, conse, options.objective)


def _find_asked(ways: Sequence[Way], options: ZeroShotOptions) -> int:
    """The last of its kind: with attributes, where there are some.

    Raises:
        SettingsError: ConSE is asked for, and the image encoder has no classes.
    """
    wants_map = options.method is Method.DEVISE
    base = [way for way in ways if way.ready is None and (way.objective is not None) == wants_map]
    if not base:
        raise SettingsError(
            f"{options.image_encoder} has no classes, which --method conse needs: choose an image "
            f"classifier, or --method devise"
        )
    on_conse = [
        way for way in base if (way.conse is not None) == (options.on_conse or not wants_map)
    ]
    found = (on_conse or base)[-1]
    return ways.index(found)

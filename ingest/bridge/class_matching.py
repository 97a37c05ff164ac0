"""Which labels are a classifier's own classes, and what its classes are then told by."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.bridge.class_vectors import add_attributes, to_word_rows
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ingest.encoders.bridge.class_vectors import TextRows, Wording
    from schemas.labels import Label

    Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Matching:
    """Labels and a classifier's classes.

    Attributes:
        by_class: The label of a class, by the class's index.
        ambiguous: Labels whose name several classes have.
    """

    by_class: Mapping[int, Label]
    ambiguous: tuple[str, ...]


def match_labels(
    labels: Sequence[Label], class_texts: Sequence[Sequence[str]], classes: int
) -> Matching:
    """Find labels among a classifier's classes: by index, else by name, whatever its case.

    A class may have several names, parted by commas. A name that several classes have matches
    none: ImageNet's crane is a bird and a machine.

    Args:
        labels: What was given.
        class_texts: The names of each class; empty where it has none.
        classes: How many classes there are.

    Raises:
        SettingsError: An index is out of range, or given twice.
    """
    places: defaultdict[str, set[int]] = defaultdict(set)
    for index, texts in enumerate(class_texts):
        for name in texts[0].split(","):
            places[name.strip().casefold()].add(index)
    found: dict[int, Label] = {}
    ambiguous = []
    for label in sorted(labels, key=lambda one: one.index is None):
        if label.index is not None:
            _check_index(label, classes, found)
            found[label.index] = label
            continue
        named = places.get(label.name.casefold(), set())
        if len(named) == 1:
            found.setdefault(min(named), label)
        elif named:
            ambiguous.append(label.name)
    return Matching(found, tuple(ambiguous))


def to_classifier_vectors(
    class_texts: Sequence[Sequence[str]],
    classes: int,
    matching: Matching,
    texts: TextRows,
    wording: Wording,
) -> Floats:
    """A vector of each class of a classifier, as :class:`~ingest.encoders.bridge.conse.Conse` has.

    Args:
        class_texts: Each class's names and descriptions; empty where they have none.
        classes: How many classes there are.
        matching: A label's description takes the place of a class's own, and its attributes are
            mixed in. Where classes have no names, only those with a label count.
        texts: Of the text side's encoder.
        wording: How.

    Returns:
        ``(c, d)`` float32, less the mean of all; 0 where nothing is known of a class.

    Raises:
        SettingsError: Fewer than two classes have names.
    """
    worded = {
        index: ways
        for index in range(classes)
        if (ways := _to_ways(index, class_texts, matching.by_class.get(index)))
    }
    if len(worded) < 2:  # noqa: PLR2004 - as documented
        raise SettingsError(
            "labels: the classifier's own configuration does not say what its classes are called; "
            'name them, with their places, as in {"label": "zebra", "index": 340}'
        )
    rows = to_word_rows(worded.values(), texts)
    held = [matching.by_class.get(index) for index in worded]
    mixed = add_attributes(rows - rows.mean(axis=0), held, texts, wording)
    full = np.zeros((classes, rows.shape[1]), dtype=np.float32)
    full[list(worded)] = mixed
    return full


def _to_ways(
    index: int, class_texts: Sequence[Sequence[str]], label: Label | None
) -> list[list[str]]:
    own = class_texts[index] if class_texts else ()
    if label is None:
        return [[text] for text in own]
    if label.descriptions or label.index is not None or not own:
        return [[label.name], list(label.descriptions)]
    return [[text] for text in own]


def _check_index(label: Label, classes: int, found: Mapping[int, Label]) -> None:
    index = label.index or 0
    if index >= classes:
        raise SettingsError(
            f"{label.origin}: the classifier has {classes:,} classes, from 0 on; index {index:,} "
            f"is none of them"
        )
    if index in found:
        raise SettingsError(
            f"{label.origin}: index {index:,} is {found[index].name!r:.80} already; give each "
            f"class one label"
        )

"""Labels to class vectors, in the space of a text encoder: names, descriptions, attributes.

A class of things that nobody described is told by what it has: the mean of the text vectors of its
attributes' names, each weighted by how much more of it the class has than others do (after
attribute-based classification, Lampert et al. 2009). Because the attributes are words, an image
that lies near such a vector is found by those words too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.bridge.side import to_unit
from schemas.errors import SettingsError
from schemas.labels import DEFAULT_TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from schemas.labels import Label

    Floats = NDArray[np.float32]

_LEAST_LENGTH = 1e-6


@dataclass(frozen=True, slots=True)
class Wording:
    """How labels become texts and vectors.

    Attributes:
        templates: Sentences that a name is put into.
        attribute_weight: Share of the attributes in a vector that has both, 0 to 1.
    """

    templates: tuple[str, ...] = DEFAULT_TEMPLATES
    attribute_weight: float = 0.5


class TextRows:
    """Unit vectors of texts, each encoded once.

    Args:
        encode: Different texts to ``(n, d)`` float32 unit rows.
    """

    def __init__(self, encode: Callable[[Sequence[str]], Floats]) -> None:
        """Encode nothing."""
        self._encode = encode
        self._rows: dict[str, Floats] = {}

    def __call__(self, texts: Sequence[str]) -> Floats:
        """``(n, d)`` float32 unit rows, in order."""
        new = [text for text in dict.fromkeys(texts) if text not in self._rows]
        if new:
            self._rows.update(zip(new, self._encode(new), strict=True))
        return np.stack([self._rows[text] for text in texts])


def to_label_vectors(labels: Sequence[Label], texts: TextRows, wording: Wording) -> Floats:
    """A vector of each label; what all have in common is taken away.

    Args:
        labels: At least two.
        texts: Of the text side's encoder.
        wording: How.

    Returns:
        ``(n, d)`` float32 unit rows.

    Raises:
        SettingsError: There are too few labels, or one says the same as all of them.
    """
    if len(labels) < 2:  # noqa: PLR2004 - as documented
        raise SettingsError("labels: one alone cannot be told from others; give at least two")
    words = to_word_rows([_to_texts(label, wording) for label in labels], texts)
    rows = add_attributes(words - words.mean(axis=0), labels, texts, wording)
    lengths = np.linalg.norm(rows, axis=1)
    for label, length in zip(labels, lengths, strict=True):
        if not length > _LEAST_LENGTH:
            raise SettingsError(
                f"{label.origin}: {label.name!r:.80} says nothing that the other labels do not "
                f"say; describe it, or give it attributes"
            )
    return to_unit(rows)


def to_word_rows(worded: Iterable[Sequence[Sequence[str]]], texts: TextRows) -> Floats:
    """The unit vector of each class: every way to say it counts alike, however many texts it has.

    Args:
        worded: Of each class its ways, each with at least one text: the name in several
            sentences, say, and the descriptions.
        texts: Encodes them.

    Returns:
        ``(n, d)`` float32 unit rows.
    """
    listed = [[list(way) for way in ways if way] for ways in worded]
    texts([text for ways in listed for way in ways for text in way])  # together, which is quicker
    return np.stack([_to_mean([_to_mean(texts(way)) for way in ways]) for ways in listed])


def add_attributes(
    rows: Floats, labels: Sequence[Label | None], texts: TextRows, wording: Wording
) -> Floats:
    """Mix what attributes say into the vectors of classes that have some.

    A value counts by how far it lies from the mean of the classes that have the attribute, and an
    attribute's vector by how far it lies from the mean of all attributes: what is said of every
    class tells none from others.

    Args:
        rows: ``(n, d)`` float32, less their mean.
        labels: Of each class; None of one without label.
        texts: Encodes the attributes' names.
        wording: How much attributes count.

    Returns:
        ``(n, d)`` float32; a class without attributes keeps its row.
    """
    names = sorted({name for label in labels if label for name in label.attributes})
    if not names or not wording.attribute_weight:
        return rows
    told = texts([_to_phrase(name) for name in names])
    told = told - told.mean(axis=0) if len(names) > 1 else told
    said = to_unit(np.asarray(_to_amounts(labels, names) @ told, dtype=np.float32))
    # A class vector without its mean is far shorter than one: both sides get its usual length.
    usual = float(np.linalg.norm(rows, axis=1).mean()) or 1.0
    share = wording.attribute_weight * np.linalg.norm(said, axis=1, keepdims=True)
    return np.asarray((1 - share) * rows + share * usual * said, dtype=np.float32)


def _to_amounts(labels: Sequence[Label | None], names: Sequence[str]) -> Floats:
    """``(n, a)``: how much more of each attribute a class has than others; 0 where nobody says."""
    given = np.array(
        [
            [label.attributes.get(name, np.nan) if label else np.nan for name in names]
            for label in labels
        ]
    )
    known = np.isfinite(given)
    sums = np.where(known, given, 0).sum(axis=0)
    means = sums / np.maximum(known.sum(axis=0), 1)
    return np.where(known, given - means, 0).astype(np.float32)


def _to_texts(label: Label, wording: Wording) -> list[list[str]]:
    named = [template.replace("{}", label.name) for template in wording.templates]
    return [named, list(label.descriptions)]


def _to_phrase(name: str) -> str:
    return name.replace("_", " ")


def _to_mean(rows: Sequence[Floats] | Floats) -> Floats:
    mean = np.mean(rows, axis=0, dtype=np.float64)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)

"""Labels: read from a file, put into sentences, and encoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from schemas import labels as label_files
from schemas.errors import InvalidVector, QueryError, SettingsError
from schemas.labels import DEFAULT_TEMPLATES
from search.query import encode_texts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from schemas.space import Encoder

__all__ = ["DEFAULT_TEMPLATES", "check_templates", "encode_labels", "read_labels"]

_MIN_NORM: Final = 1e-6


def read_labels(path: Path) -> tuple[str, ...]:
    """The labels of a file, each once; see :func:`schemas.labels.read_labels`.

    Raises:
        QueryError: The file cannot be read as UTF-8, holds no label, or a line is none.
    """
    try:
        return tuple(label.name for label in label_files.read_labels(path))
    except SettingsError as error:
        raise QueryError(str(error)) from None


def encode_labels(
    labels: Sequence[str], encoder: Encoder, templates: Sequence[str] = DEFAULT_TEMPLATES
) -> NDArray[np.float32]:
    """Each label's vector: the mean over the templates, scaled to unit length.

    Args:
        labels: In order.
        encoder: Encodes texts.
        templates: Sentences with one ``{}`` each, where the label goes.

    Returns:
        Shape ``(len(labels), dimension)``, float32, rows of unit length.

    Raises:
        QueryError: There is no label, no template, or a template does not have exactly one ``{}``.
        EmptyQuery: A label has nothing that the encoder's tokenizer knows.
        UnsupportedModality: The encoder encodes no texts.
        InvalidVector: A label's templates cancel each other.
    """
    if not labels:
        raise QueryError("labels: there is none; give at least one")
    check_templates(templates)
    means = np.mean(
        [
            encode_texts([one.replace("{}", label) for label in labels], encoder)
            for one in templates
        ],
        axis=0,
        dtype=np.float64,
    )
    norms = np.linalg.norm(means, axis=1, keepdims=True)
    for label, norm in zip(labels, norms[:, 0], strict=True):
        if not norm > _MIN_NORM:
            raise InvalidVector(f"label {label!r}: its templates cancel each other; change one")
    return np.asarray(means / norms, dtype=np.float32)


def check_templates(templates: Sequence[str]) -> None:
    """Refuse sentences that a label cannot be put into.

    Raises:
        QueryError: There is none, or one does not have exactly one ``{}``.
    """
    try:
        label_files.check_templates(templates)
    except SettingsError as error:
        raise QueryError(str(error)) from None

"""Labels: read from a file, put into sentences, and encoded."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Final

import numpy as np

from schemas.errors import InvalidVector, QueryError
from search.query import encode_texts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from schemas.space import Encoder

DEFAULT_TEMPLATES: Final = ("{}", "a photo of {}", "a picture of {}")
"""Sentences that a label is put into. Averaging over several is prompt ensembling (Radford et al.
2021, "Learning Transferable Visual Models From Natural Language Supervision", 3.1.4)."""

_COMMENT = "#"
_MIN_NORM = 1e-6


def read_labels(path: Path) -> tuple[str, ...]:
    """The labels of a file: one a line, without blank lines, ``#`` comments and repetitions.

    Raises:
        QueryError: The file cannot be read as UTF-8, or holds no label.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise QueryError(f"labels: {path} cannot be read ({error}); give a UTF-8 file") from None
    labels = [line.strip() for line in lines if not line.lstrip().startswith(_COMMENT)]
    if not any(labels):
        raise QueryError(f"labels: {path} has none; write one a line")
    return tuple(dict.fromkeys(filter(None, labels)))


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
    if not templates:
        raise QueryError("template: there is none; give one such as 'a photo of {}'")
    for template in templates:
        if _fields(template) != [""]:
            raise QueryError(
                f"template: {template!r} does not have exactly one {{}}, where the label goes: "
                "write it as 'a photo of {}'"
            )


def _fields(template: str) -> list[str]:
    try:
        return [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    except ValueError:
        return []

"""Labelled images: a label each and no caption, a JSON object a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.bridge.described import Described
from schemas.errors import SettingsError
from schemas.lines import iter_lines, read_object
from schemas.pairs import read_image, to_path
from schemas.report import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ingest.bridge.features import Describer
    from schemas.labels import Label

    Places = NDArray[np.int64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """An image file and its class.

    Attributes:
        path: Of the image.
        place: Of its label among all labels.
        origin: Where it stands: a file and its line.
    """

    path: Path
    place: int
    origin: str


@dataclass(frozen=True, slots=True, eq=False)
class LabelledImages:
    """Images as an encoder described them, each content once.

    Attributes:
        described: ``n`` images.
        truth: ``(n,)`` int64, the place of each one's label.
        hashes: Of each one's bytes.
        failures: Lines and images that could not be used.
    """

    described: Described
    truth: Places
    hashes: tuple[str, ...]
    failures: tuple[Failure, ...] = ()

    def take(self, rows: Places) -> LabelledImages:
        """Some of the images, in the order of ``rows``."""
        kept = tuple(self.hashes[row] for row in rows)
        return LabelledImages(self.described.take(rows), self.truth[rows], kept, self.failures)


def read_labelled(path: Path, labels: Sequence[Label]) -> list[LabelledFile | Failure]:
    """The images of a file; a line is ``{"image": "birds/17.jpg", "label": "magpie"}``.

    Paths are relative to the file, else to the working directory. A line that is none, or whose
    label is not among the labels, is a failure, and the rest is read.

    Raises:
        SettingsError: The file cannot be read.
    """
    places = {label.name: place for place, label in enumerate(labels)}
    found: list[LabelledFile | Failure] = []
    for origin, line in iter_lines(path):
        try:
            found.append(_to_labelled(line, origin, path.parent, places))
        except SettingsError as error:
            reason = str(error).removeprefix(f"{origin}: ")
            found.append(Failure(origin, str(path), error.kind, reason))
    return found


def describe_labelled(
    lines: Sequence[LabelledFile | Failure], describer: Describer
) -> LabelledImages:
    """What an encoder says of the images that can be used.

    An image whose bytes stand under two labels is none of either.

    Raises:
        SettingsError: No image can be used.
        EncoderError: The encoder cannot be used at all.
    """
    files = [one for one in lines if isinstance(one, LabelledFile)]
    failures = [one for one in lines if isinstance(one, Failure)]
    descriptions = describer.describe_images([one.path for one in files])
    places: dict[str, set[int]] = {}
    for one in files:
        refusal = descriptions.refusals.get(one.path)
        if refusal is not None:
            failures.append(Failure(one.origin, str(one.path), refusal.kind, str(refusal)))
        else:
            places.setdefault(descriptions.hashes[one.path], set()).add(one.place)
    doubtful = {name for name, some in places.items() if len(some) > 1}
    failures += _iter_doubtful(files, descriptions.hashes, doubtful)
    hashes = tuple(name for name in places if name not in doubtful)
    if not hashes:
        raise SettingsError("no labelled image can be used; see the failures, or name other files")
    return LabelledImages(
        Described.concatenate([descriptions.rows[name] for name in hashes]),
        np.array([next(iter(places[name])) for name in hashes], dtype=np.int64),
        hashes,
        tuple(failures),
    )


def to_held_out(images: LabelledImages, share: float, *, seed: int) -> Flags:
    """Which images are kept apart of each class, by lot; of one image none, and never all.

    The lot of an image hangs on its content alone.

    Args:
        images: What is split.
        share: Of the images of each class.
        seed: Another one splits otherwise.
    """
    lots = np.array([_to_lot(name, seed) for name in images.hashes])
    held_out = np.zeros(len(lots), dtype=np.bool_)
    for place in np.unique(images.truth):
        rows = np.flatnonzero(images.truth == place)
        count = min(max(1, round(share * len(rows))), len(rows) - 1) if share else 0
        held_out[rows[np.argsort(lots[rows])][:count]] = True
    return held_out


def _to_labelled(line: str, origin: str, folder: Path, places: dict[str, int]) -> LabelledFile:
    values = read_object(line, origin)
    image = read_image(values, origin)
    label = values.get("label")
    if not isinstance(label, str) or label.strip() not in places:
        raise SettingsError(f"{origin}: label {label!r:.80} is not among the labels; add it there")
    return LabelledFile(to_path(image, folder), places[label.strip()], origin)


def _iter_doubtful(
    files: Sequence[LabelledFile], hashes: dict[Path | str, str], doubtful: set[str]
) -> Iterator[Failure]:
    for one in files:
        if hashes.get(one.path) in doubtful:
            yield Failure(
                one.origin,
                str(one.path),
                "SettingsError",
                "the same bytes have another label elsewhere; keep one of them",
            )


def _to_lot(content_hash: str, seed: int) -> str:
    from blake3 import blake3

    return blake3(f"{seed}/{content_hash}".encode()).hexdigest()

"""The pairs that a bridge learns from, a JSON object a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.decode.characters import to_normal_text
from schemas.errors import SettingsError
from schemas.lines import iter_lines, read_object
from schemas.pairs import TEXT_KEYS, read_image, read_texts, to_path
from schemas.report import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Pair:
    """An image and the texts that belong to it.

    Attributes:
        path: Of the image; whether it is there is found out when it is read.
        texts: At least one, as they are indexed: see :func:`~ingest.decode.to_normal_text`.
        group: Pairs of one group are never parted by a split; None for no such bond.
        origin: Where it stands: a file and its line.
    """

    path: Path
    texts: tuple[str, ...]
    group: str | None
    origin: str


@dataclass(frozen=True, slots=True)
class PairsFile:
    """What a file of pairs holds.

    Attributes:
        pairs: In order.
        failures: One for each line that is no pair.
    """

    pairs: tuple[Pair, ...]
    failures: tuple[Failure, ...]


def read_pairs(path: Path) -> PairsFile:
    """The pairs of a file, in the form that ``diptych evaluate --pairs`` reads.

    A line is ``{"image": "dogs/17.jpg", "text": "a dog"}``. ``text`` may be a list; ``captions``
    and ``caption`` are other names for it; ``group`` (a word or a number) keeps pairs together.
    Paths are relative to the file, else to the working directory. A line that is no pair is a
    failure, and the rest is read.

    Raises:
        SettingsError: The file cannot be read.
    """
    found = list(_iter_found(path))
    return PairsFile(
        tuple(one for one in found if isinstance(one, Pair)),
        tuple(one for one in found if isinstance(one, Failure)),
    )


def _iter_found(path: Path) -> Iterator[Pair | Failure]:
    for origin, line in iter_lines(path):
        try:
            yield _to_pair(line, origin, path.parent)
        except SettingsError as error:
            reason = str(error).removeprefix(f"{origin}: ")
            yield Failure(origin, str(path), error.kind, reason)


def _to_pair(line: str, origin: str, folder: Path) -> Pair:
    values = read_object(line, origin)
    image = read_image(values, origin)
    normal = (to_normal_text(text).strip() for text in read_texts(values, origin))
    texts = tuple(dict.fromkeys(text for text in normal if text))
    if not texts:
        raise SettingsError(f"{origin}: has no text; the keys are {', '.join(TEXT_KEYS)}")
    return Pair(to_path(image, folder), texts, _to_group(values.get("group"), origin), origin)


def _to_group(value: object, origin: str) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise SettingsError(f"{origin}: group is a word or a number, not {value!r:.80}")
    return str(value)

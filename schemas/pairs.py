"""A pair of an image and its texts, as a line of a file of pairs spells it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from schemas.errors import SettingsError
from schemas.lines import read_words

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT_KEYS: Final = ("text", "captions", "caption")
"""Where a pair's texts may stand; the first that has any counts."""


def read_image(values: Mapping[str, Any], origin: str) -> str:
    """The image of a pair, as it is written: a path or a source URI.

    Raises:
        SettingsError: There is none; the message names the line.
    """
    image = values.get("image")
    if not isinstance(image, str) or not image.strip() or "\0" in image:
        raise SettingsError(f"{origin}: image is a path or a source URI, not {image!r:.80}")
    return image


def read_texts(values: Mapping[str, Any], origin: str) -> tuple[str, ...]:
    """The texts of a pair, without the blank ones; empty where it has none.

    Raises:
        SettingsError: There is something else than texts; the message names the line.
    """
    return next((words for key in TEXT_KEYS if (words := read_words(values, key, origin))), ())


def to_path(name: str, folder: Path) -> Path:
    """Beside the file of pairs, or else in the working directory.

    Args:
        name: As the pair has it.
        folder: Of the file of pairs.
    """
    beside = folder / name
    # Unlike Path.exists, this takes a name that is too long for any file.
    is_here = not os.path.exists(beside) and os.path.exists(name)  # noqa: PTH110 - see above
    return Path(name) if is_here else beside

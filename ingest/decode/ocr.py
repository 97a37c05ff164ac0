"""The text in an image, read by RapidOCR with the models that its wheel carries."""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ingest.decode.characters import to_normal_text
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_SIDE_PIXELS = 2_000
MAX_PIXELS = 2_000_000
"""A page of A4 at 144 dots an inch. Memory and time go with them: at 2 million the engine and its
models take up to 1.4 GB of addresses, at 4 million 2 GB."""

_GOOD_SIDE_PIXELS = 736
"""The models were trained on images at least that large; a smaller one is enlarged."""

_MIN_SIDE_PIXELS = 8
"""No text is lower; RapidOCR would enlarge a strip of a pixel without bound."""

_MIN_CONFIDENCE = 0.7
"""What was read in pictures of textbooks is mostly right above it and mostly noise below."""

_MAX_CHARS = 20_000
"""More than any page of print has."""

_INSTALL = "pip install 'diptych[ocr]'"
_TASKS = ("Det", "Cls", "Rec")
_LOADING = threading.Lock()


def to_legible_size(width_pixels: int, height_pixels: int) -> tuple[int, int]:
    """The size at which text is looked for: small images enlarged, large ones shrunk."""
    factor = min(
        max(1.0, _GOOD_SIDE_PIXELS / min(width_pixels, height_pixels)),
        MAX_SIDE_PIXELS / max(width_pixels, height_pixels),
        (MAX_PIXELS / (width_pixels * height_pixels)) ** 0.5,
    )
    return max(1, int(width_pixels * factor)), max(1, int(height_pixels * factor))


class TextReader(Protocol):
    """Reads the text in images."""

    def read(self, image: Image) -> str | None:
        """The lines of an upright RGB image, in reading order, or None without any.

        Args:
            image: Of :func:`to_legible_size`.
        """


class _RapidReader:
    """One engine, one call at a time, in one thread."""

    def __init__(self) -> None:
        """Load nothing yet but the library; the models come with the first image."""
        import cv2
        from rapidocr import RapidOCR

        cv2.setNumThreads(1)  # the process decodes in as many threads as it was told to
        models = _find_models()
        self._lock = threading.Lock()
        self._engine = RapidOCR(
            params={
                "Global.log_level": "critical",
                # The size is what it is given: its own rule enlarges strips without bound.
                "Det.limit_type": "max",
                "Det.limit_side_len": MAX_SIDE_PIXELS,
                "Global.text_score": _MIN_CONFIDENCE,
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                # With their paths given, it never looks for models to download.
                **{f"{task}.model_path": str(models[task]) for task in _TASKS},
            }
        )

    def read(self, image: Image) -> str | None:
        """See :class:`TextReader`."""
        import numpy as np

        if min(image.size) < _MIN_SIDE_PIXELS:
            return None
        blue_green_red = np.ascontiguousarray(np.asarray(image)[:, :, ::-1])
        with self._lock:
            lines = getattr(self._engine(blue_green_red), "txts", None) or ()
        # A ring or a window is taken for brackets more often than brackets stand alone.
        words = [line.strip() for line in lines if any(map(str.isalnum, line))]
        text = to_normal_text("\n".join(words)).strip()
        return text[:_MAX_CHARS].rstrip() or None


def load_reader() -> TextReader:
    """The one reader of the process.

    It works offline, writes no file, and needs no more than one thread. The models read printed
    Chinese, English and other Latin text.

    Raises:
        SettingsError: RapidOCR is not installed, or its wheel carries no models.
    """
    try:
        with _LOADING:
            return _load()
    except ImportError as error:
        raise SettingsError(
            f"OCR needs the extra `ocr` ({error}); {_INSTALL}, or leave OCR off"
        ) from error


@cache
def _load() -> TextReader:
    return _RapidReader()


def _find_models() -> dict[str, Path]:
    """Task -> the one model for it in the wheel."""
    import rapidocr

    folder = Path(rapidocr.__file__).parent / "models"
    found = {task: sorted(folder.glob(f"*_{task.lower()}_*.onnx")) for task in _TASKS}
    if any(not models for models in found.values()):
        raise SettingsError(f"the installed RapidOCR carries no models in {folder}; {_INSTALL}")
    return {task: models[0] for task, models in found.items()}

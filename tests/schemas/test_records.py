"""Records, chunks and batches refuse what could not be indexed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
from PIL import Image

from schemas.records import Batch, Chunk, Modality, Record

PHOTO = Record("folder://p/a.jpg", "p", "/p/a.jpg", "image/jpeg", Modality.IMAGE, 10, 0)
NOTE = Record("folder://p/a.txt", "p", "/p/a.txt", "text/plain", Modality.TEXT, 10, 0)
PHOTO_CHUNK = Chunk(PHOTO, 0, 1, "blake3:00")
NOTE_CHUNK = Chunk(NOTE, 0, 1, "blake3:00", text="words", start_char=3, end_char=8)


@pytest.mark.parametrize(
    "wrong", [{"source_uri": ""}, {"root": ""}, {"location": ""}, {"size_bytes": -1}]
)
def test_a_record_without_identity_or_with_a_negative_size_is_refused(
    wrong: dict[str, object],
) -> None:
    with pytest.raises(ValueError, match=r"record needs|negative"):
        replace(PHOTO, **wrong)  # type: ignore[arg-type]


def test_records_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        PHOTO.size_bytes = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    "wrong",
    [
        {"ordinal": 1},
        {"ordinal": -1},
        {"count": 0},
        {"content_hash": "00"},
        {"text": " \n"},
        {"end_char": 9},
    ],
)
def test_a_chunk_that_nobody_could_read_back_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"folder://p/a\.txt"):
        replace(NOTE_CHUNK, **wrong)  # type: ignore[arg-type]


def test_a_batch_is_of_one_modality_and_pairs_images_with_chunks() -> None:
    image = Image.new("RGB", (2, 2))
    assert Batch(Modality.TEXT, (NOTE_CHUNK,)).texts == ["words"]
    assert Batch(Modality.IMAGE, (PHOTO_CHUNK,), (image,)).images == (image,)
    with pytest.raises(ValueError, match="one modality"):
        Batch(Modality.TEXT, (NOTE_CHUNK, PHOTO_CHUNK))
    with pytest.raises(ValueError, match="one modality"):
        Batch(Modality.TEXT, ())
    with pytest.raises(ValueError, match="0 images for 1 image chunks"):
        Batch(Modality.IMAGE, (PHOTO_CHUNK,))

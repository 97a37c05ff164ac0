"""int8 is measured on what is ingested before anything is written in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ingest.encoders.load import load_encoder
from ingest.job import IngestJob
from schemas.errors import EncoderError
from schemas.settings import load_settings
from tests.list_source import ListSource, image, text, to_png

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from ingest.store.engine import Engine
    from schemas.report import RunReport
    from schemas.space import EmbeddingSpace, Encoder, Role, Vectors

pytestmark = pytest.mark.usefixtures("hinge_weights")
SETTINGS = load_settings(url=":memory:", dtype="int8", workers=2)
RECORDS = [
    text("bees", "Bees find flowers by their colour and by their scent."),
    text("tides", "The moon pulls the sea, and the coast has two tides a day."),
    image("red", to_png((255, 0, 0), (64, 64))),
]


def run(engine: Engine, encoder: Encoder | None = None) -> RunReport:
    job = IngestJob(ListSource(RECORDS), SETTINGS, show_progress=False)
    return job.run(engine=engine, encoder=encoder or load_encoder("hinge-en-2", dtype="int8"))


def test_a_new_int8_collection_begins_with_a_measurement_and_an_old_one_does_not(
    engine: Engine,
) -> None:
    report = run(engine)
    assert report.counts.added == 3
    (note,) = report.notes
    assert note.startswith("hinge-en-2 in int8 against hinge-en-2 in float32: 1 images: mean")
    assert "2 texts: mean cosine 0.99" in note
    assert run(engine).notes == ()


class Spoiled:
    """The model in int8, as it might be on data that it does not bear."""

    def __init__(self) -> None:
        self._sound = load_encoder("hinge-en-2", dtype="int8")

    @property
    def space(self) -> EmbeddingSpace:
        return self._sound.space

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        return self._sound.encode_images(images)

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        return np.roll(self._sound.encode_texts(texts, role), 1, axis=1)

    def token_spans(self, text: str) -> Sequence[tuple[int, int]]:
        return self._sound.token_spans(text)


def test_an_int8_that_is_too_far_off_is_refused_before_a_collection_is_made(
    engine: Engine,
) -> None:
    with pytest.raises(EncoderError, match=r"texts: mean cosine .* choose dtype float32"):
        run(engine, Spoiled())
    assert engine.get_collections().collections == []

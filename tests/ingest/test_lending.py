"""Which vectors of another generation are taken for the same words."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.lending import Lender
from ingest.store.connect import connect
from schemas.collection import to_point
from schemas.records import Chunk, Modality, Record
from schemas.vectors import sparse_vector_params, vector_params
from tests.legible import LegibleEncoder

URI = "folder://texts/a.txt"
RED = np.asarray([1, 0, 0, 0, 0], dtype=np.float32)
RECORD = Record(
    source_uri=URI,
    root="texts",
    location="/texts/a.txt",
    media_type="text/plain",
    modality=Modality.TEXT,
    size_bytes=3,
    modified_ns=0,
)


def to_chunks(*texts: str) -> list[Chunk]:
    return [
        Chunk(RECORD, ordinal, len(texts), "blake3:00", text=text)
        for ordinal, text in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("vector", "fingerprint", "texts", "first", "found"),
    [
        (RED, "old policy", ("red",), 0, {"red"}),
        (RED, "old policy", ("red", "green"), 0, {"red"}),
        (RED, "old policy", ("Red",), 0, set()),
        (RED, "old policy", ("red",), 1, set()),
        (RED, "given", ("red",), 0, set()),
        (RED, "old policy", (), 0, set()),
    ],
    ids=["same", "some", "other words", "elsewhere", "given", "nothing asked"],
)
def test_words_lend_their_vector(
    vector: np.ndarray, fingerprint: str, texts: tuple[str, ...], first: int, found: set[str]
) -> None:
    with connect(":memory:") as engine:
        engine.create_collection(
            "old",
            vector_params(LegibleEncoder().space),
            sparse_vectors_config=sparse_vector_params(),
        )
        engine.upsert("old", [to_point(to_chunks("red")[0], vector, fingerprint)])
        lent = Lender(engine, "old", "given").find(to_chunks(*texts), first)
    assert lent.keys() == found
    assert all(one.tolist() == RED.tolist() for one in lent.values())

"""int8 is used only after it was measured on the user's own items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.assembly import AssemblyLine, to_workers
from ingest.encoders.agreement import SAMPLE_SIZE, require_agreement
from ingest.encoders.load import load_encoder
from ingest.fingerprint import Version
from ingest.intake import Work
from ingest.pending import Pending
from ingest.sample import draw_sample
from ingest.stopwatch import Stopwatch
from schemas.errors import SourceError
from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

    from ingest.pending import Piece
    from ingest.sources.source import Source
    from ingest.store.engine import Engine
    from schemas.settings import Settings
    from schemas.space import Encoder

INT8 = "int8"

_SAMPLE_VERSION = Version("sample:", "sample")


def require_int8(source: Source, settings: Settings, engine: Engine, candidate: Encoder) -> str:
    """Compare an int8 encoder with the same model in its usual arithmetic, on a sample.

    Args:
        source: Whose items are drawn.
        settings: How they are decoded and cut.
        engine: Not written.
        candidate: The encoder in int8.

    Returns:
        What was measured, in a sentence.

    Raises:
        EncoderError: It is too far off, or there is nothing to measure with.
    """
    reference = load_encoder(settings.model, revision=settings.revision, threads=1)
    line = AssemblyLine(
        source, settings, engine, candidate, Stopwatch(), to_workers(settings, candidate, source)
    )
    images: list[Image] = []
    texts: list[str] = []
    for piece in _iter_pieces(line):
        if piece.image is not None and len(images) < SAMPLE_SIZE:
            images.append(piece.image)
        if piece.chunk.text and len(texts) < SAMPLE_SIZE:
            texts.append(piece.chunk.text)
        if min(len(images), len(texts)) >= SAMPLE_SIZE:
            break
    return str(require_agreement(candidate, reference, images, texts))


def _iter_pieces(line: AssemblyLine) -> Iterator[Piece]:
    """Pieces of items that are drawn; those that cannot be read are passed over here."""
    preparer = line.to_preparer()
    sample = draw_sample(line.source)
    for record in (record for modality in Modality for record in sample.of(modality)):
        if record.modality not in line.encoder.space.modalities:
            continue
        try:
            content = record.content
            if content is None:
                content = line.source.read(record, line.settings.max_source_bytes)
            pending = Pending(record, None, _SAMPLE_VERSION, None)
            yield from preparer.iter_pieces(Work(pending, content))
        except SourceError:
            continue

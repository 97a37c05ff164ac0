"""Which picture of a document a figure's point stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qdrant_client import models

from schemas.collection import source_filter
from schemas.errors import SourceChanged, SourceError
from schemas.records import Part

if TYPE_CHECKING:
    from ingest.decode.document import DecodedText
    from ingest.decode.image import DecodedImage
    from ingest.reread import Reread
    from ingest.store.engine import Engine
    from schemas.records import Chunk
    from search.pictures import Decoding

_PROBE_PIXELS = 64


class FoundFigure(NamedTuple):
    """A picture of a document.

    Attributes:
        content: A complete image file.
        media_type: As the document says it; ``image/*`` where it does not.
    """

    content: bytes
    media_type: str


def count_before(engine: Engine, collection_name: str, figure: Chunk) -> int:
    """How many figures of the same document became points before this one.

    Raises:
        StoreError: The store failed.
    """
    own = source_filter(figure.record.source_uri)
    before = models.Filter(
        must=[
            own,
            models.FieldCondition(key="part", match=models.MatchValue(value=str(Part.FIGURE))),
            models.FieldCondition(key="chunk_ordinal", range=models.Range(lt=figure.ordinal)),
        ]
    )
    return engine.count(collection_name, before).count


def find_figure(chunk: Chunk, place: int, item: Reread, decoding: Decoding) -> FoundFigure:
    """The picture at a place among those of a document that indexing admits.

    They are counted as :class:`ingest.prepare.Preparer` counts them: what cannot be read or is
    too small to be more than decoration has no place.

    Args:
        chunk: The figure's.
        place: From 0; see :func:`count_before`.
        item: The document.
        decoding: Decodes it.

    Raises:
        SourceChanged: There is none, or one of another size: a picture beside the document is
            another one now.
        SourceError: The document cannot be decoded.
    """
    uri = chunk.record.source_uri
    document: DecodedText = decoding.call(
        "decode_text", item.content, uri, chunk.record.media_type, figures=True
    )
    for figure in document.figures:
        try:
            content = figure.content or item.source.read_beside(
                item.record, figure.location or "", decoding.limits.max_source_bytes
            )
            probe: DecodedImage = decoding.call(
                "decode_thumbnail", content, uri, side_pixels=_PROBE_PIXELS
            )
        except SourceError:
            continue
        if not decoding.limits.admits_figure(probe.width_pixels, probe.height_pixels):
            continue
        if place == 0:
            _check_size(chunk, probe)
            return FoundFigure(content, figure.media_type)
        place -= 1
    raise _changed(chunk)


def _check_size(chunk: Chunk, found: DecodedImage) -> None:
    indexed = chunk.width_pixels, chunk.height_pixels
    if indexed != (found.width_pixels, found.height_pixels):
        raise _changed(chunk)


def _changed(chunk: Chunk) -> SourceChanged:
    return SourceChanged(
        chunk.record.source_uri,
        f"the figure of chunk {chunk.ordinal} is not what was indexed; index it again",
    )

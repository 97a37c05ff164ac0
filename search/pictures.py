"""What a hit looks like: its point, the bytes behind it, and its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any
from uuid import UUID

from schemas.collection import from_payload, to_point_id
from schemas.errors import PointMissing, UnsupportedFormat
from schemas.records import Modality, Part

if TYPE_CHECKING:
    from PIL.Image import Image

    from ingest.decode.limits import Limits
    from ingest.reread import Reread
    from ingest.store.engine import Engine
    from schemas.records import Chunk
    from schemas.settings import Settings
    from search.figures import FoundFigure

PDF = "application/pdf"

AT_ONCE = BoundedSemaphore(2)
"""Originals that are read at a time: each holds a file, a document with its figures, or pixels."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """Calls decoding functions as indexing does: in worker processes, within the limits.

    Attributes:
        settings: Whether items are decoded in worker processes, and for how long.
        limits: Over which an item is refused.
        at_once: Worker processes.
    """

    settings: Settings
    limits: Limits
    at_once: int = 2

    def call(
        self, function: str, content: bytes, source_uri: str, *args: object, **kwargs: object
    ) -> Any:  # noqa: ANN401 - of any function
        """One of :data:`ingest.decode.wire.FUNCTIONS`.

        Raises:
            SourceError: As the function raises it.
            DecoderUnavailable: No worker process can be started.
        """
        if not self.settings.isolate:
            from ingest.decode.wire import to_function

            return to_function(function)(content, source_uri, *args, limits=self.limits, **kwargs)
        from ingest.decode.decoder_choice import to_pool

        pool = to_pool(self.settings, self.at_once)
        return pool.call(function, content, source_uri, *args, limits=self.limits, **kwargs)


@dataclass(frozen=True, slots=True)
class Original:
    """The bytes that a point stands for.

    Attributes:
        content: Of the item's file, or of the figure in it; whose hash was checked.
        media_type: By its bytes where they tell; else as its source said. Whoever serves it must
            not let a browser run it: it may be HTML.
        file_name: To save it under; no path.
        etag: Strong, without quotes.
    """

    content: bytes
    media_type: str
    file_name: str
    etag: str


def read_chunk(engine: Engine, collection_name: str, point_id: str) -> Chunk:
    """The chunk of a point; in the place of an image's caption that image.

    Raises:
        PointMissing: The collection has no such point.
        StoreError: The store failed.
    """
    chunk = _retrieve(engine, collection_name, point_id)
    if chunk.part is not Part.CAPTION:
        return chunk
    ordinal = chunk.paired_ordinals[0] if chunk.paired_ordinals else 0
    own = _retrieve(engine, collection_name, to_point_id(chunk.record.source_uri, ordinal))
    if own.part is not Part.CONTENT:
        raise PointMissing(f"{point_id!r} is a caption whose image is not indexed; sync it")
    return own


def read_original(
    engine: Engine, collection_name: str, point_id: str, *, settings: Settings
) -> Original:
    """The bytes that a point stands for: its item's, or its figure's alone.

    Safe to call from several threads: two originals are read at once, the others wait.

    Args:
        engine: Where the collection is.
        collection_name: Its own name or an alias.
        point_id: Of a hit.
        settings: Limits, and the options of file systems.

    Raises:
        PointMissing: The collection has no such point.
        SourceChanged: The item is not what was indexed.
        UnreadableSource: It is gone, or its root is.
        SourceTooLarge: It is over a limit.
        SourceError: A document whose figure is wanted cannot be decoded.
        SourceUnavailable: What its root lies on does not answer.
        StoreError: The store failed.
    """
    chunk = read_chunk(engine, collection_name, point_id)
    name = PurePath(chunk.record.location.rpartition("#")[2]).name
    with AT_ONCE:
        item = _reread(engine, collection_name, chunk, settings)
        if chunk.part is not Part.FIGURE:
            return _to_original(chunk, item.content, chunk.record.media_type, name)
        figure = _find_figure(engine, collection_name, chunk, item, _to_decoding(settings))
    return _to_original(chunk, figure.content, figure.media_type, f"{name}-{chunk.ordinal}")


def draw_point(
    engine: Engine, collection_name: str, chunk: Chunk, side_pixels: int, *, settings: Settings
) -> Image:
    """A picture of a chunk: the image, the figure, the frame, or the page of a PDF.

    Args:
        engine: Where the collection is.
        collection_name: Its own name or an alias.
        chunk: Of :func:`read_chunk`.
        side_pixels: Of the longer side, at most.
        settings: Limits, and how is decoded.

    Returns:
        Upright RGB, without metadata.

    Raises:
        UnsupportedFormat: It is a text without pages.
        DiptychError: As :func:`read_original` does, or it cannot be decoded.
    """
    uri, decoding = chunk.record.source_uri, _to_decoding(settings)
    is_text = chunk.modality is Modality.TEXT
    if is_text and (chunk.record.media_type != PDF or chunk.page is None):
        raise UnsupportedFormat(uri, "is a text, which has no picture; show its words")
    item = _reread(engine, collection_name, chunk, settings)
    content = item.content
    if is_text:
        page = decoding.call("decode_page", content, uri, side_pixels=side_pixels, page=chunk.page)
        return page.image  # type: ignore[no-any-return]
    if chunk.part is Part.FIGURE:
        content = _find_figure(engine, collection_name, chunk, item, decoding).content
    frame = None if chunk.part is Part.FIGURE else chunk.frame
    drawn = decoding.call("decode_thumbnail", content, uri, side_pixels=side_pixels, frame=frame)
    return drawn.image  # type: ignore[no-any-return]


def to_etag(chunk: Chunk, *more: object) -> str:
    """A word that differs where what a chunk looks like does, and where one of ``more`` does.

    A figure's picture may lie beside its document, so the same document elsewhere has others.
    """
    from blake3 import blake3

    figure = (chunk.record.source_uri, chunk.ordinal) if chunk.part is Part.FIGURE else ()
    size = chunk.width_pixels, chunk.height_pixels
    page = chunk.page if chunk.modality is Modality.TEXT else None
    said = (chunk.content_hash, str(chunk.part), figure, chunk.frame, size, page, more)
    return blake3(repr(said).encode()).hexdigest(length=16)


def _retrieve(engine: Engine, collection_name: str, point_id: str) -> Chunk:
    missing = PointMissing(f"{point_id!r:.100} is no point of the collection; search again")
    try:
        asked = str(UUID(point_id))
    except ValueError:
        raise missing from None
    points = engine.retrieve(collection_name, [asked])
    if not points:
        raise missing
    return from_payload(points[0].payload or {})


def _reread(engine: Engine, collection_name: str, chunk: Chunk, settings: Settings) -> Reread:
    from ingest.reread import reread

    return reread(chunk, engine.read_metadata(collection_name), settings)


def _find_figure(
    engine: Engine, collection_name: str, chunk: Chunk, item: Reread, decoding: Decoding
) -> FoundFigure:
    from search.figures import count_before, find_figure

    return find_figure(chunk, count_before(engine, collection_name, chunk), item, decoding)


def _to_decoding(settings: Settings) -> Decoding:
    from ingest.decode.limits import Limits

    return Decoding(settings, Limits.from_settings(settings))


def _to_original(chunk: Chunk, content: bytes, media_type: str, name: str) -> Original:
    from ingest.reread import sniff

    printable = "".join(c if c.isprintable() else "_" for c in name) or "original"
    return Original(content, sniff(content, media_type), printable, to_etag(chunk))

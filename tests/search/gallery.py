"""An index in memory that is filled from real roots, and looked at."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageChops

from ingest.job import IngestJob
from ingest.sources.open import SourceOptions, open_source
from ingest.store.connect import connect
from schemas.collection import from_payload, to_point_id
from schemas.settings import RootSettings, load_settings
from search.pictures import read_original
from search.thumbnail import to_thumbnail
from search.thumbnail_cache import ThumbnailCache
from tests.legible import LegibleEncoder

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.records import Chunk
    from schemas.settings import Settings
    from search.thumbnail import Thumbnail

RED, GREEN, BLUE = (255, 0, 0), (0, 160, 0), (0, 0, 255)


def to_file(colour: Any, size: tuple[int, int] = (80, 60), form: str = "PNG", **how: Any) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, colour).save(buffer, form, **how)
    return buffer.getvalue()


class Gallery:
    """An index in memory that is filled from roots, and looked at."""

    def __init__(self, folder: Path) -> None:
        self.engine = connect(":memory:")
        self.cache = ThumbnailCache(folder / "cache")
        self.settings: Settings = load_settings(
            url=":memory:", isolate=False, workers=1, decode_workers=1
        )

    def ingest(self, place: Path | str, **options: Any) -> list[Chunk]:
        """Index a root; its chunks by URI and ordinal."""
        settings = self.settings.model_copy(update=options)
        root = RootSettings(source=str(place), columns=settings.columns)
        source = open_source(str(place), SourceOptions(columns=settings.columns))
        job = IngestJob(source, settings, show_progress=False, root=root)
        report = job.run(engine=self.engine, encoder=LegibleEncoder())
        assert not report.failures
        points, _ = self.engine.scroll("diptych", limit=1_000)
        chunks = [from_payload(point.payload or {}) for point in points]
        return sorted(chunks, key=lambda one: (one.record.source_uri, one.ordinal))

    def look(self, chunk: Chunk, side_pixels: int = 64, **options: Any) -> Thumbnail:
        return to_thumbnail(
            self.engine,
            "diptych",
            to_id(chunk),
            side_pixels,
            settings=self.settings.model_copy(update=options),
            kept=self.cache,
        )

    def see(self, chunk: Chunk, side_pixels: int = 64) -> Image.Image:
        with Image.open(BytesIO(self.look(chunk, side_pixels).content)) as image:
            image.load()
            return image

    def read(self, chunk: Chunk, **options: Any) -> bytes:
        settings = self.settings.model_copy(update=options)
        return read_original(self.engine, "diptych", to_id(chunk), settings=settings).content


def to_id(chunk: Chunk) -> str:
    return to_point_id(chunk.record.source_uri, chunk.ordinal)


def is_like(image: Image.Image, colour: tuple[int, int, int]) -> bool:
    """Every pixel within what WebP loses."""
    apart = ImageChops.difference(image, Image.new("RGB", image.size, colour))
    return max(high for _, high in apart.getextrema()) < 12  # type: ignore[misc]


def count_like(image: Image.Image, colour: tuple[int, int, int]) -> int:
    """Pixels within what WebP loses."""
    apart = ImageChops.difference(image, Image.new("RGB", image.size, colour))
    bands = [band.point(lambda level: 255 * (level < 12)) for band in apart.split()]
    both = ImageChops.multiply(ImageChops.multiply(bands[0], bands[1]), bands[2])
    return int(both.histogram()[255])

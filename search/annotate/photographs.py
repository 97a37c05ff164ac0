"""Files that are named or lie in folders -> their vectors, or what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias

from ingest.decode.decoder_choice import to_decoder
from ingest.decode.files import read_photograph
from ingest.decode.limits import Limits
from ingest.decode.policy import DecodePolicy
from ingest.sources.folder import FolderSource
from schemas.errors import InvalidVector, SourceError
from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from schemas.errors import DiptychError
    from schemas.settings import Settings
    from schemas.space import Encoder

BATCH_IMAGES: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class Photograph:
    """An image file with its vector, or with what is wrong with it: one of the two.

    Attributes:
        path: As it was named, or where it lies.
        vector: Shape ``(dimension,)``, unit length.
        error: Why it has none.
    """

    path: str
    vector: NDArray[np.float32] | None = None
    error: DiptychError | None = None


_Opened: TypeAlias = "tuple[str, Image] | Photograph"
"""A path with its pixels, or what is wrong with it."""


def iter_photographs(
    paths: Iterable[Path], encoder: Encoder, settings: Settings
) -> Iterator[Photograph]:
    """Read, decode and encode, lazily and in order; the images of a folder as ingestion lists them.

    One that cannot be read, decoded or encoded costs only itself. Of an animation it is the first
    frame.

    Args:
        paths: Image files, and folders.
        encoder: Encodes images.
        settings: Limits, and whether decoding is isolated.

    Raises:
        EncoderError: The encoder cannot be used at all.
        DecoderUnavailable: No process that decodes can be started.
    """
    limits = Limits.from_settings(settings)
    decoder = to_decoder(settings, 1)

    def open_one(path: str, read: Callable[[], bytes]) -> _Opened:
        try:
            frames = decoder.decode_frames(
                read(),
                path,
                limits=limits,
                side_pixels=encoder.space.image_size_pixels,
                policy=DecodePolicy(),
            )
        except SourceError as error:
            return Photograph(path, error=error)
        return path, frames[0].image

    opened = (
        one if isinstance(one, Photograph) else open_one(*one)
        for path in paths
        for one in _iter_files(path, limits.max_source_bytes)
    )
    while batch := list(islice(opened, BATCH_IMAGES)):
        yield from _encode(batch, encoder)


def _iter_files(
    path: Path, max_bytes: int
) -> Iterator[tuple[str, Callable[[], bytes]] | Photograph]:
    """A file, or the images below a folder, each with what reads it."""
    if not path.is_dir():
        yield str(path), partial(read_photograph, str(path), max_bytes)
        return
    source = FolderSource.open(path)
    for record in source.iter_records():
        if isinstance(record, SourceError):
            yield Photograph(record.source_uri, error=record)
        elif record.modality is Modality.IMAGE:
            yield record.location, partial(source.read, record, max_bytes)


def _encode(batch: Sequence[_Opened], encoder: Encoder) -> Iterator[Photograph]:
    """The batch in order; together where all its images have vectors, else one by one."""
    images = [one[1] for one in batch if isinstance(one, tuple)]
    try:
        rows = iter(encoder.encode_images(images) if images else ())
        yield from [
            Photograph(one[0], next(rows)) if isinstance(one, tuple) else one for one in batch
        ]
    except InvalidVector as error:
        if len(batch) > 1:
            for one in batch:
                yield from _encode([one], encoder)
        else:
            yield Photograph(batch[0][0], error=error)  # type: ignore[index]

"""Image files and texts, as frozen encoders describe them; each content once, whoever asks again.

An item is known by its content: BLAKE3 of its bytes or its words, together with the fingerprint of
the encoder's space, in which the version of decoding is a part.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from ingest.bridge.bar import open_bar
from ingest.decode.files import read_photograph
from ingest.decode.policy import DecodePolicy
from ingest.encoders.bridge.described import Described
from ingest.encoders.workers import DEFAULT_ROWS, IMAGE_ROWS, count_cores
from schemas.errors import InvalidVector, SourceError
from schemas.records import Modality
from schemas.space import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from PIL.Image import Image

    from ingest.bridge.store import FeatureStore
    from ingest.decode.decoder import Decoder
    from ingest.decode.limits import Limits
    from ingest.encoders.bridge.backbone import Backbone

FEATURES_VERSION: Final = {Modality.IMAGE: 1, Modality.TEXT: 2}
"""Raise one when a backbone describes an item by other numbers in the same space."""

ROLE: Final = Role.QUERY
"""Texts are described as what is searched with: words that should find images."""

Refusal: TypeAlias = "SourceError | InvalidVector"


@dataclass(slots=True)
class Descriptions:
    """What encoders said of items.

    Attributes:
        rows: One row an item, by its content hash.
        hashes: Content hash by what was asked for: a path, or a text.
        refusals: What is wrong with the others.
        encoded: How many contents were described just now; the others were kept.
    """

    rows: dict[str, Described] = field(default_factory=dict)
    hashes: dict[Path | str, str] = field(default_factory=dict)
    refusals: dict[Path | str, Refusal] = field(default_factory=dict)
    encoded: int = 0


@dataclass(slots=True)
class _Item:
    """A path or a text on its way.

    Attributes:
        asked: What was asked for.
        content_hash: Once it was read.
        row: Once it was described.
        refusal: What is wrong with it.
        image: Its pixels, while they are needed.
        is_new: Whether it was described just now.
    """

    asked: Path | str
    content_hash: str = ""
    row: Described | None = None
    refusal: Refusal | None = None
    image: Image | None = None
    is_new: bool = False


class Describer:
    """Reads, decodes and describes, on all cores.

    Args:
        images: Describes images.
        texts: Describes texts.
        store: What was described before.
        decoder: Of the images.
        limits: Over which an image is refused.
    """

    def __init__(
        self,
        images: Backbone,
        texts: Backbone,
        *,
        store: FeatureStore,
        decoder: Decoder,
        limits: Limits,
    ) -> None:
        """Keep what describes."""
        self._images = images
        self._texts = texts
        self._store = store
        self._decoder = decoder
        self._limits = limits
        self._side_pixels = images.space.image_size_pixels

    def describe_images(self, paths: Sequence[Path]) -> Descriptions:
        """What the image encoder says of files; of an animation it is the first frame.

        One that cannot be read, decoded or encoded costs only itself.

        Raises:
            EncoderError: The encoder cannot be used at all.
            DecoderUnavailable: No process that decodes can be started.
        """
        distinct = list(dict.fromkeys(paths))
        return _describe(distinct, IMAGE_ROWS, self._describe_files, "images")

    def describe_texts(self, texts: Sequence[str]) -> Descriptions:
        """What the text encoder says of texts; see :meth:`describe_images`."""
        distinct = list(dict.fromkeys(texts))
        return _describe(distinct, DEFAULT_ROWS, self._describe_words, "texts")

    def _describe_files(self, paths: Sequence[Path | str]) -> list[_Item]:
        items = [_Item(path) for path in paths]
        for item in items:
            self._open(item)
        pending = [item for item in items if item.image is not None]
        images = self._images
        self._fill(
            pending,
            images,
            lambda some: images.describe_images([one.image for one in some if one.image]),
        )
        for item in pending:
            item.image = None
        return items

    def _open(self, item: _Item) -> None:
        """Find its row, or decode it."""
        path = str(item.asked)
        try:
            content = read_photograph(path, self._limits.max_source_bytes)
            item.content_hash = _to_hash(content)
            key = _to_key(self._images, Modality.IMAGE, item.content_hash)
            item.row = self._store.find([key]).get(key)
            if item.row is None:
                frames = self._decoder.decode_frames(
                    content,
                    path,
                    limits=self._limits,
                    side_pixels=self._side_pixels,
                    policy=DecodePolicy(),
                )
                item.image = frames[0].image
        except SourceError as error:
            item.refusal = error

    def _describe_words(self, texts: Sequence[Path | str]) -> list[_Item]:
        items = [_Item(text, _to_hash(str(text).encode())) for text in texts]
        keys = [_to_key(self._texts, Modality.TEXT, item.content_hash) for item in items]
        kept = self._store.find(keys)
        for item, key in zip(items, keys, strict=True):
            item.row = kept.get(key)
        pending = [item for item in items if item.row is None]
        texts_ = self._texts
        # One a pass: a text's numbers would hang on the others that it is padded with, and the
        # same pairs would give another space when some of them are kept from before.
        self._fill(
            pending,
            texts_,
            lambda some: Described.concatenate(
                [texts_.describe_texts([str(one.asked)], ROLE) for one in some]
            ),
        )
        return items

    def _fill(
        self,
        pending: Sequence[_Item],
        backbone: Backbone,
        describe: Callable[[Sequence[_Item]], Described],
    ) -> None:
        """Describe together, or one by one where one of them is refused; keep what is new."""
        if not pending:
            return
        try:
            described = describe(pending)
            for place, item in enumerate(pending):
                item.row = _to_sound(described.take([place]), item)
                item.is_new = True
        except InvalidVector as error:
            if len(pending) > 1:
                for item in pending:
                    self._fill([item], backbone, describe)
                return
            pending[0].refusal = error
            return
        modality = Modality.TEXT if pending[0].image is None else Modality.IMAGE
        self._store.keep(
            {
                _to_key(backbone, modality, item.content_hash): item.row
                for item in pending
                if item.row is not None
            }
        )


def _describe(
    asked: Sequence[Path | str],
    rows: int,
    describe: Callable[[Sequence[Path | str]], list[_Item]],
    unit: str,
) -> Descriptions:
    found = Descriptions()
    with (
        ThreadPoolExecutor(count_cores(), thread_name_prefix="diptych-describe") as threads,
        open_bar(unit, len(asked), unit.removesuffix("s")) as bar,
    ):
        work = [threads.submit(describe, batch) for batch in _iter_batches(asked, rows)]
        try:
            for one in work:
                items = one.result()
                _add(found, items)
                bar.update(len(items))
        finally:
            threads.shutdown(cancel_futures=True)
    return found


def _add(found: Descriptions, items: Sequence[_Item]) -> None:
    for item in items:
        if item.refusal is not None:
            found.refusals[item.asked] = item.refusal
        elif item.row is not None:
            found.hashes[item.asked] = item.content_hash
            found.encoded += item.is_new and item.content_hash not in found.rows
            found.rows.setdefault(item.content_hash, item.row)


def _iter_batches(asked: Sequence[Path | str], rows: int) -> Iterator[Sequence[Path | str]]:
    for start in range(0, len(asked), rows):
        yield asked[start : start + rows]


def _to_sound(row: Described, item: _Item) -> Described:
    """The row of one item.

    Raises:
        InvalidVector: A number of it is not finite.
    """
    if not all(part is None or np.isfinite(part).all() for part in row.columns):
        raise InvalidVector(
            f"{str(item.asked)[:200]}: the encoder's numbers for it are not finite; leave it out, "
            f"or use another encoder or dtype"
        )
    return row


def _to_hash(content: bytes) -> str:
    from blake3 import blake3

    return f"blake3:{blake3(content).hexdigest()}"


def _to_key(backbone: Backbone, modality: Modality, content_hash: str) -> bytes:
    from blake3 import blake3

    role = ROLE if modality is Modality.TEXT else ""
    parts = (
        str(FEATURES_VERSION[modality]),
        modality,
        role,
        backbone.space.fingerprint,
        content_hash,
    )
    return blake3("/".join(parts).encode()).digest(length=16)

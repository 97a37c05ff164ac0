"""Whatever comes in whatever order, the collection is that of indexing one record after another."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from io import BytesIO
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from ingest.chunk import hash_content, iter_text_chunks, to_figure_chunk, to_image_chunk
from ingest.decode.characters import to_normal_text
from ingest.decode.image import decode_frames
from ingest.decode.limits import Limits
from ingest.decode.policy import DecodePolicy
from ingest.decode.text import DecodedText, decode_text
from ingest.encoders.vectors import to_unit_row
from ingest.fingerprint import Fingerprints
from ingest.job import IngestJob
from ingest.store.connect import connect
from schemas.collection import to_payload, to_point_id
from schemas.errors import DecodeError, InvalidVector, SourceError
from schemas.records import Chunk, Modality, Part, Record
from schemas.settings import load_settings
from schemas.space import Role
from tests.legible import VOID_COLOUR, LegibleEncoder
from tests.list_source import ListSource, image, text, to_png

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ingest.store.engine import Engine
    from schemas.report import RunReport

    Points = dict[str, tuple[dict[str, Any], list[float]]]
    """Point id -> payload and vector, to five decimals."""

LIMITS, OVERLAP = Limits(), 2


def to_film() -> bytes:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "lime", "blue")]
    stream = BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=40)
    return stream.getvalue()


FIGURE = b64encode(to_png((0, 0, 255), (80, 60))).decode()
PICTURES = (to_png((255, 0, 0)), to_png((0, 255, 0)), to_film(), to_png(VOID_COLOUR), b"broken")
TEXTS = (
    "red",
    "void",
    " ",
    "red green blue. " * 9,
    f"# Red\n\nwords\n\n![a](data:image/png;base64,{FIGURE})\n\n![b](beside.png)\n",
    "<html><title>T</title><body><p>blue words</p></body></html>",
)
CAPTIONS = (None, "red", "void", "\0", "green words " * 12)
VECTORS = ([1.0, 0, 0, 0, 0], [0.0] * 5, [0, float("nan"), 0, 0, 0], [3.0, 4, 0, 0, 0])


class Reference:
    """Indexes one record after another, and keeps what it had of those that fail."""

    def __init__(self, policy: DecodePolicy) -> None:
        self._encoder = LegibleEncoder()
        self._policy = policy
        self._fingerprints = Fingerprints(self._encoder.space, policy, OVERLAP)
        self._items: dict[str, Points] = {}

    @property
    def points(self) -> Points:
        return {key: point for item in self._items.values() for key, point in item.items()}

    def take(self, records: Iterable[Record], beside: dict[str, bytes]) -> int:
        """Index them; gives how many failed."""
        failed = 0
        for record in records:
            try:
                self._items[record.source_uri] = self._index(record, beside)
            except (SourceError, InvalidVector):
                failed += 1
        return failed

    def _index(self, record: Record, beside: dict[str, bytes]) -> Points:
        content = list(self._encode(self._content(record, beside)))
        captions = list(self._encode(self._captions(record)))
        count, own = len(content) + len(captions), self._fingerprints.of(record)
        points: Points = {}
        for ordinal, (chunk, vector) in enumerate([*content, *captions]):
            is_caption = ordinal >= len(content)
            others = range(len(content)) if is_caption else range(len(content), count)
            final = replace(chunk, ordinal=ordinal, count=count, paired_ordinals=tuple(others))
            fingerprint = self._fingerprints.of_text if is_caption else own
            numbers = [round(float(one), 5) for one in vector]
            point_id = to_point_id(record.source_uri, ordinal)
            points[point_id] = (to_payload(final, fingerprint), numbers)
        return points

    def _encode(self, pairs: Iterable[tuple[Chunk, Any]]) -> Iterator[tuple[Chunk, Any]]:
        for chunk, made in pairs:
            if made is None:
                yield chunk, self._encoder.encode_texts([chunk.text], Role.DOCUMENT)[0]
            elif isinstance(made, Image.Image):
                yield chunk, self._encoder.encode_images([made])[0]
            else:
                yield chunk, made

    def _content(self, record: Record, beside: dict[str, bytes]) -> Iterator[tuple[Chunk, Any]]:
        content = record.content or b""
        if record.vector is not None:
            vector = np.asarray(record.vector, dtype=np.float32)
            words = ""
            if record.modality is Modality.TEXT:
                words = to_normal_text(content.decode())
                if record.media_type != "text/plain" or not words.strip():
                    raise DecodeError(record.source_uri, "no words")
            row, hashed = to_unit_row(vector), hash_content(content + vector.tobytes())
            yield Chunk(record, 0, 1, hashed, text=words, title=record.title), row
        elif record.modality is Modality.IMAGE:
            for frame in self._frames(record, content, self._policy):
                yield to_image_chunk(record, frame, hash_content(content)), frame.image
        else:
            yield from self._document(record, content, beside)

    def _document(
        self, record: Record, content: bytes, beside: dict[str, bytes]
    ) -> Iterator[tuple[Chunk, Any]]:
        document, hashed = self._decode(record, content), hash_content(content)
        yield from ((chunk, None) for chunk in self._cut(record, document, hashed, Part.CONTENT))
        for figure in document.figures:
            pixels = figure.content or beside.get(figure.location or "")
            if pixels:
                frame = self._frames(record, pixels, DecodePolicy())[0]
                chunk = to_figure_chunk(record, document, figure, frame, hashed, ordinal=0, count=1)
                yield chunk, frame.image

    def _captions(self, record: Record) -> Iterator[tuple[Chunk, Any]]:
        if record.caption:
            words = DecodedText(to_normal_text(record.caption))
            words, hashed = (
                replace(words, title=record.title),
                hash_content(record.caption.encode()),
            )
            yield from ((chunk, None) for chunk in self._cut(record, words, hashed, Part.CAPTION))

    def _frames(self, record: Record, content: bytes, policy: DecodePolicy) -> Any:
        return decode_frames(
            content, record.source_uri, limits=LIMITS, side_pixels=32, policy=policy
        )

    def _decode(self, record: Record, content: bytes) -> Any:
        figures = record.media_type != "text/plain" and record.vector is None
        return decode_text(
            content, record.source_uri, record.media_type, limits=LIMITS, figures=figures
        )

    def _cut(self, record: Record, words: Any, hashed: str, part: Part) -> Iterator[Chunk]:
        if words.text.strip():
            yield from iter_text_chunks(
                record,
                words,
                hashed,
                token_spans=self._encoder.token_spans,
                window_tokens=self._encoder.space.window_tokens,
                overlap_tokens=OVERLAP,
                part=part,
            )


def read_points(engine: Engine) -> Points:
    points, _ = engine.scroll("diptych", limit=10_000, with_vectors=True)
    return {
        str(point.id): (
            # Fields that were withdrawn are an empty table.
            {key: value for key, value in (point.payload or {}).items() if value != {}},
            [round(float(one), 5) for one in np.asarray(point.vector).tolist()],
        )
        for point in points
    }


@st.composite
def records(draw: Callable[..., Any], root: str) -> list[Record]:
    """Up to a dozen records with keys of their own; some titled, in every run."""
    listed = []
    for key in draw(st.permutations("abcdefghijkl"))[: draw(st.integers(0, 12))]:
        more: dict[str, Any] = {"title": f"Title {draw(st.integers(1, 2))}"} if key < "d" else {}
        more["metadata"] = draw(st.sampled_from([{}, {"by": "Ann"}]))
        vector = draw(st.sampled_from([None, None, None, None, *VECTORS]))
        if draw(st.booleans()):
            caption = draw(st.sampled_from(CAPTIONS))
            content = draw(st.sampled_from(PICTURES))
            record = image(key, content, root, caption=caption, vector=vector, **more)
        else:
            media_type = draw(st.sampled_from(["text/plain", "text/markdown", "text/html"]))
            record = text(key, draw(st.sampled_from(TEXTS)), root, vector=vector, **more)
            record = replace(record, media_type=media_type)
        listed.append(record)
    return listed


runs = st.lists(
    st.sampled_from(["one", "two"]).flatmap(
        lambda root: st.tuples(st.just(root), records(root), st.integers(0, 12))
    ),
    min_size=1,
    max_size=4,
)


@settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(runs=runs, batch_size=st.integers(1, 5), threads=st.integers(1, 3), frames=st.integers(1, 3))
def test_any_runs_leave_what_indexing_one_by_one_leaves(
    runs: list[tuple[str, list[Record], int]], batch_size: int, threads: int, frames: int
) -> None:
    beside = {"beside.png": to_png((255, 0, 0), (80, 60))}
    chosen = load_settings(
        url=":memory:",
        **dict.fromkeys(("workers", "decode_workers", "read_workers"), threads),
        batch_size=batch_size,
        frames=frames,
        chunk_overlap_tokens=OVERLAP,
        isolate=False,
    )
    reference = Reference(DecodePolicy(frames=frames, figures=True))
    engine, encoder = connect(":memory:"), LegibleEncoder()

    def ingest(root: str, listed: list[Record], stop_at: int | None = None) -> RunReport:
        stopping = Event()
        on_list = lambda nth: stopping.set() if nth == stop_at else None  # noqa: E731
        source = ListSource(listed, name=root, beside=beside, on_list=on_list)
        job = IngestJob(source, chosen, show_progress=False, stopping=stopping)
        report = job.run(engine=engine, encoder=encoder)
        assert report.counts.balanced
        return report

    with engine:
        for root, listed, stop_at in runs:
            ingest(root, listed, stop_at)  # an interruption changes nothing in the end
            report = ingest(root, listed)
            captioned = [
                one if one.caption != "\0" else replace(one, caption=None) for one in listed
            ]
            failed = reference.take(captioned, beside)
            assert (report.counts.scanned, report.counts.failed) == (len(listed), failed)
            assert read_points(engine) == reference.points
            again = ingest(root, listed)
            assert again.counts.unchanged == len(listed) - failed
            assert (again.counts.images, again.counts.texts, again.counts.reused) == (0, 0, 0)

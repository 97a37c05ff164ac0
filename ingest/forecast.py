"""A dry run: list, compare with what is indexed, and time a small sample in memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from threading import Event
from time import perf_counter
from typing import TYPE_CHECKING

from ingest.assembly import AssemblyLine, to_fingerprints, to_workers
from ingest.callbacks import Callbacks
from ingest.chunk import hash_content
from ingest.dead_letters import DeadLetters
from ingest.encoder_choice import choose_encoder
from ingest.encoders.canary import canary_vectors
from ingest.fingerprint import Version
from ingest.outcome import Tally
from ingest.plan import read_known
from ingest.recorded_policy import with_recorded_policy
from ingest.refresh import Refresh
from ingest.sample import Sample
from ingest.stopwatch import Stopwatch
from ingest.store.collections import check_space, ensure_collection, find_live
from ingest.store.connect import MEMORY, connect
from ingest.store.writer import Writer
from schemas.collection import to_listing_digest, to_listing_payload
from schemas.errors import SourceError
from schemas.forecast import Forecast, ForecastRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingest.fingerprint import Fingerprints
    from ingest.plan import Known
    from ingest.sources.source import Source
    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine
    from schemas.records import Record
    from schemas.settings import Settings
    from schemas.space import Encoder


@dataclass(slots=True)
class _Listing:
    """What a listing amounts to."""

    fingerprints: Fingerprints
    counts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    unlisted: int = 0
    seen_known: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    sample: Sample = field(default_factory=Sample)

    def add(self, record: Record, known: Known | None) -> None:
        counts = self.counts[record.media_type]
        self.seen_known += known is not None
        if known and _is_as_indexed(record, known, self.fingerprints):
            counts["unchanged"] += 1
            return
        counts["changed" if known else "new"] += 1
        counts["todo_bytes"] += record.size_bytes or len(record.content or b"")
        self.sample.offer(record)


def make_forecast(
    source: Source, settings: Settings, *, engine: Engine, encoder: Encoder | None = None
) -> Forecast:
    """What ingesting this source would do; nothing is written.

    Every item is listed; new and changed ones are told by their listings (size, time, place, and
    what of their content and captions a listing brings) and by the pipeline that made their points.
    A sample of them is ingested into memory, which is what the estimate is made from.

    Args:
        source: What would be ingested.
        settings: How; what they leave open is as the collection was built, as in a run.
        engine: The index.
        encoder: By default the settings' model, and where they name none the collection's.

    Raises:
        SpaceMismatch: The collection belongs to another model.
        ModelUnavailable: The model cannot be loaded.
        SettingsError: The root's name stands for another place that is still there.
        StoreUnavailable: The store did not answer.
    """
    live = find_live(engine, settings.collection)
    settings = with_recorded_policy(live, settings)
    encoder = encoder or choose_encoder(live, settings)
    known = _read_indexed(engine, live, encoder, source)
    listing = _list(source, known, to_fingerprints(settings, encoder.space))
    seconds, estimate = _time_sample(listing.sample, source, settings, encoder, known)
    return Forecast(
        root=source.name,
        collection=live.name if live else "",
        rows=_to_rows(listing.counts),
        unlisted=listing.unlisted,
        gone=len(known) - listing.seen_known,
        skipped=dict(listing.skipped.most_common()),
        estimated_seconds=estimate,
        sampled=len(listing.sample.records),
        sample_seconds=round(seconds, 3),
    )


def ingest_in_memory(
    records: Sequence[Record],
    source: Source,
    settings: Settings,
    encoder: Encoder,
    known: Mapping[str, Known] | None = None,
) -> tuple[float, Tally]:
    """Ingest some records into an index that is thrown away.

    Args:
        records: What is ingested.
        source: Reads them.
        settings: How.
        encoder: Encodes.
        known: What is indexed elsewhere; of that, what proves unchanged is not encoded.

    Returns:
        Wall seconds of the pipeline, the models loaded beforehand; and what came of it.
    """
    stopwatch, tally = Stopwatch(), Tally()
    with connect(MEMORY) as engine:
        canary = canary_vectors(encoder, encoder.space.modalities)
        collection = ensure_collection(engine, "sample", encoder.space, canary)
        workers = to_workers(settings, encoder, source)
        line = AssemblyLine(source, settings, engine, encoder, stopwatch, workers)
        pipeline = line.to_pipeline(
            collection,
            known or {},
            DeadLetters(),
            writer=Writer(engine, collection.name),
            callbacks=Callbacks(tally.add),
            stopping=Event(),
        )
        start = perf_counter()
        pipeline.run(records)
        return perf_counter() - start, tally


def _read_indexed(
    engine: Engine, live: ConcreteCollection | None, encoder: Encoder, source: Source
) -> Mapping[str, Known]:
    if live is None:
        return {}
    check_space(live, encoder.space)
    return Refresh.of(source, read_known(engine, live.name, source)).known


def _list(source: Source, known: Mapping[str, Known], fingerprints: Fingerprints) -> _Listing:
    listing = _Listing(fingerprints)
    for item in source.iter_records(listing.skipped):
        if isinstance(item, SourceError):
            listing.unlisted += 1
        else:
            listing.add(item, known.get(item.source_uri))
    return listing


def _is_as_indexed(record: Record, known: Known, fingerprints: Fingerprints) -> bool:
    """Whether a run would leave it as it is, as far as a listing can tell."""
    is_same = known.listing == to_listing_digest(to_listing_payload(record))
    if not (is_same and known.is_described_by(record)):
        return False
    versions = set(known.versions)
    if record.caption and record.caption.strip():
        hashed = hash_content(record.caption.encode(errors="surrogatepass"))
        caption = Version(hashed, fingerprints.of_text)
        if caption not in versions:
            return False
        versions.remove(caption)
    if known.points != known.chunk_count or len(versions) != 1:
        return False
    (content,) = versions
    is_read = record.content is not None and record.vector is None
    hashed = hash_content(record.content or b"") if is_read else content.content_hash
    return content == Version(hashed, fingerprints.of(record))


def _to_rows(counts: Mapping[str, Counter[str]]) -> tuple[ForecastRow, ...]:
    rows = [ForecastRow(media_type, **of_type) for media_type, of_type in counts.items()]
    return tuple(sorted(rows, key=lambda row: (-row.new - row.changed, row.media_type)))


def _time_sample(
    sample: Sample,
    source: Source,
    settings: Settings,
    encoder: Encoder,
    known: Mapping[str, Known],
) -> tuple[float, float | None]:
    """Wall seconds spent on the sample, and those that everything would take.

    What was moved or touched counts among the changed items, but takes no encoding.
    """
    spent, estimate = 0.0, 0.0
    is_known = False
    for modality in encoder.space.modalities:
        records = sample.of(modality)
        if not records:
            continue
        seconds, tally = ingest_in_memory(records, source, settings, encoder, known)
        spent += seconds
        if tally.sums["failed"] < len(records):
            is_known = True
            estimate += seconds * sample.scale(modality)
    return spent, round(estimate, 1) if is_known else None

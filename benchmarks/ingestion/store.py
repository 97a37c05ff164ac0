"""Records with vectors made elsewhere: our ingestion, and what it writes to alone.

The same points go into an embedded index, and into the engine below it by its own ``upsert``; then
to a server that answers at once, and to the same server by ``qdrant_client.upload_collection``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import qdrant_edge
from qdrant_client import QdrantClient, models

from benchmarks.ingestion.findings import Finding, interleave
from benchmarks.ingestion.null_server import serving
from benchmarks.ingestion.precomputed import (
    DIMENSION,
    NoEncoder,
    Points,
    read_points,
    write_manifest,
)
from ingest.job import IngestJob, open_collection
from ingest.store.connect import connect
from ingest.store.embedded.config import to_edge_config, to_edge_index
from ingest.store.embedded.engine import EmbeddedEngine
from ingest.store.embedded.points import to_edge_point
from ingest.store.writer import Writer
from schemas.payload_indexes import PAYLOAD_INDEXES
from schemas.settings import load_settings
from schemas.vectors import vector_params

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.ingestion.workplace import Workplace
    from ingest.store.engine import Engine

BATCH_POINTS = 128
"""As our writer sends them."""

COLLECTION = "diptych"
COLUMNS = {"id": "id", "text": "text", "vector": "vector"}
INGEST = "diptych ingest, from Parquet"
WRITER = "our writer alone, points ready"
BARE = "bare engine, upsert"
BARE_WITH_POINTS = "bare engine, upsert and making its points"
UPLOAD = "upload_collection, numpy vectors"
UPLOAD_LISTS = "upload_collection, lists of floats"
TARGET = 0.7


class _WithoutIndex(EmbeddedEngine):
    """An embedded index that builds no HNSW graph at the end: only writing is compared."""

    def optimize(self, collection_name: str) -> bool:  # noqa: ARG002 - the signature is Engine's
        """Never."""
        return False


def run(workplace: Workplace) -> Iterator[Finding]:
    """A table for the embedded index, and one for the wire."""
    manifest = workplace.folder / f"vectors-{workplace.records}.parquet"
    write_manifest(manifest, workplace.records, workplace.captions)
    points = ingest_once(manifest)
    yield measure_embedded(manifest, points, workplace.repeats)
    yield measure_wire(manifest, points, workplace.repeats)


def ingest_once(manifest: Path) -> Points:
    """The points that ingesting the manifest makes."""
    with tempfile.TemporaryDirectory() as folder, _WithoutIndex(Path(folder, "index")) as engine:
        measure_ingest(engine, manifest)
        return read_points(engine, COLLECTION)


def measure_embedded(manifest: Path, points: Points, repeats: int) -> Finding:
    """Our way and the engine's own into a new embedded index each."""
    finding = Finding(f"{len(points):,} vectors of {DIMENSION} into an embedded index", "points/s")
    making: list[float] = []

    def measure_bare() -> float:
        upserting, made = time_bare(points)
        making.append(len(points) / (upserting + made))
        return len(points) / upserting

    finding.rates = interleave(
        {
            INGEST: lambda: _in_new_index(lambda engine: measure_ingest(engine, manifest)),
            WRITER: lambda: _in_new_index(lambda engine: measure_writer(engine, points)),
            BARE: measure_bare,
        },
        repeats,
    )
    finding.rates[BARE_WITH_POINTS] = making
    finding.claim("ingestion / bare upsert", INGEST, BARE, TARGET)
    finding.claim("ingestion / bare upsert and making its points", INGEST, BARE_WITH_POINTS)
    finding.claim("our writer / bare upsert", WRITER, BARE)
    finding.notes.append(
        "Everyone has the same payload indexes, write-ahead log and batches of "
        f"{BATCH_POINTS}, and flushes at the end; no HNSW graph is built. For the bare engine only "
        "the calls of its `update` and the flush are on the clock."
    )
    return finding


def measure_wire(manifest: Path, points: Points, repeats: int) -> Finding:
    """Our way and the client's own to a server that keeps nothing."""
    finding = Finding(f"{len(points):,} vectors of {DIMENSION} to a null gRPC server", "points/s")
    finding.rates = interleave(
        {
            INGEST: lambda: _to_null_server(lambda engine, _: measure_ingest(engine, manifest)),
            WRITER: lambda: _to_null_server(lambda engine, _: measure_writer(engine, points)),
            UPLOAD: lambda: _to_null_server(lambda _, port: measure_upload(port, points)),
            UPLOAD_LISTS: lambda: _to_null_server(
                lambda _, port: measure_upload(port, points, as_lists=True)
            ),
        },
        repeats,
    )
    finding.claim(f"ingestion / {UPLOAD}", INGEST, UPLOAD, TARGET)
    finding.claim(f"ingestion / {UPLOAD_LISTS}", INGEST, UPLOAD_LISTS)
    finding.claim(f"our writer / {UPLOAD}", WRITER, UPLOAD)
    finding.notes.append(
        "The server is a process of its own, which answers a write without parsing it. "
        f"`upload_collection` sends batches of {BATCH_POINTS} and waits for each, as we do."
    )
    return finding


def measure_ingest(engine: Engine, manifest: Path) -> float:
    """Points a second from the file to the last flush; the collection is made beforehand."""
    from ingest.sources.manifest import ManifestSource

    encoder = NoEncoder()
    open_collection(engine, COLLECTION, encoder)
    source = ManifestSource.open(manifest, name="manifest", columns=COLUMNS)
    job = IngestJob(source, load_settings(collection=COLLECTION), show_progress=False)
    start = perf_counter()
    report = job.run(engine=engine, encoder=encoder)
    taken = perf_counter() - start
    if report.failures:
        raise SystemExit(f"not measured: {report.failures[0]}")
    return (report.counts.images + report.counts.texts) / taken


def measure_writer(engine: Engine, points: Points) -> float:
    """Points a second of writing points that are ready."""
    collection = open_collection(engine, COLLECTION, NoEncoder())
    writer = Writer(engine, collection.name, points_per_request=BATCH_POINTS)
    seconds = 0.0
    for part in _iter_parts(points):
        ready = [
            models.PointStruct(
                id=points.ids[number],
                vector=points.vectors[number].tolist(),
                payload=points.payloads[number],
            )
            for number in part
        ]
        start = perf_counter()
        writer.upsert(ready)
        seconds += perf_counter() - start
    start = perf_counter()
    engine.flush()
    return len(points) / (seconds + perf_counter() - start)


def time_bare(points: Points) -> tuple[float, float]:
    """Seconds of the engine's own upserts and flush, and seconds of making its points."""
    config = models.CreateCollection(vectors=vector_params(NoEncoder.space))
    upserting = making = 0.0
    with tempfile.TemporaryDirectory() as folder:
        shard = qdrant_edge.EdgeShard.create(folder, to_edge_config(config))
        for field, index in PAYLOAD_INDEXES.items():
            kind = to_edge_index(index)
            shard.update(qdrant_edge.UpdateOperation.create_field_index(field, kind))
        for part in _iter_parts(points):
            rows = [points.vectors[number].tolist() for number in part]
            began = perf_counter()
            ready = [_to_edge(points, number, row) for number, row in zip(part, rows, strict=True)]
            made = perf_counter()
            shard.update(qdrant_edge.UpdateOperation.upsert_points(ready))
            upserting += perf_counter() - made
            making += made - began
        start = perf_counter()
        shard.flush()
        upserting += perf_counter() - start
        shard.close()
    return upserting, making


def measure_upload(port: int, points: Points, *, as_lists: bool = False) -> float:
    """Points a second of ``upload_collection``, which makes its messages from what it is given."""
    client = QdrantClient(
        host="127.0.0.1", grpc_port=port, prefer_grpc=True, check_compatibility=False
    )
    vectors = points.vectors.tolist() if as_lists else points.vectors
    start = perf_counter()
    client.upload_collection(
        COLLECTION,
        vectors=vectors,
        payload=points.payloads,
        ids=points.ids,
        batch_size=BATCH_POINTS,
        wait=True,
    )
    taken = perf_counter() - start
    client.close()
    return len(points) / taken


def _to_edge(points: Points, number: int, row: list[float]) -> qdrant_edge.Point:
    point = models.PointStruct.model_construct(
        id=points.ids[number], vector=row, payload=points.payloads[number]
    )
    return to_edge_point(point)


def _iter_parts(points: Points) -> Iterator[range]:
    for start in range(0, len(points), BATCH_POINTS):
        yield range(start, min(start + BATCH_POINTS, len(points)))


def _in_new_index(measure: Callable[[Engine], float]) -> float:
    with tempfile.TemporaryDirectory() as folder, _WithoutIndex(Path(folder, "index")) as engine:
        return measure(engine)


def _to_null_server(measure: Callable[[Engine, int], float]) -> float:
    with (
        serving() as port,
        connect("http://127.0.0.1:6333", grpc_port=port) as engine,
    ):
        return measure(engine, port)

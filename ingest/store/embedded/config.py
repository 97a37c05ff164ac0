"""A collection's configuration, in ``qdrant_client``'s models and in ``qdrant_edge``'s."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Final

import qdrant_edge
from qdrant_client import models

from schemas.errors import StoreRejected

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from schemas.payload_indexes import PayloadIndex

    EdgeIndexParams: TypeAlias = qdrant_edge.KeywordIndexParams | qdrant_edge.TextIndexParams

HNSW: Final = models.HnswConfig(m=16, ef_construct=128, full_scan_threshold=10_000)
"""Qdrant's own defaults, but for an ``ef_construct`` of 128 instead of 100."""

SEARCH_EF: Final = 160
"""Effort of a search that asks for none, up to 100,000 points. Recall@10 on as many vectors of 512
dimensions, m = 16, a filter that half of them pass (``benchmarks.filtered --efforts``), at 128,
160, 192 and 256: queries of the points' topics 1.000 always; sums of two topics, as compositions
are, .965, .991, 1.000 and 1.000; noise, to which nothing is near, .61, .65, .70 and .75. 160 takes
0.6 of the time of 256. Small collections, and what passes tight filters, are scanned."""

SEARCH_EF_PER_DECADE: Final = 128
"""More effort for ten times as many points. On 1,000,000 (the same benchmark) efforts of 160, 192,
256, 288 and 320 find .946, .964, .981, .984 and .986 for queries of one topic, .81, .86, .91, .92
and .93 for sums of two; 288 takes 1.3 times as long as 160."""

OPTIMIZERS: Final = models.OptimizersConfig(
    deleted_threshold=0.2,
    vacuum_min_vector_number=1_000,
    default_segment_number=0,
    indexing_threshold=65_536,
    flush_interval_sec=0,
)
"""Qdrant's defaults but for the threshold, in KB of vectors: 64 MB, 43,690 vectors of 384
dimensions. Up to there a filtered scan takes less than about 10 ms and finds exactly the nearest
points, while an index takes minutes to build and finds nearly all of them."""

_SCHEMA_TYPES: Final[Mapping[models.PayloadSchemaType, qdrant_edge.PayloadSchemaType]] = {
    models.PayloadSchemaType.KEYWORD: qdrant_edge.PayloadSchemaType.Keyword,
    models.PayloadSchemaType.INTEGER: qdrant_edge.PayloadSchemaType.Integer,
    models.PayloadSchemaType.FLOAT: qdrant_edge.PayloadSchemaType.Float,
    models.PayloadSchemaType.GEO: qdrant_edge.PayloadSchemaType.Geo,
    models.PayloadSchemaType.TEXT: qdrant_edge.PayloadSchemaType.Text,
    models.PayloadSchemaType.BOOL: qdrant_edge.PayloadSchemaType.Bool,
    models.PayloadSchemaType.DATETIME: qdrant_edge.PayloadSchemaType.Datetime,
    models.PayloadSchemaType.UUID: qdrant_edge.PayloadSchemaType.Uuid,
}
_KINDS: Final = {edge: ours for ours, edge in _SCHEMA_TYPES.items()}


def vectors_of(config: models.CreateCollection) -> models.VectorParams:
    """The parameters of a collection's one vector.

    Raises:
        StoreRejected: It has named vectors, or none.
    """
    if not isinstance(config.vectors, models.VectorParams):
        raise StoreRejected("the collection has named vectors; Diptych writes one unnamed vector")
    return config.vectors


def to_edge_config(config: models.CreateCollection) -> qdrant_edge.EdgeConfig:
    """What ``qdrant_edge`` is told when it makes a collection; its write-ahead log is on."""
    vectors = vectors_of(config)
    hnsw = hnsw_of(config)
    optimizers = optimizers_of(config)
    return qdrant_edge.EdgeConfig(
        vectors=qdrant_edge.EdgeVectorParams(
            size=vectors.size, distance=qdrant_edge.Distance.Cosine, on_disk=vectors.on_disk
        ),
        sparse_vectors={
            name: qdrant_edge.EdgeSparseVectorParams(modifier=to_edge_modifier(params.modifier))
            for name, params in (config.sparse_vectors or {}).items()
        },
        on_disk_payload=config.on_disk_payload,
        hnsw_config=qdrant_edge.HnswIndexConfig(
            m=hnsw.m,
            ef_construct=hnsw.ef_construct,
            full_scan_threshold=hnsw.full_scan_threshold,
            max_indexing_threads=hnsw.max_indexing_threads or 0,
            on_disk=hnsw.on_disk,
            payload_m=hnsw.payload_m,
        ),
        quantization_config=_to_edge_quantization(config.quantization_config),
        optimizers=qdrant_edge.EdgeOptimizersConfig(
            deleted_threshold=optimizers.deleted_threshold,
            vacuum_min_vector_number=optimizers.vacuum_min_vector_number,
            default_segment_number=optimizers.default_segment_number,
            max_segment_size=optimizers.max_segment_size,
            indexing_threshold=optimizers.indexing_threshold,
        ),
        wal_enabled=True,
    )


def to_edge_modifier(modifier: models.Modifier | None) -> qdrant_edge.Modifier | None:
    """What is done to the values of a sparse query: nothing, or Qdrant's own IDF."""
    return qdrant_edge.Modifier.Idf if modifier is models.Modifier.IDF else None


def hnsw_of(config: models.CreateCollection) -> models.HnswConfig:
    """The defaults with what the collection's configuration says instead."""
    said = config.hnsw_config.model_dump(exclude_none=True) if config.hnsw_config else {}
    return HNSW.model_copy(update=said)


def optimizers_of(config: models.CreateCollection) -> models.OptimizersConfig:
    """Likewise."""
    diff = config.optimizers_config
    said = diff.model_dump(exclude_none=True, exclude={"max_optimization_threads"}) if diff else {}
    return OPTIMIZERS.model_copy(update=said)


def to_edge_index(index: PayloadIndex) -> qdrant_edge.PayloadSchemaType | EdgeIndexParams:
    """A payload index: its kind, or its kind with the options that Diptych uses.

    Raises:
        StoreRejected: It has other options.
    """
    match index:
        case models.PayloadSchemaType():
            return _SCHEMA_TYPES[index]
        case models.KeywordIndexParams():
            _check_options(index, {"prefix"})
            return qdrant_edge.KeywordIndexParams(prefix=index.prefix)
        case models.TextIndexParams(tokenizer=models.TokenizerType.WORD | None):
            _check_options(index, {"tokenizer", "lowercase"})
            return qdrant_edge.TextIndexParams(
                tokenizer=qdrant_edge.TokenizerType.Word, lowercase=index.lowercase
            )
        case _:
            raise StoreRejected(f"{index!r}: the embedded index splits texts into words only")


def _check_options(
    index: models.KeywordIndexParams | models.TextIndexParams, known: set[str]
) -> None:
    other = set(index.model_dump(exclude_none=True)) - known - {"type"}
    if other:
        raise StoreRejected(f"payload index: {', '.join(sorted(other))} is not embedded's to set")


def _to_index_info(index: qdrant_edge.PayloadIndexInfo) -> models.PayloadIndexInfo:
    """As a server says it: the type, the points, and the options if any were given."""
    kind = _KINDS[index.data_type]
    params: models.PayloadSchemaParams | None = None
    if isinstance(index.params, qdrant_edge.KeywordIndexParams):
        params = models.KeywordIndexParams(
            type=models.KeywordIndexType.KEYWORD, prefix=index.params.prefix
        )
    elif isinstance(index.params, qdrant_edge.TextIndexParams):
        params = models.TextIndexParams(
            type=models.TextIndexType.TEXT,
            tokenizer=models.TokenizerType.WORD,
            lowercase=index.params.lowercase,
        )
    return models.PayloadIndexInfo(data_type=kind, params=params, points=index.points)


def to_collection_info(
    config: models.CreateCollection, info: qdrant_edge.ShardInfo
) -> models.CollectionInfo:
    """What a server would say about the collection."""
    return models.CollectionInfo(
        status=models.CollectionStatus.GREEN,
        optimizer_status=models.OptimizersStatusOneOf.OK,
        indexed_vectors_count=info.indexed_vectors_count,
        points_count=info.points_count,
        segments_count=info.segments_count,
        payload_schema={
            field: _to_index_info(index) for field, index in info.payload_schema.items()
        },
        config=models.CollectionConfig(
            params=models.CollectionParams(
                vectors=vectors_of(config),
                sparse_vectors=config.sparse_vectors,
                on_disk_payload=config.on_disk_payload,
            ),
            hnsw_config=hnsw_of(config),
            optimizer_config=optimizers_of(config),
            quantization_config=config.quantization_config,
            metadata=config.metadata,
        ),
    )


def _to_edge_quantization(
    config: models.QuantizationConfig | None,
) -> qdrant_edge.ScalarQuantizationConfig | None:
    """Int8 alone: it keeps recall where binary codes of 512 dimensions fall to .70."""
    if config is None:
        return None
    if not isinstance(config, models.ScalarQuantization):
        raise StoreRejected(f"{type(config).__name__}: the embedded index quantizes to int8 only")
    return qdrant_edge.ScalarQuantizationConfig(
        type=qdrant_edge.ScalarType.Int8,
        quantile=config.scalar.quantile,
        always_ram=config.scalar.always_ram,
    )


def to_effort(points: int) -> int:
    """The ``ef`` with which a collection of so many points is searched."""
    return SEARCH_EF + max(0, round(SEARCH_EF_PER_DECADE * log10(max(points, 1) / 100_000)))


def to_edge_params(params: models.SearchParams | None, effort: int) -> qdrant_edge.SearchParams:
    """What a search asks for; where it says nothing, the effort of its collection."""
    if params is None:
        return qdrant_edge.SearchParams(hnsw_ef=effort)
    rescore = params.quantization
    return qdrant_edge.SearchParams(
        hnsw_ef=params.hnsw_ef or effort,
        exact=bool(params.exact),
        indexed_only=bool(params.indexed_only),
        quantization=None
        if rescore is None
        else qdrant_edge.QuantizationSearchParams(
            ignore=bool(rescore.ignore),
            rescore=rescore.rescore,
            oversampling=rescore.oversampling,
        ),
    )

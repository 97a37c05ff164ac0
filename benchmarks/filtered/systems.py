"""The systems that are compared: each is built once and answers with row numbers."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import qdrant_edge
from qdrant_client import QdrantClient, models

from benchmarks.filtered.corpus import TOP_K, KnownQueries, iter_points
from ingest.background import refresh_background
from ingest.encoders.canary import canary_vectors
from ingest.store.collections import ensure_collection
from ingest.store.connect import connect
from ingest.store.embedded.config import SEARCH_EF, to_effort
from ingest.store.embedded.filters import to_edge_filter
from ingest.store.writer import Writer
from schemas.records import Modality
from schemas.vectors import sparse_vector_params
from search.searcher import Searcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    from benchmarks.filtered.corpus import Corpus

NAME = "bench"
WRITTEN_AT_ONCE = 5_000


class System(Protocol):
    """Something that searches."""

    name: str

    def search(self, number: int, share: str) -> set[int]:
        """Rows nearest to a query among those that pass a filter."""


class Diptych:
    """:meth:`search.searcher.Searcher.search` on an embedded index, from the text to the hits."""

    name = "diptych"

    def __init__(self, corpus: Corpus, folder: Path) -> None:
        """Build the index, unless the folder has one."""
        self.engine = connect(str(folder / "index"))
        encoder = KnownQueries(corpus)
        if not self.engine.collection_exists(NAME):
            self._write(corpus, encoder)
        self.searcher = Searcher.follow(self.engine, NAME, lambda _: encoder)
        self.collection = self.searcher.collection.name

    def _write(self, corpus: Corpus, encoder: KnownQueries) -> None:
        canary = canary_vectors(encoder, [Modality.TEXT])
        collection = ensure_collection(self.engine, NAME, encoder.space, canary).name
        writer, points = Writer(self.engine, collection), iter_points(corpus)
        while batch := list(islice(points, WRITTEN_AT_ONCE)):
            writer.upsert(batch)
        refresh_background(self.engine, collection)
        self.engine.flush()
        self.engine.optimize(collection)

    def search(self, number: int, share: str) -> set[int]:
        """By text."""
        where = {"part": "figure"} if share == "figure" else None
        page = self.searcher.search(str(number), target="image", where=where, top_k=TOP_K)
        return {int(hit.source_uri.rpartition("/")[2]) for hit in page.hits}


class BareEngine:
    """``qdrant_edge`` itself on the same index at the same effort: ten points with whole payloads.

    It does less than a search: of several points of one document it gives all, it cannot tell
    whether there is more, and says of no score how good it is.
    """

    name = "its engine, bare"

    def __init__(self, diptych: Diptych, corpus: Corpus) -> None:
        """Borrow the open shard."""
        shard = diptych.engine._shard(diptych.collection)  # type: ignore[attr-defined]  # noqa: SLF001 - the shard can be open once only
        self._edge: qdrant_edge.EdgeShard = shard._edge  # noqa: SLF001 - likewise
        self._effort = to_effort(len(corpus.rows))
        self._queries = corpus.queries.tolist()
        self._filters = {share: to_edge_filter(to_qdrant_filter(share)) for share in SHARES}

    def search(self, number: int, share: str) -> set[int]:
        """One call."""
        return self.ask(self._queries[number], share, self._effort)

    def ask(self, query: list[float], share: str, effort: int) -> set[int]:
        """One call with any vector, at any effort."""
        found = self._edge.query(
            qdrant_edge.QueryRequest(
                limit=TOP_K,
                query=qdrant_edge.Query.Nearest(query),
                filter=self._filters[share],
                with_payload=True,
                params=qdrant_edge.SearchParams(hnsw_ef=effort),
            )
        )
        return {int((point.payload or {})["source_uri"].rpartition("/")[2]) for point in found}


class Numpy:
    """Every cosine, then a mask."""

    name = "exact numpy with a mask"

    def __init__(self, corpus: Corpus) -> None:
        """Keep the rows."""
        self._corpus = corpus
        self._masks = {share: corpus.mask(share) for share in SHARES}

    def search(self, number: int, share: str) -> set[int]:
        """One product."""
        scores = self._corpus.rows @ self._corpus.queries[number]
        masked = np.where(self._masks[share], scores, -np.inf)
        return set(np.argpartition(-masked, TOP_K)[:TOP_K].tolist())


class LocalMode:
    """``qdrant_client``'s pure-Python engine, in memory."""

    name = "qdrant-client local mode"

    def __init__(self, corpus: Corpus) -> None:
        """Write everything."""
        self._client = QdrantClient(":memory:")
        self._queries = corpus.queries.tolist()
        params = models.VectorParams(size=corpus.rows.shape[1], distance=models.Distance.COSINE)
        self._client.create_collection(NAME, params, sparse_vectors_config=sparse_vector_params())
        points = list(iter_points(corpus))
        for start in range(0, len(points), 1000):
            self._client.upsert(NAME, points[start : start + 1000])

    def search(self, number: int, share: str) -> set[int]:
        """One call."""
        found = self._client.query_points(
            NAME, self._queries[number], query_filter=to_qdrant_filter(share), limit=TOP_K
        )
        uris = [(point.payload or {})["source_uri"] for point in found.points]
        return {int(uri.rpartition("/")[2]) for uri in uris}


class Lance:
    """LanceDB: IVF-HNSW with scalar quantization, scalar indexes, filter before the search."""

    name = "LanceDB"

    def __init__(self, corpus: Corpus, folder: Path, lancedb: ModuleType) -> None:
        """Write and index."""
        import pyarrow as pa

        dimension = corpus.rows.shape[1]
        flat = pa.array(corpus.rows.reshape(-1))
        table = pa.table(
            {
                "number": corpus.numbers,
                "kind": [("image" if one else "text") for one in corpus.mask("image")],
                "part": [("figure" if one else "content") for one in corpus.mask("figure")],
                "vector": pa.FixedSizeListArray.from_arrays(flat, dimension),
            }
        )
        self._table = lancedb.connect(str(folder / "lance")).create_table(NAME, table)
        self._table.create_index(metric="cosine", index_type="IVF_HNSW_SQ")
        for column in ("kind", "part"):
            self._table.create_scalar_index(column, index_type="BITMAP")
        self._queries = corpus.queries

    def search(self, number: int, share: str) -> set[int]:
        """With refinement, which it needs for recall."""
        where = "kind = 'image'" + (" AND part = 'figure'" if share == "figure" else "")
        asked = self._table.search(self._queries[number]).distance_type("cosine")
        found = asked.where(where, prefilter=True).nprobes(20).refine_factor(4).limit(TOP_K)
        return set(found.select(["number"]).to_arrow()["number"].to_pylist())


class Faiss:
    """FAISS: HNSW with a bitmap of what passes."""

    name = "FAISS HNSW with a bitmap"

    def __init__(self, corpus: Corpus, faiss: ModuleType) -> None:
        """Build the graph."""
        self._faiss = faiss
        self._index = faiss.IndexHNSWFlat(corpus.rows.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
        self._index.hnsw.efConstruction = 100
        self._index.add(corpus.rows)
        self._queries = corpus.queries
        self._bitmaps = {
            share: np.packbits(corpus.mask(share), bitorder="little") for share in SHARES
        }

    def search(self, number: int, share: str) -> set[int]:
        """One call at the same effort as ours."""
        parameters = self._faiss.SearchParametersHNSW(
            sel=self._faiss.IDSelectorBitmap(self._bitmaps[share]), efSearch=SEARCH_EF
        )
        query = self._queries[number : number + 1]
        _, found = self._index.search(query, TOP_K, params=parameters)
        return {int(one) for one in found[0] if one >= 0}


class Usearch:
    """usearch: HNSW; what passes is chosen among the nearest afterwards, as it has no filter."""

    name = "usearch, filtered afterwards"
    MORE = 10

    def __init__(self, corpus: Corpus, usearch: ModuleType) -> None:
        """Build the graph."""
        self._index = usearch.Index(
            ndim=corpus.rows.shape[1], metric="ip", connectivity=16, expansion_search=SEARCH_EF
        )
        self._index.add(corpus.numbers, corpus.rows)
        self._queries = corpus.queries
        self._masks = {share: corpus.mask(share) for share in SHARES}

    def search(self, number: int, share: str) -> set[int]:
        """Ten times as many as wanted."""
        found = self._index.search(self._queries[number], TOP_K * self.MORE).keys
        return set(found[self._masks[share][found]][:TOP_K].tolist())


SHARES = ("image", "figure")
"""The filters: half of the points, and a hundredth."""


def to_qdrant_filter(share: str) -> models.Filter:
    """The filter as Diptych makes it."""
    must: list[models.Condition] = [
        models.FieldCondition(key="modality", match=models.MatchValue(value="image"))
    ]
    if share == "figure":
        must.append(models.FieldCondition(key="part", match=models.MatchValue(value="figure")))
    return models.Filter(must=must)


def to_peers(corpus: Corpus, folder: Path) -> dict[str, Callable[[], Any]]:
    """What builds each peer whose package is installed, by its name."""
    import importlib

    makers: dict[str, tuple[str, Callable[[ModuleType], Any]]] = {
        Lance.name: ("lancedb", lambda module: Lance(corpus, folder, module)),
        Faiss.name: ("faiss", lambda module: Faiss(corpus, module)),
        Usearch.name: ("usearch.index", lambda module: Usearch(corpus, module)),
    }
    found: dict[str, Callable[[], Any]] = {}
    for name, (package, make) in makers.items():
        try:
            module = importlib.import_module(package)
        except ImportError:
            print(f"({name} is left out: its package is not installed)")
            continue
        found[name] = lambda make=make, module=module: make(module)  # type: ignore[misc]
    return found

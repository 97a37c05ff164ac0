"""Images: our ingestion, the bare model and ``SentenceTransformer.encode`` on the same JPEGs."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from PIL import Image

from benchmarks.ingestion.findings import Claim, Finding, interleave
from benchmarks.ingestion.forward import BATCHES, WORKERS, load_model, measure_forward
from benchmarks.ingestion.workplace import SIZES
from benchmarks.models import SIDE_PIXELS
from ingest.decode.image import decode_image
from ingest.decode.limits import Limits
from ingest.encoders.load import load_encoder
from ingest.job import IngestJob, open_collection
from ingest.sources.folder import FolderSource
from ingest.store.connect import connect
from schemas.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sentence_transformers import SentenceTransformer

    from benchmarks.ingestion.workplace import Photographs, Workplace
    from schemas.space import Encoder

DTYPES = ("float32", "bfloat16")
ENCODE_BATCH = 32
INGEST = "diptych ingest, end to end"
ENCODE_LOADED = f"encode, batches of {ENCODE_BATCH}, images opened by a loop"
ENCODE_PATHS = f"encode, batches of {ENCODE_BATCH}, paths"
ONE_BY_ONE = "encode, one by one"
DECODE = f"our decoding alone, {WORKERS} threads"
OF_FORWARD = {"float32": 0.92, "bfloat16": 0.80}
OF_LIMIT = 0.90
OVER_ENCODE = {"640x480": 1.4, "12 MP": 8.0}
OVER_ONE_BY_ONE = 4.0


def run(workplace: Workplace) -> Iterator[Finding]:
    """One table a size and dtype."""
    for dtype in DTYPES:
        model = load_model(str(workplace.clip), dtype)
        encoder = load_encoder(
            str(workplace.clip), threads=1, dtype=dtype, backend=workplace.backend
        )
        for size in SIZES:
            photographs = workplace.photographs(size)
            finding = Finding(f"Images of {size}, {dtype}", "images/s")
            ways = to_ways(photographs, model, encoder)
            for warm in (INGEST, ENCODE_LOADED):
                ways[warm]()
            finding.rates = interleave(ways, workplace.repeats)
            add_claims(finding, size, dtype)
            yield finding


def to_ways(
    photographs: Photographs, model: SentenceTransformer, encoder: Encoder
) -> dict[str, Callable[[], float]]:
    """What is run in turn; each answers images a second."""
    paths = photographs.paths
    few = paths[: max(8, len(paths) // 6)]
    forward = {
        to_forward_way(batch): partial(measure_forward, model, batch, min(len(paths), 192))
        for batch in BATCHES
    }
    return {
        **forward,
        INGEST: lambda: measure_ingest(photographs, encoder),
        ENCODE_LOADED: lambda: measure_encode(paths, model, ENCODE_BATCH, opened=True),
        ENCODE_PATHS: lambda: measure_encode(paths, model, ENCODE_BATCH, opened=False),
        ONE_BY_ONE: lambda: measure_encode(few, model, 1, opened=True),
        DECODE: lambda: measure_decode(paths),
    }


def to_forward_way(batch: int) -> str:
    """What the pure forward pass of a batch size is called."""
    return f"pure forward, {WORKERS} workers, batch {batch}"


def add_claims(finding: Finding, size: str, dtype: str) -> None:
    """Ratios of end to end to everything else."""
    forward = finding.best([to_forward_way(batch) for batch in BATCHES])
    is_small = size == "640x480"
    # At 12 MP decoding alone may cost as much as the model: there the sum of both is the limit.
    finding.claim(
        f"end to end / {forward}", INGEST, forward, OF_FORWARD[dtype] if is_small else None
    )
    rates = (finding.rates[way] for way in (INGEST, forward, DECODE))
    of_limit = tuple(
        ours * (1 / bare + 1 / decoded) for ours, bare, decoded in zip(*rates, strict=True)
    )
    limit = "end to end / cost-sum limit, 1 / (1 / forward + 1 / decode)"
    finding.claims.append(Claim(limit, of_limit, None if is_small else OF_LIMIT))
    target = OVER_ENCODE[size] if dtype == "bfloat16" else None
    for way in (ENCODE_LOADED, ENCODE_PATHS):
        finding.claim(f"end to end / {way}", INGEST, way, target)
    finding.claim(f"end to end / {ONE_BY_ONE}", INGEST, ONE_BY_ONE, OVER_ONE_BY_ONE)


def measure_ingest(photographs: Photographs, encoder: Encoder) -> float:
    """Images a second of one whole run into an empty collection of a new embedded index.

    The encoder is loaded and the collection made before the clock starts; listing, reading,
    decoding, encoding, writing and flushing to disk are inside.
    """
    import torch

    torch.set_num_threads(1)  # what load_encoder was asked for, and other ways undo
    with tempfile.TemporaryDirectory() as index:
        url = str(Path(index) / "index")
        settings = load_settings(url=url)
        with connect(url) as engine:
            open_collection(engine, settings.collection, encoder)
            source = FolderSource.open(photographs.folder)
            job = IngestJob(source, settings, show_progress=False)
            start = perf_counter()
            report = job.run(engine=engine, encoder=encoder)
            taken = perf_counter() - start
    if report.failures or report.counts.images != len(photographs.paths):
        raise SystemExit(f"not measured: {report.counts} {report.failures[:1]}")
    return len(photographs.paths) / taken


def measure_encode(
    paths: Sequence[Path], model: SentenceTransformer, batch_size: int, *, opened: bool
) -> float:
    """Images a second of the loop a user would write around ``SentenceTransformer.encode``.

    Args:
        paths: The JPEGs.
        model: Runs with as many threads as there are workers elsewhere.
        batch_size: Images in one call.
        opened: Whether the loop opens the images, or leaves that to the library.
    """
    import torch

    torch.set_num_threads(WORKERS)
    start = perf_counter()
    for first in range(0, len(paths), batch_size):
        part = paths[first : first + batch_size]
        inputs = [_open(path) for path in part] if opened else [str(path) for path in part]
        model.encode(inputs, batch_size=batch_size, show_progress_bar=False)
    return len(paths) / (perf_counter() - start)


def measure_decode(paths: Sequence[Path]) -> float:
    """Images a second of reading and decoding alone, with as many threads as workers."""
    limits = Limits()

    def decode(path: Path) -> None:
        decode_image(path.read_bytes(), str(path), limits=limits, side_pixels=SIDE_PIXELS)

    with ThreadPoolExecutor(WORKERS) as pool:
        start = perf_counter()
        list(pool.map(decode, paths))
        return len(paths) / (perf_counter() - start)


def _open(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")

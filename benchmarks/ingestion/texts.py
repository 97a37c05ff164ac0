"""Texts: our encoder as the pipeline calls it, and ``SentenceTransformer.encode``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.english import make_passages, read_captions
from benchmarks.ingestion.findings import Finding, interleave
from benchmarks.ingestion.forward import WORKERS, load_model
from benchmarks.ingestion.images import DTYPES
from benchmarks.models import find_minilm
from ingest.encoders.load import load_encoder
from ingest.encoders.workers import DEFAULT_ROWS
from schemas.space import Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sentence_transformers import SentenceTransformer

    from benchmarks.ingestion.workplace import Workplace
    from schemas.space import Encoder

WINDOW = 512
"""Texts that are sorted by length together."""

OUR_BATCH = DEFAULT_ROWS
ENCODE_BATCH = 32
OURS = f"our encoder, {WORKERS} workers, batches of {OUR_BATCH} by length"
ENCODE = f"encode, batches of {ENCODE_BATCH}, {WORKERS} threads"
TARGETS = {"captions": 1.3, "passages": 1.1}


def run(workplace: Workplace) -> Iterator[Finding]:
    """One table a model, dtype and kind of text."""
    kinds = {
        "captions": read_captions(workplace.texts, workplace.captions),
        "passages": make_passages(workplace.texts // 10),
    }
    models = {"CLIP ViT-B/32": workplace.clip, "all-MiniLM-L6-v2": find_minilm()}
    for name, folder in models.items():
        for dtype in DTYPES:
            model = load_model(str(folder), dtype)
            encoder = load_encoder(str(folder), threads=1, dtype=dtype, backend=workplace.backend)
            for kind, texts in kinds.items():
                yield measure(kind, f"{name}, {dtype}", texts, (model, encoder), workplace.repeats)


def measure(
    kind: str,
    named: str,
    texts: list[str],
    loaded: tuple[SentenceTransformer, Encoder],
    repeats: int,
) -> Finding:
    """One table. Texts past the model's window are cut there by both."""
    model, encoder = loaded
    finding = Finding(f"Texts: {kind}, {named}", "texts/s")
    ways = {
        OURS: partial(measure_ours, texts, encoder),
        ENCODE: partial(measure_encode, texts, model),
    }
    for way in ways.values():
        way()
    finding.rates = interleave(ways, repeats)
    finding.claim(f"our encoder / encode, {kind}", OURS, ENCODE, TARGETS[kind])
    cut = sum(len(encoder.token_spans(text)) > encoder.space.window_tokens for text in texts)
    words = sum(len(text.split()) for text in texts) / len(texts)
    finding.notes.append(
        f"{len(texts):,} texts of {words:.0f} words on average; {cut:,} are longer than the window "
        f"of {encoder.space.window_tokens} tokens and are cut there on both sides, so that both do "
        f"the same work (an ingestion cuts them into chunks instead)."
    )
    return finding


def measure_ours(texts: Sequence[str], encoder: Encoder) -> float:
    """Texts a second, from strings to vectors, with one thread inside each worker."""
    import torch

    torch.set_num_threads(1)
    with ThreadPoolExecutor(WORKERS) as pool:
        start = perf_counter()
        list(pool.map(lambda part: encoder.encode_texts(part, Role.DOCUMENT), iter_batches(texts)))
        return len(texts) / (perf_counter() - start)


def iter_batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """Batches of texts of about equal length, out of one window after the other."""
    for start in range(0, len(texts), WINDOW):
        window = sorted(texts[start : start + WINDOW], key=len, reverse=True)
        for first in range(0, len(window), OUR_BATCH):
            yield window[first : first + OUR_BATCH]


def measure_encode(texts: Sequence[str], model: SentenceTransformer) -> float:
    """Texts a second of one call, which sorts all texts by length itself."""
    import torch

    torch.set_num_threads(WORKERS)
    start = perf_counter()
    model.encode(
        [{"text": text} for text in texts], batch_size=ENCODE_BATCH, show_progress_bar=False
    )
    return len(texts) / (perf_counter() - start)

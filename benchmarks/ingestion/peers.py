"""Peers as shipped: each in an environment of its own, through its own way in, at its defaults.

What they would fetch from a hub is put where they keep it, made of the same random weights.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

from benchmarks.ingestion.findings import Finding, interleave
from benchmarks.ingestion.images import INGEST, measure_ingest
from benchmarks.ingestion.peer_process import Peer, PeerProcess, PeerUnavailable, opened
from benchmarks.ingestion.workplace import SIZES
from benchmarks.models import SIDE_PIXELS, export_image_tower
from ingest.decode.image import decode_image
from ingest.decode.limits import Limits
from ingest.encoders.load import load_encoder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.ingestion.workplace import Photographs, Workplace
    from schemas.space import Encoder, Vectors

RCLIP_SIDE_PIXELS = 256
TARGETS = {"640x480": 3.0, "12 MP": 5.0}


def run(workplace: Workplace) -> Iterator[Finding]:
    """One table a size, with every peer that runs; the others are named with the reason."""
    encoder = load_encoder(str(workplace.clip), threads=1, backend=workplace.backend)
    warm = workplace.make_thumbnails(32)
    measure_ingest(warm, encoder)
    ours = (
        f"Ours is `diptych ingest` at its defaults, {encoder.space.dtype} on this machine: "
        "reading, hashing, decoding, encoding and writing to an embedded index."
    )
    notes = [ours]
    with ExitStack() as stack:
        started: list[PeerProcess] = []
        for peer in PEERS:
            try:
                process = stack.enter_context(opened(peer, workplace))
                process.embed(warm)
            except PeerUnavailable as error:
                notes.append(f"{peer.name} could not be measured: {error}.")
            else:
                started.append(process)
                cosine = float(process.first @ encode_first(warm, encoder))
                notes.append(
                    f"{peer.name}: {peer.note} Cosine of its vector to ours, first image: "
                    f"{cosine:.4f}."
                )
        for size in SIZES:
            yield measure(workplace.photographs(size), encoder, started, workplace.repeats, notes)


def encode_first(photographs: Photographs, encoder: Encoder) -> Vectors:
    """Our vector of the first image, ``(512,)``."""
    path = photographs.paths[0]
    decoded = decode_image(
        path.read_bytes(),
        str(path),
        limits=Limits(),
        side_pixels=encoder.space.image_size_pixels,
    )
    row: Vectors = encoder.encode_images([decoded.image])[0]
    return row


def measure(
    photographs: Photographs,
    encoder: Encoder,
    peers: list[PeerProcess],
    repeats: int,
    notes: list[str],
) -> Finding:
    """All of them in turn on the same folder."""
    finding = Finding(f"Peers as shipped, images of {photographs.size}", "images/s", notes=notes)
    ways = {INGEST: lambda: measure_ingest(photographs, encoder)}
    ways |= {one.peer.name: one.to_way(photographs) for one in peers}
    finding.rates = interleave(ways, repeats)
    for one in peers:
        name = one.peer.name
        finding.claim(f"end to end / {name}", INGEST, name, TARGETS[photographs.size])
    return finding


def _prepare_fastembed(workplace: Workplace) -> tuple[list[str], dict[str, str]]:
    folder = workplace.folder / "fastembed-model"
    tower = folder / "model.onnx"
    export_image_tower(workplace.clip, tower, side_pixels=SIDE_PIXELS, input_name="pixel_values")
    # The processor in the form of earlier transformers, which is what it reads.
    config = {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": True,
        "size": {"shortest_edge": SIDE_PIXELS},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": SIDE_PIXELS, "width": SIDE_PIXELS},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(config), encoding="utf-8")
    return [str(folder)], {}


def _prepare_rclip(workplace: Workplace) -> tuple[list[str], dict[str, str]]:
    folder = workplace.folder / "rclip-data"
    models = folder / "ViT-B-32-256-datacomp_s34b_b86k"
    export_image_tower(
        workplace.clip, models / "visual.onnx", side_pixels=RCLIP_SIDE_PIXELS, input_name="input"
    )
    vocabulary = folder / "tokenizer" / "bpe_simple_vocab_16e6.txt.gz"
    vocabulary.parent.mkdir(exist_ok=True)
    for unused in (models / "textual.onnx", vocabulary):
        unused.touch()  # indexing asks whether it is there, and does not read it
    return [], {"RCLIP_DATADIR": str(folder)}


def _prepare_clip_retrieval(workplace: Workplace) -> tuple[list[str], dict[str, str]]:
    return [str(workplace.clip), str(workplace.folder / "clip-openai.pt")], {}


PEERS = (
    Peer(
        "rclip 3.3",
        ("rclip==3.3.0",),
        "rclip",
        _prepare_rclip,
        "ONNX Runtime, float32, batches of 8; its image tower is of 256 pixels, 65 tokens where "
        "the others have 50, and the weights are given to it stretched to that; into its SQLite "
        "file.",
    ),
    Peer(
        "fastembed 0.9 ImageEmbedding",
        ("fastembed==0.9.1",),
        "fastembed",
        _prepare_fastembed,
        "ONNX Runtime, float32, batches of 16; vectors only, nothing is stored.",
    ),
    Peer(
        "clip-retrieval 2.45 clip_inference",
        # Its CLIP imports pkg_resources, which later setuptools no longer has.
        ("clip-retrieval==2.45.0", "setuptools<81"),
        "clip_retrieval",
        _prepare_clip_retrieval,
        "torch, float32, batches of 256, four processes that read and decode; into a numpy file.",
    ),
)
"""In the order of the table."""

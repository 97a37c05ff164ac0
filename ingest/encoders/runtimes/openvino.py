"""Towers on OpenVINO, on the CPU; reads the same graphs as ONNX Runtime."""

from __future__ import annotations

import threading
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from ingest.encoders.runtimes.onnx import OUTPUT

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ingest.encoders.runtimes.tower import Features

_PRECISION = {"float32": "f32", "bfloat16": "bf16"}
"""Said always: left alone, OpenVINO takes bfloat16 wherever the processor has it."""

_CONVERTER = "openvino.tools.ovc"


class OpenVinoTower:
    """One compiled graph; each calling thread has an inference request of its own.

    Args:
        graph: A serialised graph, or the path of one whose weights may lie beside it.
        threads: Threads inside one forward pass.
        dtype: ``float32`` or ``bfloat16``: the arithmetic; the graph's weights are float32.
        streams: Forward passes that run side by side.
    """

    def __init__(self, graph: bytes | Path, threads: int, dtype: str, streams: int) -> None:
        """Read and compile the graph."""
        openvino = _import_openvino()
        core = openvino.Core()
        model = core.read_model(BytesIO(graph) if isinstance(graph, bytes) else str(graph))
        settings = {
            "INFERENCE_PRECISION_HINT": _PRECISION[dtype],
            "INFERENCE_NUM_THREADS": threads * streams,
            "NUM_STREAMS": streams,
            "ENABLE_CPU_PINNING": False,
        }
        self._compiled = core.compile_model(model, "CPU", settings)
        self._output = self._compiled.output(OUTPUT)
        self._own = threading.local()

    def __call__(self, features: Features) -> NDArray[np.float32]:
        """Rows as the graph gives them; see :class:`~ingest.encoders.runtimes.tower.Tower`."""
        request = getattr(self._own, "request", None)
        if request is None:
            request = self._own.request = self._compiled.create_infer_request()
        results = request.infer(features, share_inputs=True, share_outputs=True)
        # The request's buffer is filled anew by its next run.
        return np.array(results[self._output], dtype=np.float32)


def _import_openvino() -> Any:  # noqa: ANN401 - untyped
    """OpenVINO without its model converter, whose import alone reports to a web service.

    The runtime imports the converter for convenience and does without it where it is missing; it
    can be imported afterwards by whoever wants it.
    """
    import sys

    modules: dict[str, Any] = sys.modules
    is_absent = _CONVERTER not in modules
    if is_absent:
        modules[_CONVERTER] = None
    try:
        import openvino
    finally:
        if is_absent:
            del modules[_CONVERTER]
    return openvino

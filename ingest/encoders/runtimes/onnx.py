"""Towers on ONNX Runtime, on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

    from ingest.encoders.runtimes.tower import Features

OUTPUT = "vectors"
"""What every graph of ours calls its rows."""


class OnnxTower:
    """One session, which any number of threads may run at once on the same weights.

    Args:
        graph: A serialised graph, or the path of one whose weights may lie beside it.
        threads: Threads inside one forward pass.
    """

    def __init__(self, graph: bytes | Path, threads: int) -> None:
        """Open the session."""
        self._session = open_session(graph, threads)

    def __call__(self, features: Features) -> NDArray[np.float32]:
        """Rows as the graph gives them; see :class:`~ingest.encoders.runtimes.tower.Tower`."""
        (rows,) = self._session.run([OUTPUT], features)
        return np.asarray(rows, dtype=np.float32)


def open_session(graph: bytes | Path, threads: int) -> InferenceSession:
    """A session on the CPU whose idle threads sleep.

    Args:
        graph: A serialised graph, or the path of one.
        threads: Threads inside one forward pass.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Idle threads of one session would otherwise burn the cores that others compute on.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = graph if isinstance(graph, bytes) else str(graph)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])

"""fastembed's ``ImageEmbedding``, as its documentation shows it: a model, a list of paths."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fastembed import ImageEmbedding

from benchmarks.ingestion.peer_side.serve import serve

if TYPE_CHECKING:
    from benchmarks.ingestion.peer_side.serve import Rows


def main() -> None:
    """Serve; the argument is a folder with ``model.onnx`` and ``preprocessor_config.json``."""
    model = ImageEmbedding("Qdrant/clip-ViT-B-32-vision", specific_model_path=sys.argv[1])

    def embed(folder: str) -> Rows:
        return list(model.embed(sorted(map(str, Path(folder).glob("*.jpg")))))

    serve(embed)


if __name__ == "__main__":
    main()

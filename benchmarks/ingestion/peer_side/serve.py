"""The near end of a peer: it runs in the peer's environment, and needs nothing of ours.

Each line of standard input names a folder of JPEGs; each answer is one line of JSON with the
seconds that embedding all of them took, how many there were and the vector of the first. What the
peer prints on the way goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Rows = Sequence[NDArray[np.floating]] | NDArray[np.floating]


def serve(embed: Callable[[str], Rows]) -> None:
    """Answer until standard input ends.

    Args:
        embed: Embeds every image of a folder; gives their vectors, by file name.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        start = perf_counter()
        rows = embed(line.rstrip("\n"))
        seconds = perf_counter() - start
        answer = {"seconds": seconds, "images": len(rows), "first": [float(v) for v in rows[0]]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

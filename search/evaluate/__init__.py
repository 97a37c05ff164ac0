"""How well a collection answers: measures with intervals, slices, comparisons.

``evaluate`` is the entrance; the questions come from :mod:`search.evaluate.pairs`,
:mod:`search.evaluate.qrels`, :mod:`search.evaluate.captions` or are made as
:class:`~search.evaluate.questions.Question`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from search.evaluate.evaluation import evaluate
    from search.evaluate.plan import Plan
    from search.evaluate.questions import Question

__all__ = ["Plan", "Question", "evaluate"]

_HOMES = {"Plan": "plan", "Question": "questions", "evaluate": "evaluation"}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that ``--help`` needs no numpy."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found

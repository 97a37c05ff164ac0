"""How well a collection answers: measures with intervals, slices, comparisons.

``evaluate`` is the entrance; the questions come from :mod:`search.evaluate.pairs`,
:mod:`search.evaluate.qrels`, :mod:`search.evaluate.captions` or are made as
:class:`~search.evaluate.questions.Question`.
"""

from search.evaluate.evaluation import evaluate
from search.evaluate.plan import Plan
from search.evaluate.questions import Question

__all__ = ["Plan", "Question", "evaluate"]

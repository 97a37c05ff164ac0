"""Questions from TREC qrels and a file of queries."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from schemas.errors import SettingsError
from schemas.lines import iter_lines, read_object
from search.evaluate.questions import Question

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FIELDS = 4
_MOST_GRADE = 1_000


def read_judged(qrels: Path, queries: Path) -> list[Question]:
    """One question for each query that has a right item, in the order of the queries.

    Args:
        qrels: TREC form, ``query-id 0 item grade`` a line, set apart by white space. An item is a
            source URI, or a path relative to the file or the working directory, with blanks
            written ``%20``. Grades below 1 are not right.
        queries: See :func:`read_queries`.

    Raises:
        SettingsError: A file cannot be read, a line is of another form, a judged query is not
            among the queries, or nothing is judged as right.
    """
    asked = read_queries(queries)
    judged = read_qrels(qrels)
    unknown = [query_id for query_id in judged if query_id not in asked]
    if unknown:
        raise SettingsError(
            f"{qrels}: queries that {queries} does not have: {len(unknown):,}, such as "
            f"{unknown[0]!r}; give the queries that belong to it"
        )
    questions = [
        Question(query_id, query, judged[query_id], folder=qrels.parent, origin=origin)
        for query_id, (query, origin) in asked.items()
        if judged.get(query_id)
    ]
    if not questions:
        raise SettingsError(f"{qrels}: judges nothing as right")
    return questions


def read_qrels(path: Path) -> Mapping[str, Mapping[str, int]]:
    """Grade by item by query; only what is right, but every query that is judged.

    Raises:
        SettingsError: The file cannot be read or a line is of another form, or two contradict
            each other.
    """
    judged: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for origin, line in iter_lines(path):
        fields = line.split()
        if len(fields) != _FIELDS:
            raise SettingsError(
                f"{origin}: has {len(fields)} fields, not the four of qrels (query-id 0 item "
                f"grade); write blanks in paths as %20"
            )
        query_id, _, item, grade = fields
        number = _read_grade(grade, origin)
        if judged[query_id].setdefault(item, number) != number:
            raise SettingsError(
                f"{origin}: {item!r:.80} was judged {judged[query_id][item]} for {query_id!r:.80} "
                f"before, now {number}; decide for one"
            )
    return {
        query_id: {item: number for item, number in grades.items() if number > 0}
        for query_id, grades in judged.items()
    }


def read_queries(path: Path) -> dict[str, tuple[str | Path, str]]:
    """``(query, origin)`` by id, in order.

    A line is ``id<TAB>words``; or ``id<TAB>text<TAB>words`` and ``id<TAB>image<TAB>path``; or a
    JSON object with ``id`` and either ``text`` or ``image``. Paths are relative to the file.

    Raises:
        SettingsError: The file cannot be read, a line is of another form, or an id comes twice.
    """
    queries: dict[str, tuple[str | Path, str]] = {}
    for origin, line in iter_lines(path):
        is_json = line.lstrip().startswith("{")
        query_id, kind, content = (_read_json if is_json else _read_tabs)(line, origin)
        if query_id in queries:
            raise SettingsError(f"{origin}: the id {query_id!r} came before; each is one query")
        queries[query_id] = (path.parent / content if kind == "image" else content, origin)
    return queries


def _read_tabs(line: str, origin: str) -> tuple[str, str, str]:
    query_id, _, rest = line.partition("\t")
    kind, tab, content = rest.partition("\t")
    if not tab:
        kind, content = "text", rest
    if kind not in {"text", "image"} or not query_id.strip() or not content.strip():
        raise SettingsError(
            f"{origin}: is no query; write an id, a tab and words, or an id, image and a path"
        )
    return query_id.strip(), kind, content.strip()


def _read_json(line: str, origin: str) -> tuple[str, str, str]:
    values = read_object(line, origin)
    query_id = values.get("id")
    found = [kind for kind in ("text", "image") if isinstance(values.get(kind), str)]
    if not isinstance(query_id, str | int) or len(found) != 1 or not values[found[0]].strip():
        raise SettingsError(f"{origin}: is no query; it needs id and either text or image")
    return str(query_id), found[0], values[found[0]]


def _read_grade(grade: str, origin: str) -> int:
    try:
        number = int(grade)
    except ValueError:
        number = _MOST_GRADE + 1
    if number > _MOST_GRADE:
        raise SettingsError(
            f"{origin}: the grade is a whole number up to {_MOST_GRADE:,}, not {grade!r:.80}"
        )
    return number

"""The same rows in any format are the same records."""

from __future__ import annotations

import base64
import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources.manifest import ManifestSource
from ingest.sources.row_records import Table
from ingest.sources.uris import MANIFEST, from_source_uri, to_source_uri
from schemas.records import Record

pa = pytest.importorskip("pyarrow", reason="Parquet comes with the extra `parquet`")
pq = pytest.importorskip("pyarrow.parquet", reason="likewise")

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = {
    "id": "id",
    "content": "raw",
    "text": "text",
    "caption": "caption",
    "title": "title",
    "vector": "emb",
    "path": "",
}
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
VECTORS = st.lists(st.floats(-1, 1, width=32), min_size=3, max_size=3).filter(any)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": WORDS,
            "raw": st.none() | st.binary(max_size=8).map(b"\x89PNG\r\n\x1a\n".__add__),
            "text": st.none() | WORDS,
            "caption": st.none() | WORDS,
            "title": st.none() | WORDS,
            "emb": st.none() | VECTORS,
            "note": st.none() | WORDS,
        }
    ),
    min_size=1,
    max_size=6,
)


def write_all(folder: Path, rows: list[dict[str, object]]) -> list[Path]:
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("id", "text", "caption", "title", "note")),
            ("raw", pa.binary()),
            ("emb", pa.list_(pa.float32())),
        ]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "t.parquet")
    plain = [
        {**row, "raw": base64.b64encode(row["raw"]).decode() if row["raw"] else None}  # type: ignore[arg-type]  # bytes
        for row in rows
    ]
    lines = "".join(f"{json.dumps(row)}\n" for row in plain)
    (folder / "t.jsonl").write_text(lines, encoding="utf-8")
    with (folder / "t.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, schema.names)
        writer.writeheader()
        writer.writerows({**row, "emb": row["emb"] and json.dumps(row["emb"])} for row in plain)
    return [folder / f"t.{extension}" for extension in ("parquet", "jsonl", "csv")]


def listed(path: Path) -> list[object]:
    """What can be compared: each record with its vector, each error by its row."""
    items = ManifestSource.open(path, columns=COLUMNS).iter_records()
    return [
        (
            (one.source_uri, one.content, one.title, one.caption, one.metadata, one.modality),
            None if one.vector is None else np.asarray(one.vector).tolist(),
        )
        if isinstance(one, Record)
        else (one.source_uri, one.reason.replace(path.name, "t"))
        for one in items
    ]


@settings(max_examples=40, deadline=None)
@given(rows=ROWS)
def test_any_rows_are_the_same_records_in_any_format(
    rows: list[dict[str, object]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    paths = write_all(tmp_path_factory.mktemp("same"), rows)
    parquet, jsonl, comma = (listed(path) for path in paths)
    assert len(parquet) == len(rows)
    assert parquet == jsonl
    assert parquet == comma


@given(key=st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_id_is_in_its_uri_and_can_be_had_back(key: str) -> None:
    uri = Table("a b", MANIFEST, "/t.csv", "/").to_uri(key)
    assert uri == to_source_uri("a b", key, MANIFEST)
    assert from_source_uri(uri) == ("a b", key)

from __future__ import annotations

import io
import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from ingest.sources.columns import Columns
from ingest.sources.dataset import DatasetSource
from schemas.errors import SettingsError, SourceError, UnreadableSource
from schemas.records import Modality, Record

datasets = pytest.importorskip("datasets", reason="datasets come with the extra `datasets`")

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def png(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def _quiet() -> None:
    datasets.disable_progress_bars()


def pets(colours: Sequence[str] = ("red", "blue")) -> Any:
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "caption": datasets.Value("string"),
            "kind": datasets.ClassLabel(names=["cat", "dog"]),
            "emb": datasets.List(datasets.Value("float32"), length=2),
        }
    )
    rows = {
        "image": [{"bytes": png(colour), "path": None} for colour in colours],
        "caption": [f"{colour} pet" for colour in colours],
        "kind": [index % 2 for index in range(len(colours))],
        "emb": [[1.0, index] for index in range(len(colours))],
    }
    return datasets.Dataset.from_dict(rows, features=features)


def listed(source: DatasetSource) -> list[Record]:
    items = list(source.iter_records())
    assert [item for item in items if isinstance(item, SourceError)] == []
    return [item for item in items if isinstance(item, Record)]


def test_rows_are_records_with_the_images_own_bytes(tmp_path: Path) -> None:
    pets().save_to_disk(tmp_path / "pets")
    source = DatasetSource.open(tmp_path / "pets", columns={"vector": "emb"})
    assert source.columns == Columns(content="image", caption="caption", vector="emb")
    assert (source.name, source.location) == ("pets", str(tmp_path / "pets"))
    red, blue = listed(source)
    assert red == Record(
        source_uri="dataset://pets/row%3D1",
        root="pets",
        location=f"{tmp_path}/pets#row=1",
        media_type="image/png",
        modality=Modality.IMAGE,
        size_bytes=len(png("red")),
        metadata={"kind": "cat"},
        caption="red pet",
        content=png("red"),
    )
    assert np.asarray(blue.vector).tolist() == [1.0, 1.0]
    assert source.read(blue, 1) == png("blue")


def test_a_class_can_be_the_caption(tmp_path: Path) -> None:
    pets().save_to_disk(tmp_path / "pets")
    source = DatasetSource.open(tmp_path / "pets", columns={"caption": "kind"})
    assert [record.caption for record in listed(source)] == ["cat", "dog"]


def test_an_image_by_its_path_is_read_below_the_base(tmp_path: Path) -> None:
    photo = tmp_path / "base" / "a.png"
    photo.parent.mkdir()
    photo.write_bytes(png("red"))
    (tmp_path / "b.png").write_bytes(png("blue"))
    paths = [str(photo), str(tmp_path / "b.png")]
    features = datasets.Features({"image": datasets.Value("string")})
    datasets.Dataset.from_dict({"image": paths}, features=features).save_to_disk(tmp_path / "d")
    source = DatasetSource.open(tmp_path / "d", base=tmp_path / "base")
    inside, outside = listed(source)
    assert (inside.source_uri, inside.location) == ("dataset://d/a.png", str(photo))
    assert source.read(inside, 10_000) == png("red")
    with pytest.raises(UnreadableSource, match="out of its root"):
        source.read(outside, 10_000)
    with pytest.raises(UnreadableSource):
        source.read_beside(inside, "../b.png", 10_000)


def test_a_split_is_chosen_by_name_and_is_part_of_the_roots(tmp_path: Path) -> None:
    both = datasets.DatasetDict({"train": pets(), "test": pets(["green"])})
    both.save_to_disk(tmp_path / "pets")
    source = DatasetSource.open(tmp_path / "pets", split="test")
    (green,) = listed(source)
    assert (green.source_uri, green.caption) == ("dataset://pets-test/row%3D1", "green pet")
    with pytest.raises(SettingsError, match="several splits: name one of train, test"):
        DatasetSource.open(tmp_path / "pets")
    with pytest.raises(SettingsError, match="no split 'dev': name one of train, test"):
        DatasetSource.open(tmp_path / "pets", split="dev")
    with pytest.raises(SettingsError, match="without splits"):
        DatasetSource.open(tmp_path / "pets" / "test", split="test")


def test_the_only_split_needs_no_name(tmp_path: Path) -> None:
    datasets.DatasetDict({"train": pets()}).save_to_disk(tmp_path / "pets")
    assert [record.root for record in listed(DatasetSource.open(tmp_path / "pets"))] == ["pets"] * 2


def test_the_rows_of_several_files_are_numbered_on(tmp_path: Path) -> None:
    pets(["red", "blue", "green"]).save_to_disk(tmp_path / "pets", num_shards=3)
    uris = [record.source_uri for record in listed(DatasetSource.open(tmp_path / "pets", name="p"))]
    assert uris == [f"dataset://p/row%3D{number}" for number in (1, 2, 3)]


def test_another_dataset_under_the_name_is_a_rival_while_it_exists(tmp_path: Path) -> None:
    pets().save_to_disk(tmp_path / "old" / "pets")
    shutil.copytree(tmp_path / "old", tmp_path / "new")
    (before, _) = listed(DatasetSource.open(tmp_path / "old" / "pets"))
    source = DatasetSource.open(tmp_path / "new" / "pets")
    assert source.find_rival(before.source_uri, before.location) == str(tmp_path / "old" / "pets")
    shutil.rmtree(tmp_path / "old")
    assert source.find_rival(before.source_uri, before.location) is None


@pytest.mark.parametrize("harm", ["missing", "empty", "state", "arrow"])
def test_what_is_no_dataset_is_refused(harm: str, tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    if harm != "missing":
        pets().save_to_disk(folder)
    if harm == "empty":
        (folder / "dataset_info.json").unlink()
    if harm == "state":
        (folder / "state.json").write_text("{}")
    if harm == "arrow":
        files = json.loads((folder / "state.json").read_text())["_data_files"]
        (folder / files[0]["filename"]).write_bytes(b"x")
    with pytest.raises(SettingsError, match="cannot be read as a dataset"):
        DatasetSource.open(folder)

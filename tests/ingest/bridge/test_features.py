"""Nothing is described twice, and what is kept is never trusted blindly."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from ingest.bridge import BridgeOptions, train_bridge
from ingest.bridge.features import Describer
from ingest.bridge.store import FILE, FeatureStore, from_content, to_content
from ingest.decode.decoder import InProcessDecoder
from ingest.decode.limits import Limits
from ingest.encoders.bridge.backbone import EncoderBackbone, open_backbone
from ingest.encoders.bridge.described import Described
from ingest.encoders.bridge.recipe import Objective
from ingest.encoders.bridge.side import Base
from schemas.errors import InvalidVector
from tests.ingest.bridge.conftest import write_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest
    from PIL.Image import Image

    from ingest.bridge import BridgeReport
    from schemas.space import Role

RIDGE = {"objective": Objective.RIDGE, "base": Base.NONE}


def row(*numbers: float, own: Any = None, logits: Any = None) -> Described:
    def to_row(values: Any) -> Any:
        return None if values is None else np.array([values], dtype=np.float32)

    return Described(np.array([numbers], dtype=np.float32), to_row(own), to_row(logits))


def train(pictures: Path, output: Path, clip: Path, *, cache: bool = True) -> BridgeReport:
    options = BridgeOptions(validation_pairs=pictures / "second.jsonl", cache=cache)
    return train_bridge(
        pictures / "first.jsonl", output, image_encoder=str(clip), recipe=RIDGE, options=options
    )


def encoded(report: BridgeReport) -> tuple[int, int]:
    return report.counts["encoded_images"], report.counts["encoded_texts"]


def test_a_second_run_encodes_nothing(pictures: Path, clip: Path, tmp_path: Path) -> None:
    first = train(pictures, tmp_path / "one" / "colours", clip)
    second = train(pictures, tmp_path / "two" / "colours", clip)
    assert (encoded(first), encoded(second)) == ((48, 96), (0, 0))
    assert first.revision == second.revision


def test_what_was_kept_before_does_not_change_the_space(
    pictures: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(pictures, tmp_path / "one" / "colours", clip)
    monkeypatch.setenv("DIPTYCH_CACHE_DIR", str(tmp_path / "other"))
    lines = (pictures / "second.jsonl").read_text("utf-8").splitlines()
    few = [json.loads(line) for line in lines[::3]]
    some = [{**line, "image": str(pictures / line["image"])} for line in few]
    train_bridge(
        write_lines(tmp_path / "some.jsonl", some),
        tmp_path / "some",
        image_encoder=str(clip),
        recipe=RIDGE,
    )
    again = train(pictures, tmp_path / "two" / "colours", clip)
    assert encoded(again) == (40, 80)
    assert again.revision == whole.revision


def test_without_the_cache_everything_is_encoded_and_nothing_kept(
    pictures: Path, clip: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        assert encoded(train(pictures, tmp_path / name, clip, cache=False)) == (48, 96)
    assert not (tmp_path / "cache" / FILE).exists()


def test_a_damaged_cache_is_begun_anew(
    pictures: Path, clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    train(pictures, tmp_path / "one", clip)
    (tmp_path / "cache" / FILE).write_bytes(b"no database at all" * 1000)
    for name in ("-wal", "-shm"):
        (tmp_path / "cache" / f"{FILE}{name}").unlink(missing_ok=True)
    assert encoded(train(pictures, tmp_path / "two", clip)) == (48, 96)
    assert "is damaged and is begun anew" in caplog.text
    assert encoded(train(pictures, tmp_path / "three", clip)) == (0, 0)


def test_a_damaged_entry_is_described_again(pictures: Path, clip: Path, tmp_path: Path) -> None:
    train(pictures, tmp_path / "one", clip)
    connection = sqlite3.connect(tmp_path / "cache" / FILE)
    with connection:
        connection.execute("UPDATE entries SET content = zeroblob(64) WHERE number <= 5")
    connection.close()
    assert sum(encoded(train(pictures, tmp_path / "two", clip))) == 5


def test_a_cache_that_cannot_be_written_costs_time_alone(
    pictures: Path,
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("DIPTYCH_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert encoded(train(pictures, tmp_path / "one", clip)) == (48, 96)
    assert "DIPTYCH_CACHE_DIR" in caplog.text


def test_entries_come_back_as_they_were() -> None:
    key = bytes(16)
    for described in (
        row(1, 2, 3),
        row(1, 2, own=[0.6, 0.8], logits=[5, 6, 7]),
        row(0.6, 0.8, own=[0.6, 0.8]),
    ):
        content = to_content(key, described)
        back = from_content(key, content)
        assert back is not None
        for was, now in zip(described.columns, back.columns, strict=True):
            np.testing.assert_array_equal(now, was)
        assert from_content(b"another key here", content) is None
        assert from_content(key, content[:-1]) is None
        assert from_content(key, b"") is None


def test_the_oldest_entries_go_when_there_are_too_many(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    keys = [bytes([number]) * 16 for number in range(100)]
    with FeatureStore(path, most_bytes=4_500) as store:
        for number, key in enumerate(keys):
            store.keep({key: row(*[number] * 4)})
        assert len(store.find(keys)) == 100
    with FeatureStore(path) as store:
        kept = store.find(keys)
    assert 0 < len(kept) < 100
    assert set(kept) == set(keys[-len(kept) :])


def test_several_may_use_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"

    def fill(start: int) -> None:
        with FeatureStore(path) as store:
            for number in range(start, start + 20):
                store.keep({bytes([number]) * 16: row(number)})

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(fill, range(0, 80, 20)))
    with FeatureStore(path) as store:
        found = store.find([bytes([number]) * 16 for number in range(80)])
    assert sorted(one.features[0, 0] for one in found.values()) == list(range(80))


class _Refusing(EncoderBackbone):
    """A real encoder that gives numbers that are none for one text, and refuses a white image."""

    def describe_texts(self, texts: Sequence[str], role: Role) -> Described:
        described = super().describe_texts(texts, role)
        features = described.features.copy()
        features[[text == "bad" for text in texts]] = np.nan
        return Described(features, described.own)

    def describe_images(self, images: Sequence[Image]) -> Described:
        if any(image.getpixel((0, 0)) == (255, 255, 255) for image in images):
            raise InvalidVector("a row has no length")
        return super().describe_images(images)


def test_what_the_encoder_refuses_costs_itself_alone(
    pictures: Path, clip: Path, tmp_path: Path
) -> None:
    from PIL import Image

    Image.new("RGB", (8, 8), "white").save(tmp_path / "white.png")
    backbone = open_backbone(str(clip), dtype="float32")
    assert isinstance(backbone, EncoderBackbone)
    refusing = _Refusing(backbone._encoder)
    with FeatureStore(None) as store:
        describer = Describer(
            refusing, refusing, store=store, decoder=InProcessDecoder(), limits=Limits()
        )
        paths = [pictures / "red-dark-0.png", tmp_path / "white.png", pictures / "teal-pale-1.png"]
        images = describer.describe_images(paths)
        texts = describer.describe_texts(["good", "bad", "better"])
    assert list(images.refusals) == [paths[1]]
    assert set(images.hashes) == {paths[0], paths[2]}
    assert list(texts.refusals) == ["bad"]
    assert "not finite" in str(texts.refusals["bad"])
    np.testing.assert_array_equal(
        images.rows[images.hashes[paths[0]]].features,
        backbone.describe_images([Image.open(paths[0])]).features,
    )

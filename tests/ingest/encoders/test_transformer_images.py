"""Images through real models: our preparation gives the vectors of the model's own processor."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ingest.encoders.load import load_encoder
from ingest.encoders.transformer import images as image_preparation
from ingest.encoders.transformer.pixels import PixelRecipe, read_recipe
from ingest.encoders.transformer.torch_resize import resize_with_torch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from schemas.space import Encoder

NAMES = ("clip", "siglip")
SIZES = st.tuples(st.integers(1, 300), st.integers(1, 300)).filter(
    lambda size: max(size) <= 20 * min(size)
)


def picture(size: tuple[int, int], seed: int) -> Image.Image:
    """A smooth coloured field with a few hard edges, as photographs are."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    field = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC)).copy()
    field[size[1] // 3 :, size[0] // 2 :] //= 2
    return Image.fromarray(field)


@pytest.fixture(scope="module")
def processors(model_folders: dict[str, Path]) -> Iterator[dict[str, Encoder]]:
    """The same models, their images prepared by their own processors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_preparation, "read_recipe", lambda _: None)
        yield {name: load_encoder(str(model_folders[name]), dtype="float32") for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None)
@given(size=SIZES, seed=st.integers(0, 1000))
def test_our_preparation_gives_the_processors_vectors(
    encoders: dict[str, Encoder],
    processors: dict[str, Encoder],
    name: str,
    size: tuple[int, int],
    seed: int,
) -> None:
    encoder = encoders[name]
    assert encoder.space.preprocessing.startswith("own: ")
    image = picture(size, seed)
    ours = encoder.encode_images([image])[0]
    theirs = processors[name].encode_images([image])[0]
    assert ours @ theirs >= 0.999


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(SIZES, min_size=1, max_size=5))
def test_batching_never_changes_an_image_vector(
    encoders: dict[str, Encoder], name: str, sizes: list[tuple[int, int]]
) -> None:
    encoder = encoders[name]
    pictures = [picture(size, seed) for seed, size in enumerate(sizes)]
    together = encoder.encode_images(pictures)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([encoder.encode_images([image]) for image in pictures])
    np.testing.assert_allclose((together * alone).sum(axis=1), 1, atol=1e-5)


def test_threads_get_the_vectors_that_one_caller_gets(encoders: dict[str, Encoder]) -> None:
    encoder = encoders["clip"]
    batches = [[picture((60 + n, 40), n), picture((40, 60 + n), n)] for n in range(12)]
    serial = [encoder.encode_images(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        parallel = list(pool.map(encoder.encode_images, batches))
    for one, other in zip(serial, parallel, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_preparation_that_gives_other_vectors_is_not_used(
    model_folders: dict[str, Path], encoders: dict[str, Encoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    def misread(_: object) -> PixelRecipe:
        return PixelRecipe(32, None, 3, 1 / 255, (0.1, 0.9, 0.1), (3.0, 0.1, 3.0))

    monkeypatch.setattr(image_preparation, "read_recipe", misread)
    encoder = load_encoder(str(model_folders["clip"]), dtype="float32")
    assert encoder.space.preprocessing.startswith("model: CLIPImageProcessor")
    assert encoder.space.fingerprint != encoders["clip"].space.fingerprint
    image = picture((90, 70), 3)
    cosine = encoder.encode_images([image])[0] @ encoders["clip"].encode_images([image])[0]
    assert cosine >= 0.999


@settings(max_examples=60, deadline=None)
@given(
    size=SIZES,
    seed=st.integers(0, 1000),
    edge=st.sampled_from([None, 32, 40]),
    bilinear=st.booleans(),
)
@pytest.mark.usefixtures("model_runtime")
def test_torch_resizes_as_pillow_does(
    size: tuple[int, int], seed: int, edge: int | None, *, bilinear: bool
) -> None:
    recipe = PixelRecipe(32, edge, 2 if bilinear else 3, 1 / 255, (0.5,) * 3, (0.5,) * 3)
    image = picture(size, seed)
    ours, theirs = resize_with_torch(image, recipe), recipe.to_square(image)
    assert ours.shape == theirs.shape == (32, 32, 3)
    difference = np.abs(ours.astype(int) - theirs)
    assert difference.max() <= 2
    assert difference.mean() < 0.5


@pytest.mark.parametrize("count", [1, 16, 17, 70])
def test_threads_share_the_images_of_a_call_and_change_nothing(count: int) -> None:
    recipe = PixelRecipe(32, 40, 3, 1 / 255, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
    pictures = [picture((60 + n % 7, 50), n) for n in range(count)]
    alone = image_preparation.RecipeImages(recipe).to_features(pictures)["pixel_values"]
    shared = image_preparation.RecipeImages(recipe, threads=4).to_features(pictures)["pixel_values"]
    np.testing.assert_array_equal(shared, alone)
    assert shared.flags.c_contiguous


class Processor:
    """CLIP's settings, as transformers' image processors carry them."""

    do_resize = do_rescale = do_normalize = do_center_crop = True
    do_pad = False
    size: object = {"shortest_edge": 256}
    crop_size: object = {"height": 224, "width": 224}
    resample = 3
    rescale_factor = 1 / 255
    image_mean: Sequence[float] = (0.5, 0.5, 0.5)
    image_std: Sequence[float] = (0.5, 0.5, 0.5)


def test_a_processor_is_read_as_a_recipe() -> None:
    recipe = read_recipe(Processor())
    assert recipe == PixelRecipe(224, 256, 3, 1 / 255, (0.5,) * 3, (0.5,) * 3)
    assert "shortest edge 256, centre crop 224" in str(recipe)


@pytest.mark.parametrize(
    "settings",
    [
        {"do_resize": False},
        {"do_normalize": False},
        {"do_pad": True},
        {"crop_size": {"height": 288, "width": 288}},
        {"crop_size": {"height": 224, "width": 112}},
        {"do_center_crop": False},
        {"do_center_crop": False, "size": None},
    ],
)
def test_a_processor_of_another_kind_is_left_to_itself(
    settings: dict[str, object],
) -> None:
    processor = Processor()
    for name, value in settings.items():
        setattr(processor, name, value)
    assert read_recipe(processor) is None

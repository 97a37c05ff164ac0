"""Everything that a training is made of: files of pairs, read, described and parted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ingest.bridge.items import to_examples, to_items
from ingest.bridge.measure import Part
from ingest.bridge.pairs import read_pairs
from ingest.bridge.split import split, to_clusters, without_shared
from schemas.errors import SettingsError
from schemas.report import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ingest.bridge.features import Describer, Descriptions
    from ingest.bridge.items import Item
    from ingest.bridge.options import BridgeOptions
    from ingest.bridge.pairs import Pair
    from ingest.encoders.bridge.examples import Examples

TRAINING: Final = "training"
VALIDATION: Final = "validation"
TEST: Final = "test"
GENERAL: Final = "general"
"""The parts that pairs may be for."""

LEAST_GENERAL: Final = 20
"""General pairs that share nothing, below which none are given away to a gate."""


@dataclass(frozen=True, slots=True)
class Material:
    """What was read.

    Attributes:
        items: By the part that their file was given for.
        images: What the image encoder said.
        texts: What the text encoder said.
        failures: What could not be used.
        lines: By part, how many lines there were, sound or not.
    """

    items: Mapping[str, Sequence[Item]]
    images: Descriptions
    texts: Descriptions
    failures: tuple[Failure, ...]
    lines: Mapping[str, int]

    def to_examples(self, items: Sequence[Item]) -> Examples:
        """What the encoders said of some of the items."""
        return to_examples(items, self.images, self.texts)

    def to_part(self, name: str, items: Sequence[Item]) -> Part:
        """Some of the items, to be measured."""
        return Part(name, items, self.to_examples(items))


@dataclass(frozen=True, slots=True)
class Parts:
    """Who is learned from, and who is only measured.

    Attributes:
        training: What is learned from.
        validation: What chooses the epoch.
        test: What is only measured; empty where there is none.
        general: Likewise; it also chooses how much of the map counts.
        outside: The other part of the general pairs, which teaches a gate; empty for no gate.
        left_out: Items that would teach or choose what is measured.
    """

    training: Sequence[Item]
    validation: Sequence[Item]
    test: Sequence[Item]
    general: Sequence[Item]
    outside: Sequence[Item]
    left_out: int


def read_material(files: Mapping[str, Path], describer: Describer) -> Material:
    """Read files of pairs and describe what they name.

    Args:
        files: By the part that each is for.
        describer: Of both sides.

    Raises:
        SettingsError: A file cannot be read.
        EncoderError: An encoder cannot be used at all.
        DecoderUnavailable: No process that decodes can be started.
    """
    read = {part: read_pairs(path) for part, path in files.items()}
    pairs = [pair for one in read.values() for pair in one.pairs]
    failures = [failure for one in read.values() for failure in one.failures]
    images = describer.describe_images([pair.path for pair in pairs])
    texts = describer.describe_texts(
        [text for pair in pairs if pair.path in images.hashes for text in pair.texts]
    )
    return Material(
        {part: to_items(one.pairs, images, texts) for part, one in read.items()},
        images,
        texts,
        (*failures, *_iter_failures(pairs, images, texts)),
        {part: len(one.pairs) + len(one.failures) for part, one in read.items()},
    )


def to_parts(material: Material, options: BridgeOptions, *, seed: int, gate: bool = False) -> Parts:
    """Part the pairs so that nothing is learned that is measured.

    Args:
        material: What was read.
        options: Of the training.
        seed: Another one parts them otherwise.
        gate: Whether a gate is to be taught, by part of the general pairs.

    Raises:
        SettingsError: Too few are left to learn from.
    """
    given = material.items
    everything = given[TRAINING]
    require_pairs(everything, material, 1 if VALIDATION in given else 2)
    for part in (VALIDATION, TEST, GENERAL):
        if part in given:
            require_pairs(given[part], material, 1, f"--{_OPTIONS[part]} ")
    test = given.get(TEST, ())
    general, chosen_by = (_to_choosing(part, given, test) for part in (GENERAL, VALIDATION))
    kept: Sequence[Item] = without_shared(everything, [*test, *general])
    if VALIDATION in given:
        training: Sequence[Item] = without_shared(kept, chosen_by)
        validation = chosen_by
    else:
        _require_rest(kept, 2)
        training, validation = split_off(kept, options, seed)
    _require_rest(training, 1)
    general, outside = _part_general(general, seed) if gate else (general, ())
    used = [*training, *validation, *general, *outside]
    left_out = sum(len(given.get(part, ())) for part in (TRAINING, VALIDATION, GENERAL)) - len(used)
    return Parts(training, validation, test, general, outside, left_out)


def _part_general(items: Sequence[Item], seed: int) -> tuple[Sequence[Item], Sequence[Item]]:
    """What is measured, and what teaches the gate; nothing where there are too few for both."""
    if len(to_clusters(items)) < LEAST_GENERAL:
        return items, ()
    parted = split(items, 0.5, seed=seed)
    return parted.training, parted.validation


def _to_choosing(
    part: str, given: Mapping[str, Sequence[Item]], test: Sequence[Item]
) -> Sequence[Item]:
    """What chooses an epoch or a weight, without what it shares with the test.

    Raises:
        SettingsError: Nothing is left of it.
    """
    if part not in given:
        return ()
    kept = without_shared(given[part], test)
    if not kept:
        raise SettingsError(
            f"all of --{_OPTIONS[part]} share an image, a text or a group with --test-pairs, which "
            f"are only measured and may choose nothing: give other files"
        )
    return kept


def split_off(
    items: Sequence[Item], options: BridgeOptions, seed: int
) -> tuple[Sequence[Item], Sequence[Item]]:
    """Training and validation items."""
    parted = split(items, options.validation, seed=seed)
    return parted.training, parted.validation


_OPTIONS: Final = {VALIDATION: "validation-pairs", TEST: "test-pairs", GENERAL: "general"}


def require_pairs(items: Sequence[Item], material: Material, least: int, option: str = "") -> None:
    """Refuse a file of which too little can be used.

    Raises:
        SettingsError: It says how much, and what is wrong with the first of the others.
    """
    if len(items) >= least:
        return
    said = ""
    if material.failures:
        first = material.failures[0]
        said = (
            f"; {len(material.failures)} cannot be used, the first of them is {first.source_uri}, "
            f"{first.location}: {first.message}"
        )
    raise SettingsError(
        f"{option}{len(items)} images with texts can be used, at least {least} are needed{said}"
    )


def _require_rest(items: Sequence[Item], least: int) -> None:
    if len(items) < least:
        raise SettingsError(
            "too few pairs are left to learn from: the others share an image, a text or a group "
            "with pairs that are only measured; give other files"
        )


def _iter_failures(
    pairs: Iterable[Pair], images: Descriptions, texts: Descriptions
) -> Iterator[Failure]:
    for pair in pairs:
        refused = [images.refusals.get(pair.path), *map(texts.refusals.get, pair.texts)]
        for error in refused:
            if error is not None:
                reason = getattr(error, "reason", str(error))
                yield Failure(pair.origin, str(pair.path), error.kind, reason)

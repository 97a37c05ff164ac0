"""Tux Paint's stamps: some 700 pictures on transparent ground, sorted into kinds of things.

They are in Debian's package ``tuxpaint-stamps-default`` (GPL-2 and freer), for measuring and never
for training anything that is shipped. Get them without installing anything::

    apt-get download tuxpaint-stamps-default
    dpkg -x tuxpaint-stamps-default_*.deb FOLDER

Most names have one picture, too few to learn a class from and to measure it. So pictures are
grouped into kinds, by folder and by words of the name.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FEWEST_PICTURES = 5
"""Of a kind; one with fewer is left out."""

_ROOT = "usr/share/tuxpaint/stamps"

_KINDS = r"""
apple | food/fruit | \bapple | fruit, edible, round, grows on trees
orange | food/fruit | orange | fruit, edible, round, grows on trees
berries | food/fruit | berry|berries|cherries|grapes | fruit, edible, small
other fruit | food/fruit | . | fruit, edible
vegetable | food/vegetables | . | vegetable, edible
nut | food/nuts | . | edible, brown, grows on trees, small
mushroom | plants/mushrooms, food/vegetables | mushroom|cep | edible, grows in the forest
tree | plants/trees, seasonal/christmas | tree|birch|oak | plant, green, tall
flower | plants/flowers, seasonal/easter/daf | . | plant, colourful petals
penguin | animals/birds | penguin|linux mascot | animal, bird, black and white, has wings
duck | animals/birds | duck|drake|gander | animal, bird, swims in water, has wings
bird | animals/birds, seasonal/easter | bird|toucan|owl|.*an? \w | animal, bird, has wings, feathers
fish | animals/fish | fish|groper|trout|wrasse | animal, lives in water, has fins
spider | animals/insects, seasonal/halloween | spider | animal, has many legs
insect | animals/insects, seasonal/easter | fly|bee|hornet|ladybug|mantis|grasshopper|xanthia | \
animal, has many legs, has wings, small
cattle | animals/mammals/bovines | bison|bull|cow|gnu|yak|zebu | animal, fur, four legs, horns
sheep or goat | animals/mammals/bovines | goat|ram|sheep|blackbuck | animal, fur, four legs, horns
deer | animals/mammals/deer | . | animal, fur, four legs, horns, lives in the forest
horse | animals/mammals/equines | . | animal, fur, four legs
pig | animals/mammals | pig|boar | animal, four legs
rabbit | animals/mammals | rabbit | animal, fur, four legs, long ears
rodent | animals/mammals/rodents | . | animal, fur, four legs, small
big cat | animals/mammals/cats | . | animal, fur, four legs, dangerous
bear | animals/mammals/bears | . | animal, fur, four legs, dangerous
sea mammal | animals/mammals/aquatic | . | animal, lives in water, has fins
marsupial | animals/marsupials | . | animal, fur, four legs
hat | clothes, seasonal | \bhat\b|fedora|sombrero|\bcap\b | clothing, worn on the head
garment | clothes | jacket|pants|shirt|scarf|sock|glove | clothing, made of cloth
musical instrument | hobbies/music | . | makes music
hand tool | household/tools | hammer|mallet|pliers|saw|spade|wrench | tool, made of metal
kitchenware | household/dishes, household/elec | . | used in the kitchen, holds food
ball | sports | ball|football | round, for sports
truck | vehicles | truck|dumper. | vehicle, wheels, made of metal, heavy
car | vehicles/auto, vehicles/race | . | vehicle, wheels, made of metal
train | vehicles/locomotive | . | vehicle, wheels, made of metal, heavy, runs on rails
aircraft | vehicles/flight, military | plane|airways|helicopter|balloon|raptor | vehicle, flies
ship | vehicles/ship | . | vehicle, swims in water
traffic sign | town/roadsigns | . | sign, flat, by the road
flag | town/flags | . | sign, flat, made of cloth
building | town/houses | . | built of stone, people live in it
monument | town/monuments | . | built of stone, old
gravestone | seasonal/halloween | stone|grave|marker | built of stone, old, death
planet or moon | space/planets, space/moon | . | round, in the sky
coin | symbols/money/canadian, symbols/money/euro, symbols/money/us, symbols/money/jap | . | \
round, made of metal, flat, money
currency sign | symbols/money/00_symbols | . | symbol, money
chess piece | symbols/chess | . | for a game, black and white
musical note | symbols/music | . | symbol, music, black and white
digit | symbols/math | zero|one|two|three|four|five|six|seven|eight|nine | symbol, number
arithmetic sign | symbols/math/operators | . | symbol, number
letter | symbols/alphabets/english/filled/upper | . | symbol, of the alphabet
hand sign | symbols/alphabets/asl | . | symbol, human hand
candy | seasonal/christmas | candy | edible, sweet
fireman | people, military | fireman|paratrooper | human, wears a uniform
"""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A picture.

    Attributes:
        path: Of the PNG.
        name: Its English name.
        kind: What it is one of.
    """

    path: Path
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of things.

    Attributes:
        name: What it is called.
        folders: Where its pictures are: what their paths begin with.
        words: What their names have, as a regular expression.
        attributes: What all of them have.
    """

    name: str
    folders: tuple[str, ...]
    words: re.Pattern[str]
    attributes: tuple[str, ...]


def read_kinds() -> list[Kind]:
    """All kinds, the special ones before the general ones."""
    lines = [line for line in _KINDS.replace("\\\n", "").splitlines() if line.strip()]
    return [_to_kind(re.split(r" \| ", line)) for line in lines]


def read_stamps(folder: Path) -> list[Stamp]:
    """The pictures of every kind that has enough of them, in order of their paths.

    Args:
        folder: Where the package was unpacked.
    """
    root, kinds = folder / _ROOT, read_kinds()
    found = []
    for path in sorted(root.rglob("*.png")):
        told = path.with_suffix(".txt")
        if not told.is_file():
            continue
        name = told.read_text(encoding="utf-8").partition("\n")[0].strip()
        kind = _find_kind(kinds, path.relative_to(root).as_posix(), name)
        if kind:
            found.append(Stamp(path, name, kind.name))
    counts = Counter(stamp.kind for stamp in found)
    return [stamp for stamp in found if counts[stamp.kind] >= FEWEST_PICTURES]


def _to_kind(parts: list[str]) -> Kind:
    name, folders, words, attributes = (part.strip() for part in parts)
    return Kind(
        name,
        tuple(one.strip() for one in folders.split(",")),
        re.compile(words, re.IGNORECASE),
        tuple(one.strip() for one in attributes.split(",")),
    )


def _find_kind(kinds: list[Kind], path: str, name: str) -> Kind | None:
    for kind in kinds:
        if path.startswith(kind.folders) and kind.words.search(name):
            return kind
    return None

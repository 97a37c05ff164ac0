"""Everyday words that stand for "anything else": what a label is measured against."""

from __future__ import annotations

from typing import Final

_WORDS = """
apple arm arrow bag ball balloon banana bank barn basket bath beard bed bell belt bench blanket
blood board bone bottle bowl box branch brick broom brush bucket building butter button cake
camel camera candle cap card carpet castle cave chain chair chalk cheese cherry chicken circle
cliff cloud coat coffee coin collar comb corn cotton cow cup curtain desert desk diamond doll
donkey door dress drum duck ear engine eye face farm feather fence finger fire fish flag floor
flower foot fork fountain frog fruit garden gate giraffe glass glove gold grape grass hair
hammer hand harbour hat heart helmet hill honey hook hospital island jacket jar jewel key kettle
king kite knife knot lace ladder lake lamp leaf leather lemon letter library lion lock machine
magnet mask meat milk mirror monkey moon mouse mouth mud mushroom nail neck needle nest net nose
nut onion orange oven owl paper parrot pen pencil pepper piano pig pillow pipe plate pocket pond
pot pump queen rabbit rail rain rainbow ring rock roof root rope rose ruler sail salt sand saw
scale scissors screw sea seed sheep shelf shell shirt shoe silver skirt sky snake soap sock
spade spider sponge spoon spring square stairs stamp star steam stick stone sugar sun sword
table tail tap tent thread throat throne thumb ticket tiger tomato tongue tooth towel tower toy
tractor tray tree triangle trousers tunnel turtle umbrella uniform vase vine wall watch water
wave wheel whip whistle wind window wine wing wire wolf wood wool worm
"""

NEUTRAL_WORDS: Final = tuple(_WORDS.split())
"""Things that photographs show, few of them in any one photograph. 64 of them do measurably worse
(docs/annotate.md)."""

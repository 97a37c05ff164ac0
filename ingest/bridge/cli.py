"""``diptych bridge``: the group of its commands, each imported only to run it."""

from __future__ import annotations

import click

from ingest.lazy_group import LazyGroup

_COMMANDS = {
    "train": ("ingest.bridge.train_cli", "From pairs of images and texts."),
    "zero-shot": ("ingest.bridge.zero_shot_cli", "From descriptions of classes, without pairs."),
}


@click.group(cls=LazyGroup, lazy_commands=_COMMANDS)
def bridge() -> None:
    """Learn one space for two encoders, from pairs or from none.

    What comes out is a folder that is a model like any other: for ingest, search, sync, migrate
    and evaluate.
    """

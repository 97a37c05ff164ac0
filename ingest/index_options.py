"""The two options by which every command is told where its index is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def index_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--url`` and ``--collection``, as ``url`` and ``collection``."""
    for decorate in (
        click.option("--collection", help="Collection in the index.  [default: diptych]"),
        click.option(
            "--url", help="Server, or folder of an embedded index.  [default: diptych-index]"
        ),
    ):
        command = decorate(command)
    return command

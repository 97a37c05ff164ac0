"""Write ``docs/cli.md`` from the ``--help`` of every command, or check that it is up to date."""

from __future__ import annotations

import argparse
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

import diptych

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).with_name("cli.md")
WIDTH = 100
INTRODUCTION = """\
# The command line

Generated from `--help` by `make docs`; `make check` fails when it is out of date.
"""


def main() -> int:
    """Write the page, or with ``--check`` exit 1 when it differs from the program."""
    parser = argparse.ArgumentParser(description=inspect.getdoc(sys.modules[__name__]))
    parser.add_argument("--check", action="store_true", help="change nothing, only compare")
    page = to_page(diptych.cli)
    if not parser.parse_args().check:
        PAGE.write_text(page, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page:
        return 0
    print(f"{PAGE.name} is out of date: run `make docs` and commit it", file=sys.stderr)
    return 1


def to_page(group: click.Group) -> str:
    """The page: one section for the program and one for each command."""
    sections = [f"## `{name}`\n\n```text\n{text}\n```\n" for name, text in iter_help(group)]
    return "\n".join([INTRODUCTION, *sections])


def iter_help(group: click.Group) -> Iterator[tuple[str, str]]:
    """Each command line's name and its help text, set in a fixed width."""
    settings = group.context_settings
    top = click.Context(group, info_name="diptych", terminal_width=WIDTH, **settings)
    yield from _iter_help(group, top)


def _iter_help(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """A command's, and below it those of a group's commands."""
    yield context.command_path, command.get_help(context)
    if not isinstance(command, click.Group):
        return
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        if child is None:
            raise LookupError(f"{context.command_path} lists {name} and does not have it")
        yield from _iter_help(child, click.Context(child, parent=context, info_name=name))


if __name__ == "__main__":
    sys.exit(main())

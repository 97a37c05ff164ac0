"""Groups of commands that import one only to run it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


class LazyGroup(click.Group):
    """A group that knows its commands' names and summaries, and imports one only to run it.

    Args:
        lazy_commands: Name -> module and summary, in the order of the help. The module's function
            has the command's name, with ``_`` for ``-``.
        options: As :class:`click.Group` takes them.
    """

    def __init__(
        self,
        *,
        lazy_commands: Mapping[str, tuple[str, str]],
        **options: Any,  # noqa: ANN401 - click's own
    ) -> None:
        """Import nothing."""
        super().__init__(**options)
        self._lazy_commands = lazy_commands

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every command's name, in order."""
        return list(self._lazy_commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command, imported now; None if there is no such command."""
        if cmd_name not in self._lazy_commands:
            return None
        module = import_module(self._lazy_commands[cmd_name][0])
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, said) for name, (_, said) in self._lazy_commands.items()])

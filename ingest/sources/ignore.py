"""What is listed and what is passed over, by patterns as in ``.gitignore``."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pathspec import GitIgnoreSpec

from ingest.decode.files import read_file

if TYPE_CHECKING:
    from collections.abc import Iterable

IGNORE_FILE = ".diptychignore"
"""Patterns in it hold for its folder and what is below; a deeper file overrules a higher one."""

_MAX_IGNORE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The ignore files from the root down to one folder, and what the user asked for.

    Attributes:
        include: Files must match one of these; None lets all in.
        exclude: Files and folders that match are passed over, whatever an ignore file says.
        layers: ``(folder, patterns)`` of each ignore file, deepest first; the folder is relative
            to the root and ends in a slash, or is empty for the root.
        admits_all: Whether there is nothing to ask.
    """

    include: GitIgnoreSpec | None
    exclude: GitIgnoreSpec
    layers: tuple[tuple[str, GitIgnoreSpec], ...] = ()
    admits_all: bool = field(init=False)

    def __post_init__(self) -> None:
        """See whether there is a pattern."""
        is_empty = self.include is None and not self.exclude.patterns and not self.layers
        object.__setattr__(self, "admits_all", is_empty)

    def below(self, folder_path: str, relative_path: str, source_uri: str) -> IgnoreRules:
        """These rules with the folder's own ignore file on top, if it has one.

        Args:
            folder_path: Where the folder is.
            relative_path: Relative to the root, ending in a slash; empty for the root.
            source_uri: What errors call the folder.

        Raises:
            SourceError: The ignore file cannot be read.
            ValueError: It holds what is no pattern.
        """
        path = os.path.join(folder_path, IGNORE_FILE)  # noqa: PTH118 - it may be no text
        if not os.path.lexists(path):
            return self
        content = read_file(os.path.realpath(path), source_uri, max_bytes=_MAX_IGNORE_BYTES)
        layer = (relative_path, to_patterns(os.fsdecode(content).splitlines()))
        return IgnoreRules(self.include, self.exclude, (layer, *self.layers))

    def admits_folder(self, relative_path: str) -> bool:
        """Whether the folder (path ending in a slash) is looked into."""
        return not self._is_ignored(relative_path)

    def admits_file(self, relative_path: str) -> bool:
        """Whether the file is listed."""
        if self.include is not None and not self.include.match_file(relative_path):
            return False
        return not self._is_ignored(relative_path)

    def _is_ignored(self, relative_path: str) -> bool:
        if self.exclude.match_file(relative_path):
            return True
        for folder, patterns in self.layers:
            verdict = patterns.check_file(relative_path.removeprefix(folder)).include
            if verdict is not None:
                return verdict
        return False


def to_patterns(lines: Iterable[str]) -> GitIgnoreSpec:
    """Compile patterns; later ones overrule earlier ones.

    Raises:
        ValueError: A line is no pattern.
    """
    return GitIgnoreSpec.from_lines(lines)

"""Where a bridge goes: a folder that is either the old one or the new one, whole."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ingest.dead_letters import DEAD_LETTERS
from ingest.durable import sync_folder
from ingest.encoders.transformer.files import BRIDGE_FILE, BRIDGE_WEIGHTS, is_bridge
from schemas.errors import SettingsError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPORT: Final = "report.json"
CARD: Final = "README.md"
CURVES: Final = "training.png"
"""What lies beside the two files that decide the vectors."""

_OWN: Final = frozenset({BRIDGE_FILE, BRIDGE_WEIGHTS, REPORT, CARD, CURVES, DEAD_LETTERS})


@dataclass(frozen=True, slots=True)
class Target:
    """The folder that a training is for.

    Attributes:
        path: Of the folder.
        force: Whether it may replace a bridge.
    """

    path: Path
    force: bool = False

    @classmethod
    def claim(cls, path: Path, *, force: bool) -> Target:
        """Look whether a bridge may be put there; nothing is made yet.

        Raises:
            SettingsError: There is something already: a bridge, and it may not be replaced; or
                what is no bridge's.
        """
        path = path.expanduser().resolve()
        if path.exists() and not path.is_dir():
            raise SettingsError(f"--output {path} is a file: name a folder")
        held = {one.name for one in path.iterdir()} if path.exists() else set()
        if is_bridge(path) and not force:
            raise SettingsError(
                f"--output {path} holds a bridge already: name another folder, or replace it with "
                f"--force (collections that were built with it would need it back)"
            )
        foreign = sorted(held - _OWN)
        if foreign:
            raise SettingsError(
                f"--output {path} holds {foreign[0]!r}, which is no part of a bridge: name a new "
                f"folder"
            )
        if held and not is_bridge(path):  # somebody's own README.md, say
            raise SettingsError(
                f"--output {path} holds {min(held)!r} and no bridge: name a new folder"
            )
        return cls(path, force)

    @property
    def checkpoints(self) -> Path:
        """Where an interrupted training is kept, beside the folder."""
        return self.path.with_name(f".{self.path.name}.checkpoints")

    def forget_checkpoints(self) -> None:
        """Let the next training begin anew."""
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    @contextmanager
    def replacing(self) -> Iterator[Path]:
        """An empty folder that takes the target's place when the block ends.

        When the block raises, the target is as it was.

        Raises:
            StoreError: There is no room, or nothing may be written there.
            SettingsError: Meanwhile something came there that may not be replaced.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            made = tempfile.mkdtemp(prefix=f".{self.path.name}.", dir=self.path.parent)
            fresh = self.path.with_name(made.rpartition("/")[2])
        except OSError as error:
            raise self._to_error(error) from error
        try:
            yield fresh
            fresh.chmod(0o755)  # a temporary folder is its owner's alone
            self.claim(self.path, force=self.force)  # training took a while
            self._publish(fresh)
        except OSError as error:
            raise self._to_error(error) from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def _publish(self, fresh: Path) -> None:
        old = fresh.with_name(f"{fresh.name}.old")
        if self.path.exists():
            self.path.rename(old)
        try:
            fresh.rename(self.path)
        except BaseException:
            if old.exists():
                old.rename(self.path)
            raise
        sync_folder(self.path.parent)
        shutil.rmtree(old, ignore_errors=True)

    def _to_error(self, error: OSError) -> StoreError:
        return StoreError(
            f"the bridge cannot be written to {self.path} ({error}): make room there, or name "
            f"another --output; what was trained is kept, the same command goes on with it"
        )

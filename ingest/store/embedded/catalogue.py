"""Which collections and aliases a folder holds."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from qdrant_client import models

from ingest.durable import sync_folder
from ingest.store.embedded import layout
from ingest.store.embedded.durable import read_json, write_json
from ingest.store.embedded.lock import FolderLock
from schemas.errors import CollectionMissing, StoreRejected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# What a Qdrant server refuses in a collection's name; its limit is 255 bytes.
_FORBIDDEN: Final = frozenset('<>:"/\\|?*\0\x1f')
_NAME_BYTES: Final = 255


class Catalogue:
    """The folder of an embedded index, locked for this process.

    A folder that does not exist is an empty catalogue, and is made and locked with its first
    collection: to look for an index at a mistyped path leaves nothing behind.

    Args:
        root: The folder.

    Attributes:
        root: Likewise.
        aliases: Alias -> collection. Change it by :meth:`replace_aliases` alone.

    Raises:
        LockHeld: Another process, or another engine of this one, has it open.
        StoreRejected: The folder holds something else, or a newer layout.
    """

    def __init__(self, root: Path) -> None:
        """Lock and read what is there."""
        self.root = root
        self.aliases: Mapping[str, str] = {}
        self._configs: dict[str, models.CreateCollection] = {}
        self._lock: FolderLock | None = None
        if root.exists():
            self._take()

    @property
    def lock_descriptor(self) -> int:
        """Descriptor of the lock, for a child process to inherit; -1 while there is no folder."""
        return self._lock.descriptor if self._lock else -1

    @property
    def names(self) -> list[str]:
        """All collections, sorted."""
        return sorted(self._configs)

    def resolve(self, name: str) -> str:
        """The collection that a name or alias means.

        Raises:
            CollectionMissing: Neither a collection nor an alias has that name.
        """
        concrete = self.aliases.get(name, name)
        if concrete not in self._configs:
            known = ", ".join([*self.names, *sorted(self.aliases)]) or "none"
            raise CollectionMissing(
                f"{self.root}: collection {name!r} not found (there: {known}); check the name, or "
                f"ingest into it first"
            )
        return concrete

    def config(self, concrete: str) -> models.CreateCollection:
        """The configuration of a collection, metadata included."""
        return self._configs[concrete]

    def prepare(self, name: str) -> Path:
        """Make room for a new collection; it is there only once :meth:`put` has been called.

        Returns:
            The empty folder for its shard.

        Raises:
            LockHeld: Another process made this index meanwhile.
            StoreRejected: The name is taken or malformed.
        """
        self._check_name(name)
        self._take()
        if name in self._configs or name in self.aliases:
            raise StoreRejected(f"{self.root}: {name!r} already exists; choose another name")
        shutil.rmtree(layout.folder(self.root, name), ignore_errors=True)
        shard = layout.shard(self.root, name)
        shard.mkdir(parents=True)
        return shard

    def put(self, name: str, config: models.CreateCollection) -> None:
        """Write a collection's configuration, which is what makes it exist."""
        content = config.model_dump(mode="json", exclude_none=True)
        write_json(layout.config(self.root, name), content)
        sync_folder(layout.folder(self.root, name).parent)
        self._configs[name] = config

    def remove(self, name: str) -> None:
        """Remove a collection and the aliases that point to it; its shard must be closed."""
        kept = {alias: target for alias, target in self.aliases.items() if target != name}
        if kept != self.aliases:
            self.replace_aliases(kept)
        layout.config(self.root, name).unlink()
        sync_folder(layout.folder(self.root, name))
        del self._configs[name]
        shutil.rmtree(layout.folder(self.root, name), ignore_errors=True)

    def change_aliases(self, operations: Sequence[models.AliasOperations]) -> None:
        """Apply all operations, or none.

        Raises:
            CollectionMissing: An alias would point to nothing.
            StoreRejected: An alias would take a collection's name, or one to rename is missing.
        """
        aliases = dict(self.aliases)
        for operation in operations:
            match operation:
                case models.CreateAliasOperation(create_alias=create):
                    self._check_alias(create.alias_name, create.collection_name)
                    aliases[create.alias_name] = create.collection_name
                case models.DeleteAliasOperation(delete_alias=delete):
                    aliases.pop(delete.alias_name, None)
                case models.RenameAliasOperation(rename_alias=rename):
                    if rename.old_alias_name not in aliases:
                        raise StoreRejected(f"alias {rename.old_alias_name!r} does not exist")
                    target = aliases.pop(rename.old_alias_name)
                    self._check_alias(rename.new_alias_name, target)
                    aliases[rename.new_alias_name] = target
        if aliases != self.aliases:
            self.replace_aliases(aliases)

    def replace_aliases(self, aliases: Mapping[str, str]) -> None:
        """Write all aliases at once."""
        write_json(layout.aliases(self.root), dict(aliases))
        self.aliases = aliases

    def close(self) -> None:
        """Release the lock; the catalogue is empty from here on."""
        self._configs = {}
        self.aliases = {}
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _take(self) -> None:
        """Make the folder if need be, lock it, and read it; once."""
        if self._lock is not None:
            return
        layout.check_ours(self.root)
        self.root.mkdir(parents=True, exist_ok=True)
        self._lock = FolderLock(layout.lock(self.root))
        try:
            self._read()
        except BaseException:
            self.close()
            raise

    def _read(self) -> None:
        marker = layout.marker(self.root)
        if not marker.exists():
            write_json(marker, {"format": layout.FORMAT})
        if (found := read_json(marker).get("format")) != layout.FORMAT:
            raise StoreRejected(
                f"{self.root}: index of format {found}, this version reads {layout.FORMAT}; "
                f"use the version of Diptych that wrote it, or ingest into a new folder"
            )
        for folder in layout.folders(self.root):
            config = layout.config(self.root, folder.name)
            if config.exists():
                parsed = models.CreateCollection.model_validate(read_json(config))
                self._configs[folder.name] = parsed
            else:  # its creation or its removal was cut short
                shutil.rmtree(folder)
        self.aliases = layout.read_aliases(self.root)

    def _check_alias(self, alias: str, target: str) -> None:
        self._check_name(alias)
        if alias in self._configs:
            raise StoreRejected(f"{self.root}: {alias!r} is a collection, so no alias can be it")
        if target not in self._configs:
            raise CollectionMissing(
                f"{self.root}: collection {target!r} not found, so {alias!r} cannot point to it"
            )

    def _check_name(self, name: str) -> None:
        length = len(name.encode(errors="surrogateescape"))
        if name in {"", ".", ".."} or _FORBIDDEN & set(name) or length > _NAME_BYTES:
            raise StoreRejected(
                f"{self.root}: {name!r} cannot name a collection: up to {_NAME_BYTES} bytes and "
                f"none of {' '.join(sorted(_FORBIDDEN - {chr(0), chr(31)}))}"
            )

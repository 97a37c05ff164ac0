"""Which runs can exclude one another by a lock file, because they see the same one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4, uuid5

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAMESPACE: Final = UUID("777e8e20-6d94-4cd9-9fb7-50d1d4d1ec9d")
_MACHINE_IDS: Final = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_OWN_ID: Final = "machine-id"


def to_place(
    lock_path: Path,
    descriptor: int,
    *,
    machine_ids: Iterable[Path] = _MACHINE_IDS,
    boot_id: Path = _BOOT_ID,
) -> str:
    """Digest of this machine, its boot, and the locked file.

    Whoever holds the lock may take a run that says the same place for dead. The file is part of
    it: two containers of one image on one host have the same ids, but not the same lock file. The
    boot is part of it since machines are cloned. Hashed, as machine-id(5) asks.

    Args:
        lock_path: Where a random id is kept if the machine has none that can be read.
        descriptor: Of the lock file.
        machine_ids: Where the machine's id may be read.
        boot_id: Where that of its boot may.
    """
    machine = next(filter(None, map(_read, machine_ids)), "")
    boot = _read(boot_id)
    if not (machine and boot):
        machine = _read_own(lock_path.with_name(_OWN_ID))
    file = os.fstat(descriptor)
    said = f"{machine} {boot} {file.st_dev} {file.st_ino}"
    return str(uuid5(_NAMESPACE, said))


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _read_own(path: Path) -> str:
    """The id that is kept in a file; where it cannot be, one of this run's alone."""
    own = str(uuid4())
    try:
        with path.open("x") as file:  # of two runs that make it one is told the other's
            file.write(own)
    except OSError:
        return _read(path) or own
    return own

"""Where a model's files are: a local folder, or a pinned commit of the Hugging Face hub.

Loads no torch. Only safetensors weights are accepted: a pickled checkpoint can run code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ingest.encoders.catalogue import CATALOGUE, is_listed
from schemas.errors import ModelUnavailable, SettingsError

HUB_FILES = ("*.json", "*.safetensors", "*.txt", "*.model")
"""What is fetched of a hub repository; ``onnx/`` and ``openvino/`` hold other forms of the same."""

HUB_TIMEOUT_SECONDS = 10.0

BRIDGE_FILE = "bridge.json"
BRIDGE_WEIGHTS = "bridge.safetensors"
"""What a trained bridge is; see :mod:`ingest.encoders.bridge.folder`."""

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model on this machine's disk.

    Attributes:
        folder: Holds ``config.json`` or ``modules.json`` and safetensors weights.
        model_id: Hub id, or the name of the local folder.
        revision: Commit of the hub id, or ``blake3:<hex>`` of what the local folder holds.
    """

    folder: Path
    model_id: str
    revision: str


def find_model(model: str, revision: str | None, *, online: bool = False) -> ModelFiles:
    """Locate a model's files.

    A catalogued id is always the hub's, even where a relative folder has the same name. A local
    folder's revision is a hash of its contents, so the same files under another path are the same
    model; a given ``revision`` must then be that hash.

    Args:
        model: Hub id ``owner/name`` or the path of a folder.
        revision: Full commit hash; may be left out for catalogued models and folders.
        online: Fetch from the hub what is not on disk. Without it nothing is fetched.

    Raises:
        ModelUnavailable: There is no such model here, the hub cannot be reached, or its weights
            are not safetensors.
        SettingsError: A hub model without a full commit hash.
    """
    if is_folder(model):
        return _find_folder(Path(model).expanduser().resolve(), revision)
    if not _HUB_ID.fullmatch(model):
        raise ModelUnavailable(
            f"{model!r} is no model of the catalogue, no folder here and no hub id "
            f"('owner/name'). If a collection was built from a local folder of that name, name "
            f"the folder's path as the model."
        )
    revision = _to_commit(model, revision)
    folder = _fetch(model, revision, online=online)
    _require_safetensors(folder, model)
    return ModelFiles(folder, model, revision)


def is_folder(model: str) -> bool:
    """Whether the name stands for a local folder; the id of a listed one never does."""
    return not is_listed(model) and Path(model).expanduser().is_dir()


def _find_folder(folder: Path, revision: str | None) -> ModelFiles:
    _require_safetensors(folder, str(folder))
    held = _hash_folder(folder)
    if revision not in (None, held):
        raise ModelUnavailable(
            f"{folder} holds revision {held}, not {revision}: its files have changed, or it is "
            f"another model; leave the revision out to use what is there"
        )
    return ModelFiles(folder, folder.name, held)


def _to_commit(model: str, revision: str | None) -> str:
    """The full commit hash to load."""
    if revision is None and model in CATALOGUE:
        return CATALOGUE[model].revision
    if revision is None or not _COMMIT.fullmatch(revision):
        raise SettingsError(
            f"{model}: name the revision as a full commit hash of 40 hex digits (--revision); "
            f"given: {revision!r}. A branch or tag can move, and a collection outlives it. The "
            f"hash is on the model's page under 'Files and versions', 'History'."
        )
    return revision


def _fetch(model: str, revision: str, *, online: bool) -> Path:
    """The hub's snapshot of a commit, from its cache on disk or fetched into it."""
    from huggingface_hub import HfApi, snapshot_download

    try:
        if online:
            # One quick question first: the download itself retries for 23 s before it gives up.
            HfApi().model_info(model, revision=revision, timeout=HUB_TIMEOUT_SECONDS)
        folder = snapshot_download(
            model,
            revision=revision,
            allow_patterns=list(HUB_FILES),
            ignore_patterns=["onnx/*", "openvino/*"],
            local_files_only=not online,
        )
    except Exception as error:
        # The hub client raises its own errors, the HTTP library's and OSErrors alike.
        raise ModelUnavailable(
            f"{model} at {revision[:12]} is not on this machine and could not be fetched "
            f"({type(error).__name__}: {_first_line(error)}). Connect once to fetch it, or copy "
            f"the model's folder here and name its path as the model; hinge-en-2 needs neither."
        ) from error
    return Path(folder)


def _require_safetensors(folder: Path, model: str) -> None:
    """Refuse folders whose weights are pickled, the top one and those of single modules."""
    holding = {file.parent for file in folder.rglob("*.safetensors")}
    if not holding:
        raise ModelUnavailable(
            f"{model} holds no safetensors weights, and pickled ones can run code: choose a "
            f"revision that has model.safetensors, or save the model again with "
            f"save_pretrained() and name that folder"
        )
    for pattern in _PICKLED:
        for file in folder.rglob(pattern):
            if file.parent not in holding:
                raise ModelUnavailable(
                    f"{model}: {file.relative_to(folder)} is pickled and has no safetensors "
                    f"beside it; save the model again with save_pretrained()"
                )


def _hash_folder(folder: Path) -> str:
    """``blake3:<hex>`` of the names and contents of what decides the vectors."""
    from blake3 import blake3

    files = sorted(
        file
        for pattern in _to_deciding(folder)
        for file in folder.rglob(pattern)
        if file.is_file() and not _is_hidden(file.relative_to(folder))
    )
    whole = blake3()
    for file in files:
        content = blake3(max_threads=blake3.AUTO)
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                content.update(block)
        name = file.relative_to(folder).as_posix()
        whole.update(f"{name}\0{content.hexdigest()}\n".encode("utf-8", "surrogateescape"))
    return f"blake3:{whole.hexdigest()}"


def is_bridge(folder: Path) -> bool:
    """Whether a folder holds a trained bridge."""
    return (folder / BRIDGE_FILE).is_file()


def _to_deciding(folder: Path) -> tuple[str, ...]:
    """Patterns of the files that decide the vectors; a bridge's folder holds its report too."""
    return (BRIDGE_FILE, BRIDGE_WEIGHTS) if is_bridge(folder) else HUB_FILES


def _is_hidden(relative: Path) -> bool:
    return any(part.startswith(".") for part in relative.parts)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]

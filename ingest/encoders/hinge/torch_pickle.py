"""Read a state dict in torch's format from before version 1.6, without torch.

The format (``torch.serialization._legacy_save``) is five pickles in a row: a magic number, a
protocol version, a description of the writing machine, the object, and the keys of its storages;
then each storage as an int64 count of elements and the elements themselves, little-endian.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def to_array(self, elements: NDArray[Any]) -> NDArray[Any]:
        """A copy of the tensor out of its storage's elements."""
        steps = tuple(step * elements.itemsize for step in self.stride)
        view = np.lib.stride_tricks.as_strided(
            elements[self.offset :], self.shape, steps, writeable=False
        )
        return view.copy()


def _rebuild_tensor(
    storage: _Storage, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: object
) -> _Tensor:
    return _Tensor(storage, offset, shape, stride)


class _StateDictUnpickler(pickle.Unpickler):
    """Knows the four names that a state dict is made of, and no other."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        msg = f"a state dict does not contain {module}.{name}"
        raise pickle.UnpicklingError(msg)

    def persistent_load(self, pid: tuple[str, np.dtype[Any], str]) -> _Storage:
        _, dtype, key, *_ = pid
        return _Storage(str(key), dtype)


def to_state_dict(content: bytes) -> dict[str, NDArray[Any]]:
    """The tensors of a state dict file, by name.

    Args:
        content: The whole file. Check its hash first: a restricted unpickler limits what a file can
            name, not what a malformed one can cost.

    Returns:
        Float32 and int64 arrays in the order of the file, each with its own memory.

    Raises:
        pickle.UnpicklingError: It is not such a file.
    """
    stream = io.BytesIO(content)
    if _load(stream) != _MAGIC or _load(stream) != _PROTOCOL:
        msg = "not a state dict in torch's format from before version 1.6"
        raise pickle.UnpicklingError(msg)
    _load(stream)
    tensors = cast("dict[str, _Tensor]", _load(stream))
    dtypes = {tensor.storage.key: tensor.storage.dtype for tensor in tensors.values()}
    storages = {key: _read_storage(stream, dtypes[key]) for key in cast("list[str]", _load(stream))}
    return {name: tensor.to_array(storages[tensor.storage.key]) for name, tensor in tensors.items()}


def _load(stream: io.BytesIO) -> object:
    return _StateDictUnpickler(stream).load()


def _read_storage(stream: io.BytesIO, dtype: np.dtype[Any]) -> NDArray[Any]:
    count = int.from_bytes(stream.read(8), "little")
    return np.frombuffer(stream.read(count * dtype.itemsize), dtype)

"""The pixels of an image where Pillow keeps them: nothing is copied."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_PADDED = "RGBX"
"""Pillow's name for what it has in memory for RGB: three bytes of colour and one of padding."""


class _ArrowArray(ctypes.Structure):
    """``ArrowArray`` of the Arrow C data interface, which is fixed for good."""


_ArrowArray._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_ArrowArray))),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]

_to_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_to_pointer.restype = ctypes.c_void_p
_to_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


def view_padded_rgb(image: Image) -> bytes | memoryview:
    """Four bytes a pixel, row by row, of an image of mode RGB.

    Returns:
        A view of the image's own memory, which it keeps alive; a copy where the rows do not lie
        one after another, as in images of more than 16 MB.
    """
    with suppress(ValueError):
        return _view(image)
    return image.tobytes("raw", _PADDED)


def _view(image: Image) -> memoryview:
    """Pillow exports an RGB image as a list of four bytes a pixel."""
    schema, capsule = image.__arrow_c_array__()
    exported = _ArrowArray.from_address(_to_pointer(capsule, b"arrow_array"))
    size = 4 * image.width * image.height
    if exported.n_children != 1 or exported.children[0].contents.length != size:
        msg = "Pillow exports RGB in another layout now"
        raise ValueError(msg)
    address = exported.children[0].contents.buffers[1]
    pixels = (ctypes.c_char * size).from_address(address)
    pixels.owner = schema, capsule  # type: ignore[attr-defined]  # they hold the image's memory
    return memoryview(pixels).cast("B")

"""What travels between the process that ingests and those that decode: data, never code.

A value becomes a tree that JSON can say and, beside it, the buffers that JSON cannot: file bytes,
pixels and long texts. What is read back is one of a few types, and a record only if its class is
listed here, so whoever takes over a decoder can answer with wrong values but with nothing that
runs. (Pickle would let it run anything.)
"""

from __future__ import annotations

import sys
from dataclasses import is_dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL.Image import Image

    Buffer = bytes | memoryview
    Tree = Any
    """What ``json.loads`` returns."""

FUNCTIONS = {
    "decode_frames": "ingest.decode.image",
    "decode_image": "ingest.decode.image",
    "decode_page": "ingest.decode.thumbnail",
    "decode_text": "ingest.decode.text",
    "decode_thumbnail": "ingest.decode.thumbnail",
}
"""What a decoding process may be asked to call -> the module that has it. Each takes the file's
bytes and the source URI first."""

RECORDS = {
    "DecodePolicy": "ingest.decode.policy",
    "DecodedImage": "ingest.decode.image",
    "DecodedText": "ingest.decode.text",
    "Figure": "ingest.decode.document",
    "Heading": "ingest.decode.document",
    "Limits": "ingest.decode.limits",
    "Place": "schemas.records",
}
"""The dataclasses that may travel -> the module that has them."""

_RAW_MODES = {
    "CMYK": ("CMYK", 4),
    "F": ("F", 4),
    "I": ("I", 4),
    "I;16": ("I;16", 2),
    "L": ("L", 1),
    "LA": ("LA", 2),
    "RGB": ("RGBX", 4),
    "RGBA": ("RGBA", 4),
}
"""Pillow's mode -> its layout on the way, bytes a pixel. RGB stays padded to four bytes, as Pillow
has it in memory: packing and unpacking take longer than the fourth byte."""

_SHORT_CHARS = 1000
"""A longer text travels as a buffer, which is quicker than escaping it."""


def to_function(name: str) -> Callable[..., object]:
    """The function, its module imported; ``KeyError`` if it is none of :data:`FUNCTIONS`."""
    function: Callable[..., object] = getattr(import_module(FUNCTIONS[name]), name)
    return function


def to_wire(value: object, buffers: list[Buffer]) -> object:
    """The tree of a value; what JSON cannot say is appended to ``buffers``.

    Args:
        value: None, bool, int, float, str, bytes, a Pillow image, a list or tuple of such values,
            or a dataclass of :data:`RECORDS` whose fields are such values.
        buffers: Added to.

    Raises:
        TypeError: It is, or holds, something else.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str) and len(value) <= _SHORT_CHARS:
        return str(value)
    if isinstance(value, str):
        return {"text": _append(value.encode("utf-8", "surrogatepass"), buffers)}
    if isinstance(value, bytes):
        return {"bytes": _append(value, buffers)}
    if isinstance(value, list | tuple):
        parts = [to_wire(one, buffers) for one in value]
        return {"tuple": parts} if isinstance(value, tuple) else parts
    return _to_object(value, buffers)


def from_wire(tree: Tree, buffers: Sequence[Buffer]) -> Tree:
    """The value back; copies, so that the buffers may be used again.

    Raises:
        Exception: Of about any type, if the other side did not use :func:`to_wire`.
    """
    if isinstance(tree, list):
        return [from_wire(one, buffers) for one in tree]
    if not isinstance(tree, dict):
        return tree
    ((kind, body),) = tree.items()
    return _READERS[kind](body, buffers)


def _append(buffer: Buffer, buffers: list[Buffer]) -> int:
    buffers.append(buffer)
    return len(buffers) - 1


def _to_object(value: object, buffers: list[Buffer]) -> object:
    name = type(value).__name__
    if is_dataclass(value) and name in RECORDS and type(value) is _to_class(name):
        body = {one: to_wire(getattr(value, one), buffers) for one in value.__dataclass_fields__}
        return {"record": [name, body]}
    pillow = sys.modules.get("PIL.Image")  # not loaded: then it is no image
    if pillow is not None and isinstance(value, pillow.Image) and value.mode in _RAW_MODES:
        return {"image": [value.mode, *value.size, _append(_to_pixels(value), buffers)]}
    msg = f"no type that travels to or from a decoding process: {type(value)!r}"
    raise TypeError(msg)


def _to_pixels(image: Image) -> Buffer:
    if image.mode != "RGB":
        return image.tobytes("raw", _RAW_MODES[image.mode][0])
    from ingest.decode.pixels import view_padded_rgb

    return view_padded_rgb(image)


def _to_class(name: str) -> type:
    """The dataclass, its module imported; ``KeyError`` if it is none of :data:`RECORDS`."""
    found: type = getattr(import_module(RECORDS[name]), name)
    return found


def _to_record(body: Tree, buffers: Sequence[Buffer]) -> object:
    name, tree = body
    return _to_class(name)(**{field: from_wire(one, buffers) for field, one in tree.items()})


def _to_image(body: Tree, buffers: Sequence[Buffer]) -> Image:
    from PIL import Image

    mode, width, height, index = body
    raw_mode, pixel_bytes = _RAW_MODES[mode]
    pixels = buffers[index]
    if len(pixels) != width * height * pixel_bytes:
        msg = f"{len(pixels)} bytes for {width}x{height} pixels"
        raise ValueError(msg)
    return Image.frombytes(mode, (width, height), pixels, "raw", raw_mode)


_READERS: dict[str, Callable[[Tree, Sequence[Buffer]], object]] = {
    "text": lambda index, buffers: str(buffers[index], "utf-8", "surrogatepass"),
    "bytes": lambda index, buffers: bytes(buffers[index]),
    "tuple": lambda body, buffers: tuple(from_wire(one, buffers) for one in body),
    "record": _to_record,
    "image": _to_image,
}

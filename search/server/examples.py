"""Answers as they look, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

_POINT: Final = "ab7ae622-b138-5bed-9893-c32e5462d33e"

_HIT: Final[dict[str, Any]] = {
    "rank": 1,
    "score": 0.5476412177085876,
    "point_id": _POINT,
    "source_uri": "folder://photos/sourdough-loaf.jpg",
    "location": "folder://photos/sourdough-loaf.jpg",
    "modality": "image",
    "media_type": "image/jpeg",
    "part": "content",
    "chunk_ordinal": 0,
    "chunk_count": 1,
    "width_pixels": 2820,
    "height_pixels": 2880,
    "taken_at": "2024-05-01T09:30:00",
    "percentile": 99.9875,
    "content_hash": "blake3:1e32712253200aeb67fdd51220502cb28181e19a2e645d20b8e0daf8a4cfcf6a",
}

PAGE: Final[dict[str, Any]] = {
    "target": "image",
    "model_id": "hinge-en-2",
    "collection": "photos__g001",
    "took_seconds": 0.008654,
    "hits": [_HIT],
    "next_cursor": "WyI3ZjcyYmU0NDNjY2JkZTg0NmNhZDYwNWYzMmVhMjNiZCIsMSx7fV0=",
}

ITEM: Final[dict[str, Any]] = {
    **{name: value for name, value in _HIT.items() if name not in ("rank", "score", "percentile")},
    "size_bytes": 1_204_512,
    "parts": [
        {"point_id": _POINT, "modality": "image", "part": "content", "chunk_ordinal": 0},
    ],
}

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    **dict.fromkeys(
        ("search", "search_by_address", "search_with_images", "refine", "more_like_this"), PAGE
    ),
    "search_batch": {"pages": [PAGE]},
    "get_item": ITEM,
    "facets": {
        "field": "media_type",
        "collection": "photos__g001",
        "values": [
            {"value": "image/jpeg", "count": 2801},
            {"value": "text/markdown", "count": 641},
        ],
    },
    "upload_image": {
        "id": "67c0a6f5acd11e9079048fd38a8157436e1125d917f8b905c3594a51ba728781",
        "width_pixels": 288,
        "height_pixels": 174,
        "size_bytes": 17_743,
        "expires_at": "2026-11-25T22:35:15+00:00",
    },
    "put_record": {"outcome": "indexed", "source_uri": "folder://inbox/notes/tart.md"},
    "delete_record": {"outcome": "deleted", "source_uri": "folder://inbox/notes/tart.md"},
    "space_map": {
        "method": "pca",
        "collection": "photos__g001",
        "points": [
            {"point_id": _POINT, "modality": "image", "x": 0.25, "y": -0.5, "title": "Sourdough"}
        ],
    },
}
"""By operation id."""

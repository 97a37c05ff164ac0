"""Choices."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DecodePolicy:
    """Choices."""

    frames: int = 1
    ocr: bool = False
    figures: bool = True

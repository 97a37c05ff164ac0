"""Pictures of what was measured: the same bytes for the same figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure


def prepare() -> None:
    """Let Matplotlib draw without a screen, in our style; before ``pyplot`` is imported."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "diptych", "svg.fonttype": "none", "font.size": 9})


def write_picture(figure: Figure, file: Path) -> None:
    """Write a figure and close it.

    Args:
        figure: Of ``pyplot``.
        file: ``.svg`` or ``.png``; its folder is made.
    """
    from matplotlib import pyplot as plt

    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110, metadata={"Date": None} if file.suffix == ".svg" else {})
    plt.close(figure)
    # A line of an SVG may end in a blank, which the repository's files do not.
    if file.suffix == ".svg":
        lines = file.read_text(encoding="utf-8").splitlines()
        file.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")

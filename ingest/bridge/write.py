"""A bridge's folder: the two files that decide its vectors, and what people want to know of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from ingest.bridge.card import to_card
from ingest.bridge.curves import draw_curves
from ingest.bridge.folder import CARD, CURVES, REPORT
from ingest.dead_letters import DEAD_LETTERS, write_dead_letters
from ingest.encoders.transformer.files import find_model

if TYPE_CHECKING:
    from ingest.bridge.folder import Target
    from ingest.bridge.report import BridgeReport
    from ingest.encoders.bridge.folder import Bridge


def write_bridge(target: Target, bridge: Bridge, report: BridgeReport) -> BridgeReport:
    """Write everything, whole or not at all.

    Returns:
        The report with the revision of what was written.

    Raises:
        StoreError: It cannot be written.
    """
    with target.replacing() as folder:
        bridge.write(folder)
        report = replace(report, revision=find_model(str(folder), None).revision)
        missing = draw_curves(report, folder / CURVES)
        if missing:
            report = replace(report, notes=(*report.notes, missing))
        has_picture = (folder / CURVES).exists()
        (folder / CARD).write_text(to_card(report, has_picture=has_picture), encoding="utf-8")
        written = json.dumps(report.to_json(), indent=1, ensure_ascii=False)
        (folder / REPORT).write_text(f"{written}\n", encoding="utf-8")
        if report.failures:
            write_dead_letters(folder / DEAD_LETTERS, report.failures)
    return report

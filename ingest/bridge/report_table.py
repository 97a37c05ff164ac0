"""The report of a training for people: figures before and after, and in words what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ingest.bridge.report import Verdict
from ingest.dead_letters import DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from ingest.bridge.report import BridgeReport, Change, Measured
    from schemas.evaluation import Estimate

SHOWN_FAILURES: Final = 20

JUDGED_CUT: Final = 10
"""What is said in words is said of recall among so many hits."""

_DIRECTIONS: Final = {
    "text->image": "words find images",
    "image->text": "images find words",
}


def to_bridge_table(report: BridgeReport) -> str:
    """The report, a line a fact, then the figures, then what they mean."""
    lines = [f"{label:<10} {value}" for label, value in _iter_facts(report)]
    lines += ["", *_iter_figures(report), "", *to_verdicts(report), *report.notes]
    return "\n".join([*lines, *_to_failures(report)])


def to_verdicts(report: BridgeReport) -> list[str]:
    """A sentence for each direction and each set of pairs: where it helped and where not."""
    sentences = [
        _to_sentence(measured, change)
        for measured in report.measured
        for change in measured.changes
        if change.cut == JUDGED_CUT
    ]
    if any(one.part == "test" for one in report.measured):
        return sentences
    flattered = (
        f"The validation pairs also chose {to_choice(report)}, which flatters them a little: "
        f"--test-pairs measures on others."
    )
    return [*sentences, flattered]


def to_map_weight(interpolation: Mapping[str, Any]) -> str:
    """The chosen weight of the map, and whether it stands behind a gate."""
    behind = ", behind a gate" if interpolation["gated"] else ""
    return f"{interpolation['map_weight']:.2f}{behind}"


def to_choice(report: BridgeReport) -> str:
    """What the validation pairs chose."""
    return "the epoch" if report.epochs else "the strength of the map"


def to_percent(estimate: Estimate | None) -> str:
    """A share in percent with its interval: ``41.2 (30.1 to 52.0)``."""
    if estimate is None:
        return "-"
    return f"{100 * estimate.value:.1f} ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"


def to_points(estimate: Estimate | None) -> str:
    """A difference in points with its interval: ``+4.1 (-0.9 to +9.0)``."""
    if estimate is None:
        return "-"
    return f"{100 * estimate.value:+.1f} ({100 * estimate.low:+.1f} to {100 * estimate.high:+.1f})"


def to_training(report: BridgeReport) -> str:
    """How the training went, in a clause."""
    if not report.epochs:
        return f"{report.recipe['objective']}, solved at once"
    ended = ", stopped early" if report.stopped_early else ""
    return f"{report.recipe['objective']}, epoch {report.best} of {len(report.epochs)} kept{ended}"


def _iter_facts(report: BridgeReport) -> Iterator[tuple[str, str]]:
    from ingest.sources.uris import to_printable

    counts, encoders = report.counts, report.encoders
    yield "bridge", f"{to_printable(report.folder)} ({report.revision[7:19]})"
    yield "images", _to_encoder(encoders["images"])
    yield "texts", _to_encoder(encoders["texts"])
    described = (
        f"{counts['lines']:,} lines; in all files {counts['images']:,} images and "
        f"{counts['texts']:,} texts, of which {counts['encoded_images']:,} and "
        f"{counts['encoded_texts']:,} were described now"
    )
    yield "pairs", described
    left_out = counts["left_out"]
    said = f", {left_out:,} left out since they share something with these" if left_out else ""
    measured = ", ".join(f"{one.images:,} for {one.part}" for one in report.measured)
    taught = f", and a gate from {counts['outside']:,} others" if counts["outside"] else ""
    yield "learned", f"from {counts['training']:,} images{taught}; {measured}{said}"
    yield "training", to_training(report)
    if report.interpolation is not None:
        yield "map weight", to_map_weight(report.interpolation)
    seconds = report.seconds
    steps = ", ".join(f"to {one} {seconds[one]:.1f} s" for one in ("describe", "train", "measure"))
    yield "took", f"{seconds['total']:.1f} s ({steps})"


def _to_encoder(encoder: Mapping[str, Any]) -> str:
    return f"{encoder['model']} ({str(encoder['revision']).removeprefix('blake3:')[:12]})"


def _iter_figures(report: BridgeReport) -> Iterator[str]:
    yield f"{'recall in %':<30} {'before: ' + report.baseline:>22} {'after':>22} {'difference':>22}"
    for measured in report.measured:
        yield f"{measured.part} ({measured.images:,} images, {measured.texts:,} texts)"
        for change in measured.changes:
            label = f"  {_DIRECTIONS[change.direction]} @{change.cut}"
            columns = (
                to_percent(change.before),
                to_percent(change.after),
                to_points(change.difference),
            )
            yield f"{label:<30} " + " ".join(f"{column:>22}" for column in columns)


def _to_sentence(measured: Measured, change: Change) -> str:
    what = f"{measured.part}: {_DIRECTIONS[change.direction]}"
    if change.verdict is None:
        return f"{what}: there is nothing to compare with, as the encoders have no common space."
    points = to_points(change.difference)
    if change.verdict is Verdict.UNCLEAR:
        return f"{what}: no clear difference at 10 hits, {points} points: the interval includes 0."
    return f"{what}: {change.verdict} by {points} points at 10 hits."


def _to_failures(report: BridgeReport) -> list[str]:
    from ingest.sources.uris import to_printable

    shown = report.failures[:SHOWN_FAILURES]
    lines = [f"{len(report.failures):,} pairs or texts could not be used:"] if shown else []
    lines += [
        f"  {one.kind}: {to_printable(one.source_uri)}: {to_printable(one.location)}: {one.message}"
        for one in shown
    ]
    if len(report.failures) > len(shown):
        lines.append(f"  ... and {len(report.failures) - len(shown):,} more in {DEAD_LETTERS}")
    return lines

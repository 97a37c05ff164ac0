"""The dead-letter file: one JSON line for each item that could not be indexed.

It is also what spares a run from trying them again: content that failed in a pipeline fails in it
again. An item is tried anew when its bytes or the pipeline change, and on request; in every run
when it could not be read, was over a limit (which may have been raised since) or of a format that
is not supported (an extra may have been installed since), which costs no decoding; and up to three
times in all when it killed its decoder or took too long, which a busy machine may be to blame for.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from ingest.durable import replacing
from ingest.sources.uris import to_source_uri
from schemas.errors import DecoderDied, SourceTooLarge, StoreError, UnsupportedFormat
from schemas.report import Failure

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from pathlib import Path

    from ingest.fingerprint import Version
    from ingest.sources.source import Source

DEAD_LETTERS = "dead-letters.jsonl"
"""The file's usual name."""

KILLING_ATTEMPTS = 3
"""An item that has killed its decoder so often is left alone."""

_RETRIED = {SourceTooLarge.__name__, UnsupportedFormat.__name__}


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """What failed in earlier runs.

    Attributes:
        failures: By source URI.
        retry: Whether to try all of them again.
    """

    failures: dict[str, Failure] = field(default_factory=dict)
    retry: bool = False

    @classmethod
    def read(cls, path: Path | None, *, retry: bool = False) -> DeadLetters:
        """Those of a file; none when there is no file.

        Lines of another form are passed over: at worst an item is tried once more.

        Raises:
            StoreError: The file is there and cannot be read.
        """
        if path is None or not path.exists():
            return cls(retry=retry)
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise StoreError(
                f"the dead letters {path} cannot be read ({error}); mend or remove the file"
            ) from error
        read = (_to_failure(line) for line in lines)
        return cls({one.source_uri: one for one in read if one}, retry)

    def attempts(self, source_uri: str, version: Version) -> int:
        """How often this content has failed in this pipeline."""
        failure = self.failures.get(source_uri)
        is_same = failure and (failure.content_hash, failure.fingerprint) == version
        return failure.attempts if failure and is_same else 0

    def find_final(self, source_uri: str, version: Version) -> Failure | None:
        """The failure of this very content, if it is not to be tried again."""
        failure = self.failures.get(source_uri)
        attempts = self.attempts(source_uri, version)
        if self.retry or failure is None or not attempts or failure.kind in _RETRIED:
            return None
        is_spared = failure.kind == DecoderDied.__name__ and attempts < KILLING_ATTEMPTS
        return None if is_spared else failure

    def after(
        self, failures: Iterable[Failure], source: Source, resolved: Container[str] | None
    ) -> list[Failure]:
        """What the file holds after a run.

        Args:
            failures: Of the run.
            source: Whose root it went through.
            resolved: Items it indexed that had failed before; None when it came to every item of
                the root, so that what is not among its failures is indexed or gone.

        Returns:
            Those of other roots and of items it did not come to, then the run's own.
        """
        prefix = to_source_uri(source.name, "", source.scheme)
        own = list(failures)
        now = {failure.source_uri for failure in own}
        kept = [
            failure
            for uri, failure in self.failures.items()
            if uri not in now
            and not (uri.startswith(prefix) and (resolved is None or uri in resolved))
        ]
        return [*kept, *own]


def write_dead_letters(path: Path, failures: Iterable[Failure]) -> None:
    """Replace the file by these failures, whole or not at all.

    Each line has the fields of :class:`schemas.report.Failure`. Without failures the file is
    empty: nothing is dead.

    Raises:
        StoreError: The file cannot be written.
    """
    try:
        _replace(path, failures)
    except OSError as error:
        raise StoreError(
            f"the dead letters cannot be written to {path} ({error.strerror}); what was indexed "
            f"stays indexed: make room there (or have diptych ingest write them elsewhere, with "
            f"--dead-letters) and run again to list the rest"
        ) from error


def _replace(path: Path, failures: Iterable[Failure]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as lines:
        for failure in failures:
            lines.write(json.dumps(asdict(failure)) + "\n")


def _to_failure(line: str) -> Failure | None:
    try:
        failure = Failure(**json.loads(line))
    except (TypeError, ValueError):
        return None
    # Nothing has checked the types.
    kinds = {name: type(value) for name, value in asdict(failure).items()}
    return failure if kinds.pop("attempts") is int and set(kinds.values()) == {str} else None

"""From settings to a pipeline that is ready to run."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from ingest.decode.decoder_choice import to_decoder
from ingest.decode.limits import Limits
from ingest.decode.policy import DecodePolicy
from ingest.encoders.canary import check_canary
from ingest.encoders.workers import count_cores, encoder_rows, encoder_workers
from ingest.fingerprint import Fingerprints
from ingest.intake import Intake
from ingest.lending import Lender
from ingest.pipeline import Pipeline, Stages, Workers
from ingest.prepare import Preparer
from ingest.settle import Settler
from ingest.sources.folder import FolderSource
from ingest.twins import Twins

if TYPE_CHECKING:
    from collections.abc import Mapping
    from threading import Event

    from ingest.callbacks import Callbacks
    from ingest.dead_letters import DeadLetters
    from ingest.plan import Known
    from ingest.sources.source import Source
    from ingest.stopwatch import Stopwatch
    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine
    from ingest.store.writer import Writer
    from schemas.records import Modality
    from schemas.settings import Settings
    from schemas.space import EmbeddingSpace, Encoder


LOCAL_READERS = 2
REMOTE_READERS = 16

OCR_TIMES = 3
"""Reading a dense page takes half a minute, so each frame may take this many times as long."""


@dataclass(frozen=True, slots=True)
class AssemblyLine:
    """What every pipeline of a run is made of.

    Attributes:
        source: What is read.
        settings: How.
        engine: Where points are looked up.
        encoder: Encodes.
        stopwatch: Where the time goes.
        workers: How many threads each stage has.
        lender: Another collection of the same space, whose vectors are taken where the same would
            be made.
    """

    source: Source
    settings: Settings
    engine: Engine
    encoder: Encoder
    stopwatch: Stopwatch
    workers: Workers
    lender: str | None = None

    def to_pipeline(
        self,
        collection: ConcreteCollection,
        known: Mapping[str, Known],
        letters: DeadLetters,
        *,
        writer: Writer,
        callbacks: Callbacks,
        stopping: Event,
    ) -> Pipeline:
        """A pipeline into a collection.

        Args:
            collection: Into which.
            known: What it holds of the source.
            letters: What failed before.
            writer: Writes to it.
            callbacks: Who is told of it.
            stopping: Ends the run early but whole.
        """
        twins = Twins()
        settler = Settler(
            writer,
            twins,
            window_tokens=self.encoder.space.window_tokens,
            callbacks=callbacks,
            stopwatch=self.stopwatch,
        )
        stages = Stages(
            intake=self._to_intake(collection, known, letters, twins, callbacks),
            preparer=self.to_preparer(),
            encoder=self.encoder,
            before_encoding=CanaryGuard(self.encoder, collection),
            batch_size=self._batch_size,
            stopwatch=self.stopwatch,
        )
        return Pipeline(stages, settler, workers=self.workers, stopping=stopping)

    def _batch_size(self, modality: Modality) -> int:
        return self.settings.batch_size or encoder_rows(self.encoder, modality)

    def _to_intake(
        self,
        collection: ConcreteCollection,
        known: Mapping[str, Known],
        letters: DeadLetters,
        twins: Twins,
        callbacks: Callbacks,
    ) -> Intake:
        return Intake(
            self.source,
            known,
            letters,
            to_fingerprints(self.settings, self.encoder.space),
            engine=self.engine,
            collection_name=collection.name,
            twins=twins,
            limits=Limits.from_settings(self.settings),
            stopwatch=self.stopwatch,
            before_work=callbacks.before_work,
            lender=self.lender,
        )

    def to_preparer(self) -> Preparer:
        """What decodes and cuts."""
        return Preparer(
            self.encoder,
            to_decoder(self.settings, self.workers.decode, times=to_times(self.settings)),
            self.source,
            limits=Limits.from_settings(self.settings),
            policy=to_policy(self.settings),
            overlap_tokens=self.settings.chunk_overlap_tokens,
            stopwatch=self.stopwatch,
            lender=self._to_lender(),
        )

    def _to_lender(self) -> Lender | None:
        if self.lender is None:
            return None
        of_given = to_fingerprints(self.settings, self.encoder.space).of_vector
        return Lender(self.engine, self.lender, of_given)


def to_policy(settings: Settings) -> DecodePolicy:
    """How items are decoded."""
    return DecodePolicy(frames=settings.frames, ocr=settings.ocr, figures=settings.figures)


def to_fingerprints(settings: Settings, space: EmbeddingSpace) -> Fingerprints:
    """What a run with these settings is known by in the points that it makes."""
    return Fingerprints(space, to_policy(settings), settings.chunk_overlap_tokens)


def to_times(settings: Settings) -> int:
    """How often the seconds of the settings an item may take."""
    return OCR_TIMES * settings.frames if settings.ocr else 1


class CanaryGuard:
    """Checks the encoder against the collection's canary once, before the first encoding.

    Not at the start of the run: a run that changes nothing loads no tower.

    Args:
        encoder: The encoder.
        collection: Whose canary it must still give.
    """

    def __init__(self, encoder: Encoder, collection: ConcreteCollection) -> None:
        """Nothing is checked yet."""
        self._encoder = encoder
        self._collection = collection
        self._lock = Lock()
        self._passed = False

    def __call__(self) -> None:
        """Check, the first time.

        Raises:
            SpaceMismatch: The encoder has drifted.
        """
        with self._lock:
            if not self._passed:
                modalities = self._encoder.space.modalities
                check_canary(self._encoder, self._collection.canary, modalities)
                self._passed = True


def to_workers(settings: Settings, encoder: Encoder, source: Source) -> Workers:
    """Threads a stage: what the settings say, else one a core, and a few that read.

    Args:
        settings: The settings.
        encoder: Who knows how many threads should call it.
        source: Where a network lies between, reading is mostly waiting.
    """
    has_urls = bool(settings.allow_hosts) and not isinstance(source, FolderSource)
    is_remote = has_urls or "://" in source.location
    cores = count_cores()
    return Workers(
        read=settings.read_workers or (REMOTE_READERS if is_remote else LOCAL_READERS),
        decode=settings.decode_workers or cores,
        encode=settings.workers or encoder_workers(encoder),
    )

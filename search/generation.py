"""What answers a query: a generation with the encoder of its space, and how a name is followed."""

from __future__ import annotations

import logging
from math import inf
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeAlias

from schemas.background import read_background
from schemas.errors import CollectionMissing, StoreError, StoreUnavailable
from search.calibration import Scale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine
    from schemas.background import Background
    from schemas.records import Modality
    from schemas.space import Encoder

RETRY_SECONDS: Final = 600.0
"""A generation that could not be used is tried again after so long: it may have been a lack of
memory, or the model may have been installed. Loading one in vain can take a minute."""

_LOG = logging.getLogger(__name__)

_Mark: TypeAlias = "tuple[str, object]"
"""A generation's name and uuid: a name may come again, for a collection that was made anew."""


class Generation:
    """One collection with the encoder of its space; neither is ever exchanged.

    A query keeps the generation that it began with, so its vector never meets another space.

    Args:
        collection: With its space and canary.
        encoder: Makes the query vectors.

    Attributes:
        collection: As given.
        encoder: As given.
        scale: By which scores are read, if the collection has a background.

    Raises:
        SpaceMismatch: The collection was built in another space than the encoder's.
    """

    __slots__ = ("_background", "_proven", "_proving", "collection", "encoder", "scale")

    collection: Final[ConcreteCollection]
    encoder: Final[Encoder]
    scale: Scale | None

    def __init__(self, collection: ConcreteCollection, encoder: Encoder) -> None:
        """Refuse an encoder whose vectors mean nothing in this collection."""
        from ingest.store.collections import check_space

        check_space(collection, encoder.space)
        self.collection = collection
        self.encoder = encoder
        self._background: Background | None = None
        self.scale: Scale | None = None
        self.renew(collection.metadata)
        self._proven: frozenset[Modality] = frozenset()
        self._proving = Lock()

    @property
    def proven(self) -> frozenset[Modality]:
        """The modalities whose canary has been compared."""
        return self._proven

    @property
    def mark(self) -> _Mark:
        """What tells it from every other."""
        return self.collection.name, self.collection.metadata.get("index_uuid")

    def renew(self, metadata: Mapping[str, Any]) -> None:
        """Take the background in the collection's metadata, which is measured anew as it grows."""
        found = read_background(metadata)
        if found != self._background:
            self._background = found
            self.scale = None if found is None else Scale(found)

    def prove(self, modalities: Iterable[Modality]) -> None:
        """Compare the encoder with the collection's canary, once a modality.

        Modalities that the space lacks are passed over.

        Raises:
            SpaceMismatch: The encoder no longer gives the canary's vectors.
        """
        from ingest.encoders.canary import check_canary

        wanted = frozenset(modalities) & frozenset(self.encoder.space.modalities)
        if wanted <= self._proven:
            return
        with self._proving:
            missing = wanted - self._proven
            check_canary(self.encoder, self.collection.canary, sorted(missing))
            self._proven |= missing


class Follower:
    """Holds the generation that a name means, and looks from time to time whether it still does.

    Calls from several threads are safe: one of them looks, the others go on with what there is.

    Args:
        engine: Where the name is; left open.
        name: An alias. A generation's own name always means itself.
        load_encoder: Gives the encoder of a collection; called in the thread of a query.
        refresh_seconds: How long a look is good for; 0 looks at every query.
        clock: Monotonic seconds.

    Raises:
        CollectionMissing: The name means nothing.
        StoreError: The store failed.
        EncoderError: The encoder cannot be loaded.
        SpaceMismatch: It is not of the collection's space.
    """

    def __init__(
        self,
        engine: Engine,
        name: str,
        load_encoder: Callable[[ConcreteCollection], Encoder],
        *,
        refresh_seconds: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Resolve the name for the first time."""
        from ingest.store.collections import resolve_collection

        self._engine = engine
        self._name = name
        self._load_encoder = load_encoder
        self._refresh_seconds = refresh_seconds
        self._clock = clock
        self._looking = Lock()
        self._refused: dict[_Mark, float] = {}
        collection = resolve_collection(engine, name)
        self._live = Generation(collection, load_encoder(collection))
        self._postpone()

    @property
    def live(self) -> Generation:
        """The generation that answers now."""
        return self._live

    def look(self, modalities: Iterable[Modality]) -> Generation:
        """The generation for a query that begins now.

        Whatever goes wrong with looking, or with a new generation, leaves the old one in place.

        Args:
            modalities: Of the query; a new generation is proven with them before it is taken.
        """
        if self._clock() < self._due or not self._looking.acquire(blocking=False):
            return self._live
        try:
            # Another thread may have looked between the two conditions.
            if self._clock() >= self._due:
                self._follow(modalities)
        finally:
            self._postpone()
            self._looking.release()
        return self._live

    def replace(self, gone: Generation, modalities: Iterable[Modality]) -> Generation | None:
        """The generation that took the place of one that the store no longer has.

        Returns:
            None if the name still means the one that is gone.

        Raises:
            CollectionMissing: The name means nothing any more.
            StoreError: The store failed.
            EncoderError: The encoder of the new one cannot be loaded.
            SpaceMismatch: It is not of the new collection's space.
        """
        from ingest.store.collections import resolve_collection

        with self._looking:
            if self._live is gone:
                found = resolve_collection(self._engine, self._name)
                if _to_mark(found) == gone.mark:
                    return None
                self._take(found, modalities)
                self._postpone()
            return self._live

    def _postpone(self) -> None:
        """The next look; a generation's own name can mean nothing else."""
        is_own = self._name == self._live.collection.name
        self._due = inf if is_own else self._clock() + self._refresh_seconds

    def _follow(self, modalities: Iterable[Modality]) -> None:
        """Take the generation that the name means, if it is another and can be used."""
        from ingest.store.collections import read_collection

        try:
            mark = self._read_mark()
        except StoreError as error:
            _LOG.debug("%s: not looked up (%s)", self._name, error)
            return
        if mark in (None, self._live.mark) or self._clock() < self._refused.get(mark, 0.0):
            return
        try:
            self._take(read_collection(self._engine, mark[0]), modalities)
        except (StoreUnavailable, CollectionMissing) as error:
            _LOG.debug("%s: not read (%s)", mark[0], error)
        except Exception as error:  # noqa: BLE001 - a model's loader may raise anything
            self._refuse(mark, error)

    def _read_mark(self) -> _Mark | None:
        """What the alias means now; None if it is no alias or points to nothing that is ours."""
        from ingest.store.collections import read_aliases

        concrete = read_aliases(self._engine).get(self._name)
        if concrete is None:
            return None
        metadata = self._engine.read_metadata(concrete)
        mark = concrete, metadata.get("index_uuid")
        if mark == self._live.mark:
            self._live.renew(metadata)
        return mark

    def _take(self, collection: ConcreteCollection, modalities: Iterable[Modality]) -> None:
        old = self._live
        is_same_space = old.encoder.space.fingerprint == collection.space.fingerprint
        encoder = old.encoder if is_same_space else self._load_encoder(collection)
        new = Generation(collection, encoder)
        new.prove(old.proven | set(modalities))
        # One assignment: a thread sees the old pair or the new one, never half of each.
        self._live = new
        self._refused.clear()
        _LOG.info("%s means %s now, before %s", self._name, *(one.mark[0] for one in (new, old)))

    def _refuse(self, mark: _Mark, error: Exception) -> None:
        if mark not in self._refused:
            _LOG.warning(
                "%s means %s now, which cannot be searched here (%s): going on with %s until it is "
                "removed; make the model available here",
                self._name,
                mark[0],
                error,
                self._live.collection.name,
            )
        self._refused[mark] = self._clock() + RETRY_SECONDS


def _to_mark(collection: ConcreteCollection) -> _Mark:
    return collection.name, collection.metadata.get("index_uuid")

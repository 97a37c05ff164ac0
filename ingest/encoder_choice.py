"""Which encoder a run works with, and whether it must be loaded to know its space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.encoders.catalogue import HINGE_MODELS
from ingest.encoders.known_space import EncoderRequest, KnownSpaces
from ingest.encoders.lazy import LazyEncoder
from ingest.encoders.recorded import to_recorded_request
from ingest.store.model_folder import read_model_folder
from ingest.sync.state import to_known_spaces_path, to_state_dir

if TYPE_CHECKING:
    from ingest.store.collections import ConcreteCollection
    from schemas.settings import Settings
    from schemas.space import Encoder


def choose_encoder(live: ConcreteCollection | None, settings: Settings) -> Encoder:
    """The model that the settings name, with one thread inside each of its passes.

    Where they name none it is the live generation's own, so that a schedule goes on after a
    migration. The model is loaded only when
    something must be encoded or written, as long as nothing that decides its space has changed
    since it was last loaded; see :mod:`ingest.encoders.known_space`.

    Raises:
        ModelUnavailable: The model, its revision or the extra that runs it is not here.
    """
    if live is None or "model" in settings.model_fields_set:
        request = _to_request(settings)
    else:
        folder = read_model_folder(live)
        request = to_recorded_request(live.space, settings, folder=folder, threads=1)
    state_dir = to_state_dir(settings)
    if live is None or state_dir is None:
        return request.load()  # it is needed at once; an index that is not made yet keeps nothing
    if request.model in HINGE_MODELS:
        return request.load()  # its towers come when they are needed
    spaces = KnownSpaces(to_known_spaces_path(state_dir))
    known = spaces.find(request)
    if known is None or known.space != live.space:
        return spaces.load(request)
    return LazyEncoder(live.space, lambda: spaces.load(request), on_gpu=known.on_gpu)


def _to_request(settings: Settings) -> EncoderRequest:
    return EncoderRequest(
        model=settings.model,
        revision=settings.revision,
        threads=1,
        backend=settings.backend,
        dtype=settings.dtype,
        check=True,
    )

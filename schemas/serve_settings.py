"""How the server serves: the table ``[serve]`` of ``diptych.toml``."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr

MIN_TOKEN_CHARACTERS = 24
"""A shorter token could be guessed; ``secrets.token_urlsafe(32)`` makes one of 43."""


class ServeSettings(BaseModel):
    """Of ``diptych serve``. Environment variables begin with ``DIPTYCH_SERVE__``.

    Attributes:
        host: Address to listen on; another than a loopback one needs a token.
        port: Where; 0 for any that is free.
        workers: Processes on that port; several need an index on a Qdrant server.
        tokens: Who may ask, each ``read:TOKEN`` or ``write:TOKEN``; whoever may write may read.
        token_file: More of them, one a line; blank lines and those with ``#`` in front are none.
        host_names: The names that requests may call the server by. Without any those of this
            machine, and where there are tokens all.
        allow_origins: Origins of other web pages that may ask, e.g. ``https://example.org``.
        show_locations: Whether answers say where items lie on this machine.
        filter_fields: The payload fields that conditions and facets may name; without any all.
        rerank_models: What ``rerank`` may name; the server loads it.
        max_top_k: Hits in one answer, at most.
        max_pool: Candidates that are reordered, at most.
        max_upload_bytes: Of one request's body.
        body_seconds: How long a request's body may take to arrive.
        request_seconds: How long a request may take then.
        keep_alive_seconds: How long a connection may be idle.
        shutdown_seconds: How long a stopping server waits for what runs.
        drain_seconds: How long it answers on before that, while ``/readyz`` says that it stops.
        max_searches: Searches that run and wait, at most; further ones are told to come later.
        max_decodes: Uploaded images that are decoded at once.
        upload_seconds: How long an uploaded query image is kept.
        max_uploads_bytes: Of all of them together.
        inbox: Folder for records that are sent over HTTP, a root of the collection; without one
            none are taken.
        sync_every: Seconds between the server's own synchronisations; 0 for none.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", min_length=1)
    port: int = Field(8000, ge=0, le=65535)
    workers: int = Field(1, ge=1, le=256)
    tokens: tuple[SecretStr, ...] = ()
    token_file: Path | None = None
    host_names: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()
    show_locations: bool = False
    filter_fields: tuple[str, ...] = ()
    rerank_models: tuple[str, ...] = ()
    max_top_k: int = Field(200, ge=1, le=10_000)
    max_pool: int = Field(1_000, ge=1, le=10_000)
    max_upload_bytes: int = Field(10_000_000, ge=1_000)
    body_seconds: float = Field(20.0, gt=0)
    request_seconds: float = Field(30.0, gt=0)
    keep_alive_seconds: int = Field(15, ge=1)
    shutdown_seconds: int = Field(20, ge=1)
    drain_seconds: float = Field(0.0, ge=0)
    max_searches: int = Field(64, ge=1)
    max_decodes: int = Field(2, ge=1)
    upload_seconds: float = Field(3600.0, gt=0)
    max_uploads_bytes: int = Field(200_000_000, ge=0)
    inbox: Path | None = None
    sync_every: float = Field(0.0, ge=0)

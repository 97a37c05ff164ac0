"""The processes of a server: from settings to an open port, until a signal."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from functools import partial
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from ingest.logs import install_logs, is_json, say_error
from ingest.store.connect import is_server
from schemas.errors import DiptychError, SettingsError
from search.server.guard import is_loopback
from search.server.protocol import PatientProtocol
from search.server.shared import SHARED_FOLDER
from search.server.tokens import Tokens

if TYPE_CHECKING:
    from fastapi import FastAPI

    from schemas.settings import Settings

HEADER_BYTES: Final = 16_384
"""Of all headers of a request together, its line included."""

MOST_CONNECTIONS: Final = 1_000
"""Further ones are told to come later."""


def check_settings(settings: Settings) -> None:
    """Refuse what would be unsafe, or cannot be.

    Raises:
        SettingsError: Others could ask without a token, or several processes would open one index.
    """
    serve = settings.serve
    if not is_loopback(serve.host) and not Tokens.read(serve):
        raise SettingsError(
            f"serve.host: {serve.host} can be reached by others, so a token is needed: give "
            "--token-file, or stay with 127.0.0.1"
        )
    if serve.workers == 1:
        return
    if not is_server(settings.url):
        raise SettingsError(
            f"serve.workers: the embedded index {settings.url} belongs to one process at a time: "
            "leave --workers out, or index into a Qdrant server"
        )
    if serve.inbox or serve.sync_every:
        raise SettingsError(
            "serve.workers: only one process may synchronise: leave --inbox and --sync-every out "
            "and run diptych sync --watch beside the server, or leave --workers out"
        )


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then finish what runs, and return.

    Raises:
        SettingsError: See :func:`check_settings`; or the port is taken.
        DiptychError: The index cannot be opened.
    """
    check_settings(settings)
    # uvicorn raises a signal once more when it has stopped: that was not the end of the process.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _ignore)
    if settings.serve.workers == 1:
        _run_one(settings)
    else:
        _run_many(settings)


def make_worker(settings: Settings, logs: tuple[str, bool]) -> FastAPI:
    """The application in a process of its own, which logs as its parent does."""
    level, as_json = logs
    install_logs(level=level, as_json=as_json)
    try:
        return _open_app(settings)
    except DiptychError as error:
        say_error(str(error))
        sys.exit(STARTUP_FAILURE)


def _open_app(settings: Settings) -> FastAPI:
    """The application over an index that is open: what cannot be opened has no port either."""
    from search.server.app import create_app
    from search.server.metrics import Metrics
    from search.server.opening import open_searcher

    metrics = Metrics()
    return create_app(settings, searcher=open_searcher(settings, metrics), metrics=metrics)


def _run_one(settings: Settings) -> None:
    config = to_config(settings, _open_app(settings))
    server = uvicorn.Server(config)
    server.run(sockets=[_bind(config, settings)])
    if not server.started:
        raise SettingsError("the server could not start; its log says why")


def _run_many(settings: Settings) -> None:
    level = logging.getLevelName(logging.getLogger("search").level or logging.WARNING).lower()
    config = to_config(settings, partial(make_worker, settings, (level, is_json())))
    with TemporaryDirectory(prefix="diptych-metrics-") as folder:
        os.environ[SHARED_FOLDER] = folder  # before the workers start
        supervisor = Multiprocess(config, sockets=[_bind(config, settings)])
        supervisor.run()
        if any(one.exitcode == STARTUP_FAILURE for one in supervisor.processes):
            raise SettingsError("a worker could not start; its log says why")


def to_config(settings: Settings, app: object) -> uvicorn.Config:
    """How uvicorn runs an application, or what makes one."""
    serve = settings.serve
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        factory=isinstance(app, partial),
        host=serve.host,
        port=serve.port,
        workers=serve.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=HEADER_BYTES,
        http=PatientProtocol,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=serve.keep_alive_seconds,
        timeout_graceful_shutdown=serve.shutdown_seconds,
        ws="none",
    )


def _bind(config: uvicorn.Config, settings: Settings) -> socket.socket:
    serve = settings.serve
    family = socket.AF_INET6 if ":" in serve.host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((config.host.strip("[]"), config.port))
    except OSError as error:
        bound.close()
        raise SettingsError(
            f"serve: cannot listen on {serve.host} port {serve.port} ({error.strerror}); "
            "give another --port"
        ) from None
    bound.set_inheritable(True)
    name = f"[{serve.host}]" if family == socket.AF_INET6 else serve.host
    click.echo(f"Serving on http://{name}:{bound.getsockname()[1]}", err=True)
    sys.stderr.flush()
    return bound


def _ignore(_number: int, _frame: object) -> None:
    """Nothing: the server has its own handler while it runs."""

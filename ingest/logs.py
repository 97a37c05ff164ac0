"""What the command line logs, to stderr: plain lines for people, or one JSON object a line.

Nothing but the standard library is imported before JSON is asked for.
"""

from __future__ import annotations

import json
import logging
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

OWN_LOGGERS = ("diptych", "ingest", "schemas", "search")
"""Whose level ``--log-level`` sets; libraries are heard from warnings on."""

LEVELS = ("debug", "info", "warning", "error")

_fields: dict[str, str] = {}
_is_json = False


Command = TypeVar("Command", bound="Callable[..., object]")


def log_options(command: Command) -> Command:
    """Give a click command ``--log-format`` and ``--log-level``; both act before it runs."""
    level = click.option(
        "--log-level",
        type=click.Choice(LEVELS, case_sensitive=False),
        default="warning",
        show_default=True,
        expose_value=False,
        callback=lambda ctx, _, value: install_logs(level=value, as_json=_asks_json(ctx)),
        help="What is logged to stderr.",
    )
    form = click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        expose_value=False,
        is_eager=True,
        callback=lambda ctx, _, value: ctx.meta.update({__name__: value}),
        help="How; json is one object a line, and no progress bar.",
    )
    return form(level(command))


def _asks_json(context: click.Context) -> bool:
    return context.meta.get(__name__) == "json"


def install_logs(*, level: str = "warning", as_json: bool = False) -> None:
    """Send what is logged to stderr, in place of what an earlier call installed.

    Args:
        level: Of our own loggers: ``debug``, ``info``, ``warning`` or ``error``.
        as_json: One object a line, with ``timestamp`` (ISO 8601 in UTC), ``level``, ``logger``,
            ``message``, what :func:`log_fields` names and any ``extra``. Python's warnings and
            errors that end the process are logged too. Otherwise the message alone.
    """
    global _is_json  # noqa: PLW0603 - the process has one stderr
    _is_json = as_json
    handler = _Stderr()
    handler.setFormatter(_make_json_formatter() if as_json else logging.Formatter("%(message)s"))
    root = logging.getLogger()
    root.handlers = [one for one in root.handlers if not isinstance(one, _Stderr)]
    root.addHandler(handler)
    for name in OWN_LOGGERS:
        # The root's own level is that of warnings.
        own = logging.NOTSET if level == "warning" else logging.getLevelName(level.upper())
        logging.getLogger(name).setLevel(own)
    logging.captureWarnings(as_json)
    if as_json:
        sys.excepthook = _log_uncaught
    elif sys.excepthook is _log_uncaught:
        sys.excepthook = sys.__excepthook__


def is_json() -> bool:
    """Whether stderr is for a program, which a bar or a plain line would confuse."""
    return _is_json


@contextmanager
def log_fields(**fields: str) -> Iterator[None]:
    """Add fields to everything that is logged in the block, by any thread of the process."""
    before = dict(_fields)
    _fields.update(fields)
    try:
        yield
    finally:
        _fields.clear()
        _fields.update(before)


def say_error(message: str) -> None:
    """Tell what ended a command: ``Error: ...``, or a log line where stderr is JSON."""
    if _is_json:
        logging.getLogger("diptych").error(message)
    else:
        click.echo(f"Error: {message}", err=True)


def to_line(message: str) -> bytes:
    """A line for stderr that a signal handler writes, which must not log."""
    if not _is_json:
        return f"{message}\n".encode()
    now = datetime.now(UTC).isoformat()
    said = {"timestamp": now, "level": "WARNING", "logger": "diptych", "message": message}
    return f"{json.dumps({**said, **_fields})}\n".encode()


def _make_json_formatter() -> logging.Formatter:
    from pythonjsonlogger.json import JsonFormatter

    # Names of record attributes; a timestamp among them holds its place at the front.
    return JsonFormatter(
        ["timestamp", "levelname", "name", "message"],
        rename_fields={"levelname": "level", "name": "logger"},
        timestamp=True,
    )


class _Stderr(logging.Handler):
    """Writes to whatever is stderr at the time, and adds the fields of the run."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        for name, value in _fields.items():
            if not hasattr(record, name):
                setattr(record, name, value)
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 - as every handler does: logging must not end a run
            self.handleError(record)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    logging.getLogger("diptych").critical(
        "%s: %s", kind.__name__, error, exc_info=(kind, error, traceback)
    )

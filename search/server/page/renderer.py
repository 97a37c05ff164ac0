"""Templates -> answers of HTML; everything that is put into them is escaped."""

from __future__ import annotations

import re
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from search.server.page.wording import to_bytes, to_day, to_number

FOLDER: Final = Path(__file__).parent

_BREAKS = re.compile(r"(?<=[_/])(?=[^/])")

FRAGMENT: Final = "x-fragment"
"""The request header of the page's own script, which asks for a part of the page."""


class Renderer:
    """The page's templates, read once."""

    def __init__(self) -> None:
        """Read no template yet."""
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "breakable": to_breakable,
            "bytes": to_bytes,
            "day": to_day,
            "number": to_number,
        }
        self._environment.globals["static"] = to_static_url

    def render(
        self,
        request: Request,
        name: str,
        *,
        status_code: int = 200,
        **values: Any,  # noqa: ANN401 - what the template shows
    ) -> HTMLResponse:
        """A template with its values.

        Args:
            request: That is answered.
            name: File name of the template.
            status_code: Of the answer.
            values: By the names that the template uses.
        """
        values.setdefault("here", request.url.path)
        values["has_session"] = bool(request.app.state.tokens)
        html = self._environment.get_template(name).render(values)
        return HTMLResponse(html, status_code=status_code, headers={"Vary": FRAGMENT})


def to_breakable(name: str) -> list[str]:
    """The parts of a name that it may be broken between: after a slash or a lowline."""
    return _BREAKS.split(name)


def to_static_url(name: str) -> str:
    """The address of a static file, which changes when the file does."""
    return f"/static/{name}?v={_HASHES[name]}"


def _hash_files() -> dict[str, str]:
    files = sorted((FOLDER / "static").iterdir())
    return {
        one.name: blake2b(one.read_bytes(), digest_size=6).hexdigest()
        for one in files
        if one.is_file()
    }


_HASHES: Final = _hash_files()

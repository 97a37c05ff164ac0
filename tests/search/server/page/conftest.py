"""A real server, a real browser; one of each for a module.

No longer: while the browser is driven its event loop counts as running in this thread, so that
no other test could run one.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("fastapi", reason="needs the extra server")
pytest.importorskip("playwright.sync_api", reason="drives the browser")

from playwright.sync_api import expect, sync_playwright

from ingest.store.connect import connect
from ingest.sync.job import SyncJob
from schemas.settings import load_settings
from search.server.app import create_app
from search.server.metrics import Metrics
from search.server.opening import open_searcher
from tests.legible import LegibleEncoder
from tests.search.server.conftest import running
from tests.search.server.page.corpus import write_corpus, write_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

REQUIRED = "DIPTYCH_REQUIRE_BROWSER"
"""Set where the tests must not be skipped, as in continuous integration."""

PATIENCE_MS = 30_000
"""Until what must appear is given up: a machine with one busy core is slow."""

SHOTS = Path(__file__).parents[4] / "build" / "screenshots"
"""Where pictures of the page are left, to be looked at."""

expect.set_options(timeout=PATIENCE_MS)

_SEEN = """() => Promise.allSettled([...document.images]
  .filter((one) => one.src && one.getBoundingClientRect().top < innerHeight)
  .map((one) => one.decode()))"""


@dataclass
class Visit:
    """A page in a browser, and what went wrong on it.

    Attributes:
        page: To be driven.
        url: Of the server.
        complaints: Errors of the console, uncaught ones, and requests to other hosts.
        allowed: What the browser must complain of here, as it is a part of each such complaint.
    """

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    allowed: tuple[str, ...] = ()

    def go(self, path: str) -> Page:
        """Open a path of the server."""
        self.page.goto(self.url + path)
        return self.page

    def allow(self, *parts: str) -> None:
        """Expect these complaints, whenever the browser gets round to them."""
        self.allowed += parts

    def unexpected(self) -> list[str]:
        """Complaints that no test asked for."""
        return [one for one in self.complaints if not any(part in one for part in self.allowed)]

    def shoot(self, name: str) -> None:
        """Leave a picture."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.evaluate(_SEEN)
        self.page.screenshot(path=SHOTS / f"{name}.png")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIPTYCH_CACHE_DIR", str(folder / "cache"))
        yield folder


@contextmanager
def page_server(folder: Path, *, is_filled: bool = True, **serve: Any) -> Iterator[str]:
    """A server over the corpus, or over one page of it; its address."""
    settings = load_settings(
        url=":memory:", collection="page", state_dir=folder / "state", isolate=False, serve=serve
    )
    engine, encoder, metrics = connect(":memory:"), LegibleEncoder(), Metrics()
    roots = write_corpus(folder / "corpus") if is_filled else write_page(folder / "one")
    SyncJob(roots, settings).run(engine=engine, encoder=encoder)
    searcher = open_searcher(settings, metrics, engine=engine, load_encoder=lambda _: encoder)
    with running(create_app(settings, searcher=searcher, metrics=metrics), settings) as url:
        yield url


@pytest.fixture(scope="module")
def address(cache: Path) -> Iterator[str]:
    with page_server(cache) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        say = pytest.fail if os.environ.get(REQUIRED) else pytest.skip
        say(f"none of {', '.join(BROWSERS)} is installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def visiting(browser: Browser, url: str, **options: Any) -> Iterator[Visit]:
    """A fresh browser's page; nothing may go wrong on it but what the test takes away."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    context.set_default_timeout(PATIENCE_MS)
    visit = Visit(context.new_page(), url)
    listen(visit)
    try:
        yield visit
        assert visit.unexpected() == []
    finally:
        context.close()


def listen(visit: Visit) -> None:
    """Write down what goes wrong."""

    def hear_console(said: ConsoleMessage) -> None:
        if said.type == "error":
            visit.complaints.append(f"{said.text} {said.location['url']}")

    def hear_request(asked: Request) -> None:
        if not asked.url.startswith(visit.url):
            visit.complaints.append(asked.url)

    def hear_dialog(dialog: Dialog) -> None:
        visit.complaints.append("a dialog")
        dialog.dismiss()

    visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    visit.page.on("console", hear_console)
    visit.page.on("request", hear_request)
    visit.page.on("dialog", hear_dialog)


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    with visiting(browser, address) as visit:
        yield visit

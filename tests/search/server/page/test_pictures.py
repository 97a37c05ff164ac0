"""Photographs that are dropped, pasted and chosen; a server that is gone."""

from __future__ import annotations

import re
from base64 import b64encode
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import expect

from tests.search.server.page.conftest import Visit, page_server, visiting

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Route

_SEND = """([kind, encoded, type]) => {
  const bytes = Uint8Array.from(atob(encoded), (one) => one.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], "photograph.png", { type }));
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}"""


def blue() -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (64, 48), (0, 0, 255)).save(buffer, "PNG")
    return buffer.getvalue()


def send(page: Page, kind: str, content: bytes, media_type: str = "image/png") -> None:
    page.evaluate(_SEND, [kind, b64encode(content).decode(), media_type])


def expect_blue(page: Page) -> None:
    expect(page.locator(".hit.is-image .title").first).to_have_text("blue.png")
    expect(page).to_have_url(re.compile("upload="))
    expect(page.locator("#preview")).to_be_visible()


def test_a_dropped_photograph_is_searched_with(visit: Visit) -> None:
    page = visit.go("/")
    send(page, "dragenter", blue())
    expect(page.locator("#curtain")).to_be_visible()
    visit.shoot("drop")
    send(page, "drop", blue())
    expect_blue(page)
    expect(page.locator("#curtain")).to_be_hidden()


def test_a_pasted_photograph_is_put_together_with_words(visit: Visit) -> None:
    page = visit.go("/?q=green")
    send(page, "paste", blue())
    # The answer before this one was without the photograph, so none of its links had it.
    expect(page.locator("#more[href*='upload=']")).to_be_attached()
    expect(page).to_have_url(re.compile("q=green&upload="))
    found = page.locator(".hit.is-image .title").all_inner_texts()
    assert set(found[:2]) == {"blue.png", "green.png"}
    page.click("#drop-picture")
    expect(page.locator("#preview")).to_be_hidden()
    expect(page).not_to_have_url(re.compile("upload"))


def test_a_chosen_photograph_survives_a_reload(visit: Visit) -> None:
    page = visit.go("/")
    page.set_input_files("#file", {"name": "one.png", "mimeType": "image/png", "buffer": blue()})
    expect_blue(page)
    page.reload()
    expect_blue(page)
    visit.shoot("photograph")


def test_what_is_no_photograph_is_refused_in_a_sentence(visit: Visit) -> None:
    visit.allow("status of 4")  # the browser reports every refusal
    page = visit.go("/")
    send(page, "drop", b"words", "text/plain")
    expect(page.locator(".broken")).to_contain_text("no image")
    send(page, "drop", b"damaged", "image/png")
    expect(page.locator(".sentence")).not_to_contain_text("no image")
    expect(page.locator(".retry")).to_be_visible()


def test_a_photograph_is_sent_without_a_script(browser: Browser, address: str) -> None:
    with visiting(browser, address, java_script_enabled=False) as visit:
        page = visit.go("/?q=green&target=image&year=2011")
        page.set_input_files(
            ".sending input", {"name": "one.png", "mimeType": "image/png", "buffer": blue()}
        )
        page.get_by_role("button", name="Search with it").click()
        sent = re.compile(r"/\?q=green&target=image&upload=[0-9a-f]{64}&year=2011$")
        expect(page).to_have_url(sent)
        expect(page.get_by_alt_text("the photograph")).to_be_visible()
        expect(page.locator(".hit").first).to_be_visible()
        page.get_by_text("Without").click()
        expect(page).to_have_url(f"{visit.url}/?q=green&target=image&year=2011")


def test_what_cannot_be_sent_is_said_without_a_script(browser: Browser, address: str) -> None:
    with visiting(browser, address, java_script_enabled=False) as visit:
        visit.allow("status of 4")
        page = visit.go("/?q=green")
        page.set_input_files(
            ".sending input", {"name": "one.png", "mimeType": "image/png", "buffer": b"damaged"}
        )
        page.get_by_role("button", name="Search with it").click()
        expect(page.locator(".sentence")).to_contain_text("not an image")
        page.get_by_role("link", name="Try again").click()
        expect(page).to_have_url(f"{visit.url}/?q=green")
        page.locator(".sending input").evaluate("one => one.required = false")
        page.get_by_role("button", name="Search with it").click()
        expect(page.locator(".sentence")).to_have_text(re.compile(r"\w"))


def test_an_upload_that_is_gone_is_said(visit: Visit) -> None:
    visit.allow("status of 4")
    page = visit.go(f"/?upload={'0' * 64}")
    expect(page.locator(".broken")).to_contain_text("no longer kept")
    visit.shoot("error")


def test_a_server_that_is_gone_is_said_and_asked_again(visit: Visit) -> None:
    visit.allow("ERR_INTERNET_DISCONNECTED")
    page = visit.go("/?q=red")
    visit.page.context.set_offline(offline=True)
    page.fill("#q", "green")
    page.press("#q", "Enter")
    expect(page.locator(".broken")).to_contain_text("does not answer")
    expect(page.locator("#live")).to_contain_text("does not answer")
    visit.shoot("gone")
    visit.page.context.set_offline(offline=False)
    page.locator(".retry").click()
    expect(page.locator(".hit.is-image .title").first).to_have_text("green.png")
    expect(page.locator("#results")).to_be_focused()


def test_a_slow_answer_is_awaited_in_sight(visit: Visit) -> None:
    page = visit.go("/")
    held: list[Route] = []
    page.route("**/?q=green", lambda route: held.append(route))  # noqa: PLW0108 - playwright wants a function of its own
    page.fill("#q", "green")
    page.press("#q", "Enter")
    expect(page.locator(".skeleton").first).to_be_attached()
    expect(page.locator("#answer")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#live")).to_have_text("Searching")
    visit.shoot("slow")
    while not held:  # the browser asks in its own time
        page.wait_for_timeout(10)
    held[0].continue_()
    expect(page.locator(".hit.is-image .title").first).to_have_text("green.png")
    expect(page.locator("#answer")).not_to_have_attribute("aria-busy", re.compile(""))


def test_a_server_s_refusal_is_said_in_its_own_words(visit: Visit) -> None:
    visit.allow("status of 4")
    page = visit.go("/?q=red&target=image")
    liked = page.locator(".hit").first.get_attribute("data-point")
    page.goto(f"{visit.url}/?not={liked}&not=nothing")
    expect(page.locator(".sentence")).to_contain_text("nothing")


def test_who_has_no_token_signs_in_and_goes_on(browser: Browser, tmp_path: Path) -> None:
    token = "a-token-that-nobody-guesses"  # noqa: S105 - of this test
    with (
        page_server(tmp_path, tokens=[f"read:{token}"]) as url,
        visiting(browser, url) as visit,
    ):
        visit.allow("status of 401")
        page = visit.go("/?q=blue")
        page.fill("#token", "another-one-that-is-wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#wrong")).to_be_visible()
        page = visit.go("/?q=blue")
        page.fill("#token", token)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#answer .hit").first).to_be_visible()
        expect(page).to_have_url(f"{visit.url}/?q=blue")

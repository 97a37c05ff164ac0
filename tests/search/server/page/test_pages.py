"""The pages beside the answers: one item, and addresses where there is nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.search.server.page.conftest import Visit


def test_a_passage_shows_the_sentence_that_was_meant(visit: Visit) -> None:
    page = visit.go("/?q=blue&target=text")
    page.get_by_role("link", name="The sea", exact=True).click()
    expect(page.locator(".reading mark")).to_have_text("The blue sea.")
    expect(page.locator("h1")).to_have_text("The sea")
    expect(page.locator(".reading")).not_to_have_text(re.compile(r"^\s*The sea"))


def test_every_page_has_a_box_to_search_from(visit: Visit) -> None:
    page = visit.go("/?q=blue&target=text")
    page.get_by_role("link", name="The sea", exact=True).click()
    page.wait_for_url("**/item/**")
    box = page.get_by_role("search").get_by_role("searchbox")
    expect(box).to_have_value("blue")
    for path in ("/overview", "/map"):
        page = visit.go(path)
        box = page.get_by_role("search").get_by_role("searchbox")
        box.fill("green")
        box.press("Enter")
        page.wait_for_url("**/?q=green")
        expect(page.locator(".hit").first).to_be_visible()
        expect(page.get_by_role("searchbox")).to_have_count(1)


def test_names_are_broken_where_words_end(visit: Visit) -> None:
    page = visit.go("/?q=red&target=image")
    page.locator(".hit .open").first.click()
    page.wait_for_url("**/item/**")
    address = page.locator("tr", has_text="Address").locator("td")
    expect(address).to_have_text(re.compile("^folder://pictures/"))
    assert "pictures/<wbr>" in address.inner_html()


def test_an_address_where_nothing_is_has_a_page_for_people(visit: Visit) -> None:
    visit.allow("status of 404")
    for path in ("/nowhere", "/item/", "/v2/search?q=%3Cb%3E"):
        page = visit.go(path)
        expect(page.locator(".sentence")).to_have_text("There is no page at this address.")
        expect(page.get_by_role("link", name="Try again")).to_have_count(0)
        expect(page.get_by_role("link", name="New search", exact=True)).to_be_visible()
    visit.shoot("unknown")


def test_programs_are_told_in_their_own_language(visit: Visit) -> None:
    asked = visit.page.request
    for path, accept in (("/nowhere", "*/*"), ("/v1/nowhere", "text/html")):
        answer = asked.get(visit.url + path, headers={"Accept": accept})
        assert answer.status == 404
        assert answer.headers["content-type"] == "application/problem+json"
    answer = asked.delete(visit.url + "/overview", headers={"Accept": "text/html"})
    assert answer.status == 405
    assert answer.headers["allow"]

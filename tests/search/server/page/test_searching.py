"""Words, filters, composing, pages of hits, going back: with a script and without."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.search.server.page.conftest import Visit, page_server, visiting
from tests.search.server.page.corpus import REDS

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page


def names(page: Page) -> list[str]:
    return page.locator("#answer .hit .title, #answer .hit h3 a").all_inner_texts()


def ask(page: Page, words: str) -> None:
    page.fill("#q", words)
    page.press("#q", "Enter")
    page.wait_for_url("**q=**")
    page.wait_for_selector("#answer .hit")


def test_words_find_images_and_documents(visit: Visit) -> None:
    page = visit.go("/")
    ask(page, "blue")
    assert {"blue.png", "The sea"} <= set(names(page))
    expect(page.locator(".passage mark", has_text="The blue sea.")).to_be_visible()
    assert page.locator("#live").inner_text().endswith("results, there are more")
    page.locator(".merged").wait_for()
    visit.shoot("both")


def test_two_panels_stand_side_by_side_in_one_ranking(visit: Visit) -> None:
    page = visit.go("/?q=red+rose")
    boxes = {
        kind: [one.bounding_box() for one in page.locator(f".hit.{kind}").all()]
        for kind in ("is-image", "is-text")
    }
    right_of_images = max(box["x"] + box["width"] for box in boxes["is-image"] if box)
    assert all(box["x"] >= right_of_images for box in boxes["is-text"] if box)
    ranks = [int(one.split()[-1]) for one in page.locator(".rank").all_inner_texts()]
    assert ranks == list(range(1, 25))


def test_the_target_switch_shows_one_panel(visit: Visit) -> None:
    page = visit.go("/?q=red")
    page.locator(".target label", has_text="Documents").click()
    page.wait_for_selector(".hits.passages")
    assert "target=text" in page.url
    assert page.locator(".hit.is-image").count() == 0


def test_filters_narrow_and_are_taken_off(visit: Visit) -> None:
    page = visit.go("/?q=red&target=image")
    page.locator("#filters summary").click()
    page.locator(".groups label", has_text="2011").click()
    page.wait_for_selector(".term")
    assert "year=2011" in page.url
    assert page.locator(".hit").count() == 13
    assert page.evaluate("document.activeElement.value") == "2011"
    visit.shoot("filters")
    page.get_by_label("Remove the filter 2011").click()
    page.wait_for_selector(".term", state="detached")
    assert "year" not in page.url


def test_hits_are_composed_with_plus_and_minus(visit: Visit) -> None:
    page = visit.go("/?q=red&target=image")
    first = page.locator(".hit .open").first
    first.focus()
    page.keyboard.press("-")
    page.wait_for_selector(".term.without")
    assert "not=" in page.url
    page.locator(".hit .open").nth(3).focus()
    page.keyboard.press("+")
    page.wait_for_selector(".term.with")
    assert "like=" in page.url
    visit.shoot("compose")
    page.locator(".term.without .icon").click()
    page.wait_for_selector(".term.without", state="detached")
    assert page.locator(".term.with").count() == 1


def test_back_forward_and_reload_give_the_same(visit: Visit) -> None:
    page = visit.go("/")
    ask(page, "blue")
    blue = names(page)
    ask(page, "green")
    expect(page.locator(".hit .title").first).to_have_text("green.png")
    page.go_back()
    expect(page.locator(".hit .title").first).to_have_text("blue.png")
    assert page.input_value("#q") == "blue"
    page.reload()
    assert names(page) == blue
    page.go_forward()
    expect(page.locator(".hit .title").first).to_have_text("green.png")
    page.go_back()
    page.go_back()
    page.wait_for_selector(".home")
    assert page.input_value("#q") == ""


def test_more_goes_on_and_survives_a_reload(visit: Visit) -> None:
    page = visit.go("/?q=red&target=image")
    page.click("#more")
    page.wait_for_selector("#hit-25")
    assert page.locator(".hit").count() == 44
    assert page.locator("#more").count() == 0
    assert page.evaluate("document.activeElement.closest('.hit').id") == "hit-25"
    shown = names(page)
    assert len(set(shown)) == 44
    page.reload()
    assert sorted(names(page)) == sorted(shown)


def test_the_end_of_the_list_is_said(browser: Browser, tmp_path: Path) -> None:
    with (
        page_server(tmp_path, max_top_k=48) as url,
        visiting(browser, url) as visit,
    ):
        page = visit.go("/?q=red")
        page.click("#more")
        expect(page.locator(".next")).to_contain_text("These are the first 48.")
        assert page.locator(".hit").count() == 48
        page.reload()
        assert page.locator(".hit").count() == 48
        assert page.locator("#more").count() == 0


def test_answers_are_put_in_the_order_of_a_date(visit: Visit) -> None:
    page = visit.go("/?q=red&target=image")
    page.get_by_label("Order").select_option(label="Taken, newest first")
    page.wait_for_url("**sort=-taken_at**")
    of_year = {
        year: re.compile("|".join(f"red-{number:02}" for number in range(year % 2010, REDS, 3)))
        for year in (2012, 2011)
    }
    newest = [of_year[2012]] * 13 + [of_year[2011]] * 11
    expect(page.locator(".hit .title")).to_have_text(newest)
    assert page.evaluate("document.activeElement.name") == "sort"
    page.reload()
    assert page.get_by_label("Order").input_value() == "-taken_at"
    page.get_by_label("Order").press("Escape")
    assert "q=red" in page.url
    page.get_by_label("Order").select_option(label="Best first")
    page.wait_for_url(lambda url: "sort" not in url)


def test_keys(visit: Visit) -> None:
    page = visit.go("/?q=red")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.closest('.hit').id") == "hit-2"
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.closest('.hit').id") == "hit-1"
    page.keyboard.press("Enter")
    page.wait_for_url("**/item/**")
    page.go_back()
    page.wait_for_selector("#answer .hit")
    page.keyboard.press("Escape")
    page.wait_for_selector(".home")
    assert page.url.endswith("/")


def test_scores_are_shown_on_demand_and_remembered(visit: Visit) -> None:
    page = visit.go("/?q=red")
    page.locator(".score").first.wait_for(state="hidden")
    page.locator(".scores").click()
    assert "cosine" in page.locator(".score").first.inner_text()
    page.reload()
    page.locator(".score").first.wait_for()


def test_only_good_matches_may_be_none(visit: Visit) -> None:
    page = visit.go("/?q=nothing+of+this&good=1")
    assert "Nothing here is a good match" in page.locator("#answer").inner_text()
    visit.shoot("empty")
    page.get_by_text("Show the nearest anyway").click()
    page.wait_for_selector("#answer .hit")
    assert "good" not in page.url


@pytest.mark.parametrize("path", ["/?q=red&target=image"])
def test_all_of_it_works_without_a_script(browser: Browser, address: str, path: str) -> None:
    with visiting(browser, address, java_script_enabled=False) as visit:
        page = visit.go("/")
        page.fill("#q", "blue")
        page.press("#q", "Enter")
        assert "blue.png" in names(page)
        page = visit.go(path)
        page.locator(".hit").first.hover()
        page.locator(".hit .minus").first.click()
        assert page.locator(".term.without").count() == 1
        page.locator("#filters summary").click()
        page.locator(".groups label", has_text="2012").click()
        page.locator("#filters").get_by_text("Apply").click()
        assert "year=2012" in page.url
        assert "not=" in page.url
        page = visit.go(path)
        page.click("#more")
        assert page.locator(".hit").count() == 44
        page.locator(".hit .open").first.click()
        page.wait_for_selector("img.large")

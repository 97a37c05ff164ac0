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

    from playwright.sync_api import Browser, Locator, Page


def titles(page: Page) -> Locator:
    return page.locator("#answer .hit .title, #answer .hit h3 a")


def ask(page: Page, words: str, *, best: str) -> None:
    """Ask, until the best hit is this one; a page that was left had another."""
    page.fill("#q", words)
    page.press("#q", "Enter")
    expect(titles(page).first).to_have_text(best)
    expect(page).to_have_url(re.compile(f"q={words}"))


def test_words_find_images_and_documents(visit: Visit) -> None:
    page = visit.go("/")
    ask(page, "blue", best="blue.png")
    assert {"blue.png", "The sea"} <= set(titles(page).all_inner_texts())
    expect(page.locator(".passage mark", has_text="The blue sea.")).to_be_visible()
    expect(page.locator("#live")).to_have_text(re.compile("results, there are more$"))
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
    expect(page.locator(".hits.passages")).to_be_visible()
    expect(page).to_have_url(re.compile("target=text"))
    expect(page.locator(".hit.is-image")).to_have_count(0)


def test_filters_narrow_and_are_taken_off(visit: Visit) -> None:
    page = visit.go("/?q=red&target=image")
    page.locator("#filters summary").click()
    page.locator(".groups label", has_text="2011").click()
    expect(page.locator(".term")).to_have_count(1)
    expect(page).to_have_url(re.compile("year=2011"))
    expect(page.locator(".hit")).to_have_count(13)
    expect(page.locator("#filters input[value='2011']")).to_be_focused()
    visit.shoot("filters")
    page.get_by_label("Remove the filter 2011").click()
    expect(page.locator(".term")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("year"))


def test_hits_are_composed_with_plus_and_minus(visit: Visit) -> None:
    page = visit.go("/?q=red&target=image")
    first = page.locator(".hit .open").first
    first.focus()
    page.keyboard.press("-")
    expect(page.locator(".term.without")).to_be_visible()
    expect(page).to_have_url(re.compile("not="))
    page.locator(".hit .open").nth(3).focus()
    page.keyboard.press("+")
    expect(page.locator(".term.with")).to_be_visible()
    expect(page).to_have_url(re.compile("like="))
    visit.shoot("compose")
    page.locator(".term.without .icon").click()
    expect(page.locator(".term.without")).to_have_count(0)
    expect(page.locator(".term.with")).to_have_count(1)


def test_back_forward_and_reload_give_the_same(visit: Visit) -> None:
    page = visit.go("/")
    ask(page, "blue", best="blue.png")
    blue = titles(page).all_inner_texts()
    ask(page, "green", best="green.png")
    page.go_back()
    expect(page.locator(".hit .title").first).to_have_text("blue.png")
    expect(page.locator("#q")).to_have_value("blue")
    page.reload()
    expect(titles(page)).to_have_text(blue)
    page.go_forward()
    expect(page.locator(".hit .title").first).to_have_text("green.png")
    page.go_back()
    expect(page.locator(".hit .title").first).to_have_text("blue.png")
    page.go_back()
    expect(page.locator(".home")).to_be_visible()
    expect(page.locator("#q")).to_have_value("")


def test_more_goes_on_and_survives_a_reload(visit: Visit) -> None:
    page = visit.go("/?q=red&target=image")
    page.click("#more")
    expect(page.locator(".hit")).to_have_count(44)
    expect(page.locator("#more")).to_have_count(0)
    expect(page.locator("#hit-25 .open")).to_be_focused()
    shown = titles(page).all_inner_texts()
    assert len(set(shown)) == 44
    page.reload()
    expect(titles(page)).to_have_count(44)
    assert sorted(titles(page).all_inner_texts()) == sorted(shown)


def test_the_end_of_the_list_is_said(browser: Browser, tmp_path: Path) -> None:
    with (
        page_server(tmp_path, max_top_k=48) as url,
        visiting(browser, url) as visit,
    ):
        page = visit.go("/?q=red")
        page.click("#more")
        expect(page.locator(".next")).to_contain_text("These are the first 48.")
        expect(page.locator(".hit")).to_have_count(48)
        page.reload()
        expect(page.locator(".hit")).to_have_count(48)
        expect(page.locator("#more")).to_have_count(0)


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
    expect(page.get_by_label("Order")).to_be_focused()
    page.reload()
    expect(page.get_by_label("Order")).to_have_value("-taken_at")
    page.get_by_label("Order").press("Escape")
    expect(page).to_have_url(re.compile("q=red"))
    page.get_by_label("Order").select_option(label="Best first")
    page.wait_for_url(lambda url: "sort" not in url)


def test_keys(visit: Visit) -> None:
    page = visit.go("/?q=red")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#hit-2 .open")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#hit-1 .open")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/item/**")
    page.go_back()
    expect(page.locator("#answer .hit")).to_have_count(24)
    page.keyboard.press("Escape")
    expect(page.locator(".home")).to_be_visible()
    expect(page).to_have_url(f"{visit.url}/")


def test_scores_are_shown_on_demand_and_remembered(visit: Visit) -> None:
    page = visit.go("/?q=red")
    expect(page.locator(".score").first).to_be_hidden()
    page.locator(".scores").click()
    expect(page.locator(".score").first).to_be_visible()
    expect(page.locator(".score").first).to_contain_text("cosine")
    page.reload()
    expect(page.locator(".score").first).to_be_visible()


def test_only_good_matches_may_be_none(visit: Visit) -> None:
    page = visit.go("/?q=nothing+of+this&good=1")
    expect(page.locator("#answer")).to_contain_text("Nothing here is a good match")
    visit.shoot("empty")
    page.get_by_text("Show the nearest anyway").click()
    expect(page.locator("#answer .hit").first).to_be_visible()
    expect(page).not_to_have_url(re.compile("good"))


@pytest.mark.parametrize("path", ["/?q=red&target=image"])
def test_all_of_it_works_without_a_script(browser: Browser, address: str, path: str) -> None:
    with visiting(browser, address, java_script_enabled=False) as visit:
        page = visit.go("/")
        ask(page, "blue", best="blue.png")
        page = visit.go(path)
        page.locator(".hit").first.hover()
        page.locator(".hit .minus").first.click()
        expect(page.locator(".term.without")).to_have_count(1)
        page.locator("#filters summary").click()
        page.locator(".groups label", has_text="2012").click()
        page.locator("#filters").get_by_text("Apply").click()
        expect(page).to_have_url(re.compile("not=.*year=2012"))
        page = visit.go(path)
        page.click("#more")
        expect(page.locator(".hit")).to_have_count(44)
        page.locator(".hit .open").first.click()
        expect(page.locator("img.large")).to_be_visible()

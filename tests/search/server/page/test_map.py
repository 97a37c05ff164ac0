"""The map: with a mouse, a finger, the keyboard, and without a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.search.server.page.conftest import Visit, page_server, visiting

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page


def open_map(visit: Visit) -> Page:
    page = visit.go("/map")
    page.wait_for_selector("#plane[data-ready]")
    return page


def test_a_rectangle_lists_what_lies_in_it(visit: Visit) -> None:
    page = open_map(visit)
    box = page.locator("#plane").bounding_box()
    assert box
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] - 2, steps=3)
    page.mouse.up()
    expect(page.locator("#list-name")).to_have_text("62 points in the rectangle")
    expect(page.locator("#points a")).to_have_count(62)
    expect(page.locator("#points script, #points [onerror]")).to_have_count(0)
    visit.shoot("map")
    page.locator("#points a", has_text="green.png").click()
    expect(page.locator("img.large")).to_be_visible()


def test_a_point_says_what_it_is(visit: Visit) -> None:
    page = open_map(visit)
    box = page.locator("#plane").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("#list-name")).to_have_text("The 12 points nearest to there")
    expect(page.locator("#points a")).to_have_count(12)


def test_the_keyboard_moves_the_rectangle(visit: Visit) -> None:
    page = open_map(visit)
    page.focus("#plane")
    for _ in range(30):
        page.keyboard.press("+")
    expect(page.locator("#live")).to_have_text("62 points in the rectangle")
    for _ in range(30):
        page.keyboard.press("-")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#live")).to_contain_text("in the rectangle")


def test_without_a_script_there_is_a_list(browser: Browser, address: str) -> None:
    with visiting(browser, address, java_script_enabled=False) as visit:
        page = visit.go("/map")
        expect(page.locator("#points a")).to_have_count(36)


def test_where_there_is_no_map_it_says_how_one_comes_about(
    browser: Browser, tmp_path: Path
) -> None:
    with (
        page_server(tmp_path, is_filled=False) as url,
        visiting(browser, url) as visit,
    ):
        page = visit.go("/map")
        expect(page.locator("main")).to_contain_text("that changes something")
        visit.shoot("no-map")
        page = visit.go("/?q=red")
        expect(page.locator("#answer .hit")).to_have_count(1)

"""Who sees, touches and hears it: colours, widths, weight, and axe's judgement."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.search.server.page.conftest import Visit, visiting
from tests.search.server.page.corpus import ATTACK

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MOST_BYTES = 100_000

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}


def open_item(page: Page) -> None:
    page.locator(".hit .open").first.click()
    page.wait_for_url("**/item/**")


THUMBNAIL = re.compile("/thumbnail")

PLACES = {
    "home": "/",
    "answer": "/?q=red+rose",
    "one-panel": "/?q=red&target=image&year=2011",
    "nothing": "/?q=nothing&good=1&target=text",
    "overview": "/overview",
    "map": "/map",
    "item": "/?q=red&target=image",
    "text": "/?q=rose&target=text",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, address: str, scheme: str) -> None:
    with visiting(browser, address, color_scheme=scheme, reduced_motion="reduce") as visit:
        for name, path in PLACES.items():
            page = visit.go(path)
            if name in ("item", "text"):
                open_item(page)
            visit.shoot(f"{name}-{scheme}")
            found = Axe().run(page).response["violations"]
            bad = [
                (name, one["id"], [node["html"] for node in one["nodes"]][:3])
                for one in found
                if one["impact"] in ("serious", "critical")
            ]
            assert bad == []


def test_the_colours_can_be_chosen_and_are_remembered(visit: Visit) -> None:
    page = visit.go("/?q=red")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    expect(page.locator("#theme")).to_have_attribute("aria-pressed", "true")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    page.reload()
    expect(page.locator("#theme")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    visit.shoot("dark")


def test_switches_can_be_told_apart_in_forced_colours(browser: Browser, address: str) -> None:
    with visiting(browser, address, forced_colors="active") as visit:
        page = visit.go("/?q=red&good=1")
        visit.shoot("forced-colours")
        for parts in (".track", ".target span"):
            colours = page.locator(parts).evaluate_all(
                "all => all.map((one) => getComputedStyle(one).backgroundColor)"
            )
            assert colours[0] != colours[1]


def test_a_phone_shows_it_all_without_scrolling_sideways(browser: Browser, address: str) -> None:
    with visiting(browser, address, **PHONE) as visit:
        for name, path in PLACES.items():
            page = visit.go(path)
            if name in ("item", "text"):
                open_item(page)
            visit.shoot(f"{name}-phone")
            assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_what_is_touched_is_large_enough(browser: Browser, address: str) -> None:
    with visiting(browser, address, **PHONE) as visit:
        page = visit.go("/?q=red+rose")
        small = page.evaluate(
            """() => [...document.querySelectorAll("a, button, .target label, .switch, summary")]
              .map((one) => [one, one.getBoundingClientRect()])
              .filter(([one, box]) => box.width && !one.closest(".skip") && !one.closest("h3"))
              .filter(([, box]) => box.height < 44 || box.width < 44)
              .map(([one]) => one.outerHTML.slice(0, 120))"""
        )
        assert small == []


def test_the_first_paint_is_light(browser: Browser, address: str) -> None:
    with visiting(browser, address) as visit:
        visit.go("/")
        assert weigh(visit) < MOST_BYTES
        visit.go("/?q=red+rose")
        assert weigh(visit) < MOST_BYTES


def weigh(visit: Visit) -> int:
    """Bytes that all of a page took, headers too."""
    size: int = visit.page.evaluate(
        """() => [...performance.getEntriesByType("navigation"),
                  ...performance.getEntriesByType("resource")]
          .reduce((sum, one) => sum + one.transferSize, 0)"""
    )
    return size


def test_pictures_are_fetched_when_they_come_near(visit: Visit) -> None:
    page = visit.go("/?q=red&target=image")
    pictures = page.locator(".hit img")
    expect(pictures).to_have_count(24)
    expect(pictures.nth(6)).to_have_attribute("src", THUMBNAIL)
    expect(pictures.last).to_have_attribute("data-src", THUMBNAIL)
    for picture in pictures.all():
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_attribute("src", THUMBNAIL)
    expect(page.locator(".hit img[data-src]")).to_have_count(0)


@pytest.mark.parametrize(("density", "side"), [(1, 320), (2, 384)])
def test_pictures_are_as_large_as_the_screen_is_dense(
    browser: Browser, address: str, density: int, side: int
) -> None:
    with visiting(browser, address, device_scale_factor=density) as visit:
        page = visit.go("/?q=red&target=image")
        fetched = page.wait_for_function(
            """() => {
              const all = [...document.querySelectorAll(".hit img:not([data-src])")]
                .map((one) => one.currentSrc);
              return all.length > 6 && all.every(Boolean) && all;
            }"""
        ).json_value()
        assert {one.rpartition("=")[2] for one in fetched} == {str(side)}


@pytest.mark.parametrize("width", [320, 640, 700, 900])
def test_words_stay_in_one_piece_at_every_width(browser: Browser, address: str, width: int) -> None:
    with visiting(browser, address, viewport={"width": width, "height": 600}) as visit:
        for path in PLACES.values():
            page = visit.go(path)
            assert page.evaluate("document.documentElement.scrollWidth") == width
            for box in [one.bounding_box() for one in page.locator(".target label").all()]:
                assert box
                assert box["height"] < 60


def test_pictures_keep_their_place_before_they_come(visit: Visit) -> None:
    page = visit.go("/?q=red&target=image")
    sized = page.locator(".hit img[width][height][loading=lazy]").count()
    assert sized == page.locator(".hit img").count() == 24
    assert (
        page.evaluate(
            """() => new Promise((tell) => new PerformanceObserver((list) =>
             tell(list.getEntries().reduce((sum, one) => sum + one.value, 0)))
           .observe({ type: "layout-shift", buffered: true })
           || setTimeout(() => tell(0), 300))"""
        )
        < 0.02
    )


def test_titles_captions_names_and_fields_are_inert(visit: Visit) -> None:
    for path in ("/?q=black", "/?q=red&shown=48", "/?q=black&target=text"):
        page = visit.go(path)
        assert page.locator("#answer script, #answer [onerror]").count() == 0
    page = visit.go("/?q=black&target=image")
    assert ATTACK in (page.locator(".hit img").first.get_attribute("alt") or "")
    open_item(page)
    expect(page.locator("td", has_text=ATTACK).first).to_be_visible()
    assert page.locator("main script, main [onerror]").count() == 0


def test_questions_and_addresses_are_inert(visit: Visit) -> None:
    page = visit.go("/")
    page.fill("#q", ATTACK)
    page.press("#q", "Enter")
    expect(page.locator("#answer .hit").first).to_be_visible()
    page.reload()
    expect(page.locator("#q")).to_have_value(ATTACK)
    visit.allow("status of 422")
    page.goto(visit.url + "/?q=red&keyword=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&like=%3Cb%3E")
    assert page.locator("main script[src='x'], main b[onclick]").count() == 0
    expect(page.locator(".broken, .term").first).to_be_visible()


def test_only_the_page_s_own_files_are_run(visit: Visit) -> None:
    answer = visit.page.request.get(visit.url + "/?q=red")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    html = answer.text()
    assert " style=" not in html
    assert " onclick=" not in html
    assert "<style" not in html

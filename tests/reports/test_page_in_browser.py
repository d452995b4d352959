"""The report page in a real browser: it works offline, from the keyboard, on a phone, and for a screen reader."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reports.page import write_report
from results.store import Store
from tests.support.browser import CHROMIUM, DESKTOP, PHONE, browser, open_page
from tests.support.scored_runs import store_run
from tests.support.tuned_methods import tuned_method

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["browser"]
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

ALGORITHMS = {"promp": 18.0, "maml, 50 % of a_b": 9.0, "random-init": 3.0}
SUITES = {"frozen-lake-low": "return", "lake[x=1]": "success"}


def png(width: int = 8, height: int = 6) -> bytes:
    """A grey picture."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)

    header = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 0, 0, 0, 0])
    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two suites with three algorithms, a picture, a caution of each colour and every kind of section."""
    root = tmp_path_factory.mktemp("browser")
    store = Store(root / "results")
    for suite, metric in SUITES.items():
        for algorithm, level in ALGORITHMS.items():
            for seed in range(3):
                trains = algorithm != "random-init"
                tuning = {"trials": 16, "seeds": 2, "digest": "d" * 64} if algorithm == "promp" else None
                store_run(store, suite, algorithm, seed, level, metric=metric, trains=trains, steps=2, tuning=tuning)
    for seed in range(3):
        store_run(store, "lake[x=1]", "oracle", seed, 19.0, metric="success", access=("train", "test"), steps=2)
    runs = store.finished()
    for run in runs:
        (run.path / "artefacts").mkdir()
        (run.path / "artefacts" / "flight.png").write_bytes(png())
    methods = [tuned_method(suite=suite, failed=(2,)) for suite in SUITES]
    return write_report(runs, root / "report", stale={runs[0].digest}, tuning=methods)


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    opened = open_page(browser, report)
    yield opened
    opened.context.close()


def column(page: Page, table: str, place: int) -> list[str]:
    """The texts of a column's visible cells."""
    cells = page.locator(f"{table} tbody tr:visible > :nth-child({place})").all_inner_texts()
    return [cell.split("\n")[0].strip() for cell in cells]


def test_nothing_is_asked_of_the_network_and_nothing_goes_wrong(browser: Browser, report: Path) -> None:
    said: list[str] = []
    page = open_page(browser, report, said)
    page.locator("#filter select").select_option(label="lake[x=1]")
    page.locator("#leaderboard thead button").first.click()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    assert said == [report.as_uri()]
    page.context.close()


def test_a_column_sorts_from_the_keyboard_and_says_so(page: Page) -> None:
    head = page.locator("#leaderboard th", has_text="IQM after adaptation")
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    scores = [float(text.split()[0].replace("−", "-")) for text in column(page, "#leaderboard", 4)]
    assert scores == sorted(scores, reverse=True)
    page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "ascending"
    scores = [float(text.split()[0].replace("−", "-")) for text in column(page, "#leaderboard", 4)]
    assert scores == sorted(scores)
    page.locator("#leaderboard thead button", has_text="Algorithm").press("Enter")
    names = column(page, "#leaderboard", 1)
    assert names == sorted(names)
    assert page.locator("#leaderboard [aria-sort]").count() == 1


def test_ranks_sort_as_numbers_and_what_has_none_comes_last(page: Page) -> None:
    button = page.locator("#leaderboard thead button", has_text="Open ranks")
    button.click()
    button.click()
    ranks = column(page, "#leaderboard", 3)
    assert ranks[4:] == ["–", "–", "–"] and ranks[:4] == sorted(ranks[:4])


def test_the_filter_by_suite_hides_the_others_everywhere_and_is_undone(page: Page) -> None:
    page.locator("#filter select").select_option(label="lake[x=1]")
    assert set(column(page, "#leaderboard", 2)) == {"lake[x=1]"}
    assert page.locator(".board:visible h3").all_inner_texts() == ["lake[x=1]"]
    assert page.locator(".forest:visible h3").all_inner_texts() == ["lake[x=1]"]
    assert page.locator("#filter output").inner_text() == "4 of 7 scores shown"
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function("document.querySelectorAll('.off').length === 0")
    assert set(column(page, "#leaderboard", 2)) == set(SUITES)


def test_the_filter_by_algorithm_hides_its_rows_and_its_curves(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    curves = page.locator('.board svg [data-algorithm="promp"]')
    shown = page.locator(".board svg [data-algorithm]:visible").count()
    mine = page.locator('.board svg [data-algorithm="promp"]:visible').count()
    assert 0 < mine < shown
    page.get_by_label("promp", exact=True).focus()
    page.keyboard.press("Space")
    assert "promp" not in column(page, "#leaderboard", 1)
    assert curves.locator("visible=true").count() == 0
    assert page.locator(".board svg [data-algorithm]:visible").count() == shown - mine
    assert page.locator("#verdict .name", has_text="promp").first.is_visible()  # the verdict stays whole


def test_a_number_leads_to_its_runs_even_from_behind_the_filter(page: Page) -> None:
    page.locator("#verdict a.number").first.click()
    target = page.locator(":target")
    assert target.evaluate("element => element.tagName") == "TR"
    target.wait_for(state="visible")  # unfolded, though its suite's runs are not open at first
    assert "configuration" in str(target.evaluate("element => element.nextElementSibling.innerText"))
    page.get_by_label("promp", exact=True).uncheck()
    assert not target.is_visible()
    page.locator("#verdict a.number").first.click()
    target.wait_for(state="visible")
    assert page.locator(".off").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_against_the_rules_of_accessibility(
    browser: Browser, report: Path, viewport: dict[str, int], scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(browser, report, viewport=viewport, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in found] == []
    page.context.close()


def test_a_phone_scrolls_tables_and_never_the_page_sideways(browser: Browser, report: Path) -> None:
    page = open_page(browser, report, viewport=PHONE, is_mobile=True, has_touch=True)
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    first = page.locator("#leaderboard .wide")
    assert first.evaluate("box => box.scrollWidth > box.clientWidth")
    page.locator("#leaderboard thead button", has_text="Suite").tap()
    assert page.locator("#leaderboard th", has_text="Suite").get_attribute("aria-sort") == "ascending"
    page.context.close()


def test_nothing_runs_out_of_a_page_of_1280_px(browser: Browser, tmp_path: Path) -> None:
    """Nine suites of long names with success and ten algorithms, which is more than one block of the matrix."""
    store = Store(tmp_path / "results")
    for number in range(9):
        for method in range(10):
            suite = f"half-cheetah-direction[horizon={number}00,train_tasks=distribution]"
            store_run(store, suite, f"e-maml-trpo-with-{method}", 0, -1000.0 * method, steps=2)
            store_run(store, suite, f"e-maml-trpo-with-{method}", 1, -1500.0 * method, steps=2)
    page = open_page(browser, write_report(store.finished(), tmp_path / "report"))
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= DESKTOP["width"]
    matrices = page.locator("#verdict .matrix")
    assert matrices.count() == 2
    for matrix in matrices.all():  # of what is on the first screen nothing must be scrolled for
        box = matrix.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= DESKTOP["width"]
    badges = page.locator(".badge:visible").all()[:20]
    assert all(badge.evaluate("e => e.getClientRects().length") == 1 for badge in badges)
    page.context.close()


def test_every_picture_is_shown_and_named(page: Page) -> None:
    pictures = page.locator("img")
    assert pictures.count() == len(SUITES)
    for picture in pictures.all():
        assert picture.get_attribute("alt")
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 8
    figures = page.locator("figure svg")
    assert all(figure.get_attribute("aria-label") for figure in figures.all())


def test_dark_mode_is_dark_and_print_is_black_on_white_without_controls(browser: Browser, report: Path) -> None:
    page = open_page(browser, report, color_scheme="dark")

    def brightness(name: str) -> float:
        colour = page.evaluate(f"getComputedStyle(document.body).{name}")
        return sum(float(part) for part in colour.strip("rgb()").split(",")) / 3

    assert brightness("backgroundColor") < 40 < 200 < brightness("color")
    page.emulate_media(media="print")
    assert brightness("color") < 60 < 240 < brightness("backgroundColor")
    assert not page.locator("#filter").is_visible()
    assert page.locator(".tests table").first.is_visible() or page.locator(".board table").first.is_visible()
    assert len(page.pdf()) > 10_000
    page.context.close()

"""A paper's page in a real browser: a line a claim, which opens without scripts and from the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reports.papers.page import write_paper
from results.store import Store
from tests.support.browser import CHROMIUM, DESKTOP, PHONE, browser, open_page
from tests.support.paper_claims import ABOVE_BOTH, HIGHER, MARGIN, fill, paper_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["browser"]
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

RATIO = f'relation = "ratio"\nfirst = ["promp"]\nsecond = ["maml"]\nfactor = 1.3\ntolerance = 0.2\n{MARGIN}'
CLAIMS = (
    HIGHER,
    HIGHER.replace('first = ["promp"]\nsecond = ["maml"]', 'first = ["lvc"]\nsecond = ["maml"]'),
    ABOVE_BOTH,
    RATIO,
    'relation = "measurement"\nmeasurement = "deviation of the gradient"',
)


@pytest.fixture(scope="module")
def paper_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Claims that are reproduced, equal, undecided, contradicted and not run."""
    root = tmp_path_factory.mktemp("paper")
    store = Store(root / "results")
    fill(store, 8, promp=16.0, maml=8.0, lvc=8.0)
    paper = paper_of(root, *CLAIMS)
    return write_paper(paper, store.finished(), root / "report")


@pytest.fixture
def page(browser: Browser, paper_page: Path) -> Iterator[Page]:
    opened = open_page(browser, paper_page, java_script_enabled=False)
    yield opened
    opened.context.close()


def test_every_claim_is_a_line_with_its_verdict_effect_seeds_and_picture(page: Page) -> None:
    line = page.locator("[id='small.c0.plane'] > summary")
    text = line.inner_text()
    assert "On Plane it holds." in text and "reproduced" in text and "8 seeds" in text and "100 k of 5 M steps" in text
    assert "8 seeds decide" in text and line.locator("svg.interval circle").count() == 1
    box = line.bounding_box()
    assert box is not None and box["height"] < 56  # two lines of text at most
    assert page.locator("[id='small.c1.plane'] .equal").first.inner_text() == "equal within margin"


def test_a_line_opens_from_the_keyboard_without_scripts(page: Page) -> None:
    line = page.locator("[id='small.c0.plane'] > summary")
    behind = page.locator("[id='small.c0.plane'] .behind")
    assert not behind.is_visible()
    line.focus()
    page.keyboard.press("Enter")
    behind.wait_for(state="visible")
    text = behind.inner_text()
    for said in ("holds: promp against maml", "trained for 100 k of 5 M steps", "8 seeds of each side decide", "Runs"):
        assert said in text
    page.keyboard.press("Enter")
    assert not behind.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_and_nothing_runs_sideways(
    browser: Browser,
    paper_page: Path,
    viewport: dict[str, int],
    scheme: str,
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(browser, paper_page, viewport=viewport, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    page.context.close()

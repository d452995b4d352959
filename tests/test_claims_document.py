"""docs/claims.md: made from the shipped results, with every claim in the paper's words, its test and its verdict."""

from __future__ import annotations

import re

import pytest

from docs import claims
from reports.papers.parts import WORDS
from reports.papers.verdicts import UNSAID
from results.published import papers


@pytest.fixture(scope="module")
def page() -> str:
    return claims.page()


def test_the_page_is_what_the_shipped_results_say(page: str) -> None:
    assert claims.PAGE.read_text(encoding="utf-8") == page, "run python docs/claims.py"


def test_every_claim_stands_there_with_its_words_and_its_verdict(page: str) -> None:
    for paper in papers().values():
        for claim in paper.claims:
            assert f"### `{claim.family}`: {claim.place}" in page
            assert not claim.quote or f"> {claim.quote}" in page
    rows = [line for line in page.splitlines() if line.startswith("| ") and line.count(" | ") == 7]
    words = [cells[1] for cells in (line.strip("| ").split(" | ") for line in rows)]
    verdicts = [word for word in words if word in WORDS]
    assert len(verdicts) == sum(len(paper.claims) for paper in papers().values())


def test_opposite_verdicts_on_one_figure_are_explained_in_the_papers_data(page: str) -> None:
    assert UNSAID not in page


def test_no_word_stands_twice_where_texts_were_put_together(page: str) -> None:
    ours = "\n".join(line for line in page.splitlines() if not line.startswith((">", "|")))
    assert re.findall(r"\b([a-z]+) \1\b", ours, re.IGNORECASE) == []

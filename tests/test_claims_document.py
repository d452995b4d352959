"""docs/claims.md: made from the shipped results, with every claim in the paper's words, its test and its verdict."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import claims
from reports.papers.parts import WORDS
from reports.papers.verdicts import UNSAID
from results.published import papers


@pytest.fixture(scope="module")
def page(made: dict[Path, str]) -> str:
    return made[claims.PAGE]


@pytest.fixture(scope="module")
def made() -> dict[Path, str]:
    return claims.pages(claims.judged_claims())


def test_the_page_and_the_readme_are_what_the_shipped_results_say(made: dict[Path, str]) -> None:
    for path, text in made.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run python docs/claims.py"


def test_the_first_screen_of_the_readme_has_the_two_sentences_of_the_page(page: str) -> None:
    """Their numbers are counted again here, from the page's own table."""
    found = claims.README.read_text(encoding="utf-8").partition(claims.BEGIN)[2].partition(claims.END)[0]
    assert found in page and len(re.findall(r"\.(?: |$)", " ".join(found.split()))) == 2
    assert claims.README.read_text(encoding="utf-8").index(found) < 2000
    head, _, *rows = (line.strip("| ").split(" | ") for line in page.partition("| Paper |")[2].splitlines()[:7])
    totals = {word: sum(int(row[number]) for row in rows) for number, word in enumerate(head[1:], 2)}
    text = " ".join(found.split())
    assert f"Of {sum(int(row[1]) for row in rows)} claims on {len(rows)} papers" in text
    assert f"reproduce {totals['reproduced']} and contradict {totals['contradicted']} (" in text
    assert f"{totals['not run']} are not run yet" in text


def test_a_readme_without_a_place_for_the_sentences_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "README", tmp_path / "README.md")
    claims.README.write_text("# Other\n")
    with pytest.raises(ValueError, match="has no place for what was found"):
        claims.pages([])


def test_every_claim_has_one_line_that_leads_to_its_details(page: str) -> None:
    lines = [line for line in page.splitlines() if line.startswith("| [")]
    assert len(lines) == sum(len(paper.claims) for paper in papers().values())
    targets = [re.search(r"\]\(#([^)]*)\) \|", line) for line in lines]
    assert {target[1] for target in targets if target} == set(re.findall(r'<a id="([^"]*)"></a>', page))
    assert all(target is not None for target in targets)


def test_each_claim_on_scores_says_what_eight_seeds_would_decide_and_from_which_runs(page: str) -> None:
    lines = [line for line in page.splitlines() if line.startswith("| [")]
    cells = {line.split("](#")[1].split(")")[0]: line.strip("| ").split(" | ")[-1] for line in lines}
    assert "unknown: no runs" in cells["promp.figure2"] or re.match(r"[\d.,]+", cells["promp.figure2"])
    for paper in papers().values():
        for claim in paper.claims:
            assert (cells[claim.family] == "–") == (claim.relation == "measurement")
    assert re.search(r"8 seeds of each side decide an effect of .* in .* seeds each of .*, profile standard", page)


def test_every_claim_stands_there_with_its_words_and_its_verdict(page: str) -> None:
    for paper in papers().values():
        for claim in paper.claims:
            assert f"### `{claim.family}`: {claim.place}" in page
            assert not claim.quote or f"> {claim.quote}" in page
    rows = [line for line in page.splitlines() if line.startswith("| ") and line.count(" | ") == 6]
    words = [cells[1] for cells in (line.strip("| ").split(" | ") for line in rows)]
    verdicts = [word for word in words if word in WORDS]
    assert len(verdicts) == sum(len(paper.claims) for paper in papers().values())


def test_opposite_verdicts_on_one_figure_are_explained_in_the_papers_data(page: str) -> None:
    assert UNSAID not in page


def test_what_has_an_opposite_verdict_says_so_before_the_claim(page: str) -> None:
    details = [part for part in page.split('<a id="')[1:] if "the opposite verdict" in part]
    assert len(details) >= 8
    for part in details:
        assert part.index("the opposite verdict") < part.index("\nTest: ") < part.index("| Suite |")


def test_no_word_stands_twice_where_texts_were_put_together(page: str) -> None:
    ours = "\n".join(line for line in page.splitlines() if not line.startswith((">", "|")))
    assert re.findall(r"\b([a-z]+) \1\b", ours, re.IGNORECASE) == []

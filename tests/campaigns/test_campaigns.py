"""Every campaign, small: `python -m tests.campaigns --large` is the same at length."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaigns.__main__ import CAMPAIGNS, write_row

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_a_small_campaign_finds_no_fault(name: str) -> None:
    campaign = CAMPAIGNS[name]
    found = campaign.run(campaign.small, 1)
    assert found.faults == []
    assert found.cases.total() >= min(campaign.small, 3)


def test_the_page_has_a_row_for_each_campaign_and_takes_its_figures(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text())
    for name in CAMPAIGNS:
        write_row(page, name, ("a campaign", "1 case", "1 ended", "0", "7"))
    assert page.read_text().count("| a campaign | 1 case | 1 ended | 0 | 7 |") == len(CAMPAIGNS)

"""The simulation study behind the page on statistics still runs, and gives the same numbers again."""

from __future__ import annotations

import re
from math import floor
from pathlib import Path

import pytest

from docs.statistics_study import Share, coverage, draw, false_equivalence, family_wise_error, power
from reports.statistics.permutation import seeds_needed, smallest_p

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"


def test_every_part_of_the_study_runs_and_is_drawn(tmp_path: Path) -> None:
    covered = {name: {3: coverage(name, 3, 20)} for name in ("normal", "skewed", "one seed in five fails")}
    errors = {name: family_wise_error(name, 2) for name in ("normal", "five of ten far above")}
    assert {share.trials for share in errors.values()} == {2}
    assert family_wise_error("normal", 2) == errors["normal"]
    assert false_equivalence(3, 4).trials == 4
    found = power(3.0, 2)
    assert 0.9 < found.sequential <= 1
    assert 5 <= found.seeds < 8
    draw(covered, errors, {3.0: found}, tmp_path / "study.png")
    assert (tmp_path / "study.png").stat().st_size > 10_000


def test_a_share_has_the_exact_binomial_interval() -> None:
    assert Share(0, 10).interval == pytest.approx((0, 1 - 0.025 ** (1 / 10)))
    assert Share(10, 10).interval == pytest.approx((0.025 ** (1 / 10), 1))
    assert str(Share(91, 2000)) == "0.045 [0.037, 0.056]"


def test_the_pages_table_of_smallest_p_values_is_true() -> None:
    rows = [[cell.strip() for cell in line.split("|")[2:-1]] for line in PAGE.read_text().splitlines()]
    start = next(place for place, row in enumerate(rows) if row[:2] == ["3", "4"])
    seeds, smallest, pairs = [int(cell) for cell in rows[start]], rows[start + 2], rows[start + 3]
    for count, p_value, most in zip(seeds, smallest, pairs, strict=True):
        exact = smallest_p(count, count)
        assert f"{exact:.2g}" == f"{float(p_value):.2g}"
        assert (floor(0.05 / exact + 1e-9) or "none") == (int(most) if most.isdigit() else most)
        if most.isdigit():
            assert seeds_needed(int(most)) <= count < seeds_needed(int(most) + 1)
    assert re.search(r"15 pairs \(six algorithms\) need 6 seeds", PAGE.read_text())
    assert (seeds_needed(15), seeds_needed(45)) == (6, 7)

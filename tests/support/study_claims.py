"""A small paper with one claim on a study, and the verdict on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reports.papers.evidence import gather
from reports.papers.study_evidence import choose_studies
from reports.papers.verdicts import ClaimVerdict, judge
from results.published import Paper, read_paper
from results.store import Store
from tests.support.study_rows import store_study

PAPER = """
title = "A paper"
authors = "Somebody"
year = 2020
venue = "somewhere"
source = "its text"
open = []
suites = [{ id = "plane", printed = "Plane", suite = "point[horizon=20]" }]
algorithms = [{ id = "dice", printed = "DiCE" }, { id = "lvc", printed = "LVC" }, { id = "maml", printed = "MAML" }]

[[claims]]
id = "claim"
place = "Figure 1"
sentence = "It holds."
relation = "measurement"
measurement = "spread"
measured_by = "study"
first = ["dice"]
second = ["lvc"]
tests = [%s]
"""
SPREAD = 'quantity = "spread", relation = '
FROM = 'margin_from = "ours"'


def paper_of(folder: Path, *tests: str) -> Paper:
    path = folder / "small.toml"
    path.write_text(PAPER % ", ".join(f"{{ {test} }}" for test in tests))
    return read_paper(path)


def fill(store: Store, dice: list[float], lvc: list[float], **options: Any) -> None:
    """A seed for each pair of values."""
    for seed, values in enumerate(zip(dice, lvc, strict=True)):
        rows = [
            {"quantity": "spread", "algorithm": n, "value": v} for n, v in zip(("dice", "lvc"), values, strict=True)
        ]
        store_study(store, rows, seed, **options)


def verdict_of(paper: Paper, store: Store, stale: tuple[str, ...] = ()) -> ClaimVerdict:
    studies = choose_studies(store.studies(), stale)
    (verdict,) = judge(gather(paper, [], stale=stale, studies=studies))
    return verdict

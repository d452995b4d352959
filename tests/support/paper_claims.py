"""A small paper with claims of a test's choice, runs with made-up scores for them, and the verdicts on them."""

from __future__ import annotations

from pathlib import Path

from reports.papers.evidence import Evidence, gather
from reports.papers.verdicts import ClaimVerdict, judge
from reports.scores.entries import collect_entries
from results.published import Paper, read_paper
from results.store import Store, StoredRun
from tests.support.scored_runs import store_run

PAPER = """
title = "A paper"
authors = "Somebody"
year = 2020
venue = "somewhere"
source = "its text"
open = []
suites = [
    { id = "plane", printed = "Plane", suite = "point[horizon=20]", budget = 5_000_000, note = "other friction" },
]
algorithms = [
    { id = "promp", printed = "Ours" },
    { id = "maml", printed = "MAML" },
    { id = "lvc", printed = "LVC" },
]
"""

HIGHER = 'relation = "higher"\nfirst = ["promp"]\nsecond = ["maml"]'
ABOVE_BOTH = 'relation = "higher"\nfirst = ["promp"]\nsecond = ["maml", "lvc"]'
MARGIN = 'margin_from = "the paper says twice"'


def paper_of(tmp_path: Path, *claims: str) -> Paper:
    tables = [
        f'[[claims]]\nid = "c{number}"\nplace = "T"\nsentence = "On {{suite}} it holds."\nsuites = ["plane"]\n{claim}'
        for number, claim in enumerate(claims)
    ]
    (tmp_path / "small.toml").write_text("\n\n".join([PAPER, *tables]))
    return read_paper(tmp_path / "small.toml")


def fill(store: Store, seeds: int, suite: str = "point[horizon=20]", budget: int = 100_000, **levels: float) -> None:
    for algorithm, level in levels.items():
        for seed in range(seeds):
            store_run(store, suite, algorithm, seed, level, budget=budget)


def evidence_of(paper: Paper, runs: list[StoredRun]) -> Evidence:
    entries, refused = collect_entries(runs)
    return gather(paper, entries, refused, algorithms={"promp", "maml"}, suites={"point"})


def verdicts_of(paper: Paper, store: Store) -> tuple[ClaimVerdict, ...]:
    return judge(evidence_of(paper, store.finished()))

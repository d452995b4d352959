"""The cells of a printed table that no run's scores on test tasks fill, but the rows of a study."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reports.papers.study_evidence import ChosenStudy
from reports.statistics.aggregate import Summary, summarise
from results.published import PaperSuite

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Measured:
    """`suite`: its full name; `budget`: the most environment steps that a seed's training took."""

    suite: str
    budget: int
    profile: str
    summary: Summary


def measured_cells(
    study: ChosenStudy, quantity: str, suites: Sequence[PaperSuite], shares: Collection[str] = ()
) -> dict[tuple[str, str], Measured]:
    """By the paper's suite and our algorithm, what the study's rows of that quantity say, by seed and task.

    Repeats of a task within a seed (`index`) are averaged first.  Tasks may differ from seed to seed: they are taken in
    the rows' order.  Seeds that have fewer tasks than others leave a cell out.  shares: the paper's suites on which the
    quantity is a share.
    """
    rows = study.values[study.values["quantity"] == quantity]
    bases = rows["suite"].str.partition("[")[0]
    found = {}
    for suite in suites:
        own = rows[rows["suite"] == suite.suite]
        own = own if len(own) else rows[bases == suite.base]
        for algorithm, group in own.groupby("algorithm", sort=True):
            scores = _by_seed(group)
            if scores is not None:
                (summary,) = summarise(scores[None], suite.id, str(algorithm), share=suite.id in shares)
                name, spent = str(group["suite"].iloc[0]), int(group["x"].max())
                found[suite.id, str(algorithm)] = Measured(name, spent, study.entries[0].profile, summary)
    return found


def _by_seed(rows: pd.DataFrame) -> np.ndarray | None:
    """[seed, task]; None where seeds have different numbers of tasks."""
    seeds = [group.groupby("task", sort=False)["value"].mean().to_numpy() for _, group in rows.groupby("seed")]
    return np.stack(seeds) if len({len(values) for values in seeds}) == 1 else None

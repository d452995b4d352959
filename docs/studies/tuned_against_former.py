"""What tuning changed on test tasks: `python -m docs.studies.tuned_against_former RESULTS`.

RESULTS holds the quick leaderboard twice, with tuned values and under the rules that they replaced:

    metarl leaderboard --results RESULTS
    metarl leaderboard --results RESULTS --profile docs/studies/former-rules.toml

Prints a table: for each suite, and for each method on it, the mean over test tasks after the last adaptation step,
tuned less former, paired by seed, with its interval.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from reports.statistics.mean_difference import Comparison, compare_to
from results.store import Store, StoredRun

TUNED, FORMER = "quick", "former-rules"

#: by suite, method and profile, the score of each seed
Scores = dict[str, dict[str, dict[str, dict[int, float]]]]


def final_score(run: StoredRun) -> float:
    """Mean over test tasks and episodes after the last adaptation step."""
    scores = run.scores[run.scores["split"] == "test"]
    return float(scores[scores["step"] == scores["step"].max()].groupby("task")[run.metric].mean().mean())


def scores_of(runs: list[StoredRun]) -> Scores:
    """Of the methods that were tuned."""
    found: Scores = defaultdict(lambda: defaultdict(lambda: defaultdict(dict)))
    tuned = {(run.suite, run.algorithm) for run in runs if run.run["description"].get("tuning")}
    for run in runs:
        if (run.suite, run.algorithm) in tuned and run.profile in (TUNED, FORMER):
            found[run.suite][run.algorithm][run.profile][run.seed] = final_score(run)
    return found


def shared_seeds(cell: dict[str, dict[int, float]]) -> list[int]:
    """Those that both sides have."""
    return sorted(cell[TUNED].keys() & cell[FORMER].keys())


def row(suite: str, name: str, cells: list[dict[str, dict[int, float]]]) -> str:
    """Of the mean over the methods' cells, at the seeds that all of them share."""
    seeds = sorted(set.intersection(*(set(shared_seeds(cell)) for cell in cells)))
    tuned, former = (
        np.mean([[cell[side][seed] for seed in seeds] for cell in cells], axis=0) for side in (TUNED, FORMER)
    )
    compared: Comparison = compare_to(tuned - former, 0.0, suite, name)
    low, high = compared.interval or (np.nan, np.nan)
    said = f"{former.mean():.4g} | {compared.effect:+.3g} | [{low:.3g}, {high:.3g}]"
    return f"| {suite} | {name} | {len(seeds)} | {said} |"


def main(root: Path) -> None:
    """Prints the table."""
    print("| suite | method | seeds | former rules | tuned less former | 95 % interval |")
    print("|---|---|---|---|---|---|")
    for suite, methods in sorted(scores_of(Store(root, read_only=True).finished(skip_corrupt=True)).items()):
        both = {name: cell for name, cell in sorted(methods.items()) if len(shared_seeds(cell)) > 1}
        if not both:
            continue
        print(row(suite, "**all of them**", list(both.values())))
        for name, cell in both.items():
            print(row(suite, name, [cell]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

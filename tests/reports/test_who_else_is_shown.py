"""A leaderboard's numbers of one method do not depend on who else is shown.

By nature depend: ranks and open ranks, p-values after Holm's correction, the headline's family, which of them is named
above a scripted reference, unequal effort, and the thresholds at which performance profiles are drawn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reports.scores.normalised import board_scale
from reports.sections.report import Report, make_report
from results.store import Store, StoredRun
from tests.support.scored_runs import store_run

SUITES = ("frozen-lake-low", "frozen-lake-high")
LEVELS = {"promp": 0.8, "maml": 0.6, "cavia": 0.7, "worst": -9.0, "best": 30.0, "random-init": 0.1}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[StoredRun]:
    store = Store(tmp_path_factory.mktemp("shown") / "results")
    for suite in SUITES:
        for algorithm, level in LEVELS.items():
            for seed in range(5):
                store_run(store, suite, algorithm, seed, level, trains=algorithm != "random-init")
        store_run(store, suite, "stand-still", 0, 0.2, scripted=True, trains=False)
        store_run(store, suite, "oracle", 0, 40.0, access=("train", "test"))
    return store.finished()


def numbers(report: Report, algorithm: str) -> dict[str, Any]:
    """All that the page says of the algorithm by itself, and of it and promp."""
    found: dict[str, Any] = {}
    for board in report.boards:
        scale = board_scale(board)
        assert scale is not None
        (entry,) = (each for each in board.entries if each.algorithm == algorithm)
        found[board.name] = {
            "label": entry.label,
            "steps": entry.steps,
            "scores": entry.scores.tolist(),
            "curve": entry.curve,
            "normalised": scale.normalise(entry.scores[-1]).tolist(),
            "below": [other.label for other in board.below_scripted(entry)],
        }
        promp = next(each for each in board.entries if each.algorithm == "promp")
        pair = report.tests[board.name].between(entry, promp) if entry is not promp else None
        if pair is not None and pair.comparison is not None:
            sign = 1 if pair.first is entry else -1
            ends = pair.comparison.interval
            assert ends is not None
            found[board.name]["against promp"] = (
                sign * pair.comparison.effect, sorted(sign * end for end in ends), pair.comparison.p_value,
            )  # fmt: skip
    (across,) = report.across
    found["across"] = across.aggregates[algorithm]
    found["strata"] = {name: values.tolist() for name, values in across.strata[algorithm].items()}
    return found


@pytest.mark.parametrize("gone", [["worst"], ["best"], ["cavia", "worst", "best", "oracle", "stand-still"], ["maml"]])
def test_scores_intervals_and_normalised_scores_stay_when_others_come_or_go(
    runs: list[StoredRun], gone: list[str]
) -> None:
    whole = make_report(runs)
    fewer = make_report([run for run in runs if run.algorithm not in gone])
    for algorithm in ("promp", "cavia", "maml"):
        if algorithm in gone:
            continue
        before, after = numbers(whole, algorithm), numbers(fewer, algorithm)
        for board in SUITES:
            if "stand-still" in gone:
                before[board]["below"] = after[board]["below"] = []
        assert before == after


def test_what_depends_by_nature_is_ranks_and_corrected_p_values(runs: list[StoredRun]) -> None:
    whole = make_report(runs)
    fewer = make_report([run for run in runs if run.algorithm not in ("best", "worst")])
    ranks, p_values = [], []
    for report in (whole, fewer):
        board = report.boards[0]
        promp, maml = (next(e for e in board.entries if e.algorithm == name) for name in ("promp", "maml"))
        ranks.append(board.rank(promp))
        pair = report.tests[board.name].between(promp, maml)
        assert pair is not None
        p_values.append(pair.p_value)
    assert ranks == [2, 1]
    assert p_values[1] <= p_values[0]


def test_the_scale_is_the_floors_and_fixed_data_never_the_best_or_worst_at_hand(runs: list[StoredRun]) -> None:
    boards = [make_report(runs).boards[0], make_report([r for r in runs if r.algorithm != "best"]).boards[0]]
    scales = [board_scale(board) for board in boards]
    assert scales[0] == scales[1] is not None
    floor = boards[0].floor
    assert floor is not None and scales[0] is not None
    assert scales[0].floor == pytest.approx(float(np.mean(floor.scores[-1])))
    without = make_report([run for run in runs if run.algorithm != "random-init"]).boards[0]
    assert board_scale(without) is None  # rather than a scale of another floor

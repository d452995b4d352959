"""The study of quick's size: which pairs it counts."""

from __future__ import annotations

from pathlib import Path

from docs.studies.quick_size import SHIPPED, decided_on_page, page_table, quick_runs
from results.reference_scores import REFERENCE_ACCESS
from results.store import Store
from tests.support.scored_runs import store_run


def test_the_page_of_the_first_seeds_is_counted(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for seed in range(10):
        for algorithm, level in (("promp", 30.0), ("maml", 10.0), ("trpo", 10.0)):
            store_run(store, algorithm=algorithm, seed=seed, level=level, metric="return")
        store_run(store, algorithm="stand-still", seed=seed, scripted=True, trains=False)
    runs = store.finished()
    assert decided_on_page(runs, 2) == (0, 3)  # before the first reading
    decided, pairs = decided_on_page(runs, 10)
    assert pairs == 3 and decided >= 2
    assert [row[0] for row in page_table(runs)] == ["seeds", "3", "5", "10"]


def test_the_shipped_runs_are_those_that_the_page_tests() -> None:
    runs = quick_runs(SHIPPED, without=("corners",))
    cells = {(run.suite, run.algorithm) for run in runs}
    assert cells and not any(suite.startswith("corners") for suite, _ in cells)
    assert not any(REFERENCE_ACCESS & set(run.run["description"]["access"]) for run in runs)
    assert {suite: sum(suite == own for own, _ in cells) for suite, _ in cells} == dict.fromkeys(
        {suite for suite, _ in cells}, 5
    )

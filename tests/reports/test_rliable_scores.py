"""Scores in rliable's form: what a report reads, in arrays of seeds by tasks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rliable import metrics

from reports.scores.entries import collect_entries
from reports.scores.frames import Results, rliable_scores
from reports.scores.normalised import scale_of
from results.reference_scores import load_reference_scores
from results.store import Store
from tests.support.scored_runs import TASKS, store_run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    for seed in range(3):
        for level, algorithm in ((10.0, "promp"), (5.0, "maml")):
            store_run(store, "point", algorithm, seed, level, steps=2)
        store_run(store, "frozen-lake-low", "promp", seed + 1, 3.0)
    return store


def loaded(store: Store) -> Results:
    return Results(tuple(store.finished()))


def test_arrays_are_the_reports_scores_seed_by_task(store: Store) -> None:
    results = loaded(store)
    arrays = rliable_scores(results.scores, "point")
    assert set(arrays) == {"promp", "maml"}
    for entry in collect_entries(results.runs)[0]:
        if entry.suite == "point":
            np.testing.assert_allclose(arrays[entry.algorithm], entry.scores[-1], rtol=1e-12)
            before = rliable_scores(results.scores, "point", step=0)[entry.algorithm]
            np.testing.assert_allclose(before, entry.scores[0], rtol=1e-12)
            iqm = metrics.aggregate_iqm(arrays[entry.algorithm])
            assert iqm == pytest.approx(entry.final.iqm, rel=1e-12)


def test_steps_count_from_the_last_and_the_split_can_be_chosen(store: Store) -> None:
    scores = loaded(store).scores
    last, two = (rliable_scores(scores, "point", step=step)["promp"] for step in (-1, 2))
    assert np.array_equal(last, two)
    assert not np.array_equal(last, rliable_scores(scores, "point", step=-2)["promp"])
    assert not np.array_equal(last, rliable_scores(scores, "point", split="validation")["promp"])


def test_tasks_of_several_suites_stand_side_by_side_for_the_seeds_they_share(store: Store) -> None:
    scores = loaded(store).scores
    with pytest.warns(UserWarning, match="left out: maml has no run on some of frozen-lake-low, point"):
        arrays = rliable_scores(scores)
    assert set(arrays) == {"promp"}
    assert arrays["promp"].shape == (2, 2 * len(TASKS))  # seeds 1 and 2
    assert np.array_equal(arrays["promp"][:, len(TASKS) :], rliable_scores(scores, "point")["promp"][1:])


def test_normalised_scores_are_zero_for_the_adapted_random_initialisation_and_one_for_the_oracle(store: Store) -> None:
    assert "frozen-lake-low" in load_reference_scores()
    with pytest.raises(ValueError, match="frozen-lake-low has no scores of random-init"):
        rliable_scores(loaded(store).scores, "frozen-lake-low", normalised=True)
    for suite in ("frozen-lake-low", "point"):
        store_run(store, suite, "random-init", 0, -1.0, trains=False, steps=1 if suite != "point" else 2)
    scores = loaded(store).scores
    raw, fixed = (rliable_scores(scores, "frozen-lake-low", normalised=each) for each in (False, True))
    scale = scale_of("frozen-lake-low", float(raw["random-init"].mean()))
    assert scale is not None and scale.ceiling == load_reference_scores()["frozen-lake-low"]["oracle"]
    np.testing.assert_array_equal(fixed["promp"], scale.normalise(raw["promp"]))
    assert fixed["random-init"].mean() == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="point has no ceiling"):
        rliable_scores(scores, "point", normalised=True)


def test_what_cannot_be_put_into_the_form_is_refused(store: Store) -> None:
    store_run(store, "frozen-lake-low", "promp", 0, configuration={"clip": 0.1})
    store_run(store, "line", "promp", 0, broken=float("nan"))
    store_run(store, "plane", "maml", 0, tasks=("other",))
    scores = loaded(store).scores
    for suite, step, message in (
        ("frozen-lake-low", -1, r"promp has 2 configurations on frozen-lake-low .*scores\[scores.configuration == "),
        ("pont", -1, "no score on test tasks of 'pont'; there are frozen-lake-low, line, plane, point"),
        ("point", 3, "maml on point was not scored after 3 adaptation steps"),
        ("line", -1, "promp on line has a score that is missing or not finite"),
    ):
        with pytest.raises(ValueError, match=message):
            rliable_scores(scores, suite, step=step)
    promp = scores[(scores.suite == "point") & (scores.algorithm == "promp")].assign(suite="plane")
    with pytest.raises(ValueError, match="promp on plane was scored on other tasks than maml"):
        rliable_scores(pd.concat([scores, promp]), "plane")
    for part in (promp[promp.episode + promp.seed > 0], promp[(promp.task != "t-2") | (promp.seed != 1)]):
        with pytest.raises(ValueError, match="promp on plane has a score that is missing"):
            rliable_scores(part)


def test_a_table_that_cannot_be_read_is_left_out_by_name(store: Store) -> None:
    runs = store.finished()
    (runs[0].path / "scores.parquet").write_bytes(b"nothing")
    with pytest.warns(UserWarning, match="left out: .*scores.parquet is damaged"):
        scores = Results(tuple(runs)).scores
    assert len(set(zip(scores.suite, scores.algorithm, scores.seed, strict=True))) == len(runs) - 1

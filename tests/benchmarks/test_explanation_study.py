"""The study of explanations: which tasks train and score its policies; the rules of profiles for its benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from algorithms.explanation.options import ExplanationConfig
from algorithms.xmrl_g import XmrlG
from benchmarks.commands.report import REFERENCE
from benchmarks.execution.training import Progress
from benchmarks.execution.worker import run_job
from benchmarks.planning.definition import find_definition
from benchmarks.planning.profiles import find_profile
from benchmarks.specs.study_spec import StudySpec, find_study, resolved
from benchmarks.studies.explanation.policies import session_of, suite_with
from benchmarks.studies.explanation.settings import ExplanationStudyConfig
from benchmarks.studies.explanation.study import AUGMENTED, CRITICAL, GAP_TASKS, PLAIN, RANDOM, WEIGHTED
from environments.catalogue import make_suite
from environments.streams import Streams
from environments.typed_options import UsageError, make_options
from results.published import find_paper
from results.store import Store

SUITE = "half-cheetah-velocity[horizon=4]"
SMALL = {
    "suites": [SUITE], "algorithms": ["maml-vpg"], "per_suite": [], "budget": 64, "tasks": 2, "trajectories": 2,
    "hidden": [4], "replicates": 2, "importance_iterations": 1, "random_sets": 2, "choosing": 1, "adaptations": 1,
    "scored": 3, "continued": 1.0, "critical_tasks": 2, "poor_tasks": 3,
}  # fmt: skip


def spec_of(**values: Any) -> StudySpec:
    return StudySpec("explanation", resolved(find_study("explanation"), {**SMALL, **values}), 0)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("results")
    ended = run_job(spec_of(), root)
    assert ended.status == "finished", ended.error
    return root


@pytest.fixture(scope="module")
def rows(root: Path) -> pd.DataFrame:
    (stored,) = Store(root).studies()
    return stored.values


def tasks_of(rows: pd.DataFrame, quantity: str, algorithm: str = "maml-vpg") -> list[str]:
    return list(rows[(rows["quantity"] == quantity) & (rows["algorithm"] == algorithm)]["task"])


def test_every_policy_is_scored_on_every_group_of_tasks(rows: pd.DataFrame) -> None:
    scored = rows[rows["quantity"].str.startswith("score on the ")]
    counts = scored.groupby(["algorithm", "quantity"]).size().unstack()
    assert set(counts.index) == {"maml-vpg", CRITICAL, RANDOM, PLAIN, AUGMENTED, WEIGHTED}
    expected = {
        "score on the poorly-adapted tasks": 3,
        "score on the other validation tasks": 7,
        "score on the critical tasks": 2,
        "score on the non-critical training tasks": 3,
        f"score on the {GAP_TASKS}": 3,
        "score on the test tasks": 20,
    }
    assert counts.loc["maml-vpg"].to_dict() == expected
    assert counts.loc[RANDOM].to_dict() == {name: 2 * count for name, count in expected.items()}


def test_groups_are_what_the_explanation_says_and_do_not_overlap(rows: pd.DataFrame) -> None:
    critical, poor = list(rows[rows["quantity"] == "critical"]["task"]), list(rows[rows["quantity"] == "poor"]["task"])
    assert tasks_of(rows, "score on the critical tasks") == critical
    assert tasks_of(rows, "score on the poorly-adapted tasks") == poor
    weights = rows[rows["quantity"] == "weight"].set_index("task")["value"]
    assert set(critical) == set(weights.sort_values(kind="stable").index[-2:])
    others = tasks_of(rows, "score on the non-critical training tasks")
    assert len(set(others)) == 3 and not set(others) & set(critical)


def test_poor_tasks_are_scored_on_other_episodes_than_those_that_chose_them(rows: pd.DataFrame) -> None:
    chosen_by = rows[rows["quantity"] == "poor"].set_index("task")["value"]
    scored = rows[(rows["quantity"] == "score on the poorly-adapted tasks") & (rows["algorithm"] == "maml-vpg")]
    assert (scored.set_index("task")["value"] != chosen_by).all()


def test_the_gap_is_between_training_tasks_drawn_by_chance_and_test_tasks(rows: pd.DataFrame) -> None:
    own = rows[rows["algorithm"] == WEIGHTED]
    means = own.groupby("quantity")["value"].mean()
    gap = means[f"score on the {GAP_TASKS}"] - means["score on the test tasks"]
    assert means["generalisation gap"] == pytest.approx(gap)


def test_three_policies_go_on_from_maml_for_as_long(rows: pd.DataFrame) -> None:
    spent = rows[rows["quantity"] == "generalisation gap"].groupby("algorithm")["x"].first()
    assert spent["maml-vpg"] < spent[PLAIN] == spent[AUGMENTED] == spent[WEIGHTED]
    scores = rows[rows["quantity"] == "score on the test tasks"].pivot_table(
        index="task", columns="algorithm", values="value"
    )
    assert scores[["maml-vpg", PLAIN, AUGMENTED, WEIGHTED]].T.drop_duplicates().shape[0] == 4
    assert "metric information_share" in set(rows[rows["algorithm"] == AUGMENTED]["quantity"])


def test_the_split_can_be_drawn_from_the_rows_alone(rows: pd.DataFrame) -> None:
    for split in ("train", "validation", "test"):
        stored = rows[rows["quantity"] == f"{split} velocity"].set_index("task")["value"].to_dict()
        assert stored == {task.id: task.parameters["velocity"] for task in make_suite(SUITE).split.tasks(split)}


def test_an_interrupted_study_ends_with_the_same_bytes(root: Path, tmp_path: Path) -> None:
    heard: list[Progress] = []
    run_job(spec_of(), tmp_path, report=heard.append, should_stop=lambda: len(heard) >= 2)
    assert not Store(tmp_path).studies()
    assert run_job(spec_of(), tmp_path).status == "finished"
    first, again = (next(each.rglob("values.parquet")).read_bytes() for each in (root, tmp_path))
    assert first == again


def test_training_on_some_tasks_alone_leaves_the_others_of_the_suite() -> None:
    few = suite_with(SUITE, ["train-03", "train-41"])
    assert [task.id for task in few.split.train] == ["train-03", "train-41"]
    assert few.split.test == make_suite(SUITE).split.test
    with pytest.raises(UsageError, match="no list of training tasks"):
        suite_with("half-cheetah-velocity[train_tasks=distribution]")


@pytest.mark.parametrize("profile", ["smoke", "quick", "standard", "paper"])
def test_every_suites_budget_pays_for_all_parts_of_xmrl_g(profile: str) -> None:
    entry = find_study("explanation")
    values = resolved(entry, entry.load().profiles.get(profile, {}))
    config = make_options(ExplanationStudyConfig, values, "study explanation")
    for name in config.suites:
        session = session_of(suite_with(name), "xmrl-g", config.on(name), Streams(0))
        assert isinstance(session.algorithm, XmrlG)
        least = session.algorithm.least(session.collector)
        assert least <= config.on(name).budget, f"{name} needs {least:,.0f} steps"


@pytest.mark.parametrize("profile", ["quick", "standard"])
def test_the_study_trains_with_the_steps_of_the_benchmarks_runs(profile: str) -> None:
    entry = find_study("explanation")
    values = resolved(entry, entry.load().profiles.get(profile, {}))
    config = make_options(ExplanationStudyConfig, values, "study explanation")
    assert config.suites == find_definition("xmrl-g").suites
    for name in config.suites:
        runs, _ = find_profile(profile).settings("xmrl-g", make_suite(name).name, "maml-vpg")
        for option in ("inner_step_size", "step_size", "gae_lambda", "tasks", "trajectories"):
            assert getattr(config.on(name), option) == runs.config[option], (name, option)
        assert config.on(name).adaptation_steps == runs.adaptation_steps
        assert config.on(name).hidden == tuple(runs.config.get("hidden", (64, 64)))


def test_a_suites_own_values_stand_before_the_common_ones() -> None:
    config = ExplanationStudyConfig(tasks=3, per_suite=("hopper-velocity[budget=70,hidden=8:8]",))
    assert (config.on("hopper-velocity").budget, config.on("hopper-velocity").hidden) == (70, (8, 8))
    assert config.on("hopper-velocity").tasks == config.on("walker2d-velocity").tasks == 3
    with pytest.raises(UsageError, match="on hopper-velocity has no option 'bugdet'; did you mean 'budget'"):
        make_options(ExplanationStudyConfig, {"per_suite": ["hopper-velocity[bugdet=7]"]}, "study explanation")
    with pytest.raises(UsageError, match="replicates must be at least 2"):
        make_options(ExplanationStudyConfig, {"replicates": 1}, "study explanation")


@pytest.mark.parametrize("profile", ["quick", "standard"])
def test_a_run_of_xmrl_gs_benchmark_has_at_least_twenty_meta_iterations(profile: str) -> None:
    definition = find_definition("xmrl-g")
    assert len(definition.suites) == 5
    for name in definition.suites:
        suite = make_suite(name)
        settings, _ = find_profile(profile).settings("xmrl-g", suite.name, "maml-vpg")
        batch = settings.config["tasks"] * settings.config["trajectories"] * suite.horizon
        assert settings.budget // (batch * (settings.adaptation_steps + 1)) >= 20, name
        other, _ = find_profile(profile).settings("quick", suite.name, "maml-vpg")
        assert other != settings, "a rule for one benchmark alone"


def test_the_claim_on_remark_1_says_how_far_weights_can_move() -> None:
    """And that is how far they do: its test is of policies whose objectives hardly differ."""
    (claim,) = (claim for claim in find_paper("xmrl-g").claims if claim.id == "xmrl-g.remark1.hopper")
    rate = make_options(ExplanationConfig, {}, "explanation").importance_rate
    ends = {}
    for profile in ("quick", "standard"):
        config = ExplanationStudyConfig(**find_study("explanation").load().profiles.get(profile, {}))
        far = rate * config.importance_iterations
        ends[profile] = f"{1 - far:g}" + " / N" * (far < 1), f"{1 + far:g} / N", config.continued
    assert f"no weight moves by more than {rate:g} / N, so that all end between" in claim.printed
    assert "between {} and {} (at standard five steps, {} and {})".format(
        *ends["quick"][:2], *ends["standard"][:2]
    ) in (claim.printed)
    assert (ends["quick"][2], ends["standard"][2]) == (0.25, 0.4)
    assert "for a quarter of the budget (at standard two fifths)" in claim.printed
    for study in Store(REFERENCE, read_only=True).studies():
        if (study.name, study.profile) == ("explanation", "quick"):
            weights = study.values[study.values["quantity"] == "weight"]
            assert weights["value"].between(0.6 / 50 - 1e-9, 1.4 / 50 + 1e-9).all()

"""The page's section on tuning, and its files."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from reports.page import write_report
from reports.scores.tuning import Origin
from results.store import Store
from tests.support.report_reading import text_of
from tests.support.scored_runs import store_run
from tests.support.tuned_methods import tuned_method

METHODS = [tuned_method("promp", failed=(3,)), tuned_method("maml", trials=4, sampler="tpe"), tuned_method("absent")]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tuning")
    store = Store(root / "results")
    for algorithm in ("promp", "maml"):
        store_run(store, algorithm=algorithm)
    return write_report(store.finished(), root / "report", tuning=[*METHODS, tuned_method("promp", "elsewhere")])


def rows(page: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((page.parent / "tables" / f"{name}.csv").open(newline="")))


def test_tuned_stand_against_published_and_profiles_values(page: Path) -> None:
    found = {row["algorithm"]: row for row in rows(page, "tuning")}
    assert list(found) == ["maml", "promp"]  # nothing of what the page does not show
    for method in METHODS[:2]:
        row = found[method.algorithm]
        assert float(row["published_score"]) == method.trials[0].score
        assert float(row["profile_score"]) == method.trials[1].score
        best = max(trial.score for trial in method.trials)
        assert float(row["chosen_score"]) == best
        assert float(row["chosen_minus_published"]) == pytest.approx(best - method.trials[0].score)
        assert json.loads(row["chosen_values"]) == dict(method.values)
    assert found["promp"]["failed"] == "1"
    text = text_of(page)
    assert "flatters" in text and "Chosen − published" in text and "elsewhere" not in text


def test_every_trial_is_in_the_files_a_failed_one_without_a_score(page: Path) -> None:
    trials = [row for row in rows(page, "tuning-trials") if row["algorithm"] == "promp"]
    assert len(trials) == 32
    assert [row["score"] for row in trials if row["trial"] == "3"] == ["", ""]
    assert {row["role"] for row in trials} == {"published", "profile", "chosen", ""}
    content = {each["algorithm"]: each for each in json.loads((page.parent / "tables/tuning.json").read_text())}
    assert content["promp"]["trials"][3]["score"] is None
    assert content["promp"]["expected_best"] == METHODS[0].curve.tolist()
    assert set(content["promp"]["importance"]) == {"inner_step_size", "clip", "first_order"}


def test_the_curve_is_drawn_of_methods_whose_trials_are_draws(page: Path) -> None:
    assert {row["algorithm"] for row in rows(page, "tuning-expected")} == {"promp"}
    svg = (page.parent / "figures/tuning-smoke-point.svg").read_text()
    assert 'data-algorithm="promp"' in svg and 'data-algorithm="maml"' not in svg
    assert (page.parent / "figures/tuning-smoke-point.png").read_bytes().startswith(b"\x89PNG")


def test_importance_is_called_indicative_and_says_how_much_can_be_seen(page: Path) -> None:
    text = text_of(page)
    assert (
        "Importance is indicative" in text and "Importance of each option: of 3 options 1 can be seen to matter" in text
    )
    found = {row["option"]: row for row in rows(page, "tuning-importance")}
    assert float(found["inner_step_size"]["share"]) > 0.4 > float(found["clip"]["share"])
    assert all(float(row["p_corrected"]) >= float(row["p"]) for row in found.values())


def test_the_setting_of_the_trials_is_printed(tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    store_run(store)
    setting = {"budget": 2_000_000, "adaptation_steps": 4, "config": {"tasks": 5}}
    method = replace(tuned_method("promp", sampler="best of quick"), setting=setting, origin=Origin("quick", 16, 2))
    page = write_report(store.finished(), tmp_path / "report", tuning=[method])
    text = text_of(page)
    assert "Found at: budget 2,000,000, adaptation steps 4." in text
    assert "the best of 16 trials of 2 seeds in profile quick" in text
    (row,) = rows(page, "tuning")
    assert json.loads(row["setting"]) == setting
    (entry,) = json.loads((page.parent / "tables/tuning.json").read_text())
    assert entry["setting"] == setting and entry["origin"] == {"profile": "quick", "trials": 16, "seeds": 2}


def test_without_tuning_there_is_no_section(tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    store_run(store)
    page = write_report(store.finished(), tmp_path / "report")
    assert 'id="tuning"' not in page.read_text() and "tables/tuning.csv" not in page.read_text()


def test_it_is_said_who_was_scored_on_fresh_tasks(tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    for algorithm in ("promp", "maml"):
        store_run(store, algorithm=algorithm)
    methods = [replace(METHODS[0], fresh_tasks=20), METHODS[1]]
    said = "Scored on 20 tasks of no split in place of validation tasks"
    assert f"{said} (promp)." in text_of(write_report(store.finished(), tmp_path / "some", tuning=methods))
    methods = [replace(each, fresh_tasks=20) for each in METHODS[:2]]
    assert f"{said}." in text_of(write_report(store.finished(), tmp_path / "all", tuning=methods))

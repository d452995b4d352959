"""Trials of tuning beside the scores: on every board, in every file, and named where they are unequal."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.comparison_markdown import comparison_markdown
from reports.page import make_report, write_report
from reports.scores.tried import configurations_tried
from results.store import Store
from tests.support.report_reading import summary_of, text_of
from tests.support.scored_runs import store_run
from tests.support.tuned_methods import tuned_method


def tuned(trials: int, seeds: int = 2, sibling: str | None = None) -> dict[str, Any]:
    return {"trials": trials, "seeds": seeds, "digest": "d" * 64, "sibling": sibling}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def fill(store: Store, tunings: dict[str, dict[str, Any] | None], suite: str = "point") -> None:
    for algorithm, tuning in tunings.items():
        store_run(store, suite, algorithm, tuning=tuning, trains=algorithm != "random-init")
    store_run(store, suite, "stand-still", scripted=True, trains=False)
    store_run(store, suite, "oracle", access=("train", "test"))


def warnings(store: Store, **more: Any) -> list[str]:
    return [each.text for each in make_report(store.finished(), **more).cautions if each.kind == "Unequal effort"]


def test_equal_effort_is_said_once_and_warns_of_nothing(store: Store, tmp_path: Path) -> None:
    fill(store, {"promp": tuned(16), "maml": tuned(16), "random-init": None})
    assert warnings(store) == []
    page = write_report(store.finished(), tmp_path / "report")
    text = text_of(page)
    assert "point 16 trials each" in text
    assert "Tuned on validation tasks, every method alike: 16 trials of 2 seeds." in text
    entries = summary_of(page)["boards"][0]["entries"]
    assert entries["promp"]["tuning"] == tuned(16)
    assert entries["oracle"]["tuning"] is entries["stand-still"]["tuning"] is None


def test_values_set_by_hand_over_tuned_ones_are_named_and_make_efforts_unequal(store: Store, tmp_path: Path) -> None:
    fill(store, {"promp": tuned(16), "maml": {**tuned(16), "by_hand": ["step_size"]}})
    (text,) = warnings(store)
    assert "16 trials of 2 seeds: promp; 16 trials of 2 seeds, then step_size by hand: maml" in text
    page = write_report(store.finished(), tmp_path / "report")
    assert summary_of(page)["boards"][0]["entries"]["maml"]["tuning"]["by_hand"] == ["step_size"]


@pytest.mark.parametrize("other", [None, tuned(4), tuned(16, seeds=1)])
def test_unequal_effort_is_marked_and_names_the_methods(
    store: Store, tmp_path: Path, other: dict[str, Any] | None
) -> None:
    fill(store, {"promp": tuned(16), "maml": other, "random-init": None})
    (text,) = warnings(store)
    word = "untuned" if other is None else f"{other['trials']} trials of {other['seeds']} seed"
    assert "methods of point were tuned with unequal effort" in text
    assert "16 trials of 2 seeds: promp; " in text and word in text and "maml" in text
    assert "random-init" not in text and "oracle" not in text and "stand-still" not in text
    page = write_report(store.finished(), tmp_path / "report")
    html = page.read_text()
    assert ' class="less"' in html and "Unequal effort:" in text_of(page)
    rows = {
        row["algorithm"]: (row["tuning_trials"], row["tuning_seeds"])
        for row in csv.DictReader((page.parent / "tables/leaderboard.csv").open(newline=""))
    }
    own = ("0", "0") if other is None else (str(other["trials"]), str(other["seeds"]))
    assert rows["promp"] == ("16", "2") and rows["maml"] == own and rows["oracle"] == ("0", "0")
    markdown = (page.parent / "tables/point.md").read_text()
    assert "16 trials" in markdown and ("untuned" in markdown) == (other is None)


def test_scores_on_fresh_tasks_are_another_effort_than_as_many_on_validation_tasks(
    store: Store, tmp_path: Path
) -> None:
    fresh = {**tuned(16), "fresh_tasks": 20}
    fill(store, {"promp": fresh, "maml": fresh})
    assert warnings(store) == []
    said = "Tuned, every method alike: 16 trials of 2 seeds, scored on 20 fresh tasks."
    assert said in text_of(write_report(store.finished(), tmp_path / "report"))
    store_run(store, "point", "maesn", tuning=tuned(16))
    assert "16 trials of 2 seeds, scored on 20 fresh tasks: " in warnings(store)[0]


def test_the_best_of_several_tunings_is_more_effort_than_one(store: Store) -> None:
    fill(store, {"promp": {**tuned(16), "others": 30}, "maml": tuned(16)})
    (text,) = warnings(store)
    assert (
        "16 trials of 2 seeds, beside 30 configurations of earlier tunings: promp; 16 trials of 2 seeds: maml" in text
    )


def test_where_nothing_is_tuned_nothing_is_unequal(store: Store) -> None:
    fill(store, {"promp": None, "maml": None})
    assert warnings(store) == []


def test_a_floor_that_was_tuned_is_judged_too(store: Store) -> None:
    fill(store, {"promp": None, "random-init": tuned(16)})
    assert "16 trials of 2 seeds: random-init; untuned: promp" in warnings(store)[0]


def test_an_untuned_floor_with_options_is_named_among_tuned_methods(store: Store) -> None:
    fill(store, {"promp": tuned(16), "maml": tuned(16)})
    assert warnings(store) == []
    store_run(store, algorithm="random-init", trains=False, configuration={"inner_step_size": 0.1})
    assert "16 trials of 2 seeds: promp, maml; untuned: random-init" in warnings(store)[0]


def test_a_siblings_values_are_marked_so(store: Store, tmp_path: Path) -> None:
    fill(store, {"promp": tuned(16, sibling="lake"), "maml": tuned(16, sibling="lake")})
    assert warnings(store) == []
    page = write_report(store.finished(), tmp_path / "report", tuning=[tuned_method("promp", "lake")])
    text = text_of(page)
    assert "16 trials each, on lake" in text and "16 trials of 2 seeds on lake" in text
    assert "inner_step_size" in text  # the sibling's trials are shown


def test_a_run_from_before_the_tuning_that_chose_its_values_is_no_untuned_one(store: Store) -> None:
    method = tuned_method("promp")
    store_run(store, algorithm="promp", configuration={**method.values, "hidden": 64})
    store_run(store, algorithm="maml", tuning=tuned(16))
    assert "untuned: promp" in warnings(store)[0]
    assert warnings(store, tuning=[method]) == []
    other = tuned_method("promp", key=1)  # chose other values
    assert "untuned: promp" in warnings(store, tuning=[other])[0]


def test_trials_of_anothers_best_are_more_than_as_many_drawn_ones(store: Store, tmp_path: Path) -> None:
    origin = {"profile": "quick", "trials": 16, "seeds": 2}
    fill(store, {"promp": {**tuned(5), "origin": origin}, "maml": tuned(5), "random-init": None})
    (text,) = warnings(store)
    assert (
        "5 trials of 2 seeds, the best of 16 trials of 2 seeds in profile quick: promp; 5 trials of 2 seeds: maml"
        in text
    )
    page = write_report(store.finished(), tmp_path / "report")
    entries = summary_of(page)["boards"][0]["entries"]
    assert entries["promp"]["tuning"] == {**tuned(5), "origin": origin} and entries["maml"]["tuning"] == tuned(5)
    assert "5 trials of quick's best" in (page.parent / "tables/point.md").read_text()


@pytest.mark.parametrize(
    "setting",
    [
        {"budget": 100_000, "adaptation_steps": 4},
        {"budget": 50_000, "adaptation_steps": 1},
        {"config": {"hidden": 32}},
        {"config": {"hidden": "none"}},
    ],
)
def test_values_found_in_another_setting_are_nobodys_effort(store: Store, setting: dict[str, Any]) -> None:
    method = tuned_method("promp")
    store_run(store, algorithm="promp", configuration={**method.values, "hidden": 64})
    store_run(store, algorithm="maml", tuning=tuned(16))
    own = {"budget": 100_000, "adaptation_steps": 1, "trajectories": 3, "adaptations": 1, "config": {"hidden": 64}}
    assert warnings(store, tuning=[replace(method, setting=own)]) == []
    assert "untuned: promp" in warnings(store, tuning=[replace(method, setting={**own, **setting})])[0]


def test_where_all_was_run_untuned_the_paper_s_values_are_no_trials(store: Store) -> None:
    chosen, other = tuned_method("promp"), tuned_method("maml")
    store_run(store, algorithm="promp", configuration=dict(chosen.values))
    store_run(store, algorithm="maml", configuration={**other.values, "clip": 9.0})
    assert warnings(store, tuning=[chosen, other]) == []
    store_run(store, algorithm="trpo", steps=2, tuning=tuned(16))  # in another protocol
    assert not any("promp" in text for text in warnings(store, tuning=[chosen, other]))


def test_a_comparison_gives_the_newcomers_effort_and_each_opponents(store: Store) -> None:
    fill(store, {"promp": tuned(16), "maml": None})
    boards = make_report(store.finished()).boards
    store_run(store, algorithm="promp", configuration={"clip": 9.0})
    text = comparison_markdown("promp", boards, "kept", configurations_tried(store.finished()))
    assert "- Tuning: 16 trials of 2 seeds for `point`\n- Configurations tried: 2 on `point`" in text
    assert "Beware: methods of point were tuned with unequal effort" in text
    (row,) = [line for line in text.splitlines() if line.startswith("| maml")]
    assert "| untuned |" in row

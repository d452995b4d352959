"""Figures drawn from studies: which rows become which lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.figures.colours import styles_for
from reports.figures.drawing import make_drawing
from reports.papers.evidence import gather
from reports.papers.figures import exact_adaptation_curves, exact_returns_by_step_size, imitation_bound, scores_by_tasks
from reports.papers.figures.studies import Shown, shown_of
from reports.papers.study_evidence import choose_studies
from results.published import read_paper
from results.store import Store
from tests.support.study_rows import store_study

PAPER = """
title = "A paper"
authors = "Somebody"
year = 2020
venue = "somewhere"
source = "its text"
open = []
suites = [{ id = "lake", printed = "Lake", suite = "frozen-lake-low" }]
algorithms = [{ id = "bo-mrl-1", printed = "Ours" }, { id = "maml-vpg", printed = "MAML" }]

[[figures]]
id = "figure"
place = "Figure 1"
title = "Returns"
kind = "exact-adaptation-curves"
suites = ["lake"]
algorithms = ["bo-mrl-1", "maml-vpg"]
measurement = "returns"
measured_by = "study"
"""
SUITE = "frozen-lake-low"


@pytest.fixture
def shown(tmp_path: Path) -> Shown:
    """Exact returns of two tasks: ours at 10 + k, MAML at k, and at k x for a step size x."""
    rows = [
        {
            "quantity": "return after k steps",
            "suite": SUITE,
            "algorithm": name,
            "task": task,
            "index": k,
            "value": value,
        }
        for name, level in (("bo-mrl-1", 10.0), ("maml", 0.0))
        for k in range(5)
        for task, value in (("a", level + k - 1), ("b", level + k + 1))
    ] + [
        {
            "quantity": "return after k steps by step size",
            "suite": SUITE,
            "algorithm": "maml",
            "index": k,
            "x": x,
            "value": k * x,
        }
        for k in range(5)
        for x in (1.0, 10.0, 100.0)
    ]
    store = Store(tmp_path / "results")
    store_study(store, rows)
    (tmp_path / "small.toml").write_text(PAPER)
    paper = read_paper(tmp_path / "small.toml")
    studies = choose_studies(store.studies(), ())
    found = shown_of(paper.figures[0], gather(paper, [], studies=studies))
    assert found is not None
    return found


def test_adaptation_curves_are_means_over_tasks_by_step(shown: Shown) -> None:
    (axes,) = exact_adaptation_curves.draw(shown, styles_for(shown.figure.algorithms)).axes
    curves = {str(line.get_label()): line.get_ydata().tolist() for line in axes.lines}  # type: ignore[union-attr]
    assert curves == {"Ours": [10, 11, 12, 13, 14], "MAML": [0, 1, 2, 3, 4]}


def test_baselines_are_drawn_at_their_best_step_size_and_random_starts_adapted_alike(tmp_path: Path) -> None:
    levels = {
        "bo-mrl-1": 10.0,
        "maml": 0.0,
        "maml, best step size": 8.0,
        "random-init": -1.0,
        "random-init, best step size": 2.0,
        "random-init+bo-mrl-1": 5.0,
    }
    rows = [
        {"quantity": "return after k steps", "suite": SUITE, "algorithm": name, "index": k, "value": level + k}
        for name, level in levels.items()
        for k in range(2)
    ]
    store = Store(tmp_path / "results")
    store_study(store, rows)
    text = PAPER.replace('["bo-mrl-1", "maml-vpg"]', '["bo-mrl-1", "random-init", "maml-vpg"]')
    (tmp_path / "small.toml").write_text(
        text.replace('"MAML" }', '"MAML" }, { id = "random-init", printed = "Random" }')
    )
    paper = read_paper(tmp_path / "small.toml")
    found = shown_of(paper.figures[0], gather(paper, [], studies=choose_studies(store.studies(), ())))
    assert found is not None
    (axes,) = exact_adaptation_curves.draw(found, styles_for(found.figure.algorithms)).axes
    starts = {str(line.get_label()): float(next(iter(line.get_ydata()))) for line in axes.lines}  # type: ignore[arg-type]
    assert starts == {
        "Ours": 10.0,
        "Random, adapted alike": 5.0,
        "Random, policy gradient, best step size": 2.0,
        "MAML, best step size": 8.0,
    }


def test_what_has_no_step_size_is_level_and_the_rest_is_drawn_over_it(shown: Shown) -> None:
    (axes,) = exact_returns_by_step_size.draw(shown, styles_for(shown.figure.algorithms)).axes
    curves = {str(line.get_label()): list(line.get_ydata()) for line in axes.lines}  # type: ignore[arg-type]
    assert curves == {"Ours, 1 step": [11, 11], "MAML, 1 step": [1, 10, 100], "MAML, 4 steps": [4, 40, 400]}
    assert axes.get_xscale() == "log"


def bound_shown(tmp_path: Path, printed: str = "Ours") -> Shown:
    """Costs and bounds of one method after 0 and 2 rounds, and along the counterexample."""
    levels = {"a1-cost": 5.0, "a1-expert-cost": 3.0, "a1-printed-bound": 40.0, "a1-corrected-bound": 60.0}
    rows = [
        {"quantity": name, "suite": SUITE, "algorithm": "gmps", "task": task, "index": index, "value": level - index}
        for name, level in levels.items()
        for task in ("a", "b")
        for index in (0, 2)
    ]
    rows.append({"quantity": "a1-largest-cost", "suite": SUITE, "algorithm": "gmps", "value": 49.0})
    rows += [
        {"quantity": name, "suite": "bandit", "index": place, "x": x, "value": level * x}
        for name, level in levels.items()
        for place, x in enumerate((0.1, 0.2))
    ]
    store = Store(tmp_path / "results")
    store_study(store, rows)
    text = PAPER.replace('suites = ["lake"]\n', "suites = []\n").replace("exact-adaptation-curves", "imitation-bound")
    (tmp_path / "small.toml").write_text(text.replace("bo-mrl-1", "gmps").replace("Ours", printed))
    paper = read_paper(tmp_path / "small.toml")
    found = shown_of(paper.figures[0], gather(paper, [], studies=choose_studies(store.studies(), ())))
    assert found is not None
    return found


def test_the_bound_is_drawn_beside_costs_by_method_and_along_the_counterexample(tmp_path: Path) -> None:
    found = bound_shown(tmp_path)
    lake, bandit = imitation_bound.draw(found, styles_for(found.figure.algorithms)).axes
    drawn = {str(line.get_label()): list(line.get_ydata()) for line in lake.lines}  # type: ignore[arg-type]
    assert drawn["cost of the adapted policy"] == [5.0] and drawn["bound as corrected"] == [60.0]
    assert drawn["largest cost: the horizon"] == [49.0, 49.0]
    assert (lake.get_yscale(), bandit.get_yscale()) == ("log", "linear")
    assert [label.get_text() for label in lake.get_xticklabels()] == ["Ours\nuntrained", "Ours\n2 rounds"]
    along = {str(line.get_label()): list(line.get_ydata()) for line in bandit.lines}  # type: ignore[arg-type]
    assert along["bound as printed"] == [4.0, 8.0]


def test_six_methods_stand_within_their_group_of_tasks(tmp_path: Path) -> None:
    others = [f"method-{number}" for number in range(6)]
    rows = [
        {"quantity": f"score on the {group}", "suite": SUITE, "algorithm": name, "value": level}
        for group in scores_by_tasks.GROUPS
        for level, name in enumerate(("maml-vpg", *others))
    ]
    store = Store(tmp_path / "results")
    store_study(store, rows)
    named = ", ".join(f'{{ id = "{name}", printed = "{name}" }}' for name in others)
    text = PAPER.replace('"bo-mrl-1", printed = "Ours" }', f'"bo-mrl-1", printed = "Ours" }}, {named}')
    (tmp_path / "small.toml").write_text(text.replace('["bo-mrl-1", "maml-vpg"]', str(["maml-vpg", *others])))
    paper = read_paper(tmp_path / "small.toml")
    found = shown_of(paper.figures[0], gather(paper, [], studies=choose_studies(store.studies(), ())))
    assert found is not None
    (axes,) = scores_by_tasks.draw(found, styles_for(found.figure.algorithms)).axes
    places = [float(next(iter(line.get_xdata()))) for line in axes.lines if line.get_linestyle() == "None"]  # type: ignore[arg-type]
    assert len(places) == 6 * len(scores_by_tasks.GROUPS)
    assert all(abs(place - round(place)) < 0.42 for place in places) and len({round(each, 6) for each in places}) == 30


def test_a_log_axis_and_long_names_can_be_read(tmp_path: Path) -> None:
    found = bound_shown(tmp_path, "Ours with aggregation")
    styles = styles_for(found.figure.algorithms)
    drawing = make_drawing("bound", "costs", lambda: imitation_bound.draw(found, styles))
    assert "mathdefault" not in drawing.svg and ">10</text>" in drawing.svg
    lake, _ = imitation_bound.draw(found, styles).axes
    assert lake.get_xticklabels()[0].get_text() == "Ours with\naggregation\nuntrained"

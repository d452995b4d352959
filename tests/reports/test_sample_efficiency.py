"""Sample efficiency by all environment steps, and by those of meta-training alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reports.figures.colours import styles_for
from reports.papers.claims import compare_sides, parts_of
from reports.papers.design import design_now
from reports.papers.draw_figure import draw_figure
from reports.papers.evidence import SEEDS as DESIGNED
from reports.papers.evidence import Evidence, gather
from reports.papers.figures import learning_curves, learning_curves_in_meta_training
from reports.papers.figures.scores import panels_of
from reports.papers.parts import NOT_RUN
from reports.papers.sample_efficiency import COMPARED, IN_STEPS, at_equal_meta_training, steps_to_level
from reports.scores.entries import AlgorithmScores, collect_entries
from reports.scores.reading import read_learning_curve
from reports.statistics.power import decidable_effect, first_level
from results.published import read_paper
from results.store import Store
from tests.support.scored_runs import store_run

PAPER = """
title = "A paper"
authors = "Somebody"
year = 2020
venue = "somewhere"
source = "its text"
open = []
suites = [{ id = "plane", printed = "Plane", suite = "point" }]
algorithms = [{ id = "guided", printed = "Ours" }, { id = "maml", printed = "MAML" }]

[[figures]]
id = "curves"
place = "Curves"
title = "returns"
kind = "learning-curves"
suites = ["plane"]
algorithms = ["guided", "maml"]

[[claims]]
id = "fewer"
place = "Abstract"
sentence = "On {suite} MAML needs more."
suites = ["plane"]
relation = "higher"
quantity = "QUANTITY"
first = ["maml"]
second = ["guided"]
"""
SEEDS = 4


def entries_of(root: Path, guided: float = 10.0, maml: float = 10.0) -> dict[str, AlgorithmScores]:
    """Both rise straight to their level until 100,000 steps, of which the guided one's first 60,000 are an expert's."""
    store = Store(root / "results")
    for seed in range(SEEDS):
        store_run(store, algorithm="guided", seed=seed, level=guided, begun=60_000)
        store_run(store, algorithm="maml", seed=seed, level=maml)
    entries, _ = collect_entries(store.finished())
    return {entry.algorithm: entry for entry in entries}


def evidence_of(root: Path, quantity: str, **levels: float) -> Evidence:
    entries = entries_of(root, **levels)
    (root / "small.toml").write_text(PAPER.replace("QUANTITY", quantity))
    return gather(read_paper(root / "small.toml"), entries.values())


def test_at_equal_steps_of_meta_training_the_others_curve_is_read_where_the_shorter_ends(tmp_path: Path) -> None:
    entries = entries_of(tmp_path)
    values = at_equal_meta_training(entries["guided"], entries["maml"])
    assert not isinstance(values, str)
    expected = []
    for run in entries["maml"].runs:
        curve = read_learning_curve(run)
        assert curve is not None
        means = curve.values[:, 1].mean(axis=1)  # at 0, 25,000, ..., 100,000
        expected.append(means[1] + (40_000 - 25_000) / 25_000 * (means[2] - means[1]))
    np.testing.assert_allclose(values[1], expected)
    assert values[0].mean() - values[1].mean() == pytest.approx(10.0 * 0.6, abs=0.5)


@pytest.mark.parametrize(("meta_training", "ours"), [(True, 0.4 * 0.45), (False, 0.6 + 0.4 * 0.45)])
def test_steps_to_a_level_are_counted_with_the_experts_or_without(
    tmp_path: Path, meta_training: bool, ours: float
) -> None:
    """The guided one rises to twice MAML's best, so it is at nine tenths of that after 0.45 of its own steps."""
    entries = entries_of(tmp_path, guided=20.0)
    found = steps_to_level(entries["maml"], entries["guided"], meta_training)
    assert not isinstance(found, str)
    assert found[0].mean() == pytest.approx(90_000, rel=0.05)
    assert found[1].mean() == pytest.approx(100_000 * ours, rel=0.05)


def test_who_never_reaches_the_level_gains_nothing_by_ending_early(tmp_path: Path) -> None:
    entries = entries_of(tmp_path, guided=1.0)
    found = steps_to_level(entries["maml"], entries["guided"], meta_training=True)
    assert not isinstance(found, str)
    assert (found[1] == 100_000).all()  # its own end at 40,000


def test_without_progress_there_is_no_level(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, "meta-training-to-level", maml=-10.0)
    (claim,) = evidence.paper.claims
    ((first, second),) = parts_of(claim)
    part = compare_sides(claim, first, second, evidence).part
    assert part.word == NOT_RUN
    assert part.reason == "maml: its learning curve does not rise, so there is no level to reach"


@pytest.mark.parametrize("quantity", ["steps-to-level", "meta-training-to-level", "at-equal-meta-training"])
def test_claims_name_these_quantities(tmp_path: Path, quantity: str) -> None:
    evidence = evidence_of(tmp_path, quantity, guided=20.0)
    (claim,) = evidence.paper.claims
    ((first, second),) = parts_of(claim)
    part = compare_sides(claim, first, second, evidence).part
    expected = {"steps-to-level": 90_000 - 78_000, "meta-training-to-level": 90_000 - 18_000}
    value = expected.get(quantity, 4.0 - 20.0)
    assert part.effect == pytest.approx(value, rel=0.15)
    assert part.units == SEEDS and part.raw_p is not None


@pytest.mark.parametrize("quantity", ["steps-to-level", "meta-training-to-level", "at-equal-meta-training"])
def test_what_eight_seeds_decide_is_in_the_unit_of_what_is_compared(tmp_path: Path, quantity: str) -> None:
    """Their spread is that of both sides' values, not of the scores on test tasks."""
    evidence = evidence_of(tmp_path, quantity, guided=20.0)
    entries = evidence.sets[0].entries
    both = COMPARED[quantity](entries["maml"], entries["guided"])
    assert not isinstance(both, str)
    design = design_now(evidence.paper.claims[0], evidence, 1)
    assert design is not None
    spread = np.sqrt((both[0].var(ddof=1) + both[1].var(ddof=1)) / 2)
    assert design.spread == pytest.approx(spread)
    assert design.effect == pytest.approx(spread * decidable_effect(DESIGNED, first_level(1), "two"))
    assert "4 seeds each of maml, guided on point" in design.origin


def test_of_several_pairs_the_widest_spread_has_to_be_decided(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, "steps-to-level", guided=20.0)
    alone = design_now(evidence.paper.claims[0], evidence, 1)
    store = Store(tmp_path / "results")
    for seed, level in enumerate((3.0, 6.0, 9.0, 12.0)):
        store_run(store, algorithm="bias", seed=seed, level=level)
    text = (tmp_path / "small.toml").read_text().replace('first = ["maml"]', 'first = ["maml", "bias"]')
    (tmp_path / "small.toml").write_text(
        text.replace('printed = "MAML" }', 'printed = "MAML" }, { id = "bias", printed = "B" }')
    )
    wider = gather(read_paper(tmp_path / "small.toml"), collect_entries(store.finished())[0])
    both = design_now(wider.paper.claims[0], wider, 1)
    assert alone is not None and both is not None
    assert both.spread > 2 * alone.spread and "4 seeds each of bias, guided on point" in both.origin


def test_without_the_other_side_it_is_unknown_what_they_decide(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, "steps-to-level")
    alone = gather(evidence.paper, [evidence.sets[0].entries["maml"]])
    assert design_now(evidence.paper.claims[0], alone, 1) is None


@pytest.mark.parametrize("quantity", ["steps-to-level", "meta-training-to-level", "at-equal-meta-training"])
def test_how_scores_went_on_is_not_said_of_a_difference_in_steps(tmp_path: Path, quantity: str) -> None:
    evidence = evidence_of(tmp_path, quantity, guided=20.0)
    (claim,) = evidence.paper.claims
    ((first, second),) = parts_of(claim)
    moved = compare_sides(claim, first, second, evidence).part.moved
    assert (moved is None) == (quantity in IN_STEPS)


def test_curves_begin_where_the_experts_training_ends_or_at_nothing(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, "steps-to-level")
    panels, styles = panels_of(evidence.paper.figures[0], evidence), styles_for(["guided", "maml"])
    ends = {}
    for kind in (learning_curves, learning_curves_in_meta_training):
        (axes,) = kind.draw(panels, styles).axes
        curves = {str(line.get_label()): np.asarray(line.get_xdata(), float) for line in axes.lines}
        ends[kind] = {name: (curves[name][0], curves[name][-1]) for name in ("Ours", "MAML")}
    assert ends[learning_curves] == {"Ours": (60_000, 100_000), "MAML": (0, 100_000)}
    assert ends[learning_curves_in_meta_training] == {"Ours": (0, 40_000), "MAML": (0, 100_000)}


def test_its_numbers_are_those_at_equal_steps_of_meta_training(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, "steps-to-level")
    figure = replace(evidence.paper.figures[0], kind="learning-curves-in-meta-training")
    table, drawing = draw_figure(figure, evidence, styles_for(["guided", "maml"]))
    assert table is not None and drawing is not None
    ours, maml = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    assert (ours["Its expert's steps"], ours["Its own"]) == ("60 k", "40 k")
    assert (maml["Its expert's steps"], maml["Its own"]) == ("0", "100 k")
    at = {row["Method"]: row["At equal steps of its own"] for row in (ours, maml)}
    assert all(text.endswith(" at 40 k") for text in at.values())
    assert float(at["Ours"].split()[0]) - float(at["MAML"].split()[0]) == pytest.approx(6.0, abs=0.5)
    assert ours["At its end"] == at["Ours"].split()[0]


def test_a_figure_of_ours_is_not_said_to_be_the_papers(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, "steps-to-level")
    (figure,) = evidence.paper.figures
    captions = []
    for ours in (True, False):
        _, drawing = draw_figure(replace(figure, ours=ours), evidence, styles_for(["guided", "maml"]))
        assert drawing is not None
        captions.append(drawing.caption)
    starts = [caption.partition(".")[0] for caption in captions]
    assert starts == ["Curves, from our runs: returns", "Curves of the paper, from our runs: returns"]


@pytest.mark.parametrize("kind", ["learning-curves", "learning-curves-in-meta-training", "adaptation-curves"])
def test_a_figure_of_scores_names_its_statistic_and_says_what_verdicts_compare(tmp_path: Path, kind: str) -> None:
    evidence = evidence_of(tmp_path, "steps-to-level")
    figure = replace(evidence.paper.figures[0], kind=kind)
    _, drawing = draw_figure(figure, evidence, styles_for(["guided", "maml"]))
    assert drawing is not None
    tasks = "test tasks" if kind == "adaptation-curves" else "validation tasks"
    assert f"interquartile means over seeds and {tasks}" in drawing.caption
    assert drawing.caption.endswith("verdicts compare means")
    assert "interquartile mean<" in drawing.svg


def test_an_experts_curve_is_drawn_to_its_own_end_and_its_steps_are_named(tmp_path: Path) -> None:
    """Its budget is smaller than that of the runs that begin with it, so that no table compares them."""
    store = Store(tmp_path / "results")
    store_run(store, algorithm="expert", budget=60_000)
    identity = store.finished()[0].identity
    terms = {key: identity[key] for key in ("algorithm", "configuration", "protocol", "evaluations", "budget")}
    parent = {"role": "expert", **terms, "parents": []}
    store_run(store, algorithm="expert", budget=50_000)  # nobody's
    store_run(store, algorithm="guided", begun=60_000, parents=(parent,))
    store_run(store, algorithm="maml")
    (tmp_path / "small.toml").write_text(
        PAPER.replace("QUANTITY", "score")
        .replace('{ id = "guided"', '{ id = "expert", printed = "Expert" }, { id = "guided"')
        .replace('algorithms = ["guided", "maml"]', 'algorithms = ["guided", "maml", "expert"]')
    )
    evidence = gather(read_paper(tmp_path / "small.toml"), collect_entries(store.finished())[0])
    panels, styles = panels_of(evidence.paper.figures[0], evidence), styles_for(["guided", "maml", "expert"])
    (axes,) = learning_curves.draw(panels, styles).axes
    ends = {str(line.get_label()): np.asarray(line.get_xdata(), float)[[0, -1]].tolist() for line in axes.lines}
    assert ends == {"Ours": [60_000, 100_000], "MAML": [0, 100_000], "Expert": [0, 60_000]}
    assert axes.get_xlabel() == "environment steps, an expert's included"
    (axes,) = learning_curves_in_meta_training.draw(panels, styles).axes
    assert "Expert" not in [line.get_label() for line in axes.lines]
    assert axes.get_xlabel() == "environment steps of meta-training alone"

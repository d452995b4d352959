"""XMRL-G's tables and figures that rest on a study: what stands beside the printed numbers and what is drawn where."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from benchmarks.commands.report import REFERENCE
from reports.figures.colours import styles_for
from reports.figures.drawing import make_drawing
from reports.papers.draw_figure import draw_figure
from reports.papers.evidence import Evidence, gather
from reports.papers.figures import (
    explanation,
    generalisation_gaps,
    information_ascent,
    information_in_training,
    scores_by_tasks,
)
from reports.papers.figures.studies import Shown, shown_of, study_table
from reports.papers.measured_cells import measured_cells
from reports.papers.study_evidence import choose_studies
from reports.papers.tables import fill_table, ours_text, table_csv
from results.published import Paper, find_paper, read_paper
from results.store import Store
from tests.support.study_rows import store_study

QUANTITIES = """\
quantities = [
    "weight", "influence", "critical", "poor", "null", "stands", "p-value", "different", "train ", "validation ",
    "test ", "score ", "general", "metric ",
]
"""
PAPER = (
    """
title = "A paper"
authors = "Somebody"
year = 2020
venue = "somewhere"
source = "its text"
open = []
suites = [{ id = "robot", printed = "Robot", suite = "robot[cost=0]" }, { id = "other", printed = "O", suite = "o" }]
algorithms = [{ id = "maml-vpg", printed = "MAML" }, { id = "xmrl-g-five-random", printed = "Random" }]

[[tables]]
id = "table2"
place = "Table 2"
title = "Fidelity"
baseline = "maml-vpg"
measurement = "scores on the poor tasks"
measured_by = "explanation"
quantity = "score on the poorly-adapted tasks"
columns = ["robot", "other"]

[tables.rows]
maml-vpg = ["-10.0 ± 1.0", "0.5 ± 0.1"]
xmrl-g-five-random = ["-12.0 ± 1.0", "0.4 ± 0.1"]

[[figures]]
id = "panel"
place = "Section 4"
title = "Explanation"
kind = "explanation"
suites = ["robot"]
algorithms = ["maml-vpg", "xmrl-g-five-random"]
measurement = "weights"
measured_by = "explanation"
ours = true
"""
    + QUANTITIES
)
SUITE = "robot[cost=0]"
POOR = "score on the poorly-adapted tasks"


def rows_of(seed: int, parameters: tuple[str, ...] = ("velocity",), p_value: float = 0.01) -> list[dict[str, Any]]:
    """Ten training tasks, of which two are critical, three validation tasks, of which the last is poor, and a test."""
    rows: list[dict[str, Any]] = []
    for split, count in (("train", 10), ("validation", 3), ("test", 1)):
        for index in range(count):
            for place, name in enumerate(parameters):
                value = index * (1 + place) * (-1) ** place
                rows.append({"quantity": f"{split} {name}", "task": f"{split}-{index}", "value": value})
    rows += [{"quantity": "weight", "task": f"train-{i}", "value": 0.1 + 0.02 * (i in (4, 7))} for i in range(10)]
    rows += [
        {"quantity": "influence", "task": f"train-{i}", "index": r, "value": 0.01 * r}
        for i in range(10)
        for r in range(2)
    ]
    rows += [{"quantity": "critical", "task": f"train-{task}", "index": i} for i, task in enumerate((7, 4))]
    rows += [{"quantity": "poor", "task": "validation-2"}, {"quantity": "null band", "value": 0.11}]
    rows += [
        {"quantity": "stands out", "value": float(seed == 2)},
        {"quantity": "p-value of equal weights", "value": p_value if seed == 2 or p_value < 0.01 else 0.3},
    ]
    rows.append({"quantity": "different training tasks", "value": 4.0})
    rows += [
        {"quantity": "metric information_share", "algorithm": "maml-vpg", "index": 3 + i, "value": 0.5 + 0.1 * i}
        for i in range(2)
    ]
    for name, level in (("maml-vpg", -10.0), ("xmrl-g-five-random", -14.0)):
        for sets in range(1 if name == "maml-vpg" else 2):
            rows += [
                {"quantity": POOR, "algorithm": name, "task": f"v-{seed}-{i}", "index": sets, "x": 500.0,
                 "value": level + seed + 2 * i + 4 * sets}
                for i in range(2)
            ]  # fmt: skip
        rows.append({"quantity": "generalisation gap", "algorithm": name, "value": level + seed})
    return [{"suite": SUITE, "value": 1.0, **row} for row in rows]


def evidence_of(folder: Path, seeds: int = 3, **options: Any) -> tuple[Paper, Evidence]:
    folder.mkdir(exist_ok=True)
    store = Store(folder / "results")
    for seed in range(seeds):
        store_study(store, rows_of(seed, **options), seed, "explanation")
    (folder / "small.toml").write_text(PAPER)
    paper = read_paper(folder / "small.toml")
    return paper, gather(paper, [], studies=choose_studies(store.studies(), ()))


def test_a_studys_shares_have_intervals_that_end_at_0_and_1(tmp_path: Path) -> None:
    """Of the drone's Table 2 one read "0.44 [-0.68, 1.48]"."""
    paper, _ = evidence_of(tmp_path)
    store = Store(tmp_path / "shares")
    for seed, met in enumerate((0.0, 1.0, 0.3)):
        row = {"suite": SUITE, "quantity": POOR, "algorithm": "maml-vpg", "task": "v", "x": 1.0, "value": met}
        store_study(store, [row], seed, "explanation")
    (study,) = choose_studies(store.studies(), ()).values()
    free, cut = (measured_cells(study, POOR, paper.suites, shares) for shares in ((), ("robot",)))
    key = ("robot", "maml-vpg")
    assert free[key].summary.interval[0] < 0 and free[key].summary.interval[1] > 1  # type: ignore[index]
    assert cut[key].summary.interval == cut[key].summary.mean_interval == (0.0, 1.0)


def shown_by(folder: Path, **options: Any) -> Shown:
    paper, evidence = evidence_of(folder, **options)
    shown = shown_of(paper.figures[0], evidence)
    assert shown is not None
    return shown


def points(axes: Axes, label: str) -> list[tuple[float, float]]:
    line = next(line for line in axes.lines if line.get_label() == label)
    return [(float(x), float(y)) for x, y in np.asarray(line.get_xydata())]


def test_a_table_that_a_study_measures_is_filled_from_its_rows(tmp_path: Path) -> None:
    paper, evidence = evidence_of(tmp_path)
    filled = fill_table(paper.tables[0], evidence)
    base, random = filled.cells[0][0], filled.cells[1][0]
    assert base.ours is not None and random.ours is not None
    # over seeds -9, -8, -7 and tasks 1 either side; random sets are 2 either side of their mean
    assert (base.ours.mean, base.ours.std_seeds, base.ours.seeds) == (-8.0, 1.0, 3)
    assert base.ours.std_tasks == pytest.approx(2**0.5)
    assert (random.ours.mean, random.our_gain) == (-10.0, -2.0)
    assert random.gain_ratio == pytest.approx(1.0)
    line = next(line for line in csv.DictReader(io.StringIO(table_csv(filled))) if line["suite"] == "robot")
    assert (line["our_suite"], line["budget"], line["profile"]) == (SUITE, "500", "smoke")
    missing = filled.cells[0][1]
    assert (missing.ours, ours_text(missing)) == (None, "not run")
    assert missing.missing == "no measurement of the scores on the poor tasks yet"


def test_without_the_study_the_table_says_so(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(PAPER)
    paper = read_paper(tmp_path / "small.toml")
    cell = fill_table(paper.tables[0], gather(paper, [])).cells[0][0]
    assert cell.missing == "no measurement of the scores on the poor tasks yet; none of explanation is stored"


def test_tasks_of_one_number_lie_above_their_weights(tmp_path: Path) -> None:
    shown = shown_by(tmp_path)
    above, below = explanation.draw(shown, styles_for(shown.algorithms)).axes
    assert sorted(x for x, _ in points(above, "critical training tasks")) == [4.0, 7.0]
    assert [x for x, _ in points(above, "poorly-adapted tasks")] == [2.0]
    assert [label.get_text() for label in above.get_yticklabels()] == [
        "training", "validation", "test", "seed 0", "seed 1", "seed 2",
    ]  # fmt: skip
    bars = [bar for bar in below.patches[1:] if isinstance(bar, Rectangle)]  # the first one is the band
    assert len(bars) == 10
    heights = {round(bar.get_x() + bar.get_width() / 2): bar.get_y() + bar.get_height() for bar in bars}
    assert heights[4] == heights[7] == pytest.approx(0.12) and heights[0] == pytest.approx(0.1)
    assert below.get_xlabel() == "velocity of the task"
    verdict = "bars of seed 0; the largest stands out in 1 of 3 seeds\np = 0.3, 0.3, 0.01"
    assert below.get_title() == f"{verdict}\n10 tasks are 4 MDPs, not told apart"
    assert len(points(below, "independent collections")) == 20
    assert explanation.said(shown) == [
        "The bars, the dots and the band are those of seed 0 alone, one of 3; the lines above them mark the "
        "poorly-adapted and critical tasks of every seed"
    ]


@pytest.mark.parametrize("parameters", [("velocity",), ("goal[0]", "goal[1]")])
def test_the_headings_of_many_seeds_fit_into_the_picture(parameters: tuple[str, ...], tmp_path: Path) -> None:
    """Half-cheetah's was cut off after the third p-value."""
    _, evidence = evidence_of(tmp_path, seeds=10, p_value=0.00049975, parameters=parameters)
    shown = shown_of(evidence.paper.figures[0], evidence)
    assert shown is not None
    figures = list[Figure]()

    def draw() -> Figure:
        figures.append(explanation.draw(shown, {}))
        return figures[0]

    make_drawing("x", "x", draw)
    figures[0].draw_without_rendering()  # saving leaves texts the size of its own resolution
    *_, below = figures[0].axes
    assert "p = 0.0005, 0.0005" in below.get_title(loc="left")
    for axes in figures[0].axes:
        for heading in (text for text in axes.findobj(Text) if text.get_text() == axes.get_title(loc="left") != ""):
            assert heading.get_window_extent().x1 <= figures[0].bbox.x1


def test_the_caption_says_whose_tasks_and_bars_are_drawn(tmp_path: Path) -> None:
    _, evidence = evidence_of(tmp_path, parameters=("goal[0]", "goal[1]"))
    _, drawing = draw_figure(evidence.paper.figures[0], evidence, {})
    assert drawing is not None
    assert drawing.caption.endswith("those of seed 0 alone, one of 3")
    _, evidence = evidence_of(tmp_path / "one", seeds=1)
    _, drawing = draw_figure(evidence.paper.figures[0], evidence, {})
    assert drawing is not None
    assert drawing.caption.endswith(
        "(explanation " + evidence.studies["explanation"].digest[:12] + ", profile smoke, 1 seed)"
    )


def test_tasks_of_several_numbers_lie_in_the_plane_of_the_two_that_spread_most(tmp_path: Path) -> None:
    shown = shown_by(tmp_path, parameters=("goal[0]", "goal[1]", "obstacle[0]"))
    above, below = explanation.draw(shown, styles_for(shown.algorithms)).axes
    assert (above.get_xlabel(), above.get_ylabel()) == ("obstacle[0]", "goal[1]")
    assert sorted(points(above, "critical training tasks")) == [(12.0, -8.0), (21.0, -14.0)]
    assert len(points(above, "other training tasks")) == 8 and len(points(above, "other validation tasks")) == 2
    assert below.get_xlabel() == "training tasks, by weight"


def test_gains_are_over_maml_seed_by_seed(tmp_path: Path) -> None:
    shown = shown_by(tmp_path)
    gains = scores_by_tasks.gains_of(shown, SUITE, "xmrl-g-five-random", "poorly-adapted tasks")
    assert gains.tolist() == [-2.0, -2.0, -2.0]
    (axes,) = scores_by_tasks.draw(shown, styles_for(shown.algorithms)).axes
    assert [y for _, y in points(axes, "Random")] == [-2.0] * 3


def test_gaps_are_drawn_for_every_policy(tmp_path: Path) -> None:
    shown = shown_by(tmp_path)
    (axes,) = generalisation_gaps.draw(shown, styles_for(shown.algorithms)).axes
    assert [x for x, _ in points(axes, "MAML")] == [-10.0, -9.0, -8.0]
    assert axes.get_title() == "Robot\ncost=0"


def test_what_is_only_drawn_stands_in_no_table(tmp_path: Path) -> None:
    quantities = {row[2] for row in study_table(shown_by(tmp_path)).rows}
    told = {"stands out", "p-value of equal weights", "different training tasks", "metric information_share"}
    assert quantities == {"poor", "null band", POOR, "generalisation gap", *told}


def test_the_information_is_drawn_along_the_training_of_each_seed(tmp_path: Path) -> None:
    shown = shown_by(tmp_path)
    (axes,) = information_in_training.draw(shown, styles_for(shown.algorithms)).axes
    assert points(axes, "MAML") == [(3.0, 0.5), (4.0, 0.6)]
    assert (
        len([line for line in axes.lines if len(np.asarray(line.get_xdata())) == 2 and line.get_marker() != "None"])
        == 3
    )


def test_the_caption_counts_in_how_many_steps_the_information_rises(tmp_path: Path) -> None:
    """Two seeds: 0.5, 0.7, 0.4, 0.6 with a step quartered after the second value, and a rise in every step."""
    place = {"suite": SUITE, "algorithm": "maml-vpg"}
    curves = {0: ((0.5, 0.7, 0.4, 0.6), (0.4, 0.4, 0.1, 0.1)), 1: ((0.5, 0.6), (0.3, 0.3))}
    store = Store(tmp_path / "results")
    for seed, (shares, sizes) in curves.items():
        rows = [
            {**place, "quantity": f"metric {name}", "index": 7 + index, "value": value}
            for name, values in (("information_share", shares), ("posterior_step_size", sizes))
            for index, value in enumerate(values)
        ]
        store_study(store, rows[::-1], seed, "explanation")
    (tmp_path / "small.toml").write_text(PAPER)
    paper = read_paper(tmp_path / "small.toml")
    shown = shown_of(paper.figures[0], gather(paper, [], studies=choose_studies(store.studies(), ())))
    assert shown is not None
    assert information_in_training.said(shown) == [
        "From one meta-iteration to the next the information rises in 3 of 4 steps; it rises in every step of 1 of 2 "
        "trainings",
        "1 of the steps comes after a meta-iteration that quartered the lower level's step size: there the "
        "meta-parameter's standard deviation is set anew, and the curve begins again near where it began",
        "Of the other 3 steps 3 rise",
    ]


def test_the_shipped_caption_says_that_the_information_falls_in_training() -> None:
    paper, studies = find_paper("xmrl-g"), choose_studies(Store(REFERENCE, read_only=True).studies(), ())
    (figure,) = (figure for figure in paper.figures if figure.kind == "information-in-training")
    shown = shown_of(figure, gather(paper, [], studies=studies))
    assert shown is not None
    first, second, third = information_in_training.said(shown)
    rise, steps, every, trainings = map(int, re.findall(r"\d+", first))
    (again,), (others, rise_there) = (list(map(int, re.findall(r"\d+", text))) for text in (second, third))
    assert 0 < rise < steps and every < trainings and again > 0
    assert others == steps - again and rise_there <= rise <= rise_there + again


def test_the_ascent_has_a_line_for_each_problem_and_direction(tmp_path: Path) -> None:
    rows = [
        {"quantity": "theorem2-information", "algorithm": name, "index": number, "x": k, "value": level + 0.1 * k}
        for name, level in (("corrected", 0.5), ("printed", 0.2))
        for number in range(2)
        for k in range(3)
    ]
    rows += [
        {"quantity": quantity, "index": 0, "x": horizon, "value": level / horizon}
        for quantity, level in (("theorem1-squared-gradient", 1.0), ("theorem1-bound", 2.0))
        for horizon in (10, 100)
    ]
    store = Store(tmp_path / "results")
    store_study(store, rows, 0, "explanation")
    (tmp_path / "small.toml").write_text(PAPER.replace('suites = ["robot"]', "suites = []").replace(QUANTITIES, ""))
    paper = read_paper(tmp_path / "small.toml")
    shown = shown_of(paper.figures[0], gather(paper, [], studies=choose_studies(store.studies(), ())))
    assert shown is not None
    above, below = information_ascent.draw(shown, {}).axes
    assert len(above.lines) == 4 and points(above, "along its gradient")[-1] == (2.0, 0.7)
    assert points(below, "measured") == [(10.0, 0.1), (100.0, 0.01)]
    assert points(below, "the proof's bound, ~ 1/√K") == [(10.0, 0.2), (100.0, 0.02)]

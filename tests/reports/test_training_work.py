"""The figure of what meta-training costs beside environment steps, and its numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reports.figures.colours import styles_for
from reports.papers.draw_figure import draw_figure
from reports.papers.evidence import Evidence
from reports.papers.figures import training_work
from reports.papers.figures.scores import panels_of
from results.published import read_paper
from results.store import Store
from tests.support.paper_claims import PAPER, evidence_of
from tests.support.scored_runs import store_run

FIGURE = """
[[figures]]
id = "work"
place = "Nowhere"
title = "Work"
kind = "training-work"
suites = ["plane"]
algorithms = ["maml", "promp"]
ours = true
"""
SUITE = "point[horizon=20]"


def stored(folder: Path, cpu: str = "a processor") -> Evidence:
    """Two seeds: MAML's four iterations take a second each, the other's 2 and 4 and count gradients; 100,000 steps."""
    store = Store(folder / "results")
    for seed in range(2):
        store_run(store, SUITE, "maml", seed, seconds=1.0)
        counted = {
            "gradients": [10.0 + seed, 20.0 + seed],
            "explained_tasks": [16.0],
            "explanation_p": [0.25 - seed / 5],
            "mutual_information": [0.5, 0.7, 0.6 + 0.2 * seed],
        }
        store_run(store, SUITE, "promp", seed, seconds=2.0 + 2 * seed, metrics=counted, cpu=cpu)
    (folder / "small.toml").write_text(PAPER + FIGURE)
    return evidence_of(read_paper(folder / "small.toml"), store.finished())


def test_each_seeds_processor_time_is_drawn_and_the_mean_of_work_stands_in_the_table(tmp_path: Path) -> None:
    evidence = stored(tmp_path)
    (figure,), styles = evidence.paper.figures, styles_for(["maml", "promp"])
    (axes,) = training_work.draw(panels_of(figure, evidence), styles).axes
    dots = {str(line.get_label()): np.asarray(line.get_xdata(), float) for line in axes.lines}
    assert dots["MAML"] == pytest.approx([0.04, 0.04])  # 4 seconds of 100,000 steps
    assert sorted(dots["Ours"]) == pytest.approx([0.08, 0.16])
    table, drawing = draw_figure(figure, evidence, styles)
    assert table is not None and drawing is not None
    maml, ours = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    time, work = "Processor seconds for 1,000 steps", "Gradients in an augmenting iteration"
    assert (maml[time], ours[time]) == ("0.040", "0.120 (0.080 to 0.160)")
    assert (maml[work], ours[work]) == ("–", "15.50 (15.00 to 16.00)")
    assert (maml["Training tasks explained"], ours["Training tasks explained"]) == ("–", "16")
    assert ours["p of equal weights, by seed"] == "0.25, 0.05"
    rises = "Steps in which the information rises"
    assert (maml[rises], ours[rises]) == ("–", "3 of 4")


def test_times_of_several_processors_are_not_compared(tmp_path: Path) -> None:
    evidence = stored(tmp_path, cpu="another one")
    (figure,) = evidence.paper.figures
    (axes,) = training_work.draw(panels_of(figure, evidence), styles_for(["maml", "promp"])).axes
    assert not axes.lines
    table, _ = draw_figure(figure, evidence, styles_for(["maml", "promp"]))
    assert table is not None
    assert [row[3] for row in table.rows] == ["–", "–"]
    assert table.rows[1][4] == "15.50 (15.00 to 16.00)"

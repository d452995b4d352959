"""Performance profiles: the share of (seed, task) scores above each threshold, on one board or across boards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports.figures.canvas import Canvas
from reports.figures.chart import (
    BANDS,
    WIDTH,
    Look,
    draw_curve,
    draw_legend,
    legend_height,
    look_of,
    make_panel,
    plain_dashes,
)
from reports.figures.colours import Style
from reports.scores.boards import SuiteScores
from reports.scores.profiles import Profiles
from reports.text.short_labels import short_labels

_HEIGHT = 320.0


def suite_profiles(board: SuiteScores, profiles: Profiles, styles: Mapping[str, Style]) -> Canvas:
    """Over the board's own scores after the last adaptation step."""
    looks = [look_of(entry, board, styles) for entry in board.entries]
    labels = [entry.label for entry in board.entries]
    return _draw(profiles, labels, looks, f"threshold τ ({board.metric})", "test tasks, after adaptation")


def across_figure(profiles: Profiles, algorithms: Mapping[str, str], styles: Mapping[str, Style]) -> Canvas:
    """Over normalised scores of all boards.  algorithms: whose label it is, which decides its colour."""
    names = short_labels(profiles.by_label)
    looks = [
        Look(algorithms[label], names[label], styles[algorithms[label]], plain_dashes(styles[algorithms[label]]))
        for label in profiles.by_label
    ]
    title = "test tasks of all suites, after adaptation"
    across = "threshold τ (normalised score: 0 adapted random initialisation, 1 ceiling)"
    return _draw(profiles, list(profiles.by_label), looks, across, title)


def _draw(profiles: Profiles, labels: Sequence[str], looks: Sequence[Look], across: str, title: str) -> Canvas:
    canvas = Canvas(WIDTH, _HEIGHT + legend_height(looks, WIDTH))
    ends = float(profiles.thresholds[0]), float(profiles.thresholds[-1])
    panel = make_panel(canvas, 0, _HEIGHT, ends, (-0.03, 1.03), (across, "share of scores above τ"), title)
    for label, look in reversed(list(zip(labels, looks, strict=True))):
        found = profiles.by_label[label]
        draw_curve(panel, profiles.thresholds, found.share, found.interval if len(labels) <= BANDS else None, look)
    draw_legend(canvas, looks, _HEIGHT)
    return canvas

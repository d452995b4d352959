"""Performance profiles: the share of (seed, task) scores above each threshold, on one suite or across suites."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.colours import Style
from reports.figures.drawing import WIDTH, Look, add_legend, draw_curve, finish, look_of, tag
from reports.scores.boards import SuiteScores
from reports.scores.entries import CURVE_RESAMPLES
from reports.statistics.performance_profile import performance_profile
from reports.text.numbers import finite_range
from reports.text.short_labels import short_labels

_THRESHOLDS = 61


def suite_profiles(board: SuiteScores, styles: Mapping[str, Style]) -> Figure:
    """Over the suite's own scores after the last adaptation step."""
    figure = Figure(figsize=(WIDTH, 3.7), layout="constrained")
    axes = figure.subplots()
    finals = [entry.scores[-1] for entry in board.entries]
    low, high = finite_range([float(end) for scores in finals for end in (scores.min(), scores.max())])
    thresholds = np.linspace(low - 0.02 * (high - low), high, _THRESHOLDS)
    for entry, scores in zip(board.entries, finals, strict=True):
        profile = performance_profile(
            {board.suite: scores}, thresholds, entry.algorithm, "profile", resamples=CURVE_RESAMPLES
        )
        look = look_of(entry, board, styles)
        tag(axes, entry.algorithm, draw_curve(axes, thresholds, profile.share, profile.interval, look))
    axes.set_xlabel(f"threshold τ ({board.metric})")
    _finish(figure, axes, "test tasks, after adaptation")
    return figure


def across_profiles(
    strata: Mapping[str, Mapping[str, np.ndarray]], algorithms: Mapping[str, str], styles: Mapping[str, Style]
) -> Figure:
    """Over normalised scores of all suites.

    strata: scores [seed, task] by suite, for each label.  algorithms: whose label it is, which decides its colour.
    """
    figure = Figure(figsize=(WIDTH * 1.25, 4.2), layout="constrained")
    axes = figure.subplots()
    thresholds = np.linspace(-0.25, 1.1, _THRESHOLDS)  # fixed, as the references are
    names = short_labels(strata)
    for label, scores in strata.items():
        profile = performance_profile(scores, thresholds, label, "profile", resamples=CURVE_RESAMPLES)
        algorithm = algorithms[label]
        look = Look(styles[algorithm], names[label], "" if label == algorithm else "--")
        tag(axes, algorithm, draw_curve(axes, thresholds, profile.share, profile.interval, look))
    axes.set_xlabel("threshold τ (normalised score: 0 untrained, 1 oracle)")
    _finish(figure, axes, "test tasks of all suites, after adaptation")
    return figure


def _finish(figure: Figure, axes: Axes, title: str) -> None:
    axes.set_title(title)
    axes.set_ylabel("share of scores above τ")
    axes.set_ylim(-0.03, 1.03)
    finish(axes)
    add_legend(figure, axes)

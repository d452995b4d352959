"""A board's figures."""

from __future__ import annotations

from collections.abc import Mapping

from reports.figures.adaptation_curves import adaptation_curves
from reports.figures.chart import BANDS
from reports.figures.colours import Style
from reports.figures.figure_files import Drawing, finish_canvas
from reports.figures.learning_curves import has_learning_curves, has_times, learning_by_steps, learning_by_time
from reports.figures.performance_profiles import suite_profiles
from reports.figures.task_heat_map import task_heat_map
from reports.scores.boards import SuiteScores
from reports.scores.profiles import Profiles
from reports.text.numbers import slug


def draw_board(board: SuiteScores, profiles: Profiles, styles: Mapping[str, Style]) -> tuple[Drawing, ...]:
    """The learning curves only where any algorithm trained."""
    name = slug(board.name)
    scores = f"IQM {board.metric}"
    bands = ", 95 % interval over seeds" if len(board.entries) <= BANDS else ""
    drawings = []
    if has_learning_curves(board):
        caption = f"{board.name}: learning curves on validation tasks against environment steps, {scores}{bands}"
        drawings.append(finish_canvas(f"{name}-learning", caption, learning_by_steps(board, styles)))
    caption = f"{board.name}: adaptation curves on test tasks, {scores}, 95 % interval over seeds"
    drawings.append(finish_canvas(f"{name}-adaptation", caption, adaptation_curves(board, styles)))
    if has_times(board):
        caption = f"{board.name}: learning curves against wall time in meta-iterations, {scores}{bands}"
        drawings.append(finish_canvas(f"{name}-time", caption, learning_by_time(board, styles)))
    caption = f"{board.name}: performance profiles, the share of (seed, task) scores above each threshold"
    caption += ", with 95 % interval at each" * bool(bands)
    drawings.append(finish_canvas(f"{name}-profile", caption, suite_profiles(board, profiles, styles)))
    caption = f"{board.name}: {board.metric} on each test task after adaptation, mean over seeds"
    drawings.append(finish_canvas(f"{name}-tasks", caption, task_heat_map(board), broad=True))
    return tuple(drawings)

"""A suite's figures."""

from __future__ import annotations

from collections.abc import Mapping

from reports.figures.adaptation_curves import adaptation_curves
from reports.figures.colours import Style
from reports.figures.drawing import Drawing, make_drawing
from reports.figures.learning_curves import has_learning_curves, has_times, learning_by_steps, learning_by_time
from reports.figures.performance_profiles import suite_profiles
from reports.figures.task_heat_map import task_heat_map
from reports.scores.boards import SuiteScores
from reports.text.numbers import slug


def draw_board(board: SuiteScores, styles: Mapping[str, Style]) -> tuple[Drawing, ...]:
    """The learning curves only where any algorithm trained."""
    name = slug(board.suite)
    scores = f"IQM {board.metric} with 95 % interval over seeds"
    aside = " (* not comparable)" if board.incomparable else ""
    drawings = []
    if has_learning_curves(board):
        caption = f"{board.suite}: learning curves on validation tasks against environment steps, {scores}{aside}"
        drawings.append(make_drawing(f"{name}-learning", caption, lambda: learning_by_steps(board, styles)))
    caption = f"{board.suite}: adaptation curves on test tasks, {scores}{aside}"
    drawings.append(make_drawing(f"{name}-adaptation", caption, lambda: adaptation_curves(board, styles)))
    if has_times(board):
        caption = f"{board.suite}: learning curves against wall time in meta-iterations, {scores}{aside}"
        drawings.append(make_drawing(f"{name}-time", caption, lambda: learning_by_time(board, styles)))
    caption = (
        f"{board.suite}: performance profiles, the share of (seed, task) scores above each threshold, with 95 % "
        f"interval at each threshold{aside}"
    )
    drawings.append(make_drawing(f"{name}-profile", caption, lambda: suite_profiles(board, styles)))
    caption = f"{board.suite}: {board.metric} on each test task after adaptation, mean over seeds{aside}"
    drawings.append(make_drawing(f"{name}-tasks", caption, lambda: task_heat_map(board), broad=True))
    return tuple(drawings)

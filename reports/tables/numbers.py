"""The numbers behind scores and figures: by seed, by seed and task, along learning curves, and of profiles."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from reports.scores.boards import SuiteScores
from reports.scores.profiles import Profiles
from reports.scores.record import runs_folder
from reports.statistics.seed_interval import middle_means
from reports.text.table import csv_lines


def seeds_csv(boards: Iterable[SuiteScores]) -> str:
    """One row a seed and adaptation step: its mean and interquartile mean over test tasks, and its share of success."""
    rows = []
    for board in boards:
        for entry in board.entries:
            means, middles, success = entry.scores.mean(axis=2), middle_means(entry.scores), entry.success
            for place, seed in enumerate(entry.seeds):
                whose = (board.name, board.suite, entry.label, entry.digest, f"{runs_folder(entry)}/seed-{seed}", seed)
                for step in range(len(entry.steps)):
                    rows.append((*whose, step, *(float(table[step, place]) for table in (means, middles, success))))
    return csv_lines(("board", "suite", "algorithm", "digest", "run", "seed", "step", "mean", "iqm", "success"), rows)


def scores_json(boards: Iterable[SuiteScores]) -> str:
    """By board and label the whole array of scores, [step][seed][task], each a mean over a task's episodes."""
    content = {
        board.name: {
            entry.label: {
                "algorithm": entry.algorithm,
                "digest": entry.digest,
                "runs": runs_folder(entry),
                "metric": entry.metric,
                "seeds": entry.seeds,
                "tasks": entry.tasks,
                "scores": entry.scores.tolist(),
            }
            for entry in board.entries
        }
        for board in boards
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def learning_csv(boards: Iterable[SuiteScores]) -> str:
    """One row a point of a learning curve on validation tasks, before and after adaptation."""
    rows = []
    for board in boards:
        for entry in board.entries:
            curve = entry.curve
            for point in range(len(curve.after) if curve is not None else 0):
                assert curve is not None
                seconds = curve.wall_seconds[point] if curve.wall_seconds else None
                whose = (board.name, board.suite, entry.label, entry.digest, runs_folder(entry), point)
                for adaptation, summaries in (("before", curve.before), ("after", curve.after)):
                    found = summaries[point]
                    numbers = (found.mean, found.std_seeds, found.iqm, *(found.interval or (None, None)), found.seeds)
                    rows.append((*whose, curve.environment_steps[point], seconds, adaptation, *numbers))
    columns = (
        "board", "suite", "algorithm", "digest", "runs", "point", "environment_steps", "wall_seconds", "adaptation",
        "mean", "std_seeds", "iqm", "low", "high", "seeds",
    )  # fmt: skip
    return csv_lines(columns, rows)


def profiles_csv(boards: Iterable[SuiteScores], profiles: Mapping[str, Profiles]) -> str:
    """One row a threshold of a performance profile.  profiles: by the boards' names."""
    rows = []
    for board in boards:
        for entry in board.entries:
            found = profiles[board.name].by_label[entry.label]
            for place, threshold in enumerate(found.thresholds.tolist()):
                ends = (None, None) if found.interval is None else found.interval[place].tolist()
                whose = (board.name, board.suite, entry.label, entry.digest)
                rows.append((*whose, threshold, float(found.share[place]), *ends))
    return csv_lines(("board", "suite", "algorithm", "digest", "threshold", "share", "low", "high"), rows)


def across_profiles_csv(profiles: Mapping[str, Profiles]) -> str:
    """One row a threshold of a profile over normalised scores.  profiles: by the runs' profile."""
    rows = []
    for profile, across in profiles.items():
        for label, found in across.by_label.items():
            for place, threshold in enumerate(found.thresholds.tolist()):
                ends = (None, None) if found.interval is None else found.interval[place].tolist()
                rows.append((profile, label, threshold, float(found.share[place]), *ends))
    return csv_lines(("profile", "label", "threshold", "share", "low", "high"), rows)

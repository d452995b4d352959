"""The page's list of all numbers as files, for whoever wants to compute with them."""

from __future__ import annotations

from reports.sections.report import Report, Section
from reports.tables.numbers import across_profiles_csv, learning_csv, profiles_csv, scores_json, seeds_csv

_FILES = {
    "summary.json": "everything of this page's tables, and each run's provenance",
    "tables/leaderboard.csv": "each entry after each adaptation step",
    "tables/seeds.csv": "each seed's mean over test tasks",
    "tables/scores.json": "each seed's score on each test task after each adaptation step",
    "tables/pairwise.csv": "each pair's test",
    "tables/learning.csv": "learning curves",
    "tables/profiles.csv": "performance profiles",
    "tables/runs.csv": "each run: where it lies, its configuration, its code, its times",
}

#: where methods were tuned
_TUNING = {
    "tables/tuning.csv": "each method's tuned, published and profile's values with their validation scores",
    "tables/tuning.json": "every trial, expected best scores and importances",
}


def section(report: Report) -> Section:
    files = {
        "tables/seeds.csv": seeds_csv(report.boards),
        "tables/scores.json": scores_json(report.boards),
        "tables/learning.csv": learning_csv(report.boards),
        "tables/profiles.csv": profiles_csv(report.boards, report.profiles),
    }
    if report.profiles_across:
        files["tables/across-profiles.csv"] = across_profiles_csv(report.profiles_across)
    listed = {name: what for name, what in (_FILES | _TUNING).items() if name in _FILES or report.tuning}
    items = "".join(f'<li><a href="{name}">{name}</a> {what}</li>' for name, what in listed.items())
    note = "Digests and folders lead from every number to its runs, in the results folder and in the list above."
    return Section(f'<section id="numbers"><h2>Files</h2><ul>{items}</ul><p class="note">{note}</p></section>', files)

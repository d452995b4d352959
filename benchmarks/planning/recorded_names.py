"""The names by which records know what a command line names by files: a suite, an algorithm, a profile, a benchmark."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmarks.planning.definition import find_definition
from benchmarks.planning.profiles import find_profile
from benchmarks.specs.loose_suites import is_source
from benchmarks.specs.own_code import find_own
from benchmarks.specs.run_spec import planned_suite
from results.store import StoredRun


def suite_name(text: str) -> str:
    """Of `path.py[:Class]`, with options or without; another text, perhaps a glob, as it is.  Raises UsageError."""
    return planned_suite(text).full_name if is_source(text) else text


def algorithm_name(text: str) -> str:
    """Of `path.py[:Class]` or `package.module:Class`; another text as it is.  Raises UsageError."""
    return find_own(text).name if ":" in text or text.endswith(".py") else text


def profile_name(text: str) -> str:
    """Of `path.toml`; another text as it is."""
    return Path(text).stem if text.endswith(".toml") else text


def runs_of_benchmark(benchmark: str, runs: Iterable[StoredRun]) -> list[StoredRun]:
    """Those of the definition's cells in its profile, with the budget and protocol that it has there.

    Others of the same suites and profile, as another benchmark plans them, are of other boards.  Neither options nor
    the suite's version are asked for: they leave a run one of this benchmark.  Raises UsageError.
    """
    definition = find_definition(benchmark)
    profile = find_profile(definition.profile)
    suites = [planned_suite(text) for text in definition.suites]
    cells = {
        (suite.full_name, name): profile.settings(definition.name, suite.name, name)[0]
        for suite in suites
        for name in map(algorithm_name, definition.algorithms)
    }

    def of_cell(run: StoredRun) -> bool:
        cell, protocol = cells.get((run.suite, run.algorithm)), run.identity["protocol"]
        return cell is not None and (
            (cell.budget, cell.adaptation_steps, cell.trajectories, cell.adaptations)
            == (
                run.identity["budget"], protocol["adaptation_steps"], protocol["trajectories"],
                protocol.get("adaptations", 1),
            )
        )  # fmt: skip

    return [run for run in runs if run.profile == profile.name and of_cell(run)]

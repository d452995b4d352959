"""The names by which records know what a command line names by files: a suite, an algorithm, a profile, a benchmark."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmarks.planning.definition import find_definition
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
    """Those of the definition's cells in its profile.  Raises UsageError."""
    definition = find_definition(benchmark)
    suites = {planned_suite(text).full_name for text in definition.suites}
    algorithms, profile = set(map(algorithm_name, definition.algorithms)), profile_name(definition.profile)
    return [run for run in runs if run.suite in suites and run.algorithm in algorithms and run.profile == profile]

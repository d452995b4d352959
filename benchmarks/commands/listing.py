"""What is available, read from files: nothing heavy is imported."""

from __future__ import annotations

import json
from typing import Any

from algorithms.catalogue import algorithms
from benchmarks.commands.text_table import text_table
from benchmarks.planning.definition import definitions
from environments.catalogue import suites
from environments.discovery import ClassEntry
from environments.splits import FOLDER, NAMES
from environments.suite import Suite


def listing() -> dict[str, list[dict[str, Any]]]:
    """`suites`, `algorithms` and `benchmarks`, each a list sorted by name, as `metarl list --json` prints it."""
    return {
        "suites": [_suite(found) for _, found in sorted(suites().items())],
        "algorithms": [
            {
                "name": name,
                "paper": found.literals.get("paper", ""),
                "summary": _summary(found),
                "scripted": found.literals.get("scripted", False),
            }
            for name, found in sorted(algorithms().items())
        ],
        "benchmarks": [
            {
                "name": entry.name,
                "title": entry.title,
                "suites": list(entry.suites),
                "algorithms": list(entry.algorithms),
                "claims": list(entry.claims),
            }
            for entry in definitions().values()
        ],
    }


def as_lines(content: dict[str, list[dict[str, Any]]]) -> list[str]:
    """The listing for people."""
    suite_rows = [
        (entry["name"], entry["family"], "/".join(str(entry["splits"][name]) for name in NAMES),
         f"H = {entry['horizon']}", entry["metric"])
        for entry in content["suites"]
    ]  # fmt: skip
    algorithm_rows = [(entry["name"], entry["summary"], entry["paper"]) for entry in content["algorithms"]]
    benchmark_rows = [
        (entry["name"], entry["title"], f"{len(entry['suites'])} suites x {len(entry['algorithms'])} algorithms")
        for entry in content["benchmarks"]
    ]
    return [
        "Suites (train/validation/test tasks, horizon, metric)", *text_table(suite_rows), "",
        "Algorithms", *text_table(algorithm_rows), "",
        "Benchmarks", *text_table(benchmark_rows),
    ]  # fmt: skip


def _summary(found: ClassEntry) -> str:
    """The first line of the docstring, and the exception that the class takes from the rule on neighbours."""
    siblings = "siblings" in found.literals.get("access", ())
    return f"{found.summary} (a task's trajectories see each other)" if siblings else found.summary


def _suite(found: ClassEntry) -> dict[str, Any]:
    counts, digest = _split(found)
    return {
        "name": found.name,
        "family": found.literals.get("family", ""),
        "splits": counts,
        "horizon": found.literals.get("horizon", Suite.horizon),
        "metric": found.literals.get("metric", Suite.metric),
        "digest": digest,
    }


def _split(found: ClassEntry) -> tuple[dict[str, int], str]:
    # a later version of a suite has its split beside the first one's
    file = FOLDER / f"{found.literals.get('split_file', found.name)}.json"
    if file.is_file():
        content = json.loads(file.read_text())
        return {name: len(content[name]) for name in NAMES}, content["digest"]
    split = found.load()().split  # a third party's suite keeps its split elsewhere
    return {name: len(split.tasks(name)) for name in NAMES}, split.digest

"""What stands behind the numbers: each run's provenance, as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.scores.entries import AlgorithmScores
from results.identity import DIGITS, folder_name

if TYPE_CHECKING:
    from results.store import StoredRun

_ACCESS = {
    "validation": "uses validation tasks",
    "model": "reads the exact model",
    "parameters": "reads the tasks' parameters",
    "siblings": "lets the trajectories of a task see each other within a batch",
    "test": "trains on test tasks (reference)",
    "test-parameters": "is told which test task it is on (reference)",
}


def access_labels(entry: AlgorithmScores) -> tuple[str, ...]:
    """What an algorithm may use beside the training tasks, in words."""
    return tuple(_ACCESS.get(name, name) for name in entry.access)


def entry_anchor(entry: AlgorithmScores) -> str:
    """The HTML id of an entry's runs; its digest is of suite and algorithm too."""
    return f"runs-{entry.digest[:DIGITS]}"


def runs_folder(entry: AlgorithmScores) -> str:
    """Where a results folder holds the entry's runs, `seed-<n>` each."""
    return "/".join(("runs", *folder_name(entry.identity).parts[:-1]))


def data_of(entry: AlgorithmScores) -> str | None:
    """The line that names the outside data of an entry's suite; None where there are none."""
    return entry.runs[0].run["provenance"].get("data")


def own_file_of(entry: AlgorithmScores) -> str:
    """The loose file that its algorithm comes from, with the bytes that it had; empty for what is installed."""
    files = {
        f"{provenance['source_file']} (SHA-256 {provenance['source_sha256']})"
        for provenance in (run.run["provenance"] for run in entry.runs)
        if {"source_file", "source_sha256"} <= provenance.keys()
    }
    return ", ".join(sorted(files))


def distinct_of(entry: AlgorithmScores) -> tuple[int, int]:
    """The tasks of the suite's split, and how many different MDPs they are; (0, 0) where the record does not say."""
    description = entry.runs[0].run["description"]
    return description.get("tasks", 0), description.get("distinct_mdps", 0)


def run_record(run: StoredRun, entry: AlgorithmScores) -> dict[str, Any]:
    """One run for summary.json and the page.  `wall_seconds`: in meta-iterations; None if none is known.

    `state`, `made_again`, `machines`: see `results.attestations.Proof`; None where nobody asked.
    """
    identity, provenance = run.identity, run.run["provenance"]
    description = run.run["description"]
    return {
        "suite": run.suite,
        "algorithm": run.algorithm,
        "label": entry.label,
        "seed": run.seed,
        "digest": run.digest,
        "reference": run.seed in entry.reference_seeds,
        "profile": description["profile"],
        "benchmark": description["benchmark"],
        "access": sorted(description["access"]),
        "budget": identity["budget"],
        "environment_steps": run.done["environment_steps"],
        "iterations": run.done["iterations"],
        "wall_seconds": float(run.times["wall_seconds"].sum()) if len(run.times) else None,
        "protocol": identity["protocol"],
        "configuration": identity["configuration"],
        "suite_digest": identity["suite_digest"],
        "split_digest": identity["split_digest"],
        "parents": identity["parents"],
        "versions": identity["versions"],
        "code": identity["code"],
        "commit": provenance["commit"],
        "dirty": provenance["dirty"],
        "data": provenance.get("data"),
        "cpu": provenance["cpu"],
        "threads": provenance["threads"],
        "attempts": [attempt["outcome"] for attempt in run.run["attempts"]],
        "records": run.done["digests"],
        "made_again": run.proof.made_again if run.proof else None,
        "machines": run.proof.machines if run.proof else None,
        "state": run.proof.state if run.proof else None,
    }

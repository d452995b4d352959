"""Small runs for tests of the store; importing this imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from results.run_folder import RunFolder
from results.store import Store

SUITE = "half-cheetah-velocity[horizon=200]"


def identity(**changes: Any) -> dict[str, Any]:
    return {
        "suite": SUITE,
        "algorithm": "promp",
        "configuration": {"clip": 0.3, "hidden": (64, 64)},
        "protocol": {"adaptation_steps": 1, "trajectories": 20, "adaptations": 1},
        "evaluations": 4,
        "budget": 1000,
        "seed": 0,
        "suite_digest": "ab",
        "split_digest": "cd",
        "parents": [],
        "versions": {"mujoco": "4", "torch": "2", "numpy": "2"},
        "code": "ef",
    } | changes


def run(**changes: Any) -> dict[str, Any]:
    return {
        "identity": identity(**changes),
        "description": {
            "family": "locomotion",
            "metric": "return",
            "horizon": 200,
            "discount": 0.99,
            "access": ["train"],
            "profile": "smoke",
            "benchmark": None,
        },
        "provenance": {"commit": None, "dirty": False, "packages": {}, "cpu": "", "threads": 1},
    }


def record(value: float = 1.0) -> dict[str, Any]:
    """The arguments of `finish`."""
    measured = {"return": value, "discounted_return": value / 2}
    counted = {"iteration": 1, "environment_steps": 1000}
    return {
        "scores": [
            {"split": split, "task": "t", "step": step, "episode": 0, **measured, "success": True, "length": 200}
            for split in ("validation", "test")
            for step in (0, 1)
        ],
        "learning": [{"point": 0, **counted, "task": "t", "step": 0, **measured, "success": 1.0, "length": 200.0}],
        "training": [{**counted, "metric": "loss", "value": value}],
        "timing": [{**counted, "wall_seconds": 1.5, "sampling_seconds": 1.0, "process_seconds": 1.4}],
        "environment_steps": 1000,
        "iterations": 2,
    }


def finished_run(root: Path, value: float = 1.0, **changes: Any) -> RunFolder:
    folder = Store(root).folder(identity(**changes))
    with folder.lock():
        folder.begin_attempt(run(**changes))
        folder.finish(**record(value))
    return folder

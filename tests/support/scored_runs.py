"""Finished runs with made-up scores, for tests of reports."""

from __future__ import annotations

from typing import Any

import numpy as np

from results.store import Store

TASKS = ("t-0", "t-1", "t-2", "t-3")


def store_run(
    store: Store,
    suite: str = "point",
    algorithm: str = "promp",
    seed: int = 0,
    level: float = 10.0,
    *,
    configuration: dict[str, Any] | None = None,
    budget: int = 100_000,
    steps: int = 1,
    access: tuple[str, ...] = ("train",),
    metric: str = "return",
    trains: bool = True,
    tasks: tuple[str, ...] = TASKS,
    broken: float | None = None,
    dirty: bool = False,
    points: int = 4,
    code: str = "c" * 64,
    seconds: float = 0.5,
    cpu: str = "a processor",
    profile: str = "smoke",
    scripted: bool = False,
    cautions: tuple[str, ...] = (),
    tuning: dict[str, Any] | None = None,
    begun: int = 0,
    metrics: dict[str, list[float]] | None = None,
    parents: tuple[dict[str, Any], ...] = (),
) -> None:
    """A finished run whose scores rise to about `level`; `broken` replaces one test score after adaptation.

    seconds: of processor time for each of its meta-iterations.  tuning: what the record says of it.
    begun: steps of its budget that were spent before, by a run that it begins with.  metrics: of its meta-iterations.
    parents: what its identity has of the runs that it begins with.
    """
    generator = np.random.default_rng([seed, *f"{suite}/{algorithm}".encode()])
    offset = np.random.default_rng(seed).normal(0, 0.5)  # a seed is lucky or not with every algorithm alike

    def score(reached: float, step: int, task: int) -> dict[str, Any]:
        value = level * reached * (0.4 + 0.6 * step / max(steps, 1)) + offset + 0.7 * task + generator.normal(0, 0.3)
        share = float(np.clip(value / 20, 0, 1))
        return {"return": value, "discounted_return": value * 0.8, "success": share, "length": 20}

    scores, learning = [], []
    for split in ("validation", "test"):
        for task, name in enumerate(tasks):
            for step in range(steps + 1):
                for episode in range(3):
                    row = score(1.0, step, task)
                    row["success"] = bool(row["success"] > generator.random())
                    if broken is not None and (split, task, step, episode) == ("test", 2, steps, 1):
                        row["return"] = broken
                    scores.append({"split": split, "task": name, "step": step, "episode": episode, **row})
    for point in range(points + 1 if trains else 1):
        reached = point / points if trains else 1.0
        place = {"point": point, "environment_steps": begun + (budget - begun) * point // points, "iteration": point}
        for task, name in enumerate(tasks):
            for step in range(steps + 1):
                row = score(reached, step, task)
                learning.append({**place, "task": name, "step": step, **row, "length": 20.0})
    folder = store.folder(
        identity := {
            "suite": suite,
            "algorithm": algorithm,
            "configuration": configuration or {},
            "protocol": {"adaptation_steps": steps, "trajectories": 3, "adaptations": 1},
            "evaluations": points,
            "budget": budget,
            "seed": seed,
            "suite_digest": "a" * 64,
            "split_digest": "b" * 64,
            "parents": list(parents),
            "versions": {"mujoco": "4.0", "torch": "2.13", "numpy": "2.4"},
            "code": code,
        }
    )
    description = {"family": "plane", "metric": metric, "horizon": 20, "discount": 0.99, "access": list(access)}
    description |= {"scripted": scripted, "cautions": list(cautions), "profile": profile}
    description |= {"tuning": tuning} if tuning else {}
    provenance = {"commit": "0123456789abcdef", "dirty": dirty, "packages": {}, "cpu": cpu, "threads": 1}
    folder.begin_attempt(
        {
            "identity": identity,
            "description": {**description, "benchmark": None},
            "provenance": {**provenance, "python": "3.11", "platform": "linux", "data": None},
        }
    )
    iterations = points if trains else 0
    timing = [
        {
            "iteration": number,
            "environment_steps": number,
            "wall_seconds": 0.5,
            "sampling_seconds": 0.4,
            "process_seconds": seconds,
        }
        for number in range(iterations)
    ]
    training = [
        {"iteration": number, "environment_steps": number, "metric": name, "value": value}
        for name, values in (metrics or {}).items()
        for number, value in enumerate(values)
    ]
    folder.finish(scores, learning, training, timing, budget if trains else 0, iterations)

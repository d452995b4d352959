"""Where policies go before and after adaptation to each of four corners: Figure 4 of the ProMP paper.

`position` rows are the paths themselves: `x` is the coordinate across, `value` the one up, `index` counts time within
path after path, and the quantity's number is the adaptation step (`path-0`, `path-3`).  What is claimed of them:

- `regions-visited`: of the four corners' regions, those that at least one of a task's episodes enters before adaptation
  (in `corners-momentum` a region is where its corner pays, within 2 of it; the paper's light discs);
- `regions-per-episode`: how many a single episode enters before adaptation;
- `path-length`: of an episode before adaptation;
- `final-distance`: from the end of an episode after the last adaptation step to its goal, and `return`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from benchmarks.execution.evaluation import adapted_batches, harness_collector
from benchmarks.specs.study import Rows, Study, StudyConfig, row
from benchmarks.studies.staged_training import trained
from environments.corners import CORNERS
from environments.problem import EvaluationProtocol
from environments.task import TaskRef
from environments.trajectories import TrajectoryBatch

#: environment steps a second of one core, gradients through three inner steps included
RATE = 12_000


@dataclass(frozen=True)
class ExplorationPathsConfig(StudyConfig):
    suites: tuple[str, ...] = ("corners-momentum",)
    algorithms: tuple[str, ...] = ("maml-trpo", "e-maml-trpo", "lvc-trpo")
    adaptation_steps: int = 3
    budget: int = 2_560_000  # environment steps of meta-training, for each algorithm
    stages: int = 4  # training is stored after each
    tasks: int = 8
    trajectories: int = 20  # per task and adaptation step, also when paths are recorded
    paths: int = 5  # of each task, that are kept to be drawn
    radius: float = 2.0  # of a corner's region
    hidden: tuple[int, ...] = (64, 64)
    inner_step_size: float = 0.05
    delta: float = 0.01
    gae_lambda: float = 1.0

    def __post_init__(self) -> None:
        if self.stages < 1 or not 1 <= self.paths <= self.trajectories:
            raise ValueError(
                f"stages must be at least 1 and paths between 1 and trajectories, got {self.stages} and {self.paths}"
            )


class ExplorationPaths(Study):
    """Exploration before and exploitation after adaptation on four corners."""

    name = "exploration-paths"
    Config = ExplorationPathsConfig
    profiles: ClassVar = {
        "smoke": {"budget": 13_000, "stages": 2, "tasks": 2, "trajectories": 2, "paths": 2, "hidden": (8,)},
        "quick": {"budget": 640_000, "stages": 2},
        "paper": {"budget": 64_000_000, "stages": 50, "tasks": 40},
    }

    def parts(self) -> Sequence[str]:
        c = self.config
        return [f"{s} {a} {stage}" for s in c.suites for a in c.algorithms for stage in range(1, c.stages + 1)]

    def measure(self, part: str, kept: dict[str, Any]) -> Rows:
        """Trains through the stage; after the last one, records paths on the test tasks."""
        suite, algorithm, stage = part.rsplit(" ", 2)
        c = self.config
        options = {name: value for name, value in asdict(c).items() if name not in ("suites", "algorithms")}
        streams = self.streams.child(suite).child(algorithm)
        protocol = EvaluationProtocol(c.adaptation_steps, c.trajectories)
        earlier = None if stage == "1" else kept["state"]
        session = trained(suite, algorithm, options, protocol, streams, c.budget * int(stage) // c.stages, earlier)
        kept["state"] = session.state
        if int(stage) < c.stages:
            return []
        tasks = [TaskRef("test", task.id) for task in session.suite.split.test]
        collector = harness_collector(session.suite, streams.child("paths"))
        learned = session.make_algorithm(session.state["algorithm"])
        batches = list(adapted_batches(learned, tasks, protocol, collector, streams))
        goals = [np.array(task.parameters["goal"]) for task in session.suite.split.test]
        rows: Rows = []
        for index, (task, goal) in enumerate(zip(tasks, goals, strict=True)):
            place: dict[str, Any] = {"suite": suite, "algorithm": algorithm, "task": task.id}
            for step in (0, c.adaptation_steps):
                rows += self._paths(batches[step], index, step, place)
            found = numbers(positions(batches[0])[index], positions(batches[-1])[index], goal, c.radius)
            found["return"] = float(batches[-1].returns[index].mean())
            rows += [row(quantity, value, x=session.spent, **place) for quantity, value in found.items()]
        return rows

    def _paths(self, batch: TrajectoryBatch, task: int, step: int, place: dict[str, Any]) -> Rows:
        path = positions(batch)[task, : self.config.paths].reshape(-1, 2)
        return [
            row(f"path-{step}", up, x=across, index=time, **place) for time, (across, up) in enumerate(path.tolist())
        ]

    def seconds(self) -> float:
        c = self.config
        return len(c.suites) * len(c.algorithms) * (2 + c.budget / RATE)


def positions(batch: TrajectoryBatch) -> np.ndarray:
    """Of the point before each step, [task, trajectory, time, 2]."""
    return batch.observations[..., :2].to(torch.float64).numpy()


def numbers(before: np.ndarray, after: np.ndarray, goal: np.ndarray, radius: float) -> dict[str, float]:
    """What a task's paths [trajectory, time, 2] say of exploration and of the goal."""
    distances = np.linalg.norm(before[:, :, None] - np.array(CORNERS), axis=-1)  # [trajectory, time, corner]
    entered = (distances <= radius).any(axis=1)
    return {
        "regions-visited": float(entered.any(axis=0).sum()),
        "regions-per-episode": float(entered.sum(axis=1).mean()),
        "path-length": float(np.linalg.norm(np.diff(before, axis=1), axis=-1).sum(axis=1).mean()),
        "final-distance": float(np.linalg.norm(after[:, -1] - goal, axis=-1).mean()),
    }

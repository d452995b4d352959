"""Texts of suites in loose files for tests: a small good one whose episodes end early, and ways to spoil it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.specs import loose_suites
from benchmarks.specs.run_spec import known_suite
from environments.catalogue import suites

GOOD = '''
import random
from dataclasses import dataclass
from functools import cached_property
import numpy as np
from gymnasium.spaces import Box
from environments.batch_env import BatchEnv
from environments.make_splits import make_split
from environments.suite import Suite, SuiteOptions
from environments.task import Task


class Walk(Suite):
    """A walk on a line that ends at its goal."""

    name = "walk"
    family = "walk"
    metric = "return"
    horizon = 30
    split_sizes = (6, 3, 3)
    observation_space = Box(-np.inf, np.inf, (1,), np.float64)
    action_space = Box(-1, 1, (1,), np.float32)

    def draw_task(self, generator, task_id):
        return Task(task_id, {"goal": round(generator.uniform(0.3, 1.5), 6)})

    @cached_property
    def split(self):
        return make_split(self)

    def make_batch(self, tasks, trajectories):
        return self.batch(tasks, trajectories, self.horizon, self.observation_space, self.action_space)

    class batch(BatchEnv):
        def _load_tasks(self, tasks):
            self.goal = self.repeat([task.parameters["goal"] for task in tasks])

        def _reset(self, generator):
            self.place = generator.uniform(-0.1, 0.1, (self.num_envs, 1))
            return self.place

        def _step(self, actions, alive):
            self.place = np.where(alive[:, None], self.place + actions, self.place)
            reached = np.abs(self.place[:, 0]) > self.goal
            return self.place, -np.abs(self.place[:, 0]), reached, reached
'''

#: so that no episode ends early
FAR = """
def draw_task(self, generator, task_id):
    return Task(task_id, {"goal": round(generator.uniform(40.0, 50.0), 6)})
"""

#: by what is wrong: the rule that is broken, the class's body, and that of its batch
SPOILT = {
    "a reset that is not seeded": (
        "seeding",
        "",
        """
def _reset(self, generator):
    self.place = np.random.default_rng().uniform(-0.1, 0.1, (self.num_envs, 1))
    return self.place
""",
    ),
    "a reset that ignores the seed": (
        "seeding",
        "",
        """
def _reset(self, generator):
    return super()._reset(np.random.default_rng(0))
""",
    ),
    "a reset from the global generator": (
        "global-generators",
        "",
        """
def _reset(self, generator):
    np.random.seed(int(generator.integers(1000)))
    self.place = np.random.uniform(-0.1, 0.1, (self.num_envs, 1))
    return self.place
""",
    ),
    "ended rows that keep moving": (
        "ended-rows",
        "",
        """
def _step(self, actions, alive):
    return super()._step(actions, np.ones_like(alive))
""",
    ),
    "ended rows that are paid": (
        "ended-rows",
        "",
        """
def step(self, actions):
    observation, reward, *rest = super().step(actions)
    return observation, reward - 1.0, *rest
""",
    ),
    "a scalar terminated": (
        "shapes",
        "",
        """
def _step(self, actions, alive):
    place, reward, reached, success = super()._step(actions, alive)
    return place, reward, bool(reached.all()), success
""",
    ),
    "observations without their column": (
        "shapes",
        "",
        """
def _reset(self, generator):
    return super()._reset(generator)[:, 0]
""",
    ),
    "observations that are not finite": (
        "shapes",
        "",
        """
def _step(self, actions, alive):
    place, *rest = super()._step(actions, alive)
    return place * np.nan, *rest
""",
    ),
    "a metric that there is not": ("metric", 'metric = "retrun"', ""),
    "tasks from a global generator": (
        "tasks",
        """
def draw_task(self, generator, task_id):
    return Task(task_id, {"goal": round(np.random.uniform(0.3, 1.5), 6)})
""",
        "",
    ),
    "tasks that are drawn when the class is made": (
        "processes",
        """
goals = np.random.default_rng().uniform(0.3, 1.5, 12)
def draw_task(self, generator, task_id):
    return Task(task_id, {"goal": float(generator.choice(self.goals))})
""",
        "",
    ),
    "rewards that are not seeded late in an episode": (
        "seeding",
        FAR,
        """
def _reset(self, generator):
    self.steps = 0
    return super()._reset(generator)
def _step(self, actions, alive):
    self.steps += 1
    place, reward, *rest = super()._step(actions, alive)
    return place, reward + (self.steps > 21) * np.random.default_rng().normal(size=self.num_envs), *rest
""",
    ),
    "rows that look at each other late in an episode": (
        "rows",
        FAR,
        """
def _reset(self, generator):
    self.steps = 0
    return super()._reset(generator)
def _step(self, actions, alive):
    self.steps += 1
    place, reward, *rest = super()._step(actions, alive)
    return place, reward - (self.steps > 21) * reward.mean(), *rest
""",
    ),
    "a batch that keeps its first tasks": (
        "set-tasks",
        "",
        """
def _load_tasks(self, tasks):
    if not hasattr(self, "goal"):
        super()._load_tasks(tasks)
""",
    ),
    "a world that is drawn when the class is made": (
        "processes",
        "pull = np.random.default_rng().uniform(0.5, 1.0)",
        """
def _step(self, actions, alive):
    return super()._step(actions * Spoilt.pull, alive)
""",
    ),
    "a list of all tasks that changes": (
        "tasks",
        """
def all_tasks(self):
    return tuple(Task(f"task-{index}", {"goal": random.random() + 0.3}) for index in range(3))
""",
        "",
    ),
    "rows that look at each other": (
        "single",
        "",
        """
def _step(self, actions, alive):
    place, reward, *rest = super()._step(actions, alive)
    return place, reward - reward.mean(), *rest
""",
    ),
    "a task that only the first row has": (
        "single",
        "",
        """
def _load_tasks(self, tasks):
    super()._load_tasks([tasks[0]] * len(tasks))
""",
    ),
    "a horizon of its own": (
        "horizon",
        """
def make_batch(self, tasks, trajectories):
    return self.batch(tasks, trajectories, 30, self.observation_space, self.action_space)
""",
        "",
    ),
    "options that are not taken over": (
        "options",
        """
def __init__(self, options=None):
    super().__init__(options)
    self.discount = 0.99
""",
        "",
    ),
    "a batch that raises": (
        "runs",
        "",
        """
def _step(self, actions, alive):
    raise RuntimeError("the simulator has gone")
""",
    ),
}


def write_walk(folder: Path, name: str = "walk", body: str = "", batch_body: str = "") -> str:
    """A file whose class `Spoilt` is the good suite with these changes, as the command line takes it."""
    path = folder / f"{name.replace('-', '_')}.py"
    parts = [f'name = "{name}"', *body.strip("\n").splitlines()]
    if batch_body:
        parts += ["class batch(Walk.batch):", *(f"    {line}" for line in batch_body.strip("\n").splitlines())]
    indented = "\n".join(f"    {line}" for line in parts)
    path.write_text(f'{GOOD}\n\nclass Spoilt(Walk):\n    """Spoilt."""\n\n{indented}\n')
    return f"{path}:Spoilt"


def forget_own_suites() -> None:
    """As a new process begins: without the suites that commands took from files."""
    for name in loose_suites._offered:
        suites().pop(name, None)
    loose_suites._offered.clear()
    known_suite.cache_clear()

"""FrozenLake with random holes, not slippery: Section 6.1 and Appendix A of the BO-MRL paper.

Following its authors' code, goal and holes are absorbing and pay at every step, the entering one included, so that
the optimum from the start is discount^(d-1) / (1 - discount) for a shortest path of d moves: 1.638 at d = 6.
An episode has 49 steps; what lies beyond is worth at most 0.8^49 / 0.2 = 9e-5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal

import gymnasium
import numpy as np
from gymnasium.envs.toy_text.frozen_lake import generate_random_map

from environments.batch_env import BatchEnv
from environments.suite import Suite, SuiteOptions
from environments.tabular import TabularMDP
from environments.task import Task

SIDE = 4
STATES, ACTIONS = SIDE * SIDE, 4
GOAL = STATES - 1
#: row and column steps, in gymnasium's order of actions: left, down, right, up
MOVES = ((0, -1), (1, 0), (0, 1), (-1, 0))


@dataclass(frozen=True)
class FrozenLakeOptions(SuiteOptions):
    """When an episode ends, and where it starts."""

    end: Literal["absorbing", "episode"] = "absorbing"  # pay at every step, or (gymnasium's own) once and end there
    start: Literal["start", "uniform"] = "start"  # the S tile, or each of the 16 tiles alike (full support)


class FrozenLake(Suite):
    """4x4 FrozenLake maps: +1 at the goal, -1 in a hole; observation: the tile, row by row."""

    hole_probability: ClassVar[float]
    discount = 0.8
    split_sizes = (20, 10, 20)
    records_success = True
    Options = FrozenLakeOptions
    options: FrozenLakeOptions

    @property
    def observation_space(self) -> gymnasium.spaces.Discrete:
        return gymnasium.spaces.Discrete(STATES)

    @property
    def action_space(self) -> gymnasium.spaces.Discrete:
        return gymnasium.spaces.Discrete(ACTIONS)

    def make_batch(self, tasks: int, trajectories: int) -> FrozenLakeBatch:
        return FrozenLakeBatch(self, tasks, trajectories)

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        """A map by gymnasium's generator: start and goal free, a path exists."""
        rows = generate_random_map(SIDE, 1 - self.hole_probability, seed=int(generator.integers(2**31)))
        return Task(task_id, {"map": rows})

    def model(self, task: Task) -> TabularMDP:
        """The exact MDP; with `end="episode"` goal and holes are absorbing and, once entered, pay nothing."""
        successor, reward, _ = self.tables(task)
        initial = np.eye(STATES)[0] if self.options.start == "start" else np.full(STATES, 1 / STATES)
        return TabularMDP(np.eye(STATES)[successor], reward, initial, self.discount)

    def tables(self, task: Task) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Successor tile (int64), reward (float64) and end (bool) of each tile and action, each [16, 4]."""
        successor, pays = read_map(tuple(task.parameters["map"]))
        reward = pays[successor]
        if self.options.end == "absorbing":
            return successor, reward, np.zeros(reward.shape, dtype=bool)
        already_over = pays[:, None] != 0
        return successor, np.where(already_over, 0.0, reward), reward != 0


class FrozenLakeHigh(FrozenLake):
    """FrozenLake maps of high task variance: holes with probability 0.3."""

    name = "frozen-lake-high"
    family = "frozen-lake"
    metric = "discounted_return"
    horizon = 49
    hole_probability = 0.3


class FrozenLakeLow(FrozenLake):
    """FrozenLake maps of low task variance: holes with probability 0.1."""

    name = "frozen-lake-low"
    family = "frozen-lake"
    metric = "discounted_return"
    horizon = 49
    hole_probability = 0.1


class FrozenLakeBatch(BatchEnv):
    """All lakes stepped together by table look-up; success: the goal was reached."""

    def __init__(self, suite: FrozenLake, tasks: int, trajectories: int) -> None:
        super().__init__(tasks, trajectories, suite.horizon, suite.observation_space, suite.action_space)
        self._suite = suite
        self._first_entry = np.repeat(np.arange(tasks), trajectories) * (STATES * ACTIONS)  # of the task's tables
        self._state = np.zeros(self.num_envs, dtype=np.int64)

    def _load_tasks(self, tasks: Sequence[Task]) -> None:
        tables = zip(*(self._suite.tables(task) for task in tasks), strict=True)
        self._successor, self._reward, self._ends = (np.concatenate(table).ravel() for table in tables)

    def _reset(self, generator: np.random.Generator) -> np.ndarray:
        uniform = self._suite.options.start == "uniform"
        size = self.num_envs
        self._state = generator.integers(STATES, size=size) if uniform else np.zeros(size, dtype=np.int64)
        return self._state

    def _step(self, actions: np.ndarray, alive: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
        if actions.min() < 0 or actions.max() >= ACTIONS:
            raise ValueError(f"actions must be 0 to {ACTIONS - 1}, got {actions.min()} to {actions.max()}")
        entry = self._first_entry + self._state * ACTIONS + actions
        state = self._successor[entry]
        self._state = state if alive.all() else np.where(alive, state, self._state)
        return self._state, self._reward[entry], self._ends[entry], self._state == GOAL


@cache
def read_map(rows: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Successor tile [16, 4] of each move, and what a tile pays [16]: 1 at the goal, -1 in a hole, else 0.

    Goal and holes are absorbing; a move off the board stays.  Both arrays are read-only.
    """
    tiles = "".join(rows)
    if len(rows) != SIDE or len(tiles) != STATES or set(tiles[1:-1]) - set("FH") or tiles[0] + tiles[-1] != "SG":
        raise ValueError(f"not a {SIDE}x{SIDE} map of S, F, H and G: {list(rows)}")
    pays = np.array([{"G": 1.0, "H": -1.0}.get(tile, 0.0) for tile in tiles])
    successor = np.empty((STATES, ACTIONS), dtype=np.int64)
    for tile in range(STATES):
        row, column = divmod(tile, SIDE)
        for action, (down, right) in enumerate(MOVES):
            moved = min(max(row + down, 0), SIDE - 1) * SIDE + min(max(column + right, 0), SIDE - 1)
            successor[tile, action] = tile if pays[tile] else moved
    pays.flags.writeable = successor.flags.writeable = False
    return successor, pays

"""A suite of small random MDPs that are known exactly, and learners built on a suite without a runner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import torch

from algorithms.catalogue import find_algorithm
from benchmarks.conformance.small_parents import small_parents
from environments.access import Guard
from environments.batch_env import BatchEnv
from environments.collector import Collector
from environments.ledger import Ledger
from environments.problem import EvaluationProtocol, Problem
from environments.splits import Split
from environments.streams import Streams
from environments.suite import Suite, SuiteOptions
from environments.tabular import TabularMDP
from environments.task import Task
from environments.typed_options import make_options

STATES, ACTIONS = 4, 3
#: entering it ends the episode: later steps are masked
END = STATES - 1


class SmallTabular(Suite):
    """Three MDPs with stochastic transitions, three states and an end; the same three in every split."""

    name = "small-tabular"
    family = "tabular"
    horizon = 4
    discount = 1.0

    @property
    def split(self) -> Split:
        tasks = tuple(Task(f"mdp-{seed}", {"seed": seed}) for seed in range(3))
        return Split(tasks, tasks, tasks, shared=True)

    @property
    def observation_space(self) -> gymnasium.spaces.Discrete:
        return gymnasium.spaces.Discrete(STATES)

    @property
    def action_space(self) -> gymnasium.spaces.Discrete:
        return gymnasium.spaces.Discrete(ACTIONS)

    def make_batch(self, tasks: int, trajectories: int) -> SmallTabularBatch:
        return SmallTabularBatch(self, tasks, trajectories)

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        return Task(task_id, {"seed": int(generator.integers(2**31))})

    def model(self, task: Task) -> TabularMDP:
        """The end is absorbing and pays nothing; an action's reward is a multiple of 1/8, exact in float32."""
        draw = Streams(task.parameters["seed"]).numpy("mdp")
        transition = draw.dirichlet(np.full(STATES, 0.6), size=(STATES, ACTIONS))
        reward = np.round(8 * draw.normal(1.0, 2.0, size=(STATES, ACTIONS))) / 8
        transition[END], reward[END] = np.eye(STATES)[END], 0.0
        initial = np.append(draw.dirichlet(np.ones(STATES - 1)), 0.0)
        return TabularMDP(transition, reward, initial, self.discount)

    @property
    def models(self) -> TabularMDP:
        """The training tasks' MDPs as one, [task, ...]."""
        return TabularMDP.stack([self.model(task) for task in self.split.train])


class SmallTabularBatch(BatchEnv):
    """Samples all episodes together by inverting the transitions' distribution functions."""

    def __init__(self, suite: SmallTabular, tasks: int, trajectories: int) -> None:
        super().__init__(tasks, trajectories, suite.horizon, suite.observation_space, suite.action_space)
        self._suite = suite
        self._task = np.repeat(np.arange(tasks), trajectories)

    def _load_tasks(self, tasks: Sequence[Task]) -> None:
        mdp = TabularMDP.stack([self._suite.model(task) for task in tasks])
        self._reward = mdp.reward
        self._initial, self._transition = mdp.initial.cumsum(-1), mdp.transition.cumsum(-1)

    def _reset(self, generator: np.random.Generator) -> np.ndarray:
        self._state = _inverted(self._initial[self._task], generator)
        return self._state

    def _step(self, actions: np.ndarray, alive: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
        entry = self._task, self._state, actions
        self._state = _inverted(self._transition[entry], self.np_random)  # the end keeps itself
        ended = self._state == END
        return self._state, self._reward[entry], ended, ended


def _inverted(cumulative: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """One draw from each row's distribution function."""
    draws = (generator.random((len(cumulative), 1)) >= cumulative).sum(-1)
    return draws.clip(max=cumulative.shape[-1] - 1)


def learner_on(suite: Suite, algorithm: str, steps: int = 1, seed: int = 0, **config: Any) -> tuple[Any, Collector]:
    """An algorithm by name on a suite, evaluated after `steps` adaptation steps, and a collector for its training."""
    cls = find_algorithm(algorithm).load()
    streams = Streams(seed)
    guard = Guard("training", cls.access, algorithm)
    options = make_options(cls.Config, config, algorithm)
    collector = Collector(suite, streams.child("training"), Ledger(None), guard)
    parents = {role: parent.state for role, parent in small_parents(find_algorithm(algorithm), suite).items()}
    problem = Problem(suite, EvaluationProtocol(steps, 2), guard, collector.drawn, parents)
    return cls(problem, options, streams.child("algorithm")), collector


def in_float64(learner: Any) -> None:
    """Continue in double precision: what is computed from the parameters follows their type."""
    learner.parameters = {name: value.double() for name, value in learner.parameters.items()}


def drawn_logits(seed: int = 0) -> torch.Tensor:
    """Logits of a policy that prefers some actions, float64 [state, action]."""
    return torch.from_numpy(Streams(seed).numpy("logits").normal(0.0, 0.7, size=(STATES, ACTIONS)))


def options(**values: Any) -> SuiteOptions:
    return make_options(SuiteOptions, values, "suite")

"""Any algorithm of stable-baselines3, trained on the mixture of training tasks and fine-tuned on each task by itself.

stable-baselines3 is imported when a model is made, so that methods are listed and planned without it.
"""

from __future__ import annotations

import copy
import importlib.util
import math
import warnings
from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode

from algorithms.algorithm import Adaptation, Algorithm, Metrics
from algorithms.experts.context import Contexts
from algorithms.experts.sb3_state import buffer_state, load_buffer, load_model, model_state
from algorithms.policies.networks import unsuitable
from environments.collector import Collector
from environments.facts import SuiteFacts
from environments.ledger import BudgetSpent
from environments.problem import Problem
from environments.streams import Streams
from environments.task import TaskRef
from environments.typed_options import UsageError

LIBRARY = "stable_baselines3"
MISSING = "it needs the package stable-baselines3, which is not installed; install metarl-bench[experts]"


class Sb3Algorithm(Algorithm):
    """Subclass with a `name`, the `library_class`, a `Config` and `library_options` to bring an algorithm.

    A meta-iteration is one call of the library's `learn` on `tasks` x `trajectories` whole episodes, begun anew.  On
    policy they run side by side; off policy `tasks` rows run `trajectories` episodes one after the other, so that
    gradient steps come often.  The library draws from the global generators, seeded from the method's streams.

    Schedules of the library see one call of `learn` at a time; give constants.
    """

    packages = ("stable-baselines3",)
    #: the name of the class in `stable_baselines3`
    library_class: ClassVar[str]
    #: whether the policy observes the task's parameters, which needs the access "parameters"
    contextual: ClassVar[bool] = False
    #: whether it acts in Discrete spaces too
    discrete_actions: ClassVar[bool] = True
    #: gradient steps of an off-policy algorithm on an adaptation step's data
    fine_tuning_steps: ClassVar[int] = 100

    @classmethod
    def fits(cls, suite: SuiteFacts) -> str | None:
        seen, acted = suite.observation_space, suite.action_space
        reason = unsuitable(seen, acted)
        if reason is not None:
            return reason
        if isinstance(seen, gymnasium.spaces.Discrete):
            return f"observations must be a vector, got {seen}"
        if isinstance(acted, gymnasium.spaces.Discrete) and not cls.discrete_actions:
            return f"actions must be a vector, got {acted}"
        if isinstance(acted, gymnasium.spaces.Box) and not acted.is_bounded():
            return f"actions must be within bounds, got {acted}"
        return MISSING if importlib.util.find_spec(LIBRARY) is None else None

    def __init__(self, problem: Problem, config: Any, streams: Streams) -> None:
        super().__init__(problem, config, streams)
        self.contexts = Contexts(problem) if self.contextual else None
        streams.seed_globals("model")  # the library draws from the global generators
        self.model = self.make_model()

    def library_options(self) -> dict[str, Any]:
        """Keyword arguments of the library's class."""
        return {}

    @property
    def reward_scale(self) -> float:
        """By which the library's rewards are multiplied."""
        return 1.0

    @property
    def on_policy(self) -> bool:
        from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

        return issubclass(library_class(self.library_class), OnPolicyAlgorithm)

    @property
    def rows(self) -> int:
        """Environments that are stepped side by side."""
        return self.config.tasks * (self.config.trajectories if self.on_policy else 1)

    def make_model(self) -> Any:
        """A fresh model.  Raises UsageError where stable-baselines3 is not installed."""
        cls = library_class(self.library_class)
        from stable_baselines3.common.logger import Logger

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on batches that a rollout does not divide into
            model = cls("MlpPolicy", self._environment(None, []), device="cpu", **self.library_options())
        model.set_logger(Logger(folder=None, output_formats=[]))
        return model

    def meta_step(self, collector: Collector) -> Metrics:
        tasks, model = collector.sample_tasks(self.config.tasks), self.model
        steps = collector.cost(len(tasks), self.config.trajectories)
        if steps > collector.remaining:
            raise BudgetSpent(f"{steps} environment steps asked for, {collector.remaining} left")
        door = collector.vector_env(tasks, self.rows // len(tasks), AutoresetMode.SAME_STEP)
        environment = self._environment(door, tasks)
        model.action_space.seed(self.streams.integer("warm-up", collector.iteration) % 2**32)
        self.streams.seed_globals("learning", collector.iteration)
        model.set_env(environment)
        model.learn(steps, reset_num_timesteps=False, log_interval=None)
        environment.close()
        collector.seconds += environment.seconds
        told = dict(model.logger.name_to_value)
        model.logger.dump(model.num_timesteps)  # forgets them
        metrics = {name.removeprefix("train/"): float(value) for name, value in told.items() if name[:6] == "train/"}
        metrics = {name: value for name, value in metrics.items() if math.isfinite(value)}
        return {"return": float(np.mean(environment.returns)), **metrics}

    def adapt(self, tasks: Sequence[TaskRef]) -> Adaptation:
        from algorithms.experts.sb3_fine_tuning import fine_tune
        from algorithms.experts.sb3_policy import Sb3Policy

        contexts, space = self.contexts_of(tasks), self.problem.action_space
        seen = [(yield Sb3Policy([self.model.policy], contexts, space))]
        students = [self.make_model() for _ in tasks]
        for student in students:
            load_model(student, model_state(self.model))
        while True:
            for row, student in enumerate(students):
                self.streams.seed_globals("fine-tuning", len(seen), row)
                own = [batch.select(slice(row, row + 1)) for batch in seen]
                fine_tune(student, own, contexts[row], self.fine_tuning_steps)
            seen.append((yield Sb3Policy([student.policy for student in students], contexts, space)))

    def contexts_of(self, tasks: Sequence[TaskRef]) -> torch.Tensor:
        """float32 [task, context], without columns for a policy that observes none."""
        return torch.zeros(len(tasks), 0) if self.contexts is None else self.contexts.of(tasks)

    def state_dict(self) -> dict[str, Any]:
        return {"model": copy.deepcopy(model_state(self.model))}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        load_model(self.model, state["model"])

    def replay_state(self) -> dict[str, Any]:
        return {} if self.on_policy else buffer_state(self.model.replay_buffer)

    def load_replay_state(self, state: dict[str, Any]) -> None:
        load_buffer(self.model.replay_buffer, state)

    def _environment(self, door: Any, tasks: Sequence[TaskRef]) -> Any:
        """door: None for one that cannot be stepped."""
        from algorithms.experts.sb3_environment import TaskVecEnv

        size = 0 if self.contexts is None else self.contexts.size
        contexts = np.zeros((self.rows, size), dtype=np.float32)
        if door is not None:
            contexts = np.repeat(self.contexts_of(tasks).numpy(), self.rows // len(tasks), axis=0)
        space = self.problem.observation_space
        assert isinstance(space, gymnasium.spaces.Box)
        return TaskVecEnv(door, space, copy.deepcopy(self.problem.action_space), contexts, self.reward_scale)


def library_class(name: str) -> Any:
    """The class of stable-baselines3.  Raises UsageError where that is not installed."""
    if importlib.util.find_spec(LIBRARY) is None:
        raise UsageError(f"{name} cannot be made: {MISSING}")
    import stable_baselines3

    return getattr(stable_baselines3, name)

"""TMAML: DiCE's Hessian with a meta-learned control variate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from algorithms.algorithm import Metrics
from algorithms.estimators.advantages import discounted_sums, masked_mean
from algorithms.estimators.control_variate import MetaControlVariate
from algorithms.estimators.higher_order_surrogates import dice_objective
from algorithms.meta_learning.dice_adaptation import DiceConfig, DiceMetaLearner, DiceStep
from algorithms.meta_learning.gradient_adaptation import StepData
from algorithms.meta_learning.gradient_meta_learner import MetaData
from algorithms.promp import Promp, PrompConfig
from environments.policy import Distribution
from environments.problem import Problem
from environments.streams import Streams
from environments.trajectories import TrajectoryBatch


@dataclass(frozen=True)
class TmamlConfig(DiceConfig, PrompConfig):
    """Defaults are those of Table 1 of the supplement of Liu et al. 2019."""

    inner_step_size: float = 0.01
    variate_hidden: tuple[int, ...] = (64, 64)  # tanh layers of the control variate
    variate_inner_step_size: float = 0.01  # alpha': its adaptation to a task
    variate_step_size: float = 0.01  # beta': Adam's
    first_order_baseline: bool = False  # add sum_t (1 - rho_t) b(s_t), which steadies the inner gradient too

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.variate_hidden or min(self.variate_hidden) < 1:
            raise ValueError(f"variate_hidden must be one or more sizes of at least 1, got {self.variate_hidden}")
        for name in ("variate_inner_step_size", "variate_step_size"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")


@dataclass(frozen=True)
class VariateStep(DiceStep):
    """A step's data with the control variate's b(s_t), [task, trajectory, time]."""

    baseline: torch.Tensor

    def select(self, tasks: slice) -> VariateStep:
        return VariateStep(
            self.batch.select(tasks), self.advantages[tasks], self.adjusted_rewards[tasks], self.baseline[tasks]
        )


class Tmaml(DiceMetaLearner, Promp):
    """TMAML: DiCE and a meta-learned control variate in the inner step, ProMP's clipped outer surrogate.

    The control variate is the corrected one of `dice.variate_terms`; the form that is printed is biased.
    """

    name = "tmaml"
    paper = "Liu, Socher and Xiong 2019, Taming MAML, PMLR 97"
    Config = TmamlConfig

    def __init__(self, problem: Problem, config: Any, streams: Streams) -> None:
        super().__init__(problem, config, streams)
        self.variate = MetaControlVariate(
            math.prod(problem.observation_space.shape or (1,)),
            config.variate_hidden,
            problem.horizon,
            self._states,
            config.variate_inner_step_size,
            config.variate_step_size,
            streams.torch("control variate"),
        )

    def step_data(self, batch: TrajectoryBatch) -> VariateStep:
        step = super().step_data(batch)
        targets, scale = self.targets(step)
        baseline = self.variate.predict(batch.observations, targets, batch.mask) * scale * batch.mask
        return VariateStep(batch, step.advantages, step.adjusted_rewards, baseline.to(step.advantages.dtype))

    def targets(self, step: DiceStep) -> tuple[torch.Tensor, torch.Tensor]:
        """What b predicts, the sums of adjusted rewards from t on divided by their size; and that size, [task, 1, 1].

        So the control variate's step sizes mean the same whatever the rewards' unit.
        """
        sums = discounted_sums(step.adjusted_rewards, 1.0)
        size = masked_mean(sums.square(), step.batch.mask).sqrt()[:, None, None] + 1e-8
        return sums / size, size

    def inner_objective(self, policy: Distribution, step: StepData) -> torch.Tensor:
        if not isinstance(step, VariateStep):
            raise TypeError(f"an inner step needs a VariateStep, made by `step_data`, got {type(step)}")
        return dice_objective(
            policy, step.batch, step.adjusted_rewards, step.baseline, self.config.first_order_baseline
        )

    def update(self, data: MetaData) -> Metrics:
        """ProMP's; then the control variate, on the data of the inner steps, which are all that it serves."""
        metrics = super().update(data)
        errors = [self.train_variate(step) for step in data[:-1] if isinstance(step, DiceStep)]
        if errors:
            metrics["variate_error"] = sum(errors) / len(errors)
        return metrics

    def train_variate(self, step: DiceStep) -> float:
        """As many steps as the policy takes on one sample; the squared error before, 1 for predicting 0."""
        targets, _ = self.targets(step)
        batch = step.batch
        errors = [
            self.variate.train(batch.observations, targets, batch.mask, self.config.chunk)
            for _ in range(self.config.gradient_steps)
        ]
        return errors[0]

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "variate": self.variate.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.variate.load_state_dict(state["variate"])

"""TMAML: DiCE's Hessian with a meta-learned control variate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch

from algorithms.algorithm import Metrics
from algorithms.estimators.advantages import discounted_sums, masked_mean
from algorithms.estimators.control_variate import MetaControlVariate
from algorithms.estimators.higher_order_surrogates import dice_objective
from algorithms.meta_learning.dice_adaptation import DiceConfig, DiceMetaLearner
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch
from algorithms.meta_learning.gradient_meta_learner import InnerOuterBatches
from algorithms.promp import Promp, PrompConfig
from algorithms.search_space import LAYERS, VARIATE, Choice, searched, unsearched
from environments.policy import Distribution
from environments.problem import Problem
from environments.streams import Streams
from environments.trajectories import TrajectoryBatch


@dataclass(frozen=True)
class TmamlConfig(DiceConfig, PrompConfig):
    """Defaults are those of Table 1 of the supplement of Liu et al. 2019."""

    inner_step_size: float = 0.01
    inner_scale: Literal["rewards", "returns", "none"] = searched("rewards", Choice(("rewards", "returns")))
    variate_hidden: tuple[int, ...] = unsearched((64, 64), VARIATE, domain=LAYERS)  # tanh layers of the control variate
    variate_inner_step_size: float = unsearched(0.01, VARIATE)  # alpha': its adaptation to a task
    variate_step_size: float = unsearched(0.01, VARIATE)  # beta': Adam's
    first_order_baseline: bool = False  # add sum_t (1 - rho_t) b(s_t), which steadies the inner gradient too


class Tmaml(DiceMetaLearner, Promp):
    """TMAML: DiCE and a meta-learned control variate in the inner step, ProMP's clipped outer surrogate.

    The control variate is the corrected one of `variate_terms`; the form that is printed is biased.

    After the first of its steps of Adam on one sample, DiCE's ratios to the present policy are no longer those to the
    policy that acted, and the gradient is no derivative of the objective any more, as it would be with true likelihood
    ratios.  These would be worse: DiCE multiplies them over an episode (docs/algorithms.md has the numbers).
    Its batches have the extra "baseline" beside DiCE's: the control variate's b(s_t), [task, trajectory, time].
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

    def adaptation_batch(self, trajectories: TrajectoryBatch) -> AdaptationBatch:
        batch = super().adaptation_batch(trajectories)
        targets, scale = self.targets(batch)
        mask = trajectories.mask
        baseline = self.variate.predict(trajectories.observations, targets, mask) * scale * mask
        return batch.with_extra(baseline=baseline.to(batch.advantages.dtype))

    def targets(self, batch: AdaptationBatch) -> tuple[torch.Tensor, torch.Tensor]:
        """The sums of adjusted rewards from t on, which b predicts, divided by their size; and the size, [task, 1, 1].

        The division makes the control variate's step sizes independent of the rewards' unit.
        """
        sums = discounted_sums(batch.extra("adjusted_rewards"), 1.0)
        size = masked_mean(sums.square(), batch.trajectories.mask).sqrt()[:, None, None] + 1e-8
        return sums / size, size

    def inner_objective(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        return dice_objective(
            policy,
            batch.trajectories,
            batch.extra("adjusted_rewards"),
            batch.extra("baseline"),
            self.config.first_order_baseline,
        )

    def update(self, batches: InnerOuterBatches) -> Metrics:
        """ProMP's; then the control variate, on the data of the inner steps, which are all that it serves."""
        metrics = super().update(batches)
        errors = [self.train_variate(batch) for batch in batches[:-1]]
        if errors:
            metrics["variate_error"] = sum(errors) / len(errors)
        return metrics

    def train_variate(self, batch: AdaptationBatch) -> float:
        """As many steps as the policy takes on one sample; the squared error before, 1 for predicting 0."""
        targets, _ = self.targets(batch)
        trajectories = batch.trajectories
        errors = [
            self.variate.train(trajectories.observations, targets, trajectories.mask, self.config.chunk)
            for _ in range(self.config.gradient_steps)
        ]
        return errors[0]

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "variate": self.variate.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.variate.load_state_dict(state["variate"])

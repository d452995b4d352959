"""One policy trained on the mixture of training tasks, fine-tuned at evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from algorithms.algorithm import Metrics
from algorithms.estimators.surrogates import ratio_objective
from algorithms.maml_trpo import MamlTrpo
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch, PolicyConfig
from algorithms.meta_learning.gradient_meta_learner import InnerOuterBatches
from algorithms.optimisation.trust_region import TrustRegion, TrustRegionConfig
from algorithms.promp import Promp, PrompConfig
from algorithms.search_space import POSITIVE, unsearched
from environments.policy import Distribution


@dataclass(frozen=True)
class MultiTaskConfig(PrompConfig):
    # the bound on the divergence of one step of TRPO on each sample, as GMPS's supplement compares with: its "learning
    # rate" of 0.01 or 0.02 is what its code calls this bound.  None: PPO.
    trust_region: float | None = unsearched(
        None, "another method's way of training, compared at its paper's values", domain=POSITIVE, earlier=None
    )


class MultiTask(Promp, MamlTrpo):
    """PPO (or TRPO) on the mixture of tasks without inner updates, fine-tuned by the same inner step at evaluation."""

    name = "multi-task"
    paper = "baseline of Finn, Abbeel and Levine 2017 (pretraining), with Schulman et al. 2017's PPO"
    Config: ClassVar[type[PolicyConfig]] = MultiTaskConfig

    @property
    def training_steps(self) -> int:
        return 0

    @property
    def bound(self) -> float | None:
        """Of the trust region; none for PPO, as where a method over this one has no such option."""
        return self.config.trust_region if isinstance(self.config, MultiTaskConfig) else None

    @property
    def trust_region(self) -> TrustRegion:
        assert self.bound is not None
        return TrustRegion(TrustRegionConfig(delta=self.bound))

    def outer_objective(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        if self.bound is None:
            return super().outer_objective(policy, batch)
        return ratio_objective(policy, batch.trajectories, batch.advantages)

    def update(self, batches: InnerOuterBatches) -> Metrics:
        if self.bound is None:
            return super().update(batches)
        return MamlTrpo.update(self, batches)

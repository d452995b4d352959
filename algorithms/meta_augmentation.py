"""Meta-augmentation: MAML-VPG on mixed data, by a rule that is fixed beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from algorithms.augmentation.mixing import mixed, partners, unmixable
from algorithms.maml_vpg import MamlVpg
from algorithms.meta_learning.adam_meta_learner import AdamConfig
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch
from algorithms.meta_learning.gradient_meta_learner import InnerOuterBatches
from algorithms.policies.networks import NetworkPolicy
from algorithms.policies.parameters import stacked
from algorithms.search_space import LogRange, searched, unsearched
from environments.collector import Collector
from environments.facts import SuiteFacts
from environments.task import TaskRef


@dataclass(frozen=True)
class MetaAugmentationConfig(AdamConfig):
    # a of Beta(a, a), which the coefficients are drawn from: below 1 most data are nearly one step's, above it a mean
    concentration: float = searched(0.5, LogRange(0.1, 10.0))
    # tasks whose data are mixed, by chance, in a meta-iteration; 0 makes it maml-vpg
    mixed_share: float = unsearched(1.0, "the paper mixes every task's; how much, the concentration says")
    # the objectives that see mixed data: XMRL-G's own augmentation is in both, Yao et al. mix for the outer one alone
    mixed_objectives: Literal["both", "outer"] = "both"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.concentration > 0:
            raise ValueError(f"concentration must be above 0, got {self.concentration:g}")
        if not 0 <= self.mixed_share <= 1:
            raise ValueError(f"mixed_share must be in [0, 1], got {self.mixed_share:g}")


class MetaAugmentation(MamlVpg):
    """Meta-augmentation: MAML-VPG on data mixed by coefficients from a fixed Beta distribution.

    In a meta-iteration every training task i has one coefficient lambda_i ~ Beta(a, a).  Each step (s, a, A) of its
    batches is mixed with a random other one (s', a', A') of the same batch (`augmentation/mixing.py`): s becomes
    lambda_i s + (1 - lambda_i) s', A likewise, and the action is the one of the larger weight.  On these data

        theta_i' = theta + alpha grad mean(log pi_theta(a|s) A),    theta <- Adam of sum_i mean(log pi_theta_i'(a|s) A),

    and theta_i' collects the batch after adaptation, so that the outer objective stays one of its own policy's data.
    Adaptation at evaluation is MAML's, on the data as they are.

    The paper is supervised (MetaMix, with labels mixed, and channels shuffled in hidden layers); for policies this is
    what XMRL-G compares with: "a pre-defined distribution of lambda to mix the data of each training task".
    """

    name = "meta-augmentation"
    paper = "Yao, Huang, Zhang, Wei, Tian, Zou and Huang 2021, Improving generalization in meta-learning, PMLR 139"
    Config = MetaAugmentationConfig

    @classmethod
    def fits(cls, suite: SuiteFacts) -> str | None:
        return super().fits(suite) or unmixable(suite.observation_space)

    def coefficients(self, tasks: int, iteration: int) -> torch.Tensor:
        """lambda_i of a meta-iteration, float32 [task]; 1 for a task that is not mixed."""
        generator, config = self.streams.numpy("mixing coefficients", iteration), self.config
        chosen = generator.random(tasks) < config.mixed_share
        drawn = generator.beta(config.concentration, config.concentration, tasks)
        return torch.where(torch.from_numpy(chosen), torch.from_numpy(drawn), 1.0).float()

    def sample_on(
        self, tasks: Sequence[TaskRef], collector: Collector, trajectories: int | None = None
    ) -> InnerOuterBatches:
        """As MAML's, with each batch mixed once it is collected, before what it is adapted to."""
        count = self.config.trajectories if trajectories is None else trajectories
        coefficients = self.coefficients(len(tasks), collector.iteration)
        batches: InnerOuterBatches = []
        parameters = stacked(self.parameters, len(tasks))
        for k in range(self.training_steps + 1):
            if k > 0:
                parameters = self.adapted_by_chunks(parameters, batches[-1:])
            policy = NetworkPolicy(self.network, parameters)
            batch = self.adaptation_batch(collector.collect(policy, tasks, count))
            if self.config.mixed_objectives == "both" or k == self.training_steps:
                batch = self._mixed(batch, coefficients, collector.iteration, k)
            batches.append(batch)
        return batches

    def _mixed(self, batch: AdaptationBatch, coefficients: torch.Tensor, iteration: int, step: int) -> AdaptationBatch:
        generator = self.streams.torch("partners", iteration, step)
        return mixed(batch, coefficients, partners(batch.trajectories.mask, generator))

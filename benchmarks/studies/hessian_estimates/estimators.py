"""Estimates of the Hessian of the expected return from one sampled batch, by each surrogate that is in use."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from algorithms.estimators.advantages import discounted_sums
from algorithms.estimators.higher_order_surrogates import (
    baseline_terms,
    dice_terms,
    log_ratios,
    lvc_terms,
    variate_terms,
)
from algorithms.policies.networks import PolicyNetwork
from algorithms.policies.parameters import Parameters
from environments.trajectories import TrajectoryBatch

#: MAML's log pi * A, LVC, DiCE, and DiCE with TMAML's control variate: the right one, that with a first-order baseline
#: added, and the one that is printed
KINDS = ("log-probability", "lvc", "dice", "tmaml", "tmaml-first-order", "tmaml-printed")
#: those that need a baseline
WITH_BASELINE = KINDS[3:]


@dataclass(frozen=True)
class Surrogate:
    """One surrogate on one sampled batch, summed over time and averaged over trajectories, [task].

    Its gradient estimates that of J = E[sum_t rewards_t], and its Hessian J's, at the parameters that acted.
    Coordinates are in the order of the parameters' dictionary.

    kind: one of KINDS.  parameters: [task, ...].  rewards: [task, trajectory, time], gamma^t r_t for the discounted
    return, 0 after an episode's end (or less a baseline of time alone there too, see `dice_terms`).
    baseline: b(s_t) [task, trajectory, time], near the sum of rewards from t on; for the kinds in WITH_BASELINE.
    advantages: for the first two kinds, [task, trajectory, time]; the sums of rewards from t on if not given.
    Raises ValueError for another kind or a missing baseline.
    """

    kind: str
    network: PolicyNetwork
    parameters: Parameters
    batch: TrajectoryBatch
    rewards: torch.Tensor
    baseline: torch.Tensor | None = None
    advantages: torch.Tensor | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"the kind of surrogate must be one of {KINDS}, got {self.kind!r}")
        if self.kind in WITH_BASELINE and self.baseline is None:
            raise ValueError(f"{self.kind!r} needs a baseline [task, trajectory, time]")

    def value(self, parameters: Parameters) -> torch.Tensor:
        """[task], differentiable in the parameters [task, ...]."""
        policy = self.network.distribution(parameters, self.batch.observations)
        if self.kind in ("log-probability", "lvc"):
            weights = discounted_sums(self.rewards, 1.0) if self.advantages is None else self.advantages
            weights = weights * self.batch.mask
            if self.kind == "lvc":
                terms = lvc_terms(log_ratios(policy, self.batch), weights)
            else:
                terms = policy.log_prob(self.batch.actions) * weights
        else:
            ratios = log_ratios(policy, self.batch)
            terms = dice_terms(ratios, self.rewards)
            if self.baseline is not None and self.kind in WITH_BASELINE:
                form = "printed" if self.kind == "tmaml-printed" else "corrected"
                terms = terms + variate_terms(ratios, self.baseline, form)
            if self.baseline is not None and self.kind == "tmaml-first-order":
                terms = terms + baseline_terms(ratios, self.baseline)
        return terms.sum(-1).mean(-1)

    def gradient(self) -> torch.Tensor:
        """[task, P]."""
        return self._gradient(_leaves(self.parameters)).detach()

    def hessian_products(self, vectors: torch.Tensor) -> torch.Tensor:
        """The Hessian times k vectors, [task, P, k].

        vectors: [P, k], the same for every task, or [task, P, k].  One backward pass of the kept gradient's graph each.
        """
        leaves = _leaves(self.parameters)
        with torch.enable_grad():
            gradient = self._gradient(leaves, create_graph=True)
        shared = vectors.to(gradient.dtype).expand(*gradient.shape, vectors.shape[-1])

        def product(vector: torch.Tensor) -> torch.Tensor:
            # a gradient that is linear in some parameter (log pi in a Gaussian's mean) has no path to another
            return _flat(
                torch.autograd.grad(
                    gradient,
                    list(leaves.values()),
                    vector,
                    retain_graph=True,
                    allow_unused=True,
                    materialize_grads=True,
                )
            )

        return torch.stack([product(shared[..., k]) for k in range(shared.shape[-1])], dim=-1)

    def hessian(self) -> torch.Tensor:
        """The whole Hessian, [task, P, P], for tabular sizes of P."""
        size = sum(value[0].numel() for value in self.parameters.values())
        return self.hessian_products(torch.eye(size, dtype=next(iter(self.parameters.values())).dtype))

    def _gradient(self, leaves: Parameters, create_graph: bool = False) -> torch.Tensor:
        """Of each task's value by its own parameters, [task, P]."""
        total = self.value(leaves).sum()
        return _flat(torch.autograd.grad(total, list(leaves.values()), create_graph=create_graph))


def _leaves(parameters: Parameters) -> Parameters:
    return {name: value.detach().contiguous().requires_grad_() for name, value in parameters.items()}


def _flat(values: tuple[torch.Tensor, ...]) -> torch.Tensor:
    return torch.cat([value.flatten(1) for value in values], dim=1)

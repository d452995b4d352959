"""Estimates of the Hessian of the expected return from one sampled batch, by each surrogate that is in use."""

from __future__ import annotations

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


def surrogate(
    kind: str,
    network: PolicyNetwork,
    parameters: Parameters,
    batch: TrajectoryBatch,
    rewards: torch.Tensor,
    baseline: torch.Tensor | None = None,
    advantages: torch.Tensor | None = None,
) -> torch.Tensor:
    """The surrogate of that kind, summed over time and averaged over trajectories, [task].

    Its gradient estimates that of J = E[sum_t rewards_t], and its Hessian J's, at the parameters that acted.

    kind: one of KINDS.  parameters: [task, ...].  rewards: [task, trajectory, time], gamma^t r_t for the discounted
    return, 0 after an episode's end (or less a baseline of time alone there too, see `dice_terms`).
    baseline: b(s_t) [task, trajectory, time], near the sum of rewards from t on; for the kinds in WITH_BASELINE.
    advantages: for the first two kinds, [task, trajectory, time]; the sums of rewards from t on if not given.
    Raises ValueError for another kind or a missing baseline.
    """
    if kind not in KINDS:
        raise ValueError(f"the kind of surrogate must be one of {KINDS}, got {kind!r}")
    if kind in WITH_BASELINE and baseline is None:
        raise ValueError(f"{kind!r} needs a baseline [task, trajectory, time]")
    policy = network.distribution(parameters, batch.observations)
    if kind in ("log-probability", "lvc"):
        weights = discounted_sums(rewards, 1.0) if advantages is None else advantages
        weights = weights * batch.mask
        if kind == "lvc":
            terms = lvc_terms(log_ratios(policy, batch), weights)
        else:
            terms = policy.log_prob(batch.actions) * weights
    else:
        ratios = log_ratios(policy, batch)
        terms = dice_terms(ratios, rewards)
        if baseline is not None and kind in WITH_BASELINE:
            terms = terms + variate_terms(ratios, baseline, "printed" if kind == "tmaml-printed" else "corrected")
        if baseline is not None and kind == "tmaml-first-order":
            terms = terms + baseline_terms(ratios, baseline)
    return terms.sum(-1).mean(-1)


def gradient_estimate(
    kind: str,
    network: PolicyNetwork,
    parameters: Parameters,
    batch: TrajectoryBatch,
    rewards: torch.Tensor,
    baseline: torch.Tensor | None = None,
    advantages: torch.Tensor | None = None,
) -> torch.Tensor:
    """The gradient of `surrogate`, [task, P]; coordinates in the order of the parameters' dictionary."""
    leaves = _leaves(parameters)
    return _flat_gradient(surrogate(kind, network, leaves, batch, rewards, baseline, advantages), leaves).detach()


def hessian_vector_products(
    kind: str,
    network: PolicyNetwork,
    parameters: Parameters,
    batch: TrajectoryBatch,
    rewards: torch.Tensor,
    vectors: torch.Tensor,
    baseline: torch.Tensor | None = None,
    advantages: torch.Tensor | None = None,
) -> torch.Tensor:
    """The Hessian of `surrogate` times k vectors, [task, P, k]; its arguments are described there.

    vectors: [P, k], the same for every task, or [task, P, k].  One backward pass of the kept gradient's graph each.
    """
    leaves = _leaves(parameters)
    tasks = len(rewards)
    with torch.enable_grad():
        gradient = _flat_gradient(
            surrogate(kind, network, leaves, batch, rewards, baseline, advantages), leaves, create_graph=True
        )
    shared = vectors.to(gradient.dtype).expand(tasks, gradient.shape[1], vectors.shape[-1])

    def product(vector: torch.Tensor) -> torch.Tensor:
        # a gradient that is linear in some parameter (log pi in a Gaussian's mean) has no path to another
        return _flat(
            torch.autograd.grad(
                gradient, list(leaves.values()), vector, retain_graph=True, allow_unused=True, materialize_grads=True
            )
        )

    return torch.stack([product(shared[..., k]) for k in range(shared.shape[-1])], dim=-1)


def hessian_estimate(
    kind: str,
    network: PolicyNetwork,
    parameters: Parameters,
    batch: TrajectoryBatch,
    rewards: torch.Tensor,
    baseline: torch.Tensor | None = None,
    advantages: torch.Tensor | None = None,
) -> torch.Tensor:
    """The whole Hessian of `surrogate`, [task, P, P], for tabular sizes of P; its arguments are described there."""
    size = sum(value[0].numel() for value in parameters.values())
    identity = torch.eye(size, dtype=next(iter(parameters.values())).dtype)
    return hessian_vector_products(kind, network, parameters, batch, rewards, identity, baseline, advantages)


def _leaves(parameters: Parameters) -> Parameters:
    return {name: value.detach().contiguous().requires_grad_() for name, value in parameters.items()}


def _flat(values: tuple[torch.Tensor, ...]) -> torch.Tensor:
    return torch.cat([value.flatten(1) for value in values], dim=1)


def _flat_gradient(objective: torch.Tensor, leaves: Parameters, create_graph: bool = False) -> torch.Tensor:
    """Of each task's objective by its own parameters, [task, P]."""
    return _flat(torch.autograd.grad(objective.sum(), list(leaves.values()), create_graph=create_graph))

"""XMRL-G's Lemma 2 on the small problem: what mixing does to a critical task's objective, and what the lemma says."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.studies.xmrl_g_lemmas.problem import FEATURES, MixedBandits

#: of Gauss-Hermite quadrature over the coefficient; exact for polynomials of twice that degree
NODES = 60


@dataclass(frozen=True)
class QuadraticForm:
    """Of one task at one policy, the adapted one held fixed as in the lemma's proof.

    second: of F(x) = mean of log pi(a_j | s_j + x (s_j' - s_j)) (1 - x) A_j at x = 0, by central differences.
    printed: the coefficient of x^2 in (19), twice what Taylor's theorem gives.
    matrix: H-bar of (21) per unit of x^2, [parameter, parameter].
    change: E J(lambda) - J(1) for lambda ~ N(mean, std^2), by quadrature of the mixed objective.
    reduced: the same as the proof's (15) has it, E F(x) - F(0) for x ~ N(0, 2 std^2).
    form: -phi^T H-bar phi E x^2, which the lemma puts in their place.
    """

    second: float
    printed: float
    matrix: torch.Tensor
    change: float
    reduced: float
    form: float

    @property
    def eigenvalues(self) -> torch.Tensor:
        return torch.linalg.eigvalsh(self.matrix)


def quadratic_form(problem: MixedBandits, weight: torch.Tensor, task: int, mean: float, std: float) -> QuadraticForm:
    """weight: [feature, action], of the adapted policy.  mean, std: of the coefficient."""
    states = problem.states.repeat_interleave(problem.actions)
    actions = torch.arange(problem.actions).repeat(len(problem.states))
    advantages = problem.advantages[task].flatten()
    away = states - states.unsqueeze(1)  # [entry, partner]: s_j' - s_j

    def reduced(x: float) -> float:
        points = states.unsqueeze(1) + x * away
        logs = (
            problem.log_policy(weight, points).gather(-1, actions.view(-1, 1, 1).expand(*points.shape, 1)).squeeze(-1)
        )
        return float((logs * (1 - x) * advantages.unsqueeze(1)).mean())

    def mixed(coefficient: float) -> float:
        every = torch.full((len(problem.advantages),), coefficient, dtype=torch.float64)
        return float(problem.surrogate(weight.expand(len(every), *weight.shape), every)[task])

    step = 1e-3
    second = (reduced(step) - 2 * reduced(0.0) + reduced(-step)) / step**2
    # the logits' slopes by the state and their second derivatives, and the features' slopes, at every entry
    powers = [states**power for power in range(FEATURES)]
    zero = torch.zeros_like(states)
    slope = torch.stack([zero, *(power * powers[power - 1] for power in range(1, FEATURES))], -1)
    bend = torch.stack([zero, zero, *(p * (p - 1) * powers[p - 2] for p in range(2, FEATURES))], -1)
    policy = problem.log_policy(weight, states).exp()
    slopes, bends = slope @ weight, bend @ weight

    def of_own(values: torch.Tensor) -> torch.Tensor:
        """The chosen action's value less the policy's mean, [entry]."""
        return values.gather(1, actions.unsqueeze(1)).squeeze(1) - (policy * values).sum(1)

    variance = (policy * slopes.square()).sum(1) - (policy * slopes).sum(1).square()
    square, mean_away = away.square().mean(1), away.mean(1)
    printed = advantages * (square * (of_own(bends) - variance) - 2 * mean_away * of_own(slopes))
    # features of (s, a): slope at the action's place
    places = torch.eye(problem.actions, dtype=torch.float64)
    features = torch.einsum("ef,ab->eafb", slope, places).flatten(2)  # [entry, action, parameter]
    centred = features - (policy.unsqueeze(-1) * features).sum(1, keepdim=True)
    spread = torch.einsum("ea,eap,eaq->epq", policy, centred, centred)
    matrix = (advantages * square).view(-1, 1, 1) * spread
    nodes, masses = np.polynomial.hermite_e.hermegauss(NODES)
    masses = masses / masses.sum()
    expected = sum(float(mass) * mixed(mean + std * float(node)) for node, mass in zip(nodes, masses, strict=True))
    wide = math.sqrt(2) * std
    as_reduced = sum(float(mass) * reduced(wide * float(node)) for node, mass in zip(nodes, masses, strict=True))
    total = matrix.mean(0)
    flat = weight.flatten()
    form = -float(flat @ total @ flat) * wide**2
    return QuadraticForm(second, float(printed.mean()), total, expected - mixed(1.0), as_reduced - reduced(0.0), form)

"""Lemma 3 of XMRL-G against finite differences of the objective whose gradient it is."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from algorithms.explanation.importance import ImportanceProblem


@dataclass(frozen=True)
class LemmaThree:
    """d L(theta*(omega)) / d omega, float64 [row] each: by differences, and as Lemma 3 has it with either sign."""

    differences: torch.Tensor
    corrected: torch.Tensor  # -[d2 / d omega d theta] H^-1 grad L, which the implicit function theorem gives
    printed: torch.Tensor  # the proof's Equation (8), which has lost the minus

    @property
    def corrected_error(self) -> float:
        """Relative, of the corrected sign."""
        return _relative(self.corrected, self.differences)

    @property
    def printed_error(self) -> float:
        """Relative, of the printed sign: 2 where all but the sign is right."""
        return _relative(self.printed, self.differences)


def lemma_three(problem: ImportanceProblem, weights: torch.Tensor, epsilon: float) -> LemmaThree:
    """Both hypergradients at the weights [row], and central differences of L(theta*(omega)) of that step in each.

    The lower level is solved anew for every step as closely as the problem's options say: ask for a small tolerance
    and many steps, in float64, of a problem of few rows and parameters.
    """
    point, _ = problem.settled(weights)
    found = problem.hypergradient(weights, point)
    slopes = []
    for row in range(len(weights)):
        reached = []
        for sign in (1, -1):
            moved = weights.clone()
            moved[row] += sign * epsilon
            reached.append(problem.poor_objective(problem.solution(moved, point)[0]))
        slopes.append((reached[0] - reached[1]) / (2 * epsilon))
    return LemmaThree(torch.tensor(slopes, dtype=torch.float64), found.corrected, found.printed)


def _relative(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).norm() / other.norm())

"""Lemma 5 of XMRL-G, a mixed second derivative of the augmentation's lower level, against finite differences.

Numbered problems of mixed bandits (`xmrl_g_lemmas`), all draws held: F is the mean over zeta of the meta-objective at
theta = mu + sigma * zeta, with mixture coefficients of mean and std phi.  The lemma gives d2F / d sigma d phi.  Its
proof takes first-order MAML, whose adapted parameters theta_i it holds while phi moves, and has lost the factor zeta of
d theta / d sigma.

Rows, by problem (`index`): `lemma5-error`, relative, and `lemma5-cosine`, against the derivative of F by central
differences: of the expression as it stands (`printed`), with the factor (`restored`), and of the whole derivative by
double backward, through the inner step too (`whole`).  `lemma5-held-error`: of `restored` against differences
of first-order MAML's gradient at held theta_i.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch.autograd.functional import jacobian

from benchmarks.specs.study import Rows, Study, StudyConfig, row
from benchmarks.studies.xmrl_g_lemmas.problem import FEATURES, MixedBandits
from benchmarks.studies.xmrl_g_lemmas.study import MEAN, STD, SUITE, cosine, relative
from environments.streams import Streams


@dataclass(frozen=True)
class LemmaFiveConfig(StudyConfig):
    problems: int = 10
    parameter_pairs: int = 4  # of opposite draws zeta
    parameter_std: float = 0.05
    epsilon: float = 1e-4  # of the differences

    def __post_init__(self) -> None:
        if min(self.problems, self.parameter_pairs) < 1:
            raise ValueError("problems and parameter_pairs must be at least 1")


class LemmaFive(Study):
    """XMRL-G's Lemma 5, as printed and with the factor that it has lost, against finite differences."""

    name = "xmrl-g-lemma5"
    Config = LemmaFiveConfig
    profiles: ClassVar = {"smoke": {"problems": 1}, "paper": {"problems": 100}}
    deterministic = True  # the problems are numbered

    def parts(self) -> Sequence[str]:
        return [str(number) for number in range(self.config.problems)]

    def measure(self, part: str, kept: dict[str, Any]) -> Rows:
        level = LowerLevel(Streams(int(part)), self.config)
        exact = differences(level.by_stds, level.phi, self.config.epsilon)
        held = differences(level.first_order, level.phi, self.config.epsilon)
        printed, restored = level.lemma()
        whole = jacobian(level.by_stds, level.phi).movedim(-1, 0)
        rows: Rows = []
        for name, found in (("printed", printed), ("restored", restored), ("whole", whole)):
            place: dict[str, Any] = {"suite": SUITE, "index": int(part), "algorithm": name}
            rows.append(row("lemma5-error", relative(found, exact), **place))
            rows.append(row("lemma5-cosine", cosine(found, exact), **place))
        error = relative(restored, held)
        return [*rows, row("lemma5-held-error", error, suite=SUITE, index=int(part), algorithm="restored")]

    def seconds(self) -> float:
        return 0.05 * self.config.problems * self.config.parameter_pairs


class LowerLevel:
    """F of a numbered problem.  phi: [2], mean and std of the coefficients; derivatives: [2, feature, action]."""

    def __init__(self, streams: Streams, config: LemmaFiveConfig) -> None:
        self.problem = MixedBandits.drawn(streams)
        self.mu = self.problem.parameters(streams)["weight"]
        self.phi = torch.tensor([MEAN, STD], dtype=torch.float64)
        generator = streams.torch("draws")
        half = torch.randn(config.parameter_pairs, *self.mu.shape, dtype=torch.float64, generator=generator)
        self._zetas = torch.cat([half, -half])
        self._bars = torch.randn(self.problem.critical, dtype=torch.float64, generator=generator)
        self._std = config.parameter_std
        # theta_i of every draw, at phi: [draw, task, feature, action]
        every = self._every(self.phi)
        self._adapted = torch.stack([self.problem.adapted(point, every).detach() for point in self._points()])

    def by_stds(self, phi: torch.Tensor) -> torch.Tensor:
        """dF / d sigma, [feature, action], differentiable in phi."""
        std = torch.full_like(self.mu, self._std).requires_grad_()
        coefficients = phi[0] + phi[1] * self._bars
        objectives = [self.problem.objective({"weight": self.mu + std * z}, coefficients) for z in self._zetas]
        (slope,) = torch.autograd.grad(torch.stack(objectives).mean(), std, create_graph=True)
        return slope

    def first_order(self, phi: torch.Tensor) -> torch.Tensor:
        """First-order MAML's gradient in sigma with theta_i held, [feature, action]."""
        every, slopes = self._every(phi), []
        for adapted, zeta in zip(self._adapted, self._zetas, strict=True):
            leaf = adapted.clone().requires_grad_()
            (slope,) = torch.autograd.grad(self.problem.surrogate(leaf, every).mean(), leaf)
            slopes.append(zeta * slope.sum(0))
        return torch.stack(slopes).mean(0)

    def lemma(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The lemma's expression, as printed and with the factor zeta."""
        # of a coefficient by phi, [2, critical]
        moves = torch.stack([torch.ones_like(self._bars), self._bars])
        terms = torch.stack([self._terms(adapted) for adapted in self._adapted]) / len(self.problem.advantages)
        summed = torch.einsum("pc,dcfa->dpfa", moves, terms)
        return summed.mean(0), (self._zetas.unsqueeze(1) * summed).mean(0)

    def _terms(self, adapted: torch.Tensor) -> torch.Tensor:
        """The integral of each critical task, [critical, feature, action], at its theta_i."""
        problem = self.problem
        weights = adapted[: problem.critical].clone().requires_grad_()
        share = (self.phi[0] + self.phi[1] * self._bars).view(-1, 1, 1)
        states = problem.states.repeat_interleave(problem.actions)
        actions = torch.arange(problem.actions).repeat(len(problem.states))
        advantages = problem.advantages[: problem.critical].flatten(1)
        apart = states.unsqueeze(1) - states
        mixed = share * states.unsqueeze(1) + (1 - share) * states
        credit = share * advantages.unsqueeze(2) + (1 - share) * advantages.unsqueeze(1)
        earned = advantages.unsqueeze(2) - advantages.unsqueeze(1)
        chosen = torch.where(share >= 0.5, actions.unsqueeze(1), actions).unsqueeze(-1)
        logs = problem.log_policy(weights.unsqueeze(1), mixed)
        # of the logits by the state, and of the chosen action's logarithm
        powers = [power * mixed ** max(power - 1, 0) for power in range(FEATURES)]
        rates = torch.stack(powers, -1) @ weights.unsqueeze(1)
        by_state = rates - (logs.exp() * rates).sum(-1, keepdim=True)
        by_state, logs = (values.gather(-1, chosen).squeeze(-1) for values in (by_state, logs))
        (found,) = torch.autograd.grad((by_state * apart * credit + logs * earned).mean((1, 2)).sum(), weights)
        return found

    def _every(self, phi: torch.Tensor) -> torch.Tensor:
        """Coefficients of all tasks, 1 of those that are not critical."""
        plain = torch.ones(len(self.problem.advantages) - self.problem.critical, dtype=torch.float64)
        return torch.cat([phi[0] + phi[1] * self._bars, plain])

    def _points(self) -> torch.Tensor:
        return self.mu + self._std * self._zetas


def differences(function: Callable[[torch.Tensor], torch.Tensor], phi: torch.Tensor, epsilon: float) -> torch.Tensor:
    """The function's derivatives, [2, ...], by central differences."""
    moves = epsilon * torch.eye(len(phi), dtype=phi.dtype)
    return torch.stack([(function(phi + move) - function(phi - move)).detach() / (2 * epsilon) for move in moves])

"""Four statements of the ProMP paper that finite sums decide: on numbered random MDPs with random softmax policies.

Proposition of Appendix B.1.  `hessian-decomposition-error`: the four terms of Equation (35), as `printed`, summed over
every trajectory, against the Hessian of the exact return, relative.  `hessian-term-share`: each term's norm over it.

Section 3.  `likelihood-ratio-error`: between derivatives of J^LR and J^LVC at theta_o, see `likelihood_ratio`.

Section 2 and Appendix B.2.  `lvc-bias` of LVC's Hessian along natural gradient ascent, x the share of the first
gradient's norm that is left, as a norm (`absolute`) and over the exact Hessian's (`relative`); `lvc-bias-at-start` and
`lvc-bias-at-end` are its ends.  The suite `random-mdp` has the conditions that the appendix names, an infinite horizon
with a discount, which it does not print, and rich logits; `random-mdp-finite-horizon` has the paper's finite one, and
`random-mdp-shared-logits` an infinite one and logits that all states share, whose optimum is often within the simplex.
`optimality-gap-at-end`: of the return to the optimal one, over the first gap (where the conditions hold).
`least-probability-at-end`: of an action, which says whether the optimum is within the simplex.

Section 1.  x = alpha.  `meta-gradient-deviation`: of one-sample meta-gradients, see `formulations`, the root of their
summed variance over the norm of their mean; `meta-gradient-spread`: that root itself.  `credit-deviation`: as the
former, of J_pre^I and J_pre^II alone.  `meta-gradient-mean-difference`: between both formulations' means, relative to
formulation I's.

`index` numbers the MDPs; of `lvc-bias` the shares at which the ascent is looked at, from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch

from benchmarks.specs.study import Rows, Study, StudyConfig, row
from benchmarks.studies.promp_identities import decomposition, likelihood_ratio
from benchmarks.studies.promp_identities.formulations import MetaGradients, Moments
from benchmarks.studies.promp_identities.lvc_bias import BiasProblem, biases
from benchmarks.studies.promp_identities.problem import EnumeratedProblem, drawn, relative

#: where rows name the suite
SUITE = "random-mdp"
IDEAS = ("decomposition", "likelihood-ratio", "lvc-bias", "formulations")


@dataclass(frozen=True)
class PrompIdentitiesConfig(StudyConfig):
    mdps: int = 50
    states: int = 3
    actions: int = 2
    horizon: int = 5  # trajectories multiply by states times actions with each step
    meta_horizon: int = 3  # of formulations, which pair trajectories
    logit_std: float = 0.7  # of the policies
    discount: float = 0.9  # of the infinite horizon
    gradient_shares: tuple[float, ...] = (1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6)  # at which the ascent is looked at
    inner_step_sizes: tuple[float, ...] = (0.1, 0.5)

    def __post_init__(self) -> None:
        if min(self.mdps, self.horizon, self.meta_horizon) < 1 or not self.inner_step_sizes:
            raise ValueError("mdps, horizon and meta_horizon must be at least 1, with one inner step size or more")
        falling = sorted(self.gradient_shares, reverse=True)
        if len(set(falling)) < 2 or list(self.gradient_shares) != falling or falling[0] != 1 or falling[-1] <= 0:
            raise ValueError(f"gradient_shares must fall from 1 and stay above 0, got {self.gradient_shares}")


class PrompIdentities(Study):
    """ProMP's decomposition of the Hessian, J^LR, LVC's bias and both formulations, by sums over all trajectories."""

    name = "promp-identities"
    Config = PrompIdentitiesConfig
    profiles: ClassVar = {
        "smoke": {"mdps": 2, "horizon": 3, "meta_horizon": 2},
        "quick": {"mdps": 10, "horizon": 4},
        "paper": {"mdps": 200},
    }
    deterministic = True  # the problems are numbered

    def parts(self) -> Sequence[str]:
        return [f"{idea} {number}" for idea in IDEAS for number in range(self.config.mdps)]

    def measure(self, part: str, kept: dict[str, Any]) -> Rows:
        idea, number = part.split()
        measured = {
            "decomposition": self._decomposition,
            "likelihood-ratio": self._likelihood_ratio,
            "lvc-bias": self._lvc_bias,
            "formulations": self._formulations,
        }
        return measured[idea](int(number))

    def _decomposition(self, number: int) -> Rows:
        problem = self._problem(number, self.config.horizon)
        found, exact = decomposition.terms(problem), decomposition.exact_hessian(problem)
        error = relative(torch.stack(list(found.values())).sum(0), exact)
        shares = {name: float(term.norm() / exact.norm()) for name, term in found.items()}
        return [
            row("hessian-decomposition-error", error, algorithm="printed", **_place(number)),
            *(row("hessian-term-share", share, algorithm=name, **_place(number)) for name, share in shares.items()),
        ]

    def _likelihood_ratio(self, number: int) -> Rows:
        errors = likelihood_ratio.errors(self._problem(number, self.config.horizon))
        return [
            row("likelihood-ratio-error", error, algorithm=name, **_place(number)) for name, error in errors.items()
        ]

    def _lvc_bias(self, number: int) -> Rows:
        c = self.config
        mdp, logits = drawn(number, c.states, c.actions, c.logit_std)
        discounted = replace(mdp, discount=c.discount)
        cases = {
            "": (BiasProblem(discounted), logits.flatten()),
            "-finite-horizon": (BiasProblem(mdp, c.horizon), logits.flatten()),
            "-shared-logits": (BiasProblem(discounted, shared=True), logits[0]),
        }
        rows: Rows = []
        for name, (problem, start) in cases.items():
            points = list(biases(problem, start, c.gradient_shares))
            at: dict[str, Any] = {"suite": SUITE + name, "task": f"mdp-{number}"}
            for kind in ("absolute", "relative"):
                rows += [
                    row("lvc-bias", getattr(point, kind), algorithm=kind, index=point.place, x=point.share, **at)
                    for point in points
                ]
                for end, point in (("start", points[0]), ("end", points[-1])):
                    rows.append(row(f"lvc-bias-at-{end}", getattr(point, kind), algorithm=kind, index=number, **at))
            rows.append(row("least-probability-at-end", points[-1].least_probability, index=number, **at))
            if not name:
                best = float(discounted.optimal_return)
                gap = (best - points[-1].value) / (best - points[0].value)
                rows.append(row("optimality-gap-at-end", gap, index=number, **at))
        return rows

    def _formulations(self, number: int) -> Rows:
        problem, rows = self._problem(number, self.config.meta_horizon), Rows()
        for alpha in self.config.inner_step_sizes:
            pairs = MetaGradients(problem, alpha)
            found = {
                "formulation-I": pairs.first(pairs.of_whole_returns()),
                "formulation-I-dice": pairs.first(pairs.dice()),
                "formulation-I-lvc": pairs.first(pairs.lvc()),
                "formulation-I-exact-update": pairs.first(pairs.of_whole_returns(), pairs.exact_gradient()),
                "formulation-II": pairs.second(),
                "formulation-II-printed": pairs.second(scale=alpha),
            }
            credit = {"formulation-I": pairs.credit_first(), "formulation-II": pairs.credit_second()}
            at = {**_place(number), "x": alpha}
            rows += _deviations("meta-gradient-deviation", found, at)
            rows += [row("meta-gradient-spread", each.deviation, algorithm=name, **at) for name, each in found.items()]
            rows += _deviations("credit-deviation", credit, at)
            difference = relative(found["formulation-II"].mean, found["formulation-I"].mean)
            rows.append(row("meta-gradient-mean-difference", difference, **at))
        return rows

    def _problem(self, number: int, horizon: int) -> EnumeratedProblem:
        c = self.config
        return EnumeratedProblem.numbered(number, c.states, c.actions, horizon, c.logit_std)

    def seconds(self) -> float:
        c = self.config
        trajectories, paired = ((c.states * c.actions) ** steps for steps in (c.horizon, c.meta_horizon))
        return 1 + c.mdps * (0.7 + 4e-5 * trajectories + 2e-6 * len(c.inner_step_sizes) * paired**2)


def _deviations(quantity: str, found: dict[str, Moments], at: dict[str, Any]) -> Rows:
    return [row(quantity, each.relative, algorithm=name, **at) for name, each in found.items()]


def _place(number: int) -> dict[str, Any]:
    return {"suite": SUITE, "task": f"mdp-{number}", "index": number}

"""Propositions 1 to 3 and Lemmas 1 and 2 of BO-MRL, and what Alg(i) reduces to, on small MDPs that are known exactly.

Each numbered MDP has two classes of policies: a table, and one with function approximation whose parameters states
share (`SmallProblem`).  `task` names the MDP and the class.

`proposition1-error` and `proposition2-error`: of the hypergradient as the proposition prints it, relative, against
central differences of the return after adaptation; of Proposition 2 also with the derivative of the visitation that
the print leaves out (`corrected`).  lambda is `weight`, of Alg(3) `euclidean_weight`, times the largest |A| of the
meta-policy.  Alg(i) is that of Equation (1) in the first, whose `algorithm` names it, and of Equation (2) in the
second, where `task` names it.

`lemma1-needed-share`, `lemma2-needed-share` and `proposition3-needed-share`: see `needed_share.py`.

`policy-gradient-error` and `natural-gradient-error`: relative, of Alg(3) and Alg(2) with the approximations that are
said to reduce them, against (1 - gamma) / (2 lambda) times the policy gradient and (1 - gamma) / lambda times the
natural one.  `policy-gradient-printed-step`: the former over what Equation (11) gives, which has no 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from algorithms.one_time_adaptation.distances import Distance
from benchmarks.specs.study import Rows, Study, StudyConfig, row
from benchmarks.studies.bo_mrl_identities.needed_share import lemma_share, proposition3_share
from benchmarks.studies.bo_mrl_identities.problem import SmallProblem
from benchmarks.studies.bo_mrl_identities.reductions import linearised_step, natural_gradient, policy_gradient
from benchmarks.studies.bo_mrl_identities.within_task import WithinTask, proposition1, proposition1_measured
from environments.streams import Streams

#: where rows name the suite
SUITE = "random-mdp"
DISTANCES: dict[str, Distance] = {"bo-mrl-1": "kl", "bo-mrl-2": "reverse_kl", "bo-mrl-3": "euclidean"}
CLASSES = ("table", "approximation")
#: standard deviation of the random parameters of a table and of the other class
DEVIATION = {"table": 1.0, "approximation": 2.0}


@dataclass(frozen=True)
class BoMrlIdentitiesConfig(StudyConfig):
    problems: int = 10
    states: int = 4
    actions: int = 3
    parameters: int = 5  # of the policy with function approximation
    discount: float = 0.8  # the paper's
    weight: float = 1.0  # lambda over the largest |A|; with the paper's on FrozenLake Alg(3)'s is a twelfth of it too
    euclidean_weight: float = 0.1
    pairs: int = 64  # of policies, where the search for a lemma's violation starts
    steps: int = 300  # of that search
    samples: int = 2000  # of policies, in search for one that Proposition 3's threshold is too low for

    def __post_init__(self) -> None:
        if min(self.problems, self.pairs, self.samples, self.parameters) < 1 or min(self.states, self.actions) < 2:
            raise ValueError(
                "problems, pairs, samples and parameters must be at least 1, states and actions at least 2"
            )
        if not (0 < self.discount < 1 and min(self.weight, self.euclidean_weight) > 0 and self.steps >= 0):
            raise ValueError("discount must be within (0, 1), weights above 0 and steps at least 0")


class BoMrlIdentities(Study):
    """BO-MRL's propositions and lemmas, as printed and as corrected, on small MDPs."""

    name = "bo-mrl-identities"
    Config = BoMrlIdentitiesConfig
    profiles: ClassVar = {
        "smoke": {"problems": 1, "pairs": 4, "steps": 5, "samples": 20},
        "quick": {"problems": 4, "steps": 100, "samples": 500},
        "paper": {"problems": 50},
    }
    deterministic = True  # the problems are numbered

    def parts(self) -> Sequence[str]:
        return [f"{name} {number}" for number in range(self.config.problems) for name in CLASSES]

    def measure(self, part: str, kept: dict[str, Any]) -> Rows:
        name, number = part.split(" ")
        problem, streams = self._problem(name, int(number)), Streams(int(number)).child(name)
        phi = problem.start(streams, DEVIATION[name])[0]
        place: dict[str, Any] = {"suite": SUITE, "task": f"mdp-{number} {name}", "index": int(number)}
        return [
            *(self._tabular(problem, phi, place) if name == "table" else ()),
            *self._approximated(problem, phi, place),
            *self._shares(problem, streams, DEVIATION[name], place),
            *self._reductions(problem, phi, place),
        ]

    def _problem(self, name: str, number: int) -> SmallProblem:
        c = self.config
        parameters = 0 if name == "table" else c.parameters
        return SmallProblem.drawn(Streams(number), c.states, c.actions, parameters, c.discount)

    def _rule(self, problem: SmallProblem, distance: Distance, phi: torch.Tensor) -> WithinTask:
        values = problem.values(problem.log_policy(phi).exp())
        share = self.config.euclidean_weight if distance == "euclidean" else self.config.weight
        return WithinTask(problem, distance, share * float((values.action - values.state[:, None]).abs().max()))

    def _tabular(self, problem: SmallProblem, phi: torch.Tensor, place: dict[str, Any]) -> Rows:
        rows: Rows = []
        for algorithm in ("bo-mrl-1", "bo-mrl-2"):
            rule = self._rule(problem, DISTANCES[algorithm], phi)
            error = _relative(proposition1(rule, phi), proposition1_measured(rule, phi))
            rows.append(row("proposition1-error", error, algorithm=algorithm, **place))
        return rows

    def _approximated(self, problem: SmallProblem, phi: torch.Tensor, place: dict[str, Any]) -> Rows:
        rows: Rows = []
        for algorithm, distance in DISTANCES.items():
            rule = self._rule(problem, distance, phi)
            measured = rule.measured(phi)
            own = {**place, "task": f"{place['task']} {algorithm}"}
            for form in ("printed", "corrected"):
                error = _relative(rule.hypergradient(phi, printed=form == "printed"), measured)
                rows.append(row("proposition2-error", error, algorithm=form, **own))
        return rows

    def _shares(self, problem: SmallProblem, streams: Streams, deviation: float, place: dict[str, Any]) -> Rows:
        c, rows = self.config, Rows()
        for algorithm, distance in DISTANCES.items():
            lemma = "lemma2" if distance == "euclidean" else "lemma1"
            starts = streams.child("pairs")
            first = problem.start(starts.child("first"), deviation, c.pairs)
            # from near to far
            apart = torch.logspace(-2, 0.5, c.pairs, dtype=torch.float64)[:, None]
            second = first + apart * problem.start(starts.child("second"), 1.0, c.pairs)
            share = lemma_share(problem, distance, torch.stack([first, second]), c.steps)
            rows.append(row(f"{lemma}-needed-share", share, algorithm=algorithm, **place))
        meta, at = (problem.start(streams.child(name), 2 * deviation, c.samples) for name in ("meta", "at"))
        return [*rows, row("proposition3-needed-share", proposition3_share(problem, meta, at), **place)]

    def _reductions(self, problem: SmallProblem, phi: torch.Tensor, place: dict[str, Any]) -> Rows:
        euclidean, divergence = (self._rule(problem, DISTANCES[name], phi) for name in ("bo-mrl-3", "bo-mrl-2"))
        plain, natural = (linearised_step(rule, phi) for rule in (euclidean, divergence))
        pays = 1 - problem.mdp.discount
        gradient = pays / euclidean.weight * policy_gradient(problem, phi)
        numbers = {
            "policy-gradient-error": _relative(plain, gradient / 2),
            "policy-gradient-printed-step": float(plain.norm() / gradient.norm()),
            "natural-gradient-error": _relative(natural, pays / divergence.weight * natural_gradient(problem, phi)),
        }
        return [row(name, value, **place) for name, value in numbers.items()]

    def seconds(self) -> float:
        c = self.config
        return 1 + c.problems * len(CLASSES) * (PROPOSITIONS + 3 * c.steps * c.pairs * PAIR)


#: seconds of one core for the propositions on a problem, and for a pair of policies in one step of a search
PROPOSITIONS, PAIR = 4.0, 3e-5


def _relative(found: torch.Tensor, measured: torch.Tensor) -> float:
    return float((found - measured).norm() / measured.norm())

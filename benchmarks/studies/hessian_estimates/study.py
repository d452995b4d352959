"""Bias and variance of estimates of the policy gradient's Hessian: what the theorems of the TMAML paper are about.

On small random MDPs every trajectory is enumerated, so that an estimator's expectation and variance are finite sums
and nothing is left to chance; the exact Hessian is that of the exact expected return.  `hessian-bias` is the Frobenius
norm of their difference over the exact Hessian's, `hessian-variance` the summed variance of its entries for one
trajectory over the exact Hessian's squared norm, and likewise `gradient-bias` and `gradient-variance`; `index` numbers
the MDPs.  The control variate's baseline is the expected sum of rewards to come.

On a robot the Hessian of an untrained policy is estimated again and again from fresh batches, along fixed directions:
`product-variance` is the summed variance of its products with them, `product-deviation` its root over the norm of the
mean product; `index` numbers groups of repeats.  There the baseline is the linear one, fitted to other trajectories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from algorithms.estimators.advantages import baseline_features, discounted_sums, fit_baseline
from algorithms.policies.networks import NetworkPolicy, TabularSoftmax, make_network
from algorithms.policies.parameters import stacked
from benchmarks.execution.evaluation import harness_collector
from benchmarks.specs.study import Rows, Study, StudyConfig, row
from benchmarks.studies.hessian_estimates.enumeration import all_trajectories, random_mdp, rewards_to_go
from benchmarks.studies.hessian_estimates.estimators import KINDS, Surrogate
from environments.catalogue import make_suite
from environments.tabular import differentiable_return
from environments.task import TaskRef

#: where rows name the suite of an enumerated MDP
ENUMERATED = "random-mdp"


@dataclass(frozen=True)
class HessianEstimatesConfig(StudyConfig):
    suites: tuple[str, ...] = ("half-cheetah-direction[horizon=100]",)
    mdps: int = 20
    states: int = 3
    actions: int = 2
    horizon: int = 5  # of the MDPs; trajectories multiply by states times actions with each step
    logit_std: float = 0.7  # of the MDPs' policies
    groups: int = 6  # of repeats, on the robot
    repeats: int = 6  # batches in a group
    trajectories: int = 20  # of each of the suite's training tasks, at most `tasks` of them, in a batch
    tasks: int = 2
    directions: int = 4
    hidden: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        if min(self.mdps, self.groups, self.directions) < 1 or self.repeats < 2:
            raise ValueError("mdps, groups and directions must be at least 1 and repeats at least 2")


class HessianEstimates(Study):
    """Bias and variance of Hessian estimates, exactly on small MDPs and by repetition on a robot."""

    name = "hessian-estimates"
    Config = HessianEstimatesConfig
    profiles: ClassVar = {
        "smoke": {"mdps": 2, "horizon": 3, "groups": 2, "repeats": 2, "trajectories": 2, "directions": 1},
        "quick": {"mdps": 10, "groups": 3, "repeats": 4},
        "paper": {"mdps": 50, "groups": 20, "repeats": 10, "trajectories": 20},
    }

    def parts(self) -> Sequence[str]:
        c = self.config
        robots = [f"{suite} {group}" for suite in c.suites for group in range(c.groups)]
        return [*(f"{ENUMERATED} {number}" for number in range(c.mdps)), *robots]

    def measure(self, part: str, kept: dict[str, Any]) -> Rows:
        suite, number = part.rsplit(" ", 1)
        return self._enumerated(int(number)) if suite == ENUMERATED else self._repeated(suite, int(number))

    def _enumerated(self, number: int) -> Rows:
        c = self.config
        generator = self.streams.numpy("mdp", number)
        mdp = random_mdp(generator, c.states, c.actions)
        logits = torch.from_numpy(generator.normal(0.0, c.logit_std, size=(c.states, c.actions)))
        batch, probability = all_trajectories(mdp, logits, c.horizon)
        table = rewards_to_go(mdp, logits, c.horizon)
        baseline = table[torch.arange(c.horizon), batch.observations]
        network = TabularSoftmax(c.states, c.actions)
        parameters = {"logits": logits.expand(len(probability), *logits.shape)}

        def expected_return(flat: torch.Tensor) -> torch.Tensor:
            return differentiable_return(mdp, torch.softmax(flat.view_as(logits), -1), c.horizon)

        exact = {
            "gradient": torch.autograd.functional.jacobian(expected_return, logits.flatten()),
            "hessian": torch.autograd.functional.hessian(expected_return, logits.flatten()),
        }
        rows: Rows = []
        for kind in KINDS:
            surrogate = Surrogate(kind, network, parameters, batch, batch.rewards, baseline)
            estimates = {"gradient": surrogate.gradient(), "hessian": surrogate.hessian()}
            place: dict[str, Any] = {"suite": ENUMERATED, "algorithm": kind, "task": f"mdp-{number}", "index": number}
            for what, values in estimates.items():
                size = exact[what].norm()
                mean = torch.tensordot(probability, values, 1)
                spread = torch.tensordot(probability, (values - mean).square(), 1).sum()
                rows.append(row(f"{what}-bias", float((mean - exact[what]).norm() / size), **place))
                rows.append(row(f"{what}-variance", float(spread / size**2), **place))
        return rows

    def _repeated(self, name: str, group: int) -> Rows:
        c, suite = self.config, make_suite(name)
        streams = self.streams.child(name)
        network = make_network(suite.observation_space, suite.action_space, c.hidden)
        initial = network.initial(streams.torch("initial parameters"))
        tasks = [TaskRef("train", task.id) for task in suite.split.train[: c.tasks]]
        parameters = stacked(initial, len(tasks))
        size = sum(value.numel() for value in initial.values())
        directions = torch.randn(size, c.directions, generator=streams.torch("directions"))
        directions = directions / directions.norm(dim=0)
        collector = harness_collector(suite, streams.child("group", group))
        policy = NetworkPolicy(network, parameters)
        products: dict[str, list[torch.Tensor]] = {kind: [] for kind in KINDS}
        for _ in range(c.repeats):
            batch = collector.collect(policy, tasks, c.trajectories)
            other = collector.collect(policy, tasks, c.trajectories)
            discounts = suite.discount ** torch.arange(suite.horizon)
            rewards = batch.rewards * discounts
            # both batches' features, the estimated one's masked: the baseline knows nothing of the actions it follows
            features = torch.cat([baseline_features(b.observations, None) for b in (other, batch)], dim=1)
            targets = torch.cat([discounted_sums(b.rewards * discounts, 1.0) for b in (other, batch)], dim=1)
            mask = torch.cat([other.mask, torch.zeros_like(batch.mask)], dim=1)
            baseline = fit_baseline(features, targets, mask)[:, c.trajectories :].to(rewards.dtype) * batch.mask
            for kind in KINDS:
                found = Surrogate(kind, network, parameters, batch, rewards, baseline).hessian_products(directions)
                products[kind].append(found.mean(0).flatten().double())
        rows: Rows = []
        for kind in KINDS:
            stacked_products = torch.stack(products[kind])
            variance = float(stacked_products.var(0).sum())
            at: dict[str, Any] = {"suite": name, "algorithm": kind, "index": group}
            rows.append(row("product-variance", variance, **at))
            rows.append(row("product-deviation", variance**0.5 / float(stacked_products.mean(0).norm()), **at))
        return rows

    def seconds(self) -> float:
        c = self.config
        enumerated = c.mdps * (0.1 + 4e-5 * c.states * (c.states * c.actions) ** c.horizon / c.states)
        steps = c.tasks * c.trajectories * 100
        return enumerated + len(c.suites) * c.groups * c.repeats * steps * (6e-5 + len(KINDS) * c.directions * 2e-5)

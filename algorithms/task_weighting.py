"""Task weighting: the weights of tasks along the next few outer updates, found by trajectory optimisation."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from algorithms.algorithm import Metrics
from algorithms.maml_vpg import MamlVpg
from algorithms.meta_learning.adam_meta_learner import AdamConfig
from algorithms.meta_learning.gradient_meta_learner import InnerOuterBatches
from algorithms.meta_learning.weighted_updates import WeightedUpdates
from algorithms.optimisation.trajectory_optimisation import improved
from algorithms.search_space import Integers, LogRange, searched, unsearched
from environments.collector import Collector


@dataclass(frozen=True)
class TaskWeightingConfig(AdamConfig):
    # T: outer updates that are planned together; 1 makes it maml-vpg, since the last of them has nothing to plan for
    updates: int = searched(5, Integers(2, 8))
    # beta: inverse variance of the weights about 1 / tasks; the paper's
    precision: float = searched(10.0, LogRange(0.01, 100.0))
    regulator_iterations: int = unsearched(2, "the paper's iterations of iLQR; 0 makes it maml-vpg")
    halvings: int = unsearched(6, "how far the line search goes, which ends at the first step that helps")
    # random signs that the diagonal of the Gauss-Newton matrix is estimated by
    probes: int = unsearched(4, "accuracy of the curvature, which the line search does not rely on")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.updates < 1 or self.probes < 1:
            raise ValueError(f"updates and probes must be at least 1, got {self.updates} and {self.probes}")
        if self.regulator_iterations < 0 or self.halvings < 0:
            raise ValueError(
                "regulator_iterations and halvings must not be negative, "
                f"got {self.regulator_iterations} and {self.halvings}"
            )
        if not self.precision > 0:
            raise ValueError(f"precision must be above 0, got {self.precision:g}")


class TaskWeighting(MamlVpg):
    """Task weighting: MAML-VPG whose tasks' weights minimise the loss along its own next outer updates, by iLQR.

    The state x_t is the meta-parameter, an action u_t the weights of the M tasks of update t, the dynamics an outer
    update x_{t+1} = x_t + Adam(sum_i u_{t,i} grad J_i(x_t)), and the cost to be minimised over T updates

        sum_t [ - sum_i J_i(x_t) + beta / 2 |u_t - 1/M|^2 ],

    the second term a Gaussian prior N(1/M, 1/beta) of each weight.  So the weights of an update are those after which
    the next updates' tasks, other ones, are adapted to best.  One meta-iteration:

    1. T outer updates of MAML-VPG, u = 1/M: each samples M tasks with the parameters that it starts from.  All data
       are of this nominal trajectory, and no more are collected.
    2. `regulator_iterations` of iLQR improve it: dynamics linearised (Adam's moments belong to the state), costs with
       the diagonal of a Gauss-Newton matrix, a line search on the true cost of the same data.
    3. The end of the best trajectory, with Adam's moments there, is what the next meta-iteration starts from.

    Left open by what is at hand, and so chosen here: T; the data (above); that J's sum over tasks, not its mean, is
    held against the prior; that the last update, which no cost follows, keeps 1/M; weights may be negative and need
    not add up to 1, as the prior has it.  The loss -mean(log pi A) has Gauss-Newton matrix mean(-A F), which the sign
    of A makes indefinite: |A| is taken in its place, and the adapted parameters' Jacobian as the identity.
    The authors' line search stops after its first try; this one goes on.
    """

    name = "task-weighting"
    paper = "Nguyen, Do and Carneiro 2023, Task weighting in meta-learning with trajectory optimisation, TMLR"
    Config = TaskWeightingConfig

    def meta_step(self, collector: Collector) -> Metrics:
        """Shorter where the budget's rest covers fewer updates."""
        config = self.config
        price = (self.training_steps + 1) * collector.cost(config.tasks, config.trajectories)
        start = self.parameters, copy.deepcopy(self.optimiser)
        data: list[InnerOuterBatches] = []
        told: list[Metrics] = []
        while not data or (len(data) < config.updates and collector.remaining >= price):
            batches = self.sample(collector)
            metrics = {f"return_step{k}": float(batch.trajectories.returns.mean()) for k, batch in enumerate(batches)}
            told.append({**metrics, **self.update(batches)})
            data.append(batches)
        means = {name: sum(metrics[name] for metrics in told) / len(told) for name in told[0]}
        if len(data) < 2 or not config.regulator_iterations:
            return means
        updates = WeightedUpdates(self, *start, data, config.precision, config.probes, collector.iteration)
        return {**means, **self._reweighted(updates)}

    def _reweighted(self, updates: WeightedUpdates) -> Metrics:
        """Takes the end of the best trajectory over the same data, if it is better than the nominal one."""
        config = self.config
        nominal = updates.nominal()
        result = improved(updates, nominal, config.regulator_iterations, config.halvings)
        if result.accepted:
            self.parameters, self.optimiser = result.trajectory.parameters, result.trajectory.optimiser
        return {
            "planned_cost": nominal.cost,
            "cost_lowered": nominal.cost - result.trajectory.cost,
            "regulator_steps": float(result.accepted),
            "step_fraction": result.fraction,
            "weight_deviation": float((result.trajectory.actions - 1 / config.tasks).square().mean().sqrt()),
        }

"""A few outer updates by Adam on given data, as a system whose actions are the tasks' weights."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from algorithms.meta_learning.adam_meta_learner import AdamMetaLearner
from algorithms.meta_learning.gradient_meta_learner import InnerOuterBatches
from algorithms.optimisation.adam import Adam
from algorithms.optimisation.task_chunks import joined
from algorithms.optimisation.trajectory_optimisation import Control, Stage, Trajectory
from algorithms.policies.parameters import Parameters, flat, stacked, task_vectors, unflat


@dataclass(frozen=True)
class Updates(Trajectory):
    """States are the parameters with Adam's two moments, [time, 3, parameter]; actions the weights [time, task]."""

    slopes: Sequence[torch.Tensor]  # grad J_i before each update, [task, parameter]
    parameters: Parameters  # after the last
    optimiser: Adam


class WeightedUpdates:
    """x_{t+1} = x_t + Adam(sum_i u_{t,i} grad J_i(x_t)) at the cost -sum_i J_i(x_t) + beta / 2 |u_t - 1/M|^2.

    J_i are MAML's objectives of the tasks of `data[t]`, evaluated at any parameters on the same data.
    """

    def __init__(
        self,
        learner: AdamMetaLearner,
        parameters: Parameters,
        optimiser: Adam,
        data: Sequence[InnerOuterBatches],
        precision: float,
        probes: int,
        iteration: int,
    ) -> None:
        """parameters, optimiser: before the first update; neither is changed.  precision: beta.

        probes: random signs for each diagonal, drawn for a meta-iteration from the learner's streams.
        """
        self._learner, self._data, self._precision = learner, data, precision
        self._parameters, self._optimiser = parameters, optimiser
        self._probes, self._iteration, self._tasks = probes, iteration, data[0][0].tasks

    def nominal(self) -> Updates:
        """That of equal weights."""
        return self.rollout(lambda time, state: torch.full((self._tasks,), 1 / self._tasks, dtype=torch.float64))

    def rollout(self, control: Control) -> Updates:
        parameters, optimiser = self._parameters, copy.deepcopy(self._optimiser)
        states, actions, every, cost = [], [], [], 0.0
        for time, batches in enumerate(self._data):
            states.append(self._state(parameters, optimiser))
            actions.append(control(time, states[-1]))
            values, slopes = task_derivatives(self._learner, parameters, batches)
            every.append(slopes)
            missed = actions[-1] - 1 / self._tasks
            cost += float(-values.double().sum() + self._precision / 2 * missed.square().sum())
            gradient = actions[-1].to(slopes.dtype) @ slopes
            parameters = optimiser.ascend(parameters, unflat(gradient, parameters))
        return Updates(torch.stack(states), torch.stack(actions), cost, every, parameters, optimiser)

    def stages(self, trajectory: Updates) -> list[Stage]:
        return [self._stage(time, trajectory) for time in range(len(self._data))]

    def _stage(self, time: int, trajectory: Updates) -> Stage:
        """Adam's step is differentiated exactly; of grad J_i's derivative the diagonal -h_i is taken."""
        state, action, slopes = trajectory.states[time], trajectory.actions[time], trajectory.slopes[time].double()
        generator = self._learner.streams.torch("curvature probes", self._iteration, time)
        parameters = unflat(state[0], self._parameters)
        diagonals = gauss_newton_diagonals(self._learner, parameters, self._data[time], self._probes, generator)
        diagonals = diagonals.double()
        by_state, by_gradient = adam_derivatives(self._optimiser, time, state.double(), action @ slopes)
        by_state[:, 0] -= by_gradient * (action @ diagonals)
        slope, curvature = torch.zeros_like(by_gradient), torch.zeros_like(by_state)
        slope[0], curvature[0, 0] = -slopes.sum(0), diagonals.sum(0)
        prior = self._precision * torch.eye(self._tasks, dtype=torch.float64)
        missed = action - 1 / self._tasks
        return Stage(by_state, by_gradient[:, :, None] * slopes.T, slope, curvature, prior @ missed, prior)

    def _state(self, parameters: Parameters, optimiser: Adam) -> torch.Tensor:
        kept = optimiser.state_dict()
        return torch.stack([flat(each) for each in (parameters, kept["mean"], kept["square"])])


def adam_derivatives(
    optimiser: Adam, earlier: int, state: torch.Tensor, gradient: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Derivatives of Adam's next (value, mean, square), by these [3, 3, parameter] and by the gradient [3, parameter].

    earlier: steps taken between the optimiser's own state and `state` [3, parameter].
    """
    first, second = optimiser.DECAY
    steps = optimiser.state_dict()["steps"] + earlier + 1
    mean = first * state[1] + (1 - first) * gradient
    root = (second * state[2] + (1 - second) * gradient.square()).sqrt()
    correction = (1 - second**steps) ** 0.5
    scale = root / correction + optimiser.EPSILON
    by_mean = optimiser.step_size / (1 - first**steps) / scale
    # where all gradients were 0 the root has no derivative, and the mean is 0
    by_square = torch.where(root > 0, -by_mean * mean / scale / (2 * correction * root), 0.0)
    by_state = torch.zeros(3, *state.shape, dtype=state.dtype)
    by_state[0, 0] = 1
    by_state[0, 1], by_state[1, 1] = first * by_mean, first
    by_state[0, 2], by_state[2, 2] = second * by_square, second
    to_mean, to_square = torch.full_like(gradient, 1 - first), 2 * (1 - second) * gradient
    return by_state, torch.stack([by_mean * to_mean + by_square * to_square, to_mean, to_square])


def task_derivatives(
    learner: AdamMetaLearner, parameters: Parameters, batches: InnerOuterBatches
) -> tuple[torch.Tensor, torch.Tensor]:
    """J_i [task], and grad J_i through the inner updates [task, parameter], each task's at the same parameters."""

    def part(few: InnerOuterBatches) -> Parameters:
        leaves = {
            name: value.detach().clone().requires_grad_() for name, value in stacked(parameters, few[0].tasks).items()
        }
        final = learner.adapted(leaves, few[:-1], differentiable=True)
        values = learner.outer_objective(learner.distribution(final, few[-1]), few[-1])
        slopes = torch.autograd.grad(values.sum(), list(leaves.values()))
        return {"values": values.detach(), "slopes": task_vectors(dict(zip(leaves, slopes, strict=True)))}

    found = joined(learner.each_chunk(part, batches))
    return found["values"], found["slopes"]


def gauss_newton_diagonals(
    learner: AdamMetaLearner,
    parameters: Parameters,
    batches: InnerOuterBatches,
    probes: int,
    generator: torch.Generator,
) -> torch.Tensor:
    """diag of mean_n(|A_n| g_n g_n^T), g_n = grad log pi(a_n|s_n) of the adapted policies, [task, parameter].

    On the batch after adaptation.  Estimated without any sample's own gradient, since for random signs e_n
    E (sum_n e_n w_n g_n)^2 = sum_n (w_n g_n)^2.
    """
    mask = batches[-1].trajectories.mask
    signs = torch.randint(0, 2, (len(mask), probes, *mask.shape[1:]), generator=generator) * 2 - 1
    last = batches[-1].with_extra(signs=signs)

    def part(few: InnerOuterBatches) -> Parameters:
        final = learner.adapted(stacked(parameters, few[0].tasks), few[:-1], differentiable=False)
        leaves = {name: value.detach().clone().requires_grad_() for name, value in final.items()}
        valid = few[-1].trajectories.mask
        weights = (few[-1].advantages.abs() * valid / valid.sum((1, 2))[:, None, None]).sqrt()
        chances = learner.distribution(leaves, few[-1]).log_prob(few[-1].trajectories.actions) * weights
        squares = []
        for sign in few[-1].extra("signs").unbind(1):
            sums = torch.autograd.grad((chances * sign).sum(), list(leaves.values()), retain_graph=True)
            squares.append(task_vectors(dict(zip(leaves, sums, strict=True))).square())
        return {"diagonals": torch.stack(squares).mean(0)}

    return joined(learner.each_chunk(part, [*batches[:-1], last]))["diagonals"]

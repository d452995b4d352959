"""Iterative linear-quadratic regulation: actions that lower a trajectory's cost, by improving a given trajectory.

Li & Todorov 2004; with feedback gains and a line search as in Tassa, Erez & Todorov 2012.
The state is a few numbers for each of very many coordinates (for a network's parameters under Adam: value, mean and
square).  Dynamics and costs treat coordinates apart, so their matrices are a small block for each; only the actions,
few, tie coordinates together.  The value function's Hessian is then blocks less a matrix of low rank, kept as such.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import torch


@dataclass(frozen=True)
class Trajectory:
    """States [time, block, coordinate] before each action, actions [time, action], and the whole cost."""

    states: torch.Tensor
    actions: torch.Tensor
    cost: float


@dataclass(frozen=True)
class Stage:
    """One time's dynamics and cost about a trajectory, float64: deviations x, u become A x + B u at the cost

    p x + x Q x / 2 + q u + u R u / 2.
    """

    state_dynamics: torch.Tensor  # A [block, block, coordinate]
    action_dynamics: torch.Tensor  # B [block, coordinate, action]
    state_slope: torch.Tensor  # p [block, coordinate]
    state_curvature: torch.Tensor  # Q [block, block, coordinate], positive semi-definite
    action_slope: torch.Tensor  # q [action]
    action_curvature: torch.Tensor  # R [action, action], positive definite


@dataclass(frozen=True)
class Gain:
    """The best deviation of an action: step + feedback x."""

    step: torch.Tensor  # [action]
    feedback: torch.Tensor  # [action, block, coordinate]


#: the action [action] at a time and a state [block, coordinate]
Control = Callable[[int, torch.Tensor], torch.Tensor]


T = TypeVar("T", bound=Trajectory)


class System(Protocol[T]):
    def rollout(self, control: Control) -> T:
        """What comes of it, from the same first state whatever the control."""

    def stages(self, trajectory: T) -> Sequence[Stage]:
        """Linear dynamics and quadratic costs about a trajectory that `rollout` made, one for each action."""


@dataclass(frozen=True)
class Improved(Generic[T]):
    trajectory: T
    accepted: int  # iterations that lowered the cost
    fraction: float  # of the last accepted step, 0 for none


def improved(system: System[T], trajectory: T, iterations: int, halvings: int) -> Improved[T]:
    """The trajectory after so many iterations of iLQR; its cost never rises.

    An iteration tries the whole step, then halves it at most `halvings` times until the true cost is lower; where
    none is (a cost that is not finite is none), it ends with what there is.
    """
    accepted, fraction = 0, 0.0
    for _ in range(iterations):
        gains = backward(system.stages(trajectory))
        found = None if gains is None else line_search(system, trajectory, gains, halvings)
        if found is None:
            break
        trajectory, fraction = found
        accepted += 1
    return Improved(trajectory, accepted, fraction)


def line_search(system: System[T], trajectory: T, gains: Sequence[Gain], halvings: int) -> tuple[T, float] | None:
    """The first trajectory of a lower cost, and the share of the step; None if no share serves."""
    if not any(gain.step.any() for gain in gains):
        return None
    for halving in range(halvings + 1):
        share = 0.5**halving

        def control(time: int, state: torch.Tensor, share: float = share) -> torch.Tensor:
            gain, moved = gains[time], (state - trajectory.states[time]).double()
            change = share * gain.step + torch.einsum("akd,kd->a", gain.feedback, moved)
            return trajectory.actions[time] + change.to(trajectory.actions.dtype)

        tried = system.rollout(control)
        if tried.cost < trajectory.cost:  # false for nan
            return tried, share
    return None


def backward(stages: Sequence[Stage]) -> list[Gain] | None:
    """Riccati's recursion from the last stage, after which nothing costs, to the first.

    None where rounding leaves no positive definite matrix of the actions, or numbers are not finite.
    """
    gains: list[Gain] = []
    first = stages[-1]
    slope, blocks = torch.zeros_like(first.state_slope), torch.zeros_like(first.state_curvature)
    low = blocks.new_zeros(*slope.shape, 0)  # the value's Hessian is blocks - low low^T
    for stage in reversed(stages):
        a, b = stage.state_dynamics, stage.action_dynamics
        image = torch.einsum("ijd,jdm->idm", blocks, b) - torch.einsum(
            "idr,rm->idm", low, torch.einsum("idr,idm->rm", low, b)
        )
        state_slope = stage.state_slope + torch.einsum("ijd,id->jd", a, slope)
        action_slope = stage.action_slope + torch.einsum("idm,id->m", b, slope)
        mixed = torch.einsum("ijd,idm->jdm", a, image)
        factor, failed = torch.linalg.cholesky_ex(stage.action_curvature + torch.einsum("idm,idn->mn", b, image))
        if failed or not factor.isfinite().all():
            return None
        whitened = torch.linalg.solve_triangular(factor, mixed.flatten(0, 1).T, upper=False)
        step = -torch.cholesky_solve(action_slope[:, None], factor)[:, 0]
        feedback = -torch.linalg.solve_triangular(factor.T, whitened, upper=True)
        gains.append(Gain(step, feedback.reshape(-1, *state_slope.shape)))
        slope = state_slope + torch.einsum("idm,m->id", mixed, step)
        blocks = stage.state_curvature + torch.einsum("ijd,ikd,kld->jld", a, blocks, a)
        carried = torch.einsum("ijd,idr->jdr", a, low)
        low = torch.cat([carried, whitened.T.reshape(*mixed.shape)], dim=-1)
    return gains[::-1]

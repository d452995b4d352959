"""iLQR against the optimum that is found by other means, and its line search."""

import pytest
import torch

from algorithms.optimisation.trajectory_optimisation import Stage, Trajectory, backward, improved
from environments.streams import Streams

BLOCKS, COORDINATES, ACTIONS, TIMES = 2, 3, 2, 4


def drawn(*shape, seed=0, scale=1.0):
    return scale * torch.from_numpy(Streams(seed).numpy("numbers").normal(size=shape))


class System:
    """A deterministic system by its step and its cost, expanded by autograd; only actions tie coordinates together."""

    def __init__(self, start, step, cost, times=TIMES, actions=ACTIONS):
        self.start, self.step, self.cost, self.times, self.actions = start, step, cost, times, actions
        self.costs = []

    def total(self, actions):
        state, total = self.start, 0.0
        for time in range(self.times):
            total = total + self.cost(time, state, actions[time])
            state = self.step(time, state, actions[time])
        return total

    def rollout(self, control):
        states, actions, state = [], [], self.start
        for time in range(self.times):
            states.append(state)
            actions.append(control(time, state))
            state = self.step(time, state, actions[-1])
        cost = float(self.total(torch.stack(actions)))
        self.costs.append(cost)
        return Trajectory(torch.stack(states), torch.stack(actions), cost)

    def nominal(self):
        return self.rollout(lambda time, state: torch.full((self.actions,), 0.5, dtype=torch.float64))

    def stages(self, trajectory):
        return [
            self.stage(time, *point)
            for time, point in enumerate(zip(trajectory.states, trajectory.actions, strict=True))
        ]

    def stage(self, time, state, action):
        jacobian, hessian = torch.autograd.functional.jacobian, torch.autograd.functional.hessian
        of_state, of_action = jacobian(lambda x, u: self.step(time, x, u), (state, action))
        slope, action_slope = jacobian(lambda x, u: self.cost(time, x, u), (state, action))
        (curvature, _), (_, action_curvature) = hessian(lambda x, u: self.cost(time, x, u), (state, action))
        return Stage(
            torch.diagonal(of_state, dim1=1, dim2=3),
            of_action,
            slope,
            torch.diagonal(curvature, dim1=1, dim2=3),
            action_slope,
            action_curvature,
        )


def linear_quadratic(times=TIMES):
    a, b = drawn(times, BLOCKS, BLOCKS, COORDINATES, seed=1), drawn(times, BLOCKS, COORDINATES, ACTIONS, seed=2)
    root, aim = drawn(times, BLOCKS, BLOCKS, COORDINATES, seed=3), drawn(times, BLOCKS, COORDINATES, seed=4)

    def step(time, state, action):
        return torch.einsum("ijd,jd->id", a[time], state) + b[time] @ action

    def cost(time, state, action):
        missed = torch.einsum("ijd,jd->id", root[time], state - aim[time])
        return missed.square().sum() / 2 + 0.7 * (action - 0.2).square().sum()

    return System(drawn(BLOCKS, COORDINATES, seed=5), step, cost, times)


def bilinear():
    """Weighted gradient steps on tasks' quadratics: x + rate sum_i u_i (b_i - h_i x); the tasks at hand change."""
    centre, sharp = drawn(TIMES, ACTIONS, COORDINATES, seed=6), 0.5 + drawn(TIMES, ACTIONS, COORDINATES, seed=7).abs()

    def step(time, state, action):
        return state + 0.4 * (action[:, None] * sharp[time] * (centre[time] - state)).sum(0, keepdim=True)

    def cost(time, state, action):
        loss = (sharp[time] * (centre[time] - state).square()).sum() / 2
        return loss + 5.0 * (action - 1 / ACTIONS).square().sum()

    return System(drawn(1, COORDINATES, seed=8), step, cost)


def best(system, steps=30):
    """The actions of least cost, by Newton's method on all of them at once."""
    actions = torch.full((system.times, system.actions), 0.5, dtype=torch.float64)
    for _ in range(steps):
        slope = torch.autograd.functional.jacobian(system.total, actions).flatten()
        curvature = torch.autograd.functional.hessian(system.total, actions).reshape(len(slope), -1)
        actions = actions - torch.linalg.solve(curvature, slope).reshape(actions.shape)
    assert torch.linalg.eigvalsh(curvature)[0] > 0
    assert slope.abs().max() < 1e-9
    return actions


@pytest.mark.parametrize("times", [1, 2, 4])
def test_a_linear_quadratic_problem_is_solved_in_one_iteration(times):
    system = linear_quadratic(times)
    result = improved(system, system.nominal(), iterations=1, halvings=0)
    torch.testing.assert_close(result.trajectory.actions, best(system), rtol=1e-9, atol=1e-9)
    assert (result.accepted, result.fraction) == (1, 1.0)


def test_feedback_is_the_best_action_from_any_state():
    system = linear_quadratic()
    nominal = system.nominal()
    gains = backward(system.stages(nominal))
    state = nominal.states[1] + drawn(BLOCKS, COORDINATES, seed=9)
    moved = torch.einsum("akd,kd->a", gains[1].feedback, state - nominal.states[1])
    rest = System(state, lambda t, x, u: system.step(t + 1, x, u), lambda t, x, u: system.cost(t + 1, x, u), TIMES - 1)
    torch.testing.assert_close(nominal.actions[1] + gains[1].step + moved, best(rest)[0], rtol=1e-9, atol=1e-9)


def test_weighted_steps_on_quadratics_converge_to_the_best_weights():
    system = bilinear()
    result = improved(system, system.nominal(), iterations=60, halvings=20)
    torch.testing.assert_close(result.trajectory.actions, best(system), rtol=1e-6, atol=1e-6)
    assert result.accepted > 1


def test_the_line_search_goes_on_after_its_first_try_and_never_raises_the_cost():
    """A step whose linear model overshoots far: x + exp(3 u), asked to be at 5."""

    def step(time, state, action):
        return state + torch.exp(3 * action).expand_as(state)

    def cost(time, state, action):
        return (state - 5).square().sum() / 2 + 1e-3 * action.square().sum()

    system = System(torch.zeros(1, 1, dtype=torch.float64), step, cost, times=2, actions=1)
    nominal = system.rollout(lambda time, state: torch.full((1,), -0.5, dtype=torch.float64))
    assert improved(system, nominal, iterations=1, halvings=0).trajectory is nominal
    assert system.costs[-1] > nominal.cost  # what the whole step would have cost
    result = improved(system, nominal, iterations=1, halvings=10)
    assert 0 < result.fraction < 1
    costs = [improved(system, nominal, iterations, 10).trajectory.cost for iterations in range(8)]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < 0.6 * costs[0]


def test_a_cost_that_is_not_finite_is_never_taken():
    system = linear_quadratic()
    nominal = system.nominal()
    cost = system.cost
    system.cost = lambda time, state, action: cost(time, state, action) + (torch.nan if action[0] != 0.5 else 0.0)
    stages = linear_quadratic().stages(nominal)
    system.stages = lambda trajectory: stages
    result = improved(system, nominal, iterations=3, halvings=5)
    assert result.trajectory is nominal
    assert (result.accepted, result.fraction) == (0, 0.0)

"""BO-MRL's one-time adaptation and the gradient through it, against autograd, formulas and finite differences."""

import pytest
import torch
from tabular_problem import learner_on

from environments.catalogue import make_suite
from algorithms.networks import stacked
from algorithms.policy_distances import Centre

kinds = pytest.mark.parametrize("kind", [1, 2, 3])


def in_double(batch):
    from dataclasses import fields, replace

    def up(v):
        return v.double() if isinstance(v, torch.Tensor) and v.dtype == torch.float32 else v

    out = {}
    for f in fields(batch):
        v = getattr(batch, f.name)
        out[f.name] = {k: up(x) for k, x in v.items()} if isinstance(v, dict) else up(v)
    return replace(batch, **out)


@kinds
@pytest.mark.parametrize("first_order", [False, True])
def test_the_written_out_gradient_is_autograds(kind, first_order):
    suite = make_suite("hopper-velocity[horizon=20]")
    l, c = learner_on(suite, f"bo-mrl-{kind}", tasks=2, trajectories=3, hidden=(5, 4), first_order=first_order)
    s = l.sample(c)
    step = l.step_data(in_double(s.before.batch))
    lower = l.lower.adaptation
    start = {k: v.double() + 0.1 * torch.randn(2, *v.shape, dtype=torch.float64) for k, v in l.parameters.items()}
    other = {k: v.double() + 0.1 * torch.randn(2, *v.shape, dtype=torch.float64) for k, v in l.parameters.items()}
    centre = Centre.of(l.network, start, step.batch)
    slope = lower.slope(start, step) if first_order else None
    g = lower.ascent(centre, step, slope)(other)
    leaves = {k: v.clone().requires_grad_() for k, v in other.items()}
    t = torch.autograd.grad(lower.objective(leaves, centre, step, slope).sum(), list(leaves.values()))
    for (k, v), w in zip(g.items(), t):
        torch.testing.assert_close(v, w, rtol=1e-9, atol=1e-11)

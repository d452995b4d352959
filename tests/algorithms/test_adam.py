"""Adam against torch's own."""

import pytest
import torch

from algorithms.optimisation.adam import Adam
from environments.streams import Streams

SHAPES = {"weight": (5, 4), "bias": (4,), "log_std": (2,)}


def drawn(purpose, *index, dtype=torch.float32):
    draw = Streams(0).torch(purpose, *index)
    return {name: torch.randn(shape, generator=draw, dtype=dtype) for name, shape in SHAPES.items()}


def slopes(step, dtype=torch.float32):
    """Gradients of sizes from 1e-6 to 100, and once none at all."""
    scale = 0.0 if step == 7 else 10.0 ** (step % 9 - 6)
    return {name: scale * value for name, value in drawn("gradient", step, dtype=dtype).items()}


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-7), (torch.float64, 1e-15)])
def test_every_step_is_that_of_torchs_adam(dtype, tolerance):
    ours = drawn("start", dtype=dtype)
    adam = Adam(ours, 3e-3)
    theirs = {name: value.clone().requires_grad_() for name, value in ours.items()}
    reference = torch.optim.Adam(list(theirs.values()), lr=3e-3, maximize=True)
    for step in range(40):
        gradient = slopes(step, dtype)
        ours = adam.ascend(ours, gradient)
        for name, value in theirs.items():
            value.grad = gradient[name].clone()
        reference.step()
        for name, value in ours.items():
            assert value.dtype == dtype
            torch.testing.assert_close(value, theirs[name].detach(), rtol=tolerance, atol=tolerance)


def test_a_step_leaves_its_arguments_as_they_are():
    start, gradient = drawn("start"), slopes(3)
    kept = {name: value.clone() for name, value in start.items()}
    moved = Adam(start, 1e-2).ascend(start, gradient)
    for name, value in kept.items():
        assert torch.equal(start[name], value)
        assert torch.equal(gradient[name], slopes(3)[name])
        assert not torch.equal(moved[name], value)


def test_a_loaded_optimizer_goes_on_bit_for_bit_from_the_state_as_it_was_saved():
    point = drawn("start")
    adam = Adam(point, 1e-2)
    for step in range(5):
        point = adam.ascend(point, slopes(step))
    state = adam.state_dict()
    ahead = [point]
    for step in range(5, 9):
        ahead.append(adam.ascend(ahead[-1], slopes(step)))
    loaded = Adam(drawn("start"), 1e-2)
    loaded.load_state_dict(state)
    for step in range(5, 9):
        point = loaded.ascend(point, slopes(step))
        for name, value in point.items():
            assert torch.equal(value, ahead[step - 4][name])

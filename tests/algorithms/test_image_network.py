"""The network that sees pictures: against torch's own layers task by task, its soft-argmax, its derivatives."""

import gymnasium
import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d, pad

from algorithms.catalogue import find_algorithm
from algorithms.policies.convolution import soft_argmax
from algorithms.policies.distributions import Gaussian
from algorithms.policies.networks import ImageNetwork, make_network
from algorithms.policies.parameters import stacked
from benchmarks.planning.definition import find_definition
from benchmarks.planning.profiles import profiles
from environments.image_space import ImageBox

IMAGE = (48, 64, 3)
SPACE = ImageBox(IMAGE, 3)
ACTIONS = gymnasium.spaces.Box(-1, 1, (3,), np.float32)


def seen(*lead, image=IMAGE, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*lead, int(np.prod(image)) + 3, generator=generator, dtype=torch.float64)


def drawn(network, tasks, seed=1):
    """Parameters of each task, none of them 0."""
    generator = torch.Generator().manual_seed(seed)
    one = stacked(network.initial(generator, torch.float64), tasks)
    return {name: value + 0.1 * torch.randn(value.shape, generator=generator).double() for name, value in one.items()}


def by_torch(parameters, observation):
    """The mean for one observation under one task's parameters, by Appendix C of GMPS, written down again."""
    maps = observation[: 48 * 64 * 3].reshape(48, 64, 3).permute(2, 0, 1)[None]
    # zeros at the edges leave 16 x 22, 6 x 8 and 6 x 8 numbers
    for layer, (edges, stride) in enumerate((((2, 2, 1, 1), 3), ((1, 1, 1, 1), 3), ((1, 1, 1, 1), 1))):
        maps = conv2d(pad(maps, edges), parameters[f"filter{layer}"], parameters[f"offset{layer}"], stride).relu()
    assert maps.shape == (1, 16, 6, 8)
    points = []
    for shares in torch.softmax(maps[0].flatten(1), 1).reshape(16, 6, 8):
        points += [sum(shares[:, k].sum() * (2 * k / 7 - 1) for k in range(8))]
        points += [sum(shares[k].sum() * (2 * k / 5 - 1) for k in range(6))]
    hidden = torch.cat([torch.stack(points), observation[48 * 64 * 3 :]])
    for layer in range(3):
        hidden = hidden @ parameters[f"weight{layer}"] + parameters[f"bias{layer}"]
        hidden = hidden.relu() if layer < 2 else hidden
    return hidden


def test_pictures_get_the_network_of_the_papers_appendix():
    network = make_network(SPACE, ACTIONS, (100, 100))
    assert isinstance(network, ImageNetwork)
    shapes = {name: tuple(value.shape) for name, value in network.initial(torch.Generator().manual_seed(0)).items()}
    assert shapes == {
        "filter0": (16, 3, 5, 5), "filter1": (16, 16, 3, 3), "filter2": (16, 16, 3, 3),
        "offset0": (16,), "offset1": (16,), "offset2": (16,),
        "weight0": (35, 100), "weight1": (100, 100), "weight2": (100, 3),
        "bias0": (100,), "bias1": (100,), "bias2": (3,), "log_std": (3,),
    }  # fmt: skip


def test_each_task_has_its_own_network_and_each_observation_is_seen_alone():
    network = make_network(SPACE, ACTIONS, (100, 100))
    parameters, observations = drawn(network, 3), seen(3, 2, 4)
    distribution = network.distribution(parameters, observations)
    assert isinstance(distribution, Gaussian) and distribution.mean.shape == (3, 2, 4, 3)
    for task in range(3):
        own = {name: value[task] for name, value in parameters.items()}
        for trajectory, step in ((0, 0), (1, 3)):
            expected = by_torch(own, observations[task, trajectory, step])
            torch.testing.assert_close(distribution.mean[task, trajectory, step], expected, rtol=0, atol=1e-12)


def test_a_soft_argmax_is_the_place_of_a_sharp_maximum_and_the_middle_of_a_flat_map():
    maps = torch.zeros(3, 6, 8)
    maps[0, 0, 7], maps[1, 5, 0] = 1e3, 1e3
    torch.testing.assert_close(soft_argmax(maps), torch.tensor([1.0, -1.0, -1.0, 1.0, 0.0, 0.0]))


def test_a_context_is_one_more_input_and_none_is_a_context_of_zero():
    network = ImageNetwork(SPACE, ACTIONS, (10,), context_size=2)
    parameters, observations = drawn(network, 2), seen(2, 3)
    without = network.distribution(parameters, observations).mean
    zero = network.distribution({**parameters, "context": torch.zeros(2, 2).double()}, observations).mean
    torch.testing.assert_close(zero, without)
    context = torch.tensor([[1.0, 0.0], [0.0, -2.0]], dtype=torch.float64)
    moved = network.distribution({**parameters, "context": context}, observations).mean
    shift = (context.unsqueeze(1) @ parameters["weight0"][:, network.inputs :]).squeeze(1)
    as_bias = network.distribution({**parameters, "bias0": parameters["bias0"] + shift}, observations).mean
    torch.testing.assert_close(moved, as_bias)
    assert (moved - without).abs().max() > 1e-3


def test_second_derivatives_through_an_inner_step_are_those_of_finite_differences():
    image = (10, 11, 3)
    network = make_network(ImageBox(image, 3), ACTIONS, (6,))
    parameters, observations = drawn(network, 2), seen(2, 3, image=image)
    actions = torch.randn(2, 3, 3, generator=torch.Generator().manual_seed(2)).double()
    name = "filter1"

    def adapted_loss(filters: torch.Tensor) -> torch.Tensor:
        inner = {**parameters, name: filters}
        loss = -network.distribution(inner, observations).log_prob(actions).sum()
        (gradient,) = torch.autograd.grad(loss, filters, create_graph=True)
        outer = {**parameters, name: filters - 0.05 * gradient}
        return network.distribution(outer, observations.flip(1)).log_prob(actions).sum()

    start = parameters[name].clone().requires_grad_()
    (exact,) = torch.autograd.grad(adapted_loss(start), start)
    direction = torch.randn(start.shape, generator=torch.Generator().manual_seed(3)).double()
    step = 1e-5
    ends = [adapted_loss((start + sign * step * direction).detach().requires_grad_()) for sign in (1, -1)]
    slope = (ends[0] - ends[1]) / (2 * step)
    torch.testing.assert_close((exact * direction).sum(), slope.detach(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("profile", ["smoke", "quick", "standard", "paper"])
def test_methods_of_gmps_benchmark_see_pictures_with_it(profile):
    """With a bias transform a network is fully connected, for pictures as well."""
    without = []
    for name in find_definition("gmps").algorithms:
        algorithm = find_algorithm(name).load()
        settings, _ = profiles()[profile].settings("gmps", "sawyer-push-vision", name)
        if hasattr(algorithm.Config, "bias_dim"):
            without += [name] if settings.config.get("bias_dim", algorithm.Config.bias_dim) else []
    assert without == ["maml-trpo-bias"]

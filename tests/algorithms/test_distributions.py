"""Action distributions against torch's own, autograd and frequencies."""

import pytest
import torch

from algorithms.policies.distributions import Categorical, Gaussian
from algorithms.policies.networks import MINIMUM_LOG_STD, MLP, NetworkPolicy, TabularSoftmax, make_network
from algorithms.policies.parameters import stacked
from environments.catalogue import make_suite
from environments.streams import Streams

LEAD, SIZE = (3, 4, 5), 2


def drawn(purpose, *shape):
    return torch.randn(*shape, generator=Streams(0).torch(purpose), dtype=torch.float64)


def gaussian(purpose, shared_std=False):
    """shared_std: one log-std per task, as the policy network gives it."""
    lead = (LEAD[0], 1, 1) if shared_std else LEAD
    return Gaussian(drawn(purpose, *LEAD, SIZE), 0.5 * drawn(purpose + " std", *lead, SIZE))


def categorical(purpose, choices=4):
    return Categorical(2 * drawn(purpose, *LEAD, choices) + 5)  # not normalised


def reference(ours):
    if isinstance(ours, Categorical):
        return torch.distributions.Categorical(logits=ours.log_probabilities)
    return torch.distributions.Independent(torch.distributions.Normal(ours.mean, ours.log_std.exp()), 1)


PAIRS = {
    "gaussian": (gaussian("old"), gaussian("new")),
    "gaussian with one std per task": (gaussian("old", True), gaussian("new", True)),
    "categorical": (categorical("old"), categorical("new")),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_density_entropy_and_divergence_are_torchs(pair):
    old, new = pair
    action = old.sample(Streams(0).torch("action"))
    for ours, theirs in [
        (new.log_prob(action), reference(new).log_prob(action)),
        (old.entropy(), reference(old).entropy()),
        (old.kl(new), torch.distributions.kl_divergence(reference(old), reference(new))),
    ]:
        assert ours.shape == LEAD
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_distribution_diverges_from_others_and_not_from_itself(pair):
    old, new = pair
    torch.testing.assert_close(old.kl(old), torch.zeros(LEAD, dtype=torch.float64), rtol=0, atol=1e-15)
    assert (old.kl(new) > 0).all()


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_the_parameters_restore_the_distribution(pair):
    old, new = pair
    restored = type(old).from_parameters(old.parameters)
    action = new.sample(Streams(0).torch("action"))
    torch.testing.assert_close(restored.log_prob(action), old.log_prob(action), rtol=0, atol=1e-14)
    assert set(restored.parameters) == set(old.parameters)


@pytest.mark.parametrize("pair", [PAIRS["gaussian"], PAIRS["categorical"]], ids=["gaussian", "categorical"])
def test_the_fisher_product_is_the_divergences_hessian(pair):
    """The Hessian of KL(old || new) in new's parameters at old, times a tangent."""
    old, _ = pair
    leaves = {name: value.clone().requires_grad_() for name, value in old.parameters.items()}
    divergence = old.kl(type(old).from_parameters(leaves)).sum()
    slopes = torch.autograd.grad(divergence, list(leaves.values()), create_graph=True)
    tangent = {name: drawn("tangent " + name, *value.shape) for name, value in leaves.items()}
    exact = torch.autograd.grad(slopes, list(leaves.values()), list(tangent.values()))
    for ours, theirs in zip(old.fisher_product(tangent).values(), exact, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_categorical_samples_have_their_probabilities():
    logits = torch.tensor([[0.0, 1.0, -1.0, 2.0], [-200.0, 0.0, -200.0, 0.0]], dtype=torch.float64)
    count = 200_000
    samples = Categorical(logits.unsqueeze(1).expand(-1, count, -1)).sample(Streams(0).torch("samples"))
    assert samples.dtype == torch.int64
    assert samples.shape == (2, count)
    frequencies = torch.nn.functional.one_hot(samples, 4).double().mean(1)
    probabilities = torch.softmax(logits, -1)
    deviations = (probabilities * (1 - probabilities) / count).sqrt()
    assert ((frequencies - probabilities).abs() <= 4 * deviations + 1e-12).all()


def test_a_categorical_sample_is_a_valid_choice_whatever_the_rounding():
    logits = torch.full((1, 100_000, 7), -30.0)
    logits[..., 3] = 30.0
    samples = Categorical(logits).sample(Streams(0).torch("samples"))
    assert (samples == 3).all()
    many = Categorical(torch.zeros(1, 10_000, 1000)).sample(Streams(0).torch("samples"))
    assert many.min() >= 0
    assert many.max() == 999


def test_gaussian_samples_have_their_mean_and_deviation():
    mean, log_std = torch.tensor([1.0, -2.0]), torch.tensor([0.5, -1.0])
    count = 200_000
    samples = Gaussian(mean.expand(count, 2), log_std).sample(Streams(0).torch("samples"))
    error = log_std.exp() / count**0.5
    assert ((samples.mean(0) - mean).abs() < 4 * error).all()
    assert ((samples.std(0) - log_std.exp()).abs() < 4 * error).all()
    assert abs(torch.corrcoef(samples.T)[0, 1]) < 4 / count**0.5


@pytest.mark.parametrize("distribution", [gaussian("any"), categorical("any")])
def test_samples_come_from_the_generator_alone(distribution):
    torch.manual_seed(1)
    first = distribution.sample(Streams(0).torch("samples"))
    torch.manual_seed(2)
    assert torch.equal(distribution.sample(Streams(0).torch("samples")), first)
    assert not torch.equal(distribution.sample(Streams(1).torch("samples")), first)


def test_stacked_networks_equal_one_network_per_task():
    suite = make_suite("corners")
    network = make_network(suite.observation_space, suite.action_space, (8, 6))
    each = [network.initial(Streams(seed).torch("network"), torch.float64) for seed in range(3)]
    parameters = {name: torch.stack([one[name] for one in each]) for name in each[0]}
    parameters["bias1"] = drawn("bias", 3, 6)
    observations = drawn("observations", *LEAD, 2)
    mean = network.distribution(parameters, observations).mean
    for task in range(3):
        hidden = observations[task]
        for layer in range(3):
            hidden = hidden @ parameters[f"weight{layer}"][task] + parameters[f"bias{layer}"][task]
            hidden = torch.tanh(hidden) if layer < 2 else hidden
        torch.testing.assert_close(mean[task], hidden, rtol=1e-12, atol=1e-12)


def test_a_policys_standard_deviation_is_bounded_from_below():
    suite = make_suite("corners")
    network = make_network(suite.observation_space, suite.action_space, (4,), initial_std=0.3)
    parameters = network.initial(Streams(0).torch("network"))
    torch.testing.assert_close(parameters["log_std"].exp(), torch.full((2,), 0.3))
    parameters["log_std"] = torch.tensor([-50.0, -1.0])
    log_std = network.distribution(stacked(parameters, 3), torch.zeros(*LEAD, 2)).log_std
    assert log_std.shape == (3, 1, 1, 2)
    assert torch.equal(log_std[0, 0, 0], torch.tensor([MINIMUM_LOG_STD, -1.0]))


def test_a_tabular_policy_looks_its_states_logits_up():
    network = TabularSoftmax(5, 3)
    assert not network.initial(Streams(0).torch("network"))["logits"].any()  # the uniform policy
    logits = drawn("logits", LEAD[0], 5, 3)
    states = torch.randint(5, LEAD, generator=Streams(0).torch("states"))
    policy = network.distribution({"logits": logits}, states)
    for task in range(LEAD[0]):
        torch.testing.assert_close(policy.parameters["logits"][task], torch.log_softmax(logits[task][states[task]], -1))


def test_discrete_actions_on_vectors_get_a_categorical_network():
    box, choices = make_suite("corners").observation_space, make_suite("frozen-lake-low").action_space
    network = make_network(box, choices, (4,))
    assert isinstance(network, MLP)
    parameters = network.initial(Streams(0).torch("network"))
    assert "log_std" not in parameters
    policy = NetworkPolicy(network, stacked(parameters, 3))
    distribution, _ = policy.act(torch.zeros(3, 4, 2), None, None)
    assert distribution.parameters["logits"].shape == (3, 4, 4)
    with pytest.raises(TypeError, match="need discrete actions"):
        make_network(choices, box, (4,))

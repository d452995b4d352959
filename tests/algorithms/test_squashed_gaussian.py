"""A squashed Gaussian: density, entropy and divergence against torch's transformed distributions."""

import pytest
import torch
from torch.distributions import AffineTransform, Normal, TanhTransform, TransformedDistribution

from algorithms.policies.squashed_gaussian import SquashedGaussian


def drawn(seed: int) -> SquashedGaussian:
    generator = torch.Generator().manual_seed(seed)
    mean, log_std = (torch.randn(3, 4, 2, generator=generator, dtype=torch.float64) / 2 for _ in range(2))
    half = torch.tensor([2.0, 0.5], dtype=torch.float64)
    return SquashedGaussian(mean, log_std, torch.tensor([0.5, -1.0], dtype=torch.float64), half)


def torchs(ours: SquashedGaussian) -> TransformedDistribution:
    transforms = [TanhTransform(cache_size=1), AffineTransform(ours.centre, ours.half)]
    return TransformedDistribution(Normal(ours.base.mean, ours.base.log_std.exp()), transforms)


def test_densities_are_those_of_torch() -> None:
    policy = drawn(0)
    actions = policy.sample(torch.Generator().manual_seed(1))
    torch.testing.assert_close(policy.log_prob(actions), torchs(policy).log_prob(actions).sum(-1))
    again = SquashedGaussian.from_parameters(policy.parameters)
    torch.testing.assert_close(again.log_prob(actions), policy.log_prob(actions), rtol=0, atol=0)


def test_entropy_and_divergence_are_means_over_many_draws() -> None:
    policy, other = drawn(0), drawn(2)
    torch.manual_seed(0)
    drawn_actions = torchs(policy).sample(torch.Size([20_000]))
    ours, theirs = policy.log_prob(drawn_actions), other.log_prob(drawn_actions)
    torch.testing.assert_close(policy.entropy(), -ours.mean(0), rtol=0, atol=0.05)
    torch.testing.assert_close(policy.kl(other), (ours - theirs).mean(0), rtol=0.05, atol=0.05)


@pytest.mark.parametrize("bound", [-1.5, 2.5])
def test_an_action_at_its_bound_has_a_finite_density(bound: float) -> None:
    half, centre = torch.tensor([2.0]), torch.tensor([0.5])
    policy = SquashedGaussian(torch.tensor([[9.0]]), torch.tensor([[-10.0]]), centre, half)
    assert torch.isfinite(policy.log_prob(torch.tensor([[bound]]))).all()
    assert torch.isfinite(policy.entropy()).all()

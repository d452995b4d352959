"""The information of a Gaussian mixture against integrals, and cases whose answer is known."""

import math

import numpy as np
import pytest
import torch

from algorithms.augmentation.mutual_information import calibrated_std, mutual_information, normals
from algorithms.augmentation.options import AugmentationConfig

DRAWS = 4096  # of a Sobol sequence, for each component


def sobol(size: int, draws: int = DRAWS) -> torch.Tensor:
    points = torch.quasirandom.SobolEngine(size, scramble=True, seed=0).draw(draws, dtype=torch.float64)
    return torch.special.ndtri(points.clamp(1e-12, 1 - 1e-12))


def integrated(means: np.ndarray, stds: np.ndarray, points: int) -> float:
    """By the midpoint rule on a grid that reaches ten stds beyond the means; [set, 1 or 2]."""
    edges = [(means[:, d].min() - 10 * stds.max(), means[:, d].max() + 10 * stds.max()) for d in range(means.shape[1])]
    axes = [low + (np.arange(points) + 0.5) * (high - low) / points for low, high in edges]
    cell = math.prod((high - low) / points for low, high in edges)
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    logs = np.stack(
        [
            (-0.5 * ((grid - m) / s) ** 2 - np.log(s * math.sqrt(2 * math.pi))).sum(-1)
            for m, s in zip(means, stds, strict=True)
        ]
    )
    mixture = np.logaddexp.reduce(logs, axis=0) - math.log(len(means))
    return float((np.exp(logs) * (logs - mixture)).sum() * cell / len(means))


@pytest.mark.parametrize("spacing", [0.3, 1.0, 2.5])
def test_it_agrees_with_the_integral_in_one_dimension(spacing: float) -> None:
    means, stds = spacing * np.arange(4.0)[:, None], np.array([[1.0], [0.6], [1.3], [0.8]])
    found = mutual_information(torch.from_numpy(means), torch.from_numpy(stds), sobol(1))
    assert float(found) == pytest.approx(integrated(means, stds, 20000), abs=1e-3)


def test_it_agrees_with_the_integral_in_two_dimensions() -> None:
    means = np.array([[0.0, 0.0], [1.0, -0.5], [-0.4, 1.5]])
    stds = np.array([[1.0, 0.7], [0.5, 1.2], [0.9, 0.9]])
    found = mutual_information(torch.from_numpy(means), torch.from_numpy(stds), sobol(2))
    assert float(found) == pytest.approx(integrated(means, stds, 1500), abs=1e-3)


@pytest.mark.parametrize("spacing", [0.3, 1.0, 2.5])
def test_the_draws_of_training_err_by_less_than_a_tenth_of_a_nat_and_on_no_side(spacing: float) -> None:
    """Those are fewer, and held during an iteration, so that the gradient is that of the estimate."""
    means, stds = spacing * np.arange(4.0)[:, None], np.array([[1.0], [0.6], [1.3], [0.8]])
    draws, generator = AugmentationConfig().information_draws, torch.Generator().manual_seed(5)
    found = [
        float(mutual_information(torch.from_numpy(means), torch.from_numpy(stds), normals(draws, 1, generator)))
        for _ in range(400)
    ]
    errors = np.array(found) - integrated(means, stds, 20000)
    assert abs(errors.mean()) < 4 * errors.std() / math.sqrt(len(errors))
    assert math.sqrt((errors**2).mean()) < 0.1


def test_in_many_dimensions_only_those_count_in_which_the_components_differ() -> None:
    size = 500
    means, stds = torch.zeros(3, size, dtype=torch.float64), torch.full((3, size), 0.2, dtype=torch.float64)
    means[:, 7] = torch.tensor([0.0, 0.3, 0.5])
    stds[:, 7] = torch.tensor([0.2, 0.25, 0.15])
    draws = normals(DRAWS, size, torch.Generator().manual_seed(0))
    draws[:, 7] = sobol(1)[:, 0]
    exact = integrated(means[:, 7:8].numpy(), stds[:, 7:8].numpy(), 20000)
    assert float(mutual_information(means, stds, draws)) == pytest.approx(exact, abs=1e-3)


def test_the_information_of_like_components_is_0_and_of_separate_ones_log_n() -> None:
    draws = normals(16, 500, torch.Generator().manual_seed(1))
    means = torch.randn(1, 500, dtype=torch.float64, generator=torch.Generator().manual_seed(2)).repeat(4, 1)
    stds = torch.full_like(means, 0.1)
    assert float(mutual_information(means, stds, draws)) == pytest.approx(0, abs=1e-12)
    apart = means + torch.arange(4.0).unsqueeze(1)
    assert float(mutual_information(apart, stds, draws)) == pytest.approx(math.log(4), abs=1e-12)


def test_it_never_exceeds_log_n_and_is_differentiable_in_means_and_stds() -> None:
    generator = torch.Generator().manual_seed(3)
    for scale in (0.01, 0.3, 3.0):
        means = (scale * torch.randn(4, 6, dtype=torch.float64, generator=generator)).requires_grad_()
        stds = (0.3 + torch.rand(4, 6, dtype=torch.float64, generator=generator)).requires_grad_()
        draws = normals(9, 6, generator)
        assert len(draws) == 9 and torch.equal(draws[:4], -draws[5:])
        assert float(mutual_information(means, stds, draws).detach()) <= math.log(4) + 1e-12
        assert torch.autograd.gradcheck(lambda m, s, z=draws: mutual_information(m, s, z), (means, stds))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_calibrated_std_gives_the_information_asked_for(share: float) -> None:
    generator = torch.Generator().manual_seed(4)
    means = 1e-3 * torch.randn(4, 3000, generator=generator)
    std = calibrated_std(means, share, generator)
    assert std is not None
    draws = normals(2000, 3000, generator)
    found = mutual_information(means.double(), torch.full((4, 3000), std, dtype=torch.float64), draws)
    assert float(found) / math.log(4) == pytest.approx(share, abs=0.03)


def test_means_that_coincide_calibrate_nothing() -> None:
    assert calibrated_std(torch.ones(3, 5), 0.5, torch.Generator().manual_seed(0)) is None

"""Mixed data: the formulas step by step, what stays as it is, and what may not be asked for any more."""

import gymnasium
import numpy as np
import pytest
import torch

from algorithms.augmentation.mixing import mixed, partners, unmixable
from algorithms.estimators.surrogates import log_probability_objective, ratio_objective
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch
from algorithms.policies.distributions import Categorical, Gaussian
from environments.streams import Streams
from environments.trajectories import TrajectoryBatch

TASKS, TRAJECTORIES, TIMES, NUMBERS, ACTIONS = 3, 4, 5, 6, 2
LENGTHS = ((5, 3, 1, 5), (1, 1, 1, 1), (5, 5, 5, 5))
COEFFICIENTS = torch.tensor([0.3, 0.5, 0.8], dtype=torch.float64)


def batch(discrete_actions=False, shape=(NUMBERS,), **changes):
    """Random data whose episodes end as in LENGTHS."""
    draw = Streams(0).numpy("data")
    lead = (TASKS, TRAJECTORIES, TIMES)

    def normal(*more):
        return torch.from_numpy(draw.normal(size=(*lead, *more))).float()

    mask = (torch.arange(TIMES) < torch.tensor(LENGTHS).unsqueeze(-1)).float()
    mean, log_std = normal(ACTIONS), torch.zeros(TASKS, 1, 1, ACTIONS).expand(*lead, ACTIONS)
    actions = torch.from_numpy(draw.integers(0, 3, lead)) if discrete_actions else normal(ACTIONS)
    policy = Categorical(normal(3)) if discrete_actions else Gaussian(mean, log_std)
    fields = {
        "observations": normal(*shape),
        "actions": actions,
        "rewards": normal() * mask,
        "mask": mask,
        "log_probabilities": policy.log_prob(actions),
        "distribution": policy.parameters,
        "success": torch.zeros(TASKS, TRAJECTORIES, dtype=torch.bool),
        "terminated": torch.zeros(TASKS, TRAJECTORIES, dtype=torch.bool),
        "final_observations": normal(*shape)[:, :, 0],
    }
    return AdaptationBatch(TrajectoryBatch(**{**fields, **changes}), normal() * mask)


def drawn_partners(data, seed=0):
    return partners(data.trajectories.mask, Streams(seed).torch("partners"))


def identity(data):
    return torch.arange(TRAJECTORIES * TIMES).reshape(TRAJECTORIES, TIMES).expand(data.advantages.shape)


def test_partners_are_other_valid_steps_of_the_same_task_and_all_of_them_come_up():
    data = batch()
    mask = data.trajectories.mask
    counts = np.zeros((TASKS, TRAJECTORIES * TIMES, TRAJECTORIES * TIMES))
    for seed in range(2000):
        drawn = drawn_partners(data, seed).flatten(1).numpy()
        for task in range(TASKS):
            counts[task, np.arange(drawn.shape[1]), drawn[task]] += 1
    for task in range(TASKS):
        valid = mask[task].flatten().numpy() > 0
        assert np.array_equal(counts[task][~valid], 2000 * np.eye(valid.size)[~valid])  # padding is its own
        among = counts[task][np.ix_(valid, valid)]
        others = among[~np.eye(len(among), dtype=bool)]
        assert among.sum() == 2000 * valid.sum()
        assert not np.diag(among).any()
        assert abs(others / 2000 - 1 / (valid.sum() - 1)).max() < 0.045  # 4.0 deviations at most, 380 + 182 + 12 counts


def test_a_tasks_only_valid_step_is_its_own_partner():
    mask = torch.zeros(2, 2, 3)
    mask[0, 1, 2] = 1
    drawn = partners(mask, Streams(0).torch("partners"))
    assert torch.equal(drawn.flatten(1), torch.arange(6).expand(2, 6))


@pytest.mark.parametrize("discrete", [False, True])
def test_mixed_data_are_the_formulas_step_by_step(discrete):
    data = batch(discrete)
    pairs = drawn_partners(data)
    result = mixed(data, COEFFICIENTS, pairs)
    for task, (weight, lengths) in enumerate(zip(COEFFICIENTS.tolist(), LENGTHS, strict=True)):
        for trajectory, length in enumerate(lengths):
            for time in range(TIMES):
                here, other = (task, trajectory, time), (task, *divmod(int(pairs[task, trajectory, time]), TIMES))
                share = weight if time < length else 1.0
                for ours, theirs in (
                    (result.trajectories.observations, data.trajectories.observations.double()),
                    (result.advantages, data.advantages.double()),
                ):
                    torch.testing.assert_close(ours[here], share * theirs[here] + (1 - share) * theirs[other])
                kept = here if share >= 0.5 else other
                assert torch.equal(result.trajectories.actions[here], data.trajectories.actions[kept])
    assert torch.equal(result.trajectories.rewards, data.trajectories.rewards)
    assert torch.equal(result.trajectories.returns, data.trajectories.returns)


def test_a_coefficient_of_one_or_of_nought_with_oneself_leaves_a_tasks_data_as_they_are():
    data = batch()
    for weights, pairs in ((torch.ones(TASKS), drawn_partners(data)), (torch.zeros(TASKS), identity(data))):
        result = mixed(data, weights, pairs)
        for name in ("observations", "actions", "rewards", "mask"):
            assert torch.equal(getattr(result.trajectories, name), getattr(data.trajectories, name))
        assert torch.equal(result.advantages, data.advantages)
        assert result.advantages.dtype == result.trajectories.observations.dtype == torch.float32


def test_one_task_may_be_mixed_while_the_others_stay():
    data = batch()
    result = mixed(data, torch.tensor([1.0, 0.4, 1.0]), drawn_partners(data))
    same = [torch.equal(result.advantages[task], data.advantages[task]) for task in range(TASKS)]
    assert same == [True, False, True]


def test_the_gradient_in_the_coefficients_agrees_with_finite_differences():
    data = batch()
    pairs = drawn_partners(data)
    weight = torch.from_numpy(Streams(1).numpy("weight").normal(size=(NUMBERS, ACTIONS)))

    def objective(coefficients):
        result = mixed(data, coefficients, pairs)
        policy = Gaussian(torch.tanh(result.trajectories.observations @ weight), torch.zeros(ACTIONS))
        return log_probability_objective(policy, result.trajectories, result.advantages)

    point = torch.tensor([0.3, 0.7, 0.9], dtype=torch.float64)
    assert torch.autograd.gradcheck(objective, point.requires_grad_())
    assert torch.autograd.functional.jacobian(objective, point.detach()).diag().abs().min() > 1e-3


def test_pictures_are_mixed_as_real_numbers():
    draw = Streams(2).numpy("pictures")
    pictures = torch.from_numpy(draw.integers(0, 256, (TASKS, TRAJECTORIES, TIMES, 2, 2, 3)).astype(np.uint8))
    data = batch(observations=pictures)
    pairs = drawn_partners(data)
    result = mixed(data, COEFFICIENTS.float(), pairs).trajectories.observations
    assert result.dtype == torch.float32
    assert result.shape == pictures.shape
    other = pictures.flatten(1, 2)[0, pairs[0, 0, 0]].float()
    torch.testing.assert_close(result[0, 0, 0], 0.3 * pictures[0, 0, 0].float() + 0.7 * other)


def test_what_the_acting_policy_said_is_refused_or_computed_at_the_mixed_states():
    data = batch()
    pairs = drawn_partners(data)
    result = mixed(data, COEFFICIENTS.float(), pairs)
    policy = Gaussian(torch.zeros(ACTIONS), torch.zeros(ACTIONS))
    for part in (result, result.select(slice(1, 3))):
        with pytest.raises(TypeError, match=r"mixed trajectories have no log_probabilities.*before mixing"):
            ratio_objective(policy, part.trajectories, part.advantages)
        with pytest.raises(TypeError, match="mixed trajectories have no distribution"):
            part.divergence(policy)
        with pytest.raises(TypeError, match="no next_observations"):
            part.trajectories.next_observations  # noqa: B018

    def acting(seen):
        return Gaussian(seen.trajectories.observations[..., :ACTIONS], torch.zeros(seen.tasks, 1, 1, ACTIONS))

    known = mixed(data, COEFFICIENTS.float(), pairs, acting).select(slice(1, 3))
    trajectories = known.trajectories
    assert torch.equal(trajectories.distribution["mean"], trajectories.observations[..., :ACTIONS])
    assert torch.equal(trajectories.log_probabilities, acting(known).log_prob(trajectories.actions))
    torch.testing.assert_close(known.divergence(acting(known)), torch.zeros(2))
    ratio_objective(acting(known), trajectories, known.advantages)


def test_what_cannot_be_mixed_is_refused():
    data = batch(observations=torch.zeros(TASKS, TRAJECTORIES, TIMES, dtype=torch.int64))
    with pytest.raises(TypeError, match="discrete observations cannot be mixed"):
        mixed(data, COEFFICIENTS, drawn_partners(data))
    data = batch().with_extra(credit=torch.zeros(TASKS))
    once = mixed(data, COEFFICIENTS, drawn_partners(data))
    assert torch.equal(once.extra("credit"), torch.zeros(TASKS))
    with pytest.raises(TypeError, match="mixed already"):
        mixed(once, COEFFICIENTS, drawn_partners(data))
    data = data.with_extra(adjusted_rewards=data.advantages)
    with pytest.raises(TypeError, match="'adjusted_rewards' belongs to single steps"):
        mixed(data, COEFFICIENTS, drawn_partners(data))
    assert unmixable(gymnasium.spaces.Box(-1, 1, (3,))) is None
    assert "got Discrete(4)" in unmixable(gymnasium.spaces.Discrete(4))

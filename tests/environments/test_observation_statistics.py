"""The option normalise_observations: fixed statistics, the same physics."""

import numpy as np
import pytest

from environments.catalogue import make_suite
from environments.locomotion.measure_observations import SUITES, measure
from environments.locomotion.observation_statistics import load_statistics


@pytest.mark.parametrize("robot", ["half_cheetah", "swimmer"])
def test_committed_statistics_are_those_that_are_measured(robot):
    measured, stored = measure(robot), load_statistics(robot)

    np.testing.assert_allclose(stored.mean, measured.mean, atol=2e-6)
    np.testing.assert_allclose(stored.deviation, measured.deviation, atol=2e-6)


@pytest.mark.parametrize("name", ["half-cheetah-velocity", "ant-goal", "humanoid-direction", "hopper-params"])
def test_a_normalised_suite_shows_the_same_robot_shifted_scaled_and_clipped(name):
    plain, normalised = make_suite(name), make_suite(f"{name}[normalise_observations=true]")
    actions = np.random.default_rng(0).normal(size=(5, 3, *plain.action_space.shape)) * 10
    seen = []
    for suite in (plain, normalised):
        env = suite.make_batch(1, 3)
        env.set_tasks(suite.split.train[:1])
        steps = [env.reset(seed=1)[0]]
        rewards = []
        for action in actions:
            observation, reward, *_ = env.step(action)
            steps.append(observation)
            rewards.append(reward)
        seen.append((np.stack(steps), np.stack(rewards)))
    (raw, plain_rewards), (shown, rewards) = seen

    np.testing.assert_array_equal(rewards, plain_rewards)
    statistics = normalised.statistics
    assert statistics.mean.shape == plain.observation_space.shape
    np.testing.assert_allclose(shown, np.clip((raw - statistics.mean) / statistics.deviation, -5, 5))
    assert np.abs(shown).max() <= 5
    assert all(normalised.observation_space.contains(row) for row in shown.reshape(-1, shown.shape[-1]))


def test_every_robot_has_statistics_that_leave_nothing_unscaled_by_zero():
    for robot in SUITES:
        assert (load_statistics(robot).deviation > 0).all()

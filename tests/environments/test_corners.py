"""The 2-D corners: rewards by the papers' scalar formulas, starts, limits, scales."""

import itertools

import numpy as np
import pytest

from environments.catalogue import make_suite
from environments.corners import CORNERS
from environments.splits import NAMES, check_distinct
from environments.streams import Streams
from environments.typed_options import UsageError

SUITES = ("corners", "corners-momentum")


def batch(suite, trajectories):
    env = suite.make_batch(4, trajectories)
    env.set_tasks(suite.split.train)
    return env


def walk(suite, trajectories, spread=1.0):
    """Actions, observations (one more than steps) and rewards, each [time, env, ...], of a random policy."""
    env = batch(suite, trajectories)
    draw = Streams(0).numpy("walk")
    observations, rewards = [env.reset(seed=Streams(0).integer("reset"))[0]], []
    actions = spread * draw.standard_normal((suite.horizon, env.num_envs, 2))
    for action in actions:
        observation, reward, *_ = env.step(action)
        observations.append(observation)
        rewards.append(reward)
    return actions, np.array(observations), np.array(rewards)


def corner_reward(before, after, goal):
    """MetaPointEnvCorner's reward, from one position to the next."""
    if abs(after[0]) + abs(after[1]) < 0.5:
        return 0.0
    distances = [np.linalg.norm(after - np.array(corner)) for corner in CORNERS]
    distance = np.linalg.norm(after - goal)
    return np.linalg.norm(before - goal) - distance if distance == min(distances) else 0.0


@pytest.mark.parametrize("name", SUITES)
def test_all_three_splits_hold_the_four_corners(name):
    suite = make_suite(name)
    assert suite.split.shared
    for part in NAMES:
        assert suite.split.tasks(part) == suite.all_tasks()
        assert {task.parameters["goal"] for task in suite.split.tasks(part)} == set(CORNERS)
        check_distinct(suite.split.tasks(part))


@pytest.mark.parametrize("spread", [1.0, 0.2])
def test_corner_rewards_equal_the_scalar_formula(spread):
    suite = make_suite("corners")
    _, positions, rewards = walk(suite, 3, spread)
    goals = np.repeat(np.array(CORNERS), 3, axis=0)
    expected = [
        [corner_reward(*pair) for pair in zip(before, after, goals, strict=True)]
        for before, after in itertools.pairwise(positions)
    ]
    np.testing.assert_allclose(rewards, expected, atol=1e-12)
    assert (rewards != 0).any() and (rewards == 0).any()


def test_momentum_rewards_equal_the_scalar_formula():
    suite = make_suite("corners-momentum")
    _, states, rewards = walk(suite, 3)
    goals = np.repeat(np.array(CORNERS), 3, axis=0)
    expected = np.maximum(2 - np.linalg.norm(states[1:, :, :2] - goals, axis=-1), 0)
    np.testing.assert_allclose(rewards, expected, atol=1e-12)
    assert (rewards > 0).any() and (rewards == 0).any()


def test_the_point_moves_by_the_scaled_and_clipped_action():
    actions, positions, _ = walk(make_suite("corners"), 3)
    np.testing.assert_allclose(np.diff(positions, axis=0), np.clip(0.2 * actions, -0.2, 0.2), atol=1e-12)
    actions, positions, _ = walk(make_suite("corners[action_scale=10]"), 3, spread=10)
    np.testing.assert_allclose(np.diff(positions, axis=0), np.clip(0.02 * actions, -0.2, 0.2), atol=1e-12)


def test_momentum_integrates_the_acceleration_and_then_the_velocity():
    actions, states, _ = walk(make_suite("corners-momentum"), 3, spread=10)
    velocity = states[..., 2:]
    np.testing.assert_allclose(np.diff(velocity, axis=0), np.clip(0.01 * actions, -0.1, 0.1), atol=1e-12)
    np.testing.assert_allclose(np.diff(states[..., :2], axis=0), velocity[1:], atol=1e-12)


def test_starts_fill_their_squares():
    start = batch(make_suite("corners"), 500).reset(seed=0)[0]
    assert start.shape == (2000, 2) and 0.19 < np.abs(start).max() <= 0.2
    start = batch(make_suite("corners-momentum"), 500).reset(seed=0)[0]
    assert 0.19 < np.abs(start[:, :2]).max() <= 0.2 and 0.095 < np.abs(start[:, 2:]).max() <= 0.1


@pytest.mark.parametrize(
    ("name", "at_least", "at_most"), [("corners", 0.6, 0.75), ("corners[action_scale=10]", 0.05, 0.2)]
)
def test_an_untrained_policy_meets_reward_as_often_as_the_scale_says(name, at_least, at_most):
    _, _, rewards = walk(make_suite(name), 250)
    assert at_least < (rewards != 0).any(0).mean() < at_most


def test_success_is_having_come_near_the_goal():
    suite = make_suite("corners")
    env = batch(suite, 1)
    env.reset(seed=0)
    towards = np.sign(np.array(CORNERS)) * [[1], [1], [1], [-1]]  # the last one walks away from its goal
    for _ in range(9):
        *_, info = env.step(towards)
    assert info["success"].tolist() == [True, True, True, False]
    for _ in range(20):
        *_, info = env.step(-towards)
    assert info["success"].tolist() == [True] * 4  # once reached it stays


@pytest.mark.parametrize("name", SUITES)
def test_episodes_end_at_the_horizon_alone_and_then_stand_still(name):
    suite = make_suite(f"{name}[horizon=3]")
    env = batch(suite, 2)
    env.reset(seed=0)
    flags = []
    for _ in range(3):
        last, _, terminated, truncated, _ = env.step(np.ones((8, 2)))
        flags.append((terminated.any(), truncated.all()))
    assert flags == [(False, False), (False, False), (False, True)]
    after, reward, *_ = env.step(np.ones((8, 2)))
    np.testing.assert_array_equal(after, last)
    assert not reward.any()


@pytest.mark.parametrize("name", SUITES)
def test_drawn_tasks_are_corners_and_all_occur(name):
    suite = make_suite(name)
    draw = Streams(1).numpy("tasks")
    assert {suite.draw_task(draw, "drawn").parameters["goal"] for _ in range(60)} == set(CORNERS)


def test_a_scale_of_zero_is_refused_in_one_line():
    with pytest.raises(UsageError, match=r"suite corners: action_scale must be above 0, got 0$"):
        make_suite("corners[action_scale=0]")

"""The 2-D corners: rewards by scalar formulas, the published ones' and a potential's, starts, limits, scales."""

import itertools

import numpy as np
import pytest

from environments.catalogue import make_suite
from environments.corners import CORNERS, REACH
from environments.splits import NAMES, check_distinct
from environments.streams import Streams
from environments.typed_options import UsageError

SUITES = ("corners", "corners-momentum")
PUBLISHED = "corners[reward=published]"


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


def potential(place, goal):
    """How much nearer to the goal than the centre is; 0 where the published reward is 0."""
    if abs(place[0]) + abs(place[1]) < 0.5 or (place * goal < 0).any():
        return 0.0
    return 2 * np.sqrt(2) - np.linalg.norm(place - goal)


def earned(name, act, trajectories=25, discount=1.0):
    """Sums of rewards [env], final places [env, 2] and goals [env, 2] of the controller act(places, goals, step)."""
    suite = make_suite(name)
    env, goals = batch(suite, trajectories), np.repeat(np.array(CORNERS), trajectories, axis=0)
    places, total = env.reset(seed=3)[0], np.zeros(env.num_envs)
    for step in range(suite.horizon):
        places, reward, *_ = env.step(act(places, goals, step))
        total += discount**step * reward
    return total, places, goals


def straight(places, goals, step):
    return (goals - places) / 0.2


def bounce(places, goals, step):
    """In and out across the border of the goal's quadrant, out by a side step and in by a step towards the goal."""
    if step < 4:
        return (np.array([0.7, 0.05]) * np.sign(goals) - places) / 0.2
    inside = (places * goals >= 0).all(1, keepdims=True)
    return np.where(inside, np.array([-1, -1]) * np.sign(goals), np.sign(goals))


def bounce_at_the_start(places, goals, step):
    """In and out of the start zone along the diagonal."""
    if step < 2:
        return (0.2 * np.sign(goals) - places) / 0.2
    return np.sign(goals) * (1 if step % 2 == 0 else -1)


def circle(places, goals, step):
    """Round the centre through all quadrants, so that the goal's own is entered again and again."""
    angle = np.arctan2(places[:, 1], places[:, 0]) + 0.25
    return (0.7 * np.stack([np.cos(angle), np.sin(angle)], 1) - places) / 0.2


def noise(spread):
    draw = Streams(5).numpy("noise")
    return lambda places, goals, step: spread * draw.standard_normal(places.shape)


@pytest.mark.parametrize("name", SUITES)
def test_all_three_splits_hold_the_four_corners(name):
    suite = make_suite(name)
    assert suite.split.shared
    for part in NAMES:
        assert suite.split.tasks(part) == suite.all_tasks()
        assert {task.parameters["goal"] for task in suite.split.tasks(part)} == set(CORNERS)
        check_distinct(suite.split.tasks(part))


@pytest.mark.parametrize("spread", [1.0, 0.2])
@pytest.mark.parametrize("published", [True, False])
def test_corner_rewards_equal_the_scalar_formula(spread, published):
    suite = make_suite(PUBLISHED if published else "corners")
    _, positions, rewards = walk(suite, 3, spread)
    goals = np.repeat(np.array(CORNERS), 3, axis=0)
    reward = corner_reward if published else lambda s, after, goal: potential(after, goal) - potential(s, goal)
    expected = [
        [reward(*pair) for pair in zip(before, after, goals, strict=True)]
        for before, after in itertools.pairwise(positions)
    ]
    np.testing.assert_allclose(rewards, expected, atol=1e-12)
    assert (rewards != 0).any() and (rewards == 0).any()


def test_within_the_goals_quadrant_a_step_pays_as_published_and_outside_nothing_is_paid():
    _, positions, rewards = walk(make_suite("corners"), 25)
    _, same, published = walk(make_suite(PUBLISHED), 25)
    np.testing.assert_array_equal(positions, same)
    goals = np.repeat(np.array(CORNERS), 25, axis=0)
    paid = (positions * goals >= 0).all(-1) & (np.abs(positions).sum(-1) >= 0.5)
    within, outside = paid[1:] & paid[:-1], ~paid[1:] & ~paid[:-1]
    np.testing.assert_allclose(rewards[within], published[within], atol=1e-12)
    assert within.sum() > 1000 and outside.sum() > 1000
    assert not rewards[outside].any() and not published[outside].any()


@pytest.mark.parametrize("act", [bounce, bounce_at_the_start, circle, noise(0.3), noise(1.0), noise(10.0)])
def test_no_path_earns_more_than_one_straight_to_its_end(act):
    total, places, goals = earned("corners", act)
    ends = [potential(*pair) for pair in zip(places, goals, strict=True)]
    np.testing.assert_allclose(total, ends, atol=1e-9)
    most = earned("corners", straight)[0]
    np.testing.assert_allclose(most, REACH, atol=1e-9)
    assert total.max() < REACH
    for discount in (0.8, 0.99):
        assert earned("corners", act, discount=discount)[0].max() < REACH


def test_the_published_reward_pays_bouncing_more_than_the_goal_and_says_so():
    walked = earned(PUBLISHED, straight)[0].mean()
    assert 2.4 < walked < REACH
    for act in (bounce, bounce_at_the_start):
        assert earned(PUBLISHED, act)[0].min() > 3 * walked
    (caution,) = make_suite(PUBLISHED).cautions
    assert caution.startswith("this option can be exploited: ")
    assert make_suite("corners").cautions == make_suite("corners-momentum").cautions == ()


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

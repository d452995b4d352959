"""A locomotion batch: equals its environments one by one, leaves finished episodes alone, takes new tasks."""

import numpy as np
import pytest

from environments.batch_env import BatchEnv
from environments.catalogue import make_suite, suites
from environments.single import SingleEnv
from environments.streams import Streams

LOCOMOTION = [name for name, found in suites().items() if found.literals["family"] == "locomotion"]


def make_batch(name, tasks, trajectories, split="train"):
    suite = make_suite(name)
    available = suite.split.tasks(split)
    batch = suite.make_batch(tasks, trajectories)
    batch.set_tasks([available[index % len(available)] for index in range(tasks)])
    return batch


def draw_actions(batch, steps, size=8.0):
    return size * Streams(5).numpy("actions").standard_normal((steps, *batch.action_space.shape)).astype(np.float32)


def roll(batch, actions, seed=3):
    """Observations, rewards, terminated flags and successes of an episode, stacked over time."""
    first, _ = batch.reset(seed=seed)
    outcomes = [batch.step(action) for action in actions]
    observations = np.stack([first, *(outcome[0] for outcome in outcomes)])
    return observations, *(np.stack([outcome[k] for outcome in outcomes]) for k in (1, 2))


@pytest.mark.parametrize("name", LOCOMOTION)
def test_a_batch_equals_its_environments_one_by_one(name):
    batch = make_batch(name, 3, 2)
    actions = draw_actions(batch, 25)
    first, _ = batch.reset(seed=3)
    starts = batch.state
    outcomes = [batch.step(action) for action in actions]

    for index in range(6):
        single = SingleEnv(name, task=batch.tasks[index // 2])
        single.reset(seed=0)
        qpos, qvel = (part[index : index + 1] for part in starts)
        np.testing.assert_array_equal(single._batch.set_state(qpos, qvel)[0], first[index])
        for action, (observation, reward, terminated, _, info) in zip(actions, outcomes, strict=True):
            alone = single.step(action[index])
            np.testing.assert_array_equal(alone[0], observation[index])
            # einsum may sum rows of different strides in another order
            assert alone[1] == pytest.approx(reward[index], abs=1e-13)
            assert alone[2] == terminated[index]
            assert alone[4]["success"] == info["success"][index]


@pytest.mark.parametrize("name", LOCOMOTION)
def test_spaces_describe_what_is_seen_and_done(name):
    batch = make_batch(name, 2, 2)
    observation, _ = batch.reset(seed=0)
    assert isinstance(batch, BatchEnv)
    assert observation.dtype == np.float64 and batch.observation_space.contains(observation)
    assert batch.single_action_space.contains(np.full(batch.single_action_space.shape, 10, dtype=np.float32))
    assert not batch.single_action_space.contains(np.full(batch.single_action_space.shape, 10.1, dtype=np.float32))


@pytest.mark.parametrize("name", ["half-cheetah-velocity", "humanoid-direction"])
def test_actions_are_scaled_to_the_motors_and_clipped_there(name):
    unscaled, scaled = make_batch(f"{name}[action_scale=1]", 2, 2), make_batch(name, 2, 2)
    actions = draw_actions(scaled, 5, size=15.0)
    expected = roll(scaled, actions)
    for actual in (roll(unscaled, actions / 10), roll(scaled, np.clip(actions, -10, 10))):
        np.testing.assert_allclose(actual[0], expected[0], atol=1e-5)


def test_equal_seeds_give_equal_episodes_and_other_seeds_do_not():
    batch = make_batch("half-cheetah-velocity", 2, 3)
    actions = draw_actions(batch, 10)
    once, again, other = roll(batch, actions), roll(batch, actions), roll(batch, actions, seed=4)
    for one, two in zip(once, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert (once[0][0] != other[0][0]).any()


@pytest.mark.parametrize("name", ["hopper-params", "ant-direction", "humanoid-direction", "walker2d-direction"])
def test_finished_episodes_stay_put_and_are_not_simulated(name):
    batch = make_batch(name, 4, 5)
    batch.reset(seed=1)
    qpos, qvel = batch.state
    fallen = np.arange(20) % 3 == 0
    qpos[fallen, batch.robot.height_index] += 1.5
    if name == "hopper-params":
        qpos[fallen, 2] += 0.4
    batch.set_state(qpos, qvel)
    actions = draw_actions(batch, 12)
    time = batch._batch.bind("time")
    observation, reward, terminated, _, _ = batch.step(actions[0])
    assert terminated[fallen].all() and not terminated.all()
    ended_at = {int(index): (observation[index].copy(), float(time[index])) for index in np.flatnonzero(terminated)}
    for action in actions[1:]:
        was_over = terminated.copy()
        observation, reward, terminated, truncated, _ = batch.step(action)
        assert terminated[was_over].all() and not truncated.any()
        assert (reward[was_over] == 0).all()
        for index in np.flatnonzero(terminated & ~was_over):
            ended_at[int(index)] = observation[index].copy(), float(time[index])
        for index, (last, when) in ended_at.items():
            np.testing.assert_array_equal(observation[index], last)
            assert time[index] == when
    assert time[~terminated] == pytest.approx(12 * batch._control_period)


def test_a_batch_ends_at_the_horizon_by_truncation():
    batch = make_batch("half-cheetah-velocity[horizon=3]", 1, 2)
    batch.reset(seed=0)
    truncated = [batch.step(action)[3].all() for action in draw_actions(batch, 3)]
    assert truncated == [False, False, True] and not batch.alive.any()


@pytest.mark.parametrize("name", ["hopper-params", "walker2d-params", "half-cheetah-velocity", "ant-goal-sparse"])
def test_a_batch_given_other_tasks_equals_a_fresh_one(name):
    used, fresh = make_batch(name, 3, 2), make_batch(name, 3, 2, split="test")
    actions = draw_actions(used, 15, size=4.0)
    before = roll(used, actions)
    used.set_tasks(fresh.tasks)
    after, expected = roll(used, actions), roll(fresh, actions)
    for one, two in zip(after, expected, strict=True):
        np.testing.assert_array_equal(one, two)
    assert (before[1] != after[1]).any()


def test_an_observation_handed_out_is_not_changed_by_later_steps():
    batch = make_batch("hopper-velocity", 1, 2)
    first, _ = batch.reset(seed=0)
    kept = first.copy()
    batch.step(draw_actions(batch, 1)[0])
    np.testing.assert_array_equal(first, kept)


def test_contact_forces_cost_something_and_change_nothing_else():
    free, costly = make_batch("ant-direction[contact_cost=0]", 2, 3), make_batch("ant-direction", 2, 3)
    actions = draw_actions(free, 40)
    without, within = roll(free, actions), roll(costly, actions)
    np.testing.assert_array_equal(without[0], within[0])
    assert (without[1] >= within[1]).all() and (without[1] > within[1]).any()

"""The kinematic drone: a scalar reference, batch and single, rewards, ends, walls, shaping, scripted flights."""

import math

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from environments.catalogue import make_suite
from environments.drone.scripted_flights import ScriptedFlights
from environments.single import SingleEnv
from environments.streams import Streams
from environments.task import Task

NAME = "drone-obstacles"
POTENTIAL = f"{NAME}[shaping=potential,shaping_weight=0.1,shaping_distance=straight]"
AHEAD, LEFT = (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0)
#: straight ahead of the start: the goal, and the obstacle out of the way or in it
CLEAR = Task("clear", {"goal": [3.5, 10.05], "obstacle": [4.0, 4.0]})
BLOCKED = Task("blocked", {"goal": [3.5, 10.05], "obstacle": [2.0, 4.0]})


def batch(suite, tasks, trajectories=1):
    env = suite.make_batch(len(tasks), trajectories)
    env.set_tasks(tasks)
    env.reset(seed=0)
    return env


def fly(env, actions):
    """Observations, rewards, terminated, truncated, success, each [time, env, ...]; actions [time, env, 3]."""
    steps = []
    for action in actions:
        observation, reward, terminated, truncated, info = env.step(action)
        steps.append((observation, reward, terminated, truncated, info["success"]))
    return [np.array(values) for values in zip(*steps, strict=True)]


def ahead(count, environments=1):
    return np.tile(np.array(AHEAD), (count, environments, 1))


def wandering(environments, decisions=200, seed=0):
    """Headings with a persistent drift of each flight, so that flights meet goals, obstacles and walls."""
    draw = Streams(seed).numpy("wandering")
    drift = draw.normal([0, 1.5, 0], [1, 1, 1], (environments, 3))
    return drift + draw.standard_normal((decisions, environments, 3))


class ReferenceDrone:
    """The MDP of one drone written out in plain Python, with finely sampled steps."""

    def __init__(self, task):
        self.x, self.y = 3.5, 1.0
        (self.goal_x, self.goal_y), (self.left, self.near) = task.parameters["goal"], task.parameters["obstacle"]

    def distance(self):
        across = max(abs(self.x - self.goal_x) - 0.5, 0)
        return math.hypot(across, max(abs(self.y - self.goal_y) - 0.5, 0))

    def step(self, dx, dy):
        before, x, y = self.distance(), self.x, self.y
        dx, dy = min(max(dx, -1), 1), min(max(dy, -1), 1)
        length = math.hypot(dx, dy)
        if length > 0:
            self.x = min(max(x + 0.1 * dx / length, 0.26), 7 - 0.26)
            self.y = min(max(y + 0.1 * dy / length, 0.26), 12 - 0.26)
        reached = hit = False
        for part in range(101):
            at_x, at_y = x + (self.x - x) * part / 100, y + (self.y - y) * part / 100
            reached |= abs(at_x - self.goal_x) <= 0.5 and abs(at_y - self.goal_y) <= 0.5
            hit |= self.left - 0.26 <= at_x <= self.left + 3.26 and self.near - 0.26 <= at_y <= self.near + 1.26
        return reached - hit + 0.1 * (before - 0.99 * self.distance()), reached, hit


def test_the_batch_equals_a_drone_written_out_in_plain_python():
    suite = make_suite(POTENTIAL)
    tasks = suite.split.test
    env = batch(suite, tasks, 3)
    actions = wandering(60)
    drones = [ReferenceDrone(task) for task in tasks for _ in range(3)]
    alive, outcomes = np.ones(60, dtype=bool), [0, 0]
    for action in actions:
        _, reward, terminated, truncated, info = env.step(action)
        for row in np.flatnonzero(alive):
            expected, reached, hit = drones[row].step(*action[row, :2].tolist())
            np.testing.assert_allclose(env.positions[row], [drones[row].x, drones[row].y], atol=1e-9)
            np.testing.assert_allclose(reward[row], expected, atol=1e-9)
            assert (terminated[row], info["success"][row]) == (reached or hit, reached)
            outcomes[0] += reached
            outcomes[1] += hit
        alive = ~(terminated | truncated)
    assert min(outcomes) >= 3 and truncated.any()  # the flights met all three ends


@pytest.mark.parametrize("options", ["", "[shaping=sparse,normalise_observations=false]", "[terminal=false]"])
def test_the_batch_equals_single_environments_step_by_step(options):
    suite = make_suite(NAME + options)
    tasks = suite.split.validation[:4]
    env = batch(suite, tasks, 2)
    actions = wandering(8, seed=1)
    recorded = fly(env, actions)
    for row in range(8):
        single = SingleEnv(NAME + options, task=tasks[row // 2])
        single.reset(seed=5)  # the start is fixed, whatever the seed
        for decision, action in enumerate(actions[:, row]):
            observation, *flags, info = single.step(action)
            for values, value in zip(recorded, (observation, *flags, info["success"]), strict=True):
                np.testing.assert_array_equal(values[decision, row], value)
            if flags[1] or flags[2]:
                break


@pytest.mark.parametrize("options", ["", "[normalise_observations=false,shaping=sparse]"])
def test_gymnasium_accepts_the_environment(options):
    check_env(SingleEnv(NAME + options), skip_render_check=True)


def test_gymnasium_makes_the_environment():
    env = gymnasium.make("environments.registration:MetaRL/drone-obstacles-v0", task="test-03", step_length=0.2)
    observation, _ = env.reset(seed=0)
    np.testing.assert_allclose(observation, [0, -5 / 6, 0])
    observation, *_ = env.step(np.array(AHEAD, dtype=np.float32))
    np.testing.assert_allclose(observation, [0, -4.8 / 6, 0])


def test_observations_are_the_position_or_the_arena_scaled_to_one():
    raw, scaled = make_suite(f"{NAME}[normalise_observations=false]"), make_suite(NAME)
    envs = [batch(suite, [CLEAR]) for suite in (raw, scaled)]
    actions = wandering(1, 50)
    positions, observations = (fly(env, actions)[0] for env in envs)
    np.testing.assert_allclose(positions[:, 0, :2], np.array([3.5, 6]) * (observations[:, 0, :2] + 1))
    assert (positions[:, 0, 2] == 1).all() and (observations[:, 0, 2] == 0).all()
    corners = scaled.options.observe(np.array([[0, 0, 1], [7, 12, 1], [3.5, 6, 1.1]]))
    np.testing.assert_allclose(corners, [[-1, -1, 0], [1, 1, 0], [0, 0, 0.1]])


def test_a_decision_moves_the_drone_by_its_step_whatever_the_actions_length_and_height():
    env = batch(make_suite(NAME), [CLEAR])
    for action in ([0.6, 0.8, 0], [0.06, 0.08, 0], [3e-9, 4e-9, 0], [0.6, 0.8, -50]):
        env.reset(seed=0)
        env.step(np.array([action]))
        np.testing.assert_allclose(env.positions, [[3.56, 1.08]], atol=1e-12)


def test_a_zero_action_stays_and_pays_nothing_but_the_discount():
    for shaping, pay in (("sparse", 0.0), ("progress", 0.0), ("potential", 8.55 * 0.01)):
        env = batch(make_suite(f"{NAME}[shaping={shaping}]"), [CLEAR])
        for action in ([0, 0, 0], [0, 0, 1]):
            _, reward, terminated, truncated, _ = env.step(np.array([action]))
            assert env.positions.tolist() == [[3.5, 1.0]]
            np.testing.assert_allclose(reward, [pay], atol=1e-12)
            assert not terminated.any() and not truncated.any()


def test_a_flight_ends_with_success_where_it_touches_the_goal():
    env = batch(make_suite(f"{NAME}[shaping=sparse]"), [CLEAR])
    _, rewards, terminated, truncated, success = (values[:, 0] for values in fly(env, ahead(100)))
    # from 1 m to the square's edge at 9.55 m
    assert terminated.argmax() == 85 and success.argmax() == 85
    assert rewards[85] == 1 and np.count_nonzero(rewards) == 1 and not truncated.any()
    assert abs(env.positions[0, 1] - 9.6) < 1e-9  # and there it stays


def test_a_straight_flight_hits_the_obstacle_with_its_hull():
    env = batch(make_suite(f"{NAME}[shaping=sparse]"), [BLOCKED])
    _, rewards, terminated, truncated, success = (values[:, 0] for values in fly(env, ahead(100)))
    # the hull's front is 0.26 m before its centre: 1 + 0.1 n >= 4 - 0.26
    assert terminated.argmax() == 27 and rewards[27] == -1 and np.count_nonzero(rewards) == 1
    assert not success.any() and not truncated.any()
    point = batch(make_suite(f"{NAME}[inflate=0,shaping=sparse]"), [BLOCKED])
    assert fly(point, ahead(100))[2].argmax() == 29


def test_the_rewards_are_the_options():
    suite = make_suite(f"{NAME}[shaping=sparse,reward_goal=5,reward_obstacle=-3]")
    rewards = fly(batch(suite, [CLEAR, BLOCKED]), ahead(100, 2))[1]
    assert rewards.sum(axis=0).tolist() == [5, -3]


def test_a_step_over_the_obstacle_hits_it_unless_only_its_end_counts():
    # 2.25 m a step: 3.25 m, then 5.5 m, beyond the obstacle's 3.74 m to 5.26 m
    for collision, earned in (("swept", -1), ("end", 1)):
        env = batch(make_suite(f"{NAME}[step_length=2.25,collision={collision},shaping=sparse]"), [BLOCKED])
        _, rewards, _, _, success = fly(env, ahead(4))
        assert rewards.sum() == earned and success[-1, 0] == (earned > 0)


def test_what_a_step_touches_first_decides():
    suite = make_suite(f"{NAME}[step_length=10,shaping=sparse]")  # one step ends in the goal square
    _, rewards, _, _, success = fly(batch(suite, [CLEAR, BLOCKED]), ahead(1, 2))
    assert rewards.tolist() == [[1, -1]] and success.tolist() == [[True, False]]


def test_without_ends_every_decision_there_pays_and_a_hit_costs_the_success():
    suite = make_suite(f"{NAME}[terminal=false,shaping=sparse]")
    _, rewards, terminated, _, success = fly(batch(suite, [CLEAR, BLOCKED]), ahead(150, 2))
    assert not terminated.any()
    assert success[-1].tolist() == [True, False]
    np.testing.assert_array_equal((rewards == 1).sum(axis=0), [11, 11])  # steps that touch 9.55 m to 10.55 m
    assert (rewards[:, 1] == -1).sum() == 16 and (rewards[:, 0] >= 0).all()  # 3.74 m to 5.26 m


def test_walls_stop_what_goes_through_them_and_let_the_rest_slide():
    env = batch(make_suite(f"{NAME}[shaping=sparse]"), [CLEAR])
    _, rewards, terminated, _, _ = fly(env, np.tile(np.array(LEFT), (50, 1, 1)))
    assert env.positions.tolist() == [[0.26, 1.0]] and not rewards.any() and not terminated.any()
    env.step(np.array([[-0.6, 0.8, 0]]))
    np.testing.assert_allclose(env.positions, [[0.26, 1.08]])
    _, rewards, *_ = fly(env, np.tile([-1.0, -1.0, 0.0], (50, 1, 1)))
    assert env.positions.tolist() == [[0.26, 0.26]] and not rewards.any()


def test_walls_can_count_as_the_obstacle():
    env = batch(make_suite(f"{NAME}[shaping=sparse,walls=crash]"), [CLEAR])
    _, rewards, terminated, _, success = fly(env, np.tile(np.array(LEFT), (50, 1, 1)))
    assert rewards[:, 0].tolist() == [0] * 32 + [-1] + [0] * 17  # 3.5 m less 33 steps would be 0.2 m
    assert terminated[32:].all() and not success.any()


def test_the_shaping_telescopes_to_the_first_and_last_potential():
    shaped, sparse = make_suite(f"{NAME}[shaping=potential]"), make_suite(f"{NAME}[shaping=sparse]")
    tasks, actions = shaped.split.train, wandering(50)
    env = batch(shaped, tasks)
    start = env._distance.copy()
    _, rewards, terminated, truncated, _ = fly(env, actions)
    plain = fly(batch(sparse, tasks), actions)[1]
    discounts = shaped.discount ** np.arange(len(actions))
    lengths = (terminated | truncated).argmax(axis=0) + 1
    assert len(set(lengths)) > 5 and start.min() > 8
    telescoped = start - shaped.discount**lengths * env._distance
    np.testing.assert_allclose(discounts @ (rewards - plain), telescoped, atol=1e-9)


def test_the_shaping_is_over_at_the_goal():
    env = batch(make_suite(POTENTIAL), [CLEAR])
    rewards = fly(env, ahead(100))[1][:, 0]
    np.testing.assert_allclose(0.99 ** np.arange(100) @ rewards, 0.99**85 + 0.1 * 8.55, atol=1e-9)


def test_the_shaping_uses_the_suites_discount():
    env = batch(make_suite(f"{NAME}[discount=0.5,shaping=potential]"), [CLEAR])
    np.testing.assert_allclose(env.step(ahead(1)[0])[1], [8.55 - 0.5 * 8.45])


def test_progress_pays_for_the_way_made_good_whatever_the_discount():
    env = batch(make_suite(f"{NAME}[shaping_weight=2]"), [CLEAR, BLOCKED])
    start = env._distance.copy()
    rewards = fly(env, ahead(100, 2))[1]
    aside = math.hypot(1.76, 2.74) + 1.52 + math.hypot(1.26, 4.29)  # by two corners, to the goal square's
    np.testing.assert_allclose(start, [8.55, aside])
    np.testing.assert_allclose(rewards.sum(axis=0), [1 + 2 * 8.55, 2 * (aside - env._distance[1]) - 1])
    straight = batch(make_suite(f"{NAME}[shaping_distance=straight]"), [BLOCKED])
    np.testing.assert_allclose(straight.step(ahead(1)[0])[1], [0.1])


def test_an_episode_that_has_ended_stands_still():
    env = batch(make_suite(f"{NAME}[horizon=40]"), [BLOCKED, CLEAR])
    observations, rewards, terminated, truncated, _ = fly(env, ahead(45, 2))
    assert terminated[-1].tolist() == [True, False] and truncated[-1].tolist() == [False, True]
    assert not rewards[28:, 0].any() and not rewards[40:].any()
    assert (observations[28:, 0] == observations[27, 0]).all() and (observations[40:] == observations[39]).all()


def scripted(tasks, suite, **settings):
    """The flights, and whether each succeeded and hit."""
    env = batch(suite, tasks, 10)
    flights = ScriptedFlights(tasks, 10, suite.options, Streams(3), **settings)
    for decision in range(suite.horizon):
        _, _, terminated, _, info = env.step(flights.actions(env.positions, decision))
    return flights, info["success"], terminated & ~info["success"]


def test_scripted_flights_with_room_and_without_noise_succeed_on_either_side():
    suite = make_suite(NAME)
    flights, success, _ = scripted(suite.split.train, suite, clearance=(0.1, 0.6), noise=0.0, bad=0.0)
    assert success.all() and not flights.into_obstacle.any()
    assert 0.3 < flights.left.mean() < 0.7


def test_bad_scripted_flights_hit_the_obstacle():
    suite = make_suite(NAME)
    flights, success, hit = scripted(suite.split.train, suite, bad=1.0)
    assert flights.into_obstacle.all() and hit.all() and not success.any()


def test_scripted_flights_by_default_have_every_outcome_and_are_a_function_of_their_streams():
    suite = make_suite(NAME)
    flights, success, hit = scripted(suite.split.test, suite)
    assert 0.1 < flights.into_obstacle.mean() < 0.3
    assert hit[flights.into_obstacle].all()
    assert 0.75 < success[~flights.into_obstacle].mean() < 1  # some graze the obstacle
    again, others = (ScriptedFlights(suite.split.test, 10, suite.options, Streams(seed)) for seed in (3, 4))
    positions = np.tile([3.5, 2.0, 1.0], (200, 1))
    np.testing.assert_array_equal(again.actions(positions, 7), flights.actions(positions, 7))
    assert not np.array_equal(again.actions(positions, 8), again.actions(positions, 7))
    assert not np.array_equal(others.actions(positions, 7), again.actions(positions, 7))

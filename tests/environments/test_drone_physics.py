"""The simulated quadrotor: follows the kinematic drone, hits what its hull touches, repeats itself bit for bit."""

import dataclasses
import warnings

import gymnasium
import mujoco
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from environments.catalogue import make_suite
from environments.drone.arena import Arena
from environments.drone.flight_control import MAX_CLIMB, MAX_SPEED, FlightControl, limited
from environments.drone.quadrotor import GRAVITY, MAX_THRUST, MAX_TILT, load_quadrotor
from environments.drone.scripted_flights import ScriptedFlights
from environments.registration import environment_id
from environments.single import SingleEnv
from environments.streams import Streams
from environments.task import Task
from environments.typed_options import UsageError

NAME = "drone-obstacles-physics"
AHEAD, BACK, LEFT, RIGHT = (np.array(heading) for heading in ([0, 1, 0], [0, -1, 0], [-1, 0, 0], [1, 0, 0]))
#: nothing in the way from the start along y
FREE = Task("free", {"goal": (3.5, 10.5), "obstacle": (4.0, 5.0)})
#: the obstacle in front of the start
BLOCKED = Task("blocked", {"goal": (3.5, 10.5), "obstacle": (2.0, 4.0)})


def make_batch(tasks, trajectories=1, options=""):
    suite = make_suite(f"{NAME}[{options}]" if options else NAME)
    batch = suite.make_batch(len(tasks), trajectories)
    batch.set_tasks(tasks)
    batch.reset(seed=0)
    return batch


def fly(batch, heading, decisions):
    """The last step's outcome of flying one way, `decisions` times or until everybody's episode ended."""
    for _ in range(decisions):
        outcome = batch.step(np.tile(heading, (batch.num_envs, 1)))
        if not batch.alive.any():
            break
    return outcome


def random_headings(decisions, count):
    angle = Streams(0).numpy("headings").uniform(0, 2 * np.pi, (decisions, count))
    return np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=-1)


def test_the_tasks_and_spaces_are_the_kinematic_suites():
    physics, kinematic = make_suite(NAME), make_suite("drone-obstacles")
    assert physics.split.digest == kinematic.split.digest
    assert physics.observation_space == kinematic.observation_space
    assert physics.action_space == kinematic.action_space
    assert (physics.horizon, physics.discount, physics.metric) == (200, 0.99, "success")


def test_it_passes_gymnasiums_own_check():
    env = gymnasium.make(environment_id(NAME))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*infinity.*")
        check_env(env.unwrapped)


def test_the_model_has_the_vehicles_numbers():
    model = load_quadrotor(Arena())
    assert model.body("drone").mass == model.body("drone").subtreemass == 1.477
    np.testing.assert_allclose(model.body("drone").inertia, [0.01152, 0.01152, 0.0218])
    np.testing.assert_allclose(2 * model.geom("hull").size, [0.52, 0.52, 0.11])
    assert model.actuator("thrust").ctrlrange.tolist() == [0, 30]
    for axis, proportional, derivative in (("roll", 10, 5), ("pitch", 10, 5), ("yaw", 2, 1)):
        servo, inertia = model.actuator(axis), {"yaw": 0.0218}.get(axis, 0.01152)
        assert servo.gaintype == mujoco.mjtGain.mjGAIN_PID
        np.testing.assert_allclose(servo.biasprm[1:3], [-proportional * inertia, -derivative * inertia])


def test_straight_flight_ends_each_step_within_a_centimetre_of_the_kinematic_one():
    angles = np.linspace(0.2, np.pi - 0.2, 12)
    headings = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    # from the far corner of a hall where nothing is met
    batch = make_batch(
        [Task("far", {"goal": (3.5, 10.5), "obstacle": (0.0, 4.0)})], 12, "width=30,length=30,start=15:7"
    )
    misses, heights = [], []
    for decision in range(1, 61):
        batch.step(headings)
        misses.append(np.linalg.norm(batch.positions - ([15, 7] + 0.1 * decision * headings[:, :2]), axis=1))
        heights.append(np.abs(batch.heights - 1.0))
    assert batch.alive.all()
    assert np.mean(misses) < 0.01 and np.max(misses) < 0.02 and np.mean(misses[10:]) < 0.005
    assert np.max(heights) < 0.02


def test_random_headings_end_each_step_within_five_centimetres_of_the_kinematic_one():
    batch = make_batch([FREE], 30, "width=30,length=30,start=20:15")
    expected, misses, steps, heights = batch.positions, [], [], []
    for heading in random_headings(40, 30):
        begin = batch.positions
        batch.step(heading)
        expected = expected + 0.1 * heading[:, :2]
        misses.append(np.linalg.norm(batch.positions - expected, axis=1))
        steps.append(np.linalg.norm(batch.positions - begin - 0.1 * heading[:, :2], axis=1))
        heights.append(np.abs(batch.heights - 1.0))
    assert np.mean(misses) < 0.03, "off the path of the kinematic drone under the same headings"
    assert np.mean(steps) < 0.05, "off the kinematic step from where the decision found the drone"
    assert np.max(heights) < 0.02


def test_verdicts_agree_with_the_kinematic_suites():
    verdicts = {}
    for name in (NAME, "drone-obstacles"):
        suite = make_suite(name)
        batch = suite.make_batch(50, 2)
        batch.set_tasks(suite.split.train)
        batch.reset(seed=0)
        flights = ScriptedFlights(suite.split.train, 2, suite.options, Streams(3))
        for decision in range(suite.horizon):
            *_, info = batch.step(flights.actions(batch.positions, decision))
            if not batch.alive.any():
                break
        verdicts[name] = info["success"]
    assert 0.5 < verdicts[NAME].mean() < 0.9
    assert (verdicts[NAME] == verdicts["drone-obstacles"]).mean() >= 0.95


def test_flying_into_the_obstacle_is_a_collision_by_contact():
    batch = make_batch([BLOCKED], options="shaping=sparse")
    _, reward, terminated, _, info = fly(batch, AHEAD, 60)
    assert terminated.all() and reward == -1 and not info["success"].any()
    assert 4 - 0.005 < batch.positions[0, 1] + 0.26 < 4.1, "the hull's front is at the obstacle's face"
    assert batch.elapsed == 28, "the kinematic drone's count: (4 - 0.26 - 1) / 0.1, rounded up"


@pytest.mark.parametrize(("gap", "hit"), [(0.02, False), (-0.03, True)])
def test_the_hull_decides_whether_a_pass_touches(gap, hit):
    beside = Task("beside", {"goal": (3.5, 10.5), "obstacle": (3.5 + 0.26 + gap, 4.0)})
    *_, terminated, _, info = fly(make_batch([beside]), AHEAD, 105)
    assert terminated.all() and info["success"].all() == (not hit)


def test_reaching_the_goal_earns_and_ends_as_in_the_kinematic_suite():
    batch = make_batch([FREE], options="shaping=sparse")
    kinematic = make_suite("drone-obstacles[shaping=sparse]").make_batch(1, 1)
    kinematic.set_tasks([FREE])
    kinematic.reset(seed=0)
    for env in (batch, kinematic):
        _, reward, terminated, _, info = fly(env, AHEAD, 200)
        assert terminated.all() and info["success"].all() and reward == 1
    assert abs(batch.elapsed - kinematic.elapsed) <= 1


def test_a_zero_action_hovers_in_place():
    batch = make_batch([FREE])
    observation, _, terminated, _, _ = fly(batch, 0 * AHEAD, 10)
    np.testing.assert_allclose(batch.positions, [[3.5, 1.0]], atol=1e-6)
    np.testing.assert_allclose(batch.heights, 1.0, atol=1e-6)
    np.testing.assert_allclose(observation, [[0, 1 / 6 - 1, 0]], atol=1e-6)
    assert not terminated.any()


def test_walls_stop_the_drone_without_reward():
    batch = make_batch([FREE], 2, "shaping=sparse")
    for _ in range(45):
        _, reward, terminated, _, _ = batch.step(np.stack([LEFT, RIGHT]))
    np.testing.assert_allclose(batch.positions[:, 0], [0.26, 6.74], atol=0.01)
    assert not terminated.any() and not reward.any()
    fly(batch, AHEAD, 10)
    np.testing.assert_allclose(batch.positions[:, 1], 2.0, atol=0.02)


def test_the_drone_stays_level_however_it_flies_against_walls():
    batch = make_batch([FREE], 40, "inflate=0,terminal=false")
    towards, noise = np.linspace(-0.2, np.pi, 40)[:, None], Streams(2).numpy("noise")
    touched, contacts = 0, batch._batch.bind("ncon")
    for _ in range(80):
        angle = -towards + 0.5 * noise.standard_normal((40, 1))
        batch.step(np.concatenate([np.cos(angle), np.sin(angle), 0 * angle], axis=1))
        touched += int((contacts > 0).sum())
        assert np.abs(batch.heights - 1).max() < 0.02 and np.abs(batch._qpos[:, 4:6]).max() < 0.1
    assert touched > 20, "the test is about contacts"
    assert batch.positions.min() > 0.25 and batch.positions[:, 0].max() < 6.75


def test_touching_a_wall_is_a_crash_where_the_option_says_so():
    batch = make_batch([FREE], options="shaping=sparse,walls=crash")
    _, reward, terminated, _, _ = fly(batch, LEFT, 60)
    assert terminated.all() and reward == -1
    np.testing.assert_allclose(batch.positions[0, 0], 0.26, atol=0.05)


def test_an_obstacle_that_does_not_end_the_episode_is_not_flown_through():
    batch = make_batch([BLOCKED], options="terminal=false,shaping=sparse")
    rewards = [fly(batch, AHEAD, 1)[1][0] for _ in range(60)]
    assert batch.alive.all() and min(rewards) == -1 and batch.positions[0, 1] < 4
    assert np.isfinite(batch._qpos).all() and batch.heights[0] > 0
    batch = make_batch([FREE], options="terminal=false")
    *_, info = fly(batch, AHEAD, 100)
    assert batch.alive.all() and info["success"].all()


def test_an_environment_flies_the_same_alone_and_among_others_bit_for_bit():
    tasks = make_suite(NAME).split.train[:25]
    batch = make_batch(tasks, 2)
    actions = random_headings(12, 50)
    outcomes = [batch.step(action) for action in actions]
    for index in (0, 17, 49):
        single = SingleEnv(NAME, task=tasks[index // 2])
        single.reset(seed=1)
        for action, (observation, reward, terminated, _, _) in zip(actions, outcomes, strict=True):
            alone = single.step(action[index])
            np.testing.assert_array_equal(alone[0], observation[index])
            assert alone[1] == reward[index] and alone[2] == terminated[index]


def test_a_used_batch_given_other_tasks_equals_a_fresh_one_bit_for_bit():
    split = make_suite(NAME).split
    used, fresh = make_batch(split.train[:3], 2), make_batch(split.test[:3], 2)
    actions = random_headings(10, 6)
    for action in actions:
        used.step(action)
    used.set_tasks(split.test[:3])
    used.reset(seed=5)
    for action in actions:
        for one, two in zip(used.step(action)[:4], fresh.step(action)[:4], strict=True):
            np.testing.assert_array_equal(one, two)


def test_finished_episodes_stay_put_and_are_not_simulated():
    batch = make_batch([BLOCKED, FREE])
    fly(batch, AHEAD, 30)
    assert batch.alive.tolist() == [False, True]
    last, time = batch.positions[0], batch._batch.bind("time")
    stopped = time[0]
    _, reward, terminated, _, _ = fly(batch, AHEAD, 5)
    np.testing.assert_array_equal(batch.positions[0], last)
    assert time[0] == stopped and time[1] == pytest.approx(35 * 0.5)
    assert reward[0] == 0 and terminated[0]


def test_meta_training_runs_on_the_kinematic_suite_of_the_same_options_by_default():
    suite = make_suite(f"{NAME}[horizon=150,step_length=0.2,shaping=sparse]")
    assert suite.training_suite.full_name == "drone-obstacles[horizon=150,step_length=0.2,shaping=sparse]"
    assert suite.training_suite.split.digest == suite.split.digest
    itself = make_suite(f"{NAME}[train_dynamics=physics]")
    assert itself.training_suite is itself


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("step_length=1.5", "step_length must be at most 1, .* got 1.5$"),
        ("train_dynamics=gazebo", "train_dynamics='gazebo' is not valid: must be one of kinematic, physics$"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(UsageError, match=message):
        make_suite(f"{NAME}[{options}]")


def test_commands_keep_the_vehicles_limits_however_far_the_path():
    control, controls = FlightControl(3, height=1.0), np.zeros((3, 7))
    qpos = np.tile([0.0, 0, 0, 1, 0, 0, 0], (3, 1))
    qpos[:, 2] = (-50, 1, 50)
    place = np.array([[100.0, 100], [0, 0], [-100, 3]])
    control.command(qpos, np.zeros((3, 6)), place, np.zeros((3, 2)), controls)
    roll, pitch, thrust = controls[:, 0], controls[:, 2], controls[:, 6]
    np.testing.assert_allclose(np.hypot(roll, pitch), [MAX_TILT, 0, MAX_TILT])
    assert pitch[0] > 0 > roll[0], "nose down along x, right side down along -y"
    assert thrust[1] == pytest.approx(1.477 * GRAVITY) and (thrust >= 0).all() and (thrust <= MAX_THRUST).all()
    assert thrust[0] == pytest.approx(1.477 * (5 * MAX_CLIMB + GRAVITY))


def test_long_steps_are_flown_at_most_at_full_speed():
    batch = make_batch([FREE], options="width=60,length=60,start=30:8,step_length=1")
    speeds = []
    for _ in range(10):
        fly(batch, AHEAD, 1)
        speeds.append(np.hypot(*batch._qvel[0, :2]))
    assert 1.9 < max(speeds) < MAX_SPEED * 1.05
    np.testing.assert_allclose(
        limited(np.array([[3.0, 4.0], [0.3, 0.4], [0, 0]]), 2.0), [[1.2, 1.6], [0.3, 0.4], [0, 0]]
    )


def test_every_option_of_the_kinematic_suite_is_one_of_the_physics():
    shared = {field.name for field in dataclasses.fields(make_suite("drone-obstacles").options)}
    own = {field.name for field in dataclasses.fields(make_suite(NAME).options)}
    assert own - shared == {"train_dynamics"} and not shared - own

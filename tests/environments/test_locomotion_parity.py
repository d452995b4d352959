"""The batch against gymnasium's own v5 environments, stepped one by one with the same controls."""

from dataclasses import dataclass
from operator import attrgetter

import gymnasium
import mujoco
import numpy as np
import pytest

from environments.catalogue import make_suite
from environments.locomotion import robots
from environments.locomotion.dynamics import BASES, DynamicsSuite
from environments.streams import Streams
from environments.task import Task

STEPS = 100
GYMNASIUM = {
    robots.HALF_CHEETAH: "HalfCheetah-v5",
    robots.ANT: "Ant-v5",
    robots.HOPPER: "Hopper-v5",
    robots.WALKER2D: "Walker2d-v5",
    robots.SWIMMER: "Swimmer-v5",
    robots.HUMANOID: "Humanoid-v5",
}
ENDING = {robots.ANT, robots.HOPPER, robots.WALKER2D, robots.HUMANOID}


def gymnasium_env(robot, *, with_position=False):
    """Gymnasium's environment of the robot, never ending, without contact forces in its observation."""
    options = {"exclude_current_positions_from_observation": not with_position}
    if robot in ENDING:
        options["terminate_when_unhealthy"] = False
    if robot in (robots.ANT, robots.HUMANOID):
        options["include_cfrc_ext_in_observation"] = False
    with robots.settotalmass_deprecation_silenced():
        return gymnasium.make(GYMNASIUM[robot], disable_env_checker=True, **options).unwrapped


def perturbed_suite(on, options):
    """A suite of random dynamics of any robot."""

    class Perturbed(DynamicsSuite):
        robot = on
        name = "perturbed"
        horizon = STEPS

    return Perturbed(Perturbed.Options(**options))


def perturb(env, task):
    """Give a gymnasium environment the task's masses, inertias, friction and damping."""
    for field, base in BASES.items():
        values = getattr(env.model, field)
        values[:] = values * base ** np.reshape(task.parameters[field], values.shape)
    mujoco.mj_setConst(env.model, mujoco.MjData(env.model))


def controls_of(suite, actions):
    """What the suite sends to the motors, by the documented rule."""
    low, high = robots.load_model(suite.robot).actuator_ctrlrange.T
    return np.clip(actions / (suite.options.action_scale / high), low, high)


@pytest.mark.parametrize("robot", GYMNASIUM, ids=GYMNASIUM.values())
def test_twelve_robots_with_their_own_models_move_as_gymnasium_moves_each(robot):
    suite = perturbed_suite(robot, {"terminate": False, "log_scale": 1.0})
    draw = Streams(3).numpy("tasks")
    unperturbed = Task("nominal", {field: [0.0] * getattr(robots.load_model(robot), field).size for field in BASES})
    tasks = [unperturbed, *(suite.draw_task(draw, f"task-{index}") for index in range(5))]
    batch = suite.make_batch(6, 2)
    batch.set_tasks(tasks)
    observation, _ = batch.reset(seed=1)
    qpos, qvel = batch.state
    actions = 12 * draw.standard_normal((STEPS, 12, *suite.action_space.shape))

    seen = [observation, *(batch.step(action)[0] for action in actions)]

    unhealthy = 0
    for index in range(12):
        env = gymnasium_env(robot)
        if index >= 2:
            perturb(env, tasks[index // 2])
        env.reset(seed=0)
        env.set_state(qpos[index], qvel[index])
        np.testing.assert_array_equal(seen[0][index], env._get_obs())
        for step, control in enumerate(controls_of(suite, actions[:, index])):
            expected = env.step(control)[0]
            np.testing.assert_array_equal(seen[step + 1][index], expected, err_msg=f"robot {index}, step {step}")
        unhealthy += robot in ENDING and not env.is_healthy
    assert unhealthy or robot not in ENDING, "the controls should have felled some robot, or no fall was compared"


@pytest.mark.parametrize("robot", sorted(ENDING, key=attrgetter("file")), ids=attrgetter("file"))
def test_episodes_end_exactly_when_gymnasium_says_unhealthy(robot):
    suite = perturbed_suite(robot, {"terminate": True, "log_scale": 0.5})
    draw = Streams(4).numpy("tasks")
    tasks = [suite.draw_task(draw, f"task-{index}") for index in range(4)]
    batch = suite.make_batch(4, 3)
    batch.set_tasks(tasks)
    batch.reset(seed=2)
    qpos, qvel = batch.state
    qpos[:, robot.height_index] += draw.uniform(-0.1, 0.5, size=12)  # some are dropped, some begin outside the range
    batch.set_state(qpos, qvel)
    actions = 12 * draw.standard_normal((STEPS, 12, *suite.action_space.shape))

    flags = np.array([batch.step(action)[2] for action in actions])

    for index in range(12):
        env = gymnasium_env(robot)
        perturb(env, tasks[index // 3])
        env.reset(seed=0)
        env.set_state(qpos[index], qvel[index])
        ended = False
        for step, control in enumerate(controls_of(suite, actions[:, index])):
            if not ended:
                env.step(control)
                ended = not env.is_healthy
            assert flags[step, index] == ended
    assert flags[-1].any() and not flags[0].all()


@pytest.mark.parametrize("robot", sorted(ENDING, key=attrgetter("file")), ids=attrgetter("file"))
def test_a_state_is_healthy_exactly_when_gymnasium_says_so(robot):
    env, draw = gymnasium_env(robot), Streams(8).numpy("states")
    qpos = env.model.qpos0 + 0.2 * draw.standard_normal((300, env.model.nq))
    qvel = 50 * draw.standard_normal((300, env.model.nv))
    healthy = robot.healthy(qpos, qvel, robot.height)
    for index in range(300):
        env.data.qpos[:], env.data.qvel[:] = qpos[index], qvel[index]
        assert healthy[index] == env.is_healthy
    assert 30 < healthy.sum() < 300


class TouchedTwin:
    """One simulation of the robot that reads the contact forces where the suites document it; zeros elsewhere."""

    def __init__(self, robot, qpos, qvel):
        self.frame_skip = robot.frame_skip
        self.model = robots.load_model(robot, contact_forces=robot in (robots.ANT, robots.HUMANOID))
        self.data = mujoco.MjData(self.model)
        self.data.qpos[:], self.data.qvel[:] = qpos, qvel
        mujoco.mj_forward(self.model, self.data)

    def step(self, control):
        self.data.ctrl[:] = control
        mujoco.mj_step(self.model, self.data, self.frame_skip)
        return self.data.cfrc_ext.copy()


@dataclass
class Moment:
    """What a reward may depend on, from gymnasium's state and info after one step."""

    info: dict
    control: np.ndarray
    torso: np.ndarray
    start: np.ndarray
    forces: np.ndarray  # cfrc_ext at the last substep's start

    @property
    def effort(self):
        return sum(float(u) ** 2 for u in self.control)

    @property
    def velocity(self):
        return np.array([self.info["x_velocity"], self.info["y_velocity"]])

    @property
    def ant_contact(self):
        return 5e-4 * sum(min(max(float(f), -1.0), 1.0) ** 2 for f in self.forces.flat)

    def near(self, goal):
        return bool(np.hypot(*(self.torso - np.array(goal))) <= 0.8)

    def goal_distance(self, goal):
        return sum(abs(float(x) - g) for x, g in zip(self.torso, goal, strict=True))


def tracking(moment, task):
    return -abs(moment.info["x_velocity"] - task["velocity"])


def heading(moment, task):
    return task["direction"] * moment.info["x_velocity"]


def along(moment, task):
    return np.cos(task["angle"]) * moment.velocity[0] + np.sin(task["angle"]) * moment.velocity[1]


def sparse(moment, task):
    initial = sum(abs(float(x) - g) for x, g in zip(moment.start, task["goal"], strict=True))
    return -moment.goal_distance(task["goal"]) if moment.near(task["goal"]) else -initial


REWARDS = {
    "half-cheetah-velocity": lambda m, t: tracking(m, t) - 0.05 * m.effort,
    "half-cheetah-direction": lambda m, t: heading(m, t) - 0.05 * m.effort,
    "ant-velocity": lambda m, t: tracking(m, t) + 1.05 - 0.005 * m.effort - m.ant_contact,
    "ant-direction": lambda m, t: heading(m, t) + 1 - 0.5 * m.effort - m.ant_contact,
    "ant-direction-2d": lambda m, t: along(m, t) + 1 - 0.5 * m.effort - m.ant_contact,
    "ant-goal": lambda m, t: -m.goal_distance(t["goal"]) - 0.1 * m.effort - m.ant_contact,
    "ant-goal-gmps": lambda m, t: -m.goal_distance(t["goal"]) + 4 - 0.005 * m.effort - m.ant_contact,
    "ant-goal-sparse": lambda m, t: sparse(m, t) + 4 - 0.005 * m.effort - m.ant_contact,
    "hopper-velocity": tracking,
    "walker2d-velocity": tracking,
    "walker2d-direction": lambda m, t: heading(m, t) + 1 - 1e-3 * m.effort,
    "swimmer-velocity": tracking,
    "humanoid-direction": lambda m, t: (
        1.25 * along(m, t) + 5 - 0.1 * m.effort - min(5e-7 * float(np.square(m.forces).sum()), 10.0)
    ),
    "hopper-params": lambda m, t: m.info["x_velocity"] + 1 - 1e-3 * m.effort,
    "walker2d-params": lambda m, t: m.info["x_velocity"] + 1 - 1e-3 * m.effort,
}


@pytest.mark.parametrize("name", REWARDS)
def test_rewards_equal_the_formula_on_gymnasiums_own_state(name):
    suite = make_suite(name)
    steps, tasks = 40, suite.split.train[:3]
    batch = suite.make_batch(len(tasks), 1)
    batch.set_tasks(tasks)
    batch.reset(seed=6)
    qpos, qvel = batch.state
    draw = Streams(7).numpy("actions", 0)
    if suite.observes_position:  # one leaves the goal's surroundings, one reaches them, one stays away
        goals = np.array([task.parameters["goal"] for task in tasks])
        qpos[:, :2] = goals + np.array([[0.0, 0.5], [0.0, -0.85], [3.0, 0.0]])
        qvel[:2, 1] = 4.0
        batch.set_state(qpos, qvel)
    actions = 6 * draw.standard_normal((steps, len(tasks), *suite.action_space.shape))
    outcomes = [batch.step(action) for action in actions]

    nearness = set()
    for index, task in enumerate(tasks):
        env = gymnasium_env(suite.robot, with_position=suite.observes_position)
        if name.endswith("-params"):
            perturb(env, task)
        env.reset(seed=0)
        env.set_state(qpos[index], qvel[index])
        touched = TouchedTwin(suite.robot, qpos[index], qvel[index])
        start = env.data.body(1).xpos[:2].copy()
        succeeded = False
        for step, control in enumerate(controls_of(suite, actions[:, index])):
            observation, _, _, _, info = env.step(control)
            moment = Moment(info, control, env.data.body(1).xpos[:2].copy(), start, touched.step(control))
            seen, reward, terminated, _, seen_info = outcomes[step]
            np.testing.assert_array_equal(seen[index], observation)
            assert reward[index] == pytest.approx(REWARDS[name](moment, task.parameters), abs=1e-12, rel=0)
            if suite.observes_position:
                succeeded |= moment.near(task.parameters["goal"])
                nearness.add(moment.near(task.parameters["goal"]))
            assert seen_info["success"][index] == succeeded
            if terminated[index]:
                break
    assert nearness == ({True, False} if suite.observes_position else set())


@pytest.mark.parametrize("name", ["half-cheetah-velocity", "ant-goal", "hopper-params", "swimmer-velocity"])
def test_a_seed_gives_gymnasiums_own_initial_state(name):
    suite = make_suite(name)
    batch = suite.make_batch(1, 1)
    batch.set_tasks(suite.split.test[:1])
    env = gymnasium_env(suite.robot, with_position=suite.observes_position)
    if name == "hopper-params":
        perturb(env, suite.split.test[0])
    np.testing.assert_array_equal(batch.reset(seed=11)[0][0], env.reset(seed=11)[0])

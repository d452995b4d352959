"""The locomotion suites as declared: names, options, spaces, task distributions and committed splits."""

import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest

from environments import make_splits
from environments.catalogue import make_suite
from environments.make_splits import make_split
from environments.splits import NAMES, check_distinct
from environments.streams import Streams
from environments.typed_options import UsageError

# a committed split never changes: a digest here may be added, never edited
DIGESTS = {
    "half-cheetah-direction": "b6f7592d080010c6857a344a951a6bf4c58107b5645aeea5eb749fb029285113",
    "ant-direction": "b6f7592d080010c6857a344a951a6bf4c58107b5645aeea5eb749fb029285113",
    "walker2d-direction": "b6f7592d080010c6857a344a951a6bf4c58107b5645aeea5eb749fb029285113",
    "hopper-params": "f4d8b911e074cbe77e8096b26afad88aecaada08c0d130234060e16e2c9f0947",
    "walker2d-params": "f8a8d742063d9401e4983dc59ab57a51bf728dacd2d7639b8aef15922a0be3dd",
    "ant-goal": "6706756b5b19f3ad05393d193b42efa8cfeefdb47b96ed17e2c5c91c1e5f0298",
    "ant-goal-gmps": "6b2198ccf25d543fbfaf4b37208f1924a4529df2d4a2281706ff591ef4593723",
    "ant-goal-sparse": "f81e26beb279198ab4ff72b5ad6c9367cc8bafcaef890bcbc86d664dbfa468aa",
    "ant-direction-2d": "31f6f7e4a560eaf0f93104ab5c59abb08fb13b4a9c20918e5ecc5d1a52bb6b0e",
    "humanoid-direction": "db1de3fd679d11e7e3e573a4bbe51b8b5f4652b209259ce359b236d33a869661",
    "half-cheetah-velocity": "ed7cffbfb713e86f5ad603e822efa87c7da82a125432c5904bdd05117da01657",
    "ant-velocity": "e6543b8b7c177003bc2b8c87e654062d511bb47e78d878057cd62e00e6a38843",
    "hopper-velocity": "298502d90f02a85622440ebd5601ed78bd39d9bdefad0da0c17a4c9b911695cc",
    "walker2d-velocity": "7eb05170a8d046d48abfcb32043dc3b856f188d2fab968f8d39d144dfc3ee68f",
    "swimmer-velocity": "e3efc19165bbc3feed3a3eb65a61201bd4436e99bbe2cffb45bf7a8d77b78c36",
}
SHARED = {"half-cheetah-direction", "ant-direction", "walker2d-direction"}

ALL = {"horizon": None, "discount": None, "train_tasks": "split", "action_scale": 10.0, "normalise_observations": False}
ANT = {**ALL, "contact_cost": 5e-4, "height_range": (0.2, 1.0)}
OPTIONS = {
    "half-cheetah-velocity": {**ALL, "control_cost": 0.05, "velocity_range": (0.0, 2.0)},
    "half-cheetah-direction": {**ALL, "control_cost": 0.05},
    "ant-velocity": {**ANT, "control_cost": 0.005, "terminate": False, "velocity_range": (0.0, 3.0)},
    "ant-direction": {**ANT, "control_cost": 0.5, "terminate": True},
    "ant-direction-2d": {**ANT, "control_cost": 0.5, "terminate": True},
    "ant-goal": {**ANT, "control_cost": 0.1, "terminate": False, "goal_radius": 3.0, "goals": "square"},
    "ant-goal-gmps": {**ANT, "control_cost": 0.005, "terminate": False, "goal_radius": 2.0},
    "ant-goal-sparse": {**ANT, "control_cost": 0.005, "terminate": False, "goal_radius": 2.0, "train_reward": "sparse"},
    "hopper-velocity": {**ALL, "control_cost": 0.0, "terminate": False, "velocity_range": (0.0, 2.0)},
    "walker2d-velocity": {**ALL, "control_cost": 0.0, "terminate": False, "velocity_range": (0.0, 2.0)},
    "walker2d-direction": {**ALL, "control_cost": 1e-3, "terminate": True},
    "swimmer-velocity": {**ALL, "control_cost": 0.0, "velocity_range": (0.1, 0.2)},
    "humanoid-direction": {
        **ALL,
        "control_cost": 0.1,
        "terminate": True,
        "contact_cost": 5e-7,
        "height_range": (1.0, 2.0),
    },
    "hopper-params": {**ALL, "control_cost": 1e-3, "terminate": True, "log_scale": 3.0},
    "walker2d-params": {**ALL, "control_cost": 1e-3, "terminate": True, "log_scale": 3.0},
}
#: in a suite's name at its defaults: what is not as in its older records
SHOWN = {"ant-velocity": {"terminate": "false"}}
OBSERVATIONS = {
    "half-cheetah": 17,
    "ant": 27,
    "ant-goal": 29,
    "hopper": 11,
    "walker2d": 17,
    "swimmer": 8,
    "humanoid": 270,
}


def test_the_suites_are_found_without_importing_them():
    program = (
        "import sys; from environments.catalogue import suites; found = suites();"
        "names = [n for n, f in found.items() if f.literals['family'] == 'locomotion'];"
        "assert all(f.literals['horizon'] == 200 and f.literals['metric'] == 'return' and f.summary"
        "           for f in found.values() if f.literals['family'] == 'locomotion');"
        "assert not {'mujoco', 'torch'} & set(sys.modules); print(*names)"
    )
    listed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert set(listed.split()) == set(OPTIONS)


@pytest.mark.parametrize("name", OPTIONS)
def test_options_and_their_defaults(name):
    suite = make_suite(name)
    assert asdict(suite.options) == OPTIONS[name]
    assert suite.full_name == named(name)


def named(name, **options):
    """The full name under these options and all that is always shown, in the order of the suite's fields."""
    shown = SHOWN.get(name, {}) | options
    values = [f"{option}={shown[option]}" for option in asdict(make_suite(name).options) if option in shown]
    return f"{name}[{','.join(values)}]" if values else name


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_at_another_value_shows_in_the_name_that_makes_the_same_suite(name):
    for option, default in OPTIONS[name].items():
        other = {
            "horizon": 7,
            "discount": 0.5,
            "train_tasks": "distribution",
            "goals": "disc",
            "train_reward": "dense",
        }.get(option)
        if other is None:
            other = not default if isinstance(default, bool) else "0.3:0.9" if isinstance(default, tuple) else 0.125
        suite = make_suite(f"{name}[{option}={other}]")
        assert suite.full_name == named(name, **{option: str(other).lower()})
        assert suite.digest != make_suite(name).digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("half-cheetah-velocity[velocity_range=2:1]", "velocity_range must be low:high with low < high, got 2:1"),
        ("half-cheetah-velocity[action_scale=0]", "action_scale must be above 0, got 0.0"),
        ("half-cheetah-velocity[terminate=true]", "no option 'terminate'"),
        ("ant-goal[goals=ring]", "must be one of square, disc"),
        ("ant-goal[goal_radius=-1]", "goal_radius must be above 0, got -1.0"),
        ("ant-direction[height_range=1:0]", "height_range must be low:high with low < high, got 1:0"),
        ("hopper-params[log_scale=0]", "log_scale must be above 0, got 0.0"),
    ],
)
def test_bad_options_are_named(text, message):
    with pytest.raises(UsageError, match=message):
        make_suite(text)


@pytest.mark.parametrize("name", OPTIONS)
def test_observations_have_gymnasiums_size_without_contact_forces(name):
    key = "ant-goal" if name.startswith("ant-goal") else next(robot for robot in OBSERVATIONS if name.startswith(robot))
    assert make_suite(name).observation_space.shape == (OBSERVATIONS[key],)


@pytest.mark.parametrize("name", OPTIONS)
def test_the_committed_split_never_changes(name):
    assert make_suite(name).split.digest == DIGESTS[name]


@pytest.mark.parametrize("name", OPTIONS)
def test_tasks_are_distinct_across_the_splits_unless_they_are_shared(name):
    split = make_suite(name).split
    assert split.shared == (name in SHARED)
    if split.shared:
        assert split.train == split.validation == split.test
        assert [task.parameters["direction"] for task in split.train] == [1.0, -1.0]
    else:
        assert [len(split.tasks(part)) for part in NAMES] == [50, 10, 20]
        check_distinct([task for part in NAMES for task in split.tasks(part)])


@pytest.mark.parametrize("name", OPTIONS)
def test_the_generator_draws_the_committed_split_again(name):
    assert make_split(make_suite(name)).digest == DIGESTS[name]


def test_the_generator_refuses_to_change_a_committed_split(tmp_path, monkeypatch, capsys):
    for module in ("environments.splits", "environments.make_splits"):
        monkeypatch.setattr(f"{module}.FOLDER", tmp_path)
    assert make_splits.main(["hopper-velocity"]) == 0
    written = (tmp_path / "hopper-velocity.json").read_bytes()
    assert make_splits.main(["hopper-velocity"]) == 0
    assert (tmp_path / "hopper-velocity.json").read_bytes() == written
    monkeypatch.setattr(make_splits, "make_split", lambda suite: make_split(suite, seed=1))
    assert make_splits.main(["hopper-velocity"]) == 2
    assert "committed splits never change" in capsys.readouterr().err
    assert (tmp_path / "hopper-velocity.json").read_bytes() == written


def drawn(text, count=300):
    suite, generator = make_suite(text), Streams(1).numpy("tasks")
    return [suite.draw_task(generator, f"task-{index}").parameters for index in range(count)]


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("half-cheetah-velocity", 0, 2),
        ("half-cheetah-velocity[velocity_range=0:3]", 0, 3),
        ("swimmer-velocity", 0.1, 0.2),
    ],
)
def test_velocities_fill_their_range(text, low, high):
    values = np.array([task["velocity"] for task in drawn(text)])
    assert low <= values.min() < low + 0.1 * (high - low) and high - 0.1 * (high - low) < values.max() <= high
    assert values.mean() == pytest.approx((low + high) / 2, abs=0.1 * (high - low))


def test_goals_fill_the_square_or_the_disc_or_the_quarter_circle():
    square, disc, ring = (
        np.array([task["goal"] for task in drawn(text)])
        for text in ("ant-goal", "ant-goal[goals=disc]", "ant-goal-sparse")
    )
    assert np.abs(square).max() <= 3 and np.linalg.norm(square, axis=1).max() > 3.5
    assert 2.8 < np.linalg.norm(disc, axis=1).max() <= 3
    np.testing.assert_allclose(np.linalg.norm(ring, axis=1), 2, atol=1e-5)
    assert (ring >= 0).all() and (ring < 0.2).any(axis=0).all()


def test_angles_fill_the_circle_and_directions_are_both_drawn():
    angles = np.array([task["angle"] for task in drawn("humanoid-direction")])
    assert 0 <= angles.min() < 0.2 and 2 * np.pi - 0.2 < angles.max() <= 2 * np.pi
    assert {task["direction"] for task in drawn("ant-direction")} == {-1.0, 1.0}


def test_every_element_of_every_dynamics_field_has_its_own_exponent():
    tasks = drawn("hopper-params")
    assert {field: len(values) for field, values in tasks[0].items()} == {
        "body_mass": 5, "body_inertia": 15, "geom_friction": 15, "dof_damping": 6,
    }  # fmt: skip
    for field in tasks[0]:
        values = np.array([task[field] for task in tasks])
        assert -3 <= values.min() < -2.9 and 2.9 < values.max() <= 3
        assert np.abs(np.corrcoef(values.T) - np.eye(values.shape[1])).max() < 0.3

"""Tasks as SDF worlds: well-formed, the suite's own geometry, and valid to libsdformat's checker."""

import shutil
import subprocess
from xml.etree import ElementTree

import numpy as np
import pytest

from environments.catalogue import make_suite
from environments.drone.sdf import main, world_sdf

#: the checker's command: Debian's, and that of Gazebo's own packages
CHECKER = shutil.which("ign") or shutil.which("gz")
SUITE = make_suite("drone-obstacles")


def models(text):
    """The world's models by name."""
    root = ElementTree.fromstring(text)
    assert (root.tag, root.get("version")) == ("sdf", "1.9")
    (world,) = root
    return {model.get("name"): model for model in world.iter("model")}


def numbers(element, path):
    return np.array([float(word) for word in element.find(path).text.split()])


def extent(model, kind="collision"):
    """Least and greatest corner of a model that is one box."""
    centre, size = numbers(model, "pose")[:3], numbers(model, f"link/{kind}/geometry/box/size")
    return centre - size / 2, centre + size / 2


@pytest.mark.parametrize("task", SUITE.split.test, ids=lambda task: task.id)
def test_obstacle_and_goal_stand_where_the_task_has_them(task):
    world = models(world_sdf(task, SUITE.options))
    low, high = extent(world["obstacle"])
    np.testing.assert_allclose(low, [*task.parameters["obstacle"], 0], atol=1e-9)
    np.testing.assert_allclose(high - low, [3, 1, 2], atol=1e-9)
    low, high = extent(world["goal"], "visual")
    np.testing.assert_allclose((low + high)[:2] / 2, task.parameters["goal"], atol=1e-9)
    np.testing.assert_allclose((high - low)[:2], [1, 1], atol=1e-9)
    assert low[2] >= 0 and world["goal"].find("link/collision") is None  # a mark on the ground that nothing touches


@pytest.mark.parametrize("options", ["", "[width=8,length=13]"])
def test_the_walls_inner_faces_bound_the_arena_without_a_gap(options):
    suite = make_suite(SUITE.name + options)
    world = models(world_sdf(suite.split.test[0], suite.options))
    (left, right, near, far) = (extent(world[f"wall_{side}"]) for side in ("left", "right", "near", "far"))
    faces = (left[1][0], near[1][1], right[0][0], far[0][1])
    np.testing.assert_allclose(faces, [0, 0, suite.options.width, suite.options.length], atol=1e-9)
    for wall in (near, far):
        np.testing.assert_allclose([wall[0][0], wall[1][0]], [0, suite.options.width], atol=1e-9)
    for wall in (left, right):
        np.testing.assert_allclose([wall[0][1], wall[1][1]], [near[0][1], far[1][1]], atol=1e-9)
    height = extent(world["drone"])[1][2]
    assert all(wall[0][2] == 0 and wall[1][2] > height + 1 for wall in (left, right, near, far))


def test_the_drone_is_an_ar_drone_at_the_start_and_all_else_is_fixed():
    suite = make_suite(f"{SUITE.name}[start=2:1.5,height=1.2]")
    world = models(world_sdf(suite.split.test[0], suite.options))
    drone = world["drone"]
    np.testing.assert_allclose(numbers(drone, "pose"), [2, 1.5, 1.2, 0, 0, 0])
    low, high = extent(drone)
    np.testing.assert_allclose(high - low, [0.52, 0.52, 0.11])
    inertia = [
        numbers(drone, f"link/inertial/inertia/{axes}")[0] for axes in ("ixx", "iyy", "izz", "ixy", "ixz", "iyz")
    ]
    assert (numbers(drone, "link/inertial/mass").tolist(), inertia) == ([1.477], [0.01152, 0.01152, 0.0218, 0, 0, 0])
    assert {name: model.findtext("static") for name, model in world.items()} == {
        name: "false" if name == "drone" else "true" for name in world
    }
    assert set(world) >= {"ground", "obstacle", "goal", "wall_left", "wall_right", "wall_near", "wall_far"}


def test_the_command_writes_one_world_per_task(tmp_path, capsys):
    assert main([SUITE.name, "test-00", "train-07", "--output", str(tmp_path / "worlds")]) == 0
    written = sorted(path.name for path in (tmp_path / "worlds").iterdir())
    assert written == ["drone-obstacles-test-00.sdf", "drone-obstacles-train-07.sdf"]
    assert [line.rsplit("/")[-1] for line in capsys.readouterr().out.splitlines()] == written
    text = (tmp_path / "worlds" / "drone-obstacles-train-07.sdf").read_text()
    assert text == world_sdf(SUITE.split.task("train", "train-07"), SUITE.options)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((SUITE.name, "test-00", "test-0x"), "suite drone-obstacles has no task 'test-0x'; did you mean"),
        (("corners", "corner-0"), "suite 'corners' has no drone; exported are tasks of drone-obstacles"),
        (("drone-obstacle", "test-00"), "drone-obstacle"),
    ],
)
def test_a_wrong_name_is_refused_in_one_line_and_nothing_is_written(arguments, message, tmp_path, capsys):
    assert main([*arguments, "--output", str(tmp_path / "worlds")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "worlds").exists()


def checked(path):
    """Exit status and output of libsdformat's checker."""
    done = subprocess.run([CHECKER, "sdf", "-k", str(path)], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.skipif(CHECKER is None, reason="libsdformat's checker is not installed; CI installs it")
def test_libsdformat_finds_ten_worlds_valid(tmp_path):
    names = [task.id for task in SUITE.split.test[:10]]
    assert main([SUITE.name, *names, "--output", str(tmp_path)]) == 0
    for path in sorted(tmp_path.iterdir()):
        status, output = checked(path)
        assert status == 0 and "Valid." in output and "Warning" not in output and "Error" not in output, output
    assert len(list(tmp_path.iterdir())) == 10


@pytest.mark.skipif(CHECKER is None, reason="libsdformat's checker is not installed; CI installs it")
@pytest.mark.parametrize(("right", "wrong"), [("<mass>1.477", "<mass>-1"), ("0.52 0.52 0.11", "wide 0.52 0.11")])
def test_libsdformat_finds_a_broken_world_invalid(tmp_path, right, wrong):
    text = world_sdf(SUITE.split.test[0], SUITE.options)
    assert right in text
    (tmp_path / "broken.sdf").write_text(text.replace(right, wrong))
    status, output = checked(tmp_path / "broken.sdf")
    assert status != 0 and "Error" in output

"""Pictures of drone flights: what is to be seen is where it should be; a missing OpenGL is said in one line."""

import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from environments.catalogue import make_suite
from environments.drone.arena import Arena
from environments.drone.pictures import ANIMATION_SIZE, SIZE, adapted_flight, flight_animation, flight_picture
from environments.drone.scripted_flights import ScriptedFlights
from environments.streams import Streams
from environments.task import Task
from environments.trajectories import TrajectoryBatch
from environments.typed_options import UsageError

TASK = Task("shown", {"goal": (5.0, 10.5), "obstacle": (3.0, 4.5)})
#: the overview looks along -x: y to the right, x towards the camera, so downwards in the picture
PATH = np.stack([np.full(91, 2.0), np.linspace(1.0, 10.0, 91), np.full(91, 1.0)], axis=1)


@pytest.fixture(scope="module", autouse=True)
def opengl():
    try:
        flight_picture(TASK, PATH[:1], size=(16, 16))
    except UsageError as error:
        if "no picture without OpenGL" in str(error):
            pytest.skip(str(error))
        raise


def pixels(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), dtype=int)


def where(image, colour):
    """Row and column of each pixel in which the channel 0, 1 or 2 clearly leads."""
    others = np.delete(image, colour, axis=2).max(axis=2)
    return np.argwhere(image[:, :, colour] > others + 60)


def test_a_picture_shows_obstacle_goal_path_and_drone():
    content = flight_picture(TASK, PATH)
    assert content.startswith(b"\x89PNG")
    image = pixels(content)
    assert image.shape == (SIZE[1], SIZE[0], 3)
    obstacle, goal, path = (where(image, colour) for colour in (0, 1, 2))
    assert min(len(obstacle), len(goal), len(path)) > 300
    assert path[:, 1].min() < obstacle[:, 1].min() < obstacle[:, 1].max() < goal[:, 1].min(), "from left to right"
    assert path[:, 1].max() > goal[:, 1].min() - 60, "the path reaches as far as the goal"
    dark = np.argwhere(image.max(axis=2) < 60)
    assert abs(dark[:, 1].mean() - path[:, 1].max()) < 30, "the drone is at the path's end"
    assert (path[:, 1].max() - path[:, 1].min()) > SIZE[0] / 2


def test_goal_and_obstacle_stand_where_the_task_has_them():
    def centres(goal, obstacle):
        image = pixels(flight_picture(Task("moved", {"goal": goal, "obstacle": obstacle}), PATH[:1]))
        return where(image, 1).mean(axis=0), where(image, 0).mean(axis=0)

    (goal, obstacle), (nearer, later) = centres((1.5, 10.0), (0.0, 4.0)), centres((5.5, 11.0), (4.0, 5.0))
    assert nearer[0] > goal[0] + 50 and nearer[1] > goal[1] + 20
    assert later[0] > obstacle[0] + 50 and later[1] > obstacle[1] + 20


def test_the_camera_on_board_sees_the_obstacle_ahead_and_the_same_picture_twice():
    ahead = np.array([[4.5, 1.0]])
    content = flight_picture(TASK, ahead, camera="front", size=(160, 100))
    image = pixels(content)
    red = where(image, 0)
    assert image.shape == (100, 160, 3)
    assert len(red) > 500 and abs(red[:, 1].mean() - 80) < 5 and not len(where(image, 2))
    assert flight_picture(TASK, ahead, camera="front", size=(160, 100)) == content


def test_positions_without_a_height_are_at_the_arenas():
    assert flight_picture(TASK, PATH[:5, :2], size=(160, 100)) == flight_picture(TASK, PATH[:5], size=(160, 100))
    higher = flight_picture(TASK, PATH[:5, :2], Arena(height=1.5), size=(160, 100))
    assert higher != flight_picture(TASK, PATH[:5], size=(160, 100))


def test_an_animation_grows_the_path_and_stays_small():
    content = flight_animation(TASK, PATH[::10])
    film = Image.open(io.BytesIO(content))
    assert film.format == "GIF" and film.size == ANIMATION_SIZE and film.n_frames == len(PATH[::10])
    assert len(content) < 1_000_000
    reach = []
    for frame in range(film.n_frames):
        film.seek(frame)
        blue = where(np.asarray(film.convert("RGB"), dtype=int), 2)
        reach.append(blue[:, 1].max() if len(blue) else 0)
    assert reach == sorted(reach) and reach[-1] > reach[0] + 200


@pytest.mark.parametrize("positions", [np.zeros((0, 2)), np.zeros(3), np.zeros((4, 5)), [[np.nan, 1.0]]])
def test_positions_of_another_shape_are_refused(positions):
    with pytest.raises(UsageError, match=r"positions must be finite, \[time, 2 or 3\] with at least one, got shape"):
        flight_picture(TASK, positions)


def flown(success):
    """An adapted batch [1 task, 2 trajectories] of which the second flies `PATH`'s first four positions."""
    suite = make_suite("drone-obstacles")
    observations = torch.zeros(1, 2, 12, 3)
    observations[0, 1, :4] = torch.from_numpy(suite.options.observe(PATH[:4]))
    mask = torch.ones(1, 2, 12)
    mask[0, 1, 4:] = 0
    zeros = torch.zeros(1, 2, 12)
    flags = torch.tensor([success])
    return suite.options, TrajectoryBatch(observations, zeros, zeros, mask, zeros, {}, flags, flags)


def test_a_run_keeps_the_first_successful_flight_of_the_first_task():
    options, batch = flown([False, True])
    kept = adapted_flight(options, [TASK], batch)
    assert set(kept) == {"flight.png", "flight.gif"}
    shown, expected = pixels(kept["flight.png"]), pixels(flight_picture(TASK, PATH[:4]))
    assert np.abs(shown - expected).max(axis=2).astype(bool).mean() < 0.001, "but for the rounding to float32"
    options, batch = flown([True, True])
    assert adapted_flight(options, [TASK], batch)["flight.png"] != kept["flight.png"]


def test_without_opengl_a_picture_is_refused_in_one_line_and_a_run_goes_on(monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setitem(sys.modules, "mujoco.egl", None)
    with pytest.raises(
        UsageError, match=r"no picture without OpenGL .*apt-get install libegl1 libgl1 libgl1-mesa-dri$"
    ) as raised:
        flight_picture(TASK, PATH)
    assert "\n" not in str(raised.value)
    options, batch = flown([True, True])
    with pytest.warns(RuntimeWarning, match="shown: no picture without OpenGL"):
        assert adapted_flight(options, [TASK], batch) == {}


def test_a_simulated_flight_is_shown_and_the_suite_imports_no_opengl():
    program = (
        "import sys, environments.drone.drone_obstacles_physics as physics;"
        "physics.DroneObstaclesPhysics().make_batch(1, 1);"
        "assert not {'OpenGL', 'PIL'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    suite = make_suite("drone-obstacles-physics")
    batch = suite.make_batch(1, 1)
    batch.set_tasks([TASK])
    batch.reset(seed=0)
    flights = ScriptedFlights([TASK], 1, suite.options, Streams(0), bad=0.0)
    path = [np.column_stack([batch.positions, batch.heights])[0]]
    while batch.alive.all():
        *_, info = batch.step(flights.actions(batch.positions, batch.elapsed))
        path.append(np.column_stack([batch.positions, batch.heights])[0])
    assert info["success"].all()
    image = pixels(flight_picture(TASK, np.array(path)))
    assert len(where(image, 2)) > 300

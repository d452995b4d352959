"""The Sawyer suites: Meta-World's models found and refused, tasks, that both can be solved, and what a camera sees."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gymnasium
import mujoco
import numpy as np
import pytest

from benchmarks.planning.plan import make_plan
from benchmarks.verification.plan import _departure
from environments.catalogue import make_suite
from environments.image_space import ImageBox
from environments.make_splits import make_split
from environments.off_screen import render_context
from environments.sawyer import camera
from environments.sawyer.assets import DIGESTS, FOLDER, VARIABLE, VERSION, WHEEL, digest_of, read_assets
from environments.sawyer.sawyer import SawyerBatch
from environments.splits import NAMES
from environments.suite import DataMissing
from environments.typed_options import UsageError
from tests.support.metaworld import needs_metaworld
from tests.support.sawyer_controllers import Opener, Pusher

ROOT = Path(__file__).parents[2]
SUITES = ("sawyer-push", "sawyer-door", "sawyer-push-vision")
PUSH = "sawyer_xyz/sawyer_push_v3.xml"
SPLITS = {
    "sawyer-push": "9e3daee212f359517783dbe266ce338c4f0498e1a3247a5d5a318fef56caa6b2",
    "sawyer-door": "1aea430c4c1a5d40ca7cef0137bb50dee5527b42c55d8ec4cd833774f093a394",
    "sawyer-push-vision": "276f623715b7cb17e03cf489bb8a22dddd68ebac76daf064096f1344e153b778",
}


def made(text: str, trajectories: int = 1, splits: tuple[str, ...] = ("train",)) -> tuple[SawyerBatch, np.ndarray]:
    """A batch of all tasks of the splits, and its first observation."""
    suite = make_suite(text)
    tasks = [task for name in splits for task in suite.split.tasks(name)]
    batch = suite.make_batch(len(tasks), trajectories)
    assert isinstance(batch, SawyerBatch)
    batch.set_tasks(tasks)
    return batch, batch.reset(seed=0)[0]


# without Meta-World's models


@pytest.mark.parametrize("name", SUITES)
def test_without_the_models_all_but_simulation_is_there_and_the_message_says_what_to_run(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    suite = make_suite(name)
    assert suite.observation_space.shape == ((9219,) if name.endswith("vision") else (6,))
    assert suite.action_space == gymnasium.spaces.Box(-1, 1, (3,))
    assert suite.digest == make_suite(name).digest
    assert suite.data_source is not None and "MIT" in suite.data_source
    for simulate in (suite.check_data, lambda: suite.make_batch(1, 1)):
        with pytest.raises(DataMissing, match=r"is not set.* MIT .*`pip download --no-deps metaworld=="):
            simulate()


def test_who_names_a_suite_without_its_models_is_told_and_a_benchmark_leaves_it_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(UsageError, match="METARL_METAWORLD is not set"):
        make_plan(suites=["sawyer-door"], algorithms=["promp"])
    plan = make_plan(benchmark="gmps", algorithms=["maml-trpo"])
    assert {spec.suite for spec in plan} == {"ant-goal-gmps", "ant-goal-sparse"}
    assert {(cell.suite, cell.algorithm) for cell in plan.left_out} == {(name, "every algorithm") for name in SUITES}
    assert all("pip download" in cell.reason for cell in plan.left_out)


def test_a_stored_run_is_not_made_again_where_its_models_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    (corners,) = make_plan(suites=["corners"], algorithms=["random-init"], seeds=1, profile="smoke")
    for suite, reason in (("corners", ""), ("sawyer-push", "METARL_METAWORLD is not set")):
        spec = replace(corners, suite=suite)
        stored: Any = SimpleNamespace(identity=spec.identity(), run={"provenance": {}})
        assert _departure(stored, spec, spec.identity()).startswith(reason)
        assert bool(_departure(stored, spec, spec.identity())) == bool(reason)


@pytest.mark.parametrize("content", [None, b"no wheel"])
def test_a_path_that_holds_no_models_is_named(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / WHEEL
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv(VARIABLE, str(path))
    with pytest.raises(UsageError, match=rf"METARL_METAWORLD={path} holds no {FOLDER}/{PUSH}.*pip download"):
        make_suite("sawyer-push").check_data()


def test_ci_downloads_the_version_whose_digests_are_known() -> None:
    assert f"metaworld=={VERSION}" in (ROOT / ".ci" / "run").read_text()
    assert WHEEL in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("name", SUITES)
def test_the_committed_split_never_changes_and_its_tasks_fill_their_range(name: str) -> None:
    suite = make_suite(name)
    assert suite.split.digest == make_split(suite).digest == SPLITS[name]
    assert [len(suite.split.tasks(part)) for part in NAMES] == [20, 20, 20]
    tasks = [task.parameters for part in NAMES for task in suite.split.tasks(part)]
    if name == "sawyer-door":
        angles = np.degrees([task["angle"] for task in tasks])
        assert 0 <= angles.min() < 6 and 54 < angles.max() <= 60
    else:
        low, high = np.array([-0.1, 0.7]), np.array([0.1, 0.8])
        goals = np.array([task["goal"] for task in tasks])
        assert (low <= goals).all() and (goals <= high).all()
        assert (np.ptp(goals, axis=0) > 0.85 * (high - low)).all()


def test_bad_options_are_named() -> None:
    with pytest.raises(UsageError, match="action_scale must be above 0, got 0"):
        make_suite("sawyer-push[action_scale=0]")
    with pytest.raises(UsageError, match="must be one of authors, printed"):
        make_suite("sawyer-door[reward=other]")


# with them


@needs_metaworld
def test_wheel_and_unpacked_folder_are_the_same_and_a_changed_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(os.environ[VARIABLE])
    if source.is_dir():
        shutil.copytree(source / FOLDER, tmp_path / FOLDER)
    else:
        with zipfile.ZipFile(source) as archive:
            archive.extractall(tmp_path)
    for model, digest in DIGESTS.items():
        files = read_assets(model)
        assert digest_of(files) == digest
        monkeypatch.setenv(VARIABLE, str(tmp_path))
        assert read_assets(model) == files
    mesh = tmp_path / FOLDER / "objects" / "meshes" / "xyz_base" / "l0.stl"
    mesh.write_bytes(mesh.read_bytes() + b"\0")
    with pytest.raises(UsageError, match=rf"{PUSH} is not that of Meta-World {VERSION} \(digest \w+, must be f7"):
        make_suite("sawyer-push").check_data()


@needs_metaworld
def test_a_puck_can_be_pushed_to_every_goal_within_the_horizon() -> None:
    batch, observation = made("sawyer-push", splits=NAMES)
    push = Pusher(batch.suite.hand, np.array([task.parameters["goal"] for task in batch.tasks]))
    earned = np.zeros(batch.num_envs)
    for _ in range(batch.horizon):
        observation, reward, _, truncated, info = batch.step(push(observation))
        earned += reward
        assert truncated.all() == info["success"].any()  # it is the end that counts
    assert info["success"].mean() >= 0.95
    # GMPS's own experts earned 616 and 676 on two of their tasks
    assert 500 < earned.mean() < 700


@needs_metaworld
def test_a_door_can_be_opened_to_every_angle_within_the_horizon() -> None:
    batch, observation = made("sawyer-door", splits=NAMES)
    angles = np.array([task.parameters["angle"] for task in batch.tasks])
    open_door = Opener(batch.suite.hand, angles)
    for _ in range(batch.horizon):
        observation, reward, _, _, info = batch.step(open_door(observation))
    assert info["success"].mean() >= 0.95
    held = info["success"]
    np.testing.assert_allclose(reward[held], 10 * angles[held], atol=1)


@needs_metaworld
def test_pushing_past_the_goal_is_no_success_though_the_puck_was_there() -> None:
    batch, _ = made("sawyer-push")
    near = np.zeros(batch.num_envs, dtype=bool)
    for _ in range(batch.horizon):
        observation, *_, info = batch.step(np.tile([0.0, 1.0, 0.0], (batch.num_envs, 1)))
        goals = np.array([task.parameters["goal"] for task in batch.tasks])
        near |= np.linalg.norm(observation[:, 3:5] - goals, axis=1) < 0.05
    assert near.any() and not info["success"].any()


@needs_metaworld
def test_actions_are_scaled_clipped_and_kept_within_the_hands_bounds() -> None:
    actions = np.random.default_rng(0).normal(0, 2, (10, 20, 3))
    ends = []
    for text, factor in (("sawyer-push", 1), ("sawyer-push[action_scale=10]", 10)):
        batch, _ = made(text)
        for action in actions:
            batch.step(np.clip(action, -1, 1) if factor == 1 else factor * action)
        ends.append(batch.state[0])
    np.testing.assert_allclose(ends[0], ends[1], rtol=0, atol=1e-9)
    batch, _ = made("sawyer-push")
    for _ in range(30):
        batch.step(np.tile([0.0, -1.0, -1.0], (20, 1)))
    np.testing.assert_array_equal(batch._target, np.tile([0.0, 0.4, 0.05], (20, 1)))


# pictures


@needs_metaworld
def test_a_picture_shows_the_puck_where_it_is_and_nothing_of_the_goal() -> None:
    batch, first = made("sawyer-push-vision")
    assert isinstance(batch.single_observation_space, ImageBox) and batch.observation_space.contains(first)
    assert (first == first[0]).all(), "tasks are seen to differ"
    push = Pusher(batch.suite.hand, np.array([task.parameters["goal"] for task in batch.tasks]))
    seen = first
    for _ in range(40):
        seen, *_ = batch.step(push(np.concatenate([seen[:, -3:], batch._object], axis=1)))
    pictures = seen[:, :-3].reshape(-1, *camera.IMAGE)
    np.testing.assert_array_equal(seen[:, -3:], batch._hand)
    # the puck is dark red: neither the arm's lighter red nor its black, and not wood
    red, green, blue = np.moveaxis(pictures, -1, 0)
    puck = (red > 0.2) & (red < 0.55) & (green < 0.05) & (blue < 0.05)
    rows, columns = np.mgrid[: camera.IMAGE[0], : camera.IMAGE[1]]
    places = np.stack([[grid[mask].mean() for mask in puck] for grid in (rows, columns)])
    # nearer the camera, lower in the picture; to the arm's right, further left in the picture
    assert np.corrcoef(places[0], batch._object[:, 1])[0, 1] > 0.8
    assert np.corrcoef(places[1], batch._object[:, 0])[0, 1] < -0.95


@needs_metaworld
def test_the_camera_sees_no_more_than_the_joints_and_the_same_each_time() -> None:
    batch, first = made("sawyer-push-vision")
    view = camera.open_camera(batch.suite.file)
    moved = batch.state[0][:3]
    moved[1:, 9] += 0.05
    pictures = view.pictures(moved)
    assert pictures.dtype == np.uint8 and pictures.shape == (3, *camera.IMAGE)
    np.testing.assert_array_equal(pictures[1], pictures[2])
    np.testing.assert_array_equal(pictures[0].ravel() / 255.0, first[0, :-3])
    assert (pictures[0] != pictures[1]).any()
    assert make_suite("sawyer-push-vision").describe() == {"renderer": view.renderer} and view.renderer


@needs_metaworld
def test_a_picture_is_the_same_after_another_model_was_drawn() -> None:
    batch, _ = made("sawyer-push-vision")
    view, joints = camera.open_camera(batch.suite.file), batch.state[0][:1]
    before = view.pictures(joints)
    with render_context(mujoco.MjModel.from_xml_string("<mujoco/>"), (16, 16)):
        np.testing.assert_array_equal(view.pictures(joints), before)
    np.testing.assert_array_equal(view.pictures(joints), before)


@needs_metaworld
def test_without_opengl_the_suite_is_refused_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    camera.open_camera.cache_clear()
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setitem(sys.modules, "mujoco.egl", None)
    with pytest.raises(UsageError, match=r"no picture without OpenGL .*apt-get install"):
        make_suite("sawyer-push-vision").check_data()

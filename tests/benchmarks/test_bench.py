"""`metarl bench`: the form of its measures, what `holds` means, and that both sides of a ratio do the same work."""

import dataclasses
import os
from functools import partial

import numpy as np
import pytest

from algorithms.random_init import RandomInit
from benchmarks.bench import everything, measure
from benchmarks.bench.collection import ROBOTS, closed_loop
from benchmarks.bench.cost import COSTS, gradient_based
from benchmarks.bench.iterations import Training
from benchmarks.bench.manipulation import arm_collection, physics_seconds
from benchmarks.bench.measure import Measure, Size
from benchmarks.bench.physics import BarePhysics
from environments.catalogue import make_suite
from environments.sawyer.assets import VARIABLE
from tests.support.metaworld import needs_metaworld

#: where Meta-World's models are
SAWYER = {
    "collection-sawyer-push": ">= 0.9",
    "collection-sawyer-door": ">= 0.9",
    "pictures-sawyer-push-vision": None,
}
TINY = Size(tasks=2, trajectories=2, horizon=4, repetitions=1)


def injected(*measures):
    """Parts that were measured beforehand."""
    return [partial(lambda taken: taken, taken) for taken in measures]


@pytest.fixture(scope="module")
def measured():
    """Every measure, of next to nothing: its numbers mean nothing."""
    return measure(everything(TINY), tell=lambda line: None)


def test_every_measure_has_the_form_that_the_command_prints(measured):
    for entry in measured:
        assert list(entry) == ["name", "value", "unit", "target", "holds"]
        assert isinstance(entry["name"], str) and isinstance(entry["unit"], str)
        assert isinstance(entry["value"], float) and np.isfinite(entry["value"]) and entry["value"] > 0
        assert (entry["target"] is None) == (entry["holds"] is None)
        assert entry["target"] is None or entry["target"].split()[0] in ("<=", ">=")


def test_the_designs_measures_are_there_once_with_its_targets(measured):
    targets = {entry["name"]: entry["target"] for entry in measured}
    assert len(targets) == len(measured)
    assert targets == {
        "list": "<= 1",
        "memory-promp-paper": "<= 2",
        "iteration-maml-trpo": "<= 1.5",
        "iteration-promp": "<= 1.25",
        "iteration-maml-vpg": "<= 1.3",
        "collection-half-cheetah": ">= 0.92",
        **{f"cost-{algorithm.name}": f"<= {COSTS[algorithm.name]:g}" for algorithm in gradient_based()},
        "share-bo-mrl-1-sampling": ">= 0.45",
        "share-bo-mrl-1-adaptation": None,
        "share-bo-mrl-1-hypergradient": "<= 0.2",
        "share-bo-mrl-1-outer-step": None,
        **{f"collection-{robot}": None for robot in ("ant", "hopper", "walker2d", "swimmer", "humanoid")},
        **{f"stepping-{suite}": ">= 300000" for suite in ("corners", "corners-momentum")},
        **{f"stepping-{suite}": ">= 300000" for suite in ("frozen-lake-high", "frozen-lake-low")},
        **{f"stepping-{suite}": ">= 300000" for suite in ("dow30-risk", "drone-obstacles")},
        "stepping-drone-obstacles-physics": ">= 3000",
        "stepping-dow30-risk-against-finrl": ">= 200",
        **(SAWYER if os.environ.get(VARIABLE) else {}),
    }


def test_the_cost_of_every_method_that_trains_by_gradients_is_measured():
    names = [algorithm.name for algorithm in gradient_based()]
    assert {"maml-trpo", "promp", "multi-task", "bo-mrl-1"} <= set(names)
    assert not {"maml-vpg", "random-init", "oracle"} & set(names)
    assert names == sorted(names)


def test_the_shares_of_a_meta_iteration_are_parts_of_one_whole(measured):
    shares = [entry["value"] for entry in measured if entry["name"].startswith("share-")]
    assert len(shares) == 4
    assert 0.5 < sum(shares) <= 1.001


@pytest.mark.parametrize(
    "bounds, value, target, holds",
    [
        ({"at_least": 0.92}, 0.92, ">= 0.92", True),
        ({"at_least": 0.92}, 0.919999, ">= 0.92", False),
        ({"at_most": 2.1}, 2.1, "<= 2.1", True),
        ({"at_most": 2.1}, 2.100001, "<= 2.1", False),
        ({"at_least": 300_000}, float("nan"), ">= 300000", False),
        ({}, 0.5, None, None),
    ],
)
def test_whether_a_measure_holds_follows_its_value_and_target(bounds, value, target, holds):
    (entry,) = measure(injected(Measure("speed", value, "steps/s", **bounds)), tell=lambda line: None)
    assert (entry["target"], entry["holds"]) == (target, holds)


def test_values_are_shown_with_four_digits():
    measures = measure(injected(Measure("a", 0.123456, "s"), Measure("b", 123456.0, "s")), tell=lambda line: None)
    assert [entry["value"] for entry in measures] == [0.1235, 123500.0]


def test_two_measures_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two measures are called 'speed'"):
        measure(injected(Measure("speed", 1.0, "s"), Measure("speed", 2.0, "s")), tell=lambda line: None)


def test_each_measure_is_told_as_soon_as_it_is_taken():
    lines = []
    measure(injected(Measure("a", 1.5, "s"), Measure("b", 2.5, "GiB")), tell=lines.append)
    assert lines == ["[1/2] a: 1.5 s", "[2/2] b: 2.5 GiB"]


def test_the_physics_of_a_whole_iteration_is_replayed_to_the_bit():
    training = Training(RandomInit, {}, TINY)
    tasks = training.collector.sample_tasks(TINY.tasks)
    adaptation = training.algorithm.adapt(tasks)
    batch = training.collector.collect(next(adaptation), tasks, TINY.trajectories)
    training.collector.collect(adaptation.send(batch), tasks, TINY.trajectories)
    first, second = training.collector.collections
    assert first.seed != second.seed
    assert not np.array_equal(first.end, second.end)
    physics = BarePhysics(training.suite, TINY.tasks * TINY.trajectories)
    for collection in (second, first):
        assert physics.seconds(collection) >= 0


def test_a_replay_that_ends_elsewhere_is_an_error():
    training = Training(RandomInit, {}, TINY)
    tasks = training.collector.sample_tasks(TINY.tasks)
    training.collector.collect(next(training.algorithm.adapt(tasks)), tasks, TINY.trajectories)
    (collection,) = training.collector.collections
    moved = dataclasses.replace(collection, actions=collection.actions + 1)
    with pytest.raises(RuntimeError, match=r"half-cheetah-velocity\[horizon=4\]: the replayed controls led to another"):
        BarePhysics(training.suite, TINY.tasks * TINY.trajectories).seconds(moved)


@pytest.mark.parametrize("robot", ROBOTS)
def test_every_robots_collection_is_replayed_past_a_fall(robot):
    """Long enough for the robots that could end early to do so, were they not told to go on."""
    size = Size(tasks=1, trajectories=4, horizon=400, repetitions=1)
    assert closed_loop(robot, size).value > 0


@needs_metaworld
@pytest.mark.parametrize("name", ["sawyer-push", "sawyer-door"])
def test_an_arms_collection_is_replayed_to_the_bit_and_another_is_an_error(name):
    assert arm_collection(name, Size(tasks=2, trajectories=2, horizon=40, repetitions=1)).value > 0
    suite = make_suite(f"{name}[horizon=5]")
    batch = suite.make_batch(1, 2)
    batch.set_tasks(suite.split.train[:1])
    with pytest.raises(RuntimeError, match=rf"{name}\[horizon=5\]: the replayed targets led to another state"):
        physics_seconds(batch, np.ones((2, 5, 3)), batch.state[0])

"""Estimates of time: which of the stored and shipped runs a run is expected to be like."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.commands import jobs
from benchmarks.commands.rates import rates
from benchmarks.planning.plan import make_plan
from benchmarks.specs.run_spec import RunSpec
from benchmarks.specs.time_estimates import Learned, learn_rates, passes
from results.store import Store
from results.tables import TIMING, write_table
from tests.support.metaworld import needs_metaworld
from tests.support.synthetic_runs import store_score

OLD = "a" * 64
SMOKE = 100.0  # seconds a step, of a run with so few that its fixed cost is all


def planned(
    profile: str, seeds: int = 1, *settings: str, cell: tuple[str, str] = ("frozen-lake-low", "promp")
) -> RunSpec:
    suite, algorithm = cell
    plan = make_plan(
        suites=[suite], algorithms=[algorithm], seeds=seeds, profile=profile, settings=settings, tuned=False
    )
    return list(plan)[-1]


def own_steps(spec: RunSpec) -> int:
    """Those of the budget that are not its parents'."""
    return spec.budget - sum(parent.budget for parent in spec.parent_runs.values())


def store_timed(spec: RunSpec, root: Path, rate: float, sampling: float = 0.0, waiting: float = 1.0) -> None:
    """The spec's run, made by older code, whose training took `rate` seconds a step, of which it sampled for some.

    waiting: how many times as long it stood on the clock, beside other work.
    """
    store_score(spec, root, 1.0, departing={"code": OLD})
    own = own_steps(spec)
    row = {"iteration": 1, "environment_steps": own, "process_seconds": rate * own}
    seconds = {"sampling_seconds": sampling * own * waiting, "wall_seconds": rate * own * waiting}
    timing = Store(root).folder({**spec.identity(), "code": OLD}).path / "timing.parquet"
    write_table(timing, [{**row, **seconds}], TIMING)


def rate(spec: RunSpec, learned: Learned) -> float:
    return spec.training_seconds(learned) / own_steps(spec)


def test_a_run_takes_what_the_closest_stored_ones_took(tmp_path: Path) -> None:
    """Its own configuration's before those of its profile, and these before those of its suite."""
    spec, store = planned("quick"), Store(tmp_path)
    guessed = rate(spec, {})
    store_timed(planned("smoke"), tmp_path, SMOKE)
    assert rate(spec, learn_rates(store.finished())) == pytest.approx(SMOKE) != guessed
    store_timed(planned("quick", 1, "promp.clip=0.17"), tmp_path, 10.0)
    assert rate(spec, learn_rates(store.finished())) == pytest.approx(10.0)
    store_timed(planned("quick", 3), tmp_path, 1.0)  # with seed 2
    assert rate(spec, learn_rates(store.finished())) == pytest.approx(1.0)
    assert rate(planned("smoke"), learn_rates(store.finished())) == pytest.approx(SMOKE)
    assert rate(replace(spec, suite="frozen-lake-high"), learn_rates(store.finished())) == guessed


def test_a_run_made_beside_other_work_is_expected_to_take_what_it_computed(tmp_path: Path) -> None:
    spec = planned("quick")
    store_timed(spec, tmp_path, 3.0, sampling=2.0, waiting=5.0)
    rates = set(learn_rates(Store(tmp_path).finished()).values())
    assert [(found.sampling, found.learning) for found in rates] == [pytest.approx((2.0, 1.0))]


def test_shipped_runs_of_the_configuration_go_before_stored_ones_of_another_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, here = planned("quick", 2), Store(tmp_path / "here")
    monkeypatch.setattr(jobs, "SHIPPED", tmp_path / "shipped")
    store_timed(planned("quick"), jobs.SHIPPED, 1.0)
    shipped = jobs.expected_seconds([spec], here)
    assert spec.budget < shipped[spec.label] < 2 * spec.budget
    store_timed(planned("smoke"), here.root, SMOKE)
    assert jobs.expected_seconds([spec], here) == shipped
    store_timed(planned("quick"), here.root, 2.0)  # this machine's own
    assert jobs.expected_seconds([spec], here)[spec.label] == pytest.approx(shipped[spec.label] + spec.budget)


def test_gmps_takes_longer_by_its_imitation_steps_and_by_the_trajectories_that_these_go_over(tmp_path: Path) -> None:
    """The sampling of what is stored stays; the paper's grid goes up to 2,000 steps, where profiles have 50."""

    def gmps(*options: str) -> RunSpec:
        settings = [f"gmps.{option}" for option in ("tasks=4", "trajectories=10", "demonstrations=10", *options)]
        return planned("quick", 1, *settings, cell=("corners", "gmps"))

    store_timed(gmps("imitation_steps=50"), tmp_path, rate=3.0, sampling=1.0)
    learned = learn_rates(Store(tmp_path).finished())
    assert rate(gmps("imitation_steps=50"), learned) == pytest.approx(3.0)
    assert rate(gmps("imitation_steps=2000"), learned) == pytest.approx(1.0 + 40 * 2.0)
    assert rate(gmps("imitation_steps=50", "step_tasks=1"), learned) == pytest.approx(1.0 + 2.0 / 4)
    assert rate(gmps("imitation_steps=50", "trajectories=20"), learned) == pytest.approx(1.0 + 2.0 * 0.75)
    few, many = (gmps(f"imitation_steps={steps}") for steps in (50, 500))
    assert rate(many, {}) > 5 * rate(few, {})


@needs_metaworld
def test_a_method_that_sees_by_camera_is_expected_to_learn_for_as_long_as_it_was_measured_to() -> None:
    """4.4 to 4.7 seconds an imitation step on 10 tasks, 50 of them on each sample of 10,000 steps; 7.7 ms for each step
    that MAML-TRPO learns from.  Drawing pictures takes 7 ms a step."""
    maml, gmps = make_plan("gmps", ["sawyer-push-vision"], ["maml-trpo", "gmps"], 1, "standard", tuned=False)
    (pushing,) = make_plan("gmps", ["sawyer-push"], ["gmps"], 1, "standard", tuned=False)
    options = gmps.configuration
    assert (options["imitation_steps"], options["step_tasks"]) == (50, 10)
    assert options["tasks"] * options["trajectories"] == 200
    assert rate(gmps, {}) == pytest.approx(7e-3 + 50 * 4.55 / 10_000, rel=0.1)
    assert rate(maml, {}) == pytest.approx(7e-3 + 7.7e-3, rel=0.1)
    assert rate(pushing, {}) < 1e-3


def test_what_took_no_step_where_it_is_solved_exactly_takes_no_time_there(tmp_path: Path) -> None:
    """A run with steps says more than those without."""
    lake, elsewhere = ("frozen-lake-low", "oracle"), ("corners", "oracle")
    store_score(planned("quick", cell=lake), tmp_path, 1.0, steps=0)
    learned = learn_rates(Store(tmp_path).finished())
    assert rate(planned("quick", cell=lake), learned) == rate(planned("standard", cell=lake), learned) == 0
    assert rate(planned("quick", cell=lake), {}) > 0
    assert rate(planned("quick", cell=elsewhere), learned) == rate(planned("quick", cell=elsewhere), {}) > 0
    store_timed(planned("smoke", cell=lake), tmp_path, SMOKE)
    assert rate(planned("standard", cell=lake), learn_rates(Store(tmp_path).finished())) == pytest.approx(SMOKE)


def test_shipped_oracles_of_lakes_are_expected_to_take_seconds() -> None:
    specs = [planned("quick", cell=(suite, "oracle")) for suite in ("frozen-lake-low", "frozen-lake-high")]
    expected = jobs.expected_seconds(specs, Store(Path("nowhere"), read_only=True))
    assert len(expected) == 2 and max(expected.values()) < 5


def test_the_middle_one_is_of_what_was_measured_and_learned_and_of_no_guess(tmp_path: Path) -> None:
    lake, store = "frozen-lake-low[horizon=7]", Store(tmp_path)
    for name, seconds in (("promp", 1.0), ("maml-vpg", 5.0), ("multi-task", 9.0)):
        store_timed(planned("quick", cell=(lake, name)), tmp_path, seconds)
    store_score(planned("quick", cell=(lake, "oracle")), tmp_path, 1.0, steps=0)
    new = [planned("quick", cell=(lake, name)) for name in ("maml-trpo", "e-maml-vpg", "dice-vpg")]
    learned, by = rates(new, store)
    assert set(by.values()) == {"as the middle one of 3 algorithms took there"} and len(by) == 3
    assert [learned[spec.names].seconds for spec in new] == [pytest.approx(5.0)] * 3
    other = planned("quick", cell=("frozen-lake-low[horizon=6]", "promp"))
    assert rates([other], store)[1] == {other.names: "a guess: nothing is stored of the suite"}
    store_timed(other, tmp_path, 2.0)
    second = replace(other, algorithm="maml-vpg")
    assert rates([second], store)[1] == {second.names: "as the one algorithm took there"}


def test_methods_without_such_options_take_as_long_as_they_did() -> None:
    assert passes("promp", planned("quick").configuration) == 1
    assert passes("gmps", {"tasks": 4}) == 1  # an algorithm of one's own that is called so

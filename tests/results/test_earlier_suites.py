"""Records of suites whose defaults have changed are shown with the option under which they were made."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.specs.run_spec import recorded_suite
from environments.catalogue import make_suite, suites
from results.earlier_suites import EARLIER_SUITES, earlier_cautions, shown_name
from results.store import Store
from tests.support.stored_runs import finished_run

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", suites())
def test_a_records_name_is_shown_as_what_it_stands_for(name: str) -> None:
    for options in ("", "horizon=7", "discount=0.5,train_tasks=distribution"):
        recorded = f"{name}[{options}]" if options else name
        assert shown_name(recorded) == recorded_suite(recorded).full_name
        today = make_suite(recorded)
        assert shown_name(today.recorded_name) == today.full_name
        assert shown_name(today.full_name) == today.full_name
        assert earlier_cautions(recorded) == recorded_suite(recorded).cautions
        assert earlier_cautions(today.full_name) == ()


def test_the_option_is_shown_in_its_place() -> None:
    for text in ("ant-velocity[velocity_range=0:2]", "ant-velocity[horizon=100,control_cost=0,contact_cost=0]"):
        assert shown_name(text) == recorded_suite(text).full_name
    assert shown_name("ant-velocity[velocity_range=0:2]") == "ant-velocity[terminate=true,velocity_range=0:2]"
    assert shown_name("dow30-risk") == "dow30-risk[tasks=thresholds]"
    assert shown_name("corners[horizon=50]") == "corners[horizon=50,reward=published]"


def test_every_suite_that_has_an_earlier_version_is_among_them() -> None:
    changed = {name: found.literals.get("earlier_versions") for name, found in suites().items()}
    first = {name: (f"{entry.option}={entry.value}",) for name, entry in EARLIER_SUITES.items()}
    assert {name: versions for name, versions in changed.items() if versions} == first


def test_a_stored_run_shows_the_option_and_its_caution_and_stays_in_its_folder(tmp_path: Path) -> None:
    finished_run(tmp_path, suite="corners")
    finished_run(tmp_path, suite="corners[reward=potential]")
    shown = {run.suite: run for run in Store(tmp_path, read_only=True).finished()}
    assert shown.keys() == {"corners[reward=published]", "corners[reward=potential]"}
    earlier, later = shown["corners[reward=published]"], shown["corners[reward=potential]"]
    assert earlier.path.parts[-4] == "corners" and later.path.parts[-4] == "corners[reward=potential]"
    assert earlier.suites == ("corners[reward=published]",)
    assert len(earlier.cautions) == 1 and later.cautions == ()
    assert earlier.records_success and not earlier.scripted


def test_the_shipped_runs_on_them_say_what_they_did() -> None:
    shipped = Store(ROOT / "results" / "reference", read_only=True).finished()
    changed = [run for run in shipped if run.suite.partition("[")[0] in EARLIER_SUITES]
    for run in changed:
        assert run.suite == recorded_suite(run.identity["suite"]).full_name
        assert bool(run.cautions) == run.suite.endswith(("reward=published]", "terminate=true]", "tasks=thresholds]"))

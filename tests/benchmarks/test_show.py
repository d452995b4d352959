"""`metarl show`: the configuration that a run gets, what each value is by, and what of it is stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.command_line import main
from benchmarks.planning.plan import make_plan
from benchmarks.planning.profiles import FOLDER, profiles
from tests.support.adapters import write_good, write_spoilt

LAKE = "frozen-lake-low[horizon=10]"


@pytest.fixture
def show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """The JSON of a description, in an empty working directory."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> dict[str, Any]:
        capsys.readouterr()
        assert main(["show", *arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_values_and_sources_are_those_of_the_plan_for_every_cell_of_every_profile() -> None:
    for profile in profiles():
        for cell in make_plan("bo-mrl", profile=profile, seeds=1).cells:
            spec = cell.spec
            terms = {"budget", "adaptation_steps", "trajectories", "adaptations", "evaluations", "checkpoint_every"}
            assert set(cell.sources) == terms | {f"configuration.{option}" for option in spec.configuration}


def test_each_value_names_the_default_the_rule_or_the_setting_that_it_is_by(show: Any) -> None:
    content = show("half-cheetah-velocity[horizon=100]", "maml-trpo", "--set", "all.tasks=5", "--profile", "standard")
    sources = {name: entry["source"] for name, entry in content["configuration"].items()}
    assert content["configuration"]["tasks"] == {"value": 5, "source": "--set all.tasks=5"}
    assert sources["trajectories"] == "standard.toml"
    assert sources["hidden"] == "default of PolicyConfig"
    assert sources["damping"] == "default of TrustRegionConfig"
    rule = content["run"]["budget"]["source"]
    assert rule.endswith(": suites half-cheetah-*")
    lines = (FOLDER / "standard.toml").read_text().splitlines()
    number = int(rule.split()[2].rstrip(":"))
    assert lines[number - 1] == "[[rule]]" and '"half-cheetah-*"' in lines[number]
    assert content["run"]["budget"]["value"] == 3_000_000
    assert content["run"]["horizon"] == {"value": 100, "source": "the suite's name"}
    assert content["run"]["metric"] == {"value": "return", "source": "default of HalfCheetahVelocity"}
    assert content["suite_options"]["velocity_range"] == {"value": [0.0, 2.0], "source": "default of VelocityOptions"}


def test_a_later_rule_wins_and_is_the_one_that_is_named(show: Any) -> None:
    own = show("frozen-lake-low", "bo-mrl-3", "--profile", "standard")["configuration"]
    assert own["tasks"]["source"].endswith(": suites frozen-lake-*")
    assert own["delta"] == {"value": 1e-3, "source": "default of BoMrlConfig"}
    assert own["regularisation"]["value"] == 0.02
    assert own["regularisation"]["source"].endswith("suites frozen-lake-low, algorithms bo-mrl-3")


def test_a_rule_of_a_benchmark_is_named_by_it(show: Any) -> None:
    content = show("frozen-lake-low", "promp", "--benchmark", "bo-mrl")
    assert content["profile"] == "standard"
    steps = content["run"]["adaptation_steps"]
    assert (steps["value"], steps["source"].partition(": ")[2]) == (4, "benchmarks bo-mrl, suites frozen-lake-*")


def test_the_description_agrees_with_the_run_that_is_planned(show: Any) -> None:
    content = show(LAKE, "promp", "--profile", "smoke")
    (spec,) = make_plan(suites=[LAKE], algorithms=["promp"], seeds=1, profile="smoke")
    assert {option: entry["value"] for option, entry in content["configuration"].items()} == spec.configuration
    assert content["run"]["budget"]["value"] == spec.budget
    assert content["code"] == spec.identity()["code"][:12]
    assert content["suite"] == spec.suite


def test_it_says_which_stored_runs_are_this_one_and_in_what_others_differ(show: Any, tmp_path: Path) -> None:
    cells = ("--suites", LAKE, "--algorithms", "promp", "--seeds", "2", "--profile", "smoke", "--workers", "2")
    assert show(LAKE, "promp", "--profile", "smoke")["stored"] == []
    assert main(["leaderboard", *cells]) == 0
    (own,) = show(LAKE, "promp", "--profile", "smoke")["stored"]
    assert (own["store"], own["seeds"], own["differs"]) == ("results", [0, 1], [])
    (other,) = show(LAKE, "promp", "--profile", "smoke", "--set", "promp.clip=0.2")["stored"]
    assert (other["digest"], other["differs"]) == (own["digest"], ["configuration.clip"])
    (quick,) = show(LAKE, "promp")["stored"]
    assert {"budget", "configuration.trajectories", "protocol.trajectories"} <= set(quick["differs"])
    shipped = [entry["store"] for entry in show("frozen-lake-low", "promp")["stored"]]
    assert shipped and set(shipped) == {"shipped"}


def test_runs_are_found_under_the_name_that_their_records_have(show: Any) -> None:
    """The records of an option that was added later leave it out where it has the value from before."""
    name = "corners[horizon=20,reward=published]"
    assert main(["leaderboard", "--suites", name, "--algorithms", "noise", "--seeds", "1", "--profile", "smoke"]) == 0
    (own,) = show(name, "noise", "--profile", "smoke")["stored"]
    assert (own["store"], own["seeds"], own["differs"]) == ("results", [0], [])


def test_a_loose_file_is_described_and_lines_are_for_people(
    show: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_good(tmp_path)
    assert show(LAKE, source)["source"] == f"{source}:Drift"
    assert main(["show", LAKE, source, "--set", "drift.tasks=7"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"drift on {LAKE}, profile quick, benchmark quick"
    assert [line.split() for line in lines if line.startswith("  tasks ")] == [["tasks", "7", "--set", "drift.tasks=7"]]
    assert "  budget            600,000" in "\n".join(lines)
    assert lines[-1] == "nothing of the two is stored or shipped"


def test_an_algorithm_that_does_not_fit_is_named_with_its_reason(
    show: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_spoilt(tmp_path, "@classmethod\ndef fits(cls, suite):\n    return 'it is shy'", "shy")
    assert show(LAKE, source) == {"suite": LAKE, "algorithm": "shy", "left_out": "it is shy"}
    assert main(["show", LAKE, source]) == 0
    assert capsys.readouterr().out == f"left out: shy on {LAKE}: it is shy\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("corner", "promp"), "unknown suite 'corner'; did you mean 'corners'?"),
        (("corners", "prom"), "unknown algorithm 'prom'; did you mean 'promp'?"),
        (("promp", "corners"), "'corners' is a suite; the suite comes first, as in `metarl show corners promp`"),
        (("corners", "promp", "--set", "promp.clp=1"), "algorithm promp has no option 'clp'; did you mean 'clip'?"),
        (("corners", "promp", "--profile", "quik"), "unknown profile 'quik'; did you mean 'quick'?"),
    ],
)
def test_bad_input_is_one_line(
    arguments: tuple[str, ...], message: str, show: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", *arguments]) == 2
    assert capsys.readouterr().err == f"metarl: {message}\n"


def test_a_missing_argument_is_named_by_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["show", "corners"])
    assert capsys.readouterr().err.startswith("metarl show: the following arguments are required: ALGORITHM; see")

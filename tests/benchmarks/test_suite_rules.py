"""`metarl check SUITE`: shipped suites keep every rule, spoilt ones break the one that they were made to break."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.api import run_cell
from benchmarks.command_line import main
from benchmarks.conformance.suite_rules import SUITE_RULES, check_suite
from benchmarks.planning.plan import make_plan
from environments.catalogue import make_suite, suites
from environments.discovery import read_loose_file
from environments.suite import Suite
from environments.typed_options import UsageError
from tests.support.metaworld import AVAILABLE
from tests.support.walks import SPOILT, forget_own_suites, write_walk

ROOT = Path(__file__).parents[2]
#: two directions, or four corners, are those of every split
SHARED = {"ant-direction", "half-cheetah-direction", "walker2d-direction", "corners", "corners-momentum"}
#: nothing is paid before the arm has come upon the object, and no goal is seen
FAR = {"sawyer-push", "sawyer-door", "sawyer-push-vision"}


@pytest.fixture(autouse=True)
def the_catalogue_as_it_was() -> Iterator[None]:
    yield
    forget_own_suites()


def loaded(source: str) -> Suite:
    return read_loose_file(source, "suite").load()()


@pytest.mark.parametrize("name", AVAILABLE)
def test_every_suite_of_ours_keeps_every_rule(name: str) -> None:
    findings = check_suite(make_suite(name))
    assert [(finding.rule, finding.reason) for finding in findings if finding.passed is False] == []
    # an episode of many suites never ends early
    unexamined = {finding.rule for finding in findings if finding.passed is None} - {"ended-rows"}
    assert unexamined == ({"unseen"} if name in SHARED else {"tasks-differ"} if name in FAR else set())
    assert [finding.rule for finding in findings] == list(SUITE_RULES)


@pytest.mark.parametrize(
    "name", ["frozen-lake-high[end=episode]", "frozen-lake-low[start=uniform]", "hopper-params", "ant-direction-2d"]
)
def test_suites_whose_episodes_end_early_are_judged_by_rows_that_have_ended(name: str) -> None:
    findings = check_suite(make_suite(name))
    if name == "frozen-lake-low[start=uniform]":
        findings = [replace(finding, passed=True) if finding.rule == "ended-rows" else finding for finding in findings]
    assert all(finding.passed for finding in findings)


def test_the_suite_of_the_documentation_keeps_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(ROOT / "docs" / "my_suite.py")]) == 0
    said = "pendulum-params keeps every rule that could be judged; not judged: ended-rows\n"
    assert capsys.readouterr().out.endswith(said)


def test_a_small_suite_in_a_loose_file_keeps_every_rule(tmp_path: Path) -> None:
    assert all(finding.passed for finding in check_suite(loaded(write_walk(tmp_path))))


@pytest.mark.parametrize("case", SPOILT)
def test_a_suite_breaks_the_rule_named(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule, body, batch_body = SPOILT[case]
    name = f"spoilt-walk-{list(SPOILT).index(case)}"
    source = write_walk(tmp_path, name, body, batch_body)
    findings = check_suite(loaded(source))
    broken = [finding.rule for finding in findings if finding.passed is False]
    drawn_from_one = case in ("tasks from a global generator", "a list of all tasks that changes")
    assert broken == ([rule, "global-generators"] if drawn_from_one else [rule])
    assert main(["check", source]) == 1
    assert f"{name} breaks {rule!r}: {SUITE_RULES[rule]}" in capsys.readouterr().out


def test_a_good_suite_that_talks_has_a_renamed_option_and_is_chaotic_keeps_every_rule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other process is asked by today's names and answers in a file; rounding that grows is no look at others."""
    body = """
observation_space = Box(-np.inf, np.inf, (16,), np.float64)
@dataclass(frozen=True)
class Options(SuiteOptions):
    gain: float = option(2.0, formerly="g")
"""
    batch_body = """
def _reset(self, generator):
    self.weights = np.random.default_rng(0).normal(size=(16, 16))
    self.place = generator.uniform(-1, 1, (self.num_envs, 16))
    return self.place
def _step(self, actions, alive):
    self.place = np.tanh(2 * self.place @ self.weights.T + 0.1 * actions)
    never = np.zeros(self.num_envs, bool)
    return self.place, -np.abs(self.place[:, 0] - self.goal), never, never
"""
    source = write_walk(tmp_path, "chaotic-walk", body, batch_body)
    path = Path(source.partition(":")[0])
    talk = (
        "import atexit\nfrom environments.typed_options import option\natexit.register(print, 'bye')\nprint('hello')\n"
    )
    path.write_text(talk + path.read_text())
    assert main(["check", f"{source}[gain=3,horizon=200]"]) == 0
    assert "keeps every rule that could be judged; not judged: ended-rows\n" in capsys.readouterr().out


def test_what_may_be_right_or_wrong_is_left_open_with_what_was_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alike = "def _load_tasks(self, tasks):\n    self.goal = np.ones(self.num_envs)"
    copied = """
@cached_property
def split(self):
    from dataclasses import replace
    found = make_split(self)
    return replace(found, test=tuple(replace(task, id=f"new-{task.id}") for task in found.train[:3]))
"""
    for name, body, batch_body, rule, reason in (
        ("alike-walk", "", alike, "tasks-differ", "30 steps of random actions are the same in other tasks"),
        ("copied-walk", copied, "", "unseen", "3 of 3 test tasks are training tasks, so that scores say nothing of"),
    ):
        assert main(["check", write_walk(tmp_path, name, body, batch_body)]) == 0
        said = capsys.readouterr().out
        assert reason in said
        assert said.endswith(f"{name} keeps every rule that could be judged; not judged: {rule}\n")


@pytest.mark.parametrize("case", ["a metric that there is not", "tasks from a global generator"])
@pytest.mark.parametrize("command", ["leaderboard", "compare"])
def test_nothing_is_planned_on_a_suite_without_a_score_or_fixed_tasks(
    case: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rule, body, _ = SPOILT[case]
    name = f"unplanned-{rule}-{command}"
    monkeypatch.setitem(suites(), name, read_loose_file(write_walk(tmp_path, name, body), "suite"))
    with pytest.raises(UsageError, match=f"suite {name} breaks '{rule}'"):
        make_plan(suites=[name], algorithms=["random-init"], seeds=1, profile="smoke")
    results = ["--suites", name, "--results", str(tmp_path / "store"), "--output", str(tmp_path / "page")]
    chosen = ["--algorithms", "random-init"] if command == "leaderboard" else ["random-init"]
    assert main([command, *(chosen if command == "compare" else []), *results,
                 *(chosen if command == "leaderboard" else [])]) == 2  # fmt: skip
    assert f"breaks '{rule}'" in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("case", ["a reset that is not seeded", "ended rows that keep moving", "a scalar terminated"])
def test_nothing_runs_on_a_suite_that_breaks_a_rule_and_no_algorithm_is_blamed(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule, body, batch_body = SPOILT[case]
    source = write_walk(tmp_path, f"unrun-{list(SPOILT).index(case)}", body, batch_body)
    algorithm, store = str(ROOT / "docs" / "my_algorithm.py"), str(tmp_path / "store")
    terms = ["--suites", source, "--results", store, "--output", str(tmp_path / "page"), "--profile", "smoke"]
    for command in (
        ["check", algorithm, "--suites", source],
        ["compare", algorithm, *terms, "--seeds", "1"],
        ["leaderboard", "--algorithms", "random-init", *terms, "--seeds", "1"],
    ):
        assert main(command) == 2
        error = capsys.readouterr().err
        assert f"breaks '{rule}'" in error and "first-order-maml" not in error
    with pytest.raises(UsageError, match=f"breaks '{rule}'"):
        run_cell(source, algorithm, seeds=1, profile="smoke", results=store)
    assert not list((tmp_path / "store").rglob("run.json"))


def test_the_reason_says_what_would_be_right(tmp_path: Path) -> None:
    def reason(case: str) -> str:
        rule, body, batch_body = SPOILT[case]
        findings = check_suite(loaded(write_walk(tmp_path, f"told-{rule}", body, batch_body)))
        return next(finding.reason for finding in findings if finding.passed is False)

    assert reason("a metric that there is not") == "metric 'retrun' is none of the scores; did you mean 'return'?"
    assert reason("a scalar terminated") == "terminated is a bool, must be an array [6]"
    place = r"RuntimeError: the simulator has gone \(told_runs\.py, line (\d+), while '\w+' was judged\)"
    found = re.fullmatch(place, reason("a batch that raises"))
    assert found
    line = (tmp_path / "told_runs.py").read_text().splitlines()[int(found[1]) - 1]
    assert 'raise RuntimeError("the simulator has gone")' in line
    assert "its observation moves" in reason("ended rows that keep moving")


def test_a_suite_without_a_split_breaks_one_rule_which_says_how_to_give_it_one(tmp_path: Path) -> None:
    findings = check_suite(loaded(write_walk(tmp_path, "untold", "split = Suite.split\nsplit_sizes = (2, 1, 1)")))
    broken = [finding for finding in findings if finding.passed is False]
    assert [finding.rule for finding in broken] == ["tasks"]
    assert "give it the property `split`, by environments.make_splits.make_split" in broken[0].reason


def test_a_suite_whose_name_is_taken_is_refused_as_by_the_commands_that_run_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_walk(tmp_path, "corners")
    for command in (["check", source], ["leaderboard", "--suites", source, "--dry-run"]):
        assert main(command) == 2
        said = "the name 'corners' is taken by environments.corners; give the class another\n"
        assert capsys.readouterr().err == f"metarl: {source}: {said}"

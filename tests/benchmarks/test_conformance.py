"""`metarl check`: good algorithms keep every rule, bad ones break the one that they were made to break."""

from __future__ import annotations

from pathlib import Path

import pytest

from algorithms.catalogue import algorithms, find_algorithm
from benchmarks.command_line import main
from benchmarks.conformance.rules import LEFT_OUT, RULES, SUITES, check
from environments.typed_options import UsageError
from tests.support.adapters import write_good, write_spoilt

SCRIPTED = {name for name, found in algorithms().items() if found.literals.get("scripted")}
#: who fits none of the suites that are tried unless others are named
SPECIAL = {"buy-and-hold": ["dow30-risk[data=synthetic]"]}
SPOILT = {
    "collects on a test task": (
        "forbidden-task",
        """
def meta_step(self, collector):
    forbidden = TaskRef("test", load_split(self.problem.suite_name).test[0].id)
    collector.collect(Constant(self.bias, self.discrete), [forbidden], 1)
    return super().meta_step(collector)
""",
    ),
    "swallows the refusal of a test task": (
        "forbidden-task",
        """
def meta_step(self, collector):
    try:
        self.problem.tasks("test")
    except PermissionError:
        pass
    return super().meta_step(collector)
""",
    ),
    "steps a test task past the guard": (
        "forbidden-task",
        """
def meta_step(self, collector):
    suite = make_suite(self.problem.suite_name)
    env = suite.make_batch(1, 1)
    env.set_tasks(suite.split.test[:1])
    env.reset(seed=0)
    return super().meta_step(collector)
""",
    ),
    "draws from a generator of its own": (
        "unseeded-randomness",
        """
def noise(self, collector):
    return torch.from_numpy(numpy.random.default_rng().normal(size=len(self.bias))).float()
""",
    ),
    "seeds itself by the clock": (
        "unseeded-randomness",
        """
def noise(self, collector):
    return torch.randn(self.bias.shape, generator=torch.Generator().manual_seed(int(time.time())))
""",
    ),
    "returns a metric that is not a number": (
        "not-finite",
        """
def meta_step(self, collector):
    return {**super().meta_step(collector), "loss": float("nan")}
""",
    ),
    "acts by a policy that is not finite": (
        "not-finite",
        """
def adapt(self, tasks):
    while True:
        yield Constant(self.bias * float("nan"), self.discrete)
""",
    ),
    "goes on when the budget is spent": (
        "budget",
        """
def meta_step(self, collector):
    try:
        return super().meta_step(collector)
    except BudgetSpent:
        return {"return": 0.0}
""",
    ),
    "steps an environment of its own": (
        "budget",
        """
def meta_step(self, collector):
    suite = make_suite(self.problem.suite_name)
    env = suite.make_batch(1, 1)
    env.set_tasks(suite.split.train[:1])
    env.reset(seed=0)
    env.step(env.action_space.sample())
    return super().meta_step(collector)
""",
    ),
    "collects nothing": (
        "budget",
        """
def meta_step(self, collector):
    return {}
""",
    ),
    "forgets part of its state": (
        "reload",
        """
def state_dict(self):
    return {"bias": self.bias}

def load_state_dict(self, state):
    self.bias = state["bias"]
""",
    ),
    "saves what loads no more": (
        "reload",
        """
def state_dict(self):
    return {**super().state_dict(), "space": self.problem.action_space}
""",
    ),
    "acts in another shape": (
        "action-shape",
        """
def adapt(self, tasks):
    while True:
        yield Constant(torch.zeros(3), not self.discrete)
""",
    ),
    "stops adapting": (
        "runs",
        """
def adapt(self, tasks):
    yield Constant(self.bias, self.discrete)
""",
    ),
}


@pytest.mark.parametrize("name", sorted(algorithms()))
def test_every_algorithm_of_ours_keeps_every_rule(name: str) -> None:
    findings = check(find_algorithm(name), SPECIAL.get(name, SUITES))
    broken = [(finding.rule, finding.suite, finding.reason) for finding in findings if finding.passed is not True]
    assert not [each for each in broken if each[0] != LEFT_OUT or name not in SCRIPTED]
    assert {finding.rule for finding in findings} - {LEFT_OUT} == set(RULES)


def test_a_small_algorithm_in_a_loose_file_keeps_every_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", write_good(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith("drift keeps every rule\n")


@pytest.mark.parametrize("suite", ["frozen-lake-low", "half-cheetah-velocity"])
@pytest.mark.parametrize("case", SPOILT)
def test_an_algorithm_breaks_the_rule_named(case: str, suite: str, tmp_path: Path) -> None:
    rule, methods = SPOILT[case]
    name = f"spoilt-{sorted(SPOILT).index(case)}"  # a module is imported once in a process
    findings = check(find_algorithm(write_spoilt(tmp_path, methods, name)), [suite])
    assert [finding.rule for finding in findings if finding.passed is False] == [rule]


def test_the_command_names_the_broken_rule_and_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_spoilt(tmp_path, SPOILT["returns a metric that is not a number"][1], "spoilt-metric")
    assert main(["check", source]) == 1
    output = capsys.readouterr().out
    assert "loss=nan" in output
    assert "breaks 'not-finite'" in output


def test_an_algorithm_that_refuses_a_suite_is_judged_on_the_others(tmp_path: Path) -> None:
    refusing = """
def __init__(self, problem, config, streams):
    from environments.typed_options import UsageError
    super().__init__(problem, config, streams)
    if self.discrete:
        raise UsageError("continuous actions alone")
"""
    found = find_algorithm(write_spoilt(tmp_path, refusing, "spoilt-refusing"))
    findings = check(found)
    assert [(f.suite, f.reason) for f in findings if f.rule == LEFT_OUT] == [
        ("frozen-lake-low[horizon=10]", "continuous actions alone")
    ]
    examined = [finding for finding in findings if finding.rule != LEFT_OUT]
    assert {finding.suite for finding in examined} == {"half-cheetah-velocity[horizon=10]"}
    assert all(finding.passed for finding in examined)
    with pytest.raises(UsageError, match="continuous actions alone"):
        check(found, ["frozen-lake-low"])

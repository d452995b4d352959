"""`metarl check`: good algorithms keep every rule, bad ones break the one that they were made to break."""

from __future__ import annotations

from pathlib import Path

import pytest

from algorithms.catalogue import algorithms, find_algorithm
from benchmarks.command_line import main
from benchmarks.commands.listing import listing
from benchmarks.conformance.rules import LEFT_OUT, RULES, SUITES, check
from benchmarks.conformance.small_parents import SMALL
from benchmarks.execution.worker import run_job
from benchmarks.planning.plan import make_plan
from environments.typed_options import UsageError
from tests.support.adapters import GOOD, small_plan, write_good, write_spoilt

#: of stable-baselines3, which observe vectors
LIBRARY = {"contextual-sac", "sb3-ppo"}
SCRIPTED = {name for name, found in algorithms().items() if found.literals.get("scripted")}
#: who fits none of the suites that are tried unless others are named
SPECIAL = {"buy-and-hold": ["dow30-risk[data=synthetic]"]}
#: what is as good a witness of every rule as the defaults are, in a fraction of their time
SHORT = {"hidden": (16, 16), "adam_steps": 5, "batch": 64, "epochs": 2, "imitation_steps": 10}
#: who says that discrete observations or actions do not fit
MIXING = {"gmps", "meta-augmentation", "xmrl-g", "xmrl-g-random"}
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
    "has networks for a state": (
        "reload",
        """
def state_dict(self):
    return {**super().state_dict(), "network": torch.nn.Linear(2, 2)}
""",
    ),
    "looks at what its siblings see": (
        "neighbours",
        """
def adapt(self, tasks):
    class Looking(Constant):
        def act(self, observation, previous, state):
            seen = observation.float().flatten(2) if observation.dim() > 2 else observation.float()[..., None]
            return shifted(self, observation, 1e-3 * seen.mean((1, 2), keepdim=True)), state
    while True:
        yield Looking(self.bias, self.discrete)
""",
    ),
    "follows the best paid of its siblings": (
        "neighbours",
        """
def adapt(self, tasks):
    class Following(Constant):
        def begin(self, tasks, trajectories, stream):
            return torch.zeros(tasks, trajectories)
        def act(self, observation, previous, state):
            state = state + previous.reward
            return shifted(self, observation, state.argmax(1)[:, None, None] + 0.1), state
    while True:
        yield Following(self.bias, self.discrete)
""",
    ),
    "acts by its siblings' latent draws": (
        "neighbours",
        """
def adapt(self, tasks):
    class Drawing(Constant):
        def begin(self, tasks, trajectories, stream):
            return {"drawn": torch.rand(1, tasks * trajectories, 3, generator=stream.torch("latent"))}
        def act(self, observation, previous, state):
            return shifted(self, observation, state["drawn"].amax()), state
    while True:
        yield Drawing(self.bias, self.discrete)
""",
    ),
    "keeps a notebook that all trajectories read": (
        "neighbours",
        """
def adapt(self, tasks):
    class Noting(Constant):
        def begin(self, tasks, trajectories, stream):
            self.paid = 0.0
        def act(self, observation, previous, state):
            self.paid += float(previous.reward.sum())
            return shifted(self, observation, torch.tensor(self.paid)), state
    while True:
        yield Noting(self.bias, self.discrete)
""",
    ),
    "begins at what all siblings draw together, once adapted": (
        "neighbours",
        """
def adapt(self, tasks):
    class Beginning(Constant):
        paid = 0.0
        def begin(self, tasks, trajectories, stream):
            return torch.full((tasks, trajectories, 1), self.paid)
        def act(self, observation, previous, state):
            return shifted(self, observation, state), state
    policy = Beginning(self.bias, self.discrete)
    while True:
        batch = yield policy
        policy.paid = float(batch.returns.sum())
""",
    ),
    "adapts to all tasks at once": (
        "neighbours",
        """
def adapt(self, tasks):
    bias = self.bias
    while True:
        batch = yield Constant(bias, self.discrete)
        bias = bias + 0.01 * float(batch.returns.mean()) * torch.eye(bias.shape[-1])[0]
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


#: the adapter of a newcomer who asked what the rules allow: untrained, it beats trained methods on `corners`
SWARM = """
def adapt(self, tasks):
    class Swarm:
        def begin(self, tasks, trajectories, stream):
            return torch.zeros(tasks, trajectories)
        def act(self, observation, previous, state):
            state = state + previous.reward
            best = observation[torch.arange(len(observation)), state.argmax(1)][:, None]
            return Gaussian(2 * (best - observation), torch.full_like(observation, -0.5)), state
    while True:
        yield Swarm()
"""


@pytest.mark.parametrize("name", sorted(algorithms()))
def test_every_algorithm_of_ours_keeps_every_rule(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for option, value in SHORT.items():
        monkeypatch.setitem(SMALL, option, (value, "check"))
    findings = check(find_algorithm(name), SPECIAL.get(name, SUITES))
    broken = [(finding.rule, finding.suite, finding.reason) for finding in findings if finding.passed is not True]
    assert not [each for each in broken if each[0] != LEFT_OUT or name not in SCRIPTED | MIXING | LIBRARY]
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


def test_a_swarm_that_moves_towards_its_best_sibling_is_refused(tmp_path: Path) -> None:
    findings = check(find_algorithm(write_spoilt(tmp_path, SWARM, "swarm")), ["corners"])
    (broken,) = [finding for finding in findings if finding.passed is False]
    assert broken.rule == "neighbours"
    assert "moves by" in broken.reason and "other trajectories of its batch" in broken.reason


def test_a_swarm_that_waits_until_a_trial_would_be_over_is_refused_by_the_suites_own_horizon(tmp_path: Path) -> None:
    waiting = """
def adapt(self, tasks):
    class Late:
        def begin(self, tasks, trajectories, stream):
            return torch.zeros(tasks, trajectories, 2)
        def act(self, observation, previous, state):
            state = state + torch.stack([previous.reward, torch.ones_like(previous.reward)], -1)
            best = observation[torch.arange(len(observation)), state[..., 0].argmax(1)][:, None]
            late = float(state[0, 0, 1]) > 12
            return Gaussian(2 * (best - observation) * late, torch.full_like(observation, -0.5)), state
    while True:
        yield Late()
"""
    findings = check(find_algorithm(write_spoilt(tmp_path, waiting, "late-swarm")), ["corners"])
    (broken,) = [finding for finding in findings if finding.passed is False]
    assert broken.rule == "neighbours" and "after 2 adaptation steps, at step 12," in broken.reason


def test_siblings_may_see_each_other_where_the_class_declares_it_but_other_tasks_never(tmp_path: Path) -> None:
    access = '\naccess = frozenset({"train", "siblings"})\n'
    declared = check(find_algorithm(write_spoilt(tmp_path, access + SWARM, "declared-swarm")), ["corners"])
    assert all(finding.passed for finding in declared)
    everyone = access + SPOILT["adapts to all tasks at once"][1]
    findings = check(find_algorithm(write_spoilt(tmp_path, everyone, "declared-everyone")), ["corners"])
    (broken,) = [finding for finding in findings if finding.passed is False]
    assert broken.rule == "neighbours" and "another task" in broken.reason


def test_the_listing_shows_who_lets_siblings_see_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    access = '\naccess = frozenset({"train", "siblings"})\n'
    found = find_algorithm(write_spoilt(tmp_path, access, "listed-swarm"))
    monkeypatch.setitem(algorithms(), found.name, found)
    summaries = {entry["name"]: entry["summary"] for entry in listing()["algorithms"]}
    assert summaries["listed-swarm"] == "Spoilt (a task's trajectories see each other)"
    assert not any("see each other" in summary for name, summary in summaries.items() if name != "listed-swarm")


def test_an_exception_is_told_with_its_line_and_meta_iteration(tmp_path: Path) -> None:
    failing = """
def meta_step(self, collector):
    if collector.iteration == 2:
        torch.zeros(2).reshape(3)
    return super().meta_step(collector)
"""
    source = write_spoilt(tmp_path, failing, "failing")
    (broken,) = [finding for finding in check(find_algorithm(source)) if finding.passed is False][:1]
    text = Path(source.partition(":")[0]).read_text().splitlines()
    line = next(number for number, row in enumerate(text, start=1) if "reshape(3)" in row)
    assert broken.rule == "runs" and f"(failing.py, line {line}, in meta-iteration 2)" in broken.reason
    (spec,) = small_plan(source)
    error = run_job(spec, tmp_path / "store").error
    assert error.strip().splitlines()[-1] == broken.reason


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("class Config(Algorithm.Config):\n        rate: float = 0.1", r"Config needs the decorator @dataclass"),
        ("@dataclass(frozen=True)\n    class Config(Algorithm.Config):\n        rate = 0.1", r"rate needs a type"),
    ],
)
def test_an_option_that_is_none_is_refused(config: str, message: str, tmp_path: Path) -> None:
    name = f"unoptioned-{len(config)}"
    path = tmp_path / f"{name.replace('-', '_')}.py"
    body = f'class Mine(Drift):\n    """Mine."""\n\n    name = "{name}"\n\n    {config}\n'
    path.write_text(f"from dataclasses import dataclass\n{GOOD}\n\n{body}")
    for ask in (lambda found: check(found), lambda found: small_plan(f"{path}:Mine")):
        with pytest.raises(UsageError, match=message):
            ask(find_algorithm(f"{path}:Mine"))


@pytest.mark.parametrize(
    ("rate", "reason"),
    [
        ("0.1", "option rate has neither a search space nor a reason for none; declare rate = searched(0.1, LogRange("),
        ("searched(0.1, LogRange(1.0, 0.1))", "option rate: its search space LogRange(low=1.0, high=0.1): it is empty"),
        ('searched(0.1, Choice((0.1, "fast")))', "option rate: its search space Choice(values=(0.1, 'fast')): the opt"),
        ("searched(0.1, LogRange(0.01, 1.0))", ""),
        ('unsearched(0.1, "nothing comes of it")', ""),
    ],
)
def test_a_numeric_option_says_what_tuning_tries_or_why_nothing(
    rate: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"rated-{len(rate)}"
    path = tmp_path / f"{name.replace('-', '_')}.py"
    config = f"@dataclass(frozen=True)\n    class Config(Algorithm.Config):\n        rate: float = {rate}"
    body = f'class Mine(Drift):\n    """Mine."""\n\n    name = "{name}"\n\n    {config}\n'
    imports = "from dataclasses import dataclass\nfrom algorithms.search_space import *"
    path.write_text(f"{imports}\n{GOOD}\n\n{body}")
    findings = check(find_algorithm(f"{path}:Mine"), ["corners"])
    (declared,) = [finding for finding in findings if finding.rule == "search-space"]
    assert declared.passed is not bool(reason) and declared.reason.startswith(reason)
    assert all(finding.passed for finding in findings if finding is not declared)
    if not reason:
        return
    assert main(["check", f"{path}:Mine", "--suites", "corners"]) == 1
    output = capsys.readouterr().out
    assert "breaks 'search-space': every numeric option declares" in output and reason in output


def test_a_name_that_is_taken_and_a_step_size_below_0_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", write_spoilt(tmp_path, "", "promp")]) == 2
    assert "the name 'promp' is taken" in capsys.readouterr().err
    with pytest.raises(UsageError, match="step_size must be at least 0, got -1"):
        make_plan(suites=["corners"], algorithms=["promp"], seeds=1, settings=["promp.step_size=-1"])


def test_an_import_that_fails_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "importing.py"
    path.write_text(f"import stable_baselines4\n{GOOD.replace('drift', 'importing')}")
    assert main(["check", str(path)]) == 2
    assert capsys.readouterr().err == f"metarl: {path} cannot be imported: No module named 'stable_baselines4'\n"


def test_the_command_offers_the_nearest_name_of_either_kind(capsys: pytest.CaptureFixture[str]) -> None:
    for typed, meant in (("prompt", "promp"), ("half-cheetah-velocty", "half-cheetah-velocity")):
        assert main(["check", typed]) == 2
        assert f"did you mean '{meant}'?" in capsys.readouterr().err


HELPER = 'class Helper:\n    name = "helper"\n'
OTHER = "class Other(Drift):\n    name = 'other'\n"


@pytest.mark.parametrize(
    ("text", "asked", "message"),
    [
        (GOOD, ":Drift2", "{file} has no class 'Drift2' with a literal `name`; it has Drift"),
        (GOOD + HELPER, ":Helper", "of environments.suite.Suite; of these it has Drift"),
        (GOOD + OTHER + HELPER, "", "and has 3; choose one as in {file}:Drift, of Drift, Other"),
        ("class Mine:\n    pass\n", "", "an algorithm or a suite, and has 0; it has none of either"),
        ("class Mine:\n    pass\n", ":Mine", "{file} has no class 'Mine' with a literal `name`; it has none"),
    ],
)
def test_a_class_that_cannot_be_checked_is_one_line_with_those_that_can(
    text: str, asked: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / f"classes_{abs(len(text))}.py"
    file.write_text(text)
    assert main(["check", f"{file}{asked}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(message.format(file=file))


def test_a_module_without_the_class_is_told_with_those_that_it_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "algorithms.promp:ProMP"]) == 2
    assert "promp.py has no class 'ProMP' with a literal `name`; it has Promp" in capsys.readouterr().err


def test_what_was_not_examined_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_spoilt(tmp_path, SPOILT["returns a metric that is not a number"][1], "unexamined")
    assert main(["check", source, "--suites", "corners"]) == 1
    dashes = [line for line in capsys.readouterr().out.splitlines() if line.split()[0] == "-"]
    assert dashes and all(line.endswith("not examined: another rule broke first") for line in dashes)


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

"""Which stored runs a report shows: a benchmark's own cells, and what is said where filters leave none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks.command_line import main
from benchmarks.commands.run_filter import Filter
from environments.typed_options import UsageError
from results.store import Store
from tests.support.scored_runs import store_run

PROFILE = """
seeds = 1
budget = 400
adaptation_steps = 1
trajectories = 3
evaluations = 1
checkpoint_every = 5
config = {}

[[rule]]
benchmarks = "other"
suites = "*"
budget = 900
adaptation_steps = 2
"""
BENCHMARK = """
profile = "tiny.toml"
suites = ["corners"]
algorithms = ["promp", "random-init"]
"""
SUITE = "corners[reward=potential]"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Within the folder of the benchmark `mine.toml` in the profile `tiny.toml`."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(PROFILE)
    for name in ("mine", "other"):
        Path(f"{name}.toml").write_text(BENCHMARK)
    return Store(Path("results"))


def shown(*options: str) -> list[dict[str, object]]:
    assert main(["report", "--output", "report", *options]) == 0
    return list(json.loads(Path("report/summary.json").read_text())["runs"])


def test_a_benchmarks_report_has_its_own_boards_alone(store: Store) -> None:
    for clip in (0.1, 0.3):  # tuned or set, of the same board
        store_run(store, SUITE, "promp", budget=400, profile="tiny", configuration={"clip": clip})
    store_run(store, SUITE, "random-init", budget=400, profile="tiny", trains=False)
    store_run(store, SUITE, "promp", budget=900, steps=2, profile="tiny")  # as the other benchmark plans it
    store_run(store, SUITE, "promp", budget=900, profile="tiny")
    store_run(store, SUITE, "promp", budget=400, steps=2, profile="tiny")
    store_run(store, SUITE, "promp", budget=400, profile="smoke", seed=1)
    store_run(store, SUITE, "maml-vpg", budget=400, profile="tiny")
    kept = Filter(benchmark="mine.toml").choose(store.finished())
    terms = {(run.algorithm, run.identity["budget"], run.identity["protocol"]["adaptation_steps"]) for run in kept}
    assert terms == {("promp", 400, 1), ("random-init", 400, 1)} and len(kept) == 3
    (own,) = Filter(benchmark="other.toml").choose(store.finished())
    assert (own.identity["budget"], own.identity["protocol"]["adaptation_steps"]) == (900, 2)
    assert len(shown("--benchmark", "mine.toml")) == 3
    assert len(json.loads(Path("report/summary.json").read_text())["boards"]) == 1


def test_a_benchmark_without_runs_is_told_of_what_is_stored(store: Store) -> None:
    store_run(store, SUITE, "promp", budget=900, profile="tiny")
    message = (
        "no run of benchmark 'mine.toml' is stored in its profile and with its budgets; "
        "stored are runs of no benchmark in profile tiny"
    )
    with pytest.raises(UsageError, match=re.escape(message)):
        Filter(benchmark="mine.toml").choose(store.finished())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--suites", "lake", "--algorithms", "promp"],
            f"suite 'lake' and algorithm 'promp' together; leaving out --suites leaves 2 runs, of suite {SUITE}; "
            "leaving out --algorithms leaves 1 run, of algorithm maml-vpg",
        ),
        (
            ["--suites", "lake", "--algorithms", "promp,maml-*", "--profile", "tiny"],
            "profile 'tiny' and suite 'lake' and algorithm 'promp' or 'maml-*' together; "
            "leaving out --profile leaves 1 run, of profile quick; "
            f"leaving out --suites leaves 1 run, of suite {SUITE}",
        ),
        (
            ["--benchmark", "mine.toml", "--profile", "quick"],
            "benchmark 'mine.toml' and profile 'quick' together; leaving out --benchmark leaves 1 run; "
            "leaving out --profile leaves 1 run, of profile tiny",
        ),
        (
            ["--suites", "point", "--algorithms", "promp", "--profile", "quick"],
            "profile 'quick' and suite 'point' and algorithm 'promp' together; "
            "of profile 'quick' alone there is 1 run; of suite 'point' alone there is 1 run; "
            "of algorithm 'promp' alone there are 2 runs",
        ),
    ],
)
def test_filters_that_no_run_passes_together_are_named_with_what_there_is(
    store: Store, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store_run(store, SUITE, "promp", budget=400, profile="tiny")
    store_run(store, SUITE, "promp", budget=900, profile="smoke")
    store_run(store, "lake[x=1]", "maml-vpg", profile="quick")
    store_run(store, "point", "maml-trpo", profile="standard")
    assert main(["report", "--output", "report", *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"metarl: no stored run is of {message}"
    assert not Path("report").exists()

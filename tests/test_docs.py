"""What the README and the pages say: the examples run, links lead somewhere, commands, options and tables are true."""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from benchmarks.command_line import main
from benchmarks.conformance.rules import RULES
from benchmarks.conformance.suite_rules import SUITE_RULES
from benchmarks.planning.plan import make_plan
from environments.catalogue import make_suite, suites
from environments.discovery import import_file
from environments.suite import DataMissing, SuiteOptions
from environments.task import Task
from environments.typed_options import as_text
from results import tables
from results.store import Store

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
EXAMPLES = {"my_algorithm.py": "add-an-algorithm.md", "my_suite.py": "add-a-suite.md", "my_table.py": "add-a-table.md"}
FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
#: as GitHub makes them of headings
#: programs of the project that are no commands, as `python -m` runs them
OWN_MODULES = {"tests.campaigns", "benchmarks.bench.cluster", "benchmarks.bench.threads"}
NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


def page_ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(page: Path) -> str:
    return FENCED.sub("", page.read_text())


def code(page: Path) -> list[str]:
    """Lines of fenced shell blocks, and code within sentences."""
    blocks = [line for kind, text in FENCED.findall(page.read_text()) if kind == "sh" for line in text.splitlines()]
    return [*blocks, *re.findall(r"`([^`\n]+)`", prose(page))]


def rows(page: Path) -> list[list[str]]:
    """The cells of every table's rows, without backticks."""
    lines = [line for line in prose(page).splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


@pytest.mark.parametrize(("example", "page"), EXAMPLES.items())
def test_an_example_is_shown_whole_and_is_under_60_lines(example: str, page: str) -> None:
    text = (DOCS / example).read_text()
    assert len(text.splitlines()) < 60
    assert f"```python\n{text}```" in (DOCS / page).read_text()


def test_the_example_algorithm_keeps_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(DOCS / "my_algorithm.py")]) == 0
    output = capsys.readouterr().out
    assert output.endswith("first-order-maml keeps every rule\n")
    assert output.count("  pass  ") == 2 * len(RULES)


def test_the_example_algorithm_is_compared_with_stored_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cells = ("--suites", "corners[horizon=50]", "--seeds", "2", "--profile", "smoke", "--workers", "2")
    assert main(["leaderboard", "--algorithms", "maml-vpg", *cells]) == 0
    assert main(["compare", str(DOCS / "my_algorithm.py"), "--against", "maml-vpg", *cells]) == 0
    summary = json.loads((tmp_path / "comparison" / "summary.json").read_text())
    assert set(summary["suites"]["corners[horizon=50,reward=potential]"]) == {"maml-vpg", "first-order-maml"}
    assert {run["environment_steps"] > 0 for run in summary["runs"]} == {True}


def test_the_page_on_algorithms_estimates_its_comparison_as_the_command_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (DOCS / "add-an-algorithm.md").read_text().partition("**How long it takes.**")[2]
    suites = next(line for line in text.splitlines() if line.startswith("metarl compare ")).split()[-1]
    options = ("--suites", suites, "--workers", "2", "--dry-run", "--results", str(tmp_path / "empty"))
    monkeypatch.chdir(tmp_path)
    assert main(["compare", str(DOCS / "my_algorithm.py"), *options]) == 0
    whole = capsys.readouterr().out.splitlines()[-1]
    runs, one, two = (
        re.search(pattern, text) for pattern in (r"(\d+) runs,", r"(\d+) minutes of one", r", (\d+) with two")
    )
    assert runs and one and two
    assert f"{runs[1]} of {runs[1]} runs are missing: about {one[1]} min of one core, {two[1]} min with" in whole


def test_the_example_suite_is_gymnasiums_pendulum() -> None:
    suite = import_file(DOCS / "my_suite.py", "example_suite").PendulumParams()
    tasks = [Task(f"{mass} kg", {"mass": mass, "length": length}) for mass, length in ((0.7, 1.2), (1.0, 1.0))]
    batch = suite.make_batch(2, 1)
    batch.set_tasks(tasks)
    batch.reset(seed=0)
    robots: list[Any] = [gymnasium.make("Pendulum-v1").unwrapped for _ in tasks]
    for row, (task, robot) in enumerate(zip(tasks, robots, strict=True)):
        robot.reset(seed=0)
        robot.m, robot.l = task.parameters["mass"], task.parameters["length"]
        robot.state = np.array([batch.angle[row], batch.velocity[row]])
    generator = np.random.default_rng(0)
    for _ in range(suite.horizon):
        actions = generator.uniform(-1.5, 1.5, (2, 1))
        observations, rewards, *_ = batch.step(actions)
        for row, robot in enumerate(robots):
            observation, reward, *_ = robot.step(2 * actions[row])
            np.testing.assert_allclose(observations[row], observation, atol=1e-6)  # gymnasium's are in single precision
            np.testing.assert_allclose(rewards[row], reward, atol=1e-9)


@pytest.fixture
def installed_suite(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Python where a distribution is installed that offers the example suite by its entry point."""
    site = tmp_path / "site"
    information = site / "my_suites-1.0.dist-info"
    information.mkdir(parents=True)
    (site / "my_suite.py").write_text((DOCS / "my_suite.py").read_text())
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: my-suites\nVersion: 1.0\n")
    (entry,) = re.findall(r"^pendulum-params = .*$", (DOCS / "add-a-suite.md").read_text(), re.MULTILINE)
    (information / "entry_points.txt").write_text(f"[metarl.suites]\n{entry.replace(chr(34), '')}\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(site)])}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    return run


def test_the_example_suite_is_listed_checked_and_run_by_its_entry_point(
    installed_suite: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    metarl = ("-m", "benchmarks.command_line")
    listed = installed_suite(*metarl, "list", "--json")
    assert listed.returncode == 0, listed.stderr
    entry = next(suite for suite in json.loads(listed.stdout)["suites"] if suite["name"] == "pendulum-params")
    assert (entry["family"], entry["horizon"], entry["metric"]) == ("pendulum", 200, "return")
    assert entry["splits"] == {"train": 50, "validation": 10, "test": 20}

    checked = installed_suite(*metarl, "check", "promp", "--suites", "pendulum-params")
    assert checked.returncode == 0, checked.stdout + checked.stderr

    cells = ("--suites", "pendulum-params[horizon=50]", "--algorithms", "random-init,promp", "--seeds", "1")
    run = installed_suite(*metarl, "leaderboard", *cells, "--profile", "smoke", "--workers", "2")
    assert run.returncode == 0, run.stderr
    stored = Store(tmp_path / "results", read_only=True).finished()
    assert [(found.suite, found.algorithm) for found in stored] == [
        ("pendulum-params[horizon=50]", "promp"),
        ("pendulum-params[horizon=50]", "random-init"),
    ]
    assert stored[0].identity["split_digest"] == entry["digest"]


def test_the_example_suite_is_a_gymnasium_environment(
    installed_suite: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    (make,) = re.findall(r"^gymnasium\.make\(.*\)$", (DOCS / "add-a-suite.md").read_text(), re.MULTILINE)
    program = (
        "import gymnasium\nfrom gymnasium.utils.env_checker import check_env\n"
        f"env = {make}\ncheck_env(env.unwrapped, skip_render_check=True)\nprint(env.unwrapped.task.id)"
    )
    done = installed_suite("-W", "ignore", "-c", program)
    assert (done.returncode, done.stdout) == (0, "test-03\n"), done.stderr


def test_the_page_for_python_runs_as_it_is_printed(tmp_path: Path) -> None:
    blocks = [text for kind, text in FENCED.findall((DOCS / "python.md").read_text()) if kind == "python"]
    assert len(blocks) == 2
    assert len([line for line in blocks[0].splitlines() if line]) <= 5
    program = "\n".join(blocks).replace('profile="quick"', 'profile="smoke"')  # in seconds
    assert program.count('profile="smoke"') == 2
    (tmp_path / "page.py").write_text(f"{program}\nprint(curve.shape, {{name: a.shape for name, a in arrays.items()}})")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "page.py"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # evaluations of two seeds; then seeds x test tasks
    assert done.stdout.splitlines()[-1] == "(3, 2) {'promp': (3, 20), 'promp-unadapted': (3, 20)}"


@pytest.mark.parametrize("page", PAGES, ids=page_ids)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    assert links, "a page that leads nowhere"
    for link in links:
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)$", prose(target), re.MULTILINE)
            if f'<a id="{anchor}"></a>' in prose(target):
                continue
            assert anchor in [NOT_IN_ANCHORS.sub("", text.lower()).replace(" ", "-") for text in headings], link


@pytest.mark.parametrize("page", PAGES, ids=page_ids)
def test_files_that_a_page_names_exist(page: Path) -> None:
    packages = "algorithms|benchmarks|environments|reports|results|tests|docs"
    named = [text for text in code(page) if re.fullmatch(rf"({packages})/[\w./-]*", text)]
    # where the reader's own results or file will be
    own = {"results/", "results/runs/", "results/reference/", "environments/splits/pendulum-params.json"}
    missing = [text for text in named if text not in own and not (ROOT / text).exists()]
    assert missing == []


@pytest.fixture(scope="module")
def options() -> dict[str, set[str]]:
    """The options of each command, from its own help."""
    found = {}
    first = ("list", "show", "leaderboard", "compare", "tune", "paper", "report", "check", "verify", "explain")
    for command in (*first, "bench"):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.command_line", command, "--help"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        found[command] = set(re.findall(r"--[a-z-]+", done.stdout))
    return found


@cache
def program_options(*program: str) -> set[str]:
    """Of a module, after `-m`, or a script."""
    done = subprocess.run(
        [sys.executable, *program, "--help"], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return set(re.findall(r"--[a-z-]+", done.stdout))


def test_the_readme_names_every_command(options: dict[str, set[str]]) -> None:
    described = [row[0].split()[1] for row in rows(ROOT / "README.md") if row[0].startswith("metarl ")]
    assert described == list(options)


@pytest.mark.parametrize("page", PAGES, ids=page_ids)
def test_commands_and_options_in_a_page_exist(page: Path, options: dict[str, set[str]]) -> None:
    every = set().union(*options.values())
    for text in code(page):
        words = text.split()
        named = {word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)}
        if words[:1] == ["metarl"] and len(words) > 1 and words[1] != "COMMAND":
            assert words[1] in options, text
            assert named <= options[words[1]], text
        elif words[:2] == ["python", "-m"] and words[2] in OWN_MODULES:
            assert named <= program_options("-m", words[2]), text
        elif words[:2] == ["python", "docs/claims.py"]:
            assert named <= program_options(words[1]), text
        else:
            assert named <= every, text


def test_the_readme_names_the_files_without_which_shipped_runs_cannot_be_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in ("METARL_METAWORLD", "METARL_STOCK_DATA"):
        monkeypatch.delenv(variable, raising=False)
    needed = {"METARL_STOCK_DATA"}  # without it these suites trade on a synthetic market, and nothing is missing
    for name in {path.name.partition("[")[0] for path in (ROOT / "results/reference/runs").iterdir()}:
        try:
            make_suite(name).check_data()
        except DataMissing as missing:
            needed |= set(re.findall(r"METARL_\w+", str(missing)))
    assert "METARL_METAWORLD" in needed
    assert all(f"`{variable}`" in (ROOT / "README.md").read_text() for variable in needed)


def test_the_readmes_commands_name_environments_of_tox_and_ci_runs_the_one_for_tests() -> None:
    leaderboard, tests = (line for line in code(ROOT / "README.md") if line.startswith("python3 -m venv"))
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    assert leaderboard == f"{tests} -e leaderboard"
    assert "testenv:leaderboard" in tox
    assert tox["testenv:" + tox["tox"]["env_list"]]["commands"].startswith("python -m pytest")
    assert tests in (ROOT / ".ci" / "run").read_text().splitlines()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_page_of_suites_agrees_with_the_suites() -> None:
    described = {row[0]: row[1:] for row in rows(DOCS / "suites.md") if len(row) == 6 and row[0] in suites()}
    shared = {field.name for field in fields(SuiteOptions)}
    expected = {}
    for name in suites():
        suite = make_suite(name)
        split = "/".join(str(len(suite.split.tasks(part))) for part in ("train", "validation", "test"))
        own = [field for field in fields(suite.options) if field.name not in shared]
        expected[name] = [
            str(suite.horizon),
            f"{suite.discount:g}",
            suite.metric,
            split + (", the same" if suite.split.shared else ""),
            ", ".join(f"{field.name}={as_text(field.default)}" for field in own),
        ]
    assert described == expected


def test_the_page_on_algorithms_lists_the_rules() -> None:
    assert dict(row for row in rows(DOCS / "add-an-algorithm.md") if row[0] in RULES) == RULES


def test_the_page_on_suites_lists_their_rules() -> None:
    assert dict(row for row in rows(DOCS / "add-a-suite.md") if row[0] in SUITE_RULES and len(row) == 2) == SUITE_RULES


def test_the_page_on_storage_names_every_part_of_the_identity_and_every_column() -> None:
    page = DOCS / "stored-results.md"
    (spec,) = make_plan(suites=["corners"], algorithms=["promp"], seeds=1, profile="smoke")
    named = {name for row in rows(page) for name in re.split(r"`?, `?", row[0])}
    assert set(spec.identity()) <= named
    described = {row[0]: row[1] for row in rows(page)}
    for table, schema in (("scores", tables.SCORES), ("learning", tables.LEARNING), ("training", tables.TRAINING)):
        text = described[f"{table}.parquet"]
        missing = [column for column in schema.names if column.replace("_", " ") not in text]
        assert missing == (["return", "discounted_return", "success", "length"] if table == "learning" else [])

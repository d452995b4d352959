"""docs/tuning.md: its tables are made from the shipped trials, and what it says of them in words is counted again."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from algorithms.catalogue import algorithms
from benchmarks.command_line import main
from benchmarks.planning.definition import find_definition
from benchmarks.planning.plan import make_plan
from benchmarks.planning.tunable import untunable_algorithm
from benchmarks.specs.run_spec import known_suite
from docs import tuned_table

ROOT = Path(__file__).parents[1]
TUNED = ROOT / "benchmarks" / "tuned"
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@pytest.fixture(scope="module")
def text() -> str:
    return tuned_table.PAGE.read_text(encoding="utf-8")


def part(text: str, name: str) -> str:
    begin, end = tuned_table.PLACES[name]
    return text.partition(begin)[2].partition(end)[0]


def rows(table: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]


def test_the_tables_are_what_the_shipped_files_say(text: str) -> None:
    assert tuned_table.page() == text, "run python docs/tuned_table.py"


def test_every_shipped_entry_stands_once_in_the_table(text: str) -> None:
    found = {}
    for path in TUNED.rglob("*.toml"):
        content = tomllib.loads(path.read_text())
        entries = content.get("algorithms", {})
        folder = path.parent.relative_to(TUNED).as_posix()
        for name, of in {**dict.fromkeys(entries), **content.get("controls", {})}.items():
            entry = entries[of or name]
            effort = f"{len(entry['trials'])} × {len(entry['seeds'])}"
            found[folder, content["suite"], f"{name} (as {of})" if of else name] = effort
    shown = {
        (folder, suite, name): effort.partition(",")[0]
        for folder, suite, names, effort in rows(part(text, "tuned"))
        for name in names.split(", ")
    }
    assert shown == found


def test_every_learning_method_has_equal_trials_on_every_tuned_suite_of_quick_but_for_two_that_the_page_names(
    text: str,
) -> None:
    for path in (TUNED / "quick").glob("*.toml"):
        content = tomllib.loads(path.read_text())
        if "sibling" in content:
            continue
        suite = known_suite(content["suite"])
        learners = [name for name, found in algorithms().items() if not untunable_algorithm(found, suite, fresh=False)]
        fitting = {cell.spec.algorithm for cell in make_plan("quick", [content["suite"]], learners, 1, "quick").cells}
        assert fitting - {"gmps", "sb3-ppo"} == set(content["algorithms"]), path.name
        efforts = {(len(own["trials"]), tuple(own["seeds"])) for own in content["algorithms"].values()}
        assert efforts == {(16, (1000, 1001))}
    said = " ".join(text.split())
    assert "but for two: GMPS," in said and "and `sb3-ppo`," in said


def test_every_suite_of_the_leaderboard_has_trials_there_or_a_reason_for_none(text: str) -> None:
    table = part(text, "tuned")
    tuned = {suite for folder, suite, *_ in rows(table) if folder == "quick"}
    reasons = re.findall(r"^- `([^`]+)` (cannot be tuned: |could be tuned, and was not)", table, re.MULTILINE)
    suites = {known_suite(name).full_name for name in find_definition("quick").suites}
    assert tuned | {suite for suite, _ in reasons} == suites and not tuned & {suite for suite, _ in reasons}


@pytest.mark.parametrize(
    ("value", "end"), [(0.001, "lower"), (0.0012, "lower"), (0.01, None), (0.09, "upper"), (0.2, "outside")]
)
def test_an_end_is_a_twentieth_of_the_spaces_own_scale(value: float, end: str | None) -> None:
    assert tuned_table.end_of(tuned_table.LogRange(0.001, 0.1), value) == end


def test_what_the_page_says_of_ends_on_half_cheetah_velocity_is_so(text: str) -> None:
    methods = tomllib.loads((TUNED / "quick" / "half-cheetah-velocity.toml").read_text())["algorithms"]
    said = " ".join(text.partition("On `half-cheetah-velocity`, whose trials")[2].partition("\n\n")[0].split())
    assert {entry["setting"]["budget"] for entry in methods.values()} == {80_000} and "80,000 steps" in said
    ends: dict[str, dict[str, float]] = {}
    for folder, suite, option, _, end, chosen in rows(part(text, "ends")):
        if (folder, suite) == ("quick", "half-cheetah-velocity"):
            assert end == "upper"
            ends[option.strip("`")] = {
                name: float(value) for name, value in (each.split() for each in chosen.split(", "))
            }
    assert {name for own in ends.values() for name in own} and set(ends) == {
        "delta",
        "inner_step_size",
        "gradient_steps",
    }
    assert f"{WORDS[sum(map(len, ends.values()))]} of twenty-one methods" in said and len(methods) == 21
    delta, inner = ends["delta"].values(), ends["inner_step_size"].values()
    assert f"{WORDS[len(delta)]} a `delta` of the trust region of {min(delta):.3f} to {max(delta):.3f}" in said
    assert f"{WORDS[len(inner)]} an `inner_step_size` of {min(inner):.2f} to {max(inner):.2f}" in said
    assert ends["gradient_steps"] == {"tmaml": 10}
    with_delta = [entry for entry in methods.values() if "delta" in entry["values"]]
    largest = [
        entry for entry in with_delta
        if entry["values"]["delta"] == max(trial["values"]["delta"] for trial in entry["trials"])
    ]  # fmt: skip
    assert f"Of the {WORDS[len(with_delta)]} methods with a `delta`, {WORDS[len(largest)]} chose the largest" in said
    for option, own in ends.items():
        for name, value in own.items():  # no trial went further
            assert value == max(trial["values"][option] for trial in methods[name]["trials"])


def test_the_page_estimates_the_standard_leaderboard_as_the_command_does(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Within a tenth, since every run that is shipped moves it a little."""
    monkeypatch.chdir(tmp_path)
    found = re.search(r"`metarl (leaderboard --profile standard[^`]*)` estimates (\d+) hours of one core", text)
    assert found is not None
    assert main(found[1].split()) == 0
    whole = capsys.readouterr().out.splitlines()[-1]
    hours = re.search(r"about (\d+) h (\d+) min of one core", whole)
    assert hours is not None
    assert int(hours[1]) + int(hours[2]) / 60 == pytest.approx(int(found[2]), rel=0.1)

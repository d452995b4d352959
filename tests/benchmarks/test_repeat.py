"""The commands of a statement's "Repeat": planned again, they make the very runs that the page shows."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.commands.report import REFERENCE
from benchmarks.planning.paper_studies import plan_studies
from benchmarks.planning.plan import make_plan
from benchmarks.planning.repeat import Way, find_way, repeat_commands
from benchmarks.specs.job import read_job
from benchmarks.specs.run_spec import RunSpec
from environments.catalogue import split_suite_names
from environments.typed_options import UsageError
from results.identity import base_name, chosen_digest
from results.published import Paper, find_paper, papers
from results.store import Store, StoredRun, StoredStudy
from tests.support.metaworld import needs_metaworld

Made = set[tuple[str, int]]


@pytest.fixture(scope="module")
def shipped() -> tuple[list[StoredRun], list[StoredStudy]]:
    store = Store(REFERENCE, read_only=True)
    return store.finished(), store.studies()


def made_by(paper: Paper, command: str, lost: str) -> Made:
    """What a printed command makes: digests of what it chooses, with seeds, and of what its runs begin with; without
    studies that are said to be lost, since their stored rows are of another size than those that it makes."""
    words = shlex.split(command)
    options = {word: words[place + 1] for place, word in enumerate(words[:-1]) if word.startswith("--")}
    if "--only-studies" in words:
        suites = split_suite_names(options["--suites"]) if "--suites" in options else None
        specs = plan_studies(paper, options["--profile"], int(options["--seeds"]), suites)
        return {(chosen_digest(spec.identity()), spec.seed) for spec in specs if f"study {spec.name}" not in lost}
    settings = [words[place + 1] for place, word in enumerate(words) if word == "--set"]
    plan = make_plan(
        options["--benchmark"],
        split_suite_names(options["--suites"]),
        options["--algorithms"].split(","),
        int(options["--seeds"]),
        options["--profile"],
        settings,
        "--untuned" not in words,
    )
    begun = [parent for spec in plan for parent in spec.parent_runs.values()]
    return {(chosen_digest(spec.identity()), spec.seed) for spec in [*plan, *begun]}


def as_made(stored: Iterable[StoredRun | StoredStudy]) -> Made:
    """On today's data; the sentences beside the commands name others."""
    return {(chosen_digest(read_job(each.run).identity()), each.seed) for each in stored}


@pytest.mark.parametrize("name", list(papers()))
def test_repeat_plans_the_very_runs_that_the_page_shows(
    name: str, shipped: tuple[list[StoredRun], list[StoredStudy]]
) -> None:
    paper = find_paper(name)
    bases, algorithms = {suite.base for suite in paper.suites}, {entry.id for entry in paper.algorithms}
    runs = [run for run in shipped[0] if base_name(run.suite) in bases and run.algorithm in algorithms]
    named = {claim.measured_by for claim in paper.claims}
    studies = [study for study in shipped[1] if study.name in named]
    said = repeat_commands(paper, runs, studies)
    lost = "; ".join(text for text in said if text.startswith("no command plans"))
    commands = [text for text in said if text.startswith("metarl ")]
    planned = set[tuple[str, int]]().union(*(made_by(paper, text, lost) for text in commands))
    if "METARL_METAWORLD is not set" in lost:
        runs = [run for run in runs if not run.suite.startswith("sawyer-")]
    assert not [run.path for run in runs if f"{run.algorithm} on {run.suite}" in lost]
    assert not [study.path for study in studies if f"study {study.name}" in lost]
    shown: list[StoredRun | StoredStudy] = [*runs, *studies]
    assert as_made(shown) <= planned
    assert {digest for digest, _ in planned} == {digest for digest, _ in as_made(shown)}  # and nothing else


@pytest.mark.parametrize("name", list(papers()))
def test_what_is_planned_is_what_is_stored_or_the_market_is_said_to_be_another(
    name: str, shipped: tuple[list[StoredRun], list[StoredStudy]]
) -> None:
    bases = {suite.base for suite in find_paper(name).suites}
    runs = [run for run in shipped[0] if base_name(run.suite) in bases]
    studies = [each for each in shipped[1] if {base_name(suite) for suite in each.suites} & bases]
    said = "\n".join(repeat_commands(find_paper(name), runs, studies))
    for each in [*runs, *studies]:
        stocks = any(base_name(suite).startswith("dow30") for suite in each.suites)
        if chosen_digest(each.identity) != chosen_digest(read_job(each.run).identity()):
            assert stocks, each.path
        data = str(each.run["provenance"]["data"])
        asked = "is not set" if data.startswith("synthetic") else "to that file first"
        lines = [line for line in said.splitlines() if f"ran on {data}: " in line]
        assert len(lines) == stocks and all(asked in line and "METARL_STOCK_DATA" in line for line in lines)


@needs_metaworld
def test_what_runs_begin_with_is_made_by_their_command_and_lost_without_them(
    shipped: tuple[list[StoredRun], list[StoredStudy]],
) -> None:
    """GMPS's expert has a quarter of its budget, which no command gives to a run of the expert's own."""
    paper = find_paper("gmps")
    own, experts = (
        [run for run in shipped[0] if (run.suite, run.algorithm, run.profile) == ("sawyer-push", name, "standard")]
        for name in ("gmps", "contextual-sac")
    )
    assert {parent["digest"] for run in own for parent in run.run["description"]["parents"].values()} == {
        run.digest for run in experts
    }
    denied = "no command plans contextual-sac on sawyer-push (profile standard has other terms today)"
    (command,) = repeat_commands(paper, own)
    assert repeat_commands(paper, [*own, *experts]) == (command,)
    assert as_made([*own, *experts]) == made_by(paper, command, "")
    assert repeat_commands(paper, experts) == (denied,)
    few = [run for run in own if run.seed < 2]  # which makes two of the experts
    assert repeat_commands(paper, [*few, *experts])[1:] == (denied,)


def first(runs: Iterable[StoredRun], suite: str, algorithm: str, profile: str) -> StoredRun:
    chosen = (r for r in runs if (r.suite, r.algorithm, r.profile) == (suite, algorithm, profile))
    return next(chosen)


def test_a_run_that_the_papers_own_command_plans_otherwise_is_planned_by_its_own(
    shipped: tuple[list[StoredRun], list[StoredStudy]],
) -> None:
    """`metarl paper bo-mrl` plans three adaptation steps on robots; these runs have one."""
    run = first(shipped[0], "half-cheetah-velocity", "promp", "quick")
    assert run.identity["protocol"]["adaptation_steps"] == 1
    way = find_way(find_paper("bo-mrl"), run)
    assert way.benchmark != "bo-mrl"
    assert way.spec(run.suite, run.algorithm).adaptation_steps == 1


def test_settings_are_found_and_what_nothing_plans_is_said(shipped: tuple[list[StoredRun], list[StoredStudy]]) -> None:
    paper = find_paper("promp")
    run = first(shipped[0], "half-cheetah-direction", "promp", "quick")
    spec = RunSpec.from_record(run.run)

    def as_if(changed: RunSpec) -> StoredRun:
        identity = {**changed.identity(), "versions": run.identity["versions"], "code": run.identity["code"]}
        return replace(run, run={**run.run, "identity": identity})

    other = as_if(replace(spec, configuration={**spec.configuration, "clip": 0.17}))
    way = find_way(paper, run)
    assert find_way(paper, other) == Way(way.benchmark, "quick", (*way.settings, "promp.clip=0.17"))
    longer = as_if(replace(spec, budget=spec.budget + 1))
    with pytest.raises(UsageError, match="profile quick has other terms today"):
        find_way(paper, longer)
    (said,) = repeat_commands(paper, [longer])
    assert said == "no command plans promp on half-cheetah-direction (profile quick has other terms today)"


def test_studies_of_some_suites_alone_are_planned_by_the_command_that_names_these() -> None:
    paper = find_paper("promp")

    def stored(suites: list[str] | None) -> list[StoredStudy]:
        return [StoredStudy(Path(), spec.record(), {}) for spec in plan_studies(paper, "smoke", 1, suites)]

    whole, some = stored(None), stored(["half-cheetah-direction"])
    assert as_made(some) != as_made(whole) and {study.name for study in some} > {"gradient-deviation"}
    command = "metarl paper promp --only-studies --profile smoke"
    assert repeat_commands(paper, [], some) == (f"{command} --suites half-cheetah-direction --seeds 1",)
    assert repeat_commands(paper, [], whole) == (f"{command} --seeds 1",)
    both = repeat_commands(paper, [], [*some, *whole])
    assert len(both) == 2
    assert as_made([*some, *whole]) == set[tuple[str, int]]().union(*(made_by(paper, text, "") for text in both))

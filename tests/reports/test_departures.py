"""In what our runs and studies depart from a paper's settings, as claims list it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.papers.claims_document import claims_document
from reports.papers.departures import departures_of_study, merged, settings_of_study
from reports.papers.evidence import gather
from reports.papers.page import paper_evidence
from reports.papers.run_terms import Behind
from reports.papers.study_evidence import ChosenStudy, choose_studies
from reports.papers.tables import settings_table
from reports.papers.verdicts import judge
from results.published import Paper, find_paper, read_paper
from results.published_claims import Claim
from results.store import Store
from tests.support.paper_claims import HIGHER, PAPER, evidence_of, fill, paper_of, verdicts_of
from tests.support.scored_runs import store_run
from tests.support.study_rows import store_study

SHIPPED = Path(__file__).parents[2] / "results" / "reference"
CLAIM = """
[[claims]]
id = "spread"
place = "Figure 1"
sentence = "It holds."
relation = "measurement"
measurement = "spread"
measured_by = "study"
first = ["promp"]
tests = [{{ quantity = "spread", relation = "above"{suite} }}]

[[settings]]
id = "appendix"
place = "Appendix A"
title = "Settings"
studies = ["study"]
rows = [
    ["Tasks", "40", "tasks", 40],
    ["Trajectories", "20", "protocol.trajectories", 20, {{ suites = ["plane"] }}],
    ["GAE λ", "1", "gae_lambda", 1, {{ algorithms = ["maml"] }}],
    ["Horizon", "20", "horizon", 20],
    ["Seeds", "5", "seeds", 5],
]
"""
GRIDS = """
[[settings]]
id = "grids"
place = "Appendix D"
title = "Grids"
rows = [
    ["Steps between samples", "1, 200", "steps", { algorithms = ["promp"] }],
    ["Reward scale", "10, 50", "scale", { algorithms = ["lvc"] }],
    ["Batch", "1000"],
]

[[sweeps]]
id = "sweep-promp"
place = "Appendix D, 1"
algorithm = "promp"
options = { steps = [1, 200], rate = [0.5, 0.1], variables = ["all", "bias"], tasks = [20] }

[[sweeps]]
id = "sweep-maml"
place = "Appendix D, 2"
algorithm = "maml"
suites = ["plane"]
options = { rate = [0.5, 0.1] }

[[sweeps]]
id = "sweep-lvc"
place = "Appendix D, 3"
algorithm = "lvc"
options = { scale = [10, 50] }
"""
EXPERT = {
    "role": "expert",
    "algorithm": "lvc",
    "configuration": {"scale": 0.1},
    "protocol": {"adaptation_steps": 1, "trajectories": 3},
    "evaluations": 4,
    "budget": 40_000,
    "parents": [],
}


def paper_with_grids(tmp_path: Path, text: str = GRIDS) -> Paper:
    paper_of(tmp_path, HIGHER)
    lake = '{ id = "lake", printed = "Lake", suite = "lake" },\n]\nalgorithms'
    small = (tmp_path / "small.toml").read_text().replace("]\nalgorithms", lake)
    (tmp_path / "grids.toml").write_text(small + text)
    return read_paper(tmp_path / "grids.toml")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def study_paper(tmp_path: Path, suite: str = "") -> tuple[Paper, Claim]:
    path = tmp_path / "small.toml"
    path.write_text(PAPER + CLAIM.format(suite=f', suite = "{suite}"' if suite else ""))
    paper = read_paper(path)
    return paper, paper.claims[0]


def study_of(store: Store, **configuration: Any) -> ChosenStudy:
    own = {"suites": ["point[horizon=20]"], "algorithms": ["promp"], "tasks": 10, "trajectories": 5, "horizon": 5}
    rows = [{"quantity": "spread", "algorithm": "promp", "value": 1.0}]
    store_study(store, rows, configuration={**own, "gae_lambda": 0.9, **configuration})
    (study,) = choose_studies(store.studies(), ()).values()
    return study


def test_a_study_departs_in_its_options_and_seeds_not_in_what_others_or_runs_have(store: Store, tmp_path: Path) -> None:
    """GAE is printed of another method; a study's own `horizon` is that of its small MDPs."""
    paper, claim = study_paper(tmp_path)
    assert [str(each) for each in departures_of_study(paper, claim, study_of(store))] == [
        "Tasks: ours 10 (study); the paper's 40 (Appendix A)",
        "Trajectories: ours 5 (study); the paper's 20 (Appendix A)",
        "Seeds: ours 1 (study); the paper's 5 (Appendix A)",
    ]


def test_a_study_that_has_the_printed_values_departs_in_nothing(store: Store, tmp_path: Path) -> None:
    paper, claim = study_paper(tmp_path)
    own = departures_of_study(paper, claim, study_of(store, tasks=40, trajectories=20))
    assert [each.setting.name for each in own] == ["Seeds"]


def test_a_study_of_the_suite_with_other_options_departs_in_that(store: Store, tmp_path: Path) -> None:
    paper, claim = study_paper(tmp_path)
    own = departures_of_study(paper, claim, study_of(store, suites=["point"], tasks=40, trajectories=20))
    assert str(own[0]) == "Suite: ours point (study); the paper's point[horizon=20] (its setting in our options)"


def test_a_suite_that_runs_and_a_study_share_is_named_once(store: Store, tmp_path: Path) -> None:
    paper, claim = study_paper(tmp_path)
    (own, *_) = departures_of_study(paper, claim, study_of(store, suites=["point"]))
    runs = replace(own, ours={"point with horizon 50": ("promp",)})
    other = replace(own, ours={"point[horizon=5]": ("study",)})
    (found,) = merged([runs, own, other])
    assert found.ours == {"point with horizon 50": ("promp", "study"), "point[horizon=5]": ("study",)}


def test_what_is_decided_on_no_suite_of_the_papers_has_nothing_to_depart_from(store: Store, tmp_path: Path) -> None:
    paper, claim = study_paper(tmp_path, "random-mdp")
    assert settings_of_study(paper, claim) == []
    assert departures_of_study(paper, claim, study_of(store)) == []
    paper, claim = study_paper(tmp_path, "point[horizon=20]")
    assert [row.name for _, row in settings_of_study(paper, claim)] == [
        "Tasks", "Trajectories", "GAE λ", "Horizon", "Seeds",
    ]  # fmt: skip


def test_the_shipped_deviation_of_the_meta_gradient_departs_in_what_it_was_run_with() -> None:
    """Its table did not name the study once, so that it departed in nothing."""
    promp = find_paper("promp")
    studies = choose_studies(Store(SHIPPED, read_only=True).studies(), ())
    claim = next(claim for claim in promp.claims if claim.id == "promp.figure3.deviation")
    departures = departures_of_study(promp, claim, studies["gradient-deviation"])
    assert [(each.setting.name, *each.ours, each.setting.printed) for each in departures] == [
        ("Tasks per meta-iteration", "10", "40"),
        ("Trajectories per task", "10", "20"),
        ("Outer learning rate", "0.003", "0.001"),
    ]


def test_runs_on_the_suite_with_other_options_depart_in_that(store: Store, tmp_path: Path) -> None:
    fill(store, 5, suite="point", promp=12.0, maml=5.0)
    paper = paper_of(tmp_path, HIGHER)
    (verdict,) = verdicts_of(paper, store)
    (departure,) = verdict.departures
    assert departure.short.startswith("Suite: ours point with horizon ")
    assert departure.short.endswith("; the paper's point[horizon=20]")
    assert f"departs: {departure}." in claims_document([(paper, [verdict])])


def test_runs_off_a_printed_grid_depart_and_so_does_what_they_begin_with(store: Store, tmp_path: Path) -> None:
    """By the settings' name of the option where they have one; what is not recorded departs from nothing."""
    for seed in range(3):
        own = {"steps": 50, "rate": 0.1, "tasks": 5}
        store_run(store, "point[horizon=20]", "promp", seed, 12.0, configuration=own, parents=(EXPERT,))
        store_run(store, "point[horizon=20]", "maml", seed, 5.0, configuration={"rate": 0.3, "tasks": 5})
    (verdict,) = verdicts_of(paper_with_grids(tmp_path), store)
    assert [str(each) for each in verdict.departures] == [
        "Steps between samples: ours 50 (promp); the paper's 1, 200 (Appendix D)",
        "Ours: tasks, which its grid in our terms presupposes: ours 5 (promp); the paper's 20 (Appendix D, 1)",
        "Reward scale: ours 0.1 (lvc); the paper's 10, 50 (Appendix D)",
        "MAML: rate: ours 0.3 (maml); the paper's 0.5, 0.1 (Appendix D, 2)",
    ]


def test_points_of_a_printed_grid_depart_in_nothing(store: Store, tmp_path: Path) -> None:
    for seed in range(3):
        own = {"steps": 200, "rate": 0.1, "tasks": 20, "variables": "bias"}
        expert = {**EXPERT, "configuration": {"scale": 50}}
        store_run(store, "point[horizon=20]", "promp", seed, 12.0, configuration=own, parents=(expert,))
        store_run(store, "point[horizon=20]", "maml", seed, 5.0, configuration={"rate": 0.5})
    (verdict,) = verdicts_of(paper_with_grids(tmp_path), store)
    assert verdict.departures == ()


@pytest.mark.parametrize("suite", ["plane", "lake"])
def test_of_several_grids_that_hold_on_the_suite_one_is_enough(suite: str, store: Store, tmp_path: Path) -> None:
    """What is printed of another suite says nothing: neither departs."""
    more = '[[sweeps]]\nid = "more"\nplace = "D"\nalgorithm = "maml"\noptions = { rate = [0.3] }\n'
    fill(store, 3, promp=12.0)
    for seed in range(3):
        store_run(store, "point[horizon=20]", "maml", seed, 5.0, configuration={"rate": 0.3})
    grids = GRIDS + more if suite == "plane" else GRIDS.replace('["plane"]', '["lake"]')
    (verdict,) = verdicts_of(paper_with_grids(tmp_path, grids), store)
    assert verdict.departures == ()


def test_ours_stand_beside_the_printed_grids_an_experts_too(store: Store, tmp_path: Path) -> None:
    """Its own runs need not be stored: what began with them says how they were made."""
    store_run(store, "point[horizon=20]", "promp", configuration={"steps": 50}, parents=(EXPERT,))
    paper = paper_with_grids(tmp_path)
    (found,) = evidence_of(paper, store.finished()).sets
    table = settings_table(paper.settings[0], paper, [Behind("plane", found.entries["promp"])])
    assert [row[2] for row in table.rows] == ["50", "0.1", "–"]


def test_the_shipped_runs_of_pushing_depart_where_they_are_off_the_papers_grids() -> None:
    gmps, store = find_paper("gmps"), Store(SHIPPED, read_only=True)
    runs = [run for run in store.finished() if run.suite == "sawyer-push"]
    verdicts = {verdict.claim.id: verdict for verdict in judge(paper_evidence(gmps, runs))}
    departures = verdicts["gmps.efficiency.all-steps.sawyer-push"].departures
    assert {each.setting.name: each.ours for each in departures if each.setting.name != "Seeds"} == {
        "GMPS: imitation steps between sampling": {"50": ("gmps",)},
        "Contextual SAC: reward scale": {"0.1": ("contextual-sac",)},
        "MAML: trajectories sampled per task": {"10": ("maml-trpo", "maml-trpo-bias")},
    }


@pytest.mark.parametrize(("suite", "cell"), [("point[horizon=20]", "3"), ("random-mdp", "–")])
def test_the_page_of_claims_shows_no_number_where_nothing_could_depart(
    suite: str, cell: str, store: Store, tmp_path: Path
) -> None:
    paper, claim = study_paper(tmp_path, suite)
    verdicts = judge(gather(paper, [], studies={claim.measured_by: study_of(store)}))
    row = claims_document([(paper, verdicts)]).partition("Departs | What")[2].splitlines()[2]
    assert row.split(" | ")[5] == cell


def test_the_page_of_claims_says_why_no_setting_is_about_a_study() -> None:
    gmps = find_paper("gmps")
    text = claims_document([(gmps, [])])
    assert f"No printed setting is about the study `gmps-bound`: {gmps.without_settings['gmps-bound']}." in text

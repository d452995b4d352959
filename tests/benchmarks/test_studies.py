"""Studies: discovered, carried out part by part, stored whole, resumed to the same bytes, shown with their paper."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

import benchmarks.commands.paper as paper
import benchmarks.specs.study_spec as study_spec
from benchmarks.command_line import main
from benchmarks.commands.jobs import missing
from benchmarks.commands.verify import verify
from benchmarks.execution.training import Progress
from benchmarks.execution.worker import run_job
from benchmarks.planning.paper_studies import plan_studies, studies_of
from benchmarks.planning.plan import parse_setting
from benchmarks.specs.code_digest import study_digest
from benchmarks.specs.study import Rows, Study, StudyConfig, row
from benchmarks.specs.study_spec import StudySpec, find_study, resolved, studies
from benchmarks.studies.exploration_paths import numbers
from benchmarks.studies.gradient_deviation import deviations
from benchmarks.studies.hessian_estimates.enumeration import all_trajectories, random_mdp, rewards_to_go
from benchmarks.verification.proofs import stale_digests, with_proofs
from environments.discovery import ClassEntry
from environments.streams import Streams
from environments.tabular import differentiable_return
from environments.typed_options import UsageError
from results.files import StoreError, sha256_of
from results.published import find_paper, papers
from results.record_schema import sealed
from results.store import Store
from results.tables import VALUES, as_table, read_columns, write_table
from tests.support.changed_module import change_module


@dataclass(frozen=True)
class WalkConfig(StudyConfig):
    steps: int = 4
    broken: bool = False


class Walk(Study):
    """A random walk whose position is kept from part to part."""

    name = "walk"
    Config = WalkConfig
    profiles: ClassVar = {"smoke": {"steps": 2}}

    def parts(self) -> Sequence[str]:
        return [f"step {number}" for number in range(self.config.steps)]

    def measure(self, part: str, kept: dict[str, Any]) -> Rows:
        number = int(part.split()[1])
        drawn = self.streams.numpy("walk", number).normal() + float(torch.rand(()))
        kept["position"] = kept.get("position", torch.zeros(())) + drawn
        value = float("nan") if self.config.broken else float(kept["position"])
        return [row("position", value, algorithm="walker", index=number, x=number)]

    def seconds(self) -> float:
        return 0.1 * self.config.steps


@pytest.fixture
def walk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    found = ClassEntry("walk", __name__, "Walk", "A walk", path=Path(__file__))
    monkeypatch.setattr(study_spec, "find_study", lambda name: found)
    yield


def spec_of(seed: int = 0, **values: Any) -> StudySpec:
    return StudySpec("walk", resolved(ClassEntry("walk", __name__, "Walk", ""), values), seed)


def files_of(root: Path) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in root.rglob("values.parquet")}


def test_a_file_with_a_named_class_is_a_study() -> None:
    assert {"gradient-deviation", "exploration-paths", "hessian-estimates"} <= set(studies())
    with pytest.raises(UsageError, match="did you mean 'gradient-deviation'"):
        find_study("gradient-deviations")


@pytest.mark.parametrize("name", sorted(studies()))
def test_every_study_has_parts_of_their_own_and_a_time_in_every_profile(name: str) -> None:
    cls = find_study(name).load()
    seconds = {}
    for profile in ("smoke", "quick", "standard", "paper"):
        spec = StudySpec(name, resolved(find_study(name), cls.profiles.get(profile, {})), 0)
        parts = spec.make().parts()
        assert len(parts) == len(set(parts)) == spec.size > 0
        seconds[profile] = spec.make().seconds()
    assert 0 < seconds["smoke"] <= seconds["quick"] <= seconds["standard"] <= seconds["paper"]


@pytest.mark.usefixtures("walk")
def test_the_same_study_writes_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for place in ("a", "b"):
        assert run_job(spec_of(), tmp_path / place).status == "finished"
    assert run_job(spec_of(seed=1), tmp_path / "a").status == "finished"
    first, again = files_of(tmp_path / "a"), files_of(tmp_path / "b")
    assert first["seed-0"] == again["seed-0"] != first["seed-1"]
    assert run_job(spec_of(), tmp_path / "a").status == "stored"


@pytest.mark.usefixtures("walk")
@pytest.mark.parametrize("stopped_after", [1, 3])
def test_an_interrupted_study_goes_on_from_its_last_part_to_the_same_bytes(stopped_after: int, tmp_path: Path) -> None:
    heard: list[Progress] = []

    def stop() -> bool:
        return len(heard) >= stopped_after

    assert run_job(spec_of(), tmp_path / "a", report=heard.append, should_stop=stop).status == "interrupted"
    assert not Store(tmp_path / "a").studies()
    later: list[Progress] = []
    assert run_job(spec_of(), tmp_path / "a", report=later.append).status == "finished"
    assert [progress.iteration for progress in later] == list(range(stopped_after, 5))
    run_job(spec_of(), tmp_path / "b")
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    (stored,) = Store(tmp_path / "a").studies()
    assert (stored.name, stored.seed, len(stored.values)) == ("walk", 0, 4)
    assert [attempt["outcome"] for attempt in stored.run["attempts"]] == ["interrupted", "finished"]
    assert list(stored.timing["part"]) == [f"step {number}" for number in range(4)]


@pytest.mark.usefixtures("walk")
def test_what_is_no_number_is_a_recorded_failure(tmp_path: Path) -> None:
    ended = run_job(spec_of(broken=True), tmp_path)
    assert ended.status == "failed" and "walk measured no number: step 0, position of walker" in ended.error
    run = json.loads(next(tmp_path.rglob("run.json")).read_text())
    assert run["attempts"][0]["outcome"] == "failed" and "FloatingPointError" in run["attempts"][0]["error"]


@pytest.mark.usefixtures("walk")
def test_a_damaged_study_is_named_and_left_out(tmp_path: Path) -> None:
    run_job(spec_of(), tmp_path)
    values = next(tmp_path.rglob("values.parquet"))
    values.write_bytes(values.read_bytes()[:-1])
    store = Store(tmp_path)
    assert store.studies(skip_corrupt=True) == []
    assert len(store.problems) == 1 and str(values) in store.problems[0]
    with pytest.raises(StoreError, match=r"values\.parquet"):
        store.studies()


@pytest.mark.usefixtures("walk")
def test_a_study_of_other_code_is_stale(tmp_path: Path) -> None:
    run_job(spec_of(), tmp_path)
    stored = Store(tmp_path).studies()
    assert stale_digests(with_proofs(stored)) == set()
    stored[0].run["identity"]["code"] = "d" * 64
    stored[0].run["digest"] = "e" * 64
    assert stale_digests(with_proofs(stored)) == {"e" * 64}


@pytest.mark.parametrize(
    ("module", "counts"),
    [
        ("benchmarks.studies.gradient_deviation", True),
        ("benchmarks.studies.staged_training", True),
        ("benchmarks.specs.study", True),
        ("algorithms.meta_learning.gradient_meta_learner", True),
        ("benchmarks.specs.run_spec", False),
        ("benchmarks.specs.study_spec", False),
        ("benchmarks.execution.studying", False),
        ("benchmarks.execution.worker", False),
    ],
)
def test_its_code_is_what_it_imports_and_not_what_plans_it(
    module: str, counts: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = find_study("gradient-deviation")
    before = study_digest(study, [])
    changed = change_module(module, tmp_path, monkeypatch)
    if study.module == module:
        study = replace(study, path=changed)
    assert (study_digest(study, []) != before) == counts


def test_the_papers_name_studies_and_profiles_and_settings_choose_their_size() -> None:
    named = ["gradient-deviation", "exploration-paths", "promp-identities", "hessian-estimates"]
    assert studies_of(find_paper("promp")) == named
    specs = plan_studies(find_paper("tmaml"), "smoke", 2, None, [parse_setting("hessian-estimates.mdps=3")])
    assert [(spec.name, spec.seed) for spec in specs] == [("hessian-estimates", 0), ("hessian-estimates", 1)]
    configuration = specs[0].configuration
    assert (configuration["mdps"], configuration["horizon"], configuration["states"]) == (3, 3, 3)
    with pytest.raises(UsageError, match="study hessian-estimates has no option 'mdp'; did you mean 'mdps'"):
        plan_studies(find_paper("tmaml"), "smoke", 2, None, [parse_setting("hessian-estimates.mdp=3")])


def test_a_record_from_before_an_option_says_what_was_done_then() -> None:
    recorded = {"suites": ["frozen-lake-low"], "algorithms": []}
    run = {
        "identity": {"measurement": "optimality-gap", "configuration": recorded, "seed": 0},
        "description": {"profile": "standard", "benchmark": "bo-mrl"},
    }
    spec = StudySpec.from_record(run)
    assert (spec.configuration["random_starts"], spec.configuration["draws"]) == (0, 100)
    assert spec.identity()["configuration"] == recorded
    planned = plan_studies(find_paper("bo-mrl"), "standard", 1, ["frozen-lake-low"])
    (today,) = (study for study in planned if study.name == "optimality-gap")
    assert today.configuration["random_starts"] > 0
    assert today.identity()["configuration"] != recorded


def test_chosen_suites_replace_its_own_and_others_leave_it_out() -> None:
    """... and one that has no suites at all is not concerned."""
    chosen = ["half-cheetah-direction[horizon=7]"]
    own = {spec.name: spec for spec in plan_studies(find_paper("promp"), "smoke", 1, chosen)}
    suites = {name: spec.configuration["suites"] for name, spec in own.items()}
    assert suites == {"gradient-deviation": chosen, "promp-identities": [], "hessian-estimates": chosen}
    others = plan_studies(find_paper("promp"), "smoke", 1, ["hopper-params"])
    assert [spec.name for spec in others] == ["promp-identities"]


def test_every_study_that_a_paper_names_exists() -> None:
    for entered in papers().values():
        assert set(studies_of(entered)) <= set(studies())


def test_deviations_are_those_of_the_definition() -> None:
    gradients = torch.tensor([[1.0, -2.0, 0.0], [3.0, -2.0, 0.0]], dtype=torch.float64)
    found = deviations(gradients)
    assert found["relative-deviation"] == pytest.approx((1 / 2 + 0 / 2) / 2)
    assert found["deviation"] == pytest.approx(1 / 3)
    assert found["norm-deviation"] == pytest.approx(np.sqrt(2) / np.sqrt(8))


def test_paths_say_which_regions_were_entered_and_how_far_the_goal_was() -> None:
    still = np.zeros((2, 3, 2))
    before = still.copy()
    before[0] = [[0, 0], [2, 2], [2, -2]]
    after = still + np.array([2.0, 1.0])
    found = numbers(before, after, np.array([2.0, 2.0]), radius=1.0)
    assert found == {"regions-visited": 2, "regions-per-episode": 1, "path-length": pytest.approx((8**0.5 + 4) / 2),
                     "final-distance": 1}  # fmt: skip


def test_enumerated_trajectories_hold_the_whole_return() -> None:
    mdp, logits = (
        random_mdp(Streams(3).numpy("mdp"), 3, 2),
        torch.tensor([[0.3, -0.2], [0.0, 1.0], [-1.0, 0.5]]).double(),
    )
    batch, probability = all_trajectories(mdp, logits, 4)
    exact = differentiable_return(mdp, torch.softmax(logits, -1), 4)
    assert float(probability.sum()) == pytest.approx(1)
    assert float(probability @ batch.rewards.sum((1, 2))) == pytest.approx(float(exact))
    start = rewards_to_go(mdp, logits, 4)[0]
    assert float(torch.from_numpy(mdp.initial) @ start) == pytest.approx(float(exact))


def test_the_hessian_study_finds_dice_unbiased_and_the_printed_term_biased(tmp_path: Path) -> None:
    (spec,) = plan_studies(find_paper("tmaml"), "smoke", 1, None)
    assert run_job(spec, tmp_path).status == "finished"
    (stored,) = Store(tmp_path).studies()
    means = stored.values.groupby(["quantity", "algorithm"])["value"].mean()
    for unbiased in ("dice", "tmaml", "tmaml-first-order"):
        assert means["hessian-bias", unbiased] < 1e-10
    for biased in ("lvc", "log-probability", "tmaml-printed"):
        assert means["hessian-bias", biased] > 1e-3
    assert means["hessian-variance", "tmaml"] < means["hessian-variance", "dice"]
    assert {"product-variance", "product-deviation"} <= set(stored.values["quantity"])


def test_the_paper_command_measures_what_is_missing_judges_it_and_renders_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(paper, "REFERENCE", tmp_path / "nothing-shipped")
    cells = ("--profile", "smoke", "--seeds", "1", "--workers", "1", "--only-measurements")
    assert main(["paper", "tmaml", *cells, "--dry-run"]) == 0
    assert "1 of 1 study is missing" in capsys.readouterr().out
    assert main(["paper", "tmaml", *cells]) == 0
    assert "1 of 1 missing study finished" in capsys.readouterr().out
    claims = json.loads((tmp_path / "paper-tmaml" / "summary.json").read_text())["claims"]
    verdicts = {claim["id"]: claim["verdict"] for claim in claims}
    assert verdicts["tmaml.theorem1.printed"] == "contradicted"
    assert verdicts["tmaml.theorem1.corrected"] == "reproduced"
    page = (tmp_path / "paper-tmaml" / "index.html").read_text()
    assert "Not in the paper: Bias and variance of estimates of the Hessian" in page
    drawn = (tmp_path / "paper-tmaml" / "figures" / "hessian-estimates.svg").read_bytes()
    assert main(["paper", "tmaml", *cells]) == 0
    assert "the study is stored" in capsys.readouterr().out
    assert main(["paper", "tmaml", "--stored", "--output", "again"]) == 0
    assert (tmp_path / "again" / "figures" / "hessian-estimates.svg").read_bytes() == drawn


def test_a_failing_study_ends_the_command_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = ("--set", "hessian-estimates.logit_std=-1", "--profile", "smoke", "--seeds", "1", "--workers", "1")
    assert main(["paper", "tmaml", *wrong, "--only-measurements"]) == 1
    assert "study  hessian-estimates  seed 0  ValueError" in " ".join(capsys.readouterr().err.split("\n"))
    assert (tmp_path / "paper-tmaml" / "index.html").is_file()


def test_a_damaged_study_stops_the_command_before_it_measures(tmp_path: Path) -> None:
    (spec,) = plan_studies(find_paper("tmaml"), "smoke", 1, None, [parse_setting("hessian-estimates.groups=1")])
    assert run_job(spec, tmp_path).status == "finished"
    store = Store(tmp_path)
    assert missing([spec], store) == []
    next(tmp_path.rglob("values.parquet")).write_bytes(b"")
    with pytest.raises(StoreError, match=r"values\.parquet"):
        missing([spec], store)
    assert missing([spec], store, force=True) == [spec]


def test_a_study_is_verified_by_making_it_again(tmp_path: Path) -> None:
    found = find_study("hessian-estimates")
    spec = StudySpec(found.name, resolved(found, found.load().profiles["smoke"]), 3, "smoke")
    assert run_job(spec, tmp_path).status == "finished"
    (stored,) = Store(tmp_path).studies()
    assert verify(stored.path).as_lines() == ["every byte agrees"]
    values = as_table(read_columns(stored.path / "values.parquet", VALUES))
    values.loc[5, "value"] += 1
    write_table(stored.path / "values.parquet", values, VALUES)
    done = json.loads((stored.path / "done.json").read_text())
    done["digests"]["values.parquet"] = sha256_of(stored.path / "values.parquet")
    (stored.path / "done.json").write_text(json.dumps(sealed(done)))
    verdict = verify(stored.path)
    assert not verdict.agrees and "values.parquet, row 5 (quantity " in str(verdict.difference)

"""The study of XMRL-G's lemmas: the corrected ones hold to rounding, the printed ones do not."""

from __future__ import annotations

import pandas as pd
import pytest
import torch

from benchmarks.commands.report import REFERENCE
from benchmarks.specs.study import Rows
from benchmarks.specs.study_spec import StudySpec, find_study, resolved
from benchmarks.studies.xmrl_g_lemmas.problem import MixedBandits
from environments.streams import Streams
from results.published import find_paper
from results.store import Store


@pytest.fixture(scope="module")
def values() -> pd.DataFrame:
    entry = find_study("xmrl-g-lemmas")
    study = StudySpec("xmrl-g-lemmas", resolved(entry, entry.load().profiles["smoke"]), 0).make()
    rows: Rows = []
    kept: dict[str, object] = {}
    for part in study.parts():
        rows += study.measure(part, kept)
    return pd.DataFrame(rows)


def of(values: pd.DataFrame, quantity: str, algorithm: str = "") -> pd.Series:
    chosen = values[(values["quantity"] == quantity) & (values["algorithm"] == algorithm)]["value"]
    assert len(chosen)
    return chosen


def test_the_corrected_hypergradient_is_the_informations_and_the_printed_one_is_not(values: pd.DataFrame) -> None:
    assert of(values, "lemma1-error", "corrected").max() < 1e-3
    assert of(values, "lemma1-cosine", "corrected").min() > 0.999999
    assert of(values, "lemma1-error", "printed").min() > 0.1
    assert of(values, "lemma1-block-error", "corrected").max() < 1e-3
    assert of(values, "lemma1-block-error", "printed").min() > 1e-3
    assert of(values, "appendix-e-estimate").max() <= 0
    assert of(values, "information-share").between(0, 1).all()


def test_lemma_2_counts_the_quadratic_term_twice_and_its_matrix_is_not_definite(values: pd.DataFrame) -> None:
    assert of(values, "lemma2-coefficient-ratio").tolist() == pytest.approx([2.0] * 6, rel=1e-3)
    assert of(values, "lemma2-eigenvalue").min() < -1e-3
    exact, reduced = of(values, "lemma2-change", "exact"), of(values, "lemma2-change", "reduced")
    assert (abs(exact.to_numpy() - reduced.to_numpy()) > 1e-3).any()


def test_the_theorems_are_measured_at_every_horizon_and_iteration(values: pd.DataFrame) -> None:
    gradients, bounds = of(values, "theorem1-squared-gradient"), of(values, "theorem1-bound")
    assert len(gradients) == len(bounds) == 2
    assert (gradients.to_numpy() <= bounds.to_numpy()).all()
    assert len(of(values, "theorem2-information", "corrected")) == 4
    assert of(values, "theorem2-rises", "corrected").tolist() == [1.0]


def test_a_coefficient_of_1_leaves_a_task_as_it_is() -> None:
    problem = MixedBandits.drawn(Streams(3))
    weight = problem.parameters(Streams(4))["weight"]
    tasks, ones = len(problem.advantages), torch.ones(len(problem.advantages), dtype=torch.float64)
    logs = problem.log_policy(weight, problem.states)
    plain = (logs * problem.advantages).mean((1, 2))
    assert torch.allclose(problem.surrogate(weight.expand(tasks, *weight.shape), ones), plain)
    other = problem.surrogate(weight.expand(tasks, *weight.shape), 0.7 * ones)
    assert not torch.allclose(other, plain)
    # of all pairs, mixing by lambda and by 1 - lambda are the same
    assert torch.allclose(problem.surrogate(weight.expand(tasks, *weight.shape), 0.3 * ones), other)


def test_what_the_claim_says_of_lemma_1_and_appendix_e_is_what_was_measured() -> None:
    """It said once that the two directions are opposite."""
    (study,) = (
        study
        for study in Store(REFERENCE, read_only=True).studies()
        if (study.name, study.profile) == ("xmrl-g-lemmas", "quick")
    )
    rows = study.values[study.values["quantity"] == "lemma1-estimate-cosine"].sort_values("index")
    beside = [f"{value:.2f}".replace("-", "−") for value in rows.loc[rows["algorithm"] == "printed", "value"]]
    (claim,) = (claim for claim in find_paper("xmrl-g").claims if claim.id == "xmrl-g.lemma1.printed")
    assert f"a cosine of {', '.join(beside[:-1])} and {beside[-1]} with that estimate's gradient" in claim.printed
    assert "which itself points away from the information's" in claim.printed
    assert (rows.loc[rows["algorithm"] == "corrected", "value"] < -0.9).all()

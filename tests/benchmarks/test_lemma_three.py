"""The study of Lemma 3: with the lemma's minus the hypergradient is exact, and without it it points the other way."""

from __future__ import annotations

from benchmarks.specs.study_spec import StudySpec, find_study, resolved


def test_the_lemma_is_exact_and_its_proof_has_lost_a_sign() -> None:
    found = find_study("xmrl-g-lemma3")
    study = StudySpec("xmrl-g-lemma3", resolved(found, found.load().profiles["smoke"]), 0).make()
    (part,) = study.parts()
    errors = {row["algorithm"]: row["value"] for row in study.measure(part, {}) if row["quantity"] == "lemma3-error"}
    assert errors["corrected"] < 1e-5
    assert abs(errors["printed"] - 2) < 1e-5

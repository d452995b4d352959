"""The study of Lemma 5: what it prints is far off, with its factor first-order MAML's, and ours is the whole."""

from __future__ import annotations

from benchmarks.specs.study_spec import StudySpec, find_study, resolved


def test_which_of_the_expressions_is_which_derivative() -> None:
    found = find_study("xmrl-g-lemma5")
    study = StudySpec("xmrl-g-lemma5", resolved(found, found.load().profiles["smoke"]), 0).make()
    (part,) = study.parts()
    rows = {(row["quantity"], row["algorithm"]): row["value"] for row in study.measure(part, {})}
    assert rows["lemma5-held-error", "restored"] < 1e-6
    assert rows["lemma5-error", "whole"] < 1e-6
    assert rows["lemma5-error", "printed"] > 1
    assert 0.01 < rows["lemma5-error", "restored"] < 1
    assert rows["lemma5-cosine", "restored"] > 0.5

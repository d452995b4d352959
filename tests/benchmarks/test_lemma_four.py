"""The study of Lemma 4: MAML's meta-gradient is exact, iMAML's with the other sign, CAVIA's with its other path."""

from __future__ import annotations

from benchmarks.specs.study_spec import StudySpec, find_study, resolved


def test_which_of_the_lemmas_gradients_are_exact() -> None:
    found = find_study("xmrl-g-lemma4")
    study = StudySpec("xmrl-g-lemma4", resolved(found, found.load().profiles["smoke"]), 0).make()
    (part,) = study.parts()
    errors = {row["algorithm"]: row["value"] for row in study.measure(part, {})}
    exact = {"maml", "imaml-corrected", "cavia-corrected"}
    assert errors.keys() == {*exact, "imaml-printed", "cavia-printed", "hessian-printed"}
    for name, error in errors.items():
        assert error < 1e-6 if name in exact else error > 0.01, (name, error)

"""Figure 3's study: DiCE as printed, and beside it at LVC's inner steps and with LVC's own advantages."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.specs.study_spec import StudySpec, find_study, resolved
from environments.typed_options import from_recorded

SMALL = {
    "budget": 400, "points": 1, "repeats": 3, "tasks": 3, "trajectories": 4, "hidden": [8],
    "suites": ["corners[horizon=10]"],
}  # fmt: skip


def measured(**values: Any) -> dict[tuple[str, str], float]:
    """By algorithm and quantity, before training."""
    study = StudySpec("gradient-deviation", resolved(find_study("gradient-deviation"), {**SMALL, **values}), 0).make()
    found = {}
    for part in study.parts():
        if part.endswith(" 0"):
            found.update(
                {(str(row["algorithm"]), str(row["quantity"])): row["value"] for row in study.measure(part, {})}
            )
    return found


def test_dice_is_measured_as_printed_and_at_lvcs_own_inner_steps() -> None:
    found = measured()
    names = ["lvc-vpg", "dice-vpg", "dice-vpg[inner_scale=returns]", "dice-vpg[credit=advantages]"]
    assert list(dict.fromkeys(name for name, _ in found)) == names
    steps = {name: found[name, "inner-step"] for name in names}
    assert steps["dice-vpg"] > 1.5 * steps["lvc-vpg"]
    assert steps["dice-vpg[inner_scale=returns]"] < 0.7 * steps["dice-vpg"]
    assert steps["dice-vpg[credit=advantages]"] == pytest.approx(steps["lvc-vpg"], rel=0.7)  # of few data
    assert all(found[name, "relative-deviation"] > 0 for name in names)


def test_a_variant_goes_with_its_algorithm() -> None:
    assert {name for name, _ in measured(algorithms=["lvc-vpg"])} == {"lvc-vpg"}


def test_an_old_record_had_no_variants_and_dice_as_printed() -> None:
    cls = find_study("gradient-deviation").load().Config
    values = from_recorded(cls, {"algorithms": ["lvc-vpg", "dice-vpg"]}, "study")
    assert (values["variants"], values["credit"]) == ([], "rewards")

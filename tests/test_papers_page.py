"""The scores that the page on papers prints in its prose and tables are those of the shipped runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import pytest

from reports.statistics.mean_difference import compare_means
from results.store import Store, StoredRun

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "papers.md").read_text()
NAMES = {
    "ProMP": "promp", "MAML-TRPO": "maml-trpo", "E-MAML-TRPO": "e-maml-trpo",
    "LVC-VPG": "lvc-vpg", "LVC-TRPO": "lvc-trpo",
    "E-MAML-VPG": "e-maml-vpg", "DiCE (vanilla policy gradient outside)": "dice-vpg", "MAML-VPG": "maml-vpg",
    "MAML": "maml-vpg", "random initialisation": "random-init",
    "Alg(1)": "bo-mrl-1", "Alg(2)": "bo-mrl-2", "Alg(3)": "bo-mrl-3",
}  # fmt: skip

#: of a run's seeds, the value of a column
Column = Callable[[StoredRun], float]


@pytest.fixture(scope="module")
def shipped() -> list[StoredRun]:
    return Store(ROOT / "results" / "reference", read_only=True).finished()


def rows(section: str) -> dict[str, list[str]]:
    """The cells of the section's first table with means and deviations, by its first column."""
    text = PAGE.split(f"### {section}\n")[1].split("\n### ")[0]
    found = re.findall(r"^\| ([^|]+) \|((?: −?[\d.]+ \[[\d.]+\] \|)+)$", text, re.MULTILINE)
    return {name: [cell.strip() for cell in cells.strip("|").split("|")] for name, cells in found}


def after(step: int, metric: str | None = None) -> Column:
    def score(run: StoredRun) -> float:
        chosen = run.scores[(run.scores["split"] == "test") & (run.scores["step"] == step)]
        return float(chosen.groupby("task")[metric or run.metric].mean().mean())

    return score


def over_the_curve(run: StoredRun) -> float:
    """The mean of its points, each equally far from the next, after the last adaptation step."""
    learning = run.learning
    return float(learning[learning["step"] == learning["step"].max()].groupby("point")[run.metric].mean().mean())


def of(runs: list[StoredRun], benchmark: str, profile: str, suite: str, algorithm: str) -> list[StoredRun]:
    asked = (benchmark, profile, suite, algorithm)
    return [r for r in runs if (r.run["description"].get("benchmark"), r.profile, r.suite, r.algorithm) == asked]


def printed(values: list[float], places: int) -> str:
    def short(value: float) -> str:
        return f"{value + 0.0:.{places}f}".replace("-0", "0") if round(value, places) == 0 else f"{value:.{places}f}"

    return f"{short(fmean(values))} [{short(stdev(values))}]".replace("-", "−")


TABLES: list[tuple[str, str, str, list[tuple[str, Column]]]] = [
    ("ProMP's Figure 2 on one of its six suites", "promp", "half-cheetah-direction[horizon=100]",
     [("", after(0)), ("", after(1)), ("", over_the_curve)]),
    ("ProMP's Figure 4: four corners with momentum", "promp", "corners-momentum",
     [("", after(step)) for step in range(4)]),
    ("BO-MRL's Figure 2: the baselines on one of its four suites", "bo-mrl", "half-cheetah-direction",
     [("", after(step)) for step in range(4)]),
    ("BO-MRL on FrozenLake: exact, and from samples", "bo-mrl", "",
     [(lake, after(step)) for lake in ("frozen-lake-high", "frozen-lake-low") for step in (1, 4)]),
]  # fmt: skip


@pytest.mark.parametrize("section, benchmark, suite, columns", TABLES)
def test_means_and_deviations_are_those_of_the_shipped_seeds(
    section: str, benchmark: str, suite: str, columns: list[tuple[str, Column]], shipped: list[StoredRun]
) -> None:
    found = rows(section)
    assert len(found) >= 5
    for name, cells in found.items():
        assert len(cells) == len(columns)
        for cell, (own, column) in zip(cells, columns, strict=True):
            runs = of(shipped, benchmark, "standard", own or suite, NAMES[name])
            assert len(runs) >= 8
            places = len(cell.partition(" ")[0].partition(".")[2])
            assert cell == printed([column(run) for run in runs], places), (name, own or suite)


def test_what_scripted_references_and_learners_have_on_xmrl_gs_suites(shipped: list[StoredRun]) -> None:
    def score(suite: str, algorithm: str) -> float:
        runs = of(shipped, "xmrl-g", "quick", suite, algorithm)
        tuned = [run for run in runs if run.run["description"].get("tuning")] or runs
        value = fmean(after(int(run.scores["step"].max()))(run) for run in tuned)
        return round(100 * value if suite.startswith("drone") else value)

    text = next(part for part in PAGE.split("\n\n") if part.startswith("Scripted references say"))
    said = [float(number.replace("−", "-")) for number in re.findall(r"(?<![\w])−?\d+", text)]
    cheetah, hopper, walker = "half-cheetah-velocity[control_cost=0]", "hopper-velocity", "walker2d-velocity"
    assert said == [
        score(cheetah, "maml-vpg"), score(cheetah, "best-constant"),
        score("drone-obstacles", "maml-vpg"), score("drone-obstacles", "best-constant"),
        score("dow30-turbulence", "maml-vpg"), score("dow30-turbulence", "buy-and-hold"),
        score("dow30-turbulence", "best-constant"),
        score(hopper, "best-constant"), score(walker, "best-constant"),
        score(hopper, "maml-vpg"), score(walker, "maml-vpg"),
        score(walker, "xmrl-g"), score(walker, "random-init"), score(walker, "stand-still"),
    ]  # fmt: skip


def test_how_much_of_xmrl_gs_lead_on_the_hopper_is_the_steps(shipped: list[StoredRun]) -> None:
    def scores(algorithm: str, tuned: bool) -> np.ndarray:
        runs = of(shipped, "xmrl-g", "quick", "hopper-velocity", algorithm)
        found = [run for run in runs if bool(run.run["description"].get("tuning")) == tuned]
        return np.array([after(int(run.scores["step"].max()))(run) for run in found])

    ours = scores("xmrl-g", True)
    text = next(part for part in PAGE.split("\n\n") if part.startswith("Three seeds of each are shipped"))
    for tuned, said in ((True, "on the hopper ({0}, {1} to {2} at 95 %)"), (False, "is {0} above it ({1} to {2})")):
        found = compare_means(ours, scores("maml-vpg", tuned), "hopper-velocity", "xmrl-g, maml-vpg", "return")
        assert found.interval is not None
        numbers = [f"{value:.0f}".replace("-", "−") for value in (found.effect, *found.interval)]
        assert said.format(*numbers) in " ".join(text.split())
    means = [f"{scores('maml-vpg', tuned).mean():.0f}".replace("-", "−") for tuned in (False, True)]
    assert f"MAML has {means[0]} instead of {means[1]}" in " ".join(text.split())


def test_how_often_the_corners_are_reached(shipped: list[StoredRun]) -> None:
    text = " ".join(PAGE.split("### ProMP's Figure 4")[1].split("### ")[0].split())

    def share(algorithm: str) -> str:
        runs = of(shipped, "promp", "standard", "corners-momentum", algorithm)
        return f"{100 * fmean(after(3, 'success')(run) for run in runs):.0f} %"

    said = f"LVC-TRPO reaches the goal in {share('lvc-trpo')} of the episodes, E-MAML-TRPO in {share('e-maml-trpo')}"
    assert f"{said} and standing still in {share('stand-still')}" in text
    ours, others = (
        np.array([after(3)(run) for run in of(shipped, "promp", "standard", "corners-momentum", name)])
        for name in ("lvc-trpo", "maml-trpo")
    )
    found = compare_means(ours, others, "corners-momentum", "lvc-trpo, maml-trpo", "return")
    assert found.interval is not None
    effect, low, high = (f"{value:.0f}".replace("-", "−") for value in (found.effect, *found.interval))
    assert f"LVC is {effect} above MAML ({low} to {high})" in text

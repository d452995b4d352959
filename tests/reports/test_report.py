"""The report folder: its numbers, its labels, its refusals, and that the same results give the same bytes."""

from __future__ import annotations

import csv
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reports.page
from docs import my_table
from reports.figures.colours import styles_for
from reports.page import make_report, write_report
from reports.scores.cautions import FailedRun, coverage
from reports.scores.entries import collect_entries
from reports.summary import summary_json
from reports.text.short_labels import short_labels
from reports.text.table import Table
from results.files import StoreError
from results.store import Store, StoredRun
from tests.support.report_reading import digests, summary_of, text_of
from tests.support.scored_runs import TASKS, store_run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[StoredRun], Path]:
    """Two suites; on both promp is decided to be above maml and random-init."""
    root = tmp_path_factory.mktemp("sample")
    store = Store(root / "results")
    for seed in range(3):
        for algorithm, level in (("promp", 18.0), ("maml", 3.1), ("random-init", 3.0)):
            store_run(store, "point", algorithm, seed, level, trains=algorithm != "random-init")
            store_run(store, "lake[x=1]", algorithm, seed, level, metric="success", steps=2)
    runs = store.finished()
    return runs, write_report(runs, root / "report")


def test_the_same_results_give_the_same_bytes(report: tuple[list[StoredRun], Path], tmp_path: Path) -> None:
    runs, page = report
    again = write_report(list(reversed(runs)), tmp_path / "again")
    assert digests(again.parent) == digests(page.parent)


def test_a_report_folder_holds_what_it_promises(report: tuple[list[StoredRun], Path]) -> None:
    _, page = report
    names = set(digests(page.parent))
    assert {"index.html", "summary.json", "tables/leaderboard.tex", "tables/point.md", "tables/point.csv"} <= names
    kinds = ("learning", "time", "adaptation", "profile", "tasks")
    assert {f"figures/point-{kind}.{form}" for kind in kinds for form in ("svg", "png")} <= names
    assert not [name for name in names if re.search(r"[^A-Za-z0-9._/-]", name)]


def test_the_summary_is_recomputed_from_the_record(report: tuple[list[StoredRun], Path]) -> None:
    runs, page = report
    summary = summary_of(page)
    assert set(summary) == {"suites", "boards", "claims", "runs"}
    assert summary["claims"] == []
    assert len(summary["runs"]) == len(runs)
    entry = summary["suites"]["point"]["promp"]
    assert set(entry) == {"mean", "std", "iqm", "ci", "seeds", "per_step"}
    frames = [run.scores for run in runs if (run.suite, run.algorithm) == ("point", "promp")]
    for step in (0, 1):
        tests = [frame[(frame["split"] == "test") & (frame["step"] == step)] for frame in frames]
        scores = np.stack([frame.groupby("task")["return"].mean() for frame in tests])
        found = entry["per_step"][step]
        assert found["step"] == step
        assert found["mean"] == pytest.approx(scores.mean())
        assert found["std"] == pytest.approx(scores.mean(axis=1).std(ddof=1))
        assert found["iqm"] == pytest.approx(np.sort(scores, axis=None)[3:9].mean())
        assert found["ci"][0] <= found["iqm"] <= found["ci"][1]
    assert {key: entry[key] for key in ("mean", "std", "iqm", "ci")} == {
        key: entry["per_step"][-1][key] for key in ("mean", "std", "iqm", "ci")
    }


def test_adding_an_algorithm_leaves_the_others_numbers_alone(store: Store, tmp_path: Path) -> None:
    for seed in range(3):
        store_run(store, algorithm="promp", seed=seed)
        store_run(store, algorithm="random-init", seed=seed, level=2.0)
        store_run(store, "frozen-lake-low", algorithm="promp", seed=seed, level=1.0)
        store_run(store, "frozen-lake-low", algorithm="random-init", seed=seed, level=-1.0)
    old = make_report(store.finished())
    before = json.loads(summary_json(old.boards))["suites"]["point"]
    for seed in range(3):
        store_run(store, algorithm="cavia", seed=seed, level=30.0)
        store_run(store, "frozen-lake-low", algorithm="cavia", seed=seed, level=0.0)
    new = make_report(store.finished())
    after = json.loads(summary_json(new.boards))["suites"]["point"]
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"cavia"}
    ((earlier,), (later,)) = old.across, new.across
    assert earlier.aggregates and {label: later.aggregates[label] for label in earlier.aggregates} == earlier.aggregates
    assert set(earlier.improvements) < set(later.improvements)
    (pair,) = old.tests["point"].pairs
    again = next(found for found in new.tests["point"].pairs if found.first.algorithm == "promp")
    assert again.comparison == pair.comparison


def test_every_link_leads_somewhere_and_nothing_comes_from_outside(report: tuple[list[StoredRun], Path]) -> None:
    page = report[1]
    html = page.read_text()
    ids = re.findall(r'\bid="([^"]*)"', html)
    links = re.findall(r'href="([^"]*)"', html)
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert all((page.parent / link).is_file() for link in links if not link.startswith("#"))
    assert not re.search(r"https?://|<link|@import|src=", html)
    runs = summary_of(page)["runs"]
    assert sum(name.startswith("runs-") and "-seed-" in name for name in ids) == len(runs)


def test_the_page_is_well_formed(report: tuple[list[StoredRun], Path]) -> None:
    class Balance(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []
            self.wrong: list[str] = []

        def handle_starttag(self, tag: str, attrs: Any) -> None:
            if tag not in ("meta", "br", "wbr", "input", "img"):
                self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if not self.open or self.open.pop() != tag:
                self.wrong.append(tag)

    balance = Balance()
    balance.feed(report[1].read_text())
    balance.close()
    assert (balance.open, balance.wrong) == ([], [])


def test_one_seed_is_shown_without_an_interval(store: Store, tmp_path: Path) -> None:
    store_run(store)
    page = write_report(store.finished(), tmp_path / "report")
    entry = summary_of(page)["suites"]["point"]["promp"]
    assert entry["ci"] is None
    assert entry["std"] is None
    assert entry["seeds"] == 1
    assert "1 entry with 1 seed: no interval" in text_of(page)
    assert "[no interval]" in (page.parent / "tables/point.md").read_text().replace("\\", "")


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_refused_by_name_and_the_rest_reported(
    store: Store, tmp_path: Path, broken: float
) -> None:
    for seed in range(2):
        store_run(store, algorithm="maml", seed=seed)
        store_run(store, algorithm="promp", seed=seed, broken=broken if seed == 1 else None)
    page = write_report(store.finished(), tmp_path / "report")
    text = text_of(page)
    assert set(summary_of(page)["suites"]["point"]) == {"maml"}
    assert "no score: promp on point" in text
    assert f"seed 1 has a return of {broken} for test step 1, task t-2, episode 1" in text
    alone = [run for run in store.finished() if run.algorithm == "promp"]
    with pytest.raises(StoreError, match=r"nothing to report: promp on point .*seed 1 has a return"):
        write_report(alone, tmp_path / "alone")


def test_the_dots_of_a_forest_are_of_what_its_marker_is_of(store: Store, tmp_path: Path) -> None:
    """One task of four fails: the mean of a seed lies far below what the marker and the interval are made of."""
    for seed in range(3):
        store_run(store, seed=seed, broken=-500.0)
    page = write_report(store.finished(), tmp_path / "report").read_text()
    forest = page.split('id="forest"')[1].split("</section>")[0]
    places = [float(place) for place in re.findall(r'class="seed" style="left:([\d.]+)%', forest)]
    (marker,) = (float(place) for place in re.findall(r'class="dot" style="left:([\d.]+)%', forest))
    assert len(places) == 3
    assert min(places) - 0.1 <= marker <= max(places) + 0.1


def test_a_seed_scored_on_other_tasks_is_refused_by_name(store: Store, tmp_path: Path) -> None:
    store_run(store, seed=0)
    store_run(store, seed=1, tasks=TASKS[:3])
    with pytest.raises(StoreError, match=r"seed 1 was scored on other test tasks than seed 0"):
        write_report(store.finished(), tmp_path / "report")


def test_no_run_at_all_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no finished run is stored"):
        write_report([], tmp_path / "report")


def test_unequal_budgets_are_shown_on_boards_of_their_own(store: Store, tmp_path: Path) -> None:
    for seed in range(3):
        store_run(store, algorithm="maml", seed=seed, level=8.0)
        store_run(store, algorithm="lvc", seed=seed, level=7.0)
        store_run(store, algorithm="promp", seed=seed, level=20.0, budget=900_000)
        store_run(store, algorithm="random-init", seed=seed, level=2.0, budget=5, trains=False)
    page = write_report(store.finished(), tmp_path / "report")
    boards = {board["name"]: set(board["entries"]) for board in summary_of(page)["boards"]}
    assert boards == {  # untrained, random-init stands at any budget
        "point · budget 100 k": {"maml", "lvc", "random-init"},
        "point · budget 900 k": {"promp", "random-init"},
    }
    assert "*" not in (page.parent / "tables/leaderboard.tex").read_text()
    assert set(summary_of(page)["suites"]["point"]) == {"maml", "lvc", "promp", "random-init"}


def test_configurations_of_one_algorithm_are_entries_of_their_own(store: Store, tmp_path: Path) -> None:
    for clip in (0.2, 0.3):
        for seed in range(2):
            store_run(store, seed=seed, configuration={"clip": clip, "tasks": 4})
    page = write_report(store.finished(), tmp_path / "report")
    assert set(summary_of(page)["suites"]["point"]) == {"promp [clip=0.2]", "promp [clip=0.3]"}


def test_a_changed_code_tells_configurations_apart(store: Store, tmp_path: Path) -> None:
    store_run(store, code="c" * 64)
    store_run(store, code="d" * 64)
    page = write_report(store.finished(), tmp_path / "report")
    assert set(summary_of(page)["suites"]["point"]) == {"promp [code=cccccccc]", "promp [code=dddddddd]"}


def test_what_trains_on_test_tasks_is_labelled_and_never_leads(store: Store, tmp_path: Path) -> None:
    for seed in range(2):
        store_run(store, algorithm="oracle", seed=seed, level=30.0, access=("train", "test", "model"))
        store_run(store, algorithm="promp", seed=seed)
    text = text_of(write_report(store.finished(), tmp_path / "report"))
    assert "trains on test tasks" in text
    assert "reads the exact model" in text
    board = make_report(store.finished()).boards[0]
    assert [entry.algorithm for entry in board.entries] == ["oracle", "promp"]
    assert [entry.algorithm for entry in board.learned] == ["promp"]


def test_shipped_results_are_labelled_and_yield_to_own_runs(store: Store, tmp_path: Path) -> None:
    shipped = Store(tmp_path / "shipped")
    for seed in range(3):
        store_run(shipped, algorithm="maml", seed=seed)
    store_run(store, algorithm="maml", seed=0)
    store_run(store, algorithm="promp", seed=0)
    page = write_report(store.finished(), tmp_path / "report", reference=shipped.finished())
    origin = {(run["algorithm"], run["seed"]): run["reference"] for run in summary_of(page)["runs"]}
    assert origin == {("maml", 0): False, ("maml", 1): True, ("maml", 2): True, ("promp", 0): False}
    assert "shipped result" in text_of(page)


def test_every_caution_is_printed(store: Store, tmp_path: Path) -> None:
    for seed in range(3):
        store_run(store, algorithm="maml", seed=seed, dirty=True)
    for seed in range(2):
        store_run(store, algorithm="promp", seed=seed)
    runs = store.finished()
    failed = FailedRun("point", "promp", 2, "Traceback (most recent call last):\n  ...\nValueError: <no> step\n")
    page = write_report(runs, tmp_path / "report", stale={runs[0].digest}, failed=[failed])
    text = text_of(page)
    assert "promp on point, seed 2: ValueError: &lt;no&gt; step" in text
    assert "Stale: maml on point" in text
    assert "promp on point has no seed 2, which others have" in text
    assert "3 of the runs come from a working tree with uncommitted changes" in text


def test_few_seeds_are_said_to_cover_what_the_simulation_of_that_interval_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shares = {2: (0.9, 0.953), 3: (0.88, 0.88), 10: (0.94, 0.95)}
    monkeypatch.setattr("reports.scores.cautions.printed_coverage", lambda seeds: shares.get(seeds))
    monkeypatch.setattr("reports.scores.cautions.COVERAGE", Path(__file__))
    assert coverage(2) == "with 2 seeds: the nominal 95 % interval covers 90–95 %"
    assert coverage(3) == "with 3 seeds: the nominal 95 % interval covers 88 %"
    assert (coverage(1), coverage(10)) == ("with 1 seed: no interval", "")


def test_latex_tables_escape_what_latex_acts_on() -> None:
    table = Table("50 % of a_b", ("Name", "x"), (("[a_b] & 5 % $x$ {y} #~^\\", "−1.5 ± 2"),))
    text = table.latex()
    assert (
        r"{[}a\_b{]} \& 5 \% \$x\$ \{y\} \#\textasciitilde{}\textasciicircum{}\textbackslash{} & $-$1.5 $\pm$ 2 \\"
        in text
    )
    assert text.startswith("% 50 % of a_b\n")
    assert text.index(r"\toprule") < text.index(r"\midrule") < text.index(r"\bottomrule")


def test_csv_holds_the_numbers_of_the_summary_in_full(report: tuple[list[StoredRun], Path]) -> None:
    page = report[1]
    header, *lines = (page.parent / "tables/leaderboard.csv").read_text().splitlines()
    rows = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]
    assert len(rows) == 3 * 2 + 3 * 3
    for row in rows:
        expected = summary_of(page)["suites"][row["suite"]][row["algorithm"]]["per_step"][int(row["step"])]
        assert float(row["iqm"]) == expected["iqm"]
        assert [float(row["low"]), float(row["high"])] == expected["ci"]


def test_a_report_replaces_a_former_one_and_nothing_else(store: Store, tmp_path: Path) -> None:
    store_run(store, suite="old")
    store_run(store, suite="new")
    output = tmp_path / "report"
    write_report(store.finished(), output)
    page = write_report([run for run in store.finished() if run.suite == "new"], output)
    assert not list(output.rglob("old*"))
    assert page == output / "index.html"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("words")
    with pytest.raises(StoreError, match="holds something else than a report"):
        write_report(store.finished(), tmp_path / "mine")


def test_a_new_section_is_one_file_and_one_name(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(2):
        store_run(store, seed=seed)
    monkeypatch.setitem(sys.modules, "reports.sections.steps", my_table)
    monkeypatch.setattr(reports.page, "SECTIONS", ("steps", *reports.page.SECTIONS))
    page = write_report(store.finished(), tmp_path / "report")
    spent = sum(run.done["environment_steps"] for run in store.finished())
    assert f"Environment steps Algorithm Suite Steps promp point {spent:,}" in text_of(page)
    lines = (page.parent / "tables" / "steps.csv").read_text().splitlines()
    assert lines == ["algorithm,board,steps", f"promp,point,{spent}"]
    monkeypatch.undo()
    write_report(store.finished(), tmp_path / "report")
    assert not (page.parent / "tables" / "steps.csv").exists()


def test_names_are_escaped_on_the_page(store: Store, tmp_path: Path) -> None:
    store_run(store, suite="s<b>&", algorithm='a"<i>$x$_y')
    page = write_report(store.finished(), tmp_path / "report")
    html = page.read_text()
    assert "<b>&<" not in html
    assert "<i>$x" not in html
    assert "a&quot;&lt;i&gt;$x$_y" in html
    assert all(path.stat().st_size > 0 for path in (tmp_path / "report").rglob("*.svg"))


def test_learning_curves_run_over_the_budget_before_and_after_adaptation(report: tuple[list[StoredRun], Path]) -> None:
    entries, _ = collect_entries(report[0])
    curve = next(e.curve for e in entries if (e.suite, e.algorithm) == ("point", "promp"))
    assert curve is not None
    assert curve.environment_steps == (0, 25_000, 50_000, 75_000, 100_000)
    assert curve.after[-1].iqm > curve.before[-1].iqm > curve.before[0].iqm
    floor = next(e.curve for e in entries if (e.suite, e.algorithm) == ("point", "random-init"))
    assert floor is not None
    assert len(floor.after) == 1


def test_an_algorithm_looks_the_same_in_every_report_and_like_no_other() -> None:
    ours = ["random-init", "oracle", "promp", "maml-trpo", "cavia", "tmaml", "imaml", "gmps", "dice-vpg", "bo-mrl-3"]
    styles = styles_for(ours)
    assert all(styles_for([name, "somebody's", "another's"])[name] == styles[name] for name in ours)
    everybody = styles_for([*ours, *(f"method-{number}" for number in range(20))])
    assert {name: everybody[name] for name in ours} == styles
    assert len({(style.colour, style.marker) for style in everybody.values()}) == len(everybody)
    few = styles_for([f"method-{number}" for number in range(5)] + ["promp", "maml-trpo"])
    assert len({style.colour for style in few.values()}) == 7


def test_twelve_algorithms_of_any_name_fit_on_a_page_and_look_different(store: Store, tmp_path: Path) -> None:
    names = ["comma, name", "50 % of it", "under_score", *(f"method-{number}" for number in range(9))]
    tasks = tuple(f"test-{number:02d}" for number in range(20))
    for name in names:
        for seed in range(2):
            store_run(store, algorithm=name, seed=seed, tasks=tasks, points=10)
    page = write_report(store.finished(), tmp_path / "report")
    assert set(summary_of(page)["suites"]["point"]) == set(names)
    assert page.stat().st_size < 2_000_000 / 12  # a leaderboard of a dozen such suites stays under 2 MB
    assert r"50 \% of it" in (page.parent / "tables/point.tex").read_text()
    assert r"under\_score" in (page.parent / "tables/point.md").read_text()
    rows = list(csv.DictReader((page.parent / "tables/pairwise.csv").open(newline="")))
    assert len(rows) == 12 * 11 / 2
    assert {row["first"] for row in rows} | {row["second"] for row in rows} == set(names)
    values = re.findall(r'type="checkbox" name="algorithm" value="([^"]*)"', page.read_text())
    assert len(set(values)) == 12
    looks = {(style.colour, style.marker, style.dashed) for style in styles_for(names).values()}
    assert len(looks) == 12


def test_synthetic_data_are_named_with_the_suite_and_among_the_warnings(store: Store, tmp_path: Path) -> None:
    store_run(store, "stocks")
    store_run(store, "point")
    runs = store.finished()
    for run in runs:
        if run.suite == "stocks":
            run.run["provenance"]["data"] = "synthetic market, seed 0"
    page = write_report(runs, tmp_path / "report")
    text = text_of(page)
    assert "profile smoke · data: synthetic market, seed 0" in text
    assert "Synthetic data: stocks ran on synthetic market, seed 0" in text
    assert {run["suite"]: run["data"] for run in summary_of(page)["runs"]} == {
        "stocks": "synthetic market, seed 0",
        "point": None,
    }


def test_learning_curves_run_over_wall_time_too_and_to_their_shared_points(store: Store) -> None:
    store_run(store, seed=0, points=4)
    store_run(store, seed=1, points=4)
    (entry,), _ = collect_entries(store.finished())
    assert entry.curve is not None
    assert entry.curve.wall_seconds[-1] == pytest.approx(2.0)  # four iterations of half a second
    assert list(entry.curve.wall_seconds) == sorted(entry.curve.wall_seconds)


def test_entries_scored_on_other_tasks_are_not_compared(store: Store, tmp_path: Path) -> None:
    for seed in range(2):
        store_run(store, algorithm="maml", seed=seed)
        store_run(store, algorithm="lvc", seed=seed)
        store_run(store, algorithm="promp", seed=seed, tasks=TASKS[:3])
    boards = make_report(store.finished()).boards
    assert {board.name: {entry.label for entry in board.entries} for board in boards} == {
        "point · 3 tasks from t-0 to t-2": {"promp"},
        "point · 4 tasks from t-0 to t-3": {"maml", "lvc"},
    }


def test_a_figure_names_a_configuration_by_the_first_option_that_tells_it_apart() -> None:
    long = [f"promp [budget=100, clip={clip}, code=1a2b3c4d, versions.gymnasium=1.4.0]" for clip in (0.2, 0.3)]
    assert short_labels([*long, "maml"]) == {
        long[0]: "promp [clip=0.2,\u00a0…]",
        long[1]: "promp [clip=0.3,\u00a0…]",
        "maml": "maml",
    }


def test_the_axis_of_steps_says_whether_an_experts_are_among_them(store: Store, tmp_path: Path) -> None:
    protocol = {"adaptation_steps": 1, "trajectories": 3}
    terms = {"configuration": {}, "protocol": protocol, "evaluations": 1, "budget": 10, "parents": []}
    expert = {"role": "expert", "algorithm": "lvc", **terms}
    for suite, parents in (("point", ()), ("maze", (expert,))):
        for seed in range(2):
            store_run(store, suite=suite, seed=seed, parents=parents)
    write_report(store.finished(), tmp_path / "report")
    plain, guided = ((tmp_path / f"report/figures/{name}-learning.svg").read_text() for name in ("point", "maze"))
    assert "environment steps of meta-training" in plain and "an expert" not in plain
    assert "environment steps, an expert" in guided and "of meta-training" not in guided

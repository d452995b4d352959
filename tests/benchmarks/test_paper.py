"""The folder of `metarl paper`: its tables and figures beside the published ones, and its statement."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from benchmarks.commands.report import REFERENCE
from reports.papers.evidence import Evidence
from reports.papers.page import paper_evidence, write_paper
from reports.papers.run_terms import Behind, terms_of
from reports.papers.runs_behind import runs_behind
from reports.papers.tables import fill_table, settings_table
from reports.papers.verdicts import judge
from reports.scores.entries import collect_entries
from results.files import StoreError
from results.published import Paper, find_paper, papers, read_paper
from results.published_settings import Setting, SettingsTable
from results.store import Store
from tests.support.report_reading import digests, text_of
from tests.support.scored_runs import store_run
from tests.support.tuned_methods import tuned_method

PAPER = """
title = "Learning & <planes>"
authors = "Somebody"
year = 2020
venue = "somewhere"
source = "its text"
open = ["Seeds are not printed."]
algorithms = [
    { id = "maml", printed = "MAML" },
    { id = "promp", printed = "Ours" },
    { id = "lvc", printed = "LVC_2" },
]

[[suites]]
id = "plane"
printed = "Plane"
suite = "point"
budget = 5_000_000

[[suites]]
id = "lake"
printed = "Lake"
suite = "lake"

[[tables]]
id = "table1"
place = "Table 1"
title = "Returns"
baseline = "maml"
columns = ["maml", "promp", "lvc"]

[tables.rows]
plane = ["10.0 ± 0.5", "14.0 ± 0.5", "12.0 ± 0.5"]
lake = ["-1.0 ± 0.5", "-0.5 ± 0.25", "-0.75 ± 0.5"]

[[settings]]
id = "appendix"
place = "Appendix A"
title = "Settings"
rows = [["Trajectories λ²", "20", "protocol.trajectories"], ["Horizon", "100", "horizon"], ["Widths", "64", "hidden"]]

[[figures]]
id = "figure1"
place = "Figure 1"
title = "Learning curves"
kind = "learning-curves"
suites = ["plane", "lake"]
algorithms = ["maml", "promp", "lvc"]

[[figures]]
id = "figure2"
place = "Figure 2"
title = "Adaptation curves"
kind = "adaptation-curves"
suites = ["plane"]
algorithms = ["maml", "promp"]
axes = { plane = [0, 20] }

[[figures]]
id = "figure3"
place = "Figure 3"
title = "Paths"
kind = "exploration-paths"
suites = ["plane"]
algorithms = ["maml"]
measurement = "exploration paths"

[[readings]]
source = "another library"
suite = "plane"
algorithm = "maml"
before = ""
after = "about 11"
note = "read off an image"

[[claims]]
id = "best"
place = "Table 1"
sentence = "On {suite} ours is above MAML."
suites = ["plane", "lake"]
relation = "higher"
first = ["promp"]
second = ["maml"]
"""


def shown_runs(evidence: Evidence) -> tuple[Behind, ...]:
    tables = [fill_table(table, evidence) for table in evidence.paper.tables]
    return runs_behind(evidence, tables, judge(evidence))


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Paper:
    path = tmp_path_factory.mktemp("published") / "small.toml"
    path.write_text(PAPER)
    return read_paper(path)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Five seeds on one of the paper's suites, in which what it claims holds; runs that are none of its business."""
    store = Store(tmp_path_factory.mktemp("results"))
    for seed in range(5):
        for algorithm, level in (("promp", 14.0), ("maml", 8.0), ("random-init", 2.0), ("cavia", 30.0)):
            store_run(store, "point", algorithm, seed, level, trains=algorithm != "random-init")
    store_run(store, "elsewhere", "promp", 0)
    return store


@pytest.fixture(scope="module")
def page(paper: Paper, store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = {"promp", "maml", "cavia", "random-init"}
    output = tmp_path_factory.mktemp("paper") / "out"
    return write_paper(paper, store.finished(), output, algorithms=names, suites={"point", "lake"})


def test_each_table_and_figure_is_written_in_every_form(page: Path) -> None:
    names = set(digests(page.parent))
    tables = ("claims", "table1", "appendix", "figure1", "figure2")
    assert {f"tables/{name}.{kind}" for name in tables for kind in ("csv", "md", "tex")} <= names
    assert {f"figures/{name}.{kind}" for name in ("figure1", "figure2") for kind in ("svg", "png")} <= names
    assert {"index.html", "summary.json", "statement.md", "statement.html", "statement.tex"} <= names
    assert not any("figure3" in name for name in names)


def test_the_same_runs_give_the_same_bytes(paper: Paper, store: Store, page: Path, tmp_path: Path) -> None:
    names = {"promp", "maml", "cavia", "random-init"}
    runs = list(reversed(store.finished()))
    again = write_paper(paper, runs, tmp_path / "again", algorithms=names, suites={"point", "lake"})
    assert digests(again.parent) == digests(page.parent)


def test_trials_whose_values_runs_took_are_on_the_page_and_no_others(paper: Paper, tmp_path: Path) -> None:
    store, taken = Store(tmp_path / "results"), tuned_method("promp")
    for seed in range(2):
        store_run(store, algorithm="promp", seed=seed, tuning={"trials": 16, "seeds": 2, "digest": taken.digest})
        store_run(store, algorithm="maml", seed=seed)
    other = replace(tuned_method("maml"), digest="e" * 64)
    page = write_paper(paper, store.finished(), tmp_path / "out", tuning=[other, taken])
    assert 'href="#tuning"' in page.read_text() and 'id="tuning"' in page.read_text()
    rows = list(csv.DictReader((page.parent / "tables" / "tuning.csv").open(newline="")))
    assert [row["algorithm"] for row in rows] == ["promp"]
    page = write_paper(paper, store.finished(), tmp_path / "untold", tuning=[other])
    assert "tuning" not in page.read_text() and not (page.parent / "tables" / "tuning.csv").exists()


def test_ours_stand_beside_the_printed_numbers_with_the_ratio_of_the_gains(page: Path) -> None:
    header, *lines = (page.parent / "tables" / "table1.csv").read_text().splitlines()
    rows = {tuple(line.split(",")[:2]): dict(zip(header.split(","), line.split(","), strict=True)) for line in lines}
    ours, base = rows["plane", "promp"], rows["plane", "maml"]
    suites = json.loads((page.parent / "summary.json").read_text())["suites"]
    assert float(ours["mean"]) == suites["point"]["promp"]["mean"]
    gain = float(ours["mean"]) - float(base["mean"])
    assert float(ours["paper_gain"]) == 4.0
    assert float(ours["gain_ratio"]) == pytest.approx(gain / 4.0)
    assert (ours["paper_mean"], ours["paper_std"], ours["seeds"], ours["budget"]) == ("14.0", "0.5", "5", "100000")
    assert base["gain_ratio"] == ""
    assert rows["plane", "lvc"]["missing"] == "no algorithm lvc yet"
    assert rows["lake", "promp"]["missing"] == "no stored run of promp on lake"
    markdown = (page.parent / "tables" / "table1.md").read_text()
    assert "| Plane | paper | 10.0 ± 0.5 | 14.0 ± 0.5 | 12.0 ± 0.5 |" in markdown
    assert "| Lake | paper | −1.0 ± 0.5 |" in markdown


def test_the_page_says_what_cannot_be_compared(page: Path) -> None:
    text = text_of(page)
    assert "Seeds are not printed." in text
    assert "our budget is 100 k environment steps, profile smoke; the paper&#x27;s is 5 M" in text
    assert "no measurement of the exploration paths yet" in text
    assert "elsewhere: another library (read off an image)" in text
    assert "Its vertical axes run from 0.00 to 20.00 on plane" in text


def test_settings_stand_beside_those_of_our_runs(page: Path) -> None:
    lines = (page.parent / "tables" / "appendix.csv").read_text().splitlines()
    assert lines == ["Setting,Paper,Ours", "Trajectories λ²,20,3", "Horizon,100,20", "Widths,64,–"]


def test_a_value_is_told_by_where_it_stands_its_environment_or_its_methods(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(PAPER)
    store = Store(tmp_path / "results")
    for suite, width in (("point", 8), ("lake", 16)):
        for algorithm, tasks in (("promp", 1), ("maml", 2)):
            configuration = {"tasks": width, "trajectories": tasks, "hidden": width * tasks, "clip": 3}
            store_run(store, suite, algorithm, configuration=configuration)
    store_run(store, "point", "random-init", configuration={"tasks": 99}, trains=False)
    paper = read_paper(tmp_path / "small.toml")
    evidence = paper_evidence(paper, store.finished(), algorithms={"promp", "maml"}, suites={"point", "lake"})
    rows = [Setting(option, "", option) for option in ("tasks", "trajectories", "hidden", "clip")]
    table = settings_table(SettingsTable("all", "T", "Settings", tuple(rows)), paper, shown_runs(evidence))
    assert [row[2] for row in table.rows] == [
        "8 (Plane), 16 (Lake)",
        "1 (promp), 2 (maml)",
        "8 (Plane: promp), 16 (Lake: promp; Plane: maml), 32 (Lake: maml)",
        "3",
    ]


def test_settings_are_those_of_the_runs_that_are_shown(tmp_path: Path) -> None:
    """Those of another board, on the same suite within another budget, stood among them."""
    (tmp_path / "small.toml").write_text(PAPER)
    store = Store(tmp_path / "results")
    for algorithm in ("promp", "maml"):
        for seed in range(2):
            store_run(store, "point", algorithm, seed, configuration={"rate": 0.1}, budget=100_000)
    store_run(store, "point", "maml", configuration={"rate": 0.7}, budget=5_000)
    paper = read_paper(tmp_path / "small.toml")
    evidence = paper_evidence(paper, store.finished(), algorithms={"promp", "maml"}, suites={"point", "lake"})
    settings = SettingsTable("all", "T", "Settings", (Setting("Rate", "", "rate"), Setting("Seeds", "", "seeds")))
    assert [row[2] for row in settings_table(settings, paper, shown_runs(evidence)).rows] == ["0.1", "2"]


def test_an_option_is_the_algorithms_where_a_suites_fact_has_its_name(tmp_path: Path) -> None:
    """Stocks record `tasks`, all of the split's, which the page took for those of a meta-iteration."""
    stocks = [
        run
        for run in Store(REFERENCE, read_only=True).finished()
        if (run.suite, run.algorithm, run.profile) == ("dow30-turbulence", "xmrl-g", "quick")
    ]
    (entry, *_), _ = collect_entries(stocks)
    assert entry.runs[0].run["description"]["tasks"] == 80
    (terms, *_) = terms_of(entry)
    assert terms.value("tasks") == entry.identity["configuration"]["tasks"] == 5
    assert terms.value("horizon") == entry.runs[0].run["description"]["horizon"]


def test_the_summary_holds_the_verdicts_and_only_the_papers_runs(page: Path) -> None:
    summary = json.loads((page.parent / "summary.json").read_text())
    assert {claim["id"]: claim["verdict"] for claim in summary["claims"]} == {
        "small.best.plane": "reproduced",
        "small.best.lake": "not run",
    }
    assert set(summary["suites"]) == {"point"}
    assert set(summary["suites"]["point"]) == {"promp", "maml", "random-init"}


def test_every_link_leads_somewhere_and_nothing_comes_from_outside(page: Path) -> None:
    html = page.read_text()
    ids = re.findall(r'\bid="([^"]*)"', html)
    links = re.findall(r'href="([^"]*)"', html)
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert all((page.parent / link).is_file() for link in links if not link.startswith("#"))
    assert not re.search(r"https?://|<link|@import|src=", html)
    assert "Learning &amp; &lt;planes&gt;" in html


@pytest.mark.parametrize("name", ["index.html", "statement.html"])
def test_pages_are_well_formed(name: str, page: Path) -> None:
    class Balance(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []
            self.wrong: list[str] = []

        def handle_starttag(self, tag: str, attrs: Any) -> None:
            if tag not in ("meta", "br", "wbr"):
                self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if not self.open or self.open.pop() != tag:
                self.wrong.append(tag)

    balance = Balance()
    balance.feed((page.parent / name).read_text())
    balance.close()
    assert (balance.open, balance.wrong) == ([], [])


def test_the_statement_says_what_held_by_which_software_and_how_to_repeat_it(page: Path) -> None:
    statement = (page.parent / "statement.md").read_text()
    assert "1 reproduced, 1 not run" in statement
    assert re.search(
        r"\*\*Reproduced \(1\)\*\*\n\n- `small.best.plane`: On Plane ours is above MAML. promp against", statement
    )
    assert "**Not run (1)**\n\n`small.best.lake`" in statement
    for said in ("commit 0123456789ab", "torch 2.13", "point: 100 k environment steps", "Python 3.11"):
        assert said in statement
    assert "Repeat: metarl paper small --stored renders again" in statement
    assert "our budget is 100 k environment steps, profile smoke; the paper's is 5 M" in statement


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("name", ["small", *papers()])
def test_latex_compiles_as_it_is_and_the_statement_fills_one_page(
    name: str, paper: Paper, page: Path, tmp_path: Path
) -> None:
    folder = page.parent if name == "small" else write_paper(find_paper(name), [], tmp_path / "out").parent
    for source in (folder / "statement.tex", *(folder / "tables").glob("*.tex")):
        command = [
            "pdflatex",
            "-interaction=nonstopmode",
            "-halt-on-error",
            "-output-directory",
            str(tmp_path),
            str(source),
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
        assert done.returncode == 0, f"{source.name}: {done.stdout[-600:]}"
        assert "(1 page," in " ".join(done.stdout.split())


@pytest.mark.parametrize("name", list(papers()))
def test_a_paper_of_which_nothing_is_stored_is_shown_with_every_claim_not_run(name: str, tmp_path: Path) -> None:
    page = write_paper(find_paper(name), [], tmp_path / "out")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert {claim["verdict"] for claim in summary["claims"]} == {"not run"}
    assert len(summary["claims"]) == len(find_paper(name).claims)
    text = text_of(page)
    for table in find_paper(name).tables:
        assert all(number.replace("-", "−") in text for row in table.rows.values() for number in row)


def test_a_folder_of_something_else_is_left_alone(paper: Paper, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("words")
    with pytest.raises(StoreError, match="holds something else than a report"):
        write_paper(paper, [], tmp_path)


def test_a_papers_page_replaces_the_former_one(paper: Paper, store: Store, tmp_path: Path) -> None:
    write_paper(paper, store.finished(), tmp_path / "out")
    write_paper(paper, [], tmp_path / "out")
    assert not list((tmp_path / "out" / "figures").glob("*"))

"""The numbers that a paper's page shows of its claims: each is in a file of its folder that leads to its runs."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from reports.papers.page import write_paper
from reports.papers.parts import CONTRADICTED, EQUAL, NOT_RUN, REPRODUCED, UNDECIDED
from results.store import Store
from tests.support.paper_claims import ABOVE_BOTH, HIGHER, MARGIN, fill, paper_of
from tests.support.report_reading import summary_of
from tests.support.study_rows import store_study

SIDES = 'first = ["promp"]\nsecond = ["maml"]'
MEASURED = (
    'relation = "measurement"\nmeasurement = "deviation"\nmeasured_by = "study"\n' + SIDES + "\ntests = [\n"
    '    { quantity = "deviation", relation = "lower" },\n'
    '    { quantity = "deviation", relation = "ratio", factor = 0.4, tolerance = 0.15, margin_from = "2 of 5" },\n'
    '    { quantity = "deviation", relation = "higher", sampled = "exact", judged = false },\n'
    '    { quantity = "deviation", relation = "below", first = "maml", factor = 9.0, judged = false },\n]'
)
CLAIMS = (
    HIGHER,
    ABOVE_BOTH,
    f'relation = "ratio"\n{SIDES}\nfactor = 1.3\ntolerance = 0.2\n{MARGIN}',
    f'relation = "equivalent"\n{SIDES}\nmargin = 0.1\n{MARGIN}',
    'relation = "rises"\nfirst = ["promp", "maml"]\nsteps = [0, 1]',
    HIGHER + '\nquantity = "gain"\nsteps = [0, 1]',
    HIGHER.replace("promp", "lvc") + '\nquantity = "learning-curve"',
    'relation = "above"\nfirst = ["maml"]\nfactor = 8.25',
    MEASURED,
    HIGHER + "\nsteps = [3]",  # which was not run
    HIGHER.replace("promp", "lvc"),
)
#: what stands beside a claim's results and is none: the paper's own words and numbers, by their place on the page or
#: as they are said of a result
NO_RESULT = (
    r'<span class="claim">.*?</span>',
    r'<div class="behind"><p>.*?</p>',  # its quotation and its id
    r"<dt>Test</dt><dd>.*?</dd>(?=<dt>)",
    r"<dt>Departs in</dt><dd>.*?</dd>(?=<dt>)",
    r"<svg.*?</svg>",  # places on the picture, not numbers
    r"claimed (?:above |below )?[\d.]+(?: ± [\d.]+)?",
)
#: with decimals or a power of ten
DECIMAL = re.compile(r"(?<![\w.])−?\d[\d,]*(?:\.\d+(?:e-?\d+)?|e-?\d+)(?: [kM]\b)?")
#: columns of parts.csv and designs.csv that are no numbers
WORDS = {
    *("claim", "suite", "quantity", "compared", "first", "second", "verdict", "judged", "unit", "digests", "folders"),
    *("quick", "written", "origin"),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("results"))
    fill(store, 8, budget=1_230_000, promp=9.5, maml=8.0)
    fill(store, 7, budget=1_230_000, lvc=8.0)
    for seed in range(4):
        values = {"promp": 2.0 + 0.07 * seed, "maml": 5.0 - 0.11 * seed**2}
        store_study(store, [{"quantity": "deviation", "algorithm": n, "value": v} for n, v in values.items()], seed)
    return store


@pytest.fixture(scope="module")
def page(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    paper = paper_of(tmp_path_factory.mktemp("published"), *CLAIMS)
    output = tmp_path_factory.mktemp("paper") / "out"
    return write_paper(paper, store.finished(), output, studies=store.studies())


def rows(page: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((page.parent / "tables" / name).open(newline="")))


def shown(html: str) -> list[str]:
    for pattern in NO_RESULT:
        html = re.sub(pattern, " ", html, flags=re.DOTALL)
    return DECIMAL.findall(unescape(re.sub(r"<[^>]*>", " ", html)))


def test_every_number_shown_of_a_claim_is_in_its_rows_and_read_as_a_number(page: Path) -> None:
    html, found = page.read_text(), dict[str, set[float]]()
    assert {row["verdict"] for row in rows(page, "parts.csv")} >= {REPRODUCED, CONTRADICTED, EQUAL, UNDECIDED, NOT_RUN}
    for row in [*rows(page, "parts.csv"), *rows(page, "designs.csv")]:
        cells = [value for column, value in row.items() if column not in WORDS and value]
        found.setdefault(row["claim"], set()).update(map(float, cells))  # a typographic minus is no number
    lines = dict(re.findall(r'<details id="(small\.c[^"]*)">(.*?)</details>', html, flags=re.DOTALL))
    assert len(lines) == len(CLAIMS) and sum(len(shown(line)) for line in lines.values()) > 150
    missing = {
        (claim, text)
        for claim, line in lines.items()
        for text in shown(line)
        if not any(map(reads(text), found.get(claim, ())))
    }
    assert missing == set()
    assert all(f'<a href="tables/{name}.csv">' in html for name in ("parts", "designs"))


def reads(text: str) -> Callable[[float], bool]:
    """Whether a number reads so, rounded to as many digits, in thousands or millions where it is."""
    plain, _, size = text.replace("−", "-").replace(",", "").partition(" ")
    unit = {"": 1.0, "k": 1e3, "M": 1e6}[size]
    digits = len(plain.partition("e")[0].partition(".")[2])
    form = f".{digits}{'e' if 'e' in plain else 'f'}"
    return lambda value: float(format(value / unit, form)) == float(plain)


def test_every_part_that_speaks_leads_to_the_runs_of_both_sides_or_to_its_study(page: Path, store: Store) -> None:
    runs, studies = store.finished(), store.studies()
    parts = rows(page, "parts.csv")
    assert {row["claim"] for row in parts} == {f"small.c{number}.plane" for number in range(len(CLAIMS))}
    for row in parts:
        sides = {row["first"], row["second"]}
        behind = studies if row["quantity"] == "deviation" else [run for run in runs if run.algorithm in sides]
        behind = behind if row["effect"] else []
        assert set(row["digests"].split()) == {each.digest for each in behind}, row["compared"]
        folders = {each.path.parent.relative_to(store.root).as_posix() for each in behind}
        assert set(row["folders"].split()) == folders, row["compared"]
    judged = [row for row in parts if row["judged"] == "True"]
    assert len(judged) == len(parts) - 2 and [row["verdict"] for row in judged if not row["digests"]] == ["not run"]


def test_runs_of_another_code_that_is_proven_equal_are_led_to_by_their_own_digest(tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    fill(store, 3, promp=9.5, maml=8.0)
    runs = [replace(run, shown_with="f" * 64) if run.algorithm == "promp" else run for run in store.finished()]
    page = write_paper(paper_of(tmp_path, HIGHER), runs, tmp_path / "out")
    (row,) = rows(page, "parts.csv")
    assert set(row["digests"].split()) == {"f" * 64, *(run.digest for run in runs)}
    assert "f" * 12 not in row["folders"] and len(row["folders"].split()) == 2


def test_steps_sides_and_kinds_of_unit_stand_apart(page: Path) -> None:
    parts = {(row["claim"], row["compared"]): row for row in rows(page, "parts.csv")}
    rises = parts["small.c4.plane", "promp after step 1 against promp after step 0"]
    assert [rises[name] for name in ("first", "first_step", "second", "second_step")] == ["promp", "1", "promp", "0"]
    assert parts["small.c5.plane", "promp against maml"]["quantity"] == "gain from step 0 to 1"
    assert parts["small.c1.plane", "promp against lvc"]["units"] == "7"
    assert parts["small.c1.plane", "promp against lvc"]["last_share"] == "0.25"  # of five evaluations' time
    assert {row["unit"] for row in rows(page, "parts.csv") if row["quantity"] == "deviation"} == {"seed", "exact"}


def test_what_is_only_shown_has_no_corrected_p(page: Path) -> None:
    parts = rows(page, "parts.csv")
    assert any(row["p"] and row["judged"] == "False" for row in parts)
    for row in parts:
        assert bool(row["p_equal"]) == bool(row["p_equal_corrected"]) == bool(row["margin"])
        assert not row["p_equal"] or float(row["p_equal"]) <= float(row["p_equal_corrected"])
        assert bool(row["p_corrected"]) == (row["judged"] == "True" and bool(row["p"]))
        assert not row["p"] or not row["p_corrected"] or float(row["p"]) <= float(row["p_corrected"])


def test_a_claim_of_the_summary_has_the_p_of_its_least_part_and_leads_to_its_runs(page: Path) -> None:
    claims = {claim["id"]: claim for claim in summary_of(page)["claims"]}
    for row in rows(page, "parts.csv"):
        claim = claims[row["claim"]]
        assert set(row["digests"].split()) <= set(claim["digests"])
        if row["judged"] == "True" and row["effect"] and float(row["effect"]) == claim["effect"]:
            assert json.dumps(claim["p"]) == row["p_corrected"]
    assert claims["small.c9.plane"]["p"] is None and claims["small.c9.plane"]["digests"] == []


def test_designs_hold_what_the_lines_say_that_eight_seeds_decide(page: Path) -> None:
    html, designs = page.read_text(), rows(page, "designs.csv")
    assert len(designs) == len(CLAIMS) - 2  # all but the study's and that of a step that no run has
    for row in designs:
        line = html[html.index(f'id="{row["claim"]}"') :]
        said = re.search(r"8 seeds decide: ([\d.]+)", line)
        assert said is not None and reads(said[1])(float(row["effect"]))
        assert row["seeds"] == "8" and float(row["effect_alone"]) < float(row["effect"]) and row["digests"]

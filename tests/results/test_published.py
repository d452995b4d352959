"""The papers' data: what was entered, digit by digit, and that a wrong file says what is wrong in it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from environments.catalogue import make_suite, suites
from results.files import StoreError
from results.published import Paper, find_paper, papers, parse_number, read_paper

SMALL = """
title = "A paper"
authors = "Somebody"
year = 2020
venue = "somewhere"
source = "its text"
open = ["Nothing is said of seeds."]
suites = [{ id = "plane", printed = "Plane", suite = "point" }]
algorithms = [{ id = "promp", printed = "Ours" }, { id = "maml", printed = "MAML" }]

[[tables]]
id = "table1"
place = "Table 1"
title = "Returns"
baseline = "maml"
columns = ["maml", "promp"]
rows = { plane = ["1.0 ± 0.5", "2.5 ± 0.5"] }

[[figures]]
id = "figure1"
place = "Figure 1"
title = "Curves"
kind = "learning-curves"
suites = ["plane"]
algorithms = ["promp"]

[[claims]]
id = "best"
place = "Table 1"
table = "table1"
sentence = "On {suite} ours is best."
relation = "higher"
suites = ["plane"]
first = ["promp"]
second = ["maml"]

[[sweeps]]
id = "sweep"
place = "Appendix"
algorithm = "maml"
options = { tasks = [10, 20], trajectories = [5] }
"""


def table_sums(name: str, identifier: str) -> dict[str, tuple[Decimal, Decimal]]:
    """The sums of means and of deviations of each row, exactly as printed."""
    table = next(table for table in find_paper(name).tables if table.id == identifier)
    sums = {}
    for row, texts in table.rows.items():
        pairs = [text.split(" ± ") for text in texts]
        sums[row] = (sum(Decimal(pair[0]) for pair in pairs), sum(Decimal(pair[1]) for pair in pairs))
    return sums  # type: ignore[return-value]


def test_all_five_papers_are_entered_with_their_claims() -> None:
    assert {name: len(paper.claims) for name, paper in papers().items()} == {
        "bo-mrl": 72,
        "gmps": 35,
        "promp": 48,
        "tmaml": 8,
        "xmrl-g": 83,
    }


def test_claims_have_stable_ids_and_sentences_of_their_suite() -> None:
    promp = {claim.id: claim for claim in find_paper("promp").claims}
    claim = promp["promp.figure2.half-cheetah-direction"]
    assert claim.sentence == "On HalfCheetahFwdBack ProMP ends above MAML-TRPO, E-MAML-TRPO, E-MAML-VPG and LVC-VPG."
    assert (claim.first, claim.second[0], claim.place) == (("promp",), "maml-trpo", "Figure 2, Section 4.1")
    assert {"promp.figure3.deviation", "promp.lvc-above-e-maml.walker2d-params", "promp.figure4.exploration"} <= set(
        promp
    )
    for name, paper in papers().items():
        assert all(entry.id.startswith(f"{name}.") for entry in paper.claims)
        assert not [entry.id for entry in paper.claims if "{" in entry.sentence]


def test_the_printed_tables_add_up() -> None:
    expected = {
        "table1": {
            "drone": ("4.53", "0.09"),
            "stock-market": ("1909.07", "79.96"),
            "half-cheetah": ("-314.18", "23.84"),
            "hopper": ("-93.69", "18.88"),
            "walker": ("-355.56", "26.04"),
        },
        "table2": {
            "xmrl-g-critical": ("336.13", "22.83"),
            "maml-vpg": ("37.51", "68.95"),
            "xmrl-g-five-random": ("40.72", "62.99"),
        },
        "table3": {
            "maml-vpg": ("185.69", "35.35"),
            "xmrl-g": ("305.18", "29.76"),
            "xmrl-g-random": ("204.18", "38.41"),
        },
    }
    for identifier, rows in expected.items():
        sums = table_sums("xmrl-g", identifier)
        assert sums == {row: (Decimal(mean), Decimal(std)) for row, (mean, std) in rows.items()}


def test_single_cells_are_as_printed() -> None:
    tables = {table.id: table for table in find_paper("xmrl-g").tables}
    first = tables["table1"]
    assert first.rows["hopper"][first.columns.index("xmrl-g")] == "-12.50 ± 2.37"
    assert first.rows["walker"][first.columns.index("meta-regularization")] == "-73.25 ± 4.27"
    assert tables["table2"].rows["maml-vpg"][tables["table2"].columns.index("drone")] == "0.68 ± 0.16"
    assert tables["table3"].rows["xmrl-g-random"] == (
        "0.88 ± 0.02", "371.24 ± 17.81", "-66.81 ± 6.65", "-22.69 ± 4.60", "-78.44 ± 9.33",
    )  # fmt: skip
    # what stands in two tables is the same in both
    for row, column in (("maml-vpg", "drone"), ("xmrl-g", "stock-market")):
        third = tables["table3"]
        assert third.rows[row][third.columns.index(column)] == first.rows[column][first.columns.index(row)]


def test_single_settings_are_as_printed() -> None:
    settings = {row.name: row.printed for paper in papers().values() for table in paper.settings for row in table.rows}
    assert settings["Meta control variate, inner step size α'"] == "0.01"
    assert settings["KL penalty coefficient η"] == "0.0005"
    assert settings["GMPS: imitation steps between sampling"] == "1, 200, 500, 1000, 2000"
    assert settings["λ at high variance: Alg(1), Alg(2)"] == "0.5, 0.5"
    assert settings["λ at high variance: Alg(3)"] == "0.04"
    assert settings["λ at low variance: Alg(3)"] == "0.02"
    assert settings["λ on half-cheetah, velocity: Alg(2)"] == "0.4"


@pytest.mark.parametrize("paper", papers().values(), ids=lambda paper: paper.name)
def test_every_claim_has_the_papers_words_and_a_test_or_what_would_run_it(paper: Paper) -> None:
    for claim in paper.claims:
        # what a figure shows and no sentence says, what we add, or whose text is not at hand, is said to be so
        apart = "shown, not said" in claim.printed or claim.printed.startswith("a control of ours that the paper lacks")
        assert claim.quote or apart or "not at hand" in claim.place + claim.would_run, claim.id
        assert claim.tests or claim.would_run or claim.relation != "measurement", claim.id
        if claim.form:
            twin = {"as printed": "as corrected", "as corrected": "as printed"}[claim.form]
            assert any(other.form == twin and other.shares_figure(claim) for other in paper.claims), claim.id


def test_a_setting_that_can_be_read_has_the_printed_value() -> None:
    """As text and as data: what is compared is what is printed."""
    for paper in papers().values():
        for table in paper.settings:
            for row in table.rows:
                if isinstance(row.value, float) or (isinstance(row.value, int) and not isinstance(row.value, bool)):
                    assert f"{row.value:g}" in row.printed, (paper.name, row.name)


def test_promps_scripts_with_random_dynamics_print_the_options_of_the_others() -> None:
    """Three were left out once, so that runs with other values did not depart."""
    options = {table.id: {row.option for row in table.rows} for table in find_paper("promp").settings}
    assert options["scripts-random-dynamics"] == options["scripts"] | {"horizon"}


def test_a_claim_on_a_table_carries_its_numbers() -> None:
    claims = {claim.id: claim.printed for claim in find_paper("xmrl-g").claims}
    assert claims["xmrl-g.table1.above-maml.drone"] == "0.96 ± 0.02 against 0.87 ± 0.01"
    assert claims["xmrl-g.table2.fidelity.walker"] == "-49.26 ± 4.27 against -108.38 ± 12.29, -95.27 ± 17.46"


@pytest.mark.parametrize("paper", papers().values(), ids=lambda paper: paper.name)
def test_the_suites_that_exist_can_be_made_under_the_names_given(paper: Paper) -> None:
    existing = [entry for entry in paper.suites if entry.base in suites()]
    assert existing
    for entry in existing:
        assert make_suite(entry.suite).full_name == entry.suite


def test_a_papers_benchmark_has_the_published_options_of_suites_that_can_be_exploited_and_a_warning() -> None:
    changed = {name: found.literals["earlier_versions"][0] for name, found in suites().items()
               if found.literals.get("earlier_versions")}  # fmt: skip
    named = [entry for paper in papers().values() for entry in paper.suites if entry.base in changed]
    assert named
    for entry in named:
        assert changed[entry.base] in entry.suite
        assert make_suite(entry.suite).cautions and not make_suite(entry.base).cautions


def test_the_printed_grids_are_whole() -> None:
    sweeps = {sweep.id: sweep for sweep in find_paper("gmps").sweeps}
    grid = sweeps["sweep-gmps"]
    assert grid.options["imitation_steps"] == (1, 200, 500, 1000, 2000)
    assert {name: sweep.points for name, sweep in sweeps.items()} == {
        "sweep-gmps": 2**5 * 5,
        "sweep-maml": 2**3,
        "sweep-maml-bias": 2**4,
        "sweep-maesn": 2**4,
        **dict.fromkeys(("sweep-multi-task-50", "sweep-multi-task-100", "sweep-multi-task-200"), 4),
        "sweep-contextual-sac": 9,
    }
    horizons = {"sweep-multi-task-50": 50, "sweep-multi-task-100": 100, "sweep-multi-task-200": 200}
    for name, horizon in horizons.items():
        options = sweeps[name].options
        steps = [options["tasks"][0] * trajectories * horizon for trajectories in options["trajectories"]]
        assert steps == [10_000, 50_000]
        assert all(make_suite(suite).horizon == horizon for suite in sweeps[name].suites)


def test_a_small_file_is_a_paper(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    paper = papers(tmp_path)["small"]
    (claim,) = paper.claims
    assert (claim.id, claim.sentence, claim.printed) == (
        "small.best.plane",
        "On Plane ours is best.",
        "2.5 ± 0.5 against 1.0 ± 0.5",
    )


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ('venue = "somewhere"\n', 'readings = "x"\n', "readings must be a list of tables, [[readings]], got 'x'"),
        ('venue = "somewhere"\n', "", "Paper 'small' needs the key 'venue'"),
        ('printed = "Plane",', 'printd = "Plane",', "PaperSuite 'plane' has no key 'printd'"),
        ('"2.5 ± 0.5"] }', '"2.5 +- 0.5"] }', "'2.5 +- 0.5' is not a number"),
        ('"1.0 ± 0.5", "2.5', '"2.5', "row 'plane' has 1 cells for 2 columns"),
        (
            'columns = ["maml", "promp"]',
            'columns = ["maml", "lvc"]',
            "table1: 'lvc' is no id of a suite or an algorithm",
        ),
        ('first = ["promp"]', 'first = ["lvc"]', "prints no number of 'lvc' on 'plane'"),
        ('relation = "higher"', 'relation = "better"', "relation 'better' must be one of higher, rises"),
        ('relation = "higher"', 'relation = "ratio"', "the relation 'ratio' needs more"),
        ('table = "table1"', 'table = "table9"', "there is no table 'table9'"),
        ('algorithms = ["promp"]', 'algorithms = ["lvc"]', "figure1: 'lvc' is no id"),
        ('id = "figure1"', 'id = "table1"', "the id 'table1' is given twice"),
        ('suites = ["plane"]\nfirst', 'suites = ["moon"]\nfirst', "'moon'"),
        ("year = 2020", "year =", "Invalid value"),
        ('algorithm = "maml"\noptions', 'algorithm = "lvc"\noptions', "sweep: 'lvc' is no id"),
        ("tasks = [10, 20]", "tasks = [10, 10]", "sweep: option 'tasks' has a value twice: 10, 10"),
        ("trajectories = [5] }", "trajectories = [] }", "option 'trajectories' needs a list of values"),
        (
            'relation = "higher"\n',
            'relation = "higher"\nnothing_below = "because"\n',
            "nothing_below is of the relations 'ratio' and 'above', got 'higher'",
        ),
        (
            "open = [",
            'without_settings = { study = "because" }\n'
            'settings = [{ id = "s", place = "A", title = "S", rows = [], studies = ["study"] }]\n'
            "open = [",
            "the study 'study' stands in without_settings and in the studies",
        ),
        (
            'relation = "higher"\nsuites = ["plane"]\nfirst = ["promp"]\nsecond = ["maml"]\n',
            'relation = "above"\nfactor = 1.0\nquantity = "steps-to-level"\nsuites = ["plane"]\nfirst = ["promp"]\n',
            "the quantity 'steps-to-level' compares two sides, and it names no second",
        ),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(right: str, wrong: str, message: str, tmp_path: Path) -> None:
    assert SMALL.count(right) == 1
    (tmp_path / "small.toml").write_text(SMALL.replace(right, wrong))
    with pytest.raises(StoreError) as raised:
        read_paper(tmp_path / "small.toml")
    text = str(raised.value)
    assert text.startswith("published data small.toml are not valid: ") and "\n" not in text
    assert message in text


def test_an_unknown_paper_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(StoreError, match=r"unknown paper 'prom'; did you mean 'promp'\?"):
        find_paper("prom")


@pytest.mark.parametrize(("text", "expected"), [("-12.50 ± 2.37", (-12.5, 2.37)), ("7", (7.0, None))])
def test_printed_numbers_are_read(text: str, expected: tuple[float, float | None]) -> None:
    assert parse_number(text) == expected

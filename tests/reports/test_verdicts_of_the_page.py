"""What the page's first screen says: what tests decide and nothing else, board by board and of all of them."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from benchmarks.command_line import main
from reports.page import make_report, write_report
from reports.scores.headline import make_headline
from reports.scores.newcomer import newcomers
from reports.scores.normalised import board_scale
from reports.scores.tried import configurations_tried
from reports.sections.verdict import sentences
from results.decisions import SequentialDecisions, read_decisions, write_decisions
from results.store import Store
from tests.support.report_reading import summary_of, text_of
from tests.support.scored_runs import TASKS, store_run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def fill(
    store: Store, levels: dict[str, float], seeds: int = 5, suite: str = "point", first: int = 0, **more: object
) -> None:
    for algorithm, level in levels.items():
        for seed in range(first, seeds):
            store_run(store, suite, algorithm, seed, level, trains=algorithm != "random-init", **more)  # type: ignore[arg-type]


def headline(store: Store) -> str:
    report = make_report(store.finished())
    return re.sub(r"<[^>]*>", "", " ".join(sentences(report.headline)))


def test_intervals_that_lie_apart_decide_nothing_before_the_tests_do(store: Store) -> None:
    fill(store, {"promp": 30.0, "maml": 20.0, "random-init": 3.0}, seeds=2)
    (board,) = make_report(store.finished()).boards
    first, second, floor = (entry.final for entry in board.entries)
    assert first.mean > second.mean > floor.mean
    said = headline(store)
    assert "decide 0 of 3 at 5 %" in said
    assert "No algorithm is decided to be above random-init, both adapted." in said
    fill(store, {"promp": 30.0, "maml": 20.0, "random-init": 3.0}, seeds=2, suite="lake")
    assert "On none of 2 boards is an algorithm decided to be above random-init, both adapted." in headline(store)
    assert "Which algorithm is best is not decided." in said
    assert "Highest" not in said and "interval" not in said


def test_the_headline_names_what_the_tests_decide_against_the_floor_and_among_the_best(store: Store) -> None:
    for suite in ("lake", "point"):
        fill(store, {"promp": 18.0, "maml": 3.01, "random-init": 3.0}, suite=suite)
    fill(store, {"promp": 3.02, "maml": 3.01, "random-init": 3.0}, suite="zero")
    report = make_report(store.finished())
    said = headline(store)
    assert "Tests over one family of 9 pairs decide 4 of 9 at 5 %." in said
    assert "On 2 of 3 boards an algorithm is decided to be above random-init, both adapted." in said
    assert "not decided on 1 of 3 boards; decided: promp on 2." in said
    above = {each.board.name: [entry.algorithm for entry in each.above] for each in report.headline.standings}
    assert above == {"lake": ["promp"], "point": ["promp"], "zero": []}


def test_the_pages_family_is_all_pairs_of_all_boards(store: Store) -> None:
    """What a board of its own decides narrowly is no word of a headline over many boards."""
    fill(store, {"promp": 3.35, "maml": 3.0})
    alone = make_report(store.finished())
    (pair,) = alone.tests["point"].pairs
    for number in range(40):
        fill(store, {"promp": 3.0, "maml": 3.0}, suite=f"suite-{number:02d}", seeds=3)
    many = make_report(store.finished())
    (again,) = many.tests["point"].pairs
    assert again.p_value == pair.p_value  # a board's own tests do not depend on others
    assert make_headline(many.boards, many.tests).decided <= make_headline(alone.boards, alone.tests).decided


def test_no_mark_in_a_table_says_more_than_the_headline(store: Store, tmp_path: Path) -> None:
    """A board's own family decides promp here, the page's does not: ranks and marks are the page's."""
    fill(store, {"promp": 6.5, "maml": 3.0, "random-init": 2.9})
    for number in range(6):
        fill(store, {"promp": 3.0, "maml": 3.0, "random-init": 3.0}, suite=f"suite-{number:02d}", seeds=3)
    report = make_report(store.finished())
    (standing,) = (each for each in report.headline.standings if each.board.name == "point")
    page = write_report(store.finished(), tmp_path / "report").read_text()
    matrix = page[page.index('class="matrix"') :]
    matrix = matrix[: matrix.index("Ranks: those")]
    decided = [each for each in report.headline.standings if each.above or each.below]
    assert matrix.count("▲") + matrix.count("▼") == sum(len(each.above) + len(each.below) for each in decided)
    assert "<b>rank" not in matrix or standing.best is not None
    assert report.tests["point"].decided and not (standing.above or standing.best)


def test_a_seed_between_two_readings_changes_no_decision(store: Store) -> None:
    levels = {"promp": 4.0, "maml": 3.0, "random-init": 2.5}
    fill(store, levels, seeds=5)
    five = {(p.first.label, p.second.label): p.p_value for p in make_report(store.finished()).tests["point"].pairs}
    for seeds in (6, 7, 8):
        fill(store, levels, seeds=seeds, first=seeds - 1)
        now = make_report(store.finished()).tests["point"].pairs
        assert {frozenset((p.first.label, p.second.label)): p.p_value for p in now} == {
            frozenset(key): value for key, value in five.items()
        }


def test_two_profiles_are_two_boards_and_every_untrained_entry_stands_on_those_of_its_protocol(store: Store) -> None:
    fill(store, {"promp": 8.0, "maml": 7.0}, seeds=3, profile="quick", budget=1000)
    fill(store, {"promp": 18.0}, seeds=3, profile="standard", budget=90_000)
    fill(store, {"tmaml": 18.0}, seeds=3, profile="standard", budget=90_000, steps=3)
    fill(store, {"random-init": 2.0}, seeds=3, profile="quick", budget=1000)
    fill(store, {"stand-still": 2.5}, seeds=1, profile="quick", budget=1000, scripted=True)
    report = make_report(store.finished())
    assert {board.name: {entry.label for entry in board.entries} for board in report.boards} == {
        "point · quick": {"promp", "maml", "random-init", "stand-still"},
        "point · standard · 1 step of 3 trajectories": {"promp", "random-init", "stand-still"},
        "point · standard · 3 steps of 3 trajectories": {"tmaml"},
    }
    assert len(report.tests["point · quick"].pairs) == 3  # scripted references are not tested


def test_of_several_budgets_of_an_untrained_entry_its_boards_own_is_taken(store: Store) -> None:
    for budget in (1000, 90_000):
        fill(store, {"promp": 8.0, "random-init": 2.0}, seeds=3, budget=budget)
    fill(store, {"maml": 8.0}, seeds=3, budget=5)
    for board in make_report(store.finished()).boards:
        floors = [entry for entry in board.entries if entry.algorithm == "random-init"]
        assert len(floors) == 1
        assert floors[0].label == "random-init"
        own = board.usual.identity["budget"]
        assert floors[0].identity["budget"] == (90_000 if own == 5 else own)


def test_a_learned_score_below_a_scripted_one_is_said_on_the_board_and_in_the_headline(
    store: Store, tmp_path: Path
) -> None:
    fill(store, {"promp": 9.0, "maml": 3.0, "random-init": 2.0}, seeds=3)
    fill(store, {"stand-still": 6.0}, seeds=1, scripted=True)
    page = write_report(store.finished(), tmp_path / "report")
    text = text_of(page)
    assert "1 of 2 learned scores are lower than a scripted reference's on their board." in text
    assert "below stand-still" in text
    assert "Below a scripted reference: on point a scripted reference (stand-still) scores higher than maml" in text
    (board,) = summary_of(page)["boards"]
    assert {label: entry["below_scripted"] for label, entry in board["entries"].items()} == {
        "promp": [], "maml": ["stand-still"], "random-init": [], "stand-still": [],
    }  # fmt: skip
    assert board["entries"]["stand-still"]["scripted"] is True


def test_a_board_without_a_scripted_reference_is_said_to_have_none(store: Store) -> None:
    fill(store, {"promp": 9.0, "random-init": 2.0}, seeds=2)
    none = "No scripted reference stands on {}: what is earned without learning is not shown there."
    assert none.format("the board") in headline(store)
    fill(store, {"promp": 9.0, "stand-still": 6.0}, seeds=1, suite="lake", scripted=False)
    fill(store, {"noise": 1.0}, seeds=1, suite="lake", scripted=True)
    assert none.format("1 of 2 boards") in headline(store)
    fill(store, {"noise": 1.0}, seeds=1, scripted=True)
    assert "No scripted reference" not in headline(store)


def test_a_suites_warning_stands_by_its_board_and_on_the_first_screen(store: Store, tmp_path: Path) -> None:
    fill(store, {"promp": 9.0, "maml": 8.0}, seeds=2, cautions=("bouncing pays more than walking",))
    text = text_of(write_report(store.finished(), tmp_path / "report"))
    assert "return Bouncing pays more than walking" in text  # by the board
    assert "Reward: point: bouncing pays more than walking." in text  # among the warnings
    assert "⚠" in text[: text.index("Scores and seeds", text.index("Verdict Tests"))]  # on the first screen


def test_success_stands_wherever_a_suite_records_it(store: Store, tmp_path: Path) -> None:
    fill(store, {"promp": 15.0, "random-init": 3.0}, seeds=2)
    page = write_report(store.finished(), tmp_path / "report")
    entry = summary_of(page)["boards"][0]["entries"]["promp"]
    rows = [run.scores for run in store.finished() if run.algorithm == "promp"]
    share = sum(table[(table["split"] == "test") & (table["step"] == 1)]["success"].mean() for table in rows) / 2
    assert entry["success"] == pytest.approx(share)
    assert f"{100 * share:.0f} % success" in text_of(page)


def test_the_matrix_gives_open_ranks_and_mean_ranks(store: Store, tmp_path: Path) -> None:
    fill(store, {"promp": 18.0, "maml": 3.01, "lvc": 3.0, "random-init": 0.5}, suite="lake")
    fill(store, {"promp": 18.0, "maml": 9.0, "lvc": 3.0, "random-init": 0.5})
    fill(store, {"cavia": 5.0})
    html = write_report(store.finished(), tmp_path / "report").read_text()
    start = html.index('class="matrix"')
    table = html[start : html.index("</table>", start)]
    rows = [re.sub(r"<[^>]*>", " ", row).split() for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)[1:]]
    named = {row[0]: " ".join(row[1:]) for row in rows}
    assert list(named) == ["promp", "maml", "lvc", "cavia", "random-init"]
    assert named["promp"].startswith("1.0 ")
    assert "rank 1 of 3 ▲" in named["promp"] and "rank 1 of 4 ▲" in named["promp"]
    assert "rank 2–3 of 3" in named["maml"]
    assert named["random-init"].startswith("floor – ")
    assert "rank" not in named["random-init"]
    assert named["cavia"].startswith("– – ")


def test_updates_and_configurations_tried_stand_beside_the_scores(store: Store, tmp_path: Path) -> None:
    fill(store, {"promp": 9.0, "maml": 3.0}, seeds=2, points=4)
    shown = store.finished()
    for clip in (0.1, 0.2):
        store_run(store, algorithm="promp", configuration={"clip": clip})
    page = write_report(shown, tmp_path / "report", tried=configurations_tried(store.finished()))
    rows = list(csv.DictReader((page.parent / "tables/leaderboard.csv").open(newline="")))
    assert {(row["algorithm"], row["configurations_tried"], row["updates_most"]) for row in rows} == {
        ("promp", "3", "4"), ("maml", "1", "4"),
    }  # fmt: skip
    assert text_of(page).count("Updates Trials Seeds") == 2  # of the leaderboard and of the suite


def test_configurations_are_counted_on_a_boards_own_terms(store: Store, tmp_path: Path) -> None:
    """What another budget or protocol gives it is on another board, and mostly its profile's own choice."""
    fill(store, {"promp": 9.0, "maml": 3.0}, seeds=2)
    store_run(store, algorithm="promp", configuration={"clip": 0.1})
    store_run(store, algorithm="promp", configuration={"clip": 0.2}, budget=7)
    for clip in (0.3, 0.4, 0.5):
        store_run(store, algorithm="promp", configuration={"clip": clip}, steps=2)
    page = write_report(store.finished(), tmp_path / "report")
    rows = list(csv.DictReader((page.parent / "tables/leaderboard.csv").open(newline="")))
    counts = {(row["budget"], row["algorithm"].split()[0], row["configurations_tried"]) for row in rows}
    assert {each for each in counts if each[0] == "7"} == {("7", "promp", "1")}
    assert {each[1:] for each in counts if each[0] != "7"} == {("promp", "2"), ("promp", "3"), ("maml", "1")}
    assert "3 on test" in text_of(page) and "6 on test" not in text_of(page)


def test_a_number_of_seeds_is_read_once_however_late_one_of_them_comes(store: Store) -> None:
    """Reading seeds 0, 1, 3 and, once it is there, 0, 1, 2 would be two tests of one hypothesis."""
    fill(store, {"promp": 9.0, "maml": 3.0}, seeds=5, first=3)
    fill(store, {"promp": 9.0, "maml": 3.0}, seeds=2)
    (pair,) = make_report(store.finished()).tests["point"].pairs
    assert (pair.seeds_read, pair.comparison, pair.order) == (None, None, 0)
    fill(store, {"promp": 9.0, "maml": 3.0}, seeds=3, first=2)
    (pair,) = make_report(store.finished()).tests["point"].pairs
    assert pair.seeds_read == 5 and pair.comparison is not None


def test_decisions_made_look_by_look_stay_on_every_later_page(store: Store, tmp_path: Path) -> None:
    fill(store, {"promp": 9.0, "maml": 8.0})
    runs = store.finished()
    digests = {run.algorithm: run.digest for run in runs}
    record: SequentialDecisions = {
        "suite": "point", "profile": "smoke", "budget": 100_000, "protocol": {"adaptation_steps": 1}, "alpha": 0.05,
        "looks": [5, 7, 10], "looks_used": [5], "algorithms": digests, "left_out": {},
        "pairs": [{"first": "maml", "second": "promp", "outcome": "second higher", "p": 0.013, "seeds": 5}],
    }  # fmt: skip
    write_decisions(store.root, record)
    report = make_report(runs, decisions=read_decisions(store.root)[0])
    (pair,) = report.tests["point"].pairs
    assert pair.sequential and pair.winner is not None and pair.winner.algorithm == "promp"
    assert pair.p_value == 0.013
    for _ in range(2):
        assert main(["report", "--results", str(store.root), "--output", str(tmp_path / "report")]) == 0
        rows = list(csv.DictReader((tmp_path / "report/tables/sequential.csv").open(newline="")))
        assert [(row["first"], row["outcome"], row["p"]) for row in rows] == [("maml", "second higher", "0.013")]
        text = text_of(tmp_path / "report/index.html")
        assert "looks planned at 5, 7, 10 seeds, taken at 5." in text
        assert "1 were read look by look , as planned" in text


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (["--profile", "quick"], {("point", "promp"), ("lake[x=1]", "maml-trpo")}),
        (["--suites", "lake"], {("lake[x=1]", "maml-trpo")}),
        (["--suites", "lake[x=1]"], {("lake[x=1]", "maml-trpo")}),
        (["--suites", "po*"], {("point", "promp"), ("point", "maml-vpg")}),
        (["--algorithms", "maml-*"], {("point", "maml-vpg"), ("lake[x=1]", "maml-trpo")}),
        (["--algorithms", "maml-*,promp", "--profile", "standard"], {("point", "maml-vpg")}),
    ],
)
def test_a_report_is_of_the_profiles_suites_and_algorithms_that_are_asked_for(
    store: Store, tmp_path: Path, options: list[str], shown: set[tuple[str, str]]
) -> None:
    store_run(store, "point", "promp", profile="quick")
    store_run(store, "point", "maml-vpg", profile="standard")
    store_run(store, "lake[x=1]", "maml-trpo", profile="quick")
    output = tmp_path / "report"
    assert main(["report", "--results", str(store.root), "--output", str(output), *options]) == 0
    runs = json.loads((output / "summary.json").read_text())["runs"]
    assert {(run["suite"], run["algorithm"]) for run in runs} == shown


def test_a_name_that_no_run_has_is_refused_with_the_nearest(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store_run(store, "point", "promp", profile="quick")
    command = ["report", "--results", str(store.root), "--output", str(tmp_path / "report")]
    assert main([*command, "--profile", "quik"]) == 2
    assert "no run of profile 'quik' is stored" in (error := capsys.readouterr().err) and "quick" in error
    assert main([*command, "--algorithms", "prom"]) == 2
    assert "no run of algorithm 'prom' is stored" in (error := capsys.readouterr().err) and "promp" in error
    assert not (tmp_path / "report").exists()


def test_shipped_runs_are_shown_where_they_are_asked_for(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = Store(tmp_path / "shipped")
    store_run(shipped, "point", "maml", profile="quick")
    store_run(store, "point", "promp", profile="quick")
    monkeypatch.setattr("benchmarks.commands.report.REFERENCE", shipped.root)
    command = ["report", "--results", str(store.root), "--output", str(tmp_path / "report")]
    for more, expected in (([], {"promp": False}), (["--shipped"], {"promp": False, "maml": True})):
        assert main([*command, *more]) == 0
        runs = json.loads((tmp_path / "report/summary.json").read_text())["runs"]
        assert {run["algorithm"]: run["reference"] for run in runs} == expected


def test_every_number_is_in_a_file_that_leads_to_its_runs(store: Store, tmp_path: Path) -> None:
    levels = {"promp": 1.0, "maml": 0.5, "random-init": -1.0}
    for suite in ("frozen-lake-low", "frozen-lake-high"):
        fill(store, levels, seeds=2, suite=suite)
    page = write_report(store.finished(), tmp_path / "report")
    folders = {run.path.relative_to(store.root).as_posix() for run in store.finished()}
    digests = {run.digest for run in store.finished()}

    def rows(name: str) -> list[dict[str, str]]:
        return list(csv.DictReader((page.parent / "tables" / name).open(newline="")))

    assert {row["run"] for row in rows("runs.csv")} == {row["run"] for row in rows("seeds.csv")} == folders
    tensor = json.loads((page.parent / "tables/scores.json").read_text())["frozen-lake-low"]["promp"]
    for row in rows("seeds.csv"):
        if (row["suite"], row["algorithm"], row["step"]) == ("frozen-lake-low", "promp", "1"):
            own = tensor["scores"][1][tensor["seeds"].index(int(row["seed"]))]
            assert float(row["mean"]) == pytest.approx(sum(own) / len(own))
    assert tensor["tasks"] == list(TASKS) and {f"{tensor['runs']}/seed-0", f"{tensor['runs']}/seed-1"} <= folders
    for name, of in (("across.csv", "digests"), ("improvement.csv", "first_digests"), ("learning.csv", "digest")):
        found = rows(name)
        assert found and all(set(row[of].split()) <= digests and row[of] for row in found), name
    assert {row["statistic"] for row in rows("across.csv")} == {"iqm", "median", "mean", "optimality_gap", "mean_rank"}
    assert {row["digest"] for row in rows("profiles.csv")} == digests
    assert {row["label"] for row in rows("across-profiles.csv")} == set(levels)
    html = page.read_text()
    across = html[html.index('id="across"') : html.index('id="suites"')]
    table = across[across.index("<tbody>") : across.index("</tbody>")]
    assert table.count('<a class="number" href="#across-smoke-') == 3 * 6  # every cell of its three rows
    assert '<li id="across-smoke-promp">' in across


def test_many_algorithms_render_without_a_warning_and_with_their_legend_outside_the_axes(
    store: Store, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    for number in range(24):
        for seed in range(2):
            store_run(store, algorithm=f"a-rather-long-method-name-{number}", seed=seed, level=number)
    page = write_report(store.finished(), tmp_path / "report")
    assert [str(each.message) for each in recwarn] == []
    svg = (page.parent / "figures/point-learning.svg").read_text()
    width, height = (float(value) for value in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)[0])
    texts = {
        text: (float(x), float(y)) for x, y, text in re.findall(r'<text x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]+)<', svg)
    }
    axis = max(y for text, (_, y) in texts.items() if text.startswith("environment steps"))
    named = [place for text, place in texts.items() if text.startswith("a-rather-long")]
    assert len(named) == 24
    assert all(axis < y < height and 0 < x < width for x, y in named)


def test_more_than_five_thousand_pairs_on_a_suite_are_reported(store: Store) -> None:
    for number in range(102):
        store_run(store, algorithm=f"method-{number:03d}", level=float(number), points=1)
    report = make_report(store.finished())
    assert len(report.tests["point"].pairs) == 102 * 101 // 2
    assert report.headline.untested == 102 * 101 // 2


def test_the_page_of_a_comparison_speaks_of_the_newcomer_first(store: Store, tmp_path: Path) -> None:
    fill(store, {"promp": 9.0, "maml": 18.0, "random-init": 2.0})
    text = text_of(write_report(store.finished(), tmp_path / "report", focus="promp"))
    first = text.index("promp on point : above random-init; below maml.")
    assert text.index("Verdict", text.index("Verdict") + 1) < first < text.index("Tests over one family")


def test_a_newcomers_pairs_on_all_boards_are_one_family(store: Store) -> None:
    """Sentences over eight suites, each a family of its own, erred on up to 8 of 100 pages."""
    fill(store, {"promp": 4.0, "maml": 3.0})
    (alone,) = newcomers("promp", make_report(store.finished()).boards)
    for number in range(3):
        fill(store, {"promp": 3.0, "maml": 3.0, "lvc": 3.0}, suite=f"suite-{number}", seeds=3)
    many = {found.board.name: found for found in newcomers("promp", make_report(store.finished()).boards)}
    assert (alone.family, many["point"].family) == (1, 1 + 3 * 2)  # and not the others' pairs
    (before,), (after,) = alone.pairs.values(), many["point"].pairs.values()
    assert 0 < before.p_value < 1 and after.p_value > 1.9 * before.p_value


def test_that_a_page_speaks_of_its_test_tasks_alone_is_said_once(store: Store, tmp_path: Path) -> None:
    for suite in ("lake", "point"):
        fill(store, {"promp": 9.0, "maml": 8.0}, suite=suite, seeds=2)
    text = text_of(write_report(store.finished(), tmp_path / "report"))
    assert text.lower().count("for these test tasks") == 1


def test_a_boards_scale_begins_at_its_random_initialisation_after_adaptation(store: Store) -> None:
    fill(store, {"promp": 1.5, "random-init": 0.5}, suite="frozen-lake-low", seeds=2)
    (board,) = make_report(store.finished()).boards
    scale, floor = board_scale(board), board.floor
    assert scale is not None and floor is not None
    assert floor.steps[0].mean < floor.final.mean - 0.1
    assert scale.normalise(floor.scores[-1]).mean() == pytest.approx(0, abs=1e-12)


def test_a_page_of_20_algorithms_on_12_suites_with_10_seeds_is_below_3_megabytes(store: Store, tmp_path: Path) -> None:
    for suite in range(12):
        for number in range(20):
            for seed in range(10):
                store_run(store, f"suite-{suite}", f"method-name-{number:02d}", seed, 5 + number / 2, points=10)
    page = write_report(store.finished(), tmp_path / "report")
    assert page.stat().st_size < 3e6


def test_notes_explain_only_marks_that_stand_on_the_page(store: Store, tmp_path: Path) -> None:
    def page_of(name: str) -> str:
        page = write_report(store.finished(), tmp_path / name).read_text()
        return " ".join(page.split())

    said = ("Ranks: those that tests leave open", ": decided to be", "The shaded band is", "Mean rank: of the scores")
    fill(store, {"maml": 3.0}, seeds=2)
    bare = page_of("bare")
    assert not [text for text in (*said, "Trials: of tuning", "and each against random-init") if text in bare]
    fill(store, {"promp": 15.0})
    fill(store, {"maml": 3.0}, first=2)
    ranked = page_of("ranked")
    assert [text for text in said if text in ranked] == [said[0]]
    fill(store, {"random-init": 3.0})
    floored = page_of("floored")
    assert [text for text in said if text in floored] == list(said[:3])
    assert "▲: decided to be above random-init in that family." in floored

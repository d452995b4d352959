"""A paper's tables with ours beside each printed number, and the numbers behind its figures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from reports.papers.evidence import Comparable, Evidence
from reports.papers.measured_cells import Measured, measured_cells
from reports.papers.parts import NOT_RUN
from reports.papers.run_terms import Behind, terms_of
from reports.papers.study_evidence import ChosenStudy
from reports.scores.entries import AlgorithmScores
from reports.statistics.aggregate import Summary
from reports.text.numbers import NONE, decimals_for, interval, number, plural, short_count
from reports.text.table import Table, csv_lines
from results.published import Paper, PaperFigure, ScoreTable, parse_number
from results.published_settings import Setting, SettingsTable, shown


@dataclass(frozen=True)
class PaperCell:
    """One printed number and ours.  Gains are over the table's baseline in the same suite."""

    suite: str  # the paper's id
    algorithm: str
    printed: str
    mean: float
    ours: Summary | None
    found: Comparable | None
    missing: str  # why there is none of ours
    printed_gain: float | None
    our_gain: float | None
    measured: Measured | None = None  # where a study's rows are its source

    @property
    def gain_ratio(self) -> float | None:
        """Ours over the paper's; None for the baseline itself and where either is missing."""
        if self.our_gain is None or not self.printed_gain:
            return None
        return self.our_gain / self.printed_gain

    @property
    def terms(self) -> tuple[str, int, str]:
        """Our suite's full name, the budget of each method and the profile; only where there is one of ours."""
        if self.measured is not None:
            return self.measured.suite, self.measured.budget, self.measured.profile
        assert self.found is not None
        return self.found.suite, self.found.budget, self.found.profiles


@dataclass(frozen=True)
class FilledTable:
    """`cells` [row][column], as printed."""

    source: ScoreTable
    cells: tuple[tuple[PaperCell, ...], ...]
    study: ChosenStudy | None = None  # that its numbers come from, if it is no table of runs

    @property
    def comparable(self) -> dict[str, Comparable]:
        """The sets that its numbers come from, by the paper's suite."""
        every = [cell for row in self.cells for cell in row if cell.ours is not None and cell.found is not None]
        return {cell.suite: cell.found for cell in every if cell.found is not None}


def fill_table(table: ScoreTable, evidence: Evidence) -> FilledTable:
    """Ours are means over seeds and tasks after the last adaptation step, each suite's from one comparable set.

    Those of a table that a study measures are means over seeds and tasks of the study's rows.
    """
    paper = evidence.paper
    suites = {suite.id for suite in paper.suites}
    algorithms = [name for name in (*table.columns, *table.rows) if name not in suites]
    printed = {
        _cell(row, column, suites): text
        for row, texts in table.rows.items()
        for column, text in zip(table.columns, texts, strict=True)
    }
    means = {cell: parse_number(text)[0] for cell, text in printed.items()}
    found: dict[str, Comparable | None] = dict.fromkeys(name for name, _ in printed)
    if not table.measurement:
        found = {name: evidence.best(paper.suite(name), algorithms) for name in found}
    study = evidence.studies.get(table.measured_by)
    shares = [name for name in found if evidence.scored_by(paper.suite(name)) == "success"]
    measured = measured_cells(study, table.quantity, [paper.suite(name) for name in found], shares) if study else {}
    ours = {cell: each.summary for cell, each in measured.items()} | {
        (suite, name): chosen.entries[name].final
        for suite, chosen in found.items()
        if chosen is not None
        for name in algorithms
        if name in chosen.entries
    }

    def made(suite: str, algorithm: str) -> PaperCell:
        cell, base = (suite, algorithm), (suite, table.baseline)
        stored = f"; none of {table.measured_by} is stored" if table.measured_by and study is None else ""
        missing = "" if cell in ours else f"no measurement of the {table.measurement} yet{stored}"
        if not table.measurement and cell not in ours:
            missing = evidence.missing(paper.suite(suite), algorithm)
        gains = algorithm != table.baseline and base in means
        return PaperCell(
            suite,
            algorithm,
            printed[cell],
            means[cell],
            ours.get(cell),
            found[suite],
            missing,
            means[cell] - means[base] if gains else None,
            ours[cell].mean - ours[base].mean if gains and cell in ours and base in ours else None,
            measured.get(cell),
        )

    rows = (tuple(made(*_cell(row, column, suites)) for column in table.columns) for row in table.rows)
    return FilledTable(table, tuple(rows), study)


def wide_table(filled: FilledTable, paper: Paper) -> Table:
    """As printed, with ours below each printed number."""
    source = filled.source
    columns = ("", "", *(paper.printed(name) for name in source.columns))
    rows = []
    for name, cells in zip(source.rows, filled.cells, strict=True):
        rows.append((paper.printed(name), "paper", *(cell.printed.replace("-", "−") for cell in cells)))
        rows.append(("", "ours", *(ours_text(cell) for cell in cells)))
        if any(cell.gain_ratio is not None for cell in cells):
            rows.append(("", "gain, ours / paper", *(number(cell.gain_ratio, 2) for cell in cells)))
    title = f"{source.place}: {source.title}; ours: mean ± standard deviation over seeds (± over tasks)"
    return Table(title, columns, tuple(rows))


def ours_text(cell: PaperCell) -> str:
    if cell.ours is None:
        return NOT_RUN
    decimals = decimals_for((cell.ours.mean,)) if abs(cell.mean) >= 1 else 2
    ours = cell.ours
    return (
        f"{number(ours.mean, decimals)} ± {number(ours.std_seeds, decimals)} (± {number(ours.std_tasks, decimals)}), "
        f"{plural(ours.seeds, 'seed')}"
    )


def table_csv(filled: FilledTable) -> str:
    """One row a cell, at full precision; empty where there is none."""
    columns = (
        "suite", "algorithm", "paper_mean", "paper_std", "our_suite", "budget", "profile", "mean", "std_seeds",
        "std_tasks", "iqm", "low", "high", "seeds", "paper_gain", "our_gain", "gain_ratio", "missing",
    )  # fmt: skip
    rows = []
    for cell in (cell for row in filled.cells for cell in row):
        low, high = (cell.ours.interval if cell.ours is not None else None) or (None, None)
        ours: Sequence[Any] = (None,) * 9
        if cell.ours is not None:
            ours = (*cell.terms, cell.ours.mean, cell.ours.std_seeds, cell.ours.std_tasks, cell.ours.iqm, low, high)
        printed = (cell.suite, cell.algorithm, *parse_number(cell.printed))
        seeds = None if cell.ours is None else cell.ours.seeds
        rows.append((*printed, *ours, seeds, cell.printed_gain, cell.our_gain, cell.gain_ratio, cell.missing))
    return csv_lines(columns, rows)


def settings_table(table: SettingsTable, paper: Paper, runs: Collection[Behind]) -> Table:
    """Printed hyperparameters beside those of these runs, with methods or environments where they differ."""
    rows = [(row.name, row.printed, _ours(row, table, paper, runs)) for row in table.rows]
    ours = "the values of its methods in the runs that tables, claims and figures show"
    title = f"{table.place}: {table.title}; ours: {ours}"
    return Table(title, ("Setting", "Paper", "Ours"), tuple(rows))


def figure_table(figure: PaperFigure, evidence: Evidence) -> Table:
    """Ours behind a figure of scores, every stored set, and others' readings; methods that have none say why."""
    paper = evidence.paper
    rows: list[tuple[str, ...]] = []
    for identifier in figure.suites:
        suite = paper.suite(identifier)
        shown = set[str]()
        for found in evidence.of(suite):
            for name in figure.algorithms:
                if name in found.entries:
                    shown.add(name)
                    rows.append((paper.printed(identifier), paper.printed(name), *_numbers(found, found.entries[name])))
        rows += [
            (paper.printed(identifier), paper.printed(name), evidence.missing(suite, name), "", "", "", "", "")
            for name in figure.algorithms
            if name not in shown
        ]
        for read in paper.readings:
            if read.suite == identifier and read.algorithm in figure.algorithms:
                source = f"elsewhere: {read.source} ({read.note})"
                cells = (source, "", "", read.before or NONE, read.after, NONE)
                rows.append((paper.printed(identifier), paper.printed(read.algorithm), *cells))
    title = f"{figure.place}: {figure.title}; ours: mean ± standard deviation over seeds, on test tasks"
    columns = (
        "Environment",
        "Method",
        "Our suite",
        "Budget",
        "Profile",
        "Before adaptation",
        "After",
        "IQM [95 %], seeds",
    )
    return Table(title, columns, tuple(rows))


def _numbers(found: Comparable, entry: AlgorithmScores) -> tuple[str, ...]:
    first, last = entry.steps[0], entry.final
    decimals = decimals_for((first.mean, last.mean))
    before, after = (f"{number(s.mean, decimals)} ± {number(s.std_seeds, decimals)}" for s in (first, last))
    summary = f"{number(last.iqm, decimals)} {interval(last, decimals)}, {last.seeds}"
    return (found.suite, short_count(entry.identity["budget"]), found.profiles, before, after, summary)


def _ours(setting: Setting, table: SettingsTable, paper: Paper, runs: Collection[Behind]) -> str:
    """Every value that the paper's methods have here, numbers by size, each with where it does; a dash without any."""
    if not setting.option:
        return NONE
    own = {algorithm.id for algorithm in paper.algorithms}
    by_value: dict[Any, set[tuple[str, str]]] = {}  # environments and methods
    for suite in paper.suites:
        if (table.suites and suite.id not in table.suites) or (setting.suites and suite.id not in setting.suites):
            continue
        for terms in (terms for run in runs if run.suite == suite.id for terms in terms_of(run.entry)):
            if terms.algorithm not in (setting.algorithms or table.algorithms or own):
                continue
            value = terms.value(setting.option)
            if value is not None:
                key = tuple(value) if isinstance(value, list) else value
                by_value.setdefault(key, set()).add((suite.printed, terms.algorithm))
    ordered = sorted(by_value, key=lambda value: (not isinstance(value, int | float), _sortable(value)))
    every = set[tuple[str, str]]().union(*by_value.values())
    return ", ".join(shown(value) + _where(by_value[value], every) for value in ordered) or NONE


def _where(held: set[tuple[str, str]], every: set[tuple[str, str]]) -> str:
    """In brackets, of which methods a value is, or on which environments; nothing if of all."""
    names = {name for _, name in held}
    if held == every:
        return ""
    if held == {(suite, name) for suite, name in every if name in names}:
        return f" ({', '.join(sorted(names))})"
    texts = []
    for suite in sorted({suite for suite, _ in held}):
        here, known = ({name for at, name in pairs if at == suite} for pairs in (held, every))
        texts.append(suite if here == known else f"{suite}: {', '.join(sorted(here))}")
    return f" ({'; '.join(texts)})"


def _sortable(value: Any) -> Any:
    return value if isinstance(value, int | float) else str(value)


def _cell(row: str, column: str, suites: set[str]) -> tuple[str, str]:
    return (row, column) if row in suites else (column, row)

"""What papers print: their tables, figures, settings and claims, one TOML file a paper in `published/`.

Adding a paper is adding its file; nothing here names one.  Numbers are kept as the text that is printed, so that no
digit is lost, and read where they are compared.  `docs/papers.md` describes the file's form.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from results.files import StoreError
from results.identity import base_name
from results.published_claims import Claim, check_claim, claims_of
from results.published_settings import SettingsTable, setting_of
from results.published_sweeps import Sweep, check_sweep
from results.study_tests import StudyTest

FOLDER = Path(__file__).parent / "published"
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)(?: ± (\d+(?:\.\d+)?))?")


@dataclass(frozen=True)
class PaperSuite:
    """`suite`: our name with the options that the paper's setting needs.  `budget`: its environment steps a run."""

    id: str
    printed: str
    suite: str
    budget: int | None = None
    note: str = ""  # what sets its environment apart from ours

    @property
    def base(self) -> str:
        return base_name(self.suite)


@dataclass(frozen=True)
class PaperAlgorithm:
    """`id`: our algorithm's name, which need not exist yet."""

    id: str
    printed: str
    note: str = ""


@dataclass(frozen=True)
class ScoreTable:
    """Rows against columns, one of them suites and the other algorithms, by id."""

    id: str
    place: str
    title: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[str, ...]]  # printed texts
    baseline: str = ""  # the algorithm over which gains are taken
    measurement: str = ""  # what must be measured where the cells are no scores on test tasks
    measured_by: str = ""  # the study of ours that does, which need not exist yet
    quantity: str = ""  # that study's
    note: str = ""


@dataclass(frozen=True)
class PaperFigure:
    """`kind` names what draws it, `reports/papers/figures/<kind>.py`; `axes`: the ends of the printed vertical axis."""

    id: str
    place: str
    title: str
    kind: str
    suites: tuple[str, ...]
    algorithms: tuple[str, ...]
    axes: dict[str, tuple[float, float]] = field(default_factory=dict)
    axis_of: str = ""  # the study's quantity that stands on this axis
    quantities: tuple[str, ...] = ()  # of the study, by their first letters; all if empty
    measurement: str = ""  # what must be measured
    measured_by: str = ""  # the study of ours that it is drawn from, which need not exist yet
    ours: bool = False  # the paper has no such figure
    note: str = ""


@dataclass(frozen=True)
class Reading:
    """Somebody else's measurement of the same method, of low precision."""

    source: str
    suite: str
    algorithm: str
    before: str
    after: str
    note: str = ""


@dataclass(frozen=True)
class Paper:
    name: str  # the file's
    title: str
    authors: str
    year: int
    venue: str
    source: str  # which text of it the data were taken from
    open: tuple[str, ...]  # what it leaves open, and so cannot be compared
    suites: tuple[PaperSuite, ...]
    algorithms: tuple[PaperAlgorithm, ...]
    tables: tuple[ScoreTable, ...]
    settings: tuple[SettingsTable, ...]
    figures: tuple[PaperFigure, ...]
    readings: tuple[Reading, ...]
    claims: tuple[Claim, ...]
    sweeps: tuple[Sweep, ...] = ()
    without_settings: dict[str, str] = field(default_factory=dict)  # studies that no printed setting is about, and why

    def suite(self, identifier: str) -> PaperSuite:
        return next(suite for suite in self.suites if suite.id == identifier)

    def printed(self, identifier: str) -> str:
        """What the paper calls a suite or an algorithm; the name itself where it has no word for it."""
        entries: Iterable[PaperSuite | PaperAlgorithm] = (*self.suites, *self.algorithms)
        return next((entry.printed for entry in entries if entry.id == identifier), identifier)


def parse_number(text: str) -> tuple[float, float | None]:
    """Mean and what follows ±, if anything does.  Raises ValueError for another form."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a number, or two with ' ± ' between them")
    return float(match[1]), None if match[2] is None else float(match[2])


def find_paper(name: str) -> Paper:
    """Raises StoreError offering the nearest name."""
    known = papers()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        offer = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        raise StoreError(f"unknown paper {name!r}; {offer}")
    return known[name]


@cache
def papers(folder: Path = FOLDER) -> Mapping[str, Paper]:
    """Every paper of the folder, by name.  Raises StoreError naming a file that is not one, and why."""
    return MappingProxyType({path.stem: read_paper(path) for path in sorted(folder.glob("*.toml"))})


def read_paper(path: Path) -> Paper:
    """Raises StoreError naming the file and what is wrong in it."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        paper = _paper(path.stem, content)
        _check(paper)
    except (tomllib.TOMLDecodeError, TypeError, ValueError, KeyError) as error:
        raise StoreError(f"published data {path.name} are not valid: {error}") from None
    return paper


def _paper(name: str, content: dict[str, Any]) -> Paper:
    suites = _made(PaperSuite, _tables(content, "suites"))
    algorithms = _made(PaperAlgorithm, _tables(content, "algorithms"))
    printed = {suite.id: suite.printed for suite in suites}
    tables = _made(ScoreTable, _tables(content, "tables"))
    for table in tables:
        _check_table(table, {*printed, *(entry.id for entry in algorithms)})
    claims = [
        _with_numbers(claim, tables) for made in _tables(content, "claims") for claim in _claims(name, made, printed)
    ]
    settings = _tables(content, "settings")
    for entry in settings:
        entry["rows"] = [setting_of(row) for row in entry["rows"]]
    return _one(
        Paper,
        {
            **content,
            "name": name,
            "suites": suites,
            "algorithms": algorithms,
            "tables": tables,
            "settings": _made(SettingsTable, settings),
            "figures": _made(PaperFigure, _tables(content, "figures")),
            "readings": _made(Reading, _tables(content, "readings")),
            "claims": tuple(claims),
            "sweeps": _made(Sweep, _tables(content, "sweeps")),
        },
    )


def _claims(paper: str, table: dict[str, Any], printed: Mapping[str, str]) -> list[Claim]:
    """One claim for each of the suites that it names."""
    tests = _made(StudyTest, _tables(table, "tests"))
    return [_one(Claim, {**values, "tests": tests}) for values in claims_of(paper, table, printed)]


def _with_numbers(claim: Claim, tables: Iterable[ScoreTable]) -> Claim:
    """The claim with what its table prints of both sides.  Raises ValueError for a table or cell that is not there."""
    if not claim.table:
        return claim
    table = next((table for table in tables if table.id == claim.table), None)
    if table is None:
        raise ValueError(f"{claim.id}: there is no table {claim.table!r}")
    cells = {
        frozenset((row, column)): text
        for row, texts in table.rows.items()
        for column, text in zip(table.columns, texts, strict=False)
    }
    sides = []
    for side in (claim.first, claim.second):
        missing = [name for name in side if frozenset((claim.suite, name)) not in cells]
        if missing:
            raise ValueError(f"{claim.id}: {claim.table} prints no number of {missing[0]!r} on {claim.suite!r}")
        sides.append(", ".join(cells[frozenset((claim.suite, name))] for name in side))
    return replace(claim, printed=" against ".join(sides))


def _tables(content: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """What stood under the key.  Raises ValueError unless it is a list of tables."""
    tables = content.pop(key, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ValueError(f"{key} must be a list of tables, [[{key}]], got {tables!r}")
    return tables


Made = TypeVar("Made")


def _made(cls: type[Made], tables: list[dict[str, Any]]) -> tuple[Made, ...]:
    return tuple(_one(cls, table) for table in tables)


def _one(cls: type[Made], table: dict[str, Any]) -> Made:
    """Lists become tuples.  Raises ValueError naming a key that is unknown or misses."""
    known = {entry.name: entry for entry in fields(cls)}  # type: ignore[arg-type]
    what = f"{cls.__name__} {table.get('id', table.get('name', ''))!r}"
    for key in table:
        if key not in known:
            raise ValueError(f"{what} has no key {key!r}; known: {', '.join(known)}")
    for key, entry in known.items():
        if key not in table and entry.default is MISSING and entry.default_factory is MISSING:
            raise ValueError(f"{what} needs the key {key!r}")
    return cls(**{key: _frozen(value) for key, value in table.items()})


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return value


def _check(paper: Paper) -> None:
    """Raises ValueError where a name leads nowhere, a row has the wrong length or a number is none."""
    suites, algorithms = {entry.id for entry in paper.suites}, {entry.id for entry in paper.algorithms}
    sections = [entry.id for group in (paper.tables, paper.settings, paper.figures, paper.sweeps) for entry in group]
    named = [entry.id for group in (paper.suites, paper.algorithms) for entry in group]
    for identifiers in (named, sections, [claim.id for claim in paper.claims]):
        twice = sorted({name for name in identifiers if identifiers.count(name) > 1})
        if twice:
            raise ValueError(f"the id {twice[0]!r} is given twice")
    for settings in paper.settings:
        _known(settings.id, [*settings.suites, *(name for row in settings.rows for name in row.suites)], suites)
        named_here = [*settings.algorithms, *(name for row in settings.rows for name in row.algorithms)]
        _known(settings.id, named_here, algorithms)
    for figure in paper.figures:
        _known(figure.id, [*figure.suites, *figure.axes], suites)
        _known(figure.id, figure.algorithms, algorithms)
    for reading in paper.readings:
        _known(f"reading {reading.source}", [reading.suite, reading.algorithm], suites | algorithms)
    for study in paper.without_settings:
        if any(study in settings.studies for settings in paper.settings):
            raise ValueError(f"the study {study!r} stands in without_settings and in the studies of a settings table")
    for sweep in paper.sweeps:
        _known(sweep.id, sweep.suites, suites)
        _known(sweep.id, [sweep.algorithm], algorithms)
        check_sweep(sweep)
    for claim in paper.claims:
        _known(claim.id, [claim.suite] if claim.suite else [], suites)
        _known(claim.id, [*claim.first, *claim.second], algorithms)
        check_claim(claim)


def _check_table(table: ScoreTable, known: set[str]) -> None:
    _known(table.id, [*table.columns, *table.rows], known)
    for row, cells in table.rows.items():
        if len(cells) != len(table.columns):
            raise ValueError(f"{table.id}: row {row!r} has {len(cells)} cells for {len(table.columns)} columns")
        for text in cells:
            parse_number(text)


def _known(what: str, names: Iterable[str], known: set[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{what}: {name!r} is no id of a suite or an algorithm here")

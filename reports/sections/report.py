"""What the sections of a page are made from, and what each of them gives."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from reports.figures.colours import Style, styles_for
from reports.scores.across import Across, by_profile, compare_across
from reports.scores.boards import SuiteScores, make_boards
from reports.scores.cautions import Caution, FailedRun, collect_cautions
from reports.scores.effort import Effort, efforts_of
from reports.scores.entries import AlgorithmScores, Refused, collect_entries
from reports.scores.headline import Headline, make_headline
from reports.scores.pairwise import PairTests, compare_pairs
from reports.scores.profiles import Profiles, across_profiles, board_profiles
from reports.scores.tried import Tried, configurations_tried
from reports.scores.tuning import TunedMethod, in_order
from results.files import StoreError

if TYPE_CHECKING:
    from results.decisions import SequentialDecisions
    from results.store import StoredRun


@dataclass(frozen=True)
class Section:
    """A part of the page and the files beside it, by name within the report's folder.  Either may be empty."""

    html: str = ""
    files: Mapping[str, str | bytes] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Report:
    """What a section may show.  What several sections need is worked out once, when the first asks for it."""

    title: str
    boards: tuple[SuiteScores, ...]
    refused: tuple[Refused, ...]
    cautions: tuple[Caution, ...]
    stale: frozenset[str]  # digests of configurations whose code, software or data were others when they ran
    styles: dict[str, Style]  # by algorithm
    tried: Tried = field(default_factory=dict)  # configurations that have test scores
    efforts: Mapping[str, Effort] = field(default_factory=dict)  # of tuning, by the entries' digests
    tuning: tuple[TunedMethod, ...] = ()  # of the suites that are shown, or of siblings whose values they took
    decisions: tuple[SequentialDecisions, ...] = ()  # made look by look
    focus: str = ""  # the algorithm of which the page speaks first; empty: none

    @cached_property
    def classes(self) -> dict[str, str]:
        """The CSS class of each algorithm's colour and marker."""
        return {algorithm: f"a{index}" for index, algorithm in enumerate(sorted(self.styles))}

    @cached_property
    def tests(self) -> dict[str, PairTests]:
        """By the boards' names."""
        found = {board.name: compare_pairs(board, self.decisions) for board in self.boards}
        return {name: tests for name, tests in found.items() if tests is not None}

    @cached_property
    def headline(self) -> Headline:
        return make_headline(self.boards, self.tests)

    @cached_property
    def across(self) -> tuple[Across, ...]:
        """One for each profile."""
        return tuple(compare_across(profile, boards) for profile, boards in by_profile(self.boards).items())

    @cached_property
    def profiles(self) -> dict[str, Profiles]:
        """Performance profiles by the boards' names."""
        return {board.name: board_profiles(board) for board in self.boards}

    @cached_property
    def profiles_across(self) -> dict[str, Profiles]:
        """By profile of the runs, where anything has normalised scores."""
        return {across.profile: across_profiles(across) for across in self.across if across.strata}

    @property
    def runs(self) -> list[StoredRun]:
        """Each once, though what has not trained stands on several boards."""
        return [run for entry in self.entries for run in entry.runs]

    @cached_property
    def entries(self) -> list[AlgorithmScores]:
        """Likewise."""
        return list({entry.digest: entry for board in self.boards for entry in board.entries}.values())


def make_report(
    runs: Iterable[StoredRun],
    reference: Iterable[StoredRun] = (),
    stale: Collection[str] = (),
    failed: Sequence[FailedRun] = (),
    title: str = "Leaderboard",
    left_out: Sequence[str] = (),
    tried: Tried | None = None,
    decisions: Iterable[SequentialDecisions] = (),
    focus: str = "",
    tuning: Iterable[TunedMethod] = (),
) -> Report:
    """Reads the runs' tables and sums them up.

    reference: shipped results, compared like the others and labelled.  stale: digests of configurations whose code or
    software has changed since they ran.  failed: runs that were asked for and did not finish.
    left_out: cells that were asked for and are not run, since the algorithm does not fit the suite, a line each.
    tried: how many configurations were tried (`scores/tried.py`); None: as many as these runs have.
    decisions: made look by look, of these runs or of others.  focus: the algorithm of which the page speaks first.
    tuning: what was tried to tune methods; what has nothing to do with what is shown is left out.
    Raises StoreError if there is no run that gives a score.
    """
    runs, reference = list(runs), list(reference)
    entries, refused = collect_entries(runs, reference)
    if not entries:
        why = refused[0].reason if refused else "no finished run is stored; run `metarl leaderboard` first"
        raise StoreError(f"there is nothing to report: {why}")
    boards = make_boards(entries)
    tuned = tuple(tuning)
    efforts = efforts_of(entries, tuned)
    cautions = collect_cautions(boards, refused, stale, failed, left_out, efforts)
    styles = styles_for(entry.algorithm for entry in entries)
    counted = configurations_tried([*runs, *reference]) if tried is None else tried
    return Report(
        title, boards, refused, cautions, frozenset(stale), styles, counted, efforts,
        _concerning(tuned, entries, efforts), tuple(decisions), focus,
    )  # fmt: skip


def _concerning(
    tuned: Iterable[TunedMethod], entries: Iterable[AlgorithmScores], efforts: Mapping[str, Effort]
) -> tuple[TunedMethod, ...]:
    """Those of algorithms, suites and profiles that are shown, and those of siblings whose values are."""
    shown = {
        (suite, str(run.run["description"]["profile"]), entry.algorithm)
        for entry in entries
        for suite in (entry.suite, efforts[entry.digest].sibling)
        for run in entry.runs
    }
    found = [each for each in tuned if (each.suite, each.profile, each.algorithm) in shown]
    return in_order(found)
